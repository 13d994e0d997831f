"""What an input holds: data, and references to data that is there only when the plan runs.

An object with just these keys is a reference; any other is data, and so is every string:

    {"from": "step"}                  the output of an earlier step
    {"from": ["step", ...]}           the outputs of several, as an array
    {"param": "name"}                 what the operator gives
    {"param": "name", "default": x}   the same, or else x
    {"literal": x}                    x as it stands, whatever it looks like

Nothing looks into a string, so no data has to be escaped because of what it looks like, and an
editor's schema can describe a reference. The keys alone decide, not the values: `{"from": 5}` is
a wrong reference, not data, because a typo should not change what a thing is. A `literal` passes
on what would be taken for a reference.

A parameter becomes its value when the plan is built, as a `literal`: so the plan shows what would
be done, the key tells two days of a nightly job apart, and nothing after the loader looks for a
reference in what an operator gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyrsistent import PVector, pvector

from driftflow.reading.document import clone_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

    StepDocument: TypeAlias = dict[str, Any]

Frozen: TypeAlias = (
    "bool | int | float | str | PVector[Frozen] | FrozenObject | FromStep | Literal | None"
)

_SCALARS = (str, int, float, type(None))
CONTAINERS = {dict, list}
_WITH_DEFAULT = {"param", "default"}


class FrozenObject(NamedTuple):
    """A JSON object that cannot change and keeps the order of its keys, as a PMap would not."""

    members: PVector[tuple[str, Frozen]]


class FromStep(NamedTuple):
    """The output of a step, or the outputs of several as an array."""

    names: tuple[str, ...]
    several: bool


class Literal(NamedTuple):
    """Data that stands for itself: nothing in it is a reference."""

    value: Frozen


def is_reference(value: Mapping[str, Json]) -> bool:
    """Return whether an object in an input is a reference; its keys alone decide."""
    if len(value) == 1:
        return "from" in value or "param" in value or "literal" in value
    return len(value) == len(_WITH_DEFAULT) and value.keys() == _WITH_DEFAULT


def freeze(value: Json, params: Mapping[str, Json] | None = None) -> Frozen:
    """Return the value in a form that cannot change, at any depth.

    Args:
        value: An input without mistakes in its references, or any data.
        params: The values of the parameters that are given, by name. They replace the references
            and count as data. None if the value is data, in which nothing is a reference.
    """
    if isinstance(value, dict):
        if params is not None and is_reference(value):
            return _freeze_reference(value, params)
        return FrozenObject(pvector((key, freeze(member, params)) for key, member in value.items()))
    if isinstance(value, list):
        return pvector(freeze(item, params) for item in value)
    return value


def _freeze_reference(value: Mapping[str, Any], params: Mapping[str, Json]) -> Frozen:
    if "from" in value:
        names = value["from"]
        several = isinstance(names, list)
        return tuple.__new__(FromStep, (tuple(names) if several else (names,), several))
    if "literal" in value:
        return Literal(freeze(value["literal"]))
    if value["param"] in params:
        return Literal(freeze(params[value["param"]]))
    default = value["default"]
    if any(find_references(default)):
        return freeze(default, params)
    return Literal(freeze(default))


def thaw(value: Frozen, outputs: Mapping[str, Json] | None = None) -> Json:
    """Return the JSON value that was frozen, in new dicts and lists that the caller may change.

    Args:
        value: What was frozen.
        outputs: By the name of the step, its output: each reference becomes a copy of it. None
            to return references as they were written.
    """
    if isinstance(value, FromStep):
        return _read(value, outputs)
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, FrozenObject):
        return {key: thaw(member, outputs) for key, member in value.members}
    if isinstance(value, Literal):
        held = thaw(value.value)
        return {"literal": held} if outputs is None else held
    return [thaw(item, outputs) for item in value]


def _read(value: FromStep, outputs: Mapping[str, Json] | None) -> Json:
    names, several = value
    if outputs is None:
        return {"from": [*names] if several else names[0]}
    if several:
        return [clone_json(outputs[name]) for name in names]
    return clone_json(outputs[names[0]])


def list_reads(value: Frozen) -> tuple[str, ...]:
    """Return the names of the steps whose outputs are in an input, each once, in its order."""
    if isinstance(value, FromStep) and not value.several:
        return value.names
    return tuple(dict.fromkeys(_find_reads(value)))


def _find_reads(value: Frozen) -> Iterator[str]:
    if isinstance(value, FromStep):
        yield from value.names
    elif isinstance(value, FrozenObject):
        for _, member in value.members:
            yield from _find_reads(member)
    elif isinstance(value, PVector):
        for item in value:
            yield from _find_reads(item)


def list_params(value: Json) -> set[str]:
    """Return the names of the parameters that an input without mistakes refers to."""
    params: list[dict[str, Any]] = []
    scan(value, [], params)
    return {reference["param"] for reference in params}


def list_steps(document: Json) -> list[StepDocument]:
    """Return the steps of a document of any shape; a step that is no object has no fields."""
    steps = document.get("steps") if isinstance(document, dict) else None
    nothing: StepDocument = {}  # one for all: there may be very many
    listing = steps if isinstance(steps, list) else []
    return [step if type(step) is dict else nothing for step in listing]


def scan(value: Json, names: list[Any], params: list[dict[str, Any]]) -> None:
    """Add what the references in an input name; also those in a default.

    Args:
        value: The input, which may have mistakes.
        names: Takes what stands for the names of steps.
        params: Takes the references to parameters.
    """
    if type(value) is dict:
        if len(value) == 1 and "from" in value:  # as most references are
            given = value["from"]
            names += given if type(given) is list else [given]
        elif not is_reference(value):
            for member in value.values():
                if type(member) in CONTAINERS:
                    scan(member, names, params)
        elif "param" in value:
            params.append(value)
            scan(value.get("default"), names, params)
    elif type(value) is list:
        for item in value:
            if type(item) in CONTAINERS:
                scan(item, names, params)


def find_references(value: Json, path: JsonPath = ()) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """Yield the references in an input, each with the path to it; also those in a default."""
    if isinstance(value, dict):
        if is_reference(value):
            yield path, value
            members = [("default", value["default"])] if "default" in value else []
        else:
            members = [*value.items()]
        for key, member in members:
            yield from find_references(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_references(item, (*path, index))
