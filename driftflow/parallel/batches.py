"""Batches of steps for any `concurrent.futures.Executor`, and what comes of them.

A step that is not tiny (`pace`) is a batch by itself. What comes of a batch comes together, when it
is done; unless the executor's threads are of this process: these tell of failed attempts at once.

What becomes of a batch:

    done      What came of its steps is told.
    returned  The worker had no time for the last ones: they are sent again, before any other step.
    lost      The executor lost it, with the worker for instance. Nobody knows which step was to
              blame, so none is charged, and all are sent again, a step at a time. A step that is
              lost alone has used an attempt; it fails when that was the last one.

What an executor raises is an outcome. One that is broken for good fails the steps, in its own
words: to go on without it would be a second path, and might end the run itself.

Of an executor only `submit` is used, and of its futures `result` and `add_done_callback`: that is
what all have alike. On Dask `cancel` returns True while the work goes on, and `map` is not cut into
batches; `shutdown` differs.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import closing
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from driftflow.errors import WorkerLost, message_of
from driftflow.failures import Failure, describe
from driftflow.parallel.pace import Pace
from driftflow.parallel.replies import Replies
from driftflow.running.attempts import UNKNOWN, FailedAttempt, may_try_again

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from driftflow.parallel.worker import BatchResult
    from driftflow.running.attempts import Outcome, Task
    from driftflow.running.interpreter import Said

    Submit: TypeAlias = Callable[[list[Task]], Future[BatchResult]]


class Batches:
    """Steps that are sent to an executor in batches: see `crew.Workers`.

    Args:
        submit: Sends tasks to a worker, which does `worker.run_batch` with them.
        jobs: How many batches may be under way at the same time.
    """

    def __init__(self, submit: Submit, jobs: int) -> None:
        self.is_interrupted = False
        self._submit = submit
        self._jobs = jobs
        self._pace = Pace()
        self._next: list[Task] = []  # the batch that is being made
        self._again: list[Task] = []  # what is to be sent again
        self._alone: set[int] = set()  # of these, what is to be sent by itself
        self._losses: dict[int, int] = {}  # how often a step was lost by itself
        self._sent: set[int] = set()  # the steps whose outcomes are not told
        self._batches: dict[Future[BatchResult], list[Task]] = {}
        self._replies: Replies[Future[BatchResult]] = Replies()

    @property
    def under_way(self) -> int:
        """Return how many steps are sent and not done."""
        return len(self._sent)

    def has_room(self, action: str) -> bool:
        """Return whether a step with that action can be sent now."""
        if self._again:
            return False
        if self._next and self._pace.can_add(action, len(self._next)):
            return True
        self.flush()
        return len(self._batches) < self._jobs

    def send(self, task: Task) -> None:
        """Send a step, perhaps together with those that follow."""
        self._next.append(task)
        index, action, *_ = task
        self._sent.add(index)
        if not self._pace.can_add(action, len(self._next)):
            self.flush()

    def flush(self) -> None:
        """Send the batch that is being made, and what has to be sent again."""
        if self._next:
            self._send(self._next)
            self._next = []
        while self._again and len(self._batches) < self._jobs:
            batch = [self._again.pop(0)]
            while self._again and self._may_follow(self._again[0], batch):
                batch.append(self._again.pop(0))
            self._alone.difference_update(index for index, *_ in batch)
            self._send(batch)

    def _may_follow(self, task: Task, batch: list[Task]) -> bool:
        """Return whether what has to be sent again can be sent together with that."""
        index, action, *_ = task
        first, *_ = batch[0]
        is_alone = index in self._alone or first in self._alone
        return not is_alone and self._pace.can_add(action, len(batch))

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
                        yield self._count_losses(reply)
                elif (tasks := self._batches.pop(reply, None)) is not None:
                    yield from [*self._take(reply, tasks)]  # whether anybody listens or not

    def recall(self, end: float) -> list[int]:
        """Take back the steps behind `end` that are not with a worker; return their indexes."""
        waiting = [index for index, *_ in (*self._again, *self._next)]
        indexes = sorted(index for index in waiting if index > end)
        self._again = [task for task in self._again if task[0] <= end]
        self._next = [task for task in self._next if task[0] <= end]
        self._sent.difference_update(indexes)
        return indexes

    def give_up(self) -> list[int]:
        """Forget the steps that are under way; return their indexes."""
        indexes = sorted(self._sent)
        self._sent.clear()
        self._batches.clear()
        return indexes

    def close(self) -> None:
        """Let nobody wait for a failure to be told."""
        self._replies.close()

    def report(self, failed: FailedAttempt) -> bool:
        """Tell of an attempt that failed in this process: see `Replies.report`."""
        return self._replies.report(failed)

    def _send(self, batch: list[Task]) -> None:
        try:
            future = self._submit(batch)
        except Exception as error:  # noqa: BLE001 - an executor that takes nothing any more
            future = Future()
            future.set_exception(error)
        self._batches[future] = batch
        future.add_done_callback(self._replies.put)

    def _take(self, future: Future[BatchResult], tasks: list[Task]) -> Iterator[Said]:
        """Tell what came of a batch, and keep what of it has to be sent again."""
        try:
            result = future.result()
        except KeyboardInterrupt:
            self.is_interrupted = True
            for task in tasks:
                yield self._finish(task, UNKNOWN)
        except BaseException as error:  # noqa: BLE001 - whatever became of the executor
            yield from self._lose(tasks, error)
        else:
            outcomes = result["outcomes"]
            self.is_interrupted = self.is_interrupted or result["interrupted"]
            self._send_again(tasks[len(outcomes) :])
            for task, (failures, outcome) in zip(tasks, outcomes, strict=False):
                yield from map(self._count_losses, failures)
                self._learn(task, outcome)
                yield self._finish(task, outcome)

    def _finish(self, task: Task, outcome: Outcome) -> Said:
        index, *_ = task
        output, failure, attempts, seconds = outcome
        self._sent.discard(index)
        return index, (output, failure, attempts + self._losses.get(index, 0), seconds)

    def _learn(self, task: Task, outcome: Outcome) -> None:
        _, action, *_ = task
        _, _, attempts, seconds = outcome
        if attempts:
            self._pace.learn(action, seconds)

    def _count_losses(self, failed: FailedAttempt) -> FailedAttempt:
        lost = self._losses.get(failed.step_index, 0)
        return failed._replace(number=failed.number + lost) if lost else failed

    def _send_again(self, tasks: list[Task]) -> None:
        """Keep steps that have to be sent again, in run order with those that already wait."""
        if tasks:
            self._again = sorted([*self._again, *tasks], key=itemgetter(0))

    def _lose(self, tasks: list[Task], error: BaseException) -> Iterator[Said]:
        """Send the steps again that the executor lost; one that was alone has used an attempt."""
        if len(tasks) > 1:
            self._alone.update(index for index, *_ in tasks)
            self._send_again(tasks)
            return
        (task,) = tasks
        index, action, given, policy, ends_run, fault, returns = task
        self._pace.forget(action)
        if fault is not None:
            yield self._finish(task, (None, Failure(fault), 0, 0.0))
            return
        said = message_of(error)
        name = type(error).__name__
        failure = describe(WorkerLost(f"lost by the executor: {name}{said and f': {said}'}"))
        number = self._losses.get(index, 0) + 1
        if policy.max_attempts > 1 and may_try_again(failure, policy.retry_on):
            yield FailedAttempt(index, number, failure, 0.0)
            self._losses[index] = number
            left = policy._replace(max_attempts=policy.max_attempts - 1)
            self._send_again([(index, action, given, left, ends_run, fault, returns)])
        else:
            yield FailedAttempt(index, number, failure, None)
            yield self._finish(task, (None, failure, 1, 0.0))
