"""The audit's file as it is written: opened once, and appended to under a lock.

- A record is one `write` with O_APPEND. On a local file system Linux keeps such writes apart,
  whatever their size, so several runs may share a file.
- The lock is for what comes with it: to see whether the file still has its name and whether its
  last byte ends a line, and to take back a record that was cut short. It is an `flock`, since a
  POSIX lock is lost when any descriptor of the file is closed.
- Whoever holds the lock does so for microseconds. One who holds it for ten seconds was stopped, and
  saying so is better than waiting for ever.
- A record that a crash has torn is evidence, and stays, on a line of its own: cutting it off might
  cut off another writer's record.
- A failed sync is the last. Linux may then take the lost pages for written, so that a second sync
  succeeds (https://wiki.postgresql.org/wiki/Fsync_Errors). Nothing more is written.
- The config chooses the path, and what is in a record. So a record never goes into a file that
  others read as something else, such as a shell's: only into one that is new, empty or an audit.
  Nor into the log that the run prints to: lines and records would be written over each other.
- The descriptor has a high number. An action that closes all that it knows of, and then opens files
  of its own, gets the low ones. Should it reach this one too, the file is another by its identity.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from fcntl import F_DUPFD_CLOEXEC, LOCK_EX, LOCK_NB, LOCK_UN, fcntl, flock
from time import monotonic, sleep
from typing import TYPE_CHECKING, NoReturn, Self

from driftflow.errors import StorageError
from driftflow.recording.files import open_file, require_apart, require_ours, require_records

if TYPE_CHECKING:
    from driftflow.planning.settings import Sync

_fdatasync = getattr(os, "fdatasync", os.fsync)  # macOS has only the heavier one

# How long to wait for another process that holds the lock, and between two tries. Seconds.
LOCK_TIMEOUT = 10.0
_LOCK_RETRY = 0.001
_TRY_TO_LOCK = LOCK_EX | LOCK_NB

# How often to check that the file still has its name. A check costs more than a write: since Linux
# 6.13 it makes the next write take a new time stamp. Seconds.
_NAME_CHECK = 0.001

# The least number of the descriptor, just below what most systems allow.
_HIGH = 1000


class JsonFileStorage:
    """A file of JSON lines that is only ever appended to.

    A missing file is created, for its owner alone; a missing folder is not. If the file is renamed,
    as log files are, a new one is begun. A file that is there has to be empty or an audit, and the
    user's or root's. A context manager: leaving it closes the file.

    Args:
        path: The file, relative to the working directory of this moment.
        sync: When records are synced to disk: `none` leaves it to the system, `run` waits for a
            call of `sync`, `step` does it for each at once.
        beside_code: Whether code of others runs in this process: then each record is kept from a
            file that has come to have the descriptor's number, and from a fork of the process.

    Raises:
        StorageError: If the file cannot be opened for reading and appending, is not a regular file,
            belongs to another user, is what standard output or standard error is redirected to, or
            contains something other than records.
    """

    def __init__(self, path: str, sync: Sync = "run", *, beside_code: bool = False) -> None:
        self.path = path
        self._beside_code = beside_code
        self._process = os.getpid()
        self._policy = sync
        self._fault: str | None = None  # why nothing is written any more
        self._descriptor: int
        self._is_new: bool  # whether its name may not be on the disk yet
        self._end: int  # the offset at which our last record ended: all before it is whole
        try:
            # An action may change the working directory.
            self._absolute_path = os.path.abspath(path)  # noqa: PTH100 - a run does without pathlib
            self._open()
        except OSError as error:
            raise StorageError(path, f"the audit cannot be opened: {error.strerror}") from None
        except ValueError:  # a NUL or a lone surrogate in the path
            raise StorageError(path, "the audit cannot be opened: not a valid file name") from None

    def append(self, record: str) -> None:
        """Write the record at the end of the file.

        Args:
            record: One line of ASCII, without its end.

        Raises:
            StorageError: If it could not be written; what was written of it is taken back. Or if a
                sync failed, now or before.
        """
        line = f"{record}\n".encode("ascii")
        if self._fault is not None:
            raise self._make_error(self._fault)
        try:
            try:
                size = self._lock()
                if self._beside_code:
                    if os.getpid() != self._process:  # a step has forked
                        os._exit(1)
                    self._require_identity()
                if size != self._end:  # others write to it, too; or it is another file
                    line = self._find_gap(size) + line
                written = os.write(self._descriptor, line)
                if written < len(line):
                    self._take_back(size)
                self._end = size + written
            finally:
                flock(self._descriptor, LOCK_UN)
        except OSError as error:
            raise self._make_error(error.strerror) from None
        if self._policy == "step":
            self.sync()

    def sync(self) -> None:
        """Sync what was written to disk.

        Raises:
            StorageError: If this sync failed, or one before it. Nothing more is written then.
        """
        if self._fault is not None:
            raise self._make_error(self._fault)
        try:
            _fdatasync(self._descriptor)
            if self._is_new:
                self._sync_folder()
                self._is_new = False
        except OSError as error:
            self._fault = f"{error.strerror} (while syncing to disk)"
            raise self._make_error(self._fault) from None

    def close(self) -> None:
        """Close the file, for good.

        Raises:
            StorageError: If the system says only now that a write failed.
        """
        self._fault = "the file is closed"
        try:
            self._require_identity()
            os.close(self._descriptor)
        except OSError as error:
            raise self._make_error(error.strerror) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._descriptor, status = _open_audit(self._absolute_path)
        self._identity = _identify(status)
        self._next_check = monotonic() + _NAME_CHECK
        self._end = 0
        self._is_new = not status.st_size

    def _lock(self) -> int:
        """Lock the file that has the name by now, and return its size. Bytes."""
        while True:
            try:
                flock(self._descriptor, _TRY_TO_LOCK)
            except BlockingIOError:
                self._await_lock()
            if monotonic() < self._next_check or self._has_its_name():
                return os.lseek(self._descriptor, 0, os.SEEK_END)
            if self._policy != "none":
                self.sync()
            renamed = self._descriptor
            self._open()
            flock(renamed, LOCK_UN)  # closing is not enough: a forked process may have it open
            os.close(renamed)

    def _has_its_name(self) -> bool:
        try:
            status = os.lstat(self._absolute_path)
        except FileNotFoundError:
            return False
        self._require_identity()
        self._next_check = monotonic() + _NAME_CHECK
        return _identify(status) == self._identity

    def _require_identity(self) -> None:
        """Raise OSError if an action has closed the descriptor, whatever has that number now."""
        if _identify(os.fstat(self._descriptor)) != self._identity:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _find_gap(self, size: int) -> bytes:
        """Return what keeps a record away from one that a crash has torn; nothing if none was.

        Raises:
            OSError: If the file is another one, or holds something else by now.
        """
        self._require_identity()
        if size < self._end:  # it was emptied, as by `copytruncate`, or overwritten
            require_records(self._descriptor, size)
        return b"\n" if size and os.pread(self._descriptor, 1, size - 1) != b"\n" else b""

    def _await_lock(self) -> None:
        end = monotonic() + LOCK_TIMEOUT
        while monotonic() < end:
            sleep(_LOCK_RETRY)
            with suppress(BlockingIOError):
                flock(self._descriptor, _TRY_TO_LOCK)
                return
        reason = f"another process has kept it locked for {LOCK_TIMEOUT:g} s"
        raise TimeoutError(errno.ETIMEDOUT, reason)

    def _take_back(self, size: int) -> NoReturn:
        with suppress(OSError):  # if it cannot be, the next record begins a new line
            os.ftruncate(self._descriptor, size)
        raise OSError(errno.ENOSPC, "a record was only partly written (is the disk full?)")

    def _sync_folder(self) -> None:
        parent = os.path.dirname(self._absolute_path)  # noqa: PTH120 - as above
        folder = os.open(parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _make_error(self, reason: str | None) -> StorageError:
        return StorageError(self.path, f"the audit cannot be written: {reason}")


def _identify(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _open_audit(path: str) -> tuple[int, os.stat_result]:
    """Return a high descriptor of the audit, which is created if it is missing, and its status.

    Raises:
        OSError: If it cannot be opened, or is no audit of the user's or root's.
    """
    descriptor = open_file(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
    try:
        status = os.fstat(descriptor)
        require_ours(status)
        require_apart(status)
        require_records(descriptor, status.st_size)
        descriptor = _lift(descriptor)
    except OSError:
        with suppress(OSError):
            os.close(descriptor)
        raise
    return descriptor, status


def _lift(descriptor: int) -> int:
    """Return a high descriptor in place of this one; this one, if so many are not allowed."""
    try:
        high = fcntl(descriptor, F_DUPFD_CLOEXEC, _HIGH)
    except OSError:
        return descriptor
    os.close(descriptor)
    return high
