"""What a value is instead of what a schema asks for, as a sentence: `mode is "quick", not "full"`.

For conditions, whose readers want to know what was there. So a scalar is quoted here, shortened; of
what has parts only the type or the size is told. Whoever prints the sentence escapes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftflow.reading.document import type_name
from driftflow.schemas.breaches import make_finder
from driftflow.schemas.published import find_unknown_keys
from driftflow.schemas.wording import (
    TOO_DEEP,
    TOO_SLOW,
    explain,
    join_demands,
    list_few,
    name_all_wanted,
    name_choices,
    name_form,
    name_types,
    narrow_excluded,
    quote_names,
)
from driftflow.text import count_of, format_json, format_path, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jsonschema import ValidationError

    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

# By keyword, what the value is, from the keyword's argument and the value.
_TEXTS: dict[str, Callable[[Any, Any], str]] = {
    "type": lambda wanted, found: f"is {type_name(found)}, not {name_types(wanted)}",
    "enum": lambda wanted, found: f"is {_show(found)}, {_exclude(wanted, found)}",
    "const": lambda wanted, found: f"is {_show(found)}, {_exclude([wanted], found)}",
    "minimum": lambda wanted, found: f"is {_show(found)}, less than {_show(wanted)}",
    "maximum": lambda wanted, found: f"is {_show(found)}, more than {_show(wanted)}",
    "exclusiveMinimum": lambda wanted, found: f"is {_show(found)}, not more than {_show(wanted)}",
    "exclusiveMaximum": lambda wanted, found: f"is {_show(found)}, not less than {_show(wanted)}",
    "multipleOf": lambda wanted, found: f"is {_show(found)}, not a multiple of {_show(wanted)}",
    "minLength": lambda wanted, found: _describe_size(found, "character", "fewer", wanted),
    "maxLength": lambda wanted, found: _describe_size(found, "character", "more", wanted),
    "minItems": lambda wanted, found: _describe_size(found, "item", "fewer", wanted),
    "maxItems": lambda wanted, found: _describe_size(found, "item", "more", wanted),
    "additionalItems": lambda wanted, found: _describe_size(found, "item", "more", wanted),
    "minProperties": lambda wanted, found: _describe_size(found, "field", "fewer", wanted),
    "maxProperties": lambda wanted, found: _describe_size(found, "field", "more", wanted),
    "pattern": lambda wanted, found: f"is {_show(found)}, which does not match `{shorten(wanted)}`",
    "uniqueItems": lambda wanted, _found: (
        f"has the same item twice: `[{wanted[0]}]` and `[{wanted[1]}]`"
    ),
    "contains": lambda wanted, _found: f"has no item {_which_is(wanted)}",
    "required": lambda wanted, _found: f"has no field {list_few(quote_names(wanted), last='or')}",
    "oneOf": lambda _wanted, _found: "has more than one of the forms of which it should have one",
    "anyOf": lambda _wanted, _found: "has none of the forms that it could have",
    "None": lambda _wanted, _found: "is there, and must not be",
}


def describe_mismatch(schema: Mapping[str, Any], value: Json, subject: str) -> str:
    """Return a sentence about the first thing in which a value differs from a schema.

    It quotes the value, shortened, and is yet to be escaped.

    Args:
        schema: A JSON Schema, draft-07.
        value: The value.
        subject: The words for all of it, like `the output`.

    Returns:
        The sentence, without a full stop; empty if the value satisfies the schema.
    """
    try:
        error = next(make_finder(schema).iter_errors(value), None)
    except RecursionError:
        return f"{subject} cannot be checked: {TOO_DEEP}"
    if error is not None and error.cause:
        return f"{_name((*error.absolute_path,), subject)} {TOO_SLOW}"
    return _describe(error, subject) if error else ""


def _describe(error: ValidationError, subject: str) -> str:
    path = (*error.absolute_path,)
    wanted: Any = error.validator_value
    found: Any = error.instance
    definition: Any = error.schema
    match str(error.validator):
        case "not":
            schema, inner = narrow_excluded(wanted, found)
            return f"{_name((*path, *inner), subject)} {_describe_excluded(schema, found, inner)}"
        case "propertyNames":
            name = f"has the field `{shorten(found)}`, a name that {explain(error.context[0])}"
            return f"{_name(path[:-1], subject)} {name}"
        case "additionalItems":
            return f"{_name(path[:-1], subject)} {_TEXTS['additionalItems'](wanted, found)}"
        case "additionalProperties":
            unknown = next(find_unknown_keys(found, definition))
            return f"{_name(path, subject)} has the unknown field `{shorten(unknown)}`"
        case "anyOf" if error.context:
            return f"{_name(path, subject)} {_describe_choice(error.context, found)}"
        case keyword:
            text = _TEXTS.get(keyword, lambda *_: f"does not satisfy `{shorten(keyword)}`")
            return f"{_name(path, subject)} {text(wanted, found)}"


def _name(path: JsonPath, subject: str) -> str:
    return f"`{shorten(format_path(path))}` of {subject}" if path else subject


def _exclude(choices: Sequence[Json], found: Json) -> str:
    """Return that a value is none of the choices, of which those that have parts are not told."""
    if not choices:
        return "not allowed"
    if isinstance(found, list | dict) and any(type(choice) is type(found) for choice in choices):
        return "but not the one asked for" if len(choices) == 1 else "but none of those asked for"
    return f"not {name_choices(choices, _show)}"


def _describe_excluded(schema: Any, found: Any, path: JsonPath) -> str:
    """Return that a value is what a `not` rules out."""
    for key in path:
        found = found[key]
    if schema in (True, {}):
        return "is there, and must not be"
    return f"is {_show(found)}, which is ruled out"


def _describe_choice(errors: Sequence[ValidationError], found: Any) -> str:
    """Return what a value is instead of what any of several forms asks for."""
    names = name_all_wanted(errors, _show)
    return f"is {_show(found)}, {f'not {names}' if names else f'and {join_demands(errors)}'}"


def _which_is(schema: Any) -> str:
    words = name_form(schema)
    return f"that is {words}" if words else "of the form that is asked for"


def _describe_size(value: Any, noun: str, word: str, limit: int) -> str:
    """Return how large a value is: `is empty`, `has 2 items, fewer than 3`."""
    if not value and limit == 1:
        return "is empty"
    return f"has {count_of(len(value), noun)}, {word} than {limit}"


def _show(value: Json) -> str:
    """Return a scalar as JSON, shortened; of what has parts the type alone."""
    return type_name(value) if isinstance(value, list | dict) else shorten(format_json(value))
