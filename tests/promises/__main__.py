"""Try each promise at length, and print what came of it: `make torture`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import pytest

from promises import Promise, Verdict
from promises.table import PROMISES


def main() -> int:
    """Print a line for each promise. Gives 1 if one is broken, else 0."""
    text, goal = (max(map(len, column)) for column in zip(*(p[:2] for p in PROMISES), strict=True))
    broken = False
    for promise in PROMISES:
        started = monotonic()
        state, figure = _tried(promise)
        seconds = monotonic() - started
        broken |= state == "BROKEN"
        print(
            f"{promise.text:{text}}  {promise.goal:{goal}}  {state:7} {seconds:6.1f} s  {figure}",
            flush=True,
        )
    return int(broken)


def _tried(promise: Promise) -> tuple[str, str]:
    """What became of a promise, and the figure, or the reason that there is none."""
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
