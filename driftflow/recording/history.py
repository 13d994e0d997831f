"""What the audit has of earlier runs: which of them can be resumed, and what they have done.

- The audit is all that a resumed run needs. Others keep a second store for this (doit a database,
  Step Functions a service), which can disagree with the log.
- The newest run of the workflow with these parameters counts, not the newest that failed. If it is
  ok, there is nothing to resume: a nightly job with `--resume` would otherwise go on from last
  week's failure.
- A run that was itself resumed is read together with the one before it, and so on: it has no record
  of what it kept.
- What it says is believed, so only a file is read that nobody else could have written
  (`reader.AuditReader`), and only records of a version that is known.
- A step may run twice: a crash can always fall between what an action does and the record of it.
"""

from __future__ import annotations

import json
import re
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn

from driftflow.errors import ResumeError, StorageError
from driftflow.recording.reader import AuditReader
from driftflow.recording.records import (
    AUDIT_VERSION,
    RUN_FINISHED,
    RUN_STARTED,
    START,
    STEP_FINISHED,
    STEP_SKIPPED,
    STEP_STARTED,
    read_past,
    read_records,
    read_skip,
    read_start,
)
from driftflow.resuming.past import Past, StepPast
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftflow.planning.plan import Plan
    from driftflow.recording.records import RunStart
    from driftflow.resuming.past import StepId

# How many names of runs an error lists.
_LISTED = 3


def find_last_run(plan: Plan, *, by_anybody: bool = False) -> Past:
    """Return what is on record of the newest run of a workflow.

    It is the newest with the workflow's name and the same parameters.

    Args:
        plan: What is to be done; its audit is read.
        by_anybody: Whether the file is read though others can write it.

    Raises:
        ResumeError: If there is no audit, or no such run in it, or if that ended ok.
        StorageError: If there is an audit that cannot be read, or that others can write; or if the
            newest run of the workflow, or one that it resumed, has records of an unknown version.
    """
    path = _require_audit(plan)
    passed_over = 0
    with AuditReader(path, by_anybody=by_anybody) as reader:
        for start in _find_starts(reader, having=_find_bytes(plan.name)):
            if start.workflow != plan.name:
                continue
            version = start.version
            if not passed_over and (type(version) is not int or version != AUDIT_VERSION):
                _refuse_version(path, version)
            if start.has_params(plan.params):
                past = _read_past(reader, _follow(reader, start), passed_over)
                if past.status == "ok":
                    reason = "the last run of this workflow with these parameters ended ok"
                    raise ResumeError(reason)
                return past
            passed_over += 1
    if not reader.is_there:
        raise ResumeError(f"there is no audit {path}")
    parameters = " with these parameters" if passed_over else ""
    raise ResumeError(f"{path} has no run of this workflow{parameters}")


def find_run(plan: Plan, run_id: str) -> Past:
    """Return what is on record of a run, whatever its workflow, its parameters and its end.

    Args:
        plan: What is to be done; its audit is read.
        run_id: The run's own name, or the beginning of it.

    Raises:
        ResumeError: If there is no audit, or no such run in it, or more than one.
        StorageError: If there is an audit that cannot be read, or that others can write; or if the
            run, or one that it resumed, has records of an unknown version.
    """
    path = _require_audit(plan)
    with AuditReader(path) as reader:
        found: dict[str, tuple[RunStart, int]] = {}
        passed_over = 0
        for start in _find_starts(reader):
            if run_id and start.run_id.startswith(run_id):
                found[start.run_id] = start, passed_over
            passed_over += start.workflow == plan.name
        if not reader.is_there:
            raise ResumeError(f"there is no audit {path}")
        if not found:
            raise ResumeError(f"{path} has no run `{shorten(run_id)}`")
        if len(found) > 1 and run_id not in found:
            names = ", ".join(f"`{shorten(name)}`" for name in [*found][:_LISTED])
            others = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
            several = f"{len(found)} runs whose names begin with `{shorten(run_id)}`"
            raise ResumeError(f"{path} has {several}: {names}{others}")
        run, passed_over = found.get(run_id) or next(iter(found.values()))
        return _read_past(reader, _follow(reader, run), passed_over)


def _require_audit(plan: Plan) -> str:
    """Return the file of a plan's audit; raise ResumeError if it has none."""
    if not plan.flags.is_enabled("audit"):
        raise ResumeError("the flag audit is off")
    return plan.storage_path


def _find_starts(
    reader: AuditReader, end: int | None = None, having: bytes = b""
) -> Iterator[RunStart]:
    """Yield the first record of each run, the newest one first.

    Args:
        reader: Reads the audit.
        end: Before which record they are looked for; None for the end of the file.
        having: Bytes that a record has to have in it: the others need not be read.
    """
    for offset, line in reader.find_lines(START, end):
        start = read_start(offset, line) if having in line else None
        if start is not None:
            yield start


def _find_bytes(name: str) -> bytes:
    """Return the bytes that a name has in any JSON; none if that depends on who wrote it."""
    return name.encode() if re.fullmatch(r"[\w .-]*", name, re.ASCII) else b""


def _refuse_version(path: str, version: object) -> NoReturn:
    which = "no version" if version is None else f"version {shorten(json.dumps(version))}"
    known = f"only version {AUDIT_VERSION} is supported"
    raise StorageError(path, f"the audit cannot be read: a record has {which}, but {known}")


def _follow(reader: AuditReader, start: RunStart) -> list[RunStart]:
    """Return a run, behind the one that it resumed, behind the one that this resumed, and so on."""
    chain = [start]
    if isinstance(start.resumes, str):  # else there is no need to look for it
        for earlier in _find_starts(reader, start.offset):
            if earlier.run_id == chain[-1].resumes:
                chain.append(earlier)
                if not isinstance(earlier.resumes, str):
                    break
    return chain[::-1]


def _read_past(reader: AuditReader, chain: Sequence[RunStart], passed_over: int = 0) -> Past:
    """Return what is on record of runs of which each one resumed the one before it."""
    numbers = {start.run_id: number for number, start in enumerate(chain)}
    names = {start.offset: start.run_id.encode(errors="replace") for start in chain}
    next_seqs = [0] * len(chain)
    complete_since = 0
    statuses: list[object] = [None] * len(chain)
    fold = _Fold(len(chain))
    takers = {STEP_STARTED: fold.begin, STEP_FINISHED: fold.end, STEP_SKIPPED: fold.skip}
    places = count()
    for lines in reader.read_lines(names):
        for place, record in zip(places, read_records(lines), strict=False):
            run_id, version, seq = record.get("run_id"), record.get("v"), record.get("seq")
            if type(run_id) is not str or run_id not in numbers:
                continue
            if type(version) is not int or version != AUDIT_VERSION:
                _refuse_version(reader.path, version)
            run, event = numbers[run_id], record.get("event")
            if seq != next_seqs[run]:
                complete_since = max(complete_since, run)
            next_seqs[run] = seq + 1 if type(seq) is int else 0
            if event in takers:
                takers[event](record, run, place)
            elif event == RUN_STARTED:
                fold.begin_run(run, place)
            elif event == RUN_FINISHED:
                names.pop(chain[run].offset, None)
                statuses[run] = record.get("status")
    return Past(
        run_id=chain[-1].run_id,
        moment=str(chain[-1].moment),
        status=statuses[-1] if isinstance(statuses[-1], str) else None,
        steps=fold.finish(),
        codes=[start.code for start in chain],
        complete_since=complete_since,
        passed_over=passed_over,
    )


class _Fold:
    """The newest that is on record of each step.

    Where a record stands is told by its number among those of all runs.

    Args:
        runs: How many runs there are.
    """

    def __init__(self, runs: int) -> None:
        self._run_starts = [0] * runs
        self._steps: dict[StepId, StepPast] = {}
        self._begun: dict[StepId, tuple[int, int]] = {}  # those without an end: run, and place

    def begin_run(self, run: int, place: int) -> None:
        """Take note that a run has begun."""
        self._run_starts[run] = place

    def begin(self, record: dict[str, Any], run: int, place: int) -> None:
        """Take note that a step has begun."""
        name, number = record.get("step"), record.get("namesake", 0)
        if type(name) is str and type(number) is int:
            self._begun[name, number] = run, place

    def end(self, record: dict[str, Any], run: int, place: int) -> None:
        """Take note of what came of a step."""
        name, number = record.get("step"), record.get("namesake", 0)
        if type(name) is not str or type(number) is not int:
            return
        step = name, number
        begun_in, began = self._begun.get(step, (None, 0))
        if begun_in == run:
            del self._begun[step]
        else:  # its own start is not on record; another run that has begun it may be at it still
            began = self._run_starts[run]
        past = read_past(record, run, began, place)
        if past.cut is not None and record.get("fetched") is True:
            before = self._steps.get(step)
            if before is not None and before.cut == past.cut:  # it counts as done then
                past = past._replace(began=before.began, ended=before.ended)
        self._steps[step] = past

    def skip(self, record: dict[str, Any], run: int, place: int) -> None:
        """Take note that a step was skipped."""
        name, number = record.get("step"), record.get("namesake", 0)
        if type(name) is str and type(number) is int:
            self._begun.pop((name, number), None)
            self._steps[name, number] = read_skip(record, run, place)

    def finish(self) -> dict[StepId, StepPast]:
        """Return all steps. No other record can be taken then."""
        for step, (run, place) in self._begun.items():
            self._steps[step] = StepPast(run, place, place, "begun", "", None, None, 0, None)
        return self._steps
