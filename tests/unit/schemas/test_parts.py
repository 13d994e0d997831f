"""Which parts of a schema are schemas, and which of them a `$ref` may lead to."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from driftflow.schemas.parts import localize, replace_parts, resolve_reference

SCHEMA: dict[str, Any] = {
    "title": "x",
    "required": ["a"],
    "properties": {"a": {"type": "string"}, "b/c": {}, "d~ e%": True, "enum": {"minimum": 1}},
    "dependencies": {"a": {"maximum": 2}, "b": ["a"]},
    "items": [{"title": "first"}, {"title": "second"}],
    "not": {"const": {"items": {}}},
    "enum": [{"title": "data"}],
    "my/own": {"title": "z"},
}


def test_each_part_is_found_where_its_pointer_leads() -> None:
    """By name, by number, or by the keyword alone; data is no part."""
    found = {}

    def note(part: Any, keyword: str, pointer: str) -> Any:
        if isinstance(part, dict | bool):
            assert pointer.startswith(f"/{keyword}/") or keyword in {"not", "my/own"}
            found[pointer] = part
        return part

    assert replace_parts(SCHEMA, note) == SCHEMA
    assert [*found] == [
        *("/properties/a", "/properties/b~1c", "/properties/d~0 e%", "/properties/enum"),
        *("/dependencies/a", "/items/0", "/items/1", "/not", "/my~1own"),
    ]
    for pointer, part in found.items():
        assert resolve_reference(f"#{quote(pointer)}", SCHEMA) is part
    assert resolve_reference("#", SCHEMA) is SCHEMA


def test_a_part_is_replaced_in_a_copy() -> None:
    """What is no schema may stay."""
    schema = {"items": {"title": "x"}, "required": ["a"], "default": {"items": 1}}
    replaced = replace_parts(schema, lambda part, *_: False if isinstance(part, dict) else part)
    assert replaced == {"items": False, "required": ["a"], "default": {"items": 1}}
    assert schema["items"] == {"title": "x"}


def test_references_are_written_as_pointers_from_the_top() -> None:
    """Whatever names the schemas in it have; data that looks like a reference stays."""
    schema = {
        "$id": "http://example.org/whole",
        "properties": {
            "a": {"$ref": "other"},
            "b": {"$ref": "other#here"},
            "c": {"$ref": "#/definitions/x%25~1y"},
            "d": {"$ref": "http://json-schema.org/draft-07/schema#/definitions/stringArray"},
            "$id": {"const": {"$ref": "#/nowhere", "$id": "x"}},
            "$ref": {"not": {"$ref": "#"}},
        },
        "definitions": {
            "x%/y": {"$id": "other", "items": [{"$ref": "#/items/1"}, {"$id": "#here"}]},
        },
        "unknown": {"$ref": "#/nowhere"},
    }
    localized = localize(schema)
    assert localized == {
        "properties": {
            "a": {"$ref": "#/definitions/x%25~1y"},
            "b": {"$ref": "#/definitions/x%25~1y/items/1"},
            "c": {"$ref": "#/definitions/x%25~1y"},
            "d": {"$ref": "http://json-schema.org/draft-07/schema#/definitions/stringArray"},
            "$id": {"const": {"$ref": "#/nowhere", "$id": "x"}},
            "$ref": {"not": {"$ref": "#"}},
        },
        "definitions": {"x%/y": {"items": [{"$ref": "#/definitions/x%25~1y/items/1"}, {}]}},
        "unknown": {"$ref": "#/nowhere"},
    }
    assert schema["$id"] == "http://example.org/whole"
    target = resolve_reference("#/definitions/x%25~1y/items/1", localized)
    assert target is localized["definitions"]["x%/y"]["items"][1]
