"""The record read back: the run that can be taken up, and what it has done."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from driftflow.document import copied
from driftflow.events import Resumed, StepResult
from driftflow.plan import digest
from driftflow.storage import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftflow.plan import Plan

_RUN_ID = re.compile(rb'"run_id":"([^"]*)"')
_START = b'"event":"run_started"'


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
    newest = [*runs][-1]
    chain = [*_chain(runs, newest)]
    records = [*_records_of(chain, lines_of(path))]
    if any(_is_good_end(record, newest) for record in records):
        return None, "nothing to resume: the last run of this plan is ok"
    resumed = _resumed(plan, newest, records)
    return resumed, _in_words(plan, resumed)


def _runs_of(plan: Plan, lines: Iterable[bytes]) -> tuple[dict[str, str | None], bool]:
    """The runs of the plan, each with the one that it took up; in the order of their starts.

    And whether the last run of a plan of that name had another digest.
    """
    wanted = digest(plan)
    runs: dict[str, str | None] = {}
    is_another = False
    for line in lines:
        record = _record(line) if _START in line else {}
        if record.get("event") != "run_started" or record.get("workflow") != plan.name:
            continue
        is_another = record.get("plan") != wanted
        run_id = record.get("run_id")
        if isinstance(run_id, str) and not is_another:
            runs[run_id] = record.get("resumes")
    return runs, is_another


def _chain(runs: dict[str, str | None], newest: str) -> Iterator[str]:
    """A run, the one that it took up, the one that this one took up, and so on."""
    run_id: str | None = newest
    while isinstance(run_id, str) and run_id in runs:
        yield run_id
        run_id = runs.pop(run_id)


def _records_of(chain: Iterable[str], lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    wanted = {run_id.encode() for run_id in chain}
    for line in lines:
        found = _RUN_ID.search(line)
        if found and found[1] in wanted:
            yield _record(line)


def _record(line: bytes) -> dict[str, Any]:
    """The record that a line is; nothing for what a crash has torn: half an object is no JSON."""
    try:
        record = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _refuse(what: str) -> NoReturn:
    raise ValueError(what)


def _is_good_end(record: dict[str, Any], run_id: str) -> bool:
    wanted = {"event": "run_finished", "run_id": run_id, "status": "ok"}
    return {name: record.get(name) for name in wanted} == wanted


def _resumed(plan: Plan, run_id: str, records: Iterable[dict[str, Any]]) -> Resumed:
    results: dict[int, StepResult] = {}
    unfinished: set[int] = set()
    for record in records:
        place = record.get("index")
        if type(place) is not int or not 0 <= place < len(plan.steps):
            continue
        if record.get("event") == "step_started":
            unfinished.add(place)
        else:
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
        output = copied(record["output"])
    except TypeError:  # a number that is none
        return None
    return StepResult(step.name, True, output, None, attempts, 0.0, True)  # noqa: FBT003 - its fields


def _in_words(plan: Plan, resumed: Resumed) -> str:
    number = len(resumed.results)
    words = f"resuming run {resumed.run_id}: {number} of {len(plan.steps)} steps are not run again"
    again = len(resumed.unfinished)
    return f"{words}; {again} may have run, and run again" if again else words
