"""The events of a run, under the name by which users import them."""

from driftflow.running.events import (
    Event,
    RunFinished,
    RunStarted,
    StepDiscarded,
    StepFinished,
    StepResult,
    StepStarted,
)

__all__ = [
    "Event",
    "RunFinished",
    "RunStarted",
    "StepDiscarded",
    "StepFinished",
    "StepResult",
    "StepStarted",
]
