"""A value satisfies a schema just when JSON Schema says so: each keyword, in bounded time."""

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
from jsonschema import SchemaError as JsonschemaError
from jsonschema.validators import extend
from support import workflows
from support.command import process_environment

from driftflow.schemas import equality, patterns
from driftflow.schemas.breaches import make_finder
from driftflow.schemas.compiler import SchemaError, compile_schema, write_source
from driftflow.schemas.keywords import KEYWORDS
from driftflow.text import format_path

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
NUMBERS = SMALL | st.sampled_from([1.5, -1e300, 10**300, 0.1, 2.0])
PATTERNS = st.sampled_from(["^a", "b$", "^[a-c]*$", "", "^(a|ab)+$"])
leaves = st.booleans() | st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
        "title": st.just("a title"),
        "enum": st.lists(values, max_size=3),
        "const": values,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "pattern": PATTERNS,
        "uniqueItems": st.booleans(),
        "multipleOf": st.sampled_from([1, 2, 0.5, 1.5, 10**30]),
        "dependencies": st.dictionaries(NAMES, st.lists(NAMES, unique=True, max_size=2)),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), SMALL),
        **dict.fromkeys(("minProperties", "maxProperties"), SMALL),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
    },
)


def compounds(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas that hold others."""
    several = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(NAMES, inner, max_size=3)
    one = dict.fromkeys(
        ("additionalProperties", "additionalItems", "contains", "propertyNames", "not"), inner
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["array", "object"]),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "properties": named,
            "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
            "dependencies": named,
            "items": inner | several,
            **dict.fromkeys(("if", "then", "else"), inner),
            **dict.fromkeys(("allOf", "anyOf", "oneOf"), several),
            **one,
        },
    )


# jsonschema by itself, but for `additionalItems` beside `items` of one schema, which it trips over.
PLAIN = extend(  # type: ignore[no-untyped-call]  # the stubs are old
    Draft7Validator, {"additionalItems": make_finder({}).VALIDATORS["additionalItems"]}
)
schemas = st.recursive(leaves, compounds, max_leaves=6).filter(lambda schema: type(schema) is dict)


@settings(max_examples=120)
@given(schemas, st.lists(values, min_size=5, max_size=5))
def test_what_is_compiled_agrees_with_jsonschema(schema: dict[str, Any], tries: list[Any]) -> None:
    """On every keyword, at each depth, for each type of value."""
    accepts, judge, explains = compile_schema(schema), PLAIN(schema), make_finder(schema)
    for value in tries:
        assert accepts(value) == judge.is_valid(value) == explains.is_valid(value)


@settings(max_examples=50)
@given(schemas, schemas, st.lists(values, min_size=4, max_size=4))
def test_references_lead_where_jsonschema_says(
    one: dict[str, Any], other: dict[str, Any], tries: list[Any]
) -> None:
    """Down, up and round; the value gets smaller each time."""
    whole = {
        "$id": "http://example.org/whole",
        "definitions": {
            "one/": {**one, "items": {"$ref": "#"}},
            "two": {**other, "$id": "other", "additionalProperties": {"$ref": "whole#here"}},
            "three": {"$id": "#here", "items": {"$ref": "other#/additionalProperties"}},
        },
        "anyOf": [{"$ref": "#/definitions/one~1"}, {"$ref": "other", "minLength": 100}],
    }
    accepts, judge = compile_schema(whole), PLAIN(whole)
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
    *({limit: 1} for limit in ("minProperties", "maxProperties")),
    *({"multipleOf": number} for number in (2, 0.5, 1.0)),
    *({"enum": choices} for choices in ([["a"], {"a": 1}], [{"a": "x", "b": 1}, None], [[1], 1])),
    *({"const": choice} for choice in ([], {}, ["a", "b"], {"b": 1, "a": "x"}, [True], [1.0])),
    *({"pattern": pattern} for pattern in ("^a", "b$", "^ab?c?$")),
    {"items": [{"type": "string"}]},
    {"items": [{}, {"const": "b"}]},
    {"items": [{}], "additionalItems": {"type": "string"}},
    {"items": [{}, {}], "additionalItems": False},
    {"contains": {"const": "b"}},
    {"contains": True},
    {"contains": False},
    {"uniqueItems": True},
    {"patternProperties": {"^a": {"type": "string"}}},
    {"patternProperties": {"^a": True}, "additionalProperties": False},
    {"patternProperties": {"a": {}}, "properties": {"b": {}}, "additionalProperties": False},
    {"patternProperties": {"a": {}, "c": {}}, "additionalProperties": {"type": "string"}},
    {"patternProperties": {"": False}},
    {"propertyNames": {"const": "a"}},
    {"propertyNames": False},
    {"dependencies": {"a": ["b"]}},
    {"dependencies": {"a": {"minProperties": 2}}},
    {"dependencies": {"a": False}},
    {"if": {"type": "string"}, "then": {"minLength": 2}},
    {"if": {"type": "string"}, "else": {"type": "integer"}},
    {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "integer"}},
    {"if": True, "then": {"type": "string"}},
    {"if": False, "else": {"type": "string"}},
    {"not": {"type": "string"}},
    {"allOf": [{"minLength": 2}, {"type": "string"}]},
    {"anyOf": [False, {"type": "string"}]},
    {"oneOf": [{"minLength": 2}, {"type": "string"}]},
    {"oneOf": [False, {"type": "null"}, {"type": "string"}]},
    {"$ref": "#/definitions/x", "definitions": {"x": {"type": "string"}}, "maxLength": 0},
    {"definitions": {"x": {"type": "string"}}, "not": {"$ref": "#/definitions/x"}},
    {"items": {"$ref": "#"}, "type": ["array", "string"]},
    {"$ref": "#/x/0", "x": [{"type": "string"}]},
]
TAKES_ALL: list[dict[str, Any]] = [
    {"then": {"type": "string"}, "else": False},
    {"if": {"type": "string"}},
    {"additionalItems": False},
    {"items": {}, "additionalItems": False},
    {"uniqueItems": False},
    {"items": True},
    {"anyOf": [{"type": "string"}, {}]},
    {"$ref": "#/definitions/x", "definitions": {"x": {"title": "any"}}, "type": "string"},
    {"unknown": {"type": "string"}, "format": "date", "contentEncoding": "base64"},
    {"properties": {"a": {}}, "patternProperties": {"a": {}}, "additionalProperties": {}},
    {"allOf": [{}], "dependencies": {"a": {}, "b": []}},
]
OF_EACH_KIND: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, 1.0, 1.5, 2.0, 2.5, -1, 10**400, "", "a", "ab", "abc"),
    *([], [1], ["a"], ["a", "b"], ["a", 1, "c"]),
    *({}, {"a": 1}, {"a": "x"}, {"a": "x", "b": 1}, {"a": 1, "b": "x"}, {"c": 1}),
    *({"a": 1, "c": "x"}, [True], [1, 1.0], ["b", "b"], 0.25),
]


@pytest.mark.parametrize("schema", [*ONE_KEYWORD, *TAKES_ALL], ids=str)
def test_each_keyword_means_what_jsonschema_says(schema: dict[str, Any]) -> None:
    """For values of every kind, on both sides of each limit."""
    accepts, judge = compile_schema(schema), Draft7Validator(schema)
    verdicts = [accepts(value) for value in OF_EACH_KIND]
    exact = {"multipleOf"} & schema.keys()  # for which jsonschema is too inexact
    assert exact or verdicts == [judge.is_valid(value) for value in OF_EACH_KIND]
    assert verdicts == [make_finder(schema).is_valid(value) for value in OF_EACH_KIND]
    expected = {False} if schema == {"enum": []} else {True, False}
    assert {*verdicts} == ({True} if schema in TAKES_ALL else expected)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"multipleOf": 0.01}, [19.99, 0, 1, 4.35, -0.07, 1e308, 10**400, "a"], [0.001, 19.999]),
        ({"multipleOf": 0.5}, [10**400, 1e308, 1.5], [1.25, 5e-324]),
        ({"multipleOf": 3}, [9, 9.0, 3 * 10**30, 3e22], [1, 1e22, 0.3, 10**400]),
        ({"multipleOf": 1e-7}, [0.00075, 1, 1e-7], [1.5e-7, 1e-8]),
        ({"multipleOf": 10**400}, [0, 10**401], [1, 1e308]),
        ({"maxLength": 1.0}, ["a", "é", "\U0001f432"], ["ab"]),
        ({"minimum": 10**400}, [10**400, 10**5000], [1, 1e308]),
        ({"maximum": -(10**5000)}, [-(10**5000)], [-(10**400), -1e308]),
        ({"const": 10**5000}, [10**5000], [10**5000 + 1, 1]),
        ({"const": 0}, [0, 0.0, -0.0], [False, None, ""]),
        ({"enum": [[{"a": [1, None]}], 2]}, [[{"a": [1.0, None]}], 2.0], [[{"a": [True, None]}]]),
        ({"uniqueItems": True}, [[1, True, "1", [1], {"a": 1}, None]], [[1, 1.0], [{}, 0, {}]]),
        ({"pattern": "^a$"}, ["a", 1], ["a\n", "b"]),
        ({"patternProperties": {r"^\d$": False}}, [{"\u0966": 1}], [{"0": 1}]),
        ({"const": math.inf}, [], [1, 10**400]),
        ({"enum": [math.nan, 1]}, [1], [0]),
    ],
)
def test_a_verdict_is_exact(schema: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    """Where floats would round, and Python takes one thing for another."""
    accepts = compile_schema(schema)
    assert [value for value in good if not accepts(value)] == []
    assert [value for value in bad if accepts(value)] == []


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
            "patternProperties": {f"^{re.escape(text)}": False},
            "dependencies": {text: [text], "b": {"required": [text]}},
            "anyOf": [{"const": {text: [text]}}, {"pattern": re.escape(text)}],
            "$id": f"urn:x:{text}",
            text or "b": text,
            "multipleOf": 0.5,
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


def test_a_schema_may_be_as_deep_as_it_likes() -> None:
    """Neither reading nor writing it takes a step for each level."""
    for keyword in ("items", "not", "allOf", "if"):
        schema: Any = {"type": "string"}
        for _ in range(1201):
            schema = {keyword: [schema] if keyword == "allOf" else schema}
        assert isinstance(compile_schema(schema)([[]]), bool)
    constant: Any = 1
    for _ in range(1200):
        constant = [constant]
    assert not compile_schema({"const": constant})([[1]])
    chain = {str(number): {"$ref": f"#/definitions/{number + 1}"} for number in range(1200)}
    accepts = compile_schema(
        {"$ref": "#/definitions/0", "definitions": {**chain, "1200": {"type": "string"}}}
    )
    assert [accepts("a"), accepts(1)] == [True, False]


def test_a_value_that_is_too_deep_gets_a_no() -> None:
    """Wherever the schema leads; the step fails, and the run goes on."""
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    tree = {"items": {"$ref": "#"}}
    for schema in (tree, {"not": tree}, {"uniqueItems": True}, {"not": {"uniqueItems": True}}):
        assert not compile_schema(schema | {"definitions": {}} if "not" not in schema else schema)(
            [deep, deep]
        )
    level: Any = []
    for _ in range(300):
        level = [level]
    assert compile_schema(tree)(level)
    assert compile_schema({"uniqueItems": True})([level, [level]])
    assert not compile_schema({"uniqueItems": True})([level, level])


def test_a_match_that_takes_too_long_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where not to match would be right, and where something else would do."""
    monkeypatch.setattr(patterns, "MAX_SECONDS", 0.01)
    slow = {"pattern": "^(a|aa)+$"}
    for schema in (slow, {"not": slow}, {"anyOf": [slow, {}, {"not": slow}]}):
        assert not compile_schema({"allOf": [schema, {"not": slow}]})("a" * 100 + "!")
    assert not compile_schema({"patternProperties": {"^(a|aa)+$": {}, "^(aa|a)+$": False}})(
        {"a" * 100 + "!": 1}
    )
    assert compile_schema(slow)("aa")


def test_items_are_compared_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each makes one key, and keys meet in a set, whatever hashes the items have."""
    made: list[Any] = []
    make_key = equality.make_key

    def count(value: Any) -> str:
        made.append(value)
        return make_key(value)

    monkeypatch.setattr(equality, "make_key", count)
    objects: list[Any] = [{"a": [number]} for number in range(3000)]
    assert compile_schema({"uniqueItems": True})(objects)
    assert len(made) == 4 * len(objects)
    assert not compile_schema({"uniqueItems": True})([*objects, {"a": [7.0]}])
    keys = {*map(make_key, (number * (2**61 - 1) for number in range(1000)))}
    assert len({*map(hash, keys)}) > 990  # hashes of these numbers would all be one


FAULTS: list[tuple[Any, str]] = [
    ({"type": "strng"}, "$.type: `type` must be one of `null`, `boolean`, "),
    ({"type": ["string", "strng"]}, "$.type[1]: `type` must be one of "),
    ({"type": [["string"]]}, "$.type[0]: `type` must be one of "),
    ({"type": []}, "$.type: `type` must name a type"),
    ({"type": ["null", "null"]}, "$.type: `type` must not name a type twice"),
    ({"type": 1}, "$.type: `type` must be one of "),
    ({"required": "path"}, "$.required: `required` must be an array of strings, not a string"),
    ({"required": [1]}, "$.required[0]: `required` must be an array of strings, not an integer"),
    ({"required": ["a", "a"]}, "$.required: `required` must not contain the same name twice"),
    ({"properties": ["path"]}, "$.properties: `properties` must be an object of schemas, not an"),
    (
        {"properties": {"a": {"minLength": "1"}}},
        "$.properties.a.minLength: `minLength` must be an integer, not a string",
    ),
    (
        {"properties": {"a": 1}},
        "$.properties.a: a schema must be an object or a boolean, not an integer",
    ),
    ({"items": 1}, "$.items: `items` must be a schema or an array, not an integer"),
    ({"items": []}, "$.items: `items` must not be empty"),
    ({"items": [1]}, "$.items[0]: a schema must be an object or a boolean, not an integer"),
    ({"additionalProperties": 0}, "$.additionalProperties: `additionalProperties` must be an obj"),
    ({"minItems": -1}, "$.minItems: `minItems` must not be negative"),
    ({"minItems": 1.5}, "$.minItems: `minItems` must be an integer, not a decimal number"),
    ({"minItems": True}, "$.minItems: `minItems` must be an integer, not a boolean"),
    ({"minimum": True}, "$.minimum: `minimum` must be a number, not a boolean"),
    ({"maximum": math.inf}, "$.maximum: `maximum` must be a number, not Infinity or NaN"),
    ({"maximum": math.nan}, "$.maximum: `maximum` must be a number, not Infinity or NaN"),
    ({"multipleOf": 0}, "$.multipleOf: `multipleOf` must be greater than 0"),
    ({"multipleOf": "1"}, "$.multipleOf: `multipleOf` must be a number, not a string"),
    ({"uniqueItems": 1}, "$.uniqueItems: `uniqueItems` must be a boolean, not an integer"),
    ({"enum": "abc"}, "$.enum: `enum` must be an array, not a string"),
    ({"examples": 1}, "$.examples: `examples` must be an array, not an integer"),
    ({"title": None}, "$.title: `title` must be a string, not null"),
    ({"$id": 1}, "$.$id: `$id` must be a string, not an integer"),
    ({"readOnly": "x"}, "$.readOnly: `readOnly` must be a boolean, not a string"),
    ({"anyOf": []}, "$.anyOf: `anyOf` must not be empty"),
    ({"oneOf": {}}, "$.oneOf: `oneOf` must be an array of schemas, not an object"),
    ({"not": [True]}, "$.not: `not` must be an object or a boolean, not an array"),
    ({"dependencies": []}, "$.dependencies: `dependencies` must be an object of schemas, not an"),
    ({"dependencies": {"a": [1]}}, "$.dependencies.a[0]: `dependencies` must be an array of"),
    ({"dependencies": {"a": 1}}, "$.dependencies.a: `dependencies` must be an array of"),
    ({"dependencies": {"a": {"not": 1}}}, "$.dependencies.a.not: `not` must be "),
    ({"definitions": {"a": {"not": 1}}}, "$.definitions.a.not: `not` must be "),
    ({"pattern": 1}, "$.pattern: `pattern` must be a string, not an integer"),
    (
        {"patternProperties": {"(": {}}},
        (
            '$.patternProperties["("]: `patternProperties` must be a regular expression of '
            "ECMA-262: in `(` the `(` is not closed, at character 1"
        ),
    ),
    ({"patternProperties": 1}, "$.patternProperties: `patternProperties` must be an object of"),
    ({"pattern": "a{9999999999}"}, "$.pattern: `pattern` must be a regular expression of ECMA"),
    ({"$ref": 1}, "$.$ref: `$ref` must be a string, not an integer"),
    ({"$schema": "http://json-schema.org/draft-04/schema#"}, "$.$schema: only draft-07 is supp"),
    ([], "$: a schema must be an object or a boolean, not an array"),
]


@pytest.mark.parametrize(("schema", "fault"), FAULTS, ids=str)
def test_a_schema_that_is_none_is_told(schema: Any, fault: str) -> None:
    """When it is loaded, and not when it is needed; with the place in it, as data and in words."""
    with pytest.raises(SchemaError) as caught:
        compile_schema(schema)
    assert str(caught.value).startswith(f"at {fault}")
    place = format_path(("$", *caught.value.path))
    assert str(caught.value) == f"at {place}: {caught.value.reason}"
    for known in (schema, *caught.value.path[:1]):
        assert known == schema or known in schema


@pytest.mark.parametrize(
    "schema",
    [schema for schema, _ in FAULTS if type(schema) is dict and "$schema" not in schema],
    ids=str,
)
def test_the_meta_schema_refuses_the_same(schema: dict[str, Any]) -> None:
    """As far as it can tell: it asks for any number, and for any text as a pattern."""
    beyond = {"pattern", "patternProperties", "maximum"}
    meta = compile_schema({"$ref": "http://json-schema.org/draft-07/schema#"})
    assert meta(schema) == (
        not beyond.isdisjoint(schema)
        and schema.get("pattern") != 1
        and schema.get("patternProperties") != 1
    )


@settings(max_examples=100)
@given(schemas, st.data())
def test_a_schema_is_refused_just_when_the_meta_schema_does_so(
    schema: dict[str, Any], data: st.DataObject
) -> None:
    """Whatever stands where."""
    wrong = {**schema, data.draw(st.sampled_from(sorted(KEYWORDS))): data.draw(values)}
    if {"$ref", "$schema", "pattern", "patternProperties"} & wrong.keys():
        return
    try:
        Draft7Validator.check_schema(wrong)
    except JsonschemaError:
        with pytest.raises(SchemaError):
            compile_schema(wrong)
    else:
        compile_schema(wrong)


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
