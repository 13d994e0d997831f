"""What is promised of the audit's file, whatever becomes of disks, processes and power."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from operator import ne
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support.command import Outcome, is_stopped, process_environment, spawn, wait_for

from promises import Promise, Verdict
from promises.disks import make_image, mounted, run
from promises.scribe import PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

HERE = Path(__file__).parent
ENVIRONMENT = process_environment({"PYTHONPATH": str(HERE.parent)})

ENDLESS = 10**9

# A record's run, and its number therein.
Key = tuple[str, int]


# What is in a file


class Found(NamedTuple):
    """What files hold: how often each record, and how many lines that are none."""

    records: Counter[Key]
    bad: int


def found_in(*paths: Path, but_for: bytes | None = None) -> Found:
    """Read the files but for lines like that; a last line without an end is a bad one."""
    keys = [_key(line) for path in paths for line in _lines(path) if line != but_for]
    records = Counter(key for key in keys if key is not None)
    return Found(records, len(keys) - records.total())


def _lines(path: Path) -> list[bytes]:
    *lines, rest = path.read_bytes().split(b"\n")
    return [*lines, b"torn"] if rest else lines


def _key(line: bytes) -> Key | None:
    try:
        record = json.loads(line)
        return record["run_id"], record["seq"]
    except (ValueError, TypeError, KeyError):
        return None


def _as_acknowledged(acknowledged: set[Key], found: Found) -> Verdict:
    """Whether what was acknowledged is there, once, and nothing else."""
    lost, more = acknowledged - found.records.keys(), found.records.total() - len(acknowledged)
    return Verdict(
        bool(acknowledged) and not (lost or more or found.bad),
        f"{len(acknowledged):,} acknowledged, {len(lost):,} lost, {more + len(lost):,} too many, "
        f"{found.bad:,} bad lines",
    )


# Processes that write


@dataclass
class Scribe:
    """A process that writes to an audit, and what it has said of that."""

    run: str
    process: subprocess.Popen[str]
    notes: Path
    orders: int = 0

    def order(self, *orders: str) -> None:
        """Tell it what to do; do not wait."""
        assert self.process.stdin is not None
        for order in orders:
            self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        self.orders += len(orders)

    def said(self) -> list[str]:
        """What it has said so far, in whole lines."""
        return self.notes.read_text().split("\n")[:-1]

    def is_idle(self) -> bool:
        """Whether it has done all that it was told."""
        assert self.process.poll() is None, "a writer is gone"
        return self.said().count("done") == self.orders

    def acknowledged(self) -> set[Key]:
        """The records that it knows to be written."""
        return {(self.run, int(word)) for word in self.said() if word.isdecimal()}


def _command(audit: Path, sync: str, run: str) -> list[str]:
    return [sys.executable, "-m", "promises.scribe", str(audit), sync, run]


@contextmanager
def _scribe(audit: Path, notes: Path, *, run: str, sync: str = "none") -> Iterator[Scribe]:
    with (
        notes.open("w") as output,
        subprocess.Popen(
            _command(audit, sync, run),
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=output,
            text=True,
        ) as process,
    ):
        try:
            yield Scribe(run, process, notes)
        finally:
            process.kill()


@contextmanager
def _scribes(audit: Path, notes: Path, count: int) -> Iterator[list[Scribe]]:
    """So many, all up; with their notes in a folder."""
    with ExitStack() as stack:
        scribes = [
            stack.enter_context(_scribe(audit, notes / f"{number}", run=f"{number}"))
            for number in range(count)
        ]
        _order(scribes, "append 0 0")
        yield scribes


def _order(scribes: Sequence[Scribe], *orders: str) -> None:
    """Tell them all, and wait until all have done it."""
    for scribe in scribes:
        scribe.order(*orders)
    for scribe in scribes:
        wait_for(scribe.is_idle)


def _acknowledged(scribes: Iterable[Scribe]) -> set[Key]:
    return {key for scribe in scribes for key in scribe.acknowledged()}


# Several writers


def together(folder: Path, *, writers: int, small: int, large: int) -> Verdict:
    """Let them append at the same time."""
    audit = folder / "audit.jsonl"
    with _scribes(audit, folder, writers) as scribes:
        _order(scribes, f"append {small} 150", f"append {large} 20000")
        acknowledged = _acknowledged(scribes)
    found = found_in(audit)
    verdict = _as_acknowledged(acknowledged, found)
    runs = [run for run, _ in found.records]
    return Verdict(
        verdict.holds and len(acknowledged) == writers * (small + large),
        f"{verdict.figure}, {sum(map(ne, runs, runs[1:])):,} changes of writer",
    )


def beside(folder: Path, *, writers: int, records: int, others: int) -> Verdict:
    """Append beside them, without a lock.

    Such a line may be there in part for a moment. If that is when a writer looks, it puts an end to
    it as if it were torn, and when the line is whole a blank one follows: that much is granted.
    """
    audit = folder / "audit.jsonl"
    with _scribes(audit, folder, writers) as scribes:
        for scribe in scribes:
            scribe.order(f"append {records} 150")
        appended = _append_anyhow(audit, others)
        _order(scribes)
        acknowledged = _acknowledged(scribes) | appended
    verdict = _as_acknowledged(acknowledged, found_in(audit, but_for=b""))
    return verdict._replace(holds=verdict.holds and len(acknowledged) == writers * records + others)


def _append_anyhow(audit: Path, count: int) -> set[Key]:
    with audit.open("ab", buffering=0) as file:
        for number in range(count):
            file.write(b'{"run_id":"stranger","seq":%d}\n' % number)
            if not number % 10:
                time.sleep(PAUSE)
    return {("stranger", number) for number in range(count)}


def rotated(folder: Path, *, writers: int, records: int, renames: int) -> Verdict:
    """Rename the file while they are at work, and let them go on."""
    audit = folder / "audit.jsonl"
    olds = [folder / f"audit.jsonl.{number}" for number in range(renames)]
    part = records // (renames + 1)
    with _scribes(audit, folder, writers) as scribes:
        for old in olds:
            for scribe in scribes:
                scribe.order(f"append {part} 150")
            wait_for(lambda: audit.exists() and audit.stat().st_size)
            audit.rename(old)
            for scribe in scribes:
                wait_for(scribe.is_idle)
        _order(scribes, f"append {records - renames * part} 150")
        acknowledged = _acknowledged(scribes)
    verdict = _as_acknowledged(acknowledged, found_in(audit, *olds))
    files = sum(bool(found_in(path).records) for path in (audit, *olds))
    return Verdict(
        verdict.holds and len(acknowledged) == writers * records and files > 1,
        f"{verdict.figure}, in {files} files",
    )


# Full disks

# A disk that has no room for a record may have some for a smaller one.
FILLING = (150, 3000, 20, 150)


def full_disk(folder: Path, *, kilobytes: int, writers: int) -> Verdict:
    """Fill a small file system, then make it larger."""
    disk = folder / "disk"
    disk.mkdir()

    def make_room(_: Sequence[Scribe]) -> None:
        run("mount", "-o", f"remount,size={kilobytes * 2}k", str(disk))

    with mounted("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", on=disk):
        return _filled(disk / "audit.jsonl", folder, writers, make_room)


def full_file(folder: Path, *, size: int, writers: int) -> Verdict:
    """Bound the size of files, then lift the bound."""

    def make_room(scribes: Sequence[Scribe]) -> None:
        _order(scribes, "limit 0")

    return _filled(folder / "audit.jsonl", folder, writers, make_room, f"limit {size}")


def _filled(
    audit: Path,
    notes: Path,
    writers: int,
    make_room: Callable[[Sequence[Scribe]], None],
    *before: str,
) -> Verdict:
    with _scribes(audit, notes, writers) as scribes:
        _order(scribes, *before, *[f"append {ENDLESS} {size}" for size in FILLING])
        refused = sum(scribe.said().count("refused") for scribe in scribes)
        first = _acknowledged(scribes)
        make_room(scribes)
        _order(scribes, "append 50 150")
        acknowledged = _acknowledged(scribes)
        verdict = _as_acknowledged(acknowledged, found_in(audit))
    return Verdict(
        verdict.holds
        and refused == len(FILLING) * writers
        and len(acknowledged - first) == 50 * writers,
        f"{verdict.figure}, {refused} refused",
    )


# Faults of single calls

STEPS = 5

# The calls that a run makes on its audit and on the folder of it; each can fail.
FAULTS = {
    "openat": "EIO",
    "newfstatat": "EIO",
    "flock": "ENOLCK",
    "lseek": "EIO",
    "pread64": "EIO",
    "write": "ENOSPC",
    "fdatasync": "EIO",
    "fsync": "EIO",
    "close": "EIO",
}
WRITING = ("write", "pwrite64", "ftruncate", "fdatasync", "fsync")


class Traced(NamedTuple):
    """A run, what it called on its audit and on the folder of it, and what the audit holds."""

    outcome: Outcome
    calls: list[str]
    found: Found


def _after_the_fault(calls: Sequence[str]) -> list[str]:
    """The names of the calls after the one that was made to fail; `utimensat` is a step."""
    places = [place for place, line in enumerate(calls) if "(INJECTED)" in line]
    assert len(places) == 1, "no call failed, or more than one"
    return _names(calls[places[0] + 1 :])


def _names(calls: Iterable[str]) -> list[str]:
    return [match[1] for match in (re.match(r"\d+ +(\w+)\(", line) for line in calls) if match]


def _traced(folder: Path, sync: str, fault: str | None = None) -> Traced:
    """Run a workflow in a new folder, with a fault: `write:error=EIO:when=3`."""
    audit, mark = folder / "audit" / "audit.jsonl", folder / "mark"
    audit.parent.mkdir(parents=True)
    mark.touch()
    if sync == "run":  # the other begins with no file at all
        audit.write_text('{"v":1,"ts":"","run_id":"old","seq":0,"event":""}\n')
    steps = [{"name": f"{n}", "action": "mark", "input": str(mark)} for n in range(STEPS)]
    config = folder / "config.json"
    config.write_text(
        json.dumps(
            {
                "name": "faults",
                "steps": steps,
                "flags": {"audit": True},
                "storage": {"path": str(audit)},
            }
        )
    )
    outcome = spawn(
        *("--config", config, "--actions", HERE / "marking.py", "--audit-sync", sync),
        cwd=folder,
        before=_tracing(folder, fault),
    )
    found = found_in(audit) if audit.exists() else Found(Counter(), 0)
    return Traced(outcome, _trace(folder), found)


def _tracing(folder: Path, fault: str | None) -> tuple[str, ...]:
    """What to put before a command that writes to `audit/audit.jsonl` in the folder."""
    audit = folder / "audit"
    paths = (audit / "audit.jsonl", audit, folder / "mark")
    return (
        *("strace", "--seccomp-bpf", "-f", "-o", str(folder / "trace")),
        *("-e", f"trace=utimensat,pwrite64,ftruncate,{','.join(FAULTS)}"),
        *(word for path in paths for word in ("-P", str(path))),
        *(("-e", f"inject={fault}") if fault else ()),
    )


def _trace(folder: Path) -> list[str]:
    return (folder / "trace").read_text().splitlines()


def _can_trace() -> None:
    """Skip the trial where calls cannot be made to fail."""
    try:
        run("strace", "--seccomp-bpf", "-f", "-e", "inject=fsync:error=EIO", "true")
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("strace is not installed, or not permitted")


def single_faults(folder: Path, *, every: int) -> Verdict:
    """Let each call of each kind fail in turn, or some of them."""
    _can_trace()
    faults = []
    for sync in ("run", "step"):
        clean = _traced(folder / sync, sync)
        assert (clean.outcome.status, clean.found.bad) == (0, 0)
        assert len(clean.found.records) >= 2 * STEPS + 2
        counts = Counter(_names(clean.calls))
        # How often it looks for the file's name depends on the time; the first two are no such.
        counts["newfstatat"] = min(counts["newfstatat"], 2)
        faults += [
            (sync, f"{call}:error={error}:when={number}")
            for call, error in FAULTS.items()
            for number in _some(counts[call], every)
        ]
    faulty = {
        fault: reason
        for number, fault in enumerate(faults)
        if (reason := _complaint(_traced(folder / f"{number}", *fault)))
    }
    figure = f"{len(faults)} faults, {len(faulty)} taken badly"
    return Verdict(bool(faults) and not faulty, f"{figure} {faulty or ''}".strip())


def _some(count: int, every: int) -> range:
    """Every so many of the numbers from 1 on, the one in the middle among them."""
    return range(1, count + 1)[max(count - 1, 0) // 2 % every :: every]


def _complaint(run: Traced) -> str:
    """What is wrong with how a run took a fault, if anything."""
    stderr = run.outcome.stderr
    wrong = {
        f"exit {run.outcome.status}": run.outcome.status != 3,
        "a traceback": "Traceback" in stderr,
        "no message": not stderr.startswith("error: "),
        "bad lines": run.found.bad,
        "a step ran after it": "utimensat" in _after_the_fault(run.calls),
    }
    return ", ".join(complaint for complaint, holds in wrong.items() if holds)


def failed_syncs(folder: Path) -> Verdict:
    """Let one call that brings to the disk fail; a second one would succeed."""
    _can_trace()
    faults = [
        ("run", "fdatasync:error=EIO:when=1"),
        *[("step", f"fdatasync:error=EIO:when={number}") for number in (1, 6, 2 * STEPS + 2)],
        ("step", "fsync:error=EIO:when=1"),
    ]
    runs = [_traced(folder / f"{number}", *fault) for number, fault in enumerate(faults)]
    said, obstinate = _obstinate(folder / "obstinate", "fdatasync:error=EIO:when=2")
    calls = [
        name
        for calls in (*(run.calls for run in runs), obstinate)
        for name in _after_the_fault(calls)
        if name in WRITING
    ]
    reported = sum(run.outcome.status == 3 for run in runs) + (said == OBSTINACY)
    return Verdict(
        not calls and reported == len(runs) + 1,
        f"{len(runs) + 1} failed, {reported} reported, {len(calls)} writes and syncs after that",
    )


OBSTINACY = ["0", "refused", "done", *["refused", "done"] * 2]


def _obstinate(folder: Path, fault: str) -> tuple[list[str], list[str]]:
    """What a writer that goes on says when its second record is refused, and its calls."""
    audit = folder / "audit" / "audit.jsonl"
    audit.parent.mkdir(parents=True)
    done = subprocess.run(
        [*_tracing(folder, fault), *_command(audit, "step", "obstinate")],
        env=ENVIRONMENT,
        input="append 2 150\n" * 3,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines(), _trace(folder)


# Killed processes


def kills(folder: Path, *, rounds: int, seed: int = 1) -> Verdict:
    """Kill a writer in the middle of its work, and let another go on."""
    random = Random(seed)  # noqa: S311 - no secret
    rounds_found = [
        _killed(folder, size=(200, 20_000, 8_000_000)[number % 3], after=random.uniform(0, 0.02))
        for number in range(rounds)
    ]
    lost, torn, fused, more = (sum(each) for each in zip(*rounds_found, strict=True))
    return Verdict(
        lost == fused == more == 0,
        f"{rounds} kills, {lost} acknowledged lost, {torn} torn in flight, {fused} fused, "
        f"{more} times more than one in flight",
    )


def _killed(folder: Path, *, size: int, after: float) -> tuple[int, int, int, bool]:
    """How many acknowledged records are lost, how many lines are torn, how many of them fused.

    And whether there are, whole or torn, more than the one that was yet to be acknowledged.
    """
    audit, notes = folder / "audit.jsonl", folder / "notes"
    with _scribe(audit, notes, run="killed") as scribe:
        scribe.order(f"append {ENDLESS} {size}")
        wait_for(scribe.acknowledged)
        time.sleep(after)
        scribe.process.kill()
        scribe.process.wait()
        acknowledged = scribe.acknowledged()
    with _scribe(audit, notes, run="next") as scribe:
        _order([scribe], "append 2 200")
        acknowledged |= scribe.acknowledged()
    found = found_in(audit)
    fused = sum(line.count(b'{"v":') > 1 for line in _lines(audit))
    audit.unlink()
    lost = acknowledged - found.records.keys()
    more = found.records.total() + found.bad > len(acknowledged) + 1
    return len(lost), found.bad, fused, more


TAILS = (
    b'{"v":1,"ts":"2026',
    '{"v":1,"ts":"","output":"\N{CJK UNIFIED IDEOGRAPH-65E5}'.encode()[:-1],
    b'{"v":1,"ts":"","output":"' + b"x" * 10_000,
    b'{"v":1,"ts":"","output":"\\',
    b"\0" * 4096,
    b"{",
)


def torn_tails(folder: Path) -> Verdict:
    """Plant the beginnings of records before a run, and while another writer is at work."""
    audit, config = folder / "audit.jsonl", folder / "config.json"
    config.write_text(
        '{"name":"tails","steps":[{"name":"a","action":"echo"}],"flags":{"audit":true},'
        '"storage":{"path":"audit.jsonl"}}'
    )
    audit.touch()
    with _scribe(audit, folder / "notes", run="at work") as scribe:
        for tail in TAILS:
            _plant(tail, audit)
            assert spawn("--config", config, cwd=folder).status == 0
            _plant(tail, audit)
            _order([scribe], "append 1 200")
    found = found_in(audit)
    new, planted = len(found.records), 2 * len(TAILS)
    return Verdict(
        (new, found.bad) == (5 * len(TAILS), planted),
        f"{planted} planted, {found.bad} bad lines, {new} of {5 * len(TAILS)} new ones good",
    )


def _plant(tail: bytes, audit: Path) -> None:
    with audit.open("ab") as file:
        file.write(tail)


# Power cuts


def power_cuts(folder: Path, *, rounds: int, seed: int = 2) -> Verdict:
    """Copy the disk of a writer that is stopped, and see what the copy holds."""
    random = Random(seed)  # noqa: S311 - no secret
    cut = [_cut(folder / f"{n}", sync="step", after=random.uniform(0, 0.3)) for n in range(rounds)]
    acknowledged, lost, bad = (sum(each) for each in zip(*cut, strict=True))
    without = _cut(folder / "none", sync="none", after=0.05)
    return Verdict(
        lost == bad == 0,
        f"{acknowledged:,} acknowledged before {rounds} cuts, {lost} lost, {bad} bad lines; "
        f"with sync none {without[1]:,} of {without[0]:,} lost",
    )


def _cut(folder: Path, *, sync: str, after: float) -> tuple[int, int, int]:
    """How many records were acknowledged, how many of these are lost, and the bad lines."""
    disk, image, copy = (folder / name for name in ("disk", "image", "copy"))
    disk.mkdir(parents=True)
    make_image(image)
    # Until the cut nothing is written because it is time to: the copy is of one moment.
    with (
        mounted("-o", "loop,commit=300", str(image), on=disk),
        _scribe(disk / "audit.jsonl", folder / "notes", run="cut", sync=sync) as scribe,
    ):
        scribe.order(f"append {ENDLESS} 150")
        wait_for(scribe.acknowledged)
        time.sleep(after)
        scribe.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(scribe.process.pid))
        shutil.copyfile(image, copy)
        scribe.process.kill()
        acknowledged = scribe.acknowledged()
    with mounted("-o", "loop", str(copy), on=disk):
        audit = disk / "audit.jsonl"
        found = found_in(audit) if audit.exists() else Found(Counter(), 0)
    return len(acknowledged), len(acknowledged - found.records.keys()), found.bad


PROMISES = [
    Promise(
        "AUDIT-1",
        "writers never tear each other's lines",
        "0 bad lines, 0 lost",
        together,
        short={"writers": 4, "small": 150, "large": 25},
        long={"writers": 4, "small": 3000, "large": 500},
    ),
    Promise(
        "AUDIT-2",
        "somebody else may append too, as a shell does",
        "0 bad lines but blank ones, 0 lost",
        beside,
        short={"writers": 3, "records": 200, "others": 2000},
        long={"writers": 3, "records": 3000, "others": 30_000},
    ),
    Promise(
        "AUDIT-3",
        "what was acknowledged is readable when the disk fills",
        "acknowledged = readable, 0 torn",
        full_disk,
        short={"writers": 3, "kilobytes": 64},
        long={"writers": 3, "kilobytes": 1024},
    ),
    Promise(
        "AUDIT-4",
        "what was acknowledged is readable when the file may not grow",
        "acknowledged = readable, 0 torn",
        full_file,
        short={"writers": 3, "size": 50_000},
        long={"writers": 3, "size": 1_000_000},
    ),
    Promise(
        "AUDIT-5",
        "any single I/O fault is reported and corrupts nothing",
        "exit 3, 0 bad lines, 0 steps after it",
        single_faults,
        short={"every": 250},
        long={"every": 1},
    ),
    Promise(
        "AUDIT-6",
        "a failed fsync is never retried",
        "all reported, 0 writes and syncs after that",
        failed_syncs,
        short={},
        long={},
    ),
    Promise(
        "AUDIT-7",
        "kill -9 costs at most the record in flight",
        "0 acknowledged lost, 0 fused",
        kills,
        short={"rounds": 3},
        long={"rounds": 200},
    ),
    Promise(
        "AUDIT-8",
        "a torn tail is fenced",
        "1 bad line each, all new ones good",
        torn_tails,
        short={},
        long={},
    ),
    Promise(
        "AUDIT-9",
        "rotation loses nothing",
        "0 lost, in several files",
        rotated,
        short={"writers": 3, "records": 600, "renames": 2},
        long={"writers": 3, "records": 20_000, "renames": 5},
    ),
    Promise(
        "AUDIT-10",
        "`step` survives a power cut",
        "0 acknowledged lost",
        power_cuts,
        short={"rounds": 1},
        long={"rounds": 40},
    ),
]
