"""Outcomes come in any order and are given in run order. See also `test_crew.py`."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from driftflow.parallel.reordering import ReorderBuffer

if TYPE_CHECKING:
    from driftflow.running.attempts import Outcome, Task

GONE = OSError("worker gone")


def begun(number: int) -> ReorderBuffer:
    """A buffer of a wave of which so many steps have been begun."""
    buffer = ReorderBuffer()
    buffer.begun = number
    return buffer


def task(index: int, *, attempts: int = 1, optional: bool = False) -> Task:
    """The step with that index."""
    return "echo", index, attempts, optional, None


def good(index: int, attempts: int = 1) -> Outcome:
    """What comes of it."""
    return True, index, None, attempts, 1.0


def keep(buffer: ReorderBuffer, *indices: int) -> None:
    """Let these steps have been done well, in one batch."""
    buffer.keep([(index, task(index)) for index in indices], [good(index) for index in indices])


def fail(buffer: ReorderBuffer, index: int, *, optional: bool = False) -> None:
    """Let a step have failed."""
    buffer.keep([(index, task(index, optional=optional))], [(False, None, "bad", 1, 1.0)])


@pytest.mark.parametrize("seed", range(9))
def test_outcomes_are_given_in_run_order_as_soon_as_they_can_be(seed: int) -> None:
    """Each once; and none before those of all steps before it are there."""
    coming = random.Random(seed).sample(range(20), 20)  # noqa: S311 - the same each time
    buffer = begun(20)
    given: list[Outcome] = []
    for number, index in enumerate(coming, 1):
        keep(buffer, index)
        given.extend(buffer.ready())
        kept = sorted(coming[:number])
        together = next((i for i, (a, b) in enumerate(pairwise([-1, *kept])) if b > a + 1), number)
        assert given == [good(index) for index in range(together)]


def test_of_a_batch_that_was_cut_short_the_first_outcomes_are_kept() -> None:
    """The others come later."""
    buffer = begun(3)
    buffer.keep([(index, task(index)) for index in range(3)], [good(0), good(1)])
    assert list(buffer.ready()) == [good(0), good(1)]
    assert buffer.missing() == [2]


def test_the_first_failure_in_run_order_is_the_end_of_the_run() -> None:
    """Whichever came first; an optional one is none."""
    buffer = begun(9)
    assert buffer.end == math.inf
    fail(buffer, 1, optional=True)
    keep(buffer, 0)
    assert buffer.end == math.inf
    fail(buffer, 5)
    assert buffer.end == 5
    fail(buffer, 3)
    fail(buffer, 7)
    assert buffer.end == 3


def test_a_step_that_was_lost_has_used_an_attempt() -> None:
    """What is left of it says so, and its outcome; the other steps are not charged."""
    buffer = begun(2)
    left = buffer.lose(0, task(0, attempts=3), GONE)
    assert left == task(0, attempts=2)
    left = buffer.lose(0, left, GONE)
    assert left == task(0, attempts=1)
    buffer.keep([(0, left), (1, task(1))], [good(0), good(1)])
    assert list(buffer.ready()) == [good(0, attempts=3), good(1)]


def test_a_step_that_is_lost_at_its_last_attempt_has_failed() -> None:
    """In the executor's words, or with its own fault if it could not be tried at all."""
    buffer = begun(3)
    assert buffer.lose(0, task(0, attempts=2), GONE) == task(0)
    assert buffer.lose(0, task(0), GONE) is None
    assert buffer.end == 0
    assert buffer.lose(1, ("echo", None, 0, True, "input from 'z'"), GONE) is None
    assert buffer.lose(2, task(2), MemoryError()) is None
    assert list(buffer.ready()) == [
        (False, None, "lost by the executor: OSError: worker gone", 2, 0.0),
        (False, None, "input from 'z'", 0, 0.0),
        (False, None, "lost by the executor: MemoryError", 1, 0.0),
    ]


def test_what_nothing_is_known_of_can_be_filled() -> None:
    """With one outcome for all; it ends nothing, and is in its turn."""
    buffer = begun(4)
    keep(buffer, 0, 2)
    assert list(buffer.ready()) == [good(0)]
    assert buffer.missing() == [1, 3]
    unknown: Outcome = (False, None, "not known", 0, 0.0)
    buffer.fill(buffer.missing(), unknown)
    assert list(buffer.ready()) == [unknown, good(2), unknown]
    assert buffer.end == math.inf
    assert buffer.missing() == []


def test_there_is_room_for_ten_thousand_steps_that_are_open() -> None:
    """A step is open from its beginning until its outcome is given."""
    buffer = begun(0)
    assert buffer.room() == 10_000
    buffer.begun = 9_998
    keep(buffer, 1)
    assert list(buffer.ready()) == []
    assert buffer.room() == 2
    keep(buffer, 0)
    assert len(list(buffer.ready())) == 2
    assert buffer.room() == 4
