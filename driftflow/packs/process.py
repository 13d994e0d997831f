"""Programs: `--actions driftflow.packs.process` lets steps run them, without a shell.

What a program has started is gone when the attempt is over, whether it succeeded or not: its
process group, and on Linux also what has left that (`parallel.processes`). It is sent SIGTERM, and
SIGKILL after `grace_seconds`.

A program's output is read by threads. Files instead of pipes would be simpler, but a program that
opens `/dev/stderr` once more would write over what is there. Its end is watched with `WNOWAIT`: so
the number of its group is still its own when that is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

from driftflow.actions.action import action
from driftflow.errors import ExitStatus
from driftflow.parallel.descendants import GRACE_SECONDS, PATIENCE, announce_grace, end_all
from driftflow.parallel.processes import describe_exit, end, leave_trace, register

if TYPE_CHECKING:
    from collections.abc import Callable

# The end of a program's standard error that an error shows. Bytes.
SHOWN = 2000

_ARGV = {
    "description": "The program and its arguments.",
    "type": "array",
    "items": {"type": "string"},
    "minItems": 1,
}


@action(
    schema={
        **_ARGV,
        "title": "The program and its arguments, or an object with more settings",
        "type": ["array", "object"],
        "required": ["argv"],
        "properties": {
            "argv": _ARGV,
            "stdin": {
                "description": "The text for its standard input.",
                "type": "string",
                "default": "",
            },
            "cwd": {
                "description": "The folder in which it runs; the working directory by default.",
                "type": "string",
                "minLength": 1,
            },
            "env": {
                "description": "Environment variables to add to the existing ones.",
                "type": "object",
                "additionalProperties": {"type": "string"},
            },
            "grace_seconds": {
                "description": "How long it may clean up between SIGTERM and SIGKILL, in seconds.",
                "type": "number",
                "minimum": 0,
                "default": GRACE_SECONDS,
            },
        },
        "additionalProperties": False,
    }
)
def command(value: list[str] | dict[str, Any]) -> str:
    """Runs a program, without a shell; returns its standard output."""
    settings: dict[str, Any] = value if isinstance(value, dict) else {"argv": value}
    grace = float(settings.get("grace_seconds", GRACE_SECONDS))
    given = settings.get("stdin", "").encode()
    announce_grace(grace)
    trace, variable = leave_trace()
    try:
        process = _start(settings, variable)
    except KeyboardInterrupt:  # it may be about to start
        end_all(trace.find_begun, grace)
        raise
    was_told = False
    try:
        register(process, grace)
        output, errors = _Drain(process.stdout), _Drain(process.stderr, keep=SHOWN)
        feeder = _run_in_thread(_feed, process.stdin, given)
        status = _await_end(process)
    finally:
        was_told = end(process, trace, grace)
    if was_told:  # by an interrupt of the run; what it did and printed is cut short
        raise KeyboardInterrupt
    for thread in (output.thread, errors.thread, feeder):
        thread.join(PATIENCE)
    if status:
        raise ExitStatus(_describe_failure(status, errors))
    if output.thread.is_alive():
        raise ChildProcessError(
            "a process that it started is still running and keeps its output open"
        )
    try:
        return output.taken.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"its output is not UTF-8: byte 0x{error.object[error.start]:02x}"
        ) from None


class _Drain:
    """Reads a stream to its end, in a thread.

    Args:
        stream: What to read.
        keep: How many bytes are kept, the last ones; all by default.

    Attributes:
        taken: What was read and kept.
        is_cut: Whether something was not kept.
        thread: The thread that reads.
    """

    def __init__(self, stream: IO[bytes] | None, keep: int | None = None) -> None:
        self.taken = bytearray()
        self.is_cut = False
        self._keep = keep
        self.thread = _run_in_thread(self._drain, stream)

    def _drain(self, stream: IO[bytes]) -> None:
        with stream:
            while data := os.read(stream.fileno(), 1 << 16):
                self.taken += data
                if self._keep is not None and len(self.taken) > self._keep:
                    self.is_cut = True
                    del self.taken[: -self._keep]


def _run_in_thread(work: Callable[..., None], *arguments: object) -> Thread:
    thread = Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _feed(stream: IO[bytes], data: bytes) -> None:
    with suppress(BrokenPipeError), stream:  # the program need not read all of it, nor any
        stream.write(data)


def _start(settings: dict[str, Any], variable: dict[str, str]) -> subprocess.Popen[bytes]:
    argv, folder = settings["argv"], settings.get("cwd")
    if (
        signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
    ):  # the command sees to it; a program may not
        raise ChildProcessError(
            "not started: SIGCHLD is ignored, so its exit status could not be read"
        )
    try:
        return subprocess.Popen(  # noqa: S603 - this is what the action is for
            argv,
            cwd=folder,
            env={**os.environ, **settings.get("env", {}), **variable},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise type(error)(f"{error.filename or argv[0]}: {error.strerror}") from None


def _await_end(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of the program; where the system can, its number stays taken.

    Returns:
        Its exit status; a signal by its negative number. `Popen` would say 0 where it does not
        know, since other code in this process has waited for whatever ended.

    Raises:
        ChildProcessError: If it is not known.
    """
    try:
        if not hasattr(os, "waitid"):  # macOS, before Python 3.13
            process.returncode = os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1])
            return process.returncode
        end = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        raise ChildProcessError(
            "its exit status is not known: other code in this process has already waited for it"
        ) from None
    assert end is not None  # noqa: S101 - that comes of WNOHANG only
    return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status


def _describe_failure(status: int, errors: _Drain) -> str:
    """Return how a program ended, and the end of what it said about it."""
    reason = describe_exit(status)
    said = errors.taken.decode(errors="replace").strip()
    return f"{reason}: {'…' * errors.is_cut}{said}" if said else reason
