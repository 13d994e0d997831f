"""The record of a run: what is on file, and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator
from support import workflows

from driftflow.actions.action import ACTIONS, make_performer
from driftflow.errors import StorageError
from driftflow.planning.plan import digest, find_key
from driftflow.recording.audit import record_events, utc_now
from driftflow.resuming.decision import decide
from driftflow.resuming.past import Code, Past, StepPast
from driftflow.running.attempts import AttemptRunner
from driftflow.running.events import (
    AttemptFailed,
    Event,
    Halt,
    RunFinished,
    StepFinished,
    StepStarted,
)
from driftflow.running.interpreter import interpret, sequential
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from driftflow.planning.plan import Plan
    from driftflow.resuming.decision import Resumption
    from driftflow.running.attempts import Task
    from driftflow.running.interpreter import Said
    from driftflow.running.waves import InWaves


def fixed_clock() -> count[float]:
    """A clock that moves on a little each time it is read, by no whole microseconds."""
    return count(0.0, 0.12345678)


def run(plan: Plan, resumed: Resumption | None = None) -> Generator[Event, Halt | None, None]:
    """The events of a run in turn."""
    clock = fixed_clock().__next__
    runner = AttemptRunner(make_performer(ACTIONS), clock, int, float)
    return interpret(plan, sequential(runner), clock, resumed=resumed)


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


def read(path: Path) -> list[dict[str, Any]]:
    """The records of an audit, which satisfy the schema, and of which none is missing."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        Draft7Validator(load_schema("audit")).validate(record)
    assert [record["seq"] for record in records] == [*range(len(records))]
    return records


def test_a_result_that_is_reused_has_no_record(tmp_path: Path) -> None:
    """It has one already, in the audit of an earlier run; the end of the run says which these are.

    It is given out all the same. A step that is done again for its output has one, and says so.
    """
    path = tmp_path / "audit.jsonl"
    steps = [{"name": name, "action": "upper", "input": name} for name in "abcde"]
    plan = workflows.plan(*steps, {"name": "f", "input": {"from": "d"}})
    resumed = workflows.without_outputs(
        workflows.resumption(plan, {0: "A", 1: "B", 3: "D", 4: "E"}), fetched={3: 5}
    )
    events = list(record_events(run(plan, resumed), str(path)))
    assert events == list(run(plan, resumed))
    reused = [event.result.reused for event in events if isinstance(event, StepFinished)]
    assert reused == [True, True, False, False, True, False]
    first, *records, last = read(path)
    assert first["resumes"] == "run 1"
    assert [record["step"] for record in records] == ["c", "c", "d", "d", "f", "f"]
    assert [record.get("fetched") for record in records[1::2]] == [None, True, None]
    assert last["kept"] == [[0, 1], [4, 4]]


def test_a_step_that_is_skipped_has_one_record(tmp_path: Path) -> None:
    """Of its end, with its number among its namesakes; none if it is skipped once more.

    It is on record already then, as the end of the run says.
    """
    path = tmp_path / "audit.jsonl"
    never = {"value": 1, "is": {"const": 2}}
    plan = workflows.plan({"name": "a"}, {"name": "a", "when": never}, {"name": "b", "when": never})
    events = list(record_events(run(plan), str(path)))
    assert events == list(run(plan))
    told = [(record["event"], record.get("step"), record.get("namesake")) for record in read(path)]
    assert told == [
        ("run_started", None, None),
        ("step_started", "a", None),
        ("step_finished", "a", None),
        ("step_skipped", "a", 1),
        ("step_skipped", "b", None),
        ("run_finished", None, None),
    ]
    known = {
        ("a", 1): StepPast(0, 3, 3, "skipped", "echo", None, None, 0, None),
        ("b", 0): StepPast(0, 4, 4, "skipped", "echo", None, None, 0, None),
    }
    resumed = decide(plan, Past("run 1", "then", "failed", known, []))
    again = tmp_path / "again.jsonl"
    list(record_events(run(plan, resumed), str(again)))
    *records, last = read(again)
    assert [record["event"] for record in records] == [
        "run_started",
        "step_started",
        "step_finished",
    ]
    assert last["kept"] == [[1, 2]]


def test_what_is_reused_is_given_out_though_the_audit_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then: it takes no record. After that it is left, as the steps that are not done are."""
    plan = workflows.plan({"name": "a"}, {"name": "b"}, {"name": "c"})
    for records, names in ((0, []), (1, ["a"]), (2, ["a", "b"]), (3, ["a", "b", "c"])):
        fill_after(records, monkeypatch)
        resumed = workflows.resumption(plan, {0: "A", 2: "C"})
        events: list[Event] = []
        with pytest.raises(StorageError):
            events.extend(record_events(run(plan, resumed), str(tmp_path / "audit")))
        finished = [event.result.name for event in events if isinstance(event, StepFinished)]
        assert finished == names, records


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_sent_in_answer_to_a_result_that_is_reused_is_passed_on(
    number: int, tmp_path: Path
) -> None:
    """Though that has no record: the run ends there, and the end has one."""
    path = tmp_path / "audit.jsonl"
    plan = workflows.plan({"name": "a"}, {"name": "b"}, {"name": "c"})
    stream = record_events(run(plan, workflows.resumption(plan, {0: "A", 1: "B"})), str(path))
    happened = [next(stream) for _ in range(number + 1)]
    assert isinstance(happened[-1], StepFinished)
    end = stream.send("interrupt")
    assert isinstance(end, RunFinished)
    assert end.status == "interrupted"
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    _, last = read(path)
    assert (last["status"], last["kept"]) == ("interrupted", [[0, number - 1]])


@pytest.mark.parametrize("fails", [False, True])
def test_steps_of_one_name_are_told_apart(tmp_path: Path, *, fails: bool) -> None:
    """By how many of that name stand before each, in run order: from its start to its end."""
    path = tmp_path / "audit.jsonl"
    first = {"name": "a", "action": "no" if fails else "echo", "optional": True}
    plan = workflows.plan(first, {"name": "b"}, {"name": "a"}, {"name": "a"})
    list(record_events(run(plan), str(path)))
    records = [record for record in read(path) if "step" in record]
    told = [(record["step"], record.get("namesake"), record["event"]) for record in records]
    started, attempt, finished = "step_started", "attempt_failed", "step_finished"
    assert told == [
        *(("a", None, event) for event in (started, *[attempt] * fails, finished)),
        *(("a", number, event) for number in (1, 2) for event in (started, finished)),
        *(("b", None, event) for event in (started, finished)),
    ]


def test_steps_that_have_names_of_their_own_have_no_number(tmp_path: Path) -> None:
    """As nearly all have."""
    path = tmp_path / "audit.jsonl"
    list(record_events(run(workflows.plan({"name": "a"}, {"name": "b"})), str(path)))
    assert not any("namesake" in record for record in read(path))


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
