"""Text lines and the document: pure functions of what happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator
from support import workflows

from driftflow.resuming.past import Cut
from driftflow.running.events import (
    RunFinished,
    RunResult,
    RunStarted,
    StepFinished,
    StepSkipped,
)
from driftflow.running.ordering import fold_run
from driftflow.schemas.published import load_schema
from driftflow.showing.results import build_result_document, format_line

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
    assert format_line(StepFinished(0, step, result)) == line


@pytest.mark.parametrize(
    ("result", "line"), [(done("hush"), "OK s: [redacted]"), (failed("hush"), "FAIL s: [redacted]")]
)
def test_the_line_of_a_sensitive_step_tells_no_more_than_how_it_ended(
    result: StepResult, line: str
) -> None:
    """What it came to is for programs, which read the document."""
    (step,) = workflows.plan({"name": "s", "sensitive": True}).steps
    assert format_line(StepFinished(0, step, result)) == line


def skipped(reason: str, name: str = "s") -> StepResult:
    """A step that was skipped."""
    return workflows.done(name, None, 0)._replace(skipped=reason)


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (skipped('mode is "quick", not "full"'), 'SKIP s: mode is "quick", not "full"'),
        (skipped("input from 'b', which was skipped"), "SKIP s: input from 'b', which was skipped"),
        (skipped("[redacted]"), "SKIP s: [redacted]"),
        (skipped("a\n\x1b", "b\tc"), "SKIP b\\tc: a\\n\\x1b"),
        (skipped("x")._replace(reused=True), "SKIP s: x"),
    ],
)
def test_the_line_of_a_step_that_was_skipped_says_why(result: StepResult, line: str) -> None:
    """Of a sensitive step, too: the reason itself tells no secret."""
    for step in (A_STEP, A_STEP._replace(sensitive=True)):
        assert format_line(StepSkipped(0, step, result)) == line


def test_a_step_that_was_skipped_is_told_in_the_document() -> None:
    """It is ok, has no output and no attempts, and counts by itself; only then is the key there."""
    plan = workflows.plan({"name": "s"}, {"name": "t"}, {"name": "u"}, flags={"metrics": True})
    events: list[Event] = [
        StepSkipped(0, A_STEP, skipped("why")),
        StepFinished(1, plan.steps[1], done("x", "t")),
        StepSkipped(2, plan.steps[2], skipped("why not", "u")._replace(reused=True)),
        RunFinished("ok", 1.0),
    ]
    document = build_result_document(fold_run(plan, events))
    Draft7Validator(load_schema("result")).validate(document)
    nothing = {"ok": True, "output": None, "error": None, "attempts": 0}
    assert document["results"] == [
        {"name": "s", **nothing, "skipped": "why"},
        {"name": "t", "ok": True, "output": "x", "error": None, "attempts": 1},
        {"name": "u", **nothing, "reused": True, "skipped": "why not"},
    ]
    counts = {"planned": 3, "ok": 1, "failed": 0, "not_run": 0, "skipped": 2}
    assert document["metrics"]["steps"] == counts
    assert document["metrics"]["attempts"] == 1


CUT = Cut(1_234_567, "0" * 64)


def test_the_line_of_an_output_that_is_not_there_says_how_long_it_is() -> None:
    """Nothing else is known of it; of a sensitive step not even that."""
    result = done(None)._replace(reused=True, cut=CUT)
    assert format_line(StepFinished(0, A_STEP, result)) == "OK s: [cut] 1,234,567 bytes"
    short = result._replace(name="a\nb", cut=Cut(70_000, "0" * 64))
    assert format_line(StepFinished(0, A_STEP, short)) == "OK a\\nb: [cut] 70,000 bytes"
    secret = A_STEP._replace(sensitive=True)
    assert format_line(StepFinished(0, secret, result)) == "OK s: [redacted]"


def test_a_result_that_was_reused_says_so() -> None:
    """Its attempts were not made now."""
    plan = workflows.plan({"name": "s"}, {"name": "t"}, flags={"metrics": True})
    reused = done("x")._replace(reused=True, attempts=3)
    events: list[Event] = [
        RunStarted(plan, workflows.resumption(plan, {0: "x"}, may_have_run=[1])),
        StepFinished(0, A_STEP, reused),
        StepFinished(1, A_STEP, done("y", "t")),
    ]
    document = build_result_document(fold_run(plan, events))
    Draft7Validator(load_schema("result")).validate(document)
    assert [result.get("reused") for result in document["results"]] == [True, None]
    assert document["resumed"] == {"run_id": "run 1", "may_have_run": ["t"]}
    assert document["metrics"]["attempts"] == 1


def test_an_output_that_is_not_there_is_told_by_its_length_and_its_digest() -> None:
    """Behind what all results have, in one order; one that was fetched has the whole output."""
    plan = workflows.plan({"name": "s"}, {"name": "t"}, {"name": "u"}, flags={"metrics": True})
    results = [
        done(None)._replace(reused=True, attempts=3, cut=CUT),
        done("long", "t")._replace(fetched=True, attempts=2),
        done("x", "u"),
    ]
    events: list[Event] = [
        StepFinished(index, plan.steps[index], result) for index, result in enumerate(results)
    ]
    document = build_result_document(fold_run(plan, events))
    Draft7Validator(load_schema("result")).validate(document)
    known = {"ok": True, "error": None}
    shown = [
        {"name": "s", **known, "output": None, "attempts": 3, "reused": True, "cut": CUT._asdict()},
        {"name": "t", **known, "output": "long", "attempts": 2, "fetched": True},
        {"name": "u", **known, "output": "x", "attempts": 1},
    ]
    assert document["results"] == shown
    assert [*document["results"][0]][4:] == ["attempts", "reused", "cut"]
    assert document["metrics"]["attempts"] == 3


def run(
    *more: Event, metrics: bool, keep_going: bool = False, not_run: tuple[int, ...] = ()
) -> RunResult:
    """A run of three steps, of which the last never ran, unless it is among the other events."""
    plan = workflows.plan({}, {}, {}, name="w", flags={"metrics": metrics})
    results = [
        workflows.done("a", [1], 2, seconds=0.1234567),
        workflows.failed("b", "down", 3, seconds=2e-7),
    ]
    events: list[Event] = [
        *more,
        *(StepFinished(place, plan.steps[place], done) for place, done in enumerate(results)),
        RunFinished("failed", 1.23456789, not_run=not_run),
    ]
    return fold_run(plan, events, keep_going=keep_going)


RESULTS = [
    {"name": "a", "ok": True, "output": [1], "error": None, "attempts": 2},
    {"name": "b", "ok": False, "output": None, "error": "down", "attempts": 3},
]


def test_the_document_has_its_keys_in_order() -> None:
    """Name, status, results; each result's keys likewise. No metrics unless the flag is on."""
    document = build_result_document(run(metrics=False))
    assert json.dumps(document) == json.dumps({"name": "w", "status": "failed", "results": RESULTS})


def test_what_was_discarded_is_named() -> None:
    """By one more key, before the metrics, that is there only then."""
    for metrics, keys in ((False, []), (True, ["metrics"])):
        done_early = StepFinished(2, A_STEP, workflows.done("c", "secret"))
        document = build_result_document(run(done_early, metrics=metrics))
        assert list(document) == ["name", "status", "results", "discarded", *keys]
        assert document["discarded"] == ["c"]
        assert document["results"] == RESULTS
        Draft7Validator(load_schema("result")).validate(document)


@pytest.mark.parametrize(("not_run", "names"), [((), []), ((0, 2), ["step0", "step2"])])
def test_what_was_not_run_is_named_with_keep_going(
    not_run: tuple[int, ...], names: list[str]
) -> None:
    """By one more key, before the metrics, that is always there then."""
    for metrics, keys in ((False, []), (True, ["metrics"])):
        over = run(metrics=metrics, keep_going=True, not_run=not_run)
        document = build_result_document(over)
        assert list(document) == ["name", "status", "results", "not_run", *keys]
        assert document["not_run"] == names
        assert document["results"] == RESULTS
        Draft7Validator(load_schema("result")).validate(document)
    assert "not_run" not in build_result_document(run(metrics=False, not_run=not_run))


def test_all_that_a_document_can_have_has_its_place() -> None:
    """In one order."""
    over = run(metrics=True)
    over = over._replace(
        discarded=[workflows.done("c", "x")],
        not_run=(2,),
        resumed=workflows.resumption(over.plan, {}, may_have_run=[1]),
    )
    keys = ["name", "status", "results", "discarded", "not_run", "resumed", "metrics"]
    document = build_result_document(over)
    assert list(document) == keys
    Draft7Validator(load_schema("result")).validate(document)


def test_metrics_are_one_more_key() -> None:
    """Durations to the microsecond; results do not change."""
    document = build_result_document(run(metrics=True))
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
    Draft7Validator(load_schema("result")).validate(document)


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
    assert not Draft7Validator(load_schema("result")).is_valid(document)
