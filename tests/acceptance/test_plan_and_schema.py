"""The commands `plan` and `schema`: what would be done, and how it is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator
from support.command import CHECKOUT, EXAMPLES, invoke, spawn
from support.workflows import save

from driftflow import ConfigError, run_workflow
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

PUBLISHED = CHECKOUT / "schema" / "driftflow.schema.json"


@pytest.mark.parametrize("output", [[], ["--print-json"]], ids=["text", "json"])
def test_a_plan_is_shown(output: list[str], tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """The same under any hash seed and in any locale."""
    path = save(
        tmp_path,
        {"name": "fetch", "input": {"zone": "eu", "day": 1}, "priority": 10},
        {"name": "notify", "action": "page", "optional": True},
        {"name": "clean", "action": "upper", "input": "x" * 100},
        max_attempts=3,
        flags={"audit": True, "metrics": True, "parallel": False},
        timeout_seconds=2.5,
    )
    environments = (
        {"PYTHONHASHSEED": "0", "DRIFTFLOW_FLAGS": "metrics"},
        {"PYTHONHASHSEED": "1", "DRIFTFLOW_FLAGS": "metrics", "LC_ALL": "POSIX"},
    )
    first, second = (
        spawn("plan", "--config", path, *output, cwd=tmp_path, environ=environ)
        for environ in environments
    )
    assert first == second
    assert (first.status, first.stderr) == (0, "")
    assert first.stdout == snapshot


def test_a_plan_runs_nothing_and_writes_nothing(tmp_path: Path) -> None:
    """Not even the audit's file."""
    path = save(tmp_path, {}, {"action": "shout"}, flags={"audit": True})
    assert invoke("plan", "--config", path, cwd=tmp_path).status == 0
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_plan_foretells_the_run(example: Path, tmp_path: Path) -> None:
    """The same steps in the same order, the digest of the audit, and no more attempts."""
    environ = {"WORKFLOW_TIMEOUT_SECONDS": "7"}
    shown = invoke("plan", "--config", example, "--print-json", cwd=tmp_path, environ=environ)
    plan = json.loads(shown.stdout)
    Draft7Validator(load_schema("plan")).validate(plan)
    assert plan["timeout"] == {"seconds": 7, "source": "environment"}
    run = json.loads(invoke("--config", example, "--print-json", cwd=tmp_path).stdout)
    assert run["name"] == plan["name"]
    assert [result["name"] for result in run["results"]] == [step["name"] for step in plan["steps"]]
    for result, step in zip(run["results"], plan["steps"], strict=True):
        assert result["attempts"] <= step["attempts"]
    assert ("metrics" in run) == plan["flags"]["metrics"]["enabled"]
    audit = tmp_path / plan["storage"]["path"]
    assert audit.exists() == plan["flags"]["audit"]["enabled"]
    if audit.exists():
        started = json.loads(audit.read_text().splitlines()[0])
        assert started["plan"] == plan["digest"]


def test_a_wrong_config_has_no_plan(tmp_path: Path) -> None:
    """It is refused as by a run: the same report, exit 2; warnings refuse nothing."""
    path = save(tmp_path, {"priority": "high", "prority": 1})
    refused = invoke("plan", "--config", path)
    assert refused.status == 2
    assert refused == invoke("--config", path)
    assert invoke("plan", "--config", save(tmp_path, {"prority": 1})).status == 0
    refused = invoke("plan", "--config", path, environ={"WORKFLOW_TIMEOUT_SECONDS": "x"})
    assert (refused.status, refused.stdout) == (2, "")
    assert "error[wrong-environment]" in refused.stderr


def test_the_schema_is_printed_as_it_is_published() -> None:
    """Byte for byte."""
    assert invoke("schema") == (0, PUBLISHED.read_text("utf-8"), "")


def test_the_schema_is_written_to_a_file(tmp_path: Path) -> None:
    """In place of one that is there; a config beside it can refer to it."""
    target = tmp_path / "driftflow.schema.json"
    target.write_text("x" * 100_000)
    before = target.with_suffix(".before")
    before.hardlink_to(target)
    outcome = invoke("schema", "--output", target.name, cwd=tmp_path)
    assert outcome == (0, "", "")
    assert target.read_bytes() == PUBLISHED.read_bytes()
    assert before.read_bytes() == b"x" * 100_000, "no reader sees half of it"
    path = save(tmp_path, {}, **{"$schema": "./driftflow.schema.json"})
    assert invoke("check", "--strict", path).status == 0


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (".", "not a valid file name"),
        ("no/schema.json", "No such file or directory"),
        ("/dev/full", "not a regular file"),
        ("/dev/stdout", "not a regular file"),
        ("a\0b", "not a valid file name"),
    ],
)
def test_a_schema_that_cannot_be_written_is_exit_3(
    target: str, reason: str, tmp_path: Path
) -> None:
    """With the reason."""
    shown = target.replace("\0", "\\x00")
    message = f"error: {shown}: the schema could not be written: {reason}\n"
    assert invoke("schema", "--output", target, cwd=tmp_path) == (3, "", message)


def test_a_strict_run_of_the_library_refuses_warnings(tmp_path: Path) -> None:
    """As --strict does."""
    path = save(tmp_path, {"prority": 1})
    assert run_workflow(path)["status"] == "ok"
    with pytest.raises(ConfigError) as caught:
        run_workflow(path, strict=True)
    assert [issue.code for issue in caught.value.issues] == ["ignored-field"]


def test_a_plan_has_one_format(tmp_path: Path) -> None:
    """Two that exclude each other are misuse; JSON may be asked for in two ways."""
    path = save(tmp_path, {"name": "a"}, {"name": "b", "after": ["a"]})
    plan = ("plan", "--config", path)
    assert invoke(*plan, "--format", "json") == invoke(*plan, "--print-json")
    assert invoke(*plan, "--format", "dot").stdout.startswith('digraph "test" {\n')
    assert invoke(*plan, "--format", "mermaid").stdout.startswith("flowchart LR\n")
    both = invoke(*plan, "--print-json", "--format", "dot")
    assert (both.status, both.stdout) == (2, "")
    assert both.stderr.startswith("error: `--print-json` and `--format dot` exclude each other\n")
    wrong = invoke(*plan, "--format", "github")
    assert (wrong.status, wrong.stdout) == (2, "")
    formats = "`text`, `json`, `mermaid` and `dot`"
    assert wrong.stderr.startswith(f"error: `--format` must be one of {formats}, not `github`\n")
