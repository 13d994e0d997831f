"""What will be done: a document that was found good, as a value that nothing can change."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyrsistent import PClass, PVector, field, pvector

from driftflow.flags import Flags, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftflow.document import Json

TIMEOUT_VARIABLE = "WORKFLOW_TIMEOUT_SECONDS"

Frozen: TypeAlias = "bool | int | float | str | PVector[Frozen] | FrozenObject | None"


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
        steps=pvector(sorted(map(_build_step, document["steps"]), key=_run_order)),
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
    canonical = json.dumps(
        {
            "name": plan.name,
            "max_attempts": plan.max_attempts,
            "steps": [step._asdict() | {"input": thaw(step.input)} for step in plan.steps],
        },
        separators=(",", ":"),
    )
    return f"sha256:{hashlib.sha256(canonical.encode('ascii')).hexdigest()}"


def freeze(value: Json) -> Frozen:
    """The value in a form that cannot change, at any depth."""
    if isinstance(value, dict):
        return FrozenObject(pvector((key, freeze(member)) for key, member in value.items()))
    if isinstance(value, list):
        return pvector(freeze(item) for item in value)
    return value


def thaw(value: Frozen) -> Json:
    """The JSON value that was frozen, as new dicts and lists that its taker may change."""
    if isinstance(value, FrozenObject):
        return {key: thaw(member) for key, member in value.members}
    if isinstance(value, PVector):
        return [thaw(item) for item in value]
    return value


def _build_step(document: Mapping[str, Any]) -> Step:
    return Step(
        name=document["name"],
        action=document["action"],
        input=freeze(document.get("input", "")),
        priority=int(document.get("priority", 0)),  # 1.0 is an integer to JSON Schema
        optional=document.get("optional", False),
    )


def _run_order(step: Step) -> tuple[int, str]:
    """Sorting is stable, so full ties keep the order of the file."""
    return -step.priority, step.name
