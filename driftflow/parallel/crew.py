"""The running edge: a crew that works through waves on any `concurrent.futures.Executor`.

Steps are begun in run order, and their outcomes given in run order; between, they are tried in
pieces of work, a few steps each, which come to an end in whatever order.
"""

from __future__ import annotations

import math
from collections import Counter
from concurrent.futures import Future
from itertools import count, groupby, islice
from operator import itemgetter
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from driftflow.errors import message_of
from driftflow.running.attempts import INTERRUPTED, ends_run
from driftflow.running.interrupts import interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from driftflow.planning.plan import Step
    from driftflow.running.attempts import Outcome, Task
    from driftflow.running.events import Halt
    from driftflow.running.interpreter import Crew

    Piece: TypeAlias = list[tuple[int, Task]]  # each with its place in the wave
    Submit: TypeAlias = "Callable[[list[Task]], Future[Report]]"

# How long a piece of work should take: much longer than to send it anywhere. Seconds.
_AIM = 0.02
# A piece has at most as many steps, and at most as many are begun whose outcome was not given yet.
_MOST = 1000
_AHEAD = 10_000
_NOT_TRIED: Outcome = (False, None, "not tried", 0, 0.0)
# How long an interrupt waits for what is under way to come to an end, and what is said of a step
# that did not. Seconds.
GRACE = 5.0
_AGAIN = 0.1  # after that time it is told again to end: something may just have begun. Seconds.
_LEFT_BEHIND: Outcome = (False, None, "interrupted, and what came of it is not known", 1, 0.0)


class Report(TypedDict):
    """What has been done of a piece of work: plain data.

    Attributes:
        outcomes: Of its first tasks: up to one that ends the run, or as many as were begun in the
            time that there was; at least one, unless there was an interrupt.
        interrupted: Whether an interrupt was the end of it, which an action too can ask for.
    """

    outcomes: list[Outcome]
    interrupted: bool


class Spread:
    """The crew that has several pieces of work done at the same time: see `interpreter.Crew`.

    How long the steps of a piece took says how many the next one has, so that small steps do not
    drown in what it takes to send them. A worker whose piece takes too long gives the rest back.

    An interrupt, be it sent, raised while a piece is waited for, or by a step, ends what is under
    way as soon as that can be, and waits for it no longer than `GRACE`; a second one not at all.

    A piece that the executor loses, with its worker for instance, is sent again, a step at a time.
    A step that is lost by itself has used an attempt.

    Args:
        submit: Has the tasks worked through elsewhere, by `worker.work`.
        pieces: How many may be under way at the same time.
        give_up: What to do when what is under way is not wanted any more: it should end soon.
        alone: The crew for waves of one step; None if these are pieces of work like any other.
    """

    def __init__(
        self, submit: Submit, pieces: int, give_up: Iterable[Callable[[], None]], alone: Crew | None
    ) -> None:
        self._submit = submit
        self._pieces = pieces
        self._give_up = give_up
        self._alone = alone
        self._size = 1  # of a piece
        # By a number of its own, each piece that is under way; and the numbers of those that have
        # come to an end.
        self._numbers = count()
        self._under_way: dict[int, tuple[Future[Report], Piece]] = {}
        self._finished: SimpleQueue[int] = SimpleQueue()
        self._halt: Halt | None = None
        self._until = math.inf  # when an interrupt leaves what is under way
        # By the place in the wave: what was begun and is not under way, what came of what is done
        # and not given out yet, how often a step was lost; and the first place that ends the run.
        self._waiting: Piece = []
        self._outcomes: dict[int, Outcome] = {}
        self._losses: Counter[int] = Counter()
        self._end = math.inf

    def __call__(
        self, waves: Iterable[Sequence[Step]], task: Callable[[Step], Task]
    ) -> Generator[Outcome | None, Halt | None, bool]:
        """Work through the waves."""
        try:
            for is_one, group in groupby(waves, lambda wave: len(wave) == 1):
                crew = self._alone if is_one and self._alone else self._together
                if not (yield from crew(group, task)):
                    return False
        finally:
            if self._halt != "interrupt":  # else they had their time
                if self._under_way:  # the run was broken off; but it never ends before its steps
                    self._end_what_is_under_way()
                while not all(future.done() for future, _ in self._under_way.values()):
                    self._finished.get()
        return True

    def _together(
        self, waves: Iterable[Sequence[Step]], task: Callable[[Step], Task]
    ) -> Generator[Outcome | None, Halt | None, bool]:
        for wave in waves:
            yield from self._wave(map(task, wave))
            if self._halt == "interrupt":
                raise KeyboardInterrupt
            if self._halt or self._end < math.inf:
                return False
        return True

    def _wave(self, tasks: Iterator[Task]) -> Generator[Outcome | None, Halt | None, None]:
        begun = given = 0
        while True:
            while len(self._under_way) < self._pieces:
                piece = self._take_waiting()
                if not piece and not self._halt and self._end == math.inf:
                    room = min(self._size, _AHEAD + given - begun)
                    piece = yield from self._begin(islice(tasks, room), begun)
                    begun += len(piece)
                if not piece or self._halt == "interrupt":
                    break
                self._send(piece)
            if not self._under_way or not self._receive():
                break
            while given in self._outcomes:
                self._heed((yield self._outcomes.pop(given)))
                given += 1
        left = {place for _, piece in self._under_way.values() for place, _ in piece}
        for place in range(given, begun):
            if place in self._outcomes:
                yield self._outcomes.pop(place)
            elif self._halt == "interrupt":
                yield _LEFT_BEHIND if place in left else INTERRUPTED
            else:  # it was behind the end of the run
                yield _NOT_TRIED
        self._losses.clear()

    def _begin(self, tasks: Iterable[Task], begun: int) -> Generator[None, Halt | None, Piece]:
        piece: Piece = []
        for task in tasks:
            self._heed((yield None))
            if self._halt == "stop":
                return []
            piece.append((begun + len(piece), task))
            if self._halt:
                break
        return piece

    def _heed(self, halt: Halt | None) -> None:
        if halt is None or self._halt == "interrupt":
            return
        self._halt = halt
        if halt == "interrupt":
            self._until = monotonic() + GRACE
            self._end_what_is_under_way()

    def _end_what_is_under_way(self) -> None:
        for end in self._give_up:
            end()

    def _take_waiting(self) -> Piece:
        """Of what has to be sent again, a piece; nothing from behind the end of the run."""
        if self._halt == "interrupt":
            return []
        self._waiting = [each for each in self._waiting if each[0] < self._end]
        piece, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
        return piece

    def _send(self, piece: Piece) -> None:
        number = next(self._numbers)
        try:
            future = self._submit([task for _, task in piece])
        except Exception as error:  # noqa: BLE001 - an executor that takes nothing any more
            future = Future()
            future.set_exception(error)
        self._under_way[number] = future, piece
        future.add_done_callback(lambda _: self._finished.put(number))

    def _receive(self) -> bool:
        """Wait for the next piece that comes to an end, and keep what came of it.

        Whether there was one: an interrupt does not wait for long.
        """
        try:
            number = self._next_finished()
        except Empty:  # a signal that comes just before such a wait is seen to only after it
            if self._halt == "interrupt":
                self._end_what_is_under_way()
            return monotonic() < self._until
        except KeyboardInterrupt:
            if self._halt == "interrupt":
                raise
            self._heed("interrupt")
            for number, (future, _) in self._under_way.items():
                if future.done():  # the interrupt may have lost it
                    self._finished.put(number)
            return True
        if number in self._under_way:
            self._take(*self._under_way.pop(number))
        return True

    @interruptible
    def _next_finished(self) -> int:
        """The next piece that comes to an end.

        Raises:
            Empty: If it takes `_AGAIN`.
        """
        return self._finished.get(timeout=_AGAIN)

    def _take(self, future: Future[Report], piece: Piece) -> None:
        try:
            report = future.result()
        except KeyboardInterrupt:
            self._heed("interrupt")
            self._outcomes |= dict.fromkeys((place for place, _ in piece), _LEFT_BEHIND)
            return
        except BaseException as error:  # noqa: BLE001 - whatever became of the executor
            self._lose(piece, error)
            return
        if report["interrupted"]:
            self._heed("interrupt")
        outcomes = report["outcomes"]
        for (place, task), outcome in zip(piece, outcomes, strict=False):
            self._keep(place, task, outcome)
        self._wait(piece[len(outcomes) :])
        self._size = _next_size(self._size, outcomes)

    def _keep(self, place: int, task: Task, outcome: Outcome) -> None:
        ok, output, error, attempts, seconds = outcome
        self._outcomes[place] = ok, output, error, attempts + self._losses[place], seconds
        if not ok and ends_run(optional=task[3]):
            self._end = min(self._end, place)

    def _wait(self, piece: Piece) -> None:
        if piece:
            self._waiting = sorted([*self._waiting, *piece], key=itemgetter(0))

    def _lose(self, piece: Piece, error: BaseException) -> None:
        if len(piece) > 1:  # which of them it was cannot be known
            self._size = 1
            self._wait(piece)
            return
        ((place, (action, given, allowed, optional, fault)),) = piece
        task: Task = (action, given, allowed - 1, optional, fault)
        if allowed > 1:
            self._losses[place] += 1
            self._wait([(place, task)])
            return
        said = message_of(error)
        lost = f"lost by the executor: {type(error).__name__}{said and f': {said}'}"
        self._keep(place, task, (False, None, fault or lost, allowed, 0.0))


def _next_size(size: int, outcomes: Sequence[Outcome]) -> int:
    """Of how many steps a piece should be, by what came of one; it grows step by step."""
    number = len(outcomes)
    seconds = sum(outcome[4] for outcome in outcomes)
    by_pace = int(_AIM * number / seconds) if seconds else _MOST
    return max(1, min(max(size, 4 * number), by_pace, _MOST))
