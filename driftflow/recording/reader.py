"""The audit's file as it is read: from its end, so that old records cost nothing.

- Which runs are of interest is found by looking for the bytes of their first records, back from the
  end; their other records, by looking for the runs' names in blocks. Both go much faster than
  reading line by line, and nothing is kept of what is passed over.
- What is appended meanwhile is not read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from driftflow.errors import StorageError
from driftflow.recording.files import open_file, require_credible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# How much of the file is searched at once, and how much is read to find the end of a line. Bytes.
_BLOCK = 1 << 20
_PIECE = 1 << 16


class AuditReader:
    """An audit that is read; a crash may have torn any of its lines. A context manager.

    Args:
        path: The file, relative to the working directory. If it is missing there are no lines.
        by_anybody: Whether others than the user and root may have written it: only if nothing that
            it says is handed on.

    Attributes:
        path: The file.
        is_there: Whether there is such a file.

    Raises:
        StorageError: If the file cannot be read, is no regular file, or could have been written by
            others, and must not have been.
    """

    def __init__(self, path: str, *, by_anybody: bool = False) -> None:
        self.path = path
        self.is_there = True
        self._descriptor = -1
        self._size = 0
        try:
            self._descriptor = open_file(path, os.O_RDONLY)
            status = os.fstat(self._descriptor)
            self._size = status.st_size
            if not by_anybody:
                require_credible(status)
        except FileNotFoundError:
            self.is_there = False
        except OSError as error:
            self.close()
            raise self._make_error(error.strerror) from None
        except ValueError:
            raise self._make_error("not a valid file name") from None

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find_lines(self, marker: bytes, end: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that have these bytes in them, the last one first.

        Args:
            marker: The bytes, without an end of a line.
            end: Where a line begins before which they are looked for; None for the file's end.

        Returns:
            For each line, its offset in the file, and the line without its end.

        Raises:
            StorageError: If the file cannot be read.
        """
        overlap = len(marker) - 1
        buffer = bytearray(_BLOCK + overlap)
        end = self._size if end is None else end
        while end:
            start = max(0, end - _BLOCK)
            length = self._read(buffer, min(end + overlap, self._size) - start, start)
            end, at = start, length
            while (at := buffer.rfind(marker, 0, at)) >= 0:
                first, behind = buffer.rfind(b"\n", 0, at) + 1, buffer.find(b"\n", at, length)
                if first and behind >= 0:  # as most are, the line is in the block
                    yield start + first, bytes(buffer[first:behind])
                    at = first
                    continue
                offset, line = self._read_line(start + at)
                yield offset, line
                if offset <= start:  # what is left of the line stands further ahead
                    end = offset
                    break
                at = offset - start

    def read_lines(self, runs: Mapping[int, bytes]) -> Iterator[list[bytes]]:
        """Yield the lines that may be records of these runs, from the first one's beginning on.

        Args:
            runs: By the offset of the first record of each run, its name as it stands there. A run
                whose last record was read can be taken out: it is looked at anew for each block.

        Returns:
            For each block that has any, the lines without their ends, in the order of the file. A
            line that has one of the names in it need not be a record.

        Raises:
            StorageError: If the file cannot be read.
        """
        buffer = bytearray(_BLOCK)
        rest: list[bytes] = []  # the beginning of a line, in pieces
        position = min(runs, default=0)
        while runs:
            length = self._read(buffer, min(_BLOCK, self._size - position), position)
            if not length:
                break
            position += length
            end = buffer.rfind(b"\n", 0, length) + 1
            if position == self._size:  # the last line need not have an end
                end = length
            if not end:
                rest.append(bytes(buffer[:length]))
                continue
            block = b"".join([*rest, buffer[:end]])
            rest = [bytes(buffer[end:length])]
            begun = [name for first, name in runs.items() if first < position]
            if names := [name for name in begun if name in block]:
                first, *others = names
                yield [
                    line
                    for line in block.split(b"\n")
                    if first in line or (others and any(name in line for name in others))
                ]

    def _read_line(self, inside: int) -> tuple[int, bytes]:
        """Return the line that has a byte at that offset: its offset, and what it holds."""
        ahead: list[bytes] = []  # what stands before it in the line, the nearest piece first
        start, newline = inside, b""
        while start and not newline:
            length = min(_PIECE, start)
            start -= length
            _, newline, piece = self._pread(length, start).rpartition(b"\n")
            ahead.append(piece)
        behind: list[bytes] = []
        end, newline = inside, b""
        while end < self._size and not newline:
            read = self._pread(min(_PIECE, self._size - end), end)
            if not read:  # the file is shorter by now
                break
            end += len(read)
            piece, newline, _ = read.partition(b"\n")
            behind.append(piece)
        before = b"".join(reversed(ahead))
        return inside - len(before), before + b"".join(behind)

    def _read(self, buffer: bytearray, length: int, offset: int) -> int:
        """Read so many bytes into the buffer, if there are as many; return how many there were."""
        if not length:
            return 0
        try:
            return os.preadv(self._descriptor, [memoryview(buffer)[:length]], offset)
        except OSError as error:
            raise self._make_error(error.strerror) from None

    def _pread(self, length: int, offset: int) -> bytes:
        buffer = bytearray(length)
        return bytes(buffer[: self._read(buffer, length, offset)])

    def _make_error(self, reason: str | None) -> StorageError:
        return StorageError(self.path, f"the audit cannot be read: {reason}")
