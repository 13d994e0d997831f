"""A run that takes up an earlier one: what that has done stands among what is done now.

The interpreter is told which steps to leave out. Here their results are put back in their places,
so that who reads the events sees one whole run, in run order.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from driftflow.running.attempts import ends_run
from driftflow.running.events import RunStarted, StepFinished

if TYPE_CHECKING:
    from collections.abc import Generator

    from driftflow.planning.plan import Plan
    from driftflow.running.events import Event, Halt, Resumed


def merge_kept(
    events: Generator[Event, Halt | None, None], plan: Plan, resumed: Resumed
) -> Generator[Event, Halt | None, None]:
    """Yield the events of a run with those of the steps that an earlier run has done.

    Nothing of them stands behind a step that ends the run. What is sent is handed on.

    Args:
        events: What happens now: `interpret`, which leaves these steps out.
        plan: What to do.
        resumed: The earlier run.
    """
    steps, kept = plan.steps.tolist(), resumed.results
    with closing(events):
        next(events)
        halt = yield RunStarted(plan, resumed)
        index, is_over = 0, False  # of the first step that has no result yet
        while True:
            while index in kept and not is_over:
                halt = (yield StepFinished(index, steps[index], kept[index])) or halt
                index += 1
            try:
                event = events.send(halt)
            except StopIteration:
                return
            halt = yield event
            if isinstance(event, StepFinished):
                index = event.step_index + 1
                is_over = not event.result.ok and ends_run(optional=event.step.optional)
