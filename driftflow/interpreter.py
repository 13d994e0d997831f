"""The meaning of a plan: which steps are tried, how often, and when the run ends.

Opens nothing, prints nothing, reads no clock: what it needs is passed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from driftflow.events import RunFinished, RunStarted, StepFinished, StepResult, StepStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftflow.document import Json
    from driftflow.events import Event
    from driftflow.plan import Plan, Step

    Perform: TypeAlias = Callable[[Step], Json]
    Clock: TypeAlias = Callable[[], float]


def interpret(plan: Plan, perform: Perform, clock: Clock) -> Iterator[Event]:
    """Run the plan, one event at a time: nothing happens until the next one is asked for.

    Args:
        plan: What to do.
        perform: Makes one attempt at a step; gives its output, or raises.
        clock: Seconds from any fixed point, never backwards.
    """
    started = clock()
    ok = True
    yield RunStarted(plan)
    for place, step in enumerate(plan.steps):
        yield StepStarted(place, step)
        result = settle(step, allowed_attempts(step, plan.max_attempts), perform, clock)
        ok = ok and result.ok
        yield StepFinished(place, step, result)
        if ends_run(step, result):
            break
    yield RunFinished("ok" if ok else "failed", clock() - started)


def settle(step: Step, attempts: int, perform: Perform, clock: Clock) -> StepResult:
    """Try the step until an attempt succeeds or all of them, at least one, are used up."""
    started = clock()
    used = 1
    output, error = _attempt(step, perform)
    while error is not None and used < attempts:
        used += 1
        output, error = _attempt(step, perform)
    return StepResult(step.name, error is None, output, error, used, clock() - started)


def _attempt(step: Step, perform: Perform) -> tuple[Json, str | None]:
    """The output and no error, or no output and the error: here it becomes data."""
    try:
        return perform(step), None
    except Exception as exception:  # noqa: BLE001 - whatever an action raises fails the attempt
        return None, str(exception) or type(exception).__name__


def allowed_attempts(step: Step, max_attempts: int) -> int:
    """How often the step may be tried: an optional step once, always."""
    return 1 if step.optional else max_attempts


def ends_run(step: Step, result: StepResult) -> bool:
    """Whether no step runs after this one: it failed, and it was not optional."""
    return not (result.ok or step.optional)
