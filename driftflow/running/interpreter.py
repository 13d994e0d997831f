"""The meaning of a plan: which steps are tried, together or one by one, and when the run ends.

Opens nothing, prints nothing, reads no clock: what it needs is passed in.

A step that reads a failed one is not tried: its error says so, and its attempts are 0, since an
attempt is something that the action has seen. An output is let go of when its last reader is done.
The two rules about optional steps, `allowed_attempts` and `ends_run`, stand in `attempts`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from driftflow.planning.references import thaw
from driftflow.running.attempts import (
    INTERRUPTED,
    Interrupted,
    LateInterrupt,
    allowed_attempts,
    ends_run,
    run_step,
)
from driftflow.running.events import (
    RunFinished,
    RunStarted,
    StepDiscarded,
    StepFinished,
    StepResult,
    StepStarted,
)

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from driftflow.planning.plan import Plan, Step
    from driftflow.reading.document import Json
    from driftflow.running.attempts import Clock, Outcome, Pause, Perform, Task
    from driftflow.running.events import Event, Halt, Status

    # A crew works through waves of steps. It makes the task of a step when it is ready for it. It
    # yields None when it is about to start the next step, and the outcome of each; both in run
    # order. What it is sent is meant for the run: see `Halt`. After an outcome that ends the run it
    # starts no step, yields the outcomes of those that have started, and returns. So it does after
    # an interrupt, be it sent or raised by a step, and then raises KeyboardInterrupt, or
    # LateInterrupt if that has ended no step. It returns whether the run could go on.
    Crew: TypeAlias = Callable[
        [Iterable[Sequence[Step]], Callable[[Step], Task]],
        Generator[Outcome | None, Halt | None, bool],
    ]

# A named tuple's own constructor is a Python function, and takes twice as long.
_new = tuple.__new__


def interpret(
    plan: Plan, crew: Crew, clock: Clock, kept: Mapping[int, StepResult] | None = None
) -> Generator[Event, Halt | None, None]:
    """Run the plan, one event at a time: nothing happens until the next one is asked for.

    After `stop` was sent there is no `RunFinished`. A run that was interrupted has one, and then
    raises KeyboardInterrupt.

    Args:
        plan: What to do.
        crew: What works through the waves: `sequential`, or several steps at a time.
        clock: Seconds from any fixed point, never backwards.
        kept: By index, the results of steps that are left out, since an earlier run has done them.
            Steps that read them get their outputs.

    Raises:
        KeyboardInterrupt: If the run was interrupted, by what was sent or by an action.
    """
    started = clock()
    kept = kept or {}
    status: Status = "ok"
    is_over = False  # a step has failed that ends the run
    interrupt: KeyboardInterrupt | None = None
    indexes, steps = _steps_left(plan, kept)
    to_begin = zip(indexes, steps, strict=True)
    to_finish = zip(indexes, steps, strict=True)
    readers, outputs = _count_readers(plan, steps, kept)
    halt = yield RunStarted(plan)
    with closing(crew(waves(plan, kept), _task_maker(plan.max_attempts, outputs))) as work:
        begins = not halt
        while begins:
            try:
                outcome = work.send(halt)
            except StopIteration:
                break
            except KeyboardInterrupt as raised:
                interrupt = raised
                break
            if outcome is None:
                halt = yield _new(StepStarted, next(to_begin))
                continue
            index, step = next(to_finish)
            ok, output, error, attempts, seconds = outcome
            result = _new(StepResult, (step.name, ok, output, error, attempts, seconds, False))
            if is_over:
                halt = yield StepDiscarded(index, step, result)
                continue
            if readers:
                _keep_output(step, result, outputs, readers)
            halt = yield _new(StepFinished, (index, step, result))
            if not ok:
                status, is_over = "failed", ends_run(optional=step.optional)
    is_left = not is_over and next(to_finish, None) is not None
    if is_left or (interrupt and not isinstance(interrupt, LateInterrupt)):
        status = "interrupted"
    if halt != "stop":
        yield from _finish(status, clock() - started, interrupt)


def _finish(
    status: Status, seconds: float, interrupt: KeyboardInterrupt | None
) -> Iterator[RunFinished]:
    """Yield the end of the run; then raise KeyboardInterrupt if there was an interrupt."""
    yield RunFinished(status, seconds)
    if interrupt or status == "interrupted":
        raise KeyboardInterrupt


def _steps_left(plan: Plan, kept: Collection[int]) -> tuple[Sequence[int], Sequence[Step]]:
    """Return the steps that are not kept, in run order, with their indexes."""
    steps = plan.steps.tolist()
    if not kept:
        return range(len(steps)), steps
    indexes = [index for index in range(len(steps)) if index not in kept]
    return indexes, [steps[index] for index in indexes]


def _count_readers(
    plan: Plan, steps: Iterable[Step], kept: Mapping[int, StepResult]
) -> tuple[dict[str, int], dict[str, Json]]:
    """Return how often each step is still to be read, by name, and the outputs that are there."""
    readers = Counter(name for step in steps for name in step.reads) if plan.read else {}
    return readers, {each.name: each.output for each in kept.values() if each.name in readers}


def waves(plan: Plan, kept: Collection[int] = ()) -> Iterator[Sequence[Step]]:
    """Return the steps in run order, in groups of those that may be tried at the same time.

    With the flag `parallel` on: those of one urgency of which none comes after another. Else each
    step is a wave of its own.

    Args:
        plan: What to do.
        kept: The indexes of steps to leave out: nobody has to wait for them.
    """
    indexes, steps = _steps_left(plan, kept)
    is_parallel = plan.flags.is_enabled("parallel")
    return _together(indexes, steps) if is_parallel else zip(steps, strict=True)


def _together(indexes: Iterable[int], steps: Iterable[Step]) -> Iterator[Sequence[Step]]:
    """Yield the steps in waves of one urgency, in which none comes after another."""
    wave: list[Step] = []
    members: set[int] = set()
    for index, step in zip(indexes, steps, strict=True):
        if wave and (step.urgency != wave[0].urgency or not members.isdisjoint(step.before)):
            yield wave
            wave, members = [], set()
        wave.append(step)
        members.add(index)
    if wave:
        yield wave


def sequential(perform: Perform, clock: Clock, pause: Pause) -> Crew:
    """Return the crew that runs one step after the other, here and now.

    Args:
        perform: Makes one attempt: takes an action's name and an input that it may change; returns
            the output, which nothing else may change, or raises.
        clock: Seconds.
        pause: Waits before another attempt, after so many have failed.
    """

    def crew(
        waves: Iterable[Sequence[Step]], task: Callable[[Step], Task]
    ) -> Generator[Outcome | None, Halt | None, bool]:
        for step in chain.from_iterable(waves):
            if halt := (yield None):
                if halt == "interrupt":
                    yield INTERRUPTED
                    raise KeyboardInterrupt
                return False
            try:
                outcome = run_step(task(step), perform, clock, pause)
            except KeyboardInterrupt as interrupt:
                yield interrupt.outcome if isinstance(interrupt, Interrupted) else INTERRUPTED
                raise
            ok, _, _, _, _ = outcome
            if (yield outcome) or (not ok and ends_run(optional=step.optional)):
                return False
        return True

    return crew


def _task_maker(max_attempts: int, outputs: Mapping[str, Json]) -> Callable[[Step], Task]:
    """Return what makes the task of a step; without the outputs that it reads it is not tried."""
    allowed = {flag: allowed_attempts(max_attempts, optional=flag) for flag in (False, True)}

    def task(step: Step) -> Task:
        _, action, given, _, optional, reads, *_ = step
        if reads and (missing := _first_missing(reads, outputs)) is not None:
            return action, None, 0, optional, f"input from {missing!r}, which failed"
        value = given if type(given) is str else thaw(given, outputs)
        return action, value, allowed[optional], optional, None

    return task


def _first_missing(names: Iterable[str], outputs: Mapping[str, Json]) -> str | None:
    for name in names:
        if name not in outputs:
            return name
    return None


def _keep_output(
    step: Step, result: StepResult, outputs: dict[str, Json], readers: dict[str, int]
) -> None:
    """Keep an output while there are steps that are still to read it, and no longer."""
    if result.ok and step.name in readers:
        outputs[step.name] = result.output
    for name in step.reads:
        left = readers[name] = readers[name] - 1
        if not left:
            outputs.pop(name, None)
