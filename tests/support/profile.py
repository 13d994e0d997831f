"""How Hypothesis looks for cases: in the tests, and in the trials of promises."""

from __future__ import annotations

from hypothesis import settings


def load_profile() -> None:
    """Look for the same cases each time: a run that is red here is red everywhere.

    There are no deadlines: a slow machine is no fault of the code's.
    """
    settings.register_profile("driftflow", derandomize=True, database=None, deadline=None)
    settings.load_profile("driftflow")
