"""The attempts at a step, and how long to wait between them."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from driftflow.errors import Permanent, TimedOut
from driftflow.failures import AttemptError, Failure
from driftflow.planning.settings import Backoff, RetryPolicy
from driftflow.running.attempts import (
    INTERRUPTED,
    NOT_TRIED,
    UNKNOWN,
    AttemptRunner,
    FailedAttempt,
    Interrupted,
    backoff_delay,
    ends_run,
    make_pause,
    may_try_again,
    never,
    random_fraction,
    run_step,
)
from driftflow.schemas.contracts import write_schema
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from driftflow.reading.document import Json
    from driftflow.running.attempts import Outcome, Task


def at_once(_: float) -> None:
    """No wait."""


def runner(
    perform: Callable[[str, Json, float | None], Json],
    pause: Callable[[float], object] = at_once,
    random: float = 1.0,
) -> AttemptRunner:
    """Makes attempts by a clock that moves on by a second each time it is read."""
    return AttemptRunner(perform, count(100.0).__next__, pause, lambda: random)


def task(attempts: int = 1, given: Json = "input", **policy: Any) -> Task:
    """Step 7, to be tried so many times."""
    return 7, "action", given, RetryPolicy(attempts, **policy), True, None, None


def raising(errors: Iterable[BaseException]) -> Callable[[str, Json, float | None], NoReturn]:
    """Fails with one after the other."""
    left = iter(errors)

    def perform(_: str, __: Json, ___: float | None) -> NoReturn:
        raise next(left)

    return perform


def finish(step: Generator[FailedAttempt, object, Outcome]) -> tuple[list[FailedAttempt], Outcome]:
    """All attempts that fail, and what comes of the step."""
    failed: list[FailedAttempt] = []
    while True:
        try:
            failed.append(next(step))
        except StopIteration as done:
            return failed, done.value


def tried(task: Task, runner: AttemptRunner) -> Outcome:
    """What comes of a step."""
    _, outcome = finish(run_step(task, runner))
    return outcome


@pytest.mark.parametrize(("failures", "attempts"), [(0, 1), (1, 2), (2, 3), (3, 3)])
def test_a_step_is_tried_until_an_attempt_succeeds(failures: int, attempts: int) -> None:
    """As often as it may be."""
    tries: list[str] = []

    def perform(action: str, value: Json, _: float | None) -> Json:
        tries.append(action)
        if len(tries) <= failures:
            raise OSError
        return [action, value]

    output, failure, used, seconds = tried(task(3), runner(perform))
    if failures < 3:
        assert (output, failure) == (["action", "input"], None)
    else:
        assert output is None
        assert failure is not None
        assert failure.types == ("OSError", "Exception", "BaseException")
    assert (used, seconds) == (attempts, 1.0)
    assert tries == ["action"] * attempts


def test_each_attempt_that_fails_is_told() -> None:
    """Which one it was, what it failed with, and the wait for the next one: none after the last."""
    errors = [OSError("first"), ValueError("second"), LookupError("third")]
    waits = Backoff(delay_seconds=5, factor=3, max_delay_seconds=60, jitter=False)
    failed, (_, failure, used, _) = finish(
        run_step(task(3, backoff=waits), runner(raising(errors)))
    )
    told = [
        (each.step_index, each.number, each.failure.message, each.wait_seconds) for each in failed
    ]
    assert told == [(7, 1, "first", 5.0), (7, 2, "second", 15.0), (7, 3, "third", None)]
    assert [each.failure.types[0] for each in failed] == ["OSError", "ValueError", "LookupError"]
    assert (failure, used) == (failed[-1].failure, 3)


def test_attempts_before_one_that_succeeds_are_told_as_well() -> None:
    """Without a backoff the next one comes at once; one that succeeds is no failure."""
    errors = iter([OSError("busy")])

    def perform(_: str, value: Json, __: float | None) -> Json:
        for error in errors:
            raise error
        return value

    failed, outcome = finish(run_step(task(3), runner(perform)))
    assert [(each.number, each.wait_seconds) for each in failed] == [(1, 0.0)]
    assert outcome == ("input", None, 2, 1.0)


def test_the_last_error_counts() -> None:
    """Of several attempts."""
    _, failure, *_ = tried(task(2), runner(raising([OSError("first"), OSError("second")])))
    assert failure is not None
    assert failure.message == "second"


class UnspeakableError(Exception):
    """An exception that cannot even say what is wrong."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("exception", "message"),
    [
        (ValueError("no such thing"), "no such thing"),
        (ValueError(), "ValueError"),
        (SystemExit(), "SystemExit"),
        (GeneratorExit(), "GeneratorExit"),
        (UnspeakableError(), "UnspeakableError"),
    ],
)
def test_whatever_an_action_raises_fails_the_attempt(
    exception: BaseException, message: str
) -> None:
    """Also what would end the process, and what has no message that can be had."""
    failed, outcome = finish(run_step(task(2), runner(raising([exception, exception]))))
    assert [each.failure.message for each in failed] == [message] * 2
    output, failure, attempts, seconds = outcome
    assert (output, failure, attempts, seconds) == (None, failed[1].failure, 2, 1.0)


@pytest.mark.parametrize(
    ("retry_on", "attempts"),
    [
        (None, 3),
        (("ConnectionResetError",), 3),
        (("ConnectionError",), 3),
        (("OSError",), 3),
        (("Exception",), 3),
        (("ValueError", "OSError"), 3),
        (("ValueError",), 1),
        (("ConnectionAbortedError",), 1),
        (("Connection",), 1),
        ((), 1),
    ],
)
def test_a_step_is_tried_again_only_after_what_it_says(
    retry_on: tuple[str, ...] | None, attempts: int
) -> None:
    """By the class of the error, or any base class of that."""
    error = ConnectionResetError("gone")
    failed, outcome = finish(run_step(task(3, retry_on=retry_on), runner(raising([error] * 3))))
    waits = [0.0] * (attempts - 1) + [None]
    assert [each.wait_seconds for each in failed] == waits
    assert outcome[1:3] == (failed[-1].failure, attempts)


def test_each_failure_is_looked_at_anew() -> None:
    """One that is not worth another attempt is the last, though there were others before it."""
    errors = [TimedOut("slow"), OSError("refused"), TimedOut("slow")]
    failed, outcome = finish(run_step(task(5, retry_on=("TimeoutError",)), runner(raising(errors))))
    assert [(each.number, each.wait_seconds) for each in failed] == [(1, 0.0), (2, None)]
    _, failure, attempts, _ = outcome
    assert failure is not None
    assert (failure.message, attempts) == ("refused", 2)


class GoneError(Permanent):
    """An operator's own."""


@pytest.mark.parametrize("error", [Permanent("no such table"), GoneError("no such table")])
@pytest.mark.parametrize("retry_on", [None, ("Permanent", "GoneError", "Exception")])
def test_a_permanent_failure_is_the_last(
    retry_on: tuple[str, ...] | None, error: Exception
) -> None:
    """Whatever the config says of it: another attempt would be in vain."""
    failed, outcome = finish(run_step(task(3, retry_on=retry_on), runner(raising([error]))))
    assert [(each.number, each.wait_seconds) for each in failed] == [(1, None)]
    _, failure, attempts, _ = outcome
    assert failure is not None
    assert (failure.message, failure.is_permanent, attempts) == ("no such table", True, 1)


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        (Failure("full", ("DiskFull", "OSError"), "orders.py:3"), 3),
        (Failure("full", ("DiskFull", "OSError"), "orders.py:3", is_permanent=True), 1),
        (Failure("full", ("DiskFull", "ValueError"), None), 1),
    ],
)
def test_what_another_process_has_described_counts_as_it_was_there(
    failure: Failure, attempts: int
) -> None:
    """Its classes need not be known here."""
    perform = raising([AttemptError(failure)] * 3)
    outcome = tried(task(3, retry_on=("OSError",)), runner(perform))
    assert outcome == (None, failure, attempts, 1.0)


def test_whether_there_may_be_another_attempt_is_one_rule() -> None:
    """For whoever asks: by the names alone."""
    failure = Failure("slow", ("TimedOut", "TimeoutError", "OSError"))
    assert may_try_again(failure, None)
    assert may_try_again(failure, ("OSError", "ValueError"))
    assert not may_try_again(failure, ("ValueError",))
    assert not may_try_again(failure, ())
    assert not may_try_again(failure._replace(is_permanent=True), None)
    assert not may_try_again(failure._replace(is_permanent=True), ("OSError",))


@pytest.mark.parametrize("place", ["attempt", "wait", "answer"])
def test_an_interrupt_is_no_failure_of_a_step(place: str) -> None:
    """It goes through, and knows what came of the step until then.

    Also if it is sent in answer to an attempt that failed, before the wait for the next one.
    """
    tries: list[str] = []
    waited: list[float] = []

    def perform(_: str, __: Json, ___: float | None) -> Json:
        tries.append(place)
        raise KeyboardInterrupt if len(tries) == 2 else LookupError

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if place == "wait":
            raise KeyboardInterrupt

    step = run_step(task(3), runner(perform, pause))
    assert next(step).number == 1
    with pytest.raises(Interrupted) as caught:
        step.send("interrupt" if place == "answer" else None)
    attempts = 2 if place == "attempt" else 1
    assert caught.value.outcome == (None, INTERRUPTED[1], attempts, 1.0)
    assert len(tries) == attempts
    assert len(waited) == (place != "answer")


def test_asked_to_stop_a_step_goes_on() -> None:
    """It has been started: what comes of it is told."""
    step = run_step(task(2), runner(raising([OSError("first"), OSError("second")])))
    assert next(step).number == 1
    assert step.send("stop").number == 2
    with pytest.raises(StopIteration) as done:
        step.send("stop")
    _, failure, attempts, _ = done.value.value
    assert (failure.message, attempts) == ("second", 2)


def test_a_step_that_nobody_waits_for_is_not_tried_again() -> None:
    """If it is closed after an attempt that failed."""
    tries: list[str] = []

    def perform(action: str, _: Json, __: float | None) -> Json:
        tries.append(action)
        raise OSError

    step = run_step(task(3), runner(perform))
    next(step)
    step.close()
    assert tries == ["action"]
    assert list(step) == []


def test_what_comes_of_a_step_that_was_cut_off_is_known() -> None:
    """By words, by the type of the error where an interrupt was that, and by the attempts."""
    known = [
        (failure and failure.message, failure and failure.types, attempts)
        for _, failure, attempts, _ in (INTERRUPTED, UNKNOWN, NOT_TRIED)
    ]
    assert known == [
        ("interrupted", ("KeyboardInterrupt",), 0),
        ("interrupted; its outcome is unknown", ("KeyboardInterrupt",), 1),
        ("not tried", (), 0),
    ]


@pytest.mark.parametrize(("optional", "ends"), [(False, True), (True, False)])
def test_only_a_step_that_is_not_optional_ends_the_run(*, optional: bool, ends: bool) -> None:
    """If it fails: that is one predicate."""
    assert ends_run(optional=optional) is ends


def test_a_pause_comes_before_each_further_attempt() -> None:
    """Told how long it is to be: what was told of the attempt before it."""
    happened: list[object] = []

    def perform(_: str, __: Json, ___: float | None) -> Json:
        happened.append("attempt")
        raise OSError

    waits = Backoff(delay_seconds=4, factor=2, max_delay_seconds=30, jitter=True)
    step = run_step(task(3, backoff=waits), runner(perform, happened.append, random=0.25))
    for failed in step:
        happened.append([failed.wait_seconds])  # noqa: PERF401 - the step adds to it as well
    assert happened == ["attempt", [1.0], 1.0, "attempt", [2.0], 2.0, "attempt", [None]]


def test_a_step_that_is_tried_once_has_no_pause() -> None:
    """Nor has one that is not tried again, or that succeeds."""
    waited: list[float] = []
    assert tried(task(1), runner(raising([OSError()]), waited.append))[2] == 1
    assert tried(task(3, retry_on=()), runner(raising([OSError()]), waited.append))[2] == 1
    assert tried(task(3), runner(lambda *_: None, waited.append))[2] == 1
    assert waited == []


def test_a_task_that_cannot_be_tried_is_not() -> None:
    """Its fault is its error; no attempt has failed."""

    def perform(_: str, __: Json, ___: float | None) -> Json:
        raise AssertionError

    idle: Task = (7, "a", None, RetryPolicy(3), True, "no data", None)
    failed, outcome = finish(run_step(idle, runner(perform)))
    assert (failed, outcome) == ([], (None, Failure("no data"), 0, 1.0))


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_each_attempt_has_what_the_step_was_handed(attempts: int) -> None:
    """Whatever an earlier one has made of that; the last one has no need of a copy."""
    given: Json = {"rows": [[1]]}
    seen: list[str] = []
    handed: list[object] = []

    def perform(_: str, value: Json, __: float | None) -> Json:
        seen.append(str(value))
        handed.append(value)
        assert isinstance(value, dict)
        assert isinstance(value["rows"], list)
        assert isinstance(value["rows"][0], list)
        value["rows"][0].append(2)
        value["more"] = 1
        raise OSError

    assert tried(task(attempts, given), runner(perform))[2] == attempts
    assert seen == ["{'rows': [[1]]}"] * attempts
    assert [value is given for value in handed] == [False] * (attempts - 1) + [True]


@pytest.mark.parametrize("seconds", [None, 2.5])
def test_each_attempt_is_told_how_long_it_may_take(seconds: float | None) -> None:
    """What the step itself says, if it does."""
    told: list[float | None] = []

    def perform(_: str, __: Json, limit: float | None) -> Json:
        told.append(limit)
        raise OSError

    tried(task(2, timeout_seconds=seconds), runner(perform))
    assert told == [seconds] * 2


def waits(failures: int, *, random: float = 0.5, **fields: Any) -> list[float]:
    """The waits after one failure, two and so on."""
    backoff = Backoff(**fields)
    return [backoff_delay(backoff, number + 1, lambda: random) for number in range(failures)]


def test_defaults_are_the_schemas() -> None:
    """And its fields all of those that there are."""
    properties = load_schema("driftflow")["properties"]["backoff"]["properties"]
    assert Backoff()._asdict() == {name: field["default"] for name, field in properties.items()}


def test_each_wait_is_longer_up_to_the_longest() -> None:
    """By the factor."""
    assert waits(7, jitter=False) == [1, 2, 4, 8, 16, 30, 30]
    assert waits(4, jitter=False, delay_seconds=0.5, factor=3) == [0.5, 1.5, 4.5, 13.5]
    assert waits(3, jitter=False, factor=1) == [1, 1, 1]
    assert waits(2, jitter=False, delay_seconds=9, max_delay_seconds=5) == [5, 5]
    assert waits(2, jitter=False, delay_seconds=0) == [0, 0]


def test_jitter_waits_for_a_part_of_it() -> None:
    """From nothing to the whole."""
    assert waits(3, random=0.25) == [0.25, 0.5, 1]
    assert waits(3, random=0.0) == [0, 0, 0]
    assert waits(3, random=1.0) == [1, 2, 4]


def test_no_wait_is_longer_than_a_system_can_keep() -> None:
    """Whatever a config asks for."""
    huge = {"delay_seconds": 1e308, "factor": 1e308, "max_delay_seconds": 1e308}
    assert waits(3, jitter=False, **huge) == [1e8] * 3
    assert waits(5000, jitter=False)[-1] == 30
    assert waits(5000, jitter=False, delay_seconds=0)[-1] == 0
    assert waits(1, jitter=False, delay_seconds=10**400, max_delay_seconds=10**400) == [1e8]


def test_a_pause_sleeps_only_if_there_is_a_wait() -> None:
    """Once for each failed attempt, for as long as it is told."""
    noted: list[float] = []
    pause = make_pause(noted.append, never)
    for seconds in (0.0, 1, 2.5):
        pause(seconds)
    assert noted == [1, 2.5]


@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_a_pause_that_nobody_wants_the_end_of_is_an_interrupt(seconds: float) -> None:
    """Whether that is known before or after it."""
    noted: list[float] = []
    with pytest.raises(KeyboardInterrupt):
        make_pause(noted.append, lambda: True)(seconds)
    assert noted == []
    with pytest.raises(KeyboardInterrupt):
        make_pause(noted.append, lambda: not seconds or bool(noted))(seconds)
    assert noted == ([seconds] if seconds else [])


def test_chance_is_a_number_from_0_to_1() -> None:
    """Not always the same."""
    numbers = {random_fraction() for _ in range(100)}
    assert len(numbers) > 90
    assert all(0 <= number < 1 and math.isfinite(number) for number in numbers)


CONTRACT = write_schema({"type": "object", "required": ["rows"]})


def promised(outputs: list[Json], attempts: int = 3, **policy: Any) -> tuple[list[str], Outcome]:
    """The errors of a step that gives one of these outputs after the other, and its outcome."""
    left = iter(outputs)

    def perform(_: str, __: Json, ___: float | None) -> Json:
        return next(left)

    given: Task = (7, "action", "x", RetryPolicy(attempts, **policy), True, None, CONTRACT)
    failed, outcome = finish(run_step(given, runner(perform)))
    return [each.failure.message for each in failed], outcome


def test_an_output_that_keeps_its_contract_is_what_comes_of_the_step() -> None:
    """As it is: the contract changes nothing in it."""
    output: Json = {"rows": [1], "more": 2}
    assert promised([output]) == ([], (output, None, 1, 1.0))


def test_an_output_that_breaks_its_contract_fails_the_attempt() -> None:
    """Which says where and why, and is tried again like any failure."""
    errors, (output, failure, attempts, _) = promised([[1], {"at": 1}, None])
    assert errors[0] == "contract broken: the output must be an object, not an array"
    assert errors[1] == "contract broken: missing required field `rows`"
    assert errors[2] == "contract broken: the output must be an object, not null"
    assert (output, attempts) == (None, 3)
    assert failure is not None
    assert failure.types[:2] == ("ContractBroken", "ValueError")
    assert (failure.message, failure.place, failure.is_permanent) == (errors[2], None, False)


def test_an_attempt_that_keeps_the_contract_makes_up_for_others() -> None:
    """As one that succeeds always does."""
    errors, (output, failure, attempts, _) = promised([1, {"rows": 2}])
    assert len(errors) == 1
    assert (output, failure, attempts) == ({"rows": 2}, None, 2)


@pytest.mark.parametrize(
    ("retry_on", "attempts"),
    [
        (("ContractBroken",), 3),
        (("ValueError",), 3),
        (("OSError",), 1),
        ((), 1),
        (None, 3),
    ],
)
def test_whether_a_broken_contract_is_worth_another_attempt_can_be_said(
    retry_on: tuple[str, ...] | None, attempts: int
) -> None:
    """By its name, or that of what it is."""
    errors, outcome = promised([1, 1, 1], retry_on=retry_on)
    assert (len(errors), outcome[2]) == (attempts, attempts)


def test_what_an_action_raises_goes_before_the_contract() -> None:
    """There is no output then. Nor has a step that is not tried any."""
    given: Task = (7, "action", "x", RetryPolicy(), True, None, CONTRACT)
    _, (_, failure, _, _) = finish(run_step(given, runner(raising([OSError("down")]))))
    assert failure is not None
    assert failure.message == "down"
    idle: Task = (7, "action", None, RetryPolicy(), True, "no data", CONTRACT)
    assert tried(idle, runner(raising([]))) == (None, Failure("no data"), 0, 1.0)
