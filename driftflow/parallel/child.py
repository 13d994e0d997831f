"""What runs in a process that makes attempts for another one, which may end it at any time."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from driftflow.actions.action import ACTIONS, make_performer
from driftflow.errors import message_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftflow.reading.document import Json

# How long it waits for the next attempt before it goes. Seconds.
IDLE = 60.0

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, of Linux's prctl


def serve(descriptor: int) -> None:
    """Make the attempts that are asked for, one after the other, until none comes any more.

    The first message is what `registry.load_again` is to be called with; the answer None says that
    all is ready. Each further one is an action's name and an input; the answer is `ok` and the
    output, `failed` and the error, or `interrupted`.

    Args:
        descriptor: The file descriptor of the connection.
    """
    _die_with_parent()
    this = os.getpid()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # None, if it is closed
            stream.reconfigure(  # type: ignore[union-attr]
                encoding="utf-8", errors="backslashreplace", line_buffering=True
            )
    # The other end may be closed while there is an answer that nobody has read, and this one by an
    # action.
    with suppress(EOFError, OSError), Connection(descriptor) as connection:
        names, sources = connection.recv()
        actions = ACTIONS
        if sources or not ACTIONS.keys() >= {*names}:
            from driftflow.actions.registry import load_again

            actions = load_again(names, sources)
        perform = make_performer(actions)
        connection.send(None)
        while connection.poll(IDLE):
            answer = _attempt(perform, *connection.recv())
            if os.getpid() != this:  # the action has forked, and both have come back from it
                os._exit(0)
            connection.send(answer)


def _attempt(perform: Callable[[str, Json], Json], name: str, value: Json) -> tuple[str, Any]:
    try:
        return "ok", perform(name, value)
    except KeyboardInterrupt:
        return "interrupted", None
    except BaseException as error:  # noqa: BLE001 - what an action raises becomes data
        return "failed", message_of(error) or type(error).__name__


def _die_with_parent() -> None:
    """On Linux, be killed when the thread that started this process is gone, however that goes."""
    if sys.platform == "linux":
        from ctypes import CDLL

        CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
