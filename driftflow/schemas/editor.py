"""The config's schema, tailored to actions: their names, and what inputs they take.

An action's schema says what the action is handed. What stands in a config may be a reference
instead, at any depth; so each part of that schema is put into a definition of its own that takes
what the part does, or a reference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from driftflow.schemas.compiler import DATA, resolved
from driftflow.schemas.published import schema_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Definitions = dict[str, Any]
    Schema = Mapping[str, Any]

_ROOT = "#/definitions/"
# The object that is a reference, as `references.is_reference` has it.
_REFERENCE = {
    "type": "object",
    "anyOf": [
        {
            "propertyNames": {"enum": ["from", "param", "literal"]},
            "minProperties": 1,
            "maxProperties": 1,
        },
        {"propertyNames": {"enum": ["param", "default"]}, "minProperties": 2},
    ],
}
# Keywords below which there are schemas: of the value's parts, by name or not; of the value itself.
_NAMED = {"properties", "patternProperties", "definitions", "dependencies"}
_PARTS = {"items", "additionalItems", "additionalProperties", "contains"}
_FORMS = {"allOf", "anyOf"}
# What nobody can tell while a reference stands for a part of the value: that it is not of a form,
# or of no second one, or the very same as something else.
_UNCERTAIN = {"not", "if", "then", "else", "uniqueItems"}
_SHOWN = ("title", "description", "markdownDescription", "default", "examples", "defaultSnippets")
_DROPPED = {"$id", "$schema"}  # elsewhere they would change what is referred to


def input_schema(action: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of what may stand in a config as the input of an action with that schema."""
    return {"definitions": _definitions("input", action), **_refer("input")}


def tailored(actions: Mapping[str, tuple[str, Schema | None]]) -> dict[str, Any]:
    """The config's schema for those who can name these actions: editors complete and explain them.

    Args:
        actions: All that steps can name: by name, what it does in words and the schema of what it
            takes, None for anything.
    """
    whole: dict[str, Any] = json.loads(schema_text("driftflow"))
    step = whole["properties"]["steps"]["items"]
    offered = step["properties"]["action"]["anyOf"][0]
    offered["enum"] = list(actions)
    offered["enumDescriptions"] = [summary for summary, _ in actions.values()]
    choices = ",".join(name for name in actions if name.replace("_", "").replace(".", "").isalnum())
    step["defaultSnippets"][0]["body"]["action"] = f"${{2|{choices}|}}"
    whole["defaultSnippets"][0]["body"]["steps"][0]["action"] = f"${{3|{choices}|}}"
    described = {name: takes for name, (_, takes) in actions.items() if takes}
    whole["definitions"] = {}
    step["allOf"] = []
    for number, (name, takes) in enumerate(described.items()):
        whole["definitions"] |= _definitions(f"input {number}", takes)
        step["allOf"].append(
            {
                "if": {
                    "type": "object",
                    "properties": {"action": {"const": name}},
                    "required": ["action"],
                },
                "then": {"type": "object", "properties": {"input": _refer(f"input {number}")}},
            }
        )
    return whole


def _definitions(name: str, action: Mapping[str, Any]) -> Definitions:
    """The definition of that name, and those that it refers to: one for each part of the schema."""
    data = f"{name} data"
    definitions: Definitions = {"reference": _REFERENCE, data: _moved(action, data)}

    def admit(part: Any, pointer: str, keyword: str) -> Any:
        key = name + pointer
        if isinstance(part, bool):  # false takes nothing, not even a reference
            definitions[key] = part
        if not isinstance(part, dict):  # or the names of an array of `dependencies`
            return part
        definitions.setdefault(key, {})  # it may refer to itself
        inner = _rebuilt(_certain(part), pointer, data, admit)
        if "$ref" in part:
            target = unquote(part["$ref"]).removeprefix("#")
            if name + target not in definitions:
                admit(resolved(part["$ref"], action), target, "$ref")
            inner = _refer(name + target)
        definitions[key] = inner
        if keyword not in _FORMS:
            definitions[key] = {
                **_shown_to_editors(part),
                "if": _refer("reference"),
                "then": {
                    "type": "object",
                    "properties": {
                        "literal": {"$ref": _ROOT + quote(data + pointer)},
                        "default": _refer(key),
                    },
                },
                "else": inner,
            }
        return _refer(key)

    admit(action, "", "")
    return definitions


def _certain(part: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without what cannot be judged while there are references in the value."""
    certain = {keyword: part[keyword] for keyword in part if keyword not in _UNCERTAIN}
    if "oneOf" in part:
        forms = certain.pop("oneOf")
        certain.setdefault("anyOf", forms)
    choices = [*part.get("enum", []), *([part["const"]] if "const" in part else [])]
    if any(isinstance(choice, list | dict) for choice in choices):
        certain.pop("enum", None)
        certain.pop("const", None)
    return certain


def _shown_to_editors(part: Mapping[str, Any]) -> dict[str, Any]:
    """What editors show of a schema, and offer for a value: they do not look behind an `else`."""
    shown = {keyword: part[keyword] for keyword in _SHOWN if keyword in part}
    choices = part.get("enum", [False, True] if part.get("type") == "boolean" else None)
    if choices is not None:
        offered = {"enum": choices}
        if "enumDescriptions" in part:
            offered["enumDescriptions"] = part["enumDescriptions"]
        shown["anyOf"] = [offered, {}]
    return shown


def _moved(part: Any, home: str) -> Any:
    """A schema, or what is below one, for a place in the definition of that name."""
    if isinstance(part, list):
        return [_moved(item, home) for item in part]
    if not isinstance(part, dict):
        return part
    moved: dict[str, Any] = {}
    for keyword, argument in part.items():
        if keyword == "$ref" and isinstance(argument, str):
            moved[keyword] = _ROOT + quote(home) + argument.removeprefix("#")
        elif keyword in _NAMED and isinstance(argument, dict):
            moved[keyword] = {key: _moved(member, home) for key, member in argument.items()}
        elif keyword not in _DROPPED:
            moved[keyword] = argument if keyword in DATA else _moved(argument, home)
    return moved


def _rebuilt(
    schema: Mapping[str, Any], pointer: str, data: str, part: Callable[[Any, str, str], Any]
) -> dict[str, Any]:
    """The schema with each schema below it replaced by what `part` makes of it.

    `part` is told the pointer to it, too, and the keyword below which it stands. What cannot hold a
    reference refers to the definition of the data.
    """
    rebuilt: dict[str, Any] = {}
    for keyword, argument in schema.items():
        here = f"{pointer}/{keyword}"
        if keyword in _NAMED and isinstance(argument, dict):
            rebuilt[keyword] = {
                key: part(member, f"{here}/{_escape(key)}", keyword)
                for key, member in argument.items()
            }
        elif keyword in _PARTS | _FORMS and isinstance(argument, list):
            rebuilt[keyword] = [
                part(member, f"{here}/{place}", keyword) for place, member in enumerate(argument)
            ]
        elif keyword in _PARTS:
            rebuilt[keyword] = part(argument, here, keyword)
        elif keyword not in _DROPPED:
            rebuilt[keyword] = argument if keyword in DATA else _moved(argument, data)
    return rebuilt


def _refer(name: str) -> dict[str, Any]:
    return {"$ref": _ROOT + quote(_escape(name))}


def _escape(key: str) -> str:
    """A key as a part of a JSON pointer, RFC 6901."""
    return key.replace("~", "~0").replace("/", "~1")
