"""The plan and the actions: tables for people, a document for programs.

Pure: the same plan gives the same text. Columns need the width of characters on a terminal, which
wcwidth knows (`showing.reports` says more). Only the commands that print tables import this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wcwidth import wcswidth

from driftflow.planning.plan import digest, list_waves
from driftflow.planning.references import thaw
from driftflow.planning.settings import FLAGS_VARIABLE, KNOWN, TIMEOUT_VARIABLE, Source
from driftflow.running.attempts import allowed_attempts
from driftflow.text import REDACTED, escape, format_json, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from driftflow.actions.action import Action
    from driftflow.planning.plan import Plan
    from driftflow.planning.settings import Backoff

_COLUMNS = ("index", "wave", "name", "after", "priority", "action", "attempts", "optional", "input")
_NUMBERS = {"index", "wave", "priority", "attempts"}  # columns set flush right
_SOURCES = {"default": "by default", "config": "set in the config", "operator": "set by --audit"}


def build_plan_document(plan: Plan, actions: Mapping[str, Action]) -> dict[str, Any]:
    """Return what `plan --print-json` prints: `schema/plan.schema.json`.

    Args:
        plan: What to do.
        actions: All actions that steps can name.
    """
    steps = plan.steps.tolist()
    wave_of = list_waves(steps)
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
                "after": [steps[before].name for before in step.before],
                "name": step.name,
                "action": step.action,
                "origin": origins[step.action],
                "input": REDACTED if step.sensitive else thaw(step.input),
                "priority": step.priority,
                "optional": step.optional,
                "sensitive": step.sensitive,
                "attempts": allowed_attempts(plan.max_attempts, optional=step.optional),
            }
            for index, step in enumerate(steps)
        ],
        "flags": {
            name: {"enabled": plan.flags.is_enabled(name), "source": plan.flags.sources[name]}
            for name in KNOWN
        },
        "storage": {"path": plan.storage_path},
        "timeout": {"seconds": plan.timeout_seconds, "source": plan.timeout_source},
    }


def format_plan(plan: Plan, actions: Mapping[str, Action]) -> str:
    """Return a line for each setting and a table of the steps in run order; long values are cut."""
    shown = build_plan_document(plan, actions)
    unused = "" if plan.flags.is_enabled("audit") else " (not written: the flag audit is off)"
    seconds = _format_seconds(plan.timeout_seconds)
    timeout = f"{seconds}, {_format_source(plan.timeout_source, TIMEOUT_VARIABLE)}"
    settings = [
        ["workflow", _format_value(plan.name)],
        ["digest", shown["digest"]],
        *(["flag " + name, _format_flag(shown["flags"][name])] for name in KNOWN),
        ["audit file", _format_value(plan.storage_path) + unused],
        ["timeout", f"{timeout}; enforced only with --enforce-timeout"],
        *([["backoff", _format_backoff(plan.backoff)]] if plan.backoff else []),
    ]
    unused_columns = {
        *([] if plan.flags.is_enabled("parallel") else ["wave"]),
        *([] if any(step["after"] for step in shown["steps"]) else ["after"]),
    }
    columns = [field for field in _COLUMNS if field not in unused_columns]
    steps = [[_format_field(step, field) for field in columns] for step in shown["steps"]]
    return f"{_format_table(settings)}\n{_format_table([columns, *steps], _NUMBERS)}"


def format_actions(actions: Mapping[str, Action]) -> str:
    """Return a line for each action: its name, what it does, where it comes from."""
    return _format_table(
        [
            [escape(name), escape(action.summary), escape(action.origin)]
            for name, action in actions.items()
        ]
    )


def _format_backoff(backoff: Backoff) -> str:
    first, most = map(_format_seconds, (backoff.delay_seconds, backoff.max_delay_seconds))
    factor = shorten(format_json(backoff.factor))
    jitter = "; each wait is a random part of that" if backoff.jitter else ""
    waits = f"{first} after the first attempt, then {factor} times as long each time, up to {most}"
    return f"{waits}{jitter}"


def _format_seconds(seconds: float) -> str:
    return f"{shorten(format_json(seconds))} s"


def _format_flag(setting: Mapping[str, Any]) -> str:
    state = "on" if setting["enabled"] else "off"
    return f"{state}, {_format_source(setting['source'], FLAGS_VARIABLE)}"


def _format_source(source: Source, variable: str) -> str:
    return _SOURCES.get(source, f"set by {variable}")


def _format_field(step: Mapping[str, Any], field: str) -> str:
    """Return a cell of the table of steps."""
    value = step[field]
    if field == "input":
        return value if value is REDACTED else shorten(format_json(value))
    if field == "after":
        return escape(shorten(", ".join(value)))
    if field == "action" and step["origin"] is None:
        return f"{_format_value(value)} (unknown)"
    return _format_value(value)


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(shorten(str(value)))


def _format_table(rows: Iterable[Iterable[str]], right: Iterable[str] = ()) -> str:
    """Return the rows in columns two blanks apart; those with a heading in `right` flush right."""
    columns = [_align(column, right=column[0] in right) for column in zip(*rows, strict=True)]
    return "".join(f"{'  '.join(row).rstrip()}\n" for row in zip(*columns, strict=True))


def _align(cells: Sequence[str], *, right: bool) -> list[str]:
    """Return the cells of a column in the same width; flush left, or flush right."""
    widths = list(map(wcswidth, cells))
    blanks = [" " * (max(widths) - width) for width in widths]
    return [
        blank + cell if right else cell + blank for blank, cell in zip(blanks, cells, strict=True)
    ]
