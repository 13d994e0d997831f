"""The reading edge: a file and the environment become a plan."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from driftflow import flags, validation
from driftflow.document import parse, shorten
from driftflow.errors import ConfigError, Issue
from driftflow.plan import Plan, build_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_VARIABLE = "WORKFLOW_TIMEOUT_SECONDS"
FLAGS_VARIABLE = "DRIFTFLOW_FLAGS"

_DECIMAL = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

_UNREADABLE: dict[type[OSError], str] = {
    FileNotFoundError: "no such file",
    IsADirectoryError: "a directory, not a file",
    PermissionError: "not readable: permission denied",
}


def load_config(path: str | os.PathLike[str], environ: Mapping[str, str] | None = None) -> Plan:
    """Read a config, check it against the published schema, and build its plan.

    Args:
        path: The JSON file.
        environ: The environment variables; those of the process by default. DRIFTFLOW_FLAGS
            lists flags to switch off, WORKFLOW_TIMEOUT_SECONDS overrides `timeout_seconds`.

    Returns:
        The plan, immutable at every depth.

    Raises:
        ConfigError: If the file cannot be read, is not strict JSON or breaks the schema, or if
            WORKFLOW_TIMEOUT_SECONDS is no finite decimal number of seconds above 0. It lists
            all that is wrong.
    """
    environ = os.environ if environ is None else environ
    source = os.fspath(path)
    document: Any = parse(_read(source), source)
    timeout = environ.get(TIMEOUT_VARIABLE) or None
    issues = [*validation.issues(document), *_timeout_issues(timeout)]
    if issues:
        raise ConfigError(source, issues)
    if timeout is not None:
        document |= {"timeout_seconds": float(timeout)}
    enabled = flags.resolve(document.get("flags", {}), environ.get(FLAGS_VARIABLE, ""))
    return build_plan(document, enabled)


def _read(source: str) -> bytes:
    try:
        with open(source, "rb") as file:  # noqa: PTH123 - to Path, the name "" is a folder
            return file.read()
    except OSError as error:
        reason = _UNREADABLE.get(type(error), f"not readable: {error.strerror}")
    except ValueError:  # a NUL in the path
        reason = "not the name of a file"
    raise ConfigError(source, [Issue(reason)])


def _timeout_issues(value: str | None) -> list[Issue]:
    if value is None or (_DECIMAL.fullmatch(value) and 0 < float(value) < float("inf")):
        return []
    rule = "must be a finite decimal number greater than 0"
    return [Issue(f"the environment variable {TIMEOUT_VARIABLE} {rule}, not '{shorten(value)}'")]
