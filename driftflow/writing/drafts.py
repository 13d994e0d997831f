"""Drafts: new files that are to take the names of others, and do not stay behind if that fails.

- A draft that a kill has left is removed by the next process that writes into the folder, before
  its first write there: to look each time would take longer with each file that is written.
- Its writer holds a lock (`flock`) on it, which ends with the process, however that ends. So a
  draft that nobody has locked is nobody's. Where files cannot be locked, drafts stay.
- Between its creation and its lock a draft may be taken for one that was left. Its writer sees
  that, and begins another.
- Its name is random: one that can be foreseen can be taken before, in a folder that others share.
"""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = ".driftflow-"
_NAME = re.compile(rf"{re.escape(_PREFIX)}[0-9a-f]{{32}}")
_TRY_TO_LOCK = LOCK_EX | LOCK_NB
# What was a file a moment ago may be a pipe by now, for which one waits, or lead anywhere.
_SAFE_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_NO_DRAFT = "%s (the folder must be writable: a file is replaced as a whole)"

# The folders, by device and inode, in which this process has removed what was left.
_cleaned: set[tuple[int, int]] = set()
os.register_at_fork(after_in_child=_cleaned.clear)


def remove_left_drafts(folder: Path) -> None:
    """Remove the drafts that killed processes have left, when this one first comes to the folder.

    What cannot be removed, or looked into, is left alone.
    """
    with suppress(OSError):
        status = folder.stat()
        identity = status.st_dev, status.st_ino
        if identity not in _cleaned:
            _cleaned.add(identity)
            for path in _find_drafts(folder):
                with suppress(OSError):
                    _remove_if_left(path)


@contextmanager
def new_draft(folder: Path, mode: int) -> Iterator[tuple[Path, int]]:
    """Yield a new draft and its descriptor, to be written to; then remove it, if it is still there.

    Args:
        folder: Where it is to be.
        mode: What the mask of the process is applied to.

    Raises:
        OSError: If it cannot be created.
    """
    path, descriptor = _create(folder, mode)
    try:
        yield path, descriptor
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            flock(descriptor, LOCK_UN)  # closing is not enough: a forked process may have it open
        os.close(descriptor)


def _create(folder: Path, mode: int) -> tuple[Path, int]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    while True:
        path = folder / f"{_PREFIX}{os.urandom(16).hex()}"
        try:
            descriptor = os.open(path, flags, mode)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise OSError(error.errno, _NO_DRAFT % error.strerror) from None
            raise
        if _hold(descriptor):
            return path, descriptor
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(descriptor)


def _hold(descriptor: int) -> bool:
    """Lock a new draft; return whether it is still there, and nobody else is about to remove it."""
    try:
        flock(descriptor, _TRY_TO_LOCK)
    except BlockingIOError:
        return False
    except OSError:  # files cannot be locked here: nobody will take it for one that was left
        return True
    return os.fstat(descriptor).st_nlink > 0


def _find_drafts(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return [
            Path(entry.path)
            for entry in entries
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        ]


def _remove_if_left(path: Path) -> None:
    """Remove a draft, unless somebody has it locked."""
    try:
        descriptor = os.open(path, os.O_RDWR | _SAFE_FLAGS)
    except PermissionError:  # it may have been meant for a file that is only read
        descriptor = os.open(path, os.O_RDONLY | _SAFE_FLAGS)
    try:
        flock(descriptor, _TRY_TO_LOCK)
        path.unlink()
    finally:
        os.close(descriptor)
