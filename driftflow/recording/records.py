"""The records of the audit: an event as a line of the file, and such a line read back.

The writer and the reader stand side by side, so that neither learns of a field without the other.
Pure: the same event gives the same line.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from driftflow.planning.plan import digest
from driftflow.running.events import (
    RunFinished,
    RunStarted,
    StepDiscarded,
    StepFinished,
    StepStarted,
)
from driftflow.text import REDACTED, round_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftflow.planning.plan import Step
    from driftflow.running.events import Event

AUDIT_VERSION = 1

# The longest output or error that a record has whole: as much is written in one go, even if the
# process is killed. Bytes of compact ASCII JSON.
LONGEST = 65536
# A string's beginning, in whole characters: no half of a pair of surrogates is its end.
_JSON_CHARACTERS = r'"(?:[^"\\]|\\u[0-9a-f]{4}|\\[^u])*(?<!\\ud[89ab][0-9a-f]{2})'

_quote = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode

# To pass over a line by these takes much less time than to read it as JSON.
_RUN_ID = re.compile(rb'"run_id": ?"([^"]*)"')
_START = b'"run_started"'


def audit_line(event: Event, *, moment: str, run_id: str, seq: int) -> str:
    """The event as a record of the audit: compact ASCII JSON, `schema/audit.schema.json`.

    Args:
        event: What happened.
        moment: When: a time stamp in UTC.
        run_id: The run's own name, of characters that JSON does not escape.
        seq: The record's number in the run, from 0.

    Raises:
        ValueError: If an output holds NaN or Infinity, for which JSON has no form.
    """
    head = f'"v":{AUDIT_VERSION},"ts":"{moment}","run_id":"{run_id}","seq":{seq}'
    return f"{{{head},{_AUDIT_FIELDS[type(event)](event)}}}"


# Written out: to make a dict of each and encode that takes a quarter longer.
def _run_started(event: RunStarted) -> str:
    resumes = f',"resumes":{_encode(event.resumed.run_id)}' if event.resumed else ""
    return (
        f'"event":"run_started","workflow":{_encode(event.plan.name)},'
        f'"plan":"{digest(event.plan)}","steps":{len(event.plan.steps)}{resumes}'
    )


def _step_started(event: StepStarted) -> str:
    return f'"event":"step_started",{_which(*event)}'


def _step_finished(event: StepFinished) -> str:
    return f'"event":"step_finished",{_what_came(event)}'


def _step_discarded(event: StepDiscarded) -> str:
    return f'"event":"step_discarded",{_what_came(event)}'


def _what_came(event: StepFinished | StepDiscarded) -> str:
    place, step, (_, ok, output, error, attempts, duration_seconds, reused) = event
    said, notes = _encode(output if ok else error), ',"reused":true' if reused else ""
    if step.sensitive:
        said, notes = f'"{REDACTED}"', f'{notes},"redacted":true'
    elif len(said) > LONGEST:
        said, notes = _cut(said), f"{notes},{_measured(said)}"
    came = (
        f'"ok":true,"output":{said},"error":null'
        if ok
        else f'"ok":false,"output":null,"error":{said}'
    )
    return (
        f'{_which(place, step)},{came},"attempts":{attempts},'
        f'"duration_seconds":{round_seconds(duration_seconds)}{notes}'
    )


def _cut(text: str) -> str:
    """A JSON string of the beginning of a JSON text, or of the string that this is."""
    string = text if text.startswith('"') else _encode(text[:LONGEST])
    beginning = re.compile(_JSON_CHARACTERS).match(string, 0, LONGEST)
    return f'{beginning[0]}"' if beginning else '""'


def _measured(text: str) -> str:
    import hashlib

    digest = hashlib.sha256(text.encode("ascii")).hexdigest()
    return f'"cut":{{"bytes":{len(text)},"sha256":"{digest}"}}'


def _which(place: int, step: Step) -> str:
    return f'"index":{place},"step":{_quote(step.name)},"action":{_quote(step.action)}'


def _run_finished(event: RunFinished) -> str:
    duration_seconds = round_seconds(event.duration_seconds)
    return f'"event":"run_finished","status":"{event.status}","duration_seconds":{duration_seconds}'


_AUDIT_FIELDS: dict[type, Callable[[Any], str]] = {
    RunStarted: _run_started,
    StepStarted: _step_started,
    StepFinished: _step_finished,
    StepDiscarded: _step_discarded,
    RunFinished: _run_finished,
}


def may_start_run(line: bytes) -> bool:
    """Return whether the line may be the first record of a run; without reading it as JSON."""
    return _START in line


def run_id_in(line: bytes) -> bytes | None:
    """Return the run that the line seems to be of, without reading it as JSON; None for none."""
    found = _RUN_ID.search(line)
    return found and found[1]


def read_record(line: bytes) -> dict[str, Any]:
    """Return the record that a line holds; an empty one for what a crash has left of one.

    Half an object is no JSON, so nothing torn is taken for a record.
    """
    try:
        record = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _refuse(what: str) -> NoReturn:
    raise ValueError(what)
