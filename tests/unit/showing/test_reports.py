"""Reports show each issue at its place, on every kind of line, and never too much of it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support import workflows
from wcwidth import wcswidth

from driftflow.issues import CODES, Findings, Issue
from driftflow.reading.positions import locate
from driftflow.schemas.published import load_schema
from driftflow.showing.reports import (
    FORMATS,
    build_document,
    colour,
    leave_plain,
    render_annotations,
    render_report,
    render_summary,
)
from driftflow.text import escape

BAD = Issue("wrong-type", "is bad", ("a",), "make it good", line=1, column=7, end_column=8)
NOWHERE = Issue("unreadable", "no such file")


def marked(text: str, *path: str | int) -> str:
    """The report of an issue with the value at the path."""
    issues = locate(text, [Issue("wrong-type", "is bad", path)])
    return render_report([Findings("a.json", text, tuple(issues))])


def test_a_report_has_the_place_the_line_the_mark_and_the_hint() -> None:
    """In the order in which one reads."""
    assert render_report([Findings("a.json", '{"a": 1}', (BAD,))]) == (
        "error[wrong-type]: is bad\n"
        " --> a.json:1:7  a\n"
        "  |\n"
        '1 | {"a": 1}\n'
        "  |       ^\n"
        "  = help: make it good\n"
    )


def test_the_margin_is_as_wide_as_the_number_of_the_line() -> None:
    """So that the bars stand below each other."""
    text = "\n" * 99 + '{"a": 12}'
    issue = BAD._replace(line=100, end_column=9, hint=None)
    assert render_report([Findings("a.json", text, (issue,))]) == (
        "error[wrong-type]: is bad\n"
        "   --> a.json:100:7  a\n"
        "    |\n"
        '100 | {"a": 12}\n'
        "    |       ^^\n"
    )


def test_an_issue_without_a_place_has_no_line() -> None:
    """The file is all there is to show."""
    assert render_report([Findings("no.json", "", (NOWHERE,))]) == (
        "error[unreadable]: no such file\n --> no.json\n"
    )


def test_reports_are_apart() -> None:
    """By an empty line, between files as between issues."""
    found = [
        Findings("a", "", (NOWHERE, NOWHERE)),
        Findings("b", "", ()),
        Findings("c", "", (NOWHERE,)),
    ]
    blocks = render_report(found).split("\n\n")
    assert [re.findall("--> (.)", block) for block in blocks] == [["a"], ["a"], ["c"]]
    assert render_report([]) == ""


@pytest.mark.parametrize(
    ("line", "shown", "mark"),
    [
        ('["a", 7]', '["a", 7]', "      ^"),
        ('\t["a",\t7]', ' ["a", 7]', "       ^"),
        ('["日本", 7]', '["日本", 7]', "         ^"),
        ('["a", "日本"]', '["a", "日本"]', "      ^^^^^^"),
        ('["e\u0301", 7]', '["e\u0301", 7]', "      ^"),
        ('["👨\u200d👩\u200d👧", 7]', '["👨\u200d👩\u200d👧", 7]', "       ^"),
        ('["\\ud83d\\ude00", 7]', '["\\ud83d\\ude00", 7]', "                 ^"),
        ('["\x7f\x9b", 7]', '["\\x7f\\x9b", 7]', "             ^"),
        ('["\u202e", 7]', '["\\u202e", 7]', "           ^"),
        ('["a", "\u0301"]', '["a", "\u0301"]', "      ^^"),
    ],
)
def test_the_mark_stands_below_what_it_marks(line: str, shown: str, mark: str) -> None:
    """Whatever the width of the characters, in columns of a terminal."""
    rows = marked(line, 1).splitlines()
    assert rows[3:] == [f"1 | {shown}", f"  | {mark}"]


def test_what_has_no_width_is_marked_all_the_same() -> None:
    """The end of a line, or a character that combines with the one before."""
    for text, column, end_column in [("{", 2, 2), ('["\u0301"]', 3, 4)]:
        issue = BAD._replace(column=column, end_column=end_column, hint=None)
        rows = render_report([Findings("a", text, (issue,))]).splitlines()
        assert rows[-1].endswith(" ^")


@pytest.mark.parametrize("before", [0, 1, 39, 40, 41, 42, 1000])
@pytest.mark.parametrize("behind", [0, 1, 37, 38, 39, 40, 1000])
def test_a_long_line_is_cut_around_the_mark(before: int, behind: int) -> None:
    """To 80 characters, with a sign on each side on which something is missing."""
    line = " " * before + "[7" + " " * behind + "]"
    rows = marked(line, 0).splitlines()
    shown = rows[3].removeprefix("1 | ")
    if len(line) <= 80:
        assert shown == line
    else:
        assert len(shown.replace("…", "")) == 80
        assert shown.startswith("…") == (len(line[: line.index("7")]) > 40)
    mark = rows[4].removeprefix("  | ")
    assert shown[mark.index("^")] == "7"
    assert mark.count("^") == 1


def test_no_report_shows_more_than_80_characters_of_a_value() -> None:
    """Of one that begins the line or stands far within it."""
    for text in ('["' + "x" * 5000 + '"]', " " * 60 + '["' + "x" * 5000 + '"]'):
        assert marked(text, 0).count("x") < 80 + 2


@given(workflows.values, workflows.values)
def test_a_report_is_of_printable_lines_and_marks_what_it_means(
    first: object, second: object
) -> None:
    """Whatever stands in the file."""
    text = json.dumps([first, second], ensure_ascii=False)
    (issue,) = locate(text, [Issue("wrong-type", "is bad", (1,))])
    block = render_report([Findings("a", text, (issue,))])
    assert len(block.splitlines()) == len(block.split("\n")) - 1 == 5
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]", block)
    shown, mark = (row[4:] for row in block.splitlines()[3:])
    assert wcswidth(shown) >= len(mark)
    value = escape(text[(issue.column or 0) - 1 : (issue.end_column or 0) - 1])
    if "…" not in shown:
        assert shown.endswith(f"{value}]")
        assert wcswidth(shown.removesuffix(f"{value}]")) == mark.count(" ")


def test_what_is_printed_cannot_drive_the_terminal() -> None:
    """The message, the hint, the path, the name of the file."""
    issue = BAD._replace(message="a\n\x1b[1m", hint="\x9b", path=("\u202e",))
    block = render_report([Findings("\x1b\n", '{"a": 1}', (issue,))])
    assert block.splitlines()[:2] == [
        "error[wrong-type]: a\\n\\x1b[1m",
        ' --> \\x1b\\n:1:7  ["\\u202e"]',
    ]
    assert block.splitlines()[-1] == "  = help: \\x9b"


def test_colours_change_nothing_else() -> None:
    """An error is red, a warning yellow."""
    found = [Findings("a.json", '{"a": 1}', (BAD, BAD._replace(code="ignored-field")))]
    shown = render_report(found, colour)
    assert (
        re.sub(r"\x1b\[[0-9;]*m", "", shown)
        == render_report(found)
        == render_report(found, leave_plain)
    )
    assert shown.startswith("\x1b[1;31merror[wrong-type]\x1b[0m\x1b[1m: is bad\x1b[0m\n")
    assert "\x1b[1;33mwarning[ignored-field]\x1b[0m" in shown
    assert shown.count("\x1b[0m") == shown.count("\x1b[") / 2


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([[]], "1 file: nothing to report\n"),
        ([[], []], "2 files: nothing to report\n"),
        ([["wrong-type"]], "1 file: 1 error\n"),
        ([["wrong-type"] * 2, ["ignored-field"]], "2 files: 2 errors, 1 warning\n"),
        ([["ignored-field"] * 3], "1 file: 3 warnings\n"),
    ],
)
def test_a_summary_counts_on_one_line(files: list[list[str]], expected: str) -> None:
    """Errors and warnings, as far as there are any."""
    found = [Findings("a", "", tuple(Issue(code, "m") for code in codes)) for codes in files]
    assert render_summary(found) == expected


def test_the_text_of_a_check_ends_with_the_summary() -> None:
    """Apart from the reports, if there are any."""
    assert FORMATS["text"]([Findings("a", "", ())], leave_plain) == "1 file: nothing to report\n"
    found = [Findings("a", "", (NOWHERE,))]
    for paint in (leave_plain, colour):
        assert FORMATS["text"](found, paint) == f"{render_report(found, paint)}\n1 file: 1 error\n"


def test_a_workflow_command_names_the_place_and_escapes_what_it_must() -> None:
    """Percent signs and ends of lines everywhere, colons and commas in properties."""
    issue = BAD._replace(message="50%, a: b", hint="c%")
    found = [Findings("a,b:c%.json", '{"a": 1}', (issue, NOWHERE._replace(code="ignored-field")))]
    assert render_annotations(found) == (
        "::error file=a%2Cb%3Ac%25.json,line=1,col=7,endColumn=8,title=wrong-type"
        "::50%25, a: b%0Ahelp: c%25\n"
        "::warning file=a%2Cb%3Ac%25.json,title=ignored-field::no such file\n"
    )
    assert FORMATS["github"](found, colour) == render_annotations(found)


def test_a_workflow_command_is_one_line() -> None:
    """Nothing in a file can end it and begin another."""
    issue = BAD._replace(message="a\n::error::b", hint="\r\nc")
    (line,) = render_annotations([Findings("a\nb", "", (issue,))]).splitlines()
    assert line.startswith("::error file=a%0Ab,")
    assert line.endswith("::a\\n::error::b%0Ahelp: \\r\\nc")


def test_a_file_name_in_a_workflow_command_cannot_drive_the_terminal() -> None:
    """Nor end its line in any other way."""
    (line,) = render_annotations([Findings("a\x1b\u2028b", "", (NOWHERE,))]).splitlines()
    assert line == "::error file=a\\x1b\\u2028b,title=unreadable::no such file"


def test_the_document_has_every_file_and_every_issue() -> None:
    """And the sums."""
    found = [Findings("a", "t", (BAD, NOWHERE)), Findings("b", "", ())]
    document = build_document(found)
    assert document == {
        "files": [
            {
                "file": "a",
                "issues": [
                    {
                        "severity": "error",
                        "code": "wrong-type",
                        "message": "is bad",
                        "hint": "make it good",
                        "path": ["a"],
                        "line": 1,
                        "column": 7,
                        "end_column": 8,
                    },
                    {
                        "severity": "error",
                        "code": "unreadable",
                        "message": "no such file",
                        "hint": None,
                        "path": [],
                        "line": None,
                        "column": None,
                        "end_column": None,
                    },
                ],
            },
            {"file": "b", "issues": []},
        ],
        "errors": 2,
        "warnings": 0,
    }
    assert json.loads(FORMATS["json"](found, colour)) == document


@given(st.lists(st.sampled_from(sorted(CODES)), max_size=3))
def test_the_document_satisfies_its_schema(codes: list[str]) -> None:
    """Which knows every code, and no other."""
    issues = tuple(BAD._replace(code=code, path=("a", 0)) for code in codes)
    validator = Draft7Validator(load_schema("findings"))
    validator.validate(build_document([Findings("a", "", issues)]))
    issue = load_schema("findings")["properties"]["files"]["items"]["properties"]["issues"]["items"]
    assert issue["properties"]["code"]["enum"] == list(CODES)


def test_the_schema_of_the_document_refuses_another() -> None:
    """It says more than that there is an object."""
    good = build_document([Findings("a", "", (BAD,))])
    for change in [
        {"severity": "info"},
        {"code": "other"},
        {"line": 0},
        {"column": "1"},
        {"path": [-1]},
        {"message": ""},
        {"extra": 1},
    ]:
        broken = json.loads(json.dumps(good))
        broken["files"][0]["issues"][0] |= change
        assert not Draft7Validator(load_schema("findings")).is_valid(broken)
