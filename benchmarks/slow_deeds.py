"""Actions that take their time, for `make bench`."""

from __future__ import annotations

import time

import driftflow


@driftflow.action
def nap(seconds: float) -> float:
    """Wait."""
    time.sleep(seconds)
    return seconds


@driftflow.action
def crunch(rounds: int) -> int:
    """Compute."""
    total = 0
    for number in range(rounds):
        total += number * number
    return total


@driftflow.action
def hang(_: object) -> None:
    """Start a program, one that leaves its group, and do not return."""
    import subprocess

    subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    subprocess.run(["/bin/sleep", "600"], check=True)


@driftflow.action
def compute(_: object) -> int:
    """Make one long call, which no signal interrupts."""
    return sum(range(10**12))
