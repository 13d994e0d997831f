"""A run that takes up an earlier one: what is kept stands at its index among what is done now."""

from __future__ import annotations

import pytest
from support import workflows

from driftflow.api import run_events
from driftflow.running.events import (
    Resumed,
    RunResult,
    StepDiscarded,
    StepFinished,
    StepStarted,
    advance,
)


@pytest.mark.parametrize("kept", [(0, 2, 5), (1, 4)])
@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_a_resumed_run_gives_what_is_known_at_its_index(
    flags: dict[str, bool], kept: tuple[int, ...]
) -> None:
    """Readers read it, and its index in a wave does not matter. Nothing of it is started."""
    steps = [
        {"name": "a", "priority": 5},
        {"name": "b", "input": "b", "priority": 4},
        {"name": "c", "input": {"from": ["a", "b"]}, "priority": 4},
        {"name": "d", "input": {"from": "c"}, "priority": 4},
        {"name": "e", "input": {"from": "a"}, "priority": 3},
        {"name": "f", "priority": 2, "input": "f"},
    ]
    plan = workflows.plan(*steps, flags=flags)
    results = {
        index: workflows.done(plan.steps[index].name, f"known {index}")._replace(reused=True)
        for index in kept
    }
    events = list(run_events(plan, resumed=Resumed("1", results, (4,))))
    finished = [event for event in events if isinstance(event, StepFinished)]
    assert [event.step_index for event in finished] == [0, 1, 2, 3, 4, 5]
    expected: list[object] = ["", "b", None, None, None, "f"]
    for index in kept:
        expected[index] = f"known {index}"
    expected[2] = expected[2] or expected[:2]
    expected[3] = expected[3] or expected[2]
    expected[4] = expected[4] or expected[0]
    assert [event.result.output for event in finished] == expected
    started = [event.step_index for event in events if isinstance(event, StepStarted)]
    assert started == [index for index in range(6) if index not in kept]
    run = RunResult(plan)
    for event in events:
        run = advance(run, event)
    assert run.resumed is not None
    assert run.resumed.run_id == "1"


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_what_is_known_behind_the_end_of_the_run_is_not_given(flags: dict[str, bool]) -> None:
    """An undisturbed run would not have come there."""
    steps = [{"name": "a"}, {"name": "b", "action": "no"}, {"name": "c"}, {"name": "d"}]
    plan = workflows.plan(*steps, flags=flags)
    results = {
        index: workflows.done(plan.steps[index].name, "known")._replace(reused=True)
        for index in (0, 2)
    }
    events = list(run_events(plan, resumed=Resumed("1", results, ())))
    finished = [event.step_index for event in events if isinstance(event, StepFinished)]
    assert finished == [0, 1]
    discarded = [event.step_index for event in events if isinstance(event, StepDiscarded)]
    assert discarded == ([3] if flags else [])


def test_a_run_can_be_halted_where_it_tells_what_is_known() -> None:
    """It tells all of that, and starts nothing."""
    plan = workflows.plan(*({"name": name} for name in "abc"))
    results = {
        index: workflows.done("abc"[index], "known")._replace(reused=True) for index in (0, 1)
    }
    stream = run_events(plan, resumed=Resumed("1", results, ()))
    events = [next(stream), next(stream), stream.send("interrupt")]
    with pytest.raises(KeyboardInterrupt):
        events.extend(stream)
    names = [type(event).__name__ for event in events]
    assert names == ["RunStarted", "StepFinished", "StepFinished", "RunFinished"]


def test_a_run_of_which_all_is_known_is_over_at_once() -> None:
    """For instance if only its end is missing."""
    plan = workflows.plan({"name": "a"}, {"name": "b"})
    results = {
        index: workflows.done(name, name)._replace(reused=True) for index, name in enumerate("ab")
    }
    events = list(run_events(plan, resumed=Resumed("1", results, ())))
    assert [type(event).__name__ for event in events] == [
        *("RunStarted", "StepFinished", "StepFinished", "RunFinished"),
    ]
