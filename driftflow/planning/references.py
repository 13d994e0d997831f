"""What an input holds: data, and references to data that is there only when the plan runs.

An object with just these keys is a reference; any other is data, and so is every string:

    {"from": "step"}                  the output of an earlier step
    {"from": ["step", ...]}           the outputs of several, as an array
    {"param": "name"}                 what the operator gives
    {"param": "name", "default": x}   the same, or else x
    {"literal": x}                    x as it stands, whatever it looks like
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyrsistent import PVector, pvector

from driftflow.reading.document import clone_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftflow.errors import JsonPath
    from driftflow.reading.document import Json

Frozen: TypeAlias = (
    "bool | int | float | str | PVector[Frozen] | FrozenObject | FromStep | Literal | None"
)

_SCALARS = (str, int, float, type(None))
_CONTAINERS = {dict, list}
_DEFAULTED = {"param", "default"}


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
    """Whether an object in an input is a reference: by its keys alone."""
    if len(value) == 1:
        return "from" in value or "param" in value or "literal" in value
    return len(value) == len(_DEFAULTED) and value.keys() == _DEFAULTED


def freeze(value: Json, params: Mapping[str, Json] | None = None) -> Frozen:
    """The value in a form that cannot change, at any depth.

    Args:
        value: An input without mistakes in its references (see `issues`), or any data.
        params: What is given for parameters: their values take the places of the references,
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
    if value["param"] not in params:
        return freeze(value["default"], params)
    given = freeze(params[value["param"]])
    return given if isinstance(given, _SCALARS) else Literal(given)


def thaw(value: Frozen, outputs: Mapping[str, Json] | None = None) -> Json:
    """The JSON value that was frozen, as new dicts and lists that its taker may change.

    Args:
        value: What was frozen.
        outputs: By the name of the step, what its readers are given a copy of. None to have
            references as they were written.
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


def names_read(value: Frozen) -> tuple[str, ...]:
    """The steps from which an input reads, each once, in the order of the input."""
    if isinstance(value, FromStep) and not value.several:
        return value.names
    return tuple(dict.fromkeys(_names_read(value)))


def _names_read(value: Frozen) -> Iterator[str]:
    if isinstance(value, FromStep):
        yield from value.names
    elif isinstance(value, FrozenObject):
        for _, member in value.members:
            yield from _names_read(member)
    elif isinstance(value, PVector):
        for item in value:
            yield from _names_read(item)


def references(value: Json, path: JsonPath = ()) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """The references in an input, each with the path to it; also those in a default."""
    if isinstance(value, dict):
        if is_reference(value):
            yield path, value
            members = [("default", value["default"])] if "default" in value else []
        else:
            members = [*value.items()]
        for key, member in members:
            yield from references(member, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from references(item, (*path, place))


def refers(document: Json) -> bool:
    """Whether there is a reference in any step's input of a document, of whatever shape."""
    steps = document.get("steps") if isinstance(document, dict) else None
    inputs = [
        value
        for step in (steps if isinstance(steps, list) else [])
        if type(step) is dict and type(value := step.get("input")) in _CONTAINERS
    ]
    return any(next(references(value), None) for value in inputs)
