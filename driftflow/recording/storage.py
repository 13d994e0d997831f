"""The writing edge: the audit's file.

One file, opened once, that several runs may share on a local file system. What was torn by a crash
stays where it is, on a line of its own: a line that ends and is JSON is a whole record.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from time import monotonic, sleep
from typing import TYPE_CHECKING, NoReturn, Self

from driftflow.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftflow.planning.settings import Sync

# macOS has no lighter one.
_to_disk = getattr(os, "fdatasync", os.fsync)

# How long another process may keep the file locked, and the pause between two tries. Seconds.
PATIENCE = 10.0
_PAUSE = 0.001
_AT_ONCE = LOCK_EX | LOCK_NB

# How long the file is taken to have its name still. To look costs more than to write: since Linux
# 6.13 it makes the next write find a new time stamp. Seconds.
_LOOK = 0.001

# A pipe would keep us waiting, a link might lead anywhere.
_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class JsonFileStorage:
    """A file of JSON lines that is only ever appended to.

    Opened once, created (for its owner alone) where it is missing; folders are not. A record is one
    line and one write, under a lock: writers do not tear each other's lines, and one that was cut
    short is taken back. If the file was renamed, as log files are, a new one is begun. A context
    manager: leaving it closes the file.

    Args:
        path: The file, relative to the working directory of this moment.
        sync: When records are on the disk: `none` for when the system likes, `run` for when `sync`
            is called, `step` for each at once.

    Raises:
        StorageError: If the file cannot be opened for reading and appending, or is no regular file.
    """

    def __init__(self, path: str, sync: Sync = "run") -> None:
        self.path = path
        self._policy = sync
        self._fault: str | None = None  # why nothing is written any more
        self._descriptor: int
        self._end: int  # where our last record ended: what stands before that is whole
        try:
            # An action may change the working directory.
            self._place = os.path.abspath(path)  # noqa: PTH100 - a run does without pathlib
            self._open()
        except OSError as error:
            raise StorageError(path, f"the audit cannot be opened: {error.strerror}") from None
        except ValueError:  # a NUL or a lone surrogate in the path
            raise StorageError(path, "the audit cannot be opened: not the name of a file") from None

    def append(self, record: str) -> None:
        """Write the record, a line of ASCII, at the end of the file.

        Raises:
            StorageError: If not all of it could be written; then nothing of it was. Or if it could
                not be brought to the disk, now or before.
        """
        line = f"{record}\n".encode("ascii")
        if self._fault is not None:
            raise self._failure(self._fault)
        try:
            try:
                size = self._lock()
                if size != self._end and size and not self._ends_a_line(size):
                    line = b"\n" + line  # what somebody's crash has torn stays by itself
                written = os.write(self._descriptor, line)
                if written < len(line):
                    self._take_back(size)
                self._end = size + written
            finally:
                flock(self._descriptor, LOCK_UN)
        except OSError as error:
            raise self._failure(error.strerror) from None
        if self._policy == "step":
            self.sync()

    def sync(self) -> None:
        """Bring to the disk what was written.

        Raises:
            StorageError: If that fails. Then it is not tried again, and nothing more is written:
                the system may call good what it has lost (https://wiki.postgresql.org/wiki/Fsync_Errors).
        """
        if self._fault is not None:
            raise self._failure(self._fault)
        try:
            self._sync()
        except OSError as error:
            raise self._failure(error.strerror) from None

    def close(self) -> None:
        """Close the file. Nothing can be appended after that.

        Raises:
            StorageError: If the system says only now that something was not written.
        """
        self._fault = "it is closed"
        try:
            os.close(self._descriptor)
        except OSError as error:
            raise self._failure(error.strerror) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._descriptor = _opened(self._place, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        status = os.fstat(self._descriptor)
        self._identity = _identity(status)
        self._look_again = monotonic() + _LOOK
        self._end = 0
        self._is_new = not status.st_size

    def _lock(self) -> int:
        """Lock the file that has the name by now, and give its size."""
        while True:
            try:
                flock(self._descriptor, _AT_ONCE)
            except BlockingIOError:
                self._await_lock()
            if monotonic() < self._look_again or self._has_its_name():
                return os.lseek(self._descriptor, 0, os.SEEK_END)
            if self._policy != "none":
                self._sync()
            left = self._descriptor
            self._open()
            flock(left, LOCK_UN)  # a process that was forked may keep it open
            os.close(left)

    def _has_its_name(self) -> bool:
        try:
            status = os.lstat(self._place)
        except FileNotFoundError:
            return False
        if _identity(os.fstat(self._descriptor)) != self._identity:  # an action has closed it
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        self._look_again = monotonic() + _LOOK
        return _identity(status) == self._identity

    def _await_lock(self) -> None:
        until = monotonic() + PATIENCE
        while monotonic() < until:
            sleep(_PAUSE)
            with suppress(BlockingIOError):
                flock(self._descriptor, _AT_ONCE)
                return
        raise TimeoutError(
            errno.ETIMEDOUT, f"another process has kept it locked for {PATIENCE:g} s"
        )

    def _ends_a_line(self, size: int) -> bool:
        return os.pread(self._descriptor, 1, size - 1) == b"\n"

    def _take_back(self, size: int) -> NoReturn:
        with suppress(OSError):  # else the next record is fenced off from it
            os.ftruncate(self._descriptor, size)
        raise OSError(errno.ENOSPC, "a record was cut short")

    def _sync(self) -> None:
        try:
            _to_disk(self._descriptor)
            if self._is_new:  # its name has to survive as well
                parent = os.path.dirname(self._place)  # noqa: PTH120 - likewise
                folder = os.open(parent, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
                self._is_new = False
        except OSError as error:
            self._fault = f"{error.strerror}, when it was brought to the disk"
            raise OSError(error.errno, self._fault) from None

    def _failure(self, reason: str | None) -> StorageError:
        return StorageError(self.path, f"the audit failed: {reason}")


def lines_of(path: str) -> Iterator[bytes]:
    """The lines of an audit; any of them may be what a crash has left of a record.

    Args:
        path: The file, relative to the working directory; it need not be there.

    Raises:
        StorageError: If it is there, but cannot be read, or is no regular file.
    """
    try:
        with open(_opened(path, os.O_RDONLY), "rb") as file:
            yield from file
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(path, f"the audit cannot be read: {error.strerror}") from None
    except ValueError:
        raise StorageError(path, "the audit cannot be read: not the name of a file") from None


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _opened(path: str, flags: int) -> int:
    """A descriptor of the regular file of that name; created for its owner alone, if at all."""
    try:
        descriptor = os.open(path, flags | _SAFELY, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, "it is a symbolic link") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file")
    return descriptor
