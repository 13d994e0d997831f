"""The decision: which steps are kept, which are done again, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import upkeep, workflows
from unit.planning.test_uses import file, plan_of, use
from unit.running.graphs import plans

from driftflow.planning.plan import find_key
from driftflow.resuming.decision import Reason, Resumption, decide
from driftflow.resuming.past import Code, Cut, Past, StepPast, find_namesakes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftflow.planning.plan import Plan
    from driftflow.reading.document import Json
    from driftflow.resuming.past import State, StepId

CUT = Cut(70_000, "0" * 64)


def past_of(steps: Mapping[StepId, StepPast], **more: Any) -> Past:
    """What is on record, with nothing of interest but the steps."""
    return Past("1", "then", "failed", steps, [Code("1", {}, {})], **more)


def on_record(
    plan: Plan, index: int, began: int, ended: int, state: State = "ok", **more: Any
) -> tuple[StepId, StepPast]:
    """A record of a step that asks for just this."""
    step = plan.steps[index]
    number = find_namesakes(plan.steps.tolist()).get(index, 0)
    past = StepPast(0, began, ended, state, step.action, find_key(step), None, 1, None)
    return (step.name, number), past._replace(**more)


def all_done(plan: Plan, **others: dict[str, Any]) -> Resumption:
    """What is decided when all steps were done one after the other, but for what is said."""
    records = [
        on_record(plan, index, 2 * index, 2 * index + 1, **others.get(step.name, {}))
        for index, step in enumerate(plan.steps.tolist())
    ]
    return decide(plan, past_of(dict(records)))


SKIPPED: dict[str, Any] = {"state": "skipped", "key": None, "attempts": 0}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Plan, Past]:
    """A plan, and any past of its steps, be it one that could never be."""
    plan = draw(plans() | plans(skips=True))
    outputs: list[Json] = ["text", ["x"], [], None]
    records = []
    for index in range(len(plan.steps)):
        began, ended = sorted(draw(st.tuples(st.integers(0, 12), st.integers(0, 12))))
        more: dict[str, Any] = {"output": draw(st.sampled_from(outputs))}
        if draw(st.integers(0, 5)) == 0:
            more["key"] = "another"
        if draw(st.booleans()):
            more |= {"cut": CUT, "output": None}
        bad: list[State] = ["failed", "begun", "not_tried"]
        state: State = draw(st.sampled_from(bad)) if draw(st.integers(0, 3)) == 0 else "ok"
        if plan.has_conditions and draw(st.integers(0, 2)) == 0:
            state, more = "skipped", {"key": None, "attempts": 0}
        if draw(st.integers(0, 9)):
            records.append(on_record(plan, index, 2 * began, 2 * ended + 1, state, **more))
    return plan, past_of(dict(records))


def know(past: Past) -> dict[StepId, upkeep.Known]:
    """What is known of each step, as the rule has it."""
    return {
        step: upkeep.Known(
            record.state == "ok",
            record.began,
            record.ended,
            record.action,
            record.key,
            is_cut=record.cut is not None,
            skipped=record.state == "skipped",
            output=record.output,
        )
        for step, record in past.steps.items()
    }


@settings(max_examples=100)
@given(cases())
def test_it_decides_by_the_rule(case: tuple[Plan, Past]) -> None:
    """As its plainest words have it; each step is either kept or done again, with a reason."""
    plan, past = case
    known = know(past)
    decided, wanted = decide(plan, past), upkeep.judge_known(plan, known)
    assert decided.kept.keys() == wanted.kept.keys()
    assert decided.fetched.keys() == wanted.fetched
    assert {*decided.kept, *decided.again} == {*range(len(plan.steps))}
    assert decided.kept.keys().isdisjoint(decided.again)
    again = upkeep.list_again(plan, wanted, ())
    assert {*decided.again, *decided.fetched, *decided.in_doubt} == again


@settings(max_examples=100)
@given(cases())
def test_each_reason_is_true(case: tuple[Plan, Past]) -> None:
    """And what it names is what it says."""
    plan, past = case
    steps = plan.steps.tolist()
    decided = decide(plan, past)
    known = know(past)
    kept = {steps[index].name: known[steps[index].name, 0] for index in decided.kept}
    for index, (cause, other) in {**decided.again, **decided.fetched}.items():
        record = past.steps.get((steps[index].name, 0))
        before = upkeep.list_before(steps, index)
        match cause:
            case "after":
                assert other in before
                assert other in decided.again
            case "done_before":
                assert other in before
                assert record is not None
                assert other is not None
                assert decided.kept[other].ended > record.began
            case "output_needed":
                assert other is not None
                assert steps[index].name in steps[other].reads
                assert other in {*decided.again, *decided.fetched, *decided.in_doubt}
            case "not_done":
                assert record is None or record.state == "not_tried"
            case "failed" | "may_have_run":
                assert record is not None
                assert record.state == {"failed": "failed", "may_have_run": "begun"}[cause]
            case "was_skipped" | "to_skip":
                assert record is not None
                assert record.state == {"was_skipped": "skipped", "to_skip": "ok"}[cause]
                assert upkeep.is_skipped(steps[index], kept) is (cause == "to_skip")
            case _:
                assert cause == "changed"
                assert record is not None
                cannot_be_judged = upkeep.is_skipped(steps[index], kept) is None
                assert record.key == "another" or cannot_be_judged
    for index, source in decided.in_doubt.items():
        assert source in decided.fetched
        assert is_behind(plan, index, source)


def is_behind(plan: Plan, index: int, source: int) -> bool:
    """Whether a step comes after another one, by whatever way."""
    before = upkeep.list_before(plan.steps.tolist(), index)
    return source in before or any(is_behind(plan, other, source) for other in before)


def test_a_reason_of_its_own_comes_before_one_of_others() -> None:
    """And the graph before a wave; of several, the first in run order is named."""
    plan = workflows.plan(
        {"name": "w", "priority": 1},
        {"name": "a"},
        {"name": "b"},
        {"name": "c", "after": ["b", "a"]},
        {"name": "d", "after": ["c"]},
    )
    w, a, b, c, d = range(5)
    decided = all_done(plan, a={"state": "failed"}, b={"state": "failed"}, d={"key": "x"})
    assert decided.again == {
        a: Reason("failed"),
        b: Reason("failed"),
        c: Reason("after", a),
        d: Reason("changed"),
    }
    decided = all_done(plan, w={"state": "failed"}, b={"state": "begun"})
    assert decided.again == {
        w: Reason("failed"),
        a: Reason("after", w),
        b: Reason("may_have_run"),
        c: Reason("after", a),
        d: Reason("after", c),
    }
    assert decided.may_have_run == [b]


def test_what_was_not_tried_waited_for_another_one() -> None:
    """It says for which, if that is done again; else it is just not done."""
    plan = workflows.plan({"name": "a"}, {"name": "b", "input": {"from": "a"}}, {"name": "c"})
    untried = {"state": "not_tried", "attempts": 0}
    decided = all_done(plan, a={"state": "failed"}, b=untried, c=untried)
    assert decided.again == {0: Reason("failed"), 1: Reason("after", 0), 2: Reason("not_done")}


def test_a_wave_is_held_against_the_last_end_before_it() -> None:
    """Whichever step that was."""
    plan = workflows.plan(
        {"name": "a", "priority": 1}, {"name": "b", "priority": 1}, {"name": "c"}, {"name": "d"}
    )
    steps = dict(
        [
            on_record(plan, 0, 0, 7),
            on_record(plan, 1, 1, 3),
            on_record(plan, 2, 4, 5),
            on_record(plan, 3, 8, 9),
        ]
    )
    decided = decide(plan, past_of(steps))
    assert decided.again == {2: Reason("done_before", 0)}


def test_a_step_without_a_key_holds_back_no_wave() -> None:
    """But what comes after it in the graph."""
    plan = workflows.plan(
        {"name": "a", "priority": 1, "sensitive": True},
        {"name": "b", "after": ["a"]},
        {"name": "c"},
        {"name": "d", "priority": -1},
    )
    a, b, c, d = range(4)
    assert all_done(plan).again == {
        a: Reason("no_key"),
        b: Reason("after", a),
        d: Reason("after", b),
    }
    assert [*all_done(plan).kept] == [c]


def test_a_step_without_a_key_that_was_begun_may_have_run() -> None:
    """Of all steps, those are what one would look for."""
    plan = workflows.plan({"name": "a", "sensitive": True}, {"name": "b", "sensitive": True})
    decided = all_done(plan, a={"state": "begun"})
    assert decided.again == {0: Reason("may_have_run"), 1: Reason("no_key")}
    assert decided.may_have_run == [0]


def test_what_a_later_run_may_have_done_is_not_believed() -> None:
    """Where records of that run are missing, and it has none of the step."""
    plan = workflows.plan({"name": "a"}, {"name": "b"})
    steps = dict([on_record(plan, 0, 0, 1), on_record(plan, 1, 2, 3, run=1)])
    decided = decide(plan, past_of(steps, complete_since=1))
    assert decided.again == {0: Reason("may_have_run")}


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_a_long_output_puts_all_behind_it_in_doubt(flags: dict[str, bool]) -> None:
    """By the graph and by waves; each with the first one that it hangs on."""
    plan = workflows.plan(
        {"name": "a", "priority": 2},
        {"name": "b", "priority": 2, "after": ["a"]},
        {"name": "c", "priority": 2},
        {"name": "d", "priority": 1, "input": {"from": "c"}},
        {"name": "e", "input": {"from": ["a", "c"]}},
        flags=flags,
    )
    a, b, c, d, e = range(5)
    decided = all_done(plan, a={"cut": CUT}, c={"cut": CUT}, e={"state": "failed"})
    assert decided.fetched == {a: Reason("output_needed", e), c: Reason("output_needed", e)}
    assert decided.in_doubt == {b: a, d: a}


def test_nothing_is_fetched_that_nobody_needs() -> None:
    """Nor is anything in doubt then."""
    plan = workflows.plan({"name": "a"}, {"name": "b", "input": {"from": "a"}}, {"name": "c"})
    decided = all_done(plan, a={"cut": CUT}, b={"cut": CUT}, c={"state": "failed"})
    assert (decided.fetched, decided.in_doubt) == ({}, {})


IF_TEXT = {"value": {"from": "a"}, "is": {"type": "string"}}
CONDITIONAL: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "b", "when": IF_TEXT},
    {"name": "c", "input": {"from": "b"}},
    {"name": "d", "input": {"from": {"step": "b", "default": 0}}},
    {"name": "e", "after": ["b"]},
]


def test_a_step_that_was_skipped_and_is_skipped_again_is_kept() -> None:
    """And all that comes after it; whatever its input or its action is by now."""
    plan = workflows.plan(*CONDITIONAL)
    assert all_done(plan, a={"output": 5}, b=SKIPPED, c=SKIPPED).again == {}
    other = {**CONDITIONAL[1], "action": "upper", "input": "other"}
    plan = workflows.plan(CONDITIONAL[0], other, *CONDITIONAL[2:])
    decided = all_done(plan, a={"output": 5}, b=SKIPPED, c=SKIPPED)
    assert (decided.again, [*decided.kept]) == ({}, [0, 1, 2, 3, 4])


def test_a_step_that_was_skipped_and_is_to_run_is_done() -> None:
    """So is all that comes after it."""
    plan = workflows.plan(*CONDITIONAL)
    decided = all_done(plan, a={"output": "text"}, b=SKIPPED, c=SKIPPED)
    assert decided.again == {
        1: Reason("was_skipped"),
        2: Reason("after", 1),
        3: Reason("after", 1),
        4: Reason("after", 1),
    }


def test_a_step_that_was_done_and_is_to_be_skipped_is_not_kept() -> None:
    """Nor is what comes after it: it may read the output that is no longer there."""
    plan = workflows.plan(*CONDITIONAL)
    decided = all_done(plan, a={"output": 5})
    assert decided.again == {
        1: Reason("to_skip"),
        2: Reason("after", 1),
        3: Reason("after", 1),
        4: Reason("after", 1),
    }


def test_a_step_that_reads_what_was_skipped_is_judged_by_that() -> None:
    """If its own input says something else by now: a default, or none."""
    steps = [CONDITIONAL[0], CONDITIONAL[1], CONDITIONAL[3]]
    known = {"a": {"output": 5}, "b": SKIPPED}
    assert all_done(workflows.plan(*steps), **known, d=SKIPPED).again == {2: Reason("was_skipped")}
    steps[2] = {"name": "d", "input": {"from": "b"}}
    assert all_done(workflows.plan(*steps), **known).again == {2: Reason("to_skip")}


def test_a_step_without_a_condition_that_was_skipped_is_done() -> None:
    """It has lost it since; also if no step has one any more."""
    plan = workflows.plan({"name": "a"}, {"name": "b"}, {"name": "c", "when": IF_TEXT})
    assert all_done(plan, a={"output": "x"}, b=SKIPPED).again == {1: Reason("was_skipped")}
    plan = workflows.plan({"name": "a"}, {"name": "b"})
    assert all_done(plan, b=SKIPPED).again == {1: Reason("was_skipped")}


def test_a_skip_has_a_place_in_the_order_of_the_record() -> None:
    """What began before it was skipped, and comes after it, is done again."""
    plan = workflows.plan(
        {"name": "a", "when": {"value": 1, "is": False}}, CONDITIONAL[4] | {"after": ["a"]}
    )
    past = past_of(dict([on_record(plan, 0, 3, 3, **SKIPPED), on_record(plan, 1, 1, 2)]))
    assert decide(plan, past).again == {1: Reason("done_before", 0)}
    past = past_of(dict([on_record(plan, 0, 0, 0, **SKIPPED), on_record(plan, 1, 1, 2)]))
    assert decide(plan, past).again == {}


def test_a_condition_on_a_cut_output_is_fetched_first() -> None:
    """Nobody knows yet whether its step is skipped; so all behind the output is in doubt."""
    plan = workflows.plan(*CONDITIONAL, {"name": "f"})
    a, b, c, d, e, _ = range(6)
    for past in ({}, SKIPPED):
        decided = all_done(plan, a={"cut": CUT}, b=past, c=past)
        assert decided.again == {}
        assert decided.fetched == {a: Reason("output_needed", b)}
        assert decided.in_doubt == {b: a, c: a, d: a, e: a}


def test_a_cut_output_that_no_condition_needs_is_not_fetched() -> None:
    """Also if the condition of a step that reads it is known."""
    reader: dict[str, Any] = {"name": "b", "when": IF_TEXT, "input": {"from": "z"}}
    steps: list[dict[str, Any]] = [{"name": "z"}, {"name": "a"}, reader]
    decided = all_done(workflows.plan(*steps), a={"output": "text"}, z={"cut": CUT})
    assert (decided.again, decided.fetched, decided.in_doubt) == ({}, {}, {})
    decided = all_done(workflows.plan(*steps), a={"output": 5}, b=SKIPPED, z={"cut": CUT})
    assert (decided.again, decided.fetched, decided.in_doubt) == ({}, {}, {})


def test_a_condition_that_cannot_be_judged_any_more_is_another() -> None:
    """Its step fails then, as it has to be told."""
    when = {"value": {"from": {"step": "a", "at": "/rows"}}, "is": True}
    plan = workflows.plan({"name": "a"}, {"name": "b", "when": when})
    assert all_done(plan, a={"output": {"rows": 1}}).again == {}
    assert all_done(plan, a={"output": []}).again == {1: Reason("changed")}


def test_a_default_is_not_judged_by_what_is_not_there_of_the_output_of_a_file() -> None:
    """The step whose output was cut is fetched, and the reader is kept if that is the same."""
    inner = file({"name": "b"}, output={"r": {"from": "b"}})
    reader = {"from": {"step": "p", "at": "/r/n", "default": {"from": "s"}}}
    plan = plan_of(
        file(
            use("p"),
            {"name": "s", "when": {"value": 1, "is": False}},
            {"name": "t", "input": reader},
            uses={0: inner},
        )
    )
    decided = all_done(plan, **{"p/b": {"cut": CUT}, "s": SKIPPED})
    assert (decided.again, decided.in_doubt) == ({}, {2: 0})


def test_a_contract_is_judged_anew() -> None:
    """As conditions are; a skipped step has no output, and a cut one is not there to be judged."""
    plan = workflows.plan(
        {"name": "a", "returns": {"minItems": 1}}, {"name": "b", "input": {"from": "a"}}
    )
    assert all_done(plan, a={"output": [1]}).again == {}
    assert all_done(plan, a={"output": []}).again == {0: Reason("changed"), 1: Reason("after", 0)}
    assert all_done(plan, a={"cut": CUT}).again == {}
    never = {"when": {"value": 1, "is": False}, "returns": False}
    assert all_done(workflows.plan({"name": "a", **never}), a=SKIPPED).again == {}


def test_a_step_whose_input_has_the_id_of_the_run_is_always_done_again() -> None:
    """It asks for something else in each run."""
    plan = workflows.plan({"name": "a", "input": {"run": "/id"}}, {"name": "b", "after": ["a"]})
    assert all_done(plan).again == {0: Reason("run_id"), 1: Reason("after", 0)}


def test_one_that_runs_for_sure_is_named_before_one_that_may() -> None:
    """As the one that needs an output."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "input": {"from": "a"}},
        {"name": "c", "input": {"from": "a"}},
    )
    decided = all_done(plan, a={"cut": CUT}, c={"state": "failed"})
    assert decided.fetched == {0: Reason("output_needed", 2)}


def test_an_empty_plan_keeps_nothing() -> None:
    """There is nothing."""
    assert decide(workflows.plan(), past_of({})) == Resumption(past_of({}), {}, {}, {}, {})


def test_a_step_whose_condition_looks_at_the_id_of_the_run_is_always_done_again() -> None:
    """No other run asks for the same, so nothing that comes after it is kept, either."""
    plan = workflows.plan(
        {"name": "a", "when": {"value": {"run": "/id"}, "is": {"type": "string"}}},
        {"name": "b", "after": ["a"]},
    )
    again = all_done(plan).again
    assert [again[0].cause, again[1]] == ["run_id", Reason("after", 0)]


def test_a_cut_output_that_may_hide_a_skip_is_fetched_first() -> None:
    """Whether its place is there says whether the default counts, which was skipped."""
    never = {"value": 1, "is": False}
    plan = workflows.plan(
        {"name": "a", "when": never},
        {"name": "big"},
        {
            "name": "c",
            "input": {"from": {"step": "big", "at": "/x", "default": {"from": "a"}}},
        },
    )
    resumption = all_done(plan, a=SKIPPED, big={"cut": CUT})
    assert resumption.fetched == {1: Reason("output_needed", 2)}
    assert resumption.in_doubt == {2: 1}
