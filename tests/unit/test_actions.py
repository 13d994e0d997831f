"""What each action gives, and what it refuses."""

import pytest

from driftflow.actions import ACTIONS, look_up, objection
from driftflow.document import Json
from driftflow.schemas import schema


@pytest.mark.parametrize(
    ("action", "value", "output"),
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
def test_an_action_gives_its_output(action: str, value: Json, output: Json) -> None:
    """Echo the input back, the others a string."""
    assert look_up(action)(value) == output


@pytest.mark.parametrize("action", ["upper", "lower", "reverse"])
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
def test_a_string_action_takes_nothing_else(action: str, value: Json, found: str) -> None:
    """It says what it was given."""
    with pytest.raises(TypeError) as caught:
        look_up(action)(value)
    assert str(caught.value) == f"{action} takes a string, not {found}"


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("value", [None, True, 1, 0.5, "", "a", [], ["a"], {}])
def test_what_an_action_will_not_take_is_foretold(action: str, value: Json) -> None:
    """In the words in which it would fail, and only if it would."""
    failure = None
    try:
        look_up(action)(value)
    except TypeError as error:
        failure = str(error)
    assert objection(action, value) == failure


@pytest.mark.parametrize("name", ["shout", "ECHO", "echo ", "", "__init__", "os.system"])
def test_an_unknown_action_is_a_value_error(name: str) -> None:
    """With the name in quotes."""
    with pytest.raises(ValueError, match="unknown action: ") as caught:
        look_up(name)
    assert str(caught.value) == f"unknown action: '{name}'"


def test_the_schema_offers_just_the_actions_that_there_are() -> None:
    """In the same order, each with what its docstring says."""
    action = schema("driftflow")["properties"]["steps"]["items"]["properties"]["action"]
    offered = action["anyOf"][0]
    assert offered["enum"] == list(ACTIONS)
    assert offered["enumDescriptions"] == [perform.__doc__ for perform in ACTIONS.values()]
