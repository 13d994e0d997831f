"""What is not strict about a text, each with our words, its place and a hint."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.errors import ConfigError, Issue
from driftflow.reading.document import parse
from driftflow.reading.positions import Lines
from driftflow.reading.syntax import blank, breaches, token_start, unclosed

COMMENT = "JSON has no comments; keep a note in a field that begins with `x-`, `_` or `//`"
NUMBER = "where a string will do, put it in double quotes"
LAST_COMMA = "not JSON: a comma behind the last element"


def found(text: str) -> tuple[Issue, ...]:
    """All that is wrong with the text."""
    try:
        return parse(text.encode(), "a.json").issues
    except ConfigError as error:
        return error.issues


@pytest.mark.parametrize(
    ("text", "message", "hint", "span"),
    [
        ('{"a": 1,\n}', LAST_COMMA, "remove the comma", (1, 8, 9)),
        ("[1, 2 , ]", LAST_COMMA, "remove the comma", (1, 7, 8)),
        ("[1, // one\n 2]", "not JSON: a comment", COMMENT, (1, 5, 11)),
        ("# one\r\n[]", "not JSON: a comment", COMMENT, (1, 1, 6)),
        ("[/* one\n two */ 1]", "not JSON: a comment", COMMENT, (1, 2, 8)),
        ('{"a": NaN}', "NaN is no JSON number", None, (1, 7, 10)),
        ('["NaN", Infinity]', "Infinity is no JSON number", None, (1, 9, 17)),
        ("[\n-Infinity]", "-Infinity is no JSON number", None, (2, 1, 10)),
        ("[1e308, -1e400]", "a number too large for a float", NUMBER, (1, 9, 15)),
        (f"[{'9' * 5000}]", "an integer of 5000 digits is too large", NUMBER, (1, 2, 5002)),
        (f"[-{'9' * 4301}]", "an integer of 4301 digits is too large", NUMBER, (1, 2, 4304)),
        (
            '{"a": 1, "b": 2, "a": 3}',
            "the key `a` stands here twice",
            "the first is at 1:2: remove one of them",
            (1, 18, 21),
        ),
        (
            '{"a": {"a": 1},\n"\\u0061": 3}',
            "the key `a` stands here twice",
            "the first is at 1:2: remove one of them",
            (2, 1, 9),
        ),
        (
            '[{"a\\"}": 1,\n "a\\"}" : 2}]',
            'the key `a"}` stands here twice',
            "the first is at 1:3: remove one of them",
            (2, 2, 8),
        ),
    ],
)
def test_each_fault_has_its_words_its_hint_and_its_place(
    text: str, message: str, hint: str | None, span: tuple[int, int, int]
) -> None:
    """The line and its first and last column; the same on every version of Python."""
    (issue,) = found(text)
    assert (issue.message, issue.hint) == (message, hint)
    assert (issue.line, issue.column, issue.end_column) == span


def test_every_comment_and_every_last_comma_is_reported() -> None:
    """However they are mixed; strings that look like them are left alone."""
    text = '{"//": "/*,]", // one\n "a": [1 , /* two */ , # three\n], "b": {"c": ",}" }, }'
    assert [(issue.line, issue.column) for issue in found(text)] == [
        (1, 16),
        (2, 10),
        (2, 12),
        (2, 22),
        (2, 24),
        (3, 21),
    ]


@given(workflows.values, st.sampled_from(["// c\n", "/* , ] } */", "# c\r\n", " "]))
def test_blanking_leaves_a_good_text_and_every_offset_alone(value: object, comment: str) -> None:
    """A text with comments and last commas says what it says without them."""
    good = json.dumps(value, indent=1)
    assert blank(good, Lines(good), len(good)) == (good, [])
    noisy = f"{comment}[{good},{comment}]"
    plain, _ = blank(noisy, Lines(noisy), len(noisy))
    assert json.loads(plain) == [value]
    assert len(plain) == len(noisy)
    assert [at for at, end in enumerate(plain) if end in "\r\n"] == [
        at for at, end in enumerate(noisy) if end in "\r\n"
    ]


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 200_000, "/* " * 200_000, "[" + ", " * 200_000, "// " * 200_000]
)
def test_a_hostile_text_is_read_once(text: str) -> None:
    """What has no end reaches to that of the text: nothing is tried again from each character."""
    assert found(text)


def test_a_long_key_is_cut_in_the_message() -> None:
    """No message shows more than 80 characters of a value."""
    for key, shown in [("k" * 80, "k" * 80), ("k" * 81, "k" * 80 + "…")]:
        (issue,) = found(f'{{"{key}": 1, "{key}": 2}}')
        assert issue.message == f"the key `{shown}` stands here twice"


def test_a_key_that_stands_three_times_is_reported_twice() -> None:
    """Each refers to the first."""
    assert [issue.hint for issue in found('{"a": 1, "a": 2, "a": 3}')] == [
        "the first is at 1:2: remove one of them"
    ] * 2


def test_an_integer_is_not_blamed_where_python_knows_no_limit() -> None:
    """As with PYTHONINTMAXSTRDIGITS=0: what is reported is what is wrong."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        codes = [issue.code for issue in found('{"a": ' + "9" * 5000 + ', "a": 1}')]
    finally:
        sys.set_int_max_str_digits(limit)
    assert codes == ["duplicate-key"]


def test_a_comment_without_an_end_is_left_in() -> None:
    """It ends the reading, whatever stands behind it."""
    for text in ("[1 /* 2 ]", "[1 /*", "[1 /*/", "/**"):
        assert blank(text, Lines(text), len(text)) == (text, [])
    text = "[1, /**/ /***/ 2]"
    assert blank(text, Lines(text), len(text))[0] == "[1,            2]"


@pytest.mark.parametrize("text", ["[,]", '{"a":,}', "[ // b\n ,]", "[[,1]]"])
def test_a_comma_that_follows_no_value_is_left_in(text: str) -> None:
    """Not the comma is too many, a value is missing."""
    assert "," in blank(text, Lines(text), len(text))[0]


def test_a_run_of_trailing_commas_is_one_issue() -> None:
    """From the first to the last."""
    text = "[1, ,\n,,]"
    plain, (issue,) = blank(text, Lines(text), len(text))
    assert plain == "[1   \n  ]"
    assert (issue.line, issue.column, issue.end_column) == (1, 3, 6)


def test_brackets_that_are_too_many_are_no_error() -> None:
    """A text can be too much for the stack before it is known to be no JSON."""
    text = "[]]]"
    assert list(breaches(text, Lines(text), len(text))) == []
    assert unclosed(text, len(text)) == []


def test_the_brackets_that_are_open_are_found() -> None:
    """Up to a place; those in strings are none."""
    text = '{"[": [1, {"a": "]"}, [2'
    assert [text[offset] for offset in unclosed(text, len(text))] == ["{", "[", "["]
    assert unclosed(text, 7) == [0, 6]
    assert unclosed(text, 6) == [0]
    assert unclosed("[]", 2) == []


def test_the_token_to_which_an_offset_belongs_begins_somewhere() -> None:
    """A string or a number, also one without an end."""
    text = '["a\\"b", -1.5e3, "c'
    for part in ('"a', "-1.5", '"c'):
        start = text.index(part)
        assert {token_start(text, offset) for offset in (start, start + 1)} == {start}


def test_nothing_is_reported_behind_the_end_that_is_given() -> None:
    """There the text need not be JSON."""
    text = '{"a": NaN, "b": NaN'
    assert len(list(breaches(text, Lines(text), len(text)))) == 2
    assert len(list(breaches(text, Lines(text), text.index("b")))) == 1
