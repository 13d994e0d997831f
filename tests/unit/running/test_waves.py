"""Which steps may be under way together: those of a wave, as far as none comes after another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
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

from driftflow.planning.plan import list_waves
from driftflow.resuming.kept import KeptSteps
from driftflow.running.waves import InWaves

if TYPE_CHECKING:
    from driftflow.planning.plan import Plan


class Naive:
    """The rule in its plainest words, worked out anew each time."""

    def __init__(self, case: Case, *, together: bool) -> None:
        self.begun: set[int] = set()
        self.done: dict[int, bool] = {}
        self._case = case
        self._waves = list_waves(case.steps) if together else [*range(len(case.steps))]

    @property
    def failed(self) -> list[int]:
        """The steps whose failure ends something."""
        return find_ending(self._case.steps, [index for index, ok in self.done.items() if not ok])

    @property
    def end(self) -> float:
        """The first step whose failure ends the run."""
        return min(self.failed, default=math.inf) if not self._case.keep_going else math.inf

    @property
    def not_run(self) -> set[int]:
        """The steps that are not run, though the run goes on."""
        return find_later(self._case.steps, self.failed) if self._case.keep_going else set()

    @property
    def settled(self) -> set[int]:
        """The steps of which nothing more comes."""
        return self.not_run.union(self.done)

    def list_ready(self) -> list[int]:
        """The steps that may start now, those that are not to be tried among them."""
        return [
            index
            for index, step in enumerate(self._case.steps)
            if index not in self.begun | self.settled
            and index <= self.end
            and self.done.keys() >= {*step.before}
            and all(
                other in self.settled
                for other, wave in enumerate(self._waves)
                if wave < self._waves[index]
            )
        ]

    def is_complete(self) -> bool:
        """Whether all is done that was to be done."""
        return all(index in self.settled or index > self.end for index in range(len(self._waves)))

    def list_discarded(self) -> tuple[int, ...]:
        """What is done behind the end of the run."""
        return tuple(sorted(index for index in self.done if index > self.end))


def finish(schedule: InWaves, model: Naive, index: int, *, ok: bool) -> None:
    """Let a step be done, as both see it: also which steps are not run because of that."""
    known = model.not_run
    model.begun.discard(index)
    model.done[index] = ok
    if ok:
        schedule.finish(index)
    else:
        assert {*schedule.fail(index)} == model.not_run - known


@settings(max_examples=150)
@given(case=cases(keeps=True), together=st.booleans(), data=st.data())
def test_a_step_may_start_when_all_that_it_waits_for_is_done(
    case: Case, *, together: bool, data: st.DataObject
) -> None:
    """In whatever order steps are taken and done: just then, and each one once.

    It waits for what it comes after, and for earlier waves. After a failure that ends the run,
    steps before it are still taken, and steps behind it are not; with `keep_going` all are but
    those that come after it. A step that an earlier run has done waits as any other.
    """
    schedule = InWaves(case.steps, case.keep(), together=together, keep_going=case.keep_going)
    model = Naive(case, together=together)
    while True:
        for index in iter(schedule.take_foregone, None):
            assert index == min(each for each in model.list_ready() if each in case.kept)
            finish(schedule, model, index, ok=True)
        ready = model.list_ready()
        assert case.kept.isdisjoint(ready)
        assert schedule.peek() == min(ready, default=None)
        assert schedule.is_complete() == model.is_complete()
        assert schedule.find_discarded() == model.list_discarded()
        assert schedule.reach.end == model.end
        assert schedule.reach.not_run == model.not_run
        choices = [*sorted(model.begun), *([None] if ready else [])]
        if not choices:
            break
        chosen = data.draw(st.sampled_from(choices))
        if chosen is None:
            assert schedule.take() == ready[0]
            model.begun.add(ready[0])
        else:
            finish(schedule, model, chosen, ok=chosen not in case.failing)
    assert schedule.take() is None
    assert model.is_complete()
    counted = list_counted(case)
    assert {*counted} == model.done.keys() - {*model.list_discarded()}


@given(case=cases(keeps=True), together=st.booleans(), data=st.data())
def test_whether_a_step_is_forgone_is_asked_when_its_turn_has_come(
    case: Case, *, together: bool, data: st.DataObject
) -> None:
    """Not before all that it comes after is done: it may depend on that."""
    model = Naive(case, together=together)
    foregone = Foreseen(case.steps, case.kept, model.done)
    schedule = InWaves(case.steps, foregone, together=together, keep_going=case.keep_going)
    while True:
        for index in iter(schedule.take_foregone, None):
            finish(schedule, model, index, ok=True)
        ready = model.list_ready()
        assert schedule.peek() == min(ready, default=None)
        choices = [*sorted(model.begun), *([None] if ready else [])]
        if not choices:
            break
        chosen = data.draw(st.sampled_from(choices))
        if chosen is None:
            model.begun.add(ready[0])
            assert schedule.take() == ready[0]
        else:
            finish(schedule, model, chosen, ok=chosen not in case.failing)
    assert {*list_counted(case)} == model.done.keys() - {*model.list_discarded()}


@given(case=cases(fails=False), together=st.booleans())
def test_just_the_steps_of_a_wave_are_open(case: Case, *, together: bool) -> None:
    """Of a whole run in which all that may start does so before anything is done."""
    schedule = InWaves(case.steps, None, together=together, keep_going=False)
    wave_of = list_waves(case.steps) if together else [*range(len(case.steps))]
    taken: list[int] = []
    while group := [*iter(schedule.take, None)]:
        assert len({wave_of[index] for index in group}) == 1
        for index in group:
            schedule.finish(index)
        taken += group
    assert sorted(taken) == [*range(len(case.steps))]
    assert [wave_of[index] for index in taken] == sorted(wave_of)


@given(cases(keeps=True), st.data())
def test_a_step_is_single_if_no_other_may_start_with_it(case: Case, data: st.DataObject) -> None:
    """Then nothing could, before it is done."""
    schedule = InWaves(case.steps, case.keep(), together=True, keep_going=case.keep_going)
    model = Naive(case, together=True)
    while True:
        for index in iter(schedule.take_foregone, None):
            finish(schedule, model, index, ok=True)
        ready = model.list_ready()
        if model.end == math.inf:
            assert schedule.is_single() == (len(ready) == 1)
        elif ready and schedule.is_single():
            assert len(ready) == 1
        if ready:
            schedule.take()
            model.begun.add(ready[0])
        elif model.begun:
            chosen = data.draw(st.sampled_from(sorted(model.begun)))
            finish(schedule, model, chosen, ok=chosen not in case.failing)
        else:
            break


def groups(plan: Plan) -> list[str]:
    """The names of the steps that may start at the same time, if all are done at the same time."""
    together = plan.flags.is_enabled("parallel")
    schedule = InWaves(plan.steps.tolist(), None, together=together, keep_going=False)
    found: list[str] = []
    while group := [*iter(schedule.take, None)]:
        found.append("".join(plan.steps[index].name for index in group))
        for index in group:
            schedule.finish(index)
    return found


def test_a_wave_has_steps_of_one_urgency() -> None:
    """With the flag off each step has a wave of its own."""
    steps = [{"name": name, "priority": "dcba".index(name) // 2} for name in "abcd"]
    assert groups(workflows.plan(*steps, flags={"parallel": True})) == ["ab", "cd"]
    assert groups(workflows.plan(*steps)) == ["a", "b", "c", "d"]
    assert groups(workflows.plan(flags={"parallel": True})) == []


def test_a_step_waits_for_what_it_reads_in_its_own_wave() -> None:
    """Wherever in its input that stands."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b"},
        {"name": "c", "input": [{"x": {"from": ["b"]}}]},
        {"name": "d", "input": {"from": "a"}},
        {"name": "e", "input": {"from": "d"}},
        {"name": "f", "priority": -1, "input": {"from": "e"}},
        flags={"parallel": True},
    )
    assert groups(plan) == ["ab", "cd", "e", "f"]


def of_four(**fields: object) -> InWaves:
    """In one wave: a and b, then c after b, then d after a."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", **fields},
        {"name": "c", "after": ["b"]},
        {"name": "d", "after": ["a"]},
    )
    return InWaves(plan.steps.tolist(), None, together=True, keep_going=False)


def test_a_step_does_not_wait_for_others_of_its_wave() -> None:
    """Only for what it comes after, however long the others take."""
    schedule = of_four()
    assert [schedule.take(), schedule.take(), schedule.take()] == [0, 1, None]
    schedule.finish(0)
    assert [schedule.take(), schedule.take()] == [3, None]
    schedule.finish(3)
    assert schedule.take() is None
    schedule.finish(1)
    assert schedule.take() == 2


@pytest.mark.parametrize("optional", [False, True])
def test_what_stands_before_a_failure_is_still_begun(*, optional: bool) -> None:
    """A run of one step after the other would have come to it; and to all, if it is optional."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "after": ["a"]},
        {"name": "c", "optional": optional},
        {"name": "d", "after": ["b"]},
        {"name": "e", "priority": -1},
        flags={"parallel": True},
    )
    schedule = InWaves(plan.steps.tolist(), None, together=True, keep_going=False)
    assert [schedule.take(), schedule.take(), schedule.take()] == [0, 2, None]
    schedule.fail(2)
    assert not schedule.is_complete()
    schedule.finish(0)
    assert schedule.take() == 1
    schedule.finish(1)
    assert schedule.is_complete() is not optional
    assert schedule.take() == (3 if optional else None)


def test_of_two_failures_the_first_in_run_order_is_the_end() -> None:
    """Whichever comes first; what was done behind it does not count."""
    steps = workflows.plan(*({"name": name} for name in "abcd")).steps.tolist()
    schedule = InWaves(steps, None, together=True, keep_going=False)
    assert [schedule.take() for _ in range(3)] == [0, 1, 2]
    schedule.fail(1)
    schedule.finish(2)
    assert (schedule.reach.end, schedule.find_discarded()) == (1, (2,))
    assert not schedule.is_complete()
    schedule.fail(0)
    assert (schedule.reach.end, schedule.find_discarded()) == (0, (1, 2))
    assert schedule.is_complete()
    assert schedule.take() is None


def test_a_kept_step_is_done_when_its_wave_is_opened() -> None:
    """Whatever others of the wave are at; then what comes after it may start."""
    plan = workflows.plan(
        {"name": "a", "priority": 1},
        {"name": "b"},
        {"name": "c"},
        {"name": "d", "after": ["c"]},
    )
    schedule = InWaves(plan.steps.tolist(), keep(plan, [2]), together=True, keep_going=False)
    assert [schedule.take(), schedule.take_foregone()] == [0, None]
    schedule.finish(0)
    assert [schedule.take_foregone(), schedule.take_foregone()] == [2, None]
    schedule.finish(2)
    assert [schedule.take(), schedule.take(), schedule.take()] == [1, 3, None]


def test_a_kept_step_behind_the_end_of_the_run_is_not_given() -> None:
    """Also if what it comes after is done only then."""
    plan = workflows.plan(
        {"name": "a"}, {"name": "b"}, {"name": "c", "after": ["a"]}, {"name": "d"}
    )
    schedule = InWaves(plan.steps.tolist(), keep(plan, [2]), together=True, keep_going=False)
    assert [schedule.take(), schedule.take(), schedule.take_foregone()] == [0, 1, None]
    schedule.fail(1)
    schedule.finish(0)
    assert [schedule.take_foregone(), schedule.take()] == [None, None]
    assert schedule.is_complete()
    assert schedule.find_discarded() == ()


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("output", ["A", "another"])
def test_whether_a_step_in_doubt_is_kept_is_seen_when_its_turn_comes(
    output: str, *, together: bool
) -> None:
    """It is if what was fetched is what it was; else it is taken to be tried, like any other.

    In the same wave if it comes after that one, in a later wave whatever it comes after.
    """
    plan = workflows.plan(
        {"name": "a", "priority": 1},
        {"name": "b", "priority": 1, "after": ["a"]},
        {"name": "c"},
        {"name": "d", "after": ["c"]},
    )
    steps = plan.steps.tolist()
    resumed = workflows.without_outputs(
        workflows.resumption(plan, {0: "A", 1: "B", 2: "C", 3: "D"}),
        fetched={0: 1},
        in_doubt={1: 0, 2: 0, 3: 0},
    )
    kept = KeptSteps(steps, resumed)
    schedule = InWaves(steps, kept, together=together, keep_going=False)
    assert (schedule.take_foregone(), schedule.take()) == (None, 0)
    is_same = kept.settle(0, output)
    schedule.finish(0)
    take = schedule.take_foregone if is_same else schedule.take
    for index in (1, 2, 3):
        assert take() == index
        assert (schedule.take_foregone(), schedule.take()) == (None, None)
        if not is_same:
            kept.settle(index, "as it was")
        schedule.finish(index)
    assert schedule.is_complete()


def test_a_wave_in_which_nothing_is_to_be_done_is_passed_over() -> None:
    """With `keep_going`, if all of it comes after a failure."""
    plan = workflows.plan(
        {"name": "a", "priority": 2},
        {"name": "b", "priority": 1, "after": ["a"]},
        {"name": "c"},
    )
    schedule = InWaves(plan.steps.tolist(), None, together=True, keep_going=True)
    assert schedule.take() == 0
    schedule.fail(0)
    assert schedule.take() == 2
    assert not schedule.is_complete()
    schedule.finish(2)
    assert schedule.is_complete()
    assert (schedule.reach.not_run, schedule.find_discarded()) == ({1}, ())
