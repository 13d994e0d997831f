"""Bytes to a JSON value, strictly: what two readers could take differently is refused."""

from __future__ import annotations

import codecs
import json
import math
from typing import Any, NamedTuple, NoReturn, TypeAlias

from driftflow.errors import MAX_DEPTH, ConfigError, Findings, Issue

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTAINERS = {dict, list}
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
    """What a file holds.

    Attributes:
        text: The file's text, without a byte-order mark.
        plain: The text with blanks for what is no JSON: comments and trailing commas.
        value: What that says. Of a key that stands twice, the last.
        issues: Why the text is no strict JSON; empty for a good one.
    """

    text: str
    plain: str
    value: Json
    issues: tuple[Issue, ...] = ()


def type_name(value: Json) -> str:
    """The JSON type of a value with its article, as messages name it: `an array`."""
    return _TYPE_NAMES[type(value)]


def parse(data: bytes, source: str) -> Document:
    """The document that the bytes hold.

    Stricter than `json.loads`: UTF-8 only (a byte-order mark is accepted), no NaN or Infinity,
    no number that a float cannot hold, no key twice in an object, at most `MAX_DEPTH` levels.
    What breaks these rules, comments and trailing commas are issues of the document.

    Args:
        data: The whole file.
        source: What errors call it.

    Raises:
        ConfigError: If the value cannot be told: the bytes are not UTF-8, the text is otherwise
            no JSON, or it is nested too deep. With all issues up to that place.
    """
    text = _decode(data, source)
    try:
        value: Json = json.loads(
            text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_refuse
        )
        if not _too_deep(value):
            return Document(text, text, value)
    except (ValueError, RecursionError):
        pass  # the hooks of the json module are not told where they are: we look again
    return _reparse(text, source)


def _decode(data: bytes, source: str) -> str:
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        from driftflow.location import Lines

        text = data.decode("utf-8-sig", "replace")
        offset = len(error.object[: error.start].decode("utf-8"))
        issue = Issue(
            "not-utf-8",
            f"not UTF-8: byte 0x{error.object[error.start]:02x}",
            hint=f"{'it seems to be UTF-16: ' * data.startswith(_UTF_16)}save the file in UTF-8",
        )
        placed = Lines(text).place(issue, offset, offset + 1)
        raise ConfigError(Findings(source, text, (placed,))) from None


def _reparse(text: str, source: str) -> Document:
    """The document of a text that is no strict JSON, with all that is wrong with it."""
    from driftflow import faults, syntax
    from driftflow.location import Lines, arrange

    lines = Lines(text)
    plain, issues = syntax.blank(text, lines)
    value: Json = None
    fatal: Issue | None = None
    end = len(plain)
    try:
        value = json.loads(plain, parse_int=_integer)
    except json.JSONDecodeError as error:
        fatal, end = faults.explain(error, lines), error.pos
    except RecursionError:  # not only for its depth: a caller may have used most of the stack
        fatal = Issue("nested-too-deep", "nested too deeply")
    issues += syntax.breaches(plain, lines, end)
    fatal = next((issue for issue in issues if issue.code == "nested-too-deep"), fatal)
    if fatal is None:
        return Document(text, plain, value, arrange(issues))
    known = arrange([fatal, *issues])
    raise ConfigError(Findings(source, text, known[: known.index(fatal) + 1]))


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _refuse("a key twice")


def _finite(literal: str) -> float:
    value = float(literal)
    return value if math.isfinite(value) else _refuse(literal)


def _refuse(what: str) -> NoReturn:
    raise ValueError(what)


def _integer(literal: str) -> int | float:
    try:
        return int(literal)
    except ValueError:  # more digits than Python reads
        return math.inf


def _too_deep(document: Json) -> bool:
    level: list[Any] = [[document]]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return False
    return True
