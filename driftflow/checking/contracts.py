"""What must go wrong between two steps, of which one reads the other.

That is a place which will not be there, or an output that the reader's action cannot take.

Only what must go wrong is told, so there is no false alarm; but for a place whose name is near to
one that a contract lists.
"""

from __future__ import annotations

from marshal import dumps
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.issues import Issue
from driftflow.planning.pointers import is_pointer, split
from driftflow.planning.references import find_references, list_output, list_values
from driftflow.schemas.contracts import load_contract
from driftflow.schemas.fit import Part, cannot_fit, find_place, tell_types
from driftflow.schemas.parts import localize
from driftflow.suggestion import find_nearest
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from driftflow.actions.action import Action
    from driftflow.issues import JsonPath
    from driftflow.planning.references import StepDocument
    from driftflow.reading.document import Json

_FAILS = "the step will fail when it runs"


class _Read(NamedTuple):
    """One output that a value reads.

    Attributes:
        path: The path to what says so, in the value.
        name: The step.
        at: The place in its output; empty for all of it.
        at_path: The path to the pointer.
    """

    path: JsonPath
    name: str
    at: str
    at_path: JsonPath


def find_issues(
    document: Json, steps: Sequence[StepDocument], actions: Mapping[str, Action]
) -> Iterator[Issue]:
    """Yield warnings about outputs that cannot be what their readers need.

    Args:
        document: The document's value, of any shape.
        steps: Its steps.
        actions: All actions that steps can name.
    """
    contracts = _list_contracts(steps, actions)
    if not contracts:
        return
    for index, step in enumerate(steps):
        for start, value in list_values(step):
            where = ("steps", index, *start)
            yield from _find_missing_places(value, where, contracts)
            if start == ("input",):
                yield from _find_misfits(step, value, where, contracts, actions)
    for start, value in list_output(document):
        yield from _find_missing_places(value, start, contracts)


def _list_contracts(
    steps: Sequence[StepDocument], actions: Mapping[str, Action]
) -> dict[str, Part]:
    """Return the schemas of the outputs that have one, by the names of the steps."""
    contracts: dict[str, Part] = {}
    read: dict[bytes, Part | None] = {}  # those that are written alike are one
    used = {action for step in steps if isinstance(action := step.get("action"), str)}
    promised = {name: _read_returns(actions[name]) for name in used if name in actions}
    for step in steps:
        name, action = step.get("name"), step.get("action")
        schema = step["returns"] if "returns" in step else promised.get(str(action))
        if not isinstance(name, str) or not isinstance(schema, dict):
            continue
        key = dumps(schema, 2)  # which is faster than to write it as JSON
        if key not in read:
            read[key] = _read_contract(schema)
        if (part := read[key]) is not None:
            contracts[name] = part
    return contracts


def _read_contract(schema: Mapping[str, Any]) -> Part | None:
    """Return a schema to be looked at; None if it is none, which is told anyway."""
    try:
        return Part(localize(schema))
    except ValueError:
        return None


def _read_returns(action: Action) -> Any:
    return None if action.returns is None else load_contract(action.returns).schema


def _find_reads(value: Json) -> Iterator[_Read]:
    for path, reference in find_references(value):
        given = reference.get("from")
        if isinstance(given, str):
            yield _Read(path, given, "", path)
        elif isinstance(given, dict) and isinstance(given.get("step"), str):
            at = given.get("at", "")
            if isinstance(at, str) and is_pointer(at):
                yield _Read(path, given["step"], at, (*path, "from", "at"))


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
            yield Issue("no-such-place", message, (*where, *read.at_path), hint)
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
    reads = [read for read in _find_reads(value) if read.name in contracts]
    schema = localize(actions[name].schema or {}) if reads else {}
    for read in reads:
        if "default" in read.path:
            continue
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
