"""What is not strict about a text, each with our words, its place and a hint."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.errors import ConfigError
from driftflow.reading.document import parse
from driftflow.reading.positions import Lines
from driftflow.reading.scanner import Fault, scan

if TYPE_CHECKING:
    from driftflow.issues import Issue

COMMENT = "remove the comment; to keep a note, use a field whose name begins with `x-`, `_` or `//`"
NUMBER = "if a string is possible here, put the number in double quotes"
FINITE = "JSON has only finite numbers: write `null` or a string"
LAST_COMMA = "invalid JSON: trailing comma"


def found(text: str) -> tuple[Issue, ...]:
    """All that is wrong with the text."""
    try:
        return parse(text.encode(), "a.json").issues
    except ConfigError as error:
        return error.issues


def scanned(text: str) -> tuple[str, list[Issue], Fault | None]:
    """What the pass over the text gives."""
    return scan(Lines(text))


@pytest.mark.parametrize(
    ("text", "message", "hint", "span"),
    [
        ('{"a": 1,\n}', LAST_COMMA, "remove the comma", (1, 8, 9)),
        ("[1, 2 , ]", LAST_COMMA, "remove the comma", (1, 7, 8)),
        ("[1, // one\n 2]", "invalid JSON: comments are not allowed", COMMENT, (1, 5, 11)),
        ("# one\r\n[]", "invalid JSON: comments are not allowed", COMMENT, (1, 1, 6)),
        ("[/* one\n two */ 1]", "invalid JSON: comments are not allowed", COMMENT, (1, 2, 8)),
        ('{"a": NaN}', "NaN is not a JSON number", FINITE, (1, 7, 10)),
        ('["NaN", Infinity]', "Infinity is not a JSON number", FINITE, (1, 9, 17)),
        ("[\n-Infinity]", "-Infinity is not a JSON number", FINITE, (2, 1, 10)),
        ("[1e308, -1e400]", "the number is too large for a float", NUMBER, (1, 9, 15)),
        (f"[{'9' * 5000}]", "an integer of 5000 digits is too large", NUMBER, (1, 2, 5002)),
        (f"[-{'9' * 4301}]", "an integer of 4301 digits is too large", NUMBER, (1, 2, 4304)),
        (
            '{"a": 1, "b": 2, "a": 3}',
            "duplicate key `a`",
            "the first is at 1:2: remove one of them",
            (1, 18, 21),
        ),
        (
            '{"a": {"a": 1},\n"\\u0061": 3}',
            "duplicate key `a`",
            "the first is at 1:2: remove one of them",
            (2, 1, 9),
        ),
        (
            '[{"a\\"}": 1,\n "a\\"}" : 2}]',
            'duplicate key `a"}`',
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
    assert scanned(good) == (good, [], None)
    noisy = f"{comment}[{good},{comment}]"
    plain, _, fault = scanned(noisy)
    assert fault is None
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
        assert issue.message == f"duplicate key `{shown}`"


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
        plain, issues, fault = scanned(text)
        assert (plain, issues) == (text, [])
        assert fault is not None
        assert fault.offset == text.index("/*")
    assert scanned("[1, /**/ /***/ 2]")[0] == "[1,            2]"


def test_a_comment_of_many_lines_keeps_its_line_ends() -> None:
    """All else of it becomes blanks, of any script."""
    assert scanned("[/* é\r\n\t😀\r\n*/]")[0] == "[    \r\n  \r\n  ]"


@pytest.mark.parametrize("text", ["[,]", '{"a":,}', "[ // b\n ,]", "[[,1]]"])
def test_a_comma_that_follows_no_value_is_left_in(text: str) -> None:
    """Not the comma is too many, a value is missing."""
    plain, _, fault = scanned(text)
    assert fault is not None
    assert plain[fault.offset] == ","


def test_a_run_of_trailing_commas_is_one_issue() -> None:
    """From the first to the last."""
    plain, (issue,), _ = scanned("[1, ,\n,,]")
    assert plain == "[1   \n  ]"
    assert (issue.line, issue.column, issue.end_column) == (1, 3, 6)


def test_a_trailing_comma_is_one_behind_any_number_of_comments() -> None:
    """As long as their issues are told."""
    plain, issues, fault = scanned("[1," + "//\n" * 900 + "]")
    assert (json.loads(plain), len(issues), fault) == ([1], 901, None)


@pytest.mark.parametrize(
    ("text", "kind", "offset", "token", "brackets"),
    [
        ("", "value", 0, (0, 0), []),
        ("[1,\n", "value", 4, (2, 3), [0]),
        ("[1, x]", "value", 4, (2, 3), [0]),
        ("{1}", "key", 1, (0, 1), [0]),
        ('{"a": [[]], "b": [{ x', "key", 20, (18, 19), [0, 17, 18]),
        ('{"a" 1}', "colon", 5, (1, 4), [0]),
        ("[1, [2], 34 5]", "comma in array", 12, (9, 11), [0]),
        ('{"a": "[" }}', "end", 11, (10, 11), []),
        ('[{"[": "]" ]', "comma in object", 11, (7, 10), [0, 1]),
        ('["\\"b', "unended", 1, (1, 1), [0]),
        ('["b\n"]', "unended", 3, (1, 3), [0]),
        ('["b\t"]', "control", 3, (1, 3), [0]),
        ('["b\\c"]', "escape", 3, (1, 3), [0]),
        ('["\\ud83d\\u12"]', "unicode", 9, (1, 9), [0]),
        ('[1 "b\t"]', "comma in array", 3, (1, 2), [0]),
        ("[" * 129, "depth", 128, (127, 128), [*range(129)]),
        ("[1, 2, {}, 03]", "comma in array", 12, (11, 12), [0]),
    ],
)
def test_the_first_fault_ends_the_pass(
    text: str, kind: str, offset: int, token: tuple[int, int], brackets: list[int]
) -> None:
    """With what should have been there, the token before it, and the brackets that are open."""
    assert scanned(text)[2] == (kind, offset, token, brackets)


@given(workflows.values, st.data())
def test_a_fault_is_where_the_json_module_finds_it(value: object, data: st.DataObject) -> None:
    """Where that finds none, there is none."""
    text = json.dumps([value], indent=data.draw(st.sampled_from([None, 1])))
    at = data.draw(st.integers(0, len(text)))
    pieces = st.sampled_from([*',:[]{}"x\\\n\t0-.', "", "1e", "null", "\\u1", "NaN", '"a":', "[]"])
    text = text[:at] + data.draw(pieces) + text[at + data.draw(st.integers(0, 2)) :]
    plain, _, fault = scanned(text)
    assert (fault and fault.offset) == offset_of_fault(plain)


def offset_of_fault(text: str) -> int | None:
    """Where the json module finds one."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos
    return None


def test_a_value_is_no_key() -> None:
    """Though a colon follows it: that is the fault, and no key stands twice."""
    assert [issue.code for issue in found('{"a": "a": 1}')] == ["syntax"]


def test_only_the_number_that_is_wrong_is_blamed() -> None:
    """Not those before it."""
    issue = found("[1, 2, 02]")[-1]
    assert (issue.message, issue.column) == ("invalid JSON: `02` is not a number", 8)


def test_comments_near_a_fault_are_not_taken_for_what_stands_there() -> None:
    """Hints look at what follows; those comments are no issues."""
    (issue,) = found('{"a": 5ms//x\n}')
    assert issue.message == "invalid JSON: `5ms` is not a number"


def test_a_run_of_items_is_not_skipped_below_the_greatest_depth() -> None:
    """An empty array among them is one level more."""
    fault = scanned("[" * 128 + "1, [], 2" + "]" * 128)[2]
    assert fault is not None
    assert (fault.kind, fault.offset) == ("depth", 131)


def test_the_pass_ends_when_there_are_as_many_issues_as_are_told() -> None:
    """What stands behind them is left as it is."""
    plain, issues, fault = scanned("[" + "1,//\n" * 2000)
    assert (len(issues), plain.count("//"), fault) == (1000, 1000, None)
