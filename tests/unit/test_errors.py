"""Errors carry what is wrong as data, and read well."""

import pickle

import pytest

from driftflow.errors import ActionsError, ConfigError, DriftFlowError, ExecutorError, StorageError
from driftflow.issues import Findings, Issue


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
