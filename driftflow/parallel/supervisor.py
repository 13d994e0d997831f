"""A process that waits for the command, and sees to what the command's own process cannot.

Code of others can do to its process what Python never hears of: end it by C's `exit`, replace it by
another program, keep Python's lock in a long call into C so that no signal is handled, leave
processes behind. So where such code may run, the command forks. The new process goes on with the
command; the old one, whose number the caller knows, hands on signals and ends as the new one does.

- Status 0 means that the command came to its end, not only that its process did.
- The second signal is death at once, whatever Python is doing.
- However the process ends: if its run has not come to its end, the run's record is closed.
- When a signal ends the command, all that it has started ends too. Otherwise what steps have left
  running lives on.
- As process 1 of a container it waits for orphans, and takes signals, which the system would keep
  from process 1.

`timeout`, `sudo` and `tini` are made like this. It takes about a millisecond, and is done on Linux.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
from contextlib import suppress
from resource import RLIMIT_CORE, getrlimit, setrlimit
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

from driftflow.parallel.descendants import (
    GRACE_SECONDS,
    adopt_orphans,
    die_with_parent,
    end_all,
    find_descendants,
)
from driftflow.parallel.processes import describe_exit
from driftflow.running.signals import ENDING, SIGPIPE, end_at_once, is_another

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What stands for a command that did not come to its end.
FAILED = 1

# What the two processes share. A byte each: the number of the first signal, whether the command has
# come to its end, and its status then. And a note for whoever sees to what a killed run leaves.
_SIGNAL, _HAS_ENDED, _STATUS, _NOTE = range(4)
_SIZE = 1 << 14
_shared: mmap.mmap | None = None

# Signals that are not handed on: those that a process brings on itself; those that a terminal sends
# to both processes, and that stop them.
_NOT_HANDED_ON = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS),
    *(signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
    signal.SIGWINCH,
}


def supervise(see_to: Callable[[bytes, int], object]) -> bool:
    """Fork; return in the new process only. Done once, it does nothing more.

    There must be no other thread yet.

    Args:
        see_to: Called in the old process when the new one has ended, with the note that it has
            left, and the number of the signal that ended it (0 for none); not if it has left no
            note, or has come to its end.

    Returns:
        Whether this process has a supervisor: on Linux.
    """
    global _shared  # noqa: PLW0603 - there is one process, and it does so once
    if _shared is not None or sys.platform != "linux":
        return _shared is not None
    _shared = mmap.mmap(-1, _SIZE)
    adopt_orphans()
    handled = signal.valid_signals() - _NOT_HANDED_ON
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    parent = os.getpid()
    child = os.fork()
    if child:  # what the caller has blocked stays so
        _Supervisor(child, _shared, see_to).run(handled - mask | {signal.SIGCHLD})
    die_with_parent()
    if os.getppid() != parent:  # it has ended before this process could say that it wants to know
        os._exit(FAILED)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return True


def signal_seen() -> int:
    """Return the first signal that has come to the supervisor; 0 for none."""
    return 0 if _shared is None else _shared[_SIGNAL]


def leave_note(note: bytes) -> None:
    """Leave a note for `see_to`, without zeros, in place of the last; none if it is too long."""
    if _shared is not None:
        whole = note if len(note) <= _SIZE - _NOTE else b""
        _shared[_NOTE:] = whole.ljust(_SIZE - _NOTE, b"\0")


def report_end(status: int) -> None:
    """Let the supervisor know that the command has come to its end, and its exit status."""
    if _shared is not None:
        _shared[_HAS_ENDED], _shared[_STATUS] = 1, status


class _Supervisor:
    """Waits for the process of the command, and ends as it does.

    Args:
        child: The process.
        shared: What both processes see.
        see_to: As `supervise` takes it.
    """

    def __init__(
        self, child: int, shared: mmap.mmap, see_to: Callable[[bytes, int], object]
    ) -> None:
        self._child = child
        self._shared = shared
        self._see_to = see_to
        self._first: int | None = None  # the first signal that asks for an end
        self._since = 0.0
        self._last: int | None = None  # the second one

    def run(self, handled: set[signal.Signals]) -> NoReturn:
        """Hand on signals until the process has ended.

        Args:
            handled: The signals that are blocked, to be taken here.
        """
        while True:
            came = signal.sigwaitinfo(handled)
            if came.si_signo == signal.SIGCHLD:
                for pid, status in _reap():
                    if pid == self._child:
                        self._end(os.waitstatus_to_exitcode(status))
            elif came.si_signo in ENDING:
                self._hand_on(came.si_signo)
            else:
                self._send(came.si_signo)

    def _hand_on(self, number: int) -> None:
        if signal.getsignal(number) == signal.SIG_IGN:
            return
        if self._first is None:
            self._first, self._since = number, monotonic()
            self._shared[_SIGNAL] = number
            self._send(number)
        elif is_another(number, self._first, monotonic() - self._since):
            self._last = number
            self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        os.kill(self._child, number)  # nobody has waited for its end, so the number is its own

    def _end(self, code: int) -> NoReturn:
        """End as the process of the command has ended.

        Args:
            code: Its exit status; a signal by its negative number.
        """
        note = self._shared[_NOTE:].rstrip(b"\0")
        if note and not self._shared[_HAS_ENDED]:
            self._see_to(note, self._last or self._first or max(-code, 0))
        if code < 0 or self._last:
            number = self._last or -code
            if number != SIGPIPE:
                end_all(_find_rest, 0 if self._last else GRACE_SECONDS)
            if number not in {*ENDING, SIGPIPE}:
                _complain(code)
            setrlimit(RLIMIT_CORE, (0, getrlimit(RLIMIT_CORE)[1]))  # the command's own is enough
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
            end_at_once(number)
        if not self._shared[_HAS_ENDED]:
            _complain(code)
            os._exit(FAILED)
        os._exit(code or self._shared[_STATUS])


def _find_rest() -> list[int]:
    """Return what the command has started and that still lives; let go of what has ended."""
    for _ in _reap():
        pass
    return find_descendants(os.getpid())


def _reap() -> Iterator[tuple[int, int]]:
    """Yield the children that have ended, with their statuses."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        yield pid, status


def _complain(code: int) -> None:
    text = f"error: the process ended unexpectedly: {describe_exit(code)}\n"
    with suppress(OSError):
        os.write(2, text.encode())
