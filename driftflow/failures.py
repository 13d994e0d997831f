"""What an attempt failed with, as plain data that travels and can be recorded.

An exception does not travel: its class may be unknown elsewhere, and what it holds may be anything.
So where one is caught it becomes its words, the names of its classes, and where it was raised. Of
the places only those count that the operator can do something about: not DriftFlow's, nor Python's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from driftflow.errors import Permanent, message_of, name_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

# The directories of DriftFlow and of Python's own library; and where others' packages are.
_OURS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")  # noqa: PTH100, PTH118, PTH120 - a run does without pathlib
_PYTHON = os.path.join(os.path.dirname(os.__file__), "")  # noqa: PTH118, PTH120 - as above
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")

# No more exceptions of a chain are told, and of each no more frames: the last ones.
_MAX_CHAIN = 8
_MAX_FRAMES = 32


def _find_working_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - a run does without pathlib
    except OSError:  # it is gone
        return ""


# An action may change it later: the same line of code has the same place all the same.
_HERE = _find_working_directory()

Link: TypeAlias = Literal["cause", "context", "part"]

# Python's own answer: a class of the operator's may have another.
_CLASSES = type.__dict__["__mro__"].__get__


class Frame(NamedTuple):
    """A place in the operator's code that an exception has passed.

    Attributes:
        file: The file, as Python knows it.
        line: The line, from 1.
        function: The name of the function.
    """

    file: str
    line: int
    function: str


class Raised(NamedTuple):
    """An exception of a chain.

    Attributes:
        type: The name of its class.
        message: What it says; may be empty.
        frames: The operator's code that it has passed, outermost first.
        link: What it is to the one that follows: its `cause` (`raise ... from`), its `context` (it
            was being handled), or a `part` of a group of exceptions.
        notes: What was added to it (`add_note`).
    """

    type: str
    message: str
    frames: tuple[Frame, ...]
    link: Link = "context"
    notes: tuple[str, ...] = ()


class Failure(NamedTuple):
    """What an attempt failed with; or why there was none.

    Attributes:
        message: In words, as it is printed.
        types: The names of the exception's class and of its base classes, its own first; empty if
            there was no exception.
        place: Where in the operator's own code it was raised, `orders.py:3`: the innermost line
            that is not DriftFlow's or Python's, nor in an installed package if there is another;
            None if there is none.
        is_permanent: Whether another attempt would be in vain.
        chain: The exception, behind those that led to it, the first one first.
    """

    message: str
    types: tuple[str, ...] = ()
    place: str | None = None
    is_permanent: bool = False
    chain: tuple[Raised, ...] = ()


class AttemptError(Exception):
    """Stands for an exception that another process has raised and described.

    Attributes:
        failure: What that has said of it.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def describe(exception: BaseException) -> Failure:
    """Return what an exception of others' code says of itself.

    Raises:
        KeyboardInterrupt: If there is an interrupt meanwhile. Nothing else, whatever its class does
            when it is asked.
    """
    types = _list_types(exception)
    try:
        if isinstance(exception, AttemptError):
            return exception.failure
        chain = tuple(_list_chain(exception))
        message, place = _word(exception, chain[-1]), _find_place(chain[-1].frames)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - it may be as wrong as the code that raised it
        chain, message, place = (Raised(types[0], "", ()),), types[0], None
    return Failure(message, types, place, issubclass(type(exception), Permanent), chain)


def tell_with_type(failure: Failure) -> str:
    """Return the words of a failure with the type of its exception in front, once."""
    kind, *_ = failure.types
    is_told = failure.message == kind or failure.message.startswith(f"{kind}: ")
    return failure.message if is_told else f"{kind}: {failure.message}"


def _list_types(exception: BaseException) -> tuple[str, ...]:
    """Return the names of its class and of the base classes, its own first; but for `object`."""
    return tuple(name_type(each) for each in _CLASSES(type(exception)) if each is not object)


def _word(exception: BaseException, told: Raised) -> str:
    """Return the words of an exception, with its type where they mean nothing without it."""
    if not told.message.strip():
        return told.type
    return f"{told.type}: {told.message}" if _says_only_a_value(exception) else told.message


def _says_only_a_value(exception: BaseException) -> bool:
    """Return whether the words of an exception mean nothing without its type: a key, a status."""
    if isinstance(exception, SystemExit):
        return not isinstance(exception.code, str)
    return type(exception).__str__ is KeyError.__str__


def _list_chain(exception: BaseException) -> list[Raised]:
    """Return the exception, behind those that led to it."""
    chain: list[Raised] = []
    seen: set[int] = set()  # by identity: `==` may be the operator's code
    waiting: list[tuple[BaseException, Link]] = [(exception, "context")]
    while waiting and len(chain) < _MAX_CHAIN:
        one, link = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        frames = tuple(_find_frames(one.__traceback__))[-_MAX_FRAMES:]
        chain.append(Raised(name_type(type(one)), message_of(one), frames, link, _find_notes(one)))
        if one.__cause__ is not None:
            waiting.append((one.__cause__, "cause"))
        elif one.__context__ is not None and not one.__suppress_context__:
            waiting.append((one.__context__, "context"))
        if isinstance(one, BaseExceptionGroup):
            waiting += [(part, "part") for part in reversed(one.exceptions)]
    return chain[::-1]


def _find_notes(exception: BaseException) -> tuple[str, ...]:
    return tuple(note for note in getattr(exception, "__notes__", ()) if type(note) is str)


def _find_frames(traceback: TracebackType | None) -> Iterator[Frame]:
    """Yield the frames of the operator's code, outermost first."""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if _is_operators(code.co_filename):
            yield Frame(code.co_filename, traceback.tb_lineno or 0, code.co_name)
        traceback = traceback.tb_next


def _is_operators(file: str) -> bool:
    if file.startswith(("<", _OURS)):
        return False
    return not file.startswith(_PYTHON) or _is_installed(file)


def _is_installed(file: str) -> bool:
    return any(part in file for part in _INSTALLED)


def _find_place(frames: tuple[Frame, ...]) -> str | None:
    own = [frame for frame in frames if not _is_installed(frame.file)] or frames
    return f"{_shorten_path(own[-1].file)}:{own[-1].line}" if own else None


def _shorten_path(path: str) -> str:
    """Return the path as it is seen from where DriftFlow began, or from where imports look."""
    import sys

    homes = [os.path.join(home, "") for home in (_HERE, *sys.path) if home]  # noqa: PTH118 - as above
    longest = max(filter(path.startswith, homes), key=len, default="")
    return path.removeprefix(longest)
