"""The meaning of a plan, told by its events; no clock, no file, no real action."""

from __future__ import annotations

import weakref
from itertools import count
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import ANY

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import workflows
from unit.running.graphs import Fate, find_later, foretell, plans

from driftflow.api import run_events
from driftflow.failures import AttemptError, Failure
from driftflow.planning.conditions import find_hindrance
from driftflow.planning.plan import find_key, list_waves
from driftflow.planning.values import Facts, evaluate
from driftflow.resuming.decision import decide
from driftflow.resuming.past import Code, Past, StepPast, measure
from driftflow.running import foregone
from driftflow.running.attempts import (
    INTERRUPTED,
    NOT_TRIED,
    UNKNOWN,
    AttemptRunner,
    FailedAttempt,
    LateInterrupt,
    run_step,
)
from driftflow.running.events import (
    AttemptFailed,
    Event,
    Halt,
    RunFinished,
    RunResult,
    RunStarted,
    StepFinished,
    StepResult,
    StepSkipped,
    StepStarted,
)
from driftflow.running.interpreter import interpret, make_failed, sequential
from driftflow.running.ordering import fold_run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from driftflow.planning.conditions import Hindrance, Verdicts
    from driftflow.planning.plan import Plan, Step
    from driftflow.reading.document import Json
    from driftflow.resuming.decision import Resumption
    from driftflow.resuming.past import State
    from driftflow.running.attempts import Outcome, Task
    from driftflow.running.events import StepDone
    from driftflow.running.interpreter import Crew, Said
    from driftflow.running.waves import InWaves

    Perform = Callable[[str, Json, float | None], Json]


def down(action: str) -> Failure:
    """What the script fails with, as another process would describe it: place and all."""
    types = ("ConnectionError", "OSError", "Exception", "BaseException")
    return Failure(f"{action} is down", types, "orders.py:3")


class Script:
    """Performs actions by a script, and notes which were tried.

    An input is the number of attempts that fail before one succeeds.
    """

    def __init__(self) -> None:
        self.tried: list[str] = []

    def perform(self, action: str, failures: Json, _: float | None) -> Json:
        """Fail, or give the action's name in capitals."""
        self.tried.append(action)
        assert isinstance(failures, int)
        if self.tried.count(action) <= failures:
            raise AttemptError(down(action))
        return action.upper()


def tried(name: str, failures: int, **fields: Any) -> dict[str, Any]:
    """A step for the script."""
    return {"name": name, "action": name, "input": failures, **fields}


def ticking() -> count[float]:
    """A clock that moves on by a second each time it is read."""
    return count(100.0)


def events(plan: Plan, script: Script | None = None, **how: Any) -> list[Event]:
    """All events of the plan."""
    return follow(run(plan, (script or Script()).perform, **how))


def follow(stream: Generator[Event, Halt | None, None]) -> list[Event]:
    """All events of a run that nobody interrupts."""
    try:
        return list(stream)
    except KeyboardInterrupt:  # it would end the tests as well
        raise AssertionError("the run was interrupted") from None


def run(plan: Plan, perform: Perform, **how: Any) -> Generator[Event, Halt | None, None]:
    """The stream of a run in turn."""
    clock = ticking().__next__
    runner = AttemptRunner(perform, clock, at_once, lambda: 1.0)
    return interpret(plan, sequential(runner), clock, **how)


def at_once(_: float) -> None:
    """No wait."""


def ok(name: str, attempts: int = 1) -> StepResult:
    """A success; the clock is read before and after the attempts."""
    return workflows.done(name, name.upper(), attempts, seconds=1.0)


def failed(name: str, attempts: int = 1) -> StepResult:
    """A failure of the script."""
    result = workflows.failed(name, f"{name} is down", attempts, seconds=1.0)
    return result._replace(error_type="ConnectionError", place="orders.py:3")


def only(kind: type, happened: Sequence[Event]) -> list[Any]:
    """The events of one kind."""
    return [event for event in happened if isinstance(event, kind)]


def kinds(happened: Sequence[Event]) -> list[str]:
    """The names of the kinds of events."""
    return [type(event).__name__ for event in happened]


def test_a_run_is_a_stream_of_events() -> None:
    """Started, each step started and finished in turn, finished."""
    plan = workflows.plan(tried("a", 0), tried("b", 0))
    first, second = plan.steps
    assert events(plan) == [
        RunStarted(plan),
        StepStarted(0, first),
        StepFinished(0, first, ok("a")),
        StepStarted(1, second),
        StepFinished(1, second, ok("b")),
        RunFinished("ok", 5.0),
    ]


def test_each_attempt_that_fails_is_an_event() -> None:
    """Between the start of its step and the end; the last one has no wait."""
    plan = workflows.plan(
        tried("a", 1),
        tried("b", 2),
        max_attempts=2,
        backoff={"delay_seconds": 4, "jitter": False},
    )
    first, second = plan.steps
    assert events(plan) == [
        RunStarted(plan),
        StepStarted(0, first),
        AttemptFailed(0, first, 1, down("a"), 4.0),
        StepFinished(0, first, ok("a", 2)),
        StepStarted(1, second),
        AttemptFailed(1, second, 1, down("b"), 4.0),
        AttemptFailed(1, second, 2, down("b"), None),
        StepFinished(1, second, failed("b", 2)),
        RunFinished("failed", 5.0, stopped_by="b"),
    ]


def test_a_plan_without_steps_is_ok() -> None:
    """There is nothing that could fail."""
    plan = workflows.plan()
    for in_turn in (True, False):
        assert events(plan, in_turn=in_turn) == [RunStarted(plan), RunFinished("ok", 1.0)]


def test_nothing_is_performed_before_the_next_event_is_asked_for() -> None:
    """So what happened is on file before anything else happens: a start, an attempt that failed."""
    script = Script()
    stream = run(workflows.plan(tried("a", 1), max_attempts=2), script.perform)
    assert isinstance(next(stream), RunStarted)
    assert isinstance(next(stream), StepStarted)
    assert script.tried == []
    assert isinstance(next(stream), AttemptFailed)
    assert script.tried == ["a"]
    assert isinstance(next(stream), StepFinished)
    assert script.tried == ["a", "a"]


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
    plan = workflows.plan(tried("s", failures), max_attempts=max_attempts)
    happened = events(plan, script)
    assert only(StepFinished, happened) == [StepFinished(0, plan.steps[0], result)]
    assert len(script.tried) == result.attempts
    assert len(only(AttemptFailed, happened)) == failures


def test_an_optional_step_is_tried_once() -> None:
    """Whatever the workflow's max_attempts says."""
    script = Script()
    plan = workflows.plan(tried("s", 1, optional=True), max_attempts=5)
    assert only(StepFinished, events(plan, script)) == [
        StepFinished(0, plan.steps[0], failed("s", 1))
    ]
    assert script.tried == ["s"]


def test_a_step_is_tried_as_its_own_fields_say() -> None:
    """However often, with what waits, how long, and after what: all that its policy holds."""
    limits: list[float | None] = []

    def perform(_: str, __: Json, seconds: float | None) -> Json:
        limits.append(seconds)
        raise AttemptError(down("a"))

    own = {
        "max_attempts": 3,
        "backoff": {"delay_seconds": 7, "factor": 1, "jitter": False},
        "timeout_seconds": 5,
        "retry_on": ["OSError"],
    }
    plan = workflows.plan({"name": "a", "optional": True, **own}, {"name": "b"}, max_attempts=2)
    waits = [event.wait_seconds for event in only(AttemptFailed, follow(run(plan, perform)))]
    assert waits == [7.0, 7.0, None, 0.0, None]
    assert limits == [5, 5, 5, None, None]


def test_the_first_failure_of_a_step_that_is_not_optional_ends_the_run() -> None:
    """No step after it is started, and the last event names it."""
    script = Script()
    plan = workflows.plan(tried("a", 0), tried("b", 9), tried("c", 0))
    *_, last_step, end = events(plan, script)
    assert last_step == StepFinished(1, plan.steps[1], failed("b"))
    assert end == RunFinished("failed", 5.0, stopped_by="b")
    assert script.tried == ["a", "b"]


def test_the_failure_of_an_optional_step_does_not_end_the_run_but_counts() -> None:
    """The steps after it run; the status is failed all the same."""
    script = Script()
    plan = workflows.plan(tried("a", 1, optional=True), tried("b", 0))
    *_, last_step, end = events(plan, script)
    assert last_step == StepFinished(1, plan.steps[1], ok("b"))
    assert end == RunFinished("failed", 5.0)
    assert script.tried == ["a", "b"]


@pytest.mark.parametrize("in_turn", [True, False])
def test_with_keep_going_a_failure_ends_only_what_comes_after_it(*, in_turn: bool) -> None:
    """By whatever way; these are told, no step has stopped the run, and the status is failed."""
    script = Script()
    plan = workflows.plan(
        tried("a", 9),
        tried("b", 0, after=["a"]),
        tried("c", 0, after=["b"]),
        tried("d", 9, optional=True),
        tried("e", 0, after=["d"]),
        tried("f", 9),
        tried("g", 0, after=["e"]),
    )
    started, *happened, end = events(plan, script, in_turn=in_turn, keep_going=True)
    assert started == RunStarted(plan, None, keep_going=True)
    assert script.tried == ["a", "d", "e", "f", "g"]
    assert [event.result for event in only(StepFinished, happened)] == [
        *(failed("a"), failed("d"), ok("e"), failed("f"), ok("g")),
    ]
    assert end == RunFinished("failed", ANY, not_run=(1, 2))


def test_with_keep_going_a_run_without_failures_is_as_ever() -> None:
    """Nothing is left out."""
    plan = workflows.plan(tried("a", 0), tried("b", 0, after=["a"]))
    *happened, end = events(plan, keep_going=True)
    assert [event.result for event in only(StepFinished, happened)] == [ok("a"), ok("b")]
    assert end == RunFinished("ok", 5.0)


INTERRUPTED_STEP = StepResult(
    *("b", False, None, "interrupted", 1, 1.0),
    error_type="KeyboardInterrupt",
)


def test_an_interrupted_run_ends_well_and_says_so() -> None:
    """The step in hand is recorded as interrupted, no other one is started, none is to blame."""

    def perform(_: str, value: Json, __: float | None) -> Json:
        if value == "b":
            raise KeyboardInterrupt
        return value

    for optional in (True, False):
        steps = [{"name": name, "input": name, "optional": optional} for name in "abc"]
        stream = run(workflows.plan(*steps), perform)
        happened: list[Event] = []
        with pytest.raises(KeyboardInterrupt):
            happened.extend(stream)
        assert kinds(happened[1:-1]) == ["StepStarted", "StepFinished"] * 2
        assert happened[-2] == StepFinished(1, ANY, INTERRUPTED_STEP)
        assert happened[-1] == RunFinished("interrupted", ANY)


@pytest.mark.parametrize("name", [None, "SIGTERM"])
def test_the_signal_that_interrupted_a_run_is_named(name: str | None) -> None:
    """If it was one."""
    stream = run(workflows.plan(tried("a", 0)), Script().perform, find_signal=lambda: name)
    next(stream)
    assert stream.send("interrupt") == RunFinished("interrupted", 1.0, signal=name)
    with pytest.raises(KeyboardInterrupt):
        next(stream)


def send(stream: Generator[Event, Halt | None, None], number: int, halt: Halt) -> list[Event]:
    """All events of a run that is sent something, once, in answer to the event of this number."""
    happened = [next(stream) for _ in range(number + 1)]
    try:
        happened.append(stream.send(halt))
        happened.extend(stream)
    except StopIteration:
        pass
    except KeyboardInterrupt:
        assert isinstance(happened[-1], RunFinished)
        assert happened[-1].status == "interrupted"
    return happened


@pytest.mark.parametrize("number", range(6))
def test_a_run_can_be_interrupted_at_any_event(number: int) -> None:
    """Each step that was started has an end; when all are done there is nothing to interrupt."""
    script = Script()
    stream = run(workflows.plan(tried("a", 0), tried("b", 0)), script.perform)
    happened = send(stream, number, "interrupt")
    assert happened[-1] == RunFinished("interrupted" if number < 4 else "ok", ANY)
    assert script.tried == [[], [], ["a"], ["a"], ["a", "b"], ["a", "b"]][number]
    begun = [0, 1, 1, 2, 2, 2][number]
    steps = ["StepStarted", "StepFinished"] * begun
    assert kinds(happened) == ["RunStarted", *steps, "RunFinished"]
    results = [event.result for event in only(StepFinished, happened)]
    untried = [result for result in results if not result.ok]
    assert [result[1:6] for result in untried] == [(False, None, "interrupted", 0, 0.0)] * (
        number in (1, 3)
    )


def test_an_interrupt_raises_keyboard_interrupt_at_last() -> None:
    """Whoever follows the run to its end learns of it."""
    stream = run(workflows.plan(tried("a", 0)), Script().perform)
    next(stream)
    assert isinstance(stream.send("interrupt"), RunFinished)
    with pytest.raises(KeyboardInterrupt):
        next(stream)


def test_an_interrupt_between_two_attempts_ends_the_step() -> None:
    """It is not tried again, and is what the interrupt has ended."""
    script = Script()
    plan = workflows.plan(tried("b", 1), tried("c", 0), max_attempts=2)
    happened = send(run(plan, script.perform), 2, "interrupt")
    assert happened[2:] == [
        AttemptFailed(0, plan.steps[0], 1, down("b"), 0.0),
        StepFinished(0, plan.steps[0], INTERRUPTED_STEP),
        RunFinished("interrupted", ANY),
    ]
    assert script.tried == ["b"]


@pytest.mark.parametrize("halt", ["stop", "interrupt"])
def test_what_is_sent_in_answer_to_the_last_attempt_is_not_lost(halt: Halt) -> None:
    """The step has come to its own end, and no other is started: it need not be said twice."""
    script = Script()
    plan = workflows.plan(tried("a", 1, optional=True), tried("b", 0))
    happened = send(run(plan, script.perform), 2, halt)
    assert happened[2:4] == [
        AttemptFailed(0, plan.steps[0], 1, down("a"), None),
        StepFinished(0, plan.steps[0], failed("a")),
    ]
    assert happened[4:] == ([RunFinished("interrupted", ANY)] if halt == "interrupt" else [])
    assert script.tried == ["a"]


@pytest.mark.parametrize("number", [2, 3])
def test_an_interrupt_after_a_failure_that_ends_the_run_changes_nothing(number: int) -> None:
    """There was nothing more to do: neither after the last attempt nor after the step."""
    stream = run(workflows.plan(tried("a", 1), tried("b", 0)), Script().perform)
    assert send(stream, number, "interrupt")[3:] == [
        StepFinished(0, ANY, failed("a")),
        RunFinished("failed", ANY, stopped_by="a"),
    ]


def test_an_interrupt_when_all_else_comes_after_a_failure_changes_nothing() -> None:
    """With `keep_going` as well there was nothing more to do."""
    plan = workflows.plan(tried("a", 1), tried("b", 0, after=["a"]))
    for in_turn in (True, False):
        stream = run(plan, Script().perform, in_turn=in_turn, keep_going=True)
        happened = send(stream, 3, "interrupt")
        assert happened[-1] == RunFinished("failed", ANY, not_run=(1,))


def handed(plan: Plan) -> tuple[list[Json], list[StepResult]]:
    """What each attempt is given, and the results; an action fails, or gives its name back."""
    inputs: list[Json] = []

    def perform(action: str, value: Json, _: float | None) -> Json:
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
    assert [result._replace(place=None) for result in results] == [
        workflows.failed("a", "fail", 1, seconds=1.0)._replace(error_type="OSError"),
        workflows.failed("b", "input from 'a', which failed", 0, seconds=1.0),
        workflows.done("c", ["C"], seconds=1.0),
        workflows.failed("d", "input from 'b', which failed", 0, seconds=1.0),
    ]


def test_a_reader_that_changes_what_it_was_given_harms_nobody() -> None:
    """Neither other readers nor a later attempt of its own, nor the result."""
    seen: list[Json] = []

    def perform(action: str, value: Json, _: float | None) -> Json:
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
    made, *_ = only(StepFinished, follow(run(plan, perform)))
    assert seen == [[1]] * 3
    assert made.result.output == {"rows": [1]}


class Large(dict[str, object]):
    """An output whose end can be noticed."""


def list_alive(plan: Plan, **how: Any) -> list[list[bool]]:
    """At the end of each step, which of the outputs before it are still held.

    An action fails, or gives an output of its own.
    """
    made: list[weakref.ref[Large]] = []

    def perform(action: str, _: Json, __: float | None) -> Json:
        output = Large()
        made.append(weakref.ref(output))
        if action == "fail":
            raise OSError
        return cast("Json", output)

    alive = []
    for event in run(plan, perform, **how):
        if isinstance(event, StepFinished):
            alive.append([ref() is not None for ref in made[:-1]])
        del event
    return alive


@pytest.mark.parametrize("in_turn", [True, False])
def test_an_output_is_let_go_of_when_its_last_reader_is_done(*, in_turn: bool) -> None:
    """And one that nobody reads at once: a long run holds what it needs."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b"},
        {"name": "c", "input": {"from": "b"}},
        {"name": "d", "input": [{"from": "b"}, {"from": "b"}]},
        {"name": "e"},
    )
    assert list_alive(plan, in_turn=in_turn) == [
        [],
        [False],
        [False, True],
        [False, False, False],
        [False, False, False, False],
    ]


@pytest.mark.parametrize("in_turn", [True, False])
def test_an_output_is_let_go_of_when_its_last_reader_is_not_run(*, in_turn: bool) -> None:
    """With `keep_going`: nobody will read it any more."""
    plan = workflows.plan(
        {"name": "a", "priority": 9},
        {"name": "b", "action": "fail", "priority": 8},
        {"name": "c", "input": {"from": "a"}, "after": ["b"]},
        {"name": "d"},
        {"name": "e"},
    )
    alive = list_alive(plan, in_turn=in_turn, keep_going=True)
    assert alive[2:] == [[False, False], [False, False, False]]


def crew_of(*given: Said | type[KeyboardInterrupt]) -> Crew:
    """A crew that says these things, whatever it is sent; or raises that at last."""

    def crew(
        schedule: InWaves, task: Callable[[int], Task]
    ) -> Generator[Said, Halt | None, Halt | None]:
        for each in given:
            if isinstance(each, type):
                raise each
            if isinstance(each, int):
                assert schedule.take() == each
                task(each)
            yield each
        return None

    return crew


def told(plan: Plan, *given: Said | type[KeyboardInterrupt], **how: Any) -> list[Event]:
    """The events of a run with that crew, but for the first; an interrupt is raised at last."""
    stream = interpret(plan, crew_of(*given), ticking().__next__, in_turn=False, **how)
    assert isinstance(next(stream), RunStarted)
    happened: list[Event] = []
    try:
        happened.extend(stream)
    except KeyboardInterrupt:
        assert KeyboardInterrupt in given or LateInterrupt in given
    else:
        assert not any(isinstance(each, type) for each in given)
    return happened


GOOD: Outcome = ("out", None, 1, 0.5)
BAD: Outcome = (None, down("it"), 2, 0.5)
WELL = (True, "out", None, 1, 0.5)
ILL = (False, None, "it is down", 2, 0.5, False, "ConnectionError", "orders.py:3")


def together(*steps: dict[str, Any], **fields: Any) -> Plan:
    """The plan of steps that may be under way at the same time."""
    return workflows.plan(*steps, flags={"parallel": True}, **fields)


def test_what_a_crew_says_becomes_events() -> None:
    """As it happens, in whatever order that is."""
    plan = together({"name": "a"}, {"name": "b"}, {"name": "c", "optional": True})
    a, b, c = plan.steps
    said = (0, 1, (1, GOOD), 2, FailedAttempt(2, 1, down("c"), 1.5), (0, GOOD), (2, BAD))
    assert told(plan, *said) == [
        StepStarted(0, a),
        StepStarted(1, b),
        StepFinished(1, b, StepResult("b", *WELL)),
        StepStarted(2, c),
        AttemptFailed(2, c, 1, down("c"), 1.5),
        StepFinished(0, a, StepResult("a", *WELL)),
        StepFinished(2, c, StepResult("c", *ILL)),
        RunFinished("failed", 1.0),
    ]


def test_what_is_done_behind_the_end_of_the_run_is_discarded() -> None:
    """Good or bad, before or after that is known; its outcome is told, and its index at last."""
    plan = together({"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"})
    a, b, c, d = plan.steps
    assert told(plan, 0, 1, 2, 3, (2, BAD), (1, BAD), (0, GOOD), (3, NOT_TRIED))[4:] == [
        StepFinished(2, c, StepResult("c", *ILL)),
        StepFinished(1, b, StepResult("b", *ILL)),
        StepFinished(0, a, StepResult("a", *WELL)),
        StepFinished(3, d, StepResult("d", False, None, "not tried", 0, 0.0)),  # noqa: FBT003
        RunFinished("failed", 1.0, stopped_by="b", discarded=(2, 3)),
    ]


def test_of_two_failures_the_one_before_the_other_has_stopped_the_run() -> None:
    """Whichever was known first."""
    plan = together({"name": "a"}, {"name": "b"}, {"name": "c"})
    end = RunFinished("failed", 1.0, stopped_by="a", discarded=(1,))
    assert told(plan, 0, 1, (0, BAD), (1, BAD))[-1] == end
    assert told(plan, 0, 1, (1, BAD), (0, BAD))[-1] == end


@pytest.mark.parametrize("outcome", [INTERRUPTED, UNKNOWN])
def test_a_step_that_an_interrupt_has_ended_has_not_stopped_the_run(outcome: Outcome) -> None:
    """It did not fail by itself."""
    plan = together({"name": "a"}, {"name": "b"})
    *_, last, end = told(plan, 0, 1, (1, GOOD), (0, outcome), KeyboardInterrupt)
    assert isinstance(last, StepFinished)
    assert last.result.error_type == "KeyboardInterrupt"
    assert isinstance(end, RunFinished)
    assert (end.status, end.stopped_by) == ("interrupted", None)


def test_what_comes_after_a_step_that_an_interrupt_has_ended_is_just_left() -> None:
    """With `keep_going`: not by a failure, so it is not told as such; what does is."""
    plan = together(
        {"name": "a"}, {"name": "b"}, {"name": "c", "after": ["a"]}, {"name": "d", "after": ["b"]}
    )
    said = (0, 1, (1, BAD), (0, INTERRUPTED), KeyboardInterrupt)
    assert told(plan, *said, keep_going=True)[-1] == RunFinished("interrupted", 1.0, not_run=(3,))


@pytest.mark.parametrize(("begun", "status"), [((0, 1), "ok"), ((0,), "interrupted")])
def test_an_interrupt_that_no_step_has_felt_leaves_their_results(
    begun: tuple[int, ...], status: str
) -> None:
    """The run is interrupted if there was more to do; whoever follows it learns of it anyway."""
    plan = together({"name": "a"}, {"name": "b"})
    ends: list[Said] = [(index, GOOD) for index in begun]
    *happened, end = told(plan, *begun, *ends, LateInterrupt)
    assert end == RunFinished(status, 1.0)  # type: ignore[arg-type]  # it is one of these
    assert all(event.result.ok for event in only(StepFinished, happened))


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_crew_is_handed_all_that_it_takes_to_try_a_step(*, keep_going: bool) -> None:
    """What, with what, how, whether a failure ends the run, why it cannot be tried; a contract."""
    tasks: list[Task] = []

    def crew(
        schedule: InWaves, task: Callable[[int], Task]
    ) -> Generator[Said, Halt | None, Halt | None]:
        for index, outcome in enumerate((GOOD, BAD, BAD, GOOD)):
            assert schedule.take() == index
            tasks.append(task(index))
            yield index, outcome
        return None

    plan = workflows.plan(
        {"name": "a", "action": "A", "input": [1]},
        {"name": "b", "action": "B", "optional": True, "max_attempts": 3},
        {"name": "c", "action": "C", "optional": True, "input": {"from": "b"}},
        {"name": "d", "action": "D", "input": {"from": "a"}, "timeout_seconds": 2}
        | {"returns": {"type": "string"}},
        max_attempts=2,
    )
    a, b, c, d = (step.policy for step in plan.steps)
    follow(interpret(plan, crew, ticking().__next__, in_turn=False, keep_going=keep_going))
    assert tasks == [
        (0, "A", [1], a, not keep_going, None, None),
        (1, "B", "", b, False, None, None),
        (2, "C", None, c, False, "input from 'b', which failed", None),
        (3, "D", "out", d, not keep_going, None, '{"type":"string"}'),
    ]


@pytest.mark.parametrize(
    ("flags", "groups"), [({}, ["a", "b", "c"]), ({"parallel": True}, ["ab", "c"])]
)
def test_steps_are_under_way_together_only_if_the_plan_says_so(
    flags: dict[str, bool], groups: list[str]
) -> None:
    """By its flag `parallel`, however many a crew could do."""
    found: list[str] = []

    def crew(
        schedule: InWaves, task: Callable[[int], Task]
    ) -> Generator[Said, Halt | None, Halt | None]:
        while begun := [*iter(schedule.take, None)]:
            found.append("".join(plan.steps[index].name for index in begun))
            for index in begun:
                yield index
                task(index)
            for index in begun:
                yield index, GOOD
        return None

    plan = workflows.plan({"name": "a"}, {"name": "b"}, {"name": "c", "after": ["a"]}, flags=flags)
    follow(interpret(plan, crew, ticking().__next__, in_turn=False))
    assert found == groups


def test_what_a_step_has_failed_with_is_its_result() -> None:
    """With the first name of its error, and its place, if it has any."""
    (step,) = workflows.plan({"name": "s"}).steps
    assert make_failed(step, down("it"), 2, 0.5) == StepResult("s", *ILL)
    result = make_failed(step, Failure("input from 'a', which failed"), 0, 0.5)
    assert result == workflows.failed("s", "input from 'a', which failed", 0, seconds=0.5)
    assert (result.error_type, result.place) == (None, None)


@pytest.mark.parametrize("number", range(6))
def test_asked_to_stop_a_run_starts_nothing_more(number: int) -> None:
    """Whenever that is; and it has no end of its own."""
    script = Script()
    plan = workflows.plan(tried("a", 1), tried("b", 0), max_attempts=2)
    happened = send(run(plan, script.perform), number, "stop")
    tries = [[], [], ["a", "a"], ["a", "a"], ["a", "a"], ["a", "a", "b"]][number]
    assert script.tried == tries
    assert kinds(happened[number + 1 :]) == (["StepFinished"] if number == 2 else [])


def test_a_run_that_was_asked_to_stop_has_no_end_though_it_is_interrupted_then() -> None:
    """Nobody could record it; the step that was interrupted has one."""
    stream = run(workflows.plan(tried("a", 2), max_attempts=3), Script().perform)
    happened = [next(stream) for _ in range(3)]
    happened.append(stream.send("stop"))
    happened.append(stream.send("interrupt"))
    happened.extend(stream)
    assert kinds(happened) == [
        "RunStarted",
        "StepStarted",
        "AttemptFailed",
        "AttemptFailed",
        "StepFinished",
    ]


def test_asked_to_stop_a_run_tells_what_comes_of_what_is_under_way() -> None:
    """That it is to stop need not be said again; and it has no end of its own."""
    plan = together({"name": "a"}, {"name": "b"}, {"name": "c"})
    said = (0, 1, (0, GOOD), (1, GOOD))
    stream = interpret(plan, crew_of(*said), ticking().__next__, in_turn=False)
    happened = send(stream, 2, "stop")
    assert [event.step_index for event in only(StepFinished, happened)] == [0, 1]
    assert only(RunFinished, happened) == []


def test_a_run_that_nobody_asks_for_does_nothing() -> None:
    """Nor does one that is closed at once."""
    script = Script()
    stream = run(workflows.plan(tried("a", 0)), script.perform)
    stream.close()
    assert list(stream) == []
    assert script.tried == []


def test_a_run_that_is_closed_closes_its_crew() -> None:
    """Which has to wait for what is under way."""
    closed: list[str] = []

    def crew(schedule: InWaves, _: object) -> Generator[Said, Halt | None, Halt | None]:
        try:
            while (index := schedule.take()) is not None:
                yield index
        finally:
            closed.append("crew")
        return None

    stream = interpret(together({}, {}), crew, ticking().__next__, in_turn=False)
    next(stream)
    next(stream)
    assert closed == []
    stream.close()
    assert closed == ["crew"]


def kept(plan: Plan, *indexes: int) -> Resumption:
    """What is kept are these steps; step 3 gave `known 3`."""
    return workflows.resumption(plan, {index: f"known {index}" for index in indexes})


@pytest.mark.parametrize("indexes", [(0, 2, 5), (1, 4)])
@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_a_resumed_run_gives_what_is_kept_in_its_turn(
    flags: dict[str, bool], indexes: tuple[int, ...]
) -> None:
    """Readers read it, and its index in a wave does not matter. Nothing of it is started."""
    plan = workflows.plan(
        {"name": "a", "priority": 5},
        {"name": "b", "input": "b", "priority": 4},
        {"name": "c", "input": {"from": ["a", "b"]}, "priority": 4},
        {"name": "d", "input": {"from": "c"}, "priority": 4},
        {"name": "e", "input": {"from": "a"}, "priority": 3},
        {"name": "f", "priority": 2, "input": "f"},
        flags=flags,
    )
    resumed = kept(plan, *indexes)
    happened = follow(run_events(plan, resumed=resumed))
    assert happened[0] == RunStarted(plan, resumed)
    finished = only(StepFinished, happened)
    assert sorted(event.step_index for event in finished) == [0, 1, 2, 3, 4, 5]
    assert flags or finished == sorted(finished, key=lambda event: event.step_index)
    expected: list[object] = ["", "b", None, None, None, "f"]
    for index in indexes:
        expected[index] = f"known {index}"
    expected[2] = expected[2] or expected[:2]
    expected[3] = expected[3] or expected[2]
    expected[4] = expected[4] or expected[0]
    result = fold_run(plan, happened)
    assert [each.output for each in result.results] == expected
    assert [each.reused for each in result.results] == [index in indexes for index in range(6)]
    started = [event.step_index for event in only(StepStarted, happened)]
    assert sorted(started) == [index for index in range(6) if index not in indexes]
    assert result.resumed == resumed
    assert happened[-1] == RunFinished("ok", ANY, reused=indexes)


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_what_is_kept_behind_the_end_of_the_run_does_not_count(flags: dict[str, bool]) -> None:
    """An undisturbed run would not have come there; nor was it done in vain.

    So the end of the run names what is reused before it, and what was done in vain behind it.
    """
    steps = [{"name": "a"}, {"name": "b", "action": "no"}, {"name": "c"}, {"name": "d"}]
    plan = workflows.plan(*steps, flags=flags)
    happened = follow(run_events(plan, resumed=kept(plan, 0, 2)))
    result = fold_run(plan, happened)
    assert [each.name for each in result.results] == ["a", "b"]
    assert [each.name for each in result.discarded] == (["d"] if flags else [])
    finished = sorted(event.step_index for event in only(StepFinished, happened))
    assert finished == ([0, 1, 2, 3] if flags else [0, 1])
    end = happened[-1]
    assert isinstance(end, RunFinished)
    assert (end.status, end.stopped_by) == ("failed", "b")
    assert (end.discarded, end.reused) == ((3,) if flags else (), (0,))


@pytest.mark.parametrize("halt", ["stop", "interrupt"])
@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_a_run_can_be_halted_where_it_tells_what_is_kept(
    flags: dict[str, bool], halt: Halt
) -> None:
    """It starts nothing."""
    plan = workflows.plan(*({"name": name} for name in "abc"), flags=flags)
    happened = send(run_events(plan, resumed=kept(plan, 0, 1)), 1, halt)
    assert isinstance(happened[1], StepFinished)
    assert only(StepStarted, happened) == []
    ends = [RunFinished("interrupted", ANY, reused=(0,))] if halt == "interrupt" else []
    assert only(RunFinished, happened) == ends


@pytest.mark.parametrize("halt", ["stop", "interrupt"])
def test_a_run_can_be_halted_where_it_tells_what_is_kept_later(halt: Halt) -> None:
    """Behind steps that it has run: again nothing more is started, or told as done."""
    script = Script()
    plan = workflows.plan(*(tried(name, 0) for name in "abcd"))
    stream = run(plan, script.perform, resumed=kept(plan, 1, 2))
    happened = send(stream, 3, halt)
    assert happened[3] == StepFinished(1, ANY, ANY)
    ends = [RunFinished("interrupted", ANY, reused=(1,))] if halt == "interrupt" else []
    assert happened[4:] == ends
    assert script.tried == ["a"]


@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize("in_turn", [True, False])
def test_nothing_is_given_back_after_a_step_that_an_interrupt_has_ended(
    *, in_turn: bool, keep_going: bool
) -> None:
    """The run is over: what is kept is on record already, for another run."""

    def perform(_: str, __: Json, ___: float | None) -> Json:
        raise KeyboardInterrupt

    plan = workflows.plan({"name": "a"}, {"name": "b", "after": ["a"]}, {"name": "c"})
    how: dict[str, Any] = {"in_turn": in_turn, "keep_going": keep_going}
    happened: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        happened.extend(run(plan, perform, resumed=kept(plan, 1, 2), **how))
    assert [event.step_index for event in only(StepFinished, happened)] == [0]
    assert happened[-1] == RunFinished("interrupted", ANY)


@pytest.mark.parametrize("halt", ["stop", "interrupt"])
def test_nothing_is_given_back_after_a_run_was_halted(halt: Halt) -> None:
    """Though other steps are under way; that it is halted need not be said again."""
    plan = together({"name": "a"}, {"name": "b"}, {"name": "c", "after": ["a"]})
    crew = crew_of(0, 1, (0, GOOD), (1, GOOD))
    clock = ticking().__next__
    stream = interpret(plan, crew, clock, in_turn=False, resumed=kept(plan, 2))
    happened = send(stream, 2, halt)
    assert [event.step_index for event in only(StepFinished, happened)] == [0, 1]
    assert only(RunFinished, happened) == (
        [RunFinished("interrupted", ANY)] if halt == "interrupt" else []
    )


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_a_run_of_which_all_is_kept_is_over_at_once(flags: dict[str, bool]) -> None:
    """For instance if only its end is missing."""
    plan = workflows.plan({"name": "a"}, {"name": "b"}, flags=flags)
    happened = follow(run_events(plan, resumed=kept(plan, 0, 1)))
    assert kinds(happened) == ["RunStarted", "StepFinished", "StepFinished", "RunFinished"]
    assert happened[-1] == RunFinished("ok", ANY, reused=(0, 1))


@pytest.mark.parametrize("in_turn", [True, False])
def test_what_is_kept_behind_steps_that_are_not_run_takes_its_turn(*, in_turn: bool) -> None:
    """With `keep_going`; so do the steps behind it. What is kept of those not run is not told."""
    script = Script()
    plan = workflows.plan(
        tried("a", 1),
        tried("b", 0, after=["a"]),
        tried("c", 0, after=["b"]),
        tried("d", 0),
        tried("e", 0),
    )
    resumed = kept(plan, 1, 3)
    *happened, end = events(plan, script, in_turn=in_turn, resumed=resumed, keep_going=True)
    finished = [(event.step_index, event.result) for event in only(StepFinished, happened)]
    known = workflows.done("d", "known 3")._replace(reused=True)
    assert sorted(finished) == [(0, failed("a")), (3, known), (4, ok("e"))]
    assert script.tried == ["a", "e"]
    assert end == RunFinished("failed", ANY, not_run=(1, 2), reused=(3,))


def resume(
    plan: Plan, resumed: Resumption, gives: dict[str, Json], *, in_turn: bool
) -> tuple[list[Event], dict[str, Json]]:
    """What happens in a resumed run, and what each step was handed that was tried.

    Each step has an action of its own, which gives this, or fails if that is None.
    """
    inputs: dict[str, Json] = {}

    def perform(action: str, value: Json, _: float | None) -> Json:
        inputs[action] = value
        if gives[action] is None:
            raise AttemptError(down(action))
        return gives[action]

    return follow(run(plan, perform, resumed=resumed, in_turn=in_turn)), inputs


one_or_several = pytest.mark.parametrize(
    ("in_turn", "flags"), [(True, {}), (False, {}), (False, {"parallel": True})]
)


@one_or_several
def test_a_kept_step_has_no_output_if_that_was_cut_on_record(
    flags: dict[str, bool], *, in_turn: bool
) -> None:
    """But what is known of it; nobody who is tried reads it, so it is not done again for that."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "input": {"from": "a"}},
        {"name": "c", "action": "C", "after": ["b"]},
        flags=flags,
    )
    resumed = workflows.without_outputs(workflows.resumption(plan, {0: "long", 1: "B"}), 0)
    happened, inputs = resume(plan, resumed, {"C": "c"}, in_turn=in_turn)
    first, second, third = fold_run(plan, happened).results
    assert first == workflows.done("a", None)._replace(reused=True, cut=measure("long"))
    assert second == workflows.done("b", "B")._replace(reused=True)
    assert third == workflows.done("c", "c", seconds=1.0)
    assert inputs == {"C": ""}
    assert happened[-1] == RunFinished("ok", ANY, reused=(0, 1))


def doubtful(flags: dict[str, bool]) -> tuple[Plan, Resumption]:
    """A run that does g again, and for it a, whose output is long, and may be another one now.

    In one wave c comes after a, and d after c; in a later one e and f come after nothing. These are
    in doubt, and b is not, which is beside them.
    """
    plan = workflows.plan(
        {"name": "a", "action": "A", "priority": 1, "optional": True},
        {"name": "b", "action": "B", "priority": 1},
        {"name": "c", "action": "C", "priority": 1, "after": ["a"]},
        {"name": "d", "action": "D", "priority": 1, "after": ["c"]},
        {"name": "e", "action": "E"},
        {"name": "f", "action": "F"},
        {"name": "g", "action": "G", "input": {"from": "a"}, "optional": True},
        flags=flags,
    )
    known = workflows.resumption(plan, dict(enumerate(["long", *"bcdef"])))
    in_doubt = dict.fromkeys((2, 3, 4, 5), 0)
    return plan, workflows.without_outputs(known, fetched={0: 6}, in_doubt=in_doubt)


@one_or_several
def test_an_output_is_fetched_by_doing_its_step_again(
    flags: dict[str, bool], *, in_turn: bool
) -> None:
    """If it is what the record says, that is all that has changed: what is in doubt is kept."""
    plan, resumed = doubtful(flags)
    happened, inputs = resume(plan, resumed, {"A": "long", "G": "g"}, in_turn=in_turn)
    assert inputs == {"A": "", "G": "long"}
    first, *others, last = fold_run(plan, happened).results
    assert first == workflows.done("a", "long", seconds=1.0)._replace(fetched=True)
    assert others == [workflows.done(name, name)._replace(reused=True) for name in "bcdef"]
    assert last == workflows.done("g", "g", seconds=1.0)
    assert sorted(event.step_index for event in only(StepStarted, happened)) == [0, 6]
    assert happened[-1] == RunFinished("ok", ANY, reused=(1, 2, 3, 4, 5))


@pytest.mark.parametrize("output", ["LONG", ["long"], None])
@one_or_several
def test_what_comes_after_an_output_that_is_another_is_done_again(
    output: Json, flags: dict[str, bool], *, in_turn: bool
) -> None:
    """By an edge or by an earlier wave, and so on, though each gives what it gave; or if it fails.

    What is kept beside them is kept all the same.
    """
    plan, resumed = doubtful(flags)
    gives: dict[str, Json] = {"A": output} | {name: name.lower() for name in "CDEFG"}
    happened, inputs = resume(plan, resumed, gives, in_turn=in_turn)
    is_there = output is not None
    assert inputs == dict.fromkeys("ACDEF", "") | ({"G": output} if is_there else {})
    results = fold_run(plan, happened).results
    assert [result.name for result in results if result.reused] == ["b"]
    names = "".join(result.name for result in results if result.ok)
    assert names == ("abcdefg" if is_there else "bcdef")
    assert not any(result.fetched or result.cut for result in results)
    assert happened[-1] == RunFinished("ok" if is_there else "failed", ANY, reused=(1,))


@pytest.mark.parametrize("changed", ["a", "b", "ab", ""])
@one_or_several
def test_of_several_outputs_each_decides_what_comes_after_it(
    changed: str, flags: dict[str, bool], *, in_turn: bool
) -> None:
    """And not what comes after another one of its wave, in whatever order they come in."""
    plan = workflows.plan(
        {"name": "a", "action": "A"},
        {"name": "b", "action": "B"},
        {"name": "c", "action": "C", "after": ["a"]},
        {"name": "d", "action": "D", "after": ["b"]},
        {"name": "e", "action": "E", "input": {"from": ["a", "b"]}},
        flags=flags,
    )
    resumed = workflows.without_outputs(
        workflows.resumption(plan, dict(enumerate("abcd"))),
        fetched={0: 4, 1: 4},
        in_doubt={2: 0, 3: 1},
    )
    gives: dict[str, Json] = {name: name.lower() for name in "ABCDE"}
    gives |= {name.upper(): "another" for name in changed}
    happened, inputs = resume(plan, resumed, gives, in_turn=in_turn)
    again = changed.replace("a", "C").replace("b", "D")
    assert inputs.keys() == {*"ABE", *again}
    results = fold_run(plan, happened).results
    assert [result.fetched for result in results[:2]] == [name not in changed for name in "ab"]
    assert [result.reused for result in results[2:4]] == [name not in again for name in "CD"]


@pytest.mark.parametrize("first", ["long", "LONG"])
@one_or_several
def test_what_is_fetched_may_be_in_doubt_as_well(
    first: str, flags: dict[str, bool], *, in_turn: bool
) -> None:
    """Though it is what it was, it does not count as kept if what it comes after is another.

    Then what comes after it is done again, too.
    """
    plan = workflows.plan(
        {"name": "a", "action": "A"},
        {"name": "b", "action": "B", "input": {"from": "a"}},
        {"name": "c", "action": "C", "after": ["b"]},
        {"name": "d", "action": "D", "input": {"from": "b"}},
        flags=flags,
    )
    resumed = workflows.without_outputs(
        workflows.resumption(plan, {0: "long", 1: ["longer"], 2: "c"}),
        fetched={0: 1, 1: 3},
        in_doubt={1: 0, 2: 0},
    )
    gives: dict[str, Json] = {"A": first, "B": ["longer"], "C": "c", "D": "d"}
    happened, inputs = resume(plan, resumed, gives, in_turn=in_turn)
    is_same = first == "long"
    assert inputs == {"A": "", "B": first, "D": ["longer"]} | ({} if is_same else {"C": ""})
    a, b, c, d = fold_run(plan, happened).results
    assert (a.fetched, b.fetched, c.fetched, d.fetched) == (is_same, is_same, False, False)
    assert (a.reused, b.reused, c.reused, d.reused) == (False, False, is_same, False)
    assert happened[-1] == RunFinished("ok", ANY, reused=(2,) if is_same else ())


def test_what_is_fetched_behind_the_end_of_the_run_is_discarded() -> None:
    """It was done, unlike what is kept there: that is neither discarded nor reused."""
    plan = together({"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d", "after": ["b"]})
    a, b, c, _ = plan.steps
    known = workflows.resumption(plan, {1: "out", 2: "c"})
    resumed = workflows.without_outputs(known, fetched={1: 3})
    assert told(plan, 0, 1, (1, GOOD), (0, BAD), resumed=resumed) == [
        StepFinished(2, c, workflows.done("c", "c")._replace(reused=True)),
        StepStarted(0, a),
        StepStarted(1, b),
        StepFinished(1, b, StepResult("b", *WELL)._replace(fetched=True)),
        StepFinished(0, a, StepResult("a", *ILL)),
        RunFinished("failed", 1.0, stopped_by="a", discarded=(1,)),
    ]


def in_any_order(choose: Callable[[list[int | None]], int | None], runner: AttemptRunner) -> Crew:
    """A crew that has several steps under way, and lets chance decide what happens next.

    Args:
        choose: Given the steps that can be done now, and None if another can be begun: takes one.
        runner: Makes the attempts.
    """

    def crew(
        schedule: InWaves, task: Callable[[int], Task]
    ) -> Generator[Said, Halt | None, Halt | None]:
        begun: dict[int, Task] = {}
        while choices := [*begun, *([None] if schedule.peek() is not None else [])]:
            chosen = choose(choices)
            if chosen is None:
                index = schedule.take()
                assert index is not None
                yield index
                begun[index] = task(index)
            else:
                outcome = yield from run_step(begun.pop(chosen), runner)
                yield chosen, outcome
        return None

    return crew


def good_or_bad(action: str, value: Json, _: float | None) -> Json:
    """Fails, or gives what it was handed under its own name."""
    if action == "bad":
        raise AttemptError(down(action))
    return {action: value}


some_fail = ("good", "good", "bad")


@settings(max_examples=100)
@given(
    plan=plans(some_fail) | plans(some_fail, skips=True), keep_going=st.booleans(), data=st.data()
)
def test_the_result_does_not_depend_on_what_is_done_first(
    plan: Plan, *, keep_going: bool, data: st.DataObject
) -> None:
    """It is that of a run in turn, whatever is under way at the same time; also of a resumed one.

    What an earlier run has done it gives as that has it, so its outputs are the same.
    """
    runner = AttemptRunner(good_or_bad, float, at_once, float)
    whole = follow(interpret(plan, sequential(runner), float, keep_going=True))
    well = {
        each.step_index: each.result.output for each in only(StepFinished, whole) if each.result.ok
    }
    some = data.draw(st.sets(st.sampled_from([*well]), max_size=3)) if well else set()
    known = {index: well[index] for index in some}
    resumed = workflows.resumption(plan, known) if known else None

    def fold(crew: Crew, *, in_turn: bool) -> tuple[RunResult, RunFinished]:
        how: dict[str, Any] = {"in_turn": in_turn, "keep_going": keep_going, "resumed": resumed}
        happened = follow(interpret(plan, crew, float, **how))
        check_order(happened)
        assert isinstance(happened[-1], RunFinished)
        return fold_run(plan, happened, keep_going=keep_going), happened[-1]

    wanted, wanted_end = fold(sequential(runner), in_turn=True)
    crew = in_any_order(lambda choices: data.draw(st.sampled_from(choices)), runner)
    result, end = fold(crew, in_turn=False)
    check_same(plan, result, end, wanted, wanted_end)


def check_same(
    plan: Plan, result: RunResult, end: RunFinished, wanted: RunResult, wanted_end: RunFinished
) -> None:
    """Check that a run has come to what a run in turn comes to, but for what was done in vain."""
    assert result._replace(discarded=()) == wanted._replace(discarded=())
    assert end._replace(discarded=()) == wanted_end
    assert wanted.discarded == []
    counted = {each.name for each in result.results}
    assert counted.isdisjoint(plan.steps[index].name for index in end.discarded)
    reused = [plan.steps[index].name for index in end.reused]
    assert reused == [each.name for each in result.results if each.reused]
    assert {*end.reused}.isdisjoint(end.discarded)


def as_in_run(number: int) -> Perform:
    """Performs actions of which some give something else in each run, or fail in later ones."""

    def perform(action: str, value: Json, _: float | None) -> Json:
        if action == "bad" or (action == "worse" and number):
            raise AttemptError(down(action))
        return {action: [number, value] if action == "odd" else value}

    return perform


@st.composite
def pasts(draw: st.DrawFn, plan: Plan) -> Past:
    """What is on record of a run of a plan: of some steps nothing, or not their end or output.

    What was skipped has no beginning, so nobody can lose its end.
    """
    runner = AttemptRunner(as_in_run(0), float, at_once, float)
    happened = follow(interpret(plan, sequential(runner), float, keep_going=True))
    known: dict[tuple[str, int], StepPast] = {}
    fates = st.sampled_from(["cut", "cut", "cut", "cut", "whole", "begun", "lost"])
    for ended, event in enumerate(happened):
        if not isinstance(event, StepFinished | StepSkipped) or (fate := draw(fates)) == "lost":
            continue
        _, step, result = event
        if isinstance(event, StepSkipped):
            skip = StepPast(0, ended, ended, "skipped", step.action, None, None, 0, None)
            known[step.name, 0] = skip
            continue
        state: State = "ok" if result.ok else "failed" if result.attempts else "not_tried"
        output = None if fate == "cut" else result.output
        cut = measure(result.output) if fate == "cut" and result.ok else None
        what = step.action, find_key(step), output, result.attempts, cut
        past = StepPast(0, happened.index(StepStarted(*event[:2])), ended, state, *what)
        if fate == "begun":
            past = past._replace(ended=past.began, state="begun", output=None)
        known[step.name, 0] = past
    return Past("run 1", "", None, known, [Code("unknown", {}, {})])


some_change = ("good", "good", "good", "odd", "worse", "bad")


@settings(max_examples=200)
@given(
    plan=plans(some_change) | plans(some_change, skips=True),
    keep_going=st.booleans(),
    data=st.data(),
)
def test_what_is_kept_stands_on_what_is_kept(
    plan: Plan, *, keep_going: bool, data: st.DataObject
) -> None:
    """Whatever is fetched, whatever comes of it, and whatever is under way at the same time.

    And what is tried is handed what the run has, never what was cut. As ever, the result is that of
    a run in turn.
    """
    resumed = decide(plan, data.draw(pasts(plan)))
    runner = AttemptRunner(as_in_run(1), float, at_once, float)

    def fold(crew: Crew, *, in_turn: bool) -> tuple[RunResult, RunFinished]:
        how: dict[str, Any] = {"in_turn": in_turn, "keep_going": keep_going, "resumed": resumed}
        happened = follow(interpret(plan, crew, float, **how))
        check_order(happened)
        check_kept(plan, resumed, [*only(StepFinished, happened), *only(StepSkipped, happened)])
        assert isinstance(happened[-1], RunFinished)
        return fold_run(plan, happened, keep_going=keep_going), happened[-1]

    wanted, wanted_end = fold(sequential(runner), in_turn=True)
    crew = in_any_order(lambda choices: data.draw(st.sampled_from(choices)), runner)
    result, end = fold(crew, in_turn=False)
    check_same(plan, result, end, wanted, wanted_end)


def check_kept(plan: Plan, resumed: Resumption, finished: list[StepDone]) -> None:
    """Check what steps that are kept come after and gave, and what others were handed."""
    wave_of = list_waves(plan.steps.tolist())
    results = {event.step_index: event.result for event in finished}
    by_name = {result.name: result for result in results.values()}
    skipped = {name for name, result in by_name.items() if result.skipped is not None}
    outputs = {
        name: result.output
        for name, result in by_name.items()
        if result.ok and result.skipped is None
    }
    kept = {index for index, result in results.items() if result.reused or result.fetched}
    for index, step, result in finished:
        if index in kept:
            earlier = {other for other, wave in enumerate(wave_of) if wave < wave_of[index]}
            assert kept >= earlier.union(step.before)
        if result.fetched:
            assert measure(result.output) == resumed.kept[index].cut
        if result.ok and not result.reused and result.skipped is None:
            assert not any(by_name[name].cut for name in step.reads)
            value = evaluate(step.input, Facts(outputs, skipped))
            assert result.output == {step.action: [1, value] if step.action == "odd" else value}


def check_order(happened: list[Event]) -> None:
    """Check that each step has one end, after its start and after the ends of all before it."""
    started: set[int] = set()
    ended: set[int] = set()
    for event in happened:
        if isinstance(event, StepStarted):
            assert event.step_index not in started
            assert ended >= {*event.step.before}
            started.add(event.step_index)
        elif isinstance(event, StepFinished | StepSkipped):
            assert event.step_index not in ended
            assert ended >= {*event.step.before}
            is_skip = isinstance(event, StepSkipped)
            assert is_skip is (event.result.skipped is not None)
            assert (event.step_index in started) is not (event.result.reused or is_skip)
            ended.add(event.step_index)
    assert started <= ended


@given(plans(actions=("good", "good", "bad")), st.data())
def test_with_keep_going_just_what_comes_after_failures_is_not_run(
    plan: Plan, data: st.DataObject
) -> None:
    """The failures of steps that are not optional: these are told."""
    runner = AttemptRunner(good_or_bad, float, at_once, float)
    crew = in_any_order(lambda choices: data.draw(st.sampled_from(choices)), runner)
    happened = follow(interpret(plan, crew, float, in_turn=False, keep_going=True))
    finished = only(StepFinished, happened)
    failures = [each for each in finished if not each.result.ok and not each.step.optional]
    later = find_later(plan.steps.tolist(), [each.step_index for each in failures])
    assert sorted(each.step_index for each in finished) == [
        index for index in range(len(plan.steps)) if index not in later
    ]
    end = happened[-1]
    assert isinstance(end, RunFinished)
    assert (end.not_run, end.stopped_by, end.discarded) == (tuple(sorted(later)), None, ())


NEVER = {"value": 1, "is": {"const": 2}}
REASON = "the value is 1, not 2"


def skipped(name: str, reason: str = REASON) -> StepResult:
    """The result of a step that was skipped."""
    return workflows.done(name, None, 0)._replace(skipped=reason)


def test_a_step_that_is_skipped_takes_its_turn_and_is_not_started() -> None:
    """What reads it is skipped too, unless it has a default; what only comes after it runs."""
    plan = workflows.plan(
        tried("a", 0),
        tried("b", 0, when=NEVER),
        {"name": "c", "action": "c", "input": {"from": "b"}},
        {"name": "d", "action": "d", "input": {"from": {"step": "c", "default": 0}}},
        tried("e", 0, after=["c"]),
    )
    script = Script()
    a, b, c, d, e = plan.steps
    assert events(plan, script) == [
        RunStarted(plan),
        StepStarted(0, a),
        StepFinished(0, a, ok("a")),
        StepSkipped(1, b, skipped("b")),
        StepSkipped(2, c, skipped("c", "input from 'b', which was skipped")),
        StepStarted(3, d),
        StepFinished(3, d, ok("d")),
        StepStarted(4, e),
        StepFinished(4, e, ok("e")),
        RunFinished("ok", ANY),
    ]
    assert script.tried == ["a", "d", "e"]


@one_or_several
def test_a_run_of_which_all_is_skipped_is_ok(flags: dict[str, bool], *, in_turn: bool) -> None:
    """And over at once: a skip is no failure."""
    plan = workflows.plan({"name": "a", "when": NEVER}, {"name": "b", "when": NEVER}, flags=flags)
    happened = events(plan, in_turn=in_turn)
    assert kinds(happened) == ["RunStarted", "StepSkipped", "StepSkipped", "RunFinished"]
    assert happened[-1] == RunFinished("ok", 1.0)


@pytest.mark.parametrize("optional", [False, True])
@one_or_several
def test_a_condition_that_cannot_be_judged_fails_the_step(
    flags: dict[str, bool], *, in_turn: bool, optional: bool
) -> None:
    """Like an input that cannot be read: 0 attempts, and the run ends unless it is optional."""
    script = Script()
    when = {"value": {"from": "a"}, "is": {}}
    plan = workflows.plan(
        tried("a", 1, optional=True, priority=2),
        tried("b", 0, when=when, optional=optional, priority=1),
        tried("c", 0),
        flags=flags,
    )
    happened = events(plan, script, in_turn=in_turn)
    results = [event.result for event in only(StepFinished, happened)]
    error = "condition from 'a', which failed"
    assert results[1] == workflows.failed("b", error, 0, seconds=1.0)
    assert [result.name for result in results] == ([*"abc"] if optional else [*"ab"])
    assert script.tried == (["a", "c"] if optional else ["a"])
    assert happened[-1] == RunFinished("failed", ANY, stopped_by=None if optional else "b")


@one_or_several
def test_what_reads_a_failed_step_and_a_skipped_one_fails(
    flags: dict[str, bool], *, in_turn: bool
) -> None:
    """Nothing that failed is hidden by a skip."""
    plan = workflows.plan(
        tried("a", 1, optional=True),
        tried("b", 0, when=NEVER),
        {"name": "c", "input": {"from": ["b", "a"]}},
        flags=flags,
    )
    *_, last = only(StepFinished, events(plan, in_turn=in_turn))
    assert last.result.error == "input from 'a', which failed"
    assert last.result.attempts == 0


@one_or_several
def test_a_step_is_skipped_whatever_its_input_lacks(
    flags: dict[str, bool], *, in_turn: bool
) -> None:
    """The condition is judged first."""
    plan = workflows.plan(
        tried("a", 1, optional=True),
        {"name": "b", "input": {"from": "a"}, "when": NEVER},
        flags=flags,
    )
    happened = events(plan, in_turn=in_turn)
    assert only(StepSkipped, happened) == [StepSkipped(1, plan.steps[1], skipped("b"))]


@pytest.mark.parametrize("in_turn", [True, False])
def test_an_output_is_let_go_of_when_its_last_reader_is_skipped(*, in_turn: bool) -> None:
    """Because of its condition, or of something else that it reads; also if that only judged it."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "when": {"value": {"from": "a"}, "is": False}},
        {"name": "c"},
        {"name": "d", "input": [{"from": "b"}, {"from": "c"}]},
        {"name": "e"},
        {"name": "f", "when": {"value": {"from": "e"}, "is": True}},
        {"name": "g", "when": {"value": {"from": "e"}, "is": True}, "input": {"from": "e"}},
    )
    assert list_alive(plan, in_turn=in_turn) == [
        [],
        [False],
        [False, False],
        [False, False, True],
        [False, False, False, False],
    ]


@pytest.mark.parametrize("halt", ["stop", "interrupt"])
@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_a_run_can_be_halted_where_it_tells_what_is_skipped(
    flags: dict[str, bool], halt: Halt
) -> None:
    """It starts nothing, and skips nothing more."""
    plan = workflows.plan(
        *({"name": name, "when": NEVER} for name in "ab"), {"name": "c"}, flags=flags
    )
    happened = send(run_events(plan), 1, halt)
    ends = [RunFinished("interrupted", ANY)] if halt == "interrupt" else []
    assert happened[1:] == [StepSkipped(0, plan.steps[0], skipped("a")), *ends]


def test_what_is_skipped_behind_the_end_of_the_run_does_not_count() -> None:
    """It is not among the results, and was not done in vain."""
    plan = together({"name": "a"}, {"name": "b", "when": NEVER}, {"name": "c"})
    happened = told(plan, 0, 2, (2, GOOD), (0, BAD))
    assert isinstance(happened[0], StepSkipped)
    result = fold_run(plan, [RunStarted(plan), *happened])
    assert [each.name for each in result.results] == ["a"]
    assert [each.name for each in result.discarded] == ["c"]


@pytest.mark.parametrize("run_id", ["", "r1"])
def test_a_step_is_handed_the_name_of_the_run(run_id: str) -> None:
    """In its input and in its condition; whoever follows the run is told, too."""
    seen: list[Json] = []

    def perform(_: str, value: Json, __: float | None) -> Json:
        seen.append(value)
        return value

    is_r1 = {"value": {"run": "/id"}, "is": {"const": "r1"}}
    plan = workflows.plan({"input": {"concat": ["run ", {"run": "/id"}]}}, {"when": is_r1})
    happened = follow(run(plan, perform, run_id=run_id))
    assert happened[0] == RunStarted(plan, run_id=run_id)
    assert fold_run(plan, happened).run_id == run_id
    assert seen == [f"run {run_id}", *([""] if run_id else [])]


def give(action: str, value: Json) -> Json:
    """As `good_or_bad`, with null for a failure."""
    return None if action == "bad" else {action: value}


@settings(max_examples=100)
@given(plan=plans(some_fail, skips=True), keep_going=st.booleans(), data=st.data())
def test_each_step_comes_to_what_the_rules_say(
    plan: Plan, *, keep_going: bool, data: st.DataObject
) -> None:
    """By their plainest words; in turn, and whatever is under way at the same time.

    No step is judged twice.
    """
    fates = foretell(plan, give, keep_going=keep_going)
    runner = AttemptRunner(good_or_bad, float, at_once, float)
    crew = in_any_order(lambda choices: data.draw(st.sampled_from(choices)), runner)
    for happened in (
        follow(interpret(plan, sequential(runner), float, keep_going=keep_going)),
        follow(interpret(plan, crew, float, in_turn=False, keep_going=keep_going)),
    ):
        check_order(happened)
        results = {
            each.name: each for each in fold_run(plan, happened, keep_going=keep_going).results
        }
        for step, fate in zip(plan.steps, fates, strict=True):
            assert find_fate(results.get(step.name)) == fate
        is_ok = all(fate.state in ("ok", "skipped") for fate in fates)
        assert isinstance(happened[-1], RunFinished)
        assert happened[-1].status == ("ok" if is_ok else "failed")


def find_fate(result: StepResult | None) -> Fate:
    """What has become of a step."""
    if result is None:
        return Fate("not_run")
    if result.skipped is not None:
        assert result == skipped(result.name, result.skipped)
        return Fate("skipped")
    return Fate("ok", result.output) if result.ok else Fate("failed")


@given(plans(some_fail, skips=True), st.data())
def test_nothing_is_judged_twice(plan: Plan, data: st.DataObject) -> None:
    """Each condition once at most, before the first attempt; nor is one judged that has no turn."""
    judged: list[str] = []

    def count_judged(step: Step, facts: Facts, verdicts: Verdicts) -> Hindrance | None:
        judged.append(step.name)
        return find_hindrance(step, facts, verdicts)

    runner = AttemptRunner(good_or_bad, float, at_once, float)
    crew = in_any_order(lambda choices: data.draw(st.sampled_from(choices)), runner)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foregone, "find_hindrance", count_judged)
        happened = follow(interpret(plan, crew, float, in_turn=False))
    assert len({*judged}) == len(judged)
    done = [*only(StepFinished, happened), *only(StepSkipped, happened)]
    conditional = {event.step.name for event in done if event.step.when}
    assert conditional <= {*judged}
