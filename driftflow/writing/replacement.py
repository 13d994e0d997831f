"""Replaces a file in one move: no reader ever sees half a file, and a failure leaves the old one.

- What is to be there is written into a draft in the same folder, which then takes the old file's
  name. So the folder has to be writable, and a file that is a mount point cannot be replaced.
- A name is on the disk when its folder is. Until then a power cut may bring the old file back, or
  leave none, though the contents of the new one are there.
- A symbolic link is followed to the name that is to be replaced. A link of procfs is none: it
  stands for what a process has open. By the path that it shows, `/dev/stdout` would be the log to
  which stdout is appended, and the log would be replaced.
- Nor is it replaced by its own name: what is printed later would go to the old file, which nobody
  finds any more.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from driftflow.streams import is_printed_to
from driftflow.writing.attributes import keep_attributes
from driftflow.writing.drafts import new_draft, remove_left_drafts

_NO_MOVE = "it is a mount point and cannot be replaced: mount its folder instead"


def replace(path: str, data: bytes) -> None:
    """Replace the file by one that holds the data, or leave it as it is.

    Args:
        path: The file, relative to the working directory of this moment.
        data: What it is to hold.

    Raises:
        OSError: If that fails; its `strerror` says why, in words.
        ValueError: If the path is not the name of a file.
    """
    target, old = _find(path)
    remove_left_drafts(target.parent)
    # It is never readable for more people than the old file.
    with new_draft(target.parent, 0o600 if old else 0o666) as (draft, descriptor):
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        if old is not None:
            keep_attributes(target, old, descriptor)
        os.fsync(descriptor)
        _move(draft, target)
    _sync_folder(target.parent)


def _find(path: str) -> tuple[Path, os.stat_result | None]:
    """Return where the path leads, and what is known of the file if there is one."""
    _require_name(path)
    target = Path(path).absolute()
    while target.is_symlink():
        with suppress(FileNotFoundError):  # it may lead to a new file
            target.stat()  # fails where the system would not follow it: in a loop, or for safety
        if _is_of_procfs(target):
            raise _not_regular()
        path = os.readlink(target)  # noqa: PTH115 - a Path would drop what follows a last slash
        _require_name(path)
        target = target.parent / path
    try:
        old = target.lstat()
    except FileNotFoundError:
        return target, None
    if not stat.S_ISREG(old.st_mode):
        raise _not_regular()
    if is_printed_to(old):
        raise OSError(
            errno.EBUSY, "standard output or standard error is redirected to it and would be lost"
        )
    return target, old


def _require_name(path: str) -> None:
    if path.rpartition(os.sep)[2] in ("", ".", ".."):
        raise OSError(errno.EISDIR, "not a valid file name")


def _is_of_procfs(link: Path) -> bool:
    try:
        return link.lstat().st_dev == Path("/proc/self").stat().st_dev
    except FileNotFoundError:  # there is no procfs
        return False


def _not_regular() -> OSError:
    return OSError(errno.EINVAL, "not a regular file")


def _move(draft: Path, target: Path) -> None:
    try:
        draft.replace(target)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise OSError(error.errno, _NO_MOVE) from None
        raise


def _sync_folder(folder: Path) -> None:
    """Bring the names in it to the disk; with all else, where that alone cannot be asked for."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # it may be written to, but not read
        os.sync()
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems sync no folders
            raise
        os.sync()
    finally:
        os.close(descriptor)
