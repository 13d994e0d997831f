"""Where each `$ref` leads, and what is wrong with a schema: all of it, each thing at its place."""

from __future__ import annotations

from typing import Any

import pytest

from driftflow.schemas.inspection import SchemaError, inspect_schema, inspect_thoroughly

META = "http://json-schema.org/draft-07/schema"


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("#", ()),
        ("", ()),
        ("#/definitions/a", ("definitions", "a")),
        ("#/definitions/b~1c", ("definitions", "b/c")),
        ("#/definitions/d~0%20e%25", ("definitions", "d~ e%")),
        ("#/definitions/a/items/1", ("definitions", "a", "items", 1)),
        ("#here", ("definitions", "a", "items", 0)),
        ("http://example.org/x", ()),
        ("http://example.org/x#", ()),
        ("x#/definitions/a", ("definitions", "a")),
        ("other", ("definitions", "b/c")),
        ("other#/not", ("definitions", "b/c", "not")),
        ("other#there", ("definitions", "b/c", "not")),
        ("urn:x:y", ("definitions", "urn")),
        ("urn:x:y#/not", ("definitions", "urn", "not")),
        ("#/unknown/0/deep", ("unknown", 0, "deep")),
        (META, (META,)),
        (f"{META}#", (META,)),
        (f"{META}#/definitions/stringArray", (META, "definitions", "stringArray")),
    ],
)
def test_a_reference_leads_to_a_schema(reference: str, target: tuple[Any, ...]) -> None:
    """In the same document, by a pointer or by a name; or in the meta-schema."""
    schema = {
        "$id": "http://example.org/x",
        "definitions": {
            "a": {"items": [{"$id": "#here"}, {}]},
            "b/c": {"$id": "other", "not": {"$id": "#there", "items": {"$ref": "other"}}},
            "d~ e%": True,
            "urn": {"$id": "urn:x:y", "not": {"items": {"$ref": "#/not"}}},
        },
        "unknown": [{"deep": {"items": {"$ref": "#/unknown/0/deep"}}}],
        "items": {"$ref": reference, "$id": "http://elsewhere/"},
    }
    parts, targets = inspect_schema(schema)
    assert targets["items",] == target
    assert target in parts
    assert targets["definitions", "urn", "not", "items"] == ("definitions", "urn", "not")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("#/nowhere", "`$ref` leads nowhere: #/nowhere"),
        ("#nowhere", "`$ref` leads nowhere: #nowhere"),
        ("#/title", "`$ref` leads nowhere: #/title"),
        ("#/title/0", "`$ref` leads nowhere: #/title/0"),
        ("#/enum/a", "`$ref` leads nowhere: #/enum/a"),
        ("#/enum/2", "`$ref` leads nowhere: #/enum/2"),
        ("#/enum/-1", "`$ref` leads nowhere: #/enum/-1"),
        ("#/enum/00", "`$ref` leads nowhere: #/enum/00"),
        ("#/const/$id", "`$ref` leads nowhere: #/const/$id"),
        (f"{META}#/nowhere", f"`$ref` leads nowhere: {META}#/nowhere"),
        ("data", "`$ref` leads to another document, which is not supported: data"),
        ("a.json#/x", "`$ref` leads to another document, which is not supported: a.json#/x"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told(reference: str, reason: str) -> None:
    """Wherever it stands, used or not; what only looks like a name in data is none."""
    schema = {
        "title": "x",
        "enum": [{"$id": "data"}, {}],
        "const": {"$id": "data"},
        "unknown": {"$id": "data", "$ref": "#/nowhere"},
        "definitions": {"a": {"items": {"$ref": reference}}},
    }
    with pytest.raises(SchemaError) as caught:
        inspect_schema(schema)
    assert caught.value.reason == reason
    assert caught.value.path == ("definitions", "a", "items", "$ref")


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"type": "null"}, {"$ref": "#"}]},
        {"not": {"$ref": "#"}},
        {"if": False, "then": {"$ref": "#"}},
        {"dependencies": {"a": {"$ref": "#"}}},
        {"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}},
        {
            "definitions": {
                "a": {"oneOf": [{"$ref": "#/definitions/b"}]},
                "b": {"not": {"$ref": "#/definitions/a"}},
            },
        },
    ],
    ids=str,
)
def test_a_schema_that_would_ask_for_ever_is_told(schema: dict[str, Any]) -> None:
    """Before any value is held against it, and whether one would be or not."""
    with pytest.raises(SchemaError) as caught:
        inspect_schema(schema)
    assert caught.value.reason == "`$ref` leads back to itself without end"
    assert caught.value.path[-1] == "$ref"


@pytest.mark.parametrize(
    "schema",
    [
        {"items": {"$ref": "#"}},
        {"properties": {"a": {"anyOf": [{"$ref": "#"}]}}},
        {"propertyNames": {"$ref": "#"}},
        {"$ref": "#/definitions/a", "allOf": [{"$ref": "#"}], "definitions": {"a": {}}},
        {"allOf": [{"$ref": "#/definitions/a"}] * 2, "definitions": {"a": {"items": {}}}},
    ],
    ids=str,
)
def test_a_schema_may_refer_to_itself_below(schema: dict[str, Any]) -> None:
    """Where what is judged gets smaller."""
    assert inspect_schema(schema).targets


def test_all_that_is_wrong_is_found() -> None:
    """In the order of the schema; but for references, which come last."""
    schema = {
        "items": {"$ref": "#/nowhere"},
        "properties": {"a": {"type": "strng", "minLength": -1}, "b": 1},
        "allOf": [],
        "required": [1, "a", 2],
    }
    assert [error.path for error in inspect_thoroughly(schema)[0]] == [
        *(("allOf",), ("required", 0), ("required", 2)),
        *(("properties", "a", "type"), ("properties", "a", "minLength"), ("properties", "b")),
        ("items", "$ref"),
    ]
    assert inspect_thoroughly({"not": {"$ref": META}})[0] == []
    assert [*inspect_thoroughly({"not": {"$ref": META}})[1]] == [(), ("not",)]
