"""Text lines, the document and the records: pure functions of what happened."""

from __future__ import annotations

import hashlib
import json
import sys
import unicodedata
from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from jsonschema import Draft7Validator
from support import naive, workflows

from driftflow.running.events import Resumed, RunFinished, RunStarted, StepDiscarded, StepFinished
from driftflow.running.result import RunResult, advance
from driftflow.schemas.published import schema
from driftflow.showing.results import (
    LONGEST,
    audit_line,
    escape,
    json_text,
    result_document,
    result_line,
)

if TYPE_CHECKING:
    from driftflow.reading.document import Json
    from driftflow.running.events import Event, StepResult

(A_STEP,) = workflows.plan({"name": "s"}).steps


def done(output: Json, name: str = "s") -> StepResult:
    """A step that succeeded."""
    return workflows.done(name, output)


def failed(error: str, name: str = "s") -> StepResult:
    """A step that failed."""
    return workflows.failed(name, error)


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (done("hello", "fetch"), "OK fetch: hello"),
        (failed("unknown action: 'shout'", "fetch"), "FAIL fetch: unknown action: 'shout'"),
        (done(""), "OK s: "),
        (done(None), "OK s: null"),
        (done([True]), "OK s: [true]"),
        (done(1.5), "OK s: 1.5"),
        (done({"b": [1, "é"], "a": {}}), 'OK s: {"b":[1,"é"],"a":{}}'),
        (done("a: b"), "OK s: a: b"),
        (done("日本 😀 \\n \xa0 \u200d"), "OK s: 日本 😀 \\n \xa0 \u200d"),
        (done("a\nOK forged: yes"), "OK s: a\\nOK forged: yes"),
        (done("\x1b[2J\x07\x00\x9b"), "OK s: \\x1b[2J\\x07\\x00\\x9b"),
        (done("\t\r\x85\u2028\u2029"), "OK s: \\t\\r\\x85\\u2028\\u2029"),
        (done("\u202eabc\u2066\u200e\u061c"), "OK s: \\u202eabc\\u2066\\u200e\\u061c"),
        (done("\ud800"), "OK s: \\ud800"),
        (done(["\n\x7f\u202e"]), 'OK s: ["\\n\\u007f\\u202e"]'),
        (done("x", "a\nb"), "OK a\\nb: x"),
        (failed("a\nb\x1b", "c\td"), "FAIL c\\td: a\\nb\\x1b"),
    ],
)
def test_a_result_is_one_line(result: StepResult, line: str) -> None:
    """Ordinary text is left as it is; what could break the line is escaped."""
    (step,) = workflows.plan({"name": result.name}).steps
    assert result_line(StepFinished(0, step, result)) == line


@pytest.mark.parametrize(
    ("result", "line"), [(done("hush"), "OK s: [redacted]"), (failed("hush"), "FAIL s: [redacted]")]
)
def test_the_line_of_a_sensitive_step_tells_no_more_than_how_it_ended(
    result: StepResult, line: str
) -> None:
    """What it came to is for programs, which read the document."""
    (step,) = workflows.plan({"name": "s", "sensitive": True}).steps
    assert result_line(StepFinished(0, step, result)) == line


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
    if len(whole) <= LONGEST:
        assert (record["output"], "cut" in record) == (output, False)
        return
    assert record["cut"] == {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
    assert LONGEST - 13 < len(json.dumps(record["output"])) <= LONGEST + 1
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
    """In the record and in the document; its attempts were not made now."""
    plan = workflows.plan({"name": "s"}, {"name": "t"}, flags={"metrics": True})
    reused = done("x")._replace(reused=True, attempts=3)
    assert recorded(StepFinished(0, A_STEP, reused))["reused"] is True
    run = advance(RunResult(plan), RunStarted(plan, Resumed("run 1", {0: reused}, (1,))))
    for event in (StepFinished(0, A_STEP, reused), StepFinished(1, A_STEP, done("y", "t"))):
        run = advance(run, event)
    document = result_document(run)
    Draft7Validator(schema("result")).validate(document)
    assert [result.get("reused") for result in document["results"]] == [True, None]
    assert document["resumed"] == {"run_id": "run 1", "may_have_run": ["t"]}
    assert document["metrics"]["attempts"] == 1
    assert recorded(RunStarted(plan, run.resumed))["resumes"] == "run 1"


def recorded(event: Event) -> dict[str, Any]:
    """The event's record, which satisfies the schema."""
    seq = 0 if isinstance(event, RunStarted) else 1
    moment = "2026-11-23T12:30:00.000042Z"
    record: dict[str, Any] = json.loads(audit_line(event, moment=moment, run_id="r", seq=seq))
    Draft7Validator(schema("audit")).validate(record)
    return record


def test_exactly_the_unsafe_characters_are_escaped() -> None:
    """Every code point there is, against the Unicode categories and the bidirectional controls."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        assert (escape(character) != character) == naive.unsafe(character), hex(code)


def test_json_is_escaped_alike_and_stays_json() -> None:
    """A reader gets every character back."""
    text = "".join(chr(code) for code in range(0x3000) if unicodedata.category(chr(code)) != "Cs")
    shown = json_text([text, {text: "\udc00"}])
    assert shown == naive.as_json([text, {text: "\udc00"}])
    assert json.loads(shown) == [text, {text: "\udc00"}]


@given(workflows.values)
def test_json_text_is_json(value: Json) -> None:
    """Compact on one line, or indented by two."""
    assert json.dumps(json.loads(json_text(value))) == json.dumps(value)
    assert "\n" not in json_text(value)
    assert json_text({"a": [value]}, indent=2).startswith('{\n  "a": [\n    ')


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nothing_is_written_that_json_has_no_form_for(value: float) -> None:
    """NaN and Infinity are refused on the way out as on the way in."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text(value)
    step = workflows.plan({}).steps[0]
    with pytest.raises(ValueError, match="not JSON compliant"):
        audit_line(StepFinished(0, step, done(value)), moment="", run_id="", seq=2)


def run(*, metrics: bool) -> RunResult:
    """A run of three steps, of which the last never ran."""
    plan = workflows.plan({}, {}, {}, name="w", flags={"metrics": metrics})
    results = [
        workflows.done("a", [1], 2, seconds=0.1234567),
        workflows.failed("b", "down", 3, seconds=2e-7),
    ]
    events: list[Event] = [
        *(StepFinished(place, plan.steps[place], done) for place, done in enumerate(results)),
        RunFinished("failed", 1.23456789),
    ]
    return reduce(advance, events, RunResult(plan))


RESULTS = [
    {"name": "a", "ok": True, "output": [1], "error": None, "attempts": 2},
    {"name": "b", "ok": False, "output": None, "error": "down", "attempts": 3},
]


def test_the_document_has_its_keys_in_order() -> None:
    """Name, status, results; each result's keys likewise. No metrics unless the flag is on."""
    document = result_document(run(metrics=False))
    assert json.dumps(document) == json.dumps({"name": "w", "status": "failed", "results": RESULTS})


def test_what_was_discarded_is_named() -> None:
    """By one more key, before the metrics, that is there only then."""
    for metrics, keys in ((False, []), (True, ["metrics"])):
        over = run(metrics=metrics)
        step = over.plan.steps[2]
        discarded = StepDiscarded(2, step, workflows.done(step.name, "secret"))
        document = result_document(advance(over, discarded))
        assert list(document) == ["name", "status", "results", "discarded", *keys]
        assert document["discarded"] == [step.name]
        assert document["results"] == RESULTS
        Draft7Validator(schema("result")).validate(document)


def test_metrics_are_one_more_key() -> None:
    """Durations to the microsecond; results do not change."""
    document = result_document(run(metrics=True))
    assert json.dumps(document) == json.dumps(
        {
            "name": "w",
            "status": "failed",
            "results": RESULTS,
            "metrics": {
                "duration_seconds": 1.234568,
                "attempts": 5,
                "steps": {"planned": 3, "ok": 1, "failed": 1, "not_run": 1},
                "step_durations": [
                    {"name": "a", "duration_seconds": 0.123457},
                    {"name": "b", "duration_seconds": 0.0},
                ],
            },
        }
    )
    Draft7Validator(schema("result")).validate(document)


@pytest.mark.parametrize(
    "change",
    [
        {"output": None, "error": "x"},
        {"ok": False},
        {"attempts": 0},
        {"extra": 1},
        {"name": ""},
    ],
)
def test_the_result_schema_refuses_a_result_that_contradicts_itself(
    change: dict[str, object],
) -> None:
    """So that satisfying it means something."""
    document = {"name": "w", "status": "ok", "results": [RESULTS[0] | change]}
    assert not Draft7Validator(schema("result")).is_valid(document)


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
    validator = Draft7Validator(schema("audit"))
    for event in ("step_finished", "step_discarded"):
        validator.validate(RECORD | {"event": event})
        assert not validator.is_valid(RECORD | {"event": event} | change)


@pytest.mark.parametrize("field", RECORD)
def test_the_audit_schema_misses_every_field(field: str) -> None:
    """None can be left out."""
    record = {name: value for name, value in RECORD.items() if name != field}
    assert not Draft7Validator(schema("audit")).is_valid(record)
