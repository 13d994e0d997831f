"""The meaning of a plan: which steps are tried, together or one by one, and when the run ends.

Opens nothing, prints nothing, reads no clock: what it needs is passed in.

Events are given in the order in which things happen. Which step may start next is the `schedule`'s
business, and who performs it the crew's. A step that reads a failed one is not tried: its error
says so, and its attempts are 0, since an attempt is something that the action has seen. An output
is let go of when its last reader is done.
"""

from __future__ import annotations

import math
from collections import Counter
from contextlib import closing
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from driftflow.planning.values import Facts, UnavailableError, evaluate, find_unavailable
from driftflow.running.attempts import (
    INTERRUPT,
    INTERRUPTED,
    FailedAttempt,
    Interrupted,
    LateInterrupt,
    ends_run,
    never,
    run_step,
)
from driftflow.running.events import (
    AttemptFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepResult,
    StepSkipped,
    StepStarted,
)
from driftflow.running.schedule import InTurn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from driftflow.failures import Failure
    from driftflow.planning.plan import Plan, Step
    from driftflow.reading.document import Json
    from driftflow.resuming.decision import Resumption
    from driftflow.running.attempts import AttemptRunner, Outcome, Task
    from driftflow.running.events import Event, Halt, Status, StepDone
    from driftflow.running.foregone import ForegoneSteps
    from driftflow.running.schedule import Schedule, Turns

    # A crew takes steps from a schedule, `InTurn` or `InWaves`, and makes the task of each. It
    # yields the index of a step that it is about to start, each attempt that failed, and the index
    # of a step that is done with what came of it, as these things happen. What it is sent is meant
    # for the run: see `Halt`. After that it starts no step, yields what comes of those that it has
    # started, and returns the halt, or None. After an interrupt, be it sent or raised by a step, it
    # then raises KeyboardInterrupt, or LateInterrupt if that has ended no step.
    Said: TypeAlias = int | FailedAttempt | tuple[int, Outcome]
    Crew: TypeAlias = Callable[
        [Any, Callable[[int], Task]], Generator[Said, Halt | None, Halt | None]
    ]

# A named tuple's own constructor is a Python function, and takes twice as long.
_new = tuple.__new__


def interpret(  # noqa: PLR0913 - what the options of a run say, by name
    plan: Plan,
    crew: Crew,
    clock: Callable[[], float],
    *,
    in_turn: bool = True,
    resumed: Resumption | None = None,
    keep_going: bool = False,
    find_signal: Callable[[], str | None] = never,
    run_id: str = "",
) -> Generator[Event, Halt | None, None]:
    """Run the plan, one event at a time: nothing happens until the next one is asked for.

    After `stop` was sent there is no `RunFinished`. A run that was interrupted has one, and then
    raises KeyboardInterrupt.

    Args:
        plan: What to do.
        crew: What performs the steps: `sequential`, or several at a time.
        clock: Seconds from any fixed point, never backwards.
        in_turn: Whether the crew takes a step only when no other is begun.
        resumed: What is kept of an earlier run; None for nothing. A step that is kept is not run
            again: it takes its turn with the result that it has, and steps that read it get its
            output.
        keep_going: Whether a failure ends only what comes after it in the graph.
        find_signal: Returns the name of the signal that interrupts the run; None for none.
        run_id: The run's own name, for steps that ask for it.

    Raises:
        KeyboardInterrupt: If the run was interrupted, by what was sent or by an action.
    """
    started = clock()
    run = _Run(plan, run_id, resumed, in_turn=in_turn, keep_going=keep_going)
    steps = run.steps
    finish_step = run.finish_step
    interrupt: KeyboardInterrupt | None = None
    halt = yield RunStarted(plan, resumed, keep_going, run_id)
    halt = yield from run.give_foregone(halt)
    is_stopped = halt == "stop"
    may_begin = halt is None
    with closing(crew(run.schedule, run.make_task)) as work:
        while may_begin:
            try:
                said = work.send(halt)
            except StopIteration:
                break
            except KeyboardInterrupt as raised:
                interrupt = raised
                break
            if isinstance(said, int):
                sent = yield _new(StepStarted, (said, steps[said]))
            elif isinstance(said, FailedAttempt):
                index, attempt, failure, wait = said
                sent = yield AttemptFailed(index, steps[index], attempt, failure, wait)
            else:
                index, outcome = said
                sent = yield finish_step(index, outcome)
                if run.foregone:
                    sent = yield from run.give_foregone(sent or halt)
            if sent is not None:  # it is sent on until the crew has ended
                halt, is_stopped = sent, is_stopped or sent == "stop"
    if is_stopped:
        return
    is_cut = interrupt is not None and not isinstance(interrupt, LateInterrupt)
    finished = run.finish(clock() - started, find_signal(), is_cut=is_cut)
    yield finished
    if interrupt or finished.status == "interrupted":
        raise KeyboardInterrupt


class _Run:
    """How far a run has come, and what its next steps need.

    Args:
        plan: What to do.
        run_id: The run's own name.
        resumed: What is kept of an earlier run; None for nothing.
        in_turn: As `interpret` takes it.
        keep_going: Whether a failure ends only what comes after it in the graph.

    Attributes:
        steps: The steps of the plan.
        schedule: What is still to be done.
        foregone: The steps that are done without being tried; None if there can be none.
    """

    def __init__(
        self,
        plan: Plan,
        run_id: str,
        resumed: Resumption | None,
        *,
        in_turn: bool,
        keep_going: bool,
    ) -> None:
        steps = self.steps = plan.steps.tolist()
        self._kept = None
        if resumed:
            from driftflow.resuming.kept import KeptSteps

            self._kept = KeptSteps(steps, resumed)
        self._skipped: set[str] = set()
        self._keep_going = keep_going
        self._ends_run = {  # by whether a step is optional
            optional: not keep_going and ends_run(optional=optional) for optional in (False, True)
        }
        self._outputs: dict[str, Json] = {}  # by name, those that are still to be read
        self._facts = Facts(self._outputs, self._skipped, {"id": run_id})
        self.foregone = self._find_foregone(plan)
        self._readers = Counter(chain.from_iterable(map(attrgetter("reads"), steps)))
        self._has_failed = False
        self._interrupted: set[int] = set()  # the steps that an interrupt has ended
        self._reused: list[int] = []  # the steps whose results are those of earlier runs
        self.schedule: Schedule
        if in_turn:
            self.schedule = InTurn(steps, self.foregone, keep_going=keep_going)
        else:
            from driftflow.running.waves import InWaves

            together = plan.flags.is_enabled("parallel")
            self.schedule = InWaves(steps, self.foregone, together=together, keep_going=keep_going)

    def _find_foregone(self, plan: Plan) -> ForegoneSteps | None:
        """Return the steps that may be done without being tried; None if there are none."""
        if not plan.has_conditions and self._kept is None:
            return None
        from driftflow.planning.conditions import find_skippable
        from driftflow.running.foregone import ForegoneSteps

        skippable = find_skippable(self.steps) if plan.has_conditions else ()
        return ForegoneSteps(self.steps, skippable, self._kept, self._facts)

    def give_foregone(self, halt: Halt | None) -> Generator[StepDone, Halt | None, Halt | None]:
        """Yield what comes of the steps whose turn it is and that are not tried; not in a halt.

        Args:
            halt: What the run was sent.

        Returns:
            The same, or what it was sent meanwhile.
        """
        foregone = self.foregone
        while foregone and not (halt or self._interrupted):
            index = self.schedule.take_foregone()
            if index is None:
                break
            step, result = self.steps[index], foregone.take(index)
            if result.reused:
                self._reused.append(index)
            if result.skipped is not None:
                self._skipped.add(step.name)
            self._keep_output(step, result)
            self.schedule.finish(index)
            done = StepFinished if result.skipped is None else StepSkipped
            halt = yield done(index, step, result)
        return halt

    def make_task(self, index: int) -> Task:
        """Return the task of a step; without the outputs that it reads it is not tried."""
        # To take a named tuple apart is faster than to ask it for each field.
        _, action, given, _, optional, _, _, _, _, policy, _, _, returns = self.steps[index]
        ends = self._ends_run[optional]
        value: Any = given
        fault = None
        if type(given) is not str:
            try:
                value = evaluate(given, self._facts)
            except UnavailableError:
                missing = find_unavailable(given, self._facts)
                value, fault = None, f"input {missing and missing.reason}"
        if self.foregone:
            fault = self.foregone.find_fault(index) or fault
        return index, action, value, policy, ends, fault, returns

    def finish_step(self, index: int, outcome: Outcome) -> StepFinished:
        """Take note of what came of a step; return it as an event."""
        step = self.steps[index]
        output, failure, attempts, seconds = outcome
        if failure is None:
            more = (False, None, None, None, False, None)
            result = _new(StepResult, (step.name, True, output, None, attempts, seconds, *more))
            lets_go_on = True
        else:
            result = make_failed(step, failure, attempts, seconds)
            lets_go_on = self._note_failure(index, failure)
        if self._kept and self._kept.settle(index, output):
            result = result._replace(fetched=True)
        if self._readers:
            self._keep_output(step, result)
        if lets_go_on:
            self.schedule.finish(index)
        else:
            for other in self.schedule.fail(index):
                self._count_as_read(self.steps[other])
        return _new(StepFinished, (index, step, result))

    def _note_failure(self, index: int, failure: Failure) -> bool:
        """Take note that a step has failed; return whether that ends nothing."""
        self._has_failed = True
        if failure.types != (INTERRUPT,):
            return False
        self._interrupted.add(index)
        return self._keep_going  # what comes after it is left, like all the rest

    def _keep_output(self, step: Step, result: StepResult) -> None:
        """Keep an output while there are steps that are still to read it, and no longer."""
        if result.ok and step.name in self._readers and result.skipped is None:
            self._outputs[step.name] = result.output
        self._count_as_read(step)

    def _count_as_read(self, step: Step) -> None:
        """Let go of the outputs of which this step was the last reader."""
        readers = self._readers
        for name in step.reads:
            left = readers[name] = readers[name] - 1
            if not left:
                self._outputs.pop(name, None)

    def finish(self, seconds: float, signal: str | None, *, is_cut: bool) -> RunFinished:
        """Return the end of the run.

        Args:
            seconds: How long it took.
            signal: The name of the signal that has interrupted it; None for none.
            is_cut: Whether an interrupt has ended a step.
        """
        status: Status = "failed" if self._has_failed else "ok"
        if is_cut or not self.schedule.is_complete():
            status = "interrupted"
        reach = self.schedule.reach
        has_end = reach.end < math.inf and reach.end not in self._interrupted
        stopped_by = self.steps[int(reach.end)].name if has_end else None
        discarded = {*self.schedule.find_discarded()}.difference(self._reused)
        return RunFinished(
            status,
            seconds,
            stopped_by,
            signal,
            discarded=tuple(sorted(discarded)),
            not_run=tuple(sorted(reach.not_run)),
            reused=tuple(sorted([index for index in self._reused if index < reach.end])),
        )


def make_failed(step: Step, failure: Failure, attempts: int, seconds: float) -> StepResult:
    """Return the result of a step that has failed."""
    message, types, place, *_ = failure
    return StepResult(
        step.name,
        ok=False,
        output=None,
        error=message,
        attempts=attempts,
        duration_seconds=seconds,
        error_type=types[0] if types else None,
        place=place,
    )


def sequential(runner: AttemptRunner) -> Crew:
    """Return the crew that runs one step after the other, here and now.

    Args:
        runner: How attempts are made.
    """

    def crew(
        schedule: Turns, task: Callable[[int], Task]
    ) -> Generator[Said, Halt | None, Halt | None]:
        while (index := schedule.take()) is not None:
            if halt := (yield index):
                if halt == "interrupt":
                    yield index, INTERRUPTED
                    raise KeyboardInterrupt
                return halt
            try:
                outcome = yield from run_step(task(index), runner)
            except KeyboardInterrupt as interrupt:
                cut = interrupt.outcome if isinstance(interrupt, Interrupted) else INTERRUPTED
                yield index, cut
                raise
            if halt := (yield index, outcome):
                return halt
        return None

    return crew
