"""Records: an event as a line of the audit, and such a line read back."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from jsonschema import Draft7Validator
from support import workflows

from driftflow.failures import Failure
from driftflow.planning.plan import digest, find_key
from driftflow.recording.records import (
    MAX_VALUE_BYTES,
    NO_CODE,
    Code,
    RunStart,
    format_record,
    has_failed,
    is_run_end,
    is_step_end,
    is_step_start,
    read_index,
    read_records,
    read_result,
    read_starts,
    read_statuses,
)
from driftflow.running.events import (
    AttemptFailed,
    Resumed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from driftflow.reading.document import Json
    from driftflow.running.events import Event, StepResult

(A_STEP,) = workflows.plan({"name": "s"}).steps
(SECRET,) = workflows.plan({"name": "s", "sensitive": True, "input": "hush"}).steps
DOWN = Failure("down", ("ConnectionError", "OSError", "Exception"), "orders.py:3")


def done(output: Json) -> StepResult:
    """A step that succeeded."""
    return workflows.done("s", output)


def failed(error: str) -> StepResult:
    """A step that failed."""
    return workflows.failed("s", error)


@pytest.mark.parametrize(
    ("output", "beginning"),
    [
        ("x" * 65_534, None),
        ("x" * 65_535, "x" * 65_535),
        ("é" * 10_923, "é" * 10_922),
        ("😀" * 40_000, "😀" * 5461),
        ("\n" * 40_000, "\n" * 32_767),
        ("\\" * 40_000, "\\" * 32_767),
        (["x" * 65_533], '["' + "x" * 65_532),
        ({"a": ['"'] * 50_000}, None),
        (list(range(65_000)), None),
    ],
    ids=range(9),
)
def test_a_record_has_the_beginning_of_a_long_output(output: Json, beginning: str | None) -> None:
    """With the length and the digest of the whole. What is no string is shown as its JSON."""
    record = recorded(StepFinished(0, A_STEP, done(output)))
    whole = json.dumps(output, separators=(",", ":")).encode("ascii")
    if len(whole) <= MAX_VALUE_BYTES:
        assert (record["output"], "cut" in record) == (output, False)
        return
    assert record["cut"] == {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
    assert MAX_VALUE_BYTES - 13 < len(json.dumps(record["output"])) <= MAX_VALUE_BYTES + 1
    text = output if isinstance(output, str) else whole.decode()
    assert json.dumps(text).startswith(json.dumps(record["output"])[:-1])
    if beginning is not None:
        assert record["output"] == beginning


def test_a_long_error_is_cut_as_well() -> None:
    """Its beginning says what went wrong: of a step, and of an attempt."""
    long = "no " * 30_000
    for event in (
        StepFinished(0, A_STEP, failed(long)),
        AttemptFailed(0, A_STEP, 1, DOWN._replace(message=long), None),
    ):
        record = recorded(event)
        assert record["error"] == long[:65_535]
        assert record["cut"]["bytes"] == 90_002
        assert record["cut"]["sha256"] == hashlib.sha256(json.dumps(long).encode()).hexdigest()


def test_the_record_of_a_sensitive_step_has_nothing_of_it() -> None:
    """Neither its output nor its error, nor how long they are; nor a digest of its input."""
    for result in (done("hush" * 30_000), done("hush"), failed("hush")):
        record = recorded(StepFinished(0, SECRET, result))
        assert (record["output"], record["error"]) == (
            ("[redacted]", None) if result.ok else (None, "[redacted]")
        )
        assert record["redacted"] is True
        assert record.keys().isdisjoint({"cut", "key"})


def test_the_record_of_a_failure_of_a_sensitive_step_says_what_it_was() -> None:
    """By the name of its class and its place, which are no secrets; not by its words."""
    for words in ("hush", "hush" * 30_000):
        failure = DOWN._replace(message=words)
        result = failed(words)._replace(error_type="ConnectionError", place="orders.py:3")
        for event in (AttemptFailed(0, SECRET, 1, failure, 0.0), StepFinished(0, SECRET, result)):
            record = recorded(event)
            assert (record["error"], record["redacted"]) == ("[redacted]", True)
            assert (record["error_type"], record["place"]) == ("ConnectionError", "orders.py:3")
            assert "cut" not in record
            assert "hush" not in json.dumps(record)


def test_an_attempt_that_failed_has_a_record() -> None:
    """With what it failed with, where that was raised, and how long it is waited for the next."""
    assert without_head(recorded(AttemptFailed(4, A_STEP, 2, DOWN, 1.5))) == {
        "event": "attempt_failed",
        "index": 4,
        "step": "s",
        "attempt": 2,
        "error": "down",
        "error_type": "ConnectionError",
        "place": "orders.py:3",
        "wait_seconds": 1.5,
    }
    last = recorded(AttemptFailed(4, A_STEP, 3, DOWN._replace(place=None), None))
    assert (last["attempt"], last["place"], last["wait_seconds"]) == (3, None, None)


@pytest.mark.parametrize(("wait", "seconds"), [(0.0, 0), (0.12345678, 0.123457), (1e8, 1e8)])
def test_a_wait_is_told_to_the_microsecond(wait: float, seconds: float) -> None:
    """None is something else than no time at all."""
    assert recorded(AttemptFailed(0, A_STEP, 1, DOWN, wait))["wait_seconds"] == seconds


def test_a_step_that_failed_says_what_it_failed_with() -> None:
    """By the class of the last exception, and its place if it has one."""
    result = failed("down")._replace(error_type="ConnectionError", place="orders.py:3")
    record = recorded(StepFinished(0, A_STEP, result))
    assert (record["error"], record["error_type"]) == ("down", "ConnectionError")
    assert record["place"] == "orders.py:3"
    nowhere = recorded(StepFinished(0, A_STEP, result._replace(place=None)))
    assert (nowhere["error_type"], nowhere["place"]) == ("ConnectionError", None)


@pytest.mark.parametrize(
    "result",
    [workflows.done("s", "x"), workflows.failed("s", "input from 'a', which failed", 0)],
)
def test_a_step_that_raised_nothing_has_no_type_of_error(result: StepResult) -> None:
    """Nor a place: it is ok, or was not tried."""
    assert recorded(StepFinished(0, A_STEP, result)).keys().isdisjoint({"error_type", "place"})


def test_a_step_that_is_done_says_what_it_asked_for() -> None:
    """By its key, unless there is none."""
    plan = workflows.plan(
        {"name": "a", "input": {"param": "token"}},
        {"name": "b", "input": {"param": "token"}, "sensitive": True},
        {"name": "c", "input": "x"},
        params={"token": "hush"},
    )
    keys = [
        recorded(StepFinished(index, step, workflows.done(step.name, "x"))).get("key")
        for index, step in enumerate(plan.steps)
    ]
    assert keys == [None, None, find_key(plan.steps[2])]
    assert keys[2] is not None


def test_a_result_that_was_reused_says_so() -> None:
    """Its attempts were not made now; and the run names the one that it took up."""
    plan = workflows.plan({"name": "s"}, {"name": "t"})
    reused = workflows.done("s", "x")._replace(reused=True, attempts=3)
    assert recorded(StepFinished(0, A_STEP, reused))["reused"] is True
    assert "reused" not in recorded(StepFinished(0, A_STEP, done("x")))
    assert recorded(RunStarted(plan, Resumed("run 1", {0: reused}, (1,))))["resumes"] == "run 1"
    assert "resumes" not in recorded(RunStarted(plan))


def test_a_run_that_keeps_going_says_so() -> None:
    """In its first record."""
    plan = workflows.plan({"name": "s"})
    assert recorded(RunStarted(plan, keep_going=True))["keep_going"] is True
    assert "keep_going" not in recorded(RunStarted(plan))


def test_a_long_parameter_is_told_by_its_length_and_its_digest() -> None:
    """So that the first record stays one that a kill does not tear."""
    long, short = "x" * MAX_VALUE_BYTES, "x" * (MAX_VALUE_BYTES - 2)
    given = {"input": [{"param": "a"}, {"param": "b"}]}
    record = recorded(RunStarted(workflows.plan(given, params={"b": short, "a": long})))
    assert record["params"] == {"b": short}
    digest = hashlib.sha256(f'"{long}"'.encode()).hexdigest()
    assert record["cut_params"] == {"a": {"bytes": MAX_VALUE_BYTES + 2, "sha256": digest}}


def test_the_first_record_says_what_is_run() -> None:
    """The config, the parameters but for secret ones, and the code of the actions, if any."""
    plan = workflows.plan(
        {"name": "a", "input": {"param": "token"}, "sensitive": True},
        {"name": "b", "input": {"param": "day"}},
        params={"token": "hush", "day": ["mon", {"x": 1}]},
    ).set(source="job.json")
    code = Code("1.2.3", {"orders.py": "0" * 64}, {"team-actions": "4.5"})
    record = recorded(RunStarted(plan), code)
    assert (record["config"], record["version"]) == ("job.json", "1.2.3")
    assert record["params"] == {"day": ["mon", {"x": 1}], "token": "[redacted]"}
    assert record["files"] == {"orders.py": "0" * 64}
    assert record["packages"] == {"team-actions": "4.5"}
    plain = recorded(RunStarted(plan), Code("1.2.3", {}, {}))
    assert plain.keys().isdisjoint({"files", "packages"})


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (RunFinished("ok", 0.5), {}),
        (RunFinished("failed", 0.5), {}),
        (RunFinished("failed", 0.5, stopped_by="s"), {"stopped_by": "s"}),
        (
            RunFinished("failed", 0.5, stopped_by="s", discarded=(0, 12)),
            {"stopped_by": "s", "discarded": [0, 12]},
        ),
        (RunFinished("failed", 0.5, not_run=(0, 3)), {"not_run": [0, 3]}),
        (RunFinished("interrupted", 0.5, signal="SIGTERM"), {"signal": "SIGTERM"}),
        (RunFinished("interrupted", 0.5, discarded=(1,)), {"discarded": [1]}),
    ],
)
def test_the_last_record_says_how_far_the_run_got(
    event: RunFinished, fields: dict[str, Any]
) -> None:
    """Which failure or signal has ended it, and which steps were done in vain, or not run.

    What there is nothing to say of has no field.
    """
    known = {"event": "run_finished", "status": event.status, "duration_seconds": 0.5}
    assert without_head(recorded(event)) == known | fields


HOSTILE = 'a"b\\$`!#<|\n\ud800é😀'


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (
            AttemptFailed(0, A_STEP._replace(name=HOSTILE), 1, DOWN._replace(message=HOSTILE), 0.5),
            {"step", "error"},
        ),
        (
            AttemptFailed(0, A_STEP, 1, Failure("", (HOSTILE,), HOSTILE), None),
            {"error_type", "place"},
        ),
        (
            StepFinished(0, A_STEP, failed(HOSTILE)._replace(error_type=HOSTILE, place=HOSTILE)),
            {"error", "error_type", "place"},
        ),
        (RunFinished("failed", 0.5, stopped_by=HOSTILE), {"stopped_by"}),
    ],
)
def test_no_string_ends_early_for_whatever_reads_the_file(event: Event, fields: set[str]) -> None:
    """A shell finds nothing to expand, and no quote; JSON gives the strings back as they were."""
    line = format_record(event, "2026-11-23T12:30:00.000042Z", "r", 1)
    assert line.isascii()
    assert {*"$`!#<|"}.isdisjoint(line)
    assert r"\"" not in line.replace(r"\\", "")
    record = json.loads(line)
    assert {name for name, value in record.items() if value == HOSTILE} == fields


def recorded(event: Event, code: Code = NO_CODE) -> dict[str, Any]:
    """The event's record, which satisfies the schema."""
    seq = 0 if isinstance(event, RunStarted) else 1
    moment = "2026-11-23T12:30:00.000042Z"
    record: dict[str, Any] = json.loads(format_record(event, moment, "r", seq, code))
    Draft7Validator(load_schema("audit")).validate(record)
    return record


def without_head(record: dict[str, Any]) -> dict[str, Any]:
    """The record without what all have."""
    head = {"v": 1, "ts": "2026-11-23T12:30:00.000042Z", "run_id": "r", "seq": 1}
    assert {name: record.pop(name) for name in head} == head
    return record


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_record_holds_what_json_has_no_form_for(value: float) -> None:
    """NaN and Infinity are refused on the way out as on the way in."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        format_record(StepFinished(0, A_STEP, done(value)), "", "", 2)


def write_lines(*events: Event) -> list[bytes]:
    """Return the records of a run called `r`, as they stand in the file."""
    return [
        f"{format_record(event, 'now', 'r', seq)}\n".encode() for seq, event in enumerate(events)
    ]


@given(workflows.values)
def test_an_output_is_read_back_as_it_was_written(output: Json) -> None:
    """With its attempts. It takes no time now, and is marked as reused."""
    (record,) = read_records(write_lines(StepFinished(0, A_STEP, done(output))), ["r"])
    assert (read_index(record), is_step_start(record), has_failed(record)) == (0, False, False)
    expected = done(output)._replace(duration_seconds=0.0, reused=True)
    assert repr(read_result(record, A_STEP)) == repr(expected)


def test_what_is_not_all_there_is_not_read_back() -> None:
    """A start, an attempt, a failure, an output that was cut, another step."""
    (other,) = workflows.plan({"name": "other"}).steps
    events: list[Event] = [
        StepStarted(0, A_STEP),
        AttemptFailed(0, A_STEP, 1, DOWN, None),
        StepFinished(0, A_STEP, failed("no")),
        StepFinished(0, A_STEP, done("x" * MAX_VALUE_BYTES)),
        StepFinished(0, other, done("x")),
    ]
    records = list(read_records(write_lines(*events), ["r"]))
    assert [read_result(record, A_STEP) for record in records] == [None] * 5
    assert [is_step_start(record) for record in records] == [True, *[False] * 4]
    assert [is_step_end(record) for record in records] == [False, False, True, True, True]
    assert [has_failed(record) for record in records] == [False, False, True, False, False]
    assert [is_run_end(record) for record in records] == [False] * 5
    assert [read_index(record) for record in records] == [0] * 5


def test_a_run_is_read_back_by_its_start_and_its_end() -> None:
    """Records of other runs, and what a crash has torn, are passed over."""
    plan = workflows.plan({"name": "s"})
    lines = write_lines(RunStarted(plan, Resumed("q", {}, ())), RunFinished("interrupted", 0.5))
    torn = lines[0][:-20]
    others = [line.replace(b'"run_id":"r"', b'"run_id":"o"') for line in lines]
    starts = list(read_starts([torn, *lines, *others]))
    assert starts[0] == RunStart(1, "r", "now", "test", digest(plan), "q")
    assert [start.run_id for start in starts] == ["r", "o"]
    nested = b'{"output":{"run_id":"r"},"run_id":"o"}'
    records = list(read_records([torn, nested, *others, *lines], ["r"]))
    assert [read_index(record) for record in records] == [None, None]
    assert read_statuses(records) == {"r": "interrupted"}
    assert read_statuses([{"run_id": "r", "event": "step_finished", "status": "ok"}]) == {}
    assert read_index({"index": -1}) is None


HEAD = {"v": 1, "ts": "2026-11-23T12:30:00.000042Z", "run_id": "run-1", "seq": 2}
RECORD: dict[str, object] = HEAD | {
    "event": "step_finished",
    "index": 0,
    "step": "a",
    "action": "echo",
    "ok": True,
    "output": None,
    "error": None,
    "attempts": 1,
    "duration_seconds": 0.5,
}
FAILED = RECORD | {"ok": False, "error": "down", "error_type": "OSError", "place": "orders.py:3"}
ATTEMPT: dict[str, object] = HEAD | {
    "event": "attempt_failed",
    "index": 0,
    "step": "a",
    "attempt": 1,
    "error": "down",
    "error_type": "OSError",
    "place": "orders.py:3",
    "wait_seconds": 1.5,
}
END: dict[str, object] = HEAD | {
    "event": "run_finished",
    "status": "failed",
    "duration_seconds": 0.5,
}


@pytest.mark.parametrize(
    ("record", "change"),
    [
        (RECORD, {"v": 2}),
        (RECORD, {"ts": "2026-11-23T12:30:00Z"}),
        (RECORD, {"run_id": ""}),
        (RECORD, {"seq": -1}),
        (RECORD, {"event": "step_started"}),
        (RECORD, {"event": "step_skipped"}),
        (RECORD, {"event": "step_discarded"}),
        (RECORD, {"index": -1}),
        (RECORD, {"step": ""}),
        (RECORD, {"action": ""}),
        (RECORD, {"error": "down"}),
        (RECORD, {"ok": False}),
        (RECORD, {"ok": False, "output": 1, "error": "down"}),
        (RECORD, {"attempts": 0}),
        (RECORD, {"ok": False, "error": "down", "attempts": -1}),
        (RECORD, {"duration_seconds": -0.5}),
        (RECORD, {"key": "secret"}),
        (RECORD, {"extra": 1}),
        (FAILED, {"error": None}),
        (FAILED, {"error_type": ""}),
        (FAILED, {"error_type": None}),
        (FAILED, {"place": ""}),
        (FAILED, {"place": 3}),
        (FAILED, {"wait_seconds": 1.5}),
        (ATTEMPT, {"index": None}),
        (ATTEMPT, {"attempt": 0}),
        (ATTEMPT, {"attempt": 1.5}),
        (ATTEMPT, {"error": None}),
        (ATTEMPT, {"error_type": ""}),
        (ATTEMPT, {"error_type": None}),
        (ATTEMPT, {"place": ""}),
        (ATTEMPT, {"wait_seconds": -1}),
        (ATTEMPT, {"wait_seconds": "1"}),
        (ATTEMPT, {"redacted": False}),
        (ATTEMPT, {"attempts": 1}),
        (ATTEMPT, {"output": None}),
        (END, {"status": "stopped"}),
        (END, {"stopped_by": ""}),
        (END, {"stopped_by": None}),
        (END, {"signal": ""}),
        (END, {"discarded": []}),
        (END, {"discarded": [-1]}),
        (END, {"discarded": ["a"]}),
        (END, {"discarded": 1}),
        (END, {"not_run": []}),
        (END, {"not_run": [0.5]}),
        (END, {"step": "a"}),
    ],
    ids=str,
)
def test_the_audit_schema_refuses_a_record_that_cannot_be(
    record: dict[str, object], change: dict[str, object]
) -> None:
    """And takes the record without that change."""
    validator = Draft7Validator(load_schema("audit"))
    validator.validate(record)
    assert not validator.is_valid(record | change)


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (RECORD, {"error_type", "place"}),
        (ATTEMPT, {"cut", "redacted"}),
        (END, {"stopped_by", "discarded", "not_run"}),
    ],
)
def test_the_audit_schema_misses_every_field(record: dict[str, object], fields: set[str]) -> None:
    """None can be left out, but for those that are there only if there is something to say."""
    validator = Draft7Validator(load_schema("audit"))
    assert fields.isdisjoint(record)
    validator.validate(record)
    for field in record:
        less = {name: value for name, value in record.items() if name != field}
        assert not validator.is_valid(less), field
