"""The plan of a run: a document that was found good, as a value that nothing can change.

- The document is checked as it was parsed, since jsonschema takes only dicts and lists. The plan is
  built from it afterwards.
- The steps stand in run order, which `graph` works out once; each knows what it comes after.
- A run has one plan, a PClass. It has many steps, so these are named tuples, in a pvector that one
  call makes: a PClass takes ten times as long. `references` freezes the inputs.
- The plan knows where its settings come from, so that the command `plan` can say what switched a
  flag off. The digest leaves this out, and the backoff too: it changes when things are done, not
  what.
"""

from __future__ import annotations

import json
from itertools import accumulate, count, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from pyrsistent import PClass, PVector, field, pvector

from driftflow.planning.references import freeze, list_reads, thaw
from driftflow.planning.settings import Backoff, Flags, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from driftflow.planning.graph import Graph
    from driftflow.planning.references import Frozen
    from driftflow.reading.document import Json


class Step(NamedTuple):
    """One step of a plan.

    Attributes:
        name: The name under which its result is shown.
        action: The name of its action, which need not be known.
        input: What the action is given, frozen; other steps' outputs stand there as references.
        priority: Steps of higher priority run first.
        optional: Whether it is tried only once, and the run goes on if it fails.
        reads: The names of the steps whose outputs its input needs; all of them run earlier.
        sensitive: Whether its input, output and error are hidden from people.
        before: The steps that it comes after, by their index in the run order, ascending.
        urgency: The highest priority among itself and all that comes after it.
    """

    name: str
    action: str
    input: Frozen
    priority: int
    optional: bool
    reads: tuple[str, ...] = ()
    sensitive: bool = False
    before: tuple[int, ...] = ()
    urgency: int = 0


class Plan(PClass):
    """A workflow, ready to run.

    Attributes:
        name: The workflow's name.
        steps: The steps in run order.
        actions: The names of their actions, each once, sorted.
        read: The names of the steps that others read, each once, sorted.
        max_attempts: How often a step that is not optional is tried, at most.
        backoff: The waits between attempts; None if there are none.
        flags: The flags that are on.
        storage_path: The audit's file, relative to the working directory.
        timeout_seconds: How long an attempt may take, if the timeout is enforced. Seconds.
        timeout_source: Where the timeout comes from.
    """

    name: str = field(type=str, mandatory=True)
    steps: PVector[Step] = field(type=PVector, mandatory=True)
    actions: tuple[str, ...] = field(type=tuple, mandatory=True)
    read: tuple[str, ...] = field(type=tuple, mandatory=True)
    max_attempts: int = field(type=int, mandatory=True)
    backoff: Backoff | None = field(type=(Backoff, type(None)), mandatory=True)
    flags: Flags = field(type=Flags, mandatory=True)
    storage_path: str = field(type=str, mandatory=True)
    timeout_seconds: float = field(type=(int, float), mandatory=True)
    timeout_source: Source = field(type=str, mandatory=True)


def build_plan(
    document: Mapping[str, Any],
    graph: Graph,
    flags: Flags,
    timeout: float | None = None,
    params: Mapping[str, Json] | None = None,
) -> Plan:
    """Build the plan of a document, with the defaults filled in.

    Args:
        document: The document's value. It satisfies the config's schema, and whatever its
            references name is there.
        graph: The graph of its steps.
        flags: The flags that are on.
        timeout: The environment's timeout, which overrides `timeout_seconds`. Seconds; None if it
            has none.
        params: By name, the values of parameters.
    """
    source: Source = "config" if "timeout_seconds" in document else "default"
    read: set[str] = set()
    return Plan(
        name=document["name"],
        steps=pvector(_build_steps(graph, params or {}, read)),
        actions=tuple(sorted(set(map(itemgetter("action"), document["steps"])))),
        read=tuple(sorted(read)),
        max_attempts=int(document.get("max_attempts", 1)),
        backoff=_build_backoff(document),
        flags=flags,
        storage_path=document.get("storage", {}).get("path", "./driftflow.audit.json"),
        timeout_seconds=document.get("timeout_seconds", 10) if timeout is None else timeout,
        timeout_source=source if timeout is None else "environment",
    )


def keep_audit_in(plan: Plan, path: str) -> Plan:
    """Return the plan with its audit on, in that file, whatever the config says of either."""
    flags = plan.flags.set(
        enabled=plan.flags.enabled.add("audit"), sources=plan.flags.sources.set("audit", "operator")
    )
    return plan.set(storage_path=path, flags=flags)


def list_waves(steps: Sequence[Step]) -> list[int]:
    """Return the number of each step's wave: steps of one urgency, which stand together."""
    changes = (after.urgency != before.urgency for before, after in pairwise(steps))
    return [*accumulate(changes, initial=0)] if steps else []


def digest(plan: Plan) -> str:
    """Return `sha256:` and the hexadecimal SHA-256 of what the plan will do.

    The hash is taken of compact ASCII JSON: the plan's name, max_attempts, and the steps in run
    order, each with name, action, input, priority and optional. References to outputs stand as they
    were written, parameters as their values. The keys of an input are not sorted: an action sees
    their order, so two plans that differ in it may have different outputs.
    """
    import hashlib

    canonical = json.dumps(
        {
            "name": plan.name,
            "max_attempts": plan.max_attempts,
            "steps": [
                {
                    "name": step.name,
                    "action": step.action,
                    "input": thaw(step.input),
                    "priority": step.priority,
                    "optional": step.optional,
                }
                for step in plan.steps.tolist()
            ],
        },
        separators=(",", ":"),
    )
    return f"sha256:{hashlib.sha256(canonical.encode('ascii')).hexdigest()}"


def _build_steps(graph: Graph, params: Mapping[str, Json], read: set[str]) -> Iterator[Step]:
    """Build the steps in run order, and add the names of those that others read to `read`."""
    order, steps, before = graph.order, graph.steps, graph.before
    urgencies = map(graph.urgencies.__getitem__, order)
    if not before:
        for index, urgency in zip(order, urgencies, strict=True):
            yield _build_step(params, read, (), urgency, steps[index])
        return
    places = dict(zip(order, count()))
    for index, urgency in zip(order, urgencies, strict=True):
        earlier = tuple(sorted(map(places.__getitem__, before.get(index, ()))))
        yield _build_step(params, read, earlier, urgency, steps[index])


def _build_step(
    params: Mapping[str, Json],
    read: set[str],
    before: tuple[int, ...],
    urgency: float,
    document: Mapping[str, Any],
) -> Step:
    given = document.get("input", "")
    reads: tuple[str, ...] = ()
    if type(given) is not str:  # as most are
        given = freeze(given, params)
        reads = list_reads(given)
        read.update(reads)
    fields = (
        document["name"],
        document["action"],
        given,
        int(document.get("priority", 0)),  # 1.0 is an integer to JSON Schema
        document.get("optional", False),
        reads,
        "sensitive" in document and document["sensitive"],
        before,
        int(urgency),
    )
    return tuple.__new__(Step, fields)  # its own constructor is a Python function


def _build_backoff(document: Mapping[str, Any]) -> Backoff | None:
    if "backoff" not in document:
        return None
    given = document["backoff"]
    return Backoff(**{name: given[name] for name in Backoff._fields if name in given})
