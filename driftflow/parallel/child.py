"""What runs in a child of `deadlines`: it makes attempts, and may be killed at any time."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from driftflow.actions.action import make_performer
from driftflow.actions.elsewhere import find_actions
from driftflow.errors import message_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftflow.reading.document import Json

# How long it waits for the next attempt before it ends by itself. Seconds.
IDLE = 60.0

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, of Linux's prctl


def serve(descriptor: int) -> None:
    """Make the attempts that are asked for, one after the other, until none comes any more.

    The first message holds the arguments of `find_actions`; the answer None says that the
    actions are loaded. Each further message is an action's name and an input; the answer is `ok`
    and the output, `failed` and the error, or `interrupted` and None.

    Args:
        descriptor: The file descriptor of the connection.
    """
    _die_with_parent()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # None, if it is closed
            stream.reconfigure(  # type: ignore[union-attr]
                encoding="utf-8", errors="backslashreplace", line_buffering=True
            )
    # The other end may be closed before it has read an answer, and this one by an action.
    with suppress(EOFError, OSError), Connection(descriptor) as connection:
        names, addresses = connection.recv()
        perform = make_performer(find_actions(names, addresses))
        connection.send(None)
        while connection.poll(IDLE):
            connection.send(_attempt(perform, *connection.recv()))


def _attempt(perform: Callable[[str, Json], Json], name: str, value: Json) -> tuple[str, Any]:
    try:
        return "ok", perform(name, value)
    except KeyboardInterrupt:
        return "interrupted", None
    except BaseException as error:  # noqa: BLE001 - what an action raises becomes data
        return "failed", message_of(error) or type(error).__name__


def _die_with_parent() -> None:
    """Let Linux kill this process when the thread that started it has ended, however that ends."""
    if sys.platform == "linux":
        from ctypes import CDLL

        CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
