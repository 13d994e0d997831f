"""The record of a run: what is on file, and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator
from support import workflows

from driftflow.actions.action import ACTIONS, make_performer
from driftflow.errors import StorageError
from driftflow.planning.plan import digest, find_key
from driftflow.recording.audit import record_events, utc_now
from driftflow.recording.records import Code
from driftflow.running.attempts import AttemptRunner
from driftflow.running.events import AttemptFailed, Event, Halt, StepFinished, StepStarted
from driftflow.running.interpreter import interpret, sequential
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from driftflow.planning.plan import Plan
    from driftflow.running.attempts import Task
    from driftflow.running.interpreter import Said
    from driftflow.running.waves import InWaves


def fixed_clock() -> count[float]:
    """A clock that moves on a little each time it is read, by no whole microseconds."""
    return count(0.0, 0.12345678)


def run(plan: Plan) -> Generator[Event, Halt | None, None]:
    """The events of a run in turn."""
    clock = fixed_clock().__next__
    runner = AttemptRunner(make_performer(ACTIONS), clock, int, float)
    return interpret(plan, sequential(runner), clock)


def test_the_audit_holds_every_event_of_the_run(tmp_path: Path) -> None:
    """One record each, exact when time and the run's id are given."""
    plan = workflows.plan(
        {"name": "a", "action": "upper", "input": "x"},
        {"name": "b", "action": "no", "max_attempts": 2, "backoff": {"jitter": False}},
        params={"day": 1},
    ).set(source="job.json")
    moment = "2026-11-23T12:30:00.000042Z"
    path = tmp_path / "audit.jsonl"
    recorded = record_events(
        run(plan), str(path), now=lambda: moment, run_id="run-1", code=Code("1.2", {}, {"p": "3"})
    )
    passed = list(recorded)
    assert passed == list(run(plan))
    lines = path.read_text().splitlines()
    head = f'{{"v":1,"ts":"{moment}","run_id":"run-1","seq":'
    keys = [find_key(step) for step in plan.steps]
    error = '"error":"unknown action: \'no\'"'
    origin = '"error_type":"ValueError","place":null'
    assert [line.removeprefix(head) for line in lines] == [
        (
            f'0,"event":"run_started","workflow":"test","plan":"{digest(plan)}","steps":2,'
            '"config":"job.json","params":{"day":1},"version":"1.2","packages":{"p":"3"}}'
        ),
        '1,"event":"step_started","index":0,"step":"a","action":"upper"}',
        (
            '2,"event":"step_finished","index":0,"step":"a","action":"upper","ok":true,'
            '"output":"X","error":null,"attempts":1,"duration_seconds":0.123457,'
            f'"key":"{keys[0]}"}}'
        ),
        '3,"event":"step_started","index":1,"step":"b","action":"no"}',
        (
            f'4,"event":"attempt_failed","index":1,"step":"b","attempt":1,{error},'
            f'{origin},"wait_seconds":1.0}}'
        ),
        (
            f'5,"event":"attempt_failed","index":1,"step":"b","attempt":2,{error},'
            f'{origin},"wait_seconds":null}}'
        ),
        (
            '6,"event":"step_finished","index":1,"step":"b","action":"no","ok":false,'
            f'"output":null,{error},"attempts":2,'
            f'"duration_seconds":0.123457,"key":"{keys[1]}",{origin}}}'
        ),
        '7,"event":"run_finished","status":"failed","duration_seconds":0.617284,"stopped_by":"b"}',
    ]
    for line in lines:
        Draft7Validator(load_schema("audit")).validate(json.loads(line))


def fill_after(records: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the audit take so many records, and no more."""
    written: list[object] = []

    def append(_: object, record: object) -> None:
        if len(written) == records:
            raise StorageError("audit.jsonl", "it is full")
        written.append(record)

    monkeypatch.setattr("driftflow.recording.storage.JsonFileStorage.append", append)


@pytest.mark.parametrize("records", range(6))
def test_an_audit_that_fails_later_starts_no_further_step(
    records: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event whose record failed is still given out: what was done is seen."""
    fill_after(records, monkeypatch)
    plan = workflows.plan({"name": "a"}, {"name": "b"})
    stream = record_events(run(plan), str(tmp_path / "audit"))
    events: list[Event] = []
    with pytest.raises(StorageError):
        events.extend(stream)  # what came before the error is kept
    assert len(events) == records + 1
    # After a failed record of step_started the step is not performed.
    finished = sum(isinstance(event, StepFinished) for event in events)
    started = sum(isinstance(event, StepStarted) for event in events)
    assert (started, finished) == [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (2, 2)][records]


def test_an_audit_that_fails_between_two_attempts_ends_no_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes of the step is given out with all its attempts; no other one is started."""
    fill_after(2, monkeypatch)
    plan = workflows.plan({"name": "a", "action": "no", "max_attempts": 2, "optional": True}, {})
    stream = record_events(run(plan), str(tmp_path / "audit"))
    events: list[Event] = []
    with pytest.raises(StorageError):
        events.extend(stream)
    kinds = [StepStarted, AttemptFailed, AttemptFailed, StepFinished]
    assert [type(event) for event in events[1:]] == kinds


@pytest.mark.parametrize("records", range(6))
def test_what_was_under_way_when_an_audit_failed_is_still_given_out(
    records: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that ran is hidden; and nothing more is started."""
    tried: list[str] = []

    def crew(schedule: InWaves, task: Callable[[int], Task]) -> Generator[Said, Halt | None, None]:
        """Two steps at a time."""
        begun: list[int] = []
        while (index := schedule.take()) is not None and not (yield index):
            begun.append(index)
        for index in begun:
            tried.append(plan.steps[index].name)
            yield index, (task(index)[1], None, 1, 0.0)

    fill_after(records, monkeypatch)
    plan = workflows.plan({"name": "a"}, {"name": "b"}, flags={"parallel": True})
    happened = interpret(plan, crew, fixed_clock().__next__, in_turn=False)
    stream = record_events(happened, str(tmp_path / "audit"))
    events: list[Event] = []
    with pytest.raises(StorageError):
        events.extend(stream)
    finished = [event.result.name for event in events if isinstance(event, StepFinished)]
    assert finished == tried
    assert finished == [[], [], ["a"], ["a", "b"]][min(records, 3)]


def test_each_event_is_on_file_before_it_is_given_out(tmp_path: Path) -> None:
    """And nothing of what comes after it."""
    path = tmp_path / "audit.jsonl"
    plan = workflows.plan({}, {})
    for number, _ in enumerate(record_events(run(plan), str(path))):
        assert len(path.read_bytes().splitlines()) == number + 1


@pytest.mark.parametrize(
    ("nanoseconds", "stamp"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_795_523_400_000_042_999, "2026-11-24T12:30:00.000042Z"),
        (1_795_523_400_999_999_999, "2026-11-24T12:30:00.999999Z"),
        (4_107_542_399_100_000_000, "2100-02-28T23:59:59.100000Z"),
    ],
)
def test_a_time_stamp_is_rfc_3339_in_utc(
    nanoseconds: int, stamp: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the microsecond, always six digits, wherever the machine stands."""
    monkeypatch.setattr("driftflow.recording.audit.time_ns", lambda: nanoseconds)
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    assert utc_now() == stamp


def test_the_clock_of_the_system_is_read() -> None:
    """Each time anew."""
    before = datetime.now(UTC)
    stamps = [datetime.fromisoformat(utc_now()) for _ in range(1000)]
    moments = [before, *stamps, datetime.now(UTC)]
    assert moments == sorted(moments)
    assert len(set(stamps)) > 1
