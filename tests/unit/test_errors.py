"""Errors carry what is wrong as data, and read well."""

import pickle

import pytest

from driftflow.errors import ConfigError, DriftFlowError, Issue, StorageError


@pytest.mark.parametrize(
    ("issue", "place"),
    [
        (Issue("m"), ""),
        (Issue("m", ("name",)), "name"),
        (Issue("m", ("steps", 0, "priority")), "steps[0].priority"),
        (Issue("m", (0, 1)), "[0][1]"),
        (Issue("m", line=3, column=14), "3:14"),
    ],
)
def test_an_issue_names_its_place_as_people_write_it(issue: Issue, place: str) -> None:
    """A position where there is one, else the path."""
    assert issue.place == place


def test_an_issue_without_a_place_is_about_the_whole_document() -> None:
    """Neither a path nor a position."""
    assert Issue("m") == Issue("m", path=(), line=None, column=None)


def test_a_config_error_has_a_line_for_each_issue() -> None:
    """File, place, message; a place or a file without a name leaves no gap."""
    error = ConfigError("a.json", [Issue("is bad", ("name",)), Issue("is worse")])
    assert error.lines == ["a.json: name: is bad", "a.json: is worse"]
    assert str(error) == "a.json: name: is bad\na.json: is worse"
    assert ConfigError("", [Issue("no such file")]).lines == ["no such file"]


def test_a_storage_error_names_the_file_and_the_reason() -> None:
    """On one line."""
    error = StorageError("a.audit.json", "it is full")
    assert error.lines == [str(error)] == ["a.audit.json: it is full"]


@pytest.mark.parametrize("error", [ConfigError("a", [Issue("m")]), StorageError("a", "b")])
def test_every_error_has_one_root_and_survives_pickling(error: DriftFlowError) -> None:
    """So that a caller can catch all of them, in a pool of processes too."""
    assert isinstance(error, DriftFlowError)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), vars(copy)) == (type(error), vars(error))
