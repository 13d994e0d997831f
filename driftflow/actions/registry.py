"""The operator's code: the actions that steps can name besides the built-in ones.

A config names actions. Where they come from is said here by whoever starts the run, or by what is
installed; the config has no part in it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from functools import cached_property
from inspect import iscoroutinefunction
from operator import attrgetter
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import driftflow
from driftflow.actions.action import ACTIONS, Action, mark_of, summary_of
from driftflow.errors import ActionsError, message_of
from driftflow.reading.document import copied
from driftflow.schemas.compiler import acceptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.metadata import EntryPoint

    from driftflow.reading.document import Json

    Function: TypeAlias = Callable[[Any], Any]

Given: TypeAlias = (
    "Mapping[str, Function] | Iterable[str | os.PathLike[str] | ModuleType | Function]"
)

# Where another process finds what is given: a module or file; or a function, by the name of its
# action, its module and its place in that, which are empty if only this process has it.
Source: TypeAlias = str | tuple[str, str, str]

ENTRY_POINTS = "driftflow.actions"


def gathered(given: Given) -> Actions:
    """All that steps can name, with what is given; itself, if it was gathered before.

    Raises:
        ActionsError: If something cannot be loaded, or a name is taken.
    """
    return given if isinstance(given, Actions) else Actions(given)


class Actions(Mapping[str, Action]):
    """All that steps can name: the built-in actions, those given, those of installed packages.

    The last are entry points of the group `driftflow.actions`. They are looked for only for names
    that nothing else provides, and each is imported when its name is looked up.

    Args:
        given: Functions by name; or functions that `action` has marked, modules with such, names
            of modules and paths of `.py` files.

    Attributes:
        sources: Where another process finds what was given.

    Raises:
        ActionsError: If something cannot be loaded, or a name is taken; looking a name up also
            raises it.
    """

    def __init__(self, given: Given | list[_Found]) -> None:
        self.sources: tuple[Source, ...] = ()
        self._known = dict(ACTIONS)
        functions: dict[str, Function] = {name: each.function for name, each in ACTIONS.items()}
        for found in _found(given):
            if found.elsewhere not in self.sources[-1:]:  # as one of a file's functions is
                self.sources += (found.elsewhere,)
            _refuse_what_is_none(found)
            if not _same(functions.setdefault(found.name, found.function), found.function):
                taken = f"the name `{found.name}` is taken: {self._known[found.name].origin}"
                raise ActionsError(found.source, taken)
            if found.name not in self._known:
                self._known[found.name] = _described(found)

    def __getitem__(self, name: str) -> Action:
        if name not in self._known:
            self._known[name] = _of_package(name, self._entry_points[name])
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._entry_points

    def __iter__(self) -> Iterator[str]:
        yield from self._known
        yield from sorted(self._entry_points.keys() - self._known.keys())

    def __len__(self) -> int:
        return len(self._known.keys() | self._entry_points.keys())

    @cached_property
    def _entry_points(self) -> dict[str, list[EntryPoint]]:
        from importlib.metadata import entry_points

        found: dict[str, list[EntryPoint]] = {}
        installed = "the entry points of installed packages"
        for entry_point in _run(lambda: list(entry_points(group=ENTRY_POINTS)), installed):
            found.setdefault(entry_point.name, []).append(entry_point)
        return found


class _Found(NamedTuple):
    """A function that is to be an action, and who is named if it cannot be."""

    source: str
    name: str
    function: Function
    origin: str
    elsewhere: Source


def _found(given: Given | list[_Found]) -> Iterator[_Found]:
    if isinstance(given, Mapping):
        for name, function in given.items():
            yield _given(name, function)
        return
    for thing in [given] if isinstance(given, str | os.PathLike) else given:
        if isinstance(thing, str | os.PathLike):
            source = os.fspath(thing)
            yield from _marked_in(_module(source), source)
        elif isinstance(thing, ModuleType):
            yield from _marked_in(thing, thing.__name__)
        elif isinstance(thing, _Found):
            yield thing
        elif mark := mark_of(thing):
            yield _given(mark[0], thing)
        else:
            what = getattr(thing, "__name__", type(thing).__name__)
            raise ActionsError("actions", f"`{what}` is not marked by `@driftflow.action`")


def _given(name: str, function: Function) -> _Found:
    return _Found("actions", name, function, "given by the program", (name, *_address(function)))


def _marked_in(module: ModuleType, source: str) -> Iterator[_Found]:
    """What `action` has marked of what has a name in the module, imported or not."""
    marked = [(mark, thing) for thing in vars(module).values() if (mark := mark_of(thing))]
    if not marked:
        home = getattr(module, "__file__", None) or "built into Python"
        raise ActionsError(source, f"no function in it is marked by `@driftflow.action` ({home})")
    elsewhere = os.path.abspath(source) if _is_file(source) else source  # noqa: PTH100
    # To others, `__main__` is another module; and what was made here has not been imported.
    only_here = source == "__main__" or module.__spec__ is None
    for (name, _), function in marked:
        found = _Found(source, name, function, source, elsewhere)
        yield found._replace(elsewhere=(name, "", "")) if only_here else found


def _refuse_what_is_none(found: _Found) -> None:
    source, name, function, *_ = found
    if not isinstance(name, str) or not name:
        raise ActionsError(source, f"an action cannot be called {name!r}")
    if not callable(function):
        raise ActionsError(source, f"`{name}` is no function")
    if iscoroutinefunction(function):
        raise ActionsError(source, f"`{name}` is a coroutine function, and nobody would await it")


def _same(function: Function, other: Function) -> bool:
    """Whether two functions are one, or one of a file that was run twice, as another imports it."""
    if not (isinstance(function, FunctionType) and isinstance(other, FunctionType)):
        return function is other
    one, two = function.__code__, other.__code__
    return function is other or (
        function.__globals__ is not other.__globals__
        and (one.co_filename, one.co_firstlineno) == (two.co_filename, two.co_firstlineno)
    )


def _described(found: _Found) -> Action:
    source, name, function, origin, _ = found
    _, given = mark_of(function) or (name, None)
    if given is None:
        return Action(function, summary_of(function), origin)
    try:
        schema = _schema(given)
        accepts = acceptor(schema)
    except (TypeError, ValueError) as error:
        raise ActionsError(source, f"the schema of `{name}` is wrong: {error}") from None

    def perform(value: Json) -> Any:
        if not accepts(value):
            from driftflow.schemas.explanation import objection

            raise TypeError(objection(name, schema, value))
        return function(value)

    return Action(perform, summary_of(function), origin, schema, accepts)


def _schema(given: Any) -> dict[str, Any]:
    """A copy of the schema, which is one of JSON, and an object."""
    schema = copied(given)
    if not isinstance(schema, dict):
        raise TypeError("it is no object")
    json.dumps(schema, ensure_ascii=False).encode()  # no half characters
    return schema


def _of_package(name: str, entry_points: list[EntryPoint]) -> Action:
    packages = [f"{each.dist.name} {each.dist.version}" for each in entry_points if each.dist]
    source = f"the entry point `{name}`"
    if len(entry_points) > 1:
        raise ActionsError(source, f"several packages provide it: {', '.join(sorted(packages))}")
    (entry_point,) = entry_points
    found = _Found(source, name, _run(entry_point.load, source), "".join(packages), "")
    _refuse_what_is_none(found)
    return _described(found)


def _module(source: str) -> ModuleType:
    """The module of that name, or in that file; imported or run anew."""
    if _is_file(source):
        return _of_file(source)
    _let_import_from("")  # the working directory, wherever that is
    if not all(part.isidentifier() for part in source.split(".")):
        raise ActionsError(source, "neither the name of a module nor a path that ends in `.py`")
    module: ModuleType = _run(lambda: importlib.import_module(source), source)
    return module


def _is_file(source: str) -> bool:
    return "\0" not in source and (source.endswith(".py") or os.sep in source)


def _of_file(path: str) -> ModuleType:
    full = os.path.abspath(path)  # noqa: PTH100 - a string, as the import system wants it
    _let_import_from(os.path.dirname(full))  # noqa: PTH120 - likewise
    name = re.sub(r"\W", "_", full)  # no module has it already, and dataclasses find theirs by it
    spec = importlib.util.spec_from_file_location(name, full)
    if not path.endswith(".py") or spec is None or spec.loader is None:
        raise ActionsError(path, "not a file of Python code: its name does not end in `.py`")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    load = spec.loader.exec_module
    _run(lambda: load(module), path)
    return module


def _let_import_from(folder: str) -> None:
    """Let code import what lies in the folder; what is installed comes before it."""
    if folder not in sys.path:
        sys.path.append(folder)


def _run(load: Callable[[], Any], source: str) -> Any:
    try:
        return load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the operator's code raises
        raise ActionsError(source, _explanation(error, source)) from None


def _explanation(error: BaseException, source: str) -> str:
    """What was wrong with code that was to be loaded, with its place."""
    if isinstance(error, ModuleNotFoundError) and f"{source}.".startswith(f"{error.name}."):
        return "there is no such module; a file is named by its path, as in `./actions.py`"
    if isinstance(error, OSError) and error.filename == os.path.abspath(source):  # noqa: PTH100
        return str(error.strerror)
    if isinstance(error, SyntaxError) and error.lineno:
        other = f"{error.filename}:" * (error.filename != os.path.abspath(source))  # noqa: PTH100
        return f"{other or 'line '}{error.lineno}: {error.msg}"
    ours = os.path.dirname(driftflow.__file__)  # noqa: PTH120 - frames have strings
    places = [
        f"{frame.filename}:{frame.lineno}: "
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(ours)
        and not re.search(r"^<frozen |\bimportlib(_metadata)?\b", frame.filename)
    ]
    said = message_of(error)
    return f"{''.join(places[-1:])}{type(error).__name__}{said and f': {said}'}"


def loaded(actions: Mapping[str, Action]) -> dict[str, Action]:
    """All of the actions; one that cannot be loaded says so, and stands in no other's way."""
    return {name: _or_reason(actions, name) for name in actions}


def _or_reason(actions: Mapping[str, Action], name: str) -> Action:
    try:
        return actions[name]
    except ActionsError as error:
        return Action(str, f"cannot be loaded: {error.reason}", error.source)


def recalled(names: Iterable[str], sources: Iterable[Source]) -> dict[str, Action]:
    """The actions of these names in a process where nothing has been loaded yet.

    What cannot be loaded here is an unknown action, which says so when it is tried.

    Args:
        names: What steps name.
        sources: What `Actions.sources` was where the run began.
    """
    things: list[_Found] = []
    reasons = []
    for source in sources:
        try:
            more = [*_found([source])] if isinstance(source, str) else [_at(*source)]
            Actions([*things, *more])  # they may be wrong, or their names taken
        except ActionsError as error:
            reasons.append(f"; {error}")
        else:
            things += more
    known = Actions(things)
    return {name: _or_unknown(known, name, "".join(reasons)) for name in names}


def _or_unknown(actions: Mapping[str, Action], name: str, reasons: str) -> Action:
    def fail(_: Json) -> Any:
        raise ValueError(f"unknown action: {name!r}{reasons}")

    try:
        return actions[name]
    except KeyError:
        return Action(fail, "", "")
    except ActionsError as error:
        reasons = f"; {error}"
        return Action(fail, "", "")


def refuse_what_stays_here(names: Iterable[str], sources: Iterable[Source]) -> None:
    """Raise ActionsError if no other process could find an action of one of these names."""
    for source in sources:
        if isinstance(source, tuple) and source[0] in names and not source[1]:
            lacks = "no other process can find it: give a function of a module that can be imported"
            raise ActionsError("actions", f"`{source[0]}`: {lacks}")


def _at(name: str, module: str, place: str) -> _Found:
    if not module:
        raise ActionsError(name, "only the process that began the run has it")
    source = f"{module}.{place}"
    return _given(name, _run(lambda: attrgetter(place)(importlib.import_module(module)), source))


def _address(function: Function) -> tuple[str, str]:
    """The module in which another process finds the function, and its place there; or nothing."""
    module = getattr(function, "__module__", None) or ""
    place = getattr(function, "__qualname__", None) or ""
    try:
        is_there = attrgetter(place)(sys.modules[module]) is function
    except (AttributeError, KeyError):
        is_there = False
    return (module, place) if is_there and module != "__main__" else ("", "")
