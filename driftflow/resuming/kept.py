"""The steps that a resumed run keeps, looked at again as outputs come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftflow.planning.plan import list_waves
from driftflow.resuming.past import measure

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from driftflow.planning.plan import Step
    from driftflow.reading.document import Json
    from driftflow.resuming.decision import Resumption
    from driftflow.resuming.past import StepPast


class KeptSteps:
    """The steps that are kept, as far as the run has come.

    Whether one is can be asked when its turn has come: when all that it comes after is done.

    Args:
        steps: The steps in run order.
        resumption: What was decided beforehand.

    Attributes:
        possible: The steps that may be kept and need not be fetched.
    """

    def __init__(self, steps: Sequence[Step], resumption: Resumption) -> None:
        self._steps = steps
        self._resumption = resumption
        kept, fetched = resumption.kept.keys(), resumption.fetched.keys()
        self.possible: Collection[int] = kept - fetched if fetched else kept
        self._waves = list_waves(steps) if fetched else []
        self._changed: set[int] = set()  # of the fetched and the doubtful, those that are not kept
        self._changed_wave = len(steps)  # the first wave that has such a step

    def __contains__(self, index: int) -> bool:
        """Return whether a step is kept as it is on record, when its turn has come."""
        return index in self.possible and not self._is_overtaken(index)

    def __getitem__(self, index: int) -> StepPast:
        """Return what is on record of a step that is kept."""
        return self._resumption.kept[index]

    def settle(self, index: int, output: Json) -> bool:
        """Take note of what came of a step that was done.

        Args:
            index: The step.
            output: What it gave; None if it failed.

        Returns:
            Whether it counts as kept all the same: it was done only for its output, and gave what
            is on record.
        """
        past = self._resumption.kept.get(index)
        if past is None:  # all that comes after it is done again anyway
            return False
        is_same = index not in self.possible and measure(output) == past.cut
        if is_same and not self._is_overtaken(index):
            return True
        self._changed.add(index)
        self._changed_wave = min(self._changed_wave, self._waves[index])
        return False

    def overturn(self, index: int) -> None:
        """Take note that a step is not kept after all, since its condition says otherwise now."""
        if index in self._resumption.kept:
            self._changed.add(index)
            if self._waves:
                self._changed_wave = min(self._changed_wave, self._waves[index])

    def _is_overtaken(self, index: int) -> bool:
        """Return whether something that a step comes after has turned out not to be kept."""
        if index not in self._resumption.in_doubt:
            return False
        is_behind = self._waves[index] > self._changed_wave
        return is_behind or not self._changed.isdisjoint(self._steps[index].before)
