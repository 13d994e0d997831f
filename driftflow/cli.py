"""Run the steps that a JSON file lists, and print what came of each.

Usage:
  driftflow --config FILE [--strict] [--print-json]
  driftflow check [--strict] [--format FORMAT] [--] FILE...
  driftflow plan --config FILE [--print-json]
  driftflow schema [--output FILE]
  driftflow (-h | --help)
  driftflow --version

Commands:
  check   Print all errors and warnings about the files, and run nothing.
  plan    Print what a run would do, and run nothing.
  schema  Print the JSON Schema of a workflow, for editors.

Options:
  --config FILE    The workflow, a JSON file.
  --print-json     Print one JSON document instead of text.
  --strict         Let warnings count as errors.
  --format FORMAT  How to print: text, json, or github for annotations [default: text].
  --output FILE    Write to this file instead.
  -h --help        Print this text.
  --version        Print the version.

Exit status:
  0  every step is ok
  1  a step failed; check found an error, or with --strict a warning
  2  wrong usage or a wrong config: no step ran
  3  the audit, or the output itself, could not be written
"""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, TextIO

from docopt import DocoptExit, docopt

from driftflow import __version__
from driftflow.api import run_events
from driftflow.config import check_config, load_config
from driftflow.errors import ConfigError, StorageError, listed, shorten
from driftflow.events import RunFinished, StepFinished
from driftflow.output import Output
from driftflow.rendering import escape, json_text, result_document, result_line
from driftflow.result import RunResult, advance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from driftflow.errors import Findings
    from driftflow.events import Event, Status
    from driftflow.plan import Plan

_USAGE = __doc__.split("\n\n")[1] + "\n"
# Each option of the usage text, and whether it takes a value.
_OPTIONS = {
    name: words[-1].isupper()
    for words in (
        line.strip().partition("  ")[0].split()
        for line in __doc__.split("Options:\n")[1].split("\n\n")[0].splitlines()
    )
    for name in words
    if name.startswith("-")
}

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
    output = Output(sys.stdout)
    try:
        with output:
            status = _run_command(sys.argv[1:] if argv is None else list(argv), output)
    except KeyboardInterrupt:
        return _die_of("SIGINT")
    if isinstance(output.failure, BrokenPipeError):
        return _die_of("SIGPIPE")
    if output.failure is not None:
        _complain(f"the output could not be written: {output.failure.strerror}")
        return NOT_WRITTEN
    return status


def _run_command(argv: list[str], output: Output) -> int:
    fault = _wrong_command(argv) or _wrong_option(argv)
    if fault is not None:
        return _misused(fault)
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):  # docopt prints the help and the version by itself
            arguments = docopt(__doc__, argv, version=__version__)
    except DocoptExit:
        return _misused("the arguments do not fit the usage")
    except SystemExit:
        output.write(printed.getvalue())
        return OK
    act = next((act for name, act in _COMMANDS.items() if arguments.get(name)), _run)
    try:
        return act(arguments, output)
    except ConfigError as error:
        return _refuse(error.findings)


def _wrong_command(argv: list[str]) -> str | None:
    word = next(iter(argv), "-")
    if word.startswith("-") or word in _COMMANDS:
        return None
    from driftflow.suggestion import nearest

    meant = nearest(word, _COMMANDS)
    hint = f"did you mean `{meant}`?" if meant else "`--config FILE` runs a workflow"
    return f"no command `{shorten(word)}`: {hint}"


def _wrong_option(argv: list[str]) -> str | None:
    """The first word that looks like an option and is none.

    To docopt, the beginning of an option will do for it, and `-path` asks for help.
    """
    words = iter(argv)
    for word in words:
        name = word.partition("=")[0]
        if word == "--":
            break
        if name in _OPTIONS:
            if _OPTIONS[name] and "=" not in word:
                next(words, None)  # its value
        elif word.startswith("-") and word != "-":
            from driftflow.suggestion import nearest

            meant = nearest(name, _OPTIONS)
            return f"no option `{shorten(word)}`" + (f": did you mean `{meant}`?" if meant else "")
    return None


def _run(arguments: dict[str, Any], output: Output) -> int:
    plan = load_config(arguments["--config"], strict=arguments["--strict"])
    gc.freeze()  # what there is by now will stay: it need not be searched, not even at the end
    gc.enable()
    report = _print_document if arguments["--print-json"] else _print_lines
    try:
        status = report(plan, run_events(plan), output)
    except StorageError as error:
        output.flush()
        _complain(str(error))
        return NOT_WRITTEN
    return OK if status == "ok" else FAILED


def _print_lines(_: Plan, events: Iterable[Event], output: Output) -> Status:
    status: Status = "failed"
    for event in events:
        if isinstance(event, StepFinished):
            output.write(f"{result_line(event.result)}\n")
        elif isinstance(event, RunFinished):
            status = event.status
    return status


def _print_document(plan: Plan, events: Iterable[Event], output: Output) -> Status:
    run = RunResult(plan)
    failure: StorageError | None = None
    try:
        for event in events:
            run = advance(run, event)
    except StorageError as error:  # what was done is printed all the same
        failure = error
    output.write(f"{json_text(result_document(run), indent=2)}\n")
    if failure is not None:
        raise failure
    return run.status


def _check(arguments: dict[str, Any], output: Output) -> int:
    from driftflow.diagnostics import FORMATS, coloured, plain

    render = FORMATS.get(arguments["--format"])
    if render is None:
        return _misused(
            f"no format `{shorten(arguments['--format'])}`: there are {listed(FORMATS)}"
        )
    found = [check_config(path) for path in arguments["FILE"]]
    output.write(render(found, coloured if _has_colours(sys.stdout) else plain))
    severities = {issue.severity for findings in found for issue in findings.issues}
    return FAILED if "error" in severities or (arguments["--strict"] and severities) else OK


def _plan(arguments: dict[str, Any], output: Output) -> int:
    from driftflow.preview import plan_document, plan_text

    plan = load_config(arguments["--config"])
    if arguments["--print-json"]:
        output.write(f"{json_text(plan_document(plan), indent=2)}\n")
    else:
        output.write(plan_text(plan))
    return OK


def _schema(arguments: dict[str, Any], output: Output) -> int:
    from pathlib import Path

    from driftflow.schemas import schema_text

    path, text = arguments["--output"], schema_text("driftflow")
    if path is None:
        output.write(text)
        return OK
    try:
        Path(path).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: no name of a file
        reason = getattr(error, "strerror", None) or "not the name of a file"
        _complain(f"{path}: the schema could not be written: {reason}")
        return NOT_WRITTEN
    return OK


_COMMANDS = {"check": _check, "plan": _plan, "schema": _schema}


def _refuse(findings: Findings) -> int:
    from driftflow.diagnostics import coloured, plain, report

    text = report([findings], coloured if _has_colours(sys.stderr) else plain)
    if all(issue.severity == "warning" for issue in findings.issues):
        text += "\nerror: --strict is given, so these warnings refuse the config\n"
    _print_error(text)
    return WRONG_INPUT


def _misused(fault: str) -> int:
    _complain(fault)
    _print_error(_USAGE)
    return WRONG_INPUT


def _complain(message: str) -> None:
    _print_error(f"error: {escape(message)}\n")


def _print_error(text: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(text)


def _has_colours(stream: TextIO | None) -> bool:
    """Whether what is printed may have colours: on a terminal, unless NO_COLOR is set.

    See https://no-color.org: an empty value counts as unset.
    """
    return (
        stream is not None
        and stream.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def _die_of(name: str) -> int:
    """End as the signal's default ends a process, so that a shell sees what happened."""
    import signal

    signum = signal.Signals[name]
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
    return 128 + signum  # the caller has that signal blocked
