"""What must go wrong between two steps, of which one reads the other.

That is a place which will not be there, or an output that the reader's action cannot take.

Only what must go wrong is told, so there is no false alarm; but for a place whose name is near to
one that a contract lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.issues import Issue
from driftflow.planning.pointers import is_pointer, split
from driftflow.planning.references import find_references, list_values
from driftflow.schemas.contracts import load_contract
from driftflow.schemas.fit import Part, cannot_fit, find_place, tell_types
from driftflow.schemas.parts import localize
from driftflow.suggestion import find_nearest
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftflow.actions.action import Action
    from driftflow.issues import JsonPath
    from driftflow.planning.graph import Graph
    from driftflow.planning.references import StepDocument
    from driftflow.reading.document import Json

_FAILS = "the step will fail when it runs"


class _Read(NamedTuple):
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
    contracts = _list_contracts(graph, actions)
    if not contracts:
        return
    for index, step in enumerate(graph.steps):
        for start, value in list_values(step):
            where = ("steps", index, *start)
            yield from _find_missing_places(value, where, contracts)
            if start == ("input",):
                yield from _find_misfits(step, value, where, contracts, actions)
    for start, value in graph.output:
        yield from _find_missing_places(value, start, contracts)


def _list_contracts(graph: Graph, actions: Mapping[str, Action]) -> dict[str, Part]:
    """Return the schemas of the outputs that have one, by the names of the steps."""
    used = {action for step in graph.steps if isinstance(action := step.get("action"), str)}
    promised = {name: _read_promise(actions[name]) for name in used if name in actions}
    own = [*map(_read_contract, graph.contracts.values)]
    if not (own or any(promised.values())):
        return {}
    find_own = graph.contracts.index_of.get
    contracts: dict[str, Part] = {}
    for number, step in enumerate(graph.steps):
        index = find_own(number)
        part = own[index] if index is not None else promised.get(str(step.get("action")))
        name = step.get("name")
        if part is not None and isinstance(name, str):
            contracts[name] = part
    return contracts


def _read_contract(schema: Any) -> Part | None:
    """Return a schema to be looked at; None if it is none, which is told anyway."""
    try:
        return Part(localize(schema)) if isinstance(schema, dict) else None
    except ValueError:
        return None


def _read_promise(action: Action) -> Part | None:
    returns = action.returns
    return None if returns is None else _read_contract(load_contract(returns).schema)


def _find_reads(value: Json) -> Iterator[_Read]:
    around: JsonPath | None = None
    for path, reference in find_references(value):
        is_part = around is not None and path[: len(around)] == around
        around = around if is_part else path
        given = reference.get("from")
        if isinstance(given, str):
            yield _Read(path, given, "", is_part)
        elif isinstance(given, dict) and isinstance(given.get("step"), str):
            at = given.get("at", "")
            if isinstance(at, str) and is_pointer(at):
                yield _Read(path, given["step"], at, is_part)


def _find_missing_places(
    value: Json, where: JsonPath, contracts: Mapping[str, Part]
) -> Iterator[Issue]:
    for read in _find_reads(value):
        if read.at and read.name in contracts:
            yield from _explain_place(read, where, contracts[read.name])


def _explain_place(read: _Read, where: JsonPath, contract: Part) -> Iterator[Issue]:
    keys = split(read.at)
    for depth, key in enumerate(keys):
        part = find_place(contract, keys[:depth]).follow()
        listed = [*part.schema.get("properties", {}), *part.schema.get("required", ())]
        nearest = None if key in listed else find_nearest(key, listed)
        is_gone = find_place(contract, keys[: depth + 1]).is_false
        if is_gone or nearest:
            message = f"the output of `{shorten(read.name)}` has no `{shorten(read.at)}`"
            hint = f"did you mean `{shorten(nearest)}`?" if nearest else None
            path = (*where, *read.path, "from", "at")
            yield Issue("no-such-place", message, path, hint)
            return


def _find_misfits(
    step: StepDocument,
    value: Json,
    where: JsonPath,
    contracts: Mapping[str, Part],
    actions: Mapping[str, Action],
) -> Iterator[Issue]:
    name = step.get("action")
    if not isinstance(name, str) or name not in actions or not actions[name].schema:
        return
    reads = [read for read in _find_reads(value) if read.name in contracts and not read.is_part]
    schema = localize(actions[name].schema or {}) if reads else {}
    for read in reads:
        given = find_place(Part(contracts[read.name].root), split(read.at))
        taken = find_place(Part(schema), tuple(map(str, read.path)))
        if not given.is_false and cannot_fit(given, taken):
            yield _explain_misfit(read, name, where, given, taken)


def _explain_misfit(read: _Read, action: str, where: JsonPath, given: Part, taken: Part) -> Issue:
    which = f"`{shorten(read.at)}` of the output" if read.at else "the output"
    message = f"{which} of `{shorten(read.name)}` cannot be what `{shorten(action)}` takes here"
    kinds = [" or ".join(tell_types(part)) for part in (given, taken)]
    hint = None
    if all(kinds) and kinds[0] != kinds[1]:
        hint = f"its contract says {kinds[0]}, and the action takes {kinds[1]}"
    return Issue("cannot-fit", f"{message}: {_FAILS}", (*where, *read.path), hint)
