"""Where things stand in a text: lines and columns, and the value to which a path leads.

An issue is made with a path, and its line and column are found last, so that nothing is located
in a good config. One walk along all paths at once skips every value that no path enters with the
decoder of the json module, at the speed of C: 3,000 paths in 5 MB take about a tenth of what
validating those takes. Libraries that keep the position of every value take far longer, or fail
on keys with escapes.

An issue that follows from another one at the same position is noise, and is left out.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftflow.issues import Issue, JsonPath

# As editors count them. Python's splitlines knows eight more.
_LINE_END = re.compile(r"\r\n|\r|\n")
_BLOCK = 512  # characters

# The code of an issue -> the codes that follow from it at the same position. That `NaN` is no
# number says enough; and the misspelt name of a missing field is of course an ignored one.
_FOLLOWS = {
    "syntax": {"not-finite", "number-too-large"},
    "not-finite": {"wrong-type", "wrong-reference", "out-of-range", "wrong-input"},
    "number-too-large": {"wrong-type", "wrong-reference", "out-of-range", "wrong-input"},
    "wrong-type": {"out-of-range"},
    "missing-field": {"ignored-field"},
}

_SPACE = re.compile(r"[ \t\n\r]*")
# Reads past a value at the speed of C. Integers as floats: these have no limit on digits.
_DECODER = json.JSONDecoder(parse_int=float)


class Lines:
    """The lines of a text, to turn offsets into lines and columns.

    A list of where each line begins would take twenty times the memory of a text of line ends. So
    the text is cut into blocks, whose line ends are counted at the speed of C.

    Args:
        text: The text, without a byte-order mark.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._has_returns = "\r" in text
        blocks = range(0, len(text), _BLOCK)
        # How many lines end before each block.
        self._ended = [0, *accumulate(self._count_ends(start, start + _BLOCK) for start in blocks)]

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line on which the offset lies, and its column in that, both from 1."""
        block = offset // _BLOCK
        line = self._ended[block] + self._count_ends(block * _BLOCK, offset) + 1
        return line, offset - self.begin(line) + 1

    def begin(self, number: int) -> int:
        """Return the offset at which the line of that number begins."""
        if number == 1:
            return 0
        block = bisect_left(self._ended, number - 1) - 1
        matches = _LINE_END.finditer(self.text, max(0, block * _BLOCK - 1))
        starts = (match.end() for match in matches if match.end() > block * _BLOCK)
        return next(islice(starts, number - 2 - self._ended[block], None))

    def finish(self, start: int, end: int) -> int:
        """Return the offset at which the line of `start` ends, at most `end`."""
        found = [at for mark in "\r\n" if (at := self.text.find(mark, start, end)) >= 0]
        return min([*found, end, len(self.text)])

    def _count_ends(self, start: int, end: int) -> int:
        """Return how many lines end between two offsets."""
        count = self.text.count
        ends = count("\n", start, end)
        if self._has_returns:
            ends += count("\r", start, end) - count("\r\n", start, end + 1)
        return ends

    def place(self, issue: Issue, start: int, end: int) -> Issue:
        """Return the issue with its line and columns, cut at the end of its first line.

        Args:
            issue: An issue without a line.
            start: The offset of the first character that is meant.
            end: The offset behind the last one.
        """
        line, column = self.position(start)
        length = max(0, self.finish(start, end) - start)
        return issue._replace(line=line, column=column, end_column=column + length)


def locate(text: str, issues: Iterable[Issue]) -> list[Issue]:
    """Return the issues, each with the line and columns of what its path leads to.

    Args:
        text: JSON by its grammar. Where an object has a key twice, the last one counts.
        issues: Issues whose paths all lead to a value in the text.
    """
    issues = list(issues)
    spans = _find(text, {issue.path for issue in issues})
    lines = Lines(text)
    return [lines.place(issue, *spans[issue.path].marked(issue)) for issue in issues]


def find_values(text: str, paths: Iterable[JsonPath]) -> dict[JsonPath, tuple[int, int]]:
    """Return the offsets between which the values stand to which the paths lead.

    Args:
        text: JSON by its grammar. Where an object has a key twice, the last one counts.
        paths: Paths that all lead to a value in the text.
    """
    paths = list(paths)
    spans = _find(text, paths)
    return {path: spans[path].value for path in paths}


def arrange(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Return the issues in the order of the file, without those that follow from another.

    Issues without a line come last.
    """
    issues = list(issues)
    codes: dict[tuple[float, int], set[str]] = {}
    for issue in issues:
        codes.setdefault(_sort_key(issue), set()).add(issue.code)
    kept = [
        issue
        for issue in issues
        if issue.line is None
        or not any(issue.code in _FOLLOWS.get(code, ()) for code in codes[_sort_key(issue)])
    ]
    return tuple(sorted(kept, key=_sort_key))


def _sort_key(issue: Issue) -> tuple[float, int]:
    return issue.line or float("inf"), issue.column or 0


class _Span(NamedTuple):
    """The offsets between which a key and its value stand."""

    key: tuple[int, int]
    value: tuple[int, int]

    def marked(self, issue: Issue) -> tuple[int, int]:
        """Return the offsets of the part that the issue marks."""
        start, _ = self.value
        return {"key": self.key, "value": self.value, "start": (start, start + 1)}[issue.mark]


def _find(text: str, paths: Iterable[JsonPath]) -> dict[JsonPath, _Span]:
    wanted: dict[str | int, Any] = {}  # a tree: the next part of a path -> the tree behind it
    for path in paths:
        node = wanted
        for part in path:
            node = node.setdefault(part, {})
    start = _skip_space(text, 0)
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
    """Add the spans of what is wanted in the value at `start`; return where the value ends."""
    if not wanted or text[start] not in "{[":  # a path may not lead into the first of two keys
        return _skip_value(text, start)
    is_object = text[start] == "{"
    last = max((part for part in wanted if isinstance(part, int)), default=-1)
    index, at = 0, _skip_space(text, start + 1)
    while text[at] not in "}]":
        if not is_object and index > last:  # nothing more is wanted: past the whole array at once
            return _skip_value(text, start)
        part: str | int = index
        key = (at, at)
        if is_object:
            part, key_end = _DECODER.raw_decode(text, at)
            key = (at, key_end)
            colon = _skip_space(text, key_end)
            at = _skip_space(text, colon + 1)
        if part in wanted:
            end = _walk(text, at, wanted[part], (*path, part), spans)
            spans[*path, part] = _Span(key, (at, end))
        else:
            end = _skip_value(text, at)
        index, at = index + 1, _skip_space(text, end)
        if text[at] == ",":
            at = _skip_space(text, at + 1)
    return at + 1


def _skip_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    assert match is not None  # noqa: S101 - it matches nothing, too
    return match.end()


def _skip_value(text: str, start: int) -> int:
    _, end = _DECODER.raw_decode(text, start)
    return end
