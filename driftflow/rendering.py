"""Events and results as text: lines for people, documents for programs, records for the audit.

Pure: the same values give the same text, wherever and whenever.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from driftflow.events import RunFinished, RunStarted, StepFinished, StepStarted
from driftflow.plan import digest

if TYPE_CHECKING:
    from datetime import datetime

    from driftflow.events import Event, StepResult
    from driftflow.result import RunResult

# What could break a line or drive a terminal: control characters, line and paragraph
# separators, bidirectional controls, and surrogates, which UTF-8 cannot hold. JSON's own
# escapes cover the first 32 and no more.
_LEFT_BY_JSON = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSAFE = re.compile(f"[\x00-\x1f{_LEFT_BY_JSON}]")
_UNSAFE_IN_JSON = re.compile(f"[{_LEFT_BY_JSON}]")

AUDIT_VERSION = 1


def escape(text: str) -> str:
    r"""The text on one line, with escapes for what would drive a terminal: `\n`, `\u202e`."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON, as safe to print as what `escape` gives; compact without an indent."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators
    )
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def result_line(result: StepResult) -> str:
    """`OK name: output` or `FAIL name: error`, without the end of the line."""
    name = escape(result.name)
    if not result.ok:
        return f"FAIL {name}: {escape(str(result.error))}"
    output = result.output
    return f"OK {name}: {escape(output) if isinstance(output, str) else json_text(output)}"


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
            }
            for result in run.results
        ],
    }
    if run.plan.flags.is_enabled("metrics"):
        document["metrics"] = metrics(run)
    return document


def metrics(run: RunResult) -> dict[str, Any]:
    """Durations and counts. Times in seconds, to the microsecond."""
    ok = sum(result.ok for result in run.results)
    return {
        "duration_seconds": round(run.duration_seconds, 6),
        "attempts": sum(result.attempts for result in run.results),
        "steps": {
            "planned": len(run.plan.steps),
            "ok": ok,
            "failed": len(run.results) - ok,
            "not_run": len(run.plan.steps) - len(run.results),
        },
        "step_durations": [
            {"name": result.name, "duration_seconds": round(result.duration_seconds, 6)}
            for result in run.results
        ],
    }


def audit_record(event: Event, *, moment: datetime, run_id: str, seq: int) -> dict[str, Any]:
    """The event as a record of the audit: `schema/audit.schema.json`.

    Args:
        event: What happened.
        moment: When; in UTC.
        run_id: The run's own name.
        seq: The record's number in the run, from 0.
    """
    return {
        "v": AUDIT_VERSION,
        "ts": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "run_id": run_id,
        "seq": seq,
        **_audit_fields(event),
    }


def _audit_fields(event: Event) -> dict[str, Any]:
    match event:
        case RunStarted(plan):
            return {
                "event": "run_started",
                "workflow": plan.name,
                "plan": digest(plan),
                "steps": len(plan.steps),
            }
        case StepStarted(place, step):
            return {
                "event": "step_started",
                "index": place,
                "step": step.name,
                "action": step.action,
            }
        case StepFinished(place, step, result):
            return {
                "event": "step_finished",
                "index": place,
                "step": step.name,
                "action": step.action,
                "ok": result.ok,
                "output": result.output,
                "error": result.error,
                "attempts": result.attempts,
                "duration_seconds": round(result.duration_seconds, 6),
            }
        case RunFinished(status, duration_seconds):
            return {
                "event": "run_finished",
                "status": status,
                "duration_seconds": round(duration_seconds, 6),
            }
