"""The library: the edges wired round the core."""

from __future__ import annotations

from functools import reduce
from time import perf_counter
from typing import TYPE_CHECKING, Any

from driftflow.config import load_config
from driftflow.executors import perform
from driftflow.interpreter import interpret
from driftflow.rendering import result_document
from driftflow.result import RunResult, advance

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from driftflow.events import Event
    from driftflow.plan import Plan


def run_workflow(path: str | os.PathLike[str], *, strict: bool = False) -> dict[str, Any]:
    """Run a workflow and return its result, the document that `--print-json` prints.

    Prints nothing and touches no signal handler. A step that fails raises nothing: it stands
    in the result. The environment variables DRIFTFLOW_FLAGS and WORKFLOW_TIMEOUT_SECONDS
    count as they do on the command line.

    Args:
        path: The config, a JSON file.
        strict: Whether warnings refuse the config too.

    Returns:
        `{"name": str, "status": "ok" | "failed", "results": [...]}`; each result has `name`,
        `ok`, `output`, `error` and `attempts`. With the flag `metrics` on also `metrics`,
        its times in seconds.

    Raises:
        ConfigError: If the config is at fault. No step was run.
        StorageError: If the audit could not be opened, and no step was run; or if it could not
            be written later, and no further step was started.
    """
    plan = load_config(path, strict=strict)
    return result_document(reduce(advance, run_events(plan), RunResult(plan)))


def run_events(plan: Plan) -> Iterator[Event]:
    """Run the plan. With the flag `audit` on, an event is on file before it is given out.

    Raises:
        StorageError: If the audit cannot be opened, before anything else; or when it cannot be
            written: then the event that it lacks is still given out first.
    """
    events = interpret(plan, perform, perf_counter)
    if not plan.flags.is_enabled("audit"):
        return events
    from driftflow.audit import audited

    return audited(events, plan.storage_path)
