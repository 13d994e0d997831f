"""The record of a run that was killed is closed by whoever has seen it die."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator
from support import workflows

from driftflow.failures import Failure
from driftflow.recording.audit import record_events
from driftflow.recording.closing import close_record
from driftflow.recording.storage import JsonFileStorage
from driftflow.running.events import (
    AttemptFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from pathlib import Path

    from driftflow.running.events import Event

PLAN = workflows.plan({"name": "a"}, {"name": "b"}, {"name": "c", "sensitive": True})
A, B, C = PLAN.steps
STARTED: list[Event] = [RunStarted(PLAN), StepStarted(0, A), StepStarted(1, B)]
DONE = StepFinished(0, A, workflows.done("a", "x"))
FAILED = AttemptFailed(1, B, 1, Failure("busy", ("OSError", "Exception")), 1.5)
LATER = StepFinished(1, B, workflows.failed("b", "busy"))


def recorded(path: Path, *events: Event, run_id: str = "mine") -> None:
    """Keep these events in the audit."""
    moment = "2026-11-27T12:00:00.000000Z"
    stream = (event for event in events)
    for _ in record_events(stream, str(path), now=lambda: moment, run_id=run_id):  # type: ignore[arg-type]
        pass


def closed(path: Path, signal: str | None = None) -> list[dict[str, Any]]:
    """The records that are added when run `mine` is closed."""
    before = path.read_bytes()
    close_record(str(path), "mine", signal, now=lambda: "2026-11-27T12:00:02.500000Z")
    after = path.read_bytes()
    assert after.startswith(before)
    return [json.loads(line) for line in after[len(before) :].splitlines() if line]


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        ([STARTED[0]], []),
        (STARTED, ["a", "b"]),
        ([*STARTED, DONE], ["b"]),
        ([*STARTED, LATER], ["a"]),
        ([*STARTED, DONE, FAILED], ["b"]),
        ([*STARTED, DONE, FAILED, LATER], []),
    ],
)
def test_steps_that_were_under_way_and_the_run_have_an_end(
    events: list[Event], steps: list[str], tmp_path: Path
) -> None:
    """Nobody knows what came of the steps; the numbers go on, and so does the time."""
    path = tmp_path / "audit"
    recorded(path, *events)
    recorded(path, *STARTED, run_id="other")
    added = closed(path)
    for record in added:
        Draft7Validator(load_schema("audit")).validate(record)
    assert [record["seq"] for record in added] == [*range(len(events), len(events) + len(added))]
    *ends, last = added
    assert [record["step"] for record in ends] == steps
    unknown = "interrupted; its outcome is unknown"
    for record in ends:
        assert (record["ok"], record["error"]) == (False, unknown)
        assert (record["error_type"], record["place"]) == ("KeyboardInterrupt", None)
    assert (last["event"], last["status"], last["duration_seconds"]) == (
        "run_finished",
        "interrupted",
        2.5,
    )
    assert closed(path) == []


@pytest.mark.parametrize(("wait", "attempts"), [(1.5, 4), (None, 3)])
def test_attempts_that_have_failed_count(wait: float | None, attempts: int, tmp_path: Path) -> None:
    """With the one that was under way, if there was to be another."""
    path = tmp_path / "audit"
    failures = [FAILED._replace(attempt=number) for number in (1, 2)]
    recorded(path, *STARTED, *failures, FAILED._replace(attempt=3, wait_seconds=wait))
    first, second, _ = closed(path)
    assert (first["attempts"], second["attempts"]) == (1, attempts)


def test_what_a_step_was_handed_is_not_known_any_more(tmp_path: Path) -> None:
    """So its end has no key: that would be the one of another input."""
    plan = workflows.plan({"name": "a", "input": "x"}, {"name": "b", "input": [{"from": "a"}]})
    path = tmp_path / "audit"
    recorded(path, RunStarted(plan), *(StepStarted(*each) for each in enumerate(plan.steps)))
    assert [record.get("key") for record in closed(path)] == [None] * 3


def test_steps_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """By how many of that name stand before each, as their starts tell it; the others have none."""
    path = tmp_path / "audit"
    plan = workflows.plan({"name": "a"}, {"name": "a"}, {"name": "a"}, {"name": "b"})
    starts = [StepStarted(*each) for each in enumerate(plan.steps)]
    recorded(path, RunStarted(plan), *starts, StepFinished(1, A, workflows.done("a", "x")))
    *ends, last = closed(path)
    for record in ends:
        Draft7Validator(load_schema("audit")).validate(record)
    told = [(record["index"], record["step"], record.get("namesake")) for record in ends]
    assert told == [(0, "a", None), (2, "a", 2), (3, "b", None)]
    assert "namesake" not in last


def test_a_run_that_was_resumed_is_closed_as_any_other(tmp_path: Path) -> None:
    """Of what it kept it has no record, so that was not under way, and needs no end.

    One that resumes it names it, but is another.
    """
    path = tmp_path / "audit"
    resumed = workflows.resumption(PLAN, {0: "x"})
    kept = StepFinished(0, A, workflows.done("a", "x")._replace(reused=True))
    recorded(path, RunStarted(PLAN, resumed), kept, StepStarted(1, B))
    later = resumed._replace(past=resumed.past._replace(run_id="mine"))
    recorded(path, RunStarted(PLAN, later), run_id="other")
    end, last = closed(path)
    assert (end["step"], end["seq"], last["seq"]) == ("b", 2, 3)
    assert "kept" not in last


@pytest.mark.parametrize("signal", [None, "SIGKILL"])
def test_the_signal_that_has_killed_a_run_is_named(signal: str | None, tmp_path: Path) -> None:
    """If there was one."""
    path = tmp_path / "audit"
    recorded(path, *STARTED)
    *_, last = closed(path, signal)
    Draft7Validator(load_schema("audit")).validate(last)
    assert last.get("signal") == signal


def test_an_audit_that_others_may_write_is_closed_too(tmp_path: Path) -> None:
    """Nothing that it says is handed on."""
    path = tmp_path / "audit.jsonl"
    recorded(path, *STARTED)
    path.chmod(0o666)
    assert closed(path)[-1]["event"] == "run_finished"


def test_a_run_that_has_an_end_is_left_alone(tmp_path: Path) -> None:
    """And so is one that is not there."""
    path = tmp_path / "audit"
    recorded(path, STARTED[0], RunFinished("ok", 1.0))
    assert closed(path) == []
    path.unlink()
    close_record(str(path), "mine")
    assert not path.exists()


def test_what_was_torn_stays_on_a_line_of_its_own(tmp_path: Path) -> None:
    """The run may have been killed in the middle of a record."""
    path = tmp_path / "audit"
    recorded(path, *STARTED)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    added = closed(path)
    assert [record["event"] for record in added] == ["step_finished", "run_finished"]
    assert [record["seq"] for record in added] == [2, 3]
    with JsonFileStorage(str(path)):
        pass


def test_a_run_whose_file_was_renamed_is_closed_in_the_new_one(tmp_path: Path) -> None:
    """Though that has not its first record; and it stays as it is if it has none of the run."""
    path = tmp_path / "audit"
    recorded(path, *STARTED)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[1:]))
    assert [record["event"] for record in closed(path)] == [
        "step_finished",
        "step_finished",
        "run_finished",
    ]
    recorded(tmp_path / "other", *STARTED, run_id="other")
    assert closed(tmp_path / "other") == []
