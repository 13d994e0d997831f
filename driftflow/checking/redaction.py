"""Findings without what is not for everybody: what sensitive steps are handed.

A report shows lines of the file, and its messages quote what is wrong. So lines on which a
sensitive step stands are not shown, and nothing of its input is quoted. Of a text that is no JSON
it cannot be known which steps are sensitive: if it mentions the word, none of it is shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from driftflow.reading.positions import Lines, find_values
from driftflow.text import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftflow.errors import Findings, Issue, JsonPath
    from driftflow.reading.document import Document, Json

_FIELD = "sensitive"
_FIELDS = re.compile(rf'"{_FIELD}"\s*:')
_LINE = re.compile(r"[^\r\n]+")


def mentions_it(data: bytes) -> bool:
    """Whether the word is in a file; which may be in UTF-16."""
    return _FIELD.encode() in data.replace(b"\0", b"")


def hidden(findings: Findings) -> Findings:
    """The findings without any line of the file, nor what messages quote."""
    issues = tuple(map(_without_quotes, findings.issues))
    return findings._replace(issues=issues, text=_LINE.sub(REDACTED, findings.text))


def redacted(findings: Findings, document: Document) -> Findings:
    """The findings without the lines of sensitive steps, and without quotations of their inputs.

    Args:
        findings: What was found in a file.
        document: What the file holds.
    """
    fields = _FIELDS.findall(document.text)
    steps = dict(_sensitive_steps(document.value))
    is_changed = any(issue.code == "syntax" for issue in findings.issues)  # comments, for instance
    if len(fields) > len(steps) or (is_changed and _FIELD in document.text):
        return hidden(findings)  # there is one where no step belongs, or one that is left out
    paths = [path for path, is_sensitive in steps.items() if is_sensitive]
    if not paths:
        return findings
    places = find_values(document.plain, paths)
    lines = Lines(findings.text)
    issues = tuple(_without_input(issue, places, lines) for issue in findings.issues)
    return findings._replace(issues=issues, text=_without_lines(lines, places.values()))


def _without_quotes(issue: Issue) -> Issue:
    message, hint = _unquoted(issue.message), issue.hint and _unquoted(issue.hint)
    if issue.code == "wrong-input":  # which quotes in other ways, too
        message, hint = f"the action cannot take {REDACTED}: it will fail the step", None
    is_of_input = issue.path[2:3] == ("input",)
    return issue._replace(
        message=message, hint=hint, path=issue.path[:3] if is_of_input else issue.path
    )


def _unquoted(text: str) -> str:
    return re.sub(r"`.*`", REDACTED, text, flags=re.DOTALL)


def _sensitive_steps(value: Json) -> Iterator[tuple[JsonPath, bool]]:
    """The paths of the steps that have the field, and whether that holds anything but false."""
    steps = value.get("steps") if isinstance(value, dict) else None
    for place, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict) and _FIELD in step:
            yield ("steps", place), step[_FIELD] is not False


def _without_input(issue: Issue, places: dict[JsonPath, tuple[int, int]], lines: Lines) -> Issue:
    """The issue, which quotes nothing if it is about what a sensitive step is handed."""
    step = issue.path[:2]
    is_of_input = step in places and issue.path[2:3] == ("input",)
    if is_of_input or (not issue.path and _lies_in(issue, places.values(), lines)):
        return _without_quotes(issue)
    return issue


def _lies_in(issue: Issue, extents: Iterable[tuple[int, int]], lines: Lines) -> bool:
    if issue.line is None or issue.column is None:
        return False
    offset = lines.begin(issue.line) + issue.column - 1
    return any(start <= offset < end for start, end in extents)


def _without_lines(lines: Lines, extents: Iterable[tuple[int, int]]) -> str:
    """The text, without the lines on which any of these is."""
    hidden = {
        number
        for start, end in extents
        for number in range(lines.position(start)[0], lines.position(end - 1)[0] + 1)
    }
    text = lines.text
    for start in sorted(map(lines.begin, hidden), reverse=True):
        text = text[:start] + REDACTED + text[lines.finish(start, len(text)) :]
    return text
