"""What ends the reading of a text, in our words, and what would be right.

The words are ours, because those of Python differ between its versions, and because the tables
know what people bring from other languages: they say what was meant.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from driftflow.errors import MAX_DEPTH
from driftflow.issues import Issue
from driftflow.text import shorten

if TYPE_CHECKING:
    from driftflow.reading.positions import Lines
    from driftflow.reading.scanner import Fault

    Hints: TypeAlias = list[tuple[re.Pattern[str], str]]

_ONE_OBJECT = "a workflow is one JSON object, `{...}`"
# A word, told by what ends it: each version of Python knows more letters. That is why all
# patterns are ASCII ones.
_REST = r"""[^\s"',:;\[\]{}()]"""
_LETTER = r"[A-Za-z_\u00c0-\U0010ffff]"
_NAME = rf"{_LETTER}{_REST}{{0,999}}"  # no longer: each hint that does not fit takes another look
_MISSING_QUOTE = "a quotation mark is missing before this"


def _hints(*pairs: tuple[str, str]) -> Hints:
    return [(re.compile(pattern, re.ASCII), hint) for pattern, hint in pairs]


# What is wrong in itself: how the kind of the fault begins, how the text goes on there, what that
# is, and what to do.
_MISTAKES = [
    (kinds, re.compile(pattern, re.ASCII), message, hint)
    for kinds, pattern, message, hint in [
        ("", r"/\*", "an unterminated comment", "JSON has no comments: remove it"),
        ("", r"<<<<<<<|=======|>>>>>>>", "a merge conflict marker", "resolve the conflict"),
        (
            "",
            r"[\u2018-\u201f\xab\xbb]",
            "a typographic quotation mark",
            'use the straight quotation mark `"`',
        ),
        ("", r"\.\.\.|…", "an ellipsis", "remove it"),
        ("", r"\0", "a NUL character", "save the file as UTF-8"),
        (
            "",
            r"(?<=\{)[{%]|\$[\w{(]|(?<=[:,\[{ ])<[A-Za-z_]|%[({]|@\w",
            "a placeholder that was not filled in",
            "write its value",
        ),
        ("", r"[\uff01-\uff5e]", "a full-width character, U+{code}", "write `{narrow}`"),
        (
            "",
            r"[\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]",
            "an invisible character, U+{code}",
            "remove it",
        ),
        (
            "comma",
            r"[\]}]",
            "this does not close the {open}",
            "close it first with `{close}`, or remove this bracket",
        ),
        ("comma in object", r"\{", "the {open} is not closed", "write `},` before this"),
    ]
]

# By how the text begins that is no JSON object.
_OTHER_LANGUAGES = _hints(
    (r"---|%YAML|- |[A-Za-z_][\w-]{0,999}\s*:", f"{_ONE_OBJECT}; YAML is not supported"),
    (
        r"\[+(?!true|false|null)[A-Za-z_][\w.-]{0,999}\]|[A-Za-z_][\w.-]{0,999}\s*=\s*[^\s{]",
        f"{_ONE_OBJECT}; TOML is not supported",
    ),
    (r"[^{\[]", _ONE_OBJECT),
)

_INSTEAD_OF_A_VALUE = _hints(
    (r"'|`", "put it in double quotes"),
    (
        r"(?i:true|false|yes|no|on|off|null|none|nil|undefined)\b(?!\s*:)",
        "JSON spells these `true`, `false` and `null`",
    ),
    (rf"{_NAME}\"", _MISSING_QUOTE),
    (_NAME, "put strings in double quotes"),
    (r"\+|\.\d", "begin a number with a digit or `-`: `0.5`"),
    (r",", "remove the extra comma, or add the missing value before it"),
    (r"[]}]", "a value is missing before this"),
)
_INSTEAD_OF_A_KEY = _hints(
    (r"'|`", 'put keys in double quotes: `"name"`'),
    (rf"{_NAME}\"", _MISSING_QUOTE),
    (_NAME, 'put keys in double quotes: `"name"`'),
    (r"\d", "put keys in double quotes; write numbers without commas: `1000`"),
    (r"\{", "the {open} is not closed: a `}` is missing before the comma"),
    (r",", "remove the extra comma"),
)
_INSTEAD_OF_A_COMMA = _hints(
    (r":", "a comma or a quotation mark is missing before this"),
    (r";", "write `,` instead, or remove it"),
    (r"[+*/]", "JSON has no operators: write the result"),
    (rf'(?<="){_NAME}"\s*:', "the string before this has no closing quotation mark"),
    (rf'(?<="){_NAME}', r"inside a string, write a quotation mark as `\"`"),
    (rf"(?<=[0-9] ){_NAME}", "numbers cannot have units: remove it"),
    (r"", "a comma is missing before this"),
)
# What each fault is called, and the hints, of which the first that fits what stands there is given.
_FAULTS: dict[str, tuple[str, Hints]] = {
    "value": ("expected a value", _INSTEAD_OF_A_VALUE),
    "key": ("expected a key in double quotes", _INSTEAD_OF_A_KEY),
    "comma in array": ("expected `,`", _INSTEAD_OF_A_COMMA),
    "comma in object": ("expected `,`", _INSTEAD_OF_A_COMMA),
    "colon": (
        "expected `:`",
        _hints(
            (r'(?<=:")|(?<=: ")', "a quotation mark is missing after the key"),
            (r"", "a key must be followed by a colon and a value"),
        ),
    ),
    "control": (
        "a control character in a string",
        _hints((r"\t", r"write a tab as `\t`")),
    ),
    "escape": (
        "an invalid escape sequence in a string",
        _hints(
            (r"\\'", "write `'` without a backslash"),
            (r"\\[\r\n]", r"write a line break as `\n`"),
            (r"\\x[0-9A-Fa-f]{2}", r"write `\x41` as `\u0041`"),
            (r"", r"write a backslash as `\\`"),
        ),
    ),
    "unicode": (
        r"a `\u` without its four hexadecimal digits",
        _hints((r"", r"write a backslash as `\\`")),
    ),
    "end": (
        "extra text after the end of the document",
        _hints((r"[]}]", "remove the extra bracket"), (r"[;,]", "remove it"), (r"", _ONE_OBJECT)),
    ),
}
_SPACE = " \t\n\r"
_WORD = re.compile(rf"{_LETTER}[0-9{_LETTER[1:]}*|[0-9]+|.|", re.DOTALL)
_NUMBER_END = re.compile(rf"(?<=[0-9])[A-Za-z0-9_.%]{_REST}*")


class _Found(NamedTuple):
    """A message, a hint, and the offsets between which the text is meant."""

    message: str
    hint: str | None
    start: int
    end: int


def explain(fault: Fault, text: str, lines: Lines) -> Issue:
    """Return the issue that ends the reading of a text.

    Args:
        fault: What ended it.
        text: The text, with blanks for its comments.
        lines: Its lines.
    """
    if fault.kind == "depth":
        issue = Issue("nested-too-deep", f"nested deeper than {MAX_DEPTH} levels")
        return lines.place(issue, fault.offset, fault.offset + 1)
    found = (
        _find_unended_string(fault, text)
        or _find_end(fault, text)
        or _find_mistake(fault, text)
        or _find_token(fault, text)
        or _find_kind(fault, text)
    )
    issue = Issue("syntax", f"invalid JSON: {found.message}", hint=found.hint)
    for offset in fault.brackets[-1:]:
        line, column = lines.position(offset)
        bracket = f"`{text[offset]}` at {line}:{column}"
        hint = issue.hint and issue.hint.replace("{close}", {"[": "]", "{": "}"}[text[offset]])
        issue = issue._replace(
            message=issue.message.replace("{open}", bracket),
            hint=hint and hint.replace("{open}", bracket),
        )
    return lines.place(issue, found.start, found.end)


def _find_unended_string(fault: Fault, text: str) -> _Found | None:
    """Return that a string does not end on its line."""
    if fault.kind != "unended":
        return None
    start, end = fault.token
    end = end if end > start else len(text)
    hint = r'end it with `"`, or write a line break in it as `\n`'
    if text[start:end].rstrip(",]} \t").endswith(r"\""):
        hint = r'end it with `"`: `\"` does not close it, but is a quotation mark inside it'
    elif text[start:end].rstrip().endswith(","):
        hint = 'end it with `"`, before the comma'
    return _Found("an unterminated string", hint, start, end)


def _find_end(fault: Fault, text: str) -> _Found | None:
    """Return that a document holds nothing, or ends too soon."""
    if fault.offset < len(text):
        return None
    end = len(text.rstrip(_SPACE))
    if end == 0:
        return _Found("the document is empty", _ONE_OBJECT, 0, 0)
    return _Found("unexpected end of the document", "the {open} is not closed", end, end)


def _find_mistake(fault: Fault, text: str) -> _Found | None:
    """Return what is wrong for itself with the character at the fault."""
    character = text[fault.offset]
    narrow = unicodedata.normalize("NFKC", character)
    for kind, pattern, message, hint in _MISTAKES:
        if fault.kind.startswith(kind) and (match := pattern.match(text, fault.offset)):
            message_here = message.replace("{code}", f"{ord(character):04X}")
            return _Found(message_here, hint.replace("{narrow}", narrow), *match.span())
    return None


def _find_token(fault: Fault, text: str) -> _Found | None:
    """Return what is wrong with the token before the fault: a number that goes on, or a key."""
    start, end = fault.token
    if not fault.kind.startswith("comma"):
        return None
    if rest := _NUMBER_END.match(text, fault.offset):
        message = f"`{shorten(text[start : rest.end()])}` is not a number"
        return _Found(message, "numbers are written like `1000`, `0.5` or `1e3`", start, rest.end())
    if (fault.kind, text[fault.offset]) == ("comma in array", ":"):
        hint = "close the {open} before this, or begin an object with `{`"
        return _Found("a key in an array", hint, start, end)
    return None


def _find_kind(fault: Fault, text: str) -> _Found:
    """Return what is wrong by the kind of the fault."""
    message, hints = _FAULTS[fault.kind]
    beginning = len(text) - len(text.lstrip(_SPACE))
    hint = _first(_OTHER_LANGUAGES, text, beginning) or _first(hints, text, fault.offset)
    word = _WORD.match(text, fault.offset)
    return _Found(message, hint, fault.offset, word.end() if word else fault.offset)


def _first(hints: Hints, text: str, offset: int) -> str | None:
    return next((hint for pattern, hint in hints if pattern.match(text, offset)), None)
