"""The crew that works on many steps at once, on any `concurrent.futures.Executor`.

It is a generator, as `interpreter.Crew` says: it gives None when it is about to begin a step, and
the outcomes, both in run order. The interpreter makes events of them and decides; it knows nothing
of threads, and the crew nothing of results.

The life of a step:

    begun     Its task is made and None is given, so its start is on record before it is tried. One
              that cannot be tried is a task of 0 attempts, and takes its turn like any other.
    sent      It goes to a worker, in a batch that has as many steps as the `Batcher` says.
    returned  The worker had no time for it: it is sent again, before any other step is begun.
    lost      The executor lost its batch, with the worker for instance. Nobody knows which step was
              to blame, so none is charged, and all are sent again, a step at a time. A step that is
              lost alone has used an attempt; it fails when that was the last one.
    done      Its outcome is in the `ReorderBuffer`, and waits for those of the steps before it.
    given     Its outcome has been given to the interpreter.

What holds at any time:

- A wave is over before the next one is begun.
- At most `jobs` batches are under way, and 10,000 steps are begun whose outcomes are not given.
- What an executor raises is an outcome. One that is broken for good fails the steps, in its own
  words: to go on without it would be a second path, and might end the run itself.
- The crew is not over before its steps are, unless there was an interrupt.

What an end of the run means to a step that is

    ==============  ============  =================  ======================  ======================
    the end         about to be   begun and not      under way               returned or lost
                    begun         sent
    ==============  ============  =================  ======================  ======================
    a failure       not begun     (there is none)    waited for              sent again; "not tried"
                                                                             behind the failure
    `stop`          not begun     no outcome         waited for              sent again
    an interrupt    "interrupted" "interrupted"      told to end, waited     "interrupted"
                                                     for by `GracePeriod`
    a second one    no outcome    no outcome         no outcome, left alone  no outcome
    being closed    not begun     no outcome         told to end, waited     no outcome
                                                     for; no outcome
    ==============  ============  =================  ======================  ======================

A failure here is one that ends the run. Peers too stop at it to start steps, and let those that run
come to their end (make -j, doit -n, Argo). A run one step at a time would not have tried these: so
the interpreter tells them apart from the results, as discarded. `stop` is sent when the audit
fails. An interrupt is sent, or comes while the crew waits, or from a step on a worker; at last the
crew raises KeyboardInterrupt, or LateInterrupt.

Of an executor only `submit` is used, and of its futures `result`, `done` and `add_done_callback`:
that is what all have alike. On Dask `cancel` returns True while the work goes on, and `map` is not
cut into batches; `shutdown` differs.
"""

from __future__ import annotations

import math
from concurrent.futures import Future
from itertools import groupby, islice
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from driftflow.parallel.batches import Batcher
from driftflow.parallel.reordering import ReorderBuffer
from driftflow.running.attempts import INTERRUPTED, UNKNOWN, LateInterrupt
from driftflow.running.interrupts import GRACE, interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from driftflow.parallel.batches import Batch
    from driftflow.parallel.worker import BatchResult
    from driftflow.planning.plan import Step
    from driftflow.running.attempts import Outcome, Task
    from driftflow.running.events import Halt
    from driftflow.running.interpreter import Crew

    Submit: TypeAlias = Callable[[list[Task]], Future[BatchResult]]

# How often what is under way is told to end, once there was an interrupt: something may have begun
# just after it was told. Seconds.
_REMINDER = 0.1

_NOT_TRIED: Outcome = (False, None, "not tried", 0, 0.0)


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
    """The crew that has several batches worked on at the same time: see `interpreter.Crew`.

    Args:
        submit: Sends tasks to a worker, which does `worker.run_batch` with them.
        jobs: How many batches may be under way at the same time.
        enders: Each is called to tell what is under way to end soon.
        alone: The crew for waves of one step; None if they are to be sent like any other.
    """

    def __init__(
        self, submit: Submit, jobs: int, enders: Iterable[Callable[[], None]], alone: Crew | None
    ) -> None:
        self._submit = submit
        self._jobs = jobs
        self._alone = alone
        self._batcher = Batcher()
        self._grace = GracePeriod(enders)
        self._halt: Halt | None = None
        self._is_cut = False  # whether an interrupt has ended a step
        self._under_way: dict[Future[BatchResult], Batch] = {}
        self._finished: SimpleQueue[Future[BatchResult]] = SimpleQueue()

    def __call__(
        self, waves: Iterable[Sequence[Step]], task: Callable[[Step], Task]
    ) -> Generator[Outcome | None, Halt | None, bool]:
        """Work through the waves."""
        try:
            for is_one, group in groupby(waves, lambda wave: len(wave) == 1):
                crew = self._alone if is_one and self._alone else self._work_on_waves
                if not (yield from crew(group, task)):
                    return False
        finally:
            if self._halt != "interrupt":  # after one they had their time
                if self._under_way:  # the run is being closed
                    self._grace.tell_to_end()
                while not all(future.done() for future in self._under_way):
                    self._finished.get()
        return True

    def _work_on_waves(
        self, waves: Iterable[Sequence[Step]], task: Callable[[Step], Task]
    ) -> Generator[Outcome | None, Halt | None, bool]:
        for wave in waves:
            buffer = ReorderBuffer()
            yield from self._work_on_wave(map(task, wave), buffer)
            if self._halt == "interrupt":
                raise KeyboardInterrupt if self._is_cut else LateInterrupt
            if self._halt or buffer.end < math.inf:
                return False
        return True

    def _work_on_wave(
        self, tasks: Iterator[Task], buffer: ReorderBuffer
    ) -> Generator[Outcome | None, Halt | None, None]:
        yield from self._send_batches(tasks, buffer)
        while self._under_way and self._receive(buffer):
            for outcome in buffer.ready():
                if halt := (yield outcome):
                    self._heed(halt)
            yield from self._send_batches(tasks, buffer)
        for batch in self._under_way.values():
            buffer.fill((index for index, _ in batch), UNKNOWN)
        missing = buffer.missing()
        self._is_cut = self._is_cut or bool(self._under_way or missing)
        buffer.fill(missing, INTERRUPTED if self._halt == "interrupt" else _NOT_TRIED)
        yield from buffer.ready()

    def _send_batches(
        self, tasks: Iterator[Task], buffer: ReorderBuffer
    ) -> Generator[None, Halt | None, None]:
        """Send as many batches as may be under way."""
        while len(self._under_way) < self._jobs and self._halt != "interrupt":
            batch = self._batcher.take_again(buffer.end)
            if not batch and not self._halt and buffer.end == math.inf:
                batch = yield from self._begin(tasks, buffer)
            if not batch:
                return
            self._send(batch)

    def _begin(
        self, tasks: Iterator[Task], buffer: ReorderBuffer
    ) -> Generator[None, Halt | None, Batch]:
        """Begin the steps of a batch; return it, or an empty one if it is not to be sent."""
        batch: Batch = []
        new = islice(tasks, min(self._batcher.size, buffer.room()))
        for indexed_task in enumerate(new, buffer.begun):
            if halt := (yield None):
                self._heed(halt)
                if halt == "interrupt":  # this step counts as begun, and so do those before it
                    buffer.begun += len(batch) + 1
                return []
            batch.append(indexed_task)
        buffer.begun += len(batch)
        return batch

    def _heed(self, halt: Halt) -> None:
        """Take note of what the run was sent. Nothing comes after an interrupt."""
        if self._halt == "interrupt":
            return
        self._halt = halt
        if halt == "interrupt":
            self._grace.begin(monotonic())

    def _send(self, batch: Batch) -> None:
        try:
            future = self._submit([task for _, task in batch])
        except Exception as error:  # noqa: BLE001 - an executor that takes nothing any more
            future = Future()
            future.set_exception(error)
        self._under_way[future] = batch
        future.add_done_callback(self._finished.put)

    def _receive(self, buffer: ReorderBuffer) -> bool:
        """Wait for a while for the next batch that is done, and keep what came of it.

        Returns:
            Whether to go on with what is under way: after an interrupt not for long.
        """
        try:
            future = self._next_finished()
        except Empty:
            self._grace.remind()
            return not self._grace.is_over(monotonic())
        except KeyboardInterrupt:
            if self._halt == "interrupt":
                raise
            self._heed("interrupt")
            for future in self._under_way:
                if future.done():  # the interrupt may have lost it
                    self._finished.put(future)
            return True
        if future in self._under_way:  # else it was put into the queue twice
            self._take(future, self._under_way.pop(future), buffer)
        return True

    @interruptible
    def _next_finished(self) -> Future[BatchResult]:
        """Return the next batch that is done.

        Raises:
            Empty: If there is none for a while. Python handles a signal that came just before such
                a wait only after it.
        """
        return self._finished.get(timeout=_REMINDER)

    def _take(self, future: Future[BatchResult], batch: Batch, buffer: ReorderBuffer) -> None:
        """Keep what came of a batch, and what of it has to be sent again."""
        try:
            result = future.result()
        except KeyboardInterrupt:
            self._is_cut = True
            self._heed("interrupt")
            buffer.fill((index for index, _ in batch), UNKNOWN)
        except BaseException as error:  # noqa: BLE001 - whatever became of the executor
            self._lose(batch, error, buffer)
        else:
            if result["interrupted"]:
                self._is_cut = True
                self._heed("interrupt")
            outcomes = result["outcomes"]
            buffer.keep(batch, outcomes)
            self._batcher.send_again(batch[len(outcomes) :])
            self._batcher.learn(outcomes)

    def _lose(self, batch: Batch, error: BaseException, buffer: ReorderBuffer) -> None:
        if len(batch) > 1:
            self._batcher.send_one_by_one(batch)
            return
        ((index, task),) = batch
        if left := buffer.lose(index, task, error):
            self._batcher.send_again([(index, left)])
