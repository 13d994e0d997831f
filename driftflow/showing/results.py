"""Events and results as text: lines for people, documents for programs, records for the audit.

Pure: the same values give the same text, wherever and whenever.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from driftflow.errors import REDACTED
from driftflow.planning.plan import digest
from driftflow.running.events import (
    RunFinished,
    RunStarted,
    StepDiscarded,
    StepFinished,
    StepStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftflow.planning.plan import Step
    from driftflow.running.events import Event
    from driftflow.running.result import RunResult

# What could break a line or drive a terminal: control characters, line and paragraph
# separators, bidirectional controls, and surrogates, which UTF-8 cannot hold. JSON's own
# escapes cover the first 32 and no more.
_LEFT_BY_JSON = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSAFE = f"[\x00-\x1f{_LEFT_BY_JSON}]"
_UNSAFE_IN_JSON = f"[{_LEFT_BY_JSON}]"

AUDIT_VERSION = 1

# The longest output or error that a record has whole: as much is written in one go, even if the
# process is killed. Bytes of compact ASCII JSON.
LONGEST = 65536
# A string's beginning, in whole characters: no half of a pair of surrogates is its end.
_JSON_CHARACTERS = r'"(?:[^"\\]|\\u[0-9a-f]{4}|\\[^u])*(?<!\\ud[89ab][0-9a-f]{2})'

_quote = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def escape(text: str) -> str:
    r"""The text on one line, with escapes for what would drive a terminal: `\n`, `\u202e`."""
    return re.sub(_UNSAFE, lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON, as safe to print as what `escape` gives; compact without an indent."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators
    )
    return re.sub(_UNSAFE_IN_JSON, lambda match: f"\\u{ord(match[0]):04x}", text)


def result_line(event: StepFinished) -> str:
    """`OK name: output` or `FAIL name: error`, without the end of the line."""
    _, step, result = event
    if step.sensitive:
        line = f"{'OK' if result.ok else 'FAIL'} {result.name}: {REDACTED}"
    elif result.ok:
        output = result.output
        line = f"OK {result.name}: {output if isinstance(output, str) else json_text(output)}"
    else:
        line = f"FAIL {result.name}: {result.error}"
    return line if line.isprintable() else escape(line)


def result_document(run: RunResult) -> dict[str, Any]:
    """What `--print-json` prints and `run_workflow` returns: `schema/result.schema.json`."""
    document: dict[str, Any] = {
        "name": run.plan.name,
        "status": run.status,
        "results": [
            {
                "name": result.name,
                "ok": result.ok,
                "output": result.output,
                "error": result.error,
                "attempts": result.attempts,
                **({"reused": True} if result.reused else {}),
            }
            for result in run.results
        ],
    }
    if run.discarded:
        document["discarded"] = [result.name for result in run.discarded]
    if run.resumed:
        unfinished = [run.plan.steps[place].name for place in run.resumed.unfinished]
        document["resumed"] = {"run_id": run.resumed.run_id, "may_have_run": unfinished}
    if run.plan.flags.is_enabled("metrics"):
        document["metrics"] = metrics(run)
    return document


def metrics(run: RunResult) -> dict[str, Any]:
    """Durations and counts. Times in seconds, to the microsecond."""
    ok = sum(result.ok for result in run.results)
    return {
        "duration_seconds": _to_the_microsecond(run.duration_seconds),
        "attempts": sum(result.attempts for result in run.results if not result.reused),
        "steps": {
            "planned": len(run.plan.steps),
            "ok": ok,
            "failed": len(run.results) - ok,
            "not_run": len(run.plan.steps) - len(run.results),
        },
        "step_durations": [
            {
                "name": result.name,
                "duration_seconds": _to_the_microsecond(result.duration_seconds),
            }
            for result in run.results
        ],
    }


def _to_the_microsecond(seconds: float) -> float:
    """As `round` does, in a quarter of its time."""
    return int(seconds * 1e6 + 0.5) / 1e6


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
        f'"duration_seconds":{_to_the_microsecond(duration_seconds)}{notes}'
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
    duration_seconds = _to_the_microsecond(event.duration_seconds)
    return f'"event":"run_finished","status":"{event.status}","duration_seconds":{duration_seconds}'


_AUDIT_FIELDS: dict[type, Callable[[Any], str]] = {
    RunStarted: _run_started,
    StepStarted: _step_started,
    StepFinished: _step_finished,
    StepDiscarded: _step_discarded,
    RunFinished: _run_finished,
}
