"""The commands: what each one runs, what it prints, and its exit status."""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import closing, nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from driftflow.actions.action import ACTIONS
from driftflow.api import find_changed_code, find_resumption, run_events
from driftflow.arguments import USAGE, MisuseError, parse_arguments
from driftflow.config import check_config, list_params, load_config
from driftflow.errors import (
    ActionsError,
    ConfigError,
    ExecutorError,
    ResumeError,
    StorageError,
)
from driftflow.planning.settings import Options
from driftflow.running.events import (
    EVENTS,
    AttemptFailed,
    RunFinished,
    StepDone,
    StepFinished,
    StepSkipped,
)
from driftflow.running.ordering import RunFold, RunOrder, was_in_vain
from driftflow.running.signals import (
    SIGINT,
    SIGPIPE,
    Signals,
    die_of,
    end_at_once,
    name_of,
)
from driftflow.showing.output import Output, identify
from driftflow.showing.results import build_result_document, format_line
from driftflow.text import REDACTED, count_of, escape, format_json, join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from driftflow.actions.registry import Actions
    from driftflow.actions.sources import Given
    from driftflow.arguments import Arguments
    from driftflow.issues import Findings
    from driftflow.planning.plan import Plan
    from driftflow.resuming.decision import Resumption
    from driftflow.running.events import Event, Halt, Status

    Format = TypeVar("Format", bound=Callable[..., str])

OK = 0
FAILED = 1
WRONG_INPUT = 2
NOT_WRITTEN = 3


class CommandProcess:
    """The process in which the command runs.

    Args:
        is_own: Whether it was started for the command alone, so that it may be forked.
        is_supervised: Whether it has been.
    """

    def __init__(self, *, is_own: bool = False, is_supervised: bool = False) -> None:
        self._is_own = is_own
        self._is_supervised = False
        self._note = b""  # of the run whose record is open, as `close_record` takes it
        self._leave_note: Callable[[bytes], object] = bytes
        self._report: Callable[[int], object] = int
        self.signal_seen: Callable[[], int] = int  # as `supervisor.signal_seen`
        if is_supervised:
            self.supervise()

    def supervise(self) -> None:
        """Fork, go on in the new process, and let the old one wait for it; once."""
        if self._is_own:
            from driftflow.parallel import supervisor

            try:
                self._is_supervised = supervisor.supervise(close_record)
            except OSError as error:
                reason = f"no process can be started: {error.strerror}"
                raise ExecutorError("the run", reason) from None
            self._leave_note = supervisor.leave_note
            self._report, self.signal_seen = supervisor.report_end, supervisor.signal_seen

    def claim_orphans(self) -> None:
        """Know the orphans that the supervisor adopts for those of one program at a time."""
        if self._is_own:
            from driftflow.parallel.descendants import claim_orphans

            claim_orphans()

    def name_run(self, plan: Plan) -> str | None:
        """Return a name for a run whose record is to be closed if it is killed; None for others."""
        if not self._is_own or not plan.flags.is_enabled("audit"):
            return None
        from uuid import uuid4

        run_id = str(uuid4())
        path = os.path.abspath(plan.storage_path)  # noqa: PTH100 - a run does without pathlib
        self._keep_note(f"{run_id}\n{path}".encode(errors="surrogatepass"))
        return run_id

    def forget_run(self) -> None:
        """Take note that the run is over, and its record as closed as it can be."""
        self._keep_note(b"")

    def _keep_note(self, note: bytes) -> None:
        self._note = note
        self._leave_note(note)

    def end_at_once(self, number: int) -> None:
        """Die of a second signal, with the run's record closed; leave that to a supervisor."""
        if not self._is_supervised:
            if self._note:
                close_record(self._note, number)
            end_at_once(number)

    def report_end(self, status: int) -> None:
        """Let the supervisor know, if there is one, that the command has come to its end."""
        self._report(status)


def close_record(note: bytes, number: int) -> None:
    """Close the record of a run that was killed.

    Args:
        note: What `CommandProcess.name_run` has noted.
        number: The signal that killed it; 0 for none.
    """
    from driftflow.recording import closing

    run_id, _, path = note.decode(errors="surrogatepass").partition("\n")
    with suppress(StorageError):
        closing.close_record(path, run_id, name_of(number) if number else None)


_NOT_OWN = CommandProcess()


def main(argv: Sequence[str] | None = None, process: CommandProcess = _NOT_OWN) -> int:
    """Run a command line, and return the exit status, or die of a signal as it should.

    Args:
        argv: The arguments without the program's name; those of the process by default.
        process: This process; by default, one that is left as it is.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # the locale has no say in what is printed
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    words = sys.argv[1:] if argv is None else list(argv)
    _messages.open(sys.stderr)
    output = Output(_buffered(sys.stdout))
    with Signals() as signals:
        try:
            # What an action prints, or its file as it is loaded, is no result.
            with output, redirect_stdout(sys.stderr):
                status = _run_command(words, output, signals, process)
        except KeyboardInterrupt:
            return _end_by(signals.received or SIGINT)
        if signals.received is not None:
            return _end_by(signals.received)
    if isinstance(output.failure, BrokenPipeError):
        return die_of(SIGPIPE)
    if output.failure is not None:
        _complain(f"the output could not be written: {output.failure.strerror}")
        status = NOT_WRITTEN
    process.report_end(status)
    return status


def _buffered(stream: TextIO | None) -> TextIO | None:
    """Return the stream with a buffer; without (`PYTHONUNBUFFERED`) a write may lose its end."""
    if isinstance(getattr(stream, "buffer", None), io.RawIOBase) and stream is not None:
        return open(stream.fileno(), "w", encoding="utf-8", closefd=False)
    return stream


def _run_command(
    argv: Sequence[str], output: Output, signals: Signals, process: CommandProcess
) -> int:
    try:
        arguments = parse_arguments(argv)
        if isinstance(arguments, str):
            output.write(arguments)
            return OK
        if _may_load_code(arguments):
            process.supervise()
        if arguments.command == "run":
            return _run(arguments, output, signals, process)
        return _COMMANDS[arguments.command](arguments, output)
    except MisuseError as error:
        _complain(str(error))
        _print_error(USAGE)
    except ConfigError as error:
        _refuse(error.findings)
    except (ActionsError, ExecutorError, ResumeError) as error:
        _complain(str(error))
    except StorageError as error:
        output.flush()
        _complain(str(error))
        return NOT_WRITTEN
    return WRONG_INPUT


def _may_load_code(arguments: Arguments) -> bool:
    """Return whether code of others may be loaded before it is known what steps name."""
    is_checked = arguments.strict or arguments.command in ("check", "plan", "actions")
    return bool(arguments.actions) or is_checked


def _run(arguments: Arguments, output: Output, signals: Signals, process: CommandProcess) -> int:
    actions = _resolve_actions(arguments) if arguments.actions else ()
    plan = load_config(
        arguments.config,
        strict=arguments.strict,
        actions=actions,
        params=arguments.params,
        audit=arguments.audit,
    )
    runs_code = not ACTIONS.keys() >= {*plan.actions}  # of others
    if runs_code:
        process.supervise()
        actions = actions or _resolve_actions(arguments)
        is_alone = not (plan.timed or arguments.enforce_timeout or arguments.dask)
        if is_alone and not plan.flags.is_enabled("parallel"):
            process.claim_orphans()
    resumed = _resume(plan, actions, arguments) if arguments.resume else None
    if actions:
        _warn_of_unknown(plan, actions)
    report = _print_document if arguments.print_json else _print_lines
    with _open_cluster(arguments.dask) as (executor, room):
        options = Options(
            executor,
            arguments.jobs or room,
            arguments.enforce_timeout,
            arguments.audit_sync,
            arguments.keep_going,
            process.name_run(plan),
        )
        events = run_events(plan, actions, options, resumed, signals.find_name)
        gc.freeze()  # what there is by now will stay: it need not be searched, not even at the end
        gc.enable()
        signals.catch(process.signal_seen if runs_code else None, process.end_at_once)
        try:
            with closing(events):
                status = report(plan, events, output, signals, arguments)
        finally:
            process.forget_run()
    return OK if status == "ok" else FAILED


def _resume(plan: Plan, actions: Given, arguments: Arguments) -> Resumption | None:
    """Return what is kept of an earlier run, and say so; None if there is nothing to resume."""
    from driftflow.showing.resumption import format_summary, list_changes

    try:
        found = find_resumption(plan, arguments.resume or True)
    except ResumeError as error:
        if arguments.resume is not True:  # it was named
            raise
        _print_error(f"{escape(f'nothing to resume, so all steps run: {error}')}\n")
        return None
    lines = [format_summary(plan.steps, found)]
    for line in lines + list_changes(find_changed_code(plan, actions, found)):
        _print_error(f"{escape(line)}\n")
    return found


def _warn_of_unknown(plan: Plan, actions: Actions) -> None:
    """Say which actions of a plan there are not: their steps will fail."""
    shown = {step.action for step in plan.steps if not step.sensitive}
    for name in plan.actions:
        if name not in actions:
            from driftflow.checking.warnings import suggest_action

            fault = f"unknown action `{shorten(name)}`, so its steps will fail"
            message = f"{fault}: {suggest_action(name, actions)}"
            if name not in shown:
                message = f"unknown action {REDACTED}, so its steps will fail"
            _print_error(f"warning: {escape(message)}\n")


def _open_cluster(
    address: str | None,
) -> AbstractContextManager[tuple[Executor | None, int | None]]:
    """Return what runs the steps, and for how many batches it has room, if a cluster is named."""
    if address is None:
        return nullcontext((None, None))
    from driftflow.parallel.dask import connected

    return connected(address)


def _resolve_actions(arguments: Arguments) -> Actions:
    from driftflow.actions.registry import resolve_actions

    return resolve_actions(arguments.actions)


def _print_lines(
    plan: Plan,
    events: Generator[Event, Halt | None, None],
    output: Output,
    signals: Signals,
    arguments: Arguments,
) -> Status:
    status: Status = "failed"
    write = output.write

    def print_line(event: StepDone) -> None:
        write(f"{format_line(event)}\n")

    def end(event: RunFinished) -> None:
        nonlocal status
        status = event.status

    order = RunOrder(plan, print_line, keep_going=arguments.keep_going)
    takers: dict[type, Callable[[Any], None] | None] = {
        **dict.fromkeys(EVENTS),
        AttemptFailed: _make_teller(arguments),
        StepFinished: order.take,
        StepSkipped: order.take,
        RunFinished: end,
    }
    try:
        signals.follow(events, takers)
    finally:
        _tell_discarded(sum(map(was_in_vain, order.close())), status)
    return status


def _print_document(
    plan: Plan,
    events: Generator[Event, Halt | None, None],
    output: Output,
    signals: Signals,
    arguments: Arguments,
) -> Status:
    fold = RunFold(plan, keep_going=arguments.keep_going)
    failure: BaseException | None = None
    takers: dict[type, Callable[[Any], None] | None] = {
        **dict.fromkeys(EVENTS, fold.take),
        AttemptFailed: _make_teller(arguments),
    }
    try:
        signals.follow(events, takers)
    except (StorageError, KeyboardInterrupt) as error:  # what was done is printed all the same
        failure = error
    run = fold.finish()
    output.write(f"{format_json(build_result_document(run), indent=2)}\n")
    _tell_discarded(len(run.discarded), run.status)
    if failure is not None:
        raise failure
    return run.status


def _make_teller(arguments: Arguments) -> Callable[[AttemptFailed], None]:
    """Return what tells on stderr of attempts that failed, as far as that is wanted."""
    tells = arguments.verbose or (sys.stderr is not None and sys.stderr.isatty())

    def tell(event: AttemptFailed) -> None:
        if not (arguments.traceback or (tells and event.wait_seconds is not None)):
            return
        from driftflow.showing.attempts import format_attempt, format_traceback

        if arguments.traceback:
            _print_error(format_traceback(event))
        if tells and event.wait_seconds is not None:
            _print_error(f"{format_attempt(event)}\n")

    return tell


def _tell_discarded(number: int, status: Status) -> None:
    if number:
        end = "a step that was interrupted"
        if status != "interrupted":
            end = "the step that ended the run"
        steps = count_of(number, "step")
        _print_error(f"discarded: {steps} that ran at the same time as {end}\n")


def _check(arguments: Arguments, output: Output) -> int:
    from driftflow.showing.reports import FORMATS, colour, leave_plain

    render = _find_format(arguments.format, FORMATS)
    actions = _resolve_actions(arguments)  # once, for all files
    found = [check_config(path, actions=actions) for path in arguments.files]
    output.write(render(found, colour if _has_colours(output.stream) else leave_plain))
    severities = {issue.severity for findings in found for issue in findings.all_issues}
    return FAILED if "error" in severities or (arguments.strict and severities) else OK


def _plan(arguments: Arguments, output: Output) -> int:
    if arguments.print_json and arguments.format not in ("text", "json"):
        raise MisuseError(f"`--print-json` and `--format {arguments.format}` exclude each other")
    render = _find_plan_format("json" if arguments.print_json else arguments.format)
    if arguments.list_params:
        return _list_params(arguments, output)
    if arguments.resume and arguments.format not in ("text", "json"):
        raise MisuseError(f"`--format {arguments.format}` does not show what is resumed")
    actions = _resolve_actions(arguments)
    plan = load_config(arguments.config, params=arguments.params, audit=arguments.audit)
    resumed = _resume(plan, actions, arguments) if arguments.resume else None
    output.write(render(plan, actions, resumed))
    return OK


def _list_params(arguments: Arguments, output: Output) -> int:
    from driftflow.showing.parameters import build_params_document, format_params

    listed = list_params(arguments.config, arguments.params)
    is_json = arguments.print_json or arguments.format == "json"
    document = f"{format_json(build_params_document(listed), indent=2)}\n"
    output.write(document if is_json else format_params(listed))
    return OK


def _find_plan_format(name: str) -> Callable[[Plan, Actions, Resumption | None], str]:
    """Return what shows a plan in the format of that name."""
    from driftflow.showing.pictures import format_dot, format_mermaid
    from driftflow.showing.tables import build_plan_document, format_plan

    formats: dict[str, Callable[[Plan, Actions, Resumption | None], str]] = {
        "text": format_plan,
        "json": lambda *shown: f"{format_json(build_plan_document(*shown), indent=2)}\n",
        "mermaid": lambda plan, *_: format_mermaid(plan),
        "dot": lambda plan, *_: format_dot(plan),
    }
    return _find_format(name, formats)


def _find_format(name: str, formats: Mapping[str, Format]) -> Format:
    """Return the format of that name.

    Raises:
        MisuseError: If there is none.
    """
    if name not in formats:
        raise MisuseError(f"`--format` must be one of {join_words(formats)}, not `{shorten(name)}`")
    return formats[name]


def _actions(arguments: Arguments, output: Output) -> int:
    from driftflow.actions.registry import load_all
    from driftflow.showing.tables import format_actions

    output.write(format_actions(load_all(_resolve_actions(arguments))))
    return OK


def _schema(arguments: Arguments, output: Output) -> int:
    from driftflow.schemas.published import read_schema

    text = read_schema("driftflow")
    if arguments.actions:
        from driftflow.actions.registry import load_all
        from driftflow.schemas.editor import tailor_schema

        known = load_all(_resolve_actions(arguments))
        offered = {name: (action.summary, action.schema) for name, action in known.items()}
        text = f"{format_json(tailor_schema(offered), indent=2)}\n"
    if arguments.output is None:
        output.write(text)
        return OK
    from driftflow.writing.replacement import replace

    try:
        replace(arguments.output, text.encode())
    except (OSError, ValueError) as error:  # ValueError: no name of a file
        reason = getattr(error, "strerror", None) or "not a valid file name"
        _complain(f"{arguments.output}: the schema could not be written: {reason}")
        return NOT_WRITTEN
    return OK


_COMMANDS = {"check": _check, "plan": _plan, "schema": _schema, "actions": _actions}


def _end_by(number: int) -> int:
    _print_error(f"interrupted by {name_of(number)}\n")
    return die_of(number)


def _refuse(findings: Findings) -> None:
    from driftflow.showing.reports import colour, leave_plain, render_report

    text = render_report([findings], colour if _has_colours(sys.stderr) else leave_plain)
    if all(issue.severity == "warning" for issue in findings.all_issues):
        text += "\nerror: the config is refused because of these warnings (--strict)\n"
    _print_error(text)


def _complain(message: str) -> None:
    _print_error(f"error: {escape(message)}\n")


def _print_error(text: str) -> None:
    _messages.print(text)


class _Messages:
    """Where it is said what is wrong: stderr, as it was when the command began.

    What an action puts in its place is no place for it, and its number may be that of another file.
    """

    def __init__(self) -> None:
        self._stream: TextIO | None = None
        self._file: tuple[int, int] | None = None

    def open(self, stream: TextIO | None) -> None:
        """Print to that stream from here on."""
        self._stream = stream
        self._file = None if stream is None else identify(stream)

    def print(self, text: str) -> None:
        """Print the text; lose it if that cannot be."""
        if self._stream is not None and identify(self._stream) == self._file:
            with suppress(OSError, ValueError):
                self._stream.write(text)


_messages = _Messages()


def _has_colours(stream: io.TextIOBase | TextIO | None) -> bool:
    """Return whether what is printed may have colours: on a terminal, unless NO_COLOR is set.

    See https://no-color.org: an empty value counts as unset.
    """
    return (
        stream is not None
        and stream.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
