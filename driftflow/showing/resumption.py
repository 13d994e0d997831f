"""What a resumed run keeps, in words. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from driftflow.text import count_of, format_json, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from driftflow.planning.plan import Step
    from driftflow.resuming.decision import Cause, Reason, Resumption
    from driftflow.resuming.past import Past

# How many steps a line names.
_LISTED = 8

_ENDS = {
    "ok": "which ended ok",
    "failed": "which failed",
    "interrupted": "which was interrupted",
}

_CAUSES: dict[Cause, str] = {
    "no_key": "its input is secret",
    "run_id": "it uses the run's ID",
    "not_done": "not done yet",
    "may_have_run": "may have run",
    "failed": "failed",
    "changed": "changed",
    "was_skipped": "was skipped",
    "to_skip": "to be skipped",
    "after": "after {}",
    "done_before": "done before {}",
    "output_needed": "its output is needed by {}",
}


def format_past(past: Past) -> str:
    """Return which run is resumed: `run ID from TIME, which failed`."""
    end = _ENDS.get(str(past.status), "which has no recorded end")
    newer = count_of(past.passed_over, "newer run")
    passed_over = f" ({newer} of this workflow not looked at)" if past.passed_over else ""
    return f"run {past.run_id} from {past.moment}, {end}{passed_over}"


def format_decision(steps: Sequence[Step], resumption: Resumption, index: int) -> str:
    """Return what is decided about a step: `kept`, `again: failed`, or `again if ...`."""
    reason = find_reason(resumption, index)
    if reason is not None:
        return f"again: {_format_reason(steps, reason)}"
    if index in resumption.in_doubt:
        source = _format_name(steps[resumption.in_doubt[index]])
        return f"again if {source} gives something else"
    return "kept"


def find_reason(resumption: Resumption, index: int) -> Reason | None:
    """Return why a step is done again for sure; None if it is not."""
    return resumption.again.get(index) or resumption.fetched.get(index)


def format_summary(steps: Sequence[Step], resumption: Resumption) -> str:
    """Return in one line what is kept, and what is done again and why."""
    again = sorted([*resumption.again, *resumption.fetched])
    in_doubt = [index for index in resumption.in_doubt if index not in resumption.fetched]
    number = len(steps) - len(again) - len(in_doubt)
    parts = [f"{number} kept"]
    if again:
        reasons = (
            f"{_format_name(steps[index])} ({_format_reason(steps, reason)})"
            for index in again
            if (reason := find_reason(resumption, index))
        )
        parts.append(f"again: {_list_some(reasons, len(again))}")
    if in_doubt:
        sources = sorted({resumption.in_doubt[index] for index in in_doubt})
        named = _list_some((_format_name(steps[index]) for index in sources), len(sources))
        doubtful = _list_some((_format_name(steps[index]) for index in in_doubt), len(in_doubt))
        gives = "gives" if len(sources) == 1 else "give"
        parts.append(f"again if {named} {gives} something else: {doubtful}")
    if len(parts) == 1:
        parts.append("nothing is done again")
    return f"resuming {format_past(resumption.past)}: {'; '.join(parts)}"


def list_changes(changed: Mapping[str, Sequence[Step]]) -> list[str]:
    """Return a line for each file or package of actions that has changed since.

    Args:
        changed: By the file or package, the steps that are kept from before.
    """
    return [
        f"{source} has changed since; "
        f"kept from before: {_list_some(map(_format_name, steps), len(steps))}"
        for source, steps in changed.items()
    ]


def _format_name(step: Step) -> str:
    """Return the name of a step, in quotes if it could be taken for other words of the line."""
    name = shorten(step.name)
    return name if re.fullmatch(r"[\w ./:-]+", name.removesuffix("…")) else format_json(name)


def _format_reason(steps: Sequence[Step], reason: Reason) -> str:
    cause, index = reason
    return _CAUSES[cause].format("" if index is None else _format_name(steps[index]))


def _list_some(words: Iterable[str], number: int) -> str:
    """Return the first of so many words, and how many others there are."""
    some = [word for word, _ in zip(words, range(_LISTED), strict=False)]
    others = number - len(some)
    return ", ".join(some) + (f" and {others} more" if others else "")
