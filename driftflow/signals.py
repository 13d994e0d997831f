"""The edge of signals: a run that is asked to end ends well; asked again, it ends at once.

Only the command catches signals; the library leaves them alone.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import FrameType

    from driftflow.events import Event, Halt

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Where an interrupt is welcome, by module: in these functions, and in all that they call. They know
# what became of the step; an interrupt anywhere else might lose an event or break a record.
_WELCOME = {"driftflow.interpreter": "settle", "driftflow.executors": "_next_finished"}


class Signals:
    """What a user asks of a run by SIGINT, SIGTERM or SIGHUP, once it is to `catch` them.

    The first one interrupts the step in hand; if there is none, `heeded` sees to it. The second one
    ends the process. A signal that is ignored stays so, as `nohup` wants it. A context manager:
    leaving it gives the signals back.

    Attributes:
        received: The first one that came; None while there is none.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before = {}  # type: ignore[var-annotated]  # what handlers are has no public name

    def catch(self) -> None:
        """From here on."""
        for number in _ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)

    def heeded(self, events: Generator[Event, Halt | None, None]) -> Iterator[Event]:
        """The events of a run, which is interrupted once a signal has come."""
        for event in events:
            yield event
            if self.received is not None:
                break
        with suppress(StopIteration):
            while self.received is not None:
                yield events.send("interrupt")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            die_of(number)
        self.received = number
        if _is_welcome(frame):
            raise KeyboardInterrupt


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
        if _WELCOME.get(frame.f_globals.get("__name__", "")) == frame.f_code.co_name:
            return True
        frame = frame.f_back
    return False
