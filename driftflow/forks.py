"""A process that the operator's code forks never goes on with the run.

It has a copy of all: of the plan, of the audit's descriptor, of what waits to be printed. If it
came back from the code, the rest would be done twice, and recorded twice under one run.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Value = TypeVar("Value")


def bind_here(function: Callable[..., Value]) -> Callable[..., Value]:
    """Return the function, for this process alone.

    A process that it forks, by whatever means, ends where it would come back: with the status that
    it has asked for by SystemExit, 0 if it returns, and 1 if it raises anything else. One that was
    forked elsewhere, and calls it, ends too. None of the exit handlers runs in it, and nothing is
    flushed.
    """
    here = os.getpid()

    def call(*arguments: object) -> Value:
        if os.getpid() != here:
            os._exit(1)
        status = 1
        try:
            value = function(*arguments)
            status = 0
        except SystemExit as asked:
            status = asked.code if isinstance(asked.code, int) else int(asked.code is not None)
            raise
        finally:
            if os.getpid() != here:
                os._exit(status & 0xFF)
        return value

    return call


def call_here(function: Callable[..., Value], *arguments: object) -> Value:
    """Return what the function returns, or raise what it raises, in this process alone."""
    return bind_here(function)(*arguments)
