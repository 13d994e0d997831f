"""What is wrong with the schemas in a config, and what in them will surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from support import workflows

from driftflow.actions.action import ACTIONS, action
from driftflow.actions.registry import resolve_actions
from driftflow.checking.schemas import (
    find_issues,
    find_loose_conditions,
    find_surprises,
    list_schemas,
)
from driftflow.planning.graph import Graph

if TYPE_CHECKING:
    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

WRONG: Any = {"type": "nothing"}
MISSPELT: Any = {"type": "string", "minLenght": 1}


def of_condition(schema: Json) -> dict[str, Any]:
    """A workflow whose step has such a condition."""
    return workflows.config({"when": {"value": 1, "is": schema}})


def test_the_schemas_of_a_config_are_those_of_parameters_conditions_and_outputs() -> None:
    """Each once, with the paths to it; what only looks like one is none."""
    document = workflows.config(
        {"when": {"value": {"is": 0}, "is": 1}, "returns": 2},
        {"input": {"returns": 9, "when": {"is": 9}}},
        {"returns": 3, "when": [9]},
        {"when": {"value": {"is": 0}, "is": 1}, "returns": 3},
        params={"p": 4, "q": 5},
    )
    assert [(schema, [*paths]) for schema, paths in list_schemas(Graph(document))] == [
        (4, [("params", "p")]),
        (5, [("params", "q")]),
        (1, [("steps", 0, "when", "is"), ("steps", 3, "when", "is")]),
        (2, [("steps", 0, "returns")]),
        (3, [("steps", 2, "returns"), ("steps", 3, "returns")]),
    ]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (workflows.config({}, params={"a": {}, "p": WRONG}), ("params", "p")),
        (workflows.config({}, {"when": {"value": 1, "is": WRONG}}), ("steps", 1, "when", "is")),
        (workflows.config({"returns": WRONG}), ("steps", 0, "returns")),
    ],
)
def test_what_is_no_schema_is_an_error_at_its_place(
    document: dict[str, Any], path: JsonPath
) -> None:
    """Before anything is judged by it."""
    (issue,) = find_issues(Graph(document))
    assert (issue.code, issue.severity) == ("wrong-schema", "error")
    assert issue.path[: len(path)] == path


def test_each_place_of_a_schema_that_is_wrong_is_told() -> None:
    """Though it is looked at once."""
    document = workflows.config({"returns": WRONG}, {"returns": WRONG}, params={"p": WRONG})
    paths = [issue.path[:2] for issue in find_issues(Graph(document))]
    assert paths == [("params", "p"), ("steps", 0), ("steps", 1)]


def test_a_number_that_is_equal_to_another_is_not_the_same_schema() -> None:
    """True is no 1, and what is right in one place is not in another because it is equal."""
    right = {"maxLength": 1}
    wrong: Any = {"maxLength": True}
    document = workflows.config({"returns": right}, {"returns": wrong}, {"returns": right})
    assert {issue.path[:2] for issue in find_issues(Graph(document))} == {("steps", 1)}


@pytest.mark.parametrize("schema", [True, False, {}, {"type": ["null", "string"]}, {"x-note": 1}])
def test_a_schema_that_is_one_has_no_error(schema: Json) -> None:
    """Be it a boolean."""
    document = workflows.config({"returns": schema}, of_condition(schema)["steps"][0])
    assert [*find_issues(Graph(document | {"params": {"p": schema}}))] == []


@pytest.mark.parametrize(
    ("schema", "is_loose"),
    [
        ({"minimum": 1}, True),
        ({"pattern": "^a"}, True),
        ({"minItems": 1}, True),
        ({"required": ["a"]}, True),
        ({}, True),
        ({"type": "integer", "minimum": 1}, False),
        ({"const": None}, False),
        ({"enum": [1]}, False),
        ({"not": {"const": 1}}, False),
        ({"anyOf": [{"type": "null"}]}, False),
        ({"$ref": "#/definitions/a", "definitions": {"a": {"type": "null"}}}, False),
        (True, False),
        (False, False),
        (WRONG | {"minimum": 1}, False),
        ({"minimum": "1"}, False),  # that is an error
    ],
)
def test_a_condition_that_does_not_say_which_type_it_means_is_told(
    schema: Json, *, is_loose: bool
) -> None:
    """`{"minimum": 1}` is true of every string; what says it inside is let pass."""
    found = [*find_loose_conditions(Graph(of_condition(schema)))]
    assert [(issue.code, issue.severity) for issue in found] == (
        [("loose-condition", "warning")] if is_loose else []
    )
    assert [issue.path for issue in found] == [("steps", 0, "when", "is")] * is_loose


def test_only_conditions_are_loose() -> None:
    """What a contract or a parameter leaves open is not meant to decide anything."""
    document = workflows.config({"returns": {"minimum": 1}}, params={"p": {"minimum": 1}})
    assert [*find_loose_conditions(Graph(document))] == []


def test_what_does_nothing_in_a_schema_is_told_at_its_place() -> None:
    """Of parameters, conditions and outputs, each time that it stands there."""
    document = workflows.config(
        {"returns": MISSPELT, "when": {"value": 1, "is": MISSPELT}}, params={"p": MISSPELT}
    )
    found = [*find_surprises(Graph(document), ACTIONS)]
    assert [issue.path for issue in found] == [
        ("params", "p", "minLenght"),
        ("steps", 0, "when", "is", "minLenght"),
        ("steps", 0, "returns", "minLenght"),
    ]
    assert {issue.severity for issue in found} == {"warning"}


def test_the_schemas_of_an_action_are_told_where_it_is_named_first() -> None:
    """Once, be it what it takes or what it returns; not of an action that no step names."""
    marked = [
        action(name=name, schema=MISSPELT, returns=MISSPELT)(lambda value: value)
        for name in ("act", "idle")
    ]
    document = workflows.config({}, {"action": "act"}, {"action": "act"})
    found = [*find_surprises(Graph(document), resolve_actions(marked))]
    assert [issue.path for issue in found] == [("steps", 1, "action")] * 2
    takes, returns = (issue.message for issue in found)
    assert takes.startswith("the schema of what `act` takes: at minLenght: ")
    assert returns.startswith("the schema of what `act` returns: at minLenght: ")


@given(workflows.values)
def test_a_document_of_any_shape_can_be_looked_at(value: Json) -> None:
    """Every path leads to a place in it."""
    documents: list[Any] = [
        value,
        {"params": value, "steps": value},
        {"params": {"p": value}, "steps": [{"when": value, "returns": value}]},
        {"steps": [{"when": {"is": value}, "action": value}, value]},
    ]
    for document in documents:
        issues = [*find_issues(Graph(document)), *find_loose_conditions(Graph(document))]
        for issue in [*issues, *find_surprises(Graph(document), ACTIONS)]:
            place = document
            for part in issue.path:
                place = place[part]
