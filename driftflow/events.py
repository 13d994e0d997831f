"""The events of a run, under the name by which users import them."""

from driftflow.running.events import (
    AttemptFailed,
    Event,
    RunFinished,
    RunStarted,
    StepFinished,
    StepResult,
    StepSkipped,
    StepStarted,
)

__all__ = [
    "AttemptFailed",
    "Event",
    "RunFinished",
    "RunStarted",
    "StepFinished",
    "StepResult",
    "StepSkipped",
    "StepStarted",
]
