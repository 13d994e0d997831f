"""What a document breaks of the config's schema, as jsonschema finds it, in our words."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator

from driftflow.document import type_name
from driftflow.errors import Issue
from driftflow.schemas import schema, unknown_keys
from driftflow.suggestion import nearest, oddity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jsonschema import ValidationError

    from driftflow.document import Json
    from driftflow.errors import JsonPath

# A code and a text for each keyword of the schema that can fail, from what it wants and what it
# found. jsonschema's own messages hold the whole instance, which can be the whole document.
_TEXTS: dict[str, tuple[str, Callable[[Any, Any], str]]] = {
    "type": (
        "wrong-type",
        lambda wanted, found: f"must be {_with_article(wanted)}, not {type_name(found)}",
    ),
    "minLength": ("empty-string", lambda _wanted, _found: "must not be empty"),
    "minimum": ("out-of-range", lambda wanted, _found: f"must be at least {wanted}"),
    "exclusiveMinimum": (
        "out-of-range",
        lambda wanted, _found: f"must be greater than {wanted}",
    ),
}

# By the type that is wanted: a string that would be right without its quotes.
_QUOTED = {
    "integer": "-?(0|[1-9][0-9]*)",
    "number": r"-?(0|[1-9][0-9]*)(\.[0-9]+)?",
    "boolean": "true|false",
}
# By the field, or else by the type that is wanted: what it looks like.
_SHAPES: dict[str | int, str] = {
    "": 'a workflow is an object: `{"name": "demo", "steps": [...]}`',
    "steps": 'steps are an array: `[{"name": "fetch", "action": "echo"}]`',
    "flags": 'flags are an object: `{"audit": true}`',
    "storage": 'the storage is an object: `{"path": "./driftflow.audit.json"}`',
    "boolean": "write `true` or `false`",
}


def issues(value: Json) -> list[Issue]:
    """All that the document's value breaks of the config's schema; the places are yet to be found.

    In the order of the schema.
    """
    found = (issue for error in _validator().iter_errors(value) for issue in _explain(error))
    return list(dict.fromkeys(found))


@cache
def _validator() -> Draft7Validator:
    return Draft7Validator(schema("driftflow"))


def _explain(error: ValidationError) -> Iterator[Issue]:
    path = tuple(error.absolute_path)
    wanted: Any = error.validator_value
    found: Any = error.instance
    definition: Any = error.schema
    if error.validator == "required":
        # jsonschema reports each missing field, but not as data which one it is: all are
        # named each time, and `issues` drops the repetitions.
        for field in wanted:
            if field not in found:
                yield _missing(field, path, unknown_keys(found, definition))
    else:
        code, text = _TEXTS[str(error.validator)]
        message = f"{_subject(path)} {text(wanted, found)}"
        yield Issue(code, message, path, _hint(wanted, found, path))


def _hint(wanted: Any, found: Any, path: JsonPath) -> str | None:
    """What to write instead of a value of the wrong type."""
    if isinstance(found, str) and re.fullmatch(_QUOTED.get(wanted, "(?!)"), found):
        return "leave out the double quotes"
    return _SHAPES.get(path[-1] if path else "", _SHAPES.get(wanted))


def _missing(field: str, path: JsonPath, unknown: Iterable[str]) -> Issue:
    message = f"missing required field `{field}`"
    for key in unknown:
        if nearest(key, [field]):
            hint = f"write `{field}` instead of `{key}`{oddity(key)}"
            return Issue("missing-field", message, (*path, key), hint, mark="key")
    return Issue("missing-field", message, path, mark="start")


def _subject(path: JsonPath) -> str:
    match path:
        case ():
            return "the document"
        case (*_, str(key), int(place)):
            return f"`{key}[{place}]`"
        case _:
            return f"`{path[-1]}`"


def _with_article(wanted: str) -> str:
    return f"an {wanted}" if wanted[0] in "aio" else f"a {wanted}"
