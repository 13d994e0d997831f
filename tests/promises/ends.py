"""However a process ends or is ended, a run does not look better than it was."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import workflows
from support.command import process_environment, spawn, wait_for

from driftflow.showing.output import AT_ONCE
from promises import Promise, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACTIONS = """
import ctypes, os, re, sqlite3, subprocess, sys, threading, time
import driftflow

C = ctypes.CDLL(None)

def in_thread():
    threading.Thread(target=C.exit, args=[0]).start()
    time.sleep(600)

ENDS = {
    "exit": lambda: C.exit(0),
    "quick_exit": lambda: C.quick_exit(0),
    "thread": in_thread,
    "_exit": lambda: os._exit(0),
    "exec": lambda: os.execvp("true", ["true"]),
}
FORKS = {"os": os.fork, "C": C.fork}
ROWS = "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r"
CALLS = {
    "sum": lambda: sum(range(10**11)),
    "re": lambda: re.match("(a+)+b", "a" * 40),
    "sqlite": lambda: sqlite3.connect(":memory:").execute(ROWS).fetchone(),
    "system": lambda: os.system("sleep 60"),
    "sleep": lambda: time.sleep(60),
}

@driftflow.action
def end(way):
    ENDS[way]()

@driftflow.action
def fork(value):
    way, come_back = value
    child = FORKS[way]()
    if child:
        os.waitpid(child, 0)
    elif come_back == "raise":
        raise ValueError
    elif come_back == "exit":
        sys.exit(0)
    return "done"

@driftflow.action
def note(path):
    with open(path, "a") as file:
        file.write("noted\\n")

@driftflow.action
def call(value):
    way, path = value
    open(path, "w").close()
    CALLS[way]()

@driftflow.action
def usurp(path):
    os.closerange(3, 4096)
    for number in range(40):
        os.open(f"{path}{number}", os.O_RDWR | os.O_CREAT)
"""
# Programs that hide, to run `sleep` for so long.
_HIDING = (
    ["sh", "-c", "trap '' TERM; (setsid env -i sleep {} &); sleep {}"],
    ["env", "-i", "sleep", "{}"],
    ["env", "-i", "setsid", "-w", "sleep", "{}"],
    ["sh", "-c", "env -i setsid sh -c 'sleep {} & sleep {} &'; sleep 600"],
    [
        *(sys.executable, "-c"),
        "import os, time; os.fork() and time.sleep(600)\nwhile not os.fork(): open('{}', 'w')",
    ],
)


def no_false_ok(folder: Path, *, ways: int) -> Verdict:
    """End the process of a run, with one thread and several, and in children for deadlines."""
    (folder / "acts.py").write_text(_ACTIONS)
    taken = [
        (way, *how) for way in ("exit", "_exit", "exec", "thread", "quick_exit") for how in _HOW
    ][:ways]
    wrong = []
    for way, flags, options in taken:
        workflows.save(folder, {"action": "end", "input": way}, flags=flags)
        words = ("--config", "config.json", "--actions", "./acts.py", *options)
        done = spawn(*words, cwd=folder)
        wrong += [f"{way} {options}"] if done.status != 1 or not done.stderr + done.stdout else []
    return Verdict(not wrong, f"{len(taken)} ends, {len(wrong)} taken for a success {wrong or ''}")


_HOW: list[tuple[dict[str, bool], tuple[str, ...]]] = [
    ({}, ()),
    ({}, ("--print-json",)),
    ({"parallel": True}, ("--jobs", "2")),
    ({}, ("--enforce-timeout",)),
]


def no_second_run(folder: Path, *, forks: int) -> Verdict:
    """Fork in steps, and come back in both processes."""
    (folder / "acts.py").write_text(_ACTIONS)
    ends = [(way, end) for way in ("os", "C") for end in ("return", "raise", "exit")]
    # In C only while there is one thread: the copy would not have the one that holds Python's lock.
    taken = [ends[number % (6 if number < AT_ONCE // 2 else 3)] for number in range(forks)]
    steps = [
        {"name": f"{number:03}", "action": "fork", "input": end, "priority": 1}
        for number, end in enumerate(taken)
    ]
    notes = folder / "notes"
    last = {"name": "z", "action": "note", "input": str(notes)}
    workflows.save(folder, *steps, last, flags={"audit": True})
    done = spawn("--config", "config.json", "--actions", "./acts.py", cwd=folder)
    records = _records(folder)
    twice = len(records) - len({record["seq"] for record in records})
    lines, times = done.stdout.count("\n"), notes.read_text().count("\n")
    return Verdict(
        (done.status, twice, lines, times) == (0, 0, forks + 1, 1),
        f"{forks} forks, {twice} records twice, {lines} lines, the last step done {times} times",
    )


def nothing_outlives(folder: Path, *, programs: int, rounds: int) -> Verdict:
    """Let programs that hide be out of time, and look for what they have started."""
    alive = begun = 0
    for number in range(rounds):
        for place, program in enumerate(_HIDING[-programs:]):
            seconds = f"6{os.getpid():08}.{number:03}{place}"
            argv = [word.replace("{}", seconds) for word in program]
            workflows.save(folder, {"action": "command", "input": argv}, timeout_seconds=0.5)
            words = ("--config", "config.json", "--actions", "driftflow.packs.process")
            done = spawn(*words, "--enforce-timeout", cwd=folder)
            begun += "timed out after 0.5 s" in done.stdout
            for pid in _running(seconds):
                alive += 1
                os.kill(pid, signal.SIGKILL)
    tried = rounds * programs
    return Verdict(
        (alive, begun) == (0, tried), f"{tried} programs, {begun} out of time, {alive} left alive"
    )


def _running(word: str) -> Iterator[int]:
    """Yield the processes that have the word among their arguments."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in path.read_bytes():
                yield int(path.parent.name)


def second_signals(folder: Path, *, rounds: int) -> Verdict:
    """Send two signals in the middle of a call that nothing in Python can end."""
    (folder / "acts.py").write_text(_ACTIONS)
    chance = random.Random(4)  # noqa: S311 - it is no secret
    faults = []
    for number in range(rounds):
        way = ["sum", "re", "sqlite", "system", "sleep"][number % 5]
        begun = folder / "begun"
        begun.unlink(missing_ok=True)
        (folder / "driftflow.audit.json").unlink(missing_ok=True)
        step = {"action": "call", "input": [way, str(begun)]}
        workflows.save(folder, step, flags={"audit": True})
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "driftflow", "--config", "config.json"),
                "--actions=./acts.py",
            ],
            cwd=folder,
            env=process_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(begun.exists)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.25 + 0.1 * chance.random())  # at once it would count as one
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        records = _records(folder)
        last = (records[-1]["event"], records[-1].get("status"))
        if (status, last) != (-signal.SIGTERM, ("run_finished", "interrupted")):
            faults.append(f"{way}: {status}, {last}")
    return Verdict(not faults, f"{rounds} pairs, {len(faults)} wrong ends {faults or ''}")


def no_record_astray(folder: Path, *, rounds: int) -> Verdict:
    """Close all descriptors in a step, and open files that get their numbers."""
    (folder / "acts.py").write_text(_ACTIONS)
    astray = said = 0
    for number in range(rounds):
        first = {"action": "usurp", "input": f"{folder}/mine", "priority": 1}
        workflows.save(folder, first, {"name": "z"}, flags={"audit": True})
        done = spawn("--config", "config.json", "--actions", "./acts.py", cwd=folder)
        said += done.status == 3 and "the audit cannot be written" in done.stderr
        for path in folder.glob("mine*"):
            astray += path.stat().st_size > 0
            path.unlink()
        assert _records(folder)[-1]["event"] == "step_started", number
    return Verdict((astray, said) == (0, rounds), f"{rounds} runs, {said} told, {astray} astray")


def _records(folder: Path) -> list[dict[str, Any]]:
    audit = folder / "driftflow.audit.json"
    return [json.loads(line) for line in audit.read_text().splitlines()]


PROMISES = [
    Promise(
        "AUDIT-11",
        "a record goes to the audit or nowhere",
        "0 records in other files",
        no_record_astray,
        {"rounds": 1},
        {"rounds": 20},
    ),
    Promise(
        "END-1",
        "an action that ends its process is no success",
        "status 1, and it is said",
        no_false_ok,
        {"ways": 2},
        {"ways": 20},
    ),
    Promise(
        "END-2",
        "a forked process has no part in the run",
        "nothing twice",
        no_second_run,
        {"forks": 6},
        {"forks": 600},
    ),
    Promise(
        "END-3",
        "nothing outlives an attempt that is out of time",
        "0 processes left",
        nothing_outlives,
        {"programs": 2, "rounds": 1},
        {"programs": len(_HIDING), "rounds": 3},
    ),
    Promise(
        "END-4",
        "a second signal is death at once",
        "every record closed, death by that signal",
        second_signals,
        {"rounds": 1},
        {"rounds": 15},
    ),
]
