"""Replaces a file in one move: no reader ever sees half a file, and a failure leaves the old one.

- What is to be there is written into a draft in the same folder, which then takes the old file's
  name. So the folder has to be writable, and a file that is a mount point cannot be replaced.
- A symbolic link is followed to the name that is to be replaced. A link of procfs is none: it
  stands for what a process has open. By the path that it shows, `/dev/stdout` would be the log to
  which stdout is appended, and the log would be replaced.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from driftflow.packs.attributes import keep_attributes

# What a failure means here, where the system's words alone would not tell.
_NO_DRAFT = "%s (the folder must be writable: a file is replaced as a whole)"
_NO_MOVE = "it is a mount point of its own, and cannot be replaced: mount its folder instead"


def replace(path: str, data: bytes) -> None:
    """Replace the file by one that holds the data, or leave it as it is.

    Args:
        path: The file, relative to the working directory of this moment.
        data: What it is to hold.

    Raises:
        OSError: If that fails; its `strerror` says why, in words.
        ValueError: If the path is not the name of a file.
    """
    if path.endswith(os.sep):
        raise OSError(errno.EISDIR, "not the name of a file")
    target, old = _find(path)
    draft = target.with_name(f".{os.urandom(16).hex()}")
    try:
        _write_draft(draft, data, target, old)
        _move(draft, target)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _find(path: str) -> tuple[Path, os.stat_result | None]:
    """Return where the path leads, and what is known of the file if there is one."""
    target = Path(path).absolute()
    while target.is_symlink():
        with suppress(FileNotFoundError):  # it may lead to a new file
            target.stat()  # fails where the system would not follow it: in a loop, or for safety
        if _is_of_procfs(target):
            raise _not_regular()
        target = target.parent / target.readlink()
    try:
        old = target.lstat()
    except FileNotFoundError:
        return target, None
    if not stat.S_ISREG(old.st_mode):
        raise _not_regular()
    return target, old


def _is_of_procfs(link: Path) -> bool:
    try:
        return link.lstat().st_dev == Path("/proc/self").stat().st_dev
    except FileNotFoundError:  # there is no procfs
        return False


def _not_regular() -> OSError:
    return OSError(errno.EINVAL, "not a regular file")


def _write_draft(draft: Path, data: bytes, target: Path, old: os.stat_result | None) -> None:
    """Write a new file, with the attributes of the old one; by default with the usual ones."""
    # It is never readable for more people than the old file.
    with os.fdopen(_create(draft, 0o600 if old else 0o666), "wb") as file:
        file.write(data)
        file.flush()
        if old is not None:
            keep_attributes(target, old, file.fileno())
        os.fsync(file.fileno())


def _create(draft: Path, mode: int) -> int:
    """Return a descriptor of the draft, a new file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(draft, flags, mode)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OSError(error.errno, _NO_DRAFT % error.strerror) from None
        raise


def _move(draft: Path, target: Path) -> None:
    try:
        draft.replace(target)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise OSError(error.errno, _NO_MOVE) from None
        raise
