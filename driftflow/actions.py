"""The actions: what a step can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from driftflow.document import Json, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    Action: TypeAlias = Callable[[Json], Json]


def echo(value: Json) -> Json:
    """Gives the input back, whatever it is."""
    return value


def upper(value: Json) -> Json:
    """Gives the input, a string, in upper case."""
    if isinstance(value, str):
        return value.upper()
    raise TypeError(objection("upper", value))


def lower(value: Json) -> Json:
    """Gives the input, a string, in lower case."""
    if isinstance(value, str):
        return value.lower()
    raise TypeError(objection("lower", value))


def reverse(value: Json) -> Json:
    """Gives the input, a string, back to front."""
    if isinstance(value, str):
        return value[::-1]
    raise TypeError(objection("reverse", value))


ACTIONS: dict[str, Action] = {
    "echo": echo,
    "upper": upper,
    "lower": lower,
    "reverse": reverse,
}
_OF_STRINGS = {"upper", "lower", "reverse"}


def objection(action: str, value: Json) -> str | None:
    """Why the action cannot take the value as its input; None where it can."""
    if action not in _OF_STRINGS or isinstance(value, str):
        return None
    return f"{action} takes a string, not {type_name(value)}"


def look_up(name: str) -> Action:
    """The action of that name.

    Raises:
        ValueError: If there is none.
    """
    try:
        return ACTIONS[name]
    except KeyError:
        raise ValueError(f"unknown action: {name!r}") from None
