"""A file is replaced in one move, or left as it is; what is no file is never written."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from promises.disks import mounted
from support.children import AS_ROOT, NOBODY, as_somebody, let_all_reach

from driftflow.writing.replacement import replace

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal(path: str) -> str | None:
    """Why the file is not replaced."""
    try:
        replace(path, b"new")
    except OSError as error:
        return error.strerror
    raise AssertionError("it is replaced")


def names() -> list[str]:
    """What is in the folder."""
    return sorted(path.name for path in Path().iterdir())


def test_a_file_is_replaced_in_one_move(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one stands until the new one is complete, and nobody else reads that before.

    First the contents are brought to the disk, then the name.
    """
    old.chmod(0o604)
    seen: list[str] = []
    modes: list[int] = []

    def synced(_: int) -> None:
        seen.append(old.read_text())
        seen.extend(name[:1] for name in names())

    def secret(descriptor: int, mode: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        modes.append(mode)

    monkeypatch.setattr("os.fsync", synced)
    monkeypatch.setattr("os.fchmod", secret)
    replace("out", b"new")
    assert seen == ["old", ".", "o", "new", "o"]
    assert modes == [0o600, 0o604]
    assert old.read_text() == "new"


def test_a_failure_leaves_the_old_file_and_no_draft(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails."""
    monkeypatch.setattr("os.fsync", failing(errno.ENOSPC))
    assert refusal("out") == "No space left on device"
    assert old.read_text() == "old"
    assert names() == ["out"]


def failing(fault: int) -> Callable[[int], None]:
    """A call that fails."""

    def fail(_: int) -> None:
        raise OSError(fault, os.strerror(fault))

    return fail


class Syncs:
    """Notes what is brought to the disk: a file, a folder or all; a folder may fail.

    Attributes:
        seen: What, in its order.
        fault: How a folder fails; None if it does not.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.fault: int | None = None

    def fsync(self, descriptor: int) -> None:
        """Take it for done."""
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        self.seen.append("folder" if is_folder else "file")
        if is_folder and self.fault is not None:
            failing(self.fault)(descriptor)

    def sync(self) -> None:
        """Take it for done."""
        self.seen.append("all")


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    """What is brought to the disk in the test."""
    syncs = Syncs()
    monkeypatch.setattr("os.fsync", syncs.fsync)
    monkeypatch.setattr("os.sync", syncs.sync)
    return syncs


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize("name", ["out", "new"])
def test_the_name_is_brought_to_the_disk_too(name: str, syncs: Syncs) -> None:
    """With its folder, after the contents."""
    replace(name, b"new")
    assert syncs.seen == ["file", "folder"]


@pytest.mark.parametrize("fault", [errno.EINVAL, errno.ENOTSUP])
def test_all_is_brought_to_the_disk_where_folders_are_not(fault: int, syncs: Syncs) -> None:
    """Some file systems do not do it for a folder."""
    syncs.fault = fault
    replace("out", b"new")
    assert syncs.seen == ["file", "folder", "all"]


def test_a_name_that_does_not_reach_the_disk_is_told(syncs: Syncs) -> None:
    """The new file is there, but may not survive."""
    syncs.fault = errno.EIO
    assert refusal("out") == "Input/output error"
    assert names() == ["out"]


@AS_ROOT
def test_all_is_brought_to_the_disk_if_the_folder_may_not_be_read(
    syncs: Syncs, tmp_path: Path
) -> None:
    """Who may only put files into it cannot ask for less."""
    let_all_reach(tmp_path.parent)
    tmp_path.chmod(0o733)

    def write() -> None:
        replace("out", b"new")
        assert syncs.seen == ["file", "all"]

    as_somebody(write)
    assert names() == ["out"]


def test_modes_stay(old: Path) -> None:
    """A new file has the usual mode, an old one its own."""
    old_mask = os.umask(0o027)
    try:
        replace("new", b"a")
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(Path("new").stat().st_mode) == 0o640
    old.chmod(0o604)
    replace("out", b"b")
    assert stat.S_IMODE(old.stat().st_mode) == 0o604


def test_a_name_may_be_as_long_as_names_may_be() -> None:
    """Though the draft beside it has a longer one."""
    for name in ("n" * 255, "😀" * 63):
        replace(name, b"a")
        assert Path(name).read_text() == "a"
    assert len(names()) == 2


def test_a_link_leads_where_it_led(old: Path, tmp_path: Path) -> None:
    """By way of others, and of folders that are links; to a new file too."""
    Path("folder").mkdir()
    Path("folder/near").symlink_to("../out")
    Path("door").symlink_to("folder")
    Path("link").symlink_to("door/near")
    replace("link", b"new")
    assert old.read_text() == "new"
    assert [path.is_symlink() for path in (old, Path("link"), Path("folder/near"))] == [0, 1, 1]
    Path("dangling").symlink_to(tmp_path / "far")
    replace("dangling", b"c")
    assert Path("far").read_text() == "c"
    assert Path("dangling").is_symlink()


def test_a_folder_is_left_by_the_way_that_the_system_takes(old: Path) -> None:
    """`..` of a link to a folder is what that folder is in."""
    Path("a/b").mkdir(parents=True)
    Path("door").symlink_to("a/b")
    Path("a/out").write_text("old")
    replace("door/../out", b"new")
    assert (old.read_text(), Path("a/out").read_text()) == ("old", "new")


def lay_traps() -> None:
    """Make one of each that is no regular file."""
    Path("folder").mkdir()
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    for number in range(2):
        Path(f"loop{number}").symlink_to(f"loop{1 - number}")
    for kind in ("folder", "pipe", "socket"):
        Path(f"to_{kind}").symlink_to(kind)
    Path("to_device").symlink_to("/dev/null")
    os.symlink("new/.", "to_new")  # noqa: PTH211 - a Path would drop the dot


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".", "not a valid file name"),
        ("folder/..", "not a valid file name"),
        ("out/.", "not a valid file name"),
        ("to_new", "not a valid file name"),
        ("folder", "not a regular file"),
        ("pipe", "not a regular file"),
        ("socket", "not a regular file"),
        ("/dev/null", "not a regular file"),
        ("to_folder", "not a regular file"),
        ("to_pipe", "not a regular file"),
        ("to_socket", "not a regular file"),
        ("to_device", "not a regular file"),
        ("loop0", "Too many levels of symbolic links"),
        ("loop0/out", "Too many levels of symbolic links"),
        ("pipe/out", "Not a directory"),
        ("folder/", "not a valid file name"),
    ],
)
def test_what_is_no_regular_file_is_not_written(path: str, reason: str) -> None:
    """Whatever leads to it."""
    lay_traps()
    before = names()
    assert refusal(path) == reason
    assert names() == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no procfs")
@pytest.mark.parametrize(
    "path",
    [
        "/dev/fd/{}",
        "/dev/../dev/fd/{}",
        "/proc/self/fd/{}",
        "/proc/thread-self/fd/{}",
        "link",
        "door/{}",
    ],
)
def test_what_a_process_has_open_is_no_file_to_be_replaced(path: str, old: Path) -> None:
    """A log to which stdout is appended would lose what it held."""
    with old.open("a") as log:
        number = log.fileno()
        Path("link").symlink_to(f"/dev/fd/{number}")
        Path("door").symlink_to("/proc/self/fd")
        assert refusal(path.format(number)) == "not a regular file"
    assert old.read_text() == "old"


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="no procfs")
@pytest.mark.parametrize("stream", [1, 2])
def test_a_log_of_what_is_printed_is_not_replaced(stream: int, old: Path) -> None:
    """By its name, or by another one: what comes later would be lost."""
    Path("link").symlink_to(old)
    kept = os.dup(stream)
    try:
        with old.open("ab") as log:
            os.dup2(log.fileno(), stream)
        reasons = [refusal("out"), refusal("link")]
        os.close(stream)
        replace("out", b"new")
    finally:
        os.dup2(kept, stream)
        os.close(kept)
    assert (
        reasons == ["standard output or standard error is redirected to it and would be lost"] * 2
    )
    assert old.read_text() == "new"


def test_a_folder_that_a_process_has_open_is_a_folder(old: Path) -> None:
    """What lies in it is a file like any other."""
    replace("/proc/self/cwd/out", b"new")
    assert old.read_text() == "new"


def test_without_procfs_links_are_links(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On whatever file system they lie."""
    Path("link").symlink_to("out")
    found = Path.stat

    def stat_of(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.parts[:2] == ("/", "proc"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return found(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat_of)
    replace("link", b"new")
    assert old.read_text() == "new"


@AS_ROOT
def test_a_link_that_the_system_does_not_follow_is_not_followed(tmp_path: Path) -> None:
    """Somebody else's in a folder like `/tmp`: `fs.protected_symlinks` forbids it to root too."""
    switch = Path("/proc/sys/fs/protected_symlinks")
    if not switch.exists() or switch.read_text() != "1\n":
        pytest.skip("links are not protected here")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    secret = tmp_path / "secret"
    secret.write_text("old")
    (shared / "out").symlink_to(secret)
    os.chown(shared / "out", NOBODY, NOBODY, follow_symlinks=False)
    assert refusal("shared/out") == "Permission denied"
    assert secret.read_text() == "old"


def test_a_file_that_is_mounted_by_itself_is_told(old: Path) -> None:
    """As a container has one: nothing can take its place."""
    Path("source").write_text("mounted")
    with mounted("--bind", "source", on=old):
        assert refusal("out") == (
            "it is a mount point and cannot be replaced: mount its folder instead"
        )
        assert old.read_text() == "mounted"
        assert names() == ["out", "source"]


def test_a_folder_that_takes_no_draft_is_told() -> None:
    """It is not enough that the file could be written."""
    disk = Path("disk")
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "ro", "tmpfs", on=disk):
        assert refusal("disk/out") == (
            "Read-only file system (the folder must be writable: a file is replaced as a whole)"
        )


@AS_ROOT
def test_a_folder_of_somebody_else_is_told(old: Path, tmp_path: Path) -> None:
    """In the same words."""
    let_all_reach(tmp_path)
    old.chmod(0o666)
    path = str(old.absolute())

    def write() -> None:
        assert refusal(path) == (
            "Permission denied (the folder must be writable: a file is replaced as a whole)"
        )

    as_somebody(write)
    assert old.read_text() == "old"
