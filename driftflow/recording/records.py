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
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from driftflow.planning.plan import digest, find_key
from driftflow.planning.references import thaw
from driftflow.reading.document import copy_json
from driftflow.running.events import (
    AttemptFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepResult,
    StepStarted,
)
from driftflow.text import REDACTED, round_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from driftflow.planning.plan import Step
    from driftflow.planning.references import FrozenObject
    from driftflow.reading.document import Json
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

# Most lines are passed over by looking for these bytes, much faster than by reading JSON.
_RUN_ID = re.compile(rb'"run_id": ?"([^"]*)"')
_START = b'"run_started"'


class Code(NamedTuple):
    """The code that a run performs.

    Attributes:
        version: The version of DriftFlow.
        files: By path, the SHA-256 of each file, in hexadecimal.
        packages: By name, the version of each package.
    """

    version: str
    files: Mapping[str, str]
    packages: Mapping[str, str]


NO_CODE = Code("unknown", {}, {})


def format_record(event: Event, moment: str, run_id: str, seq: int, code: Code = NO_CODE) -> str:
    """Return the event as a record, without the end of the line.

    Args:
        event: What happened.
        moment: When: a time stamp in UTC.
        run_id: The run's own name, in characters that JSON does not escape.
        seq: The record's number in the run, from 0.
        code: What the first record tells of the code.

    Raises:
        ValueError: If an output holds NaN or Infinity, for which JSON has no form.
    """
    fields = _FORMATS[type(event)](event)
    if type(event) is RunStarted:
        fields += _format_facts(code._asdict())
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
    plan, resumed, keep_going = event
    facts = {"keep_going": keep_going, "resumes": resumed and resumed.run_id}
    return (
        f'"event":"run_started","workflow":{_encode(plan.name)},'
        f'"plan":"{digest(plan)}","steps":{len(plan.steps)},'
        f'"config":{_encode(plan.source)},{_format_params(plan.params)}{_format_facts(facts)}'
    )


def _format_params(params: FrozenObject) -> str:
    """Return the parameters; of one that is long, only its length and digest."""
    texts = {name: _encode(thaw(value)) for name, value in params.members}
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
    index, step, (_, ok, output, error, attempts, seconds, reused, error_type, place) = event
    text, notes = _format_value(step, output if ok else error)
    if reused:
        notes = f',"reused":true{notes}'
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
    import hashlib

    sha256 = hashlib.sha256(text.encode("ascii")).hexdigest()
    return f'"bytes":{len(text)},"sha256":"{sha256}"'


def _format_run_finished(event: RunFinished) -> str:
    seconds = round_seconds(event.duration_seconds)
    fields = f'"event":"run_finished","status":"{event.status}","duration_seconds":{seconds}'
    names = ("stopped_by", "signal", "discarded", "not_run")
    return fields + _format_facts({name: getattr(event, name) for name in names})


_FORMATS: dict[type, Callable[[Any], str]] = {
    RunStarted: _format_run_started,
    StepStarted: _format_step_started,
    AttemptFailed: _format_attempt_failed,
    StepFinished: _format_step_finished,
    RunFinished: _format_run_finished,
}


def may_be_record(line: bytes) -> bool:
    """Return whether a line is a record of any version, or what a crash has left of one."""
    if record := _read_record(line):
        return all(type(record.get(field)) is kind for field, kind in _IN_ALL.items())
    return _BEGINNING.match(line) is not None or b'{"v":1,"ts":"'.startswith(line)


class RunStart(NamedTuple):
    """What the first record of a run says; a damaged one may say anything.

    Attributes:
        version: The version of the record.
        run_id: The run's own name.
        moment: When it was written: a time stamp.
        workflow: The workflow's name.
        plan: The digest of the plan.
        resumes: The name of the earlier run that was taken up, if one was.
    """

    version: object
    run_id: str
    moment: object
    workflow: object
    plan: object
    resumes: object


def read_starts(lines: Iterable[bytes]) -> Iterator[RunStart]:
    """Yield the first record of each run, in the order of the file."""
    for line in lines:
        record = _read_record(line) if _START in line else {}
        run_id = record.get("run_id")
        if record.get("event") == "run_started" and isinstance(run_id, str):
            fields = ("ts", "workflow", "plan", "resumes")
            yield RunStart(record.get("v"), run_id, *map(record.get, fields))


def read_records(lines: Iterable[bytes], run_ids: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield the records of these runs, in the order of the file."""
    wanted = {run_id.encode(errors="replace") for run_id in run_ids}
    for line in lines:
        found = _RUN_ID.search(line)
        if found and found[1] in wanted and (record := _read_record(line)).get("run_id") in run_ids:
            yield record


def _read_record(line: bytes) -> dict[str, Any]:
    """Return the record that a line holds; an empty one if a crash has torn it."""
    try:
        record = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def read_statuses(records: Iterable[dict[str, Any]]) -> dict[str, object]:
    """Return the status with which each run ended, by its name; none of a run that did not end."""
    return {record["run_id"]: record.get("status") for record in records if is_run_end(record)}


def is_known_version(version: object) -> bool:
    """Return whether that is the version of records that are understood here."""
    return type(version) is int and version == AUDIT_VERSION


def read_index(record: dict[str, Any]) -> int | None:
    """Return the index of the step that a record is about; None if it is about no step."""
    index = record.get("index")
    return index if type(index) is int and index >= 0 else None


def is_step_start(record: dict[str, Any]) -> bool:
    """Return whether the record says that a step is about to be tried."""
    return record.get("event") == "step_started"


def is_failed_attempt(record: dict[str, Any]) -> bool:
    """Return whether the record says that an attempt at a step failed."""
    return record.get("event") == "attempt_failed"


def is_step_end(record: dict[str, Any]) -> bool:
    """Return whether the record says what came of a step."""
    return record.get("event") == "step_finished"


def is_run_end(record: dict[str, Any]) -> bool:
    """Return whether the record says how the run ended."""
    return record.get("event") == "run_finished"


def has_failed(record: dict[str, Any]) -> bool:
    """Return whether the record says that a step was tried, and failed."""
    return not record.get("ok") and bool(record.get("attempts"))


def read_result(record: dict[str, Any], step: Step) -> StepResult | None:
    """Return the result that a record has of this step, if it is ok and all of it is there."""
    attempts = record.get("attempts")
    is_whole = "output" in record and "cut" not in record and "redacted" not in record
    is_of_step = (record.get("step"), record.get("action")) == (step.name, step.action)
    if record.get("ok") is not True or step.sensitive or not is_whole or not is_of_step:
        return None
    if type(attempts) is not int or attempts < 1:
        return None
    try:
        output = copy_json(record["output"])
    except TypeError:  # an infinity: Python reads 1e999 as one
        return None
    return StepResult(step.name, True, output, None, attempts, 0.0, True)  # noqa: FBT003 - its fields
