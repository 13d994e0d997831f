"""The decision: which steps are kept, which are done again, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import upkeep, workflows
from unit.running.graphs import plans

from driftflow.planning.plan import find_key
from driftflow.resuming.decision import Reason, Resumption, decide
from driftflow.resuming.past import Code, Cut, Past, StepPast, find_namesakes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftflow.planning.plan import Plan
    from driftflow.resuming.past import State, StepId

CUT = Cut(70_000, "0" * 64)


def past_of(steps: Mapping[StepId, StepPast], **more: Any) -> Past:
    """What is on record, with nothing of interest but the steps."""
    return Past("1", "then", "failed", steps, [Code("1", {}, {})], **more)


def on_record(
    plan: Plan, index: int, began: int, ended: int, state: State = "ok", **more: Any
) -> tuple[StepId, StepPast]:
    """A record of a step that asks for just this."""
    step = plan.steps[index]
    number = find_namesakes(plan.steps.tolist()).get(index, 0)
    past = StepPast(0, began, ended, state, step.action, find_key(step), None, 1, None)
    return (step.name, number), past._replace(**more)


def all_done(plan: Plan, **others: dict[str, Any]) -> Resumption:
    """What is decided when all steps were done one after the other, but for what is said."""
    records = [
        on_record(plan, index, 2 * index, 2 * index + 1, **others.get(step.name, {}))
        for index, step in enumerate(plan.steps.tolist())
    ]
    return decide(plan, past_of(dict(records)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Plan, Past]:
    """A plan, and any past of its steps, be it one that could never be."""
    plan = draw(plans())
    records = []
    for index in range(len(plan.steps)):
        began, ended = sorted(draw(st.tuples(st.integers(0, 12), st.integers(0, 12))))
        more: dict[str, Any] = {}
        if draw(st.integers(0, 5)) == 0:
            more["key"] = "another"
        if draw(st.booleans()):
            more["cut"] = CUT
        bad: list[State] = ["failed", "begun", "not_tried"]
        state: State = draw(st.sampled_from(bad)) if draw(st.integers(0, 3)) == 0 else "ok"
        if draw(st.integers(0, 9)):
            records.append(on_record(plan, index, 2 * began, 2 * ended + 1, state, **more))
    return plan, past_of(dict(records))


@given(cases())
def test_it_decides_by_the_rule(case: tuple[Plan, Past]) -> None:
    """As its plainest words have it; each step is either kept or done again, with a reason."""
    plan, past = case
    known = {
        step: upkeep.Known(
            record.state == "ok",
            record.began,
            record.ended,
            record.action,
            record.key,
            is_cut=record.cut is not None,
        )
        for step, record in past.steps.items()
    }
    decided, wanted = decide(plan, past), upkeep.judge_known(plan, known)
    assert decided.kept.keys() == wanted.kept.keys()
    assert decided.fetched.keys() == wanted.fetched
    assert {*decided.kept, *decided.again} == {*range(len(plan.steps))}
    assert decided.kept.keys().isdisjoint(decided.again)
    again = upkeep.list_again(plan, wanted, ())
    assert {*decided.again, *decided.fetched, *decided.in_doubt} == again


@given(cases())
def test_each_reason_is_true(case: tuple[Plan, Past]) -> None:
    """And what it names is what it says."""
    plan, past = case
    steps = plan.steps.tolist()
    decided = decide(plan, past)
    for index, (cause, other) in {**decided.again, **decided.fetched}.items():
        record = past.steps.get((steps[index].name, 0))
        before = upkeep.list_before(steps, index)
        match cause:
            case "after":
                assert other in before
                assert other in decided.again
            case "done_before":
                assert other in before
                assert record is not None
                assert other is not None
                assert decided.kept[other].ended > record.began
            case "output_needed":
                assert other is not None
                assert steps[index].name in steps[other].reads
                assert other in {*decided.again, *decided.fetched, *decided.in_doubt}
            case "not_done":
                assert record is None or record.state == "not_tried"
            case "failed" | "may_have_run":
                assert record is not None
                assert record.state == {"failed": "failed", "may_have_run": "begun"}[cause]
            case _:
                assert cause == "changed"
                assert record is not None
                assert record.key == "another"
    for index, source in decided.in_doubt.items():
        assert source in decided.fetched
        assert is_behind(plan, index, source)


def is_behind(plan: Plan, index: int, source: int) -> bool:
    """Whether a step comes after another one, by whatever way."""
    before = upkeep.list_before(plan.steps.tolist(), index)
    return source in before or any(is_behind(plan, other, source) for other in before)


def test_a_reason_of_its_own_comes_before_one_of_others() -> None:
    """And the graph before a wave; of several, the first in run order is named."""
    plan = workflows.plan(
        {"name": "w", "priority": 1},
        {"name": "a"},
        {"name": "b"},
        {"name": "c", "after": ["b", "a"]},
        {"name": "d", "after": ["c"]},
    )
    w, a, b, c, d = range(5)
    decided = all_done(plan, a={"state": "failed"}, b={"state": "failed"}, d={"key": "x"})
    assert decided.again == {
        a: Reason("failed"),
        b: Reason("failed"),
        c: Reason("after", a),
        d: Reason("changed"),
    }
    decided = all_done(plan, w={"state": "failed"}, b={"state": "begun"})
    assert decided.again == {
        w: Reason("failed"),
        a: Reason("after", w),
        b: Reason("may_have_run"),
        c: Reason("after", a),
        d: Reason("after", c),
    }
    assert decided.may_have_run == [b]


def test_what_was_not_tried_waited_for_another_one() -> None:
    """It says for which, if that is done again; else it is just not done."""
    plan = workflows.plan({"name": "a"}, {"name": "b", "input": {"from": "a"}}, {"name": "c"})
    untried = {"state": "not_tried", "attempts": 0}
    decided = all_done(plan, a={"state": "failed"}, b=untried, c=untried)
    assert decided.again == {0: Reason("failed"), 1: Reason("after", 0), 2: Reason("not_done")}


def test_a_wave_is_held_against_the_last_end_before_it() -> None:
    """Whichever step that was."""
    plan = workflows.plan(
        {"name": "a", "priority": 1}, {"name": "b", "priority": 1}, {"name": "c"}, {"name": "d"}
    )
    steps = dict(
        [
            on_record(plan, 0, 0, 7),
            on_record(plan, 1, 1, 3),
            on_record(plan, 2, 4, 5),
            on_record(plan, 3, 8, 9),
        ]
    )
    decided = decide(plan, past_of(steps))
    assert decided.again == {2: Reason("done_before", 0)}


def test_a_step_without_a_key_holds_back_no_wave() -> None:
    """But what comes after it in the graph."""
    plan = workflows.plan(
        {"name": "a", "priority": 1, "sensitive": True},
        {"name": "b", "after": ["a"]},
        {"name": "c"},
        {"name": "d", "priority": -1},
    )
    a, b, c, d = range(4)
    assert all_done(plan).again == {
        a: Reason("no_key"),
        b: Reason("after", a),
        d: Reason("after", b),
    }
    assert [*all_done(plan).kept] == [c]


def test_a_step_without_a_key_that_was_begun_may_have_run() -> None:
    """Of all steps, those are what one would look for."""
    plan = workflows.plan({"name": "a", "sensitive": True}, {"name": "b", "sensitive": True})
    decided = all_done(plan, a={"state": "begun"})
    assert decided.again == {0: Reason("may_have_run"), 1: Reason("no_key")}
    assert decided.may_have_run == [0]


def test_what_a_later_run_may_have_done_is_not_believed() -> None:
    """Where records of that run are missing, and it has none of the step."""
    plan = workflows.plan({"name": "a"}, {"name": "b"})
    steps = dict([on_record(plan, 0, 0, 1), on_record(plan, 1, 2, 3, run=1)])
    decided = decide(plan, past_of(steps, complete_since=1))
    assert decided.again == {0: Reason("may_have_run")}


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_a_long_output_puts_all_behind_it_in_doubt(flags: dict[str, bool]) -> None:
    """By the graph and by waves; each with the first one that it hangs on."""
    plan = workflows.plan(
        {"name": "a", "priority": 2},
        {"name": "b", "priority": 2, "after": ["a"]},
        {"name": "c", "priority": 2},
        {"name": "d", "priority": 1, "input": {"from": "c"}},
        {"name": "e", "input": {"from": ["a", "c"]}},
        flags=flags,
    )
    a, b, c, d, e = range(5)
    decided = all_done(plan, a={"cut": CUT}, c={"cut": CUT}, e={"state": "failed"})
    assert decided.fetched == {a: Reason("output_needed", e), c: Reason("output_needed", e)}
    assert decided.in_doubt == {b: a, d: a}


def test_nothing_is_fetched_that_nobody_needs() -> None:
    """Nor is anything in doubt then."""
    plan = workflows.plan({"name": "a"}, {"name": "b", "input": {"from": "a"}}, {"name": "c"})
    decided = all_done(plan, a={"cut": CUT}, b={"cut": CUT}, c={"state": "failed"})
    assert (decided.fetched, decided.in_doubt) == ({}, {})


def test_one_that_runs_for_sure_is_named_before_one_that_may() -> None:
    """As the one that needs an output."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "input": {"from": "a"}},
        {"name": "c", "input": {"from": "a"}},
    )
    decided = all_done(plan, a={"cut": CUT}, c={"state": "failed"})
    assert decided.fetched == {0: Reason("output_needed", 2)}


def test_an_empty_plan_keeps_nothing() -> None:
    """There is nothing."""
    assert decide(workflows.plan(), past_of({})) == Resumption(past_of({}), {}, {}, {}, {})
