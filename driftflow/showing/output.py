"""Output: lines are written to stdout many at a time, and a tenth of a second late at most.

- A flush for each line is a system call for each step. Without any, a line is kept back while the
  next step takes its time. So texts wait until they fill a pipe, and a thread writes what has
  waited for 0.1 s. A timer would do it by a signal, which could break into an action.
- The thread is a `threading.Thread`, joined before the interpreter ends. A bare thread would save
  half a millisecond of import, but one that was just starting when a short run was over crashed one
  run in eight under load, on Python 3.11.2.
- Actions print to stderr: the command gives their `print` that stream, since what their code prints
  would spoil a document on stdout.
"""

from __future__ import annotations

import errno
import io
import os
import threading
from contextlib import suppress
from typing import Self, TextIO

# How long a text may wait to be written together with others. Seconds.
DELAY = 0.1
# How much text is written without waiting: about what a pipe holds on Linux. Characters.
ENOUGH = 65536


class Output:
    """Where results are printed.

    If a write fails, the run and its audit go on, and nothing more is written. An action that holds
    Python's global lock delays the thread that writes. A context manager: leaving it writes what
    still waits.

    Args:
        stream: What to write to; None if it is closed.

    Attributes:
        stream: What is written to.
        failure: The error of the first write that failed; None if all went well.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.failure: OSError | None = None
        self.stream: TextIO | _Closed = _Closed() if stream is None else stream
        self._waiting: list[str] = []
        self._length = 0
        self._enough = ENOUGH
        self._lock = threading.Lock()  # held while something is written
        self._is_over = threading.Event()
        self._writer = threading.Thread(target=self._flush_regularly, daemon=True)

    def write(self, text: str) -> None:
        """Write the text, at once or within `DELAY`."""
        self._waiting.append(text)
        self._length += len(text)
        if self._length >= self._enough:
            self.flush()

    def flush(self) -> None:
        """Write the texts that wait."""
        with self._lock:
            number = len(self._waiting)  # more may come to wait meanwhile
            text = "".join(self._waiting[:number])
            del self._waiting[:number]
            self._length = 0
            if text and self.failure is None:
                self._print(text)

    def __enter__(self) -> Self:
        try:
            self._writer.start()
        except RuntimeError:  # the system allows no further thread, so no text can wait
            self._enough = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._writer.is_alive():
            self._writer.join()
        self.flush()

    def _flush_regularly(self) -> None:
        while not self._is_over.wait(DELAY):
            self.flush()

    def _print(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError as error:
            self.failure = error
            with suppress(OSError):  # Python flushes stdout as it ends, and would complain again
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


class _Closed(io.TextIOBase):
    """Stands for a stream that was closed before the program started."""

    def write(self, _text: str) -> int:
        raise OSError(errno.EBADF, "it is closed")
