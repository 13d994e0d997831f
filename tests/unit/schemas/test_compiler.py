"""A value satisfies a schema just when jsonschema says so, whether that is compiled or not."""

from __future__ import annotations

import ast
import math
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

from driftflow.schemas.compiler import compile_schema, write_source

KINDS = ["null", "boolean", "integer", "number", "string", "array", "object"]
# Texts that would end a string, a line or an expression, were they not written as literals.
HOSTILE = [
    *("", "'", '"', "\\", "\\'", '"""', "\n", "\r", "\0", "{0}", "{value}", "%s", "é", "\u2028"),
    *("\ud800", "__import__('os')", "' or True or '", "a'] or True #", "\N{KELVIN SIGN}"),
]
NAMES = st.sampled_from(["a", "b", "c", *HOSTILE])
SMALL = st.integers(0, 3)
scalars = st.none() | st.booleans() | SMALL | NAMES | st.sampled_from([0.5, 1.0, -1, 2.0**70, "ab"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=6,
)
leaves = st.booleans() | st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
        "title": st.just("a title"),
        "enum": st.lists(scalars, max_size=3),
        "const": scalars,
        "required": st.lists(NAMES, max_size=2, unique=True),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), SMALL),
        **dict.fromkeys(("minimum", "maximum"), SMALL | st.sampled_from([1.5, -1e300, 10**300])),
        **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), SMALL),
    },
)


def compounds(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas that hold others; members whose names match a pattern must be free."""
    keywords = {
        "type": st.sampled_from(["array", "object"]),
        "required": st.lists(NAMES, max_size=2, unique=True),
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "additionalProperties": inner,
        "items": inner,
        "anyOf": st.lists(inner, min_size=1, max_size=3),
    }
    patterns: dict[str, st.SearchStrategy[Any]] = {
        "patternProperties": st.just({"^a": {}}),
        "additionalProperties": st.just({}),
    }
    return st.fixed_dictionaries({}, optional=keywords) | st.fixed_dictionaries(
        {}, optional=keywords | patterns
    )


schemas = st.recursive(leaves, compounds, max_leaves=5).filter(lambda schema: type(schema) is dict)


@settings(max_examples=250)
@given(schemas, st.lists(values, min_size=5, max_size=5))
def test_what_is_compiled_agrees_with_jsonschema(schema: dict[str, Any], tries: list[Any]) -> None:
    """On every keyword that is known, at each depth, for each type of value."""
    write_source(schema)  # nothing is left to jsonschema
    accepts, judge = compile_schema(schema), Draft7Validator(schema)
    for value in tries:
        assert accepts(value) == judge.is_valid(value)


ONE_KEYWORD: list[dict[str, Any]] = [
    *({"type": kind} for kind in KINDS),
    *({"type": kinds} for kinds in (["integer", "string"], ["integer", "number"], ["null"])),
    *({"enum": choices} for choices in (["a", "ab"], [1, "a"], [True], [0, None], [1.0], [])),
    *({"const": choice} for choice in ("a", 1, 1.0, False, None)),
    {"required": ["a", "b"]},
    {"properties": {"a": {"type": "string"}, "b": {}}},
    {"properties": {"a": False}},
    {"additionalProperties": {"type": "string"}},
    {"additionalProperties": False},
    {"properties": {"a": {}}, "additionalProperties": False},
    {"properties": {"a": {}}, "additionalProperties": {"type": "integer"}},
    {"items": {"type": "string"}},
    {"anyOf": [{"type": "string"}, {"minimum": 2}]},
    *({limit: 2} for limit in ("minLength", "maxLength", "minItems", "maxItems")),
    *({limit: 2} for limit in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")),
]
OF_EACH_KIND: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, 1.0, 1.5, 2.0, 2.5, -1, 10**400, "", "a", "ab", "abc"),
    *([], [1], ["a"], ["a", "b"], ["a", 1, "c"]),
    *({}, {"a": 1}, {"a": "x"}, {"a": "x", "b": 1}, {"a": 1, "b": "x"}, {"c": 1}),
    {"a": 1, "c": "x"},
]


@pytest.mark.parametrize("schema", ONE_KEYWORD, ids=str)
def test_each_keyword_means_what_jsonschema_says(schema: dict[str, Any]) -> None:
    """For values of every kind, on both sides of each limit."""
    write_source(schema)
    accepts, judge = compile_schema(schema), Draft7Validator(schema)
    verdicts = [accepts(value) for value in OF_EACH_KIND]
    assert verdicts == [judge.is_valid(value) for value in OF_EACH_KIND]
    assert {*verdicts} == ({True, False} if schema != {"enum": []} else {False})


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"pattern": "^a"}, "ab", "b"),
        ({"enum": [[1], None]}, [1.0], [True]),
        ({"const": {"a": 1}}, {"a": 1}, {}),
        ({"not": {"type": "string"}}, 1, "a"),
        ({"items": [{"type": "string"}]}, ["a", 1], [1]),
        ({"uniqueItems": True}, [1, 2], [1, 1]),
        ({"minProperties": 1}, {"a": 1}, {}),
        ({"patternProperties": {"^a": {"type": "string"}}}, {"ab": "x"}, {"ab": 1}),
        ({"patternProperties": {"^a": {}}, "additionalProperties": False}, {"ab": 1}, {"b": 1}),
        ({"$ref": "#/definitions/x", "definitions": {"x": {"type": "string"}}}, "a", 1),
        ({"properties": {"a": {"$ref": "#"}}, "type": "object"}, {"a": {"a": {}}}, {"a": {"a": 1}}),
        ({"properties": {"a": {"minLength": 1}, "b": {"pattern": "x"}}}, {"a": "y"}, {"a": ""}),
        ({"maxLength": 1.0}, "a", "ab"),
        ({"minimum": 10**400}, 10**400, 1),
        ({"maximum": -(10**400)}, -(10**400), 1),
        ({"maximum": math.inf, "minimum": -1}, 10**400, -2),
        ({"anyOf": [{"minimum": math.nan}, {"minLength": 1}], "maximum": 1}, 0, 2),
        ({"enum": [1e999, 1]}, 1, 2),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_not_known_is_left_to_jsonschema(
    schema: dict[str, Any], good: Any, bad: Any
) -> None:
    """A keyword or an argument: none is passed over, ahead of time or when it is needed."""
    with pytest.raises(NotImplementedError):
        write_source(schema)
    accepts = compile_schema(schema)
    assert accepts(good)
    assert not accepts(bad)


@given(workflows.values)
def test_a_schema_that_asks_for_nothing_takes_all(value: Any) -> None:
    """With a title or without."""
    assert compile_schema({})(value)
    notes = {"title": "x", "description": "y", "default": 1, "examples": [2], "deprecated": True}
    assert compile_schema(notes)(value)
    assert compile_schema({"anyOf": [{"items": {"type": "null"}}, {}], "properties": {}})(value)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_schema_cannot_bring_code(text: str) -> None:
    """Whatever it holds, the source has the same form; only literals differ."""

    def form(text: str) -> str:
        schema = {
            "required": [text],
            "properties": {text: {"enum": [text]}, "b": {"const": text}},
            "items": {"properties": {text: {}}, "additionalProperties": {"const": text}},
            "additionalProperties": False,
            "title": text,
        }
        source = ast.parse(write_source(schema))
        for node in ast.walk(source):
            if isinstance(node, ast.Constant):
                node.value = None
        return ast.dump(source)

    assert form(text) == form("a")


def test_size_is_no_obstacle() -> None:
    """Neither long lists nor as deep a schema as can be loaded."""
    many = [str(number) for number in range(20_000)]
    assert compile_schema({"enum": many})("19999")
    wide = compile_schema({"properties": {name: {"minimum": 1} for name in many[:1000]}})
    assert [wide({"999": number}) for number in (1, 0)] == [True, False]
    deep: dict[str, Any] = {"type": "string"}
    either: dict[str, Any] = {"type": "string"}
    value: Any = "text"
    for _ in range(60):
        deep = {"items": {"properties": {"a": deep}, "required": ["a"]}}
        either = {"anyOf": [either, {"minimum": 3}]}
        value = [{"a": value}]
    write_source(deep)
    assert compile_schema(deep)(value)
    assert not compile_schema(deep)([{"a": value}])
    assert [compile_schema(either)(value) for value in ("text", 3, 2)] == [True, True, False]


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "strng"}, "at $.type: 'strng' is not valid under any of the given schemas"),
        ({"type": ["string", "strng"]}, "at $.type: "),
        ({"type": [["string"]]}, "at $.type: "),
        ({"type": []}, "at $.type: "),
        ({"required": "path"}, "at $.required: 'path' is not of type 'array'"),
        ({"required": [1]}, "at $.required[0]: 1 is not of type 'string'"),
        ({"properties": ["path"]}, "at $.properties: "),
        ({"properties": {"a": {"minLength": "1"}}}, "at $.properties.a.minLength: "),
        ({"properties": {"a": 1}}, "at $.properties.a: "),
        ({"items": 1}, "at $.items: "),
        ({"additionalProperties": 0, "properties": []}, "at $."),
        ({"minItems": -1.5}, "at $.minItems: "),
        ({"minimum": True}, "at $.minimum: "),
        ({"enum": "abc"}, "at $.enum: "),
        ({"enum": 1}, "at $.enum: "),
        ({"anyOf": []}, "at $.anyOf: "),
        ({"anyOf": {}}, "at $.anyOf: "),
        ({"patternProperties": {"(": {}}}, "at $.patternProperties: '(' is not a 'regex'"),
        ({"pattern": "a{99999999999}"}, "jsonschema cannot process it: the repetition number"),
        ({"patternProperties": {"a{99999999999}": {}}}, "jsonschema cannot process it: "),
        ({"items": {"$ref": "other.json"}}, "cannot resolve `$ref`: other.json"),
        ({"$ref": "#"}, "a `$ref` in it leads back to itself without end"),
    ],
    ids=str,
)
def test_a_schema_that_is_none_is_told(schema: dict[str, Any], fault: str) -> None:
    """When it is loaded, and not when it is needed."""
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}"):
        compile_schema(schema)


def test_a_schema_that_is_too_deep_is_told() -> None:
    """Known keywords or not."""
    for keyword in ("items", "not"):
        schema: dict[str, Any] = {}
        for _ in range(3000):
            schema = {keyword: schema}
        with pytest.raises(
            ValueError, match="jsonschema cannot process it: maximum recursion depth"
        ):
            compile_schema(schema)


def test_what_is_too_much_for_jsonschema_gets_a_no() -> None:
    """The step fails, and the run goes on."""
    deep: Any = []
    for _ in range(3000):
        deep = [deep]
    assert not compile_schema({"items": {"$ref": "#"}})(deep)
    assert not compile_schema({"multipleOf": 0.5})(10**400)


def test_a_common_schema_needs_no_jsonschema() -> None:
    """Whose import takes longer than a small run; nor `referencing`."""
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
        "from driftflow.schemas.compiler import compile_schema\n"
        f"accepts = compile_schema({schema})\n"
        "assert accepts({'path': 'a'}) and not accepts({'path': ''})\n"
        "sys.exit(not {'jsonschema', 'referencing'}.isdisjoint(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=process_environment(), check=False)
    assert done.returncode == 0
