"""Which steps a resumed run keeps, and why it does the others again.

What a step comes after is what the plan says: the steps that it reads, those in its `after`, and
all of earlier waves. It is kept only if each of them is kept, and had ended before it began. That
goes by the order of the record; so nothing kept stands on something that was done later, whatever
that gave.

A step without a key is always done again, since nobody may know whether it asks for the same. It
holds back what reads it or comes `after` it, but no one by priority alone.

An output that is not on record as a whole is fetched by doing its step again, if a step that may be
done again reads it. If it is what the record's digest says, the step still counts as kept; if not,
all that comes after it is done again. So all that comes after a fetched step is in doubt until
then, and may be done again: what it reads has to be there too.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from driftflow.planning.conditions import (
    find_skippable,
    find_skipped_input,
    judge_condition,
)
from driftflow.planning.graph import find_successors
from driftflow.planning.plan import find_key, list_waves, uses_run_id
from driftflow.planning.values import (
    Facts,
    FromUse,
    Part,
    find_references,
    list_reads,
    look_at,
)
from driftflow.resuming.past import find_namesakes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from driftflow.planning.conditions import Verdicts
    from driftflow.planning.plan import Plan, Step
    from driftflow.reading.document import Json
    from driftflow.resuming.past import Past, StepPast

# Why a step is done again:
#
#     no_key          it has no key
#     run_id          it uses the ID of the run
#     not_done        there is no record that it was done
#     may_have_run    it was begun and has no end, or an interrupt has ended it, or the record has a
#                     gap in which it may have been begun again
#     failed          it failed
#     changed         its action or its input is another, or its contract refuses what it gave
#     was_skipped     it was skipped, and now its condition is met, or what it reads is there
#     to_skip         it is to be skipped
#     after           it comes after a step that is done again
#     done_before     it began before a step that it comes after had ended
#     output_needed   its output is not on record as a whole, and a step needs it
Cause: TypeAlias = Literal[
    "no_key",
    "run_id",
    "not_done",
    "may_have_run",
    "failed",
    "changed",
    "was_skipped",
    "to_skip",
    "after",
    "done_before",
    "output_needed",
]


class Reason(NamedTuple):
    """Why a step is done again.

    Attributes:
        cause: What is the case.
        step_index: The step that it is about: with `after` and `done_before` the one that it comes
            after, with `output_needed` the one that needs it. None with the others.
    """

    cause: Cause
    step_index: int | None = None


class Resumption(NamedTuple):
    """What a run keeps of earlier ones. Steps are known by their index in the run order.

    Attributes:
        past: What is on record.
        kept: What is on record of the steps that are kept, those that are fetched or in doubt among
            them.
        again: Why the others are done again.
        fetched: Of the kept ones, those that are done again for their output, with the reason.
        in_doubt: Of the kept ones, those that are done again if the output of another step is not
            what it was, with the first such step.
    """

    past: Past
    kept: Mapping[int, StepPast]
    again: Mapping[int, Reason]
    fetched: Mapping[int, Reason]
    in_doubt: Mapping[int, int]

    @property
    def may_have_run(self) -> list[int]:
        """Return the steps of which nobody knows what they have done."""
        return [index for index, (cause, _) in self.again.items() if cause == "may_have_run"]


def decide(plan: Plan, past: Past) -> Resumption:
    """Decide which steps are kept and which are done again, from the record alone.

    Args:
        plan: What is to be done.
        past: What has been done.
    """
    steps: Sequence[Step] = plan.steps.tolist()
    kept, again, unjudged = _judge_steps(steps, past, _Skips(plan, steps))
    fetched, in_doubt = _find_fetched(steps, kept, again, unjudged)
    return Resumption(past, kept, again, fetched, in_doubt)


class _Skips:
    """Which steps are skipped, as far as the record says what they read.

    Args:
        plan: What is to be done.
        steps: Its steps.

    Attributes:
        unjudged: The steps of which nobody knows, since an output is not on record as a whole.
    """

    def __init__(self, plan: Plan, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._possible = find_skippable(steps) if plan.has_conditions else ()
        self._names = {steps[index].name for index in self._possible}
        self._outputs: dict[str, Json] = {}  # of steps that are kept
        self._cut: set[str] = set()  # the names of those of which they are not whole
        self._skipped: set[str] = set()
        self._verdicts: Verdicts = {}
        self.unjudged: set[int] = set()

    def judge(self, index: int, record: StepPast) -> Reason | None:
        """Return why a step is not kept as it is on record; None if it is.

        Args:
            index: The step; all that it comes after is kept.
            record: What is on record of it.
        """
        if index not in self._possible:
            return Reason("was_skipped") if record.state == "skipped" else None
        step = self._steps[index]
        if not self._cut.isdisjoint(self._list_judged(step)):
            self.unjudged.add(index)
            return None
        facts = Facts(self._outputs, self._skipped, take=look_at)
        found = judge_condition(step, facts, self._verdicts)
        is_skip = found.is_skip if found else find_skipped_input(step, facts) is not None
        if found is not None and not is_skip:
            return Reason("changed")
        if is_skip is (record.state == "skipped"):
            return None
        return Reason("to_skip" if is_skip else "was_skipped")

    def _list_judged(self, step: Step) -> Iterator[str]:
        """Yield the names of the steps whose outputs say whether a step is skipped."""
        if step.when is not None:
            yield from step.when.reads
        for reference in find_references(step.input):
            named = reference.reference if isinstance(reference, FromUse) else reference
            if not isinstance(named, Part) or self._names.isdisjoint(
                list_reads(named.default and named.default[0])
            ):
                continue
            if isinstance(reference, FromUse):
                yield from chain.from_iterable(list_reads(each) for _, each in reference.outputs)
            else:
                yield reference.name

    def keep(self, index: int, record: StepPast) -> None:
        """Take note that a step is kept."""
        if not self._possible:
            return
        name = self._steps[index].name
        if record.state == "skipped":
            self._skipped.add(name)
        else:
            self._outputs[name] = record.output
            if record.cut is not None:
                self._cut.add(name)


def _judge_steps(
    steps: Sequence[Step], past: Past, skips: _Skips
) -> tuple[dict[int, StepPast], dict[int, Reason], set[int]]:
    """Return the steps that are up to date, why the others are not, and what cannot be judged."""
    namesakes = find_namesakes(steps)
    find = past.steps.get
    kept: dict[int, StepPast] = {}
    again: dict[int, Reason] = {}
    last = first_again = None  # of the open wave and all before it
    last_ended = -1
    earlier: _Wave | None = None
    urgency = steps[0].urgency if steps else 0
    for index, step in enumerate(steps):
        if step.urgency != urgency:
            earlier, urgency = _Wave(last, first_again), step.urgency
        record = find((step.name, namesakes.get(index, 0) if namesakes else 0))
        reason = _judge_record(step, record, past.complete_since)
        may_wait = bool(step.before or earlier) and (reason is None or reason.cause == "not_done")
        if may_wait and record is not None:
            reason = _judge_order(step, record, kept, again, earlier) or reason
        if reason is None and record is not None:
            reason = skips.judge(index, record)
            if reason is None and step.returns is not None:
                reason = _judge_contract(step.returns, record)
        if reason is not None:
            again[index] = reason
            if first_again is None and step.has_key:
                first_again = index
        elif record is not None:
            kept[index] = record
            skips.keep(index, record)
            if record.ended > last_ended:
                last, last_ended = index, record.ended
    return kept, again, skips.unjudged


# Why a step is done again, by the state in which it is on record.
_UNDONE: dict[str, Cause] = {"not_tried": "not_done", "failed": "failed"}


class _Wave(NamedTuple):
    """What those who come after a wave by priority have to know of it, and of all before it.

    Attributes:
        last: The kept step that has ended last; None if there is none.
        again: The first step that is done again, and has a key; None if there is none.
    """

    last: int | None
    again: int | None


def _judge_record(step: Step, record: StepPast | None, complete_since: int) -> Reason | None:
    """Return why a step is done again if that follows from its own record; None if it does not."""
    if record is not None and (record.state == "begun" or record.run < complete_since):
        return Reason("may_have_run")
    if not step.has_key:
        return Reason("run_id" if uses_run_id(step) else "no_key")
    state = "not_tried" if record is None else record.state
    if state in _UNDONE:
        return Reason(_UNDONE[state])
    if record is None or state == "skipped":  # then it asked for nothing
        return None
    if record.action != step.action or record.key != find_key(step):
        return Reason("changed")
    return None


def _judge_contract(returns: str, record: StepPast) -> Reason | None:
    """Return why a step is done again if what it gave breaks its contract by now; else None."""
    if record.state == "skipped" or record.cut is not None:
        return None
    from driftflow.schemas.contracts import load_contract  # it imports the compiler

    return None if load_contract(returns).accepts(record.output) else Reason("changed")


def _judge_order(
    step: Step,
    record: StepPast,
    kept: Mapping[int, StepPast],
    again: Mapping[int, Reason],
    earlier: _Wave | None,
) -> Reason | None:
    """Return why a step is done again if that follows from what it comes after; else None."""
    before = step.before
    last, first_again = earlier or (None, None)
    for other in before:
        if other in again:
            return Reason("after", other)
    if first_again is not None:
        return Reason("after", first_again)
    for other in before if last is None else (*before, last):
        if kept[other].ended > record.began:
            return Reason("done_before", other)
    return None


def _find_fetched(
    steps: Sequence[Step],
    kept: Mapping[int, StepPast],
    again: Mapping[int, Reason],
    unjudged: set[int],
) -> tuple[dict[int, Reason], dict[int, int]]:
    """Return the kept steps that are fetched, and those that are in doubt because of that."""
    cut = {steps[index].name: index for index, record in kept.items() if record.cut is not None}
    if not cut:
        return {}, {}
    fetched: set[int] = set()
    in_doubt: set[int] = set()
    behind = _Behind(steps)
    # The steps that may be done again, or have to be judged, and were not looked at.
    to_look_at = [*again, *unjudged]
    while to_look_at:
        for name in steps[to_look_at.pop()].reads:
            needed = cut.get(name)
            if needed is None or needed in fetched:
                continue
            fetched.add(needed)
            to_look_at.append(needed)
            for other in behind.find(needed):
                if other in kept and other not in in_doubt:
                    in_doubt.add(other)
                    to_look_at.append(other)
    return _find_reasons(steps, again, fetched, in_doubt, cut), _find_roots(
        steps, fetched, in_doubt
    )


class _Behind:
    """What comes after steps, each told only once.

    Args:
        steps: The steps in run order.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._successors = find_successors(
            {index: step.before for index, step in enumerate(steps) if step.before}
        )
        self._waves = list_waves(steps)
        self._told: set[int] = set()
        self._from = len(steps)  # all from here on were told, by their waves

    def find(self, index: int) -> Iterator[int]:
        """Yield all that comes after a step, but for what was told before."""
        reached = [index]
        while reached:
            for other in self._successors.get(reached.pop(), ()):
                if other not in self._told:
                    self._told.add(other)
                    reached.append(other)
                    yield other
        while self._from and self._waves[self._from - 1] > self._waves[index]:
            self._from -= 1
            if self._from not in self._told:
                self._told.add(self._from)
                yield self._from


def _find_reasons(
    steps: Sequence[Step],
    again: Mapping[int, Reason],
    fetched: set[int],
    in_doubt: set[int],
    cut: Mapping[str, int],
) -> dict[int, Reason]:
    """Return the steps that are fetched, with the first one that needs them.

    One that is done again for sure comes before one that is fetched itself or in doubt.
    """
    needed_by: dict[int, int] = {}
    for index in (*again, *sorted(fetched), *sorted(in_doubt)):
        for name in steps[index].reads:
            if name in cut:
                needed_by.setdefault(cut[name], index)
    return {index: Reason("output_needed", needed_by[index]) for index in sorted(fetched)}


def _find_roots(steps: Sequence[Step], fetched: set[int], in_doubt: set[int]) -> dict[int, int]:
    """Return the steps that are in doubt, with the first fetched step that they come after."""
    roots: dict[int, int] = {}
    first: int | None = None  # of the fetched steps of the open wave, and of all before it
    earlier = first
    urgency = None
    for index, step in enumerate(steps):
        if step.urgency != urgency:
            earlier, urgency = first, step.urgency
        if index in in_doubt:
            found = [] if earlier is None else [earlier]
            for other in step.before:
                if other in fetched:
                    found.append(other)
                if other in roots:
                    found.append(roots[other])
            roots[index] = min(found)
        if first is None and index in fetched:
            first = index
    return roots
