"""The meaning of a plan: which steps are tried, how often, and when the run ends.

Opens nothing, prints nothing, reads no clock: what it needs is passed in.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from driftflow.errors import message_of
from driftflow.events import RunFinished, RunStarted, StepFinished, StepResult, StepStarted
from driftflow.references import thaw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from driftflow.document import Json
    from driftflow.events import Event
    from driftflow.plan import Plan, Step

    Perform: TypeAlias = Callable[[str, Json], Json]
    Clock: TypeAlias = Callable[[], float]

# A named tuple's own constructor is a Python function, and takes twice as long.
_new = tuple.__new__


def interpret(plan: Plan, perform: Perform, clock: Clock) -> Iterator[Event]:
    """Run the plan, one event at a time: nothing happens until the next one is asked for.

    Args:
        plan: What to do.
        perform: Makes one attempt, from an action's name and an input that it may change to the
            output, which nothing else may change; or raises.
        clock: Seconds from any fixed point, never backwards.
    """
    started = clock()
    ok = True
    max_attempts = plan.max_attempts
    steps = plan.steps.tolist()
    outputs: dict[str, Json] = {}
    waiting = Counter(name for step in steps for name in step.reads) if plan.read else {}
    yield RunStarted(plan)
    for place, step in enumerate(steps):
        yield _new(StepStarted, (place, step))
        result = settle(step, max_attempts, perform, clock, outputs)
        if waiting:
            _hand_over(step, result, outputs, waiting)
        yield _new(StepFinished, (place, step, result))
        if not result.ok:
            ok = False
            if ends_run(step):
                break
    yield RunFinished("ok" if ok else "failed", clock() - started)


def settle(
    step: Step,
    max_attempts: int,
    perform: Perform,
    clock: Clock,
    outputs: Mapping[str, Json],
) -> StepResult:
    """Try the step until an attempt succeeds or all that it is allowed are used up.

    Args:
        step: What to try. If it reads from a step that has no output, it is not tried at all.
        max_attempts: How often, unless it is optional.
        perform: Makes one attempt.
        clock: Seconds.
        outputs: By the name of the step, what others may read.
    """
    started = clock()
    if step.reads and (missing := _first_missing(step, outputs)) is not None:
        fault = f"input from {missing!r}, which failed"
        return _new(StepResult, (step.name, False, None, fault, 0, clock() - started))
    used, output, error = 0, None, None
    given = step.input
    while not used or (error is not None and used < allowed_attempts(step, max_attempts)):
        used += 1
        try:
            value = given if type(given) is str else thaw(given, outputs)
            output, error = perform(step.action, value), None
        except KeyboardInterrupt:  # the user's wish, not the action's
            raise
        except BaseException as exception:  # noqa: BLE001 - here what an action raises becomes data
            error = message_of(exception) or type(exception).__name__
    return _new(StepResult, (step.name, error is None, output, error, used, clock() - started))


def allowed_attempts(step: Step, max_attempts: int) -> int:
    """How often the step may be tried: an optional step once, always."""
    return 1 if step.optional else max_attempts


def ends_run(step: Step) -> bool:
    """Whether no step runs after this one if it fails: it is not optional."""
    return not step.optional


def _first_missing(step: Step, outputs: Mapping[str, Json]) -> str | None:
    for name in step.reads:
        if name not in outputs:
            return name
    return None


def _hand_over(
    step: Step, result: StepResult, outputs: dict[str, Json], waiting: dict[str, int]
) -> None:
    """Keep an output while there are readers that wait for it, and no longer."""
    if result.ok and step.name in waiting:
        outputs[step.name] = result.output
    for name in step.reads:
        left = waiting[name] = waiting[name] - 1
        if not left:
            outputs.pop(name, None)
