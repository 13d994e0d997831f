"""Which steps a resumed run keeps, by the plainest words of the rule: slow, and easy to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.planning.plan import find_key, list_waves
from driftflow.planning.references import thaw

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from driftflow.planning.plan import Plan, Step


class Known(NamedTuple):
    """What is known of a step: whether it is ok, when it began and ended, and what it asked for."""

    ok: bool
    began: int
    ended: int
    action: str
    key: str | None
    is_cut: bool


class Upkeep(NamedTuple):
    """What is decided beforehand, by index."""

    kept: dict[int, Known]
    fetched: set[int]


def list_chain(plan: Plan, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of the last run with the same parameters, and of those that it resumed.

    In the order of the file; none if it ended ok, or if there is no such run.
    """
    starts = {each["run_id"]: each for each in records if each["event"] == "run_started"}
    given = thaw(plan.params)
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
    for index, step in enumerate(steps):
        number = [other.name for other in steps[:index]].count(step.name)
        newest = known.get((step.name, number))
        if newest is None or not step.has_key or not newest.ok:
            continue
        if (newest.action, newest.key) != (step.action, find_key(step)):
            continue
        before = list_before(steps, index)
        if all(other in kept and kept[other].ended < newest.began for other in before):
            kept[index] = newest
    return Upkeep(kept, _find_fetched(steps, kept))


def list_before(steps: Sequence[Step], index: int) -> list[int]:
    """What a step comes after: by the graph, and by its wave but for those without a key."""
    waves = list_waves(steps)
    earlier = [
        other for other in range(index) if waves[other] < waves[index] and steps[other].has_key
    ]
    return sorted({*steps[index].before, *earlier})


def list_again(plan: Plan, upkeep: Upkeep, same: Collection[int]) -> set[int]:
    """The steps that are done again.

    Args:
        plan: What is done.
        upkeep: What was decided beforehand.
        same: The fetched steps that gave what is on record.
    """
    steps = plan.steps.tolist()
    again: set[int] = set()
    changed: set[int] = set()
    for index in range(len(steps)):
        is_overtaken = not changed.isdisjoint(list_before(steps, index))
        if index not in upkeep.kept or is_overtaken:
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
        if record["event"] == "step_finished":
            asked = record["action"], record.get("key"), "cut" in record
            known[step] = Known(record["ok"], known[step].began, time, *asked)
            if record.get("fetched"):
                known[step] = ended[step]
            ended[step] = known[step]
    return known


def _find_fetched(steps: Sequence[Step], kept: Mapping[int, Known]) -> set[int]:
    """The steps whose output has to be fetched: looked for again and again until no more come."""
    fetched: set[int] = set()
    doubtful: set[int] = set()
    while True:
        readers = [
            index
            for index in range(len(steps))
            if index not in kept or index in fetched or index in doubtful
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
