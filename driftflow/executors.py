"""The running edge: where an attempt is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftflow.actions import look_up
from driftflow.plan import thaw

if TYPE_CHECKING:
    from driftflow.document import Json
    from driftflow.plan import Step


def perform(step: Step) -> Json:
    """Make one attempt at the step, here and now, on an input of its own.

    Raises:
        ValueError: If the step's action is not known.
        Exception: Whatever the action raises.
    """
    return look_up(step.action)(thaw(step.input))
