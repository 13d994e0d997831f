"""Regular expressions as JSON Schema means them, those of ECMA-262: read into a tree.

Read as with the flag `u`: by code points. More lenient than that in what can mean only one thing:
a backslash before any punctuation, and a brace or a bracket that nothing opened. Names of groups
and laziness are dropped: whether a text matches does not depend on them. What does not stand in
ECMA-262 is refused, and so is what refers back to a group, which no engine matches in good time.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn, TypeAlias

# Code points, from and to, both included; in order, apart from each other.
Ranges: TypeAlias = tuple[tuple[int, int], ...]

_LAST = 0x10FFFF
_QUANTIFIER = re.compile(r"(?:([*+?])|\{([0-9]+)(?:(,)([0-9]*))?\})\??")
_WITHOUT_LEAST = re.compile(r"\{,[0-9]+\}")
_GROUP = re.compile(r"\((?:\?(?:(:|=|!|<=|<!)|<[A-Za-z_$][\w$]*>))?")
_DIGITS = 9  # of a repetition: what all libraries count
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{0*([0-9A-Fa-f]{1,6})\}")
_LOW_SURROGATE = re.compile(r"\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_PROPERTY = re.compile(r"[pP]\{[A-Za-z_]+(?:=[A-Za-z_]+)?\}")
_COUNTS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_LINE_ENDS: Ranges = ((10, 10), (13, 13), (0x2028, 0x2029))
_CLASSES: dict[str, Ranges] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": (
        *((9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
        *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
    ),
}
# What other languages write, and what ECMA-262 has for it.
_INSTEAD = {"A": "^", "Z": "$", "z": "$", "h": r"[ \t]", "e": r"\x1b", "a": r"\x07"}


class PatternError(ValueError):
    """A text is no regular expression of ECMA-262, or none that can be matched; says why."""


class Chars(NamedTuple):
    r"""One character out of a set.

    Attributes:
        ranges: The code points in it.
        properties: What it has besides, by properties of Unicode: `\p{L}`.
        is_negated: Whether it is any character but these; only where there are properties.
    """

    ranges: Ranges
    properties: tuple[str, ...] = ()
    is_negated: bool = False


class Anchor(NamedTuple):
    r"""A place in the text: `^`, `$`, `\b` or `\B`."""

    text: str


class Look(NamedTuple):
    """What must, or must not, stand before or behind; `start` is how the group begins."""

    start: str
    body: Tree


class Repeat(NamedTuple):
    """Something several times; `most` is None if there is no limit."""

    item: Tree
    least: int
    most: int | None


class Row(NamedTuple):
    """One thing after the other."""

    items: tuple[Tree, ...]


class Either(NamedTuple):
    """One of several."""

    choices: tuple[Tree, ...]


Tree: TypeAlias = Chars | Anchor | Look | Repeat | Row | Either


def read_pattern(pattern: str) -> Tree:
    """Return the tree of a regular expression.

    Raises:
        PatternError: If it is none of ECMA-262, or refers back to a group, or is nested too deep.
    """
    reader = _Reader(pattern)
    try:
        tree = reader.read_either()
    except RecursionError:
        raise PatternError("it is nested too deeply") from None
    if reader.at < len(pattern):
        reader.refuse("the `)` closes nothing")
    return tree


def merge(*several: Ranges) -> Ranges:
    """Return the code points that are in one of several sets."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for ranges in several for pair in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Return the code points that are not in the set."""
    starts = [0, *(high + 1 for _, high in ranges)]
    ends = [*(low - 1 for low, _ in ranges), _LAST]
    return tuple((low, high) for low, high in zip(starts, ends, strict=True) if low <= high)


class _Reader:
    """What has been read of a pattern: all before `at`."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def refuse(self, reason: str, at: int | None = None) -> NoReturn:
        """Raise PatternError with the reason, and the place in the pattern."""
        place = self.at if at is None else at
        raise PatternError(f"{reason}, at character {place + 1}")

    def take(self, token: re.Pattern[str]) -> re.Match[str] | None:
        """Return what stands next if it is such a token, and read on behind it."""
        if match := token.match(self.pattern, self.at):
            self.at = match.end()
        return match

    def take_text(self, text: str) -> bool:
        """Return whether the text stands next, and read on behind it if so."""
        found = self.pattern.startswith(text, self.at)
        self.at += len(text) * found
        return found

    def read_either(self) -> Tree:
        """Return what stands up to the end of the group, or of all."""
        choices = [self.read_row()]
        while self.take_text("|"):
            choices.append(self.read_row())
        return Either(tuple(choices)) if len(choices) > 1 else choices[0]

    def read_row(self) -> Tree:
        """Return what stands up to the next `|`, the end of the group, or of all."""
        items: list[Tree] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            items.append(self.read_item())
        return items[0] if len(items) == 1 else Row(tuple(items))

    def read_item(self) -> Tree:
        """Return the next thing, with how often it stands."""
        if _WITHOUT_LEAST.match(self.pattern, self.at):
            self.refuse("write `{0,` for `{,`")
        if _QUANTIFIER.match(self.pattern, self.at):
            self.refuse(f"the `{self.pattern[self.at]}` repeats nothing")
        item = self.read_atom()
        if isinstance(item, Anchor | Look):
            return item
        if not (found := self.take(_QUANTIFIER)):
            return item
        sign, count, comma, limit = found.groups()
        if sign:
            return Repeat(item, *_COUNTS[sign])
        if max(len(count), len(limit or "")) > _DIGITS:
            self.refuse("a repetition is too long", found.start())
        least = int(count)
        most = least if not comma else int(limit) if limit else None
        if most is not None and most < least:
            self.refuse("the repetition has its limits in the wrong order", found.start())
        return Repeat(item, least, most)

    def read_atom(self) -> Tree:
        """Return the next thing that can be repeated, or the next place."""
        start = self.at
        if self.pattern[start] == "(":
            return self.read_group()
        self.at += 1
        match self.pattern[start]:
            case "[":
                return self.read_set()
            case "\\":
                return self.read_escape()
            case ".":
                return Chars(complement(_LINE_ENDS))
            case "^" | "$" as sign:
                return Anchor(sign)
            case character:
                return _single(ord(character))

    def read_group(self) -> Tree:
        """Return what stands in the next parentheses."""
        start = self.at
        found = self.take(_GROUP)
        if found is None or (self.pattern.startswith("(?", start) and len(found[0]) == 1):
            self.refuse(f"ECMA-262 has no `{self.pattern[start : start + 3]}`", start)
        body = self.read_either()
        if not self.take_text(")"):
            self.refuse("the `(` is not closed", start)
        if found[1] not in {None, ":"}:
            return Look(found[0], body)
        return Row((body,)) if isinstance(body, Anchor | Look) else body  # it can be repeated

    def read_escape(self) -> Tree:
        """Return what a backslash and what follows stand for, outside of a set."""
        if self.take_text("b"):
            return Anchor(r"\b")
        if self.take_text("B"):
            return Anchor(r"\B")
        return self.read_character()

    def read_character(self) -> Chars:
        """Return what a backslash and what follows stand for, in a set or outside of one."""
        start = self.at
        if start == len(self.pattern):
            self.refuse("a backslash at the end escapes nothing", start - 1)
        if found := self.take(_PROPERTY):
            return Chars((), (f"\\{found[0]}",))
        if found := self.take(_HEX):
            return _single(self.read_code(found))
        self.at += 1
        return self.read_letter(self.pattern[start])

    def read_letter(self, letter: str) -> Chars:
        """Return what a backslash and one character, which are read, stand for."""
        start = self.at - 2
        following = self.pattern[self.at : self.at + 1]
        if letter.lower() in _CLASSES:
            ranges = _CLASSES[letter.lower()]
            return Chars(ranges if letter.islower() else complement(ranges))
        if letter in _CONTROLS:
            return _single(_CONTROLS[letter])
        if letter == "0" and not following.isdigit():
            return _single(0)
        if letter == "c" and following.isascii() and following.isalpha():
            self.at += 1
            return _single(ord(following) % 32)
        if letter == "k" or letter.isdigit():
            self.refuse(f"`\\{letter}` refers back to a group, which is not supported", start)
        if letter.isalpha():
            instead = f": write `{_INSTEAD[letter]}`" if letter in _INSTEAD else ""
            self.refuse(f"ECMA-262 has no `\\{letter}`{instead}", start)
        return _single(ord(letter))

    def read_code(self, found: re.Match[str]) -> int:
        r"""Return the code point of an escape, `\ud83d\udc32` being one."""
        code = int(found[1] or found[2] or found[3], 16)
        if code > _LAST:
            self.refuse("there is no such code point", found.start() - 1)
        if found[2] and 0xD800 <= code < 0xDC00 and (low := self.take(_LOW_SURROGATE)):  # noqa: PLR2004 - surrogates
            return 0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        return code

    def read_set(self) -> Chars:
        """Return what stands between brackets; the first is read."""
        start = self.at - 1
        is_negated = self.take_text("^")
        members: list[Chars] = []
        while not self.take_text("]"):
            if self.at == len(self.pattern):
                self.refuse("the `[` is not closed", start)
            members.append(self.read_span())
        ranges = merge(*(member.ranges for member in members))
        properties = tuple(name for member in members for name in member.properties)
        if properties:
            return Chars(ranges, properties, is_negated)
        return Chars(complement(ranges) if is_negated else ranges)

    def read_span(self) -> Chars:
        """Return the next character of a set, or those from it to another, `a-z`."""
        start = self.at
        low = self.read_member()
        if not self.pattern.startswith("-", self.at) or self.pattern.startswith("-]", self.at):
            return low
        hyphen, self.at = self.at, self.at + 1
        if self.at == len(self.pattern):
            return low
        high = self.read_member()
        if not (_is_single(low) and _is_single(high)):
            self.at = hyphen  # it is one of the set, like the next one
            return low
        (first, _), (_, last) = low.ranges[0], high.ranges[0]
        if last < first:
            self.refuse("the range has its ends in the wrong order", start)
        return Chars(((first, last),))

    def read_member(self) -> Chars:
        if not self.take_text("\\"):
            self.at += 1
            return _single(ord(self.pattern[self.at - 1]))
        return _single(8) if self.take_text("b") else self.read_character()


def _single(code: int) -> Chars:
    return Chars(((code, code),))


def _is_single(chars: Chars) -> bool:
    return not chars.properties and len(chars.ranges) == 1 and len({*chars.ranges[0]}) == 1
