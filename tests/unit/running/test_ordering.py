"""What happened, put into run order; and the result of a run, computed from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows
from unit.running.graphs import Case, cases, find_ending, find_later

from driftflow.failures import Failure
from driftflow.running.events import (
    AttemptFailed,
    RunFinished,
    RunResult,
    RunStarted,
    StepFinished,
    StepResult,
    StepStarted,
)
from driftflow.running.ordering import RunFold, RunOrder, fold_run, was_in_vain

if TYPE_CHECKING:
    from collections.abc import Collection

    from driftflow.running.events import Event, StepDone


def end(case: Case, index: int) -> StepFinished:
    """The end of a step of a case."""
    step = case.steps[index]
    come = workflows.failed if index in case.failing else workflows.done
    return StepFinished(index, step, come(step.name, "said"))


def list_shown(case: Case, done: Collection[int]) -> list[int]:
    """The steps that can be shown when these are done: all before each of them are done, too.

    None is shown behind the end of the run, and none is waited for that is not to be run.
    """
    shown: list[int] = []
    for index in range(len(case.steps)):
        ended = find_ending(case.steps, case.failing.intersection(shown))
        if case.keep_going and index in find_later(case.steps, ended):
            continue
        if index not in done or (ended and not case.keep_going):
            break
        shown.append(index)
    return shown


@st.composite
def ends(draw: st.DrawFn, case: Case) -> list[int]:
    """Some steps of a case, in any order, but for those that nothing can come of."""
    known = range(len(case.steps))
    failed = find_ending(case.steps, case.failing)
    ended = find_later(case.steps, failed) if case.keep_going else set()
    order = draw(st.permutations([index for index in known if index not in ended]))
    return order[: draw(st.integers(0, len(order)))]


@given(cases(), st.data())
def test_steps_are_shown_in_run_order_whatever_order_they_are_done_in(
    case: Case, data: st.DataObject
) -> None:
    """Each as soon as all before it are done, and none behind the one that ended the run."""
    shown: list[int] = []
    order = RunOrder(
        case.plan, lambda event: shown.append(event.step_index), keep_going=case.keep_going
    )
    done = data.draw(ends(case))
    for number, index in enumerate(done):
        order.take(end(case, index))
        assert shown == list_shown(case, done[: number + 1])


@given(cases(), st.data())
def test_in_the_end_all_is_shown_that_counts(case: Case, data: st.DataObject) -> None:
    """Also behind a step of which nothing came, as far as the end of the run; the rest is given."""
    shown: list[StepDone] = []
    order = RunOrder(case.plan, shown.append, keep_going=case.keep_going)
    done = data.draw(ends(case))
    for index in done:
        order.take(end(case, index))
    rest = order.close()
    ending = [] if case.keep_going else find_ending(case.steps, case.failing.intersection(done))
    last = min(ending, default=len(case.steps))
    assert shown == [end(case, index) for index in sorted(done) if index <= last]
    assert rest == [end(case, index) for index in sorted(done) if index > last]


def order_of(*steps: dict[str, Any], keep_going: bool = False) -> tuple[Case, RunOrder, list[str]]:
    """A case of these steps, of which the second fails; its order, and what is shown of it."""
    plan = workflows.plan(*steps)
    case = Case(plan, plan.steps.tolist(), {1}, set(), keep_going)
    shown: list[str] = []
    order = RunOrder(plan, lambda event: shown.append(event.step.name), keep_going=keep_going)
    return case, order, shown


def test_what_was_done_early_waits_for_its_turn() -> None:
    """And is shown with the step for which it waits."""
    case, order, shown = order_of({"name": "a"}, {"name": "b", "optional": True}, {"name": "c"})
    order.take(end(case, 2))
    order.take(end(case, 1))
    assert shown == []
    order.take(end(case, 0))
    assert shown == ["a", "b", "c"]
    assert order.close() == []


def test_a_failure_is_not_shown_before_its_turn() -> None:
    """A step before it may fail as well; then that is the end of the run."""
    case, order, shown = order_of({"name": "a"}, {"name": "b"}, {"name": "c"})
    ends_too = StepFinished(0, case.steps[0], workflows.failed("a", "no"))
    order.take(end(case, 2))
    order.take(end(case, 1))
    assert shown == []
    order.take(ends_too)
    assert shown == ["a"]
    assert order.close() == [end(case, 1), end(case, 2)]


def test_nobody_waits_for_what_is_not_run() -> None:
    """With `keep_going`; also if it stands between steps that are done already."""
    steps: list[dict[str, Any]] = [
        {"name": "a"},
        {"name": "b"},
        {"name": "c", "after": ["b"]},
        {"name": "d"},
        {"name": "e", "after": ["c", "d"]},
        {"name": "f"},
    ]
    case, order, shown = order_of(*steps, keep_going=True)
    for index in (5, 3, 0):
        order.take(end(case, index))
    assert shown == ["a"]
    order.take(end(case, 1))
    assert shown == ["a", "b", "d", "f"]
    assert order.close() == []


def test_nobody_waits_for_what_is_not_run_if_all_happens_in_order() -> None:
    """What is not run may stand behind others that are."""
    steps: list[dict[str, Any]] = [
        {"name": "a"},
        {"name": "b"},
        {"name": "c"},
        {"name": "d", "after": ["b"]},
        {"name": "e"},
    ]
    case, order, shown = order_of(*steps, keep_going=True)
    for index in (0, 1, 2, 4):
        order.take(end(case, index))
    assert shown == ["a", "b", "c", "e"]
    assert order.close() == []


PLAN = workflows.plan({"name": "a"}, {"name": "b"}, {"name": "c"})
A, B, C = PLAN.steps
FIRST = workflows.done("a", "A", 2, seconds=0.5)
SECOND = workflows.failed("b", "down", seconds=0.25)
EVENTS: list[Event] = [
    RunStarted(PLAN),
    StepStarted(0, A),
    AttemptFailed(0, A, 1, Failure("busy", ("OSError",)), 1.5),
    StepFinished(0, A, FIRST),
    StepStarted(1, B),
    AttemptFailed(1, B, 1, Failure("down", ("OSError",)), None),
    StepFinished(1, B, SECOND),
    RunFinished("failed", 0.8, "b"),
]


def test_results_are_gathered_in_order_and_the_end_sets_the_status() -> None:
    """The whole stream gives the whole result."""
    run = fold_run(PLAN, EVENTS)
    assert run == RunResult(PLAN, [FIRST, SECOND], [], None, "failed", 0.8, None)
    ok = fold_run(PLAN, [*EVENTS[:4], RunFinished("ok", 1.0)])
    assert (ok.status, ok.duration_seconds) == ("ok", 1.0)


def test_a_run_that_has_not_come_to_its_end_is_not_ok() -> None:
    """Even if every step so far was."""
    run = fold_run(PLAN, EVENTS[:4])
    assert (run.results, run.status, run.duration_seconds) == ([FIRST], "failed", 0.0)


def test_a_step_has_a_result_only_once_it_is_finished() -> None:
    """A step that was only started is not in the results, nor is one that has failed so far."""
    assert fold_run(PLAN, EVENTS[:3]).results == []
    assert fold_run(PLAN, EVENTS[:6]).results == [FIRST]


def test_results_are_in_run_order_whatever_happened_first() -> None:
    """What stands behind the end of the run is kept apart, if it ran at all."""
    third = workflows.done("c", "C")
    events = [StepFinished(2, C, third), StepFinished(1, B, SECOND), StepFinished(0, A, FIRST)]
    run = fold_run(PLAN, events)
    assert (run.results, run.discarded) == ([FIRST, SECOND], [third])
    untried = StepFinished(2, C, workflows.failed("c", "not tried", 0))
    run = fold_run(PLAN, [untried, *events[1:]])
    assert (run.results, run.discarded) == ([FIRST, SECOND], [])


@pytest.mark.parametrize(
    ("result", "in_vain"),
    [
        (workflows.done("c", "C"), True),
        (workflows.failed("c", "no"), True),
        (workflows.failed("c", "not tried", 0), False),
        (workflows.done("c", "C", 2)._replace(reused=True), False),
    ],
)
def test_what_does_not_count_was_in_vain_if_it_was_done_now(
    result: StepResult, *, in_vain: bool
) -> None:
    """Not if nothing was tried, or an earlier run has done it."""
    event = StepFinished(2, C, result)
    assert was_in_vain(event) is in_vain
    assert bool(fold_run(PLAN, [*EVENTS[:7], event]).discarded) is in_vain


def test_what_is_not_run_is_known_with_keep_going_alone() -> None:
    """Also if it is nothing; the end of the run says it."""
    assert fold_run(PLAN, EVENTS).not_run is None
    going = [StepFinished(0, A, FIRST), StepFinished(1, B, SECOND)]
    assert fold_run(PLAN, going, keep_going=True).not_run == ()
    last = RunFinished("failed", 1.0, not_run=(2,))
    run = fold_run(PLAN, [*going, last], keep_going=True)
    assert (run.results, run.discarded, run.not_run) == ([FIRST, SECOND], [], (2,))


def test_the_run_that_is_resumed_is_in_the_result() -> None:
    """As the first event has it."""
    resumed = workflows.resumption(PLAN, {0: "A"}, may_have_run=[1])
    assert fold_run(PLAN, [RunStarted(PLAN, resumed)]).resumed == resumed
    assert fold_run(PLAN, EVENTS).resumed is None


def test_results_can_be_shown_while_the_run_goes_on() -> None:
    """As far as they are known to count."""
    fold = RunFold(PLAN)
    counts = []
    for event in EVENTS:
        fold.take(event)
        counts.append(len(fold.shown))
    assert counts == [0, 0, 0, 1, 1, 1, 2, 2]
    assert [event.result for event in fold.shown] == fold.finish().results
