"""The library: reads a config. A file and the environment become a plan, or findings."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any

from driftflow.checking.acceptor import accepts
from driftflow.errors import MAX_DEPTH, ConfigError, StorageError
from driftflow.planning.graph import Graph
from driftflow.planning.parameters import (
    Parameter,
    fill_in,
    list_declared,
    list_parameters,
    read_texts,
)
from driftflow.planning.plan import Plan, build_plan, find_secrets, keep_audit_in
from driftflow.planning.settings import FLAGS_VARIABLE, TIMEOUT_VARIABLE, resolve_flags
from driftflow.reading.document import copy_json, parse
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftflow.actions.sources import Given
    from driftflow.issues import Findings, Issue
    from driftflow.planning.uses import Flat
    from driftflow.reading.document import Document, Json
    from driftflow.uses import Uses

# The fields of steps that hold a schema.
_SCHEMAS = {"when", "returns"}

_DECIMAL = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"

# Bytes: a device like /dev/zero does not end.
_OF_A_DEVICE = 1 << 20

_UNREADABLE: dict[type[OSError], str] = {
    FileNotFoundError: "no such file",
    IsADirectoryError: "a directory, not a file",
    PermissionError: "cannot be read: permission denied",
}


def load_config(  # noqa: PLR0913 - what they are for stands at each call
    path: str | os.PathLike[str],
    environ: Mapping[str, str] | None = None,
    *,
    strict: bool = False,
    actions: Given = (),
    params: Mapping[str, Json] | None = None,
    audit: str | os.PathLike[str] | None = None,
) -> Plan:
    """Read a config, check it against the published schema, and build its plan.

    Args:
        path: The JSON file.
        environ: The environment variables; those of the process by default. DRIFTFLOW_FLAGS
            lists flags to switch off, WORKFLOW_TIMEOUT_SECONDS overrides `timeout_seconds`.
        strict: Whether warnings count as errors.
        actions: What steps can name besides the built-in actions, as `run_workflow` takes it; only
            warnings depend on it.
        params: By name, a JSON value for each parameter that is given.
        audit: The file to write the audit to; this also turns the audit on. By default, the config
            and the environment decide.

    Returns:
        The plan, immutable at every depth.

    Raises:
        ConfigError: If the file cannot be read, is not strict JSON or breaks the schema, if a step
            names one that is not there, if steps form a circle, if a parameter is not given,
            if no step uses a parameter that is given, or if WORKFLOW_TIMEOUT_SECONDS is not a
            finite decimal number of seconds above 0. It lists all that is wrong.
        ActionsError: If `strict`, and an action cannot be loaded.
        StorageError: If the audit is on, and its file is the config itself or cannot be looked at.
        TypeError: If the value of a parameter is not a JSON value.
    """
    environ = os.environ if environ is None else environ
    source = os.fspath(path)
    document = _read_document(source)
    timeout = environ.get(TIMEOUT_VARIABLE) or None
    declared = list_declared(document.value)
    given = _read_params(declared, params)
    graph = Graph(document.value)
    judged = actions if strict else None
    uses = _read_uses(source, document, graph, judged)
    issues = _examine(document, graph, judged, given, uses) + _check_timeout(timeout)
    if given and not issues:  # what is misspelt in the file comes first
        from driftflow.checking import references

        issues = references.find_unknown_params(graph, given, declared)
    _refuse(source, document, issues, uses)
    value: Any = document.value
    flat = None
    if uses is not None:
        graph, flat = _flatten(source, document, uses)
    enabled = resolve_flags(value.get("flags", {}), environ.get(FLAGS_VARIABLE, ""))
    seconds = None if timeout is None else float(timeout)
    plan = build_plan(value, graph, enabled, seconds, given, flat=flat).set(source=source)
    if audit is not None:
        plan = keep_audit_in(plan, os.fspath(audit))
    if plan.flags.is_enabled("audit"):
        _keep_apart(plan.storage_path, source, uses)
    return plan


def _keep_apart(audit: str, source: str, uses: Uses | None) -> None:
    """Raise StorageError if the audit's file is the config, or a file that it uses."""
    used = () if uses is None else uses.used
    if _is_same_file(source, audit):
        raise StorageError(audit, "the audit file is the config itself; choose another path")
    if any(_is_same_file(findings.source, audit) for findings in used):
        raise StorageError(audit, "the config uses the audit file; choose another path")


def list_params(
    path: str | os.PathLike[str], params: Mapping[str, Json] | None = None
) -> list[Parameter]:
    """Return the parameters of a config: those that it declares, or else those that it uses.

    Args:
        path: The JSON file.
        params: By name, a JSON value for each parameter that is given. None need be.

    Raises:
        ConfigError: If the config is at fault, or a value that is given.
        TypeError: If a value that is given is not a JSON value.
    """
    source = os.fspath(path)
    document = _read_document(source)
    declared = list_declared(document.value)
    graph = Graph(document.value)
    uses = _read_uses(source, document, graph, None)
    issues = _examine(document, graph, None, None, uses)
    given = _read_params(declared, params)
    if not issues:
        issues = _judge_params(document, declared, graph, given)
    _refuse(source, document, issues, uses)
    flat = None
    if uses is not None:
        graph, flat = _flatten(source, document, uses)
    names = {*(declared or ()), *(reference["param"] for reference in graph.params)}
    return [*list_parameters(declared, graph.steps, given, find_secrets(graph, names, flat))]


def _read_params(
    declared: Mapping[str, Any] | None, params: Mapping[str, Json] | None
) -> dict[str, Json]:
    """Return copies of the values that are given, each text read by what its schema takes."""
    texts_read = read_texts(declared, params or {})
    return {name: _copy_param(name, value) for name, value in texts_read.items()}


def _judge_params(
    document: Document,
    declared: Mapping[str, Any] | None,
    graph: Graph,
    given: Mapping[str, Json],
) -> tuple[Issue, ...]:
    """Return what is wrong with the values that are given, of a document without mistakes."""
    from driftflow.checking import parameters, references

    found = [*references.find_unknown_params(graph, given, declared)]
    found += parameters.find_wrong_values(declared or {}, graph, given)
    return _place(document, found)


def _place(document: Document, found: list[Issue]) -> tuple[Issue, ...]:
    """Return the issues of a document with those of its text, each at its line and column."""
    if not found:
        return document.issues
    from driftflow.issues import MAX_ISSUES
    from driftflow.reading.positions import arrange, locate

    return arrange([*document.issues, *locate(document.plain, found[:MAX_ISSUES])])


def check_config(path: str | os.PathLike[str], *, actions: Given = ()) -> Findings:
    """Return all errors and all warnings about a config; run nothing.

    Args:
        path: The JSON file.
        actions: What steps can name besides the built-in actions, as `run_workflow` takes it.

    Returns:
        The findings, in the order of the file; if it cannot be read, that is an error among them.
        No parameter counts as missing: only a run knows which are given.

    Raises:
        ActionsError: If an action cannot be loaded.
    """
    source = os.fspath(path)
    try:
        document = _read_document(source)
    except ConfigError as error:
        return error.findings
    graph = Graph(document.value)
    uses = _read_uses(source, document, graph, actions)
    issues = _examine(document, graph, actions, None, uses)
    findings = _make_findings(source, document, issues, uses)
    if uses is None or any(issue.severity == "error" for issue in findings.all_issues):
        return findings
    from driftflow.planning.uses import flatten
    from driftflow.reading.positions import arrange

    too_large = _judge_size(document, flatten(uses.file))
    return _make_findings(source, document, arrange([*issues, *too_large]), uses)


def _read_uses(source: str, document: Document, graph: Graph, actions: Given | None) -> Uses | None:
    """Read the files that a document uses; None if it uses none.

    Args:
        source: Its file.
        document: The document.
        graph: Its graph.
        actions: With which the files are checked; None to find only what is wrong with them.
    """
    if "use" not in graph.fields:
        return None
    from driftflow.uses import read_uses

    def check(document: Document, uses: Uses) -> Findings:
        issues = _examine(document, uses.file.graph, actions, None, uses, is_used=True)
        return _make_findings(uses.file.source, document, issues, uses)

    return read_uses(source, document, _read_document, check)


def _flatten(source: str, document: Document, uses: Uses) -> tuple[Graph, Flat]:
    """Return the config with the steps of the files that it uses, and the graph of all.

    Raises:
        ConfigError: If a value is too large, in what is handed on from file to file.
    """
    from driftflow.planning.uses import flatten

    flat = flatten(uses.file)
    if found := _judge_size(document, flat):
        _refuse(source, document, found, uses)
    return Graph(flat.document, flat.groups), flat


def _judge_size(document: Document, flat: Flat) -> tuple[Issue, ...]:
    """Return an issue if a value is too large, with what files give and are given in it."""
    from driftflow.planning.uses import MAX_PARTS, is_too_large

    if not is_too_large(flat):
        return ()
    from driftflow.issues import Issue

    limits = f"nested deeper than {MAX_DEPTH} levels, or has more than {MAX_PARTS:,} parts"
    message = f"with the files that are used, a value is {limits}"
    return _place(document, [Issue("value-too-large", message, ("steps",), mark="start")])


def _refuse(source: str, document: Document, issues: tuple[Issue, ...], uses: Uses | None) -> None:
    """Raise ConfigError if there is any issue, of a document or of the files that it uses."""
    if issues or (uses is not None and any(findings.issues for findings in uses.used)):
        raise ConfigError(_make_findings(source, document, issues, uses))


def _examine(  # noqa: PLR0913 - what they are for stands at each call
    document: Document,
    graph: Graph,
    actions: Given | None,
    params: Mapping[str, Json] | None,
    uses: Uses | None = None,
    *,
    is_used: bool = False,
) -> tuple[Issue, ...]:
    """Return what is wrong with a document, and with actions also what will surprise.

    Args:
        document: The document.
        graph: Its graph, if it uses no other files.
        actions: What steps can name; None to find only what is wrong.
        params: The values of the parameters that are given; None if that is not known yet.
        uses: The files that it uses; None if it uses none.
        is_used: Whether another file uses it.
    """
    graph = graph if uses is None else uses.file.graph
    found: list[Issue] = []
    if not accepts(document.value):
        from driftflow.schemas import explanation

        found += explanation.find_issues(document.value)
    if isinstance(document.value, dict) and "requires" in document.value:
        from driftflow.checking import features

        found += features.find_issues(document.value)
    declared = list_declared(document.value)
    if graph.has_links:
        from driftflow.checking import references

        values = None if params is None else _list_known(declared, graph, params)
        found += references.find_issues(graph, values, uses.file.unknown if uses else ())
    if uses is not None:
        from driftflow.checking.uses import find_issues

        known_params = None if params is None else fill_in(declared, params)
        found += uses.issues + find_issues(uses.file, known_params)
    if declared is not None or not _SCHEMAS.isdisjoint(graph.fields):
        from driftflow.checking import schemas

        found += schemas.find_issues(graph)
        if declared is not None:
            from driftflow.checking import parameters

            found += parameters.find_issues(declared, graph, params)
    if actions is not None:
        from driftflow.actions.registry import resolve_actions
        from driftflow.checking import warnings
        from driftflow.issues import MAX_ISSUES

        known = resolve_actions(actions)
        if len(found) < MAX_ISSUES:  # the errors are the first, and no more are told
            found += warnings.find_issues(graph, known, [*(params or ())])
        if uses is not None:
            from driftflow.checking.uses import find_surprises

            found += find_surprises(uses.file, is_used=is_used)
    return _place(document, found)


def _list_known(
    declared: Mapping[str, Any] | None, graph: Graph, params: Mapping[str, Json]
) -> dict[str, Json]:
    """Return the parameters that have a value, and those that should have been declared."""
    known: dict[str, Json] = fill_in(declared, params)
    if declared is not None:
        names: Iterable[str] = (reference["param"] for reference in graph.params)
        known.update((name, None) for name in names if name not in declared)
    return known


def _read_document(source: str) -> Document:
    data = _read_bytes(source)
    try:
        return parse(data, source)
    except ConfigError as error:
        findings = error.findings
    from driftflow.checking.redaction import may_be_sensitive, redact_all

    raise ConfigError(redact_all(findings) if may_be_sensitive(data) else findings)


def _make_findings(
    source: str, document: Document, issues: tuple[Issue, ...], uses: Uses | None = None
) -> Findings:
    """Return the findings about a document, without what is not for everybody."""
    from driftflow.issues import Findings

    findings = Findings(source, document.text, issues, uses.used if uses else ())
    if not issues:
        return findings
    from driftflow.checking.redaction import redact

    if uses is None:
        return redact(findings, document)
    from driftflow.checking.uses import list_secret_paths

    return redact(findings, document, list_secret_paths(uses.file), uses.file.secrets)


def _is_same_file(source: str, other: str) -> bool:
    try:
        return os.path.samefile(source, other)  # noqa: PTH121 - a run does without pathlib
    except (FileNotFoundError, ValueError):  # it need not be there, nor be the name of a file
        return False
    except OSError as error:
        raise StorageError(other, f"the audit cannot be opened: {error.strerror}") from None


def _read_bytes(source: str) -> bytes:
    try:
        with open(source, "rb") as file:  # noqa: PTH123 - to Path, the name "" is a folder
            endless = stat.S_ISCHR(os.fstat(file.fileno()).st_mode)
            return file.read(_OF_A_DEVICE if endless else -1)
    except OSError as error:
        reason = _UNREADABLE.get(type(error), f"cannot be read: {error.strerror}")
    except ValueError:  # a NUL in the path
        reason = "not a valid file name"
    from driftflow.issues import Findings, Issue

    raise ConfigError(Findings(source, "", (Issue("unreadable", reason),)))


def _copy_param(name: object, value: Json) -> Json:
    if not isinstance(name, str):
        raise TypeError(f"the name of a parameter must be a string, not {name!r}")
    try:
        return copy_json(value)
    except TypeError as error:
        raise TypeError(f"the parameter {name!r} is {error}") from None


def _check_timeout(value: str | None) -> tuple[Issue, ...]:
    if value is None:
        return ()
    if re.fullmatch(_DECIMAL, value) and 0 < float(value) < float("inf"):
        return ()
    from driftflow.issues import Issue

    message = (
        f"the environment variable {TIMEOUT_VARIABLE} must be a finite decimal number "
        f"greater than 0, not '{shorten(value)}'"
    )
    return (Issue("wrong-environment", message),)
