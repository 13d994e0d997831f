"""What ends the reading of a text that is no JSON, in our words, and what would be right."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from driftflow.errors import Issue
from driftflow.reading.syntax import token_start, unclosed
from driftflow.text import shorten

if TYPE_CHECKING:
    from json import JSONDecodeError

    from driftflow.reading.positions import Lines

    Hints: TypeAlias = list[tuple[re.Pattern[str], str]]

_ONE_OBJECT = "a workflow is one JSON object, `{...}`"
# A word, told by what ends it: each version of Python knows more letters. That is why all
# patterns are ASCII ones.
_REST = r"""[^\s"',:;\[\]{}()]"""
_LETTER = r"[A-Za-z_\u00c0-\U0010ffff]"
_NAME = rf"{_LETTER}{_REST}*"
_MISSING_QUOTE = "a quotation mark is missing before this"


def _hints(*pairs: tuple[str, str]) -> Hints:
    return [(re.compile(pattern, re.ASCII), hint) for pattern, hint in pairs]


# What is wrong wherever it stands: what it is, and what to do.
_NEVER = [
    (re.compile(pattern, re.ASCII), fault, hint)
    for pattern, fault, hint in [
        (r"/\*", "a comment without an end", "JSON has no comments: remove it"),
        (r"<<<<<<<|=======|>>>>>>>", "a mark of a merge conflict", "resolve the conflict"),
        (r"[\u2018-\u201f\xab\xbb]", "a typographic quotation mark", 'JSON has `"` only'),
        (r"\.\.\.|…", "an ellipsis", "leave it out"),
        (r"\0", "a NUL character", "save the file in UTF-8"),
        (
            r"(?<=\{)[{%]|\$[\w{(]|(?<=[:,\[{ ])<[A-Za-z_]|%[({]|@\w",
            "a placeholder that was not filled in",
            "write its value",
        ),
        (r"[\uff01-\uff5e]", "a full-width character, U+{code}", "write `{narrow}`"),
        (
            r"[\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]",
            "an invisible character, U+{code}",
            "remove it",
        ),
    ]
]

# By how the text begins that is no JSON object.
_OTHER_LANGUAGES = _hints(
    (r"---|%YAML|- |[A-Za-z_][\w-]*\s*:", f"{_ONE_OBJECT}; DriftFlow reads no YAML"),
    (
        r"\[+(?!true|false|null)[A-Za-z_][\w.-]*\]|[A-Za-z_][\w.-]*\s*=\s*[^\s{]",
        f"{_ONE_OBJECT}; DriftFlow reads no TOML",
    ),
    (r"[^{\[]", _ONE_OBJECT),
)

_INSTEAD_OF_A_VALUE = _hints(
    (r"'|`", "JSON has double quotes only"),
    (
        r"(?i:true|false|yes|no|on|off|null|none|nil|undefined)\b(?!\s*:)",
        "JSON has `true`, `false` and `null`",
    ),
    (rf"{_NAME}\"", _MISSING_QUOTE),
    (_NAME, "put strings in double quotes"),
    (r"\+|\.\d", "begin a number with a digit or `-`: `0.5`"),
    (r",", "there is one comma too many, or a value is missing before it"),
    (r"[]}]", "a value is missing before this"),
)
_INSTEAD_OF_A_KEY = _hints(
    (r"'|`", "JSON has double quotes only"),
    (rf"{_NAME}\"", _MISSING_QUOTE),
    (_NAME, 'put keys in double quotes: `"name"`'),
    (r"\d", "keys are strings, and numbers have no commas within"),
    (r"\{", "the {open} is not closed: a `}` is missing before the comma"),
    (r",", "there is one comma too many"),
)
# Our words for what the json module says, which differs between versions of Python; and the
# hints, of which the first that fits the text at that place is given.
_FAULTS: dict[str, tuple[str, Hints]] = {
    "Expecting value": ("expected a value", _INSTEAD_OF_A_VALUE),
    "Expecting property name enclosed in double quotes": (
        "expected a key in double quotes",
        _INSTEAD_OF_A_KEY,
    ),
    "Expecting ':' delimiter": (
        "expected `:`",
        _hints(
            (r'(?<=:")|(?<=: ")', "a quotation mark is missing behind the key"),
            (r"", "after a key come a colon and its value"),
        ),
    ),
    "Expecting ',' delimiter": (
        "expected `,`",
        _hints(
            (r":", "a comma or a quotation mark is missing before this"),
            (r";", "write `,` instead, or remove it"),
            (r"[+*/]", "JSON has no operators"),
            (
                rf'(?<="){_NAME}"\s*:',
                "the string before this has no quotation mark at its end",
            ),
            (rf'(?<="){_NAME}', r"within a string, write `\"` for a quotation mark"),
            (rf"(?<=[0-9] ){_NAME}", "a number has no unit: remove it"),
            (r"", "a comma is missing before this"),
        ),
    ),
    "Invalid control character at": (
        "a control character in a string",
        _hints((r"\t", r"write a tab as `\t`")),
    ),
    "Invalid \\escape": (
        "an unknown escape in a string",
        _hints(
            (r"\\'", "write `'` without a backslash"),
            (r"\\[\r\n]", r"write a line break as `\n`"),
            (r"\\x[0-9A-Fa-f]{2}", r"write `\u0041` for `\x41`"),
            (r"", r"write a backslash as `\\`"),
        ),
    ),
    "Invalid \\uXXXX escape": (
        r"a `\u` without its four hexadecimal digits",
        _hints((r"", r"write a backslash as `\\`")),
    ),
    "Extra data": (
        "something behind the end of the document",
        _hints(
            (r"[]}]", "there is one bracket too many"), (r"[;,]", "remove it"), (r"", _ONE_OBJECT)
        ),
    ),
}
_SPACE = " \t\n\r"
_CLOSING = {"[": "]", "{": "}"}
_WORD = re.compile(rf"{_LETTER}(?:[0-9]|{_LETTER})*|[0-9]+|.|", re.DOTALL)
_NUMBER_END = re.compile(rf"(?<=[0-9])[A-Za-z0-9_.%]{_REST}*")


class _Fault(NamedTuple):
    """A message, a hint, and the offsets between which the text is meant."""

    message: str
    hint: str | None
    start: int
    end: int


def explain(error: JSONDecodeError, lines: Lines) -> Issue:
    """The issue that ends the reading of a text, in words that no version of Python changes.

    Args:
        error: What the json module says.
        lines: The lines of the text.
    """
    brackets = unclosed(error.doc, error.pos)
    bracket = error.doc[brackets[-1]] if brackets else ""
    fault = (
        _of_a_string(error)
        or _of_an_end(error)
        or _of_a_character(error)
        or _of_a_number(error)
        or _of_a_bracket(error, bracket)
        or _of_json(error)
    )
    issue = Issue("syntax", f"not JSON: {fault.message}", hint=fault.hint)
    if brackets:
        line, column = lines.position(brackets[-1])
        place = f"`{bracket}` at {line}:{column}"
        issue = issue._replace(
            message=issue.message.replace("{open}", place),
            hint=issue.hint and issue.hint.replace("{open}", place),
        )
    return lines.place(issue, fault.start, fault.end)


def _of_a_string(error: JSONDecodeError) -> _Fault | None:
    """A string that does not end on its line."""
    text, offset = error.doc, error.pos
    if error.msg.startswith("Unterminated"):
        start, end = offset, len(text)
    elif error.msg.startswith("Invalid control") and text[offset] in "\r\n":
        start, end = token_start(text, offset), offset
    else:
        return None
    hint = r'end it with `"`, or write a line break in it as `\n`'
    if text[start:end].rstrip(",]} \t").endswith(r"\""):
        hint = r'end it with `"`: `\"` stands for a quotation mark within it'
    elif text[start:end].rstrip().endswith(","):
        hint = 'end it with `"`, before the comma'
    return _Fault("a string without an end", hint, start, end)


def _of_an_end(error: JSONDecodeError) -> _Fault | None:
    """A document that holds nothing, or ends too soon."""
    end = len(error.doc.rstrip(_SPACE))
    if end == 0:
        return _Fault("the document is empty", _ONE_OBJECT, 0, 0)
    if error.pos < end or error.msg.startswith("Invalid"):  # that is in a string
        return None
    return _Fault("the document ends unfinished", "the {open} is not closed", end, end)


def _of_a_character(error: JSONDecodeError) -> _Fault | None:
    """A character that is wrong wherever it stands."""
    text, offset = error.doc, error.pos
    for pattern, found, hint in _NEVER:
        if match := pattern.match(text, offset):
            message = found.replace("{code}", f"{ord(text[offset]):04X}")
            narrow = unicodedata.normalize("NFKC", text[offset])
            return _Fault(message, hint.replace("{narrow}", narrow), *match.span())
    return None


def _of_a_number(error: JSONDecodeError) -> _Fault | None:
    """A number that goes on as none."""
    text, rest = error.doc, _NUMBER_END.match(error.doc, error.pos)
    if rest is None or not error.msg.startswith("Expecting ','"):
        return None
    start = token_start(text, error.pos - 1)
    message = f"`{shorten(text[start : rest.end()])}` is no number"
    return _Fault(message, "numbers are written like `1000`, `0.5` or `1e3`", start, rest.end())


def _of_a_bracket(error: JSONDecodeError, bracket: str) -> _Fault | None:
    """What cannot stand where a comma is expected, since a bracket is open or is another one."""
    text, offset = error.doc, error.pos
    if not error.msg.startswith("Expecting ','"):
        return None
    if text[offset] in "]}":
        hint = f"close that first with `{_CLOSING[bracket]}`, or remove this one"
        return _Fault("this does not close the {open}", hint, offset, offset + 1)
    if (bracket, text[offset]) == ("{", "{"):
        return _Fault("the {open} is not closed", "write `},` before this", offset, offset + 1)
    if (bracket, text[offset]) == ("[", ":"):
        end = len(text[:offset].rstrip(_SPACE))
        hint = "close the {open} before this, or begin an object with `{`"
        return _Fault("a key in an array", hint, token_start(text, end - 1), end)
    return None


def _of_json(error: JSONDecodeError) -> _Fault:
    """What the json module says, in our words."""
    text, offset = error.doc, error.pos
    message, hints = _FAULTS.get(error.msg.rstrip(": "), (error.msg, []))
    beginning = len(text) - len(text.lstrip(_SPACE))
    hint = _first(_OTHER_LANGUAGES, text, beginning) or _first(hints, text, offset)
    word = _WORD.match(text, offset)
    return _Fault(message, hint, offset, word.end() if word else offset)


def _first(hints: Hints, text: str, offset: int) -> str | None:
    return next((hint for pattern, hint in hints if pattern.match(text, offset)), None)
