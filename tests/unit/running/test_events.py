"""The events of a run are values, and whoever handles them knows all their kinds."""

from __future__ import annotations

import inspect
import re
from typing import get_args

import pytest
from support import workflows

from driftflow import events
from driftflow.failures import Failure
from driftflow.running.events import (
    EVENTS,
    AttemptFailed,
    Event,
    RunFinished,
    RunResult,
    RunStarted,
    StepFinished,
    StepResult,
    StepSkipped,
    StepStarted,
)

PLAN = workflows.plan({"name": "a"})
(STEP,) = PLAN.steps
FAILURE = Failure("down", ("OSError", "Exception", "BaseException"), "orders.py:3")


def test_every_kind_of_event_is_listed() -> None:
    """In the order in which they can come."""
    kinds = (RunStarted, StepStarted, AttemptFailed, StepFinished, StepSkipped, RunFinished)
    assert get_args(Event) == EVENTS == kinds


def test_users_import_events_by_a_short_name() -> None:
    """The same ones, with what they hold."""
    assert {*events.__all__} == {"Event", "StepResult", *(kind.__name__ for kind in EVENTS)}
    for kind in (*EVENTS, StepResult):
        assert getattr(events, kind.__name__) is kind
    assert events.Event is Event


@pytest.mark.parametrize("kind", [*EVENTS, StepResult, RunResult])
def test_every_field_is_described(kind: type) -> None:
    """By its name, in the order of the fields: programs read them."""
    described = re.findall(r"^ {4}(\w+): ", inspect.getdoc(kind) or "", re.MULTILINE)
    assert described == [*vars(kind)["_fields"]]


def test_what_is_as_always_can_be_left_out() -> None:
    """No earlier run, no failure that ended the run, nothing done in vain, no exception.

    Nor anything that an earlier run has done, or that was done again for its output alone.
    """
    begun = {"plan": PLAN, "resumed": None, "keep_going": False, "run_id": ""}
    assert RunStarted(PLAN)._asdict() == begun
    end = RunFinished("ok", 1.0)
    assert (end.stopped_by, end.signal, end.discarded) == (None, None, ())
    assert (end.not_run, end.reused) == ((), ())
    result = StepResult("a", ok=True, output="A", error=None, attempts=1, duration_seconds=0.5)
    assert (result.error_type, result.place) == (None, None)
    assert (result.reused, result.cut, result.fetched) == (False, None, False)


def test_a_run_that_has_not_come_to_its_end_is_not_ok() -> None:
    """Nothing is done of it; without `keep_going` it does not say what is not run."""
    run = RunResult(PLAN)
    assert (run.status, run.duration_seconds) == ("failed", 0.0)
    assert (run.results, run.discarded, run.not_run, run.resumed) == ((), (), None, None)


@pytest.mark.parametrize(
    "event",
    [
        RunStarted(PLAN),
        StepStarted(0, STEP),
        AttemptFailed(0, STEP, 1, FAILURE, None),
        StepFinished(0, STEP, workflows.done("a", "A")),
        RunFinished("ok", 1.0),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_is_a_value(event: Event) -> None:
    """It cannot be changed, and equals another one that says the same."""
    with pytest.raises(AttributeError):
        setattr(event, event._fields[0], None)
    assert type(event)(*event) == event
    assert event._replace(**{event._fields[0]: None}) != event  # type: ignore[arg-type]  # as above
