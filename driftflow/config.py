"""The library: reads a config. A file and the environment become a plan, or findings."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any

from driftflow.checking.acceptor import accepts
from driftflow.errors import ConfigError, StorageError
from driftflow.planning.graph import Graph
from driftflow.planning.plan import Plan, build_plan, keep_audit_in
from driftflow.planning.references import list_steps
from driftflow.planning.settings import FLAGS_VARIABLE, TIMEOUT_VARIABLE, resolve_flags
from driftflow.reading.document import copy_json, parse
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftflow.actions.sources import Given
    from driftflow.issues import Findings, Issue
    from driftflow.reading.document import Document, Json

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
    given = {name: _copy_param(name, value) for name, value in (params or {}).items()}
    graph = Graph(list_steps(document.value))
    issues = _examine(document, graph, actions if strict else None, given)
    issues += _check_timeout(timeout)
    if given and not issues:  # what is misspelt in the file comes first
        from driftflow.checking import references

        issues = references.find_unused_params(graph, given)
    if issues:
        raise ConfigError(_make_findings(source, document, issues))
    value: Any = document.value
    enabled = resolve_flags(value.get("flags", {}), environ.get(FLAGS_VARIABLE, ""))
    seconds = None if timeout is None else float(timeout)
    plan = build_plan(value, graph, enabled, seconds, given).set(source=source)
    if audit is not None:
        plan = keep_audit_in(plan, os.fspath(audit))
    if plan.flags.is_enabled("audit") and _is_same_file(source, plan.storage_path):
        raise StorageError(
            plan.storage_path, "the audit file is the config itself; choose another path"
        )
    return plan


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
    graph = Graph(list_steps(document.value))
    return _make_findings(source, document, _examine(document, graph, actions, None))


def _examine(
    document: Document, graph: Graph, actions: Given | None, params: Mapping[str, Json] | None
) -> tuple[Issue, ...]:
    """Return what is wrong with a document, and with actions also what will surprise."""
    found: list[Issue] = []
    if not accepts(document.value):
        from driftflow.schemas import explanation

        found += explanation.find_issues(document.value)
    if graph.has_links:
        from driftflow.checking import references

        found += references.find_issues(graph, params)
    if actions is not None:
        from driftflow.actions.registry import resolve_actions
        from driftflow.checking import warnings
        from driftflow.issues import MAX_ISSUES

        known = resolve_actions(actions)
        if len(found) < MAX_ISSUES:  # the errors are the first, and no more are told
            found += warnings.find_issues(document.value, known, [*(params or ())])
    if not found:
        return document.issues
    from driftflow.issues import MAX_ISSUES
    from driftflow.reading.positions import arrange, locate

    return arrange([*document.issues, *locate(document.plain, found[:MAX_ISSUES])])


def _read_document(source: str) -> Document:
    data = _read_bytes(source)
    try:
        return parse(data, source)
    except ConfigError as error:
        findings = error.findings
    from driftflow.checking.redaction import may_be_sensitive, redact_all

    raise ConfigError(redact_all(findings) if may_be_sensitive(data) else findings)


def _make_findings(source: str, document: Document, issues: tuple[Issue, ...]) -> Findings:
    """Return the findings about a document, without what is not for everybody."""
    from driftflow.issues import Findings

    findings = Findings(source, document.text, issues)
    if not issues:
        return findings
    from driftflow.checking.redaction import redact

    return redact(findings, document)


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
