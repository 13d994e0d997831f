"""What a worker does with a batch: in a thread, in another process, on another machine.

A request and its result are plain data. Whatever goes wrong stands in the result, since there are
executors that do not survive what a function raises.

How attempts are made is a `BatchRunner`. In the process that began the run it is the one that the
run has registered, with its very actions. Any other process loads the actions for itself, by the
names of modules and the paths of files, and makes a runner once for each run.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from functools import lru_cache
from time import perf_counter, sleep
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from driftflow.actions.action import make_performer
from driftflow.actions.elsewhere import find_actions
from driftflow.failures import Failure, describe, tell_with_type
from driftflow.parallel.processes import this_thread
from driftflow.running.attempts import (
    INTERRUPTED,
    AttemptRunner,
    Interrupted,
    make_pause,
    never,
    random_fraction,
    run_step,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from driftflow.actions.action import Address
    from driftflow.running.attempts import FailedAttempt, Outcome, Task

# How long a worker begins further steps of a batch. Seconds.
BUDGET = 0.05


class WorkerConfig(NamedTuple):
    """What all workers of a run have to know.

    Attributes:
        run: A text that no other run has.
        names: The actions that its steps name.
        addresses: Where they are found: `Actions.addresses`.
        timeout_seconds: How long an attempt may take at a step that says nothing of that; None for
            no limit.
        timed: The actions whose attempts may have a limit; empty if none has.
    """

    run: str
    names: tuple[str, ...]
    addresses: tuple[Address, ...]
    timeout_seconds: float | None
    timed: tuple[str, ...]


class BatchRequest(TypedDict):
    """A batch, as it is sent to a worker: plain data.

    Attributes:
        token: A text that no other request has: Dask, for instance, makes equal calls only once.
        config: What is the same for all batches of the run.
        tasks: The steps, to be tried in this order.
    """

    token: str
    config: WorkerConfig
    tasks: Sequence[Task]


class BatchResult(TypedDict):
    """What came of a batch: plain data.

    Attributes:
        outcomes: Of its first steps, each with the attempts that failed and that are not told yet:
            up to one that ends the run, or as many as were begun in the time that there was; at
            least one, unless there was an interrupt.
        interrupted: Whether an interrupt ended it, which an action too can ask for.
    """

    outcomes: list[tuple[list[FailedAttempt], Outcome]]
    interrupted: bool


class BatchRunner(NamedTuple):
    """How a batch is done on a worker.

    Attributes:
        attempts: How attempts are made.
        is_over: Returns whether no further step should be tried.
        report: Tells the run of an attempt that failed, at once, and returns whether it could.
    """

    attempts: AttemptRunner
    is_over: Callable[[], object]
    report: Callable[[FailedAttempt], bool]


# By process and run, the runners of the runs that this process has begun. A forked process has
# copies, which it cannot use: what a runner holds, children for instance, is not the copy's.
_registered: dict[tuple[int, str], BatchRunner] = {}
_loading = threading.Lock()


def cannot_report(_: FailedAttempt) -> bool:
    """Return False: what is told comes with what came of the step."""
    return False


# The runner of a run that was broken off: with it no step is tried. It holds nothing of the run.
_STOPPED = BatchRunner(
    AttemptRunner(lambda *_: None, float, bool, float), lambda: True, cannot_report
)


def run_batch(request: BatchRequest) -> BatchResult:
    """Try the steps of a batch. Raise nothing."""
    outcomes: list[tuple[list[FailedAttempt], Outcome]] = []
    config = request["config"]
    this_thread.run = config.run
    try:
        is_cut = _try_steps(_find_runner(config), request["tasks"], outcomes)
    except KeyboardInterrupt:
        is_cut = True
    except BaseException as error:  # noqa: BLE001 - it stands in the result, whatever it is
        is_cut = False
        said = describe(error)
        message = f"the worker failed: {tell_with_type(said)}"
        outcomes.append(([], (None, Failure(message, said.types), 0, 0.0)))
    return {"outcomes": outcomes, "interrupted": is_cut}


def _try_steps(
    runner: BatchRunner,
    tasks: Iterable[Task],
    outcomes: list[tuple[list[FailedAttempt], Outcome]],
) -> bool:
    """Add what comes of the steps, one after the other; return whether an interrupt ended that."""
    until = perf_counter() + BUDGET
    for task in tasks:
        untold, outcome, is_cut = try_step(task, runner)
        outcomes.append((untold, outcome))
        _, _, _, _, ends_run, *_ = task
        _, failure, _, _ = outcome
        if is_cut or (failure is not None and ends_run) or perf_counter() > until:
            return is_cut
    return False


def try_step(task: Task, runner: BatchRunner) -> tuple[list[FailedAttempt], Outcome, bool]:
    """Try a step, unless the run is over; tell each attempt that fails before the next one.

    Returns:
        The failed attempts that could not be told; what came of the step; and whether an interrupt
        has ended it: the action's, or that of the run. An attempt that was ended so is not told.
    """
    attempts, is_over, _ = runner
    untold: list[FailedAttempt] = []
    if is_over():
        return untold, INTERRUPTED, True
    try:
        outcome = _finish(run_step(task, attempts), runner, untold)
    except KeyboardInterrupt as interrupt:
        cut = interrupt.outcome if isinstance(interrupt, Interrupted) else INTERRUPTED
        return untold, cut, True
    _, failure, used, seconds = outcome
    if failure is not None and is_over():
        return untold, Interrupted(used, seconds).outcome, True
    return untold, outcome, False


def _finish(
    attempts: Generator[FailedAttempt, object, Outcome],
    runner: BatchRunner,
    untold: list[FailedAttempt],
) -> Outcome:
    """Return what comes of a step; report each attempt that fails before the wait that follows."""
    _, is_over, report = runner
    while True:
        try:
            failed = next(attempts)
        except StopIteration as done:
            outcome: Outcome = done.value
            return outcome
        if not is_over() and not report(failed):  # else an end was what it failed of, most likely
            untold.append(failed)


@contextmanager
def register_runner(run: str, runner: BatchRunner) -> Iterator[None]:
    """Let batches of the run that come to this process use that runner, while this lasts.

    If it ends by an exception, the run was broken off: batches that are still about begin nothing.
    """
    key = os.getpid(), run
    _registered[key] = runner
    try:
        yield
    except BaseException:
        _registered[key] = _STOPPED
        raise
    del _registered[key]


def _find_runner(config: WorkerConfig) -> BatchRunner:
    runner = _registered.get((os.getpid(), config.run))
    if runner is not None:
        return runner
    with _loading:  # a file of actions is run once, not by each thread
        return _load_runner(config, os.getpid())


@lru_cache(maxsize=4)  # a run has one; several runs may be under way
def _load_runner(config: WorkerConfig, _process: int) -> BatchRunner:
    # If all attempts have a limit, only their children need the code.
    is_needed = config.timeout_seconds is None
    perform = make_performer(find_actions(config.names, config.addresses) if is_needed else {})
    if config.timed:
        from driftflow.parallel.deadlines import Deadlines, enforce

        deadlines = Deadlines(config.timed, config.addresses)
        perform = enforce(perform, deadlines, config.timeout_seconds)
    pause = make_pause(sleep, never)
    runner = AttemptRunner(perform, perf_counter, pause, random_fraction)
    return BatchRunner(runner, never, cannot_report)
