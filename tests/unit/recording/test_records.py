"""Records: an event as a line of the audit, and such a line read back."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from jsonschema import Draft7Validator
from support import workflows

from driftflow.planning.plan import digest
from driftflow.recording.records import (
    MAX_VALUE_BYTES,
    RunStart,
    format_record,
    has_failed,
    is_step_start,
    read_index,
    read_records,
    read_result,
    read_starts,
    read_statuses,
)
from driftflow.running.events import (
    Resumed,
    RunFinished,
    RunStarted,
    StepDiscarded,
    StepFinished,
    StepStarted,
)
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from driftflow.reading.document import Json
    from driftflow.running.events import Event, StepResult

(A_STEP,) = workflows.plan({"name": "s"}).steps


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
    """Its beginning says what went wrong."""
    record = recorded(StepDiscarded(0, A_STEP, failed("no " * 30_000)))
    assert record["error"] == ("no " * 30_000)[:65_535]
    assert record["cut"]["bytes"] == 90_002


@pytest.mark.parametrize("kind", [StepFinished, StepDiscarded])
def test_the_record_of_a_sensitive_step_has_nothing_of_it(kind: Any) -> None:
    """Neither its output nor its error, nor how long they are."""
    (step,) = workflows.plan({"name": "s", "sensitive": True, "input": "hush"}).steps
    for result in (done("hush" * 30_000), done("hush"), failed("hush")):
        record = recorded(kind(0, step, result))
        assert (record["output"], record["error"]) == (
            ("[redacted]", None) if result.ok else (None, "[redacted]")
        )
        assert record["redacted"] is True
        assert "cut" not in record


def test_a_result_that_was_reused_says_so() -> None:
    """Its attempts were not made now; and the run names the one that it took up."""
    plan = workflows.plan({"name": "s"}, {"name": "t"})
    reused = workflows.done("s", "x")._replace(reused=True, attempts=3)
    assert recorded(StepFinished(0, A_STEP, reused))["reused"] is True
    assert recorded(RunStarted(plan, Resumed("run 1", {0: reused}, (1,))))["resumes"] == "run 1"


def recorded(event: Event) -> dict[str, Any]:
    """The event's record, which satisfies the schema."""
    seq = 0 if isinstance(event, RunStarted) else 1
    moment = "2026-11-23T12:30:00.000042Z"
    record: dict[str, Any] = json.loads(format_record(event, moment, "r", seq))
    Draft7Validator(load_schema("audit")).validate(record)
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
    """A start, a failure, an output that was cut, another step."""
    (other,) = workflows.plan({"name": "other"}).steps
    events: list[Event] = [
        StepStarted(0, A_STEP),
        StepFinished(0, A_STEP, failed("no")),
        StepDiscarded(0, A_STEP, done("x" * MAX_VALUE_BYTES)),
        StepFinished(0, other, done("x")),
    ]
    records = list(read_records(write_lines(*events), ["r"]))
    assert [read_result(record, A_STEP) for record in records] == [None] * 4
    assert [is_step_start(record) for record in records] == [True, False, False, False]
    assert [has_failed(record) for record in records] == [False, True, False, False]


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


RECORD = {
    "v": 1,
    "ts": "2026-11-23T12:30:00.000042Z",
    "run_id": "run-1",
    "seq": 2,
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


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"ts": "2026-11-23T12:30:00Z"},
        {"run_id": ""},
        {"seq": -1},
        {"event": "step_started"},
        {"event": "step_skipped"},
        {"index": -1},
        {"step": ""},
        {"action": ""},
        {"error": "down"},
        {"ok": False},
        {"ok": False, "output": 1, "error": "down"},
        {"attempts": 0},
        {"ok": False, "error": "down", "attempts": -1},
        {"duration_seconds": -0.5},
        {"extra": 1},
    ],
    ids=str,
)
def test_the_audit_schema_refuses_a_record_that_cannot_be(change: dict[str, object]) -> None:
    """And takes the record without that change."""
    validator = Draft7Validator(load_schema("audit"))
    for event in ("step_finished", "step_discarded"):
        validator.validate(RECORD | {"event": event})
        assert not validator.is_valid(RECORD | {"event": event} | change)


@pytest.mark.parametrize("field", RECORD)
def test_the_audit_schema_misses_every_field(field: str) -> None:
    """None can be left out."""
    record = {name: value for name, value in RECORD.items() if name != field}
    assert not Draft7Validator(load_schema("audit")).is_valid(record)
