"""The registry: all actions that the steps of a run can name, each name once.

- A name is never shadowed. The order of look-up says where a name is looked for, not which of two
  wins: a second one is an error when it is loaded.
- Installed packages come last, for names that nothing else provides, and before the first step: an
  import that fails half-way through a run would be worse.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from inspect import iscoroutinefunction
from types import FunctionType
from typing import TYPE_CHECKING, Any

from driftflow.actions.action import ACTIONS, Action, Known, find_mark, summarize
from driftflow.actions.beside import installed_path
from driftflow.actions.sources import Candidate, find_candidates, load_function, run_code
from driftflow.errors import ActionsError
from driftflow.reading.document import copy_json
from driftflow.schemas.compiler import compile_schema
from driftflow.schemas.contracts import load_contract, write_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution, EntryPoint

    from driftflow.actions.action import Address
    from driftflow.actions.sources import Function, Given
    from driftflow.reading.document import Json

ENTRY_POINTS = "driftflow.actions"
# Of an input that gets a no for which there is no reason in the schema.
_UNJUDGED = "the input cannot be judged: it is nested too deep, or a pattern takes too long"


def resolve_actions(given: Given) -> Actions:
    """Return all actions that steps can name; as it is, if it was resolved before.

    Args:
        given: What the operator gives besides the built-in actions: see `Actions`.

    Raises:
        ActionsError: If something cannot be loaded, or a name is taken.
    """
    return given if isinstance(given, Actions) else Actions(given)


class Actions(Mapping[str, Action]):
    """All actions by name: the built-in ones, those given, those of installed packages.

    A package provides actions by entry points of the group `driftflow.actions`. Each is imported
    when its name is looked up.

    Args:
        given: Functions by name. Or a list of functions that `action` has marked, modules that hold
            such functions, names of modules, and paths of `.py` files and of packages.

    Attributes:
        addresses: Where another process finds what was given.

    Raises:
        ActionsError: If something cannot be loaded, or a name is taken; also when a name is looked
            up.
    """

    def __init__(self, given: Given | list[Candidate]) -> None:
        self.addresses: tuple[Address, ...] = ()
        self._known = dict(ACTIONS)
        functions: dict[str, Function] = {name: each.function for name, each in ACTIONS.items()}
        for found in find_candidates(given):
            if found.address not in self.addresses[-1:]:  # all functions of a file have one
                self.addresses += (found.address,)
            _require_usable(found)
            if not _is_same(functions.setdefault(found.name, found.function), found.function):
                taken = (
                    f"the name `{found.name}` is already taken ({self._known[found.name].origin})"
                )
                raise ActionsError(found.source, taken)
            if found.name not in self._known:
                self._known[found.name] = _make_action(found)

    def __bool__(self) -> bool:
        return True  # there are the built-in ones; to count all takes a look at every package

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

    def select(self, names: Iterable[str]) -> Known:
        """Return the actions of these names, as far as there are any."""
        known = Known({name: self[name] for name in names if name in self})
        known.addresses = self.addresses
        return known

    @cached_property
    def _entry_points(self) -> dict[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        path = tuple(installed_path())
        installed = "the entry points of installed packages"
        for entry_point in run_code(lambda: find_entry_points(path), installed):
            found.setdefault(entry_point.name, []).append(entry_point)
        return found


def find_entry_points(path: tuple[str, ...]) -> list[EntryPoint]:
    """Return those of ours, of the packages that are installed there; of each the first that is.

    `importlib.metadata.entry_points` does the same for all of Python's path, by the same names:
    `name` would read a file of each package.
    """
    from importlib.metadata import distributions

    packages: dict[str, Distribution] = {}
    for package in distributions(path=[*path]):
        name = package._normalized_name  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        packages.setdefault(name, package)
    return [
        entry_point
        for package in packages.values()
        for entry_point in package.entry_points.select(group=ENTRY_POINTS)
    ]


def _require_usable(found: Candidate) -> None:
    source, name, function, *_ = found
    if not isinstance(name, str) or not name:
        raise ActionsError(
            source, f"the name of an action must be a non-empty string, not {name!r}"
        )
    if not callable(function):
        raise ActionsError(source, f"`{name}` is not a function")
    if iscoroutinefunction(function):
        raise ActionsError(
            source, f"`{name}` is an async function; an action must be an ordinary function"
        )


def _is_same(function: Function, other: Function) -> bool:
    """Return whether two functions are one.

    A file that is given, and imported by another one too, has run twice: it has made two functions
    of one line.
    """
    if function is other:
        return True
    if not (isinstance(function, FunctionType) and isinstance(other, FunctionType)):
        return False
    one, two = function.__code__, other.__code__
    is_same_line = (one.co_filename, one.co_firstlineno) == (two.co_filename, two.co_firstlineno)
    return is_same_line and function.__globals__ is not other.__globals__


def _make_action(found: Candidate) -> Action:
    source, name, function, origin, _ = found
    _, given, promised = find_mark(function) or (name, None, None)
    try:
        returns = None if promised is None else write_schema(_copy_schema(promised))
        if returns is not None:
            load_contract(returns)
    except (TypeError, ValueError) as error:
        reason = f"the schema of what `{name}` returns is invalid: {error}"
        raise ActionsError(source, reason) from None
    if given is None:
        return Action(function, summarize(function), origin, returns=returns)
    try:
        schema = _copy_schema(given)
        accepts = compile_schema(schema)
    except (TypeError, ValueError) as error:
        raise ActionsError(source, f"the schema of `{name}` is invalid: {error}") from None

    def perform(value: Json) -> Any:
        if not accepts(value):
            from driftflow.schemas.explanation import explain_refusal

            raise TypeError(explain_refusal(name, schema, value) or _UNJUDGED)
        return function(value)

    return Action(perform, summarize(function), origin, schema, accepts, function, returns=returns)


def _copy_schema(given: Any) -> dict[str, Any]:
    """Return a copy of a schema; raise TypeError or ValueError if it is no JSON object."""
    schema = copy_json(given)
    if not isinstance(schema, dict):
        raise TypeError("it is not an object")
    json.dumps(schema, ensure_ascii=False).encode()  # raises for half a surrogate pair
    return schema


def _load_entry_point(name: str, entry_points: list[EntryPoint]) -> Action:
    packages = [f"{each.dist.name} {each.dist.version}" for each in entry_points if each.dist]
    source = f"the entry point `{name}`"
    if len(entry_points) > 1:
        raise ActionsError(source, f"several packages provide it: {', '.join(sorted(packages))}")
    (entry_point,) = entry_points
    found = Candidate(source, name, run_code(entry_point.load, source), "".join(packages), "")
    _require_usable(found)
    provider = entry_point.dist
    package = None if provider is None else (provider.name, provider.version)
    return _make_action(found)._replace(package=package)


def load_all(actions: Mapping[str, Action]) -> dict[str, Action]:
    """Return all of the actions; the summary of one that cannot be loaded says why."""
    return {name: _load_or_explain(actions, name) for name in actions}


def _load_or_explain(actions: Mapping[str, Action], name: str) -> Action:
    try:
        return actions[name]
    except ActionsError as error:
        return Action(str, f"cannot be loaded: {error.reason}", error.source)


def load_again(names: Iterable[str], addresses: Iterable[Address]) -> dict[str, Action]:
    """Return the actions of these names, loaded anew in another process than the run's.

    One that cannot be loaded here is unknown, and says why when it is tried.

    Args:
        names: The names of the actions of the plan.
        addresses: What `Actions.addresses` is in the process of the run.
    """
    loaded: list[Candidate] = []
    reasons = []
    for address in addresses:
        try:
            more = (
                [*find_candidates([address])]
                if isinstance(address, str)
                else [load_function(*address)]
            )
            Actions([*loaded, *more])  # one of them may be wrong, or its name taken
        except ActionsError as error:
            reasons.append(f"; {error}")
        else:
            loaded += more
    known = Actions(loaded)
    return {name: _load_or_fail(known, name, "".join(reasons)) for name in names}


def _load_or_fail(actions: Mapping[str, Action], name: str, reasons: str) -> Action:
    def fail(_: Json) -> Any:
        raise ValueError(f"unknown action: {name!r}{reasons}")

    try:
        return actions[name]
    except KeyError:
        return Action(fail, "", "")
    except ActionsError as error:
        reasons = f"; {error}"
        return Action(fail, "", "")


def refuse_unreachable(names: Iterable[str], addresses: Iterable[Address]) -> None:
    """Raise ActionsError if no other process could find an action of one of these names."""
    for address in addresses:
        if isinstance(address, str):
            continue
        name, module, _ = address
        if name in names and not module:
            advice = "define the function in a module that can be imported"
            raise ActionsError("actions", f"`{name}`: other processes cannot import it: {advice}")
