"""What is wrong with parameters that a config declares, and with how they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from support import workflows

from driftflow.checking.parameters import find_issues, find_unused, find_wrong_values
from driftflow.issues import Issue
from driftflow.planning.graph import Graph
from driftflow.planning.parameters import list_declared

if TYPE_CHECKING:
    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

YEAR = {"type": "integer", "minimum": 1900}


def found(
    declared: dict[str, Any], *inputs: Json, given: dict[str, Json] | None = None, **fields: Any
) -> list[Issue]:
    """The issues of a workflow that declares these parameters, whose steps have these inputs."""
    steps = [{"input": value} for value in inputs]
    document = workflows.config(*steps, params=declared, **fields)
    return [*find_issues(declared, Graph(document), given)]


def test_good_parameters_have_no_issue() -> None:
    """Given, by default, or not known yet; whatever is used."""
    declared = {"year": YEAR | {"default": 2007}, "day": True, "other": {}}
    uses: Json = [{"param": "year"}, {"param": "day"}, {"run": "/params/other"}]
    values: list[dict[str, Json] | None] = [None, {}, {"year": 1952, "day": [1]}]
    for given_params in values:
        assert found(declared, uses, given=given_params) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1952", "the parameter `year` must be an integer, not a string"),
        (1800, "the parameter `year` must be at least 1900"),
        (None, "the parameter `year` must be an integer, not null"),
    ],
)
def test_a_value_is_told_where_it_is_used_first(value: Json, message: str) -> None:
    """In the order of the file, be it in a condition, in a default, or in the output."""
    given_params = {"year": value}
    places: list[tuple[list[dict[str, Any]], dict[str, Any], JsonPath]] = [
        ([{"input": "x"}, {"input": [{"param": "year"}]}], {}, ("steps", 1, "input", 0, "param")),
        (
            [{"input": {"param": "year"}, "when": {"value": {"param": "year"}, "is": {}}}],
            {},
            ("steps", 0, "when", "value", "param"),
        ),
        (
            [{"input": {"from": {"step": "step0", "default": {"param": "year"}}}}],
            {},
            ("steps", 0, "input", "from", "default", "param"),
        ),
        (
            [{"input": {"concat": ["x", {"param": "year"}]}}],
            {},
            ("steps", 0, "input", "concat", 1, "param"),
        ),
        ([{"input": "x"}], {"output": {"a": {"param": "year"}}}, ("output", "a", "param")),
        ([{"input": {"literal": {"param": "year"}}}], {}, ("params", "year")),
    ]
    for steps, fields, path in places:
        graph = Graph(workflows.config(*steps, **fields))
        (issue,) = find_wrong_values({"year": YEAR}, graph, given_params)
        assert (issue.code, issue.message, issue.path) == ("wrong-param", message, path)


def test_each_value_is_told_once() -> None:
    """In the order in which they are declared, wherever they are used."""
    declared = {"b": {"type": "null"}, "a": YEAR, "c": YEAR}
    issues = found(
        declared,
        [{"param": "a"}, {"param": "b"}, {"param": "a"}],
        {"param": "c"},
        given={"a": 1, "b": 1, "c": 1900, "z": 5},
    )
    assert [(issue.code, issue.path) for issue in issues] == [
        ("wrong-param", ("steps", 0, "input", 1, "param")),
        ("wrong-param", ("steps", 0, "input", 0, "param")),
    ]


@pytest.mark.parametrize("given_params", [None, {}, {"year": 1952}])
def test_a_default_has_to_be_a_value_that_its_schema_takes(
    given_params: dict[str, Json] | None,
) -> None:
    """Used or not, needed or not; it is told where it stands."""
    (issue,) = found({"year": YEAR | {"default": "2007"}}, "x", given=given_params)
    message = "the default of `year` must be an integer, not a string"
    assert (issue.code, issue.message) == ("wrong-param", message)
    assert issue.path == ("params", "year", "default")


def test_a_parameter_that_is_not_declared_is_told_at_each_use() -> None:
    """With what was probably meant; in a condition and in a default, too."""
    steps: list[dict[str, Any]] = [
        {"input": [{"param": "yaer"}, {"param": "year"}]},
        {"when": {"value": {"param": "zone"}, "is": {}}, "input": {"param": "yaer", "default": 1}},
    ]
    graph = Graph(workflows.config(*steps))
    message = "the parameter `yaer` is not declared"
    assert [*find_issues({"year": YEAR}, graph, None)] == [
        Issue(
            "undeclared-param",
            message,
            ("steps", 0, "input", 0, "param"),
            "did you mean `year`?",
        ),
        Issue(
            "undeclared-param",
            "the parameter `zone` is not declared",
            ("steps", 1, "when", "value", "param"),
            "declare it in `params`",
        ),
        Issue("undeclared-param", message, ("steps", 1, "input", "param"), "did you mean `year`?"),
    ]


def test_the_default_of_a_declared_parameter_stands_in_its_schema() -> None:
    """Not where it is used: there might be two."""
    issues = found({"year": YEAR}, {"x": {"param": "year", "default": 1952}}, {"param": "year"})
    message = "the parameter `year` is declared: its default stands in its schema"
    path = ("steps", 0, "input", "x", "default")
    assert issues == [Issue("wrong-reference", message, path, "remove this one", mark="key")]


@pytest.mark.parametrize("schema", [{"type": "nothing", "default": 1}, {"enum": 5}, 5, None])
def test_what_is_wrong_with_a_schema_is_for_others_to_tell(schema: Any) -> None:
    """No value can be held against it."""
    assert found({"p": schema}, {"param": "p"}, given={"p": 1}) == []


def test_a_parameter_that_nothing_uses_is_told_at_its_key() -> None:
    """Only if none of the ways to use one is there."""
    declared: dict[str, Any] = {"a": {}, "b": True}
    message = "no step uses the parameter `a`"
    unused = Issue("unused-param", message, ("params", "a"), mark="key")
    uses_b = {"input": {"param": "b"}}
    assert [*find_unused(Graph(workflows.config(uses_b, params=declared)))] == [unused]
    for more in (
        {"input": [{"param": "a"}]},
        {"when": {"value": {"param": "a"}, "is": {}}},
        {"input": {"from": {"step": "step0", "default": {"param": "a"}}}},
        {"input": {"run": "/params/a"}},
        {"input": {"run": "/params"}},
    ):
        assert [*find_unused(Graph(workflows.config(uses_b, more, params=declared)))] == []
    in_output = workflows.config(uses_b, params=declared, output={"param": "a"})
    assert [*find_unused(Graph(in_output))] == []
    assert [*find_unused(Graph(workflows.config(uses_b)))] == []


@given(workflows.values)
def test_a_document_of_any_shape_can_be_looked_at(value: Json) -> None:
    """Every path leads to a place in it."""
    documents: list[Any] = [
        value,
        {"params": value, "steps": value},
        {"params": {"p": value, "q": {"default": value, "type": "null"}}, "steps": [value]},
        {"params": {"p": False}, "steps": [{"input": [{"param": value}, {"param": "x"}]}]},
    ]
    for document in documents:
        declared = list_declared(document) or {}
        issues = [
            *find_issues(declared, Graph(document), {"p": value}),
            *find_unused(Graph(document)),
        ]
        for issue in issues:
            place = document
            for part in issue.path:
                place = place[part]


def test_a_fact_about_a_parameter_that_is_not_declared_is_told() -> None:
    """At its pointer; one that is declared is used, and so are all of them."""
    declared: dict[str, Any] = {"day": {}, "zone": {}}
    facts: list[Json] = [{"run": f"/params{at}"} for at in ("/zoen", "", "/day/x")]
    (issue,) = found(declared, *facts)
    assert (issue.code, issue.path, issue.hint) == (
        "undeclared-param",
        ("steps", 0, "input", "run"),
        "did you mean `zone`?",
    )
