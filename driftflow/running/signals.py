"""Signals: a run that is asked to end ends well; asked again, it ends at once.

Only the command catches signals; the library leaves them alone. The first one interrupts the step
in hand, where the functions that are under way allow it (see `interrupts`). Elsewhere it is
remembered: whoever follows the events of the run looks for it after each, and then sends
`interrupt`, as `stop` is sent when the audit fails. Lest a signal get lost just before a step of an
hour, a thread sends another one, which nobody else sends, until it has been seen; also when a step
that was interrupted cleans up for longer than it may. A step costs nothing for all that.

GNU `timeout` sends its signal twice, to the process and to its group; a terminal that is closed
lets the shell and the system send one each. So the same signal within a moment is one.
"""

from __future__ import annotations

# The C module below `signal`, whose enumerations would take a tenth of our own part of a start.
import _signal as signal  # type: ignore[import-not-found]  # typeshed does not know it
import os
from _thread import get_ident, start_new_thread  # the handler cannot wait for locks of `threading`
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NoReturn, Self

from driftflow.running.interrupts import GRACE, may_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
    from types import FrameType

    from driftflow.running.events import Event, Halt

SIGINT: int = signal.SIGINT
SIGPIPE: int = signal.SIGPIPE

# What reminds the main thread of a signal that could not interrupt. The system passes over it where
# nobody handles it.
_REMINDER: int = signal.SIGURG

# What asks a run to end; SIGXCPU is what batch systems and `ulimit -t` send. The system repeats it.
ENDING: tuple[int, ...] = (SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU)

# The same signal within this time counts as one. Seconds.
SAME = 0.2
# The pause before each reminder. Seconds.
_REMINDER_PAUSE = 0.05
# After this time, and each further second, a step is interrupted again. A crew gives up what is
# under way somewhat earlier, by itself. Seconds.
_CLEAN_UP = GRACE + 0.5
_PERSISTENCE = 1.0


class Signals:
    """What a user asks of a run by a signal of `ENDING`, from `catch` on.

    The first signal interrupts the run, the second one ends the process; where a supervisor hands
    signals on, that alone tells a second one from the first. A signal that the caller
    of the process has ignored or blocked stays so, as `nohup` wants it. A context manager: leaving
    it gives the signals back.

    Attributes:
        received: The first one that came; None while there is none.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._handlers_before: dict[int, Any] = {}
        self._handler = self._handle
        self._process = self._thread = 0
        self._seen: Callable[[], int] | None = None
        self._end_at_once: Callable[[int], object] = end_at_once
        # As the caller has left it: code that is loaded later may change it.
        self._ignored = {number for number in ENDING if signal.getsignal(number) == signal.SIG_IGN}
        self._mask: set[int] = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._since = 0.0
        self._is_pending = False  # it has come, and is to be raised
        self._is_known = False  # the run knows of it, or is over

    def catch(
        self,
        seen: Callable[[], int] | None = None,
        end: Callable[[int], object] | None = None,
    ) -> None:
        """Catch the signals of this process from here on.

        Args:
            seen: Given if the steps run code of others: that may take a signal for itself, or block
                it, and forget to give it back, so after each step all is put right. Returns the
                number of a signal that has come to the supervisor, and perhaps not here; 0 for
                none.
            end: Ends the process when a second signal has come, whose number it takes; by default
                it dies of that.
        """
        self._process, self._thread = os.getpid(), get_ident()
        for number in (*ENDING, _REMINDER):
            if number not in self._ignored:
                self._handlers_before[number] = signal.signal(number, self._handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        self._seen, self._end_at_once = seen, end or end_at_once

    def find_name(self) -> str | None:
        """Return the name of the first signal that came, `SIGTERM`; None if there is none."""
        return None if self.received is None else name_of(self.received)

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
        first = events if self._seen is None else self._claim_after_steps(events, self._seen)
        for part in (first, self._rest_of(events)):
            for event in part:
                take = takers[type(event)]
                if take is not None:
                    take(event)
                if self.received is not None and part is first:
                    break

    def _claim_after_steps(
        self, events: Iterable[Event], seen: Callable[[], int]
    ) -> Iterator[Event]:
        """Yield the events; after each step see to it that the signals still come here."""
        from driftflow.running.events import StepFinished  # this module is the first to be imported

        for event in events:
            if type(event) is StepFinished:
                for number in self._handlers_before:
                    if signal.getsignal(number) is not self._handler:
                        signal.signal(number, self._handler)
                _hear_of_children()
                signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
                self.received = self.received or seen() or None
            yield event

    def _rest_of(self, events: Generator[Event, Halt | None, None]) -> Iterator[Event]:
        """Yield the further events of a run, which is interrupted; none if no signal has come."""
        self._is_known = True
        with suppress(StopIteration):
            while self.received is not None:
                yield events.send("interrupt")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_known = True
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number != _REMINDER:
            self._take(number)
        if self._is_pending and not self._is_known and may_interrupt(frame):
            self._is_pending = False
            raise KeyboardInterrupt

    def _take(self, number: int) -> None:
        if os.getpid() != self._process:  # a step has forked: the run is not that one's
            end_at_once(number)
        if self.received is None:
            self.received, self._since = number, monotonic()
            self._is_pending = True
            with suppress(RuntimeError):  # the system allows no further thread
                start_new_thread(self._remind, ())
        elif is_another(number, self.received, monotonic() - self._since):
            self._end_at_once(number)

    def _remind(self) -> None:
        """Remind the run until it knows of the signal: else a step would come to its own end."""
        again = self._since + _CLEAN_UP
        while True:
            sleep(_REMINDER_PAUSE)
            if self._is_known:
                return
            if not self._is_pending and monotonic() > again:
                self._is_pending = True
                again = monotonic() + _PERSISTENCE
            if self._is_pending:
                signal.pthread_kill(self._thread, _REMINDER)


def is_another(number: int, first: int, seconds: float) -> bool:
    """Return whether a signal is a second one, and not the first once more.

    Args:
        number: The signal.
        first: The one that came first.
        seconds: How long ago that was, in seconds.
    """
    return number != first or (seconds > SAME and number != signal.SIGXCPU)


def leave_to_the_system() -> None:
    """Let SIGINT end the process as SIGTERM does, without a traceback: nothing was run yet.

    SIGCHLD is not ignored from here on, whatever the caller has left.
    """
    if signal.getsignal(SIGINT) is signal.default_int_handler:
        signal.signal(SIGINT, signal.SIG_DFL)
    _hear_of_children()


def _hear_of_children() -> None:
    """Do not ignore SIGCHLD: else the system would not tell how programs end."""
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def die_of(number: int) -> int:
    """End as the signal's default ends a process, so that a shell sees what happened.

    Returns:
        The exit status that stands for it: for process 1, or a caller that has the signal blocked.
    """
    with suppress(OSError):  # SIGKILL has nothing but its default
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def end_at_once(number: int) -> NoReturn:
    """Die of a signal, now."""
    os._exit(die_of(number))


def name_of(number: int) -> str:
    """Return the name of a signal: `SIGTERM`."""
    from signal import Signals as Names

    return Names(number).name
