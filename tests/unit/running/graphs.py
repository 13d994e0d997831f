"""Generated graphs, and by the plainest words of the rules what a run of them comes to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support import workflows

from driftflow.planning.values import Facts, evaluate, find_unavailable
from driftflow.resuming.kept import KeptSteps

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from driftflow.planning.plan import Plan, Step
    from driftflow.reading.document import Json

# How many steps a graph has at most.
MOST = 7


class Case(NamedTuple):
    """A plan, and what is to become of it."""

    plan: Plan
    steps: list[Step]
    failing: set[int]
    kept: set[int]
    keep_going: bool

    def keep(self) -> KeptSteps | None:
        """What is kept of an earlier run, none of it in doubt; None if none is resumed."""
        return keep(self.plan, self.kept) if self.kept else None

    def __repr__(self) -> str:
        """What matters here: a plan is long."""
        steps = [
            f"{index} after {step.before}, urgency {step.urgency}" + ", optional" * step.optional
            for index, step in enumerate(self.steps)
        ]
        what = f"failing={self.failing}, kept={self.kept}, keep_going={self.keep_going}"
        return f"Case({steps}, {what})"


class Foreseen:
    """Steps that are done without being tried, which nobody may ask for before their turn.

    Args:
        steps: The steps in run order.
        indexes: Those that are.
        done: The steps that are done; it changes as the run goes on.
    """

    def __init__(
        self, steps: Sequence[Step], indexes: Collection[int], done: Collection[int]
    ) -> None:
        self.possible: Collection[int] = {*range(len(steps))}
        self._steps = steps
        self._indexes = indexes
        self._done = done

    def __contains__(self, index: int) -> bool:
        """Whether it is one: all that it comes after is done by now."""
        if index not in self.possible:
            return False
        assert {*self._steps[index].before}.issubset(self._done)
        return index in self._indexes


def keep(plan: Plan, indexes: Collection[int]) -> KeptSteps:
    """Kept are these steps, none of them in doubt."""
    resumed = workflows.resumption(plan, dict.fromkeys(indexes))
    return KeptSteps(plan.steps.tolist(), resumed)


# What a condition asks of what it judges: a text, an array, anything, nothing.
_SCHEMAS: tuple[Json, ...] = ({"type": "string"}, {"minItems": 1, "type": "array"}, True, False)


@st.composite
def plans(draw: st.DrawFn, actions: Sequence[str] = ("echo",), *, skips: bool = False) -> Plan:
    """Steps after some of the others, of which some read what these give, in any order.

    Args:
        draw: Chance.
        actions: The names of their actions.
        skips: Whether steps have conditions, and read what may not be there in other ways, too.
    """
    names = draw(st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=MOST))
    steps: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        earlier = st.lists(st.sampled_from(names[:place]), max_size=2) if place else st.just([])
        reads = (
            _reads(names[:place]) if skips and place else earlier.map(lambda read: {"from": read})
        )
        step = {
            "name": name,
            "action": draw(st.sampled_from(actions)),
            "input": draw(reads),
            "after": draw(earlier),
            "priority": draw(st.integers(0, 2)),
            "optional": draw(st.booleans()),
        }
        if skips and draw(st.booleans()):
            step["when"] = {"value": draw(reads), "is": draw(st.sampled_from(_SCHEMAS))}
        steps.append(step)
    flags = {"parallel": draw(st.booleans())}
    return workflows.plan(*draw(st.permutations(steps)), flags=flags)


def _reads(earlier: list[str]) -> st.SearchStrategy[Any]:
    """References to these steps, of every kind; or none."""
    name = st.sampled_from(earlier)
    several = st.lists(name, max_size=2)
    whole = (name | several).map(lambda read: {"from": read})
    part = st.builds(
        lambda step, at: {"from": {"step": step, "at": at}}, name, st.sampled_from(["", "/0"])
    )
    default = st.builds(
        lambda step, at, default: {"from": {"step": step, "at": at, "default": default}},
        *(name, st.sampled_from(["", "/0"]), st.just("d") | whole),
    )
    present = several.map(lambda read: {"from": {"steps": read, "missing": "omit"}})
    return st.just("x") | whole | part | default | present


class Fate(NamedTuple):
    """What becomes of a step: `ok` with an output, `failed`, `skipped`, or `not_run`."""

    state: str
    output: Json = None


def foretell(plan: Plan, perform: Callable[[str, Json], Json], *, keep_going: bool) -> list[Fate]:
    """What becomes of each step, one after the other, by the plainest words of the rules.

    Args:
        plan: What is done.
        perform: Gives the output of an action; None if it fails.
        keep_going: Whether a failure ends only what comes after it.
    """
    steps = plan.steps.tolist()
    fates: list[Fate] = []
    ended: list[int] = []
    for index, step in enumerate(steps):
        is_over = index in find_later(steps, ended) if keep_going else bool(ended)
        fate = Fate("not_run") if is_over else _foretell_one(step, steps, fates, perform)
        if fate.state == "failed" and not step.optional:
            ended.append(index)
        fates.append(fate)
    return fates


def _foretell_one(
    step: Step, steps: Sequence[Step], fates: Sequence[Fate], perform: Callable[[str, Json], Json]
) -> Fate:
    known = {steps[place].name: fate for place, fate in enumerate(fates)}
    outputs = {name: fate.output for name, fate in known.items() if fate.state == "ok"}
    skipped = {name for name, fate in known.items() if fate.state == "skipped"}
    facts = Facts(outputs, skipped)
    if step.when is not None:
        missing = find_unavailable(step.when.value, facts)
        if missing is not None:
            return Fate("skipped" if missing.is_skip else "failed")
        validator = Draft7Validator(json.loads(step.when.schema))
        if not validator.is_valid(evaluate(step.when.value, facts)):
            return Fate("skipped")
    missing = find_unavailable(step.input, facts)
    if missing is not None:
        return Fate("skipped" if missing.is_skip else "failed")
    output = perform(step.action, evaluate(step.input, facts))
    return Fate("failed") if output is None else Fate("ok", output)


@st.composite
def cases(
    draw: st.DrawFn, *, keeps: bool = False, keep_going: bool | None = None, fails: bool = True
) -> Case:
    """A plan; which of its steps fail, and which an earlier run has done, so that they do not."""
    plan = draw(plans())
    steps = plan.steps.tolist()
    some = st.sets(st.sampled_from(range(len(steps)))) if steps else st.just(set())
    kept = draw(some) if keeps else set()
    failing = draw(some) - kept if fails else set()
    goes_on = draw(st.booleans()) if keep_going is None else keep_going
    return Case(plan, steps, failing, kept, goes_on)


def find_later(steps: Sequence[Step], indexes: Collection[int]) -> set[int]:
    """All that comes after one of these steps, by whatever way."""
    found: set[int] = set()
    for index, step in enumerate(steps):  # in run order: each way leads forwards
        if not {*step.before}.isdisjoint(found.union(indexes)):
            found.add(index)
    return found


def find_ending(steps: Sequence[Step], failing: Collection[int]) -> list[int]:
    """Those of the failing steps that are not optional."""
    return [index for index in sorted(failing) if not steps[index].optional]


def list_counted(case: Case) -> list[int]:
    """The steps that count: those that are done if one is tried after the other."""
    counted: list[int] = []
    for index in range(len(case.steps)):
        ended = find_ending(case.steps, case.failing.intersection(counted))
        if case.keep_going and index in find_later(case.steps, ended):
            continue
        if ended and not case.keep_going:
            break
        counted.append(index)
    return counted
