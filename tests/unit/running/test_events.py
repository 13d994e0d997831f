"""The result is a fold of the events."""

from functools import reduce

from support import workflows

from driftflow.running.events import (
    Event,
    RunFinished,
    RunResult,
    RunStarted,
    StepDiscarded,
    StepFinished,
    StepStarted,
    advance,
)

PLAN = workflows.plan({"name": "a"}, {"name": "b"})
FIRST = workflows.done("a", "A", 2, seconds=0.5)
SECOND = workflows.failed("b", "down", seconds=0.25)
EVENTS: list[Event] = [
    RunStarted(PLAN),
    StepStarted(0, PLAN.steps[0]),
    StepFinished(0, PLAN.steps[0], FIRST),
    StepStarted(1, PLAN.steps[1]),
    StepFinished(1, PLAN.steps[1], SECOND),
    RunFinished("failed", 0.8),
]


def test_results_are_gathered_in_order_and_the_end_sets_the_status() -> None:
    """The whole stream gives the whole result."""
    run = reduce(advance, EVENTS, RunResult(PLAN))
    assert (run.plan, list(run.results)) == (PLAN, [FIRST, SECOND])
    assert (run.status, run.duration_seconds) == ("failed", 0.8)
    assert advance(run, RunFinished("ok", 1.0)).status == "ok"


def test_a_run_that_has_not_come_to_its_end_is_not_ok() -> None:
    """Even if every step so far was."""
    run = reduce(advance, EVENTS[:3], RunResult(PLAN))
    assert (list(run.results), run.status, run.duration_seconds) == ([FIRST], "failed", 0.0)


def test_a_step_has_a_result_only_once_it_is_finished() -> None:
    """A step that was only started is not in the results."""
    assert list(reduce(advance, EVENTS[:4], RunResult(PLAN)).results) == [FIRST]


def test_what_was_discarded_is_kept_apart() -> None:
    """If it ran at all."""
    discarded = StepDiscarded(0, PLAN.steps[0], FIRST)
    untried = StepDiscarded(1, PLAN.steps[1], SECOND._replace(attempts=0))
    run = reduce(advance, [discarded, untried], RunResult(PLAN))
    assert (list(run.results), list(run.discarded)) == ([], [FIRST])


def test_advancing_leaves_the_run_as_it_was() -> None:
    """Runs are values."""
    before = RunResult(PLAN)
    advance(before, EVENTS[2])
    assert before == RunResult(PLAN)
