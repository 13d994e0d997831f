"""Findings as reports for people, a document for programs, annotations for GitHub.

Pure: the same findings give the same text.

The mark below a line needs the width of characters on a terminal: wcwidth has the tables for
wide, combining and joined ones. Its import would be a good part of a run's start, so it is
imported when the first line is shown, and this module only by the commands that print reports.
"""

from __future__ import annotations

from itertools import chain
from os.path import normpath
from typing import TYPE_CHECKING, Any, TypeAlias

from driftflow.issues import locate_issue
from driftflow.reading.positions import Lines
from driftflow.text import MAX_SHOWN, REDACTED, count_of, escape, format_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from driftflow.issues import Findings, Issue

    Paint: TypeAlias = Callable[[str, str], str]

# Select Graphic Rendition, ECMA-48 8.3.117.
_STYLES = {"error": "1;31", "warning": "1;33", "message": "1", "frame": "1;34", "help": "1;36"}


def list_files(found: Sequence[Findings]) -> list[Findings]:
    """Return the findings of the files that were checked, and then of those that they use, once.

    If a file was checked and is used, what was found as it is used counts, which may be more.
    """
    used: dict[str, Findings] = {}
    for each in chain.from_iterable(findings.used for findings in found):
        used.setdefault(normpath(each.source), each)
    named = [
        findings._replace(issues=twin.issues, text=twin.text)
        if (twin := used.pop(normpath(findings.source), None)) and twin.issues
        else findings
        for findings in found
    ]
    return [*named, *used.values()]


def leave_plain(text: str, _style: str) -> str:
    """Return the text as it is, for a file or a pipe."""
    return text


def colour(text: str, style: str) -> str:
    """Return the text in the colours of a style, for a terminal."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def render_report(found: Sequence[Findings], paint: Paint = leave_plain) -> str:
    """Return a report for people: of each issue what is wrong, where, its line and a hint.

    Args:
        found: The findings of each file that was checked; those that they use are shown, too.
        paint: `leave_plain` or `colour`.
    """
    return "\n".join(
        _render_issue(findings.source, issue, lines, paint)
        for findings in list_files(found)
        if findings.issues
        for lines in [Lines(findings.text)]
        for issue in findings.issues
    )


def render_summary(found: Sequence[Findings]) -> str:
    """Return a line that says how much was found in how many files."""
    found = list_files(found)
    counts = [
        count_of(number, severity)
        for severity in ("error", "warning")
        if (number := _count_issues(found, severity))
    ]
    return f"{count_of(len(found), 'file')}: {', '.join(counts) or 'nothing to report'}\n"


def render_annotations(found: Sequence[Findings]) -> str:
    """Return the commands by which a GitHub workflow shows each issue beside its line."""
    return "".join(
        _render_annotation(findings.source, issue)
        for findings in list_files(found)
        for issue in findings.issues
    )


def build_document(found: Sequence[Findings]) -> dict[str, Any]:
    """Return what `check --format json` prints: see `schema/findings.schema.json`."""
    found = list_files(found)
    return {
        "files": [
            {"file": findings.source, "issues": list(map(_build_issue, findings.issues))}
            for findings in found
        ],
        "errors": _count_issues(found, "error"),
        "warnings": _count_issues(found, "warning"),
    }


# How `check` prints, by the name of the format.
FORMATS: dict[str, Callable[[Sequence[Findings], Paint], str]] = {
    "text": lambda found, paint: "\n".join(
        filter(None, [render_report(found, paint), render_summary(found)])
    ),
    "json": lambda found, _paint: f"{format_json(build_document(found), indent=2)}\n",
    "github": lambda found, _paint: render_annotations(found),
}


def _render_issue(source: str, issue: Issue, lines: Lines, paint: Paint) -> str:
    severity = issue.severity
    head = paint(f"{severity}[{issue.code}]", severity)
    number = "" if issue.line is None else str(issue.line)
    margin = " " * max(len(number), 1)
    location = escape(f"{locate_issue(source, issue)}  {issue.place}")
    rows = [
        head + paint(f": {escape(issue.message)}", "message"),
        f"{margin}{paint('-->', 'frame')} {location}",
    ]
    if issue.line is not None:
        bar = paint("|", "frame")
        shown, indent, width = _cut_line(lines, issue)
        rows += [
            f"{margin} {bar}",
            f"{paint(number, 'frame')} {bar} {shown}",
            f"{margin} {bar} {' ' * indent}{paint('^' * width, severity)}",
        ]
    if issue.hint:
        rows.append(f"{margin} {paint('=', 'frame')} {paint('help:', 'help')} {escape(issue.hint)}")
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _cut_line(lines: Lines, issue: Issue) -> tuple[str, int, int]:
    """Return an issue's line, cut to what a message shows, and where the mark below it belongs.

    Returns:
        The line; how many columns of a terminal are before the mark; how many it is wide.
    """
    text, begin = lines.text, lines.begin(issue.line or 1)
    if text[begin : lines.finish(begin, begin + MAX_SHOWN)] == REDACTED:
        return REDACTED, 0, 0
    start, end = begin + (issue.column or 1) - 1, begin + (issue.end_column or 1) - 1
    finish = lines.finish(start, start + MAX_SHOWN + 1)  # what is behind that is not shown
    first = max(begin, min(start - MAX_SHOWN // 2, finish - MAX_SHOWN))
    last = min(first + MAX_SHOWN, finish)
    before = "…" * (first > begin) + _make_printable(text[first:start])
    marked = _make_printable(text[start : min(end, last)])
    behind = _make_printable(text[min(end, last) : last]) + "…" * (last < finish)
    from wcwidth import wcswidth  # with its tables it would take half the time of a quiet check

    return before + marked + behind, wcswidth(before), max(wcswidth(marked), 1)


def _make_printable(text: str) -> str:
    return escape(text.replace("\t", " "))


def _render_annotation(source: str, issue: Issue) -> str:
    properties = {
        "file": _encode(source, "%\r\n:,"),
        "line": issue.line,
        "col": issue.column,
        "endColumn": issue.end_column,
        "title": issue.code,
    }
    given = ",".join(
        f"{name}={escape(str(value))}" for name, value in properties.items() if value is not None
    )
    message = _encode(escape(issue.message), "%")
    if issue.hint:
        message += f"%0Ahelp: {_encode(escape(issue.hint), '%')}"
    return f"::{issue.severity} {given}::{message}\n"


def _encode(text: str, special: str) -> str:
    """Return the text with codes for special characters, the percent sign first of all.

    As GitHub's own toolkit does it.
    """
    for character in special:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _build_issue(issue: Issue) -> dict[str, Any]:
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


def _count_issues(found: Sequence[Findings], severity: str) -> int:
    return sum(issue.severity == severity for findings in found for issue in findings.issues)
