"""Why a text is no strict JSON: each breach with its place, and what would be right."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import TYPE_CHECKING

from driftflow.errors import Issue, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftflow.location import Lines

# serde_json's default. CPython's own limit varies with the version and with the depth of
# the caller's stack, so that a config would load in one place and not in another.
MAX_DEPTH = 128

# What people write where a value or a key belongs, and what would be right.
_ANYTHING = re.compile(r"")
_WRITTEN_INSTEAD = [
    (re.compile(r"'"), "JSON has double quotes only"),
    (re.compile(r"(True|False|None|undefined)\b"), "JSON has `true`, `false` and `null`"),
    (re.compile(r"[A-Za-z_$][\w$-]*\s*:"), 'put keys in double quotes: `"name"`'),
    (re.compile(r"[^\W\d]"), "put strings in double quotes"),
    (re.compile(r"[+.]"), "begin a number with a digit or `-`: `0.5`"),
    (re.compile(r","), "there is one comma too many, or a value is missing before it"),
    (re.compile(r"[]}]"), "a value is missing before this"),
]
_ONE_OBJECT = "a workflow is one JSON object, `{...}`"
_BACKSLASH = [(_ANYTHING, r"write a backslash as `\\`")]
# Our words for what the json module says, which differs between versions of Python; and the
# hints, of which the first that fits the text at that place is given.
_FAULTS: dict[str, tuple[str, list[tuple[re.Pattern[str], str]]]] = {
    "Expecting value": ("expected a value", _WRITTEN_INSTEAD),
    "Expecting property name enclosed in double quotes": (
        "expected a key in double quotes",
        _WRITTEN_INSTEAD,
    ),
    "Expecting ':' delimiter": (
        "expected `:`",
        [(_ANYTHING, "after a key come a colon and its value")],
    ),
    "Expecting ',' delimiter": (
        "expected `,`",
        [
            (re.compile(r'(?<=")[^\W\d]'), r"within a string, write `\"` for a quotation mark"),
            (_ANYTHING, "a comma is missing before this"),
        ],
    ),
    "Unterminated string starting at": (
        "a string without an end",
        [(_ANYTHING, 'end the string with `"`')],
    ),
    "Invalid control character at": (
        "a control character in a string",
        [
            (re.compile(r"[\r\n]"), r'end the string with `"`, or write the line break as `\n`'),
            (re.compile(r"\t"), r"write a tab as `\t`"),
        ],
    ),
    "Invalid \\escape": ("an unknown escape in a string", _BACKSLASH),
    "Invalid \\uXXXX escape": ("a `\\u` without its four hexadecimal digits", _BACKSLASH),
    "Extra data": (
        "something behind the end of the document",
        [(re.compile(r"[]}]"), "there is one bracket too many"), (_ANYTHING, _ONE_OBJECT)],
    ),
}
_NO_COMMENT = Issue(
    "syntax",
    "not JSON: a comment",
    hint="JSON has no comments; keep a note in a field that begins with `x-`, `_` or `//`",
)
_NO_COMMA = Issue("syntax", "not JSON: a comma behind the last element", hint="remove the comma")
_NO_YAML = f"{_ONE_OBJECT}; DriftFlow reads no YAML"

# Strings and comments without an end reach to that of the text, so that each is read only once.
# No possessive quantifiers: before 3.11.5 Python gets them wrong (its issue 106052).
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)'
_COMMENT = r"//[^\r\n]* | \#[^\r\n]* | /\*.*?(?:\*/|\Z)"
_GAP = re.compile(
    rf"(?P<string>{_STRING}) | (?P<gap>(?:, | {_COMMENT})(?:[ \t\n\r,] | {_COMMENT})*)",
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(rf", | (?P<comment>{_COMMENT})", re.VERBOSE | re.DOTALL)
_TOKEN = re.compile(
    rf"""
    (?P<string>{_STRING})
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<constant>NaN|-?Infinity)
    | (?P<open>[{{\[])
    | (?P<close>[}}\]])
    """,
    re.VERBOSE | re.DOTALL,
)
_COLON = re.compile(r"[ \t\n\r]*:")
_WORD = re.compile(r"\w*")


def blank(text: str, lines: Lines) -> tuple[str, list[Issue]]:
    """The text with blanks for its comments and trailing commas, and an issue for each.

    All else stands where it stood, on the same line.
    """
    issues: list[Issue] = []

    def mend(gap: re.Match[str]) -> str:
        if gap["gap"] is None:
            return gap[0]
        trailing = text.startswith(("}", "]"), gap.end())

        def erase(piece: re.Match[str]) -> str:
            if piece["comment"] is None and not trailing:
                return piece[0]
            start, end = gap.start() + piece.start(), gap.start() + piece.end()
            issue = _NO_COMMA if piece["comment"] is None else _NO_COMMENT
            issues.append(lines.place(issue, start, end))
            return re.sub(r"[^\r\n]", " ", piece[0])

        return _PIECE.sub(erase, gap[0])

    return _GAP.sub(mend, text), issues


def breaches(text: str, lines: Lines, end: int) -> Iterator[Issue]:
    """Where a text, JSON by its grammar up to `end`, breaks one of our stricter rules.

    Nesting that is too deep ends the list.
    """
    keys: list[dict[str, int]] = []  # of each object or array that is open, outermost first
    for token in _TOKEN.finditer(text):
        if token.end() > end:
            return
        issue = None
        match token.lastgroup:
            case "open":
                keys.append({})
                if len(keys) > MAX_DEPTH:
                    message = f"nested deeper than {MAX_DEPTH} levels"
                    yield lines.place(Issue("nested-too-deep", message), *token.span())
                    return
            case "close":
                keys.pop()
            case "string" if keys and _COLON.match(text, token.end()):
                issue = _key_issue(token, keys[-1], lines)
            case "constant":
                issue = Issue("not-finite", f"{token[0]} is no JSON number")
            case "number":
                issue = _number_issue(token[0])
        if issue is not None:
            yield lines.place(issue, *token.span())


def _key_issue(token: re.Match[str], keys: dict[str, int], lines: Lines) -> Issue | None:
    first = keys.setdefault(json.loads(token[0]), token.start())
    if first == token.start():
        return None
    line, column = lines.position(first)
    return Issue(
        "duplicate-key",
        f"the key {shorten(token[0])} stands here twice",
        hint=f"the first is at {line}:{column}",
    )


def explain(error: json.JSONDecodeError, lines: Lines) -> Issue:
    """What ends the reading of a text, in words that do not change with the version of Python."""
    text, offset = error.doc, error.pos
    beginning = text.lstrip()[:1]
    if not beginning:
        issue = Issue("syntax", "empty", hint=_ONE_OBJECT)
        return lines.place(issue, 0, 0)
    end = len(text.rstrip())
    if offset >= end:
        hint: str | None = 'a closing `}`, `]` or `"` is missing'
        issue = Issue("syntax", "not JSON: the document ends unfinished", hint=hint)
        return lines.place(issue, end, end)
    fault, hints = _FAULTS.get(error.msg.rstrip(": "), (error.msg, []))
    hint = next((hint for pattern, hint in hints if pattern.match(text, offset)), None)
    if beginning not in "{[":
        hint = _NO_YAML
    issue = Issue("syntax", f"not JSON: {fault}", hint=hint)
    word = _WORD.match(text, offset)
    return lines.place(issue, offset, max(offset + 1, word.end() if word else 0))


def _number_issue(literal: str) -> Issue | None:
    digits = literal.removeprefix("-")
    if digits.isdigit():
        if not 0 < sys.get_int_max_str_digits() < len(digits):
            return None
        message = f"an integer of {len(digits)} digits is too large"
    elif math.isfinite(float(literal)):
        return None
    else:
        message = "a number too large for a float"
    return Issue(
        "number-too-large", message, hint="where a string will do, put it in double quotes"
    )
