"""Which step may start next, and how far a run gets.

A step may start when all that it comes after is done, and when its wave is open. With the flag
`parallel` a wave is the steps of one urgency; without it, each step is a wave of its own. A wave is
opened when the one before it is done.

A failure that ends the run ends what stands behind it in the run order: steps before it are still
begun, since a run of one step after the other would have come to them. With `keep_going` it ends
only what comes after it in the graph.

Steps are known by their index in the run order. Pure: nothing here performs a step.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from driftflow.planning.graph import find_successors
from driftflow.running.attempts import ends_run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from driftflow.planning.plan import Step


class Reach:
    """How far a run gets: what its failures end.

    Args:
        steps: The steps in run order.
        keep_going: Whether a failure ends only what comes after it in the graph.

    Attributes:
        end: The first step whose failure ends the run; infinity while there is none.
        not_run: With `keep_going`, the steps that are not run, since they come after a failure.
    """

    def __init__(self, steps: Sequence[Step], *, keep_going: bool) -> None:
        self.end: float = math.inf
        self.not_run: set[int] = set()
        self._steps = steps
        self._keep_going = keep_going
        self._successors: dict[int, list[int]] | None = None

    def fail(self, index: int) -> set[int]:
        """Take note of a failure that ends the run; return the steps that it keeps from running."""
        if not self._keep_going:
            self.end = min(self.end, index)
            return set()
        if self._successors is None:  # most runs never need them
            edges = {number: step.before for number, step in enumerate(self._steps) if step.before}
            self._successors = find_successors(edges)
        ended: set[int] = set()
        reached = [index]
        while reached:
            for other in self._successors.get(reached.pop(), ()):
                if other not in self.not_run:
                    self.not_run.add(other)
                    ended.add(other)
                    reached.append(other)
        return ended


class Foregone(Protocol):
    """Steps that are done without being tried.

    Attributes:
        possible: The steps that may be done so.
    """

    possible: Collection[int]

    def __contains__(self, index: int, /) -> bool:
        """Return whether a step is, when its turn has come."""


class Turns(Protocol):
    """Steps whose turn comes."""

    def take(self) -> int | None:
        """Return the step to start now; None while there is none, or no other."""


class Schedule(Turns, Protocol):
    """The steps that are still to be run.

    Attributes:
        steps: All steps, in run order.
        reach: How far the run gets.
    """

    steps: Sequence[Step]
    reach: Reach

    def take_foregone(self) -> int | None:
        """Return a step whose turn it is, and that is done without being tried; None for none."""

    def finish(self, index: int, /) -> None:
        """Take note that a step is done, and that what comes after it may go on."""

    def fail(self, index: int) -> Collection[int]:
        """Take note that a step has failed; return the steps that are not run because of it."""

    def is_complete(self) -> bool:
        """Return whether all is done that was to be done."""

    def find_discarded(self) -> tuple[int, ...]:
        """Return the steps that are done and do not count: those behind the end of the run."""


class InTurn:
    """One step after the other, in run order: see `Schedule`.

    A step is taken only when no other is begun.

    Args:
        steps: The steps in run order.
        foregone: The steps that are done without being tried; None for none. They take their turn,
            and are done at once.
        keep_going: Whether a failure ends only what comes after it in the graph.
    """

    def __init__(
        self, steps: Sequence[Step], foregone: Foregone | None, *, keep_going: bool
    ) -> None:
        self.steps = steps
        self.reach = Reach(steps, keep_going=keep_going)
        self._foregone: Foregone | tuple[()] = () if foregone is None else foregone
        self._next = 0  # the step whose turn it is
        self._is_begun = False  # whether the one before it is not done
        # At which steps `take` has to think; the end, too.
        self._odd = {len(steps), *(foregone.possible if foregone else ())}

    def take(self) -> int | None:
        """Return the step to start now; None if there is none."""
        if self._next in self._odd and (self._find_next() in self._foregone or self._is_over()):
            return None
        index = self._next
        self._next = index + 1
        self._is_begun = True
        return index

    def take_foregone(self) -> int | None:
        """Return a step whose turn it is, and that is done without being tried; None for none."""
        if self._is_begun:
            return None
        index = self._find_next()
        if index in self._foregone:
            self._next += 1
            return index
        if not self._is_over():
            self._odd.discard(index)  # it was asked for
        return None

    def finish(self, _index: int, /) -> None:
        """Take note that a step is done, and that what comes after it may go on."""
        self._is_begun = False

    def fail(self, index: int) -> Collection[int]:
        """Take note that a step has failed; return the steps that are not run because of it."""
        self.finish(index)
        if not ends_run(optional=self.steps[index].optional):
            return ()
        not_run = self.reach.fail(index)
        self._odd |= not_run
        if self.reach.end < math.inf:
            self._next = len(self.steps)
        return not_run

    def is_complete(self) -> bool:
        """Return whether all is done that was to be done."""
        self._find_next()
        return self._is_over() and not self._is_begun

    def _find_next(self) -> int:
        """Return the step whose turn it is, behind those that are not run."""
        while self._next in self.reach.not_run:
            self._next += 1
        return self._next

    def _is_over(self) -> bool:
        return self._next == len(self.steps)

    def find_discarded(self) -> tuple[int, ...]:
        """Return the steps that are done and do not count: none."""
        return ()
