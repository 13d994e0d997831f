"""An issue says what is wrong and where, as data."""

from driftflow.issues import CODES, Issue, locate_issue


def test_an_issue_names_its_path_as_people_write_it() -> None:
    """As messages name it."""
    assert Issue("syntax", "m", ("steps", 0, "a b")).place == 'steps[0]["a b"]'


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
