"""The results of a run: a line for each step, and a document for programs.

Pure: the same values give the same text, wherever and whenever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftflow.planning.values import Facts, evaluate_output
from driftflow.text import REDACTED, escape, format_json, round_seconds

if TYPE_CHECKING:
    from driftflow.reading.document import Json
    from driftflow.running.events import RunResult, StepDone


def format_line(event: StepDone) -> str:
    """Return `OK name: output`, `FAIL name: error` or `SKIP name: reason`, without a line end."""
    _, step, (name, ok, output, error, _, _, _, _, _, cut, _, skipped) = event
    if skipped is not None:
        line = f"SKIP {name}: {skipped}"
    elif step.sensitive:
        line = f"{'OK' if ok else 'FAIL'} {name}: {REDACTED}"
    elif cut:
        line = f"OK {name}: [cut] {cut.bytes:,} bytes"
    elif ok:
        line = f"OK {name}: {output if isinstance(output, str) else format_json(output)}"
    else:
        line = f"FAIL {name}: {error}"
    return line if line.isprintable() else escape(line)


def build_result_document(run: RunResult) -> dict[str, Any]:
    """Return what `--print-json` prints and `run_workflow` returns: `result.schema.json`."""
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
                **({"cut": result.cut._asdict()} if result.cut else {}),
                **({"fetched": True} if result.fetched else {}),
                **({"skipped": result.skipped} if result.skipped is not None else {}),
            }
            for result in run.results
        ],
    }
    if run.plan.output:
        document["output"] = _find_output(run)
    if run.discarded:
        document["discarded"] = [result.name for result in run.discarded]
    if run.not_run is not None:
        document["not_run"] = [run.plan.steps[index].name for index in run.not_run]
    if run.resumed:
        unknown = [run.plan.steps[index].name for index in run.resumed.may_have_run]
        document["resumed"] = {"run_id": run.resumed.past.run_id, "may_have_run": unknown}
    if run.plan.flags.is_enabled("metrics"):
        document["metrics"] = _measure(run)
    return document


def _find_output(run: RunResult) -> Json:
    """Return the output of the workflow, with null for what no step has given."""
    outputs = {
        result.name: result.output
        for result in run.results
        if result.ok and result.skipped is None and result.cut is None
    }
    facts = Facts(outputs, run={"id": run.run_id})
    return evaluate_output(run.plan.output[0], facts)


def _measure(run: RunResult) -> dict[str, Any]:
    """Return durations and counts. Times in seconds, to the microsecond."""
    ok = sum(result.ok for result in run.results)
    skipped = sum(result.skipped is not None for result in run.results)
    return {
        "duration_seconds": round_seconds(run.duration_seconds),
        "attempts": sum(result.attempts for result in run.results if not result.reused),
        "steps": {
            "planned": len(run.plan.steps),
            "ok": ok - skipped,
            "failed": len(run.results) - ok,
            "not_run": len(run.plan.steps) - len(run.results),
            **({"skipped": skipped} if skipped else {}),
        },
        "step_durations": [
            {"name": result.name, "duration_seconds": round_seconds(result.duration_seconds)}
            for result in run.results
        ],
    }
