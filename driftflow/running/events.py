"""What happens in a run, in the order in which it happens."""

from collections.abc import Sequence

# Annotations as they are, but for what a run that resumes none does not import: those of a named
# tuple that are strings are compiled as it is defined.
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from driftflow.failures import Failure
from driftflow.planning.plan import Plan, Step
from driftflow.reading.document import Json

if TYPE_CHECKING:
    from driftflow.resuming.decision import Resumption
    from driftflow.resuming.past import Cut

Status: TypeAlias = Literal["ok", "failed", "interrupted"]

# What can be sent to a run in answer to an event. `stop`: start no further step, but tell what
# comes of those that have been started. `interrupt`: these are to end as soon as they can, too, and
# the run counts as interrupted.
Halt: TypeAlias = Literal["stop", "interrupt"]


class StepResult(NamedTuple):
    """What came of one step.

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
        error_type: The name of the class of the last attempt's exception; None if there was none.
        place: Where in the operator's own code it was raised, `orders.py:3`; None if nowhere there.
        cut: What is known of the output of a reused result that is not on record as a whole; None
            if the output is there.
        fetched: Whether the step was done again only for its output, and gave what it had given.
        skipped: Why it was not tried, though nothing has failed; None if it was. Such a step is ok,
            has no output and no attempts.
    """

    name: str
    ok: bool
    output: Json
    error: str | None
    attempts: int
    duration_seconds: float
    reused: bool = False
    error_type: str | None = None
    place: str | None = None
    cut: "Cut | None" = None
    fetched: bool = False
    skipped: str | None = None


class RunStarted(NamedTuple):
    """The first event: the plan is about to be run, or an earlier run to be resumed.

    Attributes:
        plan: What will be done.
        resumed: What is kept of an earlier run; None if none is resumed.
        keep_going: Whether a failure ends only what comes after it in the graph.
        run_id: The run's own name; empty if nobody asks for it.
    """

    plan: Plan
    resumed: "Resumption | None" = None
    keep_going: bool = False
    run_id: str = ""


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


class StepSkipped(NamedTuple):
    """A step is not tried: its condition is not met, or what it reads was skipped.

    Attributes:
        step_index: Its place in the run order, from 0.
        step: What it is, as in the plan.
        result: Its result, which says why.
    """

    step_index: int
    step: Step
    result: StepResult


class AttemptFailed(NamedTuple):
    """An attempt at a step failed.

    Attributes:
        step_index: The step's place in the run order, from 0.
        step: What it is, as in the plan.
        attempt: Which attempt it was, from 1.
        failure: What it failed with.
        wait_seconds: How long it is waited for the next attempt, in seconds; None if there is none.
    """

    step_index: int
    step: Step
    attempt: int
    failure: Failure
    wait_seconds: float | None


class RunFinished(NamedTuple):
    """The last event.

    Attributes:
        status: `ok`, `failed`, or `interrupted`: then there was more to do.
        duration_seconds: The wall time of the run, in seconds.
        stopped_by: The name of the step whose failure ended the run; None if there is none.
        signal: The name of the signal that interrupted it, `SIGTERM`; None if there was none.
        discarded: The steps that are done and do not count, since they stand behind it, by index.
        not_run: The steps that were not run since they come after one that failed, by index; only
            with `keep_going`.
        reused: The steps whose results are those of earlier runs, by index.
    """

    status: Status
    duration_seconds: float
    stopped_by: str | None = None
    signal: str | None = None
    discarded: tuple[int, ...] = ()
    not_run: tuple[int, ...] = ()
    reused: tuple[int, ...] = ()


StepDone: TypeAlias = StepFinished | StepSkipped
Event: TypeAlias = RunStarted | StepStarted | AttemptFailed | StepDone | RunFinished
EVENTS = (RunStarted, StepStarted, AttemptFailed, StepFinished, StepSkipped, RunFinished)


class RunResult(NamedTuple):
    """What has been done of a plan so far.

    Attributes:
        plan: What was to be done.
        results: What came of each step that ran, in run order.
        discarded: What came of those that had run already when one before them ended the run.
        not_run: The steps that were not run since they come after one that failed, by index; None
            without `keep_going`.
        status: `ok`, `failed` or `interrupted`; a run that has not come to its end is not ok.
        duration_seconds: The wall time of the run. Seconds.
        resumed: What was kept of an earlier run; None if none was resumed.
        run_id: The run's own name; empty if nobody asks for it.
    """

    plan: Plan
    results: Sequence[StepResult] = ()
    discarded: Sequence[StepResult] = ()
    not_run: tuple[int, ...] | None = None
    status: Status = "failed"
    duration_seconds: float = 0.0
    resumed: "Resumption | None" = None
    run_id: str = ""
