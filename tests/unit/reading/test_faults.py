"""What ends the reading of a text is said in our words, at its place, with what would be right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.errors import ConfigError
from driftflow.reading.document import parse

if TYPE_CHECKING:
    from driftflow.issues import Issue

OBJECT = "a workflow is one JSON object, `{...}`"
YAML = f"{OBJECT}; YAML is not supported"
TOML = f"{OBJECT}; TOML is not supported"
VALUE = "expected a value"
KEY = "expected a key in double quotes"
COMMA = "expected `,`"
COLON = "expected `:`"
BEHIND = "extra text after the end of the document"
ESCAPE = "an invalid escape sequence in a string"
STRING = "an unterminated string"
UNFINISHED = "unexpected end of the document"
COMMENT = "JSON has no comments: remove it"
QUOTES = "put it in double quotes"
LITERALS = "JSON spells these `true`, `false` and `null`"
IN_QUOTES = "put strings in double quotes"
KEYS = 'put keys in double quotes: `"name"`'
DIGIT = "begin a number with a digit or `-`: `0.5`"
QUOTE_MISSING = "a quotation mark is missing before this"
COMMA_MISSING = "a comma is missing before this"
PLACEHOLDER = "a placeholder that was not filled in"
FILL_IN = "write its value"
NUMBERS = "numbers are written like `1000`, `0.5` or `1e3`"
END_IT = 'end it with `"`, or write a line break in it as `\\n`'
BEFORE_THE_COMMA = 'end it with `"`, before the comma'
BACKSLASH = "write a backslash as `\\\\`"
A_VALUE_MISSING = "a value is missing before this"


def fault(text: str) -> Issue:
    """What ends the reading of the text."""
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), "a.json")
    return caught.value.issues[-1]


@pytest.mark.parametrize(
    ("text", "message", "hint", "span"),
    [
        # Nothing, too little, too much.
        ("", "the document is empty", OBJECT, (1, 1, 1)),
        (" \n\t\r\n", "the document is empty", OBJECT, (1, 1, 1)),
        ('{"a": 1', UNFINISHED, "the `{` at 1:1 is not closed", (1, 8, 8)),
        ('{"a": [\n\n', UNFINISHED, "the `[` at 1:7 is not closed", (1, 8, 8)),
        ('{"a": [],', UNFINISHED, "the `{` at 1:1 is not closed", (1, 10, 10)),
        ('{"a": 1}}', BEHIND, "remove the extra bracket", (1, 9, 10)),
        ('{"a": 1};', BEHIND, "remove it", (1, 9, 10)),
        ("\n{} {}", BEHIND, OBJECT, (2, 4, 5)),
        # Brackets.
        (
            '{"a": [\n {"b": 1},\n "c": 2}',
            "a key in an array",
            "close the `[` at 1:7 before this, or begin an object with `{`",
            (3, 2, 5),
        ),
        (
            '{"a": [{"b": 1]}',
            "this does not close the `{` at 1:8",
            "close it first with `}`, or remove this bracket",
            (1, 15, 16),
        ),
        (
            '{"a": [1}',
            "this does not close the `[` at 1:7",
            "close it first with `]`, or remove this bracket",
            (1, 9, 10),
        ),
        (
            '[{"a": 1\n {"b": 2}]',
            "the `{` at 1:2 is not closed",
            "write `},` before this",
            (2, 2, 3),
        ),
        ("[1 {}]", COMMA, COMMA_MISSING, (1, 4, 5)),
        (
            '[{"a": 1,\n {"b": 2}]',
            KEY,
            "the `{` at 1:2 is not closed: a `}` is missing before the comma",
            (2, 2, 3),
        ),
        # Commas and colons.
        ('{"a": 1\n "b": 2}', COMMA, COMMA_MISSING, (2, 2, 3)),
        ("[1 2]", COMMA, COMMA_MISSING, (1, 4, 5)),
        ('{"a": 1; "b": 2}', COMMA, "write `,` instead, or remove it", (1, 8, 9)),
        ('{"a": "b" + "c"}', COMMA, "JSON has no operators: write the result", (1, 11, 12)),
        (
            '{"a": "b": 1}',
            COMMA,
            "a comma or a quotation mark is missing before this",
            (1, 10, 11),
        ),
        (
            "[1, , 2]",
            VALUE,
            "remove the extra comma, or add the missing value before it",
            (1, 5, 6),
        ),
        ('{"a": 1,, "b": 2}', KEY, "remove the extra comma", (1, 9, 10)),
        ('{"a" 1}', COLON, "a key must be followed by a colon and a value", (1, 6, 7)),
        ('{"a" = 1}', COLON, "a key must be followed by a colon and a value", (1, 6, 7)),
        ('{"a": }', VALUE, A_VALUE_MISSING, (1, 7, 8)),
        # Quotation marks.
        ("{name: 1}", KEY, KEYS, (1, 2, 6)),
        ("{'name': 1}", KEY, KEYS, (1, 2, 3)),
        ("{`name`: 1}", KEY, KEYS, (1, 2, 3)),
        ("{\"name\": 'demo'}", VALUE, QUOTES, (1, 10, 11)),
        ('{"name": `demo`}', VALUE, QUOTES, (1, 10, 11)),
        ('{"name": demo}', VALUE, IN_QUOTES, (1, 10, 14)),
        ('{"name": demo"}', VALUE, QUOTE_MISSING, (1, 10, 14)),
        ('{"a": 1, name": 2}', KEY, QUOTE_MISSING, (1, 10, 14)),
        ('{"name: "demo"}', COLON, "a quotation mark is missing after the key", (1, 10, 14)),
        ('{"name:"demo"}', COLON, "a quotation mark is missing after the key", (1, 9, 13)),
        (
            '{"a": "say "hi" to"}',
            COMMA,
            'inside a string, write a quotation mark as `\\"`',
            (1, 13, 15),
        ),
        (
            '{"a": “b”}',
            "a typographic quotation mark",
            'use the straight quotation mark `"`',
            (1, 7, 8),
        ),
        (
            "{\n  \u2018a\u2019: 1}",
            "a typographic quotation mark",
            'use the straight quotation mark `"`',
            (2, 3, 4),
        ),
        ('{"a": "b}', STRING, END_IT, (1, 7, 10)),
        ('{"a": "b\n}', STRING, END_IT, (1, 7, 9)),
        ('{"a": "b,\n"c": 1}', STRING, BEFORE_THE_COMMA, (1, 7, 10)),
        ('{"a": "b, \r\n"c": 1}', STRING, BEFORE_THE_COMMA, (1, 7, 11)),
        (
            '{"name": "fetch, "action": "echo"}',
            COMMA,
            "the string before this has no closing quotation mark",
            (1, 19, 25),
        ),
        (
            '{"a": "C:\\\\d\\"}\n',
            STRING,
            'end it with `"`: `\\"` does not close it, but is a quotation mark inside it',
            (1, 7, 16),
        ),
        # Within strings.
        ('{"a": "\t"}', "a control character in a string", "write a tab as `\\t`", (1, 8, 9)),
        ('"\t', "a control character in a string", OBJECT, (1, 2, 3)),
        ('{"a": "\x01"}', "a control character in a string", None, (1, 8, 9)),
        ('{"a": "\0"}', "a NUL character", "save the file as UTF-8", (1, 8, 9)),
        ('{"a": "C:\\d"}', ESCAPE, BACKSLASH, (1, 10, 11)),
        ('{"a": "C:\\xampp"}', ESCAPE, BACKSLASH, (1, 10, 11)),
        ('{"a": "it\\\'s"}', ESCAPE, "write `'` without a backslash", (1, 10, 11)),
        ('{"a": "\\x41"}', ESCAPE, "write `\\x41` as `\\u0041`", (1, 8, 9)),
        ('{"a": "b\\\nc"}', ESCAPE, "write a line break as `\\n`", (1, 9, 10)),
        (
            '{"a": "\\u12"}',
            "a `\\u` without its four hexadecimal digits",
            BACKSLASH,
            (1, 9, 12),
        ),
        # Words and numbers of other languages.
        ('{"a": True}', VALUE, LITERALS, (1, 7, 11)),
        ('{"a": None}', VALUE, LITERALS, (1, 7, 11)),
        ('{"a": FALSE}', VALUE, LITERALS, (1, 7, 12)),
        ('{"a": yes}', VALUE, LITERALS, (1, 7, 10)),
        ('{"a": nothing}', VALUE, IN_QUOTES, (1, 7, 14)),
        ('{"a": .5}', VALUE, DIGIT, (1, 7, 8)),
        ('{"a": +5}', VALUE, DIGIT, (1, 7, 8)),
        ('{"a": -}', VALUE, None, (1, 7, 8)),
        ('{"a": 1_000}', "`1_000` is not a number", NUMBERS, (1, 7, 12)),
        ('{"a": 007}', "`007` is not a number", NUMBERS, (1, 7, 10)),
        ('{"a": -0x10}', "`-0x10` is not a number", NUMBERS, (1, 7, 12)),
        ('{"a": 5.}', "`5.` is not a number", NUMBERS, (1, 7, 9)),
        ('{"a": 1.2.3}', "`1.2.3` is not a number", NUMBERS, (1, 7, 12)),
        ('{"a": 1e}', "`1e` is not a number", NUMBERS, (1, 7, 9)),
        ('{"a": 5%}', "`5%` is not a number", NUMBERS, (1, 7, 9)),
        (f'{{"a": {"0" * 90}}}', f"`{'0' * 80}…` is not a number", NUMBERS, (1, 7, 97)),
        ('{"a": 5 ms}', COMMA, "numbers cannot have units: remove it", (1, 9, 11)),
        (
            '{"a": 1,000}',
            KEY,
            "put keys in double quotes; write numbers without commas: `1000`",
            (1, 9, 12),
        ),
        # What is wrong anywhere.
        ('{"a": 1, /* b', "an unterminated comment", COMMENT, (1, 10, 12)),
        ('{"a": 1 /* b \n}', "an unterminated comment", COMMENT, (1, 9, 11)),
        ("{\n<<<<<<< HEAD\n}", "a merge conflict marker", "resolve the conflict", (2, 1, 8)),
        ('{"a": 1,\n=======\n}', "a merge conflict marker", "resolve the conflict", (2, 1, 8)),
        ('{"a": 1,\n>>>>>>> b\n}', "a merge conflict marker", "resolve the conflict", (2, 1, 8)),
        ('{"a": {{ n }}}', PLACEHOLDER, FILL_IN, (1, 8, 9)),
        ('{"a": {% if b %}1}', PLACEHOLDER, FILL_IN, (1, 8, 9)),
        ('{"a": $TIMEOUT}', PLACEHOLDER, FILL_IN, (1, 7, 9)),
        ('{"a": ${TIMEOUT}}', PLACEHOLDER, FILL_IN, (1, 7, 9)),
        ('{"a": <TIMEOUT>}', PLACEHOLDER, FILL_IN, (1, 7, 9)),
        ('{"a": %(timeout)s}', PLACEHOLDER, FILL_IN, (1, 7, 9)),
        ('{"a": @\u00e9}', VALUE, None, (1, 7, 8)),
        ('{"a": @timeout@}', PLACEHOLDER, FILL_IN, (1, 7, 9)),
        ('{"a"\uff1a 1}', "a full-width character, U+FF1A", "write `:`", (1, 5, 6)),
        ('{"a": 1\uff0c "b": 2}', "a full-width character, U+FF0C", "write `,`", (1, 8, 9)),
        ('{"a": [ ... ]}', "an ellipsis", "remove it", (1, 9, 12)),
        ('{"a": …}', "an ellipsis", "remove it", (1, 7, 8)),
        ('{\xa0"a": 1}', "an invisible character, U+00A0", "remove it", (1, 2, 3)),
        ('{"a": 1}\u200b', "an invisible character, U+200B", "remove it", (1, 9, 10)),
        ('{"a": 1}\xa0', "an invisible character, U+00A0", "remove it", (1, 9, 10)),
        ("\ufeff\ufeff{}", "an invisible character, U+FEFF", "remove it", (1, 1, 2)),
        # Other languages.
        ("name: demo\nsteps: []\n", VALUE, YAML, (1, 1, 5)),
        ("---\n", VALUE, YAML, (1, 1, 2)),
        ("- a\n- b\n", VALUE, YAML, (1, 1, 2)),
        ('[workflow]\nname = "a"', VALUE, TOML, (1, 2, 10)),
        ('name = "a"', VALUE, TOML, (1, 1, 5)),
        ("<html></html>", VALUE, OBJECT, (1, 1, 2)),
        ("[[true]]]", BEHIND, "remove the extra bracket", (1, 9, 10)),
        (
            "[true: 1]",
            "a key in an array",
            "close the `[` at 1:1 before this, or begin an object with `{`",
            (1, 2, 6),
        ),
        ('<?xml version="1.0"?>', VALUE, OBJECT, (1, 1, 2)),
        ("```json\n{}\n```", VALUE, OBJECT, (1, 1, 2)),
        ('"a": 1', BEHIND, OBJECT, (1, 4, 5)),
        ("}", VALUE, OBJECT, (1, 1, 2)),
        ("[a, b]", VALUE, IN_QUOTES, (1, 2, 3)),
    ],
)
def test_each_fault_has_its_words_its_hint_and_its_place(
    text: str, message: str, hint: str | None, span: tuple[int, int, int]
) -> None:
    """The line and its first and last column; the same on every version of Python."""
    issue = fault(text)
    assert issue.code == "syntax"
    assert (issue.message, issue.hint) == (f"invalid JSON: {message}", hint)
    assert (issue.line, issue.column, issue.end_column) == span


@given(workflows.values, st.data())
def test_a_good_text_with_a_fault_in_it_is_refused_in_our_words(
    value: object, data: st.DataObject
) -> None:
    """Wherever something is put in or left out: never in the words of the json module."""
    text = json.dumps([value], indent=data.draw(st.sampled_from([None, 1])))
    at = data.draw(st.integers(0, len(text)))
    left_out = data.draw(st.integers(0, 2))
    put_in = data.draw(
        st.sampled_from(["", ",", ":", "}", "]", "{", "[", '"', "x", "\\", "\n", "0"])
    )
    changed = text[:at] + put_in + text[at + left_out :]
    try:
        issues = parse(changed.encode(), "a.json").issues
    except ConfigError as error:
        issues = error.issues
    for issue in issues:
        assert issue.message[0].islower() or issue.code != "syntax"
        assert "Expecting" not in issue.message
        assert "{open}" not in str(issue.hint)
        assert issue.line is not None
