"""What happens in a run, in the order in which it happens."""

from typing import Literal, NamedTuple, TypeAlias

from driftflow.document import Json
from driftflow.plan import Plan, Step

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
        output: What the action gave; None if it failed.
        error: The message of the last attempt's exception, or why there was none; None if it
            succeeded.
        attempts: How many there were; 0 if what it was to read was not there, or the run ended
            before there was any.
        duration_seconds: The wall time of all of them, and of the waits between. Seconds.
    """

    name: str
    ok: bool
    output: Json
    error: str | None
    attempts: int
    duration_seconds: float


class RunStarted(NamedTuple):
    """The first event: the plan is about to be run."""

    plan: Plan


class StepStarted(NamedTuple):
    """The step at that place of the run order, from 0, is about to be tried."""

    place: int
    step: Step


class StepFinished(NamedTuple):
    """The step at that place of the run order succeeded, or its attempts are used up."""

    place: int
    step: Step
    result: StepResult


class StepDiscarded(NamedTuple):
    """A step of that place was begun with others of its wave, and one before it ended the run.

    What came of it is not among the results. If its attempts are 0, nothing was done.
    """

    place: int
    step: Step
    result: StepResult


class RunFinished(NamedTuple):
    """The last event. The duration is the wall time of the run, in seconds.

    An interrupted run is one that had more to do.
    """

    status: Status
    duration_seconds: float


Event: TypeAlias = RunStarted | StepStarted | StepFinished | StepDiscarded | RunFinished
