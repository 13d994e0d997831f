"""The edge of signals: a run that is asked to end ends well; asked again, it ends at once.

Only the command catches signals; the library leaves them alone.
"""

from __future__ import annotations

import os
import signal
from _thread import start_new_thread  # the handler cannot wait for the locks of `threading`
from contextlib import suppress
from threading import main_thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import FrameType

    from driftflow.running.events import Event, Halt

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Where an interrupt is welcome, by module: in these functions, and in all that they call. They know
# what became of the step; an interrupt anywhere else might lose an event or break a record.
_WELCOME = {
    ("driftflow.running.attempts", "run_step"),
    ("driftflow.parallel.crew", "_next_finished"),
}
# But not in these: they are soon done, and programs would live on.
_UNWELCOME = {
    ("driftflow.parallel.processes", "end"),
    ("driftflow.parallel.processes", "end_marked"),
}

# The pause before a signal that was not welcome is sent again. Seconds.
_AGAIN = 0.05
# When a terminal is closed, SIGHUP comes from the shell and from the system: in that time they are
# one. Seconds.
_ONE = 0.2


class Signals:
    """What a user asks of a run by SIGINT, SIGTERM or SIGHUP, once it is to `catch` them.

    The first one interrupts the step in hand. Whoever takes the events of a run looks after each
    step whether one was `received`, and then goes on with `rest_of` them. The second one ends the
    process. A signal that is ignored stays so, as `nohup` wants it. A context manager: leaving it
    gives the signals back.

    Attributes:
        received: The first one that came; None while there is none.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before = {}  # type: ignore[var-annotated]  # what handlers are has no public name
        self._process = 0
        self._since = 0.0
        self._is_pending = False  # it has come, and nobody knows of it yet
        self._is_reminder = False

    def catch(self) -> None:
        """From here on, in this process."""
        self._process = os.getpid()
        for number in _ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)

    def is_received(self) -> bool:
        """Whether one came."""
        return self.received is not None

    def rest_of(self, events: Generator[Event, Halt | None, None]) -> Iterator[Event]:
        """The further events of a run, which is interrupted; none if no signal has come."""
        self._is_pending = False
        with suppress(StopIteration):
            while self.received is not None:
                yield events.send("interrupt")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_pending = False
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a step has forked: the run is not that one's
            os._exit(die_of(number))
        if self.received is None:
            self.received, self._since = number, monotonic()
            self._is_pending = True
            if not _is_welcome(frame):
                start_new_thread(self._remind, (number,))
        elif self._is_reminder:
            self._is_reminder = False
        elif {number, self.received} != {signal.SIGHUP} or monotonic() > self._since + _ONE:
            os._exit(die_of(number))
        if self._is_pending and _is_welcome(frame):
            self._is_pending = False
            raise KeyboardInterrupt

    def _remind(self, number: int) -> None:
        """Send the signal again until it is welcome: else it would wait for the step's own end."""
        while True:
            sleep(_AGAIN)
            if not self._is_pending:
                return
            self._is_reminder = True
            signal.pthread_kill(main_thread().ident or 0, number)


def leave_to_the_system() -> None:
    """Let SIGINT end the process as SIGTERM does, without a traceback: nothing was run yet."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def die_of(number: int) -> int:
    """End as the signal's default ends a process, so that a shell sees what happened.

    Returns:
        The exit status that stands for it: for a caller that has the signal blocked.
    """
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def _is_welcome(frame: FrameType | None) -> bool:
    while frame is not None:
        place = frame.f_globals.get("__name__"), frame.f_code.co_name
        if place in _UNWELCOME or place[1] == "__del__":  # from which no exception comes out
            return False
        if place in _WELCOME:
            return True
        frame = frame.f_back
    return False
