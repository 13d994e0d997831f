"""An interrupt is raised in marked functions alone."""

from __future__ import annotations

import sys

import pytest

from driftflow.parallel import crew, descendants, processes
from driftflow.running.attempts import run_step
from driftflow.running.interrupts import interruptible, may_interrupt, uninterruptible


def ask() -> bool:
    """Whether this very frame may be interrupted."""
    return may_interrupt(sys._getframe())  # noqa: SLF001 - it has no public name


@interruptible
def expecting(then: object) -> bool:
    """A function that knows what to do."""
    return then() if callable(then) else ask()


@uninterruptible
def cleaning(then: object) -> bool:
    """A function that is soon done."""
    return then() if callable(then) else ask()


answers: list[bool] = []


class Leaving:
    """What asks as it goes."""

    def __del__(self) -> None:
        answers.append(ask())


def test_without_a_mark_there_is_no_interrupt() -> None:
    """Anywhere."""
    assert not ask()
    assert not may_interrupt(None)


def test_the_innermost_mark_decides() -> None:
    """Of all functions that are under way."""
    assert expecting(None)
    assert not cleaning(None)
    assert not expecting(lambda: cleaning(None))
    assert cleaning(lambda: expecting(None))


def test_no_exception_comes_out_of_a_finalizer() -> None:
    """So none is raised there."""

    def leave() -> bool:
        Leaving()
        return True

    answers.clear()
    assert expecting(leave)
    assert answers == [False]


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (run_step, True),
        (crew.ConcurrentCrew._await_replies, True),  # noqa: SLF001 - it is called by the crew alone
        (processes.end, False),
        (descendants.end_all, False),
    ],
)
def test_what_runs_steps_and_ends_processes_is_marked(function: object, answer: object) -> None:
    """By a decorator where it is defined: its own frame would get that answer."""
    marks = may_interrupt.__globals__["_MARKS"]
    assert marks[function.__code__] is answer  # type: ignore[attr-defined]  # it is a function
