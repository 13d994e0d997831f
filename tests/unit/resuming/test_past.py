"""What is on record, as values."""

from __future__ import annotations

import hashlib
import json

import pytest
from support import workflows

from driftflow.resuming.past import Cut, find_namesakes, measure, measure_text


@pytest.mark.parametrize("value", ["ä", {"b": [1.0, None], "a": True}, ""])
def test_a_value_is_measured_by_its_compact_ascii_json(value: object) -> None:
    """Its keys in their order."""
    text = json.dumps(value, separators=(",", ":"))
    wanted = Cut(len(text), hashlib.sha256(text.encode()).hexdigest())
    assert measure(value) == measure_text(text) == wanted  # type: ignore[arg-type]


def test_steps_of_one_name_are_numbered_in_run_order() -> None:
    """The first of a name is missing, as there is nothing before it."""
    plan = workflows.plan(*({"name": name} for name in "abaab"))
    assert [step.name for step in plan.steps] == [*"aaabb"]
    assert find_namesakes(plan.steps.tolist()) == {1: 1, 2: 2, 4: 1}
    assert find_namesakes(workflows.plan({"name": "a"}, {"name": "b"}).steps.tolist()) == {}
