"""What happens in a run, in the order in which it happens."""

from collections.abc import Mapping

# Annotations as they are: those of a named tuple that are strings are compiled as it is defined.
from typing import Literal, NamedTuple, TypeAlias

from pyrsistent import PVector, pvector

from driftflow.planning.plan import Plan, Step
from driftflow.reading.document import Json

Status: TypeAlias = Literal["ok", "failed", "interrupted"]

# What can be sent to a run in answer to an event. `stop`: start no further step, but tell what
# comes of those that have been started. `interrupt`: these are to end as soon as they can, too, and
# the run counts as interrupted.
Halt: TypeAlias = Literal["stop", "interrupt"]


class StepResult(NamedTuple):
    """The result of one step.

    Attributes:
        name: The step's name.
        ok: Whether an attempt succeeded.
        output: What the action returned; None if it failed.
        error: The message of the last attempt's exception, or why there was no attempt; None if
            the step succeeded.
        attempts: How many there were; 0 if what the step reads was not there, or the run ended
            before the first one.
        duration_seconds: The wall time of all of them, with the waits between, in seconds.
        reused: Whether this is the result of an earlier run, which was resumed; it took no time.
    """

    name: str
    ok: bool
    output: Json
    error: str | None
    attempts: int
    duration_seconds: float
    reused: bool = False


class Resumed(NamedTuple):
    """What is known of an earlier run of the same plan, which is taken up.

    Attributes:
        run_id: The earlier run's own name.
        results: By index in the run order, what came of steps that need not run again.
        unfinished: The indexes of those that may have run: they were started, and
            have no end, or were ended by an interrupt.
    """

    run_id: str
    results: Mapping[int, StepResult]
    unfinished: tuple[int, ...]


class RunStarted(NamedTuple):
    """The first event: the plan is about to be run, or an earlier run of it resumed.

    Attributes:
        plan: What will be done.
        resumed: The earlier run that is resumed; None if there is none.
    """

    plan: Plan
    resumed: Resumed | None = None


class StepStarted(NamedTuple):
    """A step is about to be tried.

    Attributes:
        step_index: Its place in the run order, from 0.
        step: What it is, as in the plan.
    """

    step_index: int
    step: Step


class StepFinished(NamedTuple):
    """A step succeeded, or its attempts are used up.

    Attributes:
        step_index: Its place in the run order, from 0.
        step: What it is, as in the plan.
        result: Its result.
    """

    step_index: int
    step: Step
    result: StepResult


class StepDiscarded(NamedTuple):
    """A step was started together with others of its wave, and one before it ended the run.

    Its result is not among those of the run. If it has 0 attempts, nothing was done.

    Attributes:
        step_index: Its place in the run order, from 0.
        step: What it is, as in the plan.
        result: Its result.
    """

    step_index: int
    step: Step
    result: StepResult


class RunFinished(NamedTuple):
    """The last event.

    Attributes:
        status: `ok`, `failed`, or `interrupted`: then there was more to do.
        duration_seconds: The wall time of the run, in seconds.
    """

    status: Status
    duration_seconds: float


Event: TypeAlias = RunStarted | StepStarted | StepFinished | StepDiscarded | RunFinished
EVENTS = (RunStarted, StepStarted, StepFinished, StepDiscarded, RunFinished)


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
    """Return the run after one more event."""
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
