"""What is kept, looked at again as outputs come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from support import upkeep, workflows
from unit.resuming.test_decision import CUT, all_done, cases

from driftflow.resuming.decision import decide
from driftflow.resuming.kept import KeptSteps
from driftflow.resuming.past import measure

if TYPE_CHECKING:
    from driftflow.planning.plan import Plan
    from driftflow.resuming.past import Past

SAME = "x" * 70_000


@given(cases(), st.data())
def test_a_step_is_kept_as_long_as_all_before_it_is(
    case: tuple[Plan, Past], data: st.DataObject
) -> None:
    """A fetched one that gives the same counts as kept; else all behind it is done again."""
    plan, past = case
    past = past._replace(
        steps={
            step: record._replace(cut=measure(SAME) if record.cut else None)
            for step, record in past.steps.items()
        }
    )
    steps, decided = plan.steps.tolist(), decide(plan, past)
    kept = KeptSteps(steps, decided)
    some = data.draw(st.sets(st.sampled_from([*decided.fetched]))) if decided.fetched else set()
    again, same = set(), set()
    for index in range(len(steps)):
        if index in kept:
            assert kept[index] is decided.kept[index]
            continue
        again.add(index)
        if kept.settle(index, SAME if index in some else "other"):
            same.add(index)
    assert same <= some
    known = upkeep.Known(ok=True, began=0, ended=0, action="", key=None, is_cut=False)
    wanted = upkeep.Upkeep(dict.fromkeys(decided.kept, known), {*decided.fetched})
    assert again == upkeep.list_again(plan, wanted, some)


def test_a_fetched_step_behind_one_that_is_another_does_not_count_as_kept() -> None:
    """Though it gives the same: nothing stands on something that was done later."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "input": {"from": "a"}},
        {"name": "c", "after": ["b"]},
        {"name": "d", "input": {"from": ["a", "b"]}},
    )
    cut = measure(SAME)
    decided = all_done(plan, a={"cut": cut}, b={"cut": cut}, d={"state": "failed"})
    kept = KeptSteps(plan.steps.tolist(), decided)
    assert not kept.settle(0, "other")
    assert not kept.settle(1, SAME)
    assert 2 not in kept


def test_all_waves_behind_one_that_is_another_are_done_again() -> None:
    """Each step of them, whatever was done meanwhile."""
    plan = workflows.plan(
        {"name": "a", "priority": 2},
        {"name": "b", "priority": 1},
        {"name": "c", "priority": 1},
        {"name": "d", "input": {"from": "a"}},
    )
    decided = all_done(plan, a={"cut": CUT}, d={"state": "failed"})
    kept = KeptSteps(plan.steps.tolist(), decided)
    kept.settle(0, "other")
    assert 1 not in kept
    kept.settle(1, None)
    assert 2 not in kept


def test_a_step_that_fails_gives_nothing_that_is_the_same() -> None:
    """It is done again in earnest."""
    plan = workflows.plan({"name": "a"}, {"name": "b", "input": {"from": "a"}}, {"name": "c"})
    decided = all_done(plan, a={"cut": CUT}, b={"state": "failed"})
    kept = KeptSteps(plan.steps.tolist(), decided)
    assert not kept.settle(0, None)
    assert 2 in kept


def test_the_steps_that_may_be_kept_are_known_beforehand() -> None:
    """Those in doubt among them, those that are fetched not."""
    plan = workflows.plan({"name": "a"}, {"name": "b", "input": {"from": "a"}}, {"name": "c"})
    decided = all_done(plan, a={"cut": CUT}, b={"key": "another"})
    assert sorted(KeptSteps(plan.steps.tolist(), decided).possible) == [2]
    assert sorted(KeptSteps(plan.steps.tolist(), all_done(plan)).possible) == [0, 1, 2]


def test_what_is_another_than_on_record_overturns_what_comes_after_it() -> None:
    """As far as that is in doubt: a step that is skipped by now, or that is no longer."""
    plan = workflows.plan(
        {"name": "a", "priority": 1},
        {"name": "b", "after": ["a"], "priority": 1},
        {"name": "c", "after": ["b"], "priority": 1},
        {"name": "d", "input": {"from": "a"}},
        {"name": "e"},
    )
    decided = all_done(plan, a={"cut": measure(SAME)}, d={"state": "failed"})
    assert decided.in_doubt == {1: 0, 2: 0, 4: 0}
    kept = KeptSteps(plan.steps.tolist(), decided)
    assert kept.settle(0, SAME)
    assert [index for index in range(5) if index in kept] == [1, 2, 4]
    kept.overturn(3)  # it was not kept anyway
    assert [index for index in range(5) if index in kept] == [1, 2, 4]
    kept.overturn(1)
    assert 2 not in kept
    assert 4 not in kept  # all of its wave: the one before it has changed
