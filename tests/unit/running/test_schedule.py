"""Which step is next, one after the other, and what a failure ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows
from unit.running.graphs import (
    Case,
    Foreseen,
    cases,
    find_ending,
    find_later,
    keep,
    list_counted,
)

from driftflow.resuming.kept import KeptSteps
from driftflow.running.schedule import InTurn, Reach

if TYPE_CHECKING:
    from collections.abc import Collection

    from driftflow.planning.plan import Step


def in_turn(case: Case) -> InTurn:
    """The schedule of a case."""
    return InTurn(case.steps, case.keep(), keep_going=case.keep_going)


def take_foregone(schedule: InTurn) -> list[int]:
    """Take all kept steps whose turn it is, as the interpreter does."""
    taken: list[int] = []
    while (index := schedule.take_foregone()) is not None:
        taken.append(index)
        schedule.finish(index)
    return taken


def end(schedule: InTurn, case: Case, index: int) -> Collection[int]:
    """Let a step be done or fail; return the steps that are not run because of it."""
    if index in case.failing:
        return schedule.fail(index)
    schedule.finish(index)
    return ()


def walk(case: Case) -> tuple[list[int], list[int]]:
    """Go through all; return the steps in the order in which they are taken, and those kept."""
    schedule = in_turn(case)
    kept = take_foregone(schedule)
    taken = [*kept]
    while (index := schedule.take()) is not None:
        taken.append(index)
        end(schedule, case, index)
        given_back = take_foregone(schedule)
        kept += given_back
        taken += given_back
    return taken, kept


@given(cases())
def test_steps_are_taken_in_run_order_as_far_as_the_run_gets(case: Case) -> None:
    """Each that counts once, and no other."""
    assert walk(case) == (list_counted(case), [])


@given(cases(keeps=True, keep_going=False))
def test_kept_steps_take_their_turn(case: Case) -> None:
    """Among the others, and only those that the run comes to."""
    counted = list_counted(case)
    assert walk(case) == (counted, [index for index in counted if index in case.kept])


@given(cases(keeps=True, keep_going=True))
def test_kept_steps_take_their_turn_behind_steps_that_are_not_run(case: Case) -> None:
    """One that comes after a failure is not run either: its result belongs to another input."""
    counted = list_counted(case)
    assert walk(case) == (counted, [index for index in counted if index in case.kept])


# In run order: a, then b after it, then c, then d after b.
CHAIN = workflows.plan(
    {"name": "a"}, {"name": "b", "after": ["a"]}, {"name": "c"}, {"name": "d", "after": ["b"]}
)
CHAIN_STEPS: list[Step] = CHAIN.steps.tolist()


def test_what_does_not_come_after_a_failure_is_taken_with_keep_going() -> None:
    """Whether it stands behind what is not run, or is kept."""
    assert [step.name for step in CHAIN_STEPS] == ["a", "b", "c", "d"]
    for kept in (None, keep(CHAIN, []), keep(CHAIN, [2])):
        schedule = InTurn(CHAIN_STEPS, kept, keep_going=True)
        assert schedule.take() == 0
        schedule.fail(0)
        is_kept = kept is not None and 2 in kept
        assert schedule.take_foregone() == (2 if is_kept else None)
        if not is_kept:
            assert schedule.take() == 2
        schedule.finish(2)
        assert (schedule.take_foregone(), schedule.take()) == (None, None)
        assert schedule.reach.not_run == {1, 3}


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_kept_step_is_never_taken_to_be_tried(*, keep_going: bool) -> None:
    """Before it has taken its turn there is nothing to start."""
    schedule = InTurn(CHAIN_STEPS, keep(CHAIN, [0, 1]), keep_going=keep_going)
    assert schedule.take() is None
    assert take_foregone(schedule) == [0, 1]
    assert schedule.take_foregone() is None
    assert schedule.take() == 2
    schedule.finish(2)
    assert schedule.take() == 3


def test_while_a_step_is_begun_it_is_nobody_elses_turn() -> None:
    """A kept one waits until it is known that the run gets so far."""
    schedule = InTurn(CHAIN_STEPS, keep(CHAIN, [1, 2]), keep_going=False)
    assert schedule.take() == 0
    assert schedule.take_foregone() is None
    schedule.finish(0)
    assert take_foregone(schedule) == [1, 2]
    assert schedule.take() == 3
    assert (schedule.take_foregone(), schedule.is_complete()) == (None, False)
    schedule.finish(3)
    assert schedule.is_complete()


@pytest.mark.parametrize("output", ["A", "another"])
def test_whether_a_step_in_doubt_is_kept_is_seen_when_its_turn_comes(output: str) -> None:
    """It is if what was fetched is what it was; else it is taken to be tried, like any other."""
    resumed = workflows.without_outputs(
        workflows.resumption(CHAIN, {0: "A", 1: "B", 2: "C"}), fetched={0: 3}, in_doubt={1: 0}
    )
    kept = KeptSteps(CHAIN_STEPS, resumed)
    schedule = InTurn(CHAIN_STEPS, kept, keep_going=False)
    assert (schedule.take_foregone(), schedule.take()) == (None, 0)
    is_same = kept.settle(0, output)
    schedule.finish(0)
    if not is_same:
        assert (schedule.take_foregone(), schedule.take()) == (None, 1)
        kept.settle(1, "B")
        schedule.finish(1)
    assert schedule.take() is None
    assert take_foregone(schedule) == ([1, 2] if is_same else [2])
    assert schedule.take() == 3
    schedule.finish(3)
    assert schedule.is_complete()


@given(cases(keeps=True))
def test_it_is_complete_when_nothing_is_left(case: Case) -> None:
    """Not earlier: at each step that is done it knows whether there is more to do."""
    counted = list_counted(case)
    schedule = in_turn(case)
    done = take_foregone(schedule)
    assert schedule.is_complete() == (done == counted)
    while len(done) < len(counted) and (index := schedule.take()) is not None:
        assert schedule.take_foregone() is None
        assert not schedule.is_complete()
        end(schedule, case, index)
        done += [index, *take_foregone(schedule)]
        assert schedule.is_complete() == (done == counted)
    assert done == counted


@given(cases(keeps=True))
def test_whether_a_step_is_forgone_is_asked_when_its_turn_has_come(case: Case) -> None:
    """Not before all that it comes after is done: it may depend on that."""
    done: set[int] = set()
    foregone = Foreseen(case.steps, case.kept, done)
    schedule = InTurn(case.steps, foregone, keep_going=case.keep_going)
    while True:
        while (given := schedule.take_foregone()) is not None:
            assert given in case.kept
            done.add(given)
            schedule.finish(given)
        if (index := schedule.take()) is None:
            break
        assert index not in case.kept
        assert schedule.take_foregone() is None
        done.add(index)
        end(schedule, case, index)
    assert sorted(done) == list_counted(case)
    assert schedule.is_complete()


@given(cases())
def test_nothing_is_done_in_vain(case: Case) -> None:
    """One after the other, no step is begun behind the end of the run."""
    schedule = in_turn(case)
    while (index := schedule.take()) is not None:
        end(schedule, case, index)
    ending = find_ending(case.steps, case.failing)
    if ending and not case.keep_going:
        assert schedule.reach.end == ending[0]
    else:
        assert schedule.reach.end == math.inf
    assert schedule.find_discarded() == ()


@given(cases(keeps=True))
def test_each_end_of_a_step_says_what_is_not_run_because_of_it(case: Case) -> None:
    """Each step once; without `keep_going` none."""
    schedule = in_turn(case)
    told: list[int] = []
    take_foregone(schedule)
    while (index := schedule.take()) is not None:
        ended = end(schedule, case, index)
        assert {*ended} <= find_later(case.steps, [index])
        told += ended
        take_foregone(schedule)
    assert len({*told}) == len(told)
    assert {*told} == schedule.reach.not_run
    assert case.keep_going or not told


@given(cases(keep_going=False), st.data())
def test_the_first_failure_in_run_order_is_the_end(case: Case, data: st.DataObject) -> None:
    """In whatever order failures come; nothing is kept from running, but for what is behind it."""
    reach = Reach(case.steps, keep_going=False)
    failures = data.draw(st.permutations(sorted(case.failing)))
    for number, index in enumerate(failures):
        assert reach.fail(index) == set()
        assert reach.end == min(failures[: number + 1])
    assert reach.not_run == set()


@given(cases(keep_going=True), st.data())
def test_with_keep_going_a_failure_ends_what_comes_after_it(
    case: Case, data: st.DataObject
) -> None:
    """By whatever way; each step is told once, and the run has no end."""
    reach = Reach(case.steps, keep_going=True)
    failed: set[int] = set()
    for index in data.draw(st.permutations(sorted(case.failing))):
        if index in reach.not_run:
            continue
        known = {*reach.not_run}
        failed.add(index)
        assert reach.fail(index) == find_later(case.steps, failed) - known
        assert reach.not_run == find_later(case.steps, failed)
    assert reach.end == math.inf
