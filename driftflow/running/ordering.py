"""What happened, put into run order: for whom it shall not depend on who was done first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from driftflow.running.attempts import ends_run
from driftflow.running.events import (
    RunFinished,
    RunResult,
    RunStarted,
    StepFinished,
    StepSkipped,
)
from driftflow.running.schedule import Reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from driftflow.planning.plan import Plan
    from driftflow.running.events import Event, StepDone


class RunOrder:
    """Hands on what came of steps in run order, each as soon as all before it are done.

    What stands behind the step that ended the run is not handed on: it does not count.

    Args:
        plan: What is done.
        show: Takes what came of a step, when it is its turn.
        keep_going: Whether a failure ends only what comes after it in the graph.
    """

    def __init__(
        self, plan: Plan, show: Callable[[StepDone], object], *, keep_going: bool = False
    ) -> None:
        self._show = show
        self._reach = Reach(plan.steps.tolist(), keep_going=keep_going)
        self._next: float = 0  # the step whose turn it is; infinity behind the end of the run
        self._held: dict[float, StepDone] = {}  # by index, what has to wait for its turn

    def take(self, event: StepDone) -> None:
        """Hand on what came of a step, with all that waited for it; or let it wait."""
        index, _, result = event
        if index != self._next:
            self._held[index] = event
        elif result.ok and not self._held and not self._reach.not_run:  # as most are
            self._next = index + 1
            self._show(event)
        else:
            self._hand_on(event)
            while held := self._held.pop(self._next, None):
                self._hand_on(held)

    def close(self) -> list[StepDone]:
        """Hand on what still waits though something before it was never done, up to the end.

        Returns:
            What does not count.
        """
        for index in sorted(self._held):
            if self._next < math.inf:
                self._hand_on(self._held.pop(index))
        return [self._held[index] for index in sorted(self._held)]

    def _hand_on(self, event: StepDone) -> None:
        self._show(event)
        index, step, result = event
        if not result.ok and ends_run(optional=step.optional):
            self._reach.fail(index)
        self._next = index + 1 if self._reach.end == math.inf else math.inf
        while self._next in self._reach.not_run:
            self._next += 1


class RunFold:
    """Computes what has been done of a plan from the events of its run.

    Args:
        plan: What is done.
        keep_going: Whether a failure ends only what comes after it in the graph.

    Attributes:
        shown: What came of steps, in run order, as far as it counts.
    """

    def __init__(self, plan: Plan, *, keep_going: bool = False) -> None:
        self._run = RunResult(plan, not_run=() if keep_going else None)
        self.shown: list[StepDone] = []
        self._order = RunOrder(plan, self.shown.append, keep_going=keep_going)

    def take(self, event: Event) -> None:
        """Take note of one more event."""
        match event:
            case StepFinished() | StepSkipped():
                self._order.take(event)
            case RunStarted():
                self._run = self._run._replace(resumed=event.resumed, run_id=event.run_id)
            case RunFinished():
                self._run = self._run._replace(
                    status=event.status, duration_seconds=event.duration_seconds
                )
                if self._run.not_run is not None:
                    self._run = self._run._replace(not_run=event.not_run)

    def finish(self) -> RunResult:
        """Return what has been done. No other event can be taken then."""
        discarded = self._order.close()
        return self._run._replace(
            results=[event.result for event in self.shown],
            discarded=[event.result for event in discarded if was_in_vain(event)],
        )


def was_in_vain(event: StepDone) -> bool:
    """Return whether something was done for a result that does not count."""
    return event.result.attempts > 0 and not event.result.reused


def fold_run(plan: Plan, events: Iterable[Event], *, keep_going: bool = False) -> RunResult:
    """Return what has been done of a plan when all events of its run were taken.

    Args:
        plan: What was to be done.
        events: What happens.
        keep_going: Whether a failure ends only what comes after it in the graph.
    """
    fold = RunFold(plan, keep_going=keep_going)
    for event in events:
        fold.take(event)
    return fold.finish()
