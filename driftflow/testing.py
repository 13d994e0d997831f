"""A kit for testing workflows: run one with some of its actions replaced.

There is nothing to learn but a dictionary of functions:

    from driftflow.testing import run, script

    outcome = run("job.json", replace={"fetch": script(OSError("down"), [{"id": 1}])})
    assert outcome.result["status"] == "ok"

Such a run depends on nothing but the config and the actions, and on a record if it starts from one:
it reads no environment, keeps no audit, runs one step after the other, does not wait between
attempts, and its clock stands still. So its outcome can be held against a snapshot.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.actions.action import Action, make_performer
from driftflow.actions.registry import resolve_actions
from driftflow.config import load_config
from driftflow.planning.plan import keep_audit_in
from driftflow.running.attempts import AttemptRunner
from driftflow.running.interpreter import interpret, sequential
from driftflow.running.ordering import RunFold
from driftflow.showing.results import build_result_document, format_line
from driftflow.suggestion import find_nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftflow.actions.sources import Given
    from driftflow.planning.plan import Plan
    from driftflow.reading.document import Json
    from driftflow.resuming.decision import Resumption
    from driftflow.running.events import Event


# The ID of every such run.
RUN_ID = "00000000-0000-0000-0000-000000000000"


class Outcome(NamedTuple):
    """The result of a run, and what happened in it.

    Attributes:
        result: What `run_workflow` would have returned, its times all 0.
        events: What happened, in order: see `driftflow.events`.
        lines: What the command would have printed, one line for each step.
    """

    result: dict[str, Any]
    events: tuple[Event, ...]
    lines: tuple[str, ...]


def run(  # noqa: PLR0913 - what they are for stands at each call
    path: str | os.PathLike[str],
    *,
    replace: Mapping[str, Callable[[Any], Any]] | None = None,
    actions: Given = (),
    params: Mapping[str, Json] | None = None,
    environ: Mapping[str, str] | None = None,
    keep_going: bool = False,
    record: str | os.PathLike[str] | None = None,
) -> Outcome:
    """Run a workflow with some of its actions replaced.

    Args:
        path: The config, a JSON file.
        replace: By name, a function to use instead of an action; built-in actions can be replaced
            too. It is given the input of the step, which need not satisfy the action's schema.
        actions: What else steps can name, as `run_workflow` takes it.
        params: By name, a JSON value for each parameter that is given.
        environ: The environment variables; none by default.
        keep_going: Whether a failure ends only the steps that come after it, as `--keep-going`.
        record: An audit to start from: what is up to date of its last run is kept, as `--resume`
            does it, whoever can write the file; none by default. Nothing is written to it.

    Returns:
        The outcome: the result, the events and the printed lines.

    Raises:
        ConfigError: If the config is at fault, or the parameters.
        ActionsError: If an action that the workflow uses cannot be loaded and is not replaced.
        ValueError: If no step uses an action that is replaced: it would test nothing.
        ResumeError: If there is nothing to resume in the record.
        StorageError: If the record cannot be read.
        TypeError: If the replacement for an action is not a function.
    """
    plan = load_config(path, environ or {}, params=params)
    stand_ins = {}
    for name, stand_in in (replace or {}).items():
        if name not in plan.actions:
            meant = find_nearest(name, plan.actions)
            hint = f": did you mean {meant!r}?" if meant else ""
            raise ValueError(f"no step uses the action {name!r}{hint}")
        if not callable(stand_in):
            raise TypeError(f"the replacement for the action {name!r} is not a function")
        stand_ins[name] = Action(stand_in, "", "replaced")
    known = resolve_actions(actions)
    needed = [name for name in plan.actions if name not in stand_ins and name in known]
    real = {name: known[name] for name in needed}
    runner = AttemptRunner(make_performer(real | stand_ins), _still, pause=_still, random=_still)
    fold = RunFold(plan, keep_going=keep_going)
    resumed = None if record is None else _resume(plan, os.fspath(record))
    crew = sequential(runner)
    events = tuple(
        interpret(plan, crew, _still, resumed=resumed, keep_going=keep_going, run_id=RUN_ID)
    )
    for event in events:
        fold.take(event)
    lines = tuple(format_line(event) for event in fold.shown)
    return Outcome(build_result_document(fold.finish()), events, lines)


def _resume(plan: Plan, record: str) -> Resumption:
    """Return what is kept of the last run in an audit."""
    from driftflow.recording.history import find_last_run
    from driftflow.resuming.decision import decide

    return decide(plan, find_last_run(keep_audit_in(plan, record), by_anybody=True))


def script(*outcomes: Any) -> Callable[[Any], Any]:
    """Return an action that follows a script: one outcome for each call; the last one is repeated.

    `script(OSError("busy"), OSError("busy"), "rows")` fails twice and then succeeds,
    `script(ValueError("no"))` always fails.

    Args:
        outcomes: An exception, or a type of one, is raised; a function is called on the input;
            anything else is the output.

    Raises:
        ValueError: If there is none.
    """
    if not outcomes:
        raise ValueError("script() needs at least one outcome")
    left = list(outcomes)

    def perform(value: Any) -> Any:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, BaseException) or (
            isinstance(outcome, type) and issubclass(outcome, BaseException)
        ):
            raise outcome
        return outcome(value) if callable(outcome) else outcome

    return perform


def _still(_: float = 0) -> float:
    """Return 0: a clock that stands still, and a wait that takes no time."""
    return 0.0
