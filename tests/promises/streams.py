"""A closed or full stdout does not end a run: the audit is the record, what is printed a view."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from support import workflows
from support.command import process_environment

from promises import Promise, Verdict

if TYPE_CHECKING:
    from pathlib import Path

# By what is done with its stdout, as a shell writes it, the exit status of the command.
_STREAMS = {"| head -1": 141, ">/dev/full": 3, ">&-": 3}


def streams_that_take_nothing(folder: Path, *, steps: int) -> Verdict:
    """In each way; with more output than a pipe holds."""
    faults: list[str] = []
    for redirection, wanted in _STREAMS.items():
        for options in ("", "--print-json"):
            audit = folder / "driftflow.audit.json"
            audit.unlink(missing_ok=True)
            given = [{"input": "x" * 2000} for _ in range(steps)]
            workflows.save(folder, *given, flags={"audit": True})
            status, stderr = _ended(folder, options, redirection)
            records = [json.loads(line) for line in audit.read_text().splitlines()]
            finished = sum(record["event"] == "step_finished" for record in records)
            end = records[-1].get("status")
            if (status, finished, end) != (wanted, steps, "ok") or "Traceback" in stderr:
                faults.append(f"{redirection} {options}: {status}, {finished} steps, {end}")
    figure = f"{2 * len(_STREAMS)} runs of {steps} steps, {len(faults)} wrong"
    return Verdict(not faults, "; ".join([figure, *faults]))


def _ended(folder: Path, options: str, redirection: str) -> tuple[int, str]:
    """The exit status of the command, whatever stands behind it; and its stderr."""
    command = f'"{sys.executable}" -m driftflow --config config.json {options}'
    done = subprocess.run(
        ["/bin/sh", "-c", f"{{ {command}; echo $? >status; }} {redirection}"],
        cwd=folder,
        env=process_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return int((folder / "status").read_text()), done.stderr


PROMISES = [
    Promise(
        "STDOUT-1",
        "a closed or full stdout does not end a run",
        "| head -1: 141, >/dev/full: 3, >&-: 3; the audit complete",
        streams_that_take_nothing,
        {"steps": 200},
        {"steps": 20_000},
    )
]
