"""What breaks a schema is told at the place where it can be mended."""

from __future__ import annotations

import pytest
from support.breaches import MANY, Row, check

from driftflow.schemas.explanation import find_breaches, join_reasons

EIGHT = ", ".join(f"`{name}`" for name in MANY[:8])
FIELDS: dict[str, Row] = {
    "needed by another": (
        {"dependencies": {"user": ["password"]}},
        {"user": 1},
        (),
        "missing required field `password`, since `user` is given",
        None,
    ),
    "needed, and misspelt": (
        {"dependencies": {"user": ["password"]}},
        {"user": 1, "pasword": 2},
        ("pasword",),
        "missing required field `password`, since `user` is given",
        "write `password` instead of `pasword`",
    ),
    "another form because of a field": (
        {"dependencies": {"a": {"properties": {"b": {"minimum": 1}}}}},
        {"a": 1, "b": 0},
        ("b",),
        "`b` must be at least 1, since `a` is given",
        None,
    ),
    "ruled out by a dependency": (
        {"dependencies": {"a": False}},
        {"a": 1},
        ("a",),
        "`a` is not allowed",
        None,
    ),
    "no sibling is a misspelling": (
        {"properties": {"paths": {}}, "allOf": [{"required": ["path"]}]},
        {"paths": 1},
        (),
        "missing required field `path`",
        None,
    ),
    "unknown": (
        {"properties": {name: {} for name in MANY}, "additionalProperties": False},
        {"z": 1},
        ("z",),
        "unknown field `z`",
        f"the allowed fields are {EIGHT} and 12 more",
    ),
    "of a form": (
        {"additionalProperties": {"type": "string"}},
        {"a": 1},
        ("a",),
        "`a` must be a string, not an integer",
        None,
    ),
    "a bad name": (
        {"properties": {"env": {"propertyNames": {"pattern": "^[A-Z]+$"}}}},
        {"env": {"A": 1, "b": 2}},
        ("env", "b"),
        'the name `b` must match the pattern `"^[A-Z]+$"`',
        None,
    ),
    "a misspelt name": (
        {"propertyNames": {"enum": ["mode", "rows"]}},
        {"mdoe": 1},
        ("mdoe",),
        'the name `mdoe` must be `"mode"` or `"rows"`',
        "did you mean `mode`?",
    ),
    "no name": ({"propertyNames": False}, {"a": 1}, ("a",), "the name `a` is not allowed", None),
    "never": ({"properties": {"a": False}}, {"a": 1}, ("a",), "`a` is not allowed", None),
    "never by a pattern": (
        {"patternProperties": {"^a": False}},
        {"ab": 1},
        ("ab",),
        "`ab` is not allowed",
        None,
    ),
    "too few": (
        {"properties": {"a": {"minProperties": 1}}},
        {"a": {}},
        ("a",),
        "`a` must not be empty",
        None,
    ),
    "too many": (
        {"items": {"maxProperties": 1}},
        [{"a": 1, "b": 2}],
        (0,),
        "`[0]` must have at most 1 field",
        None,
    ),
}
ITEMS: dict[str, Row] = {
    "too many": (
        {"properties": {"pair": {"items": [{}, {}], "additionalItems": False}}},
        {"pair": [1, 2, 3, 4]},
        ("pair", 2),
        "`pair[2]` is one too many: `pair` must have at most 2 items",
        None,
    ),
    "further ones": (
        {"items": [{}], "additionalItems": {"type": "null"}},
        [1, None, 2],
        (2,),
        "`[2]` must be null, not an integer",
        None,
    ),
    "none": ({"items": False}, [1], (0,), "`[0]` is not allowed", None),
    "not that one": ({"items": [{}, False]}, [1, 2], (1,), "`[1]` is not allowed", None),
    "the same twice": (
        {"uniqueItems": True},
        [{"a": 1}, True, 1, {"a": 1.0}, {"a": 1}],
        (),
        "the output must not contain the same item twice: `[0]` and `[3]`",
        None,
    ),
    "no item of a type": (
        {"contains": {"type": "string"}},
        [1],
        (),
        "the output must contain an item that is a string",
        None,
    ),
    "no item with a field": (
        {"contains": {"properties": {"id": {"const": 1}}, "required": ["id"]}},
        [{}],
        (),
        "the output must contain an item that is an object with `id` whose `id` is `1`",
        None,
    ),
    "no item of a form": (
        {"contains": {"minimum": 3}},
        [1],
        (),
        "the output must contain an item of the form that is asked for",
        None,
    ),
}


@pytest.mark.parametrize("row", [*FIELDS.values(), *ITEMS.values()])
def test_what_is_wrong_is_told_at_its_place(row: Row) -> None:
    """The field, the item or the name that it is about."""
    schema, value, path, message, hint = row
    check(schema, value, [(path, message, hint)])


def test_the_part_of_a_file_that_an_issue_is_about_is_marked() -> None:
    """The key of what is not allowed; the start of an object with too few fields or too many."""
    marks = {
        "never": "key",
        "a bad name": "key",
        "too few": "start",
        "too many": "start",
        "of a form": "value",
    }
    for name, mark in marks.items():
        schema, value, *_ = FIELDS[name]
        (issue,) = find_breaches(schema, value, "the output")
        assert issue.mark == mark


def test_the_first_reasons_are_told_in_words() -> None:
    """Of what satisfies the schema, nothing."""
    schema = {"items": {"type": "integer"}}
    assert join_reasons(find_breaches(schema, [1], "the output")) == ""
    reasons = [f"`[{place}]` must be an integer, not null" for place in (1, 2, 3)]
    found = find_breaches(schema, [1, None, None, None, None], "the output")
    assert join_reasons(found) == "; ".join([*reasons, "and more"])
    found = find_breaches({"type": "null"}, 1, "the parameter")
    assert join_reasons(found) == "the parameter must be null, not an integer"
    found = find_breaches({"minimum": 1}, 0, "the output")
    assert join_reasons(found) == "the output must be at least 1"
