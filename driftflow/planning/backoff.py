"""How long to wait between two attempts: longer each time, up to a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# A config can ask for longer waits than a system can keep: about three years are enough. Seconds.
_FOREVER = 1e8


class Backoff(NamedTuple):
    """The waits between the attempts of a step. The words are those of the field `backoff`.

    Attributes:
        delay_seconds: The first wait. Seconds.
        factor: How many times the one before each further wait is.
        max_delay_seconds: The longest wait. Seconds.
        jitter: Whether each wait is a random part of what it would have been, so that many that
            failed together do not come back together.
    """

    delay_seconds: float = 1
    factor: float = 2
    max_delay_seconds: float = 30
    jitter: bool = True


def delay(backoff: Backoff, failures: int, random: Callable[[], float]) -> float:
    """The wait after so many failed attempts, in seconds.

    The jitter is what https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    calls full: anything from nothing to the whole.

    Args:
        backoff: What was asked for.
        failures: How many attempts have failed, from 1.
        random: A number from 0 to 1.
    """
    first, factor, most, jitter = backoff
    try:
        grown = first * float(factor) ** (failures - 1)
    except OverflowError:
        grown = most if first else 0
    whole = min(grown, most, _FOREVER)
    return whole * random() if jitter else whole


def chance() -> float:
    """A random number from 0 to 1."""
    from random import random  # few runs need it

    return random()  # noqa: S311 - it is no secret


def never() -> bool:
    """Nobody asks for an end."""
    return False


def pauses(
    backoff: Backoff | None,
    sleep: Callable[[float], object],
    is_over: Callable[[], bool],
    random: Callable[[], float] = chance,
) -> Callable[[int], None]:
    """What waits before another attempt, after so many have failed; not at all without a backoff.

    It raises KeyboardInterrupt if there is to be no other attempt.

    Args:
        backoff: What was asked for.
        sleep: Waits for so many seconds.
        is_over: Whether there is to be no other attempt.
        random: A number from 0 to 1.
    """

    def pause(failures: int) -> None:
        if backoff is not None and not is_over():
            sleep(delay(backoff, failures, random))
        if is_over():
            raise KeyboardInterrupt

    return pause
