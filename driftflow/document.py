"""Bytes to a JSON value, strictly: what two readers could take differently is refused."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import NoReturn, TypeAlias

from driftflow.errors import ConfigError, Issue

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

# serde_json's default. CPython's own limit varies with the version and with the depth of
# the caller's stack, so that a config would load in one place and not in another.
MAX_DEPTH = 128
# No message shows more characters of a value.
MAX_SHOWN = 80

_TYPE_NAMES = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    list: "an array",
    dict: "an object",
}

# Our words for what the json module says, which differs between versions of Python.
_SYNTAX = {
    "Expecting value": "expected a value",
    "Expecting property name enclosed in double quotes": "expected a key in double quotes",
    "Expecting ':' delimiter": "expected `:`",
    "Expecting ',' delimiter": "expected `,`",
    "Unterminated string starting at": "a string without an end",
    "Invalid control character at": "a control character in a string",
    "Invalid \\escape": "an unknown escape in a string",
    "Invalid \\uXXXX escape": "a `\\u` without its four hexadecimal digits",
    "Extra data": "something behind the end of the document",
}

_TOKEN = re.compile(
    r"""
    (?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<constant>NaN|-?Infinity)
    | (?P<open>[{\[])
    | (?P<close>[}\]])
    """,
    re.VERBOSE,
)
_COLON = re.compile(r"[ \t\n\r]*:")
_TRAILING_COMMA = re.compile(r",[ \t\n\r]*[}\]]")


def type_name(value: Json) -> str:
    """The JSON type of a value with its article, as messages name it: `an array`."""
    return _TYPE_NAMES[type(value)]


def shorten(text: str) -> str:
    """The text, cut where it is longer than a message shows."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def parse(data: bytes, source: str) -> Json:
    """The JSON value that the bytes hold.

    Stricter than `json.loads`: UTF-8 only (a byte-order mark is accepted), no NaN or Infinity,
    no number that a float cannot hold, no key twice in an object, at most `MAX_DEPTH` levels.

    Args:
        data: The whole document.
        source: What errors call it.

    Raises:
        ConfigError: With one issue, its line and its column.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(source, [_not_utf8(error)]) from None
    try:
        document: Json = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_refuse,
        )
    except json.JSONDecodeError as error:
        raise ConfigError(source, [_not_json(error)]) from None
    except (ValueError, RecursionError):
        raise ConfigError(source, [_first_breach(text)]) from None
    if _too_deep(document):
        raise ConfigError(source, [_first_breach(text)])
    return document


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _refuse("a key twice")


def _finite(literal: str) -> float:
    value = float(literal)
    return value if math.isfinite(value) else _refuse(literal)


def _refuse(what: str) -> NoReturn:
    # The hooks of the json module are not told where they are: `_first_breach` looks again.
    raise ValueError(what)


def _too_deep(document: Json) -> bool:
    level: list[list[Json] | dict[str, Json]] = [[document]]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _first_breach(text: str) -> Issue:
    """Where the text, JSON by its grammar, first breaks one of our stricter rules."""
    keys: list[set[str]] = []  # of each object or array that is open, outermost first
    for token in _TOKEN.finditer(text):
        literal = token[0]
        match token.lastgroup:
            case "open":
                keys.append(set())
                if len(keys) > MAX_DEPTH:
                    return _issue_at(text, token.start(), f"nested deeper than {MAX_DEPTH} levels")
            case "close":
                keys.pop()
            case "string" if _COLON.match(text, token.end()):
                key = json.loads(literal)
                if key in keys[-1]:
                    return _issue_at(
                        text, token.start(), f"the key {shorten(literal)} stands here twice"
                    )
                keys[-1].add(key)
            case "constant":
                return _issue_at(text, token.start(), f"{literal} is no JSON number")
            case "number" if (fault := _number_fault(literal)) is not None:
                return _issue_at(text, token.start(), fault)
    return Issue("nested too deeply")  # for the stack that was left


def _number_fault(literal: str) -> str | None:
    digits = literal.removeprefix("-")
    if digits.isdigit():
        too_long = 0 < sys.get_int_max_str_digits() < len(digits)
        return f"an integer of {len(digits)} digits is too large" if too_long else None
    return None if math.isfinite(float(literal)) else "a number too large for a float"


def _not_utf8(error: UnicodeDecodeError) -> Issue:
    before = error.object[: error.start]
    found = f"not UTF-8: byte 0x{error.object[error.start]:02x}"
    return _issue_at(before.decode("utf-8"), error.start, found)


def _not_json(error: json.JSONDecodeError) -> Issue:
    text, offset = error.doc, error.pos
    start = text.lstrip()[:1]
    if not start:
        return _issue_at(text, 0, "empty; a workflow is a JSON object")
    # Python up to 3.12 stops behind a trailing comma, from 3.13 on at it.
    comma = text.rfind(",", 0, offset + 1)
    if (match := _TRAILING_COMMA.match(text, max(comma, 0))) and match.end() > offset:
        return _issue_at(text, comma, "not JSON: a comma behind the last element")
    if offset >= len(text.rstrip()):
        return _issue_at(text, offset, "not JSON: the document ends unfinished")
    message = f"not JSON: {_SYNTAX.get(error.msg.rstrip(': '), error.msg)}"
    if start not in "{[":
        message += "; DriftFlow reads JSON only, not YAML"
    return _issue_at(text, offset, message)


def _issue_at(text: str, offset: int, message: str) -> Issue:
    offset = min(offset, len(text))
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    return Issue(message, line=line, column=column)
