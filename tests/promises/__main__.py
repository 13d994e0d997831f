"""Try each promise at length, and print what came of it: `make torture`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from promises import Promise, Verdict
from promises.table import PROMISES

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(promises: Sequence[Promise] = PROMISES) -> int:
    """Print what came of each, and how many were kept. Return 1 if one is broken, else 0."""
    widths = [
        max(map(len, column)) for column in zip(*(each[:3] for each in promises), strict=True)
    ]
    states: Counter[str] = Counter()
    skipped: list[str] = []
    for promise in promises:
        started = monotonic()
        state, figure = _try(promise)
        seconds = monotonic() - started
        states[state] += 1
        skipped += [f"SKIPPED {promise.id}: {figure}"] * (state == "skipped")
        words = [word.ljust(width) for word, width in zip(promise[:3], widths, strict=True)]
        print(*words, f"{state:7} {seconds:6.1f} s", figure, sep="  ", flush=True)
    print(", ".join(f"{states[state]} {state}" for state in ("kept", "BROKEN", "skipped")))
    print(*skipped, sep="\n", end="\n" * bool(skipped))
    return int(states["BROKEN"] > 0)


def _try(promise: Promise) -> tuple[str, str]:
    """Return what became of a promise, and the figure, or the reason that there is none."""
    with TemporaryDirectory() as folder:
        try:
            verdict = promise.tried(Path(folder), thoroughly=True)
        except pytest.skip.Exception as skipped:
            return "skipped", str(skipped)
        except Exception as error:  # noqa: BLE001 - the others are tried all the same
            verdict = Verdict(holds=False, figure=f"{type(error).__name__}: {error}")
    return "kept" if verdict.holds else "BROKEN", verdict.figure


if __name__ == "__main__":
    sys.exit(main())
