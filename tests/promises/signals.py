"""A signal ends a run well: the record has an end, and the process dies of that signal."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from support import workflows
from support.command import AT_A_TERMINAL, process_environment, wait_for

from promises import Promise, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HOW: list[tuple[dict[str, bool], Sequence[str]]] = [
    ({}, []),
    ({"parallel": True}, ["--jobs", "3"]),
    ({}, ["--enforce-timeout"]),
    ({"parallel": True}, ["--jobs", "3", "--enforce-timeout"]),
]
_ACTIONS = """
import subprocess, time
import driftflow

@driftflow.action
def nap(seconds):
    time.sleep(seconds)

@driftflow.action
def compute(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(1000))

@driftflow.action
def program(seconds):
    subprocess.run(["sleep", str(seconds)], check=True)
"""


class _End(NamedTuple):
    """How a run ended."""

    status: int
    stdout: str
    stderr: str
    records: list[dict[str, Any]]


def signals_end_the_record(folder: Path, *, signals: int) -> Verdict:
    """At random moments of runs of all kinds."""
    chance = random.Random(7)  # noqa: S311 - it is no secret
    (folder / "deeds.py").write_text(_ACTIONS)
    faults: list[str] = []
    interrupted = 0
    for number in range(signals):
        flags, options = _HOW[number % len(_HOW)]
        ending = _ENDING[number // len(_HOW) % len(_ENDING)]
        steps = [_step(place, chance) for place in range(chance.randint(1, 12))]
        if "--jobs" not in options or "--enforce-timeout" in options:  # a thread cannot be ended
            steps.append({"name": "z", "action": "nap", "input": 30, "priority": -9})
        workflows.save(folder, *steps, flags=flags | {"audit": True}, timeout_seconds=30)
        end = _ended(folder, options, ending, delay=0.3 * chance.random())
        interrupted += end.records[-1].get("status") == "interrupted"
        faults += [f"{number}: {fault}" for fault in _faults(end, ending)]
    figure = f"{signals} signals, {interrupted} in the middle, {len(faults)} wrong ends"
    return Verdict(not faults and interrupted > signals // 2, "; ".join([figure, *faults[:3]]))


def _step(place: int, chance: random.Random) -> dict[str, Any]:
    action = chance.choice(["nap", "compute", "program"])
    seconds = round(0.06 * chance.random(), 3)
    return {"name": f"s{place}", "action": action, "input": seconds, "priority": -(place // 4)}


def _ended(folder: Path, options: Sequence[str], ending: int, delay: float) -> _End:
    """A run that is sent a signal so many seconds after its record has begun."""
    audit = folder / "driftflow.audit.json"
    audit.unlink(missing_ok=True)
    script = f"{AT_A_TERMINAL}from driftflow.__main__ import main; sys.exit(main())"
    words = ["--config", "config.json", "--actions", "deeds.py"]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words, *options],
        cwd=folder,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: audit.exists() and audit.read_bytes())
    time.sleep(delay)
    process.send_signal(ending)
    try:
        stdout, stderr = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
    records = [json.loads(line) for line in audit.read_text().splitlines()]
    return _End(process.returncode, stdout, stderr, records)


def _faults(end: _End, ending: int) -> list[str]:
    """What is wrong with it."""
    kinds = [record["event"] for record in end.records]
    started = [record["index"] for record in end.records if record["event"] == "step_started"]
    ended = [record["index"] for record in end.records if "ok" in record]
    printed = end.stdout.count("\n")
    if end.status == 0 and end.records[-1]["status"] == "ok":  # it came too late
        return []
    found = {
        f"status {end.status}": end.status != -ending,
        f"stderr {end.stderr[-200:]!r}": "Traceback" in end.stderr,
        f"started {started}, ended {ended}": sorted(started) != sorted(ended),
        f"last {kinds[-1]}": kinds[-1] != "run_finished",
        f"{printed} lines": printed != len(ended) - len(end.records[-1].get("discarded", [])),
    }
    return [fault for fault, is_so in found.items() if is_so]


PROMISES = [
    Promise(
        "SIGNAL-1",
        "signals end the record",
        "every step closed, run_finished there, death by that signal, no traceback",
        signals_end_the_record,
        {"signals": 6},
        {"signals": 200},
    )
]
