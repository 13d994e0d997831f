"""What a value breaks of a schema, as jsonschema finds it, in our words.

The value is a document and the schema the config's, or the value an input and the schema its
action's.

**Own texts for breaches.** jsonschema's messages hold the whole value, which may be long or secret.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator

from driftflow.issues import MAX_ISSUES, Issue
from driftflow.reading.document import type_name
from driftflow.schemas.editor import make_input_schema
from driftflow.schemas.published import find_unknown_keys, load_schema
from driftflow.suggestion import did_you_mean, find_nearest, mention_non_ascii
from driftflow.text import count_of, format_json, format_path, join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from jsonschema import ValidationError

    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

# By keyword, what the value must be, from the keyword's argument and the value.
_TEXTS: dict[str, Callable[[Any, Any], str]] = {
    "type": lambda wanted, found: f"must be {_kinds(wanted)}, not {type_name(found)}",
    "enum": lambda wanted, _found: f"must be {' or '.join(map(_shown, wanted))}",
    "const": lambda wanted, _found: f"must be {_shown(wanted)}",
    "minLength": lambda wanted, _found: _at_least(wanted, "character"),
    "maxLength": lambda wanted, _found: f"must have at most {count_of(wanted, 'character')}",
    "pattern": lambda wanted, _found: f"must match the pattern {_shown(wanted)}",
    "minimum": lambda wanted, _found: f"must be at least {wanted}",
    "maximum": lambda wanted, _found: f"must be at most {wanted}",
    "exclusiveMinimum": lambda wanted, _found: f"must be greater than {wanted}",
    "exclusiveMaximum": lambda wanted, _found: f"must be less than {wanted}",
    "multipleOf": lambda wanted, _found: f"must be a multiple of {wanted}",
    "minItems": lambda wanted, _found: _at_least(wanted, "item"),
    "maxItems": lambda wanted, _found: f"must have at most {count_of(wanted, 'item')}",
    "uniqueItems": lambda _wanted, _found: "must not contain the same item twice",
    "minProperties": lambda wanted, _found: _at_least(wanted, "field"),
    "maxProperties": lambda wanted, _found: f"must have at most {count_of(wanted, 'field')}",
    "anyOf": lambda _wanted, _found: "does not match any of the allowed forms",
    "oneOf": lambda _wanted, _found: "must match exactly one of the allowed forms",
    # Of the schema `false` jsonschema tells what holds the value, not where it is.
    "None": lambda _wanted, _found: "contains something that is not allowed",
}
# By keyword, the code of an issue of the config.
_CODES = {
    "type": "wrong-type",
    "required": "missing-field",
    "minLength": "empty-string",
    "minimum": "out-of-range",
    "exclusiveMinimum": "out-of-range",
}

# By the type that is wanted, a string that would be right without its quotes.
_QUOTED = {
    "integer": "-?(0|[1-9][0-9]*)",
    "number": r"-?(0|[1-9][0-9]*)(\.[0-9]+)?",
    "boolean": "true|false",
}
# By the field of a config, what it looks like.
_SHAPES: dict[str | int, str] = {
    "": 'a workflow is an object: `{"name": "demo", "steps": [...]}`',
    "steps": '`steps` is an array: `[{"name": "fetch", "action": "echo"}]`',
    "after": '`after` is an array of names: `["fetch"]`',
    "retry_on": '`retry_on` is an array of types: `["ConnectionError"]`',
    "backoff": '`backoff` is an object: `{"delay_seconds": 1}`',
    "flags": '`flags` is an object: `{"audit": true}`',
    "storage": '`storage` is an object: `{"path": "./driftflow.audit.json"}`',
}
_MANY = 100  # unknown fields that are compared with a missing one, at most
_FEW = 3  # reasons that are told when an input fails a step


def find_issues(value: Json) -> list[Issue]:
    """Return all that a document breaks of the config's schema, in the order of the schema.

    Lines and columns are yet to be found.
    """
    return [
        issue._replace(hint=_SHAPES.get("".join(map(str, issue.path[-1:])), issue.hint))
        if issue.code == "wrong-type"
        else issue
        for issue in _find_breaches(_config_validator(), value, "the document must be")
    ]


def make_input_validator(action: Mapping[str, Any], *, admit: bool = False) -> Draft7Validator:
    """Return what judges the inputs of an action.

    Args:
        action: Its schema.
        admit: Whether references may stand in an input.
    """
    return Draft7Validator(make_input_schema(action) if admit else action)


def find_input_issues(validator: Draft7Validator, action: str, value: Json) -> list[Issue]:
    """Return all that an input breaks of its action's schema, with paths that begin at the input.

    Args:
        validator: What `make_input_validator` made of that schema.
        action: The action's name.
        value: The input.
    """
    found = _find_breaches(validator, value, f"{shorten(action)} takes")
    misspelt = {issue.path for issue in found if issue.code == "missing-field"}
    return [
        issue._replace(code="wrong-input")
        for issue in found
        if issue.code != "ignored-field" or issue.path not in misspelt
    ]


def explain_refusal(action: str, schema: Mapping[str, Any], value: Json) -> str:
    """Return why the action cannot take the value as its input: the first reasons, in words."""
    found = find_input_issues(make_input_validator(schema), action, value)
    more = ["and more"] if len(found) > _FEW else []
    return "; ".join([*map(_explain, found[:_FEW]), *more])


def _explain(issue: Issue) -> str:
    """Return what is wrong and where; of a name that is wrong in the file, also the right one."""
    if issue.mark == "key":
        path = format_path(issue.path[:-1])
        hint = f" ({issue.hint})" if issue.hint else ""
        return f"{path and f'{shorten(path)}: '}{issue.message}{hint}"
    rest = issue.message.removeprefix(_subject(issue.path))
    if not issue.path:
        return issue.message
    named = f"`{shorten(issue.place)}`" if rest != issue.message else f"{shorten(issue.place)}: "
    return f"{named}{rest}"


@cache
def _config_validator() -> Draft7Validator:
    return Draft7Validator(load_schema("driftflow"))


def _find_breaches(validator: Draft7Validator, value: Json, whole: str) -> list[Issue]:
    """Return what breaks the schema, each thing once; `whole` begins a text about all of it."""
    found: dict[Issue, None] = {}
    for error in validator.iter_errors(value):  # which looks on only when it is asked
        found |= dict.fromkeys(islice(_issues_of(error, whole), MAX_ISSUES))
        if len(found) >= MAX_ISSUES:
            break
    return [*found][:MAX_ISSUES]


def _issues_of(error: ValidationError, whole: str) -> Iterator[Issue]:
    path = tuple(error.absolute_path)
    keyword = str(error.validator)
    wanted: Any = error.validator_value
    found: Any = error.instance
    definition: Any = error.schema
    if kinds := _kinds_of_forms(error):
        keyword, wanted = "type", kinds
    if keyword == "required":
        # jsonschema reports each missing field, but not as data which one it is: all are
        # named each time, and the repetitions are dropped later.
        for field in wanted:
            if field not in found:
                yield _missing(field, path, find_unknown_keys(found, definition))
    elif keyword == "additionalProperties" and wanted is False:
        for key in find_unknown_keys(found, definition):
            yield _not_taken(key, (*path, key), definition.get("properties", {}))
    elif keyword == "type" and not path:
        message = f"{whole} {_kinds(wanted)}, not {type_name(found)}"
        yield Issue("wrong-type", message, path, _hint(wanted, found))
    else:
        text = _TEXTS.get(
            keyword, lambda _wanted, _found: f"does not satisfy `{keyword}` in the schema"
        )
        subject = _subject(path)
        if "propertyNames" in error.absolute_schema_path:  # what was found is a name
            subject = f"the name `{shorten(str(found))}`"
        message = f"{subject} {text(wanted, found)}"
        yield Issue(_CODES.get(keyword, "wrong-type"), message, path, _hint(wanted, found))


def _kinds_of_forms(error: ValidationError) -> list[str]:
    """Return the types of the forms of an `anyOf` or `oneOf`, if each fails by its type."""
    forms: Any = error.validator_value
    kinds: dict[Any, Any] = {
        form.relative_schema_path[0]: form.validator_value
        for form in error.context or ()
        if form.validator == "type" and not form.relative_path
    }
    if error.validator not in {"anyOf", "oneOf"} or len(kinds) < len(forms):
        return []
    names = [kind if isinstance(kind, list) else [kind] for kind in kinds.values()]
    return list(dict.fromkeys(name for several in names for name in several))


def _hint(wanted: Any, found: Any) -> str | None:
    """Return what to write instead of a value of the wrong type."""
    pattern = _QUOTED.get(wanted) if isinstance(wanted, str) else None
    if pattern and isinstance(found, str) and re.fullmatch(pattern, found):
        return "remove the double quotes"
    return "write `true` or `false`" if wanted == "boolean" else None


def _missing(field: str, path: JsonPath, unknown: Iterable[str]) -> Issue:
    message = f"missing required field `{field}`"
    for key in islice(unknown, _MANY):
        if find_nearest(key, [field]):
            hint = f"write `{field}` instead of `{key}`{mention_non_ascii(key)}"
            return Issue("missing-field", message, (*path, key), hint, mark="key")
    return Issue("missing-field", message, path, mark="start")


def _not_taken(key: str, path: JsonPath, fields: Collection[str]) -> Issue:
    words = "the allowed fields are" if len(fields) > 1 else "the only field is"
    hint = did_you_mean(key, fields) or (f"{words} {join_words(fields)}" if fields else None)
    return Issue("ignored-field", f"unknown field `{shorten(key)}`", path, hint, mark="key")


def _subject(path: JsonPath) -> str:
    match path:
        case ():
            return "the value"
        case (*_, str(key), int(index)):
            return f"`{shorten(key)}[{index}]`"
        case (*_, int(index)):
            return f"`[{index}]`"
        case _:
            return f"`{shorten(str(path[-1]))}`"


def _kinds(wanted: str | list[str]) -> str:
    """Return the types with their articles: `an array or an object`."""
    names = [wanted] if isinstance(wanted, str) else wanted
    articles = {"array": "an ", "integer": "an ", "object": "an ", "null": ""}
    return " or ".join(f"{articles.get(name, 'a ')}{name}" for name in names)


def _at_least(number: int, noun: str) -> str:
    return "must not be empty" if number == 1 else f"must have at least {count_of(number, noun)}"


def _shown(value: Json) -> str:
    return f"`{shorten(format_json(value))}`"
