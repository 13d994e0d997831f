"""The attempts at a step, and how long to wait between them."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from driftflow.planning.settings import Backoff
from driftflow.running.attempts import (
    Interrupted,
    allowed_attempts,
    backoff_delay,
    ends_run,
    make_pause,
    never,
    random_fraction,
    run_step,
)
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from driftflow.reading.document import Json
    from driftflow.running.attempts import Clock, Task


def ticking() -> Clock:
    """A clock that moves on by a second each time it is read."""
    return count(100.0).__next__


def at_once(_: int) -> None:
    """No wait."""


def task(attempts: int) -> Task:
    """Something to try so many times."""
    return "action", "input", attempts, False, None


@pytest.mark.parametrize(("failures", "attempts"), [(0, 1), (1, 2), (2, 3), (3, 3)])
def test_a_step_is_tried_until_an_attempt_succeeds(failures: int, attempts: int) -> None:
    """As often as it may be."""
    tried: list[str] = []

    def perform(action: str, value: Json) -> Json:
        tried.append(action)
        if len(tried) <= failures:
            raise OSError
        return [action, value]

    outcome = run_step(task(3), perform, ticking(), at_once)
    came = (True, ["action", "input"], None) if failures < 3 else (False, None, "OSError")
    assert outcome == (*came, attempts, 1.0)
    assert tried == ["action"] * attempts


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

    def perform(_: str, __: Json) -> Json:
        raise error

    result = run_step(task(2), perform, ticking(), at_once)
    assert result == (False, None, message, 2, 1.0)


@pytest.mark.parametrize("place", ["attempt", "wait"])
def test_an_interrupt_is_no_failure_of_a_step(place: str) -> None:
    """It goes through, and knows what came of the step until then."""
    tried = []

    def perform(_: str, __: Json) -> Json:
        tried.append(place)
        raise KeyboardInterrupt if len(tried) == 2 else LookupError

    def pause(_: int) -> None:
        if place == "wait":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        run_step(task(3), perform, ticking(), pause)
    attempts = 2 if place == "attempt" else 1
    assert caught.value.outcome == (False, None, "interrupted", attempts, 1.0)


class UnspeakableError(Exception):
    """An exception that cannot even say what is wrong."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("exception", "message"),
    [
        (SystemExit("over"), "over"),
        (SystemExit(), "SystemExit"),
        (GeneratorExit(), "GeneratorExit"),
        (UnspeakableError(), "UnspeakableError"),
    ],
)
def test_whatever_an_action_raises_fails_the_attempt(
    exception: BaseException, message: str
) -> None:
    """Also what would end the process, and what has no message that can be had."""

    def perform(_: str, __: Json) -> Json:
        raise exception

    result = run_step(task(2), perform, ticking(), at_once)
    assert result == (False, None, message, 2, 1.0)


def test_the_last_error_counts() -> None:
    """Of several attempts."""
    errors = iter([OSError("first"), OSError("second")])

    def perform(_: str, __: Json) -> Json:
        raise next(errors)

    assert run_step(task(2), perform, ticking(), at_once)[2] == "second"


@pytest.mark.parametrize(("optional", "attempts", "ends"), [(False, 3, True), (True, 1, False)])
def test_the_two_rules_about_optional_steps(*, optional: bool, attempts: int, ends: bool) -> None:
    """Each is one predicate; the second is about a step that failed."""
    assert allowed_attempts(3, optional=optional) == attempts
    assert ends_run(optional=optional) is ends


def test_a_pause_comes_before_each_further_attempt() -> None:
    """Told how many have failed."""
    waited: list[int] = []

    def perform(_: str, __: Json) -> Json:
        raise OSError

    run_step(task(3), perform, ticking(), waited.append)
    assert waited == [1, 2]
    run_step(task(1), perform, ticking(), waited.append)
    assert waited == [1, 2]


def test_a_task_that_cannot_be_tried_is_not() -> None:
    """Its fault is its error."""

    def perform(_: str, __: Json) -> Json:
        raise AssertionError

    outcome = run_step(("a", None, 0, False, "no data"), perform, ticking(), at_once)
    assert outcome == (False, None, "no data", 0, 1.0)


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_each_attempt_has_what_the_step_was_handed(attempts: int) -> None:
    """Whatever an earlier one has made of that; the last one has no need of a copy."""
    given: Json = {"rows": [[1]]}
    seen: list[str] = []
    handed: list[object] = []

    def perform(_: str, value: Json) -> Json:
        seen.append(str(value))
        handed.append(value)
        assert isinstance(value, dict)
        assert isinstance(value["rows"], list)
        assert isinstance(value["rows"][0], list)
        value["rows"][0].append(2)
        value["more"] = 1
        raise OSError

    run_step(("a", given, attempts, False, None), perform, ticking(), at_once)
    assert seen == ["{'rows': [[1]]}"] * attempts
    assert [value is given for value in handed] == [False] * (attempts - 1) + [True]


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


@pytest.mark.parametrize(("backoff", "slept"), [(None, []), (Backoff(jitter=False), [1, 2, 4])])
def test_a_pause_sleeps_only_with_a_backoff(backoff: Backoff | None, slept: list[float]) -> None:
    """Once for each failed attempt."""
    noted: list[float] = []
    pause = make_pause(backoff, noted.append, never)
    for failures in (1, 2, 3):
        pause(failures)
    assert noted == slept


@pytest.mark.parametrize("backoff", [None, Backoff(jitter=False)])
def test_a_pause_that_nobody_wants_the_end_of_is_an_interrupt(backoff: Backoff | None) -> None:
    """Whether that is known before or after it."""
    noted: list[float] = []
    with pytest.raises(KeyboardInterrupt):
        make_pause(backoff, noted.append, lambda: True)(1)
    assert noted == []
    with pytest.raises(KeyboardInterrupt):
        make_pause(backoff, noted.append, lambda: backoff is None or bool(noted))(1)
    assert noted == ([1] if backoff else [])


def test_chance_is_a_number_from_0_to_1() -> None:
    """Not always the same."""
    numbers = {random_fraction() for _ in range(100)}
    assert len(numbers) > 90
    assert all(0 <= number < 1 and math.isfinite(number) for number in numbers)
