"""Signals: a run that is asked to end ends well; asked again, it ends at once.

Only the command catches signals; the library leaves them alone. The first one interrupts the step
in hand, where the functions that are under way allow it (see `interrupts`). Elsewhere it is
remembered: whoever follows the events of the run looks for it after each, and then sends
`interrupt`, as `stop` is sent when the audit fails. Lest a signal get lost just before a step of an
hour, a thread sends it again until it has been seen. A step costs nothing for all that.
"""

from __future__ import annotations

# The C module below `signal`, whose enumerations would take a tenth of our own part of a start.
import _signal as signal  # type: ignore[import-not-found]  # typeshed does not know it
import os
from _thread import get_ident, start_new_thread  # the handler cannot wait for locks of `threading`
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Self

from driftflow.running.interrupts import may_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from types import FrameType

    from driftflow.running.events import Event, Halt

SIGINT: int = signal.SIGINT
SIGPIPE: int = signal.SIGPIPE

_ENDING = (SIGINT, signal.SIGTERM, signal.SIGHUP)

# The pause before a signal that could not interrupt is sent again. Seconds.
_REMINDER_PAUSE = 0.05
# When a terminal is closed, SIGHUP comes from the shell and from the system: two within this time
# count as one. Seconds.
_SAME_HANGUP = 0.2


class Signals:
    """What a user asks of a run by SIGINT, SIGTERM or SIGHUP, from `catch` on.

    The first signal interrupts the run, the second one ends the process. A signal that is ignored
    stays so, as `nohup` wants it. A context manager: leaving it gives the signals back.

    Attributes:
        received: The first one that came; None while there is none.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._handlers_before: dict[int, Any] = {}
        self._process = self._thread = 0
        self._since = 0.0
        self._is_pending = False  # it has come, and the run does not know of it yet
        self._is_reminder = False

    def catch(self) -> None:
        """Catch the signals of this process from here on."""
        self._process, self._thread = os.getpid(), get_ident()
        for number in _ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._handlers_before[number] = signal.signal(number, self._handle)

    def is_received(self) -> bool:
        """Return whether a signal has come."""
        return self.received is not None

    def follow(
        self,
        events: Generator[Event, Halt | None, None],
        takers: Mapping[type, Callable[[Any], object] | None],
    ) -> None:
        """Hand on each event of a run, and interrupt the run when a signal has come.

        Args:
            events: What happens in the run.
            takers: By each type of event, what takes those of that type; None to pass them over.
        """
        for part in (events, self._rest_of(events)):
            for event in part:
                take = takers[type(event)]
                if take is not None:
                    take(event)
                if self.received is not None and part is events:
                    break

    def _rest_of(self, events: Generator[Event, Halt | None, None]) -> Iterator[Event]:
        """Yield the further events of a run, which is interrupted; none if no signal has come."""
        self._is_pending = False
        with suppress(StopIteration):
            while self.received is not None:
                yield events.send("interrupt")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_pending = False
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a step has forked: the run is not that one's
            os._exit(die_of(number))
        if self.received is None:
            self.received, self._since = number, monotonic()
            self._is_pending = True
            if not may_interrupt(frame):
                start_new_thread(self._remind, (number,))
        elif self._is_reminder:
            self._is_reminder = False
        elif {number, self.received} != {signal.SIGHUP} or monotonic() > self._since + _SAME_HANGUP:
            os._exit(die_of(number))
        if self._is_pending and may_interrupt(frame):
            self._is_pending = False
            raise KeyboardInterrupt

    def _remind(self, number: int) -> None:
        """Send the signal again until the run knows: else it would wait for the step's own end."""
        while True:
            sleep(_REMINDER_PAUSE)
            if not self._is_pending:
                return
            self._is_reminder = True
            signal.pthread_kill(self._thread, number)


def leave_to_the_system() -> None:
    """Let SIGINT end the process as SIGTERM does, without a traceback: nothing was run yet."""
    if signal.getsignal(SIGINT) is signal.default_int_handler:
        signal.signal(SIGINT, signal.SIG_DFL)


def die_of(number: int) -> int:
    """End as the signal's default ends a process, so that a shell sees what happened.

    Returns:
        The exit status that stands for it: for a caller that has the signal blocked.
    """
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def name_of(number: int) -> str:
    """Return the name of a signal: `SIGTERM`."""
    from signal import Signals as Names

    return Names(number).name
