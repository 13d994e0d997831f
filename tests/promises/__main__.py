"""Try each promise at length, and print what came of it: `make torture`."""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support.profile import load_profile

from promises.table import PROMISES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from promises import Promise


class Trial(NamedTuple):
    """What became of a promise that was tried.

    Attributes:
        state: `kept`, `BROKEN` or `skipped`.
        figure: What came out, or the reason that it was skipped.
        seconds: How long that took.
    """

    state: str
    figure: str
    seconds: float


def main() -> int:
    """Try all, two at a time, as the tests are. Return 1 if one is broken, else 0."""
    with ProcessPoolExecutor(2, initializer=load_profile) as pool:
        return tell(PROMISES, pool.map(attempt, PROMISES))


def tell(promises: Sequence[Promise], trials: Iterable[Trial]) -> int:
    """Print what came of each, and how many were kept. Return 1 if one is broken, else 0."""
    widths = [
        max(map(len, column)) for column in zip(*(each[:3] for each in promises), strict=True)
    ]
    states: Counter[str] = Counter()
    skipped: list[str] = []
    for promise, (state, figure, seconds) in zip(promises, trials, strict=True):
        states[state] += 1
        skipped += [f"SKIPPED {promise.id}: {figure}"] * (state == "skipped")
        words = [word.ljust(width) for word, width in zip(promise[:3], widths, strict=True)]
        print(*words, f"{state:7} {seconds:6.1f} s", figure, sep="  ", flush=True)
    print(", ".join(f"{states[state]} {state}" for state in ("kept", "BROKEN", "skipped")))
    print(*skipped, sep="\n", end="\n" * bool(skipped))
    return int(states["BROKEN"] > 0)


def attempt(promise: Promise) -> Trial:
    """Try a promise at length, in a folder of its own."""
    started = monotonic()
    with TemporaryDirectory() as folder:
        try:
            verdict = promise.tried(Path(folder), thoroughly=True)
            state, figure = "kept" if verdict.holds else "BROKEN", verdict.figure
        except pytest.skip.Exception as skipped:
            state, figure = "skipped", str(skipped)
        except Exception as error:  # noqa: BLE001 - the others are tried all the same
            state, figure = "BROKEN", f"{type(error).__name__}: {error}"
    return Trial(state, figure, monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
