"""What stays of a file that is replaced: owner, group, mode, access list, extended attributes.

- An ordinary user can give a file to nobody, and to no group that is not their own. The write goes
  on then, but what the file lets people do never grows: the bits that run it as its owner or group
  go, and a new group and all others may do what both the old group and all others could.
- An access list counts on the group. So a list that cannot be kept as it is fails the write:
  without it some could do more, and whoever relies on it would not be told.
- The order: attributes while the draft is ours, then the owner, which takes the setuid bit away,
  then the list, then the mode, whose group bits are the list's mask.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ACL = "system.posix_acl_access"
# These speak of the contents: rights that are granted to a program, digests of what it holds.
_OF_THE_CONTENTS = ("security.capability", "security.ima", "security.evm")
# How a system says that a file has no such attribute, or that it is not ours to read or to set.
_MISSING = (errno.ENODATA, errno.ENOTSUP)
_DENIED = (errno.EPERM, errno.EACCES)
_NOT_KEPT = "its access control list (ACL) cannot be kept"


def keep_attributes(path: Path, old: os.stat_result, draft: int) -> None:
    """Give a draft what a file has beside its contents.

    Args:
        path: The file; no symbolic link.
        old: Its status.
        draft: The descriptor of a new file, whose mode is 0600.

    Raises:
        OSError: If that fails, or if the access list cannot be kept.
    """
    names = _names_of_extended(path)
    _keep_extended(path, names, draft)
    _keep_owner(old, draft)
    new = os.fstat(draft)
    if _ACL not in names:
        _remove_access_list(draft)
    elif old.st_gid != new.st_gid:
        raise PermissionError(errno.EPERM, f"{_NOT_KEPT}, because its group cannot be kept")
    else:
        _keep_access_list(path, draft)
    os.fchmod(draft, _mode_for(old, new))


def _keep_owner(old: os.stat_result, draft: int) -> None:
    """Give the draft the file's owner and group, or the group alone, as far as that is allowed."""
    for user in (old.st_uid, -1):
        new = os.fstat(draft)
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            with suppress(OSError):  # some file systems know no owners
                os.fchown(draft, user, old.st_gid)


def _mode_for(old: os.stat_result, new: os.stat_result) -> int:
    """Return the mode with which nobody may do more than with the old one."""
    mode = stat.S_IMODE(old.st_mode)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        mode &= ~(stat.S_ISUID | stat.S_ISGID)
    if new.st_gid != old.st_gid:
        both = mode >> 3 & mode & stat.S_IRWXO
        mode = mode & ~(stat.S_IRWXG | stat.S_IRWXO) | both << 3 | both
    return mode


def _names_of_extended(path: Path) -> list[str]:
    names: list[str] = []
    if sys.platform == "linux":
        with _bearing(*_MISSING):
            names = os.listxattr(path, follow_symlinks=False)
    return names


def _keep_extended(path: Path, names: list[str], draft: int) -> None:
    """Give the draft these attributes of the file, but for those that are not ours to set."""
    for name in names:
        if name not in (_ACL, *_OF_THE_CONTENTS):
            with _bearing(*_MISSING, *_DENIED):
                os.setxattr(draft, name, os.getxattr(path, name, follow_symlinks=False))


def _keep_access_list(path: Path, draft: int) -> None:
    try:
        os.setxattr(draft, _ACL, os.getxattr(path, _ACL, follow_symlinks=False))
    except OSError as error:
        raise OSError(error.errno, f"{_NOT_KEPT}: {error.strerror}") from None


def _remove_access_list(draft: int) -> None:
    """Take away the list that the folder hands on: it would let in more people."""
    if sys.platform == "linux":
        with _bearing(*_MISSING):
            os.removexattr(draft, _ACL)


@contextmanager
def _bearing(*faults: int) -> Iterator[None]:
    """Pass over errors with these numbers."""
    try:
        yield
    except OSError as error:
        if error.errno not in faults:
            raise
