"""How many steps are sent to a worker together: the size of batches, and what is sent again.

A future costs 50 µs in threads and 2 ms on Dask, a tiny step 2 µs. So steps are sent in batches: of
one step first, then of as many as should take a fiftieth of a second, by what the last batch took.
joblib sizes its batches by the same idea. A wrong guess does no harm: a worker gives back what it
has not begun after `worker.BUDGET`.

Nothing here knows of threads, futures or clocks.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftflow.running.attempts import Outcome, Task

    Batch: TypeAlias = list[tuple[int, Task]]  # each task with its index in the wave

# How long a batch should take: much longer than to send it anywhere. Seconds.
_TARGET = 0.02
_MAX_STEPS = 1000
# How many times as many steps as the last batch had the next one has at most.
_GROWTH = 4


class Batcher:
    """Says how many steps the next batch has, and keeps what has to be sent again.

    Attributes:
        size: The number of steps that the next batch should have.
    """

    def __init__(self) -> None:
        self.size = 1
        self._again: Batch = []

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Adjust the size to what came of a batch."""
        self.size = next_size(self.size, outcomes)

    def send_again(self, batch: Batch) -> None:
        """Keep steps that have to be sent again, in run order with those that already wait."""
        if batch:
            self._again = sorted([*self._again, *batch], key=itemgetter(0))

    def send_one_by_one(self, batch: Batch) -> None:
        """Keep steps that have to be sent again; the next batch has one step."""
        self.size = 1
        self.send_again(batch)

    def take_again(self, end: float) -> Batch:
        """Return a batch of what has to be sent again; empty if there is nothing.

        Args:
            end: The first index that ends the run. What comes after it is dropped.
        """
        again = [(index, task) for index, task in self._again if index < end]
        self._again = again[self.size :]
        return again[: self.size]


def next_size(size: int, outcomes: Sequence[Outcome]) -> int:
    """Return how many steps the next batch should have.

    Args:
        size: How many the last one should have had.
        outcomes: What came of those that were tried.
    """
    number = len(outcomes)
    taken = sum(seconds for _, _, _, _, seconds in outcomes)
    on_target = int(_TARGET * number / taken) if taken else _MAX_STEPS
    return max(1, min(max(size, _GROWTH * number), on_target, _MAX_STEPS))
