"""Output: the first lines are written to stdout one by one, then many at a time.

- A flush for each line is a system call for each step. Without any, a line is kept back while the
  next step takes its time. So from some line on, texts wait until they fill a pipe, and a thread
  writes what has waited for 0.1 s. A timer would do it by a signal, which could break into an
  action. Most runs have few lines: they need no thread, and do not import `threading`.
- The thread is a `threading.Thread`, joined before the interpreter ends. A bare thread would be
  cheaper, but one that was just starting when a short run was over crashed one run in eight under
  load, on Python 3.11.2.
- Actions print to stderr: the command gives their `print` that stream, since what their code prints
  would spoil a document on stdout.
- Bytes are written, not text: of a stdout that does not block, only the buffer of bytes says how
  much of a text it has taken when there is no room for more.
"""

from __future__ import annotations

import io
import os
from contextlib import ExitStack, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Self, TextIO

from driftflow.streams import await_room

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from threading import Event

# How many texts are written one by one, before any has to wait.
AT_ONCE = 50
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
        self._file = identify(self.stream)
        self._process = 0  # the one that has printed something; the command itself may have forked
        self._sink: Any = getattr(stream, "buffer", None) or _Encoded(self.stream)
        self._waiting: list[str] = []
        self._length = 0
        self._enough = 0  # no text waits
        self._written = 0  # how often something was written without waiting
        self._lock: AbstractContextManager[Any] = nullcontext()  # held while something is written
        self._watch = ExitStack()  # ends the thread that writes what waits

    def write(self, text: str) -> None:
        """Write the text, at once or within `DELAY`."""
        self._waiting.append(text)
        self._length += len(text)
        if self._length >= self._enough:
            self.flush()
            self._written += 1
            if self._written == AT_ONCE:
                self._let_texts_wait()

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
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.close()
        self.flush()

    def _let_texts_wait(self) -> None:
        """Start the thread that writes what waits."""
        import threading

        self._lock, is_over = threading.Lock(), threading.Event()
        writer = threading.Thread(target=self._flush_regularly, args=[is_over], daemon=True)
        with suppress(RuntimeError):  # the system allows no further thread: no text can wait
            writer.start()
            self._enough = ENOUGH
            self._watch.callback(writer.join)
            self._watch.callback(is_over.set)

    def _flush_regularly(self, is_over: Event) -> None:
        while not is_over.wait(DELAY):
            self.flush()

    def _require_same_file(self) -> None:
        """Raise OSError if the stream leads elsewhere by now."""
        if identify(self.stream) != self._file:
            raise _closed("an action has closed it")

    def _print(self, text: str) -> None:
        process, self._process = self._process, os.getpid()
        if process and process != self._process:  # a step has forked
            os._exit(1)
        data = text.encode()
        try:
            self._require_same_file()
            while True:
                try:
                    self._sink.write(data)
                    data = b""  # it is all in the buffer
                    self._sink.flush()
                except BlockingIOError as error:
                    data = data[error.characters_written :]
                    await_room(self.stream.fileno())
                else:
                    return
        except OSError as error:
            self.failure = error
            if identify(self.stream) != self._file:
                return  # it is the action's by now
            with suppress(OSError):  # Python flushes stdout as it ends, and would complain again
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


def _closed(reason: str) -> OSError:
    from errno import EBADF

    return OSError(EBADF, reason)


def identify(stream: TextIO | _Closed) -> tuple[int, int] | None:
    """Return the device and the inode of the stream's file; None if it has none, or is closed."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # also `io.UnsupportedOperation`
        return None
    return status.st_dev, status.st_ino


class _Encoded:
    """Takes bytes for a stream of text that has none below it, as a program may put in place."""

    def __init__(self, stream: TextIO | _Closed) -> None:
        self._stream = stream
        self.flush = stream.flush

    def write(self, data: bytes) -> None:
        self._stream.write(data.decode())


class _Closed(io.TextIOBase):
    """Stands for a stream that was closed before the program started."""

    def write(self, _text: str) -> int:
        raise _closed("standard output is closed")
