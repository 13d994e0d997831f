"""The audit's file as it is read: from its end, in blocks, and with care."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftflow.errors import StorageError
from driftflow.recording.reader import AuditReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from random import Random

AUDIT = Path("audit.jsonl")

# Lines of which some are longer than a block, and some have a marker in them, or a part of one.
pieces = st.sampled_from([b"\n", b"\n", b"run", b"run", b"ru", b"n", b"nn", b"a", b"x" * 70])
files = st.lists(pieces, max_size=12).map(b"".join)
sizes = st.integers(1, 64)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def split(data: bytes) -> list[tuple[int, bytes]]:
    """All lines of a file, with their offsets; what stands behind the last end is one, too."""
    found = []
    offset = 0
    for line in data.split(b"\n"):
        found.append((offset, line))
        offset += len(line) + 1
    return found


def find(marker: bytes, end: int | None = None) -> list[tuple[int, bytes]]:
    """The lines of the audit that have the marker in them, the last one first."""
    with AuditReader("audit.jsonl") as reader:
        return [*reader.find_lines(marker, end)]


def read(runs: dict[int, bytes]) -> list[bytes]:
    """The lines of the audit that may be records of these runs."""
    with AuditReader("audit.jsonl") as reader:
        return [line for block in reader.read_lines(runs) for line in block]


@settings(max_examples=300)
@given(data=files, marker=st.sampled_from([b"run", b"nn", b"n"]), block=sizes, piece=sizes)
def test_the_lines_that_have_a_marker_are_found_from_the_end(
    data: bytes, marker: bytes, block: int, piece: int
) -> None:
    """Each once, however often it has it, and whole, wherever blocks end: also in a marker.

    The last line need not have an end. And so from the beginning of any line.
    """
    AUDIT.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("driftflow.recording.reader._BLOCK", block)
        patch.setattr("driftflow.recording.reader._PIECE", piece)
        wanted = [line for line in reversed(split(data)) if marker in line[1]]
        assert find(marker) == wanted
        for end, _ in split(data):
            assert find(marker, end) == [line for line in wanted if line[0] < end]


@settings(max_examples=300)
@given(data=files, chance=st.randoms(use_true_random=False), block=sizes)
def test_the_lines_of_runs_are_read_from_their_beginning(
    data: bytes, chance: Random, block: int
) -> None:
    """Each once, in the order of the file, and whole, wherever blocks end.

    What stands before the first record of the first run is not read. What stands before that of
    another one need not be.
    """
    data = b"\n".join(line and line + b"%d" % place for place, line in split(data))  # all differ
    lines = split(data)
    begins = chance.sample(lines, min(len(lines), chance.randint(1, 3)))
    runs = {offset: chance.choice([b"run", b"nn", b"a"]) for offset, _ in begins}
    AUDIT.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("driftflow.recording.reader._BLOCK", block)
        found = read(runs)
    most = [line for at, line in lines if at >= min(runs) and has_any(line, runs)]
    due = {line for at, line in lines if has_any(line, {n: runs[n] for n in runs if n <= at})}
    assert found == [line for line in most if line in due.union(found)]


def has_any(line: bytes, runs: Mapping[int, bytes]) -> bool:
    """Whether the name of one of the runs is in the line."""
    return any(name in line for name in runs.values())


def test_a_block_of_the_real_size_is_no_limit() -> None:
    """Nor a piece: of markers and lines that straddle them."""
    long = b"x" * (1 << 20)
    rows = [b"run 1", long + b" run 2 " + long, b"run 3 " + long, b"other", b"run 4"]
    data = b"\n".join(rows)
    AUDIT.write_bytes(data)
    lines = split(data)
    assert find(b"run") == [lines[index] for index in (4, 2, 1, 0)]
    assert read({lines[1][0]: b"run"}) == [rows[index] for index in (1, 2, 4)]


def test_no_more_is_read_than_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that old records cost nothing: from the end as far as the line, or from a run's start.

    And no further when no run is left.
    """
    monkeypatch.setattr("driftflow.recording.reader._BLOCK", 64)
    monkeypatch.setattr("driftflow.recording.reader._PIECE", 16)
    preadv, places = os.preadv, []

    def note(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        places.append(offset)
        return preadv(descriptor, buffers, offset)

    monkeypatch.setattr("os.preadv", note)
    AUDIT.write_bytes(b"run\n" * 1000)
    with AuditReader("audit.jsonl") as reader:
        assert next(reader.find_lines(b"run")) == (3996, b"run")
        assert min(places) == 4000 - 64
        places.clear()
        assert next(reader.find_lines(b"run", 2000)) == (1996, b"run")
        assert (min(places), max(places)) == (2000 - 64, 2000 - 64)
        places.clear()
        runs = {2000: b"run", 3000: b"run"}
        blocks = reader.read_lines(runs)
        assert next(blocks) == [b"run"] * 16
        assert places == [2000]
        runs.clear()
        assert [*blocks] == []
        assert places == [2000]


@pytest.mark.parametrize("name", [b"run 2", b"other"])
def test_a_run_that_is_over_is_looked_for_no_longer(
    name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the next block on, if it is taken out; others are, and one that is not stays."""
    monkeypatch.setattr("driftflow.recording.reader._BLOCK", 16)  # two lines
    rows = [b"run 1 a", b"run 2 a", b"run 1 e", b"run 1 b", b"run 1 c", b"run 2 b", b"run 1 d"]
    AUDIT.write_bytes(b"\n".join(rows) + b"\n")
    runs = {0: b"run 1", 8: name}
    found = []
    with AuditReader("audit.jsonl") as reader:
        for lines in reader.read_lines(runs):
            found += lines
            if b"run 1 e" in lines:
                del runs[0]
    others = [b"run 2 a", b"run 2 b"] if name == b"run 2" else []
    assert found == sorted([b"run 1 a", b"run 1 e", b"run 1 b", *others], key=rows.index)


def test_without_a_run_there_is_nothing_to_read() -> None:
    """Nor of one that has no records; though the file has lines."""
    AUDIT.write_bytes(b"run 1\n\nrun 2\n")
    with AuditReader("audit.jsonl") as reader:
        assert [*reader.read_lines({})] == []
        assert [*reader.read_lines({0: b"other"})] == []


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_what_is_appended_meanwhile_is_not_read(end: bytes) -> None:
    """Neither further lines, nor the rest of the last one."""
    AUDIT.write_bytes(b"run 1\nrun 2" + end)
    with AuditReader("audit.jsonl") as reader:
        with AUDIT.open("ab") as file:
            file.write(b" and more\nrun 3\n")
        assert [*reader.find_lines(b"run")] == [(6, b"run 2"), (0, b"run 1")]
        assert [*reader.read_lines({0: b"run"})] == [[b"run 1", b"run 2"]]


def test_a_file_that_is_emptied_meanwhile_has_no_more_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a log is by `copytruncate`. Nobody waits for what is not there any more."""
    monkeypatch.setattr("driftflow.recording.reader._BLOCK", 12)  # two lines
    AUDIT.write_bytes(b"run 1\nrun 2\n" * 1000)
    with AuditReader("audit.jsonl") as reader:
        found = reader.find_lines(b"run")
        assert next(found) == (11_994, b"run 2")
        os.truncate(AUDIT, 0)
        assert not any(line for _, line in found)
        assert [*reader.find_lines(b"run")] == []
        assert [*reader.read_lines({0: b"run"})] == []


def test_a_line_is_over_where_it_ends() -> None:
    """Whatever else Python takes for an end; and what it holds need not be text."""
    rows = [b'{"run":"\xe2\x80\xa8\x0c\r"}', b"", b"\xffrun\0", b"run torn"]
    AUDIT.write_bytes(b"\n".join(rows))
    wanted = [rows[0], rows[2], rows[3]]
    assert [line for _, line in find(b"run")] == wanted[::-1]
    assert read({0: b"run"}) == wanted


@pytest.mark.parametrize("by_anybody", [False, True])
def test_a_missing_file_has_no_lines(*, by_anybody: bool) -> None:
    """Nor has an empty one; none is created."""
    with AuditReader("audit.jsonl", by_anybody=by_anybody) as reader:
        assert [*reader.find_lines(b"run")] == []
        assert [*reader.read_lines({0: b"run"})] == []
    assert not AUDIT.exists()
    AUDIT.touch()
    assert (find(b"run"), read({0: b"run"})) == ([], [])


@pytest.mark.parametrize("by_anybody", [False, True])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".", "it is not a regular file"),
        ("pipe", "it is not a regular file"),
        ("link", "it is a symbolic link, which is not allowed"),
        ("pipe/audit", "Not a directory"),
        ("a\0b", "not a valid file name"),
        ("\ud800", "not a valid file name"),
    ],
)
def test_a_file_that_cannot_be_opened_is_a_storage_error(
    path: str, reason: str, *, by_anybody: bool
) -> None:
    """With the path and the reason."""
    os.mkfifo("pipe")
    Path("link").symlink_to("target")
    with pytest.raises(StorageError) as caught:
        AuditReader(path, by_anybody=by_anybody)
    assert (caught.value.path, caught.value.reason) == (path, f"the audit cannot be read: {reason}")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_believed(mode: int) -> None:
    """Unless it does not matter what it says; that others can read it is no harm."""
    AUDIT.write_bytes(b"run\n")
    AUDIT.chmod(mode)
    with pytest.raises(StorageError) as caught:
        AuditReader("audit.jsonl")
    reason = f"other users can write to it (mode {mode:o}), so it is not trusted"
    assert caught.value.reason == f"the audit cannot be read: {reason}"
    with AuditReader("audit.jsonl", by_anybody=True) as reader:
        assert [*reader.find_lines(b"run")] == [(0, b"run")]
    AUDIT.chmod(0o644)
    assert find(b"run") == [(0, b"run")]


def test_the_file_of_another_user_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's is; and any, if it does not matter what it says."""
    AUDIT.write_bytes(b"run\n")
    fstat = os.fstat

    def owned_by(user: int) -> Callable[[int], os.stat_result]:
        return lambda file: os.stat_result([*fstat(file)[:4], user, *fstat(file)[5:]])

    monkeypatch.setattr("os.geteuid", lambda: 4711)
    for user in (4711, 0):
        monkeypatch.setattr("os.fstat", owned_by(user))
        assert find(b"run") == [(0, b"run")]
    monkeypatch.setattr("os.fstat", owned_by(4712))
    with pytest.raises(StorageError) as caught:
        AuditReader("audit.jsonl")
    assert caught.value.reason == "the audit cannot be read: it belongs to another user"
    with AuditReader("audit.jsonl", by_anybody=True) as reader:
        assert [*reader.find_lines(b"run")] == [(0, b"run")]


def next_descriptor() -> int:
    """The least number that no descriptor has: it is a greater one while a file is open."""
    descriptor = os.dup(1)
    os.close(descriptor)
    return descriptor


def test_the_file_is_closed_on_leaving() -> None:
    """Also if it is not believed; it can be closed twice, and cannot be read then."""
    AUDIT.write_bytes(b"run\n")
    free = next_descriptor()
    with AuditReader("audit.jsonl") as reader:
        assert next_descriptor() > free
    assert next_descriptor() == free
    with Path(os.devnull).open() as other:  # it has the number now, and stays open
        assert other.fileno() == free
        reader.close()
        os.fstat(free)
    reads: list[Iterator[object]] = [reader.find_lines(b"run"), reader.read_lines({0: b"run"})]
    for read_on in reads:
        with pytest.raises(StorageError, match="the audit cannot be read: Bad file descriptor"):
            next(read_on)
    AUDIT.chmod(0o666)
    with pytest.raises(StorageError):
        AuditReader("audit.jsonl")
    assert next_descriptor() == free


def test_a_read_that_fails_is_a_storage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the system's reason, wherever it happens."""
    AUDIT.write_bytes(b"run\n")

    def fail(*_: object) -> NoReturn:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with AuditReader("audit.jsonl") as reader:
        monkeypatch.setattr("os.preadv", fail)
        reads: list[Iterator[object]] = [reader.find_lines(b"run"), reader.read_lines({0: b"run"})]
        for read_on in reads:
            with pytest.raises(StorageError) as caught:
                next(read_on)
            assert caught.value.path == "audit.jsonl"
            assert caught.value.reason == "the audit cannot be read: Input/output error"
