"""Ends a program with all that it has started; on systems without /proc, with its group.

The descendants of a program are found in the tree of processes where this process has a keeper that
adopts their orphans, and no other program beside this one (`descendants`). What lived before the
program began is none of them. If that leaves an orphan later, in a session of its own, it cannot be
told from an orphan of the program that has cleared its environment. Such a one lives on if the
program has ended by itself, and ends with one that is ended. Elsewhere, in threads and
in programs that use the library, they are those of its group, those in its own tree, and those that
have its mark: a random text in an environment variable, which processes inherit, as Jenkins has it
(its ProcessTreeKiller). A run that a step starts has the marks of both runs, so the outer one ends
its programs as well.

A program is waited for by `end` alone: until then the number of its group is its own, and killing
that group hits nobody else.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from threading import Lock, local
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from driftflow.parallel.descendants import (
    Earlier,
    end_all,
    find_descendants,
    find_keeper,
    list_children,
    list_earlier,
    list_processes,
    look_at_living,
)
from driftflow.running.interrupts import uninterruptible

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

# The environment variable that holds the marks, with blanks between them.
MARK = "DRIFTFLOW_COMMAND"


class _ThisThread(local):
    """What is known of the present thread.

    Attributes:
        run: The run for which it is at work, as `WorkerConfig.run`; None for none.
    """

    run: str | None = None


this_thread = _ThisThread()


class _Registered(NamedTuple):
    """A program that may have to end early.

    Attributes:
        run: The run that has started it, if any.
        grace: How long it has after SIGTERM. Seconds.
    """

    run: str | None
    grace: float


# By number, the programs that `end` has not ended, and until when those have time that were told to
# end: `monotonic`, in seconds.
_registered: dict[int, _Registered] = {}
_told: dict[int, float] = {}
_lock = Lock()


class Trace(NamedTuple):
    """By what the descendants of a program are known.

    Attributes:
        mark: What only they have in their environment.
        earlier: What lived before, this process too; None without a keeper.
    """

    mark: str
    earlier: Earlier | None

    def find(self, leader: int, *, has_ended: bool) -> list[int]:
        """Return the program and its descendants that live, parents first.

        Args:
            leader: The number of the program.
            has_ended: Whether it has ended by itself.
        """
        roots = [leader] if look_at_living(leader) else []
        if self.earlier is None:
            found = (*roots, *find_descendants(leader), *find_marked(self.mark, leader))
            return [*dict.fromkeys(found)]
        roots += self._find_orphans(self.earlier, has_ended=has_ended)
        return [*roots, *find_descendants(*roots)]

    def find_begun(self) -> list[int]:
        """Return what lives of a program whose number is not known: it may be about to start."""
        if self.earlier is None:
            return [*find_marked(self.mark)]
        # It may be in the session of this process still.
        earlier = self.earlier._replace(sessions=frozenset())
        return find_descendants(find_keeper(), os.getpid(), but=earlier)

    def _find_orphans(self, earlier: Earlier, *, has_ended: bool) -> Iterator[int]:
        keeper = find_keeper()
        # Beside this process something lived; process 1 of a container has everybody's orphans.
        is_doubtful = len(earlier.processes) > 1 or keeper == 1
        for pid in list_children(keeper):
            look = look_at_living(pid)
            if look is None or earlier.has(pid, look):
                continue
            if not (has_ended and is_doubtful) or _has_mark(pid, self.mark):
                yield pid


def make_mark() -> tuple[str, dict[str, str]]:
    """Return a new mark, and the variable that hands it on with those that there are."""
    mark = os.urandom(16).hex()
    return mark, {MARK: f"{os.environ.get(MARK, '')} {mark}".strip()}


def leave_trace() -> tuple[Trace, dict[str, str]]:
    """Return what the descendants of a new program will be known by, and its variable."""
    mark, variable = make_mark()
    keeper = find_keeper()
    return Trace(mark, list_earlier(keeper) if keeper else None), variable


@uninterruptible
def end(process: subprocess.Popen[bytes], trace: Trace, grace: float) -> bool:
    """End the program with all that it has started, until nothing is left.

    If the process is registered, it is so no longer.

    Args:
        process: The leader of a group. Nobody has waited for its end.
        trace: By what its descendants are known.
        grace: How long they have between SIGTERM and SIGKILL. Seconds.

    Returns:
        Whether `end_registered` had told the program to end: then its own end says nothing of what
        it would have done.
    """
    with _lock:
        _registered.pop(process.pid, None)
        was_told = _told.pop(process.pid, None) is not None
    has_ended = look_at_living(process.pid) is None
    end_all(lambda: trace.find(process.pid, has_ended=has_ended), grace)
    _send_to_group(process.pid, signal.SIGKILL)  # all that can be done where no process is seen
    process.wait()
    return was_told


def register(process: subprocess.Popen[bytes], grace: float) -> None:
    """Let `end_registered` end the group that the process leads, until `end` has ended it."""
    with _lock:
        _registered[process.pid] = _Registered(this_thread.run, grace)


def end_registered(run: str) -> None:
    """Send SIGTERM to the programs that were registered for a run; called again later, SIGKILL.

    Their groups get SIGTERM once: what begins later may be what they clean up with.

    Whoever waits for one of them has to `end` it.
    """
    now = monotonic()
    with _lock:
        for pid, (its_run, grace) in _registered.items():
            if its_run == run:
                if pid not in _told:
                    _told[pid] = now + grace
                    _send_to_group(pid, signal.SIGTERM)
                    _send_to_group(pid, signal.SIGCONT)  # one that is stopped could not clean up
                elif now >= _told[pid]:
                    _send_to_group(pid, signal.SIGKILL)


def describe_exit(status: int) -> str:
    """Return how a process ended, in words: `exit status 3`, `killed by SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    name = next((each.name for each in signal.Signals if each == -status), f"signal {-status}")
    return f"killed by {name}"


def find_marked(mark: str, group: int | None = None) -> Iterator[int]:
    """Yield the processes that live and have the mark, or are in the group; on Linux."""
    for pid in list_processes():
        look = look_at_living(pid)
        if look and (look.group == group or _has_mark(pid, mark)):
            yield pid


def _has_mark(pid: int, mark: str) -> bool:
    # It may have ended, or be somebody else's.
    with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - much faster
        return mark.encode() in file.read()
    return False


def _send_to_group(leader: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
