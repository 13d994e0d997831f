"""The plan and the actions: tables for people, a document for programs.

Pure: the same plan gives the same text. Columns need the width of characters on a terminal, which
wcwidth knows (`showing.reports` says more). Only the commands that print tables import this module.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wcwidth import wcswidth

from driftflow.planning.plan import digest, list_waves
from driftflow.planning.references import is_reference
from driftflow.planning.settings import (
    FLAGS_VARIABLE,
    KNOWN,
    TIMEOUT_VARIABLE,
    Backoff,
    Source,
)
from driftflow.planning.values import write
from driftflow.showing.resumption import find_reason, format_decision, format_past
from driftflow.text import REDACTED, escape, format_json, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from driftflow.actions.action import Action
    from driftflow.planning.plan import Plan, Step
    from driftflow.reading.document import Json
    from driftflow.resuming.decision import Resumption
    from driftflow.resuming.past import Past

_COLUMNS = (
    *("index", "wave", "name", "resume", "after", "priority", "action", "attempts", "backoff"),
    *("timeout_seconds", "retry_on", "optional", "when", "skipped", "input", "returns"),
)
_NUMBERS = {"index", "wave", "priority", "attempts"}  # columns set flush right
# What few steps say, and how it is shown: its column is there if any step does.
_OWN: dict[str, Callable[[Any], str]] = {
    "after": lambda names: escape(shorten(", ".join(names))),
    "backoff": lambda settings: _format_waits(Backoff(**settings)),
    "timeout_seconds": lambda seconds: f"{_format_seconds(seconds)}",
    "retry_on": lambda names: escape(shorten(", ".join(names) or "none")),
    "when": lambda condition: (
        f"{shorten(format_json(condition['value']))} is {shorten(format_json(condition['is']))}"
    ),
    "returns": lambda schema: shorten(format_json(schema)),
    "skipped": lambda reason: escape(shorten(reason)),
}
_SOURCES = {"default": "by default", "config": "set in the config", "operator": "set by --audit"}


def build_plan_document(
    plan: Plan, actions: Mapping[str, Action], resumed: Resumption | None = None
) -> dict[str, Any]:
    """Return what `plan --print-json` prints: `schema/plan.schema.json`.

    Args:
        plan: What to do.
        actions: All actions that steps can name.
        resumed: What is kept of an earlier run; None if none is resumed.
    """
    steps = plan.steps.tolist()
    wave_of = list_waves(steps)
    skips = _foresee_skips(plan)
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
                "input": REDACTED if step.sensitive else _show_plainly(write(step.input)),
                "priority": step.priority,
                "optional": step.optional,
                "sensitive": step.sensitive,
                "attempts": step.policy.max_attempts,
                "backoff": step.policy.backoff and step.policy.backoff._asdict(),
                "timeout_seconds": step.policy.timeout_seconds,
                "retry_on": step.policy.retry_on and [*step.policy.retry_on],
                "when": _show_condition(step),
                "returns": step.returns and json.loads(step.returns),
                "skipped": skips.get(index),
                **({"resume": _show_decision(steps, resumed, index)} if resumed else {}),
            }
            for index, step in enumerate(steps)
        ],
        "flags": {
            name: {"enabled": plan.flags.is_enabled(name), "source": plan.flags.sources[name]}
            for name in KNOWN
        },
        "storage": {"path": plan.storage_path},
        "timeout": {"seconds": plan.timeout_seconds, "source": plan.timeout_source},
        **({"resumed": _show_past(resumed.past)} if resumed else {}),
    }


def _foresee_skips(plan: Plan) -> dict[int, str]:
    if not plan.has_conditions:
        return {}
    from driftflow.planning.conditions import foresee_skips  # it needs the compiler of schemas

    return foresee_skips(plan.steps.tolist())


def _show_condition(step: Step) -> dict[str, Json] | None:
    """Return the condition of a step, as it stands in a config."""
    if step.when is None:
        return None
    value = REDACTED if step.when.is_secret else _show_plainly(write(step.when.value))
    return {"value": value, "is": json.loads(step.when.schema)}


def _show_past(past: Past) -> dict[str, Any]:
    return {"run_id": past.run_id, "started": past.moment, "status": past.status}


def _show_decision(steps: Sequence[Step], resumed: Resumption, index: int) -> dict[str, str | None]:
    """Return what is decided about a step, why, and because of which other one."""
    reason, source = find_reason(resumed, index), resumed.in_doubt.get(index)
    decision = "kept" if source is None else "again_if"
    if reason is not None:
        decision, source = "again", reason.step_index
    return {
        "decision": decision,
        "cause": None if reason is None else reason.cause,
        "step": None if source is None else steps[source].name,
    }


def _show_plainly(value: Json) -> Json:
    """Return an input with scalars in place of literals that hold one: they mean the same."""
    if isinstance(value, list):
        return [_show_plainly(item) for item in value]
    if not isinstance(value, dict):
        return value
    if is_reference(value):
        return _show_reference(value)
    return {key: _show_plainly(member) for key, member in value.items()}


def _show_reference(value: dict[str, Any]) -> Json:
    """Return a reference as in a config, without the outputs of files that it stands for."""
    if "literal" in value:
        held = value["literal"]
        return value if isinstance(held, dict | list) else held
    if "concat" in value:
        return {"concat": _show_plainly(value["concat"])}
    given = value.get("from")
    if not isinstance(given, dict):
        return value
    given = given.get("written", given)
    if isinstance(given, dict) and "default" in given:
        given = {**given, "default": _show_plainly(given["default"])}
    return {"from": given}


def format_plan(
    plan: Plan, actions: Mapping[str, Action], resumed: Resumption | None = None
) -> str:
    """Return a line for each setting and a table of the steps in run order; long values are cut."""
    shown = build_plan_document(plan, actions, resumed)
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
        *([["resumes", escape(format_past(resumed.past))]] if resumed else []),
    ]
    if resumed:
        for index, step in enumerate(shown["steps"]):
            step["resume"] = format_decision(plan.steps, resumed, index)
    for step in shown["steps"]:
        if step["backoff"] == shown["backoff"]:  # it stands above
            step["backoff"] = None
    used = {field for field in _OWN if any(_format_field(step, field) for step in shown["steps"])}
    used |= {"wave"} if plan.flags.is_enabled("parallel") else set()
    used |= {"resume"} if resumed else set()
    rare = {"wave", "resume", *_OWN}
    columns = [field for field in _COLUMNS if field in used or field not in rare]
    steps = [[_format_field(step, field) for field in columns] for step in shown["steps"]]
    heading = [field.removesuffix("_seconds").replace("_", " ") for field in columns]
    return f"{format_table(settings)}\n{format_table([heading, *steps], _NUMBERS)}"


def format_actions(actions: Mapping[str, Action]) -> str:
    """Return a line for each action: its name, what it does, where it comes from."""
    return format_table(
        [
            [escape(name), escape(action.summary), escape(action.origin)]
            for name, action in actions.items()
        ]
    )


def _format_waits(backoff: Backoff) -> str:
    """Return a backoff in short: `1 s, x 2, up to 30 s, random`."""
    first, most = map(_format_seconds, (backoff.delay_seconds, backoff.max_delay_seconds))
    factor = shorten(format_json(backoff.factor))
    return f"{first}, x {factor}, up to {most}{', random' if backoff.jitter else ''}"


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
    if field in _OWN:
        return "" if value is None else _OWN[field](value)
    if field == "action" and step["origin"] is None:
        return f"{_format_value(value)} (unknown)"
    return _format_value(value)


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(shorten(str(value)))


def format_table(rows: Iterable[Iterable[str]], right: Iterable[str] = ()) -> str:
    """Return the rows in columns two blanks apart; those with a heading in `right` flush right."""
    columns = [_align(column, right=column[0] in right) for column in zip(*rows, strict=True)]
    return "".join(f"{'  '.join(row).rstrip()}\n" for row in zip(*columns, strict=True))


def _align(cells: Sequence[str], *, right: bool) -> list[str]:
    """Return the cells of a column in the same width; flush left, or flush right."""
    widths = list(map(wcswidth, cells))
    widest = max(widths)
    blanks = [" " * (widest - width) for width in widths]
    return [
        blank + cell if right else cell + blank for blank, cell in zip(blanks, cells, strict=True)
    ]
