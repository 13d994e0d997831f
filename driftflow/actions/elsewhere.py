"""The actions of a run in another process than its own, where nothing has been loaded yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftflow.actions.action import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftflow.actions.action import Action, Address


def find_actions(names: Iterable[str], addresses: Iterable[Address]) -> Mapping[str, Action]:
    """Return the actions of these names; without the registry, if all are built in.

    One that cannot be found here is unknown, and says why when it is tried.

    Args:
        names: The names of the actions of the plan.
        addresses: Where those are that are not built in.
    """
    if not addresses and ACTIONS.keys() >= {*names}:
        return ACTIONS
    from driftflow.actions.registry import load_again

    return load_again(names, addresses)
