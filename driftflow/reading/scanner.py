"""One pass over a text that is no strict JSON: what about it is wrong, and where.

Comments and trailing commas become blanks, so that all else stays where it stood, and what breaks
one of our stricter rules is noted. The pass ends at the first fault, behind which nobody can tell
what is meant, or when there are as many issues as are told.

A text may be 16 MiB of anything, so each part of it is read only once or twice, and none takes
memory: no group of a pattern repeats without a limit, since each time takes some. Nor are there
possessive quantifiers: before 3.11.5 Python gets them wrong (its issue 106052).
"""

from __future__ import annotations

import json
import math
import re
import sys
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from driftflow.errors import MAX_ISSUES, Issue
from driftflow.reading.document import MAX_DEPTH
from driftflow.text import shorten

if TYPE_CHECKING:
    from driftflow.reading.positions import Lines

# What a fault is: what is missing where it stands, or how a string is wrong, or too many levels.
Kind: TypeAlias = Literal[
    "value",
    "key",
    "colon",
    "comma in array",  # or its `]`
    "comma in object",  # or its `}`
    "end",
    "unended string",
    "control character",
    "escape",
    "unicode escape",
    "depth",
]
_Span: TypeAlias = tuple[int, int]  # offsets: where something begins, and where it is over
# An open bracket: its offset, those of the keys behind it so far, the state when it is closed.
_Bracket: TypeAlias = tuple[int, dict[str, int], str]


class Fault(NamedTuple):
    """What ends the reading of a text.

    Attributes:
        kind: What is wrong.
        offset: Where it is wrong; the length of the text if that ends too soon.
        token: The offsets of the token before that; of the string itself if that is wrong.
        brackets: The offsets of the brackets that are open there, outermost first.
    """

    kind: Kind
    offset: int
    token: tuple[int, int]
    brackets: list[int]


class Scan(NamedTuple):
    """What came of the pass.

    Attributes:
        plain: The text with blanks for comments and trailing commas, before the fault and shortly
            behind it. A comment without an end is left in.
        issues: What is wrong before the fault, up to about `MAX_ISSUES`.
        fault: What ended the reading; None if nothing did, or the number of issues.
    """

    plain: str
    issues: list[Issue]
    fault: Fault | None


class _State(NamedTuple):
    """What may come next: the states to which tokens lead, and the fault if none of them comes."""

    missing: Kind
    moves: dict[str, str]


_NOISE = {
    "comment": Issue(
        "syntax",
        "not JSON: a comment",
        hint="JSON has no comments; keep a note in a field that begins with `x-`, `_` or `//`",
    ),
    "gap": Issue("syntax", "not JSON: a comma behind the last element", hint="remove the comma"),
}

_SPACE = r"[ \t\n\r]*"
_ANY = rf"""
    {_SPACE}(?:
        (?P<string>"[^"\\\x00-\x1f]*")
        | (?P<gap>,(?={_SPACE}[\]}},/\#]))  # a comma that may be a trailing one
        | (?P<comma>,) | (?P<colon>:)
        | (?P<open_array>\[) | (?P<close_array>\])
        | (?P<open_object>\{{) | (?P<close_object>\}})
        | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
        | (?P<literal>true|false|null)
        | (?P<quote>")  # of a string with escapes, or a wrong one
        | (?P<constant>NaN|-?Infinity)
        | (?P<comment>//|\#|/\*)
        | (?P<end>\Z)
        | (?P<other>)
    )
"""
_TOKEN = re.compile(_ANY, re.VERBOSE)
# In an array, quickly past many items about which there is nothing to say, with their commas.
_ITEMS = re.compile(
    rf"""
    (?P<items>(?:{_SPACE}(?:
        -?(?:0|[1-9][0-9]{{0,98}})(?:\.[0-9]{{1,99}})?
        | "[^"\\\x00-\x1f]{{0,99}}"
        | true | false | null
        | \{{{_SPACE}\}} | \[{_SPACE}\]
    ){_SPACE},(?={_SPACE}["\[{{tfn0-9-])){{1,1000}})
    | {_ANY}
    """,
    re.VERBOSE,
)
_COMMAS = re.compile(r",(?:[ \t\n\r,]*,)?")
_COMMAS_AND_SPACE = re.compile(r"[ \t\n\r,]*")
_LINE_COMMENT = re.compile(r"(?://|\#)[^\r\n]*")
_BLANK = bytes(byte if byte in b"\r\n" else ord(" ") for byte in range(256))
_AHEAD = 1000  # characters behind a fault that its hint may depend on
_COMMENT_AHEAD = re.compile(r'"(?:[^"\\]|\\.)*"?|((?://|\#)[^\r\n]*|/\*.*?\*/)', re.DOTALL)
_DECODER = json.JSONDecoder()  # reads past a string at the speed of C

# How a string is wrong, by the character at which the decoder stops; by any other, a control one.
_STRING_FAULTS: dict[str, Kind] = {
    **dict.fromkeys('"\r\n', "unended string"),
    "\\": "escape",
    "u": "unicode escape",
}


def _values(then: str) -> dict[str, str]:
    scalars = dict.fromkeys(("string", "number", "literal", "constant"), then)
    return {**scalars, "open_array": "first item", "open_object": "first key"}


# A closing bracket leads to the state that its opening one has kept.
_STATES = {
    "start": _State("value", _values("behind")),
    "first item": _State("value", {**_values("behind item"), "close_array": ""}),
    "item": _State("value", {**_values("behind item"), "items": "item"}),
    "behind item": _State("comma in array", {"comma": "item", "close_array": ""}),
    "first key": _State("key", {"string": "behind key", "close_object": ""}),
    "key": _State("key", {"string": "behind key"}),
    "behind key": _State("colon", {"colon": "member"}),
    "member": _State("value", _values("behind member")),
    "behind member": _State("comma in object", {"comma": "key", "close_object": ""}),
    "behind": _State("end", {"end": "over"}),
}
_OPENING = {"open_array", "open_object"}
_JUDGED = {"colon", "number", "constant"}  # these may break one of our rules


def scan(lines: Lines) -> Scan:
    """Return what about a text is wrong, and the text without its comments.

    Args:
        lines: The lines of the text.
    """
    text = lines.text
    issues: list[Issue] = []
    noise: list[_Span] = []
    stack: list[_Bracket] = []
    fault: Fault | None = None
    state, at, last, gap_end = "start", 0, (0, 0), 0
    while fault is None and state != "over" and len(issues) < MAX_ISSUES:
        is_quick = state == "item" and len(stack) < MAX_DEPTH
        token = (_ITEMS if is_quick else _TOKEN).match(text, at)
        assert token is not None  # noqa: S101 - it matches nothing, too
        kind = token.lastgroup or ""
        start, at = token.span(kind)
        moves = _STATES[state].moves
        if kind not in moves:
            kind, at, gap_end = _look_closer(text, kind, start, last, gap_end)
            if kind in _NOISE:
                issues.append(lines.place(_NOISE[kind], start, at))
                noise.append((start, at))
                continue
            if kind not in moves:
                fault = _fault(text, (kind, start, at), last, _STATES[state], stack)
                break
        state = moves[kind]
        if not state:
            _, _, state = stack.pop()
        elif kind in _OPENING:
            stack.append((start, {}, moves["literal"]))
            if len(stack) > MAX_DEPTH:
                fault = Fault("depth", start, last, _offsets(stack[:-1]))
        elif kind in _JUDGED and (issue := _breach(kind, (start, at), last, stack, lines)):
            issues.append(issue)
        last = start, at
    noise += _comments_ahead(text, fault.offset) if fault else []
    return Scan(_blanked(text, noise), issues, fault)


def _look_closer(
    text: str, kind: str, start: int, last: _Span, gap_end: int
) -> tuple[str, int, int]:
    """Return what a token is that seems to be none of those that may come, and its end.

    Args:
        text: The text.
        kind: What it seems to be.
        start: Where it begins.
        last: The token before it.
        gap_end: Where the last gap is over that was looked at: blanks, commas and comments.

    Returns:
        Its kind: a comma that is no trailing one, a string, or what it seems to be; where it is
        over, which for a wrong string is where that is wrong; and the end of the gap.
    """
    end = start
    if kind == "quote":
        try:
            _, end = _DECODER.raw_decode(text, start)
            kind = "string"
        except json.JSONDecodeError as error:
            end = error.pos
    elif kind in _NOISE:
        gap_end = gap_end if start < gap_end else _gap_end(text, start)
        end = _noise_end(text, start, last, gap_end)
        if not end:  # else a comment has no end
            kind, end = {"gap": "comma"}.get(kind, "other"), start + 1
    return kind, end, gap_end


def _noise_end(text: str, start: int, last: _Span, gap_end: int) -> int:
    """Return where the comment or the trailing comma that begins at `start` is over, 0 for none.

    Args:
        text: The text.
        start: The offset of what may be one of both.
        last: The token before it.
        gap_end: Where what is between two tokens is over.
    """
    # A comma that follows no value is not one too many: a value is missing.
    is_trailing = text[last[1] - 1 : last[1]] not in "[{:" and text.startswith(("]", "}"), gap_end)
    return _comment_end(text, start) or (_end(_COMMAS, text, start) if is_trailing else 0)


def _gap_end(text: str, at: int) -> int:
    """Return where blanks, commas and comments are over; at most a little over `MAX_ISSUES`."""
    for _ in range(MAX_ISSUES):
        at = _end(_COMMAS_AND_SPACE, text, at)
        end = _comment_end(text, at)
        if not end:
            break
        at = end
    return at


def _comment_end(text: str, start: int) -> int:
    """Return where the comment that begins at `start` is over; 0 for none, or if it never is."""
    if text.startswith("/*", start):
        end = text.find("*/", start + len("/*"))
        return 0 if end < 0 else end + len("*/")
    return _end(_LINE_COMMENT, text, start)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else 0


def _comments_ahead(text: str, offset: int) -> list[_Span]:
    found = _COMMENT_AHEAD.finditer(text, offset, offset + _AHEAD)
    return [match.span(1) for match in found if match[1]]


def _blanked(text: str, noise: list[_Span]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in noise:
        blank = text[start:end].encode("ascii", "replace").translate(_BLANK).decode()
        pieces += [text[done:start], blank]
        done = end
    return "".join([*pieces, text[done:]])


def _fault(
    text: str, token: tuple[str, int, int], last: _Span, state: _State, stack: list[_Bracket]
) -> Fault:
    """Return the fault that a token is in a state."""
    kind, start, end = token
    if kind == "quote" and "string" in state.moves:
        what = _STRING_FAULTS.get(text[end], "control character")
        return Fault(what, end, (start, end if end > start else len(text)), _offsets(stack))
    return Fault(state.missing, start, last, _offsets(stack))


def _offsets(stack: list[_Bracket]) -> list[int]:
    return [offset for offset, _, _ in stack]


def _breach(
    kind: str, span: _Span, last: _Span, stack: list[_Bracket], lines: Lines
) -> Issue | None:
    """Return what breaks one of our stricter rules: a number, or the key before a colon."""
    if kind == "colon":
        return _key_issue(last, stack[-1][1], lines)
    literal = lines.text[span[0] : span[1]]
    if kind == "constant":
        return lines.place(Issue("not-finite", f"{literal} is no JSON number"), *span)
    issue = _number_issue(literal)
    return issue and lines.place(issue, *span)


def _key_issue(span: _Span, keys: dict[str, int], lines: Lines) -> Issue | None:
    key = lines.text[span[0] + 1 : span[1] - 1]
    if "\\" in key:
        key = json.loads(f'"{key}"')
    first = keys.setdefault(key, span[0])
    if first == span[0]:
        return None
    line, column = lines.position(first)
    issue = Issue(
        "duplicate-key",
        f"the key `{shorten(key)}` stands here twice",
        hint=f"the first is at {line}:{column}: remove one of them",
    )
    return lines.place(issue, *span)


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
