"""What a run costs, held by counting: modules, function calls, system calls. Nothing is timed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows
from support.command import CHECKOUT, process_environment

from driftflow import cli
from driftflow.showing.output import AT_ONCE, ENOUGH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from _typeshed import ReadableBuffer

# What a good run needs of ours; the explanations, the reports and the record are not among it.
OURS = {
    *("__main__", "api", "arguments", "cli", "config", "errors", "failures", "streams", "text"),
    *("actions", "actions.action"),
    *("checking", "checking.acceptor"),
    *("planning", "planning.graph", "planning.plan", "planning.references", "planning.settings"),
    *("planning.parameters", "planning.pointers", "planning.values"),
    *("reading", "reading.document"),
    *("running", "running.attempts", "running.events", "running.interpreter"),
    *("running.interrupts", "running.ordering", "running.schedule", "running.signals"),
    *("showing", "showing.output", "showing.results"),
}


def run(script: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run that in a process of its own, where nothing else is going on."""
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        env=process_environment({"PYTHONHASHSEED": "0"}),  # docopt's calls depend on it
        capture_output=True,
        check=True,
        text=True,
    )


def imported(script: str, folder: Path) -> set[str]:
    """The modules that a run of that script adds to what the libraries import by themselves."""
    libraries = "import __future__, contextlib, json, re, sys, docopt, pyrsistent"
    report = "json.dump(sorted({*sys.modules} - old), sys.stderr)"
    done = run(f"{libraries}\nold = {{*sys.modules}}\n{script}\n{report}", folder)
    return {*json.loads(done.stderr)}


def test_a_good_run_imports_what_it_needs_and_no_more(tmp_path: Path) -> None:
    """Nothing to explain mistakes with, nor what only the audit needs: no jsonschema at all."""
    quickstart = CHECKOUT / "examples" / "quickstart.json"
    script = (
        f"sys.argv = ['driftflow', '--config', {str(quickstart)!r}]\n"
        "sys.modules['os'].environ['DRIFTFLOW_FLAGS'] = 'audit'\n"
        "from driftflow.__main__ import main\n"
        "main()"
    )
    ours = {"driftflow", *(f"driftflow.{module}" for module in OURS)}
    assert imported(script, tmp_path) == ours | {"gc", "math"}


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_actions_and_threads_do_without_slow_libraries(
    flags: dict[str, bool], tmp_path: Path
) -> None:
    """Those are for errors, and for programs that are to be ended."""
    deed = "import driftflow\n\n@driftflow.action\ndef deed(value): return value\n"
    (tmp_path / "deeds.py").write_text(deed)
    workflows.save(tmp_path, *({"action": "deed"} for _ in range(2)), flags=flags)
    script = (
        "sys.argv = 'driftflow --config config.json --actions ./deeds.py'.split()\n"
        "from driftflow.__main__ import main\n"
        "assert main() == 0"
    )
    slow = {"importlib.metadata", "jsonschema", "multiprocessing", "pathlib", "subprocess"}
    slow |= set() if flags else {"traceback"}  # concurrent.futures has it
    assert not imported(script, tmp_path) & (slow | {"driftflow.issues"})


def test_the_package_alone_imports_nothing(tmp_path: Path) -> None:
    """A public name brings its module when it is asked for."""
    assert imported("import driftflow", tmp_path) == {"driftflow"}
    more = imported("from driftflow import ConfigError", tmp_path)
    assert "driftflow.errors" in more
    assert "jsonschema" not in more


def test_the_garbage_collector_never_searches_a_plan(tmp_path: Path) -> None:
    """It rests until there is one, and passes it over then; but actions have it back."""
    workflows.save(tmp_path, *({"input": [place]} for place in range(5000)))
    script = (
        "import gc, json, sys\n"
        "from driftflow.__main__ import main\n"
        "sys.argv = ['driftflow', '--config', 'config.json']\n"
        "passes = []\n"
        "gc.callbacks.append(lambda phase, _: passes.append(phase))\n"
        "main()\n"
        "json.dump([len(passes), gc.get_freeze_count() > 5000, gc.isenabled()], sys.stderr)"
    )
    assert json.loads(run(script, tmp_path).stderr) == [0, True, True]


COUNTING = """
import gc, sys, threading
from driftflow import cli
from driftflow.recording import audit
from driftflow.recording import storage

# It depends on the time whether a thread is up when its start is waited for, and whether it waits
# when it is told that all is over: so there is none.
threading.Thread.start = threading.Thread.join = lambda _: None
# Nor is it settled when the collector comes, and what objects that are gone call then.
gc.disable()
gc.enable = lambda: None
cli.main(sys.argv[1:])  # what is imported on demand is imported now

count = 0
audit.time_ns = int  # a new second would be one more call
storage._NAME_CHECK = 3600  # and so would a look for the file's name, after a millisecond

def note(frame, event, _):
    global count
    # Written in Python from 3.13 on, where its calls are not quite in step with the steps.
    count += event == "call" and frame.f_globals.get("__name__") != "pyrsistent._pvector"

counts = []
for _ in range(3):
    count = 0
    sys.setprofile(note)
    cli.main(sys.argv[1:])
    sys.setprofile(None)
    counts.append(count)
# What the system does now and then, such as a lock that is held for a moment, adds a few calls.
print(min(counts), file=sys.stderr)
"""


def calls(folder: Path, command: str, steps: Iterable[dict[str, Any]], **flags: bool) -> int:
    """How many Python functions a command calls; a resumed generator counts too."""
    workflows.save(folder, *steps, flags=flags)
    return int(run(COUNTING, folder, *command.split(), "config.json").stderr.splitlines()[-1])


def crowd(steps: int) -> Iterator[dict[str, Any]]:
    """Steps that have nothing to do with each other."""
    for place in range(steps):
        action = ["echo", "upper", "lower", "reverse"][place % 4]
        yield {"action": action, "input": f"input {place}", "priority": place % 10}


def chain(steps: int) -> Iterator[dict[str, Any]]:
    """Steps that read from each other."""
    for place in range(steps):
        given = {"from": f"step{place - 1}"} if place else "input"
        yield {"action": "reverse", "input": given, "priority": -place}


def conditional(steps: int) -> Iterator[dict[str, Any]]:
    """Steps that have the same condition, which reads the first of them."""
    yield {"name": "first", "action": "echo", "input": {"n": 1}, "priority": 10}
    when = {"value": {"from": {"step": "first", "at": "/n"}}, "is": {"type": "integer"}}
    yield from ({**step, "when": when} for step in crowd(steps))


@pytest.mark.parametrize(
    ("command", "steps", "flags", "most"),
    [
        ("--config", crowd, {}, 19),
        ("--config", crowd, {"audit": True}, 37),
        ("--config", chain, {}, 34),
        ("--config", conditional, {}, 38),
        ("check", crowd, {}, 3),
        ("check", conditional, {}, 21),
    ],
    ids=["run", "audited", "chained", "conditional", "check", "check-conditional"],
)
def test_a_step_costs_the_same_calls_in_any_crowd(
    command: str,
    steps: Callable[[int], Iterator[dict[str, Any]]],
    flags: dict[str, bool],
    most: int,
    tmp_path: Path,
) -> None:
    """As many at 100 steps as at 1,000, and not more than that."""
    few, more, many, most_of_all = (
        calls(tmp_path, command, steps(number), **flags) for number in (100, 200, 1000, 1100)
    )
    assert more - few == most_of_all - many
    assert more - few <= 100 * most


def test_a_step_that_is_kept_costs_the_same_calls_in_any_crowd(tmp_path: Path) -> None:
    """To read what is on record, to decide, and to tell it."""

    def cost(steps: int) -> int:
        (tmp_path / "driftflow.audit.json").unlink(missing_ok=True)
        failing = {"name": "z", "action": "nobody", "optional": True}
        return calls(tmp_path, "--resume --config", [*crowd(steps), failing], audit=True)

    few, more, many, most_of_all = map(cost, (100, 200, 1000, 1100))
    assert more - few == most_of_all - many
    assert more - few <= 100 * 38


def test_a_large_output_costs_nothing_to_steps_that_do_not_read_it(tmp_path: Path) -> None:
    """It is copied when it is made, and for each attempt that reads it."""

    def cost(rows: int, others: int) -> int:
        made = {"name": "made", "input": [[row] for row in range(rows)], "priority": 20}
        reader = {"name": "reader", "input": {"from": "made"}, "priority": -1}
        return calls(tmp_path, "--config", [made, *crowd(others), reader])

    assert cost(10, 200) - cost(10, 100) == cost(1000, 200) - cost(1000, 100)


class Counted(io.RawIOBase):
    """A file that notes each write: what would be a system call."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Take all of it."""
        self.writes.append(bytes(data))
        return len(self.writes[-1])


@pytest.mark.parametrize("steps", [1, AT_ONCE, 1000, 10_000])
def test_a_fast_run_writes_many_lines_at_a_time(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first ones, one for each 64 KiB and for the rest; the clock has no part in it."""
    monkeypatch.setattr("driftflow.showing.output.DELAY", 3600)
    path = workflows.save(tmp_path, *({"input": "x" * 30} for _ in range(steps)))
    raw = Counted()
    with io.TextIOWrapper(io.BufferedWriter(raw)) as stream, redirect_stdout(stream):
        assert cli.main(["--config", str(path)]) == cli.OK
    text = b"".join(raw.writes)
    assert text.count(b"\n") == steps
    assert len(raw.writes) <= AT_ONCE + len(text) // ENOUGH + 1
