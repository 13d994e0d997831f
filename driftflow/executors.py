"""The running edge: where an attempt is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftflow.document import copied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftflow.actions import Action
    from driftflow.document import Json


def performer(actions: Mapping[str, Action]) -> Callable[[str, Json], Json]:
    """What makes an attempt here and now: from an action's name and an input to the output.

    It raises ValueError if there is no such action, TypeError if what the action returns is no
    JSON value, and whatever the action raises.

    Args:
        actions: What steps can name.
    """
    functions = {name: action.function for name, action in actions.items()}

    def perform(name: str, value: Json) -> Json:
        try:
            function = functions[name]
        except KeyError:
            raise ValueError(f"unknown action: {name!r}") from None
        output: Json = function(value)
        return output if type(output) is str else _own(output)

    return perform


def _own(output: Json) -> Json:
    try:
        return copied(output)
    except TypeError as error:
        raise TypeError(f"the output is {error}") from None
