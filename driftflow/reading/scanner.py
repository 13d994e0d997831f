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
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from driftflow.errors import MAX_DEPTH
from driftflow.issues import MAX_ISSUES, Issue
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftflow.reading.positions import Lines

_Span: TypeAlias = tuple[int, int]  # the offsets between which something stands
# An open bracket: its offset, the offsets of the keys in it so far, the state when it is closed.
_Bracket: TypeAlias = tuple[int, dict[str, int], str]


class Fault(NamedTuple):
    """What ends the reading of a text.

    Attributes:
        kind: What is missing (`value`, `key`, `colon`, `comma in array`, `comma in object`, `end`),
            how a string is wrong (`unended`, `control`, `escape`, `unicode`), or `depth`.
        offset: Where it is wrong; the length of the text if that ends too soon.
        token: The offsets of the token before that; if a string is wrong, of what comes before
            the fault in it.
        brackets: The offsets of the brackets that are open, outermost first.
    """

    kind: str
    offset: int
    token: tuple[int, int]
    brackets: list[int]


_NOISE = {
    "comment": Issue(
        "syntax",
        "invalid JSON: comments are not allowed",
        hint="remove the comment; to keep a note, "
        "use a field whose name begins with `x-`, `_` or `//`",
    ),
    "gap": Issue("syntax", "invalid JSON: trailing comma", hint="remove the comma"),
}

_FINITE = "JSON has only finite numbers: write `null` or a string"

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
_SCALAR = r'-?(?:0|[1-9][0-9]{0,98})(?:\.[0-9]{1,99})?|"[^"\\\x00-\x1f]{0,99}"|true|false|null'
_ITEM = rf"{_SPACE}(?:{_SCALAR}|\[{_SPACE}\]|\{{{_SPACE}\}}){_SPACE},(?={_SPACE}[\"\[{{tfn0-9-])"
_ITEMS = re.compile(rf"(?P<items>(?:{_ITEM}){{1,1000}})|{_ANY}", re.VERBOSE)
_COMMENT = r"(?:(?://|\#)[^\r\n]*|/\*(?s:.*?)\*/)"
_NOISE_PIECE = re.compile(rf"{_COMMENT}|,(?:[ \t\n\r,]*,)?")
_GAP = re.compile(rf"(?:[ \t\n\r,]*{_COMMENT}){{0,{MAX_ISSUES}}}[ \t\n\r,]*")
_BLANK = bytes(byte if byte in b"\r\n" else ord(" ") for byte in range(256))
_AHEAD = 1000  # characters behind a fault that its hint may depend on
_COMMENT_AHEAD = re.compile(rf'"(?:[^"\\]|\\.)*"?|({_COMMENT})', re.DOTALL)
_DECODER = json.JSONDecoder()  # reads past a string at the speed of C

# How a string is wrong, by the character at which the decoder stops; by any other, a control one.
_STRING_FAULTS = {'"': "unended", "\r": "unended", "\n": "unended", "\\": "escape", "u": "unicode"}
_WRONG_STRINGS = {*_STRING_FAULTS.values(), "control"}


def _values(then: str) -> dict[str, str]:
    scalars = dict.fromkeys(("string", "number", "literal", "constant"), then)
    return {**scalars, "open_array": "first item", "open_object": "first key"}


# By what may come: what is missing if nothing of it comes, and the state to which each token leads.
# A closing bracket leads to the state that was kept with its opening one.
_STATES: dict[str, tuple[str, dict[str, str]]] = {
    "start": ("value", _values("behind")),
    "first item": ("value", {**_values("behind item"), "close_array": ""}),
    "item": ("value", {**_values("behind item"), "items": "item"}),
    "behind item": ("comma in array", {"comma": "item", "close_array": ""}),
    "first key": ("key", {"string": "behind key", "close_object": ""}),
    "key": ("key", {"string": "behind key"}),
    "behind key": ("colon", {"colon": "member"}),
    "member": ("value", _values("behind member")),
    "behind member": ("comma in object", {"comma": "key", "close_object": ""}),
    "behind": ("end", {"end": "over"}),
}
_OPENING = {"open_array", "open_object"}
_CHECKED = {"colon", "number", "constant"}  # these may break our stricter rules


def scan(lines: Lines) -> tuple[str, list[Issue], Fault | None]:
    """Return the text with blanks for what is no JSON, what is wrong before the fault, and that.

    Comments shortly behind the fault are blanks, too. There is no fault if the text is JSON with
    these blanks, or if there are `MAX_ISSUES` issues.

    Args:
        lines: The lines of the text.
    """
    text, issues, noise, stack = lines.text, list[Issue](), list[_Span](), list[_Bracket]()
    state, at, last, gap_end = "start", 0, (0, 0), 0
    fault: tuple[str, int, _Span] | None = None
    while fault is None and state != "over" and len(issues) < MAX_ISSUES:
        is_quick = state == "item" and len(stack) < MAX_DEPTH
        token = (_ITEMS if is_quick else _TOKEN).match(text, at)
        assert token is not None  # noqa: S101 - it matches nothing, too
        kind = token.lastgroup or ""
        start, at = token.span(kind)
        missing, moves = _STATES[state]
        if kind in _NOISE:
            # A comma that follows no value is not one too many: a value is missing.
            is_behind = text[last[1] - 1 : last[1]] not in "[{:"
            gap_end = _end(_GAP, text, start) if is_behind and start >= gap_end else gap_end
            is_trailing = is_behind and text.startswith(("]", "}"), gap_end)
            if (kind == "comment" or is_trailing) and (end := _end(_NOISE_PIECE, text, start)):
                issues.append(lines.place(_NOISE[kind], start, end))
                noise.append((start, end))
                at = end
                continue
            kind = "comma" if kind == "gap" else "other"
        elif kind == "quote" and "string" in moves:
            kind, at = _read_string(text, start)
        if kind not in moves:
            fault = (kind, at, (start, at)) if kind in _WRONG_STRINGS else (missing, start, last)
            break
        state = moves[kind]
        if not state:
            _, _, state = stack.pop()
        elif kind in _OPENING:
            fault = ("depth", start, last) if len(stack) == MAX_DEPTH else None
            stack.append((start, {}, moves["literal"]))
        elif kind in _CHECKED:
            issues += _breaches(kind, last if kind == "colon" else (start, at), stack, lines)
        last = start, at
    if fault is None:
        return _blank(text, noise), issues, None
    ahead = _COMMENT_AHEAD.finditer(text, fault[1], fault[1] + _AHEAD)
    noise += [match.span(1) for match in ahead if match[1]]
    return _blank(text, noise), issues, Fault(*fault, [offset for offset, _, _ in stack])


def _read_string(text: str, start: int) -> tuple[str, int]:
    """Return `string` and where it ends, or how it is wrong and where."""
    try:
        return "string", _DECODER.raw_decode(text, start)[1]
    except json.JSONDecodeError as error:
        return _STRING_FAULTS.get(text[error.pos], "control"), error.pos


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else 0


def _blank(text: str, noise: list[_Span]) -> str:
    pieces = []
    done = 0
    for start, end in noise:
        blank = text[start:end].encode("ascii", "replace").translate(_BLANK).decode()
        pieces += [text[done:start], blank]
        done = end
    return "".join([*pieces, text[done:]])


def _breaches(kind: str, span: _Span, stack: list[_Bracket], lines: Lines) -> Iterator[Issue]:
    """Yield what breaks one of our stricter rules: a number, or the key before a colon."""
    literal = lines.text[span[0] : span[1]]
    if kind == "colon":
        issue = _key_issue(literal, span[0], stack[-1][1], lines)
    elif kind == "constant":
        issue = Issue("not-finite", f"{literal} is not a JSON number", hint=_FINITE)
    else:
        issue = _number_issue(literal)
    if issue is not None:
        yield lines.place(issue, *span)


def _key_issue(literal: str, offset: int, keys: dict[str, int], lines: Lines) -> Issue | None:
    key = json.loads(literal) if "\\" in literal else literal[1:-1]
    first = keys.setdefault(key, offset)
    if first == offset:
        return None
    line, column = lines.position(first)
    return Issue(
        "duplicate-key",
        f"duplicate key `{shorten(key)}`",
        hint=f"the first is at {line}:{column}: remove one of them",
    )


def _number_issue(literal: str) -> Issue | None:
    digits = literal.removeprefix("-")
    if digits.isdigit():
        if not 0 < sys.get_int_max_str_digits() < len(digits):
            return None
        message = f"an integer of {len(digits)} digits is too large"
    elif math.isfinite(float(literal)):
        return None
    else:
        message = "the number is too large for a float"
    return Issue(
        "number-too-large",
        message,
        hint="if a string is possible here, put the number in double quotes",
    )
