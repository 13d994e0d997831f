"""What was done: a fold of the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyrsistent import PVector, pvector

from driftflow.running.events import RunFinished, RunStarted, StepDiscarded, StepFinished

if TYPE_CHECKING:
    from driftflow.planning.plan import Plan
    from driftflow.running.events import Event, Resumed, Status, StepResult


class RunResult(NamedTuple):
    """What has been done of a plan so far.

    Attributes:
        plan: What was to be done.
        results: What came of each step that ran, in run order.
        discarded: What came of those that had run already when one before them ended the run.
        status: `ok`, `failed` or `interrupted`; a run that has not come to its end is not ok.
        duration_seconds: The wall time of the run. Seconds.
        resumed: The earlier run that it took up; None if there was none.
    """

    plan: Plan
    results: PVector[StepResult] = pvector()
    discarded: PVector[StepResult] = pvector()
    status: Status = "failed"
    duration_seconds: float = 0.0
    resumed: Resumed | None = None


def advance(run: RunResult, event: Event) -> RunResult:
    """The run after one more event."""
    match event:
        case StepFinished():
            return run._replace(results=run.results.append(event.result))
        case StepDiscarded() if event.result.attempts:
            return run._replace(discarded=run.discarded.append(event.result))
        case RunStarted():
            return run._replace(resumed=event.resumed)
        case RunFinished():
            return run._replace(status=event.status, duration_seconds=event.duration_seconds)
        case _:
            return run
