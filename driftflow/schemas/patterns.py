r"""Whether a text matches a pattern, as ECMA-262 says, and in bounded time.

Python's `re` reads some patterns otherwise, `$`, `\d` and `\s` among them, and takes exponential
time for others. So a pattern is read as ECMA-262 has it, and written anew for Python.

**Most patterns need no more than `re`.** Where the next character always tells which way to go, as
in `^[a-z][a-z0-9-]*$`, nothing is tried twice: the time grows with the text and no faster. The same
holds where all the ways that there are, are few. What stands at an end and may be missing, `.*` in
`.*x.*`, is left out, for it changes nothing.

**For the others there is the library `regex`,** which knows the properties of Unicode, looks behind
for as long as it takes, and gives up after a time. It is imported only where such a pattern is.
`re2` is never slow, but can look neither ahead nor behind, and has no wheel for musl.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.schemas.ecma import (
    Anchor,
    Chars,
    Either,
    Look,
    PatternError,
    Repeat,
    Row,
    complement,
    merge,
    read_pattern,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftflow.schemas.ecma import Ranges, Tree

# How long one text may be held against one pattern, in seconds.
MAX_SECONDS = 1.0
# How many characters may be looked at again: in all of a text, and from each place in it.
_FEW, _FEW_EACH = 10_000, 1000
_LONGEST = 10_000  # characters that a match must have, for `regex`
_MANY = 10**6  # counts are exact up to here
_ANCHORS = {"^": r"\A", "$": r"\Z", r"\b": r"(?a:\b)", r"\B": r"(?a:\B)"}


class SlowMatchError(TimeoutError):
    """A text could not be held against a pattern in time; holds the pattern."""


class Translation(NamedTuple):
    """A pattern for Python.

    Attributes:
        text: The pattern.
        is_quick: Whether `re` knows all that is in it, and matches it in linear time.
        least: How many characters a match has at least, of the longest choices.
    """

    text: str
    is_quick: bool
    least: int


@lru_cache(maxsize=256)
def make_matcher(pattern: str) -> Callable[[str], Any]:
    """Return a function that searches a text for the pattern: a match or None.

    It raises SlowMatchError if it is not done after `MAX_SECONDS`.

    Args:
        pattern: A regular expression of ECMA-262.

    Raises:
        PatternError: If it is none, or none that can be matched; says why.
    """
    text, is_quick, least = translate(pattern)
    if is_quick:
        quick: Callable[[str], Any] = _compile(re, text).search
        return quick
    if least > _LONGEST:  # `regex` writes all that must be there out in full
        raise PatternError(f"a match would have more than {_LONGEST} characters")
    import regex

    search = _compile(regex, text).search

    def match(value: str) -> Any:
        try:
            return search(value, timeout=MAX_SECONDS)
        except TimeoutError:
            raise SlowMatchError(pattern) from None

    return match


def translate(pattern: str) -> Translation:
    """Return the pattern for Python.

    Raises:
        PatternError: If it is no regular expression of ECMA-262; says why.
    """
    tree = read_pattern(pattern)
    try:
        tree = _trim(tree)
        return Translation(_write(tree), _is_quick(tree), _measure(tree, is_least=True))
    except RecursionError:
        raise PatternError("it is nested too deeply") from None


def _compile(library: Any, text: str) -> Any:
    try:
        return library.compile(text)
    except library.error as error:  # such as a property of Unicode that there is not
        raise PatternError(error.msg) from None
    except RecursionError:
        raise PatternError("it is nested too deeply") from None


def _trim(tree: Tree) -> Tree:
    """Return a pattern that is found in the same texts, without what may be missing at an end."""
    if isinstance(tree, Either):
        return Either(tuple(map(_trim, tree.choices)))
    items = [*_items_of(tree)]
    for end in (-1, 0):
        while items and isinstance(item := items[end], Repeat) and item.least != item.most:
            items[end : end + 1 or None] = [item._replace(most=item.least)] if item.least else []
    return Row(tuple(items))


def _write(tree: Tree) -> str:
    match tree:
        case Chars():
            return _write_chars(tree)
        case Anchor(text):
            return _ANCHORS[text]
        case Look(start, body):
            return f"{start}{_write(body)})"
        case Repeat(item, least, most):
            limits = least if least == most else f"{least},{'' if most is None else most}"
            return f"(?:{_write(item)}){{{limits}}}"
        case Row(items):
            return "".join(map(_write, items))
        case Either(choices):
            return f"(?:{'|'.join(map(_write, choices))})"


def _write_chars(chars: Chars) -> str:
    if chars.properties:
        members = _write_ranges(chars.ranges) + "".join(chars.properties)
        return f"[{'^' * chars.is_negated}{members}]"
    if not chars.ranges:
        return "(?!)"
    others = complement(chars.ranges)
    if not others:
        return r"[\x00-\U0010ffff]"
    if len(others) < len(chars.ranges):
        return f"[^{_write_ranges(others)}]"
    return f"[{_write_ranges(chars.ranges)}]"


def _write_ranges(ranges: Ranges) -> str:
    return "".join(
        f"\\U{low:08x}" if low == high else f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges
    )


def _is_quick(tree: Tree) -> bool:
    """Return whether `re` can search any text for the pattern in linear time."""
    if not all(_is_plain(node) for node in _walk(tree)):
        return False
    is_anchored = all(_items_of(choice)[:1] == (Anchor("^"),) for choice in _choices_of(tree))
    if is_anchored and _is_certain(tree, ()):
        return True
    ways = 1 if _is_certain(tree, ()) else _count_ways(tree)
    return ways * _measure(tree) <= (_FEW if is_anchored else _FEW_EACH)


def _is_plain(node: Tree) -> bool:
    """Return whether `re` knows such a node."""
    return not (isinstance(node, Look) or (isinstance(node, Chars) and node.properties))


def _walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    for part in _parts_of(tree):
        yield from _walk(part)


def _parts_of(tree: Tree) -> tuple[Tree, ...]:
    match tree:
        case Look(_, body):
            return (body,)
        case Repeat(item, _, _):
            return (item,)
        case Row(parts) | Either(parts):
            return parts
        case _:
            return ()


def _items_of(tree: Tree) -> tuple[Tree, ...]:
    return tree.items if isinstance(tree, Row) else (tree,)


def _choices_of(tree: Tree) -> tuple[Tree, ...]:
    while isinstance(tree, Row) and len(tree.items) == 1:
        tree = tree.items[0]
    return tree.choices if isinstance(tree, Either) else (tree,)


def _is_certain(tree: Tree, following: Ranges) -> bool:
    """Return whether the next character always tells which way to go.

    Args:
        tree: A pattern.
        following: What may stand behind it.
    """
    match tree:
        case Repeat(item, least, most):
            again = _find_first(item) if most != 1 else ()
            if least != most and not _are_apart(_find_first(item), following):
                return False
            return not (again and _may_be_empty(item)) and _is_certain(
                item, merge(again, following)
            )
        case Either(choices):
            empty = sum(map(_may_be_empty, choices))
            firsts = [*map(_find_first, choices), *([following] if empty else [])]
            return (
                empty <= 1
                and _are_apart(*firsts)
                and all(_is_certain(choice, following) for choice in choices)
            )
        case Row(items):
            for item in reversed(items):
                if not _is_certain(item, following):
                    return False
                first = _find_first(item)
                following = merge(first, following) if _may_be_empty(item) else first
    return True


def _are_apart(*several: Ranges) -> bool:
    pairs = sorted(pair for ranges in several for pair in ranges)
    return all(high < low for (_, high), (low, _) in pairwise(pairs))


def _find_first(tree: Tree) -> Ranges:
    """Return the characters with which a match may begin."""
    match tree:
        case Chars(ranges, _, _):
            return ranges
        case Row(items):
            found: list[Ranges] = []
            for item in items:
                found.append(_find_first(item))
                if not _may_be_empty(item):
                    break
            return merge(*found)
        case _:
            return merge(*map(_find_first, _parts_of(tree)))


def _may_be_empty(tree: Tree) -> bool:
    match tree:
        case Chars():
            return False
        case Repeat(item, least, _):
            return least == 0 or _may_be_empty(item)
        case Either(choices):
            return any(map(_may_be_empty, choices))
        case _:
            return all(map(_may_be_empty, _parts_of(tree)))


def _measure(tree: Tree, *, is_least: bool = False) -> int:
    """Return how many characters a match has at most; `_MANY` for more.

    Args:
        tree: A pattern.
        is_least: Whether nothing is repeated more often than it has to be.
    """
    match tree:
        case Chars():
            return 1
        case Repeat(item, least, most):
            times = least if is_least else most
            return _MANY if times is None else min(_MANY, times * _measure(item, is_least=is_least))
        case Either(choices):
            return max(_measure(choice, is_least=is_least) for choice in choices)
        case _:
            return min(_MANY, sum(_measure(part, is_least=is_least) for part in _parts_of(tree)))


def _count_ways(tree: Tree) -> int:
    """Return in how many ways a text may be tried against the pattern; `_MANY` for more."""
    match tree:
        case Repeat(item, least, most):
            if most is None or most - least >= _MANY:
                return _MANY
            ways = _count_ways(item)
            if ways == 1:
                return most - least + 1
            powers = (ways**count for count in range(least, most + 1))
            return min(_MANY, sum(powers)) if most <= 20 else _MANY  # noqa: PLR2004 - 2**20 are many
        case Either(choices):
            return min(_MANY, sum(map(_count_ways, choices)))
        case _:
            ways = 1
            for part in _parts_of(tree):
                ways = min(_MANY, ways * _count_ways(part))
            return ways
