"""What an exception becomes where it is caught: plain data that says what it was."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from driftflow.actions.action import ACTIONS, make_performer
from driftflow.errors import DriftFlowError, ExitStatus, Permanent, TimedOut
from driftflow.failures import AttemptError, Failure, Frame, Raised, describe, tell_with_type

if TYPE_CHECKING:
    from pathlib import Path


class DownError(OSError):
    """What an operator's own code may raise."""


class RefusedError(DownError, LookupError):
    """It has two base classes."""


class RejectedError(Permanent):
    """An operator's own kind of what cannot succeed."""


class MuteError(Exception):
    """An exception that cannot even say what is wrong."""

    def __str__(self) -> NoReturn:
        raise RuntimeError


class NumericError(Exception):
    """An exception whose words are none."""

    __str__: Any = lambda _: 7


class Words(str):
    """A text of the operator's own kind, as template engines have."""

    __slots__ = ()


class WordyError(Exception):
    """An exception that says so."""

    def __str__(self) -> str:
        return Words("no such day")


@pytest.mark.parametrize(
    ("exception", "message"),
    [
        (ValueError("no such thing"), "no such thing"),
        (ValueError("two\nlines "), "two\nlines "),
        (ValueError(), "ValueError"),
        (LookupError(""), "LookupError"),
        (LookupError(" \n\t "), "LookupError"),
        (OSError(2, "No such file", "a.csv"), "[Errno 2] No such file: 'a.csv'"),
        (SystemExit(), "SystemExit"),
        (GeneratorExit(), "GeneratorExit"),
        (MuteError("lost"), "MuteError"),
        (NumericError("lost"), "NumericError"),
        (WordyError("lost"), "no such day"),
    ],
)
def test_a_failure_has_the_words_of_the_exception(exception: BaseException, message: str) -> None:
    """Or the name of its class, if it has none that can be had."""
    assert describe(exception).message == message


def test_the_words_are_plain_text() -> None:
    """Whatever the class of what an exception says: another process may not know that."""
    assert type(describe(WordyError()).message) is str


@pytest.mark.parametrize(
    ("exception", "types"),
    [
        (Exception(), ("Exception", "BaseException")),
        (
            ConnectionResetError(),
            ("ConnectionResetError", "ConnectionError", "OSError", "Exception", "BaseException"),
        ),
        (SystemExit(), ("SystemExit", "BaseException")),
        (DownError(), ("DownError", "OSError", "Exception", "BaseException")),
        (
            RefusedError(),
            ("RefusedError", "DownError", "OSError", "LookupError", "Exception", "BaseException"),
        ),
        (
            type("Local", (DownError,), {})(),
            ("Local", "DownError", "OSError", "Exception", "BaseException"),
        ),
        (TimedOut(), ("TimedOut", "TimeoutError", "OSError", "Exception", "BaseException")),
        (
            ExitStatus(),
            ("ExitStatus", "ChildProcessError", "OSError", "Exception", "BaseException"),
        ),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "of",
)
def test_a_failure_has_the_names_of_all_classes(
    exception: BaseException, types: tuple[str, ...]
) -> None:
    """Its own first, then those of its base classes, nearer ones before others."""
    assert describe(exception).types == types


@pytest.mark.parametrize(
    ("exception", "is_permanent"),
    [
        (Permanent("gone"), True),
        (RejectedError("gone"), True),
        (DriftFlowError("gone"), False),
        (ValueError("permanent"), False),
        (type("Permanent", (Exception,), {})("only by name"), False),
    ],
)
def test_a_permanent_failure_is_known_by_its_class(
    exception: BaseException, *, is_permanent: bool
) -> None:
    """Or by a base class of that; a class of the same name is another one."""
    failure = describe(exception)
    assert failure.is_permanent is is_permanent
    assert failure.types[0] == type(exception).__name__
    assert failure.message == str(exception)


def test_what_another_process_has_described_stays_as_it_is() -> None:
    """Its words, its classes, its place, and whether it is permanent."""
    failure = Failure("no disk", ("Full", "OSError"), "orders.py:3", is_permanent=True)
    error = AttemptError(failure)
    assert describe(error) is failure
    assert str(error) == "no disk"
    with pytest.raises(AttemptError) as caught:
        raise error
    assert describe(caught.value) == failure


@pytest.mark.parametrize(
    "exception", [MuteError(), RejectedError("gone"), RefusedError("no"), SystemExit()]
)
def test_a_failure_travels(exception: BaseException) -> None:
    """As plain data: whoever gets it need not know the class of the exception."""
    failure = describe(exception)
    data = pickle.dumps(failure)
    assert pickle.loads(data) == failure
    assert __name__.encode() not in data


def test_a_failure_may_be_no_more_than_words() -> None:
    """Where there was no exception."""
    failure = Failure("input from 'a', which failed")
    assert (failure.types, failure.place, failure.is_permanent) == ((), None, False)


CODE = """
import functools, json

def fail(value):
    return value["pop"]

def parse(text):
    return json.loads(text)

def deep(number):
    return deep(number - 1) if number else 1 // 0

def chained(_):
    try:
        parse("{")
    except ValueError as error:
        raise RuntimeError("bad") from error

def handled(_):
    try:
        parse("{")
    except ValueError:
        raise RuntimeError("worse")

def hidden(_):
    try:
        parse("{")
    except ValueError:
        raise RuntimeError("alone") from None
"""


def load(path: Path) -> dict[str, Any]:
    """The functions of that code, in a file there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CODE)
    scope: dict[str, Any] = {}
    exec(compile(CODE, str(path), "exec"), scope)  # noqa: S102 - as an import would
    return scope


def failure_of(function: Any, *values: Any) -> Failure:
    """What a call of it fails with."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it is
        function(*values)
    return describe(caught.value.with_traceback(caught.tb.tb_next))  # without this frame


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError("pop"), "KeyError: 'pop'"),
        (KeyError(1, 2), "KeyError: (1, 2)"),
        (KeyError(), "KeyError"),
        (type("Mine", (KeyError,), {})("x"), "Mine: 'x'"),
        (type("Told", (KeyError,), {"__str__": lambda _: "no such key"})("x"), "no such key"),
        (SystemExit(3), "SystemExit: 3"),
        (SystemExit("over"), "over"),
        (SystemExit(), "SystemExit"),
        (ValueError("3"), "3"),
        (IndexError("list index out of range"), "list index out of range"),
        (type("", (Exception,), {})(), "nameless"),
    ],
)
def test_words_that_say_nothing_by_themselves_have_the_type_in_front(
    error: BaseException, message: str
) -> None:
    """A key, or the status of an exit."""
    assert describe(error).message == message


def test_the_place_is_the_innermost_line_of_the_operators_own_code(tmp_path: Path) -> None:
    """Not Python's, in which it may have been raised."""
    scope = load(tmp_path / "orders.py")
    assert failure_of(scope["fail"], {}).place == f"{tmp_path}/orders.py:5"
    assert failure_of(scope["parse"], "{").place == f"{tmp_path}/orders.py:8"
    assert failure_of(scope["chained"], "").place == f"{tmp_path}/orders.py:17"
    assert failure_of(len, 5).place is None
    assert failure_of(make_performer(ACTIONS), "nobody", "", None).place is None


def test_the_place_is_seen_from_the_working_directory_or_from_where_imports_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the nearest of them: that in which the program began, wherever an action has gone."""
    scope = load(tmp_path / "jobs" / "acme" / "orders.py")
    monkeypatch.setattr("driftflow.failures._HERE", str(tmp_path))
    monkeypatch.chdir("/")
    assert failure_of(scope["fail"], {}).place == "jobs/acme/orders.py:5"
    monkeypatch.setattr("sys.path", [str(tmp_path / "jobs")])
    assert failure_of(scope["fail"], {}).place == "acme/orders.py:5"
    monkeypatch.setattr("driftflow.failures._HERE", "")  # it was gone when the program began
    assert failure_of(scope["fail"], {}).place == "acme/orders.py:5"


def test_an_installed_package_is_the_place_only_if_no_code_beside_it_is(tmp_path: Path) -> None:
    """Who calls a library wants to know where; a team's own package is all that there is."""
    library = load(tmp_path / "site-packages" / "acme" / "lib.py")
    own = load(tmp_path / "orders.py")
    own["parse"].__globals__["json"] = type("Json", (), {"loads": library["fail"]})
    assert failure_of(own["parse"], {}).place == f"{tmp_path}/orders.py:8"
    assert failure_of(library["fail"], {}).place == f"{tmp_path}/site-packages/acme/lib.py:5"


def test_the_chain_has_what_led_to_it_and_the_code_that_was_passed(tmp_path: Path) -> None:
    """The first one first; what was left out on purpose is left out here, too."""
    file = str(tmp_path / "orders.py")
    scope = load(tmp_path / "orders.py")
    first, second = failure_of(scope["chained"], "").chain
    assert (first.type, first.link, second.type) == ("JSONDecodeError", "cause", "RuntimeError")
    assert first.frames == (Frame(file, 15, "chained"), Frame(file, 8, "parse"))
    assert second == Raised("RuntimeError", "bad", (Frame(file, 17, "chained"),))
    first, second = failure_of(scope["handled"], "").chain
    assert (first.link, second.message) == ("context", "worse")
    (only,) = failure_of(scope["hidden"], "").chain
    assert only.message == "alone"


def test_a_chain_and_its_frames_are_bounded(tmp_path: Path) -> None:
    """The last ones count; a chain that leads back to itself ends."""
    deep = failure_of(load(tmp_path / "orders.py")["deep"], 200)
    ((_, _, frames, _, _),) = deep.chain
    assert len(frames) == 32
    error: BaseException = ValueError("0")
    for number in range(1, 20):
        later = ValueError(str(number))
        later.__cause__ = error
        error = later
    assert [raised.message for raised in describe(error).chain] == [str(n) for n in range(12, 20)]
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__context__ = other, one
    assert [raised.message for raised in describe(one).chain] == ["other", "one"]


def test_a_group_of_exceptions_is_told_with_all_that_are_in_it(tmp_path: Path) -> None:
    """Each with the code that it has passed, and with what led to it; the group last."""
    scope = load(tmp_path / "orders.py")

    def raise_group() -> NoReturn:
        parts = []
        for deed, given in ((scope["fail"], {}), (scope["chained"], "")):
            try:
                deed(given)
            except (KeyError, RuntimeError) as error:
                parts.append(error)
        raise ExceptionGroup("two at once", [ExceptionGroup("inner", parts), ValueError("last")])

    failure = failure_of(raise_group)
    assert failure.message == "two at once (2 sub-exceptions)"
    told = [(each.type, each.link) for each in failure.chain]
    assert told == [
        ("ValueError", "part"),
        ("JSONDecodeError", "cause"),
        ("RuntimeError", "part"),
        ("KeyError", "part"),
        ("ExceptionGroup", "part"),
        ("ExceptionGroup", "context"),
    ]
    key_error = failure.chain[3]
    assert key_error.frames[-1] == Frame(str(tmp_path / "orders.py"), 5, "fail")


def test_notes_are_told_with_their_exception() -> None:
    """As far as they are texts: anything can stand there."""
    error = ValueError("bad")
    error.add_note("in the file of Monday")
    error.__notes__.append(7)  # type: ignore[arg-type]  # nothing forbids it
    (told,) = describe(error).chain
    assert told.notes == ("in the file of Monday",)


class _Hidden(type):
    """The class of a class that does not tell its own name."""

    @property
    def __name__(cls) -> NoReturn:  # type: ignore[override]  # as wrong as code can be
        raise LookupError


class NamelessError(Exception, metaclass=_Hidden):
    """An exception of such a class."""


class ClosedError(Permanent):
    """An exception that answers nothing."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise SystemExit(3)


class LeavingError(Exception):
    """An exception that ends the process if it is asked what is wrong."""

    def __str__(self) -> NoReturn:
        raise SystemExit(3)


class TornError(Exception):
    """An exception that does not say what led to it."""

    @property
    def __cause__(self) -> NoReturn:  # type: ignore[override]  # as wrong as code can be
        raise GeneratorExit


@pytest.mark.parametrize(
    "kind",
    [NamelessError, ClosedError, LeavingError, TornError],
    ids=["nameless", "closed", "leaving", "torn"],
)
def test_whatever_an_exception_does_when_it_is_asked_it_becomes_a_failure(
    kind: type[Exception],
) -> None:
    """Else it would end the thread that tries its step, or the run."""
    failure = describe(kind())
    name = type.__dict__["__name__"].__get__(kind)
    assert failure.message == name
    assert failure.types[0] == name
    assert [raised.type for raised in failure.chain] == [name]
    assert failure.is_permanent is (kind is ClosedError)
    assert pickle.loads(pickle.dumps(failure)) == failure


@pytest.mark.parametrize("place", ["__str__", "__cause__"])
def test_an_interrupt_that_comes_while_an_exception_is_asked_is_one(place: str) -> None:
    """It is the user's, most likely."""

    def interrupt(_: object) -> NoReturn:
        raise KeyboardInterrupt

    deed = interrupt if place == "__str__" else property(interrupt)
    kind = type("Slow", (Exception,), {place: deed})
    with pytest.raises(KeyboardInterrupt):
        describe(kind())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("no route"), "OSError: no route"),
        (OSError("OSErrors are many"), "OSError: OSErrors are many"),
        (KeyError("x"), "KeyError: 'x'"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_the_type_is_told_in_front_of_the_words_once(error: BaseException, words: str) -> None:
    """Whether or not they have it there already."""
    assert tell_with_type(describe(error)) == words
