"""An issue says what is wrong and where, as data."""

import pytest

from driftflow.issues import CODES, Issue, locate_issue


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), ""),
        (("name",), "name"),
        (("steps", 0, "priority"), "steps[0].priority"),
        ((0, 1), "[0][1]"),
        (("$schema", "x-note", "_a1"), "$schema.x-note._a1"),
        (("steps", 0, ""), 'steps[0][""]'),
        (("flags", "a b"), 'flags["a b"]'),
        (("é",), '["é"]'),
        (('"\n',), '["\\"\\n"]'),
        (("1",), '["1"]'),
        (("k" * 81, " " * 81), f'{"k" * 80}…["{" " * 79}…]'),
    ],
)
def test_an_issue_names_its_path_as_people_write_it(
    path: tuple[str | int, ...], place: str
) -> None:
    """Keys that are no words in brackets, long ones cut."""
    assert Issue("syntax", "m", path).place == place


def test_an_issue_without_a_place_is_about_the_whole_document() -> None:
    """Neither a path nor a position, nor a hint."""
    issue = Issue("syntax", "m")
    assert issue == Issue("syntax", "m", (), None, "value", None, None, None)
    assert locate_issue("a.json", issue) == "a.json"
    assert locate_issue("a.json", Issue("syntax", "m", line=3, column=14)) == "a.json:3:14"


def test_every_code_is_an_error_or_a_warning() -> None:
    """What it is depends on nothing else."""
    assert {Issue(code, "m").severity for code in CODES} == {"error", "warning"}
    assert Issue("wrong-type", "m").severity == "error"
    assert Issue("ignored-field", "m").severity == "warning"
