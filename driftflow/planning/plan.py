"""What will be done: a document that was found good, as a value that nothing can change."""

from __future__ import annotations

import json
from functools import partial
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from pyrsistent import PClass, PVector, field, pvector

from driftflow.planning.references import freeze, list_reads, thaw
from driftflow.planning.settings import Backoff, Flags, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftflow.planning.references import Frozen
    from driftflow.reading.document import Json


class Step(NamedTuple):
    """One step of a plan. A named tuple: a PClass takes ten times as long to make.

    Attributes:
        name: What it is called in what comes out.
        action: The name of what it does; it need not be known.
        input: What the action is handed, frozen; of other steps' outputs, their names.
        priority: Steps of higher priority run first.
        optional: Whether it is tried only once, and its failure lets the run go on.
        reads: The names of the steps whose outputs are in its input, all of which run earlier.
        sensitive: Whether its input, output and error are kept out of what people see.
    """

    name: str
    action: str
    input: Frozen
    priority: int
    optional: bool
    reads: tuple[str, ...] = ()
    sensitive: bool = False


class Plan(PClass):
    """A workflow, ready to run.

    Attributes:
        name: The workflow's name.
        steps: The steps in run order.
        actions: The names of their actions, each once, sorted.
        read: The names of the steps from which others read, likewise.
        max_attempts: How often a step that is not optional is tried, at most.
        backoff: The waits between attempts; None if there are none.
        flags: The flags that are on.
        storage_path: The audit's file, relative to the working directory.
        timeout_seconds: How long an attempt may take, if that is enforced. Seconds.
        timeout_source: Where that comes from.
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
    flags: Flags,
    timeout: float | None = None,
    params: Mapping[str, Json] | None = None,
) -> Plan:
    """The plan of a document in which nothing is wrong, its defaults filled in.

    Args:
        document: The document's value: it satisfies the config's schema, and what its references
            name is there.
        flags: The flags that are on.
        timeout: What the environment says instead of `timeout_seconds`, if it does. Seconds.
        params: What is given for parameters.
    """
    stated = "config" if "timeout_seconds" in document else "default"
    read: set[str] = set()
    steps = list(map(partial(_build_step, params or {}, read), document["steps"]))
    return Plan(
        name=document["name"],
        steps=pvector(_in_run_order(steps)),
        actions=tuple(sorted(set(map(itemgetter("action"), document["steps"])))),
        read=tuple(sorted(read)),
        max_attempts=int(document.get("max_attempts", 1)),
        backoff=_backoff(document),
        flags=flags,
        storage_path=document.get("storage", {}).get("path", "./driftflow.audit.json"),
        timeout_seconds=document.get("timeout_seconds", 10) if timeout is None else timeout,
        timeout_source=stated if timeout is None else "environment",
    )


def digest(plan: Plan) -> str:
    """`sha256:` and the hexadecimal SHA-256 of what the plan will do, as canonical JSON.

    That is: the name, max_attempts and the steps in run order with all their fields but
    `sensitive`, in ASCII without spaces. The keys of an input keep their order, since actions see
    it. References to outputs stand as they were written; parameters are their values.
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


def _build_step(params: Mapping[str, Json], read: set[str], document: Mapping[str, Any]) -> Step:
    """The step of a document; the names of those from which it reads are added to `read`."""
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
    )
    return tuple.__new__(Step, fields)  # its own constructor is a Python function


def _backoff(document: Mapping[str, Any]) -> Backoff | None:
    if "backoff" not in document:
        return None
    given = document["backoff"]
    return Backoff(**{name: given[name] for name in Backoff._fields if name in given})


def _in_run_order(steps: Iterable[Step]) -> list[Step]:
    """By descending priority, then by ascending name; full ties keep the order of the file.

    Sorting is stable, in reverse too. Twice by a plain key takes a fifth of the time that once
    by a pair does.
    """
    by_name = sorted(steps, key=attrgetter("name"))
    return sorted(by_name, key=attrgetter("priority"), reverse=True)
