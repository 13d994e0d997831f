"""Attempts that failed, for people: a line for each, and the operator's code that has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import workflows

from driftflow.failures import Failure, Frame, Raised
from driftflow.running.events import AttemptFailed
from driftflow.showing.attempts import format_attempt, format_traceback

if TYPE_CHECKING:
    from pathlib import Path

    from driftflow.failures import Link

TYPES = ("ConnectionError", "OSError", "Exception", "BaseException")


def event(failure: Failure, wait: float | None = None, **fields: Any) -> AttemptFailed:
    """The first attempt at a step called `load`, that has three of them."""
    (step,) = workflows.plan({"name": "load", "max_attempts": 3, **fields}).steps
    return AttemptFailed(0, step, 1, failure, wait)


@pytest.mark.parametrize(
    ("wait", "then"),
    [
        (None, ""),
        (0.0, "; trying again"),
        (2.0, "; next in 2 s"),
        (0.123456, "; next in 0.123 s"),
        (1800.0, "; next in 1800 s"),
    ],
)
def test_a_line_says_what_failed_and_what_is_done_about_it(wait: float | None, then: str) -> None:
    """Which attempt of how many it was, with what, and when the next one is, if there is one."""
    line = format_attempt(event(Failure("no route to host", TYPES), wait))
    assert line == f"load: attempt 1 of 3 failed: ConnectionError: no route to host{then}"


def test_a_type_is_not_said_twice() -> None:
    """If the words begin with it."""
    for words in ("ConnectionError", "ConnectionError: gone"):
        line = format_attempt(event(Failure(words, TYPES)))
        assert line == f"load: attempt 1 of 3 failed: {words}"


def test_a_line_stays_one() -> None:
    """Whatever the words are, or the name of the step."""
    line = format_attempt(event(Failure("a\nb\x1b[2J", TYPES), name="x\ny"))
    assert line == "x\\ny: attempt 1 of 3 failed: ConnectionError: a\\nb\\x1b[2J"


def test_a_line_about_a_sensitive_step_has_nothing_of_its_words() -> None:
    """Only what kind of error it was."""
    line = format_attempt(event(Failure("hush", TYPES), 2.0, sensitive=True))
    assert line == "load: attempt 1 of 3 failed: ConnectionError: [redacted]; next in 2 s"


def chain(path: Path, link: Link) -> tuple[Raised, ...]:
    """An error of the operator's code, and one that was raised because of it, or after it."""
    path.write_text("def fetch():\n    connect()\n\ndef load():\n    fetch()\n")
    inner, outer = Frame(str(path), 2, "fetch"), Frame(str(path), 5, "load")
    return (
        Raised("ConnectionError", "no route", (outer, inner), link, ("on Monday",)),
        Raised("LoadError", "", (outer,)),
    )


@pytest.mark.parametrize(
    ("link", "between"),
    [
        ("cause", "The above exception was the direct cause of the following exception:"),
        ("context", "During handling of the above exception, another exception occurred:"),
        ("part", "The above exception is one of the following group:"),
    ],
)
def test_a_traceback_is_what_python_prints(tmp_path: Path, link: Link, between: str) -> None:
    """Of the operator's code, with its lines, the error that came first first."""
    path = tmp_path / "orders.py"
    failure = Failure("LoadError", ("LoadError",), chain=chain(path, link))
    assert format_traceback(event(failure)) == (
        "load: attempt 1:\n"
        "Traceback (most recent call last):\n"
        f'  File "{path}", line 5, in load\n'
        "    fetch()\n"
        f'  File "{path}", line 2, in fetch\n'
        "    connect()\n"
        "ConnectionError: no route\n"
        "on Monday\n"
        "\n"
        f"{between}\n"
        "\n"
        "Traceback (most recent call last):\n"
        f'  File "{path}", line 5, in load\n'
        "    fetch()\n"
        "LoadError\n"
    )


def test_a_traceback_of_a_sensitive_step_has_no_words_of_its_errors(tmp_path: Path) -> None:
    """The code is the operator's own."""
    failure = Failure("hush", ("LoadError",), chain=chain(tmp_path / "orders.py", "cause"))
    shown = format_traceback(event(failure, sensitive=True))
    assert "ConnectionError: [redacted]\n" in shown
    assert "no route" not in shown
    assert "hush" not in shown
    assert "Monday" not in shown
    assert "    connect()\n" in shown


def test_a_traceback_is_safe_to_print() -> None:
    """Also where an error has passed no code of the operator's; and its words end no line."""
    raised = (Raised("Odd\x1b", "a\nOK forged: yes", ()),)
    shown = format_traceback(event(Failure("a", ("Odd",), chain=raised)))
    assert shown == "load: attempt 1:\nOdd\\x1b: a\\nOK forged: yes\n"
