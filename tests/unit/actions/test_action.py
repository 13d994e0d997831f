"""What each action gives, and what it refuses."""

from typing import Any
from unittest import mock

import pytest

from driftflow.actions.action import (
    ACTIONS,
    Action,
    action,
    find_mark,
    make_performer,
)
from driftflow.reading.document import Json
from driftflow.schemas.explanation import explain_refusal
from driftflow.schemas.published import load_schema


@pytest.mark.parametrize(
    ("name", "value", "output"),
    [
        ("echo", "hello", "hello"),
        ("echo", "", ""),
        ("echo", None, None),
        ("echo", {"b": [1], "a": 2.5}, {"b": [1], "a": 2.5}),
        ("upper", "straße é", "STRASSE É"),
        ("lower", "HELLO É", "hello é"),
        ("reverse", "stressed", "desserts"),
        ("reverse", "", ""),
    ],
)
def test_an_action_gives_its_output(name: str, value: Json, output: Json) -> None:
    """Echo the input back, the others a string."""
    assert ACTIONS[name].function(value) == output


@pytest.mark.parametrize("name", ["upper", "lower", "reverse"])
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "null"),
        (False, "a boolean"),
        (1, "an integer"),
        (0.5, "a decimal number"),
        (["a"], "an array"),
        ({"a": "b"}, "an object"),
    ],
)
def test_a_string_action_takes_nothing_else(name: str, value: Json, found: str) -> None:
    """It says what it was given."""
    with pytest.raises(TypeError) as caught:
        ACTIONS[name].function(value)
    assert str(caught.value) == f"{name} takes a string, not {found}"


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("value", [None, True, 1, 0.5, "", "a", [], ["a"], {}])
def test_what_an_action_will_not_take_is_foretold(name: str, value: Json) -> None:
    """By its schema and without it; in the words in which it fails."""
    failure = None
    try:
        ACTIONS[name].function(value)
    except TypeError as error:
        failure = str(error)
    known = ACTIONS[name]
    assert (known.accepts is None or known.accepts(value)) == (failure is None)
    assert explain_refusal(name, known.schema or {}, value) == (failure or "")


def test_a_marked_function_stays_what_it_is() -> None:
    """It can be called as before; its name and any input are the defaults."""

    @action
    def clean(value: list[str]) -> list[str]:
        """Strip each."""
        return [item.strip() for item in value]

    assert clean([" a "]) == ["a"]
    assert find_mark(clean) == ("clean", None, None)


class Anything:
    """Has every attribute."""

    def __getattr__(self, name: str) -> str:
        return name


def test_a_mark_holds_name_and_schemas() -> None:
    """As they were given; what is not marked has none."""

    @action(name="rows.clean", schema={"type": "array"}, returns={"type": "null"})
    def clean(value: Json) -> Json:
        return value

    @action()
    def other(value: Json) -> Json:
        return value

    assert find_mark(clean) == ("rows.clean", {"type": "array"}, {"type": "null"})
    assert find_mark(other) == ("other", None, None)
    assert find_mark(print) is None
    assert find_mark(mock.Mock()) is None
    assert find_mark(Anything()) is None


def test_the_schema_offers_just_the_actions_that_there_are() -> None:
    """In the same order, each with what its docstring says."""
    action = load_schema("driftflow")["properties"]["steps"]["items"]["properties"]["action"]
    offered = action["anyOf"][0]
    assert offered["enum"] == list(ACTIONS)
    assert offered["enumDescriptions"] == [action.summary for action in ACTIONS.values()]


def test_an_attempt_hands_the_input_to_the_action() -> None:
    """And gives its output back."""
    assert make_performer(ACTIONS)("upper", "hello", None) == "HELLO"


def test_an_unknown_action_fails_the_attempt() -> None:
    """Not the load."""
    for name in ("shout", "ECHO", "echo ", "", "__init__", "os.system"):
        with pytest.raises(ValueError, match="unknown action: ") as caught:
            make_performer(ACTIONS)(name, "hello", None)
        assert str(caught.value) == f"unknown action: '{name}'"


def test_an_output_belongs_to_nobody_else() -> None:
    """What the action does later with what it returned changes nothing."""
    kept: list[Any] = []

    def keep(value: Any) -> Any:
        kept.append(value)
        return kept

    perform = make_performer({"keep": Action(keep, "", "")})
    outputs = [perform("keep", [1], None), perform("keep", [2], None)]
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
    perform = make_performer({"give": Action(lambda _: returned, "", "")})
    with pytest.raises(TypeError) as caught:
        perform("give", None, None)
    assert str(caught.value) == f"the output is not a JSON value: {fault}"
