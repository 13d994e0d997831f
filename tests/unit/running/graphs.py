"""Generated graphs, and by the plainest words of the rules what a run of them comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st
from support import workflows

from driftflow.resuming.kept import KeptSteps

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from driftflow.planning.plan import Plan, Step

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


def keep(plan: Plan, indexes: Collection[int]) -> KeptSteps:
    """Kept are these steps, none of them in doubt."""
    resumed = workflows.resumption(plan, dict.fromkeys(indexes))
    return KeptSteps(plan.steps.tolist(), resumed)


@st.composite
def plans(draw: st.DrawFn, actions: Sequence[str] = ("echo",)) -> Plan:
    """Steps after some of the others, of which some read what these give, in any order."""
    names = draw(st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=MOST))
    steps = []
    for place, name in enumerate(names):
        earlier = st.lists(st.sampled_from(names[:place]), max_size=2) if place else st.just([])
        steps.append(
            {
                "name": name,
                "action": draw(st.sampled_from(actions)),
                "input": {"from": draw(earlier)},
                "after": draw(earlier),
                "priority": draw(st.integers(0, 2)),
                "optional": draw(st.booleans()),
            }
        )
    flags = {"parallel": draw(st.booleans())}
    return workflows.plan(*draw(st.permutations(steps)), flags=flags)


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
