"""What runs in a child of `deadlines`: it makes attempts, and may be killed at any time.

On Linux it is two processes: one makes the attempts, and the other keeps it (`descendants`).
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from os.path import samestat
from resource import RLIMIT_CORE, getrlimit, setrlimit
from typing import TYPE_CHECKING, Any, NoReturn

from driftflow.actions.action import make_performer
from driftflow.actions.elsewhere import find_actions
from driftflow.failures import describe
from driftflow.parallel.descendants import (
    Earlier,
    adopt_orphans,
    claim_orphans,
    die_with_parent,
    find_keeper,
    let_grace_be_announced,
    list_earlier,
    make_look_for_others,
)
from driftflow.running.signals import die_of
from driftflow.streams import open_for_prints

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftflow.reading.document import Json

# How long it waits for the next attempt before it ends by itself. Seconds.
IDLE = 60.0


def serve(descriptor: int) -> None:
    """Make the attempts that are asked for, one after the other, until none comes any more.

    It says `number` first, and the number of the process that makes the attempts. The first message
    holds the arguments of `find_actions`; the answer None says that the actions are loaded. Each
    further message is an action's name and an input; the answer is `ok` and the output, `failed`
    and the failure, or `interrupted` and None. Before it there may be `earlier` and what lived when
    the attempt began, if anything did; and `grace` and a number of seconds: how long the programs
    of the attempt have to clean up.

    Args:
        descriptor: The file descriptor of the connection.
    """
    die_with_parent()
    _fork_from_keeper(descriptor)
    with suppress(OSError):  # a program that has closed its streams may have none for its children
        sys.stdout = open_for_prints(1, sys.stdout)
        sys.stderr = open_for_prints(2, sys.stderr)
    # The other end may be closed before it has read an answer, and this one by an action.
    with suppress(EOFError, OSError), Connection(descriptor) as connection:
        connection.send(("number", os.getpid()))
        let_grace_be_announced(lambda seconds: connection.send(("grace", seconds)))
        names, addresses = connection.recv()
        perform = make_performer(find_actions(names, addresses))
        connection.send(None)
        ours, has_others = os.fstat(descriptor), make_look_for_others()
        while connection.poll(IDLE):
            message = connection.recv()
            if has_others() and (earlier := _list_earlier()).processes:
                connection.send(("earlier", earlier))
            answer = _attempt(perform, *message)
            if not samestat(os.fstat(descriptor), ours):  # it has closed it, and opened another
                return
            connection.send(answer)


def _fork_from_keeper(descriptor: int) -> None:
    """Fork, and return in the new process only, if this system lets orphans be adopted.

    Args:
        descriptor: The highest file descriptor that is open.
    """
    if not adopt_orphans():
        return
    keeper = os.getpid()
    if child := os.fork():
        os.closerange(0, descriptor + 1)  # whoever reads from it waits for the new one alone
        _keep(child)
    die_with_parent()
    if os.getppid() != keeper:  # it has ended before this process could say that it wants to know
        os._exit(1)
    claim_orphans()


def _keep(child: int) -> NoReturn:
    """Wait for whatever ends, and end as the child does."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are for the child
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ended = status = 0
    while ended != child:
        ended, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        setrlimit(RLIMIT_CORE, (0, getrlimit(RLIMIT_CORE)[1]))  # the child's own is enough
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        die_of(-code)
    os._exit(code)


def _list_earlier() -> Earlier:
    """Return what lives before an attempt begins, which may begin something in our own session."""
    earlier = list_earlier(find_keeper(), os.getpid())
    return earlier._replace(sessions=earlier.sessions - {os.getsid(0)})


def _attempt(perform: Callable[[str, Json, None], Json], name: str, value: Json) -> tuple[str, Any]:
    try:
        return "ok", perform(name, value, None)
    except KeyboardInterrupt:
        return "interrupted", None
    except BaseException as error:  # noqa: BLE001 - what an action raises becomes data
        return "failed", describe(error)
