"""What keeps a step from being tried, as its turn has come: its condition, or what it reads.

The condition is judged first, so a step whose condition is not met is skipped even if its input
could not be read. A step that reads a skipped one is skipped too, and one that reads a failed one
fails; of both it fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from driftflow.planning.values import (
    Concat,
    Facts,
    Part,
    UnavailableError,
    evaluate,
    find_references,
    find_unavailable,
    list_defaults,
    list_unavailable,
)
from driftflow.schemas.contracts import load_contract
from driftflow.text import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from driftflow.planning.plan import Condition, Step
    from driftflow.planning.values import Frozen, Missing

    # By the `id` of a condition, which its plan keeps alive, why it is not met; None if it is.
    Verdicts: TypeAlias = dict[int, "Hindrance | None"]


class Hindrance(NamedTuple):
    """Why a step is not tried.

    Attributes:
        reason: In words.
        is_skip: Whether it is skipped; else it has failed.
    """

    reason: str
    is_skip: bool


def find_hindrance(step: Step, facts: Facts, verdicts: Verdicts) -> Hindrance | None:
    """Return why a step is not to be tried; None if it is.

    Args:
        step: The step; all that it comes after is done.
        facts: What its references stand for. Nothing changes them.
        verdicts: What came of conditions that were judged; this one is added.
    """
    found = judge_condition(step, facts, verdicts)
    if found is not None or type(step.input) is str:
        return found
    return _find_missing("input", step.input, facts)


def judge_condition(step: Step, facts: Facts, verdicts: Verdicts) -> Hindrance | None:
    """Return why a step is not to be tried because of its condition; None if it is to be.

    Steps may share a condition. As all that it reads is done, it need be judged only once.

    Args:
        step: The step; all that it comes after is done.
        facts: What its references stand for.
        verdicts: What came of conditions that were judged; this one is added.
    """
    condition = step.when
    if condition is None:
        return None
    key = id(condition)
    if key not in verdicts:
        verdicts[key] = _judge(condition, facts)
    return verdicts[key]


def _judge(condition: Condition, facts: Facts) -> Hindrance | None:
    value, _, text, subject, is_secret = condition
    try:
        judged = evaluate(value, facts)
    except UnavailableError:
        return _find_missing("condition", value, facts)
    schema, accepts = load_contract(text)
    if accepts(judged):
        return None
    if is_secret:
        return Hindrance(REDACTED, is_skip=True)
    from driftflow.schemas.description import describe_mismatch  # it imports jsonschema

    reason = describe_mismatch(schema, judged, subject) or f"{subject} does not meet the condition"
    return Hindrance(reason, is_skip=True)


def _find_missing(what: str, value: Frozen, facts: Facts) -> Hindrance | None:
    missing = find_unavailable(value, facts)
    return None if missing is None else Hindrance(f"{what} {missing.reason}", missing.is_skip)


def find_skippable(steps: Sequence[Step]) -> set[int]:
    """Return the steps that may be skipped: those with a condition, and those that read them.

    Args:
        steps: The steps in run order.
    """
    found: set[int] = set()
    names: set[str] = set()
    for index, step in enumerate(steps):
        if step.when is not None or not names.isdisjoint(step.reads):
            found.add(index)
            names.add(step.name)
    return found


def foresee_skips(steps: Sequence[Step]) -> dict[int, str]:
    """Return the steps that will be skipped as far as is known before the run, with the reasons.

    Args:
        steps: The steps in run order.
    """
    skipped: set[str] = set()
    foreseen: dict[int, str] = {}
    outputs = dict.fromkeys(step.name for step in steps)  # there will be some, as far as is known
    for index in sorted(find_skippable(steps)):
        reason = _foresee(steps[index], Facts(outputs, skipped))
        if reason is not None:
            foreseen[index] = reason
            skipped.add(steps[index].name)
            outputs.pop(steps[index].name, None)  # nobody reads steps that share a name
    return foreseen


def _foresee(step: Step, facts: Facts) -> str | None:
    """Return why a step will be skipped; None if that is not known."""
    if step.when is not None:
        is_known = {*step.when.reads} <= {*facts.skipped}
        found = _judge(step.when, facts) if is_known else None
        if found is not None:
            return found.reason if found.is_skip else None
    return _find_skip(_foresee_unavailable(step.input, facts))


def _foresee_unavailable(value: Frozen, facts: Facts) -> Iterator[Missing]:
    """Yield why references have nothing to stand for, while outputs are not known.

    Whether there is a place in an output, and so whether a default stands in, shows only in a run.
    """
    for reference in find_references(value, with_defaults=False):
        default = list_defaults(reference)
        if not default and type(reference) is not Concat:  # its parts follow
            yield from list_unavailable(reference, facts)
        elif default and type(reference) is Part and reference.name not in facts.outputs:
            yield from _foresee_unavailable(default[0], facts)


def find_skipped_input(step: Step, facts: Facts) -> str | None:
    """Return why a step is skipped because of what its input reads; None if it is not."""
    return _find_skip(list_unavailable(step.input, facts))


def _find_skip(reasons: Iterable[Missing]) -> str | None:
    return next((f"input {reason.reason}" for reason in reasons if reason.is_skip), None)
