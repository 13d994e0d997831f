"""Findings as reports for people, a document for programs, annotations for GitHub.

Pure: the same findings give the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from driftflow.errors import locus
from driftflow.reading.positions import Lines
from driftflow.text import MAX_SHOWN, REDACTED, escape, format_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from driftflow.errors import Findings, Issue

    Paint: TypeAlias = Callable[[str, str], str]

# Select Graphic Rendition, ECMA-48 8.3.117.
_STYLES = {"error": "1;31", "warning": "1;33", "message": "1", "frame": "1;34", "help": "1;36"}


def plain(text: str, _style: str) -> str:
    """The text as it is, for a file or a pipe."""
    return text


def coloured(text: str, style: str) -> str:
    """The text as a terminal shows it in colours."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def report(found: Sequence[Findings], paint: Paint = plain) -> str:
    """What was found: for each issue what is wrong, its place, its line and a hint.

    Args:
        found: The findings of each file.
        paint: `plain` or `coloured`.
    """
    return "\n".join(
        _block(findings.source, issue, lines, paint)
        for findings in found
        if findings.issues
        for lines in [Lines(findings.text)]
        for issue in findings.issues
    )


def summary(found: Sequence[Findings]) -> str:
    """How much was found in how many files, on one line."""
    errors, warnings = _count(found, "error"), _count(found, "warning")
    counts = [
        _plural(number, noun)
        for number, noun in [(errors, "error"), (warnings, "warning")]
        if number
    ]
    return f"{_plural(len(found), 'file')}: {', '.join(counts) or 'nothing to report'}\n"


def workflow_commands(found: Sequence[Findings]) -> str:
    """Commands in a log, by which a GitHub workflow shows each issue beside its line."""
    return "".join(
        _annotation(findings.source, issue) for findings in found for issue in findings.issues
    )


def findings_document(found: Sequence[Findings]) -> dict[str, Any]:
    """What `check --format json` prints: `schema/findings.schema.json`."""
    return {
        "files": [
            {"file": findings.source, "issues": list(map(_issue_document, findings.issues))}
            for findings in found
        ],
        "errors": _count(found, "error"),
        "warnings": _count(found, "warning"),
    }


# How `check` prints, by the name of the format.
FORMATS: dict[str, Callable[[Sequence[Findings], Paint], str]] = {
    "text": lambda found, paint: "\n".join(filter(None, [report(found, paint), summary(found)])),
    "json": lambda found, _paint: f"{format_json(findings_document(found), indent=2)}\n",
    "github": lambda found, _paint: workflow_commands(found),
}


def _block(source: str, issue: Issue, lines: Lines, paint: Paint) -> str:
    severity = issue.severity
    head = paint(f"{severity}[{issue.code}]", severity)
    number = "" if issue.line is None else str(issue.line)
    margin = " " * max(len(number), 1)
    place = escape(f"{locus(source, issue)}  {issue.place}")
    rows = [
        head + paint(f": {escape(issue.message)}", "message"),
        f"{margin}{paint('-->', 'frame')} {place}",
    ]
    if issue.line is not None:
        bar = paint("|", "frame")
        shown, indent, width = _excerpt(lines, issue)
        rows += [
            f"{margin} {bar}",
            f"{paint(number, 'frame')} {bar} {shown}",
            f"{margin} {bar} {' ' * indent}{paint('^' * width, severity)}",
        ]
    if issue.hint:
        rows.append(f"{margin} {paint('=', 'frame')} {paint('help:', 'help')} {escape(issue.hint)}")
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _excerpt(lines: Lines, issue: Issue) -> tuple[str, int, int]:
    """The line, cut to what a message shows; the columns before the mark, and those of the mark."""
    text, begin = lines.text, lines.begin(issue.line or 1)
    if text[begin : lines.finish(begin, begin + MAX_SHOWN)] == REDACTED:
        return REDACTED, 0, 0
    start, end = begin + (issue.column or 1) - 1, begin + (issue.end_column or 1) - 1
    finish = lines.finish(start, start + MAX_SHOWN + 1)  # what is behind that is not shown
    first = max(begin, min(start - MAX_SHOWN // 2, finish - MAX_SHOWN))
    last = min(first + MAX_SHOWN, finish)
    before = "…" * (first > begin) + _printable(text[first:start])
    marked = _printable(text[start : min(end, last)])
    behind = _printable(text[min(end, last) : last]) + "…" * (last < finish)
    from wcwidth import wcswidth  # with its tables it would take half the time of a quiet check

    return before + marked + behind, wcswidth(before), max(wcswidth(marked), 1)


def _printable(text: str) -> str:
    return escape(text.replace("\t", " "))


def _annotation(source: str, issue: Issue) -> str:
    place = {
        "file": _encode(source, "%\r\n:,"),
        "line": issue.line,
        "col": issue.column,
        "endColumn": issue.end_column,
        "title": issue.code,
    }
    properties = ",".join(
        f"{name}={escape(str(value))}" for name, value in place.items() if value is not None
    )
    message = _encode(escape(issue.message), "%")
    if issue.hint:
        message += f"%0Ahelp: {_encode(escape(issue.hint), '%')}"
    return f"::{issue.severity} {properties}::{message}\n"


def _encode(text: str, special: str) -> str:
    """As GitHub's own toolkit does: percent signs first."""
    for character in special:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _issue_document(issue: Issue) -> dict[str, Any]:
    return {
        "severity": issue.severity,
        "code": issue.code,
        "message": issue.message,
        "hint": issue.hint,
        "path": list(issue.path),
        "line": issue.line,
        "column": issue.column,
        "end_column": issue.end_column,
    }


def _count(found: Sequence[Findings], severity: str) -> int:
    return sum(issue.severity == severity for findings in found for issue in findings.issues)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
