"""What a pack of actions reads and writes, byte for byte, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.actions.action import BUILT_IN
from driftflow.actions.registry import resolve_actions
from driftflow.checking.warnings import PACKS
from driftflow.packs import files

if TYPE_CHECKING:
    from driftflow.reading.document import Json

ACTIONS = resolve_actions([files])


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def perform(name: str, **value: Json) -> Any:
    """What the action gives, its input held against its schema as in a run."""
    return ACTIONS[name].function(value)


def refusal(name: str, **value: Json) -> str:
    """Why the action fails."""
    with pytest.raises((OSError, TypeError, ValueError)) as caught:
        perform(name, **value)
    return str(caught.value)


def save(text: str | bytes, path: str = "in") -> str:
    """Write a file; give its path."""
    Path(path).write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_pack_holds_what_a_check_says_of_it() -> None:
    """Each with a line of explanation and a schema of which each field is explained."""
    pack = {name: known for name, known in ACTIONS.items() if known.origin != BUILT_IN}
    assert pack.keys() == PACKS["driftflow.packs.files"]
    for known in pack.values():
        assert known.summary.endswith(".")
        assert known.schema is not None
        assert known.schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ""),
        ("a\r\nb\n\n", "a\r\nb\n\n"),
        ("\ufeffé😀\x00", "é😀\x00"),
    ],
)
def test_a_text_is_read_as_it_stands(text: str, read: str) -> None:
    """But for a byte-order mark."""
    assert perform("read_text", path=save(text)) == read


texts = st.text(workflows.characters.filter(lambda character: character != "\udc00"))


@given(texts)
def test_a_text_is_written_as_it_stands(text: str) -> None:
    """And reads back the same."""
    assert perform("write_text", path="out", text=text) == "out"
    assert Path("out").read_bytes() == text.encode()


@given(workflows.values, st.lists(workflows.values, max_size=4))
def test_json_reads_back_as_it_was_written(value: Json, rows: list[Json]) -> None:
    """Types and the order of keys included; also a line for each row."""
    perform("write_json", path="out", value=value)
    assert repr(perform("read_json", path="out")) == repr(value)
    perform("write_jsonl", path="out", rows=rows)
    assert repr(perform("read_jsonl", path="out")) == repr(rows)
    assert Path("out").read_bytes().count(b"\n") == len(rows)


def test_json_is_written_for_people() -> None:
    """Indented by 2, in UTF-8, with a newline at its end."""
    perform("write_json", path="out", value={"b": ["é"], "a": None})
    assert Path("out").read_text("utf-8") == '{\n  "b": [\n    "é"\n  ],\n  "a": null\n}\n'
    perform("write_jsonl", path="out", rows=[{"b": 1, "a": "é"}, None])
    assert Path("out").read_text("utf-8") == '{"b":1,"a":"é"}\nnull\n'


def test_lines_of_json_may_be_blank_and_end_in_any_way() -> None:
    """A last line without its end is one too; what separates lines in text alone does not here."""
    path = save('{"a": 1}\r\n\n  \t\r\n"b\u2028c"')
    assert perform("read_jsonl", path=path) == [{"a": 1}, "b\u2028c"]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("read_json", '{"a": 1,}', "in:1: invalid JSON: trailing comma"),
        ("read_json", '\n{"a": NaN}', "in:2: NaN is not a JSON number"),
        ("read_json", '{"a": 1, "a": 2}', "in:1: duplicate key `a`"),
        ("read_json", "", "in:1: invalid JSON: the document is empty"),
        ("read_json", b"\xff", "in:1: not UTF-8: byte 0xff"),
        ("read_jsonl", '{"a": 1}\n\n{"a"}\n', "in:3: invalid JSON: "),
        ("read_text", b"a\n\xc3(", "in:2: not UTF-8: byte 0xc3"),
        ("read_csv", b"a\n\xff", "in:2: not UTF-8: byte 0xff"),
        ("read_csv", "a,b\n1\n", "in:2: the row has 1 field, but the header has 2"),
        ("read_csv", "a,b\n1,2\n\n1,2,3\n", "in:4: the row has 3 fields, but the header has 2"),
        ("read_csv", "a,b,a\n", "in:1: duplicate column name 'a'"),
        ("read_csv", 'a\n"x"y\n', "in:2: ',' expected after '\"'"),
        ("read_csv", 'a\n"x', "in:2: unexpected end of data"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_told(
    name: str, text: str | bytes, fault: str
) -> None:
    """With its line."""
    assert refusal(name, path=save(text)).startswith(fault)


@pytest.mark.parametrize("name", ["read_text", "read_json", "read_jsonl", "read_csv"])
@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("missing", "No such file or directory"),
        (".", "Is a directory"),
        ("in/", "Not a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(name: str, path: str, fault: str) -> None:
    """In words."""
    save("text")
    assert refusal(name, path=path) == f"{path}: {fault}"


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("read_text", {"path": "missing"}, FileNotFoundError),
        ("read_csv", {"path": "."}, IsADirectoryError),
        ("write_text", {"path": "missing/out", "text": ""}, FileNotFoundError),
    ],
)
def test_an_error_of_the_system_keeps_its_type(
    name: str, value: dict[str, Json], kind: type[OSError]
) -> None:
    """A config can name it, so that its step is tried again."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the type is what is tested
        perform(name, **value)
    assert caught.type is kind


def test_rows_are_objects_by_the_header() -> None:
    """All fields are strings; a quoted one may hold anything."""
    path = save('\ufeffday,note\r\n2026-11-23,"a ""b"",\nc"\r\n\r\n,\r\n')
    assert perform("read_csv", path=path) == [
        {"day": "2026-11-23", "note": 'a "b",\nc'},
        {"day": "", "note": ""},
    ]
    assert perform("read_csv", path=save("a,b\n")) == []
    assert perform("read_csv", path=save("")) == []


def test_rows_without_a_header_are_arrays() -> None:
    """Of whatever length; another delimiter will do."""
    path = save("a;b\n1\n2;3;4\n")
    assert perform("read_csv", path=path, header=False, delimiter=";") == [
        ["a", "b"],
        ["1"],
        ["2", "3", "4"],
    ]
    assert perform("read_csv", path=path, delimiter="\t", header=True)[0] == {"a;b": "1"}


def test_a_field_may_be_long() -> None:
    """Longer than the csv module takes by itself."""
    long = "x" * 200_000
    assert perform("read_csv", path=save(f"a\n{long}\n")) == [{"a": long}]


def test_objects_are_written_under_a_header() -> None:
    """Of all names, in the order in which rows have them; what is missing or null is empty."""
    rows: list[Json] = [{"b": 1, "a": "x,y"}, {"a": None, "c": True}, {"b": 0.5, "c": 'q"'}, {}]
    assert perform("write_csv", path="out", rows=rows) == "out"
    assert Path("out").read_text() == 'b,a,c\n1,"x,y",\n,,true\n0.5,,"q"""\n,,\n'
    perform("write_csv", path="out", rows=rows[:2], columns=["c", "a", "b"], delimiter=";")
    assert Path("out").read_text() == "c;a;b\n;x,y;1\ntrue;;\n"


def test_arrays_are_written_as_they_are() -> None:
    """Under a header if one is given; without rows there is nothing else."""
    perform("write_csv", path="out", rows=[["a", 1], [], [None, False, 2]])
    assert Path("out").read_text() == "a,1\n\n,false,2\n"
    perform("write_csv", path="out", rows=[["a", 1]], columns=["name", "number"])
    assert Path("out").read_text() == "name,number\na,1\n"
    perform("write_csv", path="out", rows=[])
    assert Path("out").read_text() == ""
    perform("write_csv", path="out", rows=[], columns=["name"])
    assert Path("out").read_text() == "name\n"


@given(st.lists(st.lists(texts, min_size=1), min_size=1))
def test_a_table_reads_back_as_it_was_written(rows: list[list[str]]) -> None:
    """Whatever its fields hold."""
    perform("write_csv", path="out", rows=[[*row] for row in rows])
    assert perform("read_csv", path="out", header=False) == rows


@pytest.mark.parametrize(
    ("rows", "more", "fault"),
    [
        ([{"a": 1}, ["b"]], {}, "some rows are objects, and some are arrays"),
        (
            [{"a": 1}, {"a": [1]}],
            {},
            "rows[1] contains an array: a field must be a string, a number",
        ),
        ([[{}]], {}, "rows[0] contains an object: a field must be a string"),
        ([{"a": 1}, {"b": 1}], {"columns": ["a"]}, "rows[1].b: no column has this name"),
        ([1], {}, "`rows[0]` must be an object or an array, not an integer"),
        ({}, {}, "`rows` must be an array, not an object"),
        ([], {"delimiter": ";;"}, '`delimiter` must be `","`, `";"`'),
        ([], {"delimiter": "\n"}, '`delimiter` must be `","`, `";"`'),
        ([["a"]], {"columns": ["a", "b"]}, "rows[0] has 1 field, but the header has 2"),
        ([{"a": 1}], {"columns": ["a", "a"]}, "out: duplicate column name 'a'"),
        ([], {"sep": ";"}, "unknown field `sep`"),
    ],
)
def test_rows_that_are_no_table_are_told(rows: Json, more: dict[str, Json], fault: str) -> None:
    """And nothing is written."""
    save("old", "out")
    assert refusal("write_csv", path="out", rows=rows, **more).startswith(fault)
    assert Path("out").read_text() == "old"
    assert [path.name for path in Path().iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("read_csv", {}, "missing required field `path`"),
        ("read_csv", {"path": ""}, "`path` must not be empty"),
        ("read_csv", {"path": 5}, "`path` must be a string, not an integer"),
        ("read_csv", {"path": "x", "header": "no"}, "`header` must be a boolean, not a string"),
        (
            "read_text",
            {"pth": "x"},
            "missing required field `path` (write `path` instead of `pth`)",
        ),
        ("write_text", {"path": "x"}, "missing required field `text`"),
        ("write_text", {"path": "x", "text": 5}, "`text` must be a string, not an integer"),
        ("write_json", {"path": "x"}, "missing required field `value`"),
        ("write_jsonl", {"path": "x", "rows": "ab"}, "`rows` must be an array, not a string"),
    ],
)
def test_a_wrong_input_is_told(name: str, value: dict[str, Json], fault: str) -> None:
    """Before a file is touched."""
    assert refusal(name, **value) == fault
    assert list(Path().iterdir()) == []


def test_an_action_takes_an_object() -> None:
    """With its fields, not the path alone."""
    for name in PACKS["driftflow.packs.files"]:
        with pytest.raises(TypeError, match=f"^{name} takes an object, not a string$"):
            ACTIONS[name].function("path")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":", " "])
def test_a_table_may_have_another_delimiter(delimiter: str) -> None:
    """When it is written and when it is read."""
    rows: list[Json] = [{"a": "x y", "b": "1,2;3|4:5\t6"}]
    perform("write_csv", path="out", rows=rows, delimiter=delimiter)
    assert Path("out").read_text().startswith(f"a{delimiter}b\n")
    assert perform("read_csv", path="out", delimiter=delimiter) == rows


def test_a_text_that_utf_8_cannot_hold_is_not_written() -> None:
    """The old file stands."""
    save("old", "out")
    told = "out: the text contains a lone surrogate, which UTF-8 cannot encode"
    assert refusal("write_text", path="out", text="a\udc00") == told
    assert Path("out").read_text() == "old"
    perform("write_json", path="out", value="a\udc00")  # JSON has an escape for it
    assert perform("read_json", path="out") == "a\udc00"


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("missing/out", "missing/out: No such file or directory"),
        (".", ".: not a valid file name"),
        ("pipe", "pipe: not a regular file"),
        ("/dev/null", "/dev/null: not a regular file"),
        ("n" * 256, f"{'n' * 256}: File name too long"),
        ("out/", "out/: not a valid file name"),
        ("a\0b", "'a\\x00b': not a valid file name"),
        ("a\ud800", "'a\\ud800': not a valid file name"),
    ],
)
def test_a_file_that_cannot_be_written_is_told(path: str, fault: str) -> None:
    """In words, by the name that the step has for it."""
    os.mkfifo("pipe")
    assert refusal("write_text", path=path, text="a") == fault
    assert [path.name for path in Path().iterdir()] == ["pipe"]
