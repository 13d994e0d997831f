"""Bytes to a JSON value, strictly: what two readers could take differently is refused.

Strict JSON is read in one pass, at the speed of C: `json.loads` refuses what breaks our rules, but
it is not told where that is. A key that stands twice is lost in it, so keys are counted by their
colons, and looked at one by one only if that leaves a doubt. A text that was refused is read again,
by `scanner`, which knows every place. If nothing but comments, trailing commas and breaches of our
rules is wrong, the text still has a value, and the document is checked on, so that its author sees
all mistakes at once. Otherwise the first fault ends the reading, and `faults` explains it.

This module also says which values that Python code makes are JSON, and copies them.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from driftflow.errors import MAX_DEPTH, ConfigError
from driftflow.text import format_path, shorten

if TYPE_CHECKING:
    from driftflow.issues import Issue, JsonPath

_EXCERPT = 1000  # bytes behind a wrong one: more than a report shows

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_SPACE_BEFORE_COLON = r'"[ \t\n\r]+:'
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_INFINITY = float("inf")
_CONTAINERS = {dict, list}
_PLAIN = {str, bool, type(None)}
# Python writes integers up to here, whatever limit it was given: 640 digits, the least there is.
_PLAIN_INTEGER = 10**640
_TYPE_NAMES = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


class Document(NamedTuple):
    """A file as it was read.

    Attributes:
        text: The file's text, without a byte-order mark.
        plain: The text with blanks for its comments and trailing commas.
        value: The value of that. Where an object has a key twice, the last one counts.
        issues: Why the text is no strict JSON; empty if it is.
    """

    text: str
    plain: str
    value: Json
    issues: tuple[Issue, ...] = ()


def type_name(value: Json) -> str:
    """Return the JSON type of a value with its article, as messages name it: `an array`."""
    return _TYPE_NAMES[type(value)]


def copy_json(value: Any) -> Json:
    """Return a copy of a JSON value that shares nothing with it, in plain Python types throughout.

    As in the json module, tuples count as arrays, and subclasses as the type that they extend.

    Raises:
        TypeError: If it is not a JSON value, or nested deeper than `MAX_DEPTH`. The message says
            what is wrong and where: `not a JSON value: a value of type date, at [3].day`.
    """
    if type(value) in _PLAIN:
        return value  # type: ignore[no-any-return]  # it is one of these types
    try:
        return _copy(value, MAX_DEPTH)
    except _NotJsonError as error:
        path = shorten(format_path(_find_fault(value, MAX_DEPTH)))
        raise TypeError(f"not a JSON value: {error}{path and f', at {path}'}") from None


def clone_json(value: Json) -> Json:
    """Return a copy of what is known to be a JSON value, with new dicts and lists throughout."""
    if type(value) is dict:
        return {key: clone_json(member) for key, member in value.items()}
    if type(value) is list:
        return [clone_json(item) for item in value]
    return value


def parse(data: bytes, source: str) -> Document:
    """Return the document that the bytes hold.

    This is stricter than `json.loads`: UTF-8 only (a byte-order mark is accepted), no NaN or
    Infinity, no number that a float cannot hold, no key twice in an object, at most `MAX_DEPTH`
    levels. Numbers and keys that break these rules are issues of the document, as are comments
    and trailing commas.

    Args:
        data: The whole file.
        source: The file's name in errors.

    Raises:
        ConfigError: If the value cannot be told: the bytes are not UTF-8, the text is otherwise
            no JSON, it is nested too deep, or it has `MAX_ISSUES` issues. It holds all issues up
            to there.
    """
    text = _decode(data, source)
    try:
        value: Json = json.loads(text, parse_float=_read_float, parse_constant=_refuse)
        if _may_repeat_key(text, _count_members(value)):
            json.loads(text, object_pairs_hook=_make_object)
    except (ValueError, RecursionError):
        return _read_again(text, source)
    return Document(text, text, value)


class _NotJsonError(Exception):
    """JSON has no form for something in a value; the message says for what."""


def _copy(value: Any, depth: int) -> Json:
    if not isinstance(value, dict | list | tuple):
        return _copy_scalar(value)
    if not depth:
        raise _NotJsonError(f"nesting deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {
            _copy_key(key): member if type(member) in _PLAIN else _copy(member, depth - 1)
            for key, member in value.items()
        }
    return [item if type(item) in _PLAIN else _copy(item, depth - 1) for item in value]


def _find_fault(value: Any, depth: int) -> JsonPath:
    """Return the path to the first part of a value that cannot be copied."""
    if depth and isinstance(value, dict | list | tuple):
        for part, member in value.items() if isinstance(value, dict) else enumerate(value):
            try:
                _copy(member, depth - 1)
            except _NotJsonError:
                return (part, *_find_fault(member, depth - 1))
    return ()


def _copy_scalar(value: Any) -> Json:
    if type(value) in _PLAIN:
        return value  # type: ignore[no-any-return]  # it is one of these types
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        number = float.__float__(value)
        if -_INFINITY < number < _INFINITY:
            return number
        raise _NotJsonError(f"{number}")
    if not isinstance(value, int):
        raise _NotJsonError(f"a value of type {type(value).__name__}")
    if not -_PLAIN_INTEGER < value < _PLAIN_INTEGER:
        try:
            int.__repr__(value)
        except ValueError:
            raise _NotJsonError("an integer with too many digits") from None
    return int.__int__(value)


def _copy_key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    raise _NotJsonError(f"a key of type {type(key).__name__}")


def _decode(data: bytes, source: str) -> str:
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        from driftflow.issues import Findings, Issue
        from driftflow.reading.positions import Lines

        before = error.object[: error.start].decode()
        behind = error.object[error.start : error.start + _EXCERPT].decode(errors="replace")
        text, offset = before + behind, len(before)
        issue = Issue(
            "not-utf-8",
            f"not UTF-8: byte 0x{error.object[error.start]:02x}",
            hint=f"{'it looks like UTF-16: ' * data.startswith(_UTF_16)}save the file as UTF-8",
        )
        placed = Lines(text).place(issue, offset, offset + 1)
        raise ConfigError(Findings(source, text, (placed,))) from None


def _read_again(text: str, source: str) -> Document:
    """Return the document of a text that is no strict JSON, with all that is wrong with it."""
    from driftflow.issues import MAX_ISSUES, Findings, Issue
    from driftflow.reading.faults import explain
    from driftflow.reading.positions import Lines, arrange
    from driftflow.reading.scanner import scan

    lines = Lines(text)
    plain, issues, fault = scan(lines)
    fatal = explain(fault, plain, lines) if fault else None
    if fatal is None and len(issues) < MAX_ISSUES:
        try:
            value: Json = json.loads(plain, parse_int=_read_integer)
            return Document(text, plain, value, arrange(issues))
        except RecursionError:  # in spite of its depth: a caller may have used most of the stack
            fatal = Issue("nested-too-deep", "nested too deeply")
    known = arrange([fatal, *issues] if fatal else issues)
    end = known.index(fatal) + 1 if fatal else len(known)  # what stands behind it cannot be told
    raise ConfigError(Findings(source, text, known[: min(end, MAX_ISSUES)]))


def _may_repeat_key(text: str, members: int) -> bool:
    """Return whether an object in the text may have a key twice, by what is quick to count.

    Each key in a text of JSON has a colon behind it. If there are as many colons as members in
    the value, no key was lost. Colons in strings do not count if all keys have theirs at once.
    """
    return text.count(":") != members and (
        text.count('":') != members or re.search(_SPACE_BEFORE_COLON, text) is not None
    )


def _make_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _refuse("a key twice")


def _read_float(literal: str) -> float:
    value = float(literal)
    return value if -_INFINITY < value < _INFINITY else _refuse(literal)


def _refuse(what: str) -> NoReturn:
    raise ValueError(what)


def _read_integer(literal: str) -> int | float:
    try:
        return int(literal)
    except ValueError:  # more digits than Python reads
        return _INFINITY


def _count_members(document: Json) -> int:
    """Return how many members all objects have together; refuse what is nested too deep."""
    members = 0
    level: list[Any] = [[document]]
    for _ in range(MAX_DEPTH + 1):
        members += sum(len(node) for node in level if type(node) is dict)
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return members
    return _refuse("nested too deep")
