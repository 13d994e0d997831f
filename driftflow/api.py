"""The library: runs a workflow. The packages are connected here."""

from __future__ import annotations

from contextlib import closing
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, Literal

from driftflow import __version__
from driftflow.actions.action import ACTIONS, Known, make_performer
from driftflow.config import load_config
from driftflow.errors import ResumeError
from driftflow.planning.plan import hold_to_timeouts
from driftflow.planning.settings import SYNCS, Options
from driftflow.running.attempts import AttemptRunner, make_pause, never, random_fraction
from driftflow.running.interpreter import interpret, sequential
from driftflow.running.ordering import fold_run
from driftflow.showing.results import build_result_document

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Mapping
    from concurrent.futures import Executor

    from driftflow.actions.sources import Given
    from driftflow.planning.plan import Plan, Step
    from driftflow.planning.settings import Sync
    from driftflow.reading.document import Json
    from driftflow.resuming.decision import Resumption
    from driftflow.resuming.past import Code
    from driftflow.running.events import Event, Halt


_DEFAULTS = Options()


def run_workflow(  # noqa: PLR0913 - what they are for stands at each call
    path: str | os.PathLike[str],
    *,
    strict: bool = False,
    actions: Given = (),
    params: Mapping[str, Json] | None = None,
    executor: Executor | None = None,
    jobs: int | None = None,
    enforce_timeout: bool = False,
    audit: str | os.PathLike[str] | None = None,
    audit_sync: Sync = "run",
    keep_going: bool = False,
    resume: bool | str = False,
) -> dict[str, Any]:
    """Run a workflow and return its result, the document that `--print-json` prints.

    Prints nothing and touches no signal handler. A step that fails raises nothing; its error is in
    the result. The environment variables DRIFTFLOW_FLAGS and WORKFLOW_TIMEOUT_SECONDS count as they
    do on the command line.

    Args:
        path: The config, a JSON file.
        strict: Whether warnings count as errors.
        actions: What steps can name besides the built-in actions: functions by name, or a list of
            functions that `action` has marked, of modules with such, of names of modules and
            paths of `.py` files and of packages, as `--actions` takes them.
        params: By name, a JSON value for each parameter that is given.
        executor: What runs the waves: any `concurrent.futures.Executor`, which stays the caller's.
            By default threads, and none if the flag `parallel` is off. On an executor a step may
            run more than once, if a worker is lost.
        jobs: How many steps, or batches of several small steps, are under way at the same time,
            at most. By default the number of usable cores, and at least 4.
        enforce_timeout: Whether `timeout_seconds` ends an attempt: it is made in a child process,
            which is then killed with all that it has started.
        audit: The file to write the audit to, instead of the config's; this also turns the audit
            on.
        audit_sync: When the audit is synced to disk: `none` leaves it to the system, `run` syncs at
            the end of the run, `step` after each record, before the run goes on.
        keep_going: Whether the failure of a step that is not optional ends only the steps that come
            after it, instead of the run.
        resume: Whether to resume the newest run in the audit of the same workflow with the same
            parameters, unless it ended `ok`; or the ID of the run to resume, or the beginning of
            it. Steps that are up to date are not run again. If there is nothing to resume, all
            steps are run.

    Returns:
        The result, a dict with `name`, `status`, `results` and, where it applies, `discarded`,
        `not_run`, `resumed` and `metrics`, as `schema/result.schema.json` describes it.

    Raises:
        ConfigError: If the config is at fault, or the parameters. No step was run.
        ActionsError: If an action cannot be loaded, or its name is taken; or if child processes
            could not find it, with `enforce_timeout`. No step was run.
        TypeError: If the value of a parameter is not a JSON value, `jobs` no integer, `executor` no
            executor, or `resume` none of these.
        ValueError: If `jobs` is less than 1, or `audit_sync` is not one of these.
        ResumeError: If `resume` names a run, and the audit is off or has no such run, or more than
            one. No step was run.
        StorageError: If the audit could not be opened or read, and no step was run; or if it could
            not be written later, and no further step was started.
        KeyboardInterrupt: If there was an interrupt; if it came while a step was under way, the
            audit says so and has an end.
    """
    options = Options(executor, jobs, enforce_timeout, audit_sync, keep_going)
    if not isinstance(resume, bool | str):
        raise TypeError(f"resume must be True, False or the name of a run, not {resume!r}")
    if actions:
        from driftflow.actions.registry import resolve_actions

        actions = resolve_actions(actions)
    plan = load_config(path, strict=strict, actions=actions, params=params, audit=audit)
    resumed = None
    if resume is not False:
        try:
            resumed = find_resumption(plan, resume)
        except ResumeError:
            if isinstance(resume, str):  # it was named
                raise
    events = run_events(plan, actions, options, resumed)
    with closing(events):
        return build_result_document(fold_run(plan, events, keep_going=keep_going))


def run_events(
    plan: Plan,
    actions: Given = (),
    options: Options = _DEFAULTS,
    resumed: Resumption | None = None,
    find_signal: Callable[[], str | None] = never,
) -> Generator[Event, Halt | None, None]:
    """Run the plan. With the flag `audit` on, an event is on file before it is given out.

    Args:
        plan: What to do.
        actions: What steps can name besides the built-in actions, as `run_workflow` takes it.
        options: How to do it.
        resumed: What is kept of an earlier run, as `find_resumption` returns it; None for nothing.
        find_signal: Returns the name of the signal that interrupts the run, `SIGTERM`; None while
            there is none. After it a step that failed in the present thread is not tried again,
            even if its action has caught the interrupt.

    Raises:
        ActionsError: If an action cannot be loaded, or no other process could find one and the
            timeout is to be enforced; at once, before any event.
        TypeError: If `jobs` is no integer, or the executor has no `submit`; at once as well.
        ValueError: If `jobs` is less than 1, or there is no such `audit_sync`; at once as well.
        StorageError: If the audit cannot be opened, before anything else; or when it cannot be
            written: then the event that it lacks, and what comes of the steps that have been
            started, is still given out first.
    """
    if options.jobs is not None:
        if type(options.jobs) is not int:
            raise TypeError(f"jobs must be an integer, not {options.jobs!r}")
        if options.jobs < 1:
            raise ValueError(f"jobs must be at least 1, not {options.jobs}")
    if options.executor is not None and not hasattr(options.executor, "submit"):
        raise TypeError(f"executor must have a method `submit`: {options.executor!r} has none")
    if options.audit_sync not in SYNCS:
        raise ValueError(f"audit_sync must be none, run or step, not {options.audit_sync!r}")
    known = _select_actions(plan, actions)
    if plan.asks_for_id and options.run_id is None:
        options = options._replace(run_id=make_run_id())
    plan = hold_to_timeouts(plan) if options.enforce_timeout else plan
    timed = plan.actions if options.enforce_timeout else plan.timed
    if timed and known.addresses:
        from driftflow.actions.registry import refuse_unreachable

        refuse_unreachable(timed, known.addresses)
    if timed or options.executor is not None or plan.flags.is_enabled("parallel"):
        from driftflow.parallel.wiring import interpret_in_parallel

        events = interpret_in_parallel(plan, known, options, resumed, find_signal)
    else:
        pause = make_pause(sleep, find_signal)
        runner = AttemptRunner(make_performer(known), perf_counter, pause, random_fraction)
        events = interpret(
            plan,
            sequential(runner),
            perf_counter,
            resumed=resumed,
            keep_going=options.keep_going,
            find_signal=find_signal,
            run_id=options.run_id or "",
        )
    if plan.flags.is_enabled("audit"):
        from driftflow.recording.audit import record_events

        events = record_events(
            events,
            plan.storage_path,
            code=_describe_code(known),
            sync=options.audit_sync,
            run_id=options.run_id,
            beside_code=known is not ACTIONS,
        )
    return events


def make_run_id() -> str:
    """Return a name that no other run has: a UUID."""
    from uuid import uuid4  # few runs need it

    return str(uuid4())


def find_resumption(plan: Plan, run: str | Literal[True]) -> Resumption:
    """Decide what a run keeps of an earlier one.

    Args:
        plan: What to do.
        run: The ID of the earlier run, or the beginning of it; True for the newest one of the
            workflow with these parameters.

    Raises:
        ResumeError: If there is nothing to resume, or no run of that name, or more than one.
        StorageError: If the audit cannot be read, or others can write it.
    """
    from driftflow.recording.history import find_last_run, find_run
    from driftflow.resuming.decision import decide

    return decide(plan, find_run(plan, run) if isinstance(run, str) else find_last_run(plan))


def find_changed_code(plan: Plan, actions: Given, resumed: Resumption) -> dict[str, list[Step]]:
    """Return the code that has changed since steps were done that are kept.

    Args:
        plan: What to do.
        actions: What steps can name besides the built-in actions, as `run_workflow` takes it.
        resumed: What is kept.

    Returns:
        By the file or package of actions, the steps.
    """
    from driftflow.actions.provenance import find_homes
    from driftflow.resuming import code

    known = _select_actions(plan, actions)
    now, homes = _describe_code(known), find_homes(known)
    return code.find_changed_code(plan.steps.tolist(), resumed, now, homes)


def _describe_code(known: Known) -> Code:
    """Return what an audit tells of the code that a run performs."""
    from driftflow.resuming.past import Code

    if known is ACTIONS:
        return Code(__version__, {}, {})
    from driftflow.actions.provenance import hash_files, list_packages

    return Code(__version__, hash_files(known.values()), list_packages(known.values()))


def _select_actions(plan: Plan, given: Given) -> Known:
    """Return the actions that steps of the plan name, as far as there are any of these names."""
    if not given and ACTIONS.keys() >= {*plan.actions}:
        return ACTIONS
    from driftflow.actions.registry import resolve_actions

    return resolve_actions(given).select(plan.actions)
