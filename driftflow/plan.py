"""What will be done: a document that was found good, as a value that nothing can change."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyrsistent import PClass, PVector, field, pvector

from driftflow.flags import Flags, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftflow.document import Json

TIMEOUT_VARIABLE = "WORKFLOW_TIMEOUT_SECONDS"

Frozen: TypeAlias = "bool | int | float | str | PVector[Frozen] | FrozenObject | None"

_SCALARS = (str, int, float, type(None))


class FrozenObject(NamedTuple):
    """A JSON object that cannot change and keeps the order of its keys, as a PMap would not."""

    members: PVector[tuple[str, Frozen]]


class Step(NamedTuple):
    """One step of a plan. A named tuple: a PClass takes ten times as long to make.

    Attributes:
        name: What it is called in what comes out.
        action: The name of what it does; it need not be known.
        input: What the action is handed, frozen.
        priority: Steps of higher priority run first.
        optional: Whether it is tried only once, and its failure lets the run go on.
    """

    name: str
    action: str
    input: Frozen
    priority: int
    optional: bool


class Plan(PClass):
    """A workflow, ready to run.

    Attributes:
        name: The workflow's name.
        steps: The steps in run order.
        max_attempts: How often a step that is not optional is tried, at most.
        flags: The flags that are on.
        storage_path: The audit's file, relative to the working directory.
        timeout_seconds: Loaded, and not enforced. Seconds.
        timeout_source: Where that comes from.
    """

    name: str = field(type=str, mandatory=True)
    steps: PVector[Step] = field(type=PVector, mandatory=True)
    max_attempts: int = field(type=int, mandatory=True)
    flags: Flags = field(type=Flags, mandatory=True)
    storage_path: str = field(type=str, mandatory=True)
    timeout_seconds: float = field(type=(int, float), mandatory=True)
    timeout_source: Source = field(type=str, mandatory=True)


def build_plan(document: Mapping[str, Any], flags: Flags, timeout: float | None = None) -> Plan:
    """The plan of a document that satisfies the config's schema, its defaults filled in.

    Args:
        document: The document's value.
        flags: The flags that are on.
        timeout: What the environment says instead of `timeout_seconds`, if it does. Seconds.
    """
    stated = "config" if "timeout_seconds" in document else "default"
    return Plan(
        name=document["name"],
        steps=pvector(_in_run_order(map(_build_step, document["steps"]))),
        max_attempts=int(document.get("max_attempts", 1)),
        flags=flags,
        storage_path=document.get("storage", {}).get("path", "./driftflow.audit.json"),
        timeout_seconds=document.get("timeout_seconds", 10) if timeout is None else timeout,
        timeout_source=stated if timeout is None else "environment",
    )


def digest(plan: Plan) -> str:
    """`sha256:` and the hexadecimal SHA-256 of what the plan will do, as canonical JSON.

    That is: the name, max_attempts and the steps in run order with all their fields, in ASCII
    without spaces. The keys of an input keep their order, since actions see it.
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


def freeze(value: Json) -> Frozen:
    """The value in a form that cannot change, at any depth."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, dict):
        return FrozenObject(pvector((key, freeze(member)) for key, member in value.items()))
    return pvector(freeze(item) for item in value)


def thaw(value: Frozen) -> Json:
    """The JSON value that was frozen, as new dicts and lists that its taker may change."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, FrozenObject):
        return {key: thaw(member) for key, member in value.members}
    return [thaw(item) for item in value]


def _build_step(document: Mapping[str, Any]) -> Step:
    fields = (
        document["name"],
        document["action"],
        freeze(document.get("input", "")),
        int(document.get("priority", 0)),  # 1.0 is an integer to JSON Schema
        document.get("optional", False),
    )
    return tuple.__new__(Step, fields)  # its own constructor is a Python function


def _in_run_order(steps: Iterable[Step]) -> list[Step]:
    """By descending priority, then by ascending name; full ties keep the order of the file.

    Sorting is stable, in reverse too. Twice by a plain key takes a fifth of the time that once
    by a pair does.
    """
    by_name = sorted(steps, key=attrgetter("name"))
    return sorted(by_name, key=attrgetter("priority"), reverse=True)
