"""What is wrong with a config, or will surprise, and where.

A code says what kind of issue it is, and whether it is an error or a warning. No option changes
that: `--strict` changes what warnings do.
"""

# Annotations as they are: those of a named tuple that are strings are compiled as it is defined.
from typing import Literal, NamedTuple, TypeAlias

from driftflow.text import format_path

Severity: TypeAlias = Literal["error", "warning"]
JsonPath: TypeAlias = tuple[str | int, ...]  # keys and indices, from the document downwards

# Every kind of issue. A code never changes its meaning; docs/reference/messages.md explains each.
CODES: dict[str, Severity] = {
    "unreadable": "error",
    "not-utf-8": "error",
    "syntax": "error",
    "duplicate-key": "error",
    "not-finite": "error",
    "number-too-large": "error",
    "nested-too-deep": "error",
    "value-too-large": "error",
    "missing-field": "error",
    "wrong-type": "error",
    "empty-string": "error",
    "out-of-range": "error",
    "wrong-reference": "error",
    "wrong-schema": "error",
    "unknown-feature": "error",
    "unknown-step": "error",
    "ambiguous-step": "error",
    "circle": "error",
    "wrong-use": "error",
    "misplaced-field": "error",
    "no-output": "error",
    "undeclared-param": "error",
    "wrong-param": "error",
    "missing-param": "error",
    "unknown-param": "error",
    "wrong-environment": "error",
    "ignored-field": "warning",
    "unknown-flag": "warning",
    "unknown-action": "warning",
    "wrong-input": "warning",
    "cannot-fit": "warning",
    "no-such-place": "warning",
    "unknown-error-type": "warning",
    "almost-reference": "warning",
    "loose-condition": "warning",
    "unknown-keyword": "warning",
    "idle-keyword": "warning",
    "unused-param": "warning",
    "duplicate-name": "warning",
}

# No more issues of a file are told: more would help nobody, and each takes time to find.
MAX_ISSUES = 1000


class Issue(NamedTuple):
    """One problem of a config, or one likely surprise, and where it is.

    Attributes:
        code: What kind of issue it is, one of `CODES`.
        message: What is wrong, without the location.
        path: The keys and indices that lead to the value; empty for the document as a whole,
            and for errors in its syntax.
        hint: How to fix it; None if there is no suggestion.
        mark: Which part of it is meant: the value, its key, or the value's first character,
            which stands for an object that lacks something.
        line: The line in the file, from 1; None if the issue has no position in the file.
        column: The column in that line, from 1, in characters (code points); None if the line is.
        end_column: The column after the last character of the problem, on the same line; None if
            the line is.
        source: The file that it is about, as it is named in messages; None for the one that was
            checked, in which others are used.
    """

    code: str
    message: str
    path: JsonPath = ()
    hint: str | None = None
    mark: Literal["value", "key", "start"] = "value"
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    source: str | None = None

    @property
    def severity(self) -> Severity:
        """Return `error`, with which the config is refused, or `warning`, with which it is not."""
        return CODES[self.code]

    @property
    def place(self) -> str:
        """Return the path, as people write it; nothing for the whole document."""
        return format_path(self.path)


class Findings(NamedTuple):
    """All that was found in one file.

    Attributes:
        source: The file, as it was named.
        text: Its text; empty if it could not be read. Lines on which a sensitive step stands are
            `[redacted]`, if there are issues.
        issues: In the order of the file.
        used: What was found in the files that it uses, be it in a file that it uses: each once, in
            the order in which they are first used. These have no `used` of their own.
    """

    source: str
    text: str
    issues: tuple[Issue, ...]
    used: "tuple[Findings, ...]" = ()

    @property
    def all_issues(self) -> tuple[Issue, ...]:
        """Return the issues, and then those of the files that it uses."""
        return (*self.issues, *(issue for findings in self.used for issue in findings.issues))


def locate_issue(source: str, issue: Issue) -> str:
    """Return `file:line:column`, or the file alone for an issue that is at no line of it."""
    return source if issue.line is None else f"{source}:{issue.line}:{issue.column}"
