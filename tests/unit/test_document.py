"""Bytes become a JSON value, or one issue with its line and column."""

import json
import sys

import pytest
import workflows
from hypothesis import given

from driftflow.document import MAX_DEPTH, Json, parse, type_name
from driftflow.errors import ConfigError, Issue


def refusal(data: bytes) -> tuple[str, int | None, int | None]:
    """What is wrong with the bytes, and where."""
    with pytest.raises(ConfigError) as caught:
        parse(data, "a.json")
    (issue,) = caught.value.issues
    assert caught.value.source == "a.json"
    assert issue.path == ()
    return issue.message, issue.line, issue.column


@given(workflows.values)
def test_what_json_writes_is_read_back(value: Json) -> None:
    """Every JSON value, with the types and the order of keys that it had."""
    read = parse(json.dumps(value).encode(), "a.json")
    assert json.dumps(read) == json.dumps(value)


def test_a_byte_order_mark_is_accepted() -> None:
    """And is no part of the document, nor of a column."""
    assert parse(b'\xef\xbb\xbf{"a": 1}', "a.json") == {"a": 1}
    assert refusal(b"\xef\xbb\xbf{a}") == ("not JSON: expected a key in double quotes", 1, 2)


YAML = "; DriftFlow reads JSON only, not YAML"


@pytest.mark.parametrize(
    ("data", "message", "line", "column"),
    [
        (b"", "empty; a workflow is a JSON object", 1, 1),
        (b" \n\n", "empty; a workflow is a JSON object", 1, 1),
        (b"name: demo\nsteps: []\n", "not JSON: expected a value" + YAML, 1, 1),
        (b"---\n", "not JSON: expected a value" + YAML, 1, 1),
        (b'"a": 1', "not JSON: something behind the end of the document" + YAML, 1, 4),
        (b"{name: demo}", "not JSON: expected a key in double quotes", 1, 2),
        (b'{"a": 1,\n}', "not JSON: a comma behind the last element", 1, 8),
        (b"[1, 2 , ]", "not JSON: a comma behind the last element", 1, 7),
        (b"[1, , 2]", "not JSON: expected a value", 1, 5),
        (b'{"a" 1}', "not JSON: expected `:`", 1, 6),
        (b'{"a": 1\n "b": 2}', "not JSON: expected `,`", 2, 2),
        (b'{"a": "b}', "not JSON: a string without an end", 1, 7),
        (b'{"a": "\n"}', "not JSON: a control character in a string", 1, 8),
        (b'{"a": "\\x"}', "not JSON: an unknown escape in a string", 1, 8),
        (b'{"a": "\\u12"}', "not JSON: a `\\u` without its four hexadecimal digits", 1, 9),
        (b'{"a": 1', "not JSON: the document ends unfinished", 1, 8),
        (b'{"a": [\n', "not JSON: the document ends unfinished", 2, 1),
        (b"\n{} {}", "not JSON: something behind the end of the document", 2, 4),
        (b"{} {}", "not JSON: something behind the end of the document", 1, 4),
        (b'{"a": "\xc3\xa9", "b": "\xff"}', "not UTF-8: byte 0xff", 1, 18),
        (b'{\n"a": "\xe9"}', "not UTF-8: byte 0xe9", 2, 7),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8: byte 0xff", 1, 1),
        (b'{"a": NaN}', "NaN is no JSON number", 1, 7),
        (b'["NaN", Infinity]', "Infinity is no JSON number", 1, 9),
        (b"[\n-Infinity]", "-Infinity is no JSON number", 2, 1),
        (b"[1e308, -1e400]", "a number too large for a float", 1, 9),
        (b"[" + b"9" * 5000 + b"]", "an integer of 5000 digits is too large", 1, 2),
        (b"[-" + b"9" * 4301 + b"]", "an integer of 4301 digits is too large", 1, 2),
        (b'{"a": 1, "b": 2, "a": 3}', 'the key "a" stands here twice', 1, 18),
        (b'{"a": {"a": 1},\n"\\u0061": 3}', 'the key "\\u0061" stands here twice', 2, 1),
        (b'[{"a\\"}": 1, "a\\"}" : 2}]', 'the key "a\\"}" stands here twice', 1, 14),
        (b"[" * 1000 + b"]" * 1000, "nested deeper than 128 levels", 1, 129),
        (b"[" * 100_000, "nested deeper than 128 levels", 1, 129),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "nested deeper than 128 levels", 1, 641),
    ],
)
def test_a_document_that_is_not_strict_json_is_refused_at_its_place(
    data: bytes, message: str, line: int, column: int
) -> None:
    """The message is ours: the same on every version of Python."""
    assert refusal(data) == (message, line, column)


@pytest.mark.parametrize("data", [b"[" * 128 + b"]" * 128, b"9" * 4300, b"-" + b"9" * 4300])
def test_what_is_just_within_a_limit_is_read(data: bytes) -> None:
    """128 levels; 4300 digits."""
    assert json.dumps(parse(data, "a.json")).encode() == data


def test_one_level_more_than_allowed_is_refused() -> None:
    """However the innermost level is filled."""
    for innermost in ("", "1", "{}"):
        data = "[" * MAX_DEPTH + f"[{innermost}]" + "]" * MAX_DEPTH
        assert refusal(data.encode())[0] == "nested deeper than 128 levels"


def test_a_long_key_is_cut_in_the_message() -> None:
    """No message shows more than 80 characters of a value."""
    for length, shown in [(78, f'"{"k" * 78}"'), (79, f'"{"k" * 79}…')]:
        key = f'"{"k" * length}"'
        message, _, _ = refusal(f"{{{key}: 1, {key}: 2}}".encode())
        assert message == f"the key {shown} stands here twice"


def test_an_integer_is_not_blamed_where_python_knows_no_limit() -> None:
    """As with PYTHONINTMAXSTRDIGITS=0: what is reported is what is wrong."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        message, _, _ = refusal(b'{"a": ' + b"9" * 5000 + b', "a": 1}')
    finally:
        sys.set_int_max_str_digits(limit)
    assert message == 'the key "a" stands here twice'


def test_a_stack_that_runs_out_early_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller may have used most of the stack before a document of legal depth."""

    def exhausted(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("driftflow.document.json.loads", exhausted)
    with pytest.raises(ConfigError) as caught:
        parse(b"[[]]", "a.json")
    assert caught.value.issues == (Issue("nested too deeply"),)


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
