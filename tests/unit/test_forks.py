"""A process that a function forks ends where it would come back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from driftflow.forks import call_here

if TYPE_CHECKING:
    from collections.abc import Callable


def returned() -> str:
    """Comes back."""
    return "copy"


def raised(error: BaseException) -> Callable[[], str]:
    """What comes back by that exception."""

    def function() -> str:
        raise error

    return function


@pytest.mark.parametrize(
    ("come_back", "status"),
    [
        (returned, 0),
        (raised(ValueError()), 1),
        (raised(KeyboardInterrupt()), 1),
        (raised(SystemExit()), 0),
        (raised(SystemExit(3)), 3),
        (raised(SystemExit(-1)), 255),
        (raised(SystemExit("no")), 1),
    ],
)
def test_a_process_that_was_forked_does_not_come_back(
    come_back: Callable[[], str], status: int
) -> None:
    """It ends with the status that it would have had."""

    def fork() -> int:
        child = os.fork()
        if child == 0:
            come_back()
        return child

    child = call_here(fork)
    _, ended = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(ended) == status


def test_nothing_changes_for_this_process() -> None:
    """What a function returns or raises is as before."""
    assert call_here(divmod, 7, 3) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        call_here(divmod, 7, 0)
