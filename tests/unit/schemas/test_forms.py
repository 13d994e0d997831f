"""Of several forms, the one that was meant."""

from __future__ import annotations

from typing import Any

import pytest
from support.breaches import Row, check

from driftflow.schemas.explanation import find_input_issues, make_input_validator

CSV = {
    "title": "CSV",
    "type": "object",
    "required": ["kind", "path"],
    "properties": {
        "kind": {"const": "csv"},
        "path": {"type": "string"},
        "delimiter": {"maxLength": 1},
    },
    "additionalProperties": False,
}
HTTP = {
    "title": "HTTP",
    "type": "object",
    "required": ["kind", "url"],
    "properties": {"kind": {"enum": ["http", "https"]}, "url": {"type": "string"}},
}
SOURCE: dict[str, Any] = {"anyOf": [CSV, HTTP]}
BY_REFERENCE: dict[str, Any] = {
    "oneOf": [{"$ref": "#/definitions/csv"}, {"allOf": [{"$ref": "#/definitions/http"}]}],
    "definitions": {"csv": CSV, "http": HTTP},
}
ENDPOINT: dict[str, Any] = {
    "anyOf": [
        {"properties": {"file": {"type": "string"}}, "required": ["file"]},
        {"properties": {"host": {"type": "string"}}, "required": ["host", "port"]},
    ]
}
NESTED: dict[str, Any] = {"anyOf": [{"type": "null"}, {"type": "array", "items": SOURCE}]}
SEVERAL = "the output must match exactly one of the allowed forms, but matches several"
OF_KIND = 'must be `"csv"`, `"http"` or `"https"`'
FORMS: dict[str, Row] = {
    "named by a field": (
        SOURCE,
        {"kind": "csv", "path": 1},
        ("path",),
        "`path` must be a string, not an integer",
        None,
    ),
    "named, and less far": (SOURCE, {"kind": "https"}, (), "missing required field `url`", None),
    "named wrongly": (
        SOURCE,
        {"kind": "htpp", "url": "u"},
        ("kind",),
        f"`kind` {OF_KIND}",
        "did you mean `http`?",
    ),
    "named by another type": (
        SOURCE,
        {"kind": 5},
        ("kind",),
        f"`kind` {OF_KIND}, not an integer",
        None,
    ),
    "not named": (
        SOURCE,
        {"path": "p"},
        (),
        "missing required field `kind`",
        '`kind` can be `"csv"`, `"http"` or `"https"`',
    ),
    "the name misspelt": (
        SOURCE,
        {"knid": "csv", "path": "p"},
        ("knid",),
        "missing required field `kind`",
        "write `kind` instead of `knid`",
    ),
    "behind references": (
        BY_REFERENCE,
        {"kind": "csv", "path": "p", "delimiter": ";;"},
        ("delimiter",),
        "`delimiter` must have at most 1 character",
        None,
    ),
    "behind references, named wrongly": (
        BY_REFERENCE,
        {"kind": "cvs"},
        ("kind",),
        f"`kind` {OF_KIND}",
        None,
    ),
    "the farthest": (
        ENDPOINT,
        {"file": 1},
        ("file",),
        "`file` must be a string, not an integer",
        None,
    ),
    "the least to do": (ENDPOINT, {}, (), "missing required field `file`", None),
    "the same spelling": (
        {"oneOf": [{"required": ["path"]}, {"required": ["url"]}]},
        {"pth": 1},
        ("pth",),
        "missing required field `path`",
        "write `path` instead of `pth`",
    ),
    "the same type": (
        {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 3}]},
        2,
        (),
        "the output must be at least 3",
        None,
    ),
    "no type": (
        {"anyOf": [{"type": "string"}, {"type": ["null", "array"]}, False]},
        1,
        (),
        "the output must be a string or null or an array, not an integer",
        None,
    ),
    "types and choices": (
        {"anyOf": [{"enum": ["quick", "full"]}, {"type": "integer"}]},
        "qick",
        (),
        'the output must be `"quick"`, `"full"` or an integer',
        "did you mean `quick`?",
    ),
    "choices": (
        {"oneOf": [{"const": "one"}, {"const": "two"}]},
        "twoo",
        (),
        'the output must be `"one"` or `"two"`',
        "did you mean `two`?",
    ),
    "types and choices of another type": (
        {"anyOf": [{"const": "one"}, {"type": "null"}]},
        1,
        (),
        'the output must be `"one"` or null, not an integer',
        None,
    ),
    "equally far": (
        {"anyOf": [{"pattern": "^a"}, {"minLength": 3}]},
        "b",
        (),
        'the output must match the pattern `"^a"` or have at least 3 characters',
        None,
    ),
    "equally far inside": (
        {"anyOf": [{"items": {"type": "string"}}, {"items": {"type": "null"}}]},
        [1],
        (0,),
        "`[0]` must be a string or null, not an integer",
        None,
    ),
    "equally far at different places": (
        {
            "anyOf": [
                {"title": "A", "properties": {"a": {"type": "null"}}},
                {"title": "B", "properties": {"b": {"type": "null"}}},
            ]
        },
        {"a": 1, "b": 1},
        (),
        "the output does not match any of the allowed forms: `A` or `B`",
        None,
    ),
    "equally far, and not to be told apart": (
        {"anyOf": [{"properties": {"a": False}}, {"properties": {"b": False}}]},
        {"a": 1, "b": 1},
        (),
        "the output does not match any of the allowed forms",
        None,
    ),
    "one in another": (
        NESTED,
        [{"kind": "csv", "path": "p"}, {"kind": "csv", "path": 1}],
        (1, "path"),
        "`path` must be a string, not an integer",
        None,
    ),
    "too many": (
        {"oneOf": [{"required": ["a"]}, {"required": ["b"]}, {"required": ["c"]}]},
        {"a": 1, "b": 1},
        (),
        f"{SEVERAL}: an object with `a` and an object with `b`",
        "keep only one of `a` and `b`",
    ),
    "too many by their titles": (
        {
            "oneOf": [{"title": "A"}, {"$ref": "#/definitions/b"}],
            "definitions": {"b": {"title": "B", "type": ["null", "integer"]}},
        },
        1,
        (),
        f"{SEVERAL}: `A` and `B`",
        None,
    ),
    "too many without names": (
        {"oneOf": [{}, True]},
        1,
        (),
        SEVERAL,
        None,
    ),
}


@pytest.mark.parametrize("row", FORMS.values(), ids=FORMS.keys())
def test_of_several_forms_the_one_that_was_meant_is_told(row: Row) -> None:
    """With the path inside; all that would do, if it is no single one."""
    schema, value, path, message, hint = row
    check(schema, value, [(path, message, hint)])


# What is not foretold while there are references; and what lies behind a `$ref` and has no say.
HIDDEN = {
    *("too many", "too many by their titles", "too many without names"),
    "equally far at different places",
}


@pytest.mark.parametrize("name", sorted(FORMS.keys() - HIDDEN))
def test_references_are_no_obstacle_to_forms(name: str) -> None:
    """Also where one stands in the value, whose part is then beyond reproach."""
    schema, value, path, message, hint = FORMS[name]
    root = {"definitions": schema.get("definitions", {})}
    takes = make_input_validator(
        {**root, "properties": {"x": schema, "y": {"type": "null"}}}, admit=True
    )
    found = find_input_issues(takes, "act", {"x": value, "y": {"from": "a step"}})
    told = message.replace("the output", "`x`").replace("`[0]`", "`x[0]`")
    assert [(issue.path, issue.message, issue.hint) for issue in found] == [
        (("x", *path), told, hint)
    ]


@pytest.mark.parametrize("value", [{"kind": {"from": "a"}, "path": 1}, {"kind": {"param": "p"}}])
def test_a_reference_is_not_blamed(value: Any) -> None:
    """It may stand for what says which form is meant."""
    takes = make_input_validator(SOURCE, admit=True)
    for issue in find_input_issues(takes, "act", value):
        assert issue.path[:1] != ("kind",)


def test_what_a_reference_holds_is_explained() -> None:
    """Its default and its literal are values like any other."""
    takes = make_input_validator(SOURCE, admit=True)
    (issue,) = find_input_issues(takes, "act", {"kind": "csv", "path": {"literal": 1}})
    assert (issue.path, issue.message) == (
        ("path", "literal"),
        "`literal` must be a string, not an integer",
    )
