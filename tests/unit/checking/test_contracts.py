"""What must go wrong between a step and its reader."""

from __future__ import annotations

from typing import Any

import pytest
from support import workflows

import driftflow
from driftflow.actions.registry import resolve_actions
from driftflow.checking.contracts import find_issues
from driftflow.planning.graph import Graph

ROWS: dict[str, Any] = {
    "type": "object",
    "properties": {"rows": {"type": "array", "items": {"type": "integer"}}},
    "additionalProperties": False,
}


@driftflow.action(returns=ROWS)
def fetch(value: Any) -> Any:
    """Returns what its contract says."""
    return value


@driftflow.action(
    schema={
        "type": "object",
        "properties": {"text": {"type": "string"}, "default": {"type": "string"}},
    }
)
def say(value: Any) -> Any:
    """Takes a text."""
    return value


KNOWN = resolve_actions([fetch, say])


def found(*steps: dict[str, Any], **fields: Any) -> list[tuple[str, Any, str | None]]:
    """The code, the path and the hint of each issue."""
    document = workflows.config(*steps, **fields)
    issues = find_issues(Graph(document), KNOWN)
    return [(issue.code, issue.path, issue.hint) for issue in issues]


def part(name: str, at: str, **fields: Any) -> dict[str, Any]:
    """A reference to a part of an output."""
    return {"from": {"step": name, "at": at, **fields}}


def test_a_place_that_will_not_be_there_is_told() -> None:
    """In an input, a condition and the output of the workflow; whoever has the contract."""
    steps = (
        {"name": "a", "returns": ROWS},
        {"name": "b", "action": "fetch"},
        {"name": "c", "input": [part("a", "/rws/0")]},
        {"name": "d", "when": {"value": part("b", "/rows/0/id"), "is": True}},
    )
    assert found(*steps, output=part("b", "/none", default=1)) == [
        ("no-such-place", ("steps", 2, "input", 0, "from", "at"), "did you mean `rows`?"),
        ("no-such-place", ("steps", 3, "when", "value", "from", "at"), None),
        ("no-such-place", ("output", "from", "at"), None),
    ]


def test_a_name_that_is_near_to_one_that_is_listed_is_told_though_others_are_allowed() -> None:
    """Most likely it is a slip; a name that is near to none is left alone."""
    listed = {"name": "a", "returns": {"properties": {"rows": {}}}}
    assert [code for code, *_ in found(listed, {"name": "b", "input": part("a", "/rwos")})] == [
        "no-such-place"
    ]
    assert found(listed, {"name": "b", "input": part("a", "/total")}) == []
    assert found(listed, {"name": "b", "input": part("a", "/rows/9/x")}) == []


def test_an_output_that_the_reader_cannot_take_is_told() -> None:
    """Where it stands in the input; a part by what its contract says of that."""
    steps = (
        {"name": "a", "returns": ROWS},
        {"name": "b", "action": "say", "input": {"text": {"from": "a"}}},
        {"name": "c", "action": "say", "input": {"text": part("a", "/rows/0")}},
        {"name": "d", "action": "upper", "input": {"from": "a"}},
    )
    assert found(*steps) == [
        (
            "cannot-fit",
            ("steps", 1, "input", "text"),
            "its contract says object, and the action takes string",
        ),
        (
            "cannot-fit",
            ("steps", 2, "input", "text"),
            "its contract says integer, and the action takes string",
        ),
        (
            "cannot-fit",
            ("steps", 3, "input"),
            "its contract says object, and the action takes string",
        ),
    ]


def test_a_field_that_is_called_as_a_part_of_a_reference_is_looked_at() -> None:
    """`default` is a name like any other where no reference has it."""
    steps = ({"name": "a", "returns": ROWS}, {"action": "say", "input": {"default": {"from": "a"}}})
    assert [path for _, path, _ in found(*steps)] == [("steps", 1, "input", "default")]


@pytest.mark.parametrize(
    "steps",
    [
        ({"name": "a"}, {"name": "b", "action": "upper", "input": {"from": "a"}}),
        (
            {"name": "a", "returns": {"type": ["string", "null"]}},
            {"name": "b", "action": "upper", "input": {"from": "a"}},
        ),
        (
            {"name": "a", "returns": ROWS},
            {"name": "b", "action": "nobody", "input": {"from": "a"}},
        ),
        (
            {"name": "a", "returns": ROWS},
            {"name": "b", "action": "upper", "input": {"literal": {"from": "a"}}},
        ),
        (
            {"name": "a", "returns": {"type": "integer"}},
            {"name": "b", "action": "say", "input": {"text": {"concat": ["n", {"from": "a"}]}}},
            {"name": "c", "action": "upper", "input": {"concat": [{"concat": [{"from": "a"}]}]}},
        ),
        (
            {"name": "a", "returns": ROWS},
            {"name": "b", "action": "upper", "input": {"param": "p", "default": {"from": "a"}}},
        ),
        (
            {"name": "a", "returns": ROWS},
            {"name": "b", "action": "say", "input": {"text": part("x", "", default=part("a", ""))}},
        ),
        ({"name": "a", "returns": {"type": 5}}, {"name": "b", "input": part("a", "/x")}),
        ({"name": "a", "returns": ROWS}, {"name": "b", "input": {"from": {"step": 5}}}),
        ({"name": "a", "returns": ROWS}, {"name": "b", "input": part("a", "rows")}),
        ({"returns": ROWS, "name": 5}, {"name": "b", "action": ["x"], "input": part("a", "/x")}),
    ],
)
def test_what_is_not_certain_is_left_alone(steps: tuple[dict[str, Any], ...]) -> None:
    """And so is what is wrong otherwise, which is told anyway."""
    assert found(*steps) == []


def test_a_step_says_more_than_its_action() -> None:
    """If both have a contract, that of the step is looked at."""
    steps = ({"name": "a", "action": "fetch", "returns": {}}, {"input": part("a", "/none")})
    assert found(*steps) == []
