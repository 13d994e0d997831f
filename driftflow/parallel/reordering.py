"""The outcomes of a wave: they come in any order, and are given in run order.

Nothing here knows of threads, futures or clocks, nor of what a result means to a run.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from driftflow.errors import message_of
from driftflow.running.attempts import ends_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from driftflow.parallel.batches import Batch
    from driftflow.running.attempts import Outcome, Task

# How many steps may have been begun whose outcome has not been given.
_MAX_OPEN = 10_000


class ReorderBuffer:
    """Keeps the outcomes of one wave until it is their turn. Steps are known by their index in it.

    Attributes:
        begun: The number of steps that have been begun: the first ones of the wave.
        end: The first index whose outcome ends the run; infinity while there is none.
    """

    def __init__(self) -> None:
        self.begun = 0
        self.end = math.inf
        self._given = 0
        self._outcomes: dict[int, Outcome] = {}  # those that have not been given
        self._losses: dict[int, int] = {}  # how often a step was lost

    def room(self) -> int:
        """Return how many more steps may be begun now."""
        return _MAX_OPEN - (self.begun - self._given)

    def keep(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Keep what came of the first steps of a batch."""
        for (index, task), outcome in zip(batch, outcomes, strict=False):
            ok, output, error, attempts, seconds = outcome
            if index in self._losses:
                attempts += self._losses[index]
                self._outcomes[index] = ok, output, error, attempts, seconds
            else:
                self._outcomes[index] = outcome
            if not ok:
                _, _, _, optional, _ = task
                if ends_run(optional=optional):
                    self.end = min(self.end, index)

    def lose(self, index: int, task: Task, error: BaseException) -> Task | None:
        """Count an attempt at a step that was lost by itself.

        Returns:
            What is left to be tried; None if no attempt is: then the step has failed.
        """
        action, given, allowed, optional, fault = task
        if allowed > 1:
            self._losses[index] = self._losses.get(index, 0) + 1
            return action, given, allowed - 1, optional, fault
        said = message_of(error)
        lost = f"lost by the executor: {type(error).__name__}{said and f': {said}'}"
        self.keep([(index, task)], [(False, None, fault or lost, allowed, 0.0)])
        return None

    def fill(self, indices: Iterable[int], outcome: Outcome) -> None:
        """Keep the same outcome for all these steps, of which nothing else will be known."""
        self._outcomes |= dict.fromkeys(indices, outcome)

    def missing(self) -> list[int]:
        """Return the steps that have been begun and have no outcome."""
        return [index for index in range(self._given, self.begun) if index not in self._outcomes]

    def ready(self) -> Iterator[Outcome]:
        """Yield the outcomes whose turn it is, each once."""
        while self._given in self._outcomes:
            yield self._outcomes.pop(self._given)
            self._given += 1
