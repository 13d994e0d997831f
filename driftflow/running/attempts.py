"""The attempts at one step: how many there are, the waits between them, and what comes of them.

Whoever performs a step, wherever that is, does it by `run_step`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from driftflow.errors import message_of
from driftflow.reading.document import Json, clone_json
from driftflow.running.interrupts import interruptible

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftflow.planning.settings import Backoff

    Perform: TypeAlias = Callable[[str, Json], Json]
    Clock: TypeAlias = Callable[[], float]
    Pause: TypeAlias = Callable[[int], object]

# A step that is ready to be tried, wherever that will be: the name of its action, the input, how
# often it may be tried, whether its failure lets the run go on, and why it cannot be tried, if so;
# then it may be tried 0 times. Tasks and outcomes are plain tuples of plain data: they travel to
# other processes, and there is one of each for each step.
Task: TypeAlias = tuple[str, Json, int, bool, str | None]
# What came of it: whether it is ok, its output, its error, the number of attempts, and the seconds.
Outcome: TypeAlias = tuple[bool, Json, str | None, int, float]

# What comes of a step that was not tried, since an interrupt came first.
INTERRUPTED: Outcome = (False, None, "interrupted", 0, 0.0)
# What comes of one that an interrupt did not wait for.
UNKNOWN: Outcome = (False, None, "interrupted; its outcome is unknown", 1, 0.0)

# A config can ask for longer waits than a system can keep: about three years are enough. Seconds.
_FOREVER = 1e8


class Interrupted(KeyboardInterrupt):
    """An interrupt in the middle of a step.

    Attributes:
        outcome: What came of the step until then.
    """

    def __init__(self, attempts: int, seconds: float) -> None:
        ok, output, error, *_ = INTERRUPTED
        self.outcome: Outcome = (ok, output, error, attempts, seconds)


class LateInterrupt(KeyboardInterrupt):
    """An interrupt that no step has felt: each one that was begun came to its own end."""


@interruptible
def run_step(task: Task, perform: Perform, clock: Clock, pause: Pause) -> Outcome:
    """Try until an attempt succeeds, or all that are allowed are used up.

    Args:
        task: What to try.
        perform: Makes one attempt.
        clock: Seconds.
        pause: Waits before another attempt, after so many have failed.

    Raises:
        Interrupted: If an attempt raises KeyboardInterrupt, or a wait.
    """
    started = clock()
    action, given, allowed, _, error = task
    used, output = 0, None
    try:
        while used < allowed:
            if used:
                pause(used)
            used += 1
            try:
                # An attempt may change what it is handed: only the last one has the original.
                value = given if type(given) is str or used == allowed else clone_json(given)
                output, error = perform(action, value), None
            except KeyboardInterrupt:  # the user's wish, not the action's
                raise
            except BaseException as exception:  # noqa: BLE001 - what an action raises becomes data
                error = message_of(exception) or type(exception).__name__
            else:
                break
        return error is None, output, error, used, clock() - started
    except KeyboardInterrupt:
        raise Interrupted(used, clock() - started) from None


def allowed_attempts(max_attempts: int, *, optional: bool) -> int:
    """Return how often a step may be tried: an optional one once, always."""
    return 1 if optional else max_attempts


def ends_run(*, optional: bool) -> bool:
    """Return whether a step that failed ends the run: if it is not optional."""
    return not optional


def backoff_delay(backoff: Backoff, failures: int, random: Callable[[], float]) -> float:
    """Return how long to wait after so many failed attempts, in seconds.

    The jitter is what https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    calls full: anything from nothing to the whole.

    Args:
        backoff: What was asked for.
        failures: How many attempts have failed, from 1.
        random: Returns a number from 0 to 1.
    """
    first, factor, longest, jitter = backoff
    try:
        grown = first * float(factor) ** (failures - 1)
    except OverflowError:
        grown = longest if first else 0
    whole = min(grown, longest, _FOREVER)
    return whole * random() if jitter else whole


def random_fraction() -> float:
    """Return a random number from 0 to 1."""
    from random import random  # few runs need it

    return random()  # noqa: S311 - it is no secret


def never() -> bool:
    """Return False: nobody asked to stop."""
    return False


def make_pause(
    backoff: Backoff | None,
    sleep: Callable[[float], object],
    is_stopped: Callable[[], bool],
    random: Callable[[], float] = random_fraction,
) -> Callable[[int], None]:
    """Return what waits before another attempt, after so many have failed.

    Without a backoff it does not wait. It raises KeyboardInterrupt if there is to be no other
    attempt.

    Args:
        backoff: What was asked for.
        sleep: Waits for so many seconds.
        is_stopped: Returns whether there is to be no other attempt.
        random: Returns a number from 0 to 1.
    """

    def pause(failures: int) -> None:
        if backoff is not None and not is_stopped():
            sleep(backoff_delay(backoff, failures, random))
        if is_stopped():
            raise KeyboardInterrupt

    return pause
