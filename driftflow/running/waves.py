"""The order of a run whose steps may be under way together; see `schedule`, and `InTurn` there."""

from __future__ import annotations

import math
from collections import defaultdict
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from driftflow.running.attempts import ends_run
from driftflow.running.schedule import Reach

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from driftflow.planning.plan import Step
    from driftflow.running.schedule import Foregone


class InWaves:
    """The steps of a wave together, as far as none comes after another: see `Schedule`.

    Args:
        steps: The steps in run order.
        together: Whether a wave is the steps of one urgency; else each step is one.
        foregone: The steps that are done without being tried; None for none. They take their turn,
            and are done at once.
        keep_going: Whether a failure ends only what comes after it in the graph.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        foregone: Foregone | None,
        *,
        together: bool,
        keep_going: bool,
    ) -> None:
        self._together = together
        self.reach = Reach(steps, keep_going=keep_going)
        self.steps = steps
        self._foregone: Foregone | tuple[()] = () if foregone is None else foregone
        self._settled = bytearray(len(steps))  # 1 for a step that is done, or is not to be run
        self._stop = 0  # the first step behind the open wave
        self._left = 0  # how many steps of it are not settled
        self._ready: list[int] = []  # of these, those that wait for nothing more: a heap
        self._ready_foregone: list[int] = []
        self._waiting: dict[int, int] = {}  # for how many others of the wave each one waits
        self._successors: dict[int, list[int]] = {}
        self._open_wave()

    def peek(self) -> int | None:
        """Return the step that `take` would return."""
        ready = self._ready
        return ready[0] if ready and ready[0] <= self.reach.end else None

    def is_single(self) -> bool:
        """Return whether there is just one step to start now."""
        return len(self._ready) == 1

    def take(self) -> int | None:
        """Return the step to start now; None while there is none, or no other."""
        if self._ready and self._ready[0] <= self.reach.end:
            return heappop(self._ready)
        return None

    def take_foregone(self) -> int | None:
        """Return a step whose turn it is, and that is done without being tried; None for none."""
        if self._ready_foregone and self._ready_foregone[0] <= self.reach.end:
            return heappop(self._ready_foregone)
        return None

    def fail(self, index: int) -> Collection[int]:
        """Take note that a step has failed; return the steps that are not run because of it."""
        not_run: Collection[int] = ()
        if ends_run(optional=self.steps[index].optional):
            not_run = self.reach.fail(index)
            for other in not_run:
                self._settle(other)
        self.finish(index)
        return not_run

    def finish(self, index: int) -> None:
        """Take note that a step is done, and that what comes after it may go on."""
        self._settle(index)
        for other in self._successors.get(index, ()):
            self._waiting[other] -= 1
            if not self._waiting[other] and not self._settled[other]:
                self._release(other)
        if not self._left:
            self._open_wave()

    def is_complete(self) -> bool:
        """Return whether all is done that was to be done."""
        end = len(self.steps) if self.reach.end == math.inf else int(self.reach.end) + 1
        return self._settled.find(0, 0, end) < 0

    def find_discarded(self) -> tuple[int, ...]:
        """Return the steps that are done and do not count: those behind the end of the run."""
        if self.reach.end == math.inf:
            return ()
        behind = range(int(self.reach.end) + 1, len(self.steps))
        return tuple(index for index in behind if self._settled[index])

    def _settle(self, index: int) -> None:
        self._settled[index] = 1
        if index < self._stop:
            self._left -= 1

    def _release(self, index: int) -> None:
        heappush(self._ready_foregone if index in self._foregone else self._ready, index)

    def _open_wave(self) -> None:
        """Open the next wave in which there is something to do; none if there is no such."""
        steps = self.steps
        while not self._left and self._stop < min(len(steps), self.reach.end):
            start = self._stop
            self._waiting, self._successors = {}, defaultdict(list)
            for index in range(start, self._find_stop(start)):
                self._stop = index + 1
                if not self._settled[index]:
                    self._left += 1
                    before = [other for other in steps[index].before if other >= start]
                    for other in before:
                        self._successors[other].append(index)
                    if before:
                        self._waiting[index] = len(before)
                    else:
                        self._release(index)

    def _find_stop(self, start: int) -> int:
        """Return the first step behind the wave that begins there."""
        steps, stop = self.steps, start + 1
        while self._together and stop < len(steps) and steps[stop].urgency == steps[start].urgency:
            stop += 1
        return stop
