"""An attempt, made for real."""

from __future__ import annotations

from typing import Any

import pytest

from driftflow.actions import ACTIONS, Action
from driftflow.executors import performer


def test_an_attempt_hands_the_input_to_the_action() -> None:
    """And gives its output back."""
    assert performer(ACTIONS)("upper", "hello") == "HELLO"


def test_an_unknown_action_fails_the_attempt() -> None:
    """Not the load."""
    for name in ("shout", "ECHO", "echo ", "", "__init__", "os.system"):
        with pytest.raises(ValueError, match="unknown action: ") as caught:
            performer(ACTIONS)(name, "hello")
        assert str(caught.value) == f"unknown action: '{name}'"


def test_an_output_belongs_to_nobody_else() -> None:
    """What the action does later with what it returned changes nothing."""
    kept: list[Any] = []

    def keep(value: Any) -> Any:
        kept.append(value)
        return kept

    perform = performer({"keep": Action(keep, "", "")})
    outputs = [perform("keep", [1]), perform("keep", [2])]
    kept[0].append(3)
    assert outputs == [[[1]], [[1], [2]]]


@pytest.mark.parametrize(
    ("returned", "fault"),
    [
        ({1, 2}, "a value of type set"),
        ([{"day": b"x"}], "a value of type bytes, at [0].day"),
        (float("nan"), "nan"),
        (iter(()), "a value of type tuple_iterator"),
    ],
)
def test_an_output_that_is_no_json_value_fails_the_attempt(returned: Any, fault: str) -> None:
    """It says of which type it is, and where."""
    perform = performer({"give": Action(lambda _: returned, "", "")})
    with pytest.raises(TypeError) as caught:
        perform("give", None)
    assert str(caught.value) == f"the output is no JSON value: {fault}"
