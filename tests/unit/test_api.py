"""The library, as a caller sees it."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import workflows
from jsonschema import Draft7Validator

import driftflow
from driftflow.actions import ACTIONS
from driftflow.api import run_events, run_workflow
from driftflow.errors import ConfigError, StorageError
from driftflow.events import Event, StepFinished, StepStarted
from driftflow.plan import digest
from driftflow.validation import schema

if TYPE_CHECKING:
    from driftflow.document import Json

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DRIFTFLOW_FLAGS", raising=False)
    monkeypatch.delenv("WORKFLOW_TIMEOUT_SECONDS", raising=False)


def save(*steps: dict[str, object], **fields: object) -> Path:
    """Write a config into the working directory."""
    return workflows.write(Path(), workflows.config(*steps, **fields))


def test_run_workflow_returns_the_result_as_a_dict(capfd: pytest.CaptureFixture[str]) -> None:
    """It prints nothing and touches no signal handler."""
    handlers = [signal.getsignal(each) for each in SIGNALS]
    path = save({"name": "a", "input": "x"}, {"name": "b", "action": "no"}, max_attempts=2)
    assert run_workflow(path) == {
        "name": "test",
        "status": "failed",
        "results": [
            {"name": "a", "ok": True, "output": "x", "error": None, "attempts": 1},
            {
                "name": "b",
                "ok": False,
                "output": None,
                "error": "unknown action: 'no'",
                "attempts": 2,
            },
        ],
    }
    assert capfd.readouterr() == ("", "")
    assert [signal.getsignal(each) for each in SIGNALS] == handlers


def test_run_workflow_takes_a_string_too() -> None:
    """As in `run_workflow("./config.json")`."""
    assert run_workflow(str(save({})))["status"] == "ok"


def test_the_environment_counts_in_the_library_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags can be switched off from outside."""
    path = save({}, flags={"metrics": True, "audit": True})
    monkeypatch.setenv("DRIFTFLOW_FLAGS", "audit")
    assert "metrics" in run_workflow(path)
    assert not Path("driftflow.audit.json").exists()


def test_a_bad_config_raises_a_config_error() -> None:
    """And a failing audit a storage error; both from one root."""
    with pytest.raises(ConfigError):
        run_workflow(save({"priority": "high"}))
    with pytest.raises(StorageError):
        run_workflow(save({}, flags={"audit": True}, storage={"path": "."}))
    assert issubclass(ConfigError, driftflow.DriftFlowError)
    assert issubclass(StorageError, driftflow.DriftFlowError)


def test_the_public_names_are_what_they_say() -> None:
    """`from driftflow import ...` gives the same things."""
    assert driftflow.run_workflow is run_workflow
    for name in driftflow.__all__:
        assert getattr(driftflow, name).__doc__


def fixed_clock() -> count[float]:
    """A clock that moves on a little each time it is read, by no whole microseconds."""
    return count(0.0, 0.12345678)


def moment() -> datetime:
    """Always the same."""
    return datetime(2026, 11, 23, 12, 30, 0, 42, tzinfo=UTC)


def test_the_audit_holds_every_event_of_the_run() -> None:
    """One record each, exact when time and the run's id are given."""
    plan = workflows.plan(
        {"name": "a", "action": "upper", "input": "x"},
        {"name": "b", "action": "no", "optional": True},
        flags={"audit": True},
    )
    for _ in run_events(plan, clock=fixed_clock().__next__, now=moment, run_id="run-1"):
        pass
    lines = Path("driftflow.audit.json").read_text().splitlines()
    head = '{"v":1,"ts":"2026-11-23T12:30:00.000042Z","run_id":"run-1","seq":'
    assert [line.removeprefix(head) for line in lines] == [
        f'0,"event":"run_started","workflow":"test","plan":"{digest(plan)}","steps":2}}',
        '1,"event":"step_started","index":0,"step":"a","action":"upper"}',
        (
            '2,"event":"step_finished","index":0,"step":"a","action":"upper","ok":true,'
            '"output":"X","error":null,"attempts":1,"duration_seconds":0.123457}'
        ),
        '3,"event":"step_started","index":1,"step":"b","action":"no"}',
        (
            '4,"event":"step_finished","index":1,"step":"b","action":"no","ok":false,'
            '"output":null,"error":"unknown action: \'no\'","attempts":1,'
            '"duration_seconds":0.123457}'
        ),
        '5,"event":"run_finished","status":"failed","duration_seconds":0.617284}',
    ]
    for line in lines:
        Draft7Validator(schema("audit")).validate(json.loads(line))


def test_each_run_has_an_id_of_its_own_and_a_time_in_utc() -> None:
    """And is appended to what is there."""
    path = save({}, flags={"audit": True})
    before = datetime.now(UTC)
    run_workflow(path)
    run_workflow(path)
    records = [json.loads(line) for line in Path("driftflow.audit.json").read_text().splitlines()]
    assert len({record["run_id"] for record in records}) == 2
    assert [record["seq"] for record in records] == [0, 1, 2, 3] * 2
    stamps = [datetime.fromisoformat(record["ts"]) for record in records]
    moments = [before, *stamps, datetime.now(UTC)]
    assert moments == sorted(moments)


def test_without_the_flag_no_file_is_touched() -> None:
    """Nor opened: the path could not be."""
    run_workflow(save({}, storage={"path": "missing/audit.jsonl"}))
    assert sorted(path.name for path in Path().iterdir()) == ["config.json"]


def test_an_audit_that_cannot_be_opened_runs_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is performed before the record of its start is on file."""
    performed: list[Json] = []
    monkeypatch.setitem(ACTIONS, "note", performed.append)
    for path in (".", "/dev/full"):
        with pytest.raises(StorageError):
            run_workflow(save({"action": "note"}, flags={"audit": True}, storage={"path": path}))
    assert performed == []


@pytest.mark.parametrize("records", range(6))
def test_an_audit_that_fails_later_starts_no_further_step(
    records: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event whose record failed is still given out: what was done is seen."""
    written: list[object] = []

    def append(_: object, record: object) -> None:
        if len(written) == records:
            raise StorageError("audit.jsonl", "it is full")
        written.append(record)

    monkeypatch.setattr("driftflow.storage.JsonFileStorage.append", append)
    plan = workflows.plan({"name": "a"}, {"name": "b"}, flags={"audit": True})
    stream = run_events(plan)
    events: list[Event] = []
    with pytest.raises(StorageError):
        events.extend(stream)  # what came before the error is kept
    assert len(events) == records + 1
    # After a failed record of step_started the step is not performed.
    finished = sum(isinstance(event, StepFinished) for event in events)
    started = sum(isinstance(event, StepStarted) for event in events)
    assert (started, finished) == [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (2, 2)][records]
