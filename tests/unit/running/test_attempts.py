"""How long to wait between attempts."""

from __future__ import annotations

import math
from typing import Any

import pytest

from driftflow.planning.settings import Backoff
from driftflow.running.attempts import backoff_delay, make_pause, never, random_fraction
from driftflow.schemas.published import load_schema


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
