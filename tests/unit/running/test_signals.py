"""Signals: the first one is for the run, the second one for the process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import chain, count, repeat
from resource import RLIMIT_CORE, setrlimit
from threading import get_ident
from typing import TYPE_CHECKING
from weakref import finalize

import pytest
from support import workflows
from support.command import AT_A_TERMINAL, process_environment

from driftflow.parallel import descendants
from driftflow.recording.audit import record_events
from driftflow.running import signals
from driftflow.running.attempts import AttemptRunner, make_pause
from driftflow.running.events import EVENTS, AttemptFailed, RunFinished, StepFinished
from driftflow.running.interpreter import interpret, sequential
from driftflow.running.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from driftflow.reading.document import Json
    from driftflow.running.events import Event
    from driftflow.running.interpreter import Crew

    Perform = Callable[[str, Json, float | None], Json]

ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU]


@pytest.fixture(autouse=True)
def _at_a_terminal() -> Iterator[None]:
    """Whoever runs the tests may ignore some of them."""
    before = [signal.signal(number, signal.SIG_DFL) for number in ENDING]
    yield
    for number, handler in zip(ENDING, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def caught() -> Iterator[Signals]:
    """Signals that are caught for the time of a test."""
    with Signals() as caught:
        caught.catch()
        yield caught


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_interrupts_the_step_in_hand(caught: Signals, number: int) -> None:
    """And with it the run, which ends well."""

    def perform(_: str, __: Json, ___: float | None) -> Json:
        os.kill(os.getpid(), number)
        return "in vain"

    told = came_of(caught, perform)
    assert told == ["interrupted", "interrupted"]
    assert caught.received == number


def test_a_signal_that_comes_between_two_steps_interrupts_none(caught: Signals) -> None:
    """No further one is started."""
    stream = interpret(workflows.plan({}, {}), in_turn(echo), float)
    told: list[str] = []

    def take(event: Event) -> None:
        told.append(type(event).__name__)
        if told[-1] == "StepFinished":
            os.kill(os.getpid(), signal.SIGHUP)

    with pytest.raises(KeyboardInterrupt):
        caught.follow(stream, dict.fromkeys(EVENTS, take))
    assert told == ["RunStarted", "StepStarted", "StepFinished", "RunFinished"]


def test_only_events_that_somebody_takes_are_handed_on(caught: Signals) -> None:
    """The others are passed over, and the run goes on."""
    stream = interpret(workflows.plan({}, {}), in_turn(echo), float)
    taken: list[StepFinished] = []
    caught.follow(stream, {**dict.fromkeys(EVENTS), StepFinished: taken.append})
    assert [event.step_index for event in taken] == [0, 1]


def test_a_signal_that_was_not_welcome_comes_again(caught: Signals) -> None:
    """When it comes just before a step is tried, for instance, or where an exception gets lost."""

    class Nuisance:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    def perform(_: str, __: Json, ___: float | None) -> Json:
        Nuisance()
        time.sleep(60)
        return "in vain"

    assert came_of(caught, perform) == ["interrupted", "interrupted"]


def test_reminders_are_no_second_signal(caught: Signals) -> None:
    """However many come at once, on a slow machine, and however late."""

    def perform(_: str, __: Json, ___: float | None) -> Json:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(2 * signals.SAME)
        for _number in range(5):
            signal.pthread_kill(get_ident(), signal.SIGURG)
        return "in vain"

    assert came_of(caught, perform) == ["in vain", "interrupted"]


def test_a_signal_is_not_lost_where_no_exception_comes_out(caught: Signals) -> None:
    """Such as a call when an object is gone."""

    class Gone:
        pass

    def perform(_: str, __: Json, ___: float | None) -> Json:
        gone = Gone()
        finalize(gone, os.kill, os.getpid(), signal.SIGTERM)
        del gone
        time.sleep(60)
        return "in vain"

    assert came_of(caught, perform) == ["interrupted", "interrupted"]


def test_programs_are_ended_whatever_comes(caught: Signals) -> None:
    """A signal waits until what they have started is gone, too."""
    looks: list[int] = []

    def look() -> list[int]:
        looks.append(1)
        if len(looks) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return []

    def perform(_: str, __: Json, ___: float | None) -> Json:
        descendants.end_all(look, 0)
        time.sleep(60)
        return "in vain"

    assert came_of(caught, perform) == ["interrupted", "interrupted"]
    assert len(looks) == 2


def test_a_step_that_makes_a_failure_of_it_is_not_tried_again(caught: Signals) -> None:
    """Nor is it waited for another attempt."""

    def perform(_: str, __: Json, ___: float | None) -> Json:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise OSError("gone wrong") from None
        return "in vain"

    plan = workflows.plan({}, {}, max_attempts=3, backoff={"delay_seconds": 60, "jitter": False})
    pause = make_pause(time.sleep, caught.find_name)
    stream = interpret(plan, in_turn(perform, pause), float)
    events: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        caught.follow(stream, dict.fromkeys(EVENTS, events.append))
    (result,) = [event.result for event in events if isinstance(event, StepFinished)]
    assert (result.error, result.attempts) == ("interrupted", 1)


def test_a_step_that_waits_for_its_next_attempt_is_interrupted(caught: Signals) -> None:
    """However long the wait: it has failed so far, and is what the signal has ended."""

    def perform(_: str, __: Json, ___: float | None) -> Json:
        raise OSError("busy")

    def pause(_: float) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    plan = workflows.plan({}, {}, max_attempts=3, backoff={"delay_seconds": 60, "jitter": False})
    stream = interpret(plan, in_turn(perform, pause), float)
    events: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        caught.follow(stream, dict.fromkeys(EVENTS, events.append))
    (failed,) = [event for event in events if isinstance(event, AttemptFailed)]
    (result,) = [event.result for event in events if isinstance(event, StepFinished)]
    assert (failed.attempt, failed.wait_seconds) == (1, 30.0)
    assert (result.error, result.attempts) == ("interrupted", 1)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].status == "interrupted"


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_signal_that_comes_between_two_attempts_ends_the_step(
    caught: Signals, attempts: int
) -> None:
    """If there was to be another one; else it has failed by itself. No other step is started."""
    tries: list[int] = []

    def perform(_: str, __: Json, ___: float | None) -> Json:
        tries.append(1)
        raise OSError("busy")

    def take(event: Event) -> None:
        events.append(event)
        if isinstance(event, AttemptFailed):
            os.kill(os.getpid(), signal.SIGTERM)

    events: list[Event] = []
    step = {"optional": True, "max_attempts": attempts}
    stream = interpret(workflows.plan(step, step), in_turn(perform), float)
    with pytest.raises(KeyboardInterrupt):
        caught.follow(stream, dict.fromkeys(EVENTS, take))
    (result,) = [event.result for event in events if isinstance(event, StepFinished)]
    assert result.error == ("interrupted" if attempts > 1 else "busy")
    assert tries == [1]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].status == "interrupted"


def test_a_process_that_a_step_has_forked_dies_of_its_own_signals(caught: Signals) -> None:
    """The run and its record are not its business."""

    def perform(_: str, __: Json, ___: float | None) -> Json:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.write(writing, b"ready")
            time.sleep(60)
            os._exit(0)
        os.read(reading, 5)
        os.kill(child, signal.SIGTERM)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    stream = interpret(workflows.plan({}), in_turn(perform), float)
    finished: list[StepFinished] = []
    caught.follow(stream, {**dict.fromkeys(EVENTS), StepFinished: finished.append})
    assert [event.result.output for event in finished] == [-signal.SIGTERM]
    assert caught.received is None


@pytest.mark.parametrize("number", ENDING)
def test_the_same_signal_within_a_moment_is_one(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As GNU `timeout` sends it, and a terminal that is closed; any other second one counts."""
    other = signal.SIGINT if number == signal.SIGTERM else signal.SIGTERM
    died: list[int] = []
    monkeypatch.setattr(signals, "die_of", lambda number: number)
    monkeypatch.setattr("os._exit", died.append)
    clock = chain([100.0, 100.1], repeat(100.3))
    monkeypatch.setattr(signals, "monotonic", lambda: next(clock))
    monkeypatch.setattr(signals, "start_new_thread", lambda *_: None)
    with Signals() as caught:
        caught.catch()
        for _ in range(2):
            os.kill(os.getpid(), number)
        assert died == []
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), other)
    repeated = [] if number == signal.SIGXCPU else [number]  # the system repeats it each second
    assert died == [*repeated, other]


@pytest.mark.parametrize("moment", range(6))
def test_a_signal_never_reaches_what_keeps_the_record(
    caught: Signals, moment: int, tmp_path: Path
) -> None:
    """Whenever it comes, each event is on file, and each step that was started has an end."""
    path = tmp_path / "audit"
    moments = count()

    def now() -> str:
        if next(moments) == moment:
            os.kill(os.getpid(), signal.SIGTERM)
        return "now"

    stream = interpret(workflows.plan({}, {}), in_turn(echo), float)
    events: list[Event] = []
    with suppress(KeyboardInterrupt):
        recorded = record_events(stream, str(path), sync="none", now=now)
        caught.follow(recorded, dict.fromkeys(EVENTS, events.append))
    records = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = [record["event"] for record in records]
    assert len(events) == len(records)
    assert kinds.count("step_started") == [0, 1, 1, 2, 2, 2][moment]
    assert kinds.count("step_finished") == [0, 1, 1, 2, 2, 2][moment]
    assert records[-1]["status"] == ("interrupted" if moment < 4 else "ok")


def echo(_: str, value: Json, __: float | None) -> Json:
    """Gives the input back."""
    return value


def in_turn(perform: Perform, pause: Callable[[float], object] = int) -> Crew:
    """The crew that runs one step after the other, without a clock."""
    return sequential(AttemptRunner(perform, float, pause, float))


def test_a_signal_that_a_step_swallows_still_ends_the_run(caught: Signals) -> None:
    """When the step is over: what it came to counts."""

    def perform(_: str, __: Json, ___: float | None) -> Json:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            return "swallowed"
        return "in vain"

    assert came_of(caught, perform) == ["swallowed", "interrupted"]


def test_a_step_that_cleans_up_too_long_is_interrupted_again(
    caught: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the end of a `with` may wait for what a pool of processes still does."""
    monkeypatch.setattr(signals, "_CLEAN_UP", 0.1)

    def perform(_: str, __: Json, ___: float | None) -> Json:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        finally:
            time.sleep(60)
        return "in vain"

    assert came_of(caught, perform) == ["interrupted", "interrupted"]


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("how", ["taken", "ignored", "blocked"])
def test_a_signal_that_a_step_has_taken_is_given_back(how: str, number: int) -> None:
    """When the step is over: else the run would be deaf from there on."""
    plan = workflows.plan({"name": "a"}, {"name": "b"}, {"name": "c"})

    def perform(_: str, __: Json, ___: float | None) -> Json:
        if how == "blocked":
            signal.pthread_sigmask(signal.SIG_BLOCK, [number])
        else:
            signal.signal(number, signal.SIG_IGN if how == "ignored" else lambda *_: None)
        return "taken"

    told: list[str] = []

    def take(event: StepFinished) -> None:
        told.append(event.step.name)
        if event.step.name == "b":
            os.kill(os.getpid(), number)

    stream = interpret(plan, in_turn(perform), float)
    with Signals() as caught:
        caught.catch(int)
        with pytest.raises(KeyboardInterrupt):
            caught.follow(stream, {**dict.fromkeys(EVENTS), StepFinished: take})
    assert told == ["a", "b"]


def test_what_the_caller_has_blocked_stays_so() -> None:
    """Only what steps do to signals is undone."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    try:
        stream = interpret(workflows.plan({}), in_turn(echo), float)
        with Signals() as caught:
            caught.catch(int)
            caught.follow(stream, dict.fromkeys(EVENTS))
        assert signal.SIGHUP in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_how_programs_end_is_known_whatever_the_caller_ignores() -> None:
    """Where SIGCHLD is ignored, the system tells nobody."""
    script = """
import signal, subprocess
from driftflow.running.signals import leave_to_the_system
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
leave_to_the_system()
print(subprocess.run(["false"]).returncode)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=process_environment(), capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"1\n", b"")


def test_how_programs_end_is_known_whatever_a_step_ignores() -> None:
    """In the steps after it."""
    before = signal.getsignal(signal.SIGCHLD)
    plan = workflows.plan({"name": "a"}, {"name": "b"})
    found: list[object] = []

    def perform(_: str, __: Json, ___: float | None) -> Json:
        found.append(signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        return None

    stream = interpret(plan, in_turn(perform), float)
    try:
        with Signals() as caught:
            caught.catch(int)
            caught.follow(stream, dict.fromkeys(EVENTS))
        assert [*found, signal.getsignal(signal.SIGCHLD)] == [before, *[signal.SIG_DFL] * 2]
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_the_first_signal_is_known_by_its_name(caught: Signals) -> None:
    """None before there is one."""
    assert caught.find_name() is None
    os.kill(os.getpid(), signal.SIGHUP)
    assert caught.find_name() == "SIGHUP"


def test_the_signals_are_given_back() -> None:
    """Also those that were not caught at all."""
    before = [signal.getsignal(number) for number in ENDING]
    with Signals():
        assert [signal.getsignal(number) for number in ENDING] == before
    with Signals() as caught:
        caught.catch()
        assert not {*before} & {signal.getsignal(number) for number in ENDING}
    assert [signal.getsignal(number) for number in ENDING] == before


def test_what_is_ignored_stays_so() -> None:
    """As `nohup` and a shell's background want it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as caught:
            caught.catch()
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert caught.received is None
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", ENDING)
def test_a_second_signal_is_death_at_once(number: int) -> None:
    """By that signal."""
    script = f"""{AT_A_TERMINAL}
import os
from driftflow.running.signals import Signals
with Signals() as caught:
    caught.catch()
    os.kill(os.getpid(), signal.SIGTERM)
    print(caught.received, flush=True)
    caught._since -= 1  # at once it would count as one
    os.kill(os.getpid(), {int(number)})
    print("in vain", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=process_environment(),
        preexec_fn=no_core,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-number, b"15\n", b"")


def no_core() -> None:
    """SIGQUIT and SIGXCPU would leave one."""
    setrlimit(RLIMIT_CORE, (0, 0))


def came_of(caught: Signals, perform: Perform) -> list[object]:
    """The output or the error of each step of a run, and its status."""
    plan = workflows.plan({"optional": True}, {"optional": True})
    stream = interpret(plan, in_turn(perform), float)
    events: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        caught.follow(stream, dict.fromkeys(EVENTS, events.append))
    results = [event.result for event in events if isinstance(event, StepFinished)]
    assert isinstance(events[-1], RunFinished)
    return [*(result.output or result.error for result in results), events[-1].status]
