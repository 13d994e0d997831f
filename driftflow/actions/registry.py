"""The operator's code: the actions that steps can name besides the built-in ones.

A config names actions. Where they come from is said here by whoever starts the run, or by what is
installed; the config has no part in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from inspect import iscoroutinefunction
from types import FunctionType
from typing import TYPE_CHECKING, Any

from driftflow.actions.action import ACTIONS, Action, mark_of, summary_of
from driftflow.actions.sources import Candidate, find_candidates, load_at, run_code
from driftflow.errors import ActionsError
from driftflow.reading.document import copy_json
from driftflow.schemas.compiler import acceptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

    from driftflow.actions.sources import Function, Given, Source
    from driftflow.reading.document import Json

ENTRY_POINTS = "driftflow.actions"


def resolve_actions(given: Given) -> Actions:
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

    def __init__(self, given: Given | list[Candidate]) -> None:
        self.sources: tuple[Source, ...] = ()
        self._known = dict(ACTIONS)
        functions: dict[str, Function] = {name: each.function for name, each in ACTIONS.items()}
        for found in find_candidates(given):
            if found.address not in self.sources[-1:]:  # as one of a file's functions is
                self.sources += (found.address,)
            _refuse_unusable(found)
            if not _is_same(functions.setdefault(found.name, found.function), found.function):
                taken = f"the name `{found.name}` is taken: {self._known[found.name].origin}"
                raise ActionsError(found.source, taken)
            if found.name not in self._known:
                self._known[found.name] = _make_action(found)

    def __getitem__(self, name: str) -> Action:
        if name not in self._known:
            self._known[name] = _load_entry_point(name, self._entry_points[name])
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
        for entry_point in run_code(lambda: list(entry_points(group=ENTRY_POINTS)), installed):
            found.setdefault(entry_point.name, []).append(entry_point)
        return found


def _refuse_unusable(found: Candidate) -> None:
    source, name, function, *_ = found
    if not isinstance(name, str) or not name:
        raise ActionsError(source, f"an action cannot be called {name!r}")
    if not callable(function):
        raise ActionsError(source, f"`{name}` is no function")
    if iscoroutinefunction(function):
        raise ActionsError(source, f"`{name}` is a coroutine function, and nobody would await it")


def _is_same(function: Function, other: Function) -> bool:
    """Whether two functions are one, or one of a file that was run twice, as another imports it."""
    if not (isinstance(function, FunctionType) and isinstance(other, FunctionType)):
        return function is other
    one, two = function.__code__, other.__code__
    return function is other or (
        function.__globals__ is not other.__globals__
        and (one.co_filename, one.co_firstlineno) == (two.co_filename, two.co_firstlineno)
    )


def _make_action(found: Candidate) -> Action:
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
    schema = copy_json(given)
    if not isinstance(schema, dict):
        raise TypeError("it is no object")
    json.dumps(schema, ensure_ascii=False).encode()  # no half characters
    return schema


def _load_entry_point(name: str, entry_points: list[EntryPoint]) -> Action:
    packages = [f"{each.dist.name} {each.dist.version}" for each in entry_points if each.dist]
    source = f"the entry point `{name}`"
    if len(entry_points) > 1:
        raise ActionsError(source, f"several packages provide it: {', '.join(sorted(packages))}")
    (entry_point,) = entry_points
    found = Candidate(source, name, run_code(entry_point.load, source), "".join(packages), "")
    _refuse_unusable(found)
    return _make_action(found)


def load_all(actions: Mapping[str, Action]) -> dict[str, Action]:
    """All of the actions; one that cannot be loaded says so, and stands in no other's way."""
    return {name: _or_reason(actions, name) for name in actions}


def _or_reason(actions: Mapping[str, Action], name: str) -> Action:
    try:
        return actions[name]
    except ActionsError as error:
        return Action(str, f"cannot be loaded: {error.reason}", error.source)


def load_again(names: Iterable[str], sources: Iterable[Source]) -> dict[str, Action]:
    """The actions of these names in a process where nothing has been loaded yet.

    What cannot be loaded here is an unknown action, which says so when it is tried.

    Args:
        names: What steps name.
        sources: What `Actions.sources` was where the run began.
    """
    things: list[Candidate] = []
    reasons = []
    for source in sources:
        try:
            more = [*find_candidates([source])] if isinstance(source, str) else [load_at(*source)]
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


def refuse_unreachable(names: Iterable[str], sources: Iterable[Source]) -> None:
    """Raise ActionsError if no other process could find an action of one of these names."""
    for source in sources:
        if isinstance(source, tuple) and source[0] in names and not source[1]:
            lacks = "no other process can find it: give a function of a module that can be imported"
            raise ActionsError("actions", f"`{source[0]}`: {lacks}")
