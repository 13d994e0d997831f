"""Which steps a resumed run keeps, by the plainest words of the rule: slow, and easy to read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from jsonschema import Draft7Validator

from driftflow.planning.plan import find_key, list_waves
from driftflow.planning.values import (
    Facts,
    Part,
    evaluate,
    find_references,
    find_unavailable,
    list_reads,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from driftflow.planning.plan import Plan, Step


class Known(NamedTuple):
    """What is known of a step: whether it is ok, when it began and ended, and what it asked for.

    And whether it was skipped, and what it gave, if that was not cut.
    """

    ok: bool
    began: int
    ended: int
    action: str
    key: str | None
    is_cut: bool
    skipped: bool = False
    output: Any = None


class Upkeep(NamedTuple):
    """What is decided beforehand, by index."""

    kept: dict[int, Known]
    fetched: set[int]


def list_chain(plan: Plan, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of the last run with the same parameters, and of those that it resumed.

    In the order of the file; none if it ended ok, or if there is no such run.
    """
    starts = {each["run_id"]: each for each in records if each["event"] == "run_started"}
    given = write(plan.params)
    same = [run for run, each in starts.items() if is_same(each["params"], given)]
    ok = [each["run_id"] for each in records if each.get("status") == "ok"]
    if not same or same[-1] in ok:
        return []
    chain = {same[-1]}
    while more := {starts[run].get("resumes") for run in chain} - chain - {None}:
        chain |= more
    return [each for each in records if each["run_id"] in chain]


def is_same(recorded: dict[str, Any], given: Any) -> bool:
    """Whether parameters are the same, as far as they are told."""
    hidden = "[redacted]"
    return recorded.keys() == given.keys() and all(
        hidden in (recorded[name], given[name]) or recorded[name] == given[name] for name in given
    )


def judge(plan: Plan, records: Sequence[dict[str, Any]]) -> Upkeep:
    """What is kept and what is fetched, by the records of a chain of runs."""
    return judge_known(plan, _list_known(records))


def judge_known(plan: Plan, known: Mapping[tuple[str, int], Known]) -> Upkeep:
    """What is kept and what is fetched, by what is known of each step."""
    steps = plan.steps.tolist()
    kept: dict[int, Known] = {}
    may_be_skipped: set[str] = set()
    for step in steps:
        if step.when is not None or not may_be_skipped.isdisjoint(step.reads):
            may_be_skipped.add(step.name)
    unjudged: set[int] = set()  # the steps of which an output that was cut says if they are skipped
    for index, step in enumerate(steps):
        number = [other.name for other in steps[:index]].count(step.name)
        newest = known.get((step.name, number))
        if newest is None or not step.has_key or not (newest.ok or newest.skipped):
            continue
        asked = newest.action, newest.key
        if not newest.skipped and asked != (step.action, find_key(step)):
            continue
        before = list_before(steps, index)
        if not all(other in kept and kept[other].ended < newest.began for other in before):
            continue
        cut = {steps[other].name for other in kept if kept[other].is_cut}
        judged = {*list_reads(step.when.value)} if step.when is not None else set()
        judged |= {
            each.name
            for each in find_references(step.input)
            if type(each) is Part and each.default
            if not may_be_skipped.isdisjoint(list_reads(each.default[0]))
        }
        if not cut.isdisjoint(judged):
            unjudged.add(index)
        elif is_skipped(step, {steps[other].name: kept[other] for other in kept}) != newest.skipped:
            continue
        kept[index] = newest
    return Upkeep(kept, _find_fetched(steps, kept, unjudged))


def is_skipped(step: Step, done: Mapping[str, Known]) -> bool | None:
    """Whether a step is skipped after what is done by now; None if its condition is at fault."""
    outputs = {name: each.output for name, each in done.items() if not each.skipped}
    facts = Facts(outputs, {name for name, each in done.items() if each.skipped})
    if step.when is not None:
        missing = find_unavailable(step.when.value, facts)
        if missing is not None:
            return True if missing.is_skip else None
        schema = json.loads(step.when.schema)
        if not Draft7Validator(schema).is_valid(evaluate(step.when.value, facts)):
            return True
    missing = find_unavailable(step.input, facts)
    return missing is not None and missing.is_skip


def list_before(steps: Sequence[Step], index: int) -> list[int]:
    """What a step comes after: by the graph, and by its wave but for those without a key."""
    waves = list_waves(steps)
    earlier = [
        other for other in range(index) if waves[other] < waves[index] and steps[other].has_key
    ]
    return sorted({*steps[index].before, *earlier})


def list_again(
    plan: Plan,
    upkeep: Upkeep,
    same: Collection[int],
    skipped: Mapping[int, bool] | None = None,
) -> set[int]:
    """The steps that are done again, or are skipped and were not.

    Args:
        plan: What is done.
        upkeep: What was decided beforehand.
        same: The fetched steps that gave what is on record.
        skipped: By step, whether it was skipped; of others nobody knows yet.
    """
    steps = plan.steps.tolist()
    again: set[int] = set()
    changed: set[int] = set()
    for index in range(len(steps)):
        is_overtaken = not changed.isdisjoint(list_before(steps, index))
        is_another = index in upkeep.kept and upkeep.kept[index].skipped != (skipped or {}).get(
            index, upkeep.kept[index].skipped
        )
        if index not in upkeep.kept or is_overtaken or is_another:
            again.add(index)
            changed.add(index)
        elif index in upkeep.fetched:
            again.add(index)
            if index not in same:
                changed.add(index)
    return again


def _list_known(records: Sequence[dict[str, Any]]) -> dict[tuple[str, int], Known]:
    """The newest of each step."""
    known: dict[tuple[str, int], Known] = {}
    ended: dict[tuple[str, int], Known] = {}
    for time, record in enumerate(records):
        step = record.get("step", ""), record.get("namesake", 0)
        if record["event"] == "step_started":
            known[step] = Known(ok=False, began=time, ended=time, action="", key=None, is_cut=False)
        if record["event"] == "step_skipped":
            asked = record["action"], None, False
            known[step] = Known(False, time, time, *asked, skipped=True)  # noqa: FBT003 - not ok
            ended[step] = known[step]
        if record["event"] == "step_finished":
            is_cut = "cut" in record
            asked = record["action"], record.get("key"), is_cut
            known[step] = Known(record["ok"], known[step].began, time, *asked)
            known[step] = known[step]._replace(output=None if is_cut else record["output"])
            if record.get("fetched"):
                known[step] = ended[step]
            ended[step] = known[step]
    return known


def _find_fetched(
    steps: Sequence[Step], kept: Mapping[int, Known], unjudged: Collection[int]
) -> set[int]:
    """The steps whose output has to be fetched: looked for again and again until no more come."""
    fetched: set[int] = set()
    doubtful: set[int] = set()
    while True:
        readers = [
            index
            for index in range(len(steps))
            if index not in kept or index in fetched or index in doubtful or index in unjudged
        ]
        read = {name for index in readers for name in steps[index].reads}
        more = {
            index for index, newest in kept.items() if newest.is_cut and steps[index].name in read
        }
        behind = {
            index for index in kept if not (more | doubtful).isdisjoint(list_before(steps, index))
        }
        if more == fetched and behind == doubtful:
            return fetched
        fetched, doubtful = more, behind
