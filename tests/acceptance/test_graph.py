"""The graph, as a user meets it: order without numbers, and as wide as it goes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from support import naive, workflows
from support.command import CHECKOUT, invoke, process_environment, spawn, wait_for

from driftflow import run_workflow
from driftflow.testing import run, script

if TYPE_CHECKING:
    from pathlib import Path

DEEDS = ("--actions", CHECKOUT / "tests" / "support" / "deeds.py")
TOGETHER = {"parallel": True}


def start(*arguments: object, cwd: Path) -> subprocess.Popen[bytes]:
    """Start the command, to be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "driftflow", *map(str, arguments)],
        cwd=cwd,
        env=process_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of an audit that are whole."""
    lines = path.read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def test_what_was_done_is_on_record_though_an_earlier_step_still_runs(tmp_path: Path) -> None:
    """Forty steps, of which the first takes long: a kill -9 loses none of the others."""
    steps = [{"name": "a", "action": "nap", "input": 600}]
    steps += [{"name": f"b{number:02}", "action": "nap", "input": 0.01} for number in range(39)]
    path = workflows.save(tmp_path, *steps, flags=TOGETHER | {"audit": True})
    audit = tmp_path / "driftflow.audit.json"
    process = start("--config", path, *DEEDS, "--jobs", "8", "--audit-sync", "none", cwd=tmp_path)
    try:
        wait_for(lambda: audit.exists() and len(read_records(audit)) >= 1 + 40 + 39)
    finally:
        process.kill()
        process.wait(60)
    done = [record for record in read_records(audit) if record["event"] == "step_finished"]
    assert sorted(record["step"] for record in done if record["ok"])[:39] == [
        f"b{number:02}" for number in range(39)
    ]


def test_a_record_tells_when_a_step_was_done(tmp_path: Path) -> None:
    """Not when it was its turn to be printed."""
    steps = [
        {"name": "a", "action": "nap", "input": 0.5},
        {"name": "b", "action": "nap", "input": 0},
    ]
    path = workflows.save(tmp_path, *steps, flags=TOGETHER | {"audit": True})
    outcome = invoke("--config", path, *DEEDS, "--jobs", 2, cwd=tmp_path)
    assert outcome.stdout == "OK a: 0.5\nOK b: 0\n"
    records = read_records(tmp_path / "driftflow.audit.json")
    ends = [record for record in records if record["event"] == "step_finished"]
    assert [record["step"] for record in ends] == ["b", "a"]
    b, a = (datetime.fromisoformat(record["ts"]) for record in ends)
    assert (a - b).total_seconds() > 0.25
    assert [record["seq"] for record in records] == [*range(len(records))]


def test_a_step_starts_when_what_it_comes_after_is_done(tmp_path: Path) -> None:
    """Whatever else of its wave still runs: the slow one waits for what needs no slow one."""
    waits = {"path": str(tmp_path / "done"), "seconds": 30}
    steps: list[dict[str, Any]] = [
        {"name": "slow", "action": "wait_for_file", "input": waits},
        {"name": "first", "action": "echo", "input": "x"},
        {"name": "second", "action": "echo", "after": ["first"]},
        {"name": "third", "action": "touch", "input": waits["path"], "after": ["second"]},
    ]
    path = workflows.save(tmp_path, *steps, flags=TOGETHER)
    (tmp_path / "acts.py").write_text(
        "import time\nfrom pathlib import Path\nimport driftflow\n\n"
        "@driftflow.action\ndef touch(path):\n    Path(path).touch()\n\n"
        "@driftflow.action\ndef wait_for_file(value):\n"
        "    until = time.monotonic() + value['seconds']\n"
        "    while not Path(value['path']).exists() and time.monotonic() < until:\n"
        "        time.sleep(0.01)\n"
        "    return Path(value['path']).exists()\n"
    )
    outcome = invoke("--config", path, "--actions", tmp_path / "acts.py", "--jobs", 2)
    assert outcome == (0, "OK first: x\nOK second: \nOK slow: true\nOK third: null\n", "")


def broken(*, flags: dict[str, bool]) -> dict[str, Any]:
    """A workflow of which one part fails, and another one does not come after that."""
    return workflows.config(
        {"name": "a", "action": "upper", "input": 5, "priority": 9},
        {"name": "b", "after": ["a"]},
        {"name": "c", "input": {"from": ["b"]}},
        {"name": "d", "input": "d"},
        {"name": "e", "action": "upper", "input": 5, "optional": True},
        {"name": "f", "input": {"from": "e"}, "optional": True},
        {"name": "g", "after": ["e"], "input": "g"},
        flags=flags,
    )


@pytest.mark.parametrize("flags", [{}, TOGETHER])
def test_with_keep_going_a_failure_ends_only_what_comes_after_it(
    flags: dict[str, bool], tmp_path: Path
) -> None:
    """In turn and side by side, in the command, the library, the kit and the naive model."""
    document = broken(flags=flags)
    path = workflows.write(tmp_path, document)
    error = "upper takes a string, not an integer"
    read = "input from 'e', which failed"
    lines = [f"FAIL a: {error}", "OK d: d", f"FAIL e: {error}", f"FAIL f: {read}", "OK g: g"]
    text = "".join(f"{line}\n" for line in lines)
    assert invoke("--config", path, "--keep-going") == (1, text, "")
    printed = json.loads(invoke("--config", path, "--keep-going", "--print-json").stdout)
    assert list(printed) == ["name", "status", "results", "not_run"]
    assert (printed["status"], printed["not_run"]) == ("failed", ["b", "c"])
    assert run_workflow(path, keep_going=True) == printed
    outcome = run(path, keep_going=True)
    assert (outcome.result, outcome.lines) == (printed, tuple(lines))
    model = naive.Run(document, {}, keep_going=True)
    assert (model.text(), model.not_run) == (text, ["b", "c"])


def test_not_run_is_there_only_with_the_option(tmp_path: Path) -> None:
    """Then also if there is nothing to tell; and the record names indexes."""
    path = workflows.save(
        tmp_path, {}, flags={"audit": True}, storage={"path": str(tmp_path / "a")}
    )
    assert "not_run" not in run_workflow(path)
    assert run_workflow(path, keep_going=True)["not_run"] == []
    workflows.write(
        tmp_path, broken(flags={"audit": True}) | {"storage": {"path": str(tmp_path / "a")}}
    )
    run_workflow(path, keep_going=True)
    *_, last = read_records(tmp_path / "a")
    assert last["not_run"] == [1, 2]
    assert "stopped_by" not in last


def test_the_run_says_at_once_which_attempts_failed(tmp_path: Path) -> None:
    """With --verbose; without, and with no terminal, it does not."""
    (tmp_path / "acts.py").write_text(
        "import driftflow\n\ntried = []\n\n"
        "@driftflow.action\ndef flaky(value):\n    tried.append(value)\n"
        "    if len(tried) < 3:\n        raise ConnectionError('no route')\n    return value\n"
    )
    backoff = {"delay_seconds": 0.02, "jitter": False}
    step = {"name": "load", "action": "flaky", "input": "x", "max_attempts": 3, "backoff": backoff}
    path = workflows.save(tmp_path, step)
    options = ("--config", path, "--actions", tmp_path / "acts.py")
    assert spawn(*options, cwd=tmp_path) == (0, "OK load: x\n", "")
    told = (
        "load: attempt 1 of 3 failed: ConnectionError: no route; next in 0.02 s\n"
        "load: attempt 2 of 3 failed: ConnectionError: no route; next in 0.04 s\n"
    )
    assert spawn(*options, "--verbose", cwd=tmp_path) == (0, "OK load: x\n", told)


def test_a_traceback_shows_the_operators_code_alone(tmp_path: Path) -> None:
    """On stderr; that of each attempt, with what led to it."""
    acts = tmp_path / "acts.py"
    acts.write_text(
        "import json\nimport driftflow\n\n"
        "@driftflow.action\ndef load(text):\n"
        "    try:\n        return json.loads(text)\n"
        "    except ValueError as error:\n        raise RuntimeError('bad input') from error\n"
    )
    path = workflows.save(tmp_path, {"name": "load", "action": "load", "input": "{"})
    outcome = spawn("--config", path, "--actions", acts, "--traceback", cwd=tmp_path)
    first = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    told = (
        "load: attempt 1:\n"
        "Traceback (most recent call last):\n"
        f'  File "{acts}", line 7, in load\n'
        "    return json.loads(text)\n"
        f"JSONDecodeError: {first}\n"
        "\nThe above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        f'  File "{acts}", line 9, in load\n'
        "    raise RuntimeError('bad input') from error\n"
        "RuntimeError: bad input\n"
    )
    assert outcome == (1, "FAIL load: bad input\n", told)


@pytest.mark.parametrize(
    "options", [(), ("--jobs", 2), ("--enforce-timeout",)], ids=["in turn", "threads", "children"]
)
def test_the_record_knows_the_type_and_the_place_of_an_error(
    options: tuple[object, ...], tmp_path: Path
) -> None:
    """In the operator's own code, as it is seen from the working directory, in whatever process."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "orders.py").write_text(
        "import driftflow\n\n\n@driftflow.action\ndef look_up(row):\n    return row['pop']\n"
    )
    steps = ({"name": name, "action": "look_up", "input": {}, "optional": True} for name in "ab")
    path = workflows.save(tmp_path, *steps, flags=TOGETHER | {"audit": True})
    outcome = spawn("--config", path, "--actions", "jobs/orders.py", *options, cwd=tmp_path)
    assert outcome == (1, "FAIL a: KeyError: 'pop'\nFAIL b: KeyError: 'pop'\n", "")
    records = read_records(tmp_path / "driftflow.audit.json")
    told = [each for each in records if each["event"] in ("attempt_failed", "step_finished")]
    assert len(told) == 4
    for record in told:
        assert (record["error_type"], record["place"]) == ("KeyError", "jobs/orders.py:6")
        assert record["error"] == "KeyError: 'pop'"


@pytest.mark.parametrize(("flags", "number"), [({}, 1), (TOGETHER, 2)], ids=["in turn", "threads"])
def test_an_attempt_is_on_record_before_the_wait_for_the_next_one(
    flags: dict[str, bool], number: int, tmp_path: Path
) -> None:
    """In the thread of the run and in others: one that is killed in a long wait has told why."""
    backoff = {"delay_seconds": 600, "max_delay_seconds": 600, "jitter": False}
    step = {"action": "fail", "max_attempts": 2, "backoff": backoff}
    steps = [{"name": name, "input": name, **step} for name in "ab"]
    (tmp_path / "acts.py").write_text(
        "import driftflow\n\n@driftflow.action\ndef fail(name):\n    raise OSError(name)\n"
    )
    path = workflows.save(tmp_path, *steps, flags=flags | {"audit": True})
    audit = tmp_path / "driftflow.audit.json"
    process = start("--config", path, "--actions", tmp_path / "acts.py", cwd=tmp_path)
    try:
        wait_for(lambda: audit.exists() and audit.read_text().count("attempt_failed") == number)
        time.sleep(0.1)  # there are no more
    finally:
        process.kill()
        process.wait(60)
    failed = [each for each in read_records(audit) if each["event"] == "attempt_failed"]
    assert [(each["attempt"], each["wait_seconds"]) for each in failed] == [(1, 600)] * number


def test_a_step_with_a_limit_is_always_held_to_it(tmp_path: Path) -> None:
    """Without --enforce-timeout, whatever the environment says; others are not."""
    steps = [
        {"name": "a", "action": "nap", "input": 600, "timeout_seconds": 0.2, "optional": True},
        {"name": "b", "action": "nap", "input": 0.3},
    ]
    path = workflows.save(tmp_path, *steps, timeout_seconds=0.1)
    environ = {"WORKFLOW_TIMEOUT_SECONDS": "0.1"}
    outcome = spawn("--config", path, *DEEDS, cwd=tmp_path, environ=environ)
    assert outcome == (1, "FAIL a: timed out after 0.2 s\nOK b: 0.3\n", "")


def test_a_step_is_tried_again_only_after_errors_that_it_names(tmp_path: Path) -> None:
    """By class or base class; our own by their names; never after one that is permanent."""
    from driftflow import Permanent
    from driftflow.errors import TimedOut

    steps = [
        {"name": "a", "action": "a", "max_attempts": 3, "retry_on": ["OSError"], "optional": True},
        {"name": "b", "action": "b", "max_attempts": 3, "retry_on": ["TimedOut"], "optional": True},
        {"name": "c", "action": "c", "max_attempts": 3, "optional": True},
        {"name": "d", "action": "d", "max_attempts": 3, "retry_on": ["OSError"], "optional": True},
    ]
    outcome = run(
        workflows.save(tmp_path, *steps),
        replace={
            "a": script(ConnectionError("x")),
            "b": script(TimedOut("x"), OSError("x"), "never"),
            "c": script(Permanent("x")),
            "d": script(ValueError("x")),
        },
    )
    assert [result["attempts"] for result in outcome.result["results"]] == [3, 2, 1, 1]


def test_a_run_that_will_meet_an_unknown_action_says_so_before_its_first_step(
    tmp_path: Path,
) -> None:
    """With the remedy that a check knows; it still runs. A sensitive step's is not named."""
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "command", "input": ["true"], "optional": True},
        {"name": "b", "action": "uper", "optional": True},
        {"name": "c", "action": "hush", "sensitive": True},
    ]
    path = workflows.save(tmp_path, *steps)
    assert invoke("--config", path).stderr == (
        "warning: unknown action `command`, so its steps will fail: "
        "add `--actions driftflow.packs.process` to use it\n"
        "warning: unknown action [redacted], so its steps will fail\n"
        "warning: unknown action `uper`, so its steps will fail: did you mean `upper`?\n"
    )


def test_the_record_knows_its_run(tmp_path: Path) -> None:
    """Its parameters, config, version and code; who stopped it."""
    (tmp_path / "acts.py").write_text(
        "import driftflow\n\n@driftflow.action\ndef fail(value):\n    raise OSError(value)\n"
    )
    steps: list[dict[str, Any]] = [
        {"name": "a", "input": {"param": "day"}},
        {"name": "b", "input": {"param": "secret"}, "sensitive": True},
        {"name": "c", "action": "fail"},
    ]
    path = workflows.save(tmp_path, *steps, flags={"audit": True})
    options = ("--param", "day=mon", "--param", "secret=hunter2", "--keep-going")
    invoke("--config", path.name, "--actions", "acts.py", *options, cwd=tmp_path)
    audit = tmp_path / "driftflow.audit.json"
    assert "hunter2" not in audit.read_text()
    first, *others, last = read_records(audit)
    assert first["params"] == {"day": "mon", "secret": "[redacted]"}
    assert (first["config"], first["version"], first["keep_going"]) == (
        "config.json",
        "0.1.0",
        True,
    )
    assert list(first["files"]) == [str(tmp_path / "acts.py")]
    keys = {each["step"]: "key" in each for each in others if each["event"] == "step_finished"}
    assert keys == {"a": True, "b": False, "c": True}
    invoke("--config", path.name, "--actions", "acts.py", *options[:4], cwd=tmp_path)
    assert read_records(audit)[-1]["stopped_by"] == "c"
    assert "stopped_by" not in last


def test_a_circle_through_a_sensitive_step_is_told_with_its_way(tmp_path: Path) -> None:
    """The names of steps are no secret; its lines are not shown."""
    path = tmp_path / "config.json"
    path.write_text(
        '{"name": "w", "steps": [\n'
        ' {"name": "a", "action": "echo", "sensitive": true, "input": ["hunter2", '
        '{"from": "b"}]},\n'
        ' {"name": "b", "action": "echo", "after": ["a"]}\n]}\n'
    )
    stderr = invoke("--config", path).stderr
    assert "error[circle]: the steps form a circle: `a -> b -> a`\n" in stderr
    assert "hunter2" not in stderr
    assert "2 | [redacted]\n" in stderr
