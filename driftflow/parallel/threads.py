"""Threads of the run: each takes steps from a queue, as soon as it is free.

A thread is started when a step is sent for which none is free, so a workflow that is a chain has
none. A step waits in the queue only if it is tiny (`pace`): then whichever thread is free first
takes it. What comes of it is told at once. A thread that has failed at an attempt waits until that
is on record, and then for the next attempt.
"""

from __future__ import annotations

from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from threading import Thread, main_thread
from typing import TYPE_CHECKING, TypeAlias

from driftflow.parallel.pace import Pace
from driftflow.parallel.processes import this_thread
from driftflow.parallel.replies import Replies
from driftflow.parallel.worker import BatchRunner, try_step
from driftflow.running.attempts import FailedAttempt

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from driftflow.running.attempts import AttemptRunner, Outcome, Task
    from driftflow.running.interpreter import Said

    # A step, what came of it, and whether an interrupt has ended it.
    Result: TypeAlias = tuple[Task, Outcome, bool]

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
        self._replies: Replies[Result] = Replies()

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
        self._replies.wait(seconds)

    def take_replies(self) -> Generator[Said, None, None]:
        """Yield the replies that there are: attempts that failed, and what came of steps."""
        with closing(self._replies.take()) as replies:
            for reply in replies:
                if isinstance(reply, FailedAttempt):
                    if reply.step_index in self._sent:
                        yield reply
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
        for _ in range(self._number):
            self._tasks.put(None)
        self._replies.close()

    def _serve(self) -> None:
        this_thread.run = self._run
        runner = BatchRunner(self._runner, self._is_over, self._replies.report)
        while True:
            try:
                task = self._tasks.get(timeout=_IDLE)
            except Empty:
                if main_thread().is_alive():
                    continue
                return  # a run that nobody has closed
            if task is None:
                return
            _, outcome, is_cut = try_step(task, runner)
            self._replies.put((task, outcome, is_cut))
