"""The record read back: the run that can be taken up, and what it has done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftflow.planning.plan import digest
from driftflow.reading.document import copy_json
from driftflow.recording.records import may_start_run, read_record, run_id_in
from driftflow.recording.storage import lines_of
from driftflow.running.events import Resumed, StepResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftflow.planning.plan import Plan

_ENDS = {"failed": "which failed", "interrupted": "which was interrupted"}


def look_back(plan: Plan) -> tuple[Resumed | None, str]:
    """What the newest run of the plan in its audit has done, if it did not end `ok`.

    Of steps that it took up itself, as well.

    Returns:
        That, or None if there is nothing to take up; and in words what is the case.

    Raises:
        StorageError: If there is an audit that cannot be read.
    """
    path = plan.storage_path
    if not plan.flags.is_enabled("audit"):
        return None, "nothing to resume: the flag audit is off"
    runs, is_another = _runs_of(plan, lines_of(path))
    if not runs:
        other = " (the last one of this workflow had another plan)" if is_another else ""
        return None, f"nothing to resume: no run of this plan is in {path}{other}"
    newest, start = [*runs.items()][-1]
    chain = [*_chain(runs, newest)]
    records = [*_records_of(chain, lines_of(path))]
    ends = {
        record["run_id"]: record.get("status")
        for record in records
        if record.get("event") == "run_finished"
    }
    if ends.get(newest) == "ok":
        return None, "nothing to resume: the last run of this plan is ok"
    resumed = _resumed(plan, newest, records, ends)
    how = _ENDS.get(str(ends.get(newest)), "which was cut off")
    which = f"run {newest} of {start.get('ts')}, {how}"
    return resumed, f"resuming {which}: {_in_words(plan, resumed)}"


def _runs_of(plan: Plan, lines: Iterable[bytes]) -> tuple[dict[str, dict[str, Any]], bool]:
    """The runs of the plan, each with its first record, in the order of their starts.

    And whether the last run of a plan of that name had another digest.
    """
    wanted = digest(plan)
    runs: dict[str, dict[str, Any]] = {}
    is_another = False
    for line in lines:
        record = read_record(line) if may_start_run(line) else {}
        if record.get("event") != "run_started" or record.get("workflow") != plan.name:
            continue
        is_another = record.get("plan") != wanted
        run_id = record.get("run_id")
        if isinstance(run_id, str) and not is_another:
            runs[run_id] = record
    return runs, is_another


def _chain(runs: dict[str, dict[str, Any]], newest: str) -> Iterator[str]:
    """A run, the one that it took up, the one that this one took up, and so on."""
    run_id: object = newest
    while isinstance(run_id, str) and run_id in runs:
        yield run_id
        run_id = runs.pop(run_id).get("resumes")


def _records_of(chain: Iterable[str], lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    names = {*chain}
    wanted = {name.encode(errors="replace") for name in names}
    for line in lines:
        if run_id_in(line) in wanted and (record := read_record(line)).get("run_id") in names:
            yield record


def _resumed(
    plan: Plan, run_id: str, records: Iterable[dict[str, Any]], ends: Mapping[str, object]
) -> Resumed:
    results: dict[int, StepResult] = {}
    unfinished: set[int] = set()
    for record in records:
        run, place = record["run_id"], record.get("index")
        if type(place) is not int or not 0 <= place < len(plan.steps):
            continue
        if record.get("event") == "step_started":
            unfinished.add(place)
            continue
        # What an interrupt ended may have been done, in part or as a whole.
        if record.get("ok") or not record.get("attempts") or ends.get(run) != "interrupted":
            unfinished.discard(place)
        if (result := _result(plan, place, record)) is not None:
            results[place] = result
    return Resumed(run_id, results, tuple(sorted(unfinished - results.keys())))


def _result(plan: Plan, place: int, record: dict[str, Any]) -> StepResult | None:
    """What a step came to, if the record has all of it, and it is good."""
    step = plan.steps[place]
    attempts = record.get("attempts")
    is_whole = "output" in record and "cut" not in record and "redacted" not in record
    is_of_step = (record.get("step"), record.get("action")) == (step.name, step.action)
    if record.get("ok") is not True or step.sensitive or not is_whole or not is_of_step:
        return None
    if type(attempts) is not int or attempts < 1:
        return None
    try:
        output = copy_json(record["output"])
    except TypeError:  # a number that is none
        return None
    return StepResult(step.name, True, output, None, attempts, 0.0, True)  # noqa: FBT003 - its fields


def _in_words(plan: Plan, resumed: Resumed) -> str:
    number = len(resumed.results)
    words = f"{number} of {len(plan.steps)} steps are not run again"
    again = len(resumed.unfinished)
    return f"{words}; {again} may have run, and run again" if again else words
