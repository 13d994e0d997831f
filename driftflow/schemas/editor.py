"""The config's schema, tailored to actions: their names, and what inputs they take.

**An action's schema holds everywhere.** In a run, an input that breaks it never reaches the
function; `check` and editors foretell that. But in a config a reference may stand for any part of
an input. So each part of an action's schema becomes a definition of its own: `if` the value is a
reference, `else` what the part asks for. `check` and editors read the same one. What a reference
is, the published schema says; what may stand in one, it says beside, of every input: editors take
both together.

Editors look for mistakes inside an `else`, but not for words: titles, descriptions and choices are
repeated beside it. What can only be told of a value without references, `not` and the like, is left
out, since a warning must never be false. An input without references is held against the action's
schema itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from driftflow.schemas.parts import NAMED, localize, replace_parts, resolve_reference
from driftflow.schemas.published import load_schema, read_schema
from driftflow.text import format_pointer

if TYPE_CHECKING:
    from collections.abc import Mapping

    Schema = Mapping[str, Any]

_ROOT = "#/definitions/"
# Keywords below which there are schemas of the value itself; and those whose schemas are of values
# that may be references.
_FORMS = {"allOf", "anyOf"}
_ADMITTING = NAMED | _FORMS | {"items", "additionalItems", "additionalProperties", "contains"}
# Keywords that nobody can judge while a reference stands for a part of the value.
_UNCERTAIN = {"not", "if", "then", "else", "uniqueItems"}
_SHOWN = ("title", "description", "markdownDescription", "default", "examples", "defaultSnippets")


def make_input_schema(action: Schema) -> dict[str, Any]:
    """Return the schema of what a config may hold as the input of an action with that schema."""
    is_reference = load_schema("driftflow")["definitions"]["reference"]
    definitions = {"reference": is_reference, **_define_parts("input", action)}
    return {"definitions": definitions, **_refer("input")}


def tailor_schema(actions: Mapping[str, tuple[str, Schema | None]]) -> dict[str, Any]:
    """Return the config's schema with these actions, for editors to complete and to explain.

    Args:
        actions: By the name of each action that there is, what it does in words, and the schema of
            its input, None for anything.
    """
    whole: dict[str, Any] = json.loads(read_schema("driftflow"))
    step = whole["properties"]["steps"]["items"]
    offered = step["properties"]["action"]["anyOf"][0]
    offered["enum"] = list(actions)
    offered["enumDescriptions"] = [summary for summary, _ in actions.values()]
    choices = ",".join(name for name in actions if name.replace("_", "").replace(".", "").isalnum())
    step["defaultSnippets"][0]["body"]["action"] = f"${{2|{choices}|}}"
    whole["defaultSnippets"][0]["body"]["steps"][0]["action"] = f"${{3|{choices}|}}"
    described = {name: takes for name, (_, takes) in actions.items() if takes}
    step.setdefault("allOf", [])
    for number, (name, takes) in enumerate(described.items()):
        whole["definitions"] |= _define_parts(f"input {number}", takes)
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


def _define_parts(name: str, action: Schema) -> dict[str, Any]:
    """Return the definition of that name and those that it needs, one for each part of a schema.

    They need one more, `reference`.
    """
    action = localize(action)
    data = f"{name} data"
    definitions: dict[str, Any] = {data: _move(action, data)}

    def admit(part: Any, keyword: str, pointer: str) -> Any:
        key = name + pointer
        if isinstance(part, bool):  # false takes nothing, not even a reference
            definitions[key] = part
        if not isinstance(part, dict):  # or the names of an array of `dependencies`
            return part
        definitions.setdefault(key, {})  # it may refer to itself
        inner = replace_parts(
            _drop_name(_drop_uncertain(part)),
            lambda below, keyword, path: (
                admit(below, keyword, pointer + path)
                if keyword in _ADMITTING
                else _move(below, data)
            ),
        )
        if _is_local(part):
            target = unquote(part["$ref"]).removeprefix("#")
            if name + target not in definitions:
                admit(resolve_reference(part["$ref"], action), "$ref", target)
            inner = _refer(name + target)
        definitions[key] = inner
        if keyword not in _FORMS:
            definitions[key] = {
                **_select_shown(part),
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


def _drop_uncertain(part: Schema) -> dict[str, Any]:
    """Return the schema without what cannot be judged while there are references in the value."""
    certain = {keyword: part[keyword] for keyword in part if keyword not in _UNCERTAIN}
    if "oneOf" in part:
        forms = certain.pop("oneOf")
        certain.setdefault("anyOf", forms)
    choices = [*part.get("enum", []), *([part["const"]] if "const" in part else [])]
    if any(isinstance(choice, list | dict) for choice in choices):
        certain.pop("enum", None)
        certain.pop("const", None)
    return certain


def _select_shown(part: Schema) -> dict[str, Any]:
    """Return what editors show of the schema and offer for a value, to stand beside an `else`."""
    shown = {keyword: part[keyword] for keyword in _SHOWN if keyword in part}
    choices = part.get("enum", [False, True] if part.get("type") == "boolean" else None)
    if choices is not None:
        offered = {"enum": choices}
        if "enumDescriptions" in part:
            offered["enumDescriptions"] = part["enumDescriptions"]
        shown["anyOf"] = [offered, {}]
    return shown


def _move(part: Any, home: str) -> Any:
    """Return a schema with its references as they must be in the definition of that name."""
    if not isinstance(part, dict):
        return part
    moved = replace_parts(_drop_name(part), lambda inner, *_: _move(inner, home))
    if _is_local(part):
        moved["$ref"] = _ROOT + quote(home) + part["$ref"].removeprefix("#")
    return moved


def _is_local(part: Schema) -> bool:
    """Return whether a schema is a `$ref`, and not one to the meta-schema."""
    return str(part.get("$ref")).startswith("#")


def _drop_name(schema: Schema) -> dict[str, Any]:
    """Return the schema without what would change, elsewhere, what is referred to."""
    return {keyword: schema[keyword] for keyword in schema if keyword not in {"$id", "$schema"}}


def _refer(name: str) -> dict[str, Any]:
    return {"$ref": f"#{quote(format_pointer(('definitions', name)))}"}
