"""A run that was broken off goes on: to the same results, and without doing twice what is done."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest import mock

from support import upkeep, workflows
from support.chains import MOST_BYTES, Chain, tell
from support.command import process_environment, wait_for
from support.performers import dask, own_threads, processes

from driftflow import load_config
from promises import Promise, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor

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


def resumed_runs_tell_no_lie(
    folder: Path, *, chains: int, on_dask: int = 0, on_pools: int = 0
) -> Verdict:
    """Chains of runs that fail, are killed, and whose config is changed; each is resumed."""
    tally: Counter[str] = Counter()
    wrong: list[str] = []
    # Long outputs are what it is about, not their length.
    with mock.patch("driftflow.recording.records.MAX_VALUE_BYTES", MOST_BYTES):
        for performer, number in ((own_threads, chains), (processes, on_pools), (dask, on_dask)):
            with performer() if number else nullcontext() as executor:
                for seed in range(number):
                    with TemporaryDirectory(dir=folder) as place:
                        try:
                            tally += _try_chain(random.Random(seed), Path(place), executor)  # noqa: S311 - the same cases each time
                        except AssertionError as error:
                            wrong.append(f"{performer.__name__}, seed {seed}: {error}")
    figure = ", ".join(f"{tally[word]} {word}" for word in _WORDS)
    holds = not wrong and min(tally[word] for word in _WORDS) > 0
    return Verdict(holds, "; ".join([figure, f"{len(wrong)} wrong", *wrong[:3]]))


_WORDS = ("chains", "resumed", "kept", "fetched", "in doubt", "again")


def _try_chain(draw: random.Random, folder: Path, executor: Executor | None) -> Counter[str]:
    """Let some runs go wrong, and resume the last one until all is well.

    Raises:
        AssertionError: A step was kept or done again against the rule; or the last run came to
            something else than an undisturbed one.
    """
    chain = Chain(draw, folder)
    is_steady = draw.random() < 0.6  # else what is outside changes, and only the rule is held
    tally = Counter({"chains": 1})
    for left in reversed(range(draw.randint(2, 5))):
        chain.fail(draw.choice([0, 0.1, 0.2]) if left else 0)
        if not is_steady and draw.random() < 0.6:
            chain.move_sources()
        for _ in range(draw.choice([0, 0, 0, 1, 2]) if chain.has_run else 0):
            chain.change()
        told = chain.run(
            parallel=draw.random() < 0.5,
            executor=executor if draw.random() < 0.7 else None,
            keep_going=draw.random() < 0.2,
            events=draw.choice([None, None, draw.randrange(1, 40)]) if left else None,
        )
        if told.expected is not None and told.resumed is not None:
            kept = {index for index, result in told.results.items() if result.reused}
            assert kept == told.results.keys() - told.expected, (kept, told.expected)
            assert told.started <= told.expected, (told.started, told.expected)
            tally["resumed"] += 1
            tally["kept"] += len(kept)
            tally["fetched"] += sum(result.fetched for result in told.results.values())
            tally["in doubt"] += len(told.resumed.in_doubt)
            tally["again"] += len(told.started)
        if not left:
            assert told.document["status"] == "ok"
            assert not is_steady or tell(told.document) == chain.run_undisturbed()
    return tally


def killed_processes_go_on(folder: Path, *, kills: int) -> Verdict:
    """Real processes, killed at random moments; actions note what they do."""
    chance = random.Random(11)  # noqa: S311 - it is no secret
    (folder / "deeds.py").write_text(_DEEDS)
    audit, done = folder / "driftflow.audit.json", folder / "done"
    tally: Counter[str] = Counter()
    for number in range(kills):
        steps = [_step(place, chance) for place in range(10)]
        flags = {"audit": True, "parallel": bool(number % 2)}
        path = workflows.save(folder, *steps, flags=flags)
        whole = json.loads(_command(folder, "--audit-sync", "none").communicate(timeout=60)[0])
        audit.unlink()
        done.write_text("")
        process = _command(folder)
        wait_for(lambda: audit.exists() and audit.read_bytes())
        time.sleep(0.1 * chance.random())
        process.kill()
        process.communicate(timeout=60)
        records = [*_records(audit.read_bytes().splitlines())]
        if any(record.get("status") == "ok" for record in records):  # it came too late
            continue
        plan = load_config(path)
        kept = {plan.steps[index].name for index in upkeep.judge(plan, records).kept}
        done.write_text("")
        again = json.loads(_command(folder, "--resume").communicate(timeout=60)[0])
        tally["kills"] += 1
        tally["kept"] += len(kept)
        tally["other results"] += _told(again) != _told(whole)
        tally["done twice"] += len(kept.intersection(done.read_text().split()))
    words = ("kills", "kept", "other results", "done twice")
    figure = ", ".join(f"{tally[word]} {word}" for word in words)
    return Verdict(not tally["other results"] + tally["done twice"] and tally["kept"] > 0, figure)


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
        "a resumed run comes to what an undisturbed one does: any plan, failures, kills, changes",
        "0 wrong: the same results, and each step kept or done again as the rule says",
        resumed_runs_tell_no_lie,
        {"chains": 250},
        {"chains": 10_000, "on_pools": 100, "on_dask": 60},
    ),
    Promise(
        "RESUME-2",
        "a killed run goes on: processes and kill -9",
        "the same results, no step done twice that is up to date",
        killed_processes_go_on,
        {"kills": 4},
        {"kills": 150},
    ),
]
