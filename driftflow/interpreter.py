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

# A named tuple's own constructor is a Python function, and takes twice as long.
_new = tuple.__new__


def interpret(plan: Plan, perform: Perform, clock: Clock) -> Iterator[Event]:
    """Run the plan, one event at a time: nothing happens until the next one is asked for.

    Args:
        plan: What to do.
        perform: Makes one attempt at a step; gives its output, or raises.
        clock: Seconds from any fixed point, never backwards.
    """
    started = clock()
    ok = True
    max_attempts = plan.max_attempts
    yield RunStarted(plan)
    for place, step in enumerate(plan.steps.tolist()):
        yield _new(StepStarted, (place, step))
        result = settle(step, max_attempts, perform, clock)
        yield _new(StepFinished, (place, step, result))
        if not result.ok:
            ok = False
            if ends_run(step):
                break
    yield RunFinished("ok" if ok else "failed", clock() - started)


def settle(step: Step, max_attempts: int, perform: Perform, clock: Clock) -> StepResult:
    """Try the step until an attempt succeeds or all that it is allowed are used up."""
    started = clock()
    used, output, error = 0, None, None
    while not used or (error is not None and used < allowed_attempts(step, max_attempts)):
        used += 1
        try:
            output, error = perform(step), None
        except Exception as exception:  # noqa: BLE001 - here what an action raises becomes data
            error = str(exception) or type(exception).__name__
    return _new(StepResult, (step.name, error is None, output, error, used, clock() - started))


def allowed_attempts(step: Step, max_attempts: int) -> int:
    """How often the step may be tried: an optional step once, always."""
    return 1 if step.optional else max_attempts


def ends_run(step: Step) -> bool:
    """Whether no step runs after this one if it fails: it is not optional."""
    return not step.optional
