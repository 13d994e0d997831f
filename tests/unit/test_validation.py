"""The schema is good, and every breach of it is said in our own words, in the file's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import workflows
from hypothesis import given
from jsonschema import Draft7Validator

from driftflow.errors import Issue
from driftflow.validation import issues, schema

if TYPE_CHECKING:
    from driftflow.document import Json

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


def config_with(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """A good config, but for the value at the path."""
    document = workflows.config({}, flags={}, storage={})
    place: Any = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return document


@pytest.mark.parametrize("name", ["driftflow", "result", "audit"])
def test_each_published_schema_satisfies_its_metaschema(name: str) -> None:
    """Draft-07, which editors read best."""
    contents = schema(name)
    assert contents["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(contents)


@given(workflows.configs)
def test_a_good_config_has_no_issue(config: dict[str, Any]) -> None:
    """Whatever else stands in it."""
    assert issues(config) == []


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_every_field_takes_its_types_and_refuses_all_others(
    path: tuple[str | int, ...], kind: str
) -> None:
    """The message names the type that is wanted and the one that was found."""
    wanted, allowed = FIELDS[path]
    value, found = VALUES[kind]
    expected = [] if kind in allowed else [Issue(f"must be {wanted}, not {found}", path)]
    assert issues(config_with(path, value)) == expected


@pytest.mark.parametrize("kind", VALUES)
def test_an_input_may_be_any_json_value(kind: str) -> None:
    """And so may what is ignored."""
    value, _ = VALUES[kind]
    for field in ("input", "retries", "$schema", "x-note", "note"):
        assert issues(workflows.config({field: value}, **{field: value})) == []


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("name",), "", "must not be empty"),
        (("steps", 0, "name"), "", "must not be empty"),
        (("steps", 0, "action"), "", "must not be empty"),
        (("storage", "path"), "", "must not be empty"),
        (("max_attempts",), 0, "must be at least 1"),
        (("timeout_seconds",), 0, "must be greater than 0"),
        (("timeout_seconds",), -0.5, "must be greater than 0"),
    ],
)
def test_a_value_out_of_range_is_refused(
    path: tuple[str | int, ...], value: object, message: str
) -> None:
    """With the range."""
    assert issues(config_with(path, value)) == [Issue(message, path)]


def test_each_missing_field_is_named_once() -> None:
    """At the object that lacks it."""
    assert issues({"steps": [{}]}) == [
        Issue("missing required field `name`"),
        Issue("missing required field `name`", ("steps", 0)),
        Issue("missing required field `action`", ("steps", 0)),
    ]


@pytest.mark.parametrize("kind", sorted(VALUES.keys() - {"object"}))
def test_a_document_that_is_no_object_is_refused(kind: str) -> None:
    """There is no path to name, so the message does."""
    value, found = VALUES[kind]
    assert issues(value) == [Issue(f"the document must be an object, not {found}")]


def test_issues_come_in_the_order_of_the_file() -> None:
    """Not in the order of the schema, nor by name."""
    document: Json = {
        "timeout_seconds": 0,
        "steps": [{"priority": "1", "name": 1, "action": "echo"}, 2],
        "flags": {"parallel": 0, "audit": 1},
        "name": 3,
        "max_attempts": 0,
    }
    assert [issue.place for issue in issues(document)] == [
        "timeout_seconds",
        "steps[0].priority",
        "steps[0].name",
        "steps[1]",
        "flags.parallel",
        "flags.audit",
        "name",
        "max_attempts",
    ]


def test_no_message_shows_what_the_document_holds() -> None:
    """A value can be long, or secret."""
    secret = "s3cr3t" * 1000
    (issue,) = issues(config_with(("max_attempts",), secret))
    assert "s3cr3t" not in issue.message
