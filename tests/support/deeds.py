"""Actions for runs on other threads, in other processes, on other machines; a file for `--actions`.

What each does depends on its input alone, so that it is the same wherever it is tried.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import driftflow

if TYPE_CHECKING:
    from collections.abc import Callable

_calls: Counter[str] = Counter()


class StubbornError(Exception):
    """An exception that pickles and does not unpickle."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


class Unspeakable(BaseException):
    """Not even an `Exception`, and it cannot say what is wrong."""

    def __str__(self) -> str:
        raise RuntimeError


ERRORS: dict[str, Callable[[], BaseException]] = {
    "value": partial(ValueError, "no"),
    "exit": partial(SystemExit, 3),
    "leave": SystemExit,
    "generator": GeneratorExit,
    "stubborn": partial(StubbornError, "one", "two"),
    "unspeakable": Unspeakable,
    "local": type("Local", (Exception,), {}),
}


@driftflow.action
def fail(kind: str) -> NoReturn:
    """Raises an error of that kind."""
    error = ERRORS[kind]()
    raise error


@driftflow.action
def flaky(value: dict[str, Any]) -> str:
    """Fails so many times, by its own count for each key, then gives the number of the attempt."""
    _calls[value["key"]] += 1
    if _calls[value["key"]] <= value["failures"]:
        raise LookupError(f"failure {_calls[value['key']]}")
    return f"attempt {_calls[value['key']]}"


@driftflow.action
def spoil(value: dict[str, Any]) -> list[Any]:
    """Changes what it was given, fails the first time for each key, and gives it."""
    value["rows"].append("spoilt")
    _calls[value["key"]] += 1
    if _calls[value["key"]] == 1:
        raise OSError("spoilt")
    rows: list[Any] = value["rows"]
    return rows


@driftflow.action
def nap(seconds: float) -> float:
    """Sleeps."""
    time.sleep(seconds)
    return seconds


@driftflow.action
def note(value: dict[str, Any]) -> Any:
    """Appends a line to a file, sleeps, and gives what it is to give."""
    with Path(value["path"]).open("a") as file:
        file.write(f"{value.get('line', os.getpid())}\n")
    time.sleep(value.get("seconds", 0))
    return value.get("output")


@driftflow.action
def die_once(value: dict[str, Any]) -> Any:
    """Kills the process that it runs in, the first time."""
    path = Path(value["path"])
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value["output"]


@driftflow.action
def die(_: Any) -> NoReturn:
    """Kills the process that it runs in."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@driftflow.action
def interrupt(_: Any) -> NoReturn:
    """Does as if the user had interrupted the run."""
    raise KeyboardInterrupt


@driftflow.action
def whereabouts(_: Any) -> int:
    """Gives the number of the process."""
    return os.getpid()
