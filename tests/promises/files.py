"""What is promised of files that actions write, whatever becomes of processes and power."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows
from support.command import is_stopped, process_environment, spawn, wait_for

from promises import Promise, Verdict
from promises.disks import make_image, mounted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PACK = ("--actions", "driftflow.packs.files")

# By each action that writes, what it is given beside a path, and what the file holds then.
_WRITES: dict[str, tuple[dict[str, Any], str]] = {
    "write_text": ({"text": "a text\n"}, "a text\n"),
    "write_json": ({"value": {"a": 1}}, '{\n  "a": 1\n}\n'),
    "write_jsonl": ({"rows": [1, 2]}, "1\n2\n"),
    "write_csv": ({"rows": [{"a": 1}]}, "a\n1\n"),
}


def power_cuts(folder: Path, *, every: int) -> Verdict:
    """Copy the disk when a run that writes to it is over, and see what the copy holds."""
    cases = [(name, is_new) for name in _WRITES for is_new in (True, False)][::every]
    held = [_survives(folder / f"{number}", *case) for number, case in enumerate(cases)]
    return Verdict(all(held), f"{len(held)} power cuts, {held.count(False)} writes lost")


def _survives(folder: Path, action: str, is_new: bool) -> bool:  # noqa: FBT001 - it is a case
    """Whether the last write of a run is there after a power cut: of a new file, or of an old one.

    Each write brings those before it to the disk, so it is the last one that may be lost.
    """
    disk, image, copy = (folder / name for name in ("disk", "image", "copy"))
    disk.mkdir(parents=True)
    make_image(image)
    more, text = _WRITES[action]
    target = disk / "out"
    config = workflows.save(folder, {"action": action, "input": {"path": str(target), **more}})
    # Until the cut nothing is written because it is time to: the copy is of one moment.
    with mounted("-o", "loop,commit=300", str(image), on=disk):
        if not is_new:
            target.write_text("old")
            subprocess.run(["/bin/sync", "--file-system", target], check=True)
        assert spawn("--config", config, *_PACK, cwd=folder).status == 0
        shutil.copyfile(image, copy)
    with mounted("-o", "loop", str(copy), on=disk):
        return target.exists() and target.read_text() == text


# A text that it takes some time to bring to the disk. Characters.
_SIZE = 8_000_000
_WRITER = f"""
from driftflow.packs.files import write_text
while True:
    for letter in "bcdef":
        write_text({{"path": "out", "text": letter * {_SIZE}}})
"""


def kills(folder: Path, *, rounds: int, seed: int = 3) -> Verdict:
    """Kill a process that writes, at any time or while its draft is there; then run a write."""
    random = Random(seed)  # noqa: S311 - no secret
    found = [
        _killed(folder / f"{number}", None if number % 2 else random.uniform(0, 0.3))
        for number in range(rounds)
    ]
    left, torn, stale = (sum(each) for each in zip(*found, strict=True))
    return Verdict(
        torn == stale == 0 and left >= rounds // 2,
        f"{rounds} kills, {left} left a draft, {torn} files torn, "
        f"{stale} drafts there after the next write",
    )


def _killed(folder: Path, after: float | None) -> tuple[int, bool, int]:
    """How many drafts a kill left, whether the file is torn, and the drafts after the next write.

    Args:
        folder: A new one.
        after: When to kill, in seconds after the first write; None for while there is a draft.
    """
    folder.mkdir()
    target = folder / "out"
    target.write_text("a" * _SIZE)
    config = workflows.save(folder, {"action": "write_text", "input": {"path": "x", "text": ""}})
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER], cwd=folder, env=process_environment()
    ) as process:
        try:
            if after is None:
                wait_for(lambda: _is_caught(process, folder))
            else:
                wait_for(lambda: not target.read_text().startswith("a"))
                time.sleep(after)
        finally:
            process.kill()
    left = len(list(_drafts(folder)))
    text = target.read_text()
    assert spawn("--config", config, *_PACK, cwd=folder).status == 0
    return left, len(text) != _SIZE or len({*text}) != 1, len(list(_drafts(folder)))


def _is_caught(process: subprocess.Popen[bytes], folder: Path) -> bool:
    """Whether the process is stopped while there is a draft; if there is none, it goes on."""
    process.send_signal(signal.SIGSTOP)
    wait_for(lambda: is_stopped(process.pid))
    if any(_drafts(folder)):
        return True
    process.send_signal(signal.SIGCONT)
    return False


def _drafts(folder: Path) -> Iterator[Path]:
    return folder.glob(".*")


def owners(folder: Path, *, modes: int) -> Verdict:
    """As root, write over the files of others."""
    if os.geteuid():
        pytest.skip("only root may give files away")
    taken = [0o640, 0o4755, 0o600, 0o664, 0o2775, 0o444][:modes]
    changed = []
    for number, mode in enumerate(taken):
        target = folder / f"out{number}"
        target.write_text("old")
        os.chown(target, 65534, 100)
        target.chmod(mode)
        os.setxattr(target, "user.note", b"kept")
        value = {"path": str(target), "text": "new"}
        config = workflows.save(folder, {"action": "write_text", "input": value})
        assert spawn("--config", config, *_PACK, cwd=folder).status == 0
        status = target.stat()
        # As the system does it when somebody writes to such a file.
        kept = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode) & 0o777)
        if kept != (65534, 100, mode & 0o777) or os.getxattr(target, "user.note") != b"kept":
            changed.append(f"{mode:o}: {kept}")
    return Verdict(not changed, f"{len(taken)} files, {len(changed)} changed {changed or ''}")


PROMISES = [
    Promise(
        "FILE-1",
        "what a write action has written survives a power cut",
        "0 writes lost",
        power_cuts,
        short={"every": 3},
        long={"every": 1},
    ),
    Promise(
        "FILE-2",
        "a write that is killed leaves the old file whole, and no draft",
        "0 files torn, 0 drafts there after the next write",
        kills,
        short={"rounds": 2},
        long={"rounds": 30},
    ),
    Promise(
        "FILE-3",
        "a file that is written over stays its owner's",
        "owner, group, rights and attributes as before",
        owners,
        short={"modes": 2},
        long={"modes": 6},
    ),
]
