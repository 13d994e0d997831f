"""The crew that works on many steps at once, on threads or on any executor.

It is a generator, as `interpreter.Crew` says. It takes steps from the schedule, sends them to the
workers, and gives what comes back as soon as it comes. The interpreter makes events of it and
decides; it knows nothing of threads, and the crew nothing of results.

The life of a step:

    begun     Its index is given, so its start is on record before it is tried; then its task is
              made. One that cannot be tried takes its turn like any other.
    sent      It is with the workers. As many are sent as these have room for: see `Workers`.
    here      A step that is ready alone, with none under way, is tried in the thread of the run:
              nothing could start before it is done. So a chain of steps needs no workers.
    done      What came of it is given, after each attempt that failed.

What an end of the run means to a step that is

    ==============  =============  ==================  ======================
    the end         about to be    sent, and not       under way
                    begun          begun by a worker
    ==============  =============  ==================  ======================
    a failure       begun, if it   "not tried", if it  waited for
                    stands before  stands behind
    `stop`          not begun      waited for          waited for
    an interrupt    "interrupted"  "interrupted"       told to end, waited
                                                       for by `GracePeriod`
    a second one    no outcome     no outcome          no outcome, left alone
    being closed    not begun      no outcome          told to end, waited
                                                       for; no outcome
    ==============  =============  ==================  ======================

A failure here is one that ends the run. Peers too stop at it to start steps, and let those that run
come to their end (make -j, doit -n, Argo). A run one step at a time would not have tried what
stands behind: so the interpreter says that it does not count. `stop` is sent when the audit fails.
An interrupt is sent, or comes while the crew waits, or from a step on a worker; at last the crew
raises KeyboardInterrupt, or LateInterrupt.
"""

from __future__ import annotations

import math
from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from driftflow.running.attempts import (
    INTERRUPTED,
    NOT_TRIED,
    UNKNOWN,
    FailedAttempt,
    LateInterrupt,
)
from driftflow.running.interrupts import GRACE, interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from driftflow.running.attempts import Outcome, Task
    from driftflow.running.events import Halt
    from driftflow.running.interpreter import Crew, Said
    from driftflow.running.waves import InWaves

# How often what is under way is told to end, once there was an interrupt: something may have begun
# just after it was told. Seconds.
_REMINDER = 0.1


class Workers(Protocol):
    """What tries steps at the same time.

    Attributes:
        is_interrupted: Whether a step asked for an interrupt.
    """

    is_interrupted: bool

    @property
    def under_way(self) -> int:
        """Return how many steps are sent and not done."""

    def has_room(self, action: str) -> bool:
        """Return whether a step with that action can be sent now."""

    def send(self, task: Task) -> None:
        """Send a step; it may wait for `flush`."""

    def flush(self) -> None:
        """Send what waits."""

    def has_replies(self) -> bool:
        """Return whether there are replies."""

    def await_replies(self, seconds: float) -> None:
        """Wait until there are replies, for so long at most."""

    def take_replies(self) -> Generator[Said, None, None]:
        """Yield the replies that there are: attempts that failed, and what came of steps."""

    def recall(self, end: float) -> list[int]:
        """Take back the steps behind `end` that no worker has begun; return their indexes."""

    def give_up(self) -> list[int]:
        """Forget the steps that are under way; return their indexes."""

    def close(self) -> None:
        """Let the workers go; wait for none."""


class GracePeriod:
    """The time that what is under way has to come to its end after an interrupt.

    Args:
        enders: Each is called to tell what is under way to end soon.
    """

    def __init__(self, enders: Iterable[Callable[[], None]]) -> None:
        self._enders = enders
        self._until = math.inf

    def begin(self, now: float) -> None:
        """Tell what is under way to end, and let the time begin, in seconds."""
        self._until = now + GRACE
        self.tell_to_end()

    def is_over(self, now: float) -> bool:
        """Return whether the time is over; it is not if it has not begun."""
        return now >= self._until

    def remind(self) -> None:
        """Tell what is under way again to end, if the time has begun."""
        if self._until < math.inf:
            self.tell_to_end()

    def tell_to_end(self) -> None:
        """Tell what is under way to end soon: it is not wanted any more."""
        for end in self._enders:
            end()


class ConcurrentCrew:
    """The crew that has several steps tried at the same time: see `interpreter.Crew`.

    Args:
        workers: What tries them.
        enders: Each is called to tell what is under way to end soon.
        alone: The crew for a step that is ready alone; None if it is to be sent like any other.
    """

    def __init__(
        self,
        workers: Workers,
        enders: Iterable[Callable[[], None]],
        alone: Crew | None,
    ) -> None:
        self._workers = workers
        self._alone = alone
        self._grace = GracePeriod(enders)
        self._halt: Halt | None = None
        self._is_cut = False  # whether an interrupt has ended a step
        self._failed: dict[int, int] = {}  # by step, how many attempts have failed

    def __call__(
        self, schedule: InWaves, task: Callable[[int], Task]
    ) -> Generator[Said, Halt | None, Halt | None]:
        """Work through the schedule."""
        workers = self._workers
        try:
            yield from self._begin_steps(schedule, task)
            while workers.under_way and self._wait():
                with closing(workers.take_replies()) as replies:
                    for said in replies:
                        if isinstance(said, FailedAttempt):
                            self._failed[said.step_index] = said.number
                        if halt := (yield said):
                            self._heed(halt)
                if workers.is_interrupted:
                    self._is_cut = True
                    self._heed("interrupt")
                if self._halt != "interrupt":
                    yield from self._take_back(schedule.reach.end, NOT_TRIED)
                yield from self._begin_steps(schedule, task)
            for index in workers.give_up():
                self._is_cut = True
                yield from self._say_end(index, UNKNOWN)
            if self._halt == "interrupt":
                raise KeyboardInterrupt if self._is_cut else LateInterrupt
            return self._halt
        finally:
            if self._halt != "interrupt":  # after one they had their time
                self._end_all()

    def _begin_steps(
        self, schedule: InWaves, task: Callable[[int], Task]
    ) -> Generator[Said, Halt | None, None]:
        """Begin as many steps as there is room for."""
        workers, steps = self._workers, schedule.steps
        alone = _Alone(schedule, workers)
        while not self._is_halted() and (index := schedule.peek()) is not None:
            if self._alone and not workers.under_way and alone.is_ready():
                self._halt = yield from self._alone(alone, task)
                continue
            if not workers.has_room(steps[index].action):
                break
            schedule.take()
            if halt := (yield index):
                self._heed(halt)
            if not self._is_halted():
                workers.send(task(index))
            elif self._halt == "interrupt":
                self._is_cut = True
                yield from self._say_end(index, INTERRUPTED)
        if self._halt == "interrupt":
            yield from self._take_back(-1, INTERRUPTED)
        workers.flush()

    def _is_halted(self) -> bool:
        return self._halt is not None

    def _take_back(self, end: float, outcome: Outcome) -> Generator[Said, Halt | None, None]:
        """Take back the steps behind `end` that no worker has begun; nothing else comes of them."""
        if end == math.inf:
            return
        for index in self._workers.recall(end):
            self._is_cut = self._is_cut or outcome is INTERRUPTED
            yield from self._say_end(index, outcome)

    def _say_end(self, index: int, outcome: Outcome) -> Generator[Said, Halt | None, None]:
        """Say what came of a step that will not be done; attempts that have failed count."""
        output, failure, attempts, seconds = outcome
        attempts += self._failed.get(index, 0)
        if halt := (yield index, (output, failure, attempts, seconds)):
            self._heed(halt)

    def _heed(self, halt: Halt) -> None:
        """Take note of what the run was sent. Nothing comes after an interrupt."""
        if self._halt == "interrupt":
            return
        self._halt = halt
        if halt == "interrupt":
            self._grace.begin(monotonic())

    def _wait(self) -> bool:
        """Wait for replies, for a while.

        Returns:
            Whether to go on with what is under way: after an interrupt not for long.
        """
        try:
            self._await_replies()
        except KeyboardInterrupt:
            if self._halt == "interrupt":
                raise
            self._heed("interrupt")
        self._grace.remind()
        return self._workers.has_replies() or not self._grace.is_over(monotonic())

    @interruptible
    def _await_replies(self) -> None:
        """Wait for replies. Python handles a signal that came just before only after the wait."""
        self._workers.await_replies(_REMINDER)

    def _end_all(self) -> None:
        """Wait until nothing is under way: if the run is being closed, what is has to end."""
        workers = self._workers
        workers.recall(-1)
        if workers.under_way:
            self._grace.tell_to_end()
        while workers.under_way:
            workers.await_replies(_REMINDER)
            for _ in workers.take_replies():
                pass
            workers.recall(-1)  # what has come back undone


class _Alone:
    """The part of a schedule that is done in the thread of the run, for `sequential`.

    That is where a single step is ready; and all of it, if the system lets no worker start.
    """

    def __init__(self, schedule: InWaves, workers: Workers) -> None:
        self._schedule = schedule
        self._workers = workers

    def is_ready(self) -> bool:
        """Return whether the next step is one of them; no other must be under way."""
        index = self._schedule.peek()
        if index is None:
            return False
        action = self._schedule.steps[index].action
        return self._schedule.is_single() or not self._workers.has_room(action)

    def take(self) -> int | None:
        """Return the step to start now; None if there is none."""
        return self._schedule.take() if self.is_ready() else None
