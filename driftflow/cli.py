"""Run the steps that a JSON file lists, and print what came of each.

Usage:
  driftflow --config FILE [--print-json]
  driftflow (-h | --help)
  driftflow --version

Options:
  --config FILE  The workflow, a JSON file.
  --print-json   Print one JSON document instead of a line for each step.
  -h --help      Print this text.
  --version      Print the version.

Exit status:
  0  every step is ok
  1  a step failed
  2  wrong usage or a wrong config: no step ran
  3  the audit, or the output itself, could not be written
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, TextIO

from docopt import DocoptExit, docopt

from driftflow import __version__
from driftflow.api import run_events
from driftflow.config import load_config
from driftflow.errors import ConfigError, StorageError
from driftflow.events import StepFinished
from driftflow.rendering import escape, json_text, result_document, result_line
from driftflow.result import RunResult, advance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftflow.plan import Plan

OK = 0
FAILED = 1
WRONG_INPUT = 2
NOT_WRITTEN = 3


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status, or dies of SIGINT or SIGPIPE as it should.

    Args:
        argv: The arguments without the program's name; those of the process by default.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # the locale has no say in what is printed
            stream.reconfigure(encoding="utf-8")
    output = _Output(sys.stdout)
    try:
        status = _run_command(sys.argv[1:] if argv is None else list(argv), output)
    except KeyboardInterrupt:
        return _die_of(signal.SIGINT)
    if isinstance(output.failure, BrokenPipeError):
        return _die_of(signal.SIGPIPE)
    if output.failure is not None:
        _complain([f"the output could not be written: {output.failure.strerror}"])
        return NOT_WRITTEN
    return status


class _Output:
    """Where results go. A write that fails is kept in mind: the run and its audit go on."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> None:
        """Write the text, and what the stream still holds, at once."""
        if self._stream is None:
            self.failure = OSError(errno.EBADF, "it is closed")
        elif self.failure is None:
            try:
                self._stream.write(text)
                self._stream.flush()
            except OSError as error:
                self.failure = error
                # Python flushes stdout once more as it ends, and would complain again.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


def _run_command(argv: list[str], output: _Output) -> int:
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):  # docopt prints the help and the version by itself
            arguments = docopt(__doc__, argv, version=__version__)
    except DocoptExit as error:
        _complain(["the arguments do not fit the usage"], error.usage)
        return WRONG_INPUT
    except SystemExit:
        output.write(printed.getvalue())
        return OK
    try:
        plan = load_config(arguments["--config"])
    except ConfigError as error:
        _complain(error.lines)
        return WRONG_INPUT
    return _run_plan(plan, output, as_document=arguments["--print-json"])


def _run_plan(plan: Plan, output: _Output, *, as_document: bool) -> int:
    run = RunResult(plan)
    failure: StorageError | None = None
    try:
        for event in run_events(plan):
            run = advance(run, event)
            if isinstance(event, StepFinished) and not as_document:
                output.write(f"{result_line(event.result)}\n")
    except StorageError as error:
        failure = error
    if as_document:
        output.write(f"{json_text(result_document(run), indent=2)}\n")
    if failure is not None:
        _complain(failure.lines)
        return NOT_WRITTEN
    return OK if run.status == "ok" else FAILED


def _complain(lines: Sequence[str], appendix: str = "") -> None:
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.writelines(f"error: {escape(line)}\n" for line in lines)
            sys.stderr.write(appendix)


def _die_of(signum: signal.Signals) -> int:
    """End as the signal's default ends a process, so that a shell sees what happened."""
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
    return 128 + signum  # the caller has that signal blocked
