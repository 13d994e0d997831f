"""The records of the audit: an event as a line of the file, and such a line read back.

The writer and the reader stand side by side, so that neither learns of a field without the other.
Pure: the same event gives the same line.

- A record is compact ASCII JSON on one line, as `schema/audit.schema.json` describes it. It is put
  together field by field: making a dict of it and encoding that takes a quarter longer.
- An output or an error is cut at 64 KiB: Linux writes that much in one go even if the process is
  killed, and larger writes were seen torn. A cut record has the length and digest of the whole.
- The config may give the audit a name that a program reads as commands, such as `.profile`. So no
  string in a record has a quote, which csh takes for its end, or what such programs look for
  between quotes: shells `$`, a backtick and `!`, Ruby `#`, PHP `<`, mail delivery `|`.
- A crash may tear a line. Half a JSON object is no JSON, so no checksum is needed to notice it.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from driftflow.planning.plan import digest, find_key
from driftflow.planning.values import write
from driftflow.reading.document import copy_json
from driftflow.resuming.past import Code, Cut, StepPast, measure_text
from driftflow.running.attempts import INTERRUPT
from driftflow.running.events import (
    AttemptFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from driftflow.text import REDACTED, round_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from driftflow.planning.plan import Step
    from driftflow.planning.values import FrozenObject
    from driftflow.reading.document import Json
    from driftflow.resuming.past import State
    from driftflow.running.events import Event

AUDIT_VERSION = 1

# The longest output or error that a record has whole. Bytes of compact ASCII JSON.
MAX_VALUE_BYTES = 65536
# The beginning of a JSON string, in whole characters: it does not end in half a surrogate pair.
_JSON_CHARACTERS = r'"(?:[^"\\]|\\u[0-9a-f]{4}|\\[^u])*(?<!\\ud[89ab][0-9a-f]{2})'

_quote = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode

_ESCAPES = [(character, f"\\u{ord(character):04x}") for character in "$`!#<|"]

# How a record begins, in any version, and what all of them have.
_BEGINNING = re.compile(rb'\{"v": ?[0-9]+, ?"ts": ?"')
_IN_ALL = {"v": int, "ts": str, "run_id": str, "seq": int, "event": str}

# The events, as records name them.
RUN_STARTED = "run_started"
STEP_STARTED = "step_started"
ATTEMPT_FAILED = "attempt_failed"
STEP_FINISHED = "step_finished"
STEP_SKIPPED = "step_skipped"
RUN_FINISHED = "run_finished"
# What the first record of a run has in it. Looking for it is much faster than reading JSON.
START = b'"run_started"'


NO_CODE = Code("unknown", {}, {})
_NONE: Mapping[int, int] = {}
# The events whose records a later run reads for what was done.
_OF_A_STEP = (StepStarted, StepFinished, StepSkipped)


def format_record(  # noqa: PLR0913 - what a record tells besides what happened
    event: Event,
    moment: str,
    run_id: str,
    seq: int,
    *,
    code: Code = NO_CODE,
    namesakes: Mapping[int, int] = _NONE,
) -> str:
    """Return the event as a record, without the end of the line.

    Args:
        event: What happened.
        moment: When: a time stamp in UTC.
        run_id: The run's own name, in characters that JSON does not escape.
        seq: The record's number in the run, from 0.
        code: What the first record tells of the code.
        namesakes: By the index of a step, how many of its name stand before it, if any do.

    Raises:
        ValueError: If an output holds NaN or Infinity, for which JSON has no form.
    """
    fields = _FORMATS[type(event)](event)
    if type(event) is RunStarted:
        fields += _format_facts(code._asdict())
    if namesakes and isinstance(event, _OF_A_STEP):
        fields += _format_facts({"namesake": namesakes.get(event.step_index)})
    # A loop over them would take each record twice as long.
    if (
        ("$" in fields or "`" in fields or "!" in fields)
        or ("#" in fields or "<" in fields or "|" in fields)
        or "\\" in fields
    ):
        fields = _escape(fields)
    return f'{{"v":{AUDIT_VERSION},"ts":"{moment}","run_id":"{run_id}","seq":{seq},{fields}}}'


def _escape(fields: str) -> str:
    """Return the fields without what programs look for in strings."""
    for character, escape in _ESCAPES:
        fields = fields.replace(character, escape)
    # A backslash is written as two, and may stand before the quote that ends a string.
    parts = fields.split(r"\\")
    return r"\\".join([part.replace(r"\"", r"\u0022") for part in parts])


def _format_run_started(event: RunStarted) -> str:
    plan, resumed, keep_going, _ = event
    facts = {"keep_going": keep_going, "resumes": resumed and resumed.past.run_id}
    return (
        f'"event":"run_started","workflow":{_encode(plan.name)},'
        f'"plan":"{digest(plan)}","steps":{len(plan.steps)},'
        f'"config":{_encode(plan.source)},{_format_params(plan.params)}{_format_facts(facts)}'
    )


def _format_params(params: FrozenObject) -> str:
    """Return the parameters; of one that is long, only its length and digest."""
    texts = {name: _encode(write(value)) for name, value in params.members}
    whole = [
        f"{_quote(name)}:{text}" for name, text in texts.items() if len(text) <= MAX_VALUE_BYTES
    ]
    cut = [
        f"{_quote(name)}:{{{_measure(text)}}}"
        for name, text in texts.items()
        if len(text) > MAX_VALUE_BYTES
    ]
    fields = f'"params":{{{",".join(whole)}}}'
    return f'{fields},"cut_params":{{{",".join(cut)}}}' if cut else fields


def _format_facts(facts: Mapping[str, Any]) -> str:
    """Return what there is to tell, to be put behind other fields."""
    return "".join(f',"{name}":{_encode(value)}' for name, value in facts.items() if value)


def _format_step_started(event: StepStarted) -> str:
    index, step = event
    return (
        f'"event":"step_started","index":{index},'
        f'"step":{_quote(step.name)},"action":{_quote(step.action)}'
    )


def _format_attempt_failed(event: AttemptFailed) -> str:
    index, step, attempt, failure, wait = event
    error, notes = _format_value(step, failure.message)
    seconds = "null" if wait is None else round_seconds(wait)
    return (
        f'"event":"attempt_failed","index":{index},"step":{_quote(step.name)},"attempt":{attempt},'
        f'"error":{error},{_format_origin(failure.types[0], failure.place)},'
        f'"wait_seconds":{seconds}{notes}'
    )


def _format_step_finished(event: StepFinished) -> str:
    index, step, result = event
    _, ok, output, error, attempts, seconds, _, error_type, place, _, is_fetched, _ = result
    text, notes = _format_value(step, output if ok else error)
    if is_fetched:
        notes = f',"fetched":true{notes}'
    if error_type is not None:
        notes = f",{_format_origin(error_type, place)}{notes}"
    if (key := find_key(step)) is not None:
        notes = f',"key":"{key}"{notes}'
    outcome = f'true,"output":{text},"error":null' if ok else f'false,"output":null,"error":{text}'
    return (
        f'"event":"step_finished","index":{index},'
        f'"step":{_quote(step.name)},"action":{_quote(step.action)},"ok":{outcome},'
        f'"attempts":{attempts},"duration_seconds":{round_seconds(seconds)}{notes}'
    )


def _format_step_skipped(event: StepSkipped) -> str:
    index, step, result = event
    return (
        f'"event":"step_skipped","index":{index},"step":{_quote(step.name)},'
        f'"action":{_quote(step.action)},"reason":{_encode(result.skipped)}'
    )


def _format_value(step: Step, value: Json) -> tuple[str, str]:
    """Return an output or an error in JSON, cut if it is long, and notes on that, if any."""
    text = _quote(value) if type(value) is str else _encode(value)
    if step.sensitive:
        return f'"{REDACTED}"', ',"redacted":true'
    if len(text) > MAX_VALUE_BYTES:
        return _cut(text), f',"cut":{{{_measure(text)}}}'
    return text, ""


def _format_origin(error_type: str, place: str | None) -> str:
    """Return what an error was, and where it was raised; not its words."""
    return f'"error_type":{_quote(error_type)},"place":{_encode(place)}'


def _cut(text: str) -> str:
    """Return the beginning of a JSON text as a JSON string; of a string, its own beginning."""
    string = text if text.startswith('"') else _encode(text[:MAX_VALUE_BYTES])
    beginning = re.compile(_JSON_CHARACTERS).match(string, 0, MAX_VALUE_BYTES)
    return f'{beginning[0]}"' if beginning else '""'


def _measure(text: str) -> str:
    """Return the length and the digest of a JSON text that a record does not have whole."""
    length, sha256 = measure_text(text)
    return f'"bytes":{length},"sha256":"{sha256}"'


def _format_run_finished(event: RunFinished) -> str:
    seconds = round_seconds(event.duration_seconds)
    fields = f'"event":"run_finished","status":"{event.status}","duration_seconds":{seconds}'
    names = ("stopped_by", "signal", "discarded", "not_run")
    facts = {name: getattr(event, name) for name in names}
    return fields + _format_facts(facts | {"kept": _list_ranges(event.reused)})


def _list_ranges(indexes: Sequence[int]) -> list[list[int]]:
    """Return ascending indexes in short: the first and the last of each that follow each other."""
    ranges: list[list[int]] = []
    for index in indexes:
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ranges


_FORMATS: dict[type, Callable[[Any], str]] = {
    RunStarted: _format_run_started,
    StepStarted: _format_step_started,
    AttemptFailed: _format_attempt_failed,
    StepFinished: _format_step_finished,
    StepSkipped: _format_step_skipped,
    RunFinished: _format_run_finished,
}


def may_be_record(line: bytes) -> bool:
    """Return whether a line is a record of any version, or what a crash has left of one."""
    if record := read_record(line):
        return all(type(record.get(field)) is kind for field, kind in _IN_ALL.items())
    return _BEGINNING.match(line) is not None or b'{"v":1,"ts":"'.startswith(line)


class RunStart(NamedTuple):
    """What the first record of a run says; a damaged one may say anything.

    Attributes:
        offset: Where it stands in the file.
        version: The version of the record.
        run_id: The run's own name.
        moment: When it was written: a time stamp.
        workflow: The workflow's name.
        params: The parameters that were given, by name.
        cut_params: Of those that are long, by name, what is known of them.
        resumes: The name of the earlier run that was resumed, if one was.
        code: The code that it performs.
    """

    offset: int
    version: object
    run_id: str
    moment: object
    workflow: object
    params: object
    cut_params: object
    resumes: object
    code: Code

    def has_params(self, params: FrozenObject) -> bool:
        """Return whether the run was given the same parameters as a plan.

        The values of those that are redacted are not compared.

        Args:
            params: What the plan was given.
        """
        given = json.loads(f"{{{_format_params(params)}}}")
        told = {"params": self.params, "cut_params": self.cut_params}
        recorded = {field: values for field, values in told.items() if values is not None}
        if not all(isinstance(values, dict) for values in recorded.values()):
            return False
        ours, theirs = _list_params(given), _list_params(recorded)
        return ours.keys() == theirs.keys() and all(
            value == theirs[name] or _HIDDEN in (value, theirs[name])
            for name, value in ours.items()
        )


# A parameter whose value is not told.
_HIDDEN = ("params", f'"{REDACTED}"')


def _list_params(fields: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the parameters that a record has: by name, the field and the JSON of the value."""
    found = {}
    for field in ("params", "cut_params"):
        for name, value in fields.get(field, {}).items():
            try:
                found[name] = field, _encode(value)
            except (ValueError, RecursionError):  # it was damaged: it is like no other value
                found[name] = field, ""
    return found


def read_start(offset: int, line: bytes) -> RunStart | None:
    """Return what a line says if it is the first record of a run; else None.

    Args:
        offset: Where the line stands in the file.
        line: What it holds.
    """
    record = read_record(line)
    run_id = record.get("run_id")
    if record.get("event") != RUN_STARTED or not isinstance(run_id, str):
        return None
    moment, workflow, params, cut, resumes = map(
        record.get, ("ts", "workflow", "params", "cut_params", "resumes")
    )
    files, packages = (_read_texts(record, field) for field in ("files", "packages"))
    code = Code(str(record.get("version")), files, packages)
    return RunStart(offset, record.get("v"), run_id, moment, workflow, params, cut, resumes, code)


def _read_texts(record: dict[str, Any], field: str) -> dict[str, str]:
    """Return an object of strings that a record may have."""
    found = record.get(field)
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def read_record(line: bytes) -> dict[str, Any]:
    """Return the record that a line holds; an empty one if a crash has torn it."""
    try:
        text = line.decode().strip(" \t\r")
        record, end = _scan(text, 0)
    except (ValueError, RecursionError, StopIteration):
        return {}
    return record if isinstance(record, dict) and end == len(text) else {}


def read_records(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return the records that lines hold; an empty one for each that a crash has torn."""
    records: list[Any] = []
    with suppress(ValueError, RecursionError, StopIteration):  # all at once, which is faster
        records, _ = _scan(f"[{b','.join(lines).decode()}]", 0)
    if len(records) == len(lines) and {*map(type, records)} <= {dict}:
        return records
    return [read_record(line) for line in lines]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


# What `json.loads` does, without what it does besides: a third of its time.
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(  # a function of C's, untyped
    parse_constant=_refuse
).scan_once  # type: ignore[attr-defined]


def read_past(record: dict[str, Any], run: int, began: int, ended: int) -> StepPast:
    """Return what the record of a step's end says of it.

    Of a step whose record is damaged it is not known what it has done.

    Args:
        record: The record.
        run: In which run of those that belong together.
        began: Where the record of the step's beginning stands.
        ended: Where this record stands.
    """
    action, key, attempts, ok = map(record.get, ("action", "key", "attempts", "ok"))
    state: State = "begun"
    output, cut = None, None
    if type(action) is not str or type(attempts) is not int:
        action, attempts = "", 0
    elif ok is True and attempts > 0 and "output" in record:
        state, output, cut = _read_output(record)
    elif ok is False and record.get("error_type") != INTERRUPT:
        state = "failed" if attempts else "not_tried"
    elif ok is False and not attempts:
        state = "not_tried"
    return tuple.__new__(StepPast, (run, began, ended, state, action, key, output, attempts, cut))


def read_skip(record: dict[str, Any], run: int, place: int) -> StepPast:
    """Return what the record of a step that was skipped says of it; see `read_past`."""
    action = record.get("action")
    name = action if type(action) is str else ""
    return StepPast(run, place, place, "skipped", name, None, None, 0, None)


def _read_output(record: dict[str, Any]) -> tuple[State, Json, Cut | None]:
    """Return the output of a step that is ok, and what is known of it if it was cut."""
    output = record["output"]
    if "cut" in record:
        cut = _read_cut(record["cut"])
        return ("begun" if cut is None else "ok"), None, cut
    if "redacted" in record:  # such a step has no key, so its output is never asked for
        return "ok", None, None
    try:
        return "ok", output if type(output) is str else copy_json(output), None
    except TypeError:  # an infinity: Python reads 1e999 as one
        return "begun", None, None


def _read_cut(cut: object) -> Cut | None:
    if not isinstance(cut, dict):
        return None
    length, sha256 = cut.get("bytes"), cut.get("sha256")
    if type(length) is int and type(sha256) is str and length > MAX_VALUE_BYTES:
        return Cut(length, sha256)
    return None
