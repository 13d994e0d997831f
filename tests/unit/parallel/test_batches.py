"""How many steps a batch has, and what is sent again. See also `test_crew.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftflow.parallel.batches import Batcher, next_size

if TYPE_CHECKING:
    from driftflow.parallel.batches import Batch
    from driftflow.running.attempts import Outcome


def outcomes(number: int, seconds: float) -> list[Outcome]:
    """What came of so many steps, each of which took so long."""
    return [(True, "x", None, 1, seconds)] * number


def batch(*indices: int) -> Batch:
    """Steps with these indices."""
    return [(index, ("echo", index, 1, False, None)) for index in indices]


@pytest.mark.parametrize(
    ("size", "number", "seconds", "following"),
    [
        (1, 1, 0.0001, 4),  # at most four times as many as the last batch had
        (4, 4, 0.0001, 16),
        (64, 64, 2**-11, 40),  # as many as take a fiftieth of a second
        (64, 64, 0.03, 1),  # but one at least
        (1, 1, 0.05, 1),
        (1000, 1000, 0.0, 1000),  # and a thousand at most
        (256, 2, 0.0, 256),  # a batch that was cut short makes none smaller by itself
        (7, 0, 0.0, 7),
    ],
)
def test_a_batch_grows_to_what_takes_a_fiftieth_of_a_second(
    size: int, number: int, seconds: float, following: int
) -> None:
    """By what the steps of the last one took."""
    assert next_size(size, outcomes(number, seconds)) == following


def test_the_first_batch_has_one_step() -> None:
    """Nobody knows yet how long a step takes; then it learns."""
    batcher = Batcher()
    assert batcher.size == 1
    batcher.learn(outcomes(1, 0.0001))
    assert batcher.size == 4


def test_what_is_sent_again_comes_in_run_order_a_batch_at_a_time() -> None:
    """Whatever came back first; each step once."""
    batcher = Batcher()
    batcher.learn(outcomes(1, 0.0))
    batcher.send_again(batch(7, 8, 9))
    batcher.send_again(batch(1, 2))
    batcher.send_again([])
    taken = [batcher.take_again(end=10) for _ in range(3)]
    assert taken == [batch(1, 2, 7, 8), batch(9), []]


def test_nothing_behind_the_end_of_the_run_is_sent_again() -> None:
    """Not even if there is a later end afterwards: it is dropped."""
    batcher = Batcher()
    batcher.learn(outcomes(1, 0.0))
    batcher.send_again(batch(3, 4, 5))
    assert batcher.take_again(end=4) == batch(3)
    batcher.send_again(batch(1, 4))
    assert batcher.take_again(end=4) == batch(1)


def test_what_was_lost_together_is_sent_one_by_one() -> None:
    """Until batches are seen to come back again."""
    batcher = Batcher()
    batcher.learn(outcomes(64, 0.0))
    batcher.send_one_by_one(batch(1, 2, 3))
    assert batcher.take_again(end=10) == batch(1)
    batcher.learn(outcomes(1, 0.0))
    assert batcher.take_again(end=10) == batch(2, 3)
