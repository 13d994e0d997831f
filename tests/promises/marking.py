"""An action that shows in a trace of system calls; a file for `--actions`."""

from __future__ import annotations

import os

import driftflow


@driftflow.action
def mark(path: str) -> None:
    """Sets the times of a file."""
    os.utime(path)
