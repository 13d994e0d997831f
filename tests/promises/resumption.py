"""A run that was killed goes on: with the same results, and without doing twice what is ok."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import chdir
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import naive, workflows
from support.command import packages_stay, process_environment, wait_for

from driftflow import run_workflow
from promises import Promise, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_DEEDS = """
import os, time
import driftflow

@driftflow.action
def deed(value):
    with open("done", "a") as log:
        log.write(value["name"] + "\\n")
    time.sleep(value["seconds"])
    if value["fails"]:
        raise ValueError("no")
    return value["name"].upper()
"""


@st.composite
def _good(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, str]]:
    """A config of which most steps succeed, and many read from others."""
    steps: list[dict[str, Any]] = []
    for place in range(draw(st.integers(3, 8))):
        earlier = [step["name"] for step in steps]
        given: st.SearchStrategy[Any] = st.just(f"input {place}")
        if earlier:
            given |= st.sampled_from(earlier).map(lambda name: {"from": name})
            given |= st.lists(st.sampled_from(earlier)).map(lambda names: {"from": names})
        steps.append(
            {
                "name": f"s{place}",
                "action": draw(st.sampled_from([*["echo"] * 8, "upper", "nobody"])),
                "input": draw(given),
                "priority": -(place // draw(st.integers(1, 3))),
                "optional": draw(st.booleans()),
            }
        )
    steps = sorted(steps, key=lambda step: (-step["priority"], step["name"]))
    for place, step in enumerate(steps):
        known = [other["name"] for other in steps[:place]]
        if not {*naive.read_by(step["input"])} <= {*known}:
            step["input"] = "alone"
    flags = {"parallel": draw(st.booleans())}
    return {"name": "good", "steps": steps, "flags": flags}, {}


@packages_stay()
def killed_runs_go_on(folder: Path, *, plans: int, cuts: int) -> Verdict:
    """Generated plans; what a kill -9 leaves of their audits: records up to any point, and a bit.

    Once and once more: the run that goes on is killed as well.
    """
    tally: Counter[str] = Counter()
    chance = random.Random(13)  # noqa: S311 - it is no secret

    @settings(max_examples=plans, suppress_health_check=list(HealthCheck))
    @given(workflows.linked() | _good())
    def try_one(linked: tuple[dict[str, Any], dict[str, str]]) -> None:
        config, params = linked
        workflows.write(folder, config | {"flags": config.get("flags", {}) | {"audit": True}})
        audit = folder / config.get("storage", {"path": "driftflow.audit.json"})["path"]
        audit.unlink(missing_ok=True)
        whole = _run(params, resume=False)
        tally["plans"] += 1
        written = audit.read_bytes().splitlines(keepends=True)
        for _ in range(cuts):
            known: list[bytes] = []
            lines = written
            for _ in range(2):
                rest = chance.randrange(len(lines))  # all but the end of the run
                torn = lines[rest][: chance.randrange(max(1, len(lines[rest]) - 1))]
                audit.write_bytes(b"".join([*known, *lines[:rest]]) + torn)
                known = audit.read_bytes().splitlines(keepends=True)
                again = _run(params, resume=True)
                tally["kills"] += 1
                tally["other results"] += _told(again) != _told(whole)
                tally["reused"] += sum("reused" in result for result in again["results"])
                lines = audit.read_bytes()[sum(map(len, known)) :].splitlines(keepends=True)
                tally["done twice"] += len(_started(lines) & _recorded_ok(known))

    with chdir(folder):
        try_one()
    figure = ", ".join(f"{tally[word]} {word}" for word in _WORDS)
    return Verdict(not tally["other results"] + tally["done twice"] and tally["reused"] > 0, figure)


_WORDS = ("plans", "kills", "reused", "other results", "done twice")


def killed_processes_go_on(folder: Path, *, kills: int) -> Verdict:
    """Real processes, killed at random moments; actions note what they do."""
    chance = random.Random(11)  # noqa: S311 - it is no secret
    (folder / "deeds.py").write_text(_DEEDS)
    audit, done = folder / "driftflow.audit.json", folder / "done"
    tally: Counter[str] = Counter()
    for number in range(kills):
        steps = [_step(place, chance) for place in range(10)]
        flags = {"audit": True, "parallel": bool(number % 2)}
        workflows.save(folder, *steps, flags=flags)
        whole = json.loads(_command(folder, "--audit-sync", "none").communicate(timeout=60)[0])
        audit.unlink()
        done.write_text("")
        process = _command(folder)
        wait_for(lambda: audit.exists() and audit.read_bytes())
        time.sleep(0.1 * chance.random())
        process.kill()
        process.communicate(timeout=60)
        lines = audit.read_bytes().splitlines(keepends=True)
        if any(record.get("status") == "ok" for record in _records(lines)):  # it came too late
            continue
        recorded = _recorded_ok(lines)
        done.write_text("")
        again = json.loads(_command(folder, "--resume").communicate(timeout=60)[0])
        repeated = {f"s{place}" for place in recorded} & {*done.read_text().split()}
        tally["kills"] += 1
        tally["reused"] += len(recorded)
        tally["other results"] += _told(again) != _told(whole)
        tally["done twice"] += len(repeated)
    figure = ", ".join(f"{tally[word]} {word}" for word in _WORDS[1:])
    return Verdict(not tally["other results"] + tally["done twice"] and tally["reused"] > 0, figure)


def killed_processes_have_told(folder: Path, *, kills: int) -> Verdict:
    """Real processes with steps side by side, of which the first takes long; actions note it."""
    chance = random.Random(17)  # noqa: S311 - it is no secret
    (folder / "deeds.py").write_text(_DEEDS)
    audit, done = folder / "driftflow.audit.json", folder / "done"
    tally: Counter[str] = Counter()
    steps = [_step(place, chance) | {"optional": True, "priority": 0} for place in range(300)]
    steps[0]["input"] |= {"seconds": 60}
    workflows.save(folder, *steps, flags={"audit": True, "parallel": True})
    for _ in range(kills):
        audit.unlink(missing_ok=True)
        done.write_text("")
        process = _command(folder, "--jobs", str(_SIDE_BY_SIDE), "--audit-sync", "none")
        wait_for(lambda: audit.exists() and audit.read_bytes().count(b"step_finished") > 5)
        time.sleep(0.3 * chance.random())
        process.kill()
        process.communicate(timeout=60)
        ended = {*done.read_text().split()}
        lines = audit.read_bytes().splitlines(keepends=True)
        told = {each["step"] for each in _records(lines) if each["event"] == "step_finished"}
        tally["kills"] += 1
        tally["done"] += len(ended)
        # Those that a thread was at: they note that they are done when they begin to wait.
        tally["lost"] += max(0, len(ended - told) - _SIDE_BY_SIDE)
    figure = ", ".join(f"{tally[word]} {word}" for word in ("kills", "done", "lost"))
    return Verdict(not tally["lost"] and tally["done"] > 5 * kills, figure)


# How many steps are tried at the same time.
_SIDE_BY_SIDE = 4


def _step(place: int, chance: random.Random) -> dict[str, Any]:
    name = f"s{place}"
    fails = chance.random() < 0.1
    value = {"name": name, "seconds": round(0.02 * chance.random(), 4), "fails": fails}
    optional = chance.random() < 0.5
    given = {"name": name, "action": "deed", "input": value, "optional": optional}
    return given | {"priority": -(place // 3)}


def _command(folder: Path, *options: str) -> subprocess.Popen[str]:
    words = ["--config", "config.json", "--print-json", "--actions", "deeds.py", *options]
    return subprocess.Popen(
        [sys.executable, "-m", "driftflow", *words],
        cwd=folder,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _run(params: dict[str, str], *, resume: bool) -> dict[str, Any]:
    actions = {"flaky": workflows.Flaky()}
    return run_workflow("config.json", actions=actions, params=params, resume=resume)


def _told(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The results, but for whether they were reused and how many attempts they took."""
    results = document["results"]
    told = [tuple(result[key] for key in ("name", "ok", "output", "error")) for result in results]
    return [(document["status"],), *told]


def _records(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def _recorded_ok(lines: Iterable[bytes]) -> set[int]:
    """The places of the steps that any run has recorded as ok."""
    return {record["index"] for record in _records(lines) if record.get("ok")}


def _started(lines: Iterable[bytes]) -> set[int]:
    events = _records(lines)
    return {record["index"] for record in events if record["event"] == "step_started"}


PROMISES = [
    Promise(
        "AUDIT-12",
        "kill -9 of a parallel run costs no record of what was done",
        "0 lost, whatever earlier steps are still at",
        killed_processes_have_told,
        {"kills": 3},
        {"kills": 60},
    ),
    Promise(
        "RESUME-1",
        "a killed run goes on: any plan, any point of a kill",
        "the same results, no step recorded ok done twice",
        killed_runs_go_on,
        {"plans": 60, "cuts": 2},
        {"plans": 1000, "cuts": 4},
    ),
    Promise(
        "RESUME-2",
        "a killed run goes on: processes and kill -9",
        "the same results, no step recorded ok done twice",
        killed_processes_go_on,
        {"kills": 4},
        {"kills": 150},
    ),
]
