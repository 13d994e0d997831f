"""The library: the edges wired round the core."""

from __future__ import annotations

from functools import reduce
from time import perf_counter
from typing import TYPE_CHECKING, Any

from driftflow.actions import ACTIONS, performer
from driftflow.config import load_config
from driftflow.interpreter import interpret
from driftflow.rendering import result_document
from driftflow.result import RunResult, advance

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from driftflow.actions import Action
    from driftflow.document import Json
    from driftflow.events import Event
    from driftflow.loading import Given
    from driftflow.plan import Plan


def run_workflow(
    path: str | os.PathLike[str],
    *,
    strict: bool = False,
    actions: Given = (),
    params: Mapping[str, Json] | None = None,
) -> dict[str, Any]:
    """Run a workflow and return its result, the document that `--print-json` prints.

    Prints nothing and touches no signal handler. A step that fails raises nothing: it stands
    in the result. The environment variables DRIFTFLOW_FLAGS and WORKFLOW_TIMEOUT_SECONDS
    count as they do on the command line.

    Args:
        path: The config, a JSON file.
        strict: Whether warnings refuse the config too.
        actions: What steps can name besides the built-in actions: functions by name, or a list of
            functions that `action` has marked, of modules with such, of names of modules and
            paths of `.py` files, as `--actions` takes them.
        params: By name, a JSON value for each parameter that is given.

    Returns:
        `{"name": str, "status": "ok" | "failed", "results": [...]}`; each result has `name`,
        `ok`, `output`, `error` and `attempts`. With the flag `metrics` on also `metrics`,
        its times in seconds.

    Raises:
        ConfigError: If the config is at fault, or the parameters. No step was run.
        ActionsError: If an action cannot be loaded, or its name is taken. No step was run.
        TypeError: If the value of a parameter is no JSON value.
        StorageError: If the audit could not be opened, and no step was run; or if it could not
            be written later, and no further step was started.
    """
    if actions:
        from driftflow.loading import gathered

        actions = gathered(actions)
    plan = load_config(path, strict=strict, actions=actions, params=params)
    return result_document(reduce(advance, run_events(plan, actions), RunResult(plan)))


def run_events(plan: Plan, actions: Given = ()) -> Iterator[Event]:
    """Run the plan. With the flag `audit` on, an event is on file before it is given out.

    Args:
        plan: What to do.
        actions: What steps can name besides the built-in actions, as `run_workflow` takes it.

    Raises:
        ActionsError: If an action cannot be loaded; at once, before any event.
        StorageError: If the audit cannot be opened, before anything else; or when it cannot be
            written: then the event that it lacks is still given out first.
    """
    events = interpret(plan, performer(_named(plan, actions)), perf_counter)
    if not plan.flags.is_enabled("audit"):
        return events
    from driftflow.audit import audited

    return audited(events, plan.storage_path)


def _named(plan: Plan, given: Given) -> Mapping[str, Action]:
    """The actions that steps of the plan name, as far as there are any of these names."""
    if not given and ACTIONS.keys() >= {*plan.actions}:
        return ACTIONS
    from driftflow.loading import gathered

    known = gathered(given)
    return {name: known[name] for name in plan.actions if name in known}
