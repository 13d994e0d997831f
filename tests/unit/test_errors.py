"""Errors carry what is wrong as data, and read well."""

import pickle

import pytest

from driftflow import errors
from driftflow.errors import (
    ATTEMPT_ERRORS,
    ActionsError,
    ConfigError,
    DriftFlowError,
    ExecutorError,
    ExitStatus,
    Permanent,
    ProcessDied,
    StorageError,
    TimedOut,
    WorkerLost,
    message_of,
)
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
        Permanent("a"),
    ],
)
def test_every_error_has_one_root_and_survives_pickling(error: DriftFlowError) -> None:
    """So that a caller can catch all of them, in a pool of processes too."""
    assert isinstance(error, DriftFlowError)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), vars(copy)) == (type(error), vars(error))


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (TimedOut, TimeoutError),
        (ProcessDied, ChildProcessError),
        (ExitStatus, ChildProcessError),
        (WorkerLost, Exception),
    ],
)
def test_an_attempt_can_fail_with_errors_of_our_own(
    kind: type[Exception], base: type[Exception]
) -> None:
    """A config calls them by name, or by the name of the built-in class that they belong to.

    They are no errors of a run, which `DriftFlowError` would be; and they travel.
    """
    assert kind.__name__ in ATTEMPT_ERRORS
    assert issubclass(kind, base)
    assert not issubclass(kind, DriftFlowError)
    copy = pickle.loads(pickle.dumps(kind("after 2 s")))
    assert (type(copy), str(copy)) == (kind, "after 2 s")


def test_every_name_that_a_config_may_call_an_error_by_is_one() -> None:
    """But for the one that is kept for later."""
    names = {*ATTEMPT_ERRORS} - {"ContractBroken"}
    assert all(issubclass(vars(errors)[name], Exception) for name in names)
    assert Permanent.__name__ not in names  # there is no other attempt after it


class SilentError(Exception):
    """An exception that says nothing, and not well."""

    def __str__(self) -> str:
        raise LookupError


def test_the_words_of_an_exception_are_had_if_they_can_be() -> None:
    """Else there are none."""
    assert message_of(ValueError("no such day")) == "no such day"
    assert message_of(ValueError()) == ""
    assert message_of(SilentError("no such day")) == ""
