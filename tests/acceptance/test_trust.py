"""What is not trusted: the paths that a config chooses, the files that others can write."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows
from support.command import invoke, process_environment, spawn

from driftflow.api import run_workflow
from driftflow.config import load_config

if TYPE_CHECKING:
    from pathlib import Path

NAME = "$(touch forged)"


def events_in(path: Path) -> list[str]:
    """The events of the records in an audit."""
    return [json.loads(line)["event"] for line in path.read_text().splitlines()]


def test_an_audit_is_never_written_into_another_kind_of_file(tmp_path: Path) -> None:
    """Such as a shell's, which would run what stands in a record."""
    home, job = tmp_path / "home", tmp_path / "job"
    home.mkdir()
    job.mkdir()
    shell = home / ".bashrc"
    shell.write_text("export A=1\n")
    config = workflows.save(
        tmp_path, {}, name=NAME, flags={"audit": True}, storage={"path": "../home/.bashrc"}
    )
    done = invoke("--config", config, cwd=job)
    assert (done.status, done.stdout) == (3, "")
    assert done.stderr == (
        "error: ../home/.bashrc: the audit cannot be opened: "
        "it contains something other than audit records\n"
    )
    assert shell.read_text() == "export A=1\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_an_audit_is_not_written_into_the_log_that_the_run_prints_to(
    stream: str, tmp_path: Path
) -> None:
    """Lines and records would be written over each other."""
    config = workflows.save(tmp_path, {}, flags={"audit": True}, storage={"path": "log"})
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-m", "driftflow", "--config", config],
            cwd=tmp_path,
            env=process_environment(),
            stdout=log if stream == "stdout" else subprocess.DEVNULL,
            stderr=log if stream == "stderr" else subprocess.DEVNULL,
            check=False,
        )
    assert done.returncode == 3
    reason = "standard output or standard error is redirected to it"
    said = f"error: log: the audit cannot be opened: {reason}\n"
    assert (tmp_path / "log").read_text() == (said if stream == "stderr" else "")


def test_what_is_no_name_is_no_name_of_an_audit(tmp_path: Path) -> None:
    """Half a character, for instance."""
    config = workflows.save(tmp_path, {}, flags={"audit": True}, storage={"path": "\ud800"})
    said = "error: \\ud800: the audit cannot be opened: not a valid file name\n"
    assert spawn("--config", config, cwd=tmp_path) == (3, "", said)


def test_no_string_in_an_audit_ends_early_or_is_looked_into(tmp_path: Path) -> None:
    """Whatever reads the file as commands: csh, Ruby, PHP, mail delivery. JSON stays JSON."""
    texts = [*'$`!#<|"\\', '\\"', '\\\\"; touch forged # ', "#{1}", "<?php", '"|touch forged"']
    steps = [{"name": text, "action": text, "optional": True, "input": texts} for text in texts]
    config = workflows.save(tmp_path, {"input": texts}, *steps, name='"', flags={"audit": True})
    assert invoke("--config", config, cwd=tmp_path).status == 1
    text = (tmp_path / "driftflow.audit.json").read_text()
    assert not {*"$`!#<|"} & {*text}
    assert '\\"' not in text.replace("\\\\", "")
    records = [json.loads(line) for line in text.splitlines()]
    assert records[0]["workflow"] == '"'
    assert {record["step"] for record in records if "step" in record} >= {*texts}
    assert texts in [record.get("output") for record in records]


def test_an_audit_is_nothing_to_a_shell(tmp_path: Path) -> None:
    """A new file may have any name, and be read by one: what the config gave is not run."""
    steps = (
        {"name": NAME, "input": [f"'\\{NAME}'", "`touch forged`"]},
        {"name": "a", "action": NAME},
    )
    path = ".profile"
    words = {"flags": {"audit": True}, "storage": {"path": path}}
    config = workflows.save(tmp_path, *steps, name=NAME, **words)
    assert invoke("--config", config, cwd=tmp_path).status == 1
    records = [json.loads(line) for line in (tmp_path / path).read_text().splitlines()]
    assert records[0]["workflow"] == records[1]["step"] == NAME
    subprocess.run(["/bin/sh", f"./{path}"], cwd=tmp_path, capture_output=True, check=False)
    assert not (tmp_path / "forged").exists()


@pytest.mark.parametrize("environ", [{}, {"DRIFTFLOW_FLAGS": "audit"}])
@pytest.mark.parametrize("flags", [{}, {"audit": False}, {"audit": True}])
def test_the_operator_says_where_the_audit_is(
    flags: dict[str, bool], environ: dict[str, str], tmp_path: Path
) -> None:
    """Whatever the config says of it, and the environment."""
    config = workflows.save(tmp_path, {}, flags=flags, storage={"path": "theirs.jsonl"})
    words = ("--config", config, "--audit", "mine.jsonl")
    shown = invoke("plan", *words, cwd=tmp_path, environ=environ).stdout
    assert "flag audit     on, set by --audit\n" in shown
    assert "audit file     mine.jsonl\n" in shown
    assert not (tmp_path / "mine.jsonl").exists()
    assert invoke(*words, cwd=tmp_path, environ=environ).status == 0
    assert events_in(tmp_path / "mine.jsonl")[-1] == "run_finished"
    assert not (tmp_path / "theirs.jsonl").exists()


def test_a_program_says_where_the_audit_is(tmp_path: Path) -> None:
    """And a run is taken up from there."""
    first, second = {"name": "a", "priority": 1}, {"name": "b", "action": "upper", "input": 5}
    theirs = str(tmp_path / "theirs.jsonl")
    config = workflows.save(tmp_path, first, second, storage={"path": theirs})
    audit = tmp_path / "mine.jsonl"
    assert run_workflow(config, audit=audit)["status"] == "failed"
    assert "run_finished" in events_in(audit)
    again = run_workflow(config, audit=audit, resume=True)
    assert [result.get("reused") for result in again["results"]] == [True, None]
    assert load_config(config).storage_path == theirs
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "mine.jsonl"}


def test_the_audit_is_never_the_config(tmp_path: Path) -> None:
    """Not even at the operator's own word."""
    config = workflows.save(tmp_path, {})
    before = config.read_text()
    done = invoke("--config", config, "--audit", config)
    assert (done.status, done.stdout) == (3, "")
    assert "the audit file is the config itself; choose another path" in done.stderr
    assert config.read_text() == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mode": 0o666}, "other users can write to it (mode 666), so it is not trusted"),
        ({"v": 2}, "a record has version 2, but only version 1 is supported"),
        ({"v": '"1"'}, 'a record has version "1", but only version 1 is supported'),
        ({"v": None}, "a record has no version, but only version 1 is supported"),
    ],
)
def test_a_run_is_not_resumed_from_what_others_may_have_written(
    change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    """A forged output would be handed to the steps that read it."""
    reader = {"name": "b", "action": "no", "input": {"from": "a"}}
    config = workflows.save(tmp_path, {"name": "a", "priority": 1}, reader, flags={"audit": True})
    assert invoke("--config", config, cwd=tmp_path).status == 1
    audit = tmp_path / "driftflow.audit.json"
    audit.chmod(change.get("mode") or 0o600)
    if "v" in change:
        new = "{" if change["v"] is None else f'{{"v":{change["v"]},'
        audit.write_text(audit.read_text().replace('{"v":1,', new))
    before = audit.read_bytes()
    done = invoke("--config", config, "--resume", cwd=tmp_path)
    assert (done.status, done.stdout) == (3, "")
    path = "./driftflow.audit.json"
    assert done.stderr == f"error: {path}: the audit cannot be read: {reason}\n"
    assert audit.read_bytes() == before
