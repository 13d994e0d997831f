"""The command with many steps at once, deadlines and waits: what a user sees."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest
from support.command import (
    AT_A_TERMINAL,
    CHECKOUT,
    gone,
    invoke,
    process_environment,
    spawn,
    wait_for,
)
from support.workflows import save

from driftflow import ActionsError, run_workflow

if TYPE_CHECKING:
    from pathlib import Path

DEEDS = ("--actions", CHECKOUT / "tests" / "support" / "deeds.py")
STUBBORN = ("--actions", CHECKOUT / "tests" / "support" / "stubborn.py")
TOGETHER = {"parallel": True}


def test_what_ran_beside_the_end_of_a_run_is_told(tmp_path: Path) -> None:
    """Its results are not printed, but what it was and how it ended is on the record."""
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "nap", "input": 0.3},
        {"name": "b", "action": "upper", "input": 5},
        {"name": "c", "action": "upper", "input": "c"},
        {"name": "d", "action": "upper", "input": 4, "optional": True},
    ]
    path = save(tmp_path, *steps, flags=TOGETHER | {"audit": True, "metrics": True})
    text = invoke("--config", path, *DEEDS, "--jobs", "4", cwd=tmp_path)
    told = "discarded: 2 steps that ran at the same time as the step that ended the run\n"
    assert text == (1, "OK a: 0.3\nFAIL b: upper takes a string, not an integer\n", told)
    audit = (tmp_path / "driftflow.audit.json").read_text()
    records = [json.loads(line) for line in audit.splitlines()]
    first, *others, last = records
    assert first["event"] == "run_started"
    assert [each["step"] for each in others if each["event"] == "step_started"] == [*"abcd"]
    ends = {each["step"]: each for each in others if each["event"] == "step_finished"}
    assert others[-1] == ends["a"]  # which took its time: the others were done before
    assert (ends["a"]["output"], ends["c"]["output"]) == (0.3, "C")
    assert ends["d"]["error"] == "upper takes a string, not an integer"
    assert (last["event"], last["stopped_by"], last["discarded"]) == ("run_finished", "b", [2, 3])
    document = invoke("--config", path, *DEEDS, "--print-json", cwd=tmp_path)
    assert (document.status, document.stderr) == (1, told)
    result = json.loads(document.stdout)
    assert list(result) == ["name", "status", "results", "discarded", "metrics"]
    assert result["discarded"] == ["c", "d"]
    assert result["metrics"]["steps"] == {"planned": 4, "ok": 1, "failed": 1, "not_run": 2}


@pytest.mark.parametrize("flags", [{}, TOGETHER])
@pytest.mark.parametrize("limit", [{}, {"timeout_seconds": 60}])
def test_an_exception_that_ends_whoever_asks_it_fails_its_step_alone(
    tmp_path: Path, flags: dict[str, bool], limit: dict[str, int]
) -> None:
    """In turn, in a thread and in a process of its own: the same answer, and no run that hangs."""
    (tmp_path / "acts.py").write_text(
        "import driftflow\n"
        "class Leaving(Exception):\n"
        "    def __str__(self): raise SystemExit(3)\n"
        "@driftflow.action\n"
        "def go(value): raise Leaving\n"
    )
    going = {"name": "a", "action": "go", "optional": True, **limit}
    path = save(tmp_path, going, {"name": "b", "action": "echo", "input": "b"}, flags=flags)
    outcome = spawn("--config", path, "--actions", tmp_path / "acts.py", cwd=tmp_path)
    assert outcome == (1, "FAIL a: Leaving\nOK b: b\n", "")


def test_one_step_is_told_as_one(tmp_path: Path) -> None:
    """And none not at all."""
    path = save(tmp_path, {"action": "upper", "input": 5}, {"action": "echo"}, flags=TOGETHER)
    told = "discarded: 1 step that ran at the same time as the step that ended the run\n"
    assert invoke("--config", path, "--jobs", 2).stderr == told
    assert invoke("--config", path, "--jobs=1").stderr == ""
    assert invoke("--config", path, environ={"DRIFTFLOW_FLAGS": "parallel"}).stderr == ""


def test_what_was_not_even_tried_is_not_told(tmp_path: Path) -> None:
    """Nothing was done; but its start is on record, and so is its end."""
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "upper", "input": 5, "optional": True, "priority": 1},
        {"name": "b", "action": "upper", "input": 5},
        {"name": "c", "input": {"from": "a"}},
    ]
    path = save(tmp_path, *steps, flags=TOGETHER | {"audit": True})
    outcome = invoke("--config", path, "--print-json", cwd=tmp_path)
    assert outcome.stderr == ""
    assert list(json.loads(outcome.stdout)) == ["name", "status", "results"]
    assert invoke("--config", path, cwd=tmp_path).stderr == ""
    audit = (tmp_path / "driftflow.audit.json").read_text()
    records = [json.loads(line) for line in audit.splitlines()]
    ends = [each for each in records if each.get("step") == "c" and "ok" in each]
    fault = "input from 'a', which failed"
    assert [(end["error"], end["attempts"]) for end in ends] == [(fault, 0)] * 2
    assert [each["discarded"] for each in records if each["event"] == "run_finished"] == [[2]] * 2


@pytest.mark.parametrize("jobs", ["0", "-1", "four", "", "1.5", "٤", "1e3", "9999999999"])
def test_jobs_are_a_number_from_1_on(jobs: str, tmp_path: Path) -> None:
    """Anything else is exit 2, and nothing is run."""
    outcome = invoke("--config", save(tmp_path, {}), f"--jobs={jobs}")
    assert (outcome.status, outcome.stdout) == (2, "")
    first = f"error: `--jobs` must be a whole number from 1 to 999,999,999, not `{jobs}`"
    assert outcome.stderr.splitlines()[0] == first


def test_the_library_wants_a_number_from_1_on_too(tmp_path: Path) -> None:
    """It raises, also for what is no executor; in our words, and before anything is run."""
    path = save(tmp_path, {}, flags={"audit": True})
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ValueError, "jobs must be at least 1, not 0", {"jobs": 0}),
        (TypeError, "jobs must be an integer, not 1.5", {"jobs": 1.5}),
        (TypeError, "jobs must be an integer, not True", {"jobs": True}),
        (TypeError, "jobs must be an integer, not '2'", {"jobs": "2"}),
        (TypeError, "executor must have a method `submit`: 3 has none", {"executor": 3}),
    ]
    for kind, message, given in wrong:
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            run_workflow(path, audit=tmp_path / "audit", **given)
    assert not (tmp_path / "audit").exists()


@pytest.mark.parametrize("flags", [{}, TOGETHER])
def test_an_attempt_that_takes_too_long_fails(flags: dict[str, bool], tmp_path: Path) -> None:
    """With --enforce-timeout; it is tried again like any other."""
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "loop", "optional": True},
        {"name": "b", "action": "speak", "input": "b"},
        {"name": "c", "action": "sleep"},
    ]
    path = save(tmp_path, *steps, flags=flags, max_attempts=2, timeout_seconds=0.8)
    outcome = spawn("--config", path, *STUBBORN, "--enforce-timeout", "--print-json", cwd=tmp_path)
    results = json.loads(outcome.stdout)["results"]
    assert [(result["ok"], result["error"], result["attempts"]) for result in results] == [
        (False, "timed out after 0.8 s", 1),
        (True, None, 1),
        (False, "timed out after 0.8 s", 2),
    ]
    # What actions print is no result, wherever it comes from.
    assert outcome.stderr == "b from Python\nb from a program\n"


def test_the_environment_sets_the_time(tmp_path: Path) -> None:
    """As it does without a deadline."""
    path = save(tmp_path, {"name": "a", "action": "nap", "input": 600})
    environ = {"WORKFLOW_TIMEOUT_SECONDS": "0.1"}
    outcome = invoke("--config", path, *DEEDS, "--enforce-timeout", environ=environ)
    assert outcome == (1, "FAIL a: timed out after 0.1 s\n", "")


def test_without_the_option_nothing_is_cut_short(tmp_path: Path) -> None:
    """As the contract says."""
    step = {"name": "a", "action": "nap", "input": 0.2}
    path = save(tmp_path, step, step | {"name": "b"}, timeout_seconds=0.01, flags=TOGETHER)
    assert invoke("--config", path, *DEEDS).stdout == "OK a: 0.2\nOK b: 0.2\n"


def test_what_no_child_could_find_is_refused(tmp_path: Path) -> None:
    """Before anything runs: it would be an unknown action there."""
    path = save(tmp_path, {"action": "mine"})
    mine = {"mine": lambda value: value}
    assert run_workflow(path, actions=mine)["status"] == "ok"
    with pytest.raises(ActionsError, match="`mine`: other processes cannot import it"):
        run_workflow(path, actions=mine, enforce_timeout=True)


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_a_deadline_holds_on_an_executor_too(where: str, tmp_path: Path) -> None:
    """There the child is one of the worker's, and gone with it."""
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "loop", "optional": True},
        {"name": "b", "action": "pid"},
        {"name": "c", "action": "pid"},
    ]
    path = save(tmp_path, *steps, flags=TOGETHER, timeout_seconds=0.5)
    pool = (
        ThreadPoolExecutor(2)
        if where == "threads"
        else ProcessPoolExecutor(2, get_context("spawn"))
    )
    with pool as executor:
        result = run_workflow(path, actions=[STUBBORN[1]], executor=executor, enforce_timeout=True)
    first, *others = result["results"]
    assert first["error"] == "timed out after 0.5 s"
    pids = [other["output"] for other in others]
    wait_for(lambda: all(map(gone, pids)))


def test_a_dask_cluster_that_is_not_there_is_exit_2(tmp_path: Path) -> None:
    """Nothing is run, not even if the config is good."""
    path = save(tmp_path, {}, flags={"audit": True})
    outcome = invoke("--config", path, "--dask", "nonsense", cwd=tmp_path)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(
        "error: nonsense: cannot reach a Dask scheduler at this address: "
    )
    assert [each.name for each in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("interrupts", "seconds", "printed"),
    [
        (1, 1, "OK s0: null\nOK s1: null\n"),
        (1, 600, "FAIL s0: interrupted; its outcome is unknown\n"),
        (2, 600, ""),
    ],
)
def test_an_interrupt_ends_a_run_in_threads(
    interrupts: int, seconds: int, printed: str, tmp_path: Path
) -> None:
    """Nothing more is begun; what is under way has some time to end, unless it comes twice."""
    begun = tmp_path / "begun"
    note = {"path": str(begun), "line": "x", "seconds": seconds}
    steps = [{"name": f"s{n}", "action": "note", "input": note} for n in range(9)]
    path = save(tmp_path, *steps, flags=TOGETHER | {"audit": True})
    process = started(path, "--jobs", "2", grace=0.2 if (interrupts, seconds) == (1, 600) else 2.0)
    wait_for(lambda: begun.exists() and lines(begun) == 2)
    for _ in range(interrupts):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)  # at once it would count as one
    discarded = "discarded: 1 step that ran at the same time as a step that was interrupted\n"
    said = discarded if printed.startswith("FAIL") else ""
    expected = (printed, said + "interrupted by SIGINT\n" * (interrupts == 1))
    assert tuple(map(bytes.decode, process.communicate(timeout=60))) == expected
    assert process.returncode == -signal.SIGINT
    assert lines(begun) == 2
    records = map(json.loads, (tmp_path / "driftflow.audit.json").read_text().splitlines())
    told = [record["event"].removeprefix("step_") for record in records]
    end = ["finished", "finished", "run_finished"] if interrupts == 1 else []
    assert told == ["run_started", "started", "started", *end]


def test_an_interrupt_ends_the_programs_that_threads_run(tmp_path: Path) -> None:
    """At once, with what they have started; their steps count as interrupted."""
    pids = tmp_path / "pids"
    argv = ["sh", "-c", f"sleep 600 & echo $$ >> {pids}; echo $! >> {pids}; wait"]
    steps = [{"name": f"s{n}", "action": "command", "input": argv} for n in range(2)]
    path = save(tmp_path, *steps, flags=TOGETHER, max_attempts=9)
    process = started(path, "--actions", "driftflow.packs.process")
    wait_for(lambda: pids.exists() and lines(pids) == 4)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[0] == b"FAIL s0: interrupted\n"
    assert process.returncode == -signal.SIGTERM
    assert all(gone(int(pid)) for pid in pids.read_text().split())


@pytest.mark.parametrize("flags", [{}, TOGETHER])
def test_an_interrupt_ends_attempts_in_children_at_once(
    flags: dict[str, bool], tmp_path: Path
) -> None:
    """And what they have started: nothing is left."""
    note = {"path": str(tmp_path / "pids"), "seconds": 600}
    steps = [{"name": f"s{n}", "action": "note", "input": note} for n in range(2)]
    path = save(tmp_path, *steps, flags=flags, timeout_seconds=600)
    process = started(path, "--enforce-timeout")
    number = 2 if flags else 1
    wait_for(lambda: (tmp_path / "pids").exists() and lines(tmp_path / "pids") == number)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == b"FAIL s0: interrupted\n"
    assert process.returncode == -signal.SIGINT
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


@pytest.mark.parametrize("flags", [{}, TOGETHER])
def test_an_interrupt_ends_a_wait_at_once(flags: dict[str, bool], tmp_path: Path) -> None:
    """It would be a day."""
    backoff = {"delay_seconds": 86400, "max_delay_seconds": 86400, "jitter": False}
    note = {"path": str(tmp_path / "pids")}
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "note", "input": note, "priority": 1},
        {"name": "b", "action": "upper", "input": 5},
        {"name": "c", "action": "nobody"},
    ]
    flags = flags | {"audit": True}
    path = save(tmp_path, *steps, flags=flags, max_attempts=2, backoff=backoff)
    process = started(path)
    audit = tmp_path / "driftflow.audit.json"
    wait_for(lambda: audit.exists() and '"step":"b"' in audit.read_text())
    process.send_signal(signal.SIGINT)
    text = b"OK a: null\nFAIL b: interrupted\n"
    assert process.communicate(timeout=60)[0] == text
    assert process.returncode == -signal.SIGINT


def lines(path: Path) -> int:
    """How many the file has."""
    return path.read_text().count("\n")


def started(path: Path, *options: str, grace: float = 5.0) -> subprocess.Popen[bytes]:
    """The command, running; SIGINT means what it means at a terminal."""
    script = (
        f"{AT_A_TERMINAL}"
        f"from driftflow.parallel import crew; crew.GRACE = {grace}\n"
        "from driftflow.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, "--config", path, *map(str, DEEDS), *options],
        cwd=path.parent,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
