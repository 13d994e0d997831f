"""Where an interrupt may be raised: in marked functions, and in all that they call.

A handler of signals runs between any two instructions. An exception that it raises there could
lose an event or leave a lock; none at all would wait for a step that sleeps. So it looks which
functions are under way, and raises only in those that know what becomes of a step: they are marked
where they are defined. That costs a step nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    Function = TypeVar("Function", bound=Callable[..., object])

# How long an interrupt waits for what is under way. Seconds.
GRACE = 5.0

# Of `__del__` and of what these modules call when an object is gone, no exception comes out.
_CALLBACKS = ("weakref", "_weakrefset")

# By the code of a function: whether an interrupt may be raised in it.
_MARKS: dict[CodeType, bool] = {}


def interruptible(function: Function) -> Function:
    """Mark a function that expects an interrupt, from itself and from all that it calls."""
    _MARKS[function.__code__] = True
    return function


def uninterruptible(function: Function) -> Function:
    """Mark a function that is soon done, and that an interrupt would keep from cleaning up."""
    _MARKS[function.__code__] = False
    return function


def may_interrupt(frame: FrameType | None) -> bool:
    """Return whether an exception may be raised in this frame: the innermost mark decides.

    Args:
        frame: The innermost frame of a thread.
    """
    while frame is not None:
        if (mark := _MARKS.get(frame.f_code)) is not None:
            return mark
        if frame.f_code.co_name == "__del__" or frame.f_globals.get("__name__") in _CALLBACKS:
            return False
        frame = frame.f_back
    return False
