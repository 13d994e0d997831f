"""What workers tell the run: from their threads, in the order in which it was told.

A thread that tells of a failed attempt waits until that is on record; one that tells what came of
its work goes on. Nothing here knows what a step or a batch is.
"""

from __future__ import annotations

import threading
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

    from driftflow.running.attempts import FailedAttempt

ResultT = TypeVar("ResultT")


class _Report(NamedTuple):
    """A failed attempt, and the lock that is released when it is on record."""

    failed: FailedAttempt
    recorded: threading.Lock


class Replies(Generic[ResultT]):
    """What is told to the thread that makes this: failed attempts, and results of work."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        # Two, since a signal may come when something was taken from one: a bell can be lost.
        self._replies: deque[_Report | ResultT] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._is_closed = False

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._replies)

    def put(self, reply: _Report | ResultT) -> None:
        """Tell what came of some work, and go on."""
        self._replies.append(reply)
        self._bell.put(None)

    def report(self, failed: FailedAttempt) -> bool:
        """Tell of an attempt that failed, and wait until that is on record.

        Returns:
            Whether it was told: not if nobody takes replies any more, and not from the thread that
            takes them, which could not wait for itself.
        """
        if self._is_closed or threading.get_ident() == self._thread:
            return False
        recorded = threading.Lock()
        recorded.acquire()
        self.put(_Report(failed, recorded))
        if not self._is_closed:
            recorded.acquire()
        return True

    def wait(self, seconds: float) -> None:
        """Wait until there are replies, for so long at most."""
        try:
            while not self._replies:
                self._bell.get(timeout=seconds)
        except Empty:
            return

    def take(self) -> Generator[FailedAttempt | ResultT, None, None]:
        """Yield the replies that there are.

        A failed attempt counts as on record when the next reply is asked for, or when this is
        closed.
        """
        while self._replies:
            reply = self._replies.popleft()
            if isinstance(reply, _Report):
                try:
                    yield reply.failed
                finally:
                    reply.recorded.release()
            else:
                yield reply

    def close(self) -> None:
        """Let nobody wait for a failed attempt to be told, now and later."""
        self._is_closed = True
        for _ in self.take():
            pass
