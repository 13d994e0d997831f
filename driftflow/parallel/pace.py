"""How many steps are sent ahead of the workers: none, unless they are tiny.

To send a step takes 30 µs in threads and 2 ms on Dask, a tiny step 2 µs. So tiny steps are sent
together, as many as should take a fiftieth of a second, by what steps with their action took
before. joblib sizes its batches by the same idea. All others go to a worker that has nothing else
to do: a step that waits behind a slow one could have been started elsewhere.

Nothing here knows of threads, futures or clocks.
"""

from __future__ import annotations

# A step that takes no longer may be sent together with others, so long in all. Seconds.
_TINY = 0.001
_TARGET = 0.02
# How many steps are sent together at most.
_MAX_STEPS = 1000
# How many times as many as are known to be tiny.
_GROWTH = 4
# How fast a slow step is forgotten. The system stops a process now and then, which means nothing.
_DECAY = 0.8


class Pace:
    """Knows how long steps took, by their actions."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._numbers: dict[str, int] = {}

    def learn(self, action: str, seconds: float) -> None:
        """Take note of how long a step took."""
        self._seconds[action] = max(seconds, _DECAY * self._seconds.get(action, 0.0))
        self._numbers[action] = self._numbers.get(action, 0) + 1

    def forget(self, action: str) -> None:
        """Send steps with that action one by one again."""
        self._numbers.pop(action, None)
        self._seconds.pop(action, None)

    def can_add(self, action: str, number: int) -> bool:
        """Return whether a step is so tiny that it can be sent together with others.

        Args:
            action: Its action.
            number: How many others there are.
        """
        seconds = self._seconds.get(action)
        if seconds is None or seconds > _TINY:
            return False
        most = min(_MAX_STEPS, _GROWTH * self._numbers[action], _TARGET / max(seconds, 1e-9))
        return number < most
