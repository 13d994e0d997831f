"""What must go wrong between two steps, of which one reads the other.

That is a place which will not be there, or an output that the reader's action cannot take.

Only what must go wrong is told, so there is no false alarm. There is one exception: a name that
the contract does not list, but is near to one that it does, is told though it may be there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.checking.references import walk_values
from driftflow.issues import Issue
from driftflow.planning.pointers import is_pointer, split
from driftflow.planning.references import find_references
from driftflow.schemas.contracts import load_contract
from driftflow.schemas.fit import Subschema, cannot_fit, find_place, tell_types
from driftflow.schemas.parts import localize
from driftflow.suggestion import find_nearest
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftflow.actions.action import Action
    from driftflow.issues import JsonPath
    from driftflow.planning.graph import Graph
    from driftflow.reading.document import Json

    Schema = Mapping[str, Any]

_FAILS = "the step will fail when it runs"


class Read(NamedTuple):
    """One output that a value reads.

    Attributes:
        path: The path to what says so, in the value.
        name: The step.
        at: The place in its output; empty for all of it.
        is_part: Whether it is a part of another reference: of a string, or of a default.
    """

    path: JsonPath
    name: str
    at: str
    is_part: bool


def find_issues(graph: Graph, actions: Mapping[str, Action]) -> Iterator[Issue]:
    """Yield warnings about outputs that cannot be what their readers need.

    Args:
        graph: The graph of the steps.
        actions: All actions that steps can name.
    """
    names = {name for step in graph.steps if isinstance(name := step.get("action"), str)}
    used = {name: actions[name] for name in names if name in actions}
    contracts = _list_contracts(graph, used)
    if not contracts:
        return
    for path, value in walk_values(graph.steps, graph.output):
        for read in find_reads(value):
            if read.at and read.name in contracts:
                yield from _explain_place(read, path, Subschema(contracts[read.name]))
    taken = {name: localize(action.schema) for name, action in used.items() if action.schema}
    for index, step in enumerate(graph.steps):
        if isinstance(name := step.get("action"), str) and name in taken:
            for misfit in _find_misfits(step.get("input"), name, taken[name], contracts):
                yield misfit._replace(path=("steps", index, "input", *misfit.path))


def _list_contracts(graph: Graph, used: Mapping[str, Action]) -> dict[str, Schema]:
    """Return the schemas of the outputs that have one, by the names of the steps."""
    promised = {
        name: _localize(load_contract(action.returns).schema)
        for name, action in used.items()
        if action.returns
    }
    own = [*map(_localize, graph.contracts.values)]
    if not (own or promised):
        return {}
    contracts: dict[str, Schema] = {}
    for number, step in enumerate(graph.steps):
        index = graph.contracts.index_of.get(number)
        contract = promised.get(str(step.get("action"))) if index is None else own[index]
        if contract is not None and isinstance(name := step.get("name"), str):
            contracts[name] = contract
    return contracts


def _localize(schema: Any) -> Schema | None:
    """Return a schema to be looked at; None if it is none, which is told anyway."""
    try:
        return localize(schema) if isinstance(schema, dict) else None
    except ValueError:
        return None


def find_reads(value: Json) -> Iterator[Read]:
    """Yield the outputs that a value of any shape reads one by one."""
    around: JsonPath | None = None
    for path, reference in find_references(value):
        is_part = around is not None and path[: len(around)] == around
        around = around if is_part else path
        given = reference.get("from")
        if isinstance(given, str):
            yield Read(path, given, "", is_part)
        elif isinstance(given, dict) and isinstance(given.get("step"), str):
            at = given.get("at", "")
            if isinstance(at, str) and is_pointer(at):
                yield Read(path, given["step"], at, is_part)


def _explain_place(read: Read, where: JsonPath, contract: Subschema) -> Iterator[Issue]:
    keys = split(read.at)
    for depth, key in enumerate(keys):
        part = find_place(contract, keys[:depth]).follow()
        listed = [*part.schema.get("properties", {}), *part.schema.get("required", ())]
        nearest = None if key in listed else find_nearest(key, listed)
        is_gone = find_place(contract, keys[: depth + 1]).is_false
        if is_gone or nearest:
            hint = f"did you mean `{shorten(nearest)}`?" if nearest else None
            yield tell_missing_place(read, where, hint)
            return


def tell_missing_place(read: Read, where: JsonPath, hint: str | None) -> Issue:
    """Return the warning about a place that an output will not have.

    Args:
        read: What reads it.
        where: The path to the value that holds the reference.
        hint: What to write instead; None if nothing is likely.
    """
    message = f"the output of `{shorten(read.name)}` has no `{shorten(read.at)}`"
    return Issue("no-such-place", message, (*where, *read.path, "from", "at"), hint)


def _find_misfits(
    value: Json, action: str, schema: Schema, contracts: Mapping[str, Schema]
) -> Iterator[Issue]:
    """Yield the outputs in an input that its action cannot take; paths begin at the input."""
    for read in find_reads(value):
        if read.name in contracts and not read.is_part:
            given = find_place(Subschema(contracts[read.name]), split(read.at))
            taken = find_place(Subschema(schema), tuple(map(str, read.path)))
            if not given.is_false and cannot_fit(given, taken):
                yield _explain_misfit(read, action, given, taken)


def _explain_misfit(read: Read, action: str, given: Subschema, taken: Subschema) -> Issue:
    which = f"`{shorten(read.at)}` of the output" if read.at else "the output"
    message = f"{which} of `{shorten(read.name)}` cannot be what `{shorten(action)}` takes here"
    kinds = [" or ".join(tell_types(part)) for part in (given, taken)]
    hint = None
    if all(kinds) and kinds[0] != kinds[1]:
        hint = f"its contract says {kinds[0]}, and the action takes {kinds[1]}"
    return Issue("cannot-fit", f"{message}: {_FAILS}", read.path, hint)
