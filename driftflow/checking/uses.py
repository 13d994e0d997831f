"""What is wrong with use steps: their fields, what they give, and what is read of them.

What is wrong with a file itself is told with it, whoever uses it. A parameter may be handed on to a
file within: whether its value will do there can be said only of each use, so that is told there.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.checking.contracts import find_reads, tell_missing_place
from driftflow.checking.parameters import judge
from driftflow.checking.references import find_names, walk_values
from driftflow.issues import MAX_ISSUES, Issue
from driftflow.planning.parameters import fill_in, list_declared
from driftflow.planning.pointers import NOTHING, resolve, split
from driftflow.planning.references import (
    Known,
    find_references,
    freeze,
    is_reference,
    scan,
)
from driftflow.planning.uses import MAX_PARTS, USE_FIELDS, list_asked, measure
from driftflow.planning.values import Facts, UnavailableError, evaluate
from driftflow.schemas.published import load_schema
from driftflow.suggestion import did_you_mean
from driftflow.text import format_pointer, join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from driftflow.issues import JsonPath
    from driftflow.planning.references import StepDocument
    from driftflow.planning.uses import File
    from driftflow.reading.document import Json

# In place of the output of a step, of which nothing is known here.
_UNKNOWN: dict[str, Any] = {"from": ""}
# The fields of a file that count only where it is not used.
_OF_RUNS = ("flags", "storage")


def find_issues(file: File, params: Mapping[str, Json] | None) -> list[Issue]:
    """Return what is wrong with the use steps of a file of any shape.

    The issues have paths; their lines are yet to be found.

    Args:
        file: The file, and what it uses.
        params: The values of its parameters; None if that is not known yet.
    """
    return [*islice(_find_issues(file, params), MAX_ISSUES)]


def find_surprises(file: File, *, is_used: bool) -> Iterator[Issue]:
    """Yield warnings about what a file of any shape reads of those that it uses, and ignores.

    Args:
        file: The file, and what it uses.
        is_used: Whether another file uses it.
    """
    yield from find_missing_places(file)
    if is_used:
        yield from find_ignored_settings(file.value)


def find_ignored_settings(document: Any) -> Iterator[Issue]:
    """Yield a warning for each field of a file that says how to run it, since it is used."""
    for key in _OF_RUNS:
        if isinstance(document, dict) and key in document:
            message = f"`{key}` is ignored in a file that another one uses"
            yield Issue("ignored-field", message, (key,), "the outermost file decides", mark="key")


def find_missing_places(file: File) -> Iterator[Issue]:
    """Yield a warning for each place that is read in the output of a file and cannot be there."""
    outputs = {
        str(file.graph.steps[index].get("name")): output
        for index, used in file.uses.items()
        for _, output in (used.graph.output if used else ())
    }
    if not outputs:
        return
    for path, value in walk_values(file.graph.steps, file.graph.output):
        for read in find_reads(value):
            gap = _find_gap(outputs.get(read.name, _UNKNOWN), split(read.at))
            if gap is not None:
                yield tell_missing_place(read, path, did_you_mean(gap.key, gap.known))


class _Gap(NamedTuple):
    """Where a way into a value ends.

    Attributes:
        key: What is not there.
        known: What is there instead.
    """

    key: str
    known: Collection[str]


def _find_gap(value: Json, keys: Iterable[str]) -> _Gap | None:
    """Return where the way into a value of any shape ends; None if it may be there."""
    for key in keys:
        if isinstance(value, dict) and is_reference(value):
            return None
        inner = resolve(value, format_pointer((key,)))
        if inner is NOTHING:
            return _Gap(key, [*value] if isinstance(value, dict) else [])
        value = inner
    return None


def list_secret_paths(file: File) -> list[JsonPath]:
    """Return where a file gives to another one what is not for everybody.

    That is what a sensitive step is handed. If a file could not be read, nobody can tell: then it
    is all that is given, but for what only names a parameter or a step.
    """
    return [
        ("steps", index, "params", name)
        for index, used in file.uses.items()
        for name, value in _list_given(file.graph.steps[index]).items()
        if (name in used.secrets if used else not _is_name(value)) or _uses(file.secrets, value)
    ]


def _is_name(value: Json) -> bool:
    """Return whether a value of any shape is a reference that has nothing but a name."""
    return (
        isinstance(value, dict)
        and len(value) == 1
        and isinstance(value.get("param", value.get("from")), str)
    )


def _find_issues(file: File, params: Mapping[str, Json] | None) -> Iterator[Issue]:
    for index, step in enumerate(file.graph.steps):
        if "use" in step:
            yield from _find_misplaced(step, ("steps", index))
    yield from _find_clashes(file)
    if not all(file.names.values()):
        yield from _find_without_output(file)
    for index, used in file.uses.items():
        if used is not None:
            yield from _check_given(file.graph.steps[index], used, ("steps", index), params)
            yield from _check_handed_on(file.graph.steps[index], used, ("steps", index), params)


def _find_misplaced(step: StepDocument, path: JsonPath) -> Iterator[Issue]:
    fields = load_schema("driftflow")["properties"]["steps"]["items"]["properties"]
    for key in step:
        if key in fields and key not in USE_FIELDS and "deprecationMessage" not in fields[key]:
            message = f"`{key}` cannot stand in a step that has `use`"
            hint = f"such a step has {join_words(USE_FIELDS)}; the steps of the file say the rest"
            yield Issue("misplaced-field", message, (*path, key), hint, mark="key")


def _find_clashes(file: File) -> Iterator[Issue]:
    """Yield an issue for each step that has the name of one within a use step, or has one within.

    References in the files could not tell them apart. Equal names of steps that stand side by side
    are told as such.
    """
    owners: dict[str, list[int]] = {}
    nested: dict[str, None] = {}
    for index, step in enumerate(file.graph.steps):
        name, used = step.get("name"), file.uses.get(index)
        if isinstance(name, str):
            within = [f"{name}/{inner}" for inner in (used.names if used else ())]
            nested |= dict.fromkeys(within)
            for flat in (name, *within):
                owners.setdefault(flat, []).append(index)
    clashes: dict[int, tuple[str, int]] = {}
    for flat in nested:
        first, *others = owners[flat]
        for index in others:
            clashes.setdefault(index, (flat, first))
    for index, (flat, first) in clashes.items():
        message = f"ambiguous step `{shorten(flat)}`: there is another one in `steps[{first}]`"
        path = ("steps", index, "name")
        yield Issue("ambiguous-step", message, path, "give one of the two another name")


def _find_without_output(file: File) -> Iterator[Issue]:
    for path, name in find_names(walk_values(file.graph.steps, file.graph.output)):
        if isinstance(name, str) and file.names.get(name) is False:
            message = f"`{shorten(name)}` uses a file that has no `output`"
            hint = "give the file an `output`, read one of its steps, or name it in `after`"
            yield Issue("no-output", message, path, hint)


def _check_given(
    step: StepDocument, used: File, path: JsonPath, params: Mapping[str, Json] | None
) -> Iterator[Issue]:
    """Yield what is wrong with the parameters that a use step gives."""
    if not isinstance(step.get("params", {}), dict):
        return  # that is told anyway
    given, asked = _list_given(step), list_asked(used)
    unknown = [name for name in given if name not in asked]
    missing = [name for name, is_needed in asked.items() if is_needed and name not in given]
    source = shorten(used.source)
    for name in unknown:
        message = f"`{source}` has no parameter `{shorten(name)}`"
        listed = f"its parameters are {join_words(asked)}" if asked else "it has none"
        hint = did_you_mean(name, missing or asked) or listed
        yield Issue("unknown-param", message, (*path, "params", name), hint, mark="key")
    for name in missing:
        if did_you_mean(name, unknown):
            continue  # it is misspelt, which is told
        message = f"`{source}` needs the parameter `{shorten(name)}`, which is not given"
        hint = f'add it to `params`: `"{shorten(name)}": ...`'
        where = (*path, "params") if "params" in step else path
        yield Issue("missing-param", message, where, hint, mark="start")
    declared = list_declared(used.value) or {}
    for name, value in given.items():
        known = _evaluate(value, params or {})
        if name in declared and known:
            subject = f"the parameter `{shorten(name)}`"
            yield from judge(declared[name], known[0], subject, (*path, "params", name))


def _check_handed_on(
    step: StepDocument, used: File, path: JsonPath, params: Mapping[str, Json] | None
) -> Iterator[Issue]:
    """Yield what is wrong with parameters that the file of a use step hands on to others."""
    if any(used.uses.values()):
        given = _evaluate_all(_list_given(step), params or {})
        for issue in _follow(used, fill_in(list_declared(used.value), given)):
            yield issue._replace(path=(*path, "params") if given else path, mark="start")


def _follow(file: File, values: Mapping[str, Json]) -> Iterator[Issue]:
    """Yield what is wrong with values as parameters of the files to which a file hands them on."""
    for index, used in file.uses.items():
        if used is None:
            continue
        given = _list_given(file.graph.steps[index])
        # What does not depend on what is given is told in the file.
        handed_on = _evaluate_all(
            {
                name: value
                for name, value in given.items()
                if any("param" in reference for _, reference in find_references(value))
            },
            values,
        )
        declared = list_declared(used.value) or {}
        for name, value in handed_on.items():
            subject = f"the parameter `{shorten(name)}` of `{shorten(used.source)}`"
            yield from judge(declared.get(name, True), value, subject, ())
        yield from _follow(used, handed_on)


def _uses(params: Collection[str], value: Json) -> bool:
    """Return whether a value of any shape uses any of these parameters."""
    return any(reference["param"] in params for reference in scan(value).params)


def _list_given(step: StepDocument) -> dict[str, Json]:
    given = step.get("params")
    return given if isinstance(given, dict) else {}


def _evaluate_all(given: Mapping[str, Json], params: Mapping[str, Json]) -> dict[str, Json]:
    """Return the values that are known before the run."""
    evaluated = ((name, _evaluate(value, params)) for name, value in given.items())
    return {name: known[0] for name, known in evaluated if known}


def _evaluate(value: Json, params: Mapping[str, Json]) -> tuple[Json, ...]:
    """Return a value of any shape that is known before the run, in a tuple; else an empty one."""
    named = scan(value)
    names = (reference for reference in named.params if "default" not in reference)
    if named.steps or named.facts or named.has_faults:
        return ()
    if any(reference["param"] not in params for reference in names):
        return ()
    if _is_too_large(value, [reference["param"] for reference in named.params], params):
        return ()  # which is told of all files together
    try:
        known = evaluate(freeze(value, Known(params, {})), Facts({}))
    except UnavailableError:
        return ()
    return (known,) if measure(known).is_allowed else ()


def _is_too_large(value: Json, names: Iterable[str], params: Mapping[str, Json]) -> bool:
    """Return whether a value has too many parts, with the parameters of these names in it."""
    parts = measure(value).parts
    for name in names:
        if parts > MAX_PARTS:
            break
        parts += measure(params.get(name)).parts
    return parts > MAX_PARTS
