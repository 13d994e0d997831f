"""The reading edge: a file and the environment become a plan."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from driftflow import flags
from driftflow.acceptor import accepts
from driftflow.document import parse
from driftflow.errors import ConfigError, Findings, Issue, shorten
from driftflow.flags import FLAGS_VARIABLE
from driftflow.plan import TIMEOUT_VARIABLE, Plan, build_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftflow.document import Document

_DECIMAL = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"

_UNREADABLE: dict[type[OSError], str] = {
    FileNotFoundError: "no such file",
    IsADirectoryError: "a directory, not a file",
    PermissionError: "not readable: permission denied",
}


def load_config(
    path: str | os.PathLike[str],
    environ: Mapping[str, str] | None = None,
    *,
    strict: bool = False,
) -> Plan:
    """Read a config, check it against the published schema, and build its plan.

    Args:
        path: The JSON file.
        environ: The environment variables; those of the process by default. DRIFTFLOW_FLAGS
            lists flags to switch off, WORKFLOW_TIMEOUT_SECONDS overrides `timeout_seconds`.
        strict: Whether warnings refuse the config too.

    Returns:
        The plan, immutable at every depth.

    Raises:
        ConfigError: If the file cannot be read, is not strict JSON or breaks the schema, or if
            WORKFLOW_TIMEOUT_SECONDS is no finite decimal number of seconds above 0. It lists
            all that is wrong.
    """
    environ = os.environ if environ is None else environ
    source = os.fspath(path)
    document = parse(_read(source), source)
    timeout = environ.get(TIMEOUT_VARIABLE) or None
    issues = _examine(document, lint=strict) + _timeout_issues(timeout)
    if issues:
        raise ConfigError(Findings(source, document.text, issues))
    value: Any = document.value
    enabled = flags.resolve(value.get("flags", {}), environ.get(FLAGS_VARIABLE, ""))
    return build_plan(value, enabled, None if timeout is None else float(timeout))


def check_config(path: str | os.PathLike[str]) -> Findings:
    """All errors and all warnings about a config, without its being run.

    Args:
        path: The JSON file.

    Returns:
        The findings, in the order of the file. One that cannot be read is itself a finding.
    """
    source = os.fspath(path)
    try:
        document = parse(_read(source), source)
    except ConfigError as error:
        return error.findings
    return Findings(source, document.text, _examine(document, lint=True))


def _examine(document: Document, *, lint: bool) -> tuple[Issue, ...]:
    found: list[Issue] = []
    if not accepts(document.value):
        from driftflow import validation

        found += validation.issues(document.value)
    if lint:
        from driftflow import linting

        found += linting.issues(document.value)
    if not found:
        return document.issues
    from driftflow.location import arrange, locate

    return arrange([*document.issues, *locate(document.plain, found)])


def _read(source: str) -> bytes:
    try:
        with open(source, "rb") as file:  # noqa: PTH123 - to Path, the name "" is a folder
            return file.read()
    except OSError as error:
        reason = _UNREADABLE.get(type(error), f"not readable: {error.strerror}")
    except ValueError:  # a NUL in the path
        reason = "not the name of a file"
    raise ConfigError(Findings(source, "", (Issue("unreadable", reason),)))


def _timeout_issues(value: str | None) -> tuple[Issue, ...]:
    if value is None:
        return ()
    if re.fullmatch(_DECIMAL, value) and 0 < float(value) < float("inf"):
        return ()
    message = (
        f"the environment variable {TIMEOUT_VARIABLE} must be a finite decimal number "
        f"greater than 0, not '{shorten(value)}'"
    )
    return (Issue("wrong-environment", message),)
