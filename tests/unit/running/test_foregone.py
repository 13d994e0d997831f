"""The steps that are done without being tried: kept, or skipped; each is judged once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import workflows
from unit.resuming.test_decision import all_done

from driftflow.planning.conditions import find_hindrance, find_skippable
from driftflow.planning.values import Facts
from driftflow.resuming.kept import KeptSteps
from driftflow.resuming.past import measure
from driftflow.running import foregone
from driftflow.running.foregone import ForegoneSteps, make_reused, make_skipped

if TYPE_CHECKING:
    from driftflow.planning.plan import Plan
    from driftflow.reading.document import Json
    from driftflow.resuming.decision import Resumption

IF_ONE = {"value": {"from": "a"}, "is": {"const": 1}}
NOT_ONE = "a is 2, not 1"


class Toy:
    """The foregone steps of a plan, and what its run knows.

    Args:
        plan: What is done.
        resumed: What is kept of an earlier run; None for nothing.
        outputs: What steps have given.
        skipped: The names of the steps that were skipped.
    """

    def __init__(
        self,
        plan: Plan,
        resumed: Resumption | None = None,
        outputs: dict[str, Json] | None = None,
        skipped: set[str] | None = None,
    ) -> None:
        steps = plan.steps.tolist()
        self.outputs = outputs or {}
        self.skipped = skipped or set()
        self.kept = KeptSteps(steps, resumed) if resumed else None
        facts = Facts(self.outputs, self.skipped, {"id": "r1"})
        self.foregone = ForegoneSteps(steps, find_skippable(steps), self.kept, facts)


def test_a_step_that_nothing_can_forgo_is_tried() -> None:
    """Neither kept, nor skippable: nobody looks at its input."""
    toy = Toy(workflows.plan({"name": "a"}, {"name": "b", "input": {"from": "a"}}))
    assert toy.foregone.possible == set()
    assert 1 not in toy.foregone
    assert toy.foregone.find_fault(1) is None


def test_those_that_may_be_forgone_are_known_beforehand() -> None:
    """Those that may be skipped, and those that may be kept; not those that are fetched."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "when": IF_ONE},
        {"name": "c", "input": {"from": "b"}},
        {"name": "d"},
        {"name": "e", "input": {"from": "a"}},
    )
    assert Toy(plan).foregone.possible == {1, 2}
    resumed = all_done(plan, d={"state": "failed"})
    assert Toy(plan, resumed).foregone.possible == {0, 1, 2, 4}
    resumed = all_done(plan, a={"cut": measure("x")}, e={"state": "failed"})
    assert Toy(plan, resumed).foregone.possible == {1, 2, 3}


def test_a_step_is_skipped_or_tried_as_its_condition_says() -> None:
    """With the reason."""
    plan = workflows.plan({"name": "a"}, {"name": "b", "when": IF_ONE})
    assert 1 not in Toy(plan, outputs={"a": 1}).foregone
    steps = Toy(plan, outputs={"a": 2}).foregone
    assert 1 in steps
    assert steps.take(1) == make_skipped(plan.steps[1], NOT_ONE)


def test_what_reads_a_skipped_step_is_skipped() -> None:
    """If nothing stands in for it; what reads a failed one as well is tried, and has a fault."""
    inputs: list[Json] = [
        {"from": "a"},
        {"from": {"step": "a", "default": 1}},
        [{"from": "a"}, {"from": "z"}],
        {"from": {"steps": ["a"], "missing": "omit"}},
    ]
    steps = [{"name": f"s{number}", "input": given} for number, given in enumerate(inputs)]
    never = {"value": 1, "is": False}
    plan = workflows.plan(
        {"name": "a", "when": never, "priority": 1}, {"name": "z", "priority": 1}, *steps
    )
    toy = Toy(plan, skipped={"a"})
    assert [index for index in range(2, 6) if index in toy.foregone] == [2]
    assert toy.foregone.take(2).skipped == "input from 'a', which was skipped"
    faults = [toy.foregone.find_fault(index) for index in range(2, 6)]
    assert faults == [None, None, "input from 'z', which failed", None]


def test_a_condition_that_cannot_be_judged_is_a_fault() -> None:
    """The step is tried, and that is why it fails."""
    plan = workflows.plan({"name": "a"}, {"name": "b", "when": IF_ONE})
    steps = Toy(plan).foregone
    assert 1 not in steps
    assert steps.find_fault(1) == "condition from 'a', which failed"


@pytest.mark.parametrize("first", [1, 2])
def test_a_step_is_judged_once(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked, and whatever becomes of what it stands on."""
    judged: list[str] = []

    def count(step: Any, facts: Facts, verdicts: Any) -> Any:
        judged.append(step.name)
        return find_hindrance(step, facts, verdicts)

    monkeypatch.setattr(foregone, "find_hindrance", count)
    plan = workflows.plan({"name": "a"}, {"name": "b", "when": IF_ONE})
    toy = Toy(plan, outputs={"a": first})
    is_skipped = first == 2
    for _ in range(3):
        assert (1 in toy.foregone) is is_skipped
        toy.outputs.clear()
    assert toy.foregone.find_fault(1) is None
    assert judged == ["b"]


def test_nothing_is_copied_to_be_judged() -> None:
    """However large it is: what only looks at an output changes nothing in it."""
    taken: list[Json] = []

    def take(output: Json) -> Json:
        taken.append(output)
        return output

    when = {"value": [{"from": "a"}, {"from": ["a", "b"]}], "is": {"type": "array"}}
    given: Json = [{"from": "a"}, {"from": {"step": "b", "at": "/x"}}]
    plan = workflows.plan({"name": "a"}, {"name": "b"}, {"when": when, "input": given})
    steps = plan.steps.tolist()
    facts = Facts({"a": [1], "b": {"x": [2]}}, set(), None, take)
    assert 2 not in ForegoneSteps(steps, find_skippable(steps), None, facts)
    assert taken == []


def test_what_is_kept_is_as_it_is_on_record() -> None:
    """With its attempts and its output, or what is known of that."""
    plan = workflows.plan({"name": "a"}, {"name": "b"})
    cut = measure("long")
    resumed = all_done(plan, a={"attempts": 3, "output": [1]}, b={"cut": cut})
    steps = Toy(plan, resumed).foregone
    assert 0 in steps
    assert 1 in steps
    done = workflows.done("a", [1], 3)._replace(reused=True)
    assert steps.take(0) == done == make_reused(plan.steps[0], resumed.kept[0])
    assert steps.take(1) == workflows.done("b", None)._replace(reused=True, cut=cut)


SKIPPED: dict[str, Any] = {"state": "skipped", "key": None, "attempts": 0}


@pytest.mark.parametrize(
    ("on_record", "output", "result"),
    [
        ("ok", 1, workflows.done("b", "B")._replace(reused=True)),
        ("skipped", 2, ("skipped", True)),
        ("ok", 2, ("skipped", False)),
        ("skipped", 1, None),
    ],
)
def test_what_is_on_record_is_judged_anew(on_record: str, output: int, result: Any) -> None:
    """A step that was skipped and is skipped again is kept: for the reason that it has now.

    Of one that is another thing now, what comes after it is done again too.
    """
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "when": IF_ONE},
        {"name": "c", "after": ["b"]},
        {"name": "d", "input": {"from": "a"}},
        {"name": "e"},
    )
    # The output of `a` has to be fetched, as `d` needs it, so all behind it is in doubt.
    past = {"output": "B"} if on_record == "ok" else SKIPPED
    resumed = all_done(plan, a={"cut": measure(output)}, b=past, d={"state": "failed"})
    assert resumed.fetched.keys() == {0}
    toy = Toy(plan, resumed)
    assert toy.kept is not None
    assert toy.kept.settle(0, output)
    toy.outputs["a"] = output
    assert (1 in toy.foregone) is (result is not None)
    if isinstance(result, tuple) and result[0] == "skipped":
        result = make_skipped(plan.steps[1], NOT_ONE, reused=result[1])
    if result is not None:
        assert toy.foregone.take(1) == result
    is_same = result is not None and result.reused
    assert (2 in toy.foregone) is is_same
    assert 4 in toy.foregone


def test_a_step_whose_output_is_fetched_is_not_another_because_its_condition_is_met() -> None:
    """It is done again, and if it gives the same it counts as kept: so does what comes after it."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "when": IF_ONE},
        {"name": "c", "after": ["b"]},
        {"name": "d", "input": {"from": "b"}},
    )
    resumed = all_done(plan, a={"output": 1}, b={"cut": measure("B")}, d={"state": "failed"})
    assert resumed.fetched.keys() == {1}
    toy = Toy(plan, resumed, outputs={"a": 1})
    assert toy.kept is not None
    assert 1 not in toy.foregone
    assert toy.foregone.find_fault(1) is None
    assert toy.kept.settle(1, "B")
    assert 2 in toy.foregone
    assert toy.foregone.take(2).reused


def test_what_is_skipped_has_no_output_and_no_attempts() -> None:
    """It is ok, and says why; what is kept of it is the same."""
    (step,) = workflows.plan({"name": "a"}).steps
    result = make_skipped(step, "why")
    assert result == workflows.done("a", None, 0)._replace(skipped="why")
    assert make_skipped(step, "why", reused=True) == result._replace(reused=True)
