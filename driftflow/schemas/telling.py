"""An error of a schema as issues: what is wrong, where exactly, and how to mend it.

The path leads to the part that the issue is about, so that a report marks it: a field that is not
allowed, the first item too many, a name. What an error holds, `breaches` says.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.issues import MAX_ISSUES, Issue
from driftflow.reading.document import type_name
from driftflow.schemas.hints import give_example, suggest
from driftflow.schemas.published import find_unknown_keys
from driftflow.schemas.wording import (
    TOO_SLOW,
    explain,
    forbid,
    get_choices,
    list_few,
    name_choices,
    name_types,
    narrow_excluded,
    quote_names,
)
from driftflow.suggestion import did_you_mean, find_nearest, mention_non_ascii
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from jsonschema import ValidationError

    from driftflow.issues import JsonPath

    Issues = Iterator[Issue]

# By keyword, the code of an issue of the config.
_CODES = {
    "type": "wrong-type",
    "required": "missing-field",
    "minLength": "empty-string",
    "minimum": "out-of-range",
    "exclusiveMinimum": "out-of-range",
}
_ABOUT_FIELDS = {"minProperties", "maxProperties"}  # an object may be long: its start is marked
_MANY = 100  # unknown fields that are compared with one that is missing


class Voice(NamedTuple):
    """How a value is spoken of.

    Attributes:
        subject: The words for all of it.
        must_be: What stands before the type that all of it must have.
        unchecked: What is said if it cannot be checked.
        compares: Whether the nearest words are looked for, which takes its time.
    """

    subject: str
    must_be: str
    unchecked: str
    compares: bool = True


def tell_error(error: ValidationError, voice: Voice) -> Issues:
    """Yield the issues of an error, each with the condition under which the rule applies."""
    path = tuple(error.absolute_path)
    if error.cause:
        yield Issue("wrong-type", f"{name_place(path) or voice.subject} {TOO_SLOW}", path)
        return
    reasons = dict.fromkeys(reversed(getattr(error, "__notes__", ())))
    since = f", since {' and '.join(reasons)}" if reasons else ""
    for issue in _TELLING.get(str(error.validator), _tell_plainly)(error, path, voice):
        yield issue._replace(message=issue.message + since)


def _tell_plainly(error: ValidationError, path: JsonPath, voice: Voice) -> Issues:
    keyword = str(error.validator)
    wanted: Any = error.validator_value
    found: Any = error.instance
    message = f"{name_place(path) or voice.subject} {explain(error)}"
    if keyword == "type" and not path:
        message = f"{voice.must_be} {name_types(wanted)}, not {type_name(found)}"
    hint = suggest(error, compare=voice.compares)
    issue = Issue(_CODES.get(keyword, "wrong-type"), message, path, hint)
    yield issue._replace(mark="start") if keyword in _ABOUT_FIELDS else issue


def _tell_missing(error: ValidationError, path: JsonPath, voice: Voice) -> Issues:
    names: Any = error.validator_value
    value: Any = error.instance
    definition: Any = error.schema
    unknown = [*islice(find_unknown_keys(value, definition), _MANY)] if voice.compares else []
    for name in islice(names, MAX_ISSUES):
        if name not in value:
            issue = _tell_field(name, path, unknown, next(iter(error.context), None))
            yield issue if issue.hint else issue._replace(hint=give_example(definition))


def _tell_field(
    field: str, path: JsonPath, unknown: Iterable[str], possible: ValidationError | None
) -> Issue:
    """Return the issue about a field that is missing, or misspelt."""
    message = f"missing required field `{shorten(field)}`"
    for key in unknown:
        if find_nearest(key, [field]):
            meant = f"write `{field}` instead of `{key}`{mention_non_ascii(key)}"
            return Issue("missing-field", message, (*path, key), meant, mark="key")
    choices = possible and get_choices(possible)
    hint = f"`{shorten(field)}` can be {name_choices(choices)}" if choices else None
    return Issue("missing-field", message, path, hint, mark="start")


def _tell_unknown(error: ValidationError, path: JsonPath, voice: Voice) -> Issues:
    value: Any = error.instance
    definition: Any = error.schema
    fields = definition.get("properties", {})
    for key in islice(find_unknown_keys(value, definition), MAX_ISSUES):
        hint = _list_fields(fields)
        if voice.compares:
            hint = did_you_mean(key, islice(fields, MAX_ISSUES)) or hint
        message = f"unknown field `{shorten(key)}`"
        yield Issue("ignored-field", message, (*path, key), hint, mark="key")


def _list_fields(fields: Collection[str]) -> str | None:
    words = "the allowed fields are" if len(fields) > 1 else "the only field is"
    return f"{words} {list_few(quote_names(fields), len(fields))}" if fields else None


def _tell_names(error: ValidationError, path: JsonPath, voice: Voice) -> Issues:
    """Yield what is wrong with the name of a field, at the field."""
    for inner in error.context:
        message = f"the name `{shorten(str(error.instance))}` {explain(inner)}"
        hint = suggest(inner, compare=voice.compares)
        yield Issue("wrong-type", message, path, hint, mark="key")


def _tell_further(error: ValidationError, path: JsonPath, voice: Voice) -> Issues:
    """Yield how many items there may be, at the first one too many."""
    most = f"{name_place(path[:-1]) or voice.subject} {explain(error)}"
    yield Issue("wrong-type", f"{name_place(path)} is one too many: {most}", path)


def _tell_excluded(error: ValidationError, path: JsonPath, voice: Voice) -> Issues:
    """Yield what a `not` rules out, at the field that it is about."""
    schema, inner = narrow_excluded(error.validator_value, error.instance)
    if schema in (True, {}):
        yield from _tell_not_allowed(error, (*path, *inner), voice)
    else:
        message = f"{name_place((*path, *inner)) or voice.subject} {forbid(schema)}"
        yield Issue("wrong-type", message, (*path, *inner))


def _tell_not_allowed(_error: ValidationError, path: JsonPath, voice: Voice) -> Issues:
    message = f"{name_place(path) or voice.subject} is not allowed"
    is_field = bool(path) and isinstance(path[-1], str)
    yield Issue("wrong-type", message, path, mark="key" if is_field else "value")


def name_place(path: JsonPath) -> str:
    """Return the part to which a path leads by its name, in backticks; nothing for all of it."""
    match path:
        case ():
            return ""
        case (*_, str(key), int(index)):
            return f"`{shorten(key)}[{index}]`"
        case (*_, int(index)):
            return f"`[{index}]`"
        case _:
            return f"`{shorten(str(path[-1]))}`"


# By keyword, what makes issues of its errors; of all others `_tell_plainly` does.
_TELLING: dict[str, Callable[[ValidationError, JsonPath, Voice], Issues]] = {
    "required": _tell_missing,
    "additionalProperties": _tell_unknown,
    "additionalItems": _tell_further,
    "propertyNames": _tell_names,
    "not": _tell_excluded,
    "None": _tell_not_allowed,
}
