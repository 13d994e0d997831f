"""The code that has changed since what is kept was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import workflows
from unit.resuming.test_decision import CUT, on_record, past_of

from driftflow.resuming.code import find_changed_code
from driftflow.resuming.decision import decide
from driftflow.resuming.past import Code

if TYPE_CHECKING:
    from driftflow.planning.plan import Plan
    from driftflow.resuming.past import Past

NOW = Code("2", {"/x/deeds.py": "new", "/x/same.py": "s"}, {"pack": "1.1", "steady": "1"})
HOMES = {"deed": "/x/deeds.py", "same": "/x/same.py", "packed": "pack", "steady": "steady"}


def find(plan: Plan, past: Past) -> dict[str, list[str]]:
    """By the code that has changed, the names of the steps."""
    steps = plan.steps.tolist()
    changed = find_changed_code(steps, decide(plan, past), NOW, HOMES)
    return {source: [step.name for step in found] for source, found in changed.items()}


def test_code_is_held_against_that_of_the_run_that_did_the_step() -> None:
    """A file by its digest, a package by its version, DriftFlow's own by DriftFlow's."""
    steps = [
        {"name": "a", "action": "deed"},
        {"name": "b", "action": "deed"},
        {"name": "c", "action": "same"},
        {"name": "d", "action": "packed"},
        {"name": "e", "action": "steady"},
        {"name": "f", "action": "echo"},
        {"name": "g", "action": "deed"},
    ]
    plan = workflows.plan(*steps)
    records = [on_record(plan, place, 0, 1, run=1 if place == 1 else 0) for place in range(6)]
    old = Code("1", {"/x/deeds.py": "old", "/x/same.py": "s"}, {"pack": "1.0", "steady": "1"})
    past = past_of(dict(records))._replace(codes=[old, NOW])
    assert find(plan, past) == {
        "/x/deeds.py": ["a"],
        "pack": ["d"],
        "driftflow": ["f"],
    }


def test_code_that_was_not_there_is_another() -> None:
    """For instance a file that has another name by now."""
    plan = workflows.plan({"action": "deed"})
    past = past_of(dict([on_record(plan, 0, 0, 1)]))
    assert find(plan, past._replace(codes=[Code("2", {}, {})])) == {"/x/deeds.py": ["step0"]}


def test_what_is_fetched_is_done_by_the_code_of_today() -> None:
    """So there is nothing to tell."""
    plan = workflows.plan({"name": "a", "action": "deed"}, {"name": "b", "input": {"from": "a"}})
    past = past_of(dict([on_record(plan, 0, 0, 1, cut=CUT)]))
    past = past._replace(codes=[Code("1", {}, {})])
    assert [*decide(plan, past).fetched] == [0]
    assert find(plan, past) == {}


def test_a_file_that_lies_elsewhere_is_the_same() -> None:
    """As after each deployment into a new folder."""
    plan = workflows.plan({"action": "deed"})
    past = past_of(dict([on_record(plan, 0, 0, 1)]))
    assert find(plan, past._replace(codes=[Code("2", {"/old/deeds.py": "new"}, {})])) == {}
