"""Threads of the run: each takes steps from a queue, as soon as it is free.

A thread is started when a step is sent for which none is free, so a workflow that is a chain has
none. A step waits in the queue only if it is tiny (`pace`): then whichever thread is free first
takes it. What comes of it is told at once. A thread that has failed at an attempt waits until that
is on record, and then for the next attempt.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread, main_thread
from typing import TYPE_CHECKING, TypeAlias

from driftflow.parallel.pace import Pace
from driftflow.parallel.processes import this_thread
from driftflow.parallel.worker import finish_step
from driftflow.running.attempts import INTERRUPTED, FailedAttempt, Interrupted, run_step

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from driftflow.running.attempts import AttemptRunner, Outcome, Task
    from driftflow.running.interpreter import Said

    Reply: TypeAlias = tuple[FailedAttempt, Lock] | tuple[Task, Outcome, bool]

# How often an idle thread looks whether the program is about to end. Seconds.
_IDLE = 1.0


class Threads:
    """Threads that try steps: see `crew.Workers`.

    Args:
        run: The run's own text, as `WorkerConfig.run`.
        runner: How attempts are made.
        is_over: Returns whether what is under way is to end soon.
        jobs: How many threads there are at most.
    """

    def __init__(
        self, run: str, runner: AttemptRunner, is_over: Callable[[], bool], jobs: int
    ) -> None:
        self.is_interrupted = False
        self._run = run
        self._runner = runner
        self._is_over = is_over
        self._jobs = jobs
        self._number = 0  # of the threads
        self._pace = Pace()
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._sent: set[int] = set()  # the steps whose outcomes are not told
        # Two, since a signal may come when something was taken from one: a bell can be lost.
        self._replies: deque[Reply] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._is_closed = False

    @property
    def under_way(self) -> int:
        """Return how many steps are sent and not done."""
        return len(self._sent)

    def has_room(self, action: str) -> bool:
        """Return whether a step with that action can be sent now."""
        waiting = len(self._sent) - self._number
        if waiting < 0 or (self._number < self._jobs and self._start_thread()):
            return True
        return self._number > 0 and self._pace.can_add(action, waiting)

    def _start_thread(self) -> bool:
        """Start one more thread; return whether the system allows it."""
        try:
            Thread(target=self._serve, name=f"driftflow-{self._number}").start()
        except RuntimeError:
            self._jobs = self._number
            return False
        self._number += 1
        return True

    def send(self, task: Task) -> None:
        """Send a step."""
        index, *_ = task
        self._sent.add(index)
        self._tasks.put(task)

    def flush(self) -> None:
        """Do nothing: each step is sent at once."""

    def has_replies(self) -> bool:
        """Return whether there are replies."""
        return bool(self._replies)

    def await_replies(self, seconds: float) -> None:
        """Wait until there are replies, for so long at most."""
        try:
            while not self._replies:
                self._bell.get(timeout=seconds)
        except Empty:
            return

    def take_replies(self) -> Generator[Said, None, None]:
        """Yield the replies that there are: attempts that failed, and what came of steps."""
        while self._replies:
            reply = self._replies.popleft()
            if len(reply) == 2:  # noqa: PLR2004 - one that tells of an attempt
                failed, gate = reply
                try:
                    if failed.step_index in self._sent:
                        yield failed
                finally:
                    gate.release()
                continue
            (index, action, *_), outcome, is_cut = reply
            if index in self._sent:
                self._sent.remove(index)
                _, _, attempts, seconds = outcome
                if attempts:
                    self._pace.learn(action, seconds)
                self.is_interrupted = self.is_interrupted or is_cut
                yield index, outcome

    def recall(self, end: float) -> list[int]:
        """Take back the steps behind `end` that no thread has begun; return their indexes."""
        waiting: list[Task] = []
        with suppress(Empty):
            while task := self._tasks.get_nowait():
                waiting.append(task)
        for task in waiting:
            if task[0] <= end:
                self._tasks.put(task)
        indexes = sorted(index for index, *_ in waiting if index > end)
        self._sent.difference_update(indexes)
        return indexes

    def give_up(self) -> list[int]:
        """Forget the steps that are under way; return their indexes."""
        indexes = sorted(self._sent)
        self._sent.clear()
        return indexes

    def close(self) -> None:
        """Let the threads end, each when it is free; wait for none."""
        self._is_closed = True
        for _ in range(self._number):
            self._tasks.put(None)
        for _ in self.take_replies():  # whoever waits for a failure to be told
            pass

    def _serve(self) -> None:
        this_thread.run = self._run
        while True:
            try:
                task = self._tasks.get(timeout=_IDLE)
            except Empty:
                if main_thread().is_alive():
                    continue
                return  # a run that nobody has closed
            if task is None:
                return
            self._reply((task, *self._try(task)))

    def _try(self, task: Task) -> tuple[Outcome, bool]:
        """Try a step; return what came of it, and whether an interrupt has ended it."""
        if self._is_over():
            return INTERRUPTED, True
        try:
            outcome = finish_step(run_step(task, self._runner), self._report)
        except KeyboardInterrupt as interrupt:
            return interrupt.outcome if isinstance(interrupt, Interrupted) else INTERRUPTED, True
        _, failure, attempts, seconds = outcome
        if failure is not None and self._is_over():  # an end was what it failed of, most likely
            return Interrupted(attempts, seconds).outcome, True
        return outcome, False

    def _report(self, failed: FailedAttempt) -> None:
        """Tell of an attempt that failed, and wait until that is on record."""
        gate = Lock()
        gate.acquire()
        self._reply((failed, gate))
        if not self._is_closed:
            gate.acquire()

    def _reply(self, reply: Reply) -> None:
        self._replies.append(reply)
        self._bell.put(None)
