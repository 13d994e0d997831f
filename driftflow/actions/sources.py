"""The operator's code, loaded: modules, files, functions of the program.

- Whatever the code raises while it is loaded becomes an `ActionsError` with its file and line.
- A module is looked for where Python finds those that are installed, never in the working
  directory: what lies there may be anybody's. Only code that is given by its path may import what
  lies beside it (`beside`).
- Where it leaves the working directory, the run does not go: whatever comes after counts its paths
  from the same one as what came before.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import contextmanager, suppress
from operator import attrgetter
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import driftflow
from driftflow.actions.action import Address, find_mark
from driftflow.actions.by_path import forget, is_by_path, name_module
from driftflow.errors import ActionsError, message_of
from driftflow.forks import call_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Function: TypeAlias = Callable[[Any], Any]

Given: TypeAlias = (
    "Mapping[str, Function] | Iterable[str | os.PathLike[str] | ModuleType | Function]"
)


class Candidate(NamedTuple):
    """A function that is to become an action.

    Attributes:
        source: What an error about it names.
        name: What steps call it.
        function: The function.
        origin: Where it comes from, in words.
        address: Where another process finds it.
    """

    source: str
    name: str
    function: Function
    origin: str
    address: Address


def find_candidates(given: Given | list[Candidate]) -> Iterator[Candidate]:
    """Yield the functions that are given, and those that a module or a file has marked.

    Raises:
        ActionsError: If something cannot be loaded, or has no marked function.
    """
    if isinstance(given, Mapping):
        for name, function in given.items():
            yield _from_program(name, function)
        return
    for thing in [given] if isinstance(given, str | os.PathLike) else given:
        if isinstance(thing, str | os.PathLike):
            source = os.fspath(thing)
            yield from _find_marked(_load_module(source), source)
        elif isinstance(thing, ModuleType):
            yield from _find_marked(thing, thing.__name__)
        elif isinstance(thing, Candidate):
            yield thing
        elif mark := find_mark(thing):
            yield _from_program(mark[0], thing)
        else:
            what = getattr(thing, "__name__", type(thing).__name__)
            raise ActionsError("actions", f"`{what}` is not marked with `@driftflow.action`")


def _from_program(name: str, function: Function) -> Candidate:
    return Candidate(
        "actions", name, function, "given by the program", (name, *_find_address(function))
    )


def _find_marked(module: ModuleType, source: str) -> Iterator[Candidate]:
    """Yield the marked functions that have a name in the module, also those it has imported."""
    marked = [(mark, thing) for thing in vars(module).values() if (mark := find_mark(thing))]
    if not marked:
        home = getattr(module, "__file__", None) or "built into Python"
        raise ActionsError(source, f"it has no function marked with `@driftflow.action` ({home})")
    address = os.path.abspath(source) if _is_path(source) else source  # noqa: PTH100
    # Another process has its own `__main__`, and cannot import a module that was made by hand.
    is_only_here = source == "__main__" or module.__spec__ is None
    for (name, *_), function in marked:
        found = Candidate(source, name, function, source, address)
        yield found._replace(address=(name, "", "")) if is_only_here else found


def _load_module(source: str) -> ModuleType:
    """Import the module of that name, or run the file or the package at that path anew."""
    if _is_path(source):
        return _load_by_path(source)
    if not is_by_path(source) and not all(part.isidentifier() for part in source.split(".")):
        raise ActionsError(
            source, "neither a module name nor a path: a path ends in `.py` or contains a `/`"
        )
    module: ModuleType = run_code(lambda: importlib.import_module(source), source)
    return module


def _is_path(source: str) -> bool:
    may_be = source.endswith(".py") or os.sep in source
    return may_be and "\0" not in source and not is_by_path(source)


def _load_by_path(path: str) -> ModuleType:
    full = os.path.abspath(path)  # noqa: PTH100 - a string, as the import system wants it
    if os.path.isdir(full):  # noqa: PTH112 - as above
        if not os.path.isfile(os.path.join(full, "__init__.py")):  # noqa: PTH113, PTH118 - as above
            raise ActionsError(path, "the folder is not a package: it has no `__init__.py`")
    elif not path.endswith(".py"):
        raise ActionsError(path, "neither a folder nor a `.py` file")
    try:
        os.stat(full)  # noqa: PTH116 - as above
    except OSError as error:
        raise ActionsError(path, str(error.strerror)) from None
    name = name_module(full)
    forget(name)
    module: ModuleType = run_code(lambda: importlib.import_module(name), path)
    return module


def run_code(load: Callable[[], Any], source: str) -> Any:
    """Run code of the operator's, and return what it gives; the working directory stays.

    Args:
        load: Runs the code.
        source: What errors call the code.

    Raises:
        ActionsError: If the code raises anything; it has the line that did.
    """
    try:
        with _stay_here():
            return call_here(load)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the operator's code raises
        raise ActionsError(source, _explain(error, source)) from None


@contextmanager
def _stay_here() -> Iterator[None]:
    """Come back to the working directory, also if it has another name by then."""
    try:
        here = os.open(os.curdir, os.O_PATH if sys.platform == "linux" else os.O_RDONLY)
    except OSError:  # it may not be opened: there is no coming back
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):  # the code has closed it: the number may be another file's
            os.fchdir(here)
            os.close(here)


def _explain(error: BaseException, source: str) -> str:
    """Return in words why code could not be loaded, and where it failed."""
    import traceback

    if isinstance(error, ModuleNotFoundError) and f"{source}.".startswith(f"{error.name}."):
        return f"no such module; {_suggest_path(source)}"
    if isinstance(error, OSError) and error.filename == os.path.abspath(source):  # noqa: PTH100
        return str(error.strerror)
    if isinstance(error, SyntaxError) and error.lineno:
        other = f"{error.filename}:" * (error.filename != os.path.abspath(source))  # noqa: PTH100
        return f"{other or 'line '}{error.lineno}: {error.msg}"
    ours = os.path.join(os.path.dirname(driftflow.__file__), "")  # noqa: PTH118, PTH120 - as above
    lines = [
        f"{frame.filename}:{frame.lineno}: "
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(ours)
        and not re.search(r"^<frozen |\bimportlib(_metadata)?\b", frame.filename)
    ]
    said = message_of(error)
    return f"{''.join(lines[-1:])}{type(error).__name__}{said and f': {said}'}"


def _suggest_path(module: str) -> str:
    """Return how to name code that is not installed: by its path, which may be known."""
    path = os.path.join(".", *module.split("."))  # noqa: PTH118 - `Path` drops the dot
    if os.path.isfile(f"{path}.py"):  # noqa: PTH113 - as above
        return f"did you mean the file `{path}.py`?"
    if os.path.isfile(os.path.join(path, "__init__.py")):  # noqa: PTH113, PTH118 - as above
        return f"did you mean the folder `{path}/`?"
    return "to load a file, give its path, as in `./actions.py`"


def load_function(name: str, module: str, qualname: str) -> Candidate:
    """Import a function that another process gave to its run.

    Args:
        name: The name of the action.
        module: The module of the function; empty if only the other process has it.
        qualname: Its qualified name there.

    Raises:
        ActionsError: If it cannot be found here.
    """
    if not module:
        raise ActionsError(name, "it exists only in the process that started the run")
    source = f"{module}.{qualname}"
    return _from_program(
        name, run_code(lambda: attrgetter(qualname)(importlib.import_module(module)), source)
    )


def _find_address(function: Function) -> tuple[str, str]:
    """Return the module in which another process finds a function, and its qualified name there.

    Both are empty if only this process has it.
    """
    module = getattr(function, "__module__", None) or ""
    qualname = getattr(function, "__qualname__", None) or ""
    try:
        is_there = attrgetter(qualname)(sys.modules[module]) is function
    except (AttributeError, KeyError):
        is_there = False
    return (module, qualname) if is_there and module != "__main__" else ("", "")
