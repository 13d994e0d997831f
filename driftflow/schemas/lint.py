"""What is wrong with a schema, and what in it judges nothing though it looks as if it did.

A validator has to ignore a keyword that it does not know. So a misspelt one takes any value, and
nobody is told: here it is. What is warned of is certain: a keyword of no draft-07, or one that no
value is held against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftflow.issues import MAX_ISSUES, Issue
from driftflow.schemas.inspection import inspect_thoroughly
from driftflow.schemas.keywords import EDITOR_NOTES, KEYWORDS, NOTES, TYPES
from driftflow.suggestion import did_you_mean
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftflow.issues import JsonPath

# How a key begins that is a note on purpose.
_PRIVATE = ("x-", "_", "//", "$comment")
# By a keyword of another draft or of OpenAPI, what draft-07 has for it.
_STRANGERS = {
    "$anchor": 'write `{"$id": "#name"}`',
    "$defs": "write `definitions`",
    "$dynamicAnchor": "draft-07 has only `$id`",
    "$dynamicRef": "draft-07 has only `$ref`",
    "$recursiveAnchor": "draft-07 has only `$id`",
    "$recursiveRef": 'write `{"$ref": "#"}`',
    "$vocabulary": "draft-07 has all its keywords in one",
    "contentSchema": "draft-07 cannot look into a string",
    "dependentRequired": "write `dependencies`, with an array of names",
    "dependentSchemas": "write `dependencies`, with a schema",
    "discriminator": "write `oneOf`, with a `const` in each",
    "disallow": 'write `{"not": {"type": ...}}`',
    "divisibleBy": "write `multipleOf`",
    "extends": "write `allOf`",
    "id": "write `$id`",
    "maxContains": "draft-07 has only `contains`, for at least one",
    "minContains": "draft-07 has only `contains`, for at least one",
    "nullable": 'write `{"type": ["string", "null"]}`',
    "optional": "name what must be there in `required` of the object",
    "prefixItems": "write an array of schemas as `items`",
    "unevaluatedItems": "write `additionalItems`",
    "unevaluatedProperties": "write `additionalProperties`",
}
# By what other languages call a type, what JSON calls it.
_FOREIGN_TYPES = {
    "None": "null",
    "bool": "boolean",
    "date": "string",
    "datetime": "string",
    "decimal": "number",
    "dict": "object",
    "double": "number",
    "float": "number",
    "int": "integer",
    "list": "array",
    "long": "integer",
    "map": "object",
    "nil": "null",
    "str": "string",
    "struct": "object",
    "text": "string",
    "tuple": "array",
}
# Keywords that judge nothing without another one beside them.
_NEEDS = {"then": "if", "else": "if"}


def find_issues(schema: Mapping[str, Any]) -> list[Issue]:
    """Return what is wrong with a schema, and what will surprise; errors first.

    Paths begin at the schema. Lines and columns are yet to be found.

    Args:
        schema: What should be a JSON Schema, draft-07.
    """
    faults, parts = inspect_thoroughly(schema)
    found = [
        Issue("wrong-schema", fault.reason, fault.path, _suggest_type(fault.path, parts))
        for fault in faults[:MAX_ISSUES]
    ]
    for path, part in parts.items():
        if len(found) >= MAX_ISSUES:
            break
        if type(part) is dict:
            found += [*_find_unknown(part, path), *_find_idle(part, path)]
    return found[:MAX_ISSUES]


def _suggest_type(path: JsonPath, parts: Mapping[JsonPath, Any]) -> str | None:
    """Return which type is meant, at the path of a wrong `type`; None if nothing is likely."""
    match path:
        case (*above, "type"):
            index = 0
        case (*above, "type", int(index)):
            pass
        case _:
            return None
    schema = parts.get(tuple(above))
    given = schema.get("type") if isinstance(schema, dict) else None
    names = given if isinstance(given, list) else [given]
    name = names[index] if names else None
    if not isinstance(name, str) or name in TYPES:
        return None
    meant = _FOREIGN_TYPES.get(name)
    return f"did you mean `{meant}`?" if meant else did_you_mean(name, TYPES)


def _find_unknown(schema: Mapping[str, Any], path: JsonPath) -> Iterator[Issue]:
    """Yield the keywords that draft-07 does not have; beside a `$ref` nothing counts anyway."""
    for word in schema:
        if word not in KEYWORDS and word not in EDITOR_NOTES and not word.startswith(_PRIVATE):
            hint = _STRANGERS.get(word) or did_you_mean(word, KEYWORDS)
            message = f"unknown keyword `{shorten(word)}`: it is ignored"
            yield Issue("unknown-keyword", message, (*path, word), hint, mark="key")


def _find_idle(schema: Mapping[str, Any], path: JsonPath) -> Iterator[Issue]:
    """Yield the keywords that no value is held against, whatever it is."""
    for word in schema:
        if word in KEYWORDS and word not in NOTES and (reason := _explain_idle(word, schema)):
            message = f"`{word}` never applies: {reason}"
            yield Issue("idle-keyword", message, (*path, word), mark="key")


def _explain_idle(word: str, schema: Mapping[str, Any]) -> str | None:
    """Return why a keyword of a schema judges nothing; None if it may judge something."""
    if "$ref" in schema:
        return None if word == "$ref" else "all beside `$ref` is ignored"
    if word in _NEEDS and _NEEDS[word] not in schema:
        return f"there is no `{_NEEDS[word]}` beside it"
    if word == "additionalItems" and type(schema.get("items")) is not list:
        return "`items` is no array of schemas"
    if word == "if" and not schema.keys() & {"then", "else"}:
        return "there is neither `then` nor `else` beside it"
    given = schema.get("type", [])
    kinds = given if type(given) is list else [given]
    about = KEYWORDS[word].about
    if not about or not kinds or any(kind in about or kind not in TYPES for kind in kinds):
        return None
    wanted = [kind for kind in about if kind != "integer"]
    return f"it is about the type {join_words(wanted)}, which `type` excludes"
