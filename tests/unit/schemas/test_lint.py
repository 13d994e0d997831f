"""What in a schema judges nothing is told, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from driftflow.issues import MAX_ISSUES, Issue
from driftflow.schemas.keywords import KEYWORDS
from driftflow.schemas.lint import _STRANGERS, find_issues
from driftflow.schemas.published import load_schema


def unknown(word: str, hint: str | None, *path: str | int) -> Issue:
    """The warning of a keyword that draft-07 does not have."""
    message = f"unknown keyword `{word}`: it is ignored"
    return Issue("unknown-keyword", message, (*path, word), hint, mark="key")


def test_a_misspelt_keyword_is_told_wherever_it_stands() -> None:
    """With the one that was probably meant."""
    schema = {
        "requird": ["a"],
        "properties": {"requird": {"minLenght": 1}, "b": {"items": [{"typ": "x"}]}},
        "unheard-of": {"typ": "data"},
    }
    assert find_issues(schema) == [
        unknown("requird", "did you mean `required`?"),
        unknown("unheard-of", None),
        unknown("minLenght", "did you mean `minLength`?", "properties", "requird"),
        unknown("typ", "did you mean `type`?", "properties", "b", "items", 0),
    ]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("nullable", 'write `{"type": ["string", "null"]}`'),
        ("$defs", "write `definitions`"),
        ("id", "write `$id`"),
        ("prefixItems", "write an array of schemas as `items`"),
        ("divisibleBy", "write `multipleOf`"),
    ],
)
def test_of_a_keyword_of_another_draft_its_own_is_told(word: str, hint: str) -> None:
    """None of these is one of draft-07."""
    assert find_issues({word: True}) == [unknown(word, hint)]
    assert not _STRANGERS.keys() & KEYWORDS.keys()


def test_notes_are_no_mistakes() -> None:
    """Those of the standard, of text editors, of other tools, and what stands in data."""
    notes = ["x-order", "_why", "// why", "$comment", "$comments", "markdownDescription", "title"]
    data = {"typ": 1}
    schema: dict[str, Any] = {
        **dict.fromkeys(notes, "x"),
        "format": "date",
        "readOnly": True,
        "contentEncoding": "base64",
        "default": data,
        "const": data,
        "enum": [data],
        "examples": [data],
        "properties": {"requird": True},
        "definitions": {"typ": {}},
        "dependencies": {"typ": ["minLenght"]},
    }
    assert find_issues(schema) == []


@pytest.mark.parametrize("name", ["driftflow", "result", "audit", "findings", "plan"])
def test_our_own_schemas_have_none(name: str) -> None:
    """As far as they are of draft-07."""
    schema = load_schema(name)
    if "draft-07" in schema["$schema"]:
        assert find_issues(schema) == []


@pytest.mark.parametrize(
    ("schema", "word", "reason"),
    [
        (
            {"type": "string", "minimum": 1},
            "minimum",
            "it is about the type `number`, which `type` excludes",
        ),
        (
            {"type": ["string", "array"], "required": ["a"]},
            "required",
            "it is about the type `object`, which `type` excludes",
        ),
        ({"then": {}}, "then", "there is no `if` beside it"),
        ({"if": {}}, "if", "there is neither `then` nor `else` beside it"),
        (
            {"items": {}, "additionalItems": False},
            "additionalItems",
            "`items` is no array of schemas",
        ),
        (
            {"$ref": "#/definitions/a", "type": "null", "definitions": {"a": {}}},
            "type",
            "all beside `$ref` is ignored",
        ),
    ],
)
def test_a_keyword_that_never_applies_is_told(schema: Any, word: str, reason: str) -> None:
    """At its key."""
    message = f"`{word}` never applies: {reason}"
    assert find_issues(schema) == [Issue("idle-keyword", message, (word,), mark="key")]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 1, "multipleOf": 2},
        {"type": ["string", "number"], "minimum": 1, "minLength": 1},
        {"minimum": 1, "minLength": 1},
        {"type": "null", "enum": [None], "not": {}, "title": "x"},
        {"if": {}, "else": False},
        {"items": [{}], "additionalItems": False},
        {"$ref": "#/definitions/a", "title": "x", "definitions": {"a": {}}, "default": 1},
    ],
    ids=str,
)
def test_a_keyword_that_may_apply_is_none(schema: Any) -> None:
    """A warning is never false."""
    assert find_issues(schema) == []


@pytest.mark.parametrize(
    ("schema", "hint"),
    [
        ({"type": "int"}, "did you mean `integer`?"),
        ({"type": "sting"}, "did you mean `string`?"),
        ({"items": {"type": ["null", "dict"]}}, "did you mean `object`?"),
        ({"type": "color"}, None),
        ({"type": 5}, None),
        ({"type": []}, None),
        ({"type": ["null", "null"]}, None),
        ({"properties": {"type": "int"}}, None),  # that is no `type`, but a property
    ],
    ids=str,
)
def test_a_wrong_type_is_told_with_the_one_that_is_meant(schema: Any, hint: str | None) -> None:
    """By the names of other languages, and by those that are near."""
    (issue,) = find_issues(schema)
    assert (issue.code, issue.hint) == ("wrong-schema", hint)


def test_errors_come_first() -> None:
    """What a compiler would refuse, with what is wrong besides."""
    schema = {
        "typ": 1,
        "minLength": "1",
        "properties": {"a": {"type": "strng", "minimum": 1, "then": 1}},
    }
    found = find_issues(schema)
    codes = ["wrong-schema"] * 3 + ["unknown-keyword", "idle-keyword"]
    assert [issue.code for issue in found] == codes
    assert found[0] == Issue(
        "wrong-schema", "`minLength` must be an integer, not a string", ("minLength",)
    )
    assert [issue.path for issue in found] == [
        ("minLength",),
        ("properties", "a", "type"),
        ("properties", "a", "then"),
        ("typ",),
        ("properties", "a", "then"),
    ]


def test_no_more_are_told_than_help() -> None:
    """Of errors and of warnings."""
    many = {str(number): {"typ": 1} for number in range(MAX_ISSUES + 5)}
    assert len(find_issues({"properties": many})) == MAX_ISSUES
    assert len(find_issues({"required": [1] * (MAX_ISSUES + 5)})) == MAX_ISSUES
