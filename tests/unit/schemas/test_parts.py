"""Which parts of a schema are schemas, and which of them a `$ref` may lead to."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from driftflow.schemas.parts import check_references, replace_parts, resolve_reference

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


@pytest.mark.parametrize(
    "reference",
    [
        *("", "other.json", "#title", "/title", "urn:x", "#/nowhere", "#/title", "#/title/0"),
        *("#/required/0", "#/required/a", "#/items/2", "#/properties/a/type/x", "#/items/x"),
        *("#/properties/d~0 e%25/x", "#%2Fitems%2F0"),
    ],
)
def test_a_reference_leads_to_a_schema_in_the_same_one(reference: str) -> None:
    """Or it is an error, wherever it stands."""
    only = "only parts of the same schema can be referenced"
    fault = f"^{re.escape(f'cannot resolve `$ref`: {reference} ({only})')}$"
    with pytest.raises(ValueError, match=fault):
        resolve_reference(reference, SCHEMA)
    for holder in ({"not": {"allOf": [{}, {"$ref": reference}]}}, {"$ref": reference}):
        for part in (holder, {"properties": {"enum": holder}}, {"x": {"y": holder}}):
            with pytest.raises(ValueError, match=fault):
                check_references(SCHEMA | part)


def test_only_the_whole_has_an_id() -> None:
    """A `$ref` below another would lead elsewhere. Names of properties and data are no keywords."""
    check_references({"$id": "urn:x", "properties": {"$id": {}, "$ref": {}}})
    check_references({"not": {"const": {"$id": "x", "$ref": "#/y"}}})
    with pytest.raises(
        ValueError, match=r"^`\$id` is allowed only at the top level of the schema: x$"
    ):
        check_references({"$id": "urn:x", "properties": {"default": {"$id": "x"}}})
