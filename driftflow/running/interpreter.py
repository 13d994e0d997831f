"""The meaning of a plan: which steps are tried, together or one by one, and when the run ends.

Opens nothing, prints nothing, reads no clock: what it needs is passed in.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from driftflow.errors import message_of
from driftflow.planning.references import thaw
from driftflow.reading.document import Json, fresh
from driftflow.running.events import (
    RunFinished,
    RunStarted,
    StepDiscarded,
    StepFinished,
    StepResult,
    StepStarted,
)

# A step that is ready to be tried, wherever that will be: the name of its action, what that is
# handed, how often it may be tried, whether its failure lets the run go on, and why it cannot be
# tried if it cannot; then it may be tried 0 times.
Task: TypeAlias = tuple[str, Json, int, bool, str | None]
# What came of it: the fields of a `StepResult` but for the name. Both are plain data, which can
# travel, and plain tuples, since there is one of each for each step.
Outcome: TypeAlias = tuple[bool, Json, str | None, int, float]

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
    from driftflow.running.events import Event, Halt, Resumed, Status

    Perform: TypeAlias = Callable[[str, Json], Json]
    Clock: TypeAlias = Callable[[], float]
    Pause: TypeAlias = Callable[[int], object]
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

# What comes of a step that was not tried, since an interrupt came first.
INTERRUPTED: Outcome = (False, None, "interrupted", 0, 0.0)

# A named tuple's own constructor is a Python function, and takes twice as long.
_new = tuple.__new__


class Interrupted(KeyboardInterrupt):
    """An interrupt in the middle of a step.

    Attributes:
        outcome: What came of the step until then.
    """

    def __init__(self, attempts: int, seconds: float) -> None:
        ok, output, error, *_ = INTERRUPTED
        self.outcome: Outcome = (ok, output, error, attempts, seconds)


def interpret(  # noqa: C901, PLR0912 - one loop, in which a step takes as little as it can
    plan: Plan, crew: Crew, clock: Clock, resumed: Resumed | None = None
) -> Generator[Event, Halt | None, None]:
    """Run the plan, one event at a time: nothing happens until the next one is asked for.

    Once it was sent `stop` there is no `RunFinished`. After that of a run that was interrupted it
    raises KeyboardInterrupt.

    Args:
        plan: What to do.
        crew: What works through the waves: `in_turn`, or several at a time.
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


def in_turn(perform: Perform, clock: Clock, pause: Pause) -> Crew:
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
                outcome = settle(task(step), perform, clock, pause)
            except KeyboardInterrupt as interrupt:
                yield interrupt.outcome if isinstance(interrupt, Interrupted) else INTERRUPTED
                raise
            if (yield outcome) or (not outcome[0] and ends_run(optional=step.optional)):
                return False
        return True

    return crew


def settle(task: Task, perform: Perform, clock: Clock, pause: Pause) -> Outcome:
    """Try until an attempt succeeds or all that are allowed are used up.

    An interrupt that comes while it is at work ends it well (`signals` knows its name).

    Args:
        task: What to try.
        perform: Makes one attempt.
        clock: Seconds.
        pause: Waits before another attempt, after so many have failed.

    Raises:
        Interrupted: If an attempt raises KeyboardInterrupt, or a wait.
    """
    started = clock()
    action, given, allowed, _, error = task
    used, output = 0, None
    try:
        while used < allowed:
            if used:
                pause(used)
            used += 1
            try:
                # An attempt may change what it is handed: only the last one has the original.
                value = given if type(given) is str or used == allowed else fresh(given)
                output, error = perform(action, value), None
            except KeyboardInterrupt:  # the user's wish, not the action's
                raise
            except BaseException as exception:  # noqa: BLE001 - what an action raises becomes data
                error = message_of(exception) or type(exception).__name__
            else:
                break
        return error is None, output, error, used, clock() - started
    except KeyboardInterrupt:
        raise Interrupted(used, clock() - started) from None


def allowed_attempts(step: Step, max_attempts: int) -> int:
    """How often the step may be tried: an optional step once, always."""
    return 1 if step.optional else max_attempts


def ends_run(*, optional: bool) -> bool:
    """Whether no step runs after one that failed: if it is not optional."""
    return not optional


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
