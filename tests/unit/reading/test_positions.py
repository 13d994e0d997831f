"""Every path is found where it stands, whatever the text looks like."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.issues import CODES, Issue
from driftflow.reading.positions import Lines, arrange, locate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftflow.issues import JsonPath

BLANKS = ["", " ", "\n", "\r\n", "\r", "\t", " \n\t "]


def placed(text: str, path: JsonPath, mark: Any = "value") -> tuple[int | None, ...]:
    """Line, column and end column of what the path leads to."""
    (issue,) = locate(text, [Issue("syntax", "m", path, mark=mark)])
    return issue.line, issue.column, issue.end_column


def written(text: str, path: JsonPath, mark: Any = "value") -> str:
    """What stands at the place to which the path leads, as far as its line goes."""
    line, column, end_column = placed(text, path, mark)
    assert line is not None
    assert column is not None
    assert end_column is not None
    return line_of(text, line)[column - 1 : end_column - 1]


def line_of(text: str, number: int) -> str:
    """The line of that number."""
    lines = Lines(text)
    begin = lines.begin(number)
    return text[begin : lines.finish(begin, len(text))]


def paths(value: Any, path: JsonPath = ()) -> Iterator[tuple[JsonPath, Any]]:
    """Every path into the value, and what it leads to."""
    yield path, value
    if isinstance(value, dict | list):
        for part, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(member, (*path, part))


@given(
    workflows.values,
    st.sampled_from([(",", ":"), (" , ", " : "), ("\t,", ":\t")]),
    st.sampled_from(BLANKS),
    st.data(),
)
def test_every_path_leads_to_its_value_and_its_key(
    value: Any, separators: tuple[str, str], blank: str, data: st.DataObject
) -> None:
    """On one line each is found whole: what stands there is what the path leads to."""
    escaped = data.draw(st.booleans())
    text = json.dumps(value, ensure_ascii=escaped, separators=separators)
    text = f"{blank}{text}{blank}"
    for path, member in paths(value):
        assert json.loads(written(text, path)) == member
        assert written(text, path, "start") == written(text, path)[:1]
        if path and isinstance(path[-1], str):
            assert json.loads(written(text, path, "key")) == path[-1]


@given(workflows.values, st.sampled_from(["\n", "\r\n", "\r"]))
def test_lines_are_told_as_editors_tell_them(value: Any, end: str) -> None:
    """With any end of line; a value of several lines is marked on its first."""
    text = json.dumps(value, indent=2).replace("\n", end)
    lines = text.split(end)
    for path, member in paths(value):
        line, column, end_column = placed(text, path)
        assert line is not None
        shown = lines[line - 1][(column or 0) - 1 : (end_column or 0) - 1]
        if isinstance(member, dict | list) and member:
            assert shown in ("{", "[")
        else:
            assert json.loads(shown) == member


@pytest.mark.parametrize(
    ("text", "path", "mark", "expected"),
    [
        ('{"a": 1}', (), "value", (1, 1, 9)),
        ('{"a": 1}', (), "start", (1, 1, 2)),
        ('{"a": 1}', ("a",), "key", (1, 2, 5)),
        ('{"\\u0061": 1}', ("a",), "key", (1, 2, 10)),
        ('{"": {"": 5}}', ("", ""), "value", (1, 11, 12)),
        ('{"\\"": 1, "\\\\": 2}', ("\\",), "value", (1, 17, 18)),
        ('{"a": 1, "a": 2}', ("a",), "value", (1, 15, 16)),
        ('{"a": {"b": 1}, "a": {"b": 2}}', ("a", "b"), "value", (1, 28, 29)),
        ('["\\ud83d\\ude00", 1]', (1,), "value", (1, 18, 19)),
        ('["😀", 1]', (1,), "value", (1, 7, 8)),
        ("[1.5E+10, -0, 7]", (2,), "value", (1, 15, 16)),
        ("[[1, [2]], [NaN, 1e999, 3]]", (1, 2), "value", (1, 25, 26)),
        ("\n\t[\n\t\ttrue]", (0,), "value", (3, 3, 7)),
        (f"[{'9' * 5000}, 1]", (1,), "value", (1, 5004, 5005)),
    ],
)
def test_a_path_leads_to_its_place(
    text: str, path: JsonPath, mark: str, expected: tuple[int, int, int]
) -> None:
    """Line, first column, and the column behind the last character."""
    assert placed(text, path, mark) == expected


def test_a_separator_of_lines_in_a_string_ends_no_line() -> None:
    """U+2028 and its like do not, to editors; to Python's splitlines they do."""
    assert placed('["\u2028\u2029\x85",\n1]', (1,)) == (2, 1, 2)


def test_each_line_can_be_had_without_its_end() -> None:
    """Also an empty one, the first and the last; any ends may be mixed."""
    text = "\n\r\na\rb\r\n\n\r"
    assert [line_of(text, number) for number in range(1, 8)] == ["", "", "a", "b", "", "", ""]
    assert Lines(text).position(3) == (3, 1)
    assert line_of("", 1) == ""


@pytest.mark.parametrize("before", range(3))
def test_lines_are_counted_in_blocks(before: int) -> None:
    """An end that lies across the border of two is one end, of any kind."""
    text = "x" * (4096 - before) + "\r\n\n\rab" + "\r\n" * 4096 + "z"
    offsets = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", text))]
    lines = Lines(text)
    assert [lines.begin(number + 1) for number in range(len(offsets))] == offsets
    assert [lines.position(offset) for offset in offsets] == [
        (number + 1, 1) for number in range(len(offsets))
    ]
    assert lines.position(4097 - before) == (1, 4098 - before)  # between `\r` and `\n`
    assert lines.position(len(text)) == (len(offsets), 2)


@pytest.mark.parametrize("first", ["5", '"x"', "[1, [2]]", '{"b": {}}', "null"])
@pytest.mark.parametrize("path", [("a",), ("a", 0), ("a", 0, "b")])
def test_of_two_equal_keys_the_last_is_meant(first: str, path: JsonPath) -> None:
    """Whatever the first holds."""
    text = f'{{"a": {first}, "a": [{{"b": 7}}]}}'
    value: Any = json.loads(text)
    for part in path:
        value = value[part]
    assert json.loads(written(text, path)) == value
    assert (placed(text, path)[1] or 0) > len(first) + 8


def test_many_paths_are_found_in_one_go() -> None:
    """Each issue comes back with its place, in the order in which they were given."""
    text = '{"a": [1, {"b": 2}], "c": 3}'
    issues = [Issue("syntax", "m", path) for path in [("c",), ("a", 1, "b"), ("a",), ("a", 0)]]
    assert [issue.column for issue in locate(text, issues)] == [27, 17, 7, 8]
    assert [issue._replace(line=None, column=None, end_column=None) for issue in issues] == issues
    assert locate(text, iter(issues)) == locate(text, issues)
    assert locate(text, []) == []


def test_an_array_is_passed_over_behind_the_last_item_that_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once, however many items come after that."""
    read: list[int] = []

    class Decoder(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            read.append(idx)
            return super().raw_decode(s, idx)

    monkeypatch.setattr("driftflow.reading.positions._DECODER", Decoder())
    assert placed(f"[{'1,' * 1000}1]", (3,)) == (1, 8, 9)
    assert read == [1, 3, 5, 7, 0]


def test_a_place_at_the_end_of_a_line_or_of_the_text_is_empty() -> None:
    """There is nothing there to mark."""
    lines = Lines("ab\r\nc")
    for offset, expected in [(2, (1, 3, 3)), (3, (1, 4, 4)), (4, (2, 1, 2)), (5, (2, 2, 2))]:
        issue = lines.place(Issue("syntax", "m"), offset, offset + 1)
        assert (issue.line, issue.column, issue.end_column) == expected


def issue(code: str, line: int | None = None, column: int | None = None) -> Issue:
    """An issue at a place."""
    return Issue(code, "m", line=line, column=column)


def test_issues_are_arranged_in_the_order_of_the_file() -> None:
    """By line, then by column, as numbers; what has no place comes last."""
    ordered = [
        issue("syntax", 2, 9),
        issue("wrong-type", 2, 10),
        issue("ignored-field", 10, 1),
        issue("wrong-environment"),
    ]
    assert arrange(reversed(ordered)) == tuple(ordered)
    assert arrange([]) == ()


FOLLOWS = {
    "syntax": {"not-finite", "number-too-large"},
    "not-finite": {"wrong-type", "wrong-reference", "out-of-range", "wrong-input"},
    "number-too-large": {"wrong-type", "wrong-reference", "out-of-range", "wrong-input"},
    "wrong-type": {"out-of-range"},
    "missing-field": {"ignored-field"},
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("other", CODES)
def test_what_follows_from_another_issue_is_not_reported(code: str, other: str) -> None:
    """At the same place, in any order; all else is, and so is what has no place."""
    one, two = issue(code, 1, 2), issue(other, 1, 2)
    kept = [
        each
        for each, cause in [(one, two), (two, one)]
        if each.code not in FOLLOWS.get(cause.code, set())
    ]
    assert arrange([one, two]) == tuple(kept)
    assert set(arrange([two, one])) == set(kept)
    assert arrange([one, issue(other, 1, 3)]) == (one, issue(other, 1, 3))
    assert arrange([issue(code), issue(other)]) == (issue(code), issue(other))
