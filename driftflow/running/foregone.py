"""The steps that are done without being tried: kept of earlier runs, or skipped.

Whether one is can be asked when its turn has come: when all that it comes after is done. Then it is
judged, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from driftflow.planning.conditions import find_hindrance
from driftflow.planning.values import look_at
from driftflow.running.events import StepResult

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from driftflow.planning.conditions import Verdicts
    from driftflow.planning.plan import Step
    from driftflow.planning.values import Facts
    from driftflow.resuming.kept import KeptSteps
    from driftflow.resuming.past import StepPast


class ForegoneSteps:
    """The steps that are done without being tried, as far as the run has come.

    Args:
        steps: The steps in run order.
        skippable: Those that may be skipped.
        kept: Those that are kept of earlier runs; None for none.
        facts: What references stand for; it changes as the run goes on.

    Attributes:
        possible: The steps that may be done so.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        skippable: Collection[int],
        kept: KeptSteps | None,
        facts: Facts,
    ) -> None:
        self._steps = steps
        self._skippable = skippable
        self._kept = kept
        self._facts = facts._replace(take=look_at)
        self._results: dict[int, StepResult | None] = {}
        self._faults: dict[int, str] = {}
        self._verdicts: Verdicts = {}
        self.possible: Collection[int] = {*skippable, *(kept.possible if kept else ())}

    def __contains__(self, index: int) -> bool:
        """Return whether a step is done without being tried, when its turn has come."""
        if index not in self._skippable:
            return self._kept is not None and index in self._kept
        if index not in self._results:
            self._results[index] = self._judge(index)
        return self._results[index] is not None

    def take(self, index: int) -> StepResult:
        """Return what comes of a step that is done so; once."""
        result = self._results.pop(index, None)
        if result is None and self._kept is not None:
            return make_reused(self._steps[index], self._kept[index])
        return cast("StepResult", result)

    def find_fault(self, index: int) -> str | None:
        """Return why a step that is to be tried cannot be; None if it can."""
        return self._faults.get(index)

    def _judge(self, index: int) -> StepResult | None:
        """Return what comes of a step that may be skipped if it is not tried; None if it is."""
        step, kept = self._steps[index], self._kept
        past = kept[index] if kept and index in kept else None
        found = find_hindrance(step, self._facts, self._verdicts)
        if found is not None and found.is_skip:
            is_same = past is not None and past.state == "skipped"
            result: StepResult | None = make_skipped(step, found.reason, reused=is_same)
        elif found is not None:
            self._faults[index], is_same, result = found.reason, False, None
        else:
            is_same = past is not None and past.state == "ok"
            result = make_reused(step, past) if past is not None and is_same else None
        if kept and not is_same and (past is not None or result is not None):
            kept.overturn(index)
        return result


def make_reused(step: Step, past: StepPast) -> StepResult:
    """Return the result of a step that is kept as it is on record."""
    return StepResult(
        step.name,
        ok=True,
        output=past.output,
        error=None,
        attempts=past.attempts,
        duration_seconds=0.0,
        reused=True,
        cut=past.cut,
    )


def make_skipped(step: Step, reason: str, *, reused: bool = False) -> StepResult:
    """Return the result of a step that is skipped."""
    return StepResult(
        step.name,
        ok=True,
        output=None,
        error=None,
        attempts=0,
        duration_seconds=0.0,
        reused=reused,
        skipped=reason,
    )
