"""The tokens of a text that should be strict JSON, and what about them is not."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import TYPE_CHECKING

from driftflow.errors import MAX_DEPTH, MAX_ISSUES, Issue
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftflow.reading.positions import Lines

_NO_COMMENT = Issue(
    "syntax",
    "not JSON: a comment",
    hint="JSON has no comments; keep a note in a field that begins with `x-`, `_` or `//`",
)
_NO_COMMA = Issue("syntax", "not JSON: a comma behind the last element", hint="remove the comma")

# Strings and comments without an end reach to that of the text, so that each is read only once.
# No possessive quantifiers: before 3.11.5 Python gets them wrong (its issue 106052). Nor does a
# group repeat without a limit, since each time takes memory.
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)'
_COMMENT = r"//[^\r\n]* | \#[^\r\n]* | /\*.*?(?:\*/|\Z)"
# With these begin strings, and gaps in which something may be wrong: found at the speed of C.
_LEAD = re.compile(r'"|/|\#|,(?=[ \t\n\r]*[\]},/#])')
_GAP = re.compile(
    rf"(?:, | {_COMMENT})(?:[ \t\n\r,]+ | {_COMMENT}){{0,{MAX_ISSUES}}}", re.VERBOSE | re.DOTALL
)
_PIECE = re.compile(rf",(?:[ \t\n\r,]*,)? | (?P<comment>{_COMMENT})", re.VERBOSE | re.DOTALL)
_SPACE = r"[ \t\n\r]*"
_TOKEN = re.compile(
    rf"""
    (?P<string>{_STRING})
    | (?:-?[0-9]{{1,99}}{_SPACE},{_SPACE}){{1,1000}}  # nothing about these: quickly past them
    | [ \t\n\r]{{64,}}  # likewise
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<constant>NaN|-?Infinity)
    | (?P<literal>true|false|null)
    | (?P<open>[{{\[])
    | (?P<close>[}}\]])
    """,
    re.VERBOSE | re.DOTALL,
)
_DECODER = json.JSONDecoder()  # reads past a string at the speed of C
_BRACKET = re.compile(rf"{_STRING}|\{{|\}}|\[|\]", re.DOTALL)  # found at the speed of C, too
_COLON = re.compile(rf"{_SPACE}:")


def blank(text: str, lines: Lines, end: int) -> tuple[str, list[Issue]]:
    """The text with blanks for its comments and trailing commas, and an issue for each.

    All else stands where it stood, on the same line. A comment without an end is left in. So is
    what begins at `end` or later, or behind a wrong string, or behind `MAX_ISSUES` issues.
    """
    issues: list[Issue] = []
    mended: list[str] = []
    done = at = 0
    while len(issues) < MAX_ISSUES and (lead := _LEAD.search(text, at, end)):
        at = lead.end()
        if lead[0] == '"':
            try:
                _, at = _DECODER.raw_decode(text, lead.start())
            except json.JSONDecodeError:  # nobody reads on from there
                break
        elif gap := _GAP.match(text, lead.start()):
            at = gap.end()
            mended += [text[done : gap.start()], _mended(gap, lines, issues)]
            done = at
    return "".join([*mended, text[done:]]), issues


def _mended(gap: re.Match[str], lines: Lines, issues: list[Issue]) -> str:
    """What is between two tokens, in blanks as far as it is wrong; enters the issues."""
    text = gap.string
    trailing = text.startswith(("}", "]"), gap.end()) and _follows_a_value(text, gap.start())

    def erase(piece: re.Match[str]) -> str:
        if (piece["comment"] is None and not trailing) or _is_endless(piece[0]):
            return piece[0]
        start, end = gap.start() + piece.start(), gap.start() + piece.end()
        issue = _NO_COMMA if piece["comment"] is None else _NO_COMMENT
        issues.append(lines.place(issue, start, end))
        return re.sub(r"[^\r\n]+", lambda run: " " * len(run[0]), piece[0])

    return _PIECE.sub(erase, gap[0])


def _follows_a_value(text: str, offset: int) -> bool:
    before = offset - 1
    while before >= 0 and text[before] in " \t\n\r":
        before -= 1
    return before >= 0 and text[before] not in "[{:"


def _is_endless(piece: str) -> bool:
    return piece.startswith("/*") and (len(piece) < len("/**/") or not piece.endswith("*/"))


def breaches(text: str, lines: Lines, end: int) -> Iterator[Issue]:
    """Where a text, JSON by its grammar up to `end`, breaks one of our stricter rules.

    Nesting that is too deep ends the list.
    """
    keys: list[dict[str, int]] = []  # of each object or array that is open, outermost first
    for token in _TOKEN.finditer(text, 0, end + 1):  # one that ends there goes on
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
            case "close" if keys:  # none is left in a text that was too much for the stack
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
    key = json.loads(token[0])
    first = keys.setdefault(key, token.start())
    if first == token.start():
        return None
    line, column = lines.position(first)
    return Issue(
        "duplicate-key",
        f"the key `{shorten(key)}` stands here twice",
        hint=f"the first is at {line}:{column}: remove one of them",
    )


def unclosed(text: str, end: int) -> list[int]:
    """The offsets of the brackets that are open at `end`, up to which the text is JSON."""
    brackets: list[int] = []
    for token in _BRACKET.finditer(text, 0, end):
        if token[0] in {"{", "["}:
            brackets.append(token.start())
        elif token[0] in {"}", "]"} and brackets:
            brackets.pop()
    return brackets


def token_start(text: str, offset: int) -> int:
    """Where the token begins to which the offset belongs."""
    return next(token.start() for token in _TOKEN.finditer(text) if token.end() > offset)


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
