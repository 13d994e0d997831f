"""The printing edge: what is written reaches its reader soon, and not a line at a time."""

from __future__ import annotations

import errno
import io
import os
import threading
from contextlib import suppress
from typing import Self, TextIO

# How long a text may wait for others to be written with it, in seconds, and how much of them
# makes it worth while: in characters, about what a pipe holds on Linux.
DELAY = 0.1
ENOUGH = 65536


class Output:
    """Where results go. A write that fails is kept in mind: the run and its audit go on.

    Texts wait for each other until there is `ENOUGH`, or for `DELAY`; an action that keeps
    Python's global lock to itself keeps that back too. A context manager: leaving it writes
    what still waits.

    Args:
        stream: What to write to; None if it is closed.

    Attributes:
        stream: The same.
        failure: Why nothing can be written any more; None while all is well.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.failure: OSError | None = None
        self.stream: TextIO | _Closed = _Closed() if stream is None else stream
        self._waiting: list[str] = []
        self._length = 0
        self._enough = ENOUGH
        self._lock = threading.Lock()  # held while something is written
        self._is_over = threading.Event()
        self._watch = threading.Thread(target=self._write_what_waits, daemon=True)

    def write(self, text: str) -> None:
        """Write the text, with others or soon."""
        self._waiting.append(text)
        self._length += len(text)
        if self._length >= self._enough:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            number = len(self._waiting)  # more may come to wait meanwhile
            text = "".join(self._waiting[:number])
            del self._waiting[:number]
            self._length = 0
            if text and self.failure is None:
                self._print(text)

    def __enter__(self) -> Self:
        try:
            self._watch.start()
        except RuntimeError:  # as many threads as the system allows: no text can wait
            self._enough = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._watch.is_alive():
            self._watch.join()
        self.flush()

    def _write_what_waits(self) -> None:
        while not self._is_over.wait(DELAY):
            self.flush()

    def _print(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError as error:
            self.failure = error
            self._silence()

    def _silence(self) -> None:
        """Python flushes stdout once more as it ends, and would complain again."""
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


class _Closed(io.TextIOBase):
    """What stands for a stream that the caller of the program has closed."""

    def write(self, _text: str) -> int:
        raise OSError(errno.EBADF, "it is closed")
