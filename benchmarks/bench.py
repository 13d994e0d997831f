"""Measure DriftFlow beside a bare interpreter, bare loops and its peers: `make bench`.

Whole processes, their output thrown away, in turns; a ratio is one of medians. Prints Markdown. A
goal that is missed is printed like one that is met: a benchmark fails no build.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import workloads
from workloads import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
AUDIT = SCRATCH / "audit.jsonl"
BARE_LOOP = HERE / "bare_loop.py"
PACKAGES = (
    *("driftflow", "pyrsistent", "docopt-ng", "jsonschema", "pypyr", "doit", "go-task-bin"),
    *("fastjsonschema", "jsonschema-rs", "distributed"),
)
# Nothing of the caller's: PYTHONUNBUFFERED alone would change most figures.
ENVIRONMENT = {"PATH": os.defpath, "HOME": str(SCRATCH), "LC_ALL": "C.UTF-8"}

Command: TypeAlias = list[str | Path]


class Cost(NamedTuple):
    """What a process took."""

    seconds: float
    kibibytes: float  # of resident memory, at its peak


class Costs(dict[str, Cost]):
    """What each command took, by its name: medians."""

    def ms(self, name: str) -> float:
        """Return the time, in milliseconds."""
        return self[name].seconds * 1e3

    def mib(self, name: str) -> float:
        """Return the peak of the memory, in MiB."""
        return self[name].kibibytes / 1024

    def a_step(self, name: str, start: str, steps: int) -> float:
        """Return the time of each of the steps that a command has beyond another. Microseconds."""
        return (self[name].seconds - self[start].seconds) / steps * 1e6


class Row(NamedTuple):
    """A line of the table: two figures, and how many times the second the first may be."""

    what: str
    against: str
    goal: float
    ours: float
    theirs: float
    unit: str


def main(runs: int) -> None:
    """Measure each command so many times, and print what came of it."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    costs = Costs()
    for commands in (starts, scales, millions, acceptors):
        costs |= side_by_side(commands(), runs)
    print(f"{datetime.now(UTC):%Y-%m-%d}; {machine()}; medians over {runs} runs.\n")
    print_goals(costs)
    print_background(costs, runs)
    print_many(min(runs, 5))
    print_resumed(min(runs, 5))
    print_conditional(min(runs, 5))
    print_acceptors(costs)


def side_by_side(commands: dict[str, Command], runs: int) -> Costs:
    """Return the median costs of each command, run in turns after one turn that does not count."""
    turns: list[Costs] = []
    for number in range(runs + 1):
        turns.append(Costs({name: measure(command) for name, command in commands.items()}))
        print(f"{', '.join(commands)}: {number} of {runs}", file=sys.stderr)
    return Costs(
        {
            name: Cost(*map(median, zip(*(turn[name] for turn in turns[1:]), strict=True)))
            for name in commands
        }
    )


def measure(command: Command, status: int = 0, *, keep: bool = False) -> Cost:
    """Run a command once, which has to end with that status, and return its cost.

    Args:
        command: What to run.
        status: Its exit status.
        keep: Whether an audit that is there is kept.
    """
    if not keep:
        AUDIT.unlink(missing_ok=True)
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=SCRATCH, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, wait_status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(wait_status)
    if process.returncode != status:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(seconds, usage.ru_maxrss)


def python(*words: str | Path) -> Command:
    """Return a run of the interpreter."""
    return [BIN / "python", *words]


def driftflow(steps: int, audit: Path | None = None) -> Command:
    """Return a run of a workflow."""
    return [BIN / "driftflow", "--config", workloads.driftflow(steps, audit)]


def starts() -> dict[str, Command]:
    """Two steps, or nothing at all."""
    return {
        "pass": python("-c", "pass"),
        "imports": python("-c", "import json, docopt, pyrsistent"),
        "quick start": [BIN / "driftflow", "--config", workloads.quickstart()],
        "bare quick start": python(BARE_LOOP, workloads.quickstart()),
        "pypyr": [BIN / "pypyr", workloads.pypyr(2).stem],
        "doit": [BIN / "doit", "-f", workloads.doit(2)],
        "Task": [BIN / "task", "-t", workloads.task(2)],
    }


def scales() -> dict[str, Command]:
    """Many steps, with an audit and without, run and checked."""
    measure(driftflow(100_000, AUDIT))
    records = AUDIT.rename(SCRATCH / "records.jsonl")
    reading = python(HERE / "write_records.py", records)
    megabytes = workloads.driftflow(60_000)
    return {
        "10,000": driftflow(10_000),
        "10,000 chained": [BIN / "driftflow", "--config", workloads.chain(10_000)],
        "bare 10,000": python(BARE_LOOP, workloads.driftflow(10_000)),
        "100,000": driftflow(100_000),
        "bare 100,000": python(BARE_LOOP, workloads.driftflow(100_000)),
        "100,000 plain": [BIN / "driftflow", "--config", workloads.plain(100_000)],
        "100,000 graph": [BIN / "driftflow", "--config", workloads.graph(100_000)],
        "100,000 audited": driftflow(100_000, AUDIT),
        "records read": reading,
        "records written": [*reading, AUDIT],
        "pypyr 10,000": [BIN / "pypyr", workloads.pypyr(10_000).stem],
        "doit 10,000": [BIN / "doit", "-f", workloads.doit(10_000)],
        "check": [BIN / "driftflow", "check", megabytes],
        "json.tool": python("-m", "json.tool", megabytes),
    }


def millions() -> dict[str, Command]:
    """Return the commands on a million steps."""
    return {
        "1,000,000": driftflow(1_000_000),
        "bare 1,000,000": python(BARE_LOOP, workloads.driftflow(1_000_000)),
    }


def acceptors() -> dict[str, Command]:
    """Return commands that read a workflow and ask an acceptor about it."""
    read = "import json, sys; document = json.load(open(sys.argv[1]))"
    scripts = {
        name: f"{read}\n{script}\nassert accepts(document)"
        for name, (script, _) in workloads.acceptors().items()
    }
    return {
        f"{name} {steps:,}": python("-c", script, workloads.driftflow(steps))
        for name, script in {"read": read, **scripts}.items()
        for steps in (1, 100_000)
    }


def print_goals(costs: Costs) -> None:
    """Print the table of what is to be reached."""
    print("| what | compared with | ratio | goal | DriftFlow | the other |")
    print("|---|---|---|---|---|---|")
    for row in rows(costs):
        ratio = row.ours / row.theirs
        missed = " (missed)" * (ratio > row.goal)
        figures = f"{row.ours:.3g} {row.unit} | {row.theirs:.3g} {row.unit}"
        print(f"| {row.what} | {row.against} | {ratio:.3g}{missed} | {row.goal} | {figures} |")


def rows(costs: Costs) -> list[Row]:
    """Return the figures that have a goal."""
    start, step = costs.ms("quick start"), costs.a_step("100,000", "quick start", 100_000)
    nothing, imports, pypyr, doit, task = map(
        costs.ms, ("pass", "imports", "pypyr", "doit", "Task")
    )
    many, bare_many = costs.ms("100,000"), costs.ms("bare 100,000")
    pypyr_step = costs.a_step("pypyr 10,000", "pypyr", 9_998)
    doit_step = costs.a_step("doit 10,000", "doit", 9_998)
    of_a_million, of_ten_thousand = costs.ms("1,000,000") / 1e3, costs.ms("10,000") / 10
    peak, bare_peak = costs.mib("1,000,000"), costs.mib("bare 1,000,000")
    audit = costs.a_step("100,000 audited", "100,000", 100_000)
    records = costs.a_step("records written", "records read", 100_000)
    chained = costs.a_step("10,000 chained", "quick start", 10_000)
    literal = costs.a_step("10,000", "quick start", 10_000)
    plain, graph = (
        costs.a_step(f"100,000 {kind}", "quick start", 100_000) for kind in ("plain", "graph")
    )
    check, json_tool = costs.ms("check"), costs.ms("json.tool")
    beyond, loop, dumped = "a step beyond the start", "a bare loop", "`json.dumps`, `os.write`"
    libraries = "importing json, docopt and pyrsistent"
    share = "time a step with its share of the start, of 1,000,000"
    return [
        Row("the quick start, no audit", "`python -c pass`", 4.0, start, nothing, "ms"),
        Row("the quick start, no audit", libraries, 1.1, start, imports, "ms"),
        Row("the quick start", "pypyr, two echo steps", 0.55, start, pypyr, "ms"),
        Row("the quick start", "doit, two echo steps", 0.25, start, doit, "ms"),
        Row("the quick start", "Task, two echo steps", 0.80, start, task, "ms"),
        Row("100,000 steps to stdout", loop, 1.55, many, bare_many, "ms"),
        Row(f"{beyond}, of 100,000", "doit, of 10,000", 0.05, step, doit_step, "µs"),
        Row(f"{beyond}, of 100,000", "pypyr, of 10,000", 0.015, step, pypyr_step, "µs"),
        Row(share, "of 10,000", 1.2, of_a_million, of_ten_thousand, "µs"),
        Row("peak memory, 1,000,000 steps", loop, 1.6, peak, bare_peak, "MiB"),
        Row("the audit's extra cost of a step", dumped, 1.9, audit, records, "µs"),
        Row(f"{beyond} that reads another's output", "a literal", 1.9, chained, literal, "µs"),
        Row(f"{beyond} that reads any earlier one, of 100,000", "none", 2.2, graph, plain, "µs"),
        Row("`check` of a good 5 MB file", "`python -m json.tool`", 1.0, check, json_tool, "ms"),
    ]


def print_many(runs: int) -> None:
    """Print the table of many steps at once: each figure, and its least or greatest good value."""
    start: Command = [BIN / "driftflow", "--config"]
    nap, tiny = workloads.crowd(200, "nap", 0.05), workloads.driftflow(10_000)
    crunch, layers = workloads.crowd(4, "crunch", 20_000_000), workloads.layers(125, 8, 0.01)
    deeds: Command = ["--actions", HERE / "slow_deeds.py"]
    with local_cluster() as address:
        costs = side_by_side(
            {
                "naps": [*start, nap, *deeds, "--jobs", "16"],
                "naps in turn": [*start, nap, *deeds, "--jobs", "1"],
                "layers": [*start, layers, *deeds, "--jobs", "8"],
                "layers in turn": [*start, layers, *deeds, "--jobs", "1"],
                "crunch": python(HERE / "crunch.py", "pool", crunch),
                "crunch in turn": python(HERE / "crunch.py", "turn", crunch),
                "dask": [*start, workloads.parallel(10_000), "--dask", address],
                "parallel": [*start, workloads.parallel(100_000)],
                "off": [*start, workloads.driftflow(100_000)],
                "limited": [*start, tiny, "--enforce-timeout"],
                "unlimited": [*start, tiny],
            },
            runs,
        )
    overdue, left = overdue_attempts(runs)
    naps, layered, crunches = (
        costs.ms(f"{name} in turn") / costs.ms(name) for name in ("naps", "layers", "crunch")
    )
    graphs = [build_graph(number, runs) for number in (100_000, 200_000)]
    dask, limited = costs.ms("dask") / 1e4, (costs.ms("limited") - costs.ms("unlimited")) / 1e4
    rows: list[tuple[str, float, str, float, str]] = [
        ("200 waits of 50 ms, 16 jobs: of the ideal speed-up", naps / 16, ">=", 0.87, ""),
        (
            "1,000 waits of 10 ms, 8 wide, 8 jobs: of the ideal speed-up",
            layered / 8,
            ">=",
            0.90,
            "",
        ),
        ("building the graph of 100,000 steps, 300,000 edges", graphs[0], "<=", 1.0, " s"),
        ("building it for 200,000 steps: of that", graphs[1] / graphs[0], "<=", 2.2, ""),
        ("4 steps that compute, 2 processes: speed-up", crunches, ">=", 1.7, ""),
        ("10,000 tiny steps on Dask, 2 workers: a step", dask, "<=", 0.1, " ms"),
        (
            "100,000 tiny steps, `parallel` on: of off",
            costs.ms("parallel") / costs.ms("off"),
            "<=",
            2.0,
            "",
        ),
        ("an attempt that is killed: later than its limit", overdue, "<=", 0.1, " s"),
        ("processes that are left behind then", left, "<=", 0, ""),
        ("an attempt with --enforce-timeout: more than without", limited, "<=", 0.2, " ms"),
    ]
    print("\n| many at once | measured | goal |")
    print("|---|---|---|")
    for what, figure, sign, goal, unit in rows:
        missed = " (missed)" * (figure < goal if sign == ">=" else figure > goal)
        print(f"| {what} | {figure:.3g}{unit}{missed} | {sign} {goal}{unit} |")


def print_resumed(runs: int) -> None:
    """Print the table of resumed runs: each figure, and its greatest good value."""
    config, mended = workloads.failing(100_000, 0.01, AUDIT)
    fill_audit(config)
    own = AUDIT.rename(SCRATCH / "own.jsonl")
    small, _ = workloads.failing(1_000, 0.01, AUDIT)
    fill_audit(small)
    others = workloads.other_records(AUDIT, 10_000, 500)
    both = SCRATCH / "both.jsonl"
    with both.open("wb") as file:
        for path in (own, others):
            with path.open("rb") as part:
                shutil.copyfileobj(part, file)
    for path in (own, both):
        path.chmod(0o600)
    alone, beside = (
        Cost(*map(median, zip(*(read_record(mended, path) for _ in range(runs)), strict=True)))
        for path in (own, both)
    )
    count = side_by_side({"wc": ["/usr/bin/wc", "-l", both]}, runs)
    first, last = resumed_chain()
    rows = [
        ("100,000 records, 1 % to do: reading and deciding", alone.seconds, 1.0, " s"),
        ("its process at its peak, with the plan", alone.kibibytes, 300, " MiB"),
        (
            "beside 500 MB of others: more, of the time of `wc -l`",
            (beside.seconds - alone.seconds) / count["wc"].seconds,
            3,
            "",
        ),
        ("beside them: of that memory", beside.kibibytes / alone.kibibytes, 1.05, ""),
        *(
            (f"the last of 20 resumed runs of 20,000 steps: of the first, {what}", ratio, 1.1, "")
            for what, ratio in zip(("time", "memory", "bytes"), ratios(last, first), strict=True)
        ),
    ]
    print("\n| resumed | measured | goal |")
    print("|---|---|---|")
    for what, figure, goal, unit in rows:
        missed = " (missed)" * (figure > goal)
        print(f"| {what} | {figure:.3g}{unit}{missed} | <= {goal}{unit} |")


def print_conditional(runs: int) -> None:
    """Print the table of conditions: each figure, and its greatest good value."""
    param, output = (workloads.conditional(100_000, reads=reads) for reads in (False, True))
    costs = side_by_side(
        {
            "start": driftflow(1),
            "plain": driftflow(100_000),
            "param": [BIN / "driftflow", "--config", param],
            "output": [BIN / "driftflow", "--config", output],
            "check": [BIN / "driftflow", "check", output],
            "json.tool": python("-m", "json.tool", output),
        },
        runs,
    )
    plain, by_param, by_output = (
        costs.a_step(name, "start", 100_000) for name in ("plain", "param", "output")
    )
    rows = [
        ("a step whose condition looks at a parameter, of one without", by_param / plain, 1.3),
        ("a step whose condition looks at an output, of one without", by_output / plain, 1.3),
        (
            "`check` of such steps, of `json.tool`",
            costs["check"].seconds / costs["json.tool"].seconds,
            1.2,
        ),
    ]
    print("\n| 100,000 conditions | measured | goal |")
    print("|---|---|---|")
    for what, figure, goal in rows:
        missed = " (missed)" * (figure > goal)
        print(f"| {what} | {figure:.3g}{missed} | <= {goal} |")


def ratios(one: tuple[float, ...], other: tuple[float, ...]) -> list[float]:
    """Return each of the figures as a multiple of the other."""
    return [ours / theirs for ours, theirs in zip(one, other, strict=True)]


def fill_audit(config: Path) -> None:
    """Run a workflow that fails, and leave its audit."""
    AUDIT.unlink(missing_ok=True)
    command: Command = [BIN / "driftflow", "--config", config]
    subprocess.run(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )


def read_record(config: Path, audit: Path) -> Cost:
    """Return what it takes to decide what a resumed run keeps; the memory in MiB."""
    command = python(HERE / "read_record.py", config, audit)
    done = subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.PIPE, check=True)
    return Cost(*json.loads(done.stdout))


def resumed_chain() -> list[tuple[float, float, float]]:
    """Return what the first and the last of twenty runs take, each of which resumes the one before.

    Seconds, memory in KiB, and bytes of the audit; medians of the first and the last three.
    """
    config, _ = workloads.failing(20_000, 0.01, AUDIT)
    fill_audit(config)
    command: Command = [BIN / "driftflow", "--config", config, "--resume"]
    costs = []
    for _ in range(20):
        size = AUDIT.stat().st_size
        cost = measure(command, status=1, keep=True)
        costs.append((cost.seconds, cost.kibibytes, float(AUDIT.stat().st_size - size)))
    parts = (costs[:3], costs[-3:])
    return [tuple(map(median, zip(*part, strict=True))) for part in parts]


@contextmanager
def local_cluster() -> Iterator[str]:
    """Yield the address of a Dask cluster of two workers, each a process."""
    from distributed import LocalCluster

    anywhere = "127.0.0.1:0"
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=anywhere,
        worker_dashboard_address=anywhere,
    ) as cluster:
        yield cluster.scheduler_address


def overdue_attempts(runs: int) -> tuple[float, int]:
    """By how many seconds attempts outlive their time, a median; how many processes are left."""
    figures = []
    for _ in range(runs):
        command = python(HERE / "overdue.py")
        done = subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.PIPE, check=True)
        figures.append(json.loads(done.stdout))
    return median(figure[0] for figure in figures), max(figure[1] for figure in figures)


def build_graph(steps: int, runs: int) -> float:
    """Return how long it takes to build a graph, a median. Seconds."""
    command = python(HERE / "build_graph.py", str(steps))
    outputs = (
        subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.PIPE, check=True).stdout
        for _ in range(runs)
    )
    return median(map(float, outputs))


def print_background(costs: Costs, runs: int) -> None:
    """Print what helps to judge the table."""
    ours, bare = (
        costs.a_step(f"{name}1,000,000", f"{name}quick start", 1_000_000)
        / costs.a_step(f"{name}10,000", f"{name}quick start", 10_000)
        for name in ("", "bare ")
    )
    print(
        f"\n- Without the start, a step of 1,000,000 takes {ours:.3g} times one of 10,000; in the "
        f"bare loop {bare:.3g} times.\n"
        f"- A step's line reaches a pipe {latency(runs):.2g} s after its end (goal: 0.2 s)."
    )


def print_acceptors(costs: Costs) -> None:
    """Print what could say whether a config is good, compared."""
    print("\n| acceptor | weight | start: of reading a step | check: of reading 100,000 |")
    print("|---|---|---|---|")
    read, reading = costs.ms("read 1"), costs.ms("read 100,000") - costs.ms("read 1")
    for name, (_, packages) in workloads.acceptors().items():
        kibibytes = sum(map(weight, packages)) / 1024
        start = costs.ms(f"{name} 1")
        check = (costs.ms(f"{name} 100,000") - start) / reading - 1
        print(f"| {name} | {kibibytes:,.0f} KiB | {start / read:.3g} | {check:.2g} |")


def latency(runs: int) -> float:
    """Return the time from a step's end to its line at the other end of a pipe. Seconds."""
    command = python(HERE / "slow_step.py", workloads.slow())
    return median(_latency(command) for _ in range(runs))


def _latency(command: Command) -> float:
    with subprocess.Popen(
        command, cwd=SCRATCH, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while not process.stdout.readline().startswith(b"OK b"):
            pass
        arrived = time.monotonic()
        return arrived - float(process.stderr.readline())


def weight(name: str) -> int:
    """Return the size of an installed package, or of a module, as it was shipped. Bytes."""
    place = Path(sysconfig.get_path("platlib")) / name
    parts = [place, *place.rglob("*")]
    return sum(part.stat().st_size for part in parts if part.is_file() and part.suffix != ".pyc")


def machine() -> str:
    """Return the processor, Python, and the versions of what is measured."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return (
        f"{len(models)} x {models[0]}, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
