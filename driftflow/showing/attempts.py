"""Attempts that failed, for people: a line for each, and the operator's code that it has passed.

Pure, but for the lines of code: Python's own module reads these from their files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftflow.failures import tell_with_type
from driftflow.text import REDACTED, escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftflow.failures import Raised
    from driftflow.running.events import AttemptFailed

# What stands between two exceptions, by what the first one is to the second. Python's own words,
# but for a part of a group: Python draws a tree of these.
_LINKS = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
    "part": "The above exception is one of the following group:",
}


def format_attempt(event: AttemptFailed) -> str:
    """Return a line about an attempt that failed: which one, why, and when the next one is.

    `load: attempt 1 of 3 failed: ConnectionError: no route to host; next in 2 s`
    """
    _, step, number, failure, wait = event
    why = tell_with_type(failure._replace(message=REDACTED) if step.sensitive else failure)
    then = "" if wait is None else f"; next in {round(wait, 3):g} s" if wait else "; trying again"
    most = step.policy.max_attempts
    return escape(f"{step.name}: attempt {number} of {most} failed: {why}{then}")


def format_traceback(event: AttemptFailed) -> str:
    """Return what Python prints of an exception, with the frames of the operator's code alone."""
    redact = event.step.sensitive
    lines = [f"{event.step.name}: attempt {event.attempt}:"]
    for place, raised in enumerate(event.failure.chain):
        if place:
            lines += ["", _LINKS[event.failure.chain[place - 1].link], ""]
        lines += _format_raised(raised, redact=redact)
    return "".join(f"{escape(line)}\n" for line in lines)


def _format_raised(raised: Raised, *, redact: bool) -> Iterator[str]:
    import traceback  # few runs need it

    if raised.frames:
        yield "Traceback (most recent call last):"
        for text in traceback.format_list(
            [traceback.FrameSummary(*each) for each in raised.frames]
        ):
            yield from text.splitlines()
    message = REDACTED if redact else raised.message
    yield f"{raised.type}: {message}" if message else raised.type
    yield from () if redact else raised.notes
