"""The contract, row by row: each sentence with a config that shows it, and what is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support import workflows
from support.command import invoke

if TYPE_CHECKING:
    from pathlib import Path


class Row(NamedTuple):
    """A sentence of the contract, and a run that shows it."""

    sentence: str
    config: Any
    stdout: str
    status: int = 0
    environ: dict[str, str] = {}  # noqa: RUF012 - a named tuple's default; nothing changes it
    files: tuple[str, ...] = ()


def echo(name: str, **fields: Any) -> dict[str, Any]:
    """A step that succeeds, and prints its own name unless it is given an input."""
    return {"name": name, "action": "echo", "input": name, **fields}


def fail(name: str, **fields: Any) -> dict[str, Any]:
    """A step that fails."""
    return {"name": name, "action": "no", **fields}


def workflow(*steps: Any, **fields: Any) -> dict[str, Any]:
    """A config."""
    return {"name": "w", "steps": list(steps), **fields}


FAIL_A = "FAIL a: unknown action: 'no'\n"
AUDITED = workflow(echo("a"), flags={"audit": True})
DEFAULT_AUDIT = ("driftflow.audit.json",)

CONFIG = [
    Row("name is required", {"steps": []}, "", 2),
    Row("name is a string, not empty", workflow(name=""), "", 2),
    Row("steps is required", {"name": "w"}, "", 2),
    Row("steps may be empty", workflow(), ""),
    Row("max_attempts is an integer >= 1", workflow(max_attempts=0), "", 2),
    Row(
        "1.0 is an integer to JSON Schema",
        workflow(echo("a", priority=1.0), echo("b", priority=2), max_attempts=1.0),
        "OK b: b\nOK a: a\n",
    ),
    Row("true is no integer", workflow(max_attempts=True), "", 2),
    Row(
        "unknown fields are allowed at every level",
        workflow(
            echo("a", retries=[], color="red"),
            flags={"turbo": 1},
            storage={"type": "s3"},
            **{"$schema": 5, "retries": 9},
        ),
        "OK a: a\n",
    ),
    Row("flags is an object of booleans", workflow(flags={"audit": "true"}), "", 2),
    Row("other flags are ignored", workflow(echo("a"), flags={"turbo": "yes"}), "OK a: a\n"),
    Row("each flag is off unless true", workflow(echo("a"), flags={"audit": False}), "OK a: a\n"),
    Row("storage.path is not empty", workflow(storage={"path": ""}), "", 2),
    Row(
        "storage.path is ./driftflow.audit.json by default",
        AUDITED,
        "OK a: a\n",
        files=DEFAULT_AUDIT,
    ),
    Row(
        "storage.path is relative to the working directory",
        AUDITED | {"storage": {"path": "x.jsonl"}},
        "OK a: a\n",
        files=("x.jsonl",),
    ),
    Row(
        "storage.type is ignored",
        AUDITED | {"storage": {"type": "sqlite"}},
        "OK a: a\n",
        files=DEFAULT_AUDIT,
    ),
    Row("timeout_seconds is a number > 0", workflow(timeout_seconds=0), "", 2),
    Row("timeout_seconds is not enforced", workflow(echo("a"), timeout_seconds=1e-9), "OK a: a\n"),
]  # fmt: skip - a row a line
STEPS = [
    Row("a step's name is required", workflow({"action": "echo"}), "", 2),
    Row("a step's name is not empty", workflow(echo("")), "", 2),
    Row("a step's action is required", workflow({"name": "a"}), "", 2),
    Row("a step's action is not empty", workflow({"name": "a", "action": ""}), "", 2),
    Row(
        "any action loads",
        workflow(fail("a", action="rm -rf")),
        "FAIL a: unknown action: 'rm -rf'\n",
        1,
    ),
    Row("input is empty by default", workflow({"name": "a", "action": "echo"}), "OK a: \n"),
    Row(
        "input may be any JSON value",
        workflow(echo("a", input=[None, True, 1.5])),
        "OK a: [null,true,1.5]\n",
    ),
    Row(
        "an input's keys reach the action in file order",
        workflow(echo("a", input={"b": 1, "a": 2})),
        'OK a: {"b":1,"a":2}\n',
    ),
    Row(
        "priority is 0 by default",
        workflow(echo("a"), echo("b", priority=1), echo("c", priority=-1)),
        "OK b: b\nOK a: a\nOK c: c\n",
    ),
    Row("priority is an integer", workflow(echo("a", priority=0.5)), "", 2),
    Row("optional is false by default", workflow(fail("a"), echo("b")), FAIL_A, 1),
    Row("optional is a boolean", workflow(echo("a", optional=1)), "", 2),
    Row(
        "two steps may share a name",
        workflow(echo("a", input=2), echo("a", input=1)),
        "OK a: 2\nOK a: 1\n",
    ),
]  # fmt: skip - likewise
ENVIRONMENT = [
    Row(
        "DRIFTFLOW_FLAGS disables",
        AUDITED,
        "OK a: a\n",
        environ={"DRIFTFLOW_FLAGS": "metrics, audit ,x"},
    ),
    Row(
        "DRIFTFLOW_FLAGS never enables",
        workflow(echo("a")),
        "OK a: a\n",
        environ={"DRIFTFLOW_FLAGS": "audit"},
    ),
    Row(
        "WORKFLOW_TIMEOUT_SECONDS empty counts as unset",
        workflow(echo("a")),
        "OK a: a\n",
        environ={"WORKFLOW_TIMEOUT_SECONDS": ""},
    ),
    Row(
        "WORKFLOW_TIMEOUT_SECONDS must be a finite decimal > 0",
        workflow(echo("a")),
        "",
        2,
        {"WORKFLOW_TIMEOUT_SECONDS": "inf"},
    ),
    Row(
        "WORKFLOW_TIMEOUT_SECONDS is not enforced either",
        workflow(echo("a")),
        "OK a: a\n",
        environ={"WORKFLOW_TIMEOUT_SECONDS": "1e-9"},
    ),
]  # fmt: skip - likewise
RUN = [
    Row(
        "priority descending",
        workflow(echo("a", priority=1), echo("b", priority=2)),
        "OK b: b\nOK a: a\n",
    ),
    Row(
        "then name ascending, by code point",
        workflow(echo("ä"), echo("b"), echo("B"), echo("a")),
        "OK B: B\nOK a: a\nOK b: b\nOK ä: ä\n",
    ),
    Row(
        "then file order",
        workflow(echo("a", input="1"), echo("a", input="2"), echo("a", input="0")),
        "OK a: 1\nOK a: 2\nOK a: 0\n",
    ),
    Row(
        "the first failure that is not optional ends the run",
        workflow(echo("0"), fail("a"), echo("b")),
        "OK 0: 0\n" + FAIL_A,
        1,
    ),
    Row(
        "an optional failure does not end the run",
        workflow(fail("a", optional=True), echo("b")),
        FAIL_A + "OK b: b\n",
        1,
    ),
    Row(
        "an optional failure makes the status failed", workflow(fail("a", optional=True)), FAIL_A, 1
    ),
    Row("echo gives the input back", workflow(echo("a", input="x Y")), "OK a: x Y\n"),
    Row("upper", workflow(echo("a", action="upper", input="x Y")), "OK a: X Y\n"),
    Row("lower", workflow(echo("a", action="lower", input="x Y")), "OK a: x y\n"),
    Row("reverse", workflow(echo("a", action="reverse", input="x Y")), "OK a: Y x\n"),
    Row(
        "a string action given something else fails",
        workflow(echo("a", action="upper", input=3)),
        "FAIL a: upper takes a string, not an integer\n",
        1,
    ),
    Row(
        "the flag parallel changes nothing yet",
        workflow(echo("b"), echo("a"), flags={"parallel": True}),
        "OK a: a\nOK b: b\n",
    ),
]  # fmt: skip - likewise
OUTPUT = [
    Row(
        "an output that is no string is compact JSON",
        workflow(echo("a", input={"k": [1, 2]})),
        'OK a: {"k":[1,2]}\n',
    ),
    Row(
        "a line stays one line",
        workflow(echo("a\nOK b: c", input="x\ny")),
        "OK a\\nOK b: c: x\\ny\n",
    ),
    Row(
        "a line never drives the terminal",
        workflow(echo("a", input="\x1b[1m\u202e\ud800\x85")),
        "OK a: \\x1b[1m\\u202e\\ud800\\x85\n",
    ),
    Row(
        "all else is left as it is",
        workflow(echo("a", input="é\\n日本\xa0\u200d😀")),
        "OK a: é\\n日本\xa0\u200d😀\n",
    ),
    Row("metrics change no line", workflow(echo("a"), flags={"metrics": True}), "OK a: a\n"),
]  # fmt: skip - likewise


@pytest.mark.parametrize(
    "row", CONFIG + STEPS + ENVIRONMENT + RUN + OUTPUT, ids=lambda row: row.sentence
)
def test_a_row_of_the_contract_holds(row: Row, tmp_path: Path) -> None:
    """What is printed, how it ends, and which files it leaves."""
    path = workflows.write(tmp_path, row.config)
    outcome = invoke("--config", path, cwd=tmp_path, environ=row.environ)
    assert (outcome.stdout, outcome.status) == (row.stdout, row.status)
    told = [line for line in outcome.stderr.splitlines() if "warning: unknown action" not in line]
    assert bool(told) == (row.status == 2)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([path.name, *row.files])


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("max_attempts", [1, 4])
def test_attempts(max_attempts: int, tmp_path: Path, *, optional: bool) -> None:
    """Up to max_attempts for a step that is not optional, one for an optional one, always."""
    path = workflows.write(
        tmp_path, workflow(fail("a", optional=optional), max_attempts=max_attempts)
    )
    expected = 1 if optional else max_attempts
    assert f'"attempts": {expected}\n' in invoke("--config", path, "--print-json").stdout
