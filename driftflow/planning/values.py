"""Values of a plan: data that cannot change, and references to what is there only in a run.

A value of a config is frozen when the plan is built, and evaluated when its step's turn has come. A
parameter becomes its value when the plan is built, as a `Literal`: so the plan shows what would be
done, the key tells two days of a nightly job apart, and nothing after the loader looks for a
reference in what an operator gives.

`references` says how each kind of reference is written.
"""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from pyrsistent import PVector, pvector

from driftflow.planning.pointers import NOTHING, resolve
from driftflow.reading.document import clone_json, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from driftflow.reading.document import Json

Frozen: TypeAlias = "bool | int | float | str | PVector[Frozen] | FrozenObject | Reference | None"

SCALARS = {str, int, float, bool, type(None)}
_JOINED = (str, int, float)  # what can be part of a string; a boolean is an int
_encode = json.JSONEncoder(ensure_ascii=False).encode


class Facts(NamedTuple):
    """What references stand for, as far as a run has come.

    Attributes:
        outputs: By the name of the step, its output. A step that failed or was skipped has none.
        skipped: The names of the steps that were skipped.
        run: The facts about the run, an object.
        take: What is made of an output, or a part of it, that a value holds.
    """

    outputs: Mapping[str, Json]
    skipped: Collection[str] = ()
    run: Json = None
    take: Callable[[Json], Json] = clone_json


def look_at(output: Json) -> Json:
    """Return an output itself, to `take` what is only judged: nobody changes it."""
    return output


class Missing(NamedTuple):
    """Why there is nothing for which a reference could stand.

    Attributes:
        reason: In words that go on from `input` or `condition`.
        is_skip: Whether that is because a step was skipped.
    """

    reason: str
    is_skip: bool = False


class UnavailableError(Exception):
    """There is nothing for which a reference could stand.

    Attributes:
        missing: Why. Whoever catches the exception keeps this alone: the exception itself would
            keep alive what the functions had in hand that it has passed.
    """

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.reason)
        self.missing = missing


class Reference(Protocol):
    """What stands for a value that is there only in a run."""

    def evaluate(self, facts: Facts) -> Json:
        """Return what it stands for; raise UnavailableError if there is nothing."""

    def write(self) -> Json:
        """Return it as it stands in a config."""


class FrozenObject(NamedTuple):
    """A JSON object that cannot change and keeps the order of its keys, as a PMap would not."""

    members: PVector[tuple[str, Frozen]]


class FromStep(NamedTuple):
    """The output of a step, or the outputs of several as an array."""

    names: tuple[str, ...]
    several: bool

    def evaluate(self, facts: Facts) -> Json:
        """Return the output, or the outputs."""
        outputs, _, _, take = facts
        names, several = self
        try:
            if several:
                return [take(outputs[name]) for name in names]
            return take(outputs[names[0]])
        except KeyError:
            missing = [_explain_missing(name, facts) for name in names if name not in outputs]
            raise UnavailableError(min(missing, key=attrgetter("is_skip"))) from None

    def write(self) -> Json:
        """Return it as it stands in a config."""
        names, several = self
        return {"from": [*names] if several else names[0]}


class Part(NamedTuple):
    """A part of the output of a step, or what stands in for it.

    Attributes:
        name: The step.
        at: The pointer to the part; None if it is the whole output, and was not written.
        default: What stands in if there is nothing, in a tuple; an empty one if nothing does.
    """

    name: str
    at: str | None
    default: tuple[Frozen, ...]

    def evaluate(self, facts: Facts) -> Json:
        """Return that part, or else the default."""
        found = facts.outputs.get(self.name, NOTHING)
        part = resolve(found, self.at or "")
        if part is not NOTHING:
            return facts.take(part)
        if self.default:
            return evaluate(self.default[0], facts)
        if found is NOTHING:
            raise UnavailableError(_explain_missing(self.name, facts))
        raise UnavailableError(Missing(f"from {self.name!r}: no place {self.at}"))

    def write(self) -> Json:
        """Return it as it stands in a config."""
        written: dict[str, Json] = {"step": self.name}
        if self.at is not None:
            written["at"] = self.at
        if self.default:
            written["default"] = write(self.default[0])
        return {"from": written}


class Present(NamedTuple):
    """The outputs of those of several steps that have one, as an array."""

    names: tuple[str, ...]

    def evaluate(self, facts: Facts) -> Json:
        """Return the outputs that there are."""
        outputs, _, _, take = facts
        return [take(outputs[name]) for name in self.names if name in outputs]

    def write(self) -> Json:
        """Return it as it stands in a config."""
        return {"from": {"steps": [*self.names], "missing": "omit"}}


class FromUse(NamedTuple):
    """What names use steps: in place of their outputs it has those of the files that they use.

    Attributes:
        reference: The reference, to which a use step is a step like any other.
        outputs: By the name of each use step that it names, the output of the file.
    """

    reference: FromStep | Part | Present
    outputs: tuple[tuple[str, Frozen], ...]

    def evaluate(self, facts: Facts) -> Json:
        """Return what the reference stands for; null in place of what a file's output lacks."""
        known = facts.outputs
        # A copy that knows of as many names as are needed, since there may be very many.
        kind = _Outputs if isinstance(known, _Outputs) else dict
        outputs = kind((name, known[name]) for name in list_reads(self) if name in known)
        inner = facts._replace(outputs=outputs)
        made = {name: evaluate_output(output, inner) for name, output in self.outputs}
        return self.reference.evaluate(facts._replace(outputs=kind({**outputs, **made})))

    def write(self) -> Json:
        """Return it with the outputs of the files, so that it is another one if these change."""
        written: Any = self.reference.write()
        outputs = {name: write(output) for name, output in self.outputs}
        return {"from": {"written": written["from"], "outputs": outputs}}


class RunFact(NamedTuple):
    """A fact about the run that is not known before it."""

    at: str

    def evaluate(self, facts: Facts) -> Json:
        """Return what is at that pointer."""
        fact = resolve(facts.run, self.at)
        if fact is NOTHING:
            raise UnavailableError(Missing(f"from the run: no place {self.at}"))
        return facts.take(fact)

    def write(self) -> Json:
        """Return it as it stands in a config."""
        return {"run": self.at}


class Concat(NamedTuple):
    """One string, of several parts."""

    parts: PVector[Frozen]

    def evaluate(self, facts: Facts) -> Json:
        """Return the string."""
        return "".join([_join(evaluate(part, facts)) for part in self.parts])

    def write(self) -> Json:
        """Return it as it stands in a config."""
        return {"concat": write(self.parts)}


class Literal(NamedTuple):
    """Data that stands for itself: nothing in it is a reference."""

    value: Frozen

    def evaluate(self, facts: Facts) -> Json:
        """Return the data."""
        return evaluate(self.value, facts)

    def write(self) -> Json:
        """Return it as it stands in a config."""
        return {"literal": write(self.value)}


REFERENCES = {FromStep, Part, Present, FromUse, RunFact, Concat, Literal}


def freeze_data(value: Json) -> Frozen:
    """Return data in a form that cannot change, at any depth; nothing in it is a reference."""
    if isinstance(value, dict):
        return FrozenObject(pvector((key, freeze_data(member)) for key, member in value.items()))
    if isinstance(value, list):
        return pvector(map(freeze_data, value))
    return value


def evaluate(value: Any, facts: Facts) -> Json:
    """Return a JSON value, with what its references stand for, that the caller may change.

    Args:
        value: What was frozen.
        facts: What references stand for.

    Raises:
        UnavailableError: If there is nothing for which one of them could stand.
    """
    kind = type(value)
    if kind in SCALARS:
        return value  # type: ignore[no-any-return]  # it is one of these types
    if kind is FrozenObject:
        return {key: evaluate(member, facts) for key, member in value.members}
    if kind in REFERENCES:
        found: Json = value.evaluate(facts)
        return found
    return [evaluate(item, facts) for item in value]


class _Outputs(dict[str, "Json"]):
    """Outputs by name; null for a step that has none."""

    def __missing__(self, _: str) -> None:
        return None


def evaluate_output(value: Any, facts: Facts) -> Json:
    """Return the output of a workflow: null in place of what is not there.

    Args:
        value: What was frozen.
        facts: What references stand for.
    """
    kind = type(value)
    if kind is FrozenObject:
        return {key: evaluate_output(member, facts) for key, member in value.members}
    if kind not in REFERENCES and kind not in SCALARS:
        return [evaluate_output(item, facts) for item in value]
    try:
        return evaluate(value, facts._replace(outputs=_Outputs(facts.outputs)))
    except UnavailableError:
        return None


def write(value: Any) -> Json:
    """Return the JSON value that was frozen, with references as they are written in a config.

    One that names use steps is written with the outputs that these stand for.
    """
    kind = type(value)
    if kind in SCALARS:
        return value  # type: ignore[no-any-return]  # it is one of these types
    if kind is FrozenObject:
        return {key: write(member) for key, member in value.members}
    if kind in REFERENCES:
        written: Json = value.write()
        return written
    return [write(item) for item in value]


def list_reads(value: Any) -> tuple[str, ...]:
    """Return the names of the steps whose outputs are in a value, each once, in its order."""
    if type(value) is FromStep:  # as most are
        return value.names if not value.several else tuple(dict.fromkeys(value.names))
    if type(value) is Part and not value.default:
        return (value.name,)
    return tuple(dict.fromkeys(_find_reads(value)))


def _find_reads(value: Frozen) -> Iterator[str]:
    for reference in find_references(value):
        match reference:
            case FromStep(names=names) | Present(names=names):
                yield from names
            case Part(name=name):
                yield name
            case FromUse(reference=named, outputs=outputs):
                yield from (name for name in list_reads(named) if name not in dict(outputs))


def find_unavailable(value: Frozen, facts: Facts) -> Missing | None:
    """Return why a value cannot be evaluated; None if it can.

    Of several reasons the first one that is no skip counts: what reads a step that failed and one
    that was skipped has failed.
    """
    return min(list_unavailable(value, facts), key=attrgetter("is_skip"), default=None)


def list_unavailable(value: Frozen, facts: Facts) -> Iterator[Missing]:
    """Yield why the references of a value cannot be evaluated, in its order."""
    for reference in find_references(value, with_defaults=False):
        try:
            reference.evaluate(facts)
        except UnavailableError as error:
            if default := list_defaults(reference):  # which is what is not there
                yield from list_unavailable(default[0], facts)
            else:
                yield error.missing


def list_defaults(reference: Any) -> tuple[Frozen, ...]:
    """Return what stands in for what is not there, in a tuple; an empty one if nothing does."""
    if type(reference) is FromUse:
        reference = reference.reference
    return reference.default if type(reference) is Part else ()


def find_references(value: Any, *, with_defaults: bool = True) -> Iterator[Any]:
    """Yield the references in a value, also those in their parts.

    Args:
        value: What was frozen.
        with_defaults: Whether those in defaults are among them.
    """
    kind = type(value)
    if kind in REFERENCES:
        yield value
    inner: Any = ()
    if kind is FrozenObject:
        inner = [member for _, member in value.members]
    elif kind is Concat:
        inner = value.parts
    elif kind is Part:
        inner = value.default if with_defaults else ()
    elif kind is FromUse and with_defaults:  # what an output lacks is null, as if by default
        inner = [*list_defaults(value), *(output for _, output in value.outputs)]
    elif kind not in REFERENCES and kind not in SCALARS:
        inner = value
    for each in inner:
        yield from find_references(each, with_defaults=with_defaults)


def _explain_missing(name: str, facts: Facts) -> Missing:
    if name in facts.skipped:
        return Missing(f"from {name!r}, which was skipped", is_skip=True)
    return Missing(f"from {name!r}, which failed")


def _join(part: Json) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, _JOINED):
        return _encode(part)
    what = f"{type_name(part)} in `concat`"
    raise UnavailableError(Missing(f"has {what}: only strings, numbers and booleans can be joined"))
