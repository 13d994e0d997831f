"""How many tiny steps are sent together, and that no others are."""

from __future__ import annotations

import pytest

from driftflow.parallel.pace import Pace


def room(pace: Pace, action: str = "act") -> int:
    """How many steps with that action can be sent together."""
    number = 0
    while pace.can_add(action, number):
        number += 1
    return number


def learned(*seconds: float) -> Pace:
    """What is known when steps took so long, one after the other."""
    pace = Pace()
    for each in seconds:
        pace.learn("act", each)
    return pace


def test_of_a_step_that_nobody_knows_none_is_sent_ahead() -> None:
    """It may take an hour. What is known of another action says nothing of it."""
    assert room(Pace()) == 0
    assert room(learned(0.0), "other") == 0


@pytest.mark.parametrize("seconds", [0.0011, 0.5, 3600.0])
def test_only_tiny_steps_are_sent_together(seconds: float) -> None:
    """Others go to a worker that has nothing else to do, however many are known."""
    assert room(learned(*[seconds] * 100)) == 0
    assert room(learned(*[0.001] * 100)) == 20


def test_no_more_are_sent_than_what_is_known_of_them_allows() -> None:
    """Four times as many as are done: a first guess may be wrong."""
    assert [room(learned(*[0.0] * number)) for number in (1, 2, 5, 20)] == [4, 8, 20, 80]


@pytest.mark.parametrize(("seconds", "number"), [(0.001, 20), (2**-10, 21), (2**-11, 41)])
def test_as_many_are_sent_as_take_a_fiftieth_of_a_second(seconds: float, number: int) -> None:
    """By what they took before: to the step."""
    assert room(learned(*[seconds] * 1000)) == number


def test_never_more_than_a_thousand_are_sent_together() -> None:
    """Though they take no time at all."""
    assert room(learned(*[0.0] * 10_000)) == 1000
    assert room(learned(*[1e-12] * 10_000)) == 1000


def test_a_slow_step_is_remembered_for_a_while() -> None:
    """The next ones of its action may be slow, too. But once may be chance."""
    tiny = [0.0001] * 100
    assert room(learned(*tiny)) == 200
    assert room(learned(*tiny, 0.002)) == 0
    assert room(learned(*tiny, 0.002, *tiny[:3])) == 0
    assert room(learned(*tiny, 0.002, *tiny[:4])) == 25
    assert room(learned(*tiny, 0.002, *tiny)) == 200


def test_what_took_longer_counts_more() -> None:
    """The last step is no better guess than the slowest of late."""
    assert room(learned(*[0.0001] * 100, 0.0005, 0.0001)) == 50
    assert room(learned(*[0.0005] * 100, 0.0009)) == 23


def test_an_action_can_be_forgotten() -> None:
    """Then its steps are sent one by one again, until more is known; others are not concerned."""
    pace = learned(*[0.0] * 100)
    pace.learn("other", 0.0)
    pace.forget("act")
    pace.forget("nobody")
    assert room(pace) == 0
    assert room(pace, "other") == 4
    pace.learn("act", 0.0)
    assert room(pace) == 4
