"""What runs in a child of `deadlines`: it makes attempts, and may be killed at any time."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from os.path import samestat
from typing import TYPE_CHECKING, Any

from driftflow.actions.action import make_performer, open_for_prints
from driftflow.actions.elsewhere import find_actions
from driftflow.errors import message_of
from driftflow.parallel.descendants import (
    adopt_orphans,
    die_with_parent,
    let_grace_be_announced,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftflow.reading.document import Json

# How long it waits for the next attempt before it ends by itself. Seconds.
IDLE = 60.0


def serve(descriptor: int) -> None:
    """Make the attempts that are asked for, one after the other, until none comes any more.

    The first message holds the arguments of `find_actions`; the answer None says that the
    actions are loaded. Each further message is an action's name and an input; the answer is `ok`
    and the output, `failed` and the error, or `interrupted` and None. Before it there may be
    `grace` and a number of seconds: how long the programs of the attempt have to clean up.

    Args:
        descriptor: The file descriptor of the connection.
    """
    die_with_parent()
    adopt_orphans()
    with suppress(OSError):  # a program that has closed its streams may have none for its children
        sys.stdout = open_for_prints(1, sys.stdout)
        sys.stderr = open_for_prints(2, sys.stderr)
    # The other end may be closed before it has read an answer, and this one by an action.
    with suppress(EOFError, OSError), Connection(descriptor) as connection:
        let_grace_be_announced(lambda seconds: connection.send(("grace", seconds)))
        names, addresses = connection.recv()
        perform = make_performer(find_actions(names, addresses))
        connection.send(None)
        ours = os.fstat(descriptor)
        while connection.poll(IDLE):
            answer = _attempt(perform, *connection.recv())
            if not samestat(os.fstat(descriptor), ours):  # it has closed it, and opened another
                return
            connection.send(answer)


def _attempt(perform: Callable[[str, Json], Json], name: str, value: Json) -> tuple[str, Any]:
    try:
        return "ok", perform(name, value)
    except KeyboardInterrupt:
        return "interrupted", None
    except BaseException as error:  # noqa: BLE001 - what an action raises becomes data
        return "failed", message_of(error) or type(error).__name__
