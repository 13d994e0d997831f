"""The meaning of a plan, told by its events; no clock, no file, no real action."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
import workflows

from driftflow.events import Event, RunFinished, RunStarted, StepFinished, StepResult, StepStarted
from driftflow.interpreter import allowed_attempts, ends_run, interpret, settle

if TYPE_CHECKING:
    from driftflow.document import Json
    from driftflow.plan import Plan, Step


class Script:
    """Performs steps by a script, and notes which were tried.

    A step's input is the number of attempts that fail before one succeeds.
    """

    def __init__(self) -> None:
        self.tried: list[str] = []

    def perform(self, step: Step) -> Json:
        """Fail, or give the step's name in capitals."""
        self.tried.append(step.name)
        failures = step.input
        assert isinstance(failures, int)
        if self.tried.count(step.name) <= failures:
            raise OSError(f"{step.name} is down")
        return step.name.upper()


def ticking() -> count[float]:
    """A clock that moves on by a second each time it is read."""
    return count(100.0)


def events(plan: Plan, script: Script | None = None) -> list[Event]:
    """All events of the plan."""
    return list(interpret(plan, (script or Script()).perform, ticking().__next__))


def ok(name: str, attempts: int = 1) -> StepResult:
    """A success; the clock is read before and after the attempts."""
    return workflows.done(name, name.upper(), attempts, seconds=1.0)


def failed(name: str, attempts: int = 1) -> StepResult:
    """A failure."""
    return workflows.failed(name, f"{name} is down", attempts, seconds=1.0)


def test_a_run_is_a_stream_of_events() -> None:
    """Started, each step started and finished in turn, finished."""
    plan = workflows.plan({"name": "a", "input": 0}, {"name": "b", "input": 0})
    first, second = plan.steps
    assert events(plan) == [
        RunStarted(plan),
        StepStarted(0, first),
        StepFinished(0, first, ok("a")),
        StepStarted(1, second),
        StepFinished(1, second, ok("b")),
        RunFinished("ok", 5.0),
    ]


def test_a_plan_without_steps_is_ok() -> None:
    """There is nothing that could fail."""
    plan = workflows.plan()
    assert events(plan) == [RunStarted(plan), RunFinished("ok", 1.0)]


def test_nothing_is_performed_before_the_next_event_is_asked_for() -> None:
    """So the record of step_started is on file before the step is tried."""
    script = Script()
    stream = interpret(workflows.plan({"input": 0}), script.perform, ticking().__next__)
    assert isinstance(next(stream), RunStarted)
    assert isinstance(next(stream), StepStarted)
    assert script.tried == []
    assert isinstance(next(stream), StepFinished)
    assert script.tried == ["step0"]


@pytest.mark.parametrize(
    ("failures", "max_attempts", "result"),
    [
        (0, 3, ok("s", 1)),
        (1, 3, ok("s", 2)),
        (2, 3, ok("s", 3)),
        (3, 3, failed("s", 3)),
        (1, 1, failed("s", 1)),
    ],
)
def test_a_step_is_tried_until_it_succeeds_or_its_attempts_are_used_up(
    failures: int, max_attempts: int, result: StepResult
) -> None:
    """And no further."""
    script = Script()
    plan = workflows.plan({"name": "s", "input": failures}, max_attempts=max_attempts)
    assert events(plan, script)[2] == StepFinished(0, plan.steps[0], result)
    assert len(script.tried) == result.attempts


def test_an_optional_step_is_tried_once() -> None:
    """Always, whatever max_attempts says."""
    script = Script()
    plan = workflows.plan({"name": "s", "input": 1, "optional": True}, max_attempts=5)
    assert events(plan, script)[2] == StepFinished(0, plan.steps[0], failed("s", 1))
    assert script.tried == ["s"]


def test_the_first_failure_of_a_step_that_is_not_optional_ends_the_run() -> None:
    """No step after it is started."""
    script = Script()
    plan = workflows.plan(
        {"name": "a", "input": 0}, {"name": "b", "input": 9}, {"name": "c", "input": 0}
    )
    *_, last_step, end = events(plan, script)
    assert last_step == StepFinished(1, plan.steps[1], failed("b"))
    assert end == RunFinished("failed", 5.0)
    assert script.tried == ["a", "b"]


def test_the_failure_of_an_optional_step_does_not_end_the_run_but_counts() -> None:
    """The steps after it run; the status is failed all the same."""
    script = Script()
    plan = workflows.plan({"name": "a", "input": 1, "optional": True}, {"name": "b", "input": 0})
    *_, last_step, end = events(plan, script)
    assert last_step == StepFinished(1, plan.steps[1], ok("b"))
    assert end == RunFinished("failed", 5.0)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no such thing"), "no such thing"),
        (ValueError(), "ValueError"),
        (KeyError("key"), "'key'"),
        (LookupError(""), "LookupError"),
    ],
)
def test_an_error_is_its_message_or_the_name_of_its_type(error: Exception, message: str) -> None:
    """Whatever the action raises."""

    def perform(_: Step) -> Json:
        raise error

    (step,) = workflows.plan({}).steps
    result = settle(step, 2, perform, ticking().__next__)
    assert result == workflows.failed(step.name, message, 2, seconds=1.0)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_no_failure_of_a_step(interruption: type[BaseException]) -> None:
    """It goes through."""

    def perform(_: Step) -> Json:
        raise interruption

    (step,) = workflows.plan({}).steps
    with pytest.raises(interruption):
        settle(step, 3, perform, ticking().__next__)


def test_the_last_error_counts() -> None:
    """Of several attempts."""
    errors = iter([OSError("first"), OSError("second")])

    def perform(_: Step) -> Json:
        raise next(errors)

    (step,) = workflows.plan({}).steps
    assert settle(step, 2, perform, ticking().__next__).error == "second"


@pytest.mark.parametrize(("optional", "attempts", "ends"), [(False, 3, True), (True, 1, False)])
def test_the_two_rules_about_optional_steps(*, optional: bool, attempts: int, ends: bool) -> None:
    """Each is one predicate; the second is about a step that failed."""
    (step,) = workflows.plan({"optional": optional}).steps
    assert allowed_attempts(step, 3) == attempts
    assert ends_run(step) is ends
