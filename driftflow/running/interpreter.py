"""The meaning of a plan: which steps are tried, together or one by one, and when the run ends.

Opens nothing, prints nothing, reads no clock: what it needs is passed in.
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
        Container,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from driftflow.planning.plan import Plan, Step
    from driftflow.reading.document import Json
    from driftflow.running.attempts import Clock, Outcome, Pause, Perform, Task
    from driftflow.running.events import Event, Halt, Resumed, Status

    # Works through waves of steps, each when it is ready, as the tasks that it is told they are.
    # Gives None when it is about to start the next step, and the outcomes; both in run order. What
    # it can be sent is for the run: see `Halt`. After an outcome that ends the run it starts none,
    # gives the outcomes of those that it has started, and is done; so it does after an interrupt,
    # be it sent or raised by a step, and then raises KeyboardInterrupt. At last it says whether the
    # run could go on.
    Crew: TypeAlias = Callable[
        [Iterable[Sequence[Step]], Callable[[Step], Task]],
        Generator[Outcome | None, Halt | None, bool],
    ]

# A named tuple's own constructor is a Python function, and takes twice as long.
_new = tuple.__new__


def interpret(  # noqa: C901, PLR0912 - one loop, in which a step takes as little as it can
    plan: Plan, crew: Crew, clock: Clock, resumed: Resumed | None = None
) -> Generator[Event, Halt | None, None]:
    """Run the plan, one event at a time: nothing happens until the next one is asked for.

    Once it was sent `stop` there is no `RunFinished`. After that of a run that was interrupted it
    raises KeyboardInterrupt.

    Args:
        plan: What to do.
        crew: What works through the waves: `sequential`, or several at a time.
        clock: Seconds from any fixed point, never backwards.
        resumed: An earlier run of the plan, which is taken up: what it knows is given at its place,
            and not done again.

    Raises:
        KeyboardInterrupt: If the run was interrupted, by what was sent or by an action.
    """
    started = clock()
    status: Status = "ok"
    over, begun, done = False, 0, 0
    steps = plan.steps.tolist()
    known = resumed.results if resumed else {}
    rest = [step for place, step in enumerate(steps) if place not in known] if known else steps
    waiting = Counter(name for step in rest for name in step.reads) if plan.read else {}
    outputs = {result.name: result.output for result in known.values() if result.name in waiting}
    halt = yield RunStarted(plan, resumed)
    if known:
        begun = _behind(0, known)
        done, halt = yield from _tell(known, steps, 0, halt)
    with closing(crew(waves(plan, known), _tasks(plan.max_attempts, outputs))) as work:
        has_begun = not halt
        while has_begun:
            try:
                outcome = work.send(halt)
            except StopIteration:
                break
            except KeyboardInterrupt:
                status = "interrupted"
                break
            if outcome is None:
                halt = yield _new(StepStarted, (begun, steps[begun]))
                begun = _behind(begun + 1, known) if known else begun + 1
                continue
            step = steps[done]
            ok, output, error, attempts, seconds = outcome
            result = _new(StepResult, (step.name, ok, output, error, attempts, seconds, False))
            if over:
                halt = yield StepDiscarded(done, step, result)
            else:
                if waiting:
                    _hand_over(step, result, outputs, waiting)
                halt = yield _new(StepFinished, (done, step, result))
                if not ok:
                    status, over = "failed", ends_run(optional=step.optional)
            done += 1
            if known and not over:
                done, halt = yield from _tell(known, steps, done, halt)
            elif known:
                done = _behind(done, known)
    if halt == "stop":
        return
    if halt and not over and done < len(steps):
        status = "interrupted"
    yield RunFinished(status, clock() - started)
    if status == "interrupted":
        raise KeyboardInterrupt


def _behind(place: int, known: Container[int]) -> int:
    """The first place from there on of which nothing is known."""
    while place in known:
        place += 1
    return place


def _tell(
    known: Mapping[int, StepResult], steps: Sequence[Step], place: int, halt: Halt | None
) -> Generator[StepFinished, Halt | None, tuple[int, Halt | None]]:
    """What is known from that place on; at last the first place of which nothing is."""
    while place in known:
        halt = (yield StepFinished(place, steps[place], known[place])) or halt
        place += 1
    return place, halt


def waves(plan: Plan, but: Collection[int] = ()) -> Iterator[Sequence[Step]]:
    """The steps in run order, those together that may be tried at the same time.

    With the flag `parallel` on: those of one priority of which none reads another. Else none.

    Args:
        plan: What to do.
        but: The places of steps to leave out: nobody has to wait for them.
    """
    steps = plan.steps.tolist()
    if but:
        steps = [step for place, step in enumerate(steps) if place not in but]
    return _together(steps) if plan.flags.is_enabled("parallel") else zip(steps, strict=True)


def _together(steps: Iterable[Step]) -> Iterator[Sequence[Step]]:
    wave: list[Step] = []
    names: set[str] = set()
    for step in steps:
        if wave and (step.priority != wave[0].priority or not names.isdisjoint(step.reads)):
            yield wave
            wave, names = [], set()
        wave.append(step)
        names.add(step.name)
    if wave:
        yield wave


def sequential(perform: Perform, clock: Clock, pause: Pause) -> Crew:
    """The crew of one, that tries each step here and now; the waves do not matter to it.

    Args:
        perform: Makes one attempt, from an action's name and an input that it may change to the
            output, which nothing else may change; or raises.
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
            if (yield outcome) or (not outcome[0] and ends_run(optional=step.optional)):
                return False
        return True

    return crew


def _tasks(max_attempts: int, outputs: Mapping[str, Json]) -> Callable[[Step], Task]:
    """What makes a task of a step, with what it reads; if that is not there, it is not tried."""

    def task(step: Step) -> Task:
        _, action, given, _, optional, reads, _ = step
        if reads and (missing := _first_missing(step, outputs)) is not None:
            return action, None, 0, optional, f"input from {missing!r}, which failed"
        value = given if type(given) is str else thaw(given, outputs)
        return action, value, allowed_attempts(step, max_attempts), optional, None

    return task


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
