"""Plan and actions, shown: what a run would do, for programs and for people; what steps can name.

Pure: the same plan gives the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wcwidth import wcswidth

from driftflow.planning.plan import digest
from driftflow.planning.references import thaw
from driftflow.planning.settings import FLAGS_VARIABLE, KNOWN, TIMEOUT_VARIABLE, Source
from driftflow.running.attempts import allowed_attempts
from driftflow.running.interpreter import waves
from driftflow.text import REDACTED, escape, format_json, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftflow.actions.action import Action
    from driftflow.planning.plan import Plan
    from driftflow.planning.settings import Backoff

_COLUMNS = ("index", "wave", "name", "priority", "action", "attempts", "optional", "input")
_NUMBERS = {"index", "wave", "priority", "attempts"}  # their columns are set flush right


def plan_document(plan: Plan, actions: Mapping[str, Action]) -> dict[str, Any]:
    """What `plan --print-json` prints: `schema/plan.schema.json`.

    Args:
        plan: What to do.
        actions: All that steps can name.
    """
    wave_of = [number for number, wave in enumerate(waves(plan)) for _ in wave]
    origins = {name: actions[name].origin if name in actions else None for name in plan.actions}
    return {
        "name": plan.name,
        "digest": digest(plan),
        "max_attempts": plan.max_attempts,
        "backoff": plan.backoff and plan.backoff._asdict(),
        "steps": [
            {
                "index": index,
                "wave": wave_of[index],
                "name": step.name,
                "action": step.action,
                "origin": origins[step.action],
                "input": REDACTED if step.sensitive else thaw(step.input),
                "priority": step.priority,
                "optional": step.optional,
                "sensitive": step.sensitive,
                "attempts": allowed_attempts(plan.max_attempts, optional=step.optional),
            }
            for index, step in enumerate(plan.steps)
        ],
        "flags": {
            name: {"enabled": plan.flags.is_enabled(name), "source": plan.flags.sources[name]}
            for name in KNOWN
        },
        "storage": {"path": plan.storage_path},
        "timeout": {"seconds": plan.timeout_seconds, "source": plan.timeout_source},
    }


def plan_text(plan: Plan, actions: Mapping[str, Action]) -> str:
    """A line for each setting, then a table of the steps in run order. Long values are cut."""
    shown = plan_document(plan, actions)
    unused = "" if plan.flags.is_enabled("audit") else " (not written: the flag audit is off)"
    timeout = _by(plan.timeout_source, TIMEOUT_VARIABLE)
    settings = [
        ["workflow", _cell("name", plan.name)],
        ["digest", shown["digest"]],
        *(["flag " + name, _flag(shown["flags"][name])] for name in KNOWN),
        ["audit file", _cell("path", plan.storage_path) + unused],
        ["timeout", f"{_seconds(plan.timeout_seconds)}, {timeout}; not enforced"],
        *([["backoff", _backoff(plan.backoff)]] if plan.backoff else []),
    ]
    together = plan.flags.is_enabled("parallel")
    columns = [field for field in _COLUMNS if field != "wave" or together]
    steps = [
        [_cell(field, step[field]) + _unknown(field, step) for field in columns]
        for step in shown["steps"]
    ]
    return f"{_table(settings)}\n{_table([columns, *steps], _NUMBERS)}"


def actions_text(actions: Mapping[str, Action]) -> str:
    """A line for each action: its name, what it does, where it comes from."""
    return _table(
        [
            [escape(name), escape(action.summary), escape(action.origin)]
            for name, action in actions.items()
        ]
    )


def _backoff(backoff: Backoff) -> str:
    first, most = _seconds(backoff.delay_seconds), _seconds(backoff.max_delay_seconds)
    part = "a random part of " if backoff.jitter else ""
    factor = shorten(format_json(backoff.factor))
    return f"{part}{first} after the first attempt, then {factor} times as long, up to {most}"


def _seconds(seconds: float) -> str:
    return f"{shorten(format_json(seconds))} s"


def _unknown(field: str, step: Mapping[str, Any]) -> str:
    return " (unknown)" if field == "action" and step["origin"] is None else ""


def _flag(setting: dict[str, Any]) -> str:
    state = "on" if setting["enabled"] else "off"
    return f"{state}, {_by(setting['source'], FLAGS_VARIABLE)}"


def _by(source: Source, variable: str) -> str:
    return {"default": "by default", "config": "by the config", "environment": f"by {variable}"}[
        source
    ]


def _cell(field: str, value: Any) -> str:
    if field == "input":
        return value if value is REDACTED else shorten(format_json(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(shorten(str(value)))


def _table(rows: Iterable[Iterable[str]], right: Iterable[str] = ()) -> str:
    """The rows in columns two blanks apart, those whose first cell is in `right` flush right."""
    columns = [
        [
            f"{_pad(cell, width)}{cell}" if column[0] in right else f"{cell}{_pad(cell, width)}"
            for cell in column
        ]
        for column in zip(*rows, strict=True)
        for width in [max(map(wcswidth, column))]
    ]
    return "".join(f"{'  '.join(row).rstrip()}\n" for row in zip(*columns, strict=True))


def _pad(cell: str, width: int) -> str:
    return " " * (width - wcswidth(cell))
