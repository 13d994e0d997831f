"""Processes that are ended with all that they have started: their group, and what left it.

On Linux what left the group is found by a word in its environment, which processes inherit.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from threading import Lock, local
from time import monotonic, sleep
from typing import TYPE_CHECKING

from driftflow.running.interrupts import uninterruptible

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

# The variable that holds the words. A process that starts a run has its own: each adds one.
MARK = "DRIFTFLOW_COMMAND"

# How long killed processes may take to be gone, and the pause between two looks. Seconds.
PATIENCE = 5.0
_PAUSE = 0.005
# As many looks in a row find nothing when nothing is left: in one alone, a process that is about to
# become another program shows no environment, and a new one may be missed.
_LOOKS = 2


# Of processes whose end has not been waited for: the run for which they were started, if any.
_known: dict[int, str | None] = {}
_changing = Lock()


class _Owner(local):
    """The run for which the present thread is at work."""

    run: str | None = None


owner = _Owner()


def new_mark() -> tuple[str, dict[str, str]]:
    """A word that no other process has, and the variable that hands it on with those there are."""
    word = token_hex(16)
    return word, {MARK: f"{os.environ.get(MARK, '')} {word}".strip()}


@uninterruptible
def end(process: subprocess.Popen[bytes], word: str) -> None:
    """Kill the process, its group and what else has its word, until nothing is left.

    It may be one of those that `end_all` knows, and is none any more.

    Args:
        process: What leads a group of its own. Its end has not been waited for, so that the number
            of the group is still its own.
        word: What only it and its descendants have.
    """
    with _changing:
        _known.pop(process.pid, None)
    _kill_group(process.pid)
    process.wait()
    end_marked(word)


@uninterruptible
def end_marked(word: str) -> None:
    """Kill what has the word, until nothing is left."""
    deadline = monotonic() + PATIENCE
    looks = _LOOKS
    while looks and monotonic() < deadline:
        left = list(_marked(word))
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        looks = _LOOKS if left else looks - 1
        if looks:
            sleep(_PAUSE)


def make_known(process: subprocess.Popen[bytes]) -> None:
    """Let `end_all` end the process, until `end` does: a leader of a group of its own."""
    with _changing:
        _known[process.pid] = owner.run


def end_all(run: str) -> None:
    """Kill the groups of the processes that were made known for a run; who waits `end`s them."""
    with _changing:
        for pid, its_run in _known.items():
            if its_run == run:
                _kill_group(pid)


def how_it_ended(status: int) -> str:
    """The end of a process in words: `exit status 3`, `killed by SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    name = next((each.name for each in signal.Signals if each == -status), f"signal {-status}")
    return f"killed by {name}"


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _marked(word: str) -> Iterator[int]:
    """The processes that have the word in their environment, where the system tells: on Linux."""
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it is gone, or somebody else's
            if word.encode() in environment.read_bytes():
                yield int(environment.parent.name)
