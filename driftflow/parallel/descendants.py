"""The descendants of a process, and their end: SIGTERM, some time to clean up, SIGKILL.

On Linux a process can adopt the orphans among its descendants (a "subreaper"). Then none of them
gets out of its tree, whatever it does to its group, its session or its environment, and to find
them all takes two small files for each. Weighed on 2026-11-27:

    ==================  ====================================================================
    a process group     a program leaves it by `setsid`
    a mark in the       `env -i` clears it, and each look reads a file of every process that
    environment         there is
    a tree              is enough where it is known what else the adopting process has
    a control group     misses nothing, but only root may make one, or whom root lets
    ==================  ====================================================================

Orphans have to be waited for by whoever adopts them, or they stay as zombies. But what runs code of
others cannot wait for whatever has ended: it would take the ends that this code waits for. So a
process that only waits adopts: its keeper, which has forked it.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from os.path import samestat
from time import monotonic, sleep
from typing import TYPE_CHECKING, NamedTuple

from driftflow.running.interrupts import uninterruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

# How long processes have between SIGTERM and SIGKILL. Seconds.
GRACE_SECONDS = 2.0
# How long killed processes may take to be gone, and the pause between two looks. Seconds.
PATIENCE = 5.0
_PAUSE = 0.005
# Nothing is left when so many looks in a row find nothing. One may miss a process that has just
# begun, or that is becoming another program.
_EMPTY_LOOKS = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# What tells whoever may have to end this process.
_announce: Callable[[float], object] | None = None
# The process that adopts orphans: this one, or an ancestor.
_adopter = 0
# The parent, if it adopts the orphans of this process and no others.
_keeper = 0


class Look(NamedTuple):
    """What the system says of a process.

    Attributes:
        state: One letter: `Z` if it has ended, and nobody has waited for it yet.
        parent: The number of its parent.
        group: The number of its process group.
        session: The number of its session.
        began: When it began, in clock ticks since the system did.
    """

    state: str
    parent: int
    group: int
    session: int
    began: int


class Earlier(NamedTuple):
    """What lived before something began. What goes back to that is none of its own.

    A process gets into no session but that of its parent, or a new one. So whoever is in one that
    was there goes back to what was in it.

    Attributes:
        processes: By number, and when they began: a number may be given anew.
        sessions: The numbers of the sessions in which nothing new begins.
    """

    processes: frozenset[tuple[int, int]] = frozenset()
    sessions: frozenset[int] = frozenset()

    def has(self, pid: int, look: Look) -> bool:
        """Return whether a process lived before, or goes back to one that did."""
        return (pid, look.began) in self.processes or look.session in self.sessions


def adopt_orphans() -> bool:
    """Let this process become the parent of its descendants' orphans; return whether it has."""
    global _adopter  # noqa: PLW0603 - there is one process, and it does so once
    if _call_prctl(_PR_SET_CHILD_SUBREAPER, 1):
        _adopter = os.getpid()
    return _adopter == os.getpid()


def claim_orphans() -> None:
    """Let the parent, if it adopts orphans, be the keeper of this process: it has no other."""
    global _keeper  # noqa: PLW0603 - there is one process, and it does so once
    if _adopter and _adopter == os.getppid():
        _keeper = _adopter


def find_keeper() -> int:
    """Return the process that adopts the orphans of this one; 0 for none, as in a fork."""
    return _keeper if _keeper == os.getppid() else 0


def die_with_parent() -> None:
    """Let Linux kill this process when the thread that started it has ended, however that ends."""
    _call_prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def announce_grace(seconds: float) -> None:
    """Tell whoever may have to end this process how long its descendants have to clean up."""
    if _announce is not None:
        _announce(seconds)


def let_grace_be_announced(announce: Callable[[float], object]) -> None:
    """Let `announce_grace` call that from here on."""
    global _announce  # noqa: PLW0603 - there is one process, and it is told once
    _announce = announce


def is_proc_own() -> bool:
    """Return whether /proc has the numbers by which this process knows others; on Linux.

    In a container it may be that of the system outside: its numbers are other processes' here.
    """
    with suppress(OSError):
        return os.readlink("/proc/self") == str(os.getpid())  # noqa: PTH115 - much faster
    return False


def look_at(pid: int) -> Look | None:
    """Return what the system says of a process; None if there is none, or if it does not say."""
    if not is_proc_own():
        return None
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - much faster
        # The name of the program, in brackets, may hold anything.
        words = file.read().rpartition(b")")[2].split()
        return Look(words[0].decode(), *(int(words[place]) for place in (1, 2, 3, 19)))
    return None


def list_children(pid: int) -> list[int]:
    """Return the children of all threads of a process; none if there is no such process."""
    children: list[int] = []
    if not is_proc_own():
        return children
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - much faster
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123
                children += map(int, file.read().split())
    return children


def look_at_living(pid: int) -> Look | None:
    """Return what the system says of a process; None if it has ended, or as `look_at` does."""
    look = look_at(pid)
    return look if look and look.state not in "ZX" else None


def find_descendants(*pids: int, but: Earlier = Earlier()) -> list[int]:  # noqa: B008 - it is frozen
    """Return the descendants of processes that live, parents first, without these processes.

    Args:
        pids: The processes.
        but: What is left out, with all its own descendants.
    """
    return [pid for pid, _ in _walk(pids, but)]


def list_earlier(*pids: int) -> Earlier:
    """Return what lives now: the descendants of processes, without these processes."""
    found = [*_walk(pids, Earlier())]
    processes = frozenset((pid, look.began) for pid, look in found)
    return Earlier(processes, frozenset(look.session for _, look in found))


def make_look_for_others() -> Callable[[], bool]:
    """Return what returns whether this process may have children, or its keeper another one.

    It takes some microseconds; to list them would take an attempt as long as all the rest of it.
    """
    keeper = find_keeper()
    try:
        file = os.open(f"/proc/{keeper}/task/{keeper}/children", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # there is no keeper, or /proc is another's
        return lambda: True
    ours, alone = os.fstat(file), b"%d " % os.getpid()

    def has_others() -> bool:
        with suppress(ChildProcessError):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return True
        with suppress(OSError):  # code of others may have closed it, or put another in its place
            return not (samestat(os.fstat(file), ours) and os.pread(file, 99, 0) == alone)
        return True

    return has_others


def _walk(pids: Collection[int], but: Earlier) -> Iterator[tuple[int, Look]]:
    parents = [*pids]
    while parents:
        for child in list_children(parents.pop()):
            look = look_at_living(child) if child not in pids else None
            if look and not but.has(child, look):
                yield child, look
                parents.append(child)


@uninterruptible
def end_all(find: Callable[[], Sequence[int]], grace: float) -> None:
    """Send SIGTERM to what is found, and SIGKILL to what is left after some time.

    What a process that was told begins, as long as that lives, gets no SIGTERM: it may be what a
    shell cleans up with.

    Args:
        find: Returns the processes that live, parents first: a shell whose child ends before it is
            told itself goes on with its script.
        grace: How long they have to clean up. Seconds.
    """
    told: set[int] = set()
    looks = _EMPTY_LOOKS
    until = monotonic() + grace
    while looks and monotonic() < until:
        found = find()
        looks = _EMPTY_LOOKS if found else looks - 1
        cleaning = told & {*found}
        for pid in found:
            if pid in told:
                continue
            if cleaning and (look := look_at(pid)) and look.parent in cleaning:
                cleaning.add(pid)
                continue
            _send(pid, signal.SIGTERM)
            _send(pid, signal.SIGCONT)  # one that is stopped could not clean up
            told.add(pid)
        if looks:
            sleep(_PAUSE)
    until = monotonic() + PATIENCE
    while looks and monotonic() < until:
        found = find()
        for pid in found:
            _send(pid, signal.SIGKILL)
        looks = _EMPTY_LOOKS if found else looks - 1
        if looks and not found:  # what forks and exits without end is caught without a pause only
            sleep(_PAUSE)


def list_processes() -> Iterator[int]:
    """Yield the numbers of all processes that there are, if the system says so."""
    names = os.listdir("/proc") if is_proc_own() else ()  # noqa: PTH208 - much faster
    return map(int, filter(str.isdigit, names))


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _call_prctl(option: int, value: int) -> bool:
    """Return whether it succeeded; it is Linux's."""
    if sys.platform != "linux":
        return False
    from ctypes import CDLL

    return not CDLL(None).prctl(option, value, 0, 0, 0)
