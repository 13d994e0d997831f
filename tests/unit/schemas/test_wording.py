"""What a schema asks for, in words: what it rules out, and when."""

from __future__ import annotations

from typing import Any

import pytest
from support.breaches import Row, check

EXCLUDED: dict[str, Row] = {
    "a value": ({"not": {"const": "a"}}, "a", (), 'the output must not be `"a"`', None),
    "values": ({"not": {"enum": [1, 2]}}, 1, (), "the output must not be `1` or `2`", None),
    "a type": (
        {"properties": {"a": {"not": {"type": "null"}}}},
        {"a": None},
        ("a",),
        "`a` must not be null",
        None,
    ),
    "a field": ({"not": {"required": ["a"]}}, {"a": 1}, ("a",), "`a` is not allowed", None),
    "fields": (
        {"not": {"required": ["a", "b"]}},
        {"a": 1, "b": 2},
        (),
        "the output must not have the fields `a` and `b` together",
        None,
    ),
    "one of some fields": (
        {"not": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}},
        {"b": 1},
        ("b",),
        "`b` is not allowed",
        None,
    ),
    "a value of a field": (
        {"not": {"properties": {"mode": {"const": "x"}}, "required": ["mode"]}},
        {"mode": "x"},
        ("mode",),
        '`mode` must not be `"x"`',
        None,
    ),
    "a pattern": (
        {"not": {"pattern": "^a"}},
        "a",
        (),
        'the output must not match the pattern `"^a"`',
        None,
    ),
    "what is not empty": ({"not": {"minLength": 1}}, "a", (), "the output must be empty", None),
    "a title": ({"not": {"title": "A", "minimum": 1}}, 1, (), "the output must not be `A`", None),
    "all": ({"not": True}, 1, (), "the output is not allowed", None),
    "what is not simple": (
        {"not": {"minimum": 1, "maximum": 2}},
        1,
        (),
        "the output must not be of the form that is ruled out",
        None,
    ),
}


BY_KIND: dict[str, Any] = {
    "if": {"properties": {"kind": {"const": "csv"}}, "required": ["kind"]},
    "then": {"required": ["delimiter"]},
    "else": {"properties": {"delimiter": False}},
}
CONDITIONS: dict[str, Row] = {
    "since a condition": (
        BY_KIND,
        {"kind": "csv"},
        (),
        'missing required field `delimiter`, since `kind` is `"csv"`',
        None,
    ),
    "since a condition does not hold": (
        BY_KIND,
        {"kind": "json", "delimiter": ";"},
        ("delimiter",),
        '`delimiter` is not allowed, since `kind` is not `"csv"`',
        None,
    ),
    "since a field is not there": (
        BY_KIND,
        {"delimiter": ";"},
        ("delimiter",),
        "`delimiter` is not allowed, since `kind` is not given",
        None,
    ),
    "since several conditions": (
        {"if": {"required": ["a"]}, "then": {"dependencies": {"b": ["c"]}}},
        {"a": 1, "b": 1},
        (),
        "missing required field `c`, since `a` is given and `b` is given",
        None,
    ),
    "by a condition that is not simple": (
        {"if": {"minProperties": 1}, "then": {"required": ["b"]}},
        {"a": 1},
        (),
        "missing required field `b`",
        None,
    ),
    "by a condition that does not hold, of several": (
        {"if": {"properties": {"a": {"const": 1}, "b": {"const": 1}}}, "else": {"required": ["c"]}},
        {"a": 1, "b": 2},
        (),
        "missing required field `c`",
        None,
    ),
}


@pytest.mark.parametrize("row", EXCLUDED.values(), ids=EXCLUDED.keys())
def test_what_is_ruled_out_is_told(row: Row) -> None:
    """At the field that it is about, if it is one."""
    schema, value, path, message, hint = row
    check(schema, value, [(path, message, hint)])


@pytest.mark.parametrize("row", CONDITIONS.values(), ids=CONDITIONS.keys())
def test_a_rule_that_does_not_always_hold_is_told_with_its_reason(row: Row) -> None:
    """If that is simple."""
    schema, value, path, message, hint = row
    check(schema, value, [(path, message, hint)])
