"""Words for people: what is printed is short, on one line, and drives no terminal.

Pure, and below all else: the one word of DriftFlow's that it knows stands for a hidden value.

Lines escape what could drive a terminal as Python would write it. JSON output escapes the same
characters in JSON's way, so that it stays JSON; the audit is ASCII.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# No message shows more characters of a value.
MAX_SHOWN = 80

# What stands for a value that is not for everybody: of a step that is `sensitive`.
REDACTED = "[redacted]"

# What could break a line or drive a terminal: control characters, line and paragraph
# separators, bidirectional controls, and surrogates, which UTF-8 cannot hold. JSON's own
# escapes cover the first 32 and no more.
_LEFT_BY_JSON = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSAFE = f"[\x00-\x1f{_LEFT_BY_JSON}]"
_UNSAFE_IN_JSON = f"[{_LEFT_BY_JSON}]"

_PLAIN_KEY = r"[A-Za-z_$][\w$-]*"


def escape(text: str) -> str:
    r"""Return the text on one line, with escapes for what drives a terminal: `\n`, `\u202e`."""
    return re.sub(_UNSAFE, lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def format_json(value: Any, *, indent: int | None = None) -> str:
    """Return the value as JSON, as safe to print as what `escape` returns.

    Args:
        value: A JSON value.
        indent: How many blanks a level is indented by; None for compact JSON on one line.

    Raises:
        ValueError: If it holds NaN or Infinity, for which JSON has no form.
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators
    )
    return re.sub(_UNSAFE_IN_JSON, lambda match: f"\\u{ord(match[0]):04x}", text)


def shorten(text: str) -> str:
    """Return the text, cut where it is longer than a message shows."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def join_words(words: Iterable[str]) -> str:
    """Return the words, at least one, as a sentence lists them: `a`, `b` and `c`, in backticks."""
    *others, last = (f"`{word}`" for word in words)
    return f"{', '.join(others)} and {last}" if others else last


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it takes that: `1 step`, `2 steps`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def round_seconds(seconds: float) -> float:
    """Return the seconds to the microsecond, as `round` does, in a quarter of its time."""
    return int(seconds * 1e6 + 0.5) / 1e6


def format_path(path: Iterable[str | int]) -> str:
    """Return a path as people write it, `steps[0].priority`; nothing for an empty one."""
    return "".join(map(_format_part, path)).removeprefix(".")


def format_pointer(path: Iterable[str | int]) -> str:
    """Return a path as a JSON Pointer, `/steps/0/priority`; nothing for an empty one."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "".join(f"/{part}" for part in parts)


def _format_part(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    if re.fullmatch(_PLAIN_KEY, part, re.ASCII):
        return f".{shorten(part)}"
    return f"[{shorten(json.dumps(part, ensure_ascii=False))}]"
