"""Run the steps that a JSON file lists, and print what came of each.

Usage:
  driftflow --config FILE [--strict] [--print-json]
            [--actions SOURCE]... [--param NAME=VALUE]...
            [--jobs N] [--dask ADDRESS] [--enforce-timeout]
            [--audit-sync WHEN] [--resume]
  driftflow check [--strict] [--format FORMAT] [--actions SOURCE]... [--] FILE...
  driftflow plan --config FILE [--print-json]
            [--actions SOURCE]... [--param NAME=VALUE]...
  driftflow schema [--output FILE] [--actions SOURCE]...
  driftflow actions [--actions SOURCE]...
  driftflow (-h | --help)
  driftflow --version

Commands:
  check    Print all errors and warnings about the files, and run nothing.
  plan     Print what a run would do, and run nothing.
  schema   Print the JSON Schema of a workflow, for editors.
  actions  Print what steps can name, and where it comes from.

Options:
  --config FILE       The workflow, a JSON file.
  --print-json        Print one JSON document instead of text.
  --strict            Let warnings count as errors.
  --actions SOURCE    Let steps name the actions of a module, or of a .py file.
  --param NAME=VALUE  Give a parameter a text; NAME:=VALUE gives it a JSON value.
  --jobs N            With the flag parallel, try up to N steps at the same time.
  --dask ADDRESS      Run the steps on the Dask cluster whose scheduler is there.
  --enforce-timeout   End each attempt that takes longer than timeout_seconds.
  --audit-sync WHEN   When the audit is on the disk: none, run or step [default: run].
  --resume            Take up the last run of the same plan, if it did not end ok.
  --format FORMAT     How to print: text, json, or github for annotations [default: text].
  --output FILE       Write to this file instead.
  -h --help           Print this text.
  --version           Print the version.

Exit status:
  0  every step is ok
  1  a step failed; check found an error, or with --strict a warning
  2  wrong usage, a wrong config, action or cluster: no step ran
  3  the audit, or the output itself, could not be written
"""

from __future__ import annotations

import gc
import io
import os
import re
import signal
import sys
from contextlib import closing, nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, TextIO

from docopt import DocoptExit, docopt

from driftflow import __version__
from driftflow.api import SYNCS, resumable, run_events
from driftflow.config import check_config, load_config
from driftflow.errors import ActionsError, ConfigError, ExecutorError, Findings, StorageError
from driftflow.reading.document import parse
from driftflow.running.events import (
    RunFinished,
    RunResult,
    StepDiscarded,
    StepFinished,
    StepStarted,
    advance,
)
from driftflow.running.signals import Signals, die_of
from driftflow.showing.output import Output
from driftflow.showing.results import result_document, result_line
from driftflow.text import count_of, escape, format_json, join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from driftflow.actions.sources import Given
    from driftflow.planning.plan import Plan
    from driftflow.reading.document import Json
    from driftflow.recording.storage import Sync
    from driftflow.running.events import Event, Halt, Status

_, _USAGE, _, _OPTIONS_TEXT, _ = (f"{part}\n" for part in __doc__.split("\n\n"))
# Each option of the usage text, and whether it takes a value.
_OPTIONS = {
    name: words[-1].isupper()
    for words in (
        line.strip().partition("  ")[0].split() for line in _OPTIONS_TEXT.splitlines()[1:]
    )
    for name in words
    if name.startswith("-")
}

OK = 0
FAILED = 1
WRONG_INPUT = 2
NOT_WRITTEN = 3


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status, or dies of a signal as it should.

    Args:
        argv: The arguments without the program's name; those of the process by default.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # the locale has no say in what is printed
            stream.reconfigure(encoding="utf-8")
    output = Output(_buffered(sys.stdout))
    with Signals() as signals:
        try:
            # What an action prints, or its file as it is loaded, is no result.
            with output, redirect_stdout(sys.stderr):
                status = _run_command(sys.argv[1:] if argv is None else list(argv), output, signals)
        except KeyboardInterrupt:
            return _end_by(signals.received or signal.SIGINT)
        if signals.received is not None:
            return _end_by(signals.received)
    if isinstance(output.failure, BrokenPipeError):
        return die_of(signal.SIGPIPE)
    if output.failure is not None:
        _complain(f"the output could not be written: {output.failure.strerror}")
        return NOT_WRITTEN
    return status


def _buffered(stream: TextIO | None) -> TextIO | None:
    """The stream, with a buffer: without one (`PYTHONUNBUFFERED`) a write may lose its end."""
    if isinstance(getattr(stream, "buffer", None), io.RawIOBase) and stream is not None:
        return open(stream.fileno(), "w", encoding="utf-8", closefd=False)
    return stream


def _run_command(argv: list[str], output: Output, signals: Signals) -> int:
    try:
        command = _command_of(argv)
        arguments = _parsed(argv, command or "--config")
        if isinstance(arguments, str):
            output.write(arguments)
            return OK
        if command in _COMMANDS:
            return _COMMANDS[command](arguments, output)
        return _run(arguments, output, signals)
    except _MisuseError as error:
        _complain(str(error))
        _print_error(_USAGE)
    except ConfigError as error:
        _refuse(error.findings)
    except (ActionsError, ExecutorError) as error:
        _complain(str(error))
    except StorageError as error:
        output.flush()
        _complain(str(error))
        return NOT_WRITTEN
    return WRONG_INPUT


def _parsed(argv: list[str], command: str) -> dict[str, Any] | str:
    """The arguments by name, or what was asked for: the help, the version.

    docopt is shown the usage of the one command: to read them all takes it four times as long.
    """
    forms = _USAGE.split("\n  driftflow ")
    usage = next(form for form in forms if form.startswith(f"{command} "))
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):  # docopt prints the help and the version by itself
            arguments: dict[str, Any] = docopt(
                f"Usage:\n  driftflow {usage}\n\n{_OPTIONS_TEXT}", argv, version=__version__
            )
    except DocoptExit:
        raise _MisuseError("the arguments do not fit the usage") from None
    except SystemExit:
        text = printed.getvalue()
        return text if text == f"{__version__}\n" else f"{__doc__.strip()}\n"
    return arguments


class _MisuseError(Exception):
    """The command line is at fault; says how, in words."""


def _command_of(argv: list[str]) -> str | None:
    """The command that is given; None if there is none, as for a run.

    To docopt, the beginning of an option will do for it, and `-path` asks for help: so the words
    are looked at here first.

    Raises:
        _MisuseError: For the first word that should be a command or an option, and is none.
    """
    command = None
    words = iter(argv)
    for word in words:
        name = word.partition("=")[0]
        if word == "--":
            break
        if name in _OPTIONS:
            if _OPTIONS[name] and "=" not in word:
                next(words, None)  # its value
        elif word.startswith("-") and word != "-":
            raise _MisuseError(_no_such("option", word, name))
        elif word in _COMMANDS:
            command = command or word
        elif word is argv[0]:
            raise _MisuseError(_no_such("command", word, word))
    return command


def _no_such(kind: str, word: str, name: str) -> str:
    from driftflow.suggestion import find_nearest

    meant = find_nearest(name, _OPTIONS if kind == "option" else _COMMANDS)
    hint = f": did you mean `{meant}`?" if meant else ""
    if kind == "command":
        hint = hint or ": `--config FILE` runs a workflow"
    return f"no {kind} `{shorten(word)}`{hint}"


def _run(arguments: dict[str, Any], output: Output, signals: Signals) -> int:
    actions, params, jobs = _actions_of(arguments), _params_of(arguments), _jobs_of(arguments)
    sync = _sync_of(arguments)
    plan = load_config(
        arguments["--config"], strict=arguments["--strict"], actions=actions, params=params
    )
    resumed = None
    if arguments["--resume"]:
        resumed, words = resumable(plan)
        _print_error(f"{escape(words)}\n")
    report = _print_document if arguments["--print-json"] else _print_lines
    with _cluster_of(arguments) as (executor, room):
        events = run_events(
            plan,
            actions,
            executor=executor,
            jobs=jobs or room,
            enforce_timeout=arguments["--enforce-timeout"],
            audit_sync=sync,
            resumed=resumed,
            is_over=signals.is_received,
        )
        gc.freeze()  # what there is by now will stay: it need not be searched, not even at the end
        gc.enable()
        signals.catch()
        with closing(events):
            status = report(plan, events, output, signals)
    return OK if status == "ok" else FAILED


def _jobs_of(arguments: dict[str, Any]) -> int | None:
    word = arguments["--jobs"]
    if word is None:
        return None
    if not re.fullmatch("0*[1-9][0-9]{0,8}", word, re.ASCII):
        raise _MisuseError(f"no number of jobs `{shorten(word)}`: write 1, 2 and so on")
    return int(word)


def _sync_of(arguments: dict[str, Any]) -> Sync:
    for sync in SYNCS:
        if arguments["--audit-sync"] == sync:
            return sync
    word = shorten(arguments["--audit-sync"])
    raise _MisuseError(f"no time to sync `{word}`: there are {join_words(SYNCS)}")


def _cluster_of(
    arguments: dict[str, Any],
) -> AbstractContextManager[tuple[Executor | None, int | None]]:
    """What runs the steps, and for how many pieces it has room, if a cluster is named."""
    if arguments["--dask"] is None:
        return nullcontext((None, None))
    from driftflow.parallel.dask import connected

    return connected(arguments["--dask"])


def _actions_of(arguments: dict[str, Any]) -> Given:
    """What steps can name; loaded, if that is more than what is built in."""
    if not arguments["--actions"]:
        return ()
    from driftflow.actions.registry import resolve_actions

    return resolve_actions(arguments["--actions"])


def _params_of(arguments: dict[str, Any]) -> dict[str, Json]:
    params: dict[str, Json] = {}
    for word in arguments["--param"]:
        name, mark, value = word.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not mark or not name:
            raise _MisuseError(f"no parameter `{shorten(word)}`: write `NAME=VALUE`")
        if name in params:
            raise _MisuseError(f"the parameter `{shorten(name)}` is given twice")
        params[name] = _json_of(name, value) if is_json else value
    return params


def _json_of(name: str, text: str) -> Json:
    """The value of a parameter that is given in JSON."""
    source = f"--param {name}"
    try:
        document = parse(text.encode("utf-8", "surrogatepass"), source)
    except ConfigError as error:  # its hints are about configs
        hint = f"for a text, write `{name}=...`"
        issues = tuple(issue._replace(hint=hint) for issue in error.issues)
        raise ConfigError(Findings(source, text, issues)) from None
    if document.issues:
        raise ConfigError(Findings(source, document.text, document.issues))
    return document.value


def _print_lines(
    _: Plan, events: Generator[Event, Halt | None, None], output: Output, signals: Signals
) -> Status:
    status: Status = "failed"
    discarded = 0
    try:
        for part in (events, signals.rest_of(events)):
            for event in part:
                if type(event) is StepStarted:  # which is known sooner than what is an instance
                    continue
                if type(event) is StepFinished:
                    output.write(f"{result_line(event)}\n")
                    if signals.received is not None and part is events:
                        break
                elif isinstance(event, StepDiscarded):
                    discarded += bool(event.result.attempts)
                elif isinstance(event, RunFinished):
                    status = event.status
    finally:
        _tell_discarded(discarded)
    return status


def _print_document(
    plan: Plan, events: Generator[Event, Halt | None, None], output: Output, signals: Signals
) -> Status:
    run = RunResult(plan)
    failure: BaseException | None = None
    try:
        for part in (events, signals.rest_of(events)):
            for event in part:
                run = advance(run, event)
                if signals.received is not None and part is events:
                    break
    except (StorageError, KeyboardInterrupt) as error:  # what was done is printed all the same
        failure = error
    output.write(f"{format_json(result_document(run), indent=2)}\n")
    _tell_discarded(len(run.discarded))
    if failure is not None:
        raise failure
    return run.status


def _tell_discarded(number: int) -> None:
    if number:
        steps = count_of(number, "step")
        _print_error(f"discarded: {steps} that ran beside the one that ended the run\n")


def _check(arguments: dict[str, Any], output: Output) -> int:
    from driftflow.actions.registry import resolve_actions
    from driftflow.showing.reports import FORMATS, colour, leave_plain

    render = FORMATS.get(arguments["--format"])
    if render is None:
        wanted = shorten(arguments["--format"])
        raise _MisuseError(f"no format `{wanted}`: there are {join_words(FORMATS)}")
    actions = resolve_actions(arguments["--actions"])  # once, for all files
    found = [check_config(path, actions=actions) for path in arguments["FILE"]]
    output.write(render(found, colour if _has_colours(output.stream) else leave_plain))
    severities = {issue.severity for findings in found for issue in findings.issues}
    return FAILED if "error" in severities or (arguments["--strict"] and severities) else OK


def _plan(arguments: dict[str, Any], output: Output) -> int:
    from driftflow.actions.registry import resolve_actions
    from driftflow.showing.tables import plan_document, plan_text

    actions = resolve_actions(arguments["--actions"])
    plan = load_config(arguments["--config"], params=_params_of(arguments))
    if arguments["--print-json"]:
        output.write(f"{format_json(plan_document(plan, actions), indent=2)}\n")
    else:
        output.write(plan_text(plan, actions))
    return OK


def _actions(arguments: dict[str, Any], output: Output) -> int:
    from driftflow.actions.registry import load_all, resolve_actions
    from driftflow.showing.tables import actions_text

    output.write(actions_text(load_all(resolve_actions(arguments["--actions"]))))
    return OK


def _schema(arguments: dict[str, Any], output: Output) -> int:
    from pathlib import Path

    from driftflow.schemas.published import schema_text

    path, text = arguments["--output"], schema_text("driftflow")
    if arguments["--actions"]:
        from driftflow.actions.registry import load_all, resolve_actions
        from driftflow.schemas.editor import tailored

        known = load_all(resolve_actions(arguments["--actions"]))
        offered = {name: (action.summary, action.schema) for name, action in known.items()}
        text = f"{format_json(tailored(offered), indent=2)}\n"
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


_COMMANDS = {"check": _check, "plan": _plan, "schema": _schema, "actions": _actions}


def _end_by(number: int) -> int:
    _print_error(f"interrupted by {signal.Signals(number).name}\n")
    return die_of(number)


def _refuse(findings: Findings) -> None:
    from driftflow.showing.reports import colour, leave_plain, render_report

    text = render_report([findings], colour if _has_colours(sys.stderr) else leave_plain)
    if all(issue.severity == "warning" for issue in findings.issues):
        text += "\nerror: --strict is given, so these warnings refuse the config\n"
    _print_error(text)


def _complain(message: str) -> None:
    _print_error(f"error: {escape(message)}\n")


def _print_error(text: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(text)


def _has_colours(stream: io.TextIOBase | TextIO | None) -> bool:
    """Whether what is printed may have colours: on a terminal, unless NO_COLOR is set.

    See https://no-color.org: an empty value counts as unset.
    """
    return (
        stream is not None
        and stream.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
