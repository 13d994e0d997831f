"""The audit's file as it is written: one record, one line, one write."""

from __future__ import annotations

import errno
import json
import os
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from driftflow.errors import StorageError
from driftflow.recording.storage import JsonFileStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftflow.planning.settings import Sync


def record(number: int) -> str:
    """One of a run."""
    return f'{{"v":1,"ts":"","run_id":"","seq":{number},"event":""}}'


def lines(*numbers: int) -> str:
    """What the file holds of records."""
    return "".join(f"{record(number)}\n" for number in numbers)


EMPTY = record(0)


def test_a_record_is_a_line(tmp_path: Path) -> None:
    """As it is given."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        storage.append('{"a":1}')
        storage.append(EMPTY)
    assert path.read_bytes() == f'{{"a":1}}\n{EMPTY}\n'.encode()


def test_records_are_appended(tmp_path: Path) -> None:
    """What was there stays."""
    path = tmp_path / "audit.jsonl"
    path.write_text(lines(7))
    for number in range(2):
        with JsonFileStorage(str(path)) as storage:
            storage.append(record(number))
    assert path.read_text() == lines(7, 0, 1)


def test_a_record_is_on_file_at_once(tmp_path: Path) -> None:
    """Not only when the file is closed."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        storage.append(record(0))
        assert path.read_text() == lines(0)


def test_two_writers_keep_each_others_lines_whole(tmp_path: Path) -> None:
    """Each record is one write at the end of the file, wherever that is by then."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as one, JsonFileStorage(str(path)) as other:
        for number in range(50):
            one.append(json.dumps({"one": "x" * 10_000 * (number % 2)}))
            other.append(json.dumps({"other": number}))
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [*records[0], *records[1], len(records)] == ["one", "other", 100]


def test_the_file_is_closed_on_leaving(tmp_path: Path) -> None:
    """Nothing can be appended after that."""
    with JsonFileStorage(str(tmp_path / "audit.jsonl")) as storage:
        pass
    with pytest.raises(StorageError, match="the audit cannot be written: the file is closed"):
        storage.append(EMPTY)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".", "Is a directory"),
        ("missing/audit.jsonl", "No such file or directory"),
        ("pipe", "it is not a regular file"),
        ("link", "it is a symbolic link, which is not allowed"),
        ("/dev/null", "it is not a regular file"),
        ("a\0b", "not a valid file name"),
        ("\ud800", "not a valid file name"),
    ],
)
def test_a_file_that_cannot_be_opened_is_a_storage_error(
    path: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the path and the reason; folders are not created, links not followed."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("link").symlink_to("target")
    with pytest.raises(StorageError) as caught:
        JsonFileStorage(path)
    assert (caught.value.path, caught.value.reason) == (
        path,
        f"the audit cannot be opened: {reason}",
    )
    assert {each.name for each in tmp_path.iterdir()} == {"pipe", "link"}


def test_a_write_that_fails_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the system's reason. The next one may succeed: there may be room again."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        with monkeypatch.context() as patch:
            patch.setattr("os.write", fail_with(errno.ENOSPC))
            with pytest.raises(
                StorageError, match="the audit cannot be written: No space left on device"
            ):
                storage.append(record(0))
        storage.append(record(1))
    assert path.read_text() == lines(1)


def test_a_write_that_is_cut_short_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that fills up in the middle of a record."""
    path = tmp_path / "audit.jsonl"
    write = os.write
    with JsonFileStorage(str(path)) as storage:
        storage.append(record(0))
        with monkeypatch.context() as patch:
            patch.setattr("os.write", lambda file, line: write(file, line[:3]))
            with pytest.raises(StorageError, match="a record was only partly written"):
                storage.append(record(1))
        assert path.read_text() == lines(0)
        storage.append(record(2))
    assert path.read_text() == lines(0, 2)


def test_what_cannot_be_taken_back_is_fenced_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may be for appending only (`chattr +a`): the next record gets a line of its own."""
    path = tmp_path / "audit.jsonl"
    write = os.write
    with JsonFileStorage(str(path)) as storage:
        with monkeypatch.context() as patch:
            patch.setattr("os.write", lambda file, line: write(file, line[:3]))
            patch.setattr("os.ftruncate", fail_with(errno.EPERM))
            with pytest.raises(StorageError, match="a record was only partly written"):
                storage.append(record(0))
        for number in (1, 2):
            storage.append(record(number))
    assert path.read_text() == '{"v\n' + lines(1, 2)


@pytest.mark.parametrize("torn", [b'{"v":1,"ts', b'{"v":1,"ts":"","output":"\xe6', b"\0\0\0"])
def test_what_a_crash_has_torn_stays_on_a_line_of_its_own(torn: bytes, tmp_path: Path) -> None:
    """It is evidence; and no new record is fused with it."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(torn)
    with JsonFileStorage(str(path)) as storage:
        storage.append(record(0))
        with path.open("ab") as somebody:  # crashes while we go on
            somebody.write(torn)
        storage.append(record(1))
    assert path.read_bytes() == b"\n".join(
        [torn, record(0).encode(), torn, record(1).encode(), b""]
    )
    JsonFileStorage(str(path)).close()  # and it is an audit all the same


def test_a_renamed_file_is_noticed_and_a_new_one_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As log files are rotated; wherever an action has gone meanwhile. The new one is like it."""
    monkeypatch.setattr("driftflow.recording.storage._NAME_CHECK", 0)
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage("audit.jsonl") as storage:
        monkeypatch.chdir(elsewhere)
        for number in range(4):
            storage.append(record(number))
            if number % 2:
                path.rename(tmp_path / f"audit.jsonl.{number}")
        storage.append(record(4))
    found = {each.name: each.read_text() for each in tmp_path.iterdir() if each.is_file()}
    assert found == {
        "audit.jsonl.1": lines(0, 1),
        "audit.jsonl.3": lines(2, 3),
        "audit.jsonl": lines(4),
    }
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_renamed_file_without_a_successor_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And free for others: nothing is left locked."""
    monkeypatch.setattr("driftflow.recording.storage._NAME_CHECK", 0)
    path = tmp_path / "folder" / "audit.jsonl"
    path.parent.mkdir()
    with JsonFileStorage(str(path), "none") as storage:
        storage.append(record(0))
        moved = path.parent.rename(tmp_path / "moved") / path.name
        with pytest.raises(
            StorageError, match="the audit cannot be written: No such file or directory"
        ):
            storage.append(record(1))
        with moved.open() as other:
            flock(other, LOCK_EX | LOCK_NB)
        moved.parent.rename(path.parent)
        storage.append(record(2))
    assert path.read_text() == lines(0, 2)


def test_a_renamed_file_is_free_for_others_though_a_process_was_forked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a copy of the descriptor, with which it keeps what is locked."""
    monkeypatch.setattr("driftflow.recording.storage._NAME_CHECK", 0)
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        copy = os.dup(storage._descriptor)  # noqa: SLF001 - as a fork makes one
        moved = path.rename(tmp_path / "old")
        storage.append(record(0))
        with moved.open() as other:
            flock(other, LOCK_EX | LOCK_NB)
        os.close(copy)
    assert path.read_text() == lines(0)


def test_only_an_audit_is_appended_to(tmp_path: Path) -> None:
    """Nothing is written into a file that holds something else."""
    path = tmp_path / ".bashrc"
    path.write_text("export A=1\n")
    with pytest.raises(StorageError) as caught:
        JsonFileStorage(str(path))
    reason = "the audit cannot be opened: it contains something other than audit records"
    assert caught.value.reason == reason
    assert path.read_text() == "export A=1\n"


def test_a_file_of_that_name_that_is_no_audit_ends_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that has taken the audit's place."""
    monkeypatch.setattr("driftflow.recording.storage._NAME_CHECK", 0)
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        storage.append(EMPTY)
        path.rename(tmp_path / "old")
        path.write_text("export A=1\n")
        with pytest.raises(
            StorageError, match="the audit cannot be written: it contains something other"
        ):
            storage.append(EMPTY)
    assert path.read_text() == "export A=1\n"


def test_the_file_of_another_user_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's may be."""
    path = tmp_path / "audit.jsonl"
    path.write_text(f"{EMPTY}\n")
    fstat = os.fstat

    def owned_by(user: int) -> Callable[[int], os.stat_result]:
        return lambda file: os.stat_result([*fstat(file)[:4], user, *fstat(file)[5:]])

    monkeypatch.setattr("os.geteuid", lambda: 4711)
    for user in (4711, 0):
        monkeypatch.setattr("os.fstat", owned_by(user))
        JsonFileStorage(str(path)).close()
    monkeypatch.setattr("os.fstat", owned_by(4712))
    with pytest.raises(StorageError, match="cannot be opened: it belongs to another user"):
        JsonFileStorage(str(path))


def test_a_file_that_is_printed_to_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a log may be that has the name of the audit."""
    path = tmp_path / "audit.jsonl"
    monkeypatch.setattr(
        "driftflow.recording.files.is_printed_to",
        lambda status: os.path.samestat(status, path.stat()),
    )
    reason = "cannot be opened: standard output or standard error is redirected to it"
    with pytest.raises(StorageError, match=reason):
        JsonFileStorage(str(path))
    assert path.read_text() == ""


def test_a_file_that_others_can_write_is_appended_to(tmp_path: Path) -> None:
    """It is not believed, but nothing comes of what is in it."""
    path = tmp_path / "audit.jsonl"
    path.write_text(lines(0))
    path.chmod(0o666)
    with JsonFileStorage(str(path)) as storage:
        storage.append(record(1))
    assert path.read_text() == lines(0, 1)


def test_the_descriptor_is_where_others_seldom_reach(tmp_path: Path) -> None:
    """An action that closes all that it knows of, and opens a file of its own, gets another one."""
    with JsonFileStorage(str(tmp_path / "audit.jsonl")) as storage:
        assert storage._descriptor >= 1000  # noqa: SLF001 - an action cannot ask for it


@pytest.mark.parametrize("taken", [None, "", "mine\n"])
def test_a_descriptor_that_an_action_has_closed_is_a_storage_error(
    taken: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No record goes into a file that has its number now, and nobody else's is closed."""
    monkeypatch.setattr("driftflow.recording.storage._NAME_CHECK", 3600)
    other = tmp_path / "other"
    storage = JsonFileStorage(str(tmp_path / "audit.jsonl"))
    storage.append(EMPTY)
    number = storage._descriptor  # noqa: SLF001 - an action reaches it by `os.closerange`
    os.close(number)
    if taken is not None:
        other.write_text(taken)
        with other.open("a") as file:
            os.dup2(file.fileno(), number)
    for use in (partial(storage.append, EMPTY), storage.close):
        with pytest.raises(StorageError, match="the audit cannot be written: Bad file descriptor"):
            use()
    if taken is not None:
        os.close(number)
        assert other.read_text() == taken


def test_no_record_goes_into_a_file_that_has_come_to_have_the_number(tmp_path: Path) -> None:
    """Not even into one of the same size, before the name is looked for."""
    path, mine = tmp_path / "audit.jsonl", tmp_path / "mine"
    path.write_text(lines(0))
    storage = JsonFileStorage(str(path), beside_code=True)
    descriptor = storage._descriptor  # noqa: SLF001 - what an action finds by trying all
    storage.append(record(1))
    mine.write_text("x" * (len(lines(0, 1)) - 1) + "\n")
    with mine.open("ab") as file:
        os.dup2(file.fileno(), descriptor)
    with pytest.raises(StorageError, match="Bad file descriptor"):
        storage.append(record(2))
    os.close(descriptor)
    assert len(mine.read_text()) == len(lines(0, 1))


def test_a_fork_of_the_process_writes_nothing(tmp_path: Path) -> None:
    """It ends instead."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path), beside_code=True) as storage:
        child = os.fork()
        if child == 0:
            storage.append(record(1))
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
        storage.append(record(2))
    assert path.read_text() == lines(2)


def test_what_was_overwritten_by_something_else_ends_the_record(tmp_path: Path) -> None:
    """An audit that was emptied goes on."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        storage.append(record(0))
        os.truncate(path, 0)
        storage.append(record(1))
        assert path.read_text() == lines(1)
        path.write_text("export A=1\n")
        with pytest.raises(StorageError, match="something other than audit records"):
            storage.append(record(2))
    assert path.read_text() == "export A=1\n"


def test_another_file_of_that_name_is_appended_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who renames it may create the new one, too."""
    monkeypatch.setattr("driftflow.recording.storage._NAME_CHECK", 0)
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        storage.append(record(0))
        path.rename(tmp_path / "old")
        path.write_text(lines(2))
        storage.append(record(1))
    assert path.read_text() == lines(2, 1)


def test_a_new_name_is_looked_for_after_a_millisecond(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look costs more than to write."""
    clock = iter([0.0, 0.0, 0.0009, 0.0011, 0.0011])
    monkeypatch.setattr("driftflow.recording.storage.monotonic", lambda: next(clock, 0.002))
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        storage.append(record(0))
        path.rename(tmp_path / "old")
        storage.append(record(1))
        storage.append(record(2))
    assert (tmp_path / "old").read_text() == lines(0, 1)
    assert path.read_text() == lines(2)


def test_a_file_that_stays_locked_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may stop in the middle of a write; one that goes on is waited for."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage, path.open() as other:
        flock(other, LOCK_EX)
        with monkeypatch.context() as patch:
            patch.setattr("driftflow.recording.storage.LOCK_TIMEOUT", 0.05)
            with pytest.raises(StorageError, match=r"another process has kept it locked for 0.05"):
                storage.append(record(0))
        waits: list[float] = []

        def unlock(seconds: float) -> None:
            waits.append(seconds)
            flock(other, LOCK_UN)

        monkeypatch.setattr("driftflow.recording.storage.sleep", unlock)
        storage.append(record(1))
        assert waits == [0.001]
        flock(other, LOCK_EX | LOCK_NB)  # and is free again
    assert path.read_text() == lines(1)


@pytest.mark.parametrize("sync", ["none", "run", "step"])
def test_records_are_brought_to_the_disk_as_asked(
    sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a new file as well, once."""
    log: list[str] = []
    path = str(tmp_path / "audit.jsonl")
    monkeypatch.setattr("driftflow.recording.storage._fdatasync", lambda _: log.append("records"))
    monkeypatch.setattr("os.fsync", lambda _: log.append("name"))
    for _ in range(2):
        with JsonFileStorage(path, sync) as storage:
            for _ in range(2):
                storage.append(EMPTY)
                log.append("appended")
            storage.sync()
    each, appended = {"step": ["records"]}.get(sync, []), ["appended"]
    first = [*each, *(["name"] if each else []), *appended, *each, *appended, "records"]
    second = [*each, *appended, *each, *appended, "records"]
    assert log == [*first, *([] if each else ["name"]), *second]


@pytest.mark.parametrize(("sync", "brought"), [("none", 0), ("run", 1), ("step", 2)])
def test_a_renamed_file_is_on_the_disk_before_it_is_left(
    sync: Sync, brought: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else will see to it."""
    monkeypatch.setattr("driftflow.recording.storage._NAME_CHECK", 0)
    left: list[int] = []
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path), sync) as storage:
        storage.append(EMPTY)
        inode = path.stat().st_ino
        path.rename(tmp_path / "old")
        monkeypatch.setattr(
            "driftflow.recording.storage._fdatasync", lambda file: left.append(fstat(file))
        )
        storage.append(EMPTY)
    assert len(left) == brought
    assert left[:1] == [inode][:brought]


def fstat(descriptor: int) -> int:
    """The file's own number."""
    return os.fstat(descriptor).st_ino


def test_after_a_sync_that_failed_nothing_more_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it tried again: a second time it would succeed, whatever was lost."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path), "step") as storage:
        storage.append(record(0))
        with monkeypatch.context() as patch:
            patch.setattr("driftflow.recording.storage._fdatasync", fail_with(errno.EIO))
            reason = r"Input/output error \(while syncing to disk\)"
            with pytest.raises(StorageError, match=reason):
                storage.append(record(1))
        for again in (storage.sync, lambda: storage.append(record(2))):
            with pytest.raises(StorageError, match=reason):
                again()
    assert path.read_text() == lines(0, 1)


def fail_with(number: int) -> Callable[..., NoReturn]:
    """A system call that fails."""

    def fail(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail
