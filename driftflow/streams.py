"""Streams that are shared: what is printed, by whom, must not fail a run nor get lost in a file.

What an action prints is no result. Where DriftFlow owns the process, it goes to a stream that never
fails.
"""

from __future__ import annotations

import io
import os
from contextlib import suppress
from os.path import samestat
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def open_for_prints(descriptor: int, old: TextIO | None) -> io.TextIOWrapper:
    """Return a stream to a descriptor, for what actions print: it takes everything.

    What cannot be written is lost, quietly. A descriptor that does not block is waited for. Else it
    is as Python opens stderr, in UTF-8. The descriptor stays open.

    Args:
        descriptor: Where it leads.
        old: What Python has opened there: without a buffer (`PYTHONUNBUFFERED`), this has none.

    Raises:
        OSError: If the descriptor is closed, or leads to a folder.
    """
    is_bare = isinstance(getattr(old, "buffer", None), io.RawIOBase)
    return _Prints(
        _open_bytes(descriptor, is_bare=is_bare),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
        write_through=is_bare,
    )


class _Prints(io.TextIOWrapper):
    """A stream that an action may close or detach: it stays for those that print after it."""

    def close(self) -> None:
        self.flush()

    def detach(self) -> Any:
        self.flush()
        return _open_bytes(self.fileno(), is_bare=False)


def _open_bytes(descriptor: int, *, is_bare: bool) -> Any:
    """Return what takes bytes for a descriptor, with a buffer or without."""
    raw: Any = _Tolerant(descriptor, "w", closefd=False)
    return raw if is_bare else io.BufferedWriter(raw)


class _Tolerant(io.FileIO):
    """A file that takes what is written to it as a whole, now or later, or else loses it."""

    def write(self, data: ReadableBuffer, /) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest:
                written: int | None = super().write(rest)
                if written is None:
                    await_room(self.fileno())
                else:
                    rest = rest[written:]
        except OSError:  # it is full or closed, or nobody reads it any more
            pass
        return size


def is_printed_to(file: os.stat_result) -> bool:
    """Return whether standard output or standard error leads to that file."""
    return any(_leads_to(descriptor, file) for descriptor in (1, 2))


def _leads_to(descriptor: int, file: os.stat_result) -> bool:
    with suppress(OSError):  # it is closed
        return samestat(os.fstat(descriptor), file)
    return False


def await_room(descriptor: int) -> None:
    """Wait until something can be written there, or never will be.

    Some programs let the streams that they share with others not block. To make ours block would
    make theirs block too.
    """
    from select import POLLOUT, poll

    room = poll()
    room.register(descriptor, POLLOUT)
    room.poll()
