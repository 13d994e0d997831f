"""Parameters: how a text is read, what fills in, and who uses which."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from support import workflows

from driftflow.planning.parameters import (
    Parameter,
    ParamText,
    fill_in,
    list_declared,
    list_parameters,
    read_texts,
    takes_text,
)

if TYPE_CHECKING:
    from driftflow.reading.document import Json


@pytest.mark.parametrize(
    ("schema", "takes"),
    [
        (None, True),
        (True, True),
        (False, True),
        ({}, True),
        ({"minimum": 1}, True),
        ({"type": "string"}, True),
        ({"type": ["integer", "string"]}, True),
        ({"type": "integer"}, False),
        ({"type": ["integer", "null"]}, False),
        ({"type": "array", "items": {"type": "string"}}, False),
        ({"enum": ["quick", "full"]}, True),
        ({"enum": [1, "all"]}, True),
        ({"enum": [1, 2]}, False),
        ({"enum": []}, False),
        ({"const": "x"}, True),
        ({"const": 1}, False),
        ({"const": None}, False),
        ({"type": "string", "enum": [1]}, False),
        ({"type": "integer", "const": "x"}, False),
        ({"anyOf": [{"type": "integer"}]}, True),  # only these three keywords are asked
    ],
)
def test_a_schema_takes_a_string_or_not(schema: Json, *, takes: bool) -> None:
    """By its `type`, its `enum` and its `const`: by each of them that it has."""
    assert takes_text(schema) is takes


@pytest.mark.parametrize("keyword", ["type", "enum", "const"])
@given(workflows.values)
def test_a_schema_of_any_shape_can_be_asked(keyword: str, value: Json) -> None:
    """A text is read before anybody knows whether its schema is right."""
    assert takes_text({keyword: value}) in (True, False)


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("1952", {"type": "integer"}, 1952),
        ("1952", {"type": "string"}, "1952"),
        ("1952", {"type": ["string", "integer"]}, "1952"),
        ("1952", {}, "1952"),
        ("1952", None, "1952"),
        ("-2.5e3", {"type": "number"}, -2500.0),
        ("true", {"type": "boolean"}, True),
        ("null", {"enum": [None, 1]}, None),
        ("2", {"const": 2}, 2),
        (' [1, {"a": "b"}] ', {"type": "array"}, [1, {"a": "b"}]),
        ('"quoted"', {"type": "integer"}, "quoted"),  # a string all the same: the schema says so
        # What is no JSON stays a string.
        ("", {"type": "integer"}, ""),
        ("today", {"type": "integer"}, "today"),
        ("1 2", {"type": "integer"}, "1 2"),
        ("01", {"type": "integer"}, "01"),
        ("NaN", {"type": "number"}, "NaN"),
        ("1e999", {"type": "number"}, "1e999"),
        ("[1,]", {"type": "array"}, "[1,]"),
        ("1 // one", {"type": "integer"}, "1 // one"),
        ('{"a": 1, "a": 2}', {"type": "object"}, '{"a": 1, "a": 2}'),
        ("\udce9", {"type": "integer"}, "\udce9"),  # a byte of the command line that is no UTF-8
        ("[" * 2000, {"type": "array"}, "[" * 2000),
    ],
)
def test_a_text_is_read_by_what_its_schema_takes(text: str, schema: Json, value: Json) -> None:
    """As JSON if that can be no string, and strictly; else it is the string that it is."""
    declared: dict[str, Any] = {"p": schema}
    read = read_texts(declared, {"p": ParamText(text)})
    assert read == {"p": value}
    assert type(read["p"]) is type(value)


def test_only_a_text_of_which_nobody_has_said_what_it_is_is_read() -> None:
    """A string of a program is one; so is a text for what is not declared."""
    declared = {"p": {"type": "integer"}, "q": {"type": "integer"}}
    values: dict[str, Json] = {"p": "5", "q": [5], "r": ParamText("5")}
    assert read_texts(declared, values) == {"p": "5", "q": [5], "r": "5"}
    read = read_texts(None, {"p": ParamText("5")})
    assert read == {"p": "5"}
    assert type(read["p"]) is str


@given(workflows.values)
def test_what_is_written_as_json_is_read_back(value: Json) -> None:
    """Whatever it is, for a schema that takes it and no string."""
    if isinstance(value, str):
        return
    read = read_texts({"p": {"enum": [value]}}, {"p": ParamText(json.dumps(value))})
    assert repr(read) == repr({"p": value})


@pytest.mark.parametrize(
    ("document", "declared"),
    [
        ({"params": {"p": {}, "q": True}}, {"p": {}, "q": True}),
        ({"params": {}}, {}),
        ({"params": []}, None),
        ({"params": None}, None),
        ({}, None),
        (["params"], None),
        ("params", None),
    ],
)
def test_the_declared_parameters_of_a_document_of_any_shape_are_found(
    document: Json, declared: dict[str, Json] | None
) -> None:
    """To declare none is another thing than not to declare."""
    assert list_declared(document) == declared


def test_what_is_given_goes_before_a_default() -> None:
    """A null is a value; what has neither has none; what is not declared is passed on."""
    declared = {
        "a": {"default": 1},
        "b": {"default": None},
        "c": {"type": "integer"},
        "d": {"default": 2},
        "e": True,
    }
    assert fill_in(declared, {"d": None, "x": 5}) == {"d": None, "x": 5, "a": 1, "b": None}
    assert fill_in(declared, {}) == {"a": 1, "b": None, "d": 2}
    assert fill_in(None, {"x": 5}) == {"x": 5}


STEPS: list[dict[str, Any]] = [
    {"name": "b", "input": [{"param": "day"}, {"param": "mode", "default": "quick"}]},
    {"name": "a", "when": {"value": {"param": "day"}, "is": {}}, "input": {"param": "zone"}},
    {"name": "c", "input": {"param": "mode", "default": "full"}},
    {"name": "d", "input": {"literal": {"param": "other"}}},
]


def test_the_parameters_of_a_workflow_that_declares_none_are_those_that_it_uses() -> None:
    """In the order of their use, with the first default, and the steps as the file has them."""
    assert [*list_parameters(None, STEPS, {"zone": [1]}, ())] == [
        Parameter("day", None, None, None, is_secret=False, steps=("b", "a")),
        Parameter("mode", None, "quick", "default", is_secret=False, steps=("b", "c")),
        Parameter("zone", None, [1], "given", is_secret=False, steps=("a",)),
    ]
    assert [*list_parameters(None, [{"name": "a"}], {}, ())] == []


def test_the_parameters_of_a_workflow_that_declares_some_are_these() -> None:
    """In their order, used or not; a default stands in the schema."""
    declared: dict[str, Any] = {
        "other": True,
        "zone": {"default": "eu", "type": "string"},
        "day": {"type": "string"},
        "mode": {"default": None},
    }
    found = [*list_parameters(declared, STEPS[:2], {"day": "Monday", "mode": 1}, ())]
    assert found == [
        Parameter("other", declared["other"], None, None, is_secret=False, steps=()),
        Parameter("zone", declared["zone"], "eu", "default", is_secret=False, steps=("a",)),
        Parameter("day", {"type": "string"}, "Monday", "given", is_secret=False, steps=("b", "a")),
        Parameter("mode", {"default": None}, 1, "given", is_secret=False, steps=("b",)),
    ]


def test_of_a_secret_only_the_value_is_hidden() -> None:
    """Be it given or a default; one can still see where it comes from, and who uses it."""
    declared: dict[str, Any] = {"day": {"default": "x", "type": "string"}, "zone": {"default": 1}}
    given: dict[str, Json] = {"zone": "hunter2"}
    assert [*list_parameters(declared, STEPS, given, {"day", "zone"})] == [
        Parameter("day", {"type": "string"}, None, "default", is_secret=True, steps=("b", "a")),
        Parameter("zone", {}, None, "given", is_secret=True, steps=("a",)),
    ]
    (day, *_) = list_parameters(None, STEPS, {"day": "hunter2"}, {"day"})
    assert day == Parameter("day", None, None, "given", is_secret=True, steps=("b", "a"))
    anything: Json = True
    (zone,) = list_parameters({"zone": anything}, STEPS, given, {"zone"})
    assert zone == Parameter("zone", anything, None, "given", is_secret=True, steps=("a",))


def test_a_step_that_uses_all_parameters_uses_each() -> None:
    """Behind those that use just that one."""
    steps: list[dict[str, Any]] = [
        {"name": "all", "input": {"run": "/params"}},
        {"name": "one", "input": {"run": "/params/day"}},
    ]
    declared: dict[str, Any] = {"day": {}, "zone": {}}
    found = [*list_parameters(declared, steps, {"day": 1}, ())]
    assert [each.steps for each in found] == [("one", "all"), ("all",)]
