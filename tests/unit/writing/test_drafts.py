"""Drafts that a kill has left are removed, and no others."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import NoReturn

import pytest
from support.children import AS_ROOT, NOBODY, as_somebody, in_a_child, let_all_reach

from driftflow.writing import drafts
from driftflow.writing.drafts import new_draft, remove_left_drafts

HERE = Path()


def leave(digit: str = "0") -> Path:
    """Leave a draft, as a kill does."""
    path = Path(f".driftflow-{digit * 32}")
    path.write_text("half a ")
    return path


def names() -> set[str]:
    """What is in the folder."""
    return {path.name for path in HERE.iterdir()}


def write() -> set[str]:
    """Write a draft, after those that were left are removed; what is in the folder meanwhile."""
    remove_left_drafts(HERE)
    with new_draft(HERE, 0o666) as (draft, descriptor):
        os.write(descriptor, b"text")
        return names() - {draft.name}


def test_a_draft_that_was_left_is_removed_by_the_first_write() -> None:
    """Of whatever mode it is."""
    for digit, mode in (("0", 0o600), ("a", 0o444), ("f", 0o4755)):
        leave(digit).chmod(mode)
    assert write() == set()


def test_a_draft_is_gone_when_it_was_not_moved() -> None:
    """Also after an error; one that was moved stays where it is now."""
    with suppress(ZeroDivisionError), new_draft(HERE, 0o600):
        raise ZeroDivisionError
    assert names() == set()
    with new_draft(HERE, 0o600) as (draft, _):
        draft.rename("out")
    assert names() == {"out"}


def test_a_draft_that_somebody_writes_stays() -> None:
    """It is locked from its beginning to its end."""
    with new_draft(HERE, 0o600) as (draft, _):
        assert write() == {draft.name}
    assert names() == set()


def test_what_is_no_draft_stays() -> None:
    """Whatever it is called, and whatever its name leads to."""
    zeros = "0" * 32
    others = {f".driftflow-{zeros}0", f".driftflow-{zeros[:-1]}", f".driftflow-{'A' * 32}", zeros}
    for name in (*others, "file"):
        Path(name).write_text("text")
    folder, pipe, link = (Path(f".driftflow-{digit * 32}") for digit in "123")
    folder.mkdir()
    os.mkfifo(pipe)
    link.symlink_to("file")
    assert write() == {*others, "file", folder.name, pipe.name, link.name}


@AS_ROOT
def test_what_is_not_ours_to_remove_stays_quietly(tmp_path: Path) -> None:
    """In a folder like `/tmp`; but of what is ours, also what may only be read is removed."""
    let_all_reach(tmp_path.parent)
    tmp_path.chmod(0o1777)
    theirs, readable, ours = leave("1"), leave("2"), leave("3")
    theirs.chmod(0o600)
    readable.chmod(0o644)
    ours.chmod(0o400)
    os.chown(ours, NOBODY, NOBODY)

    def check() -> None:
        assert write() == {theirs.name, readable.name}

    as_somebody(check)


def test_a_folder_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand files would be listed ten thousand times; by what it is, not by its name."""
    looks: list[str] = []
    scan = os.scandir

    def note(path: Path) -> object:
        looks.append(str(path))
        return scan(path)

    monkeypatch.setattr("os.scandir", note)
    for name in ("one", "other"):
        Path(name).mkdir()
    for name in ("one", "other", "one", "one/../other"):
        remove_left_drafts(Path(name))
    assert looks == ["one", "other"]
    Path("one").rename("moved")
    Path("one").mkdir()
    for name in ("moved", "one"):
        remove_left_drafts(Path(name))
    assert looks == ["one", "other", "one"]


def test_a_forked_process_looks_for_itself() -> None:
    """It may have come for one that was killed."""
    write()
    draft = leave()
    write()
    assert draft.exists()
    in_a_child(lambda: remove_left_drafts(HERE))
    assert not draft.exists()


def test_a_folder_that_cannot_be_looked_through_is_written_to() -> None:
    """Or is not there: who creates a draft is told."""
    remove_left_drafts(Path("missing"))
    Path("file").touch()
    remove_left_drafts(Path("file"))
    with pytest.raises(FileNotFoundError), new_draft(Path("missing"), 0o600):
        pass


def test_where_files_cannot_be_locked_drafts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell whose they are; but files are written."""

    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, "No locks available")

    left = leave()
    monkeypatch.setattr(drafts, "flock", refuse)
    assert write() == {left.name}


@pytest.mark.parametrize("is_quick", [True, False], ids=["removed", "about to be removed"])
def test_a_draft_that_is_taken_for_a_left_one_is_begun_anew(
    is_quick: bool,  # noqa: FBT001 - it is a case
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before it is locked, somebody who cleans the folder may come first."""
    others: list[int] = []
    drafts_seen: set[str] = set()

    def late(descriptor: int, operation: int) -> None:
        if not others:
            drafts_seen.update(names())
            (path,) = HERE.iterdir()
            others.append(os.open(path, os.O_RDWR))
            flock(others[0], LOCK_EX | LOCK_NB)
            if is_quick:
                path.unlink()
                os.close(others[0])
        flock(descriptor, operation)

    monkeypatch.setattr(drafts, "flock", late)
    with new_draft(HERE, 0o600) as (draft, descriptor):
        assert names() == {draft.name}
        assert not drafts_seen & names()
        assert os.fstat(descriptor).st_nlink == 1
    if not is_quick:
        os.close(others[0])


def test_a_file_is_free_for_others_though_a_process_was_forked() -> None:
    """The lock was on the draft, and would be on the file that came of it."""
    with new_draft(HERE, 0o600) as (draft, descriptor):
        copy = os.dup(descriptor)  # as a fork makes one
        draft.rename("out")
    with Path("out").open("r+") as file:
        flock(file, LOCK_EX | LOCK_NB)
    os.close(copy)
