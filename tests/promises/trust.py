"""What a config chooses and what others can write is not trusted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from support import workflows
from support.command import spawn

from promises import Promise, Verdict

if TYPE_CHECKING:
    from pathlib import Path

# Files that others read as something else; and audits that have something else in them.
_OTHERS = {
    ".bashrc": "export A=1\n",
    ".profile": "no end of the line",
    "orders.csv": "id,sum\n1,20\n",
    "package.json": '{\n  "name": "x"\n}\n',
    "log.jsonl": '{"level":"info"}\n{"level":"warn"}\n',
    "begun.jsonl": '{"v":1,"ts":"now","event":"run_started"}\nexport A=1\n',
    "ended.jsonl": 'export A=1\n{"v":1,"ts":"now","event":"run_started"}\n',
    "large.bin": "\x00\x01" * 200_000,
}


def no_other_file(folder: Path, *, files: int) -> Verdict:
    """Let a config give the audit the names of files that are none."""
    written = told = 0
    taken = list(_OTHERS.items())[:files]
    for name, text in taken:
        other = folder / name
        other.write_text(text)
        workflows.save(
            folder, {"name": "$(x)"}, flags={"audit": True}, storage={"path": f"./{name}"}
        )
        done = spawn("--config", "config.json", cwd=folder)
        written += other.read_text() != text
        told += (done.status, done.stdout) == (3, "")
    return Verdict(
        (written, told) == (0, len(taken)), f"{len(taken)} files, {written} written to, {told} told"
    )


def what_stands_in_the_file(folder: Path, *, rounds: int) -> Verdict:
    """Change a file of actions and what lies beside it, with their time stamps and sizes kept.

    Also where their folder is on Python's path by itself.
    """
    stale = 0
    (folder / "pack").mkdir()
    files = [folder / name for name in ("acts.py", "beside.py", "pack/__init__.py", "pack/sub.py")]
    workflows.save(folder, {"action": "read"})
    for number in range(rounds):
        written = f"{number % 10}"
        mine = f"import driftflow, beside, pack, pack.sub\nMINE = {written}\n"
        read = (
            "@driftflow.action\ndef read(_):\n    return f'{MINE}{beside.N}{pack.N}{pack.sub.N}'\n"
        )
        for path in files:
            path.write_text(f"N = {written}\n" if path.name != "acts.py" else mine + read)
            os.utime(path, (1e9, 1e9))
        for path_too in ({}, {"PYTHONPATH": str(folder)}):
            done = spawn(
                "--config",
                "config.json",
                "--actions=./acts.py",
                cwd=folder,
                environ={"PYTHONDONTWRITEBYTECODE": "", **path_too},
            )
            stale += done.stdout != f"OK step0: {written * 4}\n"
    return Verdict(stale == 0, f"{rounds} changes, {stale} runs of what was there before")


PROMISES = [
    Promise(
        "CODE-1",
        "what runs is what stands in the files that are given by their paths",
        "0 runs of what was there before",
        what_stands_in_the_file,
        {"rounds": 2},
        {"rounds": 20},
    ),
    Promise(
        "TRUST-1",
        "an audit is written into no other kind of file",
        "0 of them changed, status 3",
        no_other_file,
        {"files": 3},
        {"files": len(_OTHERS)},
    ),
]
