"""The schema is good, and every breach of it is said in our own words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from support import workflows

from driftflow.actions.action import ACTIONS
from driftflow.checking import warnings
from driftflow.issues import Issue
from driftflow.planning.graph import Graph
from driftflow.schemas.explanation import (
    explain_refusal,
    find_input_issues,
    find_issues,
    make_input_validator,
)

# The contract's table of fields: what each may hold, and what it may not.
FIELDS = {
    ("name",): ("a string", ["string"]),
    ("steps",): ("an array", ["array"]),
    ("steps", 0): ("an object", ["object"]),
    ("steps", 0, "name"): ("a string", ["string"]),
    ("steps", 0, "action"): ("a string", ["string"]),
    ("steps", 0, "priority"): ("an integer", ["integer", "whole"]),
    ("steps", 0, "optional"): ("a boolean", ["boolean"]),
    ("max_attempts",): ("an integer", ["integer", "whole"]),
    ("flags",): ("an object", ["object"]),
    ("flags", "audit"): ("a boolean", ["boolean"]),
    ("flags", "metrics"): ("a boolean", ["boolean"]),
    ("flags", "parallel"): ("a boolean", ["boolean"]),
    ("storage",): ("an object", ["object"]),
    ("storage", "path"): ("a string", ["string"]),
    ("timeout_seconds",): ("a number", ["integer", "whole", "decimal"]),
}
VALUES: dict[str, tuple[Any, str]] = {
    "null": (None, "null"),
    "boolean": (True, "a boolean"),
    "integer": (1, "an integer"),
    "whole": (1.0, "a decimal number"),
    "decimal": (1.5, "a decimal number"),
    "string": ("text", "a string"),
    "array": ([], "an array"),
    "object": ({"name": "n", "action": "a"}, "an object"),
}


@given(workflows.configs)
def test_a_good_config_has_no_issue(config: dict[str, Any]) -> None:
    """Whatever else stands in it."""
    assert find_issues(config) == []


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_every_field_takes_its_types_and_refuses_all_others(
    path: tuple[str | int, ...], kind: str
) -> None:
    """The message names the type that is wanted and the one that was found."""
    wanted, allowed = FIELDS[path]
    value, found = VALUES[kind]
    subject = f"{path[-2]}[{path[-1]}]" if path[-1] == 0 else path[-1]
    refused = Issue("wrong-type", f"`{subject}` must be {wanted}, not {found}", path)
    reported = [
        issue._replace(hint=None) for issue in find_issues(workflows.config_with(path, value))
    ]
    assert reported == ([] if kind in allowed else [refused])


@pytest.mark.parametrize("kind", VALUES)
def test_an_input_may_be_any_json_value(kind: str) -> None:
    """And so may what is ignored."""
    value, _ = VALUES[kind]
    for field in ("input", "retries", "$schema", "x-note", "note"):
        assert find_issues(workflows.config({field: value}, **{field: value})) == []


@pytest.mark.parametrize(
    ("path", "value", "code", "rule"),
    [
        (("name",), "", "empty-string", "must not be empty"),
        (("steps", 0, "name"), "", "empty-string", "must not be empty"),
        (("steps", 0, "action"), "", "empty-string", "must not be empty"),
        (("storage", "path"), "", "empty-string", "must not be empty"),
        (("max_attempts",), 0, "out-of-range", "must be at least 1"),
        (("timeout_seconds",), 0, "out-of-range", "must be greater than 0"),
        (("timeout_seconds",), -0.5, "out-of-range", "must be greater than 0"),
    ],
)
def test_a_value_out_of_range_is_refused(
    path: tuple[str | int, ...], value: object, code: str, rule: str
) -> None:
    """With the range."""
    assert find_issues(workflows.config_with(path, value)) == [
        Issue(code, f"`{path[-1]}` {rule}", path)
    ]


UNQUOTED = "remove the double quotes"
BOOLEAN = "write `true` or `false`"
STEPS = '`steps` is an array: `[{"name": "fetch", "action": "echo"}]`'
FLAGS = '`flags` is an object: `{"audit": true}`'
STORAGE = '`storage` is an object: `{"path": "./driftflow.audit.json"}`'


@pytest.mark.parametrize(
    ("path", "value", "hint"),
    [
        (("max_attempts",), "3", UNQUOTED),
        (("max_attempts",), "0", UNQUOTED),
        (("steps", 0, "priority"), "-30", UNQUOTED),
        (("steps", 0, "optional"), "true", UNQUOTED),
        (("flags", "audit"), "false", UNQUOTED),
        (("timeout_seconds",), "0.5", UNQUOTED),
        (("max_attempts",), "0.5", None),
        (("max_attempts",), "007", None),
        (("timeout_seconds",), "007", None),
        (("max_attempts",), "3 times", None),
        (("max_attempts",), "", None),
        (("max_attempts",), [3], None),
        (("name",), 1, None),
        (("steps", 0), 1, None),
        (("steps", 0, "optional"), "True", BOOLEAN),
        (("flags", "audit"), 1, BOOLEAN),
        (("steps",), {}, STEPS),
        (("steps",), "[]", STEPS),
        (("flags",), ["audit"], FLAGS),
        (("storage",), "./audit.json", STORAGE),
    ],
)
def test_a_value_of_the_wrong_type_may_have_a_hint(
    path: tuple[str | int, ...], value: object, hint: str | None
) -> None:
    """A value in quotes that would do without; what a field looks like."""
    (issue,) = find_issues(workflows.config_with(path, value))
    assert (issue.code, issue.hint) == ("wrong-type", hint)


def test_the_fields_that_a_hint_shows_are_good() -> None:
    """They pass, to the last warning."""
    for field, hint in [("steps", STEPS), ("flags", FLAGS), ("storage", STORAGE)]:
        value = json.loads(hint.split("`")[-2])
        document = workflows.config({}) | {field: value}
        assert find_issues(document) + warnings.find_issues(Graph(document), ACTIONS) == []


def test_each_missing_field_is_named_once() -> None:
    """At the object that lacks it."""
    assert find_issues({"steps": [{}]}) == [
        Issue("missing-field", "missing required field `name`", mark="start"),
        Issue("missing-field", "missing required field `name`", ("steps", 0), mark="start"),
        Issue("missing-field", "missing required field `action`", ("steps", 0), mark="start"),
    ]


@pytest.mark.parametrize(
    ("key", "misspelt"),
    [
        ("Name", True),
        ("nmae", True),
        ("name ", True),
        ("n" * 1000, False),
        ("title", True),
        ("heading", False),
        ("_name", False),
        ("x-name", False),
        ("priority", False),
    ],
)
def test_a_missing_field_that_was_misspelt_is_shown_there(key: str, *, misspelt: bool) -> None:
    """At the key, unless this is a note or a field of its own."""
    (issue,) = find_issues({"name": "test", "steps": [{"action": "echo", key: 1}]})
    expected = Issue("missing-field", "missing required field `name`", ("steps", 0), mark="start")
    if misspelt:
        hint = f"write `name` instead of `{key}`"
        expected = expected._replace(path=("steps", 0, key), hint=hint, mark="key")
    assert issue == expected


@pytest.mark.parametrize("kind", sorted(VALUES.keys() - {"object"}))
def test_a_document_that_is_no_object_is_refused(kind: str) -> None:
    """There is no path to name, so the message does."""
    value, found = VALUES[kind]
    hint = 'a workflow is an object: `{"name": "demo", "steps": [...]}`'
    message = f"the document must be an object, not {found}"
    assert find_issues(value) == [Issue("wrong-type", message, hint=hint)]


def test_a_letter_that_looks_like_another_is_named() -> None:
    """A misspelling that nobody can see."""
    (issue,) = find_issues({"n\u0430me": "a", "steps": []})
    remark = "(yours contains the non-ASCII character U+0430)"
    assert issue.hint == f"write `name` instead of `n\u0430me` {remark}"


def test_no_message_shows_what_the_document_holds() -> None:
    """A value can be long, or secret."""
    secret = "s3cr3t" * 1000
    (issue,) = find_issues(workflows.config_with(("max_attempts",), secret))
    assert "s3cr3t" not in issue.message


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, 1, "act takes a string, not an integer"),
        ({"type": ["array", "object"]}, None, "act takes an array or an object, not null"),
        ({"enum": ["a", 1]}, "b", 'the value must be `"a"` or `1`'),
        ({"const": {"a": 1}}, {}, 'the value must be `{"a":1}`'),
        ({"minLength": 1}, "", "the value must not be empty"),
        ({"minLength": 3}, "ab", "the value must have at least 3 characters"),
        ({"maxLength": 1}, "ab", "the value must have at most 1 character"),
        ({"pattern": "^a$"}, "b", 'the value must match the pattern `"^a$"`'),
        ({"minimum": 2}, 1, "the value must be at least 2"),
        ({"maximum": 2}, 3, "the value must be at most 2"),
        ({"exclusiveMinimum": 2}, 2, "the value must be greater than 2"),
        ({"exclusiveMaximum": 2}, 2, "the value must be less than 2"),
        ({"multipleOf": 2}, 3, "the value must be a multiple of 2"),
        ({"minItems": 1}, [], "the value must not be empty"),
        ({"minItems": 2}, [1], "the value must have at least 2 items"),
        ({"maxItems": 1}, [1, 2], "the value must have at most 1 item"),
        ({"uniqueItems": True}, [1, 1], "the value must not contain the same item twice"),
        ({"minProperties": 2}, {"a": 1}, "the value must have at least 2 fields"),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, "the value must have at most 1 field"),
        ({"required": ["path"]}, {}, "missing required field `path`"),
        ({"additionalProperties": False}, {"b": 1}, "unknown field `b`"),
        (
            {"properties": {"a": False}},
            {"a": 1},
            "`a` is not allowed",
        ),
        (
            {"oneOf": [{"type": "string"}, {}]},
            "a",
            "the value must match exactly one of the allowed forms",
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            1,
            "act takes a string or null, not an integer",
        ),
        (
            {"items": {"oneOf": [{"type": "string"}, {"type": ["null", "array"]}]}},
            [1],
            "`[0]` must be a string or null or an array, not an integer",
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 3}]},
            2,
            "the value must be at least 3",
        ),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {},
            "the value must have the field `a` or have the field `b`",
        ),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            "the name `ab` must have at most 1 character",
        ),
        ({"not": {}}, 1, "the value is not allowed"),
        (
            {"items": [{}], "additionalItems": False},
            [1, 2],
            "`[1]` is one too many: the value must have at most 1 item",
        ),
        (
            {"contains": {"type": "null"}},
            [1],
            "the value must contain an item that is null",
        ),
        ({"items": {"type": "string"}}, ["a", 1], "`[1]` must be a string, not an integer"),
        ({"items": {"items": {"minimum": 1}}}, [[], [0]], "`[0]` must be at least 1"),
        ({"properties": {"a": {"items": {"minimum": 1}}}}, {"a": [0]}, "`a[0]` must be at least 1"),
        ({"properties": {"rows": {"minItems": 1}}}, {"rows": []}, "`rows` must not be empty"),
        ({"additionalProperties": {"minimum": 1}}, {"k" * 90: 0}, f"`{'k' * 80}…` must be at"),
    ],
)
def test_an_objection_to_an_input_is_in_our_words(
    schema: dict[str, Any], value: Any, message: str
) -> None:
    """For each keyword of JSON Schema, at each depth."""
    (issue,) = find_input_issues(make_input_validator(schema), "act", value)
    assert issue.code == "wrong-input"
    assert issue.message.startswith(message)
    admitting = find_input_issues(make_input_validator(schema, admit=True), "act", value)
    assert admitting == [issue] or UNCERTAIN & schema.keys()
    if len(issue.path) < 2:
        assert explain_refusal("act", schema, value).startswith(message)


# What nobody can tell while there are references.
UNCERTAIN = {"not", "oneOf", "const", "uniqueItems"}
FIELDS_OF_ACT = {
    "required": ["path", "rows"],
    "properties": {"path": {}, "rows": {}, "mode": {}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "issues_found"),
    [
        (
            {"pth": 1, "rows": 1},
            [("missing required field `path`", "write `path` instead of `pth`", ("pth",))],
        ),
        (
            {"path": 1, "rows": 1, "mod": 1},
            [("unknown field `mod`", "did you mean `mode`?", ("mod",))],
        ),
        (
            {"path": 1, "rows": 1, "zz": 1},
            [("unknown field `zz`", "the allowed fields are `path`, `rows` and `mode`", ("zz",))],
        ),
        (
            {},
            [
                ("missing required field `path`", None, ()),
                ("missing required field `rows`", None, ()),
            ],
        ),
    ],
)
def test_a_field_of_an_input_has_a_hint(value: Any, issues_found: list[Any]) -> None:
    """What was probably meant, or what there is; a misspelt field is told once."""
    found = find_input_issues(make_input_validator(FIELDS_OF_ACT), "act", value)
    assert [(issue.message, issue.hint, issue.path) for issue in found] == issues_found


def test_a_hint_that_lists_one_field_speaks_of_one() -> None:
    """Of none it says nothing."""
    closed: dict[str, Any] = {"additionalProperties": False}
    one = {**closed, "properties": {"path": {}}}
    for schema, hint in [(one, "the only field is `path`"), (closed, None)]:
        (issue,) = find_input_issues(make_input_validator(schema), "act", {"zz": 1})
        assert issue.hint == hint


def test_an_objection_names_the_first_three_reasons() -> None:
    """With hints about names, since these stand in the file, and not about values."""
    schema = {"items": {"type": "integer"}}
    assert explain_refusal("act", schema, ["1", "2", "3", "4"]) == "; ".join(
        [*(f"`[{place}]` must be an integer, not a string" for place in range(3)), "and more"]
    )
    nested = {
        "properties": {"rows": {"items": {"required": ["id"], "additionalProperties": False}}}
    }
    assert explain_refusal("act", nested, {"rows": [{}, {"x": 1}]}) == (
        "rows[0]: missing required field `id`; rows[1]: missing required field `id`; "
        "rows[1]: unknown field `x`"
    )
    inner = {"properties": {"d": {"required": ["z"]}}}
    assert explain_refusal("act", inner, {"d": {}}) == "d: missing required field `z`"
    deep = {"items": {"items": {"minimum": 1}}}
    assert explain_refusal("act", deep, [[], [0]]) == "`[1][0]` must be at least 1"
    assert explain_refusal("act", FIELDS_OF_ACT, {"pth": 1, "rows": 1}) == (
        "missing required field `path` (write `path` instead of `pth`)"
    )
    assert explain_refusal("a" * 99, {"type": "string"}, 1) == (
        f"{'a' * 80}… takes a string, not an integer"
    )


def test_a_schema_without_fields_has_none_to_list() -> None:
    """Nothing stands behind the colon then."""
    (issue,) = find_input_issues(
        make_input_validator({"additionalProperties": False}), "act", {"a": 1}
    )
    assert issue.hint is None


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"when": {"param": "mode"}}, '`{"value":{"param":"mode"},"is":{"const":"full"}}`'),
        ({"when": "mode"}, '`{"value":{"param":"mode"},"is":{"const":"full"}}`'),
        ({"returns": "array"}, '`{"type":"array","minItems":1}`'),
    ],
)
def test_a_field_that_few_write_by_heart_is_told_with_an_example(value: Any, hint: str) -> None:
    """The first that its schema has."""
    found = find_issues(workflows.config(value))
    assert {issue.hint for issue in found} == {f"for example {hint}"}


def test_an_example_of_an_input_is_told() -> None:
    """As its action's schema has it."""
    day = {"pattern": "^[0-9-]+$", "examples": ["2026-11-28"]}
    validator = make_input_validator({"properties": {"day": day}})
    (issue,) = find_input_issues(validator, "act", {"day": "today"})
    assert issue.hint == 'for example `"2026-11-28"`'
