"""Attempts that can be ended: each is made by a child process, which is killed when time is up.

A child makes one attempt after another, for the thread that started it. Only a process of its own
can be stopped whatever it does, and with it what it has started.
"""

from __future__ import annotations

import math
import os
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager, suppress
from fcntl import F_DUPFD_CLOEXEC, fcntl
from multiprocessing.connection import Connection
from threading import Lock, local
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from driftflow.parallel.processes import PATIENCE, end, how_it_ended, new_mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftflow.actions.action import Source
    from driftflow.reading.document import Json

# The child goes by itself after twice this time without an attempt (`child.IDLE`). Seconds.
_FRESH = 30.0
# The longest that is waited for at once: `poll` counts milliseconds in 31 bits. Seconds.
_LONGEST = 1e6


class Deadlines:
    """Makes attempts that take no longer than they may. A context manager: it ends its children.

    Args:
        seconds: How long an attempt may take: its wall time, in seconds.
        names: The actions that may be named.
        sources: Where the children find them, as `Actions.sources` says.
    """

    def __init__(self, seconds: float, names: Sequence[str], sources: Sequence[Source]) -> None:
        self._seconds = seconds
        self._recipe = (tuple(names), tuple(sources))
        self._mine = local()
        self._lock = Lock()  # held while children come and go
        self._children: set[_Child] = set()
        self._is_over = False

    def perform(self, name: str, value: Json) -> Json:
        """Make an attempt: from an action's name and an input to the output.

        Raises:
            TimeoutError: If it took too long; nothing of it is left.
            ChildProcessError: If its process ended.
            AttemptError: If the action raised anything; with its message.
        """
        child = self._child()
        try:
            kind, said = child.ask((name, value), self._seconds)
        except BaseException:
            self._drop(child)
            raise
        child.used = monotonic()
        if kind == "interrupted":
            raise KeyboardInterrupt
        if kind == "failed":
            raise AttemptError(said)
        return said  # type: ignore[no-any-return]  # the child has made sure that it is Json

    def kill(self) -> None:
        """End all attempts now, and let no other begin."""
        with self._lock:
            self._is_over = True
            for child in self._children:
                child.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_over = True
            for child in self._children:
                child.dismiss()
            until = monotonic() + PATIENCE
            for child in self._children:
                child.await_end(until)
            self._children.clear()

    def _child(self) -> _Child:
        """The one of this thread, ready."""
        child: _Child | None = getattr(self._mine, "child", None)
        if child is not None and monotonic() - child.used < _FRESH and not child.has_gone():
            return child
        if child is not None:
            self._drop(child)
        with self._lock:
            if self._is_over:
                raise KeyboardInterrupt
            # Those whose thread has ended, for instance.
            self._children = {each for each in self._children if not each.is_over()}
            child = self._mine.child = _Child(self._seconds)
            self._children.add(child)
        try:
            child.ask(self._recipe)
        except BaseException:
            self._drop(child)
            raise
        return child

    def _drop(self, child: _Child) -> None:
        self._mine.child = None
        child.kill()
        with self._lock:
            self._children.discard(child)


class AttemptError(Exception):
    """What an action raised in a child, in its words."""


class _Child:
    """A child process, and the way to it."""

    def __init__(self, seconds: float) -> None:
        self._word, marked = new_mark()
        self._ending = Lock()
        self.used = monotonic()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            limit = struct.pack("ll", *divmod(math.ceil(min(seconds, _LONGEST) * 1e6), 1_000_000))
            for direction in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                ours.setsockopt(socket.SOL_SOCKET, direction, limit)
            with _above_the_standard_streams(theirs) as descriptor:
                self._process = _started(descriptor, marked)
            self._connection = Connection(fcntl(ours, F_DUPFD_CLOEXEC, 3))

    def ask(self, message: Any, seconds: float = math.inf) -> Any:
        """The answer, if it comes in time."""
        until = monotonic() + seconds
        try:
            self._connection.send(message)
            self._await_answer(until)
            return self._connection.recv()
        except (TimeoutError, BlockingIOError):  # the latter if it stopped reading or writing
            raise TimeoutError(f"timed out after {seconds:.15g} s") from None
        except (EOFError, ConnectionError):
            self.kill()
            how = how_it_ended(self._process.returncode)
            raise ChildProcessError(f"its process ended: {how}") from None

    def _await_answer(self, until: float) -> None:
        while not self._connection.poll(min(until - monotonic(), _LONGEST)):
            if monotonic() >= until:
                raise TimeoutError

    def has_gone(self) -> bool:
        """Whether it has ended unasked, or says what nobody has asked for."""
        return self._connection.poll()

    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it, with all that it has started; from any thread."""
        with self._ending:
            if self._process.returncode is None:
                end(self._process, self._word)

    def dismiss(self) -> None:
        """Let it end by itself, since nothing more will be asked for."""
        self._connection.close()

    def await_end(self, until: float) -> None:
        """Wait until it has ended, or end it at that time."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0, until - monotonic()))
        self.kill()


def _started(descriptor: int, marked: dict[str, str]) -> subprocess.Popen[bytes]:
    path = [entry for entry in sys.path if isinstance(entry, str)]  # Python uses no others
    script = (
        f"import sys; sys.path[:] = {path!r}\n"
        f"from driftflow.parallel.child import serve; serve({descriptor})"
    )
    try:
        return subprocess.Popen(  # noqa: S603 - it is this very interpreter
            [sys.executable, "-c", script],
            env={**os.environ, **marked},
            stdin=None if _is_open(0) else subprocess.DEVNULL,
            stdout=_where_prints_go(),
            stderr=None if _is_open(2) else subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,
        )
    except OSError as error:
        raise ChildProcessError(f"its process could not be started: {error.strerror}") from None


def _where_prints_go() -> int:
    """What stands for stdout here; a command has put stderr in its place."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # closed, or no file
            if _is_open(number := stream.fileno()):
                return number
    return subprocess.DEVNULL


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@contextmanager
def _above_the_standard_streams(end: socket.socket) -> Iterator[int]:
    """A descriptor of the socket that nobody takes for a stream, where those are closed."""
    descriptor = fcntl(end, F_DUPFD_CLOEXEC, 3)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
