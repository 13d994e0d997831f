"""Attempts with a deadline: each is made by a child process, which is killed when time is up.

A deadline is a process, since nothing else can be stopped whatever it does. Signals reach only the
main thread and wait for a call into C; an exception that is set in a thread waits for a sleep.

A child makes one attempt after another for the thread that started it, over a socket, with pickled
plain data. It is a program of its own: not a fork, since threads run by then, and not a process of
multiprocessing, which forbids children to the daemonic processes that Dask's workers are. On Linux
it dies with the thread that started it.

On Linux a child has a keeper, which adopts the orphans of all that its attempts start, and is the
process that is known here (`child`). To end an attempt the child is stopped, so that it starts
nothing more; what the attempt has started gets SIGTERM, some time, and SIGKILL; then the child is
killed. What lived when the attempt began, and what can be traced back to that, lives on.

Beside other pools, measured on 2026-11-25: what an attempt takes more than a call, how late it is
ended, what becomes of the processes that it started, and whether it can be made in a daemonic
process.

    ============  ===============  ===============  =============  ===
    ours          0.05 to 0.10 ms  0.02 s           gone           yes
    pebble 5.2.3  0.10 to 0.13 ms  0.02 to 0.10 s   left behind    no
    loky 3.7      no limit for a task
    ============  ===============  ===============  =============  ===
"""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import weakref
from contextlib import ExitStack, contextmanager, suppress
from fcntl import F_DUPFD_CLOEXEC, fcntl
from multiprocessing.connection import Connection
from threading import Lock, local
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Self

import driftflow
from driftflow.actions.beside import installed_path
from driftflow.errors import ProcessDied, TimedOut
from driftflow.failures import AttemptError
from driftflow.parallel.descendants import (
    GRACE_SECONDS,
    PATIENCE,
    Earlier,
    end_all,
    find_descendants,
    look_at,
    look_at_living,
)
from driftflow.parallel.processes import describe_exit, find_marked, make_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from driftflow.actions.action import Address
    from driftflow.reading.document import Json

# How long a child may have been idle and still be used: it ends by itself after twice that time
# (`child.IDLE`). Seconds.
_FRESH = 30.0
# The least number of the descriptor that a child answers on, just below what most systems allow.
_HIGH = 1000
# The longest single wait: `poll` counts milliseconds in 31 bits. Seconds.
_LONGEST_WAIT = 1e6
# How often it is looked whether a process has ended, where the system does not say so. Seconds.
_LOOK = 0.5
_PAUSE = 0.002


class Deadlines:
    """Makes attempts that take no longer than they may. A context manager: it ends its children.

    Args:
        names: The actions that may be named.
        addresses: Where the children find them, as `Actions.addresses` says.
    """

    def __init__(self, names: Sequence[str], addresses: Sequence[Address]) -> None:
        self._what_to_load = (tuple(names), tuple(addresses))
        self._this_thread = local()
        self._lock = Lock()  # held while children are started, ended and counted
        self._children: set[_Child] = set()
        self._is_over = False

    def perform(self, name: str, value: Json, seconds: float) -> Json:
        """Make an attempt: from an action's name and an input to the output.

        Args:
            name: The action.
            value: The input.
            seconds: How long the attempt may take: its wall time, in seconds.

        Raises:
            TimedOut: If it took too long; nothing of it is left.
            ProcessDied: If its process ended.
            AttemptError: If the action raised anything.
            KeyboardInterrupt: If the action raised that, or no attempt is to begin any more.
        """
        child = self._ready_child(seconds)
        try:
            kind, answer = child.ask((name, value), seconds)
        except BaseException:
            self._drop(child)
            raise
        child.used = monotonic()
        if kind == "interrupted":
            raise KeyboardInterrupt
        if kind == "failed":
            raise AttemptError(answer)
        return answer  # type: ignore[no-any-return]  # the child has made sure that it is Json

    def kill(self) -> None:
        """End all attempts now, and let no other begin."""
        with self._lock:
            self._is_over = True
            _kill_all(self._children)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_over = True
            for child in self._children:
                child.dismiss()
            until = monotonic() + PATIENCE
            for child in self._children:
                child.await_end(until)
            self._children.clear()

    def _ready_child(self, seconds: float) -> _Child:
        """Return the child of this thread, with its actions loaded; start one if need be.

        Args:
            seconds: How long it may stop to read or to write, as an attempt may. Seconds.
        """
        child: _Child | None = getattr(self._this_thread, "child", None)
        if child is not None and not child.has_gone():
            if monotonic() - child.used < _FRESH:
                child.limit_silence(seconds)
                return child
            child.dismiss()  # what its attempts have left running lives on
            child.await_end(monotonic() + PATIENCE)
        if child is not None:
            self._drop(child)
        with self._lock:
            if self._is_over:
                raise KeyboardInterrupt
            # Forget children that have ended, for instance since their thread has.
            self._children = {each for each in self._children if not each.is_over()}
            child = self._this_thread.child = _Child(seconds)
            self._children.add(child)
        try:
            child.ask(self._what_to_load)
        except BaseException:
            self._drop(child)
            raise
        return child

    def _drop(self, child: _Child) -> None:
        self._this_thread.child = None
        child.kill()
        with self._lock:
            self._children.discard(child)


def enforce(
    perform: Callable[[str, Json, float | None], Json],
    deadlines: Deadlines,
    seconds: float | None,
) -> Callable[[str, Json, float | None], Json]:
    """Return what makes an attempt in time, if there is a limit.

    Args:
        perform: Makes an attempt without one.
        deadlines: Makes one in time.
        seconds: The limit where an attempt has none of its own; None for none.
    """

    def perform_in_time(name: str, value: Json, own: float | None) -> Json:
        limit = seconds if own is None else own
        if limit is None:
            return perform(name, value, None)
        return deadlines.perform(name, value, limit)

    return perform_in_time


class _Child:
    """A child process, and the connection to it.

    Args:
        seconds: How long it may stop to read or to write, as an attempt may. Seconds.

    Attributes:
        used: When it last had something to do: `monotonic`, in seconds.
        grace: How long what the present attempt has started has to clean up. Seconds.
        ending: Held by whoever ends it.
    """

    def __init__(self, seconds: float) -> None:
        self._mark, variable = make_mark()
        # What lived before the present attempt; None between attempts.
        self._earlier: Earlier | None = None
        self.ending = Lock()
        self.grace = GRACE_SECONDS
        self.used = monotonic()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._silence = seconds
            _limit_silence(ours, seconds)
            with _high_descriptor(theirs) as descriptor:
                self._process = _start(descriptor, variable)
            self._number = self._process.pid  # of the process that makes the attempts
            self._connection = Connection(fcntl(ours, F_DUPFD_CLOEXEC, 3))
        # A process that an attempt has forked may hold the other end of the connection open.
        self._events = select.poll()
        self._events.register(self._connection, select.POLLIN)
        self._longest_wait = _LOOK
        with suppress(AttributeError, OSError):  # Linux has it, if nothing forbids it
            descriptor = os.pidfd_open(self._process.pid)
            weakref.finalize(self, os.close, descriptor)
            self._events.register(descriptor, select.POLLIN)
            self._longest_wait = _LONGEST_WAIT

    def limit_silence(self, seconds: float) -> None:
        """Change how long it may stop to read or to write."""
        if seconds != self._silence:
            self._silence = seconds
            stream = socket.socket(fileno=self._connection.fileno())
            _limit_silence(stream, seconds)
            stream.detach()

    def ask(self, message: Any, seconds: float = math.inf) -> Any:
        """Return the answer to a message.

        Raises:
            TimedOut: If it does not come in time.
            ProcessDied: If the process ended, or closed its connection.
        """
        until = monotonic() + seconds
        self._earlier, self.grace = Earlier(), GRACE_SECONDS
        try:
            self._connection.send(message)
            while True:
                self._await_answer(until)
                match self._connection.recv():
                    case ("grace", seconds_to_clean_up):
                        self.grace = seconds_to_clean_up
                    case ("earlier", earlier):
                        self._earlier = earlier
                    case ("number", number):
                        self._number = number
                    case answer:
                        self._earlier = None
                        return answer
        except (TimeoutError, BlockingIOError):  # the latter if it stopped to read or to write
            raise TimedOut(f"timed out after {seconds:.15g} s") from None
        except (EOFError, ConnectionError):
            ends = self._ends_by_itself()
            self.kill()
            how = f"ended: {describe_exit(self._process.returncode)}"
            raise ProcessDied(
                f"its process {how if ends else 'has closed its connection'}"
            ) from None

    def _await_answer(self, until: float) -> None:
        while True:
            seconds = max(0.0, min(until - monotonic(), self._longest_wait))
            if self._has_answered(seconds):
                return
            if self._has_ended():
                if self._has_answered(0):  # just before
                    return
                raise EOFError
            if monotonic() >= until:
                raise TimeoutError

    def _has_answered(self, seconds: float) -> bool:
        """Return whether there is something to receive, an end at least; wait for that, or less."""
        ready = self._events.poll(seconds * 1000)
        return any(descriptor == self._connection.fileno() for descriptor, _ in ready)

    def _has_ended(self) -> bool:
        """Return whether the process has ended; where the system can, its number stays taken."""
        if self.has_been_waited_for() or not hasattr(os, "waitid"):  # macOS, before Python 3.13
            return self.is_over()
        ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
        with suppress(ChildProcessError):  # another thread has waited for it
            return os.waitid(os.P_PID, self._process.pid, ended) is not None
        return True

    def _ends_by_itself(self) -> bool:
        """Return whether the process ends within a moment: it closes its connection just before."""
        until = monotonic() + _LOOK
        while not self._has_ended() and monotonic() < until:
            sleep(_PAUSE)
        return self._has_ended()

    def has_gone(self) -> bool:
        """Return whether it ended, or sent an answer, though nothing was asked of it."""
        return self._has_answered(0) or self._has_ended()

    def has_been_waited_for(self) -> bool:
        """Return whether the end of the process is known, and its number may be another's."""
        return self._process.returncode is not None

    def is_over(self) -> bool:
        """Return whether the process has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End the process, with all that the present attempt has started; from any thread."""
        _kill_all([self])

    def stop(self) -> None:
        """Let the process do nothing more, nor start anything."""
        self._send(signal.SIGSTOP)

    def find_started(self) -> list[int]:
        """Return the processes that live and that the present attempt has started."""
        earlier = self._earlier
        if earlier is None:
            return []
        if look_at_living(self._process.pid):
            return find_descendants(self._process.pid, self._number, but=earlier)
        # It has ended by itself, and another process has its orphans.
        looks = ((pid, look_at(pid)) for pid in find_marked(self._mark))
        found = [pid for pid, look in looks if look and not earlier.has(pid, look)]
        spared = find_descendants(*_still_living(earlier))
        return [pid for pid in found if pid not in spared]

    def finish(self) -> None:
        """Kill the process, and wait for its end."""
        self._send(signal.SIGKILL)
        self._process.send_signal(signal.SIGCONT)  # the attempt may have stopped its keeper
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)  # which ends by itself
        self._process.kill()
        self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        if not self._has_ended():
            with suppress(ProcessLookupError):
                os.kill(self._number, number)

    def dismiss(self) -> None:
        """Let the process end by itself: nothing more will be asked of it."""
        self._connection.close()

    def await_end(self, until: float) -> None:
        """Wait until the process has ended, or kill it at that time."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0, until - monotonic()))
        self.kill()


def _limit_silence(stream: socket.socket, seconds: float) -> None:
    microseconds = math.ceil(min(seconds, _LONGEST_WAIT) * 1e6)
    limit = struct.pack("ll", *divmod(microseconds, 1_000_000))
    for direction in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
        stream.setsockopt(socket.SOL_SOCKET, direction, limit)


def _still_living(earlier: Earlier) -> Iterator[int]:
    for pid, began in earlier.processes:
        look = look_at_living(pid)
        if look and look.began == began:
            yield pid


def _kill_all(children: Iterable[_Child]) -> None:
    """End the processes together, with all that their present attempts have started."""
    with ExitStack() as held:
        for child in children:
            held.enter_context(child.ending)
        alive = [child for child in children if not child.has_been_waited_for()]
        for child in alive:
            child.stop()
        grace = max((child.grace for child in alive), default=0)
        end_all(lambda: [pid for child in alive for pid in child.find_started()], grace)
        for child in alive:
            child.finish()


def _start(descriptor: int, variable: dict[str, str]) -> subprocess.Popen[bytes]:
    # Its DriftFlow is this one, wherever that lies; the package imports nothing else by itself.
    home = os.path.dirname(os.path.dirname(driftflow.__file__))  # noqa: PTH120 - for `sys.path`
    script = (
        f"import sys; sys.path[:] = {[home]!r}; import driftflow\n"
        f"sys.path[:] = {installed_path()!r}\n"
        f"from driftflow.parallel.child import serve; serve({descriptor})"
    )
    try:
        return subprocess.Popen(  # noqa: S603 - it is this very interpreter
            [sys.executable, "-c", script],
            env={**os.environ, **variable},
            stdin=None if _is_open(0) else subprocess.DEVNULL,
            stdout=_find_stdout(),
            stderr=None if _is_open(2) else subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,
        )
    except OSError as error:
        raise ChildProcessError(f"its process could not be started: {error.strerror}") from None


def _find_stdout() -> int:
    """Return the descriptor of what `sys.stdout` is now: the command puts stderr there."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # closed, or no file
            if _is_open(number := stream.fileno()):
                return number
    return subprocess.DEVNULL


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@contextmanager
def _high_descriptor(end: socket.socket) -> Iterator[int]:
    """Yield a descriptor of the socket where actions seldom reach that close what they know of.

    In any case it is above the standard streams, even where those are closed.
    """
    try:
        descriptor = fcntl(end, F_DUPFD_CLOEXEC, _HIGH)
    except OSError:  # so many are not allowed
        descriptor = fcntl(end, F_DUPFD_CLOEXEC, 3)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
