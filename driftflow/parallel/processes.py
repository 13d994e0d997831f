"""Ends a process with all that it has started: its group, and on Linux also what left the group.

What left the group is found by a mark, a random text in an environment variable, which processes
inherit; Jenkins finds it like that too (its ProcessTreeKiller). A run that a step starts has
the marks of both runs, so the outer one ends its processes as well.

A process is waited for by `end` alone: until then the number of its group is its own, and killing
that group hits nobody else.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from threading import Lock, local
from time import monotonic, sleep
from typing import TYPE_CHECKING

from driftflow.running.interrupts import uninterruptible

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

# The environment variable that holds the marks, with blanks between them.
MARK = "DRIFTFLOW_COMMAND"

# How long killed processes may take to be gone, and the pause between two scans. Seconds.
PATIENCE = 5.0
_SCAN_PAUSE = 0.005
# Nothing is left when so many scans in a row find nothing. One may miss a process that has just
# begun, or that is becoming another program: it has no environment for a moment.
_EMPTY_SCANS = 2


class _ThisThread(local):
    """What is known of the present thread.

    Attributes:
        run: The run for which it is at work, as `WorkerConfig.run`; None for none.
    """

    run: str | None = None


this_thread = _ThisThread()

# By number, the registered processes that `end` has not ended: the run that started each, if any.
_registered: dict[int, str | None] = {}
_lock = Lock()


def make_mark() -> tuple[str, dict[str, str]]:
    """Return a new mark, and the variable that hands it on with those that there are."""
    mark = os.urandom(16).hex()
    return mark, {MARK: f"{os.environ.get(MARK, '')} {mark}".strip()}


@uninterruptible
def end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Kill the process, its group and what else has its mark, until nothing is left.

    If the process is registered, it is so no longer.

    Args:
        process: The leader of a group. Nobody has waited for its end.
        mark: What only it and its descendants have.
    """
    with _lock:
        _registered.pop(process.pid, None)
    _kill_group(process.pid)
    process.wait()
    end_marked(mark)


@uninterruptible
def end_marked(mark: str) -> None:
    """Kill what has the mark, until nothing is left."""
    deadline = monotonic() + PATIENCE
    scans = _EMPTY_SCANS
    while scans and monotonic() < deadline:
        found = list(_find_marked(mark))
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        scans = _EMPTY_SCANS if found else scans - 1
        if scans:
            sleep(_SCAN_PAUSE)


def register(process: subprocess.Popen[bytes]) -> None:
    """Let `kill_registered` kill the group that the process leads, until `end` has ended it."""
    with _lock:
        _registered[process.pid] = this_thread.run


def kill_registered(run: str) -> None:
    """Kill the groups of the processes that were registered for a run.

    Whoever waits for one of them has to `end` it.
    """
    with _lock:
        for pid, its_run in _registered.items():
            if its_run == run:
                _kill_group(pid)


def describe_exit(status: int) -> str:
    """Return how a process ended, in words: `exit status 3`, `killed by SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    name = next((each.name for each in signal.Signals if each == -status), f"signal {-status}")
    return f"killed by {name}"


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _find_marked(mark: str) -> Iterator[int]:
    """Yield the processes that have the mark, where the system shows environments: on Linux."""
    names = os.listdir("/proc") if sys.platform == "linux" else ()  # noqa: PTH208 - pathlib is slow to import
    for pid in filter(str.isdigit, names):
        # It may have ended, or be somebody else's.
        with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - as above
            if mark.encode() in file.read():
                yield int(pid)
