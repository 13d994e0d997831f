"""The attempts at one step: how many there are, the waits between them, and what comes of them.

Whoever performs a step, wherever that is, does it by `run_step`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from driftflow.failures import Failure, describe
from driftflow.planning.settings import RetryPolicy
from driftflow.reading.document import Json, clone_json
from driftflow.running.interrupts import interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from driftflow.planning.settings import Backoff

# A step that is ready to be tried, wherever that will be: its index in the run order, the name of
# its action, the input, how it is to be tried, whether its failure ends the run, why it cannot be
# tried, if so, and the schema of its output, if it has one. Tasks and outcomes are plain tuples of
# plain data: they travel to other processes, and there is one of each for each step.
Task: TypeAlias = tuple[int, str, Json, RetryPolicy, bool, str | None, str | None]
# What came of it: its output, what it failed with, the number of attempts, and the seconds.
Outcome: TypeAlias = tuple[Json, Failure | None, int, float]

# The type of error of a step that an interrupt has ended; no other has just this one.
INTERRUPT = KeyboardInterrupt.__name__
# What comes of a step that was not tried, since an interrupt came first; or the end of the run.
INTERRUPTED: Outcome = (None, Failure("interrupted", (INTERRUPT,)), 0, 0.0)
NOT_TRIED: Outcome = (None, Failure("not tried"), 0, 0.0)
# What comes of one that an interrupt did not wait for.
UNKNOWN_FAILURE = Failure("interrupted; its outcome is unknown", (INTERRUPT,))
UNKNOWN: Outcome = (None, UNKNOWN_FAILURE, 1, 0.0)

# A config can ask for longer waits than a system can keep: about three years are enough. Seconds.
_FOREVER = 1e8


class FailedAttempt(NamedTuple):
    """An attempt that failed, and what is done about it.

    Attributes:
        step_index: The step's place in the run order, from 0.
        number: Which attempt at the step it was, from 1.
        failure: What it failed with.
        wait_seconds: How long it is waited for the next attempt, in seconds; None if there is none.
    """

    step_index: int
    number: int
    failure: Failure
    wait_seconds: float | None


class AttemptRunner(NamedTuple):
    """How attempts are made, here and now.

    Attributes:
        perform: Makes one attempt: takes an action's name, an input that it may change, and how
            long it may take, in seconds (None for no limit); returns the output, which nothing else
            may change, or raises.
        clock: Seconds from any fixed point, never backwards.
        pause: Waits for so many seconds. Raises KeyboardInterrupt if there is to be no further
            attempt.
        random: Returns a number from 0 to 1.
    """

    perform: Callable[[str, Json, float | None], Json]
    clock: Callable[[], float]
    pause: Callable[[float], object]
    random: Callable[[], float]


class Interrupted(KeyboardInterrupt):
    """An interrupt in the middle of a step.

    Attributes:
        outcome: What came of the step until then.
    """

    def __init__(self, attempts: int, seconds: float) -> None:
        output, failure, *_ = INTERRUPTED
        self.outcome: Outcome = (output, failure, attempts, seconds)


class LateInterrupt(KeyboardInterrupt):
    """An interrupt that no step has felt: each one that was begun came to its own end."""


@interruptible
def run_step(task: Task, runner: AttemptRunner) -> Generator[FailedAttempt, object, Outcome]:
    """Try until an attempt succeeds, or there is to be no other; return what came of it.

    Each attempt that fails is yielded before the wait for the next one.

    Args:
        task: What to try.
        runner: How to try it.

    Raises:
        Interrupted: If an attempt raises KeyboardInterrupt, or a wait, or `interrupt` is sent.
    """
    perform, clock, pause, random = runner
    started = clock()
    index, action, given, policy, _, fault, returns = task
    if fault is not None:
        return None, Failure(fault), 0, clock() - started
    allowed, backoff, seconds, retry_on = policy
    used = 0
    try:
        while True:
            used += 1
            try:
                # An attempt may change what it is handed: only the last one has the original.
                value = given if type(given) is str or used == allowed else clone_json(given)
                output = perform(action, value, seconds)
                if returns is not None:
                    _require_contract(returns, output)
            except KeyboardInterrupt:  # the user's wish, not the action's
                raise
            except BaseException as exception:  # noqa: BLE001 - what an action raises becomes data
                failure = describe(exception)
            else:
                return output, None, used, clock() - started
            if used == allowed or not may_try_again(failure, retry_on):
                yield FailedAttempt(index, used, failure, None)
                return None, failure, used, clock() - started
            wait = 0.0 if backoff is None else backoff_delay(backoff, used, random)
            if (yield FailedAttempt(index, used, failure, wait)) == "interrupt":
                raise KeyboardInterrupt  # noqa: TRY301 - the run's, as if an attempt had raised it
            pause(wait)
    except KeyboardInterrupt:
        raise Interrupted(used, clock() - started) from None


def _require_contract(returns: str, output: Json) -> None:
    from driftflow.schemas.contracts import require_contract  # few steps need it

    require_contract(returns, output)


def may_try_again(failure: Failure, retry_on: tuple[str, ...] | None) -> bool:
    """Return whether there may be another attempt after one that failed so.

    Args:
        failure: What it failed with.
        retry_on: The names of the types of errors that are worth another attempt; None for all.
    """
    if failure.is_permanent:
        return False
    return retry_on is None or not set(retry_on).isdisjoint(failure.types)


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


def never() -> None:
    """Return None: there was no signal, and nobody asked to stop."""


def make_pause(
    sleep: Callable[[float], object], is_stopped: Callable[[], object]
) -> Callable[[float], None]:
    """Return what waits for so many seconds before another attempt.

    It raises KeyboardInterrupt if there is to be no other attempt.

    Args:
        sleep: Waits for so many seconds.
        is_stopped: Returns whether there is to be no other attempt.
    """

    def pause(seconds: float) -> None:
        if seconds and not is_stopped():
            sleep(seconds)
        if is_stopped():
            raise KeyboardInterrupt

    return pause
