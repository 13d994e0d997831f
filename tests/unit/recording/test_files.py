"""The audit's file as one of the system: what is opened, and what is taken for an audit of ours."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driftflow.recording.files import (
    open_file,
    require_apart,
    require_credible,
    require_ours,
    require_records,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD = '{"v":1,"ts":"","run_id":"","seq":0,"event":""}'
TO_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextmanager
def opened(flags: int = os.O_RDONLY) -> Iterator[int]:
    """A descriptor of the file `audit`."""
    descriptor = open_file("audit", flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def next_descriptor() -> int:
    """The least number that no descriptor has: it is a greater one after a leak."""
    descriptor = os.dup(1)
    os.close(descriptor)
    return descriptor


def test_a_new_file_is_for_its_owner_alone() -> None:
    """Outputs may be nobody else's business. A file that is there keeps its mode, and all it has.

    To read one creates none.
    """
    path = Path("audit")
    with pytest.raises(FileNotFoundError):
        open_file("audit", os.O_RDONLY)
    for mode in (0o600, 0o644):
        with opened(TO_APPEND) as descriptor:
            os.write(descriptor, b"x")
        assert path.stat().st_mode & 0o777 == mode
        path.chmod(0o644)
    with opened() as descriptor:
        assert os.read(descriptor, 10) == b"xx"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".", "it is not a regular file"),
        ("pipe", "it is not a regular file"),
        ("/dev/null", "it is not a regular file"),
        ("link", "it is a symbolic link, which is not allowed"),
        ("missing/audit", "No such file or directory"),
    ],
)
def test_only_a_regular_file_is_opened(path: str, reason: str) -> None:
    """A pipe is not waited for, and no link is followed; nothing is left open, or created."""
    os.mkfifo("pipe")
    Path("target").touch()
    Path("link").symlink_to("target")
    free = next_descriptor()
    for flags in (os.O_RDONLY, TO_APPEND):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - its words are what is tested
            open_file(path, flags)
        is_folder = path == "." and flags == TO_APPEND
        assert caught.value.strerror == ("Is a directory" if is_folder else reason)
    assert next_descriptor() == free
    assert {each.name for each in Path().iterdir()} == {"pipe", "target", "link"}


@pytest.mark.parametrize("path", ["a\0b", "\ud800"])
def test_what_cannot_be_the_name_of_a_file_is_a_value_error(path: str) -> None:
    """It is no error of the system's."""
    with pytest.raises(ValueError, match=r"null (byte|character)|surrogates not allowed"):
        open_file(path, os.O_RDONLY)


def owned_by(user: int, mode: int = 0o100600) -> os.stat_result:
    """What the system says of a file of this user's."""
    status = Path(__file__).stat()
    return os.stat_result([mode, *status[1:4], user, *status[5:]])


def test_a_file_is_the_users_or_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the user of whom the process has the rights; to be believed it has to be so as well."""
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    for require in (require_ours, require_credible):
        for user in (4711, 0):
            require(owned_by(user))
        with pytest.raises(PermissionError, match="it belongs to another user"):
            require(owned_by(4712))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_believed(mode: int) -> None:
    """Be it one or all; they may read it, and run it."""
    reason = rf"other users can write to it \(mode {mode:o}\), so it is not trusted"
    with pytest.raises(PermissionError, match=reason):
        require_credible(owned_by(os.geteuid(), mode))
    require_credible(owned_by(os.geteuid(), 0o755))


@pytest.mark.parametrize("stream", [1, 2])
def test_a_file_that_is_printed_to_is_no_audit(stream: int, tmp_path: Path) -> None:
    """Records and lines would be written over each other."""
    path = tmp_path / "log"
    path.touch()
    require_apart(path.stat())
    kept = os.dup(stream)
    try:
        with path.open("wb") as log:
            os.dup2(log.fileno(), stream)
        with pytest.raises(OSError, match="standard output or standard error is redirected to it"):
            require_apart(path.stat())
    finally:
        os.dup2(kept, stream)
        os.close(kept)


def check(text: str) -> None:
    """Check that the file holds records, if this is what it holds."""
    Path("audit").write_text(text)
    with opened() as descriptor:
        require_records(descriptor, len(text))


@pytest.mark.parametrize(
    "text",
    [
        "alias ls='ls --color'\n",
        "no end",
        '{\n  "a": 1\n}\n',
        f"{RECORD}\nexport A=1\n",
        f"export A=1\n{RECORD}\n",
        f"{RECORD}\nexport A=1\n\n  \n",
        f"{RECORD}\n{'x' * 300_000}\n",
        f"\n\nexport A=1\n{RECORD}\n",
        '{"v":"1","ts":""}\n',
        '{"ts":"","v":1}\n',
        '{"v":1,"ts":"","level":"info"}\n',
        f'{RECORD}\n{{"v":1,"ts":"","run_id":"","seq":"","event":""}}\n',
    ],
    ids=range(12),
)
def test_what_holds_something_else_is_no_audit(text: str) -> None:
    """What is in a record is the config's choice, and so is the file: it may be a shell's."""
    with pytest.raises(OSError, match="it contains something other than audit records"):
        check(text)
    assert Path("audit").read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\0" * 5000,
        RECORD,
        f"{RECORD}\n",
        f"{RECORD}\n{RECORD.replace('1', ' 12').replace(':', ': ')}\n\n",
        f"{RECORD}\nexport A=1\n{RECORD}\n",
        f"{RECORD[:-1]},{'x' * 300_000}\n{RECORD[:-1]},{'x' * 300_000}\n",
        f"{RECORD}\nno end",
        '{"v"',
        '{"v"\n',
    ],
    ids=range(11),
)
def test_an_audit_is_known_by_its_first_line_and_its_last(text: str) -> None:
    """Whatever a crash has torn, and what others have written between."""
    check(text)
    assert Path("audit").read_text() == text


def test_the_last_line_is_found_however_much_is_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last one that is complete and not blank, from its beginning on."""
    for block in range(1, 100):
        monkeypatch.setattr("driftflow.recording.files._BLOCK", block)
        for end in ("", "\n \0\r\n", "torn"):
            check(f"{RECORD}\nexport A=1\n{RECORD}\n{end}")
            with pytest.raises(OSError, match="something other than audit records"):
                check(f"{RECORD}\n{RECORD}\nexport A=1 {RECORD}\n{end}")
