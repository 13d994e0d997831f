"""An attempt, made for real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import workflows

from driftflow.actions import ACTIONS
from driftflow.executors import perform

if TYPE_CHECKING:
    from driftflow.document import Json


def test_an_attempt_hands_the_input_to_the_action() -> None:
    """And gives its output back."""
    (step,) = workflows.plan({"action": "upper", "input": "hello"}).steps
    assert perform(step) == "HELLO"


def test_keys_reach_the_action_in_file_order() -> None:
    """An object is a dict again."""
    (step,) = workflows.plan({"input": {"z": 1, "a": {"y": 2, "b": [3]}}}).steps
    assert repr(perform(step)) == "{'z': 1, 'a': {'y': 2, 'b': [3]}}"


def test_an_unknown_action_fails_the_attempt() -> None:
    """Not the load."""
    (step,) = workflows.plan({"action": "shout"}).steps
    with pytest.raises(ValueError, match="unknown action: 'shout'"):
        perform(step)


def test_an_action_that_changes_its_input_harms_no_later_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each attempt has an input of its own."""

    def pop(value: Any) -> Json:
        return [value.pop()]

    monkeypatch.setitem(ACTIONS, "pop", pop)
    (step,) = workflows.plan({"action": "pop", "input": [1, 2]}).steps
    assert [perform(step), perform(step)] == [[2], [2]]
