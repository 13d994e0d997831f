"""Bytes become a JSON value, or one issue with its line and column."""

import enum
import json
from collections import Counter, OrderedDict, defaultdict
from datetime import date
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.errors import MAX_DEPTH, ConfigError
from driftflow.issues import Issue
from driftflow.reading.document import Json, clone_json, copy_json, parse, type_name


def found(data: bytes) -> list[tuple[str, int | None, int | None]]:
    """What is wrong with the bytes, and where, whether it ends the reading or not."""
    try:
        issues = parse(data, "a.json").issues
    except ConfigError as error:
        issues = error.issues
    assert all(issue.path == () for issue in issues)
    return [(issue.message, issue.line, issue.column) for issue in issues]


@given(workflows.values)
def test_what_json_writes_is_read_back(value: Json) -> None:
    """Every JSON value, with the types and the order of keys that it had."""
    document = parse(json.dumps(value).encode(), "a.json")
    assert json.dumps(document.value) == json.dumps(value)
    assert document.text == document.plain == json.dumps(value)
    assert document.issues == ()


def test_a_byte_order_mark_is_accepted() -> None:
    """And is no part of the document, nor of a column."""
    assert parse(b'\xef\xbb\xbf{"a": 1}', "a.json").value == {"a": 1}
    assert found(b"\xef\xbb\xbf{a}") == [("invalid JSON: expected a key in double quotes", 1, 2)]


@pytest.mark.parametrize(
    ("data", "message", "line", "column"),
    [
        ('{"a": "é", "b": "\xff"}'.encode("latin-1"), "not UTF-8: byte 0xe9", 1, 8),
        (b'{"a": "\xc3\xa9", "b": "\xff"}', "not UTF-8: byte 0xff", 1, 18),
        (b'{\n"a": "\xe9"}', "not UTF-8: byte 0xe9", 2, 7),
        (b'\xef\xbb\xbf{"a": "\xe9"}', "not UTF-8: byte 0xe9", 1, 8),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8: byte 0xff", 1, 1),
        (b"", "invalid JSON: the document is empty", 1, 1),
        (b" \n\n", "invalid JSON: the document is empty", 1, 1),
        (b"{name: demo}", "invalid JSON: expected a key in double quotes", 1, 2),
        (b"[" * 1000 + b"]" * 1000, "nested deeper than 128 levels", 1, 129),
        (b"[" * 100_000, "nested deeper than 128 levels", 1, 129),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "nested deeper than 128 levels", 1, 641),
    ],
)
def test_a_document_whose_value_cannot_be_told_is_refused_at_its_place(
    data: bytes, message: str, line: int, column: int
) -> None:
    """There is no document to go on with."""
    with pytest.raises(ConfigError) as caught:
        parse(data, "a.json")
    assert caught.value.source == "a.json"
    assert found(data) == [(message, line, column)]


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_is_told_as_what_it_is(order: str) -> None:
    """By its byte-order mark."""
    for text, hint in [
        ("\ufeff{}".encode(f"utf-16-{order}"), "it looks like UTF-16: save the file as UTF-8"),
        (b"\xe9", "save the file as UTF-8"),
    ]:
        with pytest.raises(ConfigError) as caught:
            parse(text, "a.json")
        assert caught.value.issues[0].hint == hint


def test_only_what_is_wrong_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A good text is read once, also one of the greatest depth and of the longest numbers."""

    def again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("driftflow.reading.document._read_again", again)
    for text in ("[" * 128 + "]" * 128, '{"a": [1, -0.5, 1e308, "b"], "c": null}', "9" * 4300):
        assert parse(text.encode(), "a.json").plain == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1,"a" :2}',
        '{"a" : 1, "a"\n: 2}',
        '{"a:":1, "a:":":"}',
        '{"a":":","b\\":":"\\":","a":0}',
        '[{"a":1},{"b":[{"c":1,"c":":"}]}]',
    ],
)
def test_a_key_that_stands_twice_is_found_however_it_is_written(text: str) -> None:
    """Also where there are as many colons in strings as keys that were lost."""
    assert [issue.code for issue in parse(text.encode(), "a.json").issues] == ["duplicate-key"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(['"a"', '"b"', '"a:"', '"\\":"']),
            st.sampled_from([":", " :", ":  ", "\n: "]),
            st.sampled_from(["1", '":"', '"a\\":"', '{"a":1}', '["a:b"]']),
        )
    )
)
def test_keys_are_held_against_their_number(members: list[tuple[str, str, str]]) -> None:
    """A text is refused just if one of them stands twice."""
    text = "{" + ",".join(map("".join, members)) + "}"
    keys = [key for key, _, _ in members]
    assert bool(parse(text.encode(), "a.json").issues) is (len({*keys}) < len(keys))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("[1e999x]", ["syntax"]),
        ("[NaN: 1]", ["syntax"]),
        ('{"q":1e999NaN}', ["syntax"]),
        ("[true:", ["syntax"]),
        ("[null: 1]", ["syntax"]),
        ('{"a": 1, "a": 2, "a" 3}', ["duplicate-key", "syntax"]),
    ],
)
def test_a_fault_at_the_place_of_another_ends_the_reading(text: str, codes: list[str]) -> None:
    """It is told, and it is the last."""
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), "a.json")
    assert [issue.code for issue in caught.value.issues] == codes


def test_a_byte_that_is_no_utf_8_is_one_character() -> None:
    """That is what is marked."""
    with pytest.raises(ConfigError) as caught:
        parse(b'{"a": "\xe9\xe9"}', "a.json")
    assert caught.value.issues[0].end_column == 9


def test_what_can_be_read_in_spite_of_its_issues_is() -> None:
    """The last of two keys counts, as to most readers; comments and last commas are blanks."""
    text = '[{"a": 1, // one\n "a": 2,}, NaN, 1e400, -1e400,' + "9" * 5000 + ", 7 ]"
    document = parse(text.encode(), "a.json")
    assert [issue.code for issue in document.issues] == [
        "syntax",
        "duplicate-key",
        "syntax",
        "not-finite",
        "number-too-large",
        "number-too-large",
        "number-too-large",
    ]
    assert repr(document.value) == "[{'a': 2}, nan, inf, -inf, inf, 7]"
    assert document.text == text
    assert document.plain == text.replace("// one", " " * 6).replace("2,}", "2 }")


def test_what_stands_before_the_end_of_the_reading_is_reported_with_it() -> None:
    """What follows cannot be told."""
    text = b'{"a": NaN, // c\n "b": 1, "b": 2, "c": x, "c": NaN, /* c */ }'
    assert found(text) == [
        ("NaN is not a JSON number", 1, 7),
        ("invalid JSON: comments are not allowed", 1, 12),
        ("duplicate key `b`", 2, 10),
        ("invalid JSON: expected a value", 2, 23),
    ]
    deep = b'{"a": NaN, "b": ' + b"[" * 200 + b"]" * 200 + b', "c": NaN}'
    assert found(deep) == [
        ("NaN is not a JSON number", 1, 7),
        ("nested deeper than 128 levels", 1, 144),
    ]


def test_an_error_holds_the_text_for_its_report() -> None:
    """What is no UTF-8 is replaced in it."""
    for data, text in [(b'{"a": \n x}', '{"a": \n x}'), (b'{"\xe9": 1}', '{"\ufffd": 1}')]:
        with pytest.raises(ConfigError) as caught:
            parse(data, "a.json")
        assert caught.value.findings.text == text


@pytest.mark.parametrize("data", [b"[" * 128 + b"]" * 128, b"9" * 4300, b"-" + b"9" * 4300])
def test_what_is_just_within_a_limit_is_read(data: bytes) -> None:
    """128 levels; 4300 digits."""
    assert json.dumps(parse(data, "a.json").value).encode() == data


def test_one_level_more_than_allowed_is_refused() -> None:
    """However the innermost level is filled."""
    for innermost in ("", "1", "{}"):
        data = "[" * MAX_DEPTH + f"[{innermost}]" + "]" * MAX_DEPTH
        assert [message for message, _, _ in found(data.encode())] == [
            "nested deeper than 128 levels"
        ]


def test_a_stack_that_runs_out_early_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller may have used most of the stack before a document of legal depth."""

    def exhausted(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("driftflow.reading.document.json.loads", exhausted)
    with pytest.raises(ConfigError) as caught:
        parse(b"[[]]", "a.json")
    assert caught.value.issues == (Issue("nested-too-deep", "nested too deeply"),)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "an integer"),
        (1.0, "a decimal number"),
        ("", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_every_json_type_has_a_name(value: Json, name: str) -> None:
    """With its article."""
    assert type_name(value) == name


class Shade(enum.StrEnum):
    """A string that is an enum."""

    DARK = "dark"


class Row(NamedTuple):
    """A tuple with names."""

    day: str
    sum: int


class OddFloat(float):
    """A number that says something else of itself."""

    def __float__(self) -> float:
        return float("nan")


class OddInteger(int):
    """Likewise."""

    def __int__(self) -> int:
        return 10**5000


class Size(enum.IntEnum):
    """An integer that is an enum."""

    SMALL = 1


@given(workflows.values)
def test_a_copy_is_the_same_and_shares_nothing(value: Any) -> None:
    """Types and the order of keys included."""
    waiting = []
    for copy in (copy_json(value), clone_json(value)):
        assert repr(copy) == repr(value)
        waiting.append((copy, value))
    while waiting:
        mine, other = waiting.pop()
        if isinstance(mine, list | dict):
            assert mine is not other
        if isinstance(mine, dict):
            waiting += [(mine[key], other[key]) for key in mine]
        elif isinstance(mine, list):
            waiting += zip(mine, other, strict=True)


@pytest.mark.parametrize(
    ("value", "copy"),
    [
        ((1, (2, "a")), [1, [2, "a"]]),
        (Row("monday", 2), ["monday", 2]),
        (Counter("aab"), {"a": 2, "b": 1}),
        (defaultdict(list, {"a": [Shade.DARK]}), {"a": ["dark"]}),
        (OrderedDict([("b", 1), ("a", 2)]), {"b": 1, "a": 2}),
        ({Shade.DARK: Size.SMALL}, {"dark": 1}),
        (True, True),
        (OddFloat(1.5), 1.5),
        (OddInteger(7), 7),
        pytest.param(10**640, 10**640, id="640 digits"),
        pytest.param(-(10**4299), -(10**4299), id="4300 digits"),
        ("\udc00", "\udc00"),
    ],
)
def test_what_extends_a_plain_type_becomes_plain(value: Any, copy: Any) -> None:
    """As the json module would write it."""
    made = copy_json(value)
    assert made == copy
    assert repr(made) == repr(copy)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({1, 2}, "a value of type set"),
        (b"x", "a value of type bytes"),
        (object, "a value of type type"),
        ((item for item in [1]), "a value of type generator"),
        (1j, "a value of type complex"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        pytest.param(10**4300, "an integer with too many digits", id="digits"),
        ({1: "a"}, "a key of type int"),
        ({None: "a"}, "a key of type NoneType"),
        ([{"a": {1: 2}}], "a key of type int, at [0].a"),
        ([1, {"rows": [{"day": date(2026, 11, 23)}]}], "a value of type date, at [1].rows[0].day"),
        ({"a b": [float("inf")]}, 'inf, at ["a b"][0]'),
        ([[1], ({2},)], "a value of type set, at [1][0]"),
    ],
)
def test_what_json_has_no_form_for_is_told(value: Any, fault: str) -> None:
    """With its type, and its place if it is not all of the value."""
    with pytest.raises(TypeError) as caught:
        copy_json(value)
    assert str(caught.value) == f"not a JSON value: {fault}"


def test_a_value_is_not_nested_deeper_than_a_document() -> None:
    """The same limit; one that holds itself has no end. The place is cut as messages cut it."""
    deep: Any = "x"
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert copy_json(deep) == deep
    endless: list[Any] = []
    endless.append(endless)
    for value in ([deep], {"a": deep}, endless):
        with pytest.raises(
            TypeError, match="not a JSON value: nesting deeper than 128 levels, at "
        ) as caught:
            copy_json(value)
        assert str(caught.value).endswith("…")
        assert len(str(caught.value)) < 140


@pytest.mark.parametrize("piece", ["1,// note\n", "1,#\n", "NaN,", "1e999,", "[1,],", "//\n"])
def test_no_more_than_a_thousand_issues_are_told(piece: str) -> None:
    """The first ones; behind them the text is not looked at."""
    with pytest.raises(ConfigError) as caught:
        parse(f"[{piece * 1001}1]".encode(), "x")
    assert len(caught.value.issues) == 1000
    text = f"[{piece * 999}1]"
    assert len(parse(text.encode(), "x").issues) == 999


def test_a_fault_before_the_thousandth_issue_ends_the_list() -> None:
    """What stands behind it is hidden by it, as ever."""
    with pytest.raises(ConfigError) as caught:
        parse(b"[//\n1 2" + b"//\n" * 2000, "x")
    assert [issue.message for issue in caught.value.issues] == [
        "invalid JSON: comments are not allowed",
        "invalid JSON: expected `,`",
    ]


def test_comments_far_into_a_text_are_found() -> None:
    """However far the reading comes: only then the text behind it is looked at."""
    gap = "1," * 100_000
    document = parse(f"[{gap}//a\n{gap}/*b*/{gap}2,]".encode(), "x")
    assert [issue.column for issue in document.issues] == [200_002, 200_001, 400_007]
