"""What a resumed run keeps, in words."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from support import workflows
from unit.resuming.test_decision import CUT, SKIPPED, all_done

from driftflow.resuming.decision import Cause, Reason
from driftflow.showing.resumption import (
    format_decision,
    format_past,
    format_summary,
    list_changes,
)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"status": "failed"}, "which failed"),
        ({"status": "interrupted"}, "which was interrupted"),
        ({"status": "ok"}, "which ended ok"),
        ({"status": None}, "which has no recorded end"),
        ({"status": "odd"}, "which has no recorded end"),
        ({"passed_over": 1}, "which failed (1 newer run of this workflow not looked at)"),
        ({"passed_over": 2}, "which failed (2 newer runs of this workflow not looked at)"),
    ],
)
def test_a_run_is_told_by_its_name_its_time_and_its_end(more: dict[str, Any], words: str) -> None:
    """And by what is newer and not looked at."""
    past = all_done(workflows.plan()).past
    assert format_past(past._replace(**more)) == f"run 1 from then, {words}"


def summary(*steps: dict[str, Any], **others: dict[str, Any]) -> str:
    """What is said of these steps, behind the name of the run."""
    plan = workflows.plan(*steps)
    text = format_summary(plan.steps, all_done(plan, **others))
    head, _, tail = text.partition(": ")
    assert head == "resuming run 1 from then, which failed"
    return tail


CHAIN: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "b", "input": {"from": "a"}},
    {"name": "c", "after": ["b"]},
]


def test_one_line_says_what_is_kept_and_what_is_done_again_and_why() -> None:
    """In run order."""
    assert summary(*CHAIN) == "3 kept; nothing is done again"
    assert summary(*CHAIN, b={"state": "failed"}) == "1 kept; again: b (failed), c (after b)"
    more = {"name": "d", "input": {"from": "a"}}
    assert summary(*CHAIN, more, a={"cut": CUT}, d={"key": None}) == (
        "0 kept; again: a (its output is needed by d), d (changed); "
        "again if a gives something else: b, c"
    )


def test_what_is_skipped_and_was_not_is_told() -> None:
    """And what was skipped and is not; what is skipped again is kept."""
    when = {"value": {"from": "a"}, "is": {"const": 1}}
    steps: list[dict[str, Any]] = [CHAIN[0], CHAIN[1] | {"when": when}, CHAIN[2]]
    assert summary(*steps, a={"output": 2}) == "1 kept; again: b (to be skipped), c (after b)"
    told = summary(*steps, a={"output": 1}, b=SKIPPED)
    assert told == "1 kept; again: b (was skipped), c (after b)"
    assert summary(*steps, a={"output": 2}, b=SKIPPED) == "3 kept; nothing is done again"


def test_several_outputs_may_be_in_doubt() -> None:
    """Each is named once."""
    steps: list[dict[str, Any]] = [
        *({"name": name} for name in "ab"),
        *({"name": f"{name}{name}", "after": [name]} for name in "ab"),
        {"name": "z", "input": {"from": ["a", "b"]}},
    ]
    told = summary(*steps, a={"cut": CUT}, b={"cut": CUT}, z={"state": "begun"})
    assert told.endswith("; again if a, b give something else: aa, bb")


def test_of_many_steps_some_are_named() -> None:
    """And the others counted; a long name is cut."""
    names = [f"s{number}" + "x" * 200 for number in range(10)]
    others = {name: {"state": "failed"} for name in names}
    told = summary(*({"name": name} for name in names), **others)
    assert told.startswith(f"0 kept; again: s0{'x' * 78}… (failed), s1")
    assert told.endswith("… (failed) and 2 more")
    assert told.count("(failed)") == 8


def test_a_name_cannot_be_taken_for_other_words_of_the_line() -> None:
    """It is in quotes then, also as part of a reason."""
    name = "a, b (failed); again: c"
    steps: list[dict[str, Any]] = [{"name": name}, {"name": "tag/ü 1.0", "input": {"from": name}}]
    assert summary(*steps, **{name: {"state": "failed"}}) == (
        f'0 kept; again: "{name}" (failed), tag/ü 1.0 (after "{name}")'
    )


def test_each_step_has_its_decision() -> None:
    """As `plan --resume` shows it."""
    plan = workflows.plan(*CHAIN, {"name": "d", "input": {"from": "a"}}, {"name": "e"})
    decided = all_done(plan, a={"cut": CUT}, d={"state": "failed"})
    assert [format_decision(plan.steps, decided, index) for index in range(5)] == [
        "again: its output is needed by d",
        "again if a gives something else",
        "again if a gives something else",
        "again: failed",
        "kept",
    ]


@pytest.mark.parametrize("cause", get_args(Cause))
def test_each_cause_has_its_words(cause: Cause) -> None:
    """None is left without."""
    plan = workflows.plan({"name": "a"})
    decided = all_done(plan)._replace(kept={}, again={0: Reason(cause, 0)})
    assert format_decision(plan.steps, decided, 0).startswith("again: ")


def test_code_that_has_changed_is_told_with_the_steps_that_are_kept() -> None:
    """A line for each file and package; of many steps some."""
    steps = workflows.plan(*({"name": str(number)} for number in range(9))).steps.tolist()
    assert list_changes({"/x.py": steps[:2], "pack": steps}) == [
        "/x.py has changed since; kept from before: 0, 1",
        "pack has changed since; kept from before: 0, 1, 2, 3, 4, 5, 6, 7 and 1 more",
    ]
    assert list_changes({}) == []
