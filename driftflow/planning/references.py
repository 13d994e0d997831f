"""How references are written: objects in a config that stand for data which is there in a run.

An object with just these keys is a reference; any other is data, and so is every string:

    {"from": "step"}                  the output of another step
    {"from": ["step", ...]}           the outputs of several, as an array
    {"from": {"step": ..., "at": ...}}            a part of an output; `default` stands in for it
    {"from": {"steps": [...], "missing": "omit"}} the outputs of those that have one
    {"param": "name"}                 what the operator gives
    {"param": "name", "default": x}   the same, or else x
    {"run": "/id"}                    a fact about the run
    {"concat": [...]}                 one string, of several parts
    {"literal": x}                    x as it stands, whatever it looks like
    {"item": ...}, {"secret": ...}    reserved

Nothing looks into a string, so no data has to be escaped because of what it looks like, and an
editor's schema can describe a reference. The keys alone decide, not the values: `{"from": 5}` is
a wrong reference, not data, because a typo should not change what a thing is. A `literal` passes
on what would be taken for a reference.

`FORMS` has a row for each key. All that needs to know what a reference is reads it from there.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyrsistent import pvector

from driftflow.planning.pointers import NOTHING, is_pointer, resolve, split
from driftflow.planning.values import (
    SCALARS,
    Concat,
    FromStep,
    FromUse,
    Frozen,
    FrozenObject,
    Literal,
    Part,
    Present,
    RunFact,
    freeze_data,
)
from driftflow.reading.document import type_name
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

    StepDocument: TypeAlias = dict[str, Any]
    # What is wrong with a reference in itself: where, in words, and what to do.
    Fault: TypeAlias = tuple[JsonPath, str, str | None]
    Parts: TypeAlias = Iterable[tuple[JsonPath, Any]]

CONTAINERS = {dict, list}
_NAMES = {str, list}
_WITH_DEFAULT = {"param", "default"}
_PART_KEYS = ("step", "at", "default")
_OF_OTHERS = {"$", ".", "["}  # in paths of other languages: `$.rows[0]`
_RUN_FACTS = ("id", "name", "params")


class Known(NamedTuple):
    """What is known when a plan is built.

    Attributes:
        params: The values of the parameters, by name.
        run: The facts about the run that are known before it.
        uses: By the name of a use step, the output of the file that it uses.
    """

    params: Mapping[str, Json]
    run: Mapping[str, Json]
    uses: Mapping[str, Frozen] = {}  # nobody changes it


class Form(NamedTuple):
    """A kind of reference. Paths begin at the reference.

    Attributes:
        freeze: Returns what a reference without mistakes stands for in a plan.
        list_names: Returns what stands for names of steps, which need not be any.
        list_parts: Returns the values in it that may hold references themselves.
        find_faults: Yields what is wrong with it in itself.
    """

    freeze: Callable[[dict[str, Any], Known], Frozen]
    list_names: Callable[[Any], Parts] = lambda _: ()
    list_parts: Callable[[dict[str, Any]], Parts] = lambda _: ()
    find_faults: Callable[[Any], Iterable[Fault]] = lambda _: ()


def is_reference(value: Mapping[str, Json]) -> bool:
    """Return whether an object is a reference; its keys alone decide."""
    if len(value) == 1:
        (key,) = value
        return key in FORMS
    return len(value) == len(_WITH_DEFAULT) and value.keys() == _WITH_DEFAULT


def find_key(reference: Mapping[str, Json]) -> str:
    """Return the key that says of which kind a reference is."""
    return "param" if "param" in reference else next(iter(reference))


def freeze(value: Json, known: Known) -> Frozen:
    """Return a value in a form that cannot change, at any depth.

    Args:
        value: A value without mistakes in its references.
        known: What is known by now. It replaces the references to it, and counts as data.
    """
    if isinstance(value, dict):
        if is_reference(value):
            return FORMS[find_key(value)].freeze(value, known)
        return FrozenObject(pvector((key, freeze(member, known)) for key, member in value.items()))
    if isinstance(value, list):
        return pvector(freeze(item, known) for item in value)
    return value


def _freeze_from(reference: Mapping[str, Any], known: Known) -> Frozen:
    given = reference["from"]
    if known.uses:
        return _freeze_beside_uses(given, known)
    if type(given) is str:  # as most are
        return tuple.__new__(FromStep, ((given,), False))
    return _freeze_given(given, known)


def _freeze_given(given: Any, known: Known) -> FromStep | Part | Present:
    if type(given) is str:
        return FromStep((given,), several=False)
    if type(given) is list:
        return FromStep(tuple(given), several=True)
    if "steps" in given:
        return Present(tuple(given["steps"]))
    default = (freeze(given["default"], known),) if "default" in given else ()
    return Part(given["step"], given.get("at"), default)


def _freeze_beside_uses(given: Any, known: Known) -> Frozen:
    """Freeze a reference that may name use steps."""
    frozen = _freeze_given(given, known)
    named = dict.fromkeys(name for _, name in _list_step_names(given) if name in known.uses)
    outputs = tuple((name, known.uses[name]) for name in named)
    return FromUse(frozen, outputs) if outputs else frozen


def _freeze_param(reference: Mapping[str, Any], known: Known) -> Frozen:
    if reference["param"] in known.params:
        return Literal(freeze_data(known.params[reference["param"]]))
    default = reference["default"]
    if any(find_references(default)):
        return freeze(default, known)
    return Literal(freeze_data(default))


def _freeze_run(reference: Mapping[str, Any], known: Known) -> Frozen:
    fact = resolve(dict(known.run), reference["run"])
    return RunFact(reference["run"]) if fact is NOTHING else Literal(freeze_data(fact))


def _freeze_concat(reference: Mapping[str, Any], known: Known) -> Frozen:
    parts = pvector(freeze(part, known) for part in reference["concat"])
    return Concat(parts)


def _freeze_literal(reference: Mapping[str, Any], _: Known) -> Frozen:
    return Literal(freeze_data(reference["literal"]))


def _list_step_names(given: Any) -> Parts:
    if isinstance(given, list):
        return (((index,), name) for index, name in enumerate(given))
    if not isinstance(given, dict):
        return [((), given)]
    if "steps" in given:
        names = given["steps"] if isinstance(given["steps"], list) else []
        return ((("steps", index), name) for index, name in enumerate(names))
    return [(("step",), given["step"])] if "step" in given else []


def _list_param_parts(reference: Mapping[str, Any]) -> Parts:
    return [(("default",), reference["default"])] if "default" in reference else []


def _list_from_parts(reference: Mapping[str, Any]) -> Parts:
    given = reference["from"]
    has_default = isinstance(given, dict) and "default" in given
    return [(("from", "default"), given["default"])] if has_default else []


def _list_concat_parts(reference: Mapping[str, Any]) -> Parts:
    given = reference["concat"]
    return (
        [(("concat", index), part) for index, part in enumerate(given)] if _is_list(given) else []
    )


def _is_list(given: Any) -> bool:
    return isinstance(given, list)


def _find_param_faults(given: Any) -> Iterator[Fault]:
    if not isinstance(given, str):
        message = f"`param` must be the name of a parameter, not {type_name(given)}"
        yield (), message, None


def _find_from_faults(given: Any) -> Iterator[Fault]:
    if not isinstance(given, dict):
        return
    keys = ("steps", "missing") if "steps" in given else _PART_KEYS
    for key in given:
        if key not in keys:
            hint = _list_choices(key, keys, "fields")
            yield (key,), f"unknown field `{shorten(key)}` in `from`", hint
    if "steps" not in given and "step" not in given:
        yield (), "`from` names no step", 'write `{"from": {"step": "fetch", "at": "/rows/0"}}`'
    if "at" in given:
        yield from _find_pointer_faults(("at",), given["at"])
    if "steps" in given and not isinstance(given["steps"], list):
        yield (
            ("steps",),
            f"`steps` must be an array of names, not {type_name(given['steps'])}",
            None,
        )
    if "steps" in given and given.get("missing") != "omit":
        where: JsonPath = ("missing",) if "missing" in given else ()
        yield where, '`from` with `steps` needs `"missing": "omit"`', _LIST_ALL


_LIST_ALL = 'for the outputs of all, write `{"from": ["a", "b"]}`'


def _list_choices(given: str, choices: Iterable[str], what: str) -> str:
    from driftflow.suggestion import did_you_mean  # a run without mistakes does without it

    return did_you_mean(given, choices) or f"the {what} are {join_words(choices)}"


def _find_pointer_faults(path: JsonPath, given: Any) -> Iterator[Fault]:
    key = path[-1]
    if not isinstance(given, str):
        yield path, f"`{key}` must be a JSON Pointer, a string, not {type_name(given)}", None
    elif not is_pointer(given):
        hint = "a JSON Pointer is empty, or a `/` before each part: `/rows/0/id`"
        if given[:1] != "/" and is_pointer(f"/{given}") and _OF_OTHERS.isdisjoint(given):
            hint = f"write `/{shorten(given)}`"
        elif "~" in given:
            hint = "in a JSON Pointer, `~0` stands for `~` and `~1` for `/`"
        yield path, f"`{key}` is no JSON Pointer: `{shorten(given)}`", hint


def _find_run_faults(given: Any) -> Iterator[Fault]:
    found = [*_find_pointer_faults(("run",), given)]
    yield from (((), message, hint) for _, message, hint in found)
    pointers = [f"/{name}" for name in _RUN_FACTS]
    # Of the facts only `params` has parts.
    if not (found or given in pointers or given.startswith("/params/")):
        message = f"there is no fact about the run at `{shorten(given)}`"
        yield (), message, _list_choices(given, pointers, "facts")


def _find_concat_faults(given: Any) -> Iterator[Fault]:
    if not _is_list(given):
        hint = 'write `{"concat": ["in/", {"param": "day"}, ".csv"]}`'
        yield (), f"`concat` must be an array, not {type_name(given)}", hint
        return
    for index, part in enumerate(given):
        is_joined = type(part) in SCALARS and part is not None
        if not (is_joined or (type(part) is dict and is_reference(part))):
            what = f"`concat` joins strings, numbers and booleans, not {type_name(part)}"
            yield (index,), what, "write a reference to such a value, or remove it"


def _reserve(key: str) -> Form:
    """Return the form of a key that is an error by now; no plan has one of these."""
    faults: list[Fault] = [((), f"`{key}` is reserved for a later version", None)]
    return Form(_freeze_literal, find_faults=lambda _: faults)


# By the key, each kind of reference.
FORMS: dict[str, Form] = {
    "from": Form(_freeze_from, _list_step_names, _list_from_parts, _find_from_faults),
    "param": Form(_freeze_param, list_parts=_list_param_parts, find_faults=_find_param_faults),
    "run": Form(_freeze_run, find_faults=_find_run_faults),
    "concat": Form(_freeze_concat, list_parts=_list_concat_parts, find_faults=_find_concat_faults),
    "literal": Form(_freeze_literal),
    "item": _reserve("item"),
    "secret": _reserve("secret"),
}


def list_steps(document: Json) -> list[StepDocument]:
    """Return the steps of a document of any shape; a step that is no object has no fields."""
    steps = document.get("steps") if isinstance(document, dict) else None
    nothing: StepDocument = {}  # one for all: there may be very many
    listing = steps if isinstance(steps, list) else []
    return [step if type(step) is dict else nothing for step in listing]


def list_values(step: Mapping[str, Any]) -> list[tuple[JsonPath, Json]]:
    """Return the values of a step, of any shape, that may hold references, with their paths."""
    return [*list_condition(step.get("when")), *list_inputs(step)]


def list_condition(when: Any) -> list[tuple[JsonPath, Json]]:
    """Return the value that a condition, of any shape, looks at; with its path in the step."""
    has_value = type(when) is dict and "value" in when
    return [(("when", "value"), when["value"])] if has_value else []


def list_inputs(step: Mapping[str, Any]) -> list[tuple[JsonPath, Json]]:
    """Return the input of a step, of any shape, and what it hands on to a file that it uses."""
    values: list[tuple[JsonPath, Json]] = []
    if "input" in step:
        values.append((("input",), step["input"]))
    if "use" in step and type(step.get("params")) is dict:
        values += [(("params", name), value) for name, value in step["params"].items()]
    return values


def list_output(document: Any) -> list[tuple[JsonPath, Json]]:
    """Return the output of a workflow, of any shape, with its path; nothing if it has none."""
    has_output = isinstance(document, dict) and "output" in document
    return [(("output",), document["output"])] if has_output else []


class Named:
    """What the references in values name; the values may have mistakes.

    Attributes:
        steps: What stands for the names of steps.
        params: The references to parameters.
        facts: The pointers to facts about the run.
        has_faults: Whether a reference is wrong in itself.
    """

    def __init__(self) -> None:
        self.steps: list[Any] = []
        self.params: list[dict[str, Any]] = []
        self.facts: list[str] = []
        self.has_faults = False

    def scan(self, value: Json) -> None:
        """Take note of the references in a value; also of those in a default."""
        if type(value) is dict:
            if len(value) == 1 and type(value.get("from")) in _NAMES:  # as most references are
                given: Any = value["from"]
                self.steps += given if type(given) is list else [given]
            elif is_reference(value):
                self._scan_reference(value)
            else:
                for member in value.values():
                    if type(member) in CONTAINERS:
                        self.scan(member)
        elif type(value) is list:
            for item in value:
                if type(item) in CONTAINERS:
                    self.scan(item)

    def _scan_reference(self, reference: dict[str, Any]) -> None:
        key = find_key(reference)
        form, given = FORMS[key], reference[key]
        for _, name in form.list_names(given):
            self.steps.append(name)
        if any(form.find_faults(given)):
            self.has_faults = True
        elif key == "param":
            self.params.append(reference)
        elif key == "run":
            self.facts.append(given)
        for _, part in form.list_parts(reference):
            self.scan(part)


def tell_subject(value: Json) -> str:
    """Return what a value of a document is called in a sentence about it: `mode`, `fetch /rows`."""
    if not isinstance(value, dict) or not is_reference(value):
        return "the value"
    key = find_key(value)
    given: Any = value[key]
    if key == "param":
        return str(given)
    if key == "run":
        return str(given.rpartition("/")[2])
    if key == "from" and isinstance(given, dict) and "step" in given:
        at = given.get("at")
        return f"{given['step']} at {at}" if at else str(given["step"])
    return given if key == "from" and isinstance(given, str) else "the value"


def scan(value: Json) -> Named:
    """Return what the references in a value name."""
    named = Named()
    named.scan(value)
    return named


def scan_step(step: Mapping[str, Any]) -> Named:
    """Return what the references in the values of a step name."""
    return scan([value for _, value in list_values(step)])


def list_params(step: Mapping[str, Any]) -> set[str]:
    """Return the names of the parameters that a step without mistakes uses; `*` for all of them."""
    named = scan_step(step)
    facts = (split(pointer) for pointer in named.facts)
    names = {(*parts[1:2], "*")[0] for parts in facts if parts[0] == "params"}
    return names.union(map(itemgetter("param"), named.params))


def find_references(value: Json, path: JsonPath = ()) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """Yield the references in a value, each with the path to it; also those in a default."""
    members: Parts = ()
    if isinstance(value, dict):
        members = (((key,), member) for key, member in value.items())
        if is_reference(value):
            yield path, value
            members = FORMS[find_key(value)].list_parts(value)
    elif isinstance(value, list):
        members = (((index,), item) for index, item in enumerate(value))
    for place, member in members:
        if type(member) in CONTAINERS:
            yield from find_references(member, (*path, *place))
