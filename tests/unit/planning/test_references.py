"""What an input holds: data and references, frozen, shown and replaced by what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from support import workflows

from driftflow.planning.plan import digest
from driftflow.planning.references import (
    FromStep,
    FrozenObject,
    find_references,
    freeze,
    is_reference,
    list_reads,
    list_steps,
    scan,
    thaw,
)

if TYPE_CHECKING:
    from driftflow.reading.document import Json

NESTED: Json = {"zone": "eu", "day": [1, {"b": None, "a": [True, 2.5]}], "": {}}


@given(workflows.values)
def test_thawing_undoes_freezing(value: Json) -> None:
    """Types and the order of keys included; also of what looks like references."""
    documents: list[Json] = [value, {"from": value}, [{"param": value}], {"literal": value}]
    for held in documents:
        assert repr(thaw(freeze(held))) == repr(held)


def test_what_is_thawed_belongs_to_its_taker() -> None:
    """Changing it changes no other copy."""
    frozen = freeze(NESTED)
    taken: Any = thaw(frozen)
    taken["day"][1]["a"].clear()
    assert thaw(frozen) == NESTED


def test_a_frozen_object_keeps_the_order_of_its_keys() -> None:
    """A PMap would not: its order changes with the hash seed."""
    frozen = freeze(NESTED)
    assert isinstance(frozen, FrozenObject)
    assert [key for key, _ in frozen.members] == ["zone", "day", ""]


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ({"from": "a"}, True),
        ({"from": ["a", "b"]}, True),
        ({"from": 5}, True),  # a wrong one
        ({"param": "a"}, True),
        ({"default": 1, "param": "a"}, True),
        ({"literal": {"from": "a"}}, True),
        ({}, False),
        ({"From": "a"}, False),
        ({"default": 1}, False),
        ({"from": "a", "to": "b"}, False),
        ({"from": "a", "default": "b"}, False),
        ({"param": "a", "value": 1}, False),
        ({"literal": 1, "x-note": 1}, False),
        ({"from": "a", "param": "b"}, False),
    ],
)
def test_an_object_is_a_reference_by_its_keys_alone(
    value: dict[str, Json], *, is_one: bool
) -> None:
    """One key more, and it is data."""
    assert is_reference(value) is is_one
    assert [*find_references([value])] == ([((0,), value)] if is_one else [])


OUTPUTS: dict[str, Json] = {"a": [1], "b": "text", "c": None}


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ({"from": "a"}, [1]),
        ({"from": "c"}, None),
        ({"from": ["b"]}, ["text"]),
        ({"from": ["b", "a", "b"]}, ["text", [1], "text"]),
        ({"from": []}, []),
        ([{"x": {"from": "a"}}, {"from": "b"}], [{"x": [1]}, "text"]),
        ({"param": "day"}, "2026-11-23"),
        ({"param": "none", "default": [1, "x"]}, [1, "x"]),
        ({"param": "none", "default": {"from": "b"}}, "text"),
        ({"param": "none", "default": {"param": "day"}}, "2026-11-23"),
        ({"param": "day", "default": {"from": "b"}}, "2026-11-23"),
        ({"literal": {"from": "a"}}, {"from": "a"}),
        ({"literal": [{"literal": {"param": "x"}}]}, [{"literal": {"param": "x"}}]),
        ({"x": {"param": "odd"}}, {"x": {"from": "a"}}),
        ("{from}", "{from}"),
        ({"from": "a", "to": "b"}, {"from": "a", "to": "b"}),
    ],
)
def test_an_attempt_is_given_what_the_references_name(written: Json, given: Json) -> None:
    """Data stands for itself, and so does what is given for a parameter."""
    params: dict[str, Json] = {"day": "2026-11-23", "odd": {"from": "a"}}
    assert thaw(freeze(written, params), OUTPUTS) == given


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({"from": "a"}, {"from": "a"}),
        ([{"from": ["a"]}], [{"from": ["a"]}]),
        ({"literal": {"from": "a"}}, {"literal": {"from": "a"}}),
        ({"path": {"param": "day"}}, {"path": {"literal": "2026-11-23"}}),
        ({"param": "none", "default": {"from": "a"}}, {"from": "a"}),
        ({"param": "none", "default": [1]}, {"literal": [1]}),
        ({"param": "odd"}, {"literal": {"from": "a"}}),
    ],
)
def test_a_plan_shows_references_and_the_values_of_parameters(written: Json, shown: Json) -> None:
    """So that what it shows would do the same, if it were the config; the digest sees that too."""
    params: dict[str, Json] = {"day": "2026-11-23", "odd": {"from": "a"}}
    frozen = freeze(written, params)
    assert thaw(frozen) == shown
    assert freeze(shown, {}) == frozen
    with_params = workflows.plan({"input": written}, params=params)
    without = workflows.plan({"input": shown})
    assert digest(with_params) == digest(without)


def test_what_is_read_belongs_to_the_reader() -> None:
    """Each time it is read."""
    outputs: dict[str, Json] = {"a": [[1]]}
    first, second = (
        thaw(freeze({"from": ["a", "a"]}, {}), outputs),
        thaw(freeze({"from": "a"}, {}), outputs),
    )
    assert isinstance(first, list)
    first[0].clear()  # type: ignore[union-attr]  # an array, as OUTPUTS has it
    assert first[1] == second == outputs["a"] == [[1]]


def test_the_names_that_an_input_reads_are_known_beforehand() -> None:
    """Each once, in order; not those in a literal, nor in a default that is not needed."""
    written: Json = [
        {"from": ["b", "a"]},
        {"x": {"from": "b"}, "y": {"literal": {"from": "z"}}},
        {"param": "p", "default": {"from": "z"}},
        {"param": "q", "default": {"from": "c"}},
    ]
    assert list_reads(freeze(written, {"p": 1})) == ("b", "a", "c")
    (step,) = workflows.plan({"input": {"from": "fetch"}}).steps
    assert step.reads == ("fetch",)
    assert step.input == FromStep(("fetch",), several=False)
    assert list_reads(freeze({"from": ["b", "a", "b"]}, {})) == ("b", "a")
    assert workflows.plan({}, {"input": [1]}).steps[1].reads == ()


def test_every_reference_is_found_with_its_path() -> None:
    """Those in a default too; none in a literal."""
    value: Json = {
        "a": [{"from": "x"}, {"literal": {"from": "y"}}],
        "b": {"param": "p", "default": [{"from": "z"}]},
    }
    assert [(path, [*reference]) for path, reference in find_references(value, ("input",))] == [
        (("input", "a", 0), ["from"]),
        (("input", "a", 1), ["literal"]),
        (("input", "b"), ["param", "default"]),
        (("input", "b", "default", 0), ["from"]),
    ]


@given(workflows.values)
def test_the_steps_of_a_document_of_any_shape_are_listed(value: Json) -> None:
    """In their order; one that is no object has no fields."""
    step = value if isinstance(value, dict) else {}
    assert list_steps({"steps": [1, value, {"name": "a"}]}) == [{}, step, {"name": "a"}]
    documents: list[Json] = [{"x": value}, {"steps": {"a": value}}, [{"steps": [value]}], "steps"]
    for document in documents:
        assert list_steps(document) == []


def test_names_are_found_without_their_paths() -> None:
    """Those in a default too; none in a literal. References to parameters are found as they are."""
    value: Json = [
        {"a": {"from": "x"}, "b": {"literal": {"from": "y"}}},
        {"param": "p", "default": [{"from": ["z", 5]}]},
        {"from": None, "to": [{"param": "q"}]},
    ]
    names: list[Json] = []
    params: list[dict[str, Json]] = []
    scan(value, names, params)
    assert names == ["x", "z", 5]
    assert params == [{"param": "p", "default": [{"from": ["z", 5]}]}, {"param": "q"}]


@given(workflows.values)
def test_a_value_of_any_shape_can_be_searched(value: Json) -> None:
    """A value has no references unless it holds one."""
    names: list[Json] = []
    scan([value, {"from": value}], names, [])
    assert names == (value if isinstance(value, list) else [value])
