"""The command line: what it may say, and what it says."""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from docopt import DocoptExit, docopt

from driftflow import __version__
from driftflow.errors import ConfigError
from driftflow.planning.parameters import ParamText
from driftflow.planning.settings import SYNCS
from driftflow.reading.document import parse
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftflow.planning.settings import Sync
    from driftflow.reading.document import Json

# What `--help` prints. No docstring: Python may be asked to drop these.
HELP = """\
Run the steps listed in a JSON file, and print the result of each.

Usage:
  driftflow --config FILE [--strict] [--print-json]
            [--actions SOURCE]... [--param NAME=VALUE]...
            [--jobs N] [--dask ADDRESS] [--enforce-timeout]
            [--audit FILE] [--audit-sync WHEN] [--keep-going]
            [--resume] [--resume-from RUN] [--traceback] [--verbose]
  driftflow check [--strict] [--format FORMAT] [--actions SOURCE]... [--] FILE...
  driftflow plan --config FILE [--print-json] [--format FORMAT]
            [--actions SOURCE]... [--param NAME=VALUE]... [--audit FILE]
            [--resume] [--resume-from RUN] [--params]
  driftflow schema [--output FILE] [--actions SOURCE]...
  driftflow actions [--actions SOURCE]...
  driftflow (-h | --help)
  driftflow --version

Commands:
  check    Print all errors and warnings in the files, without running anything.
  plan     Print what a run would do, without running anything.
  schema   Print the JSON Schema for workflow files, for use in editors.
  actions  List the available actions, and where each one comes from.

Options:
  --config FILE       The workflow, a JSON file.
  --print-json        Print one JSON document instead of text.
  --strict            Treat warnings as errors.
  --actions SOURCE    Load actions from a module, a .py file or a package folder.
  --param NAME=VALUE  Set a parameter to a string; NAME:=VALUE sets it to a JSON value.
  --jobs N            With the flag parallel, run up to N steps at the same time.
  --dask ADDRESS      Run the steps on the Dask cluster with this scheduler address.
  --enforce-timeout   End each attempt that takes longer than timeout_seconds.
  --audit FILE        Turn the audit on, and write it to this file instead of the config's.
  --audit-sync WHEN   When to sync the audit to disk: none, run or step [default: run].
  --keep-going        Let a failure end only the steps that come after it.
  --resume            Keep what is up to date of the last run, unless that ended ok.
  --resume-from RUN   Keep what is up to date of this run: its ID, or the beginning of it.
  --params            List the parameters of the workflow instead of its steps.
  --traceback         Print where in your actions an attempt failed, on standard error.
  --verbose           Tell of attempts that fail, on standard error; a terminal is told anyway.
  --format FORMAT     text or json; github (check); mermaid or dot (plan) [default: text].
  --output FILE       Write the schema to this file instead of standard output.
  -h --help           Print this help.
  --version           Print the version.

Exit status:
  0  every step is ok; check found no errors
  1  a step failed; check found an error (or a warning, with --strict)
  2  wrong usage or config, unusable actions or cluster, no such run: no step ran
  3  the audit could not be read or written, or the output could not be written
"""
_, USAGE, _, _OPTIONS_TEXT, _ = (f"{part}\n" for part in HELP.split("\n\n"))
_COMMANDS = ("check", "plan", "schema", "actions")
# Each option of the usage text, and whether it takes a value.
_OPTIONS = {
    name: words[-1].isupper()
    for words in (
        line.strip().partition("  ")[0].split() for line in _OPTIONS_TEXT.splitlines()[1:]
    )
    for name in words
    if name.startswith("-")
}


class MisuseError(Exception):
    """The command line is at fault; says how, in words."""


class Arguments:
    """What a command line says; what its command does not take has its default.

    A plain class: a named tuple of that many fields takes longer to define than all else here.

    Args:
        command: `check`, `plan`, `schema`, `actions`, or `run`.
        found: What docopt has found, by the names of the usage text.

    Attributes:
        config: The workflow's file.
        files: The files to check.
        strict: Whether warnings count as errors.
        print_json: Whether to print one JSON document.
        format: How `check` and `plan` print.
        output: The file to write to; None for stdout.
        actions: The modules and files of actions.
        params: By name, what is given for parameters.
        jobs: How many steps run at the same time, at most; None for the default.
        dask: The address of a cluster; None for none.
        enforce_timeout: Whether attempts are ended in time.
        audit: The audit's file; None if the config decides.
        audit_sync: When the audit is synced to disk.
        keep_going: Whether a failure ends only what comes after it.
        list_params: Whether `plan` lists the parameters.
        resume: Whether the last run is resumed; or the name of the run that is.
        traceback: Whether to print the operator's code that failed.
        verbose: Whether to tell of attempts that are made again.
    """

    def __init__(self, command: str, found: Mapping[str, Any]) -> None:
        self.command = command
        self.config: str = found.get("--config", "")
        self.files = _read_files(found)
        self.strict: bool = found.get("--strict", False)
        self.print_json: bool = found.get("--print-json", False)
        self.format: str = found.get("--format", "text")
        self.output = _read_path(found, "--output")
        self.actions: list[str] = found.get("--actions", [])
        self.params = _read_params(found.get("--param", []))
        self.jobs = _read_jobs(found.get("--jobs"))
        self.dask: str | None = found.get("--dask")
        self.enforce_timeout: bool = found.get("--enforce-timeout", False)
        self.audit = _read_path(found, "--audit")
        self.audit_sync = _read_sync(found.get("--audit-sync", "run"))
        self.keep_going: bool = found.get("--keep-going", False)
        self.list_params: bool = found.get("--params", False)
        self.resume = _read_resume(found)
        self.traceback: bool = found.get("--traceback", False)
        self.verbose: bool = found.get("--verbose", False)


def parse_arguments(argv: Sequence[str]) -> Arguments | str:
    """Return what the command line says, or the text that it asks for: the help, the version.

    Args:
        argv: The arguments, without the program's name.

    Raises:
        MisuseError: If they do not fit the usage.
        ConfigError: If a parameter is given in JSON that is none.
    """
    command = _find_command(argv)
    found = _ask_docopt(argv, command or "--config")
    return found if isinstance(found, str) else Arguments(command or "run", found)


def _find_command(argv: Sequence[str]) -> str | None:
    """Return the command that is given; None if there is none, as for a run.

    docopt takes the beginning of an option for it, and `-path` for a wish for help: so the words
    are looked at here first.

    Raises:
        MisuseError: For the first word that should be a command or an option, and is none; or that
            is an option, and may have been meant as the name of a file: `*` gives such words.
    """
    command = None
    words = iter(argv)
    for word in words:
        name = word.partition("=")[0]
        if word == "--":
            break
        if word.startswith("-") and word != "-" and os.path.lexists(word):
            raise MisuseError(
                f"`{shorten(word)}` looks like an option, but a file here has that name: "
                "put `--` before the file names, or rename the file"
            )
        if name in _OPTIONS:
            if _OPTIONS[name] and "=" not in word:
                next(words, None)  # its value
        elif word.startswith("-") and word != "-":
            raise MisuseError(_describe_unknown("option", word, name))
        elif word in _COMMANDS:
            command = command or word
        elif word is argv[0]:
            raise MisuseError(_describe_unknown("command", word, word))
    return command


def _describe_unknown(kind: str, word: str, name: str) -> str:
    from driftflow.suggestion import find_nearest

    meant = find_nearest(name, _OPTIONS if kind == "option" else _COMMANDS)
    hint = f": did you mean `{meant}`?" if meant else ""
    if kind == "command":
        hint = hint or ": use `--config FILE` to run a workflow"
    return f"unknown {kind} `{shorten(word)}`{hint}"


def _ask_docopt(argv: Sequence[str], command: str) -> dict[str, Any] | str:
    """Return the arguments by name, or the help or version that was asked for."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):  # docopt prints the help and the version by itself
            usage = _select_usage(argv, command)
            arguments: dict[str, Any] = docopt(usage, list(argv), version=__version__)
    except DocoptExit:
        raise MisuseError("the arguments do not match the usage") from None
    except SystemExit:
        text = printed.getvalue()
        return text if text == f"{__version__}\n" else HELP
    return arguments


def _select_usage(argv: Sequence[str], command: str) -> str:
    """Return the usage of the one command, without the options that the command line has not.

    docopt compares each option with each other: to read all of them takes it ten times as long.
    """
    given = {word.partition("=")[0] for word in argv}
    forms = USAGE.split("\n  driftflow ")
    needed, *others = next(form for form in forms if form.startswith(f"{command} ")).split("[")
    for part in others:
        option, _, behind = part.partition("]")
        name = option.partition(" ")[0]
        needed += f"[{part}" if name in given else behind.removeprefix("...")
    lines = [line for line in _OPTIONS_TEXT.splitlines() if not given.isdisjoint(line.split())]
    return "\n".join(["Usage:", f"  driftflow {needed}", "", "Options:", *lines, ""])


def _read_files(found: Mapping[str, Any]) -> list[str]:
    """Return the names of the files; docopt takes a `--` that comes after some of them for one."""
    files: list[str] = [*found.get("FILE", [])]
    if "--" in files and not found["--"]:
        files.remove("--")
    return files


def _read_path(found: Mapping[str, Any], option: str) -> str | None:
    path: str | None = found.get(option)
    if path == "":
        raise MisuseError(f"`{option}` needs a file name, not an empty string")
    return path


def _read_resume(found: Mapping[str, Any]) -> bool | str:
    run: str | None = found.get("--resume-from")
    if run is None:
        return bool(found.get("--resume"))
    if found.get("--resume"):
        raise MisuseError("`--resume` and `--resume-from` exclude each other")
    if not run:
        raise MisuseError("`--resume-from` needs the ID of a run, not an empty string")
    return run


def _read_jobs(word: str | None) -> int | None:
    if word is None:
        return None
    if not re.fullmatch("0*[1-9][0-9]{0,8}", word, re.ASCII):
        raise MisuseError(
            f"`--jobs` must be a whole number from 1 to 999,999,999, not `{shorten(word)}`"
        )
    return int(word)


def _read_sync(word: str) -> Sync:
    for sync in SYNCS:
        if word == sync:
            return sync
    raise MisuseError(f"`--audit-sync` must be one of {join_words(SYNCS)}, not `{shorten(word)}`")


def _read_params(words: Sequence[str]) -> dict[str, Json]:
    params: dict[str, Json] = {}
    for word in words:
        name, mark, value = word.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not mark or not name:
            raise MisuseError(
                f"`--param {shorten(word)}` has no name or no value: write `--param NAME=VALUE`"
            )
        if name in params:
            raise MisuseError(f"the parameter `{shorten(name)}` is given twice")
        params[name] = _read_json(name, value) if is_json else ParamText(value)
    return params


def _read_json(name: str, text: str) -> Json:
    """Return the value of a parameter that is given in JSON.

    Raises:
        ConfigError: If it is no strict JSON. The text is not shown: nobody knows yet whether it is
            for a sensitive step.
    """
    source = f"--param {name}"
    try:
        document = parse(text.encode("utf-8", "surrogatepass"), source)
        text, issues = document.text, document.issues
    except ConfigError as error:
        issues = error.issues
    else:
        if not issues:
            return document.value
    from driftflow.checking.redaction import redact_all
    from driftflow.issues import Findings

    findings = redact_all(Findings(source, text, issues))
    hint = f"to pass a string, write `--param {name}=...`"  # the hints were about configs
    told = tuple(issue._replace(hint=hint) for issue in findings.issues)
    raise ConfigError(findings._replace(issues=told))
