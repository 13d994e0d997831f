"""The graph: what comes after what, how urgent that is, and the order of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.planning.graph import Graph, find_successors

if TYPE_CHECKING:
    from driftflow.reading.document import Json

# Steps of few names and priorities, so that many of them are equal.
plain_steps = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abcdefgh")}, optional={"priority": st.integers(-2, 2)}
    ),
    max_size=8,
)


@st.composite
def graphs(draw: st.DrawFn, *, can_be_round: bool = False) -> list[dict[str, Any]]:
    """Steps of different names, each after some of the others; in circles only if they may be."""
    names = draw(st.lists(st.sampled_from("abcdefghij"), unique=True))
    steps: list[dict[str, Any]] = [
        {"name": name, "priority": draw(st.integers(-2, 2)), "after": []} for name in names
    ]
    placed = draw(st.permutations(steps))
    for place, step in enumerate(placed):
        known = [*names] if can_be_round else [other["name"] for other in placed[:place]]
        if known:
            step["after"] = draw(st.lists(st.sampled_from(known), max_size=3))
    return steps


def of_steps(steps: list[dict[str, Any]]) -> Graph:
    """The graph of a workflow of these steps."""
    document: Any = {"steps": steps}
    return Graph(document)


def in_order(steps: list[dict[str, Any]]) -> list[str]:
    """The names of the steps in run order."""
    return [steps[index]["name"] for index in of_steps(steps).order]


def seed_order(steps: list[dict[str, Any]]) -> list[int]:
    """The order without a graph: by priority, then by name, then as in the file."""
    return sorted(
        range(len(steps)),
        key=lambda index: (-steps[index].get("priority", 0), steps[index]["name"], index),
    )


@given(plain_steps)
def test_without_edges_the_order_is_the_seeds(steps: list[dict[str, Any]]) -> None:
    """By descending priority, then by ascending name, then as in the file."""
    assert of_steps(steps).order == seed_order(steps)


@given(graphs(), st.data())
def test_edges_that_the_seeds_order_keeps_change_nothing(
    steps: list[dict[str, Any]], data: st.DataObject
) -> None:
    """The theorem: where each step stands behind all that it comes after, that is the run order."""
    ranked = [steps[index] for index in seed_order(steps)]
    for place, step in enumerate(ranked):
        earlier = [other["name"] for other in ranked[:place]]
        step["after"] = data.draw(st.lists(st.sampled_from(earlier))) if earlier else []
    assert of_steps(steps).order == seed_order(steps)


def model(steps: list[dict[str, Any]]) -> list[int] | None:
    """The order by the words of the rule, one step after the other; None if there is a circle."""

    def urgency(step: dict[str, Any], way: tuple[str, ...] = ()) -> int:
        if step["name"] in way:
            raise RecursionError
        later = [other for other in steps if step["name"] in other["after"]]
        own: int = step["priority"]
        return max([own, *(urgency(each, (*way, step["name"])) for each in later)])

    order: list[int] = []
    done: set[str] = set()
    try:
        urgencies = [urgency(step) for step in steps]
    except RecursionError:
        return None
    while len(order) < len(steps):
        ready = [
            (-urgencies[index], step["name"], index)
            for index, step in enumerate(steps)
            if index not in order and done.issuperset(step["after"])
        ]
        *_, index = min(ready)
        order.append(index)
        done.add(steps[index]["name"])
    return order


@given(graphs() | graphs(can_be_round=True))
def test_the_order_is_what_the_rule_says(steps: list[dict[str, Any]]) -> None:
    """Of the steps that wait for nothing more, the most urgent, then that of the lowest name."""
    wanted = model(steps)
    circles = [*of_steps(steps).find_circles()]
    if wanted is None:
        assert circles
    else:
        assert of_steps(steps).order == wanted
        assert circles == []


@given(graphs())
def test_steps_of_one_urgency_stand_together(steps: list[dict[str, Any]]) -> None:
    """The urgencies descend, and none is below the step's own priority."""
    graph = of_steps(steps)
    urgencies = [graph.urgencies[index] for index in graph.order]
    assert urgencies == sorted(urgencies, reverse=True)
    assert all(graph.urgencies[index] >= steps[index]["priority"] for index in graph.order)


@given(graphs(can_be_round=True))
def test_each_circle_is_one_and_has_no_step_of_another(steps: list[dict[str, Any]]) -> None:
    """Each of its steps comes after the one before it; its first is the first in the file."""
    graph = of_steps(steps)
    seen: set[int] = set()
    for circle in graph.find_circles():
        for earlier, later in zip([circle[-1], *circle], circle, strict=False):
            assert earlier in graph.before[later]
        assert circle[0] == min(circle)
        assert seen.isdisjoint(circle)
        seen.update(circle)
    assert bool(seen) == (len(graph.order) < len(steps))


def test_what_an_urgent_step_waits_for_is_urgent_too() -> None:
    """It goes before what is more urgent than itself alone."""
    steps: list[dict[str, Any]] = [
        {"name": "report", "priority": 9, "input": {"from": "clean"}},
        {"name": "clean", "input": [{"from": "fetch"}], "after": ["log"]},
        {"name": "fetch", "priority": -5},
        {"name": "log"},
        {"name": "other", "priority": 8},
    ]
    assert in_order(steps) == ["fetch", "log", "clean", "report", "other"]


@pytest.mark.parametrize(
    ("step", "before"),
    [
        ({"input": {"from": "a"}}, (0,)),
        ({"input": {"x": [{"from": ["b", "a"]}, {"from": "a"}]}}, (1, 0)),
        ({"after": ["b", "b", "a"]}, (1, 0)),
        ({"after": ["b"], "input": {"from": "a"}}, (0, 1)),
        ({"input": {"param": "p", "default": {"from": "b"}}}, (1,)),  # given or not
        ({"input": {"from": {"step": "b", "at": "/x"}}}, (1,)),
        ({"input": {"from": {"step": "b", "default": {"from": "a"}}}}, (1, 0)),
        ({"input": {"from": {"steps": ["b", "a"], "missing": "omit"}}}, (1, 0)),
        ({"input": {"concat": ["x", {"from": "b"}]}}, (1,)),
        ({"when": {"value": {"from": "b"}, "is": {}}, "input": {"from": "a"}}, (1, 0)),
        ({"when": {"value": [{"x": {"from": ["a"]}}], "is": {"from": "b"}}}, (0,)),
        ({"when": {"is": {}}, "after": ["a"]}, (0,)),
        ({"when": {"from": "b"}}, None),
        ({"returns": {"from": "b"}}, None),
        ({"input": {"run": "/id"}}, None),
        ({"input": {"literal": {"from": "b"}}}, None),
        ({"input": {"from": "b", "to": "a"}}, None),
        ({"input": "a", "after": []}, None),
    ],
)
def test_a_step_comes_after_what_it_names(
    step: dict[str, Any], before: tuple[int, ...] | None
) -> None:
    """In its condition, then in its input, also in a default, and in `after`; each once."""
    graph = of_steps([{"name": "a"}, {"name": "b"}, {"name": "c", **step}])
    assert graph.before == ({} if before is None else {2: before})
    assert graph.suspects == set()


def test_names_that_lead_nowhere_are_no_edges() -> None:
    """They are for `checking.references` to explain."""
    same = {"name": "same"}
    graph = of_steps([same, same, {"name": "a", "after": ["a", "b", 5, "same"]}, {"name": "b"}])
    assert graph.before == {2: (2, 3)}
    assert graph.suspects == {2}
    assert of_steps([{"name": "a", "after": ["a", []]}]).suspects == {0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": {}},
        {"from": {"step": "a", "at": "x"}},
        {"from": {"step": "a", "defualt": 1}},
        {"from": {"steps": ["a"]}},
        {"run": "/nothing"},
        {"param": 1},
        {"concat": "a"},
        {"item": ""},
        {"secret": "db"},
        {"from": {"step": "a", "default": {"concat": [None]}}},
    ],
)
def test_a_reference_that_is_wrong_in_itself_is_noted(wrong: Json) -> None:
    """In whose input it stands, or whose condition, or in the workflow's output; in no other."""
    steps: list[Any] = [
        {"name": "a"},
        {"name": "b", "input": [{"x": wrong}]},
        {"name": "c", "input": {"from": "a"}},
        {"name": "d", "when": {"value": wrong, "is": {}}},
        {"name": "e", "input": {"literal": wrong}},
    ]
    graph = of_steps(steps)
    assert (graph.suspects, graph.has_wrong_output, graph.has_links) == ({1, 3}, False, True)
    graph = Graph({"steps": steps[2:3], "output": [wrong]})
    assert (graph.suspects, graph.has_wrong_output, graph.has_links) == ({0}, True, True)
    graph = Graph({"steps": steps[:1], "output": {"literal": wrong}})
    assert (graph.suspects, graph.has_wrong_output, graph.has_links) == (set(), False, False)


def test_the_output_of_a_workflow_comes_after_no_step_and_holds_none_back() -> None:
    """Though it names some; those that it names wrongly are noted."""
    steps: list[Any] = [{"name": "a"}, {"name": "b", "after": ["a"]}]
    outputs: list[tuple[Json, bool]] = [
        ({"from": ["b", "a"]}, False),
        ({"x": {"from": "c"}}, True),
    ]
    for output, is_wrong in outputs:
        graph = Graph({"steps": steps, "output": output})
        assert (graph.before, graph.order) == ({1: (0,)}, [0, 1])
        assert (graph.suspects, graph.has_wrong_output) == (set(), is_wrong)
        assert graph.output == [(("output",), output)]
    assert of_steps(steps).output == []


def test_it_collects_what_values_ask_for_beside_steps() -> None:
    """References to parameters as they are, and the facts: of conditions, inputs and the output."""
    asks: Json = {"param": "p", "default": {"run": "/name"}}
    graph = Graph(
        {
            "steps": [
                {"input": [{"run": "/id"}, {"param": "q"}], "when": {"value": asks, "is": {}}},
                {"input": {"literal": {"run": "/x"}}, "after": []},
                {"input": {"run": "/nothing"}},
            ],
            "output": {"concat": [{"param": "r"}]},
        }
    )
    assert graph.params == [asks, {"param": "q"}, {"param": "r"}]
    assert graph.facts == ["/name", "/id"]


@given(workflows.values)
def test_steps_of_any_shape_have_a_graph(value: Json) -> None:
    """All that stands where nothing good does is passed over."""
    document: Json = {
        "steps": [
            value,
            {"name": value, "priority": value, "after": value, "input": {"from": value}},
            {"name": "a", "after": [value]},
        ]
    }
    graph = Graph(document)
    circles = {index for circle in graph.find_circles() for index in circle}
    assert circles.isdisjoint(graph.order)


def test_it_knows_whether_steps_have_anything_to_do_with_each_other() -> None:
    """Or ask for parameters: then their references have to be checked."""
    assert not of_steps([{"name": "a", "input": [{"literal": {"from": "b"}}]}]).has_links
    assert of_steps([{"name": "a"}, {"name": "b", "after": ["a"]}]).has_links
    assert of_steps([{"name": "a", "input": {"from": "x"}}]).has_links
    assert of_steps([{"name": "a", "input": {"param": "x"}}]).has_links


def test_successors_are_the_edges_the_other_way_round() -> None:
    """Of a step that nothing comes after there is no entry."""
    assert find_successors({2: (0, 1), 3: (0,)}) == {0: [2, 3], 1: [2]}


def test_a_name_may_lead_to_several_steps() -> None:
    """What comes after it comes after each of them, once; if a step has it too, it is no name."""
    steps: list[Json] = [
        {"name": "a"},
        {"name": "b"},
        {"name": "c", "after": ["p", "b", "none", "q"]},
    ]
    groups: dict[str, tuple[int, ...] | None] = {"p": (1, 0), "q": (0,), "none": ()}
    graph = Graph({"steps": steps}, groups)
    assert (graph.before, graph.suspects) == ({2: (1, 0)}, set())
    for twice in ({"p": None}, {"b": (0,)}):
        assert Graph({"steps": steps}, groups | twice).suspects == {2}


def test_what_steps_have_alike_is_one() -> None:
    """As it is written: numbers and booleans that are equal are no less different."""
    fields: list[Any] = [
        {"when": 1},
        {},
        {"when": {"a": 1}, "returns": 0},
        {"when": 1},
        {"when": 1.0},
    ]
    shared = Graph(workflows.config(*fields, {"when": True}, {"when": {"a": 1}})).conditions
    assert [*shared.list_holders()] == [(1, [0, 3]), ({"a": 1}, [2, 6]), (1.0, [4]), (True, [5])]
    assert [type(value) for value in shared.values] == [int, dict, float, bool]
    assert Graph(workflows.config(*fields)).contracts == ([0], {2: 0})
