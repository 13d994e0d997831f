"""The audit's file as a file of the system: opened with care, and looked at.

Opening a pipe might wait for ever, and a link might lead anywhere. And the config chooses the path:
so it is made sure that a file is an audit, and whose.
"""

from __future__ import annotations

import errno
import os
import stat

from driftflow.recording.records import may_be_record
from driftflow.streams import is_printed_to

_SAFE_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

# How much of the file is read at once to find its first line, and its last one. Bytes.
_BLOCK = 1 << 17
# What a line may hold that is none: other programs end lines, and a power cut leaves zeros.
_BLANK = b"\0\r\n\t "


def open_file(path: str, flags: int) -> int:
    """Return a descriptor of the regular file; a new one is created for its owner alone."""
    try:
        descriptor = os.open(path, flags | _SAFE_FLAGS, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, "it is a symbolic link, which is not allowed") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return descriptor


def require_ours(status: os.stat_result) -> None:
    """Raise OSError if the file is neither the user's nor root's."""
    if status.st_uid not in (os.geteuid(), 0):
        raise PermissionError(errno.EPERM, "it belongs to another user")


def require_apart(status: os.stat_result) -> None:
    """Raise OSError if the run prints to the file."""
    if is_printed_to(status):
        raise OSError(errno.EBUSY, "standard output or standard error is redirected to it")


def require_credible(status: os.stat_result) -> None:
    """Raise OSError if others than the user and root can have written the file."""
    require_ours(status)
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = f"{stat.S_IMODE(status.st_mode):03o}"
        reason = f"other users can write to it (mode {mode}), so it is not trusted"
        raise PermissionError(errno.EPERM, reason)


def require_records(descriptor: int, size: int) -> None:
    """Raise OSError if the first line of a file or its last complete one is no record."""
    first, _, _ = os.pread(descriptor, _BLOCK, 0).lstrip(_BLANK).partition(b"\n")
    last = _read_last_line(descriptor, size)
    if not all(map(may_be_record, (first, last))):
        raise OSError(errno.EINVAL, "it contains something other than audit records")


def _read_last_line(descriptor: int, size: int) -> bytes:
    """Return the last line that is complete and not blank; empty for none."""
    end, behind = size, b""  # what stands in the file from `end` on
    while end:
        end, length = max(0, end - _BLOCK), min(end, _BLOCK)
        behind = os.pread(descriptor, length, end) + behind
        complete = behind[: behind.rfind(b"\n") + 1].rstrip(_BLANK)
        start = complete.rfind(b"\n") + 1
        if complete and (start or not end):
            return complete[start:]
    return b""
