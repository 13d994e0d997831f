"""The run that can be taken up, and what it has done, found in the audit.

- The audit is all that a resumed run needs: the plan's digest says which run, the index which step,
  the output what its readers read. Others keep a second store for this (doit a database, Step
  Functions a service), which can disagree with the log.
- The newest run of the plan counts, not the newest that failed. If a later run is ok, there is
  nothing to take up: a nightly job with `--resume` would otherwise go on from last week's failure.
- A run that was itself resumed is followed to the one before it, and so on: it may have been killed
  before it recorded again what it took over.
- What it says is believed, so only a file is read that nobody else could have written
  (`storage.read_lines`), and only records of a version that is known.
- A step may run twice: a crash can always fall between what an action does and the record of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftflow.errors import StorageError
from driftflow.planning.plan import digest
from driftflow.recording.records import (
    AUDIT_VERSION,
    has_failed,
    is_known_version,
    is_step_end,
    is_step_start,
    read_index,
    read_records,
    read_result,
    read_starts,
    read_statuses,
)
from driftflow.recording.storage import read_lines
from driftflow.running.events import Resumed
from driftflow.text import format_json, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftflow.planning.plan import Plan
    from driftflow.recording.records import RunStart
    from driftflow.running.events import StepResult

_ENDS = {"failed": "which failed", "interrupted": "which was interrupted"}


def find_resumable(plan: Plan) -> tuple[Resumed | None, str]:
    """Return the newest run of the plan in its audit, unless it ended `ok`.

    Returns:
        What is known of the run, and of those that it took up; None if there is nothing to take
        up. And a sentence that says so.

    Raises:
        StorageError: If there is an audit that cannot be read, or that others can write; or if the
            newest run of the workflow, or one that is taken up, has records of an unknown version.
    """
    path = plan.storage_path
    if not plan.flags.is_enabled("audit"):
        return None, "nothing to resume: the flag audit is off"
    starts = [start for start in read_starts(read_lines(path)) if start.workflow == plan.name]
    _require_known_versions(path, (start.version for start in starts[-1:]))
    wanted = digest(plan)
    runs = {start.run_id: start for start in starts if start.plan == wanted}
    if not runs:
        other = " (the last run of this workflow had a different plan)" if starts else ""
        return None, f"nothing to resume: {path} has no run of this plan{other}"
    newest = [*runs.values()][-1]
    records = [*read_records(read_lines(path), [*_follow(runs, newest.run_id)])]
    _require_known_versions(path, (record.get("v") for record in records))
    statuses = read_statuses(records)
    status = statuses.get(newest.run_id)
    if status == "ok":
        return None, "nothing to resume: the last run of this plan ended ok"
    resumed = _fold(plan, newest.run_id, records, statuses)
    end = _ENDS.get(str(status), "which has no recorded end")
    run = f"run {newest.run_id} from {newest.moment}, {end}"
    return resumed, f"resuming {run}: {_describe(plan, resumed)}"


def _require_known_versions(path: str, versions: Iterable[object]) -> None:
    for version in versions:
        if not is_known_version(version):
            which = "no version" if version is None else f"version {shorten(format_json(version))}"
            known = f"only version {AUDIT_VERSION} is supported"
            raise StorageError(path, f"the audit cannot be read: a record has {which}, but {known}")


def _follow(runs: dict[str, RunStart], newest: str) -> Iterator[str]:
    """Yield the name of a run, of the one that it took up, of the one that this took up, ..."""
    run_id: object = newest
    while isinstance(run_id, str) and run_id in runs:
        yield run_id
        run_id = runs.pop(run_id).resumes


def _fold(
    plan: Plan, run_id: str, records: Iterable[dict[str, Any]], statuses: Mapping[str, object]
) -> Resumed:
    results: dict[int, StepResult] = {}
    unfinished: set[int] = set()
    without_key: set[int] = set()
    for record in records:
        index = read_index(record)
        if index is None or index >= len(plan.steps):
            continue
        if is_step_start(record):
            unfinished.add(index)
            continue
        if not is_step_end(record):
            continue
        # A step that an interrupt ended may have done a part of its work, or all of it.
        if not has_failed(record) or statuses.get(record["run_id"]) != "interrupted":
            unfinished.discard(index)
        if (result := read_result(record, plan.steps[index])) is not None:
            results[index] = result
    for index, step in enumerate(plan.steps):
        # What such a step is handed is not in the digest, so it and all behind it is done again.
        if not step.has_key or not without_key.isdisjoint(step.before):
            without_key.add(index)
            results.pop(index, None)
    return Resumed(run_id, results, tuple(sorted(unfinished - results.keys())))


def _describe(plan: Plan, resumed: Resumed) -> str:
    number = len(resumed.results)
    kept = f"{number} of {len(plan.steps)} steps kept"
    again = len(resumed.unfinished)
    return f"{kept}; {again} may have run already and will run again" if again else kept
