"""Whether a value has the shape that a JSON Schema asks for: yes or no, at once.

The keywords by which most inputs are described are compiled here. Any other leaves the schema to
jsonschema, whose import takes longer than a small run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from driftflow.reading.document import Json

    Check: TypeAlias = Callable[[Any], bool]

_TYPES: dict[str, set[type]] = {
    "null": {type(None)},
    "boolean": {bool},
    "integer": {int},
    "number": {int, float},
    "string": {str},
    "array": {list},
    "object": {dict},
}
_SAMPLES: tuple[Json, ...] = (None, False, 0, "", [], {})
_ANNOTATIONS = {
    "$schema",
    "default",
    "description",
    "examples",
    "markdownDescription",
    "title",
}
# Keywords below which there is data, and no schema.
DATA = {"const", "default", "enum", "examples"}
# The types of the values that a keyword speaks about, that of its own, and what it asks.
_LIMITS: dict[str, tuple[str, set[type], Callable[[Any, Any], bool]]] = {
    "minLength": ("string", {int}, lambda limit, value: len(value) >= limit),
    "maxLength": ("string", {int}, lambda limit, value: len(value) <= limit),
    "minItems": ("array", {int}, lambda limit, value: len(value) >= limit),
    "maxItems": ("array", {int}, lambda limit, value: len(value) <= limit),
    "minimum": ("number", {int, float}, lambda limit, value: value >= limit),
    "maximum": ("number", {int, float}, lambda limit, value: value <= limit),
    "exclusiveMinimum": ("number", {int, float}, lambda limit, value: value > limit),
    "exclusiveMaximum": ("number", {int, float}, lambda limit, value: value < limit),
}


def acceptor(schema: Mapping[str, Any]) -> Callable[[Json], bool]:
    """What says whether a value satisfies the schema.

    Args:
        schema: A JSON Schema, draft-07.

    Raises:
        ValueError: If it is none; says what is wrong with it.
    """
    if "draft-07" not in str(schema.get("$schema", "draft-07")):
        raise ValueError(f"it is of another draft than draft-07: {schema['$schema']}")
    try:
        return _compiled(schema)
    except NotImplementedError:
        from jsonschema import Draft7Validator, SchemaError

        try:
            Draft7Validator.check_schema(schema, format_checker=Draft7Validator.FORMAT_CHECKER)
        except SchemaError as error:
            raise ValueError(f"at {error.json_path}: {error.message}") from None
        _follow_references(schema, schema)
        judge: Check = Draft7Validator(schema).is_valid
        try:
            for sample in _SAMPLES:
                judge(sample)
        except RecursionError:
            raise ValueError("it refers to itself without end") from None
        return lambda value: _judged(judge, value)


def _judged(judge: Check, value: Json) -> bool:
    """What jsonschema says, or no: some numbers and some depths are too much for it."""
    try:
        return judge(value)
    except (ArithmeticError, RecursionError):
        return False


def _follow_references(part: Any, schema: Mapping[str, Any]) -> None:
    """Raise ValueError if a `$ref` leads anywhere but to a place in the same schema."""
    if isinstance(part, list):
        for item in part:
            _follow_references(item, schema)
    elif isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            resolved(part["$ref"], schema)
        if isinstance(part.get("$id"), str) and part is not schema:
            raise ValueError(f"only the whole of it can have an `$id`: {part['$id']}")
        for keyword, member in part.items():
            if keyword not in DATA:
                _follow_references(member, schema)


def resolved(reference: str, schema: Any) -> Any:
    """The schema to which a `$ref` leads in that schema, by a JSON pointer, RFC 6901.

    Raises:
        ValueError: If there is none.
    """
    start, *keys = unquote(reference).split("/")
    place = schema
    for key in keys:
        name = key.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            place = place.get(name) if isinstance(place, dict) else None
    if start == "#" and isinstance(place, dict | bool):
        return place
    raise ValueError(f"`$ref` leads to no place in it: {reference}")


def _compiled(schema: Any) -> Check:
    if not isinstance(schema, dict):
        raise NotImplementedError
    checks = list(_checks(schema))
    return checks[0] if len(checks) == 1 else lambda value: all(check(value) for check in checks)


def _checks(schema: Mapping[str, Any]) -> Iterator[Check]:
    for keyword, argument in schema.items():
        if keyword in _LIMITS:
            yield _limit(keyword, argument)
        elif keyword in _COMPILERS:
            yield _COMPILERS[keyword](argument, schema)
        elif keyword not in _ANNOTATIONS:
            raise NotImplementedError


def _limit(keyword: str, argument: Any) -> Check:
    subject, kinds, ask = _LIMITS[keyword]
    if type(argument) not in kinds:
        raise NotImplementedError
    types = _TYPES[subject]
    return lambda value: type(value) not in types or ask(argument, value)


def _type(names: Any, _: Mapping[str, Any]) -> Check:
    listing = names if isinstance(names, list) else [names]
    if not listing or not all(isinstance(name, str) and name in _TYPES for name in listing):
        raise NotImplementedError
    types = set[type]().union(*(_TYPES[name] for name in listing))
    if "integer" not in listing or float in types:
        return lambda value: type(value) in types
    return lambda value: type(value) in types or (type(value) is float and value.is_integer())


def _enum(choices: Any, _: Mapping[str, Any]) -> Check:
    if not isinstance(choices, list) or not all(type(choice) is str for choice in choices):
        raise NotImplementedError  # of other types, equal is not always equal
    return lambda value: type(value) is str and value in choices


def _required(names: Any, _: Mapping[str, Any]) -> Check:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise NotImplementedError
    return lambda value: type(value) is not dict or all(name in value for name in names)


def _properties(fields: Any, _: Mapping[str, Any]) -> Check:
    if not isinstance(fields, dict):
        raise NotImplementedError
    checks = [(field, _compiled(schema)) for field, schema in fields.items()]
    return lambda value: (
        type(value) is not dict
        or all(check(value[field]) for field, check in checks if field in value)
    )


def _additional(others: Any, schema: Mapping[str, Any]) -> Check:
    fields = schema.get("properties", {})
    if "patternProperties" in schema or not isinstance(fields, dict):
        raise NotImplementedError
    if others is False:
        return lambda value: type(value) is not dict or value.keys() <= fields.keys()
    check = _compiled(others)
    return lambda value: (
        type(value) is not dict
        or all(check(member) for field, member in value.items() if field not in fields)
    )


def _items(items: Any, _: Mapping[str, Any]) -> Check:
    check = _compiled(items)
    return lambda value: type(value) is not list or all(map(check, value))


_COMPILERS: dict[str, Callable[[Any, Mapping[str, Any]], Check]] = {
    "type": _type,
    "enum": _enum,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
}
