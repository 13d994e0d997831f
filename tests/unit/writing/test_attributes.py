"""What stays of a file that is replaced, and that nobody may do more with it than before."""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.children import AS_ROOT, NOBODY, as_somebody

from driftflow.writing.replacement import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

USERS = 100
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
UNDEFINED = 2**32 - 1
# A capability set as Linux stores it: to bind ports below 1024.
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)


def access_list(owner: int, somebody: int, group: int, mask: int, other: int) -> bytes:
    """The bytes of a list that names a user, 1234; with what each may do."""
    entries = [
        (0x01, owner, UNDEFINED),
        (0x02, somebody, 1234),
        (0x04, group, UNDEFINED),
        (0x10, mask, UNDEFINED),
        (0x20, other, UNDEFINED),
    ]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def put(path: Path, name: str, value: bytes) -> None:
    """Give it an extended attribute, or skip the test."""
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise
        pytest.skip(f"no {name} here")


def attributes(path: Path) -> dict[str, bytes]:
    """Its extended attributes."""
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def owner_and_mode(path: Path) -> tuple[int, int, int]:
    """Its owner, its group and its mode."""
    status = path.stat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


@AS_ROOT
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o4750, 0o2755, 0o400, 0o020])
def test_owner_group_and_mode_stay(mode: int, old: Path) -> None:
    """When root writes to somebody else's file."""
    os.chown(old, NOBODY, USERS)
    old.chmod(mode)
    replace("out", b"new")
    assert owner_and_mode(old) == (NOBODY, USERS, mode)
    assert old.read_text() == "new"


@AS_ROOT
@pytest.mark.parametrize(
    ("mode", "becomes"),
    [
        (0o640, 0o600),
        (0o644, 0o644),
        (0o664, 0o644),
        (0o604, 0o600),
        (0o666, 0o666),
        (0o762, 0o722),
        (0o6755, 0o755),
    ],
)
def test_what_cannot_be_kept_lets_nobody_do_more(
    mode: int, becomes: int, old: Path, tmp_path: Path
) -> None:
    """An ordinary user keeps neither owner nor group: not the bits that count on them."""
    tmp_path.chmod(0o777)
    old.chmod(mode)
    as_somebody(lambda: replace("out", b"new"))
    assert owner_and_mode(old) == (NOBODY, NOBODY, becomes)
    assert old.read_text() == "new"


@AS_ROOT
def test_a_group_of_ones_own_stays(old: Path, tmp_path: Path) -> None:
    """With what it may do, though the owner goes, and with it the bits that run the file as it."""
    tmp_path.chmod(0o777)
    os.chown(old, 0, USERS)
    old.chmod(0o6750)
    as_somebody(lambda: replace("out", b"new"), groups=[USERS])
    assert owner_and_mode(old) == (NOBODY, USERS, 0o750)


@AS_ROOT
def test_the_group_of_the_folder_is_not_that_of_an_old_file(old: Path, tmp_path: Path) -> None:
    """Only new files get it from there."""
    os.chown(tmp_path, 0, USERS)
    tmp_path.chmod(0o2755)
    old.chmod(0o640)
    for name in ("out", "new"):
        replace(name, b"new")
    assert owner_and_mode(old) == (0, 0, 0o640)
    assert Path("new").stat().st_gid == USERS


def test_extended_attributes_stay(old: Path) -> None:
    """Of any name, those of a file that only its owner may write too."""
    put(old, "user.origin", b"https://example.org\0")
    put(old, "user.empty", b"")
    old.chmod(0o400)
    replace("out", b"new")
    assert attributes(old) == {"user.origin": b"https://example.org\0", "user.empty": b""}
    assert stat.S_IMODE(old.stat().st_mode) == 0o400


@pytest.mark.parametrize("owner", [0, pytest.param(NOBODY, marks=AS_ROOT)])
def test_an_access_list_stays(owner: int, old: Path) -> None:
    """With its mask, which is the group's part of the mode."""
    acl = access_list(6, 7, 5, 4, 0)
    if owner:
        os.chown(old, owner, USERS)
    put(old, ACCESS, acl)
    before = owner_and_mode(old)
    replace("out", b"new")
    assert attributes(old) == {ACCESS: acl}
    assert owner_and_mode(old) == before
    assert before[2] == 0o640


def test_what_a_folder_hands_on_goes_to_new_files_alone(old: Path, tmp_path: Path) -> None:
    """It would let in who could not read the old one."""
    put(tmp_path, DEFAULT, access_list(7, 7, 7, 7, 7))
    old.chmod(0o664)
    for name in ("out", "new"):
        replace(name, b"new")
    assert attributes(old) == {}
    assert stat.S_IMODE(old.stat().st_mode) == 0o664
    assert attributes(Path("new")).keys() == {ACCESS}


@AS_ROOT
def test_an_access_list_without_its_group_is_not_kept(old: Path, tmp_path: Path) -> None:
    """The write fails: without the list, some could do more."""
    tmp_path.chmod(0o777)
    put(old, ACCESS, access_list(6, 7, 5, 4, 0))

    def write() -> None:
        with pytest.raises(OSError, match="because its group cannot be kept"):
            replace("out", b"new")

    as_somebody(write)
    assert old.read_text() == "old"
    assert [path.name for path in Path().iterdir()] == ["out"]


def failing(
    monkeypatch: pytest.MonkeyPatch, call: str, number: int, names: Sequence[str] = ()
) -> None:
    """Let a call for one of these attributes, or for any, fail from now on."""
    wrapped: Callable[..., Any] = getattr(os, call)

    def fail(place: Any, *arguments: Any, **options: Any) -> Any:
        if not names or arguments[0] in names:
            raise OSError(number, os.strerror(number))
        return wrapped(place, *arguments, **options)

    monkeypatch.setattr(os, call, fail)


@pytest.mark.parametrize("fault", [errno.ENOTSUP, errno.EPERM, errno.ENOSPC])
def test_an_access_list_that_cannot_be_set_fails_the_write(
    fault: int, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason is."""
    put(old, ACCESS, access_list(6, 7, 5, 4, 0))
    failing(monkeypatch, "setxattr", fault, [ACCESS])
    with pytest.raises(OSError, match=rf"list \(ACL\) cannot be kept: {os.strerror(fault)}$"):
        replace("out", b"new")
    assert old.read_text() == "old"


def test_an_attribute_that_is_not_ours_to_set_is_left_behind(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But a disk that has no room for one fails the write."""
    put(old, "user.origin", b"here")
    failing(monkeypatch, "setxattr", errno.ENOSPC)
    with pytest.raises(OSError, match="No space left on device"):
        replace("out", b"new")
    assert (old.read_text(), attributes(old)) == ("old", {"user.origin": b"here"})
    failing(monkeypatch, "setxattr", errno.EPERM)
    replace("out", b"new")
    assert (old.read_text(), attributes(old)) == ("new", {})


def test_a_file_system_may_know_no_attributes(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor owners."""
    for call in ("listxattr", "getxattr", "setxattr", "removexattr", "fchown"):
        failing(monkeypatch, call, errno.ENOTSUP)
    old.chmod(0o640)
    replace("out", b"new")
    assert old.read_text() == "new"
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


@AS_ROOT
def test_the_rights_of_a_program_do_not_stay(old: Path) -> None:
    """They were granted to what it was; the system drops them when it is written to, too."""
    put(old, "security.capability", CAPABILITY)
    replace("out", b"new")
    assert attributes(old) == {}


@AS_ROOT
def test_a_draft_is_nobody_elses_until_it_is_complete(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thing that could let somebody in comes when what lets fewer in is there."""
    os.chown(old, NOBODY, USERS)
    put(old, ACCESS, access_list(6, 7, 5, 4, 0))
    put(old, "user.origin", b"here")
    seen: list[tuple[str, int, int]] = []

    def watch(call: str) -> None:
        wrapped = getattr(os, call)

        def watched(descriptor: int, *arguments: Any) -> Any:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):  # and not the folder
                seen.append((call, stat.S_IMODE(status.st_mode), status.st_uid))
            return wrapped(descriptor, *arguments)

        monkeypatch.setattr(os, call, watched)

    for call in ("setxattr", "fchown", "fchmod", "fsync"):
        watch(call)
    replace("out", b"new")
    assert seen == [
        ("setxattr", 0o600, 0),
        ("fchown", 0o600, 0),
        ("setxattr", 0o600, NOBODY),
        ("fchmod", 0o640, NOBODY),
        ("fsync", 0o640, NOBODY),
    ]
