"""The real thing against the naive model, on thousands of generated workflows."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from jsonschema import Draft7Validator
from support import naive, workflows
from support.command import invoke, packages_stay

from driftflow.actions.action import ACTIONS, Action
from driftflow.schemas.published import load_schema

RESULT = Draft7Validator(load_schema("result"))
RECORD = Draft7Validator(load_schema("audit"))


@packages_stay()
@settings(max_examples=1200)
@given(workflows.linked())
def test_everything_that_comes_out_is_what_the_contract_says(
    workflow: tuple[dict[str, Any], dict[str, str]],
) -> None:
    """Order, data, attempts, stop, status, lines and document agree with the naive model's."""
    config, params = workflow
    options = [f"--param={name}={value}" for name, value in params.items()]
    expected = naive.Run(config, params)
    flags = config.get("flags", {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = workflows.write(folder, config)
        with _flaky():
            text = invoke(
                "--config", path, *options, cwd=folder, environ={"DRIFTFLOW_FLAGS": "audit"}
            )
        assert list(folder.iterdir()) == [path]
        with _flaky():
            document = invoke("--config", path, "--print-json", *options, cwd=folder)
        audit = _records(folder / config.get("storage", {}).get("path", "driftflow.audit.json"))
    status = 0 if expected.status == "ok" else 1
    assert text[:2] == (status, expected.text())
    assert document.status == status
    result = json.loads(document.stdout)
    RESULT.validate(result)
    discarded = result.pop("discarded", [])
    ran = [name for name in expected.beside if name in discarded]
    assert not discarded or (flags["parallel"] and set(discarded) == set(ran))
    assert document.stderr == told(len(discarded))
    assert text.stderr in map(told, range(len(expected.beside) * flags.get("parallel", False) + 1))
    metrics = result.pop("metrics", None)
    wanted = {"name": config["name"], "status": expected.status, "results": expected.results}
    assert result == wanted
    assert list(result) == list(wanted)
    assert (metrics is not None) == flags.get("metrics", False)
    if metrics:
        _adds_up(metrics, result, planned=len(config["steps"]))
    assert bool(audit) == flags.get("audit", False)
    if audit:
        _agrees(audit, result, discarded)


def _records(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().decode("ascii").splitlines()]


def _flaky() -> Any:
    return mock.patch.dict(ACTIONS, {"flaky": Action(workflows.Flaky(), "", "")})


def told(discarded: int) -> str:
    """What is said about steps that were discarded."""
    number = {0: "", 1: "1 step"}.get(discarded, f"{discarded} steps")
    return number and f"discarded: {number} that ran beside the one that ended the run\n"


def _agrees(records: list[dict[str, Any]], document: dict[str, Any], discarded: list[str]) -> None:
    for record in records:
        RECORD.validate(record)
    assert [record["seq"] for record in records] == list(range(len(records)))
    assert len({record["run_id"] for record in records}) == 1
    started, *steps, finished = records
    assert started["event"] == "run_started"
    assert started["workflow"] == document["name"]
    assert finished["event"] == "run_finished"
    assert finished["status"] == document["status"]
    starts = [record for record in steps if record["event"] == "step_started"]
    finishes = [record for record in steps if record["event"] == "step_finished"]
    others = [record for record in steps if record["event"] == "step_discarded"]
    assert [
        {"name": record["step"]}
        | {key: record[key] for key in ("ok", "output", "error", "attempts")}
        for record in finishes
    ] == document["results"]
    assert [record["step"] for record in others if record["attempts"]] == discarded
    ends = [*finishes, *others]
    assert len(starts) + len(ends) == len(steps)
    for order in (starts, ends):
        assert [record["index"] for record in order] == list(range(len(ends)))
    for start, end in zip(starts, ends, strict=True):
        assert start["seq"] < end["seq"]


def _adds_up(metrics: dict[str, Any], document: dict[str, Any], planned: int) -> None:
    results = document["results"]
    assert metrics["attempts"] == sum(result["attempts"] for result in results)
    assert metrics["steps"] == {
        "planned": planned,
        "ok": sum(result["ok"] for result in results),
        "failed": sum(not result["ok"] for result in results),
        "not_run": planned - len(results),
    }
    assert [step["name"] for step in metrics["step_durations"]] == [
        result["name"] for result in results
    ]
