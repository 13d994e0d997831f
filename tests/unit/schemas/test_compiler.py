"""An input fits a schema just when jsonschema says so, whether the schema is compiled or not."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support import workflows
from support.command import process_environment

from driftflow.schemas.compiler import acceptor

KINDS = ["null", "boolean", "integer", "number", "string", "array", "object"]
FIELDS = st.sampled_from(["a", "b", "c"])
SMALL = st.integers(0, 3)

leaves: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
        "title": st.just("a title"),
        "enum": st.lists(st.sampled_from(["", "a", "ab"]), min_size=1, unique=True),
        "required": st.lists(FIELDS, unique=True),
        "minLength": SMALL,
        "maxLength": SMALL,
        "minItems": SMALL,
        "maxItems": SMALL,
        "minimum": SMALL,
        "maximum": SMALL | st.just(1.5),
        "exclusiveMinimum": SMALL,
        "exclusiveMaximum": SMALL,
    },
)
schemas = st.recursive(
    leaves,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["array", "object"]),
            "properties": st.dictionaries(FIELDS, inner, max_size=3),
            "additionalProperties": st.sampled_from([False]) | inner,
            "items": inner,
        },
    ),
    max_leaves=4,
)
scalars = st.none() | st.booleans() | SMALL | st.sampled_from([0.5, 1.0, -1, "", "a", "ab", "abcd"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner),
    max_leaves=6,
)


@settings(max_examples=500)
@given(schemas, st.lists(values, min_size=5, max_size=5))
def test_what_is_compiled_agrees_with_jsonschema(schema: dict[str, Any], tries: list[Any]) -> None:
    """On every keyword that is compiled, and each type of value."""
    accepts, judge = acceptor(schema), Draft7Validator(schema)
    for value in tries:
        assert accepts(value) == judge.is_valid(value)


ONE_KEYWORD: list[dict[str, Any]] = [
    *({"type": kind} for kind in KINDS),
    *({"type": kinds} for kinds in (["integer", "string"], ["integer", "number"], ["null"])),
    {"enum": ["a", "ab"]},
    {"required": ["a", "b"]},
    {"properties": {"a": {"type": "string"}, "b": {}}},
    {"additionalProperties": {"type": "string"}},
    {"additionalProperties": False},
    {"properties": {"a": {}}, "additionalProperties": False},
    {"properties": {"a": {}}, "additionalProperties": {"type": "integer"}},
    {"items": {"type": "string"}},
    *({limit: 2} for limit in ("minLength", "maxLength", "minItems", "maxItems")),
    *({limit: 2} for limit in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")),
]
OF_EACH_KIND: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, 1.0, 1.5, 2.0, 2.5, -1, "", "a", "ab", "abc"),
    *([], [1], ["a"], ["a", "b"], ["a", 1, "c"]),
    *(
        {},
        {"a": 1},
        {"a": "x"},
        {"a": "x", "b": 1},
        {"a": 1, "b": "x"},
        {"c": 1},
        {"a": 1, "c": "x"},
    ),
]


@pytest.mark.parametrize("schema", ONE_KEYWORD, ids=str)
def test_each_keyword_means_what_jsonschema_says(schema: dict[str, Any]) -> None:
    """For values of every kind, on both sides of each limit."""
    accepts, judge = acceptor(schema), Draft7Validator(schema)
    verdicts = [accepts(value) for value in OF_EACH_KIND]
    assert verdicts == [judge.is_valid(value) for value in OF_EACH_KIND]
    assert {*verdicts} == {True, False}
    both = acceptor(schema | {"maxLength": 0})
    assert [both(value) for value in OF_EACH_KIND] == [
        verdict and (type(value) is not str or value == "")
        for verdict, value in zip(verdicts, OF_EACH_KIND, strict=True)
    ] or "maxLength" in schema


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"pattern": "^a"}, "ab", "b"),
        ({"enum": [1, None]}, 1.0, True),
        ({"const": {"a": 1}}, {"a": 1}, {}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1),
        ({"not": {"type": "string"}}, 1, "a"),
        ({"items": [{"type": "string"}]}, ["a", 1], [1]),
        ({"uniqueItems": True}, [1, 2], [1, 1]),
        ({"properties": {"a": True, "b": False}}, {"a": 1}, {"b": 1}),
        ({"patternProperties": {"^a": {"type": "string"}}}, {"ab": "x"}, {"ab": 1}),
        ({"patternProperties": {"^a": {}}, "additionalProperties": False}, {"ab": 1}, {"b": 1}),
        ({"$ref": "#/definitions/x", "definitions": {"x": {"type": "string"}}}, "a", 1),
        ({"properties": {"a": {"$ref": "#"}}, "type": "object"}, {"a": {"a": {}}}, {"a": {"a": 1}}),
    ],
)
def test_any_other_keyword_is_left_to_jsonschema(
    schema: dict[str, Any], good: Any, bad: Any
) -> None:
    """None is passed over."""
    accepts = acceptor(schema)
    assert accepts(good)
    assert not accepts(bad)


@given(workflows.values)
def test_a_schema_that_asks_for_nothing_takes_all(value: Any) -> None:
    """With a title or without."""
    assert acceptor({})(value)
    assert acceptor({"title": "x", "description": "y", "default": 1, "examples": [2]})(value)


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "strng"}, "at $.type: 'strng' is not valid under any of the given schemas"),
        ({"type": ["string", "strng"]}, "at $.type: "),
        ({"type": []}, "at $.type: "),
        ({"required": "path"}, "at $.required: 'path' is not of type 'array'"),
        ({"required": [1]}, "at $.required[0]: 1 is not of type 'string'"),
        ({"properties": ["path"]}, "at $.properties: "),
        ({"properties": {"a": {"minLength": "1"}}}, "at $.properties.a.minLength: "),
        ({"properties": {"a": 1}}, "at $.properties.a: "),
        ({"items": 1}, "at $.items: "),
        ({"additionalProperties": 0, "properties": []}, "at $."),
        ({"minItems": -1.5}, "at $.minItems: "),
        ({"enum": "abc"}, "at $.enum: "),
        ({"$ref": "#/definitions/x"}, "`$ref` leads to no place in it: #/definitions/x"),
        ({"items": {"$ref": "other.json"}}, "`$ref` leads to no place in it: other.json"),
        ({"allOf": [{"$ref": "#/allOf/1"}]}, "`$ref` leads to no place in it: #/allOf/1"),
        ({"allOf": [{"$ref": "#/title"}], "title": "x"}, "`$ref` leads to no place in it: #/title"),
    ],
    ids=str,
)
def test_a_schema_that_is_none_is_told(schema: dict[str, Any], fault: str) -> None:
    """When it is loaded, and not when it is needed."""
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}"):
        acceptor(schema)


@pytest.mark.parametrize(
    "place", ["#", "#/definitions/a~1b", "#/definitions/c%20d", "#/definitions/e~0f", "#/allOf/0"]
)
def test_a_reference_may_lead_anywhere_in_the_schema(place: str) -> None:
    """By a JSON pointer with its escapes."""
    schema = {
        "definitions": {"a/b": {"type": "string"}, "c d": {"type": "string"}, "e~f": {}},
        "allOf": [{"type": "string"}],
        "properties": {"x": {"$ref": place}},
    }
    assert acceptor(schema)("a")


def test_a_common_schema_needs_no_jsonschema() -> None:
    """Whose import takes longer than a small run."""
    numbers = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    texts = ("title", "description", "markdownDescription", "$schema")
    schema = {
        **dict.fromkeys(texts, "http://json-schema.org/draft-07/schema#"),
        "default": 1,
        "examples": [1],
        "type": KINDS,
        "required": ["path"],
        "properties": {
            "path": {"type": "string", "minLength": 1, "maxLength": 9},
            "kind": {"enum": ["a"]},
            **{keyword: {"type": "number", keyword: 1} for keyword in numbers},
            "list": {"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 2},
        },
        "additionalProperties": False,
    }
    script = (
        "import sys\n"
        "from driftflow.schemas.compiler import acceptor\n"
        f"accepts = acceptor({schema})\n"
        "assert accepts({'path': 'a'}) and not accepts({'path': ''})\n"
        "sys.exit('jsonschema' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=process_environment(), check=False)
    assert done.returncode == 0
