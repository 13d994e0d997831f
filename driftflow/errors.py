"""What can go wrong, where, and whose fault it is.

A code says what kind of issue it is, and whether it is an error or a warning. No option changes
that: `--strict` changes what warnings do.
"""

# Annotations as they are: those of a named tuple that are strings are compiled as it is defined.
from typing import Literal, NamedTuple, TypeAlias

from driftflow.text import format_path

Severity: TypeAlias = Literal["error", "warning"]
JsonPath: TypeAlias = tuple[str | int, ...]  # keys and indices, from the document downwards

# Every kind of issue. A code never changes its meaning; CONFIG.md explains each.
CODES: dict[str, Severity] = {
    "unreadable": "error",
    "not-utf-8": "error",
    "syntax": "error",
    "duplicate-key": "error",
    "not-finite": "error",
    "number-too-large": "error",
    "nested-too-deep": "error",
    "missing-field": "error",
    "wrong-type": "error",
    "empty-string": "error",
    "out-of-range": "error",
    "unknown-step": "error",
    "ambiguous-step": "error",
    "later-step": "error",
    "missing-param": "error",
    "unknown-param": "error",
    "wrong-environment": "error",
    "ignored-field": "warning",
    "unknown-flag": "warning",
    "unknown-action": "warning",
    "wrong-input": "warning",
    "almost-reference": "warning",
    "duplicate-name": "warning",
}

# How many levels a document may have: serde_json's default. CPython's own limit depends on its
# version and on the caller's stack, so that a config would load in one place and not in another.
MAX_DEPTH = 128

# No more issues of a file are told: more would help nobody, and each takes time to find.
MAX_ISSUES = 1000


class Issue(NamedTuple):
    """One thing that is wrong with a config, or that will surprise, and where.

    Attributes:
        code: What kind of issue it is, one of `CODES`.
        message: What is wrong, in words.
        path: The keys and indices that lead to the value; empty for the document as a whole,
            and for what is wrong with its text.
        hint: What would be right, in words; None where there is nothing to suggest.
        mark: Which part of it is meant: the value, its key, or the value's first character,
            which stands for an object that lacks something.
        line: The line in the file, from 1; None if it is at no line of it.
        column: The column in that line, from 1, in characters (code points); None like `line`.
        end_column: The column behind the last character that is meant, on the same line.
    """

    code: str
    message: str
    path: JsonPath = ()
    hint: str | None = None
    mark: Literal["value", "key", "start"] = "value"
    line: int | None = None
    column: int | None = None
    end_column: int | None = None

    @property
    def severity(self) -> Severity:
        """An `error` stops the load; a `warning` does not."""
        return CODES[self.code]

    @property
    def place(self) -> str:
        """The path, as people write it; nothing for the whole document."""
        return format_path(self.path)


class Findings(NamedTuple):
    """All that was found in one file.

    Attributes:
        source: The file, as it was named.
        text: What it holds; empty where it could not be read. Lines on which a sensitive step
            stands are `[redacted]`, if there are issues.
        issues: In the order of the file.
    """

    source: str
    text: str
    issues: tuple[Issue, ...]


class DriftFlowError(Exception):
    """The root of every error that DriftFlow raises on purpose."""


class ConfigError(DriftFlowError):
    """The config is at fault: nothing was run.

    Attributes:
        findings: All that is wrong with it, and its text.
    """

    def __init__(self, findings: Findings) -> None:
        super().__init__(findings)
        self.findings = findings

    @property
    def source(self) -> str:
        """The file, as it was named."""
        return self.findings.source

    @property
    def issues(self) -> tuple[Issue, ...]:
        """All that is wrong, in the order of the file."""
        return self.findings.issues

    def __str__(self) -> str:
        """`file:line:column: error[code]: message` for each issue; names as the file has them."""
        return "\n".join(
            f"{locate_issue(self.source, issue)}: {issue.severity}[{issue.code}]: {issue.message}"
            for issue in self.issues
        )


class _SourceError(DriftFlowError):
    """Something else that a run needs is at fault.

    Attributes:
        source: What it is, as it was named.
        reason: What is wrong with it, in words.
    """

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(source, reason)
        self.source = source
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


class ActionsError(_SourceError):
    """The code that the operator chose is at fault: no step was run."""


class ExecutorError(_SourceError):
    """What was to run the steps cannot be reached: no step was run."""

    @property
    def address(self) -> str:
        """Where it was looked for."""
        return self.source


class StorageError(_SourceError):
    """The audit's file is at fault: no further step was started."""

    @property
    def path(self) -> str:
        """The file."""
        return self.source


def locate_issue(source: str, issue: Issue) -> str:
    """Return `file:line:column`, or the file alone for an issue that is at no line of it."""
    return source if issue.line is None else f"{source}:{issue.line}:{issue.column}"


def message_of(exception: BaseException) -> str:
    """Return what an exception of others' code says; empty if that is nothing, or goes wrong."""
    try:
        return str(exception)
    except Exception:  # noqa: BLE001 - it may be as wrong as the code that raised it
        return ""
