"""The command: usage, exit statuses, where things are printed, and what goes wrong outside."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator
from support.command import AT_A_TERMINAL, Outcome, invoke, process_environment, spawn
from support.workflows import save

import driftflow
from driftflow import arguments
from driftflow.schemas.published import load_schema
from driftflow.showing.output import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syrupy.assertion import SnapshotAssertion

# Root may read and write everything; without these capabilities it may not.
UNPRIVILEGED = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    if os.geteuid() == 0
    else ()
)
needs_permissions = pytest.mark.skipif(
    bool(UNPRIVILEGED) and shutil.which("setpriv") is None,
    reason="root ignores permissions, and there is no setpriv to drop that",
)
USAGE = arguments.USAGE.rstrip()
ECHO = {"name": "a", "input": "hello"}
FAIL = {"name": "b", "action": "upper", "input": 5}


def test_help_is_the_usage_text(snapshot: SnapshotAssertion) -> None:
    """On stdout, exit 0, wherever --help stands."""
    outcome = invoke("--help")
    assert outcome == (0, arguments.HELP, "")
    assert outcome.stdout == snapshot
    assert invoke("-h") == invoke("--config", "x", "--help") == outcome


def test_version_is_the_packages() -> None:
    """And the package's is the one that the wheel is built with."""
    assert invoke("--version") == (0, f"{driftflow.__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--config"],
        ["--config", "a.json", "b.json"],
        ["--config", "a.json", "--format", "json"],
        ["--config", "a.json", "--strict=yes"],
        ["--print-json"],
        ["check"],
        ["check", "--format"],
        ["check", "--config", "a.json"],
        ["plan"],
        ["plan", "a.json"],
        ["schema", "a.json"],
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    """With the usage on stderr, whatever was wrong."""
    message = f"error: the arguments do not match the usage\n{USAGE}\n"
    assert invoke(*arguments) == (2, "", message)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("chek", "did you mean `check`?"),
        ("Plan", "did you mean `plan`?"),
        ("run", "use `--config FILE` to run a workflow"),
        ("config.json", "use `--config FILE` to run a workflow"),
        ("x" * 100, "use `--config FILE` to run a workflow"),
    ],
)
def test_a_command_that_is_not_known_is_exit_2(word: str, hint: str) -> None:
    """With what was probably meant."""
    shown = word if len(word) <= 80 else f"{word[:80]}…"
    message = f"error: unknown command `{shown}`: {hint}\n{USAGE}\n"
    assert invoke(word, "--config", "a.json") == (2, "", message)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--confg", "a.json"], "`--confg`: did you mean `--config`?"),
        (["--conf", "a.json"], "`--conf`: did you mean `--config`?"),
        (["--config", "a.json", "--printjson"], "`--printjson`: did you mean `--print-json`?"),
        (["check", "--strct", "a.json"], "`--strct`: did you mean `--strict`?"),
        (["check", "--form=json", "a.json"], "`--form=json`: did you mean `--format`?"),
        (["check", "-path", "a.json"], "`-path`"),
        (["check", "-github", "a.json"], "`-github`"),
        (["-x", "--help"], "`-x`"),
        (["check", "a.json", "-" + "h" * 100], f"`-{'h' * 79}…`"),
    ],
)
def test_an_option_that_is_not_known_is_exit_2(arguments: list[str], fault: str) -> None:
    """It is neither a wish for help nor the beginning of another: nothing is done."""
    assert invoke(*arguments) == (2, "", f"error: unknown option {fault}\n{USAGE}\n")


@pytest.mark.parametrize("arguments", [["check", "--"], ["check", "--strict", "--"]])
def test_a_file_may_have_the_name_of_an_option(arguments: list[str], tmp_path: Path) -> None:
    """Behind two dashes, or as the value of an option."""
    save(tmp_path, ECHO).rename(tmp_path / "--help")
    quiet = (0, "1 file: nothing to report\n", "")
    assert invoke(*arguments, "--help", cwd=tmp_path) == quiet
    assert invoke("--config", "--help", cwd=tmp_path).stdout == "OK a: hello\n"
    assert invoke("--config", "-x.json", cwd=tmp_path).stderr == (
        "error[unreadable]: no such file\n --> -x.json\n"
    )
    assert invoke("--config=--help", cwd=tmp_path).stdout == "OK a: hello\n"


@pytest.mark.parametrize("output", [[], ["--print-json"]], ids=["text", "json"])
@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_each_exit_status(
    status: int, output: list[str], tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    """0: ok. 1: failed. 2: a wrong config. 3: an audit that cannot be written."""
    path = {
        0: lambda: save(tmp_path, ECHO),
        1: lambda: save(tmp_path, ECHO, FAIL),
        2: lambda: save(tmp_path, ECHO, FAIL, max_attempts=0),
        3: lambda: save(tmp_path, ECHO, flags={"audit": True}, storage={"path": "."}),
    }[status]()
    outcome = invoke("--config", path.name, *output, cwd=tmp_path)
    assert outcome.status == status
    assert f"stdout:\n{outcome.stdout}stderr:\n{outcome.stderr}" == snapshot


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([], 0),
        ([ECHO], 0),
        ([ECHO, FAIL], 1),
        ([ECHO, FAIL | {"optional": True}], 1),
    ],
)
def test_the_exit_status_is_that_of_the_run(
    steps: list[dict[str, object]], status: int, tmp_path: Path
) -> None:
    """An optional failure is one too. The same with either output."""
    path = save(tmp_path, *steps)
    assert invoke("--config", path).status == status
    document = invoke("--config", path, "--print-json")
    assert document.status == status
    assert json.loads(document.stdout)["status"] == ("failed" if status else "ok")


def test_print_json_is_indented_utf_8(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """One document, ordinary characters as they are."""
    path = save(tmp_path, ECHO | {"input": ["é 日本", {"z": 1, "a": None}]}, FAIL)
    assert invoke("--config", path, "--print-json").stdout == snapshot


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
def test_what_is_printed_is_utf_8_whatever_python_was_told(encoding: str, tmp_path: Path) -> None:
    """On stdout and on stderr: the locale has no say."""
    path = save(tmp_path, ECHO | {"input": "é 日本"})
    environ = {"PYTHONIOENCODING": encoding}
    assert spawn("--config", path, cwd=tmp_path, environ=environ).stdout == "OK a: é 日本\n"
    assert spawn("--config", "日本.json", cwd=tmp_path, environ=environ) == (
        2,
        "",
        "error[unreadable]: no such file\n --> 日本.json\n",
    )


def test_metrics_are_printed_when_the_flag_is_on(tmp_path: Path) -> None:
    """In the document only; the lines do not change."""
    path = save(tmp_path, ECHO, flags={"metrics": True})
    metrics = json.loads(invoke("--config", path, "--print-json").stdout)["metrics"]
    assert metrics["steps"] == {"planned": 1, "ok": 1, "failed": 0, "not_run": 0}
    assert 0 < metrics["step_durations"][0]["duration_seconds"] < metrics["duration_seconds"]
    assert invoke("--config", path).stdout == "OK a: hello\n"
    off = invoke("--config", path, "--print-json", environ={"DRIFTFLOW_FLAGS": "metrics"})
    assert "metrics" not in json.loads(off.stdout)


@pytest.mark.parametrize("kind", ["missing", "directory", "unreadable", "not a file name"])
@needs_permissions
def test_a_config_that_cannot_be_read_is_exit_2(kind: str, tmp_path: Path) -> None:
    """The message names the file; nothing is run."""
    path = tmp_path / "config.json"
    if kind == "directory":
        path.mkdir()
    elif kind == "unreadable":
        save(tmp_path, ECHO).chmod(0)
    elif kind == "not a file name":
        path = Path("x" * 300)
    outcome = spawn("--config", path, cwd=tmp_path, before=UNPRIVILEGED)
    reason = {
        "missing": "no such file",
        "directory": "a directory, not a file",
        "unreadable": "cannot be read: permission denied",
        "not a file name": "cannot be read: File name too long",
    }[kind]
    assert outcome == (2, "", f"error[unreadable]: {reason}\n --> {path}\n")
    check = spawn("check", path, cwd=tmp_path, before=UNPRIVILEGED)
    assert check == (1, f"{outcome.stderr}\n1 file: 1 error\n", "")


def test_a_wrong_config_runs_nothing_and_writes_no_audit(tmp_path: Path) -> None:
    """Not even the good steps of it."""
    path = save(tmp_path, ECHO, {"priority": "high"}, flags={"audit": True})
    outcome = invoke("--config", path.name, cwd=tmp_path)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(
        "error[wrong-type]: `priority` must be an integer, not a string\n --> config.json:1:1"
    )
    assert list(tmp_path.iterdir()) == [path]


def test_a_wrong_timeout_variable_is_exit_2(tmp_path: Path) -> None:
    """Never silently dropped."""
    path = save(tmp_path, ECHO, flags={"audit": True})
    outcome = invoke(
        "--config", path.name, cwd=tmp_path, environ={"WORKFLOW_TIMEOUT_SECONDS": "abc"}
    )
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr == (
        "error[wrong-environment]: the environment variable WORKFLOW_TIMEOUT_SECONDS must be a "
        "finite decimal number greater than 0, not 'abc'\n --> config.json\n"
    )
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_name_cannot_drive_the_terminal(tmp_path: Path) -> None:
    """It is escaped like all else, bytes that are no UTF-8 too."""
    outcome = spawn(os.fsdecode(b"--config=a\n\x1b[2J\xff.json"), cwd=tmp_path)
    assert outcome == (2, "", "error[unreadable]: no such file\n --> a\\n\\x1b[2J\\udcff.json\n")


@pytest.mark.parametrize("kind", ["directory", "no folder", "not writable", "device"])
@pytest.mark.parametrize("output", [[], ["--print-json"]])
@needs_permissions
def test_an_audit_that_cannot_be_written_is_exit_3_before_the_first_step(
    kind: str, output: list[str], tmp_path: Path
) -> None:
    """No step is run."""
    storage = {
        "directory": ".",
        "no folder": "missing/audit.jsonl",
        "not writable": "audit.jsonl",
        "device": "/dev/full",
    }[kind]
    (tmp_path / "audit.jsonl").touch(mode=0o400)
    path = save(tmp_path, ECHO, flags={"audit": True}, storage={"path": storage})
    outcome = spawn("--config", path, *output, cwd=tmp_path, before=UNPRIVILEGED)
    reason = {
        "directory": "the audit cannot be opened: Is a directory",
        "no folder": "the audit cannot be opened: No such file or directory",
        "not writable": "the audit cannot be opened: Permission denied",
        "device": "the audit cannot be opened: it is not a regular file",
    }[kind]
    assert (outcome.status, outcome.stderr) == (3, f"error: {storage}: {reason}\n")
    if output:
        nothing = {"name": "test", "status": "failed", "results": []}
        assert json.loads(outcome.stdout) == nothing
    else:
        assert outcome.stdout == ""


@pytest.mark.parametrize("output", [[], ["--print-json"]])
def test_an_audit_that_fails_later_stops_the_run(output: list[str], tmp_path: Path) -> None:
    """What was done is printed, no further step starts, exit 3. The limit is a real one."""
    steps = [{"name": name, "input": "x" * 300} for name in "abcde"]
    path = save(tmp_path, *steps, flags={"audit": True}, storage={"path": "audit.jsonl"})
    outcome = spawn("--config", path, *output, cwd=tmp_path, before=("prlimit", "--fsize=1300"))
    reason = "a record was only partly written (is the disk full?)"
    told = f"error: audit.jsonl: the audit cannot be written: {reason}\n"
    assert (outcome.status, outcome.stderr) == (3, told)
    lines = (tmp_path / "audit.jsonl").read_bytes().split(b"\n")
    events = [json.loads(line) for line in lines[:-1]]
    assert lines[-1] == b""  # what was cut short is taken back
    recorded = [event["step"] for event in events if event["event"] == "step_finished"]
    if output:
        document = json.loads(outcome.stdout)
        assert document["status"] == "failed"
        printed = [result["name"] for result in document["results"]]
    else:
        printed = re.findall(r"^OK (.): x+$", outcome.stdout, re.MULTILINE)
    # The step whose record was cut short was done, so it is printed; no step after it was.
    assert printed == [*recorded, "abcde"[len(recorded)]]
    assert 0 < len(recorded) < 4


@pytest.mark.parametrize("output", [[], ["--print-json"]])
def test_a_full_stdout_is_exit_3_and_the_audit_is_complete(
    output: list[str], tmp_path: Path
) -> None:
    """The record does not depend on the report."""
    path = save(tmp_path, ECHO, FAIL | {"optional": True}, flags={"audit": True})
    command = [sys.executable, "-m", "driftflow", "--config", path, *output]
    with Path("/dev/full").open("w") as full:
        done = run(command, tmp_path, stdout=full)
    assert done == (3, b"error: the output could not be written: No space left on device\n")
    assert audited(tmp_path) == ["a", "b", "failed"]


@pytest.mark.parametrize("environ", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_a_stdout_that_may_not_grow_is_exit_3(environ: dict[str, str], tmp_path: Path) -> None:
    """A write may be cut short, which Python does not tell without a buffer."""
    path = save(tmp_path, *({"input": "x" * 1000} for _ in range(100)))
    command = ["prlimit", "--fsize=50000", sys.executable, "-m", "driftflow", "--config", path]
    with (tmp_path / "out").open("wb") as out:
        done = run(command, tmp_path, stdout=out, environ=environ)
    assert done == (3, b"error: the output could not be written: File too large\n")


def test_a_closed_stdout_is_exit_3_and_the_audit_is_complete(tmp_path: Path) -> None:
    """As with `>&-`."""
    path = save(tmp_path, ECHO, FAIL | {"optional": True}, flags={"audit": True})
    command = ["sh", "-c", f'exec "{sys.executable}" -m driftflow --config "{path}" >&-']
    done = run(command, tmp_path, stdout=subprocess.DEVNULL)
    assert done == (3, b"error: the output could not be written: standard output is closed\n")
    assert audited(tmp_path) == ["a", "b", "failed"]


def test_a_closed_pipe_is_death_by_sigpipe_and_the_audit_is_complete(tmp_path: Path) -> None:
    """As with `| head -1`: no traceback, no message."""
    path = save(tmp_path, ECHO, FAIL | {"optional": True}, flags={"audit": True})
    reading, writing = os.pipe()
    os.close(reading)
    done = run([sys.executable, "-m", "driftflow", "--config", path], tmp_path, stdout=writing)
    os.close(writing)
    assert done == (-signal.SIGPIPE, b"")
    assert audited(tmp_path) == ["a", "b", "failed"]


def test_a_signal_that_is_blocked_is_told_by_the_exit_status(tmp_path: Path) -> None:
    """141 is what a shell makes of a death by SIGPIPE."""
    save(tmp_path, ECHO)
    script = (
        "import signal, sys, driftflow.cli\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])\n"
        "sys.exit(driftflow.cli.main(['--config', 'config.json']))\n"
    )
    reading, writing = os.pipe()
    os.close(reading)
    done = run([sys.executable, "-c", script], tmp_path, stdout=writing)
    os.close(writing)
    assert done == (141, b"")


def test_a_closed_stdout_does_not_matter_where_nothing_is_printed(tmp_path: Path) -> None:
    """A wrong config is exit 2, also without stdout or stderr."""
    command = f'"{sys.executable}" -m driftflow --config missing.json >&-'
    done = run(["sh", "-c", f"exec {command}"], tmp_path, stdout=subprocess.DEVNULL)
    assert done == (2, b"error[unreadable]: no such file\n --> missing.json\n")
    assert run(["sh", "-c", f"exec {command} 2>&-"], tmp_path, stdout=subprocess.DEVNULL) == (
        2,
        b"",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("options", [[], ["--print-json"]])
def test_a_signal_ends_a_run_well(number: int, options: list[str], tmp_path: Path) -> None:
    """Death by that signal, so that a shell loop ends too; what was done is told, the rest not."""
    first = ECHO | {"priority": 2}
    wait = {"name": "w", "action": "wait", "priority": 1}
    save(tmp_path, first, wait, {"name": "z"}, flags={"audit": True})
    process = waiting(tmp_path, *options)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    told = f"interrupted by {signal.Signals(number).name}\n"
    assert (process.returncode, err.decode()) == (-number, told)
    if options:
        document = json.loads(out)
        Draft7Validator(load_schema("result")).validate(document)
        errors = [(result["name"], result["error"]) for result in document["results"]]
        assert (document["status"], errors) == ("interrupted", [("a", None), ("w", "interrupted")])
    else:
        assert out == b"OK a: hello\nFAIL w: interrupted\n"
    assert audited(tmp_path) == ["a", "w", "interrupted"]
    for line in (tmp_path / "driftflow.audit.json").read_text().splitlines():
        Draft7Validator(load_schema("audit")).validate(json.loads(line))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_is_death_at_once(number: int, tmp_path: Path) -> None:
    """Whatever the step makes of the first one."""
    save(tmp_path, ECHO | {"priority": 1}, {"name": "w", "action": "wait", "input": "on"})
    process = waiting(tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    assert process.stderr.readline() == b"going on\n"
    time.sleep(0.25)  # at once it would count as one
    process.send_signal(number)
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == -number


def test_a_signal_before_the_run_is_death_at_once(tmp_path: Path) -> None:
    """Nothing was run: while actions are loaded, for instance. And without a traceback."""
    path = save(tmp_path, ECHO, flags={"audit": True})
    os.mkfifo(tmp_path / "gate")
    actions = tmp_path / "slow.py"
    actions.write_text("import time\nopen('gate', 'w').close()\ntime.sleep(60)\n")
    script = f"{AT_A_TERMINAL}from driftflow.__main__ import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "--config", path, "--actions", actions],
        cwd=tmp_path,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    (tmp_path / "gate").read_bytes()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == -signal.SIGINT
    assert not (tmp_path / "driftflow.audit.json").exists()


def test_a_run_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    """SIGHUP is ignored, as it was told."""
    save(tmp_path, ECHO | {"priority": 1}, {"name": "w", "action": "wait", "input": "short"})
    process = waiting(tmp_path, ignoring="SIGHUP")
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=30)[0] == b"OK a: hello\nOK w: slept\n"
    assert process.returncode == 0


def waiting(folder: Path, *options: str, ignoring: str | None = None) -> subprocess.Popen[bytes]:
    """The command on the folder's config, when its action `wait` has begun."""
    process = start(
        folder,
        AT_A_TERMINAL,
        f"signal.signal(signal.{ignoring}, signal.SIG_IGN)" if ignoring else "",
        "def wait(value):",
        "    try:",
        "        print('waiting', flush=True)",
        "        time.sleep(1 if value == 'short' else 60)",
        "    except KeyboardInterrupt:",
        "        if value != 'on': raise",
        "        print('going on', flush=True)",
        "        time.sleep(60)",
        "    return 'slept'",
        "ACTIONS['wait'] = Action(wait, '', '')",
        options=options,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == b"waiting\n"
    return process


def test_a_run_is_resumed(tmp_path: Path) -> None:
    """What is ok is not done again; the lines are those of an undisturbed run."""
    actions = tmp_path / "deeds.py"
    actions.write_text(
        "import driftflow, pathlib\n"
        "@driftflow.action\n"
        "def once(name):\n"
        "    with open('done', 'a') as log: log.write(name)\n"
        "    if name == 'b' and not pathlib.Path('ready').exists(): raise OSError('not ready')\n"
        "    return name\n"
    )
    steps = [{"name": name, "action": "once", "input": name} for name in "abc"]
    path = save(tmp_path, *steps, flags={"audit": True})
    arguments = ("--config", path, "--actions", actions, "--resume")
    audit = "./driftflow.audit.json"
    first = invoke(*arguments, cwd=tmp_path)
    reason = f"nothing to resume, so all steps run: there is no audit {audit}\n"
    assert first == (1, "OK a: a\nFAIL b: not ready\n", reason)
    (tmp_path / "ready").touch()
    second = invoke(*arguments, "--print-json", cwd=tmp_path)
    document = json.loads(second.stdout)
    Draft7Validator(load_schema("result")).validate(document)
    assert [result.get("reused") for result in document["results"]] == [True, None, None]
    records = [json.loads(line) for line in (tmp_path / audit).read_text().splitlines()]
    run_id = records[0]["run_id"]
    assert document["resumed"] == {"run_id": run_id, "may_have_run": []}
    which = f"run {run_id} from {records[0]['ts']}, which failed"
    what = "1 kept; again: b (failed), c (not done yet)"
    assert second.stderr == f"resuming {which}: {what}\n"
    starts = [record for record in records if record["event"] == "run_started"]
    assert [record.get("resumes") for record in starts] == [None, run_id]
    assert len({record["run_id"] for record in records}) == 2
    assert (tmp_path / "done").read_text() == "abbc"
    third = invoke(*arguments, cwd=tmp_path)
    reason = "the last run of this workflow with these parameters ended ok"
    wanted = f"nothing to resume, so all steps run: {reason}\n"
    assert third == (0, "OK a: a\nOK b: b\nOK c: c\n", wanted)


def test_an_audit_that_cannot_be_read_back_is_exit_3(tmp_path: Path) -> None:
    """It is no reason to do all again."""
    path = save(tmp_path, ECHO, flags={"audit": True}, storage={"path": "folder"})
    (tmp_path / "folder").mkdir()
    outcome = invoke("--config", path, "--resume", cwd=tmp_path)
    reason = "error: folder: the audit cannot be read: it is not a regular file\n"
    assert outcome == (3, "", reason)


@pytest.mark.parametrize("name", ["mermaid", "dot"])
def test_a_picture_does_not_show_what_is_resumed(name: str, tmp_path: Path) -> None:
    """So it is not asked for; the table and the document do."""
    path = save(tmp_path, ECHO, flags={"audit": True})
    done = invoke("plan", "--config", path, "--format", name, "--resume", cwd=tmp_path)
    assert done.status == 2
    assert done.stderr.startswith(f"error: `--format {name}` does not show what is resumed\n")


@pytest.mark.parametrize("command", [(), ("plan",)])
def test_a_run_that_is_not_there_is_wrong_input(command: tuple[str, ...], tmp_path: Path) -> None:
    """No step runs, and nothing is printed."""
    path = save(tmp_path, ECHO, flags={"audit": True})
    done = invoke(*command, "--config", path, "--resume-from", "x", cwd=tmp_path)
    assert done == (2, "", "error: there is no audit ./driftflow.audit.json\n")


@pytest.mark.parametrize("options", [[], ["--print-json"]])
def test_a_sensitive_step_is_for_programs_alone(options: list[str], tmp_path: Path) -> None:
    """Its output is in the JSON document, and nowhere else."""
    secret = {"name": "s", "input": {"key": ["CANARY"]}, "sensitive": True, "priority": 3}
    failing = {"name": "f", "action": "CANARY", "input": "CANARY", "sensitive": True}
    reader = {"name": "r", "action": "upper", "input": {"from": "s"}, "sensitive": True}
    steps = (secret, failing | {"optional": True}, reader | {"optional": True})
    path = save(tmp_path, *steps, flags={"audit": True, "metrics": True})
    outcome = invoke("--config", path, *options, cwd=tmp_path)
    audit = (tmp_path / "driftflow.audit.json").read_text()
    assert audit.count("CANARY") == audit.count('"action":"CANARY"') == 2
    assert "CANARY" not in outcome.stderr
    if options:
        assert json.loads(outcome.stdout)["results"][0]["output"] == {"key": ["CANARY"]}
    else:
        assert outcome.stdout == "OK s: [redacted]\nFAIL f: [redacted]\nFAIL r: [redacted]\n"
    again = invoke("--config", path, "--resume", *options, cwd=tmp_path)
    assert ": 0 kept; again: s (its input is secret)" in again.stderr
    assert "reused" not in again.stdout


@pytest.mark.parametrize(("word", "number"), [("none", 0), ("run", 1), ("step", 4)])
def test_the_audit_is_brought_to_the_disk_as_asked(
    word: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the run by default."""
    synced: list[int] = []
    monkeypatch.setattr("driftflow.recording.storage._fdatasync", synced.append)
    path = save(tmp_path, ECHO, flags={"audit": True})
    assert invoke("--config", path, "--audit-sync", word, cwd=tmp_path).status == 0
    assert len(synced) == number
    if word == "run":
        invoke("--config", path, cwd=tmp_path)
        assert len(synced) == 2


def test_a_sync_that_fails_at_the_end_is_exit_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done is printed; that it will be there tomorrow cannot be said."""

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("driftflow.recording.storage._fdatasync", fail)
    path = save(tmp_path, ECHO, flags={"audit": True})
    reason = "the audit cannot be written: Input/output error (while syncing to disk)"
    error = f"error: ./driftflow.audit.json: {reason}\n"
    assert invoke("--config", path, cwd=tmp_path) == (3, "OK a: hello\n", error)


def test_a_wrong_time_for_syncs_is_wrong_usage(tmp_path: Path) -> None:
    """It says which there are."""
    outcome = invoke("--config", save(tmp_path, ECHO), "--audit-sync", "always")
    reason = "`--audit-sync` must be one of `none`, `run` and `step`, not `always`"
    assert outcome.status == 2
    assert outcome.stderr.startswith(f"error: {reason}\n")


def test_a_closed_stdout_is_no_place_for_the_audit(tmp_path: Path) -> None:
    """What an action's programs print would stand among the records."""
    path = save(
        tmp_path,
        {"name": "p", "action": "print"},
        flags={"audit": True},
    )
    actions = tmp_path / "prints.py"
    actions.write_text(
        "import driftflow, os\n"
        "@driftflow.action(name='print')\n"
        "def tell(_): return os.system('echo noise')\n"
    )
    command = (
        f'exec "{sys.executable}" -m driftflow --config {path} --actions {actions} <&- >&- 2>&-'
    )
    assert run(["sh", "-c", command], tmp_path, stdout=subprocess.DEVNULL) == (3, b"")
    assert audited(tmp_path) == ["p", "ok"]


@pytest.mark.parametrize("steps", [1, 2 * AT_ONCE])
def test_a_line_is_printed_as_soon_as_its_step_is_done(steps: int, tmp_path: Path) -> None:
    """The next step waits here until the lines before it have been read."""
    names = [f"a{number:03}" for number in range(steps)]
    save(
        tmp_path,
        *(ECHO | {"name": name, "priority": 1} for name in names),
        {"name": "r", "action": "read"},
    )
    process = start(
        tmp_path,
        "def read(_):",
        "    return sys.stdin.readline() if select.select([0], [], [], 30)[0] else 'in vain'",
        "ACTIONS['read'] = Action(read, '', '')",
    )
    assert process.stdout is not None
    for name in names:
        assert process.stdout.readline() == f"OK {name}: hello\n".encode()
    assert process.communicate(b"go\n", timeout=30) == (b"OK r: go\\n\n", b"")
    assert process.returncode == 0


def start(folder: Path, *preparation: str, options: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start the command on the folder's config, in a process prepared by these lines."""
    script = "\n".join(
        [
            "import os, select, signal, sys, time",
            "from driftflow.actions.action import ACTIONS, Action",
            "from driftflow.cli import main",
            *preparation,
            f"sys.exit(main(['--config', 'config.json', *{list(options)}]))",
        ]
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env=process_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_python_may_drop_docstrings(tmp_path: Path) -> None:
    """As `PYTHONOPTIMIZE=2` asks it to."""
    done = spawn("--help", cwd=tmp_path, environ={"PYTHONOPTIMIZE": "2"})
    assert done == (0, arguments.HELP, "")


def test_the_module_and_the_command_are_one(tmp_path: Path) -> None:
    """`driftflow` does what `python -m driftflow` does."""
    path = save(tmp_path, ECHO, FAIL)
    command = subprocess.run(
        [Path(sys.executable).parent / "driftflow", "--config", path],
        cwd=tmp_path,
        env=process_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    module = spawn("--config", path, cwd=tmp_path)
    assert module == Outcome(command.returncode, command.stdout, command.stderr)
    assert module == (1, "OK a: hello\nFAIL b: upper takes a string, not an integer\n", "")


def run(
    command: Sequence[object],
    folder: Path,
    stdout: int | IO[Any],
    environ: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """Exit status and stderr of a command that prints to that stdout."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=process_environment(environ),
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


def audited(folder: Path) -> list[str]:
    """The steps that the audit has as finished, and the run's status."""
    lines = (folder / "driftflow.audit.json").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    steps = [record["step"] for record in records if record["event"] == "step_finished"]
    return [*steps, records[-1]["status"]]
