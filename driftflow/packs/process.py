"""Programs: `--actions driftflow.packs.process` lets steps run them, without a shell.

What a program has started is gone when the attempt is over, whether it succeeded or not: its
process group, and on Linux also what has left that.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

from driftflow.actions.action import action
from driftflow.parallel.processes import (
    PATIENCE,
    end,
    end_marked,
    how_it_ended,
    make_known,
    new_mark,
)

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
        "title": "The program and its arguments, or more about them",
        "type": ["array", "object"],
        "required": ["argv"],
        "properties": {
            "argv": _ARGV,
            "stdin": {"description": "What it reads.", "type": "string", "default": ""},
            "cwd": {
                "description": "The folder in which it runs; the working directory by default.",
                "type": "string",
                "minLength": 1,
            },
            "env": {
                "description": "Environment variables, beside those that there are.",
                "type": "object",
                "additionalProperties": {"type": "string"},
            },
        },
        "additionalProperties": False,
    }
)
def command(value: list[str] | dict[str, Any]) -> str:
    """Runs a program, without a shell; gives what it printed on its standard output."""
    settings: dict[str, Any] = value if isinstance(value, dict) else {"argv": value}
    word, marked = new_mark()
    try:
        process = _start(settings, marked)
    except KeyboardInterrupt:  # it may be about to start
        end_marked(word)
        raise
    try:
        make_known(process)
        output, errors = _Drain(process.stdout), _Drain(process.stderr, keep=SHOWN)
        feeder = _in_background(_feed, process.stdin, settings.get("stdin", "").encode())
        _await(process)
    finally:
        end(process, word)
    for thread in (output.thread, errors.thread, feeder):
        thread.join(PATIENCE)
    if process.returncode:
        raise ChildProcessError(_complaint(process.returncode, errors))
    if output.thread.is_alive():
        raise ChildProcessError("something that it started holds its output open, and lives on")
    try:
        return output.taken.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"its output is not UTF-8: byte 0x{error.object[error.start]:02x}"
        ) from None


class _Drain:
    """Reads a stream to its end, in the background.

    Args:
        stream: What to read.
        keep: How many bytes are kept, the last ones; all by default.
    """

    def __init__(self, stream: IO[bytes] | None, keep: int | None = None) -> None:
        self.taken = bytearray()
        self.is_cut = False
        self._keep = keep
        self.thread = _in_background(self._drain, stream)

    def _drain(self, stream: IO[bytes]) -> None:
        with stream:
            while data := os.read(stream.fileno(), 1 << 16):
                self.taken += data
                if self._keep is not None and len(self.taken) > self._keep:
                    self.is_cut = True
                    del self.taken[: -self._keep]


def _in_background(work: Callable[..., None], *arguments: object) -> Thread:
    thread = Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _feed(stream: IO[bytes], data: bytes) -> None:
    with suppress(BrokenPipeError), stream:  # it need not read all of it, nor any
        stream.write(data)


def _start(settings: dict[str, Any], marked: dict[str, str]) -> subprocess.Popen[bytes]:
    argv, folder = settings["argv"], settings.get("cwd")
    try:
        return subprocess.Popen(  # noqa: S603 - this is what the action is for
            argv,
            cwd=folder,
            env={**os.environ, **settings.get("env", {}), **marked},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise OSError(f"{error.filename or argv[0]}: {error.strerror}") from None


def _await(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of the program; where the system can, without freeing its group's id yet."""
    if not hasattr(os, "waitid"):  # macOS, before Python 3.13
        process.wait()
        return
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        raise ChildProcessError("how it ended cannot be known: SIGCHLD is ignored") from None


def _complaint(status: int, errors: _Drain) -> str:
    """How a program ended, and the end of what it said about it."""
    reason = how_it_ended(status)
    said = errors.taken.decode(errors="replace").strip()
    return f"{reason}: {'…' * errors.is_cut}{said}" if said else reason
