"""The audit's file: one record, one line, one write."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from driftflow.errors import StorageError
from driftflow.storage import JsonFileStorage

if TYPE_CHECKING:
    from pathlib import Path


def test_a_record_is_a_line(tmp_path: Path) -> None:
    """As it is given."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        storage.append('{"a":1}')
        storage.append("{}")
    assert path.read_bytes() == b'{"a":1}\n{}\n'


def test_records_are_appended(tmp_path: Path) -> None:
    """What was there stays."""
    path = tmp_path / "audit.jsonl"
    path.write_text("old\n")
    for number in range(2):
        with JsonFileStorage(str(path)) as storage:
            storage.append(f'{{"n":{number}}}')
    assert path.read_text() == 'old\n{"n":0}\n{"n":1}\n'


def test_a_record_is_on_file_at_once(tmp_path: Path) -> None:
    """Not only when the file is closed."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as storage:
        storage.append('{"n":0}')
        assert path.read_text() == '{"n":0}\n'


def test_two_writers_keep_each_others_lines_whole(tmp_path: Path) -> None:
    """Each record is one write at the end of the file, wherever that is by then."""
    path = tmp_path / "audit.jsonl"
    with JsonFileStorage(str(path)) as one, JsonFileStorage(str(path)) as other:
        for number in range(50):
            one.append(json.dumps({"one": "x" * 10_000 * (number % 2)}))
            other.append(json.dumps({"other": number}))
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [*records[0], *records[1], len(records)] == ["one", "other", 100]


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Outputs may be nobody else's business. A file that is there keeps its mode."""
    path = tmp_path / "audit.jsonl"
    JsonFileStorage(str(path)).close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    JsonFileStorage(str(path)).close()
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_file_is_closed_on_leaving(tmp_path: Path) -> None:
    """Nothing can be appended after that."""
    with JsonFileStorage(str(tmp_path / "audit.jsonl")) as storage:
        pass
    with pytest.raises(StorageError, match="the audit failed: Bad file descriptor"):
        storage.append("{}")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".", "Is a directory"),
        ("missing/audit.jsonl", "No such file or directory"),
        ("a\0b", "not the name of a file"),
        ("\ud800", "not the name of a file"),
    ],
)
def test_a_file_that_cannot_be_opened_is_a_storage_error(
    path: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the path and the reason; folders are not created."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError) as caught:
        JsonFileStorage(path)
    assert (caught.value.path, caught.value.reason) == (
        path,
        f"the audit cannot be opened: {reason}",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_is_a_storage_error() -> None:
    """A device that is always full."""
    with (
        JsonFileStorage("/dev/full") as storage,
        pytest.raises(StorageError, match="/dev/full: the audit failed: No space left on device"),
    ):
        storage.append("{}")


def test_a_write_that_is_cut_short_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that fills up in the middle of a record."""
    write = os.write
    with JsonFileStorage(str(tmp_path / "audit.jsonl")) as storage:
        monkeypatch.setattr("os.write", lambda file, line: write(file, line[:3]))
        with pytest.raises(StorageError, match="a record was cut short"):
            storage.append('{"n":0}')
