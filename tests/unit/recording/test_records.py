"""Records: an event as a line of the audit, and such a line read back."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support import workflows

from driftflow.failures import Failure
from driftflow.planning.plan import find_key
from driftflow.recording.records import (
    MAX_VALUE_BYTES,
    NO_CODE,
    RunStart,
    format_record,
    may_be_record,
    read_past,
    read_record,
    read_records,
    read_skip,
    read_start,
)
from driftflow.resuming.past import Code, Cut, StepPast, measure
from driftflow.running.events import (
    AttemptFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftflow.planning.plan import Plan
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


def skipped(reason: str) -> StepResult:
    """A step that was skipped."""
    return workflows.done("s", None, 0)._replace(skipped=reason)


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


def test_a_run_names_the_one_that_it_resumes() -> None:
    """If there is one."""
    plan = workflows.plan({"name": "s"}, {"name": "t"})
    resumed = workflows.resumption(plan, {0: "x"})
    assert recorded(RunStarted(plan, resumed))["resumes"] == "run 1"
    assert "resumes" not in recorded(RunStarted(plan))


@pytest.mark.parametrize("output", ["x", "x" * MAX_VALUE_BYTES])
def test_a_step_that_was_done_again_only_for_its_output_says_so(output: str) -> None:
    """It counts as done then; its record has all the same what others have."""
    fetched = recorded(StepFinished(0, A_STEP, done(output)._replace(fetched=True)))
    plain = recorded(StepFinished(0, A_STEP, done(output)))
    assert fetched == plain | {"fetched": True}
    assert "fetched" not in plain


def test_a_step_says_how_many_of_its_name_stand_before_it() -> None:
    """If any do: in the records by which a later run knows what was done."""
    namesakes = {1: 1, 2: 2}
    events: list[Event] = [
        StepStarted(2, A_STEP),
        StepFinished(2, A_STEP, done("x")),
        StepSkipped(2, A_STEP, skipped("why")),
    ]
    for event in events:
        plain = recorded(event)
        assert recorded(event, namesakes=namesakes) == plain | {"namesake": 2}
        assert recorded(event, namesakes={1: 1}) == plain
        assert "namesake" not in plain
    others: list[Event] = [AttemptFailed(2, A_STEP, 1, DOWN, None), RunFinished("ok", 0.5)]
    for event in others:
        assert recorded(event, namesakes=namesakes) == recorded(event)


def test_a_step_that_was_skipped_has_a_record_of_its_own() -> None:
    """With the reason; it has no start, no output, and asks for nothing."""
    for step in (A_STEP, SECRET):
        assert without_head(recorded(StepSkipped(3, step, skipped("a is 2, not 1")))) == {
            "event": "step_skipped",
            "index": 3,
            "step": "s",
            "action": "echo",
            "reason": "a is 2, not 1",
        }


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
    record = recorded(RunStarted(plan), code=code)
    assert (record["config"], record["version"]) == ("job.json", "1.2.3")
    assert record["params"] == {"day": ["mon", {"x": 1}], "token": "[redacted]"}
    assert record["files"] == {"orders.py": "0" * 64}
    assert record["packages"] == {"team-actions": "4.5"}
    plain = recorded(RunStarted(plan), code=Code("1.2.3", {}, {}))
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
        (RunFinished("ok", 0.5, reused=(3,)), {"kept": [[3, 3]]}),
        (RunFinished("ok", 0.5, reused=(0, 1, 2)), {"kept": [[0, 2]]}),
        (RunFinished("ok", 0.5, reused=(0, 2, 3, 12)), {"kept": [[0, 0], [2, 3], [12, 12]]}),
        (
            RunFinished("failed", 0.5, stopped_by="s", discarded=(7,), reused=(4, 5)),
            {"stopped_by": "s", "discarded": [7], "kept": [[4, 5]]},
        ),
    ],
)
def test_the_last_record_says_how_far_the_run_got(
    event: RunFinished, fields: dict[str, Any]
) -> None:
    """Which failure or signal has ended it, and which steps were done in vain, not run, or kept.

    What there is nothing to say of has no field.
    """
    known = {"event": "run_finished", "status": event.status, "duration_seconds": 0.5}
    assert without_head(recorded(event)) == known | fields


@given(st.sets(st.integers(0, 30)))
def test_steps_that_are_kept_are_told_in_as_few_ranges_as_can_be(indexes: set[int]) -> None:
    """Of which each has its first and its last step: of thousands of steps, most are kept."""
    kept = recorded(RunFinished("ok", 0.5, reused=tuple(sorted(indexes)))).get("kept", [])
    assert [index for first, last in kept for index in range(first, last + 1)] == sorted(indexes)
    bounds = [bound for each in kept for bound in each]
    assert all(
        after > before + 1 for before, after in zip(bounds[1::2], bounds[2::2], strict=False)
    )


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
        (
            StepSkipped(0, A_STEP._replace(name=HOSTILE, action=HOSTILE), skipped(HOSTILE)),
            {"step", "action", "reason"},
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


def recorded(
    event: Event, *, code: Code = NO_CODE, namesakes: Mapping[int, int] | None = None
) -> dict[str, Any]:
    """The event's record, which satisfies the schema."""
    seq = 0 if isinstance(event, RunStarted) else 1
    moment = "2026-11-23T12:30:00.000042Z"
    line = format_record(event, moment, "r", seq, code=code, namesakes=namesakes or {})
    record: dict[str, Any] = json.loads(line)
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


def write(event: Event, **how: Any) -> bytes:
    """A record of a run called `r`, as it stands in the file, without the end of the line."""
    return format_record(event, "now", "r", 0, **how).encode()


@given(workflows.values)
def test_a_record_is_read_back_as_it_was_written(output: Json) -> None:
    """With blanks behind it, as other programs end lines; none has an end of its own."""
    line = write(StepFinished(0, A_STEP, done(output)))
    record = read_record(line)
    assert repr(record) == repr(json.loads(line))
    for end in (b" ", b"\t", b"\r", b" \r\t "):
        assert repr(read_record(line + end)) == repr(record)


def test_a_record_may_be_written_anew_by_another_program() -> None:
    """Many put a blank behind a colon, and write text in UTF-8."""
    record = {"v": 1, "run_id": "r", "step": "é😀", "output": {"a": [1.5, None, True]}}
    assert read_record(json.dumps(record, ensure_ascii=False).encode()) == record


WHOLE = write(RunStarted(workflows.plan({"name": "é"})))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"\0" * 100,
        b"\0" + WHOLE,
        WHOLE + b"\0",
        WHOLE + b"}",
        WHOLE + WHOLE,
        WHOLE + b" " + WHOLE,
        WHOLE + "\u2003".encode(),
        b"[" + WHOLE + b"]",
        b'"run_started"',
        b"null",
        b"7",
        b'{"run_id":"r","output":NaN}',
        b'{"run_id":"r","output":[-Infinity]}',
        b'{"run_id":"r","output":Infinity}',
        b'{"run_id":"r","output":' + b"[" * 100_000,
        b'{"run_id":"r","output":' + b"9" * 5000 + b"}",
        b'{"run_id":"r","output":"\xff"}',
        b'{"run_id":"r","output":"\xed\xa0\x80"}',
        b'{"run_id":"r","output":"\n"}',
        b"{'run_id':'r'}",
    ],
    ids=range(22),
)
def test_what_is_no_record_is_read_as_an_empty_one(line: bytes) -> None:
    """A crash may have left anything; and other programs may have written to the file."""
    assert read_record(line) == {}
    assert read_start(7, line) is None


def test_a_record_that_is_torn_anywhere_is_none() -> None:
    """Half a JSON object is no JSON."""
    assert read_record(WHOLE) != {}
    assert {*map(len, (read_record(WHOLE[:end]) for end in range(len(WHOLE))))} == {0}


RECORDS = [WHOLE, *(write(StepFinished(0, A_STEP, done(each))) for each in ("x,", '[{"', None))]
torn = st.builds(lambda line, end: line[:end], st.sampled_from(RECORDS), st.integers(0, 300))
# What other programs may have written: no record, or several on a line.
foreign = st.sampled_from(
    [
        b"",
        b"x",
        b"null",
        b"[]",
        b"[{}]",
        b"{},{}",
        b'"{"',
        b"\xff",
        b"[" * 9999,
        b'{"x":NaN}',
        b"\0",
    ]
)


@given(st.lists(st.one_of(st.sampled_from(RECORDS), st.sampled_from(RECORDS), torn, foreign)))
def test_lines_are_read_together_as_each_of_them_is(lines: list[bytes]) -> None:
    """However many are torn, and whatever stands between them."""
    assert read_records(lines) == [read_record(line) for line in lines]


def test_a_line_that_is_torn_costs_no_other() -> None:
    """There is one record for each line, in their order."""
    records = read_records([RECORDS[1], RECORDS[1][:-9], RECORDS[2] + b"\r", RECORDS[1]])
    assert [record.get("output") for record in records] == ["x,", None, '[{"', "x,"]
    assert read_records([]) == []


def test_a_run_is_read_back_by_its_start() -> None:
    """Where it stands, and all that it says."""
    long = "x" * MAX_VALUE_BYTES
    plan = workflows.plan(
        {"name": "a", "input": {"param": "day"}}, params={"day": ["mon"], "long": long}
    )
    code = Code("1.2.3", {"orders.py": "0" * 64}, {"team-actions": "4.5"})
    line = write(RunStarted(plan, workflows.resumption(plan, {0: "x"})), code=code)
    assert read_start(7, line) == RunStart(
        offset=7,
        version=1,
        run_id="r",
        moment="now",
        workflow="test",
        params={"day": ["mon"]},
        cut_params={"long": measure(long)._asdict()},
        resumes="run 1",
        code=code,
    )
    first = read_start(0, write(RunStarted(workflows.plan())))
    assert first == RunStart(0, 1, "r", "now", "test", {}, None, None, NO_CODE)


@pytest.mark.parametrize(
    "line",
    [
        write(RunFinished("ok", 0.5, stopped_by="run_started")),
        write(StepFinished(0, A_STEP, done({"event": "run_started", "run_id": "r"}))),
        b'{"v":1,"event":"run_started"}',
        b'{"v":1,"event":"run_started","run_id":null}',
        b'{"v":1,"event":"run_started","run_id":["r"]}',
        b'{"v":1,"event":["run_started"],"run_id":"r"}',
        WHOLE[:-1],
        WHOLE + b"{",
    ],
)
def test_only_the_first_record_of_a_run_is_its_start(line: bytes) -> None:
    """Whatever else has these words in it; and nobody can name a run that has no name."""
    assert read_start(0, line) is None


@pytest.mark.parametrize("damaged", [None, 7, "x", [], ["x"], {"x": 1}])
def test_the_start_of_a_run_may_say_anything(damaged: object) -> None:
    """It is taken as it is; of the code, what is no text is left out."""
    fields = {"v", "ts", "workflow", "params", "cut_params", "resumes"}
    record = {"event": "run_started", "run_id": "r"} | dict.fromkeys(fields, damaged)
    code = {"version": damaged, "files": damaged, "packages": {"p": damaged, "q": "1"}}
    start = read_start(0, json.dumps(record | code).encode())
    assert start is not None
    assert start[1:-1] == (damaged, "r", *[damaged] * 5)
    packages = {"q": "1"} | ({"p": "x"} if damaged == "x" else {})
    assert start.code == Code(str(damaged), {}, packages)


def start_of(plan: Plan, **changes: Any) -> RunStart:
    """The start of a run of this plan, of which the record was changed; None leaves a field out."""
    record = json.loads(write(RunStarted(plan))) | changes
    start = read_start(0, json.dumps({k: v for k, v in record.items() if v is not None}).encode())
    assert start is not None
    return start


def given_params(*secrets: str, **params: Json) -> Plan:
    """The plan of a step that uses nothing, with parameters of which some are secret."""
    hidden = {"name": "b", "sensitive": True, "input": [{"param": name} for name in secrets]}
    return workflows.plan({"name": "a"}, *([hidden] if secrets else []), params=params)


LONG = "x" * MAX_VALUE_BYTES
PARAMS: list[dict[str, Json]] = [
    {},
    {"a": 1},
    {"a": 2},
    {"a": 1.5},
    {"a": True},
    {"a": "1"},
    {"a": None},
    {"b": 1},
    {"a": 1, "b": 1},
    {"a": ["$é", {"b": None}]},
    {"a": LONG},
    {"a": LONG, "b": 1},
    {"a": f"y{LONG[1:]}"},
    {"a": f"{LONG}x"},
    {"b": LONG},
]


@pytest.mark.parametrize("index", range(len(PARAMS)))
def test_a_run_has_the_parameters_that_it_was_given(index: int) -> None:
    """All of them and no other, each with this value, in whatever order; be it long or short."""
    params = PARAMS[index]
    start = start_of(given_params(**params))
    same = [start.has_params(given_params(**others).params) for others in PARAMS]
    assert same == [other == index for other in range(len(PARAMS))]
    assert start.has_params(given_params(**dict(reversed(params.items()))).params)


def test_the_value_of_a_secret_parameter_is_not_compared() -> None:
    """It is not on record; or it is, but nobody is to learn now whether it is another one.

    Others are, and so are the names.
    """
    then, now = given_params(a="hush", b=1), given_params("a", a="shush", b=1)
    for one, other in ((then, now), (now, then), (now, now)):
        assert start_of(one).has_params(other.params)
    for other in (given_params("a", a="hush", b=2), given_params("a", a="hush"), given_params(b=1)):
        assert not start_of(now).has_params(other.params)
        assert not start_of(other).has_params(now.params)


@pytest.mark.parametrize(
    "changes",
    [
        {"params": None},
        {"params": 7},
        {"params": ["a"]},
        {"params": "a"},
        {"params": {"a": float("inf")}},
        {"cut_params": None},
        {"cut_params": "b"},
        {"cut_params": ["b"]},
        {"cut_params": {"b": None}},
        {"cut_params": {"b": {"bytes": len(LONG) + 2}}},
        {"params": {"a": 1, "b": LONG}, "cut_params": None},
    ],
    ids=range(11),
)
def test_a_run_whose_parameters_are_damaged_has_others(changes: dict[str, Any]) -> None:
    """Whatever stands there: what is not known to be the same is not."""
    plan = given_params(a=1, b=LONG)
    assert start_of(plan).has_params(plan.params)
    line = json.dumps(json.loads(write(RunStarted(plan))) | changes)
    start = read_start(0, line.replace("Infinity", "1e999").encode())
    assert start is not None
    assert not start.has_params(plan.params)


def test_a_long_parameter_that_is_secret_by_now_is_not_compared() -> None:
    """Nor one that is no secret any more; its name is."""
    then, now = given_params(a=LONG), given_params("a", a="short")
    assert start_of(then).has_params(now.params)
    assert start_of(now).has_params(then.params)
    assert not start_of(now).has_params(given_params(b=LONG).params)


def test_a_parameter_that_is_too_deep_is_damaged() -> None:
    """Python reads it, and cannot write it."""
    line = write(RunStarted(given_params(a=1)))
    line = line.replace(b'"a":1', b'"a":' + b"[" * 990 + b"]" * 990)
    start = read_start(0, line)
    assert start is None or not start.has_params(given_params(a=1).params)


def test_blanks_around_a_record_do_not_matter() -> None:
    """Be it read alone or with others."""
    line = write(StepStarted(0, A_STEP))
    for text in (b" \t" + line, line + b" \r", b"  " + line + b" "):
        assert read_record(text) == read_record(line) != {}
        assert read_records([text, line]) == read_records([text, line, b"{"])[:2]
        assert may_be_record(text)


def test_a_run_of_which_no_parameters_are_known_has_none() -> None:
    """As those of a version of DriftFlow that did not record them."""
    old = start_of(given_params(), params=None)
    assert old.has_params(given_params().params)
    assert not old.has_params(given_params(a=None).params)


def past_of(event: StepFinished, **changes: Any) -> StepPast:
    """What the record of a step's end says, of which some fields were changed."""
    record = read_record(write(event)) | changes
    past = read_past({name: value for name, value in record.items() if value is not ...}, 3, 10, 20)
    assert past[:3] == (3, 10, 20)
    return past


OK = StepFinished(0, A_STEP, done("x")._replace(attempts=2))
DOWN_STEP = StepFinished(0, A_STEP, failed("no")._replace(error_type="OSError"))


@given(workflows.values)
def test_a_step_that_is_ok_has_its_output(output: Json) -> None:
    """As it was written, with what it asked for, and how often it was tried."""
    past = past_of(StepFinished(0, A_STEP, workflows.done("s", output, 2)))
    key = find_key(A_STEP)
    assert repr(past) == repr(StepPast(3, 10, 20, "ok", "echo", key, output, 2, None))


def test_an_output_that_was_cut_is_a_long_one() -> None:
    """What says otherwise is damaged: the step may have done anything."""
    for length in (4, MAX_VALUE_BYTES):
        cut = {"bytes": length, "sha256": "0" * 64}
        assert past_of(StepFinished(0, A_STEP, done(LONG)), cut=cut).state == "begun"
    cut = {"bytes": MAX_VALUE_BYTES + 1, "sha256": "0" * 64}
    assert past_of(StepFinished(0, A_STEP, done(LONG)), cut=cut).state == "ok"


def test_of_an_output_that_was_cut_only_the_measure_is_known() -> None:
    """Not its beginning, which is on record, too."""
    outputs: list[Json] = [LONG, [LONG], {"a": [1] * MAX_VALUE_BYTES}]
    for output in outputs:
        past = past_of(StepFinished(0, A_STEP, done(output)))
        assert (past.state, past.output, past.cut) == ("ok", None, measure(output))


@pytest.mark.parametrize("output", ["hush", "hush" * MAX_VALUE_BYTES])
def test_of_a_sensitive_step_no_output_is_known(output: str) -> None:
    """Nor what it has asked for: so it is never taken for what a later run asks for."""
    past = past_of(StepFinished(0, SECRET, done(output)))
    assert (past.state, past.key, past.output, past.cut) == ("ok", None, None, None)


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (failed("no"), "failed"),
        (failed("no")._replace(error_type="OSError", attempts=3), "failed"),
        (failed("no " * 30_000), "failed"),
        (failed("input from 'a', which failed")._replace(attempts=0), "not_tried"),
        (failed("not tried")._replace(attempts=0), "not_tried"),
        (failed("interrupted")._replace(error_type="KeyboardInterrupt"), "begun"),
        (failed("interrupted")._replace(error_type="KeyboardInterrupt", attempts=0), "not_tried"),
    ],
)
def test_a_step_that_is_not_ok_has_failed_or_was_not_tried(result: StepResult, state: str) -> None:
    """Or an interrupt has ended it, and nobody knows what it has done; it has no output."""
    for step in (A_STEP, SECRET):
        past = past_of(StepFinished(0, step, result))
        assert (past.state, past.attempts) == (state, result.attempts)
        assert (past.output, past.cut) == (None, None)
        assert (past.action, past.key) == ("echo", find_key(step))


INFINITE = read_record(b'{"x":1e999}')["x"]
A_CUT = {"bytes": 70_000, "sha256": "0" * 64}


@pytest.mark.parametrize(
    "changes",
    [
        {"action": ...},
        {"action": None},
        {"action": ["echo"]},
        {"attempts": ...},
        {"attempts": None},
        {"attempts": "2"},
        {"attempts": 2.0},
        {"attempts": True},
        {"attempts": 0},
        {"attempts": -1},
        {"ok": ...},
        {"ok": None},
        {"ok": 1},
        {"ok": "true"},
        {"output": ...},
        {"output": INFINITE},
        {"output": {"a": [INFINITE]}},
        {"cut": None},
        {"cut": "cut"},
        {"cut": {}},
        {"cut": A_CUT | {"bytes": "70000"}},
        {"cut": A_CUT | {"bytes": True}},
        {"cut": A_CUT | {"sha256": None}},
        {"cut": {"bytes": 70_000}},
        {"cut": {"sha256": "0" * 64}},
    ],
    ids=str,
)
def test_of_a_step_whose_record_is_damaged_nobody_knows_what_it_has_done(
    changes: dict[str, Any],
) -> None:
    """So it counts as one that was begun, and nothing is believed that it gave."""
    past = past_of(OK, **changes)
    assert (past.state, past.output, past.cut) == ("begun", None, None)
    assert past_of(OK).state == "ok"


def test_the_record_of_a_failure_that_is_damaged_tells_nothing_either() -> None:
    """Not even that the step was not tried."""
    assert past_of(DOWN_STEP).state == "failed"
    damages: list[dict[str, Any]] = [{"ok": None}, {"attempts": None}, {"attempts": "0"}]
    for changes in [*damages, {"action": None}, {"ok": 0}]:
        assert past_of(DOWN_STEP, **changes).state == "begun", changes


@pytest.mark.parametrize("key", [..., None, 7, ["x"], "another"])
def test_a_key_that_is_damaged_is_another(key: object) -> None:
    """It is compared with the one that is asked for, and is not that."""
    past = past_of(OK, key=key)
    assert past.state == "ok"
    assert past.key != find_key(A_STEP)


@pytest.mark.parametrize("action", ["echo", None, 5, ...])
def test_a_step_that_was_skipped_is_read_back(action: object) -> None:
    """It began and ended in one place. It has asked for nothing, so it has no key."""
    record = read_record(write(StepSkipped(3, A_STEP, skipped("why")))) | {"action": action}
    past = read_skip({name: value for name, value in record.items() if value is not ...}, 2, 10)
    name = action if isinstance(action, str) else ""
    assert past == StepPast(2, 10, 10, "skipped", name, None, None, 0, None)


def test_what_is_known_of_an_output_is_taken_as_it_is() -> None:
    """Of fields that are not known nothing is taken."""
    past = past_of(OK, cut=A_CUT | {"more": 1})
    assert (past.state, past.output, past.cut) == ("ok", None, Cut(70_000, "0" * 64))


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
SKIP: dict[str, object] = HEAD | {
    "event": "step_skipped",
    "index": 0,
    "step": "a",
    "action": "echo",
    "reason": "a is 2, not 1",
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
        (RECORD, {"fetched": False}),
        (RECORD, {"namesake": 0}),
        (RECORD, {"namesake": "1"}),
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
        (SKIP, {"index": -1}),
        (SKIP, {"step": ""}),
        (SKIP, {"action": ""}),
        (SKIP, {"reason": ""}),
        (SKIP, {"reason": None}),
        (SKIP, {"ok": True}),
        (SKIP, {"output": None}),
        (SKIP, {"attempts": 0}),
        (SKIP, {"key": "0" * 64}),
        (SKIP, {"namesake": 0}),
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
        (END, {"kept": []}),
        (END, {"kept": [0]}),
        (END, {"kept": [[0]]}),
        (END, {"kept": [[0, 1, 2]]}),
        (END, {"kept": [[-1, 0]]}),
        (END, {"kept": [[0, None]]}),
        (END, {"reused": [0]}),
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
        (RECORD, {"error_type", "place", "fetched", "namesake"}),
        (ATTEMPT, {"cut", "redacted"}),
        (SKIP, {"namesake"}),
        (END, {"stopped_by", "discarded", "not_run", "kept"}),
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
