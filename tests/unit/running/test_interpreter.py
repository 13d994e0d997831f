"""The meaning of a plan, told by its events; no clock, no file, no real action."""

from __future__ import annotations

import weakref
from itertools import count
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import ANY

import pytest
from support import workflows

from driftflow.running.events import (
    Event,
    Halt,
    RunFinished,
    RunStarted,
    StepDiscarded,
    StepFinished,
    StepResult,
    StepStarted,
)
from driftflow.running.interpreter import interpret, sequential, waves

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from driftflow.planning.plan import Plan, Step
    from driftflow.reading.document import Json
    from driftflow.running.attempts import Outcome, Perform, Task
    from driftflow.running.interpreter import Crew


class Script:
    """Performs actions by a script, and notes which were tried.

    An input is the number of attempts that fail before one succeeds.
    """

    def __init__(self) -> None:
        self.tried: list[str] = []

    def perform(self, action: str, failures: Json) -> Json:
        """Fail, or give the action's name in capitals."""
        self.tried.append(action)
        assert isinstance(failures, int)
        if self.tried.count(action) <= failures:
            raise OSError(f"{action} is down")
        return action.upper()


def tried(name: str, failures: int) -> dict[str, Any]:
    """A step for the script."""
    return {"name": name, "action": name, "input": failures}


def ticking() -> count[float]:
    """A clock that moves on by a second each time it is read."""
    return count(100.0)


def events(plan: Plan, script: Script | None = None) -> list[Event]:
    """All events of the plan."""
    return list(run(plan, (script or Script()).perform))


def run(plan: Plan, perform: Perform) -> Generator[Event, Halt | None, None]:
    """The stream of a run in turn."""
    clock = ticking().__next__
    return interpret(plan, sequential(perform, clock, pause=at_once), clock)


def at_once(_: int) -> None:
    """No wait."""


def ok(name: str, attempts: int = 1) -> StepResult:
    """A success; the clock is read before and after the attempts."""
    return workflows.done(name, name.upper(), attempts, seconds=1.0)


def failed(name: str, attempts: int = 1) -> StepResult:
    """A failure."""
    return workflows.failed(name, f"{name} is down", attempts, seconds=1.0)


def test_a_run_is_a_stream_of_events() -> None:
    """Started, each step started and finished in turn, finished."""
    plan = workflows.plan(
        {"name": "a", "action": "a", "input": 0}, {"name": "b", "action": "b", "input": 0}
    )
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
    stream = run(workflows.plan(tried("a", 0)), script.perform)
    assert isinstance(next(stream), RunStarted)
    assert isinstance(next(stream), StepStarted)
    assert script.tried == []
    assert isinstance(next(stream), StepFinished)
    assert script.tried == ["a"]


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
    plan = workflows.plan(
        {"name": "s", "action": "s", "input": failures}, max_attempts=max_attempts
    )
    assert events(plan, script)[2] == StepFinished(0, plan.steps[0], result)
    assert len(script.tried) == result.attempts


def test_an_optional_step_is_tried_once() -> None:
    """Always, whatever max_attempts says."""
    script = Script()
    plan = workflows.plan(
        {"name": "s", "action": "s", "input": 1, "optional": True}, max_attempts=5
    )
    assert events(plan, script)[2] == StepFinished(0, plan.steps[0], failed("s", 1))
    assert script.tried == ["s"]


def test_the_first_failure_of_a_step_that_is_not_optional_ends_the_run() -> None:
    """No step after it is started."""
    script = Script()
    plan = workflows.plan(
        {"name": "a", "action": "a", "input": 0},
        {"name": "b", "action": "b", "input": 9},
        {"name": "c", "action": "c", "input": 0},
    )
    *_, last_step, end = events(plan, script)
    assert last_step == StepFinished(1, plan.steps[1], failed("b"))
    assert end == RunFinished("failed", 5.0)
    assert script.tried == ["a", "b"]


def test_the_failure_of_an_optional_step_does_not_end_the_run_but_counts() -> None:
    """The steps after it run; the status is failed all the same."""
    script = Script()
    plan = workflows.plan(
        {"name": "a", "action": "a", "input": 1, "optional": True},
        {"name": "b", "action": "b", "input": 0},
    )
    *_, last_step, end = events(plan, script)
    assert last_step == StepFinished(1, plan.steps[1], ok("b"))
    assert end == RunFinished("failed", 5.0)


def test_an_interrupted_run_ends_well_and_says_so() -> None:
    """The step in hand is recorded as interrupted, no other one is started."""

    def perform(_: str, value: Json) -> Json:
        if value == "b":
            raise KeyboardInterrupt
        return value

    steps = [{"name": name, "input": name, "optional": True} for name in "abc"]
    stream = run(workflows.plan(*steps), perform)
    events: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        events.extend(stream)
    assert [type(event) for event in events[1:-1]] == [StepStarted, StepFinished] * 2
    interrupted = StepResult(
        "b", ok=False, output=None, error="interrupted", attempts=1, duration_seconds=1.0
    )
    assert events[-2] == StepFinished(1, ANY, interrupted)
    assert events[-1] == RunFinished("interrupted", ANY)


@pytest.mark.parametrize("event", range(6))
def test_a_run_can_be_interrupted_at_any_event(event: int) -> None:
    """Each step that was started has an end; when all are done there is nothing to interrupt."""
    script = Script()
    stream = run(workflows.plan(tried("a", 0), tried("b", 0)), script.perform)
    events = [next(stream) for _ in range(event + 1)]
    told = {StepStarted: "started", StepFinished: "finished", RunFinished: "over"}
    if event < 5:
        events.append(stream.send("interrupt"))
    if event < 4:
        with pytest.raises(KeyboardInterrupt):
            events.extend(stream)
    else:
        events.extend(stream)
    assert events[-1] == RunFinished("interrupted" if event < 4 else "ok", ANY)
    assert script.tried == [[], [], ["a"], ["a"], ["a", "b"], ["a", "b"]][event]
    begun = [1, 1, 1, 2, 2, 2][event] - (event == 0)
    assert [told[type(each)] for each in events[1:]] == ["started", "finished"] * begun + ["over"]
    results = [each.result for each in events if isinstance(each, StepFinished)]
    untried = [each for each in results if each[1:] == (False, None, "interrupted", 0, 0.0, False)]
    assert len(untried) == (event in (1, 3))


def test_an_interrupt_after_a_failure_that_ends_the_run_changes_nothing() -> None:
    """There was nothing more to do."""
    stream = run(workflows.plan(tried("a", 1), tried("b", 0)), Script().perform)
    assert [next(stream) for _ in range(3)]
    assert stream.send("interrupt") == RunFinished("failed", ANY)
    assert list(stream) == []


def handed(plan: Plan) -> tuple[list[Json], list[StepResult]]:
    """What each attempt is given, and the results; an action fails, or gives its name back."""
    inputs: list[Json] = []

    def perform(action: str, value: Json) -> Json:
        inputs.append(value)
        if action == "fail":
            raise OSError(action)
        return [action]

    stream = run(plan, perform)
    return inputs, [event.result for event in stream if isinstance(event, StepFinished)]


def test_a_step_is_handed_what_it_reads() -> None:
    """One output, or an array of several, anywhere in its input."""
    plan = workflows.plan(
        {"name": "a", "action": "A", "priority": 3},
        {"name": "b", "action": "B", "priority": 2, "input": {"from": "a"}},
        {"name": "c", "action": "C", "input": {"x": [{"from": ["b", "a"]}, {"from": "a"}]}},
    )
    inputs, results = handed(plan)
    assert inputs == ["", ["A"], {"x": [[["B"], ["A"]], ["A"]]}]
    assert [result.ok for result in results] == [True] * 3


def test_data_from_a_step_that_failed_fails_its_readers() -> None:
    """They are not tried; and so on, as far as it goes. Others run."""
    plan = workflows.plan(
        {"name": "a", "action": "fail", "optional": True, "priority": 9},
        {"name": "b", "input": {"from": "a"}, "optional": True, "priority": 8},
        {"name": "c", "action": "C", "priority": 7},
        {"name": "d", "input": [{"from": "c"}, {"from": ["c", "b", "a"]}], "priority": 6},
        {"name": "e"},
        max_attempts=3,
    )
    inputs, results = handed(plan)
    assert inputs == ["", ""]
    assert results == [
        workflows.failed("a", "fail", 1, seconds=1.0),
        workflows.failed("b", "input from 'a', which failed", 0, seconds=1.0),
        workflows.done("c", ["C"], seconds=1.0),
        workflows.failed("d", "input from 'b', which failed", 0, seconds=1.0),
    ]


def test_a_reader_that_changes_what_it_was_given_harms_nobody() -> None:
    """Neither other readers nor a later attempt of its own, nor the result."""
    seen: list[Json] = []

    def perform(action: str, value: Json) -> Json:
        if action == "make":
            return {"rows": [1]}
        assert isinstance(value, dict)
        rows = value["rows"]
        assert isinstance(rows, list)
        seen.append([*rows])
        rows.append(2)
        raise OSError

    plan = workflows.plan(
        {"name": "a", "action": "make"},
        {"name": "b", "input": {"from": "a"}, "optional": True},
        {"name": "c", "input": {"from": "a"}},
        max_attempts=2,
    )
    events = list(run(plan, perform))
    assert seen == [[1]] * 3
    assert isinstance(events[2], StepFinished)
    assert events[2].result.output == {"rows": [1]}


class Large(dict[str, object]):
    """An output whose end can be noticed."""


def test_an_output_is_let_go_of_when_its_last_reader_is_done() -> None:
    """And one that nobody reads at once: a long run holds what it needs."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b"},
        {"name": "c", "input": {"from": "b"}},
        {"name": "d", "input": [{"from": "b"}, {"from": "b"}]},
        {"name": "e"},
    )
    made: list[weakref.ref[Large]] = []

    def perform(_: str, __: Json) -> Json:
        output = Large()
        made.append(weakref.ref(output))
        return cast("Json", output)

    alive = []
    for event in run(plan, perform):
        if isinstance(event, StepFinished):
            alive.append([ref() is not None for ref in made[:-1]])
        del event
    assert alive == [
        [],
        [False],
        [False, True],
        [False, False, False],
        [False, False, False, False],
    ]


def names(plan: Plan) -> list[str]:
    """The names of the steps of each wave."""
    return ["".join(step.name for step in wave) for wave in waves(plan)]


def test_a_wave_has_steps_of_one_priority() -> None:
    """With the flag off each step has a wave of its own."""
    steps = [{"name": name, "priority": "dcba".index(name) // 2} for name in "abcd"]
    assert names(workflows.plan(*steps, flags={"parallel": True})) == ["ab", "cd"]
    assert names(workflows.plan(*steps)) == ["a", "b", "c", "d"]
    assert names(workflows.plan(flags={"parallel": True})) == []


def test_a_step_that_reads_from_its_own_wave_starts_a_new_one() -> None:
    """Wherever in its input that stands; those after it stay with it."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b"},
        {"name": "c", "input": [{"x": {"from": ["b"]}}]},
        {"name": "d", "input": {"from": "a"}},
        {"name": "e", "input": {"from": "d"}},
        {"name": "f", "priority": -1, "input": {"from": "e"}},
        flags={"parallel": True},
    )
    assert names(plan) == ["ab", "cd", "e", "f"]


def crew_of(*given: Outcome | None) -> Crew:
    """A crew that gives these, whatever it is sent."""

    def crew(
        waves: Iterable[Sequence[Step]], task: Callable[[Step], Task]
    ) -> Generator[Outcome | None, Halt | None, bool]:
        for wave in waves:
            for step in wave:
                task(step)
        yield from given
        return True

    return crew


GOOD: Outcome = (True, "out", None, 1, 0.5)
BAD: Outcome = (False, None, "down", 2, 0.5)


def test_what_a_crew_gives_becomes_events() -> None:
    """Steps are started and finished each in run order, however these mingle."""
    plan = workflows.plan({"name": "a"}, {"name": "b"}, {"name": "c", "optional": True})
    a, b, c = plan.steps
    stream = interpret(plan, crew_of(None, None, GOOD, None, GOOD, BAD), ticking().__next__)
    assert list(stream) == [
        RunStarted(plan),
        StepStarted(0, a),
        StepStarted(1, b),
        StepFinished(0, a, StepResult("a", *GOOD)),
        StepStarted(2, c),
        StepFinished(1, b, StepResult("b", *GOOD)),
        StepFinished(2, c, StepResult("c", *BAD)),
        RunFinished("failed", 1.0),
    ]


def test_what_comes_after_the_end_of_the_run_is_discarded() -> None:
    """Good or bad; its outcome is told."""
    plan = workflows.plan({"name": "a"}, {"name": "b"}, {"name": "c"})
    stream = interpret(plan, crew_of(None, None, None, BAD, GOOD, BAD), ticking().__next__)
    a, b, c = plan.steps
    assert list(stream)[4:] == [
        StepFinished(0, a, StepResult("a", *BAD)),
        StepDiscarded(1, b, StepResult("b", *GOOD)),
        StepDiscarded(2, c, StepResult("c", *BAD)),
        RunFinished("failed", 1.0),
    ]


@pytest.mark.parametrize("events", range(6))
def test_asked_to_halt_a_run_starts_nothing_more(events: int) -> None:
    """Whenever that is; and it has no end of its own."""
    script = Script()
    stream = run(workflows.plan(tried("a", 0), tried("b", 0)), script.perform)
    for _ in range(events):
        next(stream)
    if events:
        with pytest.raises(StopIteration):
            stream.send("stop")
    assert script.tried == [[], [], [], ["a"], ["a"], ["a", "b"]][events]


def test_a_run_that_is_closed_closes_its_crew() -> None:
    """Which has to wait for what is under way."""
    closed: list[str] = []

    def crew(*_: object) -> Generator[Outcome | None, Halt | None, bool]:
        try:
            while True:
                yield None
        finally:
            closed.append("crew")

    stream = interpret(workflows.plan({}, {}), crew, ticking().__next__)
    next(stream)
    next(stream)
    stream.close()
    assert closed == ["crew"]
