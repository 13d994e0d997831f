"""The end of a record whose run was killed: a second signal leaves it no time to write its own."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING

from driftflow.planning.plan import Step
from driftflow.recording.audit import utc_now
from driftflow.recording.reader import AuditReader
from driftflow.recording.records import (
    ATTEMPT_FAILED,
    RUN_FINISHED,
    START,
    STEP_FINISHED,
    STEP_STARTED,
    format_record,
    read_records,
    read_start,
)
from driftflow.recording.storage import JsonFileStorage
from driftflow.running.attempts import UNKNOWN_FAILURE
from driftflow.running.events import RunFinished, StepFinished
from driftflow.running.interpreter import make_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from driftflow.running.events import Event


def close_record(
    path: str, run_id: str, signal: str | None = None, now: Callable[[], str] = utc_now
) -> None:
    """Append to an audit how a run ended that was killed, if it has not done so itself.

    Args:
        path: The audit's file.
        run_id: The run's own name.
        signal: The name of the signal that killed it; None if there was none.
        now: Gives the time stamps; by default the system's clock.

    Raises:
        StorageError: If the audit cannot be read or written.
    """
    records = _read_records(path, run_id)
    if not records or records[-1]["event"] == RUN_FINISHED:
        return
    numbers = count(records[-1]["seq"] + 1)
    namesakes = {record["index"]: record["namesake"] for record in records if "namesake" in record}
    with JsonFileStorage(path) as storage:
        for event in _find_ends(records, signal, now()):
            seq = next(numbers)
            storage.append(format_record(event, now(), run_id, seq, namesakes=namesakes))
        storage.sync()


def _read_records(path: str, run_id: str) -> list[dict[str, Any]]:
    """Return the records of a run, in the order of the file.

    If the file was renamed meanwhile, the one that has its name has not the first ones.
    """
    with AuditReader(path, by_anybody=True) as reader:
        starts = (read_start(offset, line) for offset, line in reader.find_lines(START))
        found = (start.offset for start in starts if start and start.run_id == run_id)
        blocks = reader.read_lines({next(found, 0): run_id.encode()})
        records = (record for lines in blocks for record in read_records(lines))
        return [record for record in records if record.get("run_id") == run_id]


def _find_ends(records: list[dict[str, Any]], signal: str | None, moment: str) -> Iterator[Event]:
    """Yield the ends that are missing: of the steps that were under way, and of the run."""
    open_steps: dict[int, dict[str, Any]] = {}
    tried: dict[int, int] = {}  # by step, how many attempts there were, with one under way
    for record in records:
        if record["event"] == STEP_STARTED:
            open_steps[record["index"]] = record
        elif record["event"] == STEP_FINISHED:
            open_steps.pop(record["index"], None)
        elif record["event"] == ATTEMPT_FAILED:
            is_last = record["wait_seconds"] is None
            tried[record["index"]] = record["attempt"] if is_last else record["attempt"] + 1
    for index, record in sorted(open_steps.items()):
        # What it was handed is not on record, so it has no key.
        step = Step(record["step"], record["action"], "", 0, optional=False, has_key=False)
        result = make_failed(step, UNKNOWN_FAILURE, tried.get(index, 1), 0.0)
        yield StepFinished(index, step, result)
    began, ended = map(datetime.fromisoformat, (records[0]["ts"], moment))
    yield RunFinished("interrupted", (ended - began).total_seconds(), signal=signal)
