"""Where things stand in a text: lines and columns, and the place to which a path leads."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftflow.errors import Issue, JsonPath

# As editors count them. Python's splitlines knows eight more.
_LINE_END = re.compile(r"\r\n|\r|\n")
_BLOCK = 512  # characters

# By the code of an issue: what follows from it at the same place, and would be noise. That `NaN`
# is no number says enough; the misspelt name of a missing field is ignored, of course.
_FOLLOWS = {
    "syntax": {"not-finite", "number-too-large"},
    "not-finite": {"wrong-type", "out-of-range", "wrong-input"},
    "number-too-large": {"wrong-type", "out-of-range", "wrong-input"},
    "wrong-type": {"out-of-range"},
    "missing-field": {"ignored-field"},
}

_SPACE = re.compile(r"[ \t\n\r]*")
# Reads past a value at the speed of C. Integers as floats: these have no limit on digits.
_DECODER = json.JSONDecoder(parse_int=float)


class Lines:
    """The lines of a text, to tell a place in it by line and column.

    A list of all their beginnings would take twenty times the memory of a text of line ends; so
    the text is cut into blocks, whose lines are counted at the speed of C.

    Args:
        text: The text, without a byte-order mark.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        blocks = range(0, len(text), _BLOCK)
        # How many lines are over before each block.
        self._over = [0, *accumulate(self._ends(start, start + _BLOCK) for start in blocks)]

    def position(self, offset: int) -> tuple[int, int]:
        """The line on which the offset lies and its column in that, both from 1."""
        block = offset // _BLOCK
        line = self._over[block] + self._ends(block * _BLOCK, offset) + 1
        return line, offset - self.begin(line) + 1

    def begin(self, number: int) -> int:
        """The offset at which the line of that number begins."""
        if number == 1:
            return 0
        block = bisect_left(self._over, number - 1) - 1
        matches = _LINE_END.finditer(self.text, max(0, block * _BLOCK - 1))
        starts = (match.end() for match in matches if match.end() > block * _BLOCK)
        return next(islice(starts, number - 2 - self._over[block], None))

    def finish(self, start: int, end: int) -> int:
        """Where the line of `start` is over, without its end; no farther than `end`."""
        found = [place for mark in "\r\n" if (place := self.text.find(mark, start, end)) >= 0]
        return min([*found, end, len(self.text)])

    def _ends(self, start: int, end: int) -> int:
        """How many lines are over between two offsets."""
        count = self.text.count
        return count("\n", start, end) + count("\r", start, end) - count("\r\n", start, end + 1)

    def place(self, issue: Issue, start: int, end: int) -> Issue:
        """The issue with its place, which is cut at the end of the line that it begins on.

        Args:
            issue: What to place.
            start: The offset of the first character that is meant.
            end: The offset behind the last one.
        """
        line, column = self.position(start)
        length = max(0, self.finish(start, end) - start)
        return issue._replace(line=line, column=column, end_column=column + length)


def locate(text: str, issues: Iterable[Issue]) -> list[Issue]:
    """The issues, each with the place to which its path leads.

    Args:
        text: JSON by its grammar. Where a key stands twice in an object, the last one counts.
        issues: Issues whose paths all lead to a value in the text.
    """
    issues = list(issues)
    spans = _find(text, {issue.path for issue in issues})
    lines = Lines(text)
    return [lines.place(issue, *spans[issue.path].marked(issue)) for issue in issues]


def extents(text: str, paths: Iterable[JsonPath]) -> dict[JsonPath, tuple[int, int]]:
    """The offsets between which the values stand to which the paths lead.

    Args:
        text: JSON by its grammar. Where a key stands twice in an object, the last one counts.
        paths: Paths that all lead to a value in the text.
    """
    paths = list(paths)
    spans = _find(text, paths)
    return {path: spans[path].value for path in paths}


def arrange(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """The issues in the order of the file, without those that follow from another.

    What has no place comes last.
    """
    issues = list(issues)
    codes: dict[tuple[float, int], set[str]] = {}
    for issue in issues:
        codes.setdefault(_position(issue), set()).add(issue.code)
    kept = [
        issue
        for issue in issues
        if issue.line is None
        or not any(issue.code in _FOLLOWS.get(code, ()) for code in codes[_position(issue)])
    ]
    return tuple(sorted(kept, key=_position))


def _position(issue: Issue) -> tuple[float, int]:
    return issue.line or float("inf"), issue.column or 0


class _Span(NamedTuple):
    """Offsets: where a value and its key begin, and where they are over."""

    key: tuple[int, int]
    value: tuple[int, int]

    def marked(self, issue: Issue) -> tuple[int, int]:
        start, _ = self.value
        return {"key": self.key, "value": self.value, "start": (start, start + 1)}[issue.mark]


def _find(text: str, paths: Iterable[JsonPath]) -> dict[JsonPath, _Span]:
    wanted: dict[str | int, Any] = {}  # a tree: the next part of a path -> what follows it
    for path in paths:
        node = wanted
        for part in path:
            node = node.setdefault(part, {})
    start = _after_space(text, 0)
    spans: dict[JsonPath, _Span] = {}
    end = _walk(text, start, wanted, (), spans)
    spans[()] = _Span((start, end), (start, end))
    return spans


def _walk(
    text: str,
    start: int,
    wanted: dict[str | int, Any],
    path: JsonPath,
    spans: dict[JsonPath, _Span],
) -> int:
    """Enter the spans of what is wanted in the value at `start`; give where the value is over."""
    if not wanted or text[start] not in "{[":  # the first of two keys may hold something else
        return _after_value(text, start)
    is_object = text[start] == "{"
    place, at = 0, _after_space(text, start + 1)
    while text[at] not in "}]":
        part: str | int = place
        key = (at, at)
        if is_object:
            part, key_end = _DECODER.raw_decode(text, at)
            key = (at, key_end)
            colon = _after_space(text, key_end)
            at = _after_space(text, colon + 1)
        if part in wanted:
            end = _walk(text, at, wanted[part], (*path, part), spans)
            spans[*path, part] = _Span(key, (at, end))
        else:
            end = _after_value(text, at)
        place, at = place + 1, _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return at + 1


def _after_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    assert match is not None  # noqa: S101 - it matches nothing, too
    return match.end()


def _after_value(text: str, start: int) -> int:
    _, end = _DECODER.raw_decode(text, start)
    return end
