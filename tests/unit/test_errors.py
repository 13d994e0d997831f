"""Errors carry what is wrong as data, and read well."""

import pickle

import pytest

from driftflow.errors import (
    CODES,
    ActionsError,
    ConfigError,
    DriftFlowError,
    ExecutorError,
    Findings,
    Issue,
    StorageError,
    locate_issue,
)


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


def test_a_config_error_has_a_line_for_each_issue() -> None:
    """File, place, severity, code and message."""
    issues = (
        Issue("empty-string", "is bad", ("name",), line=1, column=2),
        Issue("wrong-environment", "is worse"),
    )
    error = ConfigError(Findings("a.json", "text", issues))
    assert str(error) == (
        "a.json:1:2: error[empty-string]: is bad\na.json: error[wrong-environment]: is worse"
    )
    assert (error.source, error.issues) == ("a.json", issues)


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [(ActionsError, "source"), (ExecutorError, "address"), (StorageError, "path")],
)
def test_an_error_names_what_is_at_fault_and_the_reason(
    kind: type[DriftFlowError], attribute: str
) -> None:
    """On one line, and each by a name of its own."""
    error = kind("a.audit.json", "it is full")
    assert str(error) == "a.audit.json: it is full"
    assert (getattr(error, attribute), vars(error)["reason"]) == ("a.audit.json", "it is full")


@pytest.mark.parametrize(
    "error",
    [
        ConfigError(Findings("a", "{", (Issue("syntax", "m"),))),
        ActionsError("a", "b"),
        ExecutorError("a", "b"),
        StorageError("a", "b"),
    ],
)
def test_every_error_has_one_root_and_survives_pickling(error: DriftFlowError) -> None:
    """So that a caller can catch all of them, in a pool of processes too."""
    assert isinstance(error, DriftFlowError)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), vars(copy)) == (type(error), vars(error))
