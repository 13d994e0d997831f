"""What a worker does with a batch: in a thread, in another process, on another machine.

A request and its result are plain data. Whatever goes wrong stands in the result, since there are
executors that do not survive what a function raises.

How attempts are made is an `AttemptRunner`. In the process that began the run it is the one that
the run has registered, with its very actions. Any other process loads the actions for itself, by
the names of modules and the paths of files, and makes a runner once for each run.
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
from driftflow.errors import message_of
from driftflow.parallel.processes import this_thread
from driftflow.running.attempts import Interrupted, ends_run, make_pause, never, run_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from driftflow.actions.action import Address
    from driftflow.planning.settings import Backoff
    from driftflow.running.attempts import Outcome, Pause, Perform, Task

# How long a worker begins further steps of a batch. Seconds.
BUDGET = 0.05


class WorkerConfig(NamedTuple):
    """What all workers of a run have to know.

    Attributes:
        run: A text that no other run has.
        names: The actions that its steps name.
        addresses: Where they are found: `Actions.addresses`.
        backoff: The waits between attempts; None for none.
        timeout_seconds: How long an attempt may take; None for no limit.
    """

    run: str
    names: tuple[str, ...]
    addresses: tuple[Address, ...]
    backoff: Backoff | None
    timeout_seconds: float | None


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
        outcomes: Of its first steps: up to one that ends the run, or as many as were begun in the
            time that there was; at least one, unless there was an interrupt.
        interrupted: Whether an interrupt ended it, which an action too can ask for.
    """

    outcomes: list[Outcome]
    interrupted: bool


class AttemptRunner(NamedTuple):
    """How attempts are made on a worker.

    Attributes:
        perform: Makes one attempt.
        pause: Waits before another one.
        is_over: Returns whether no further step should be tried.
    """

    perform: Perform
    pause: Pause
    is_over: Callable[[], bool]


# By process and run, the runners of the runs that this process has begun. A forked process has
# copies, which it cannot use: what a runner holds, children for instance, is not the copy's.
_registered: dict[tuple[int, str], AttemptRunner] = {}
_loading = threading.Lock()
# The runner of a run that was broken off: with it no step is tried.
_STOPPED = AttemptRunner(lambda *_: None, lambda _: None, is_over=lambda: True)


def run_batch(request: BatchRequest) -> BatchResult:
    """Try the steps of a batch. Raise nothing."""
    outcomes: list[Outcome] = []
    config = request["config"]
    this_thread.run = config.run
    try:
        _try_steps(_find_runner(config), request["tasks"], outcomes)
    except KeyboardInterrupt as interrupt:
        if isinstance(interrupt, Interrupted):
            outcomes.append(interrupt.outcome)
        return {"outcomes": outcomes, "interrupted": True}
    except BaseException as error:  # noqa: BLE001 - it stands in the result, whatever it is
        fault = f"the worker failed: {type(error).__name__}: {message_of(error)}"
        outcomes.append((False, None, fault, 0, 0.0))
    return {"outcomes": outcomes, "interrupted": False}


def _try_steps(runner: AttemptRunner, tasks: Iterable[Task], outcomes: list[Outcome]) -> None:
    """Add the outcomes of the steps, one after the other.

    Raises:
        KeyboardInterrupt: If the run is over.
        Interrupted: If that ended an attempt, most likely.
    """
    perform, pause, is_over = runner
    until = perf_counter() + BUDGET
    for task in tasks:
        if is_over():
            raise KeyboardInterrupt
        outcome = run_step(task, perform, perf_counter, pause)
        ok, _, _, attempts, seconds = outcome
        if not ok and is_over():
            raise Interrupted(attempts, seconds)
        outcomes.append(outcome)
        if not ok:
            _, _, _, optional, _ = task
            if ends_run(optional=optional):
                return
        if perf_counter() > until:
            return


@contextmanager
def register_runner(run: str, runner: AttemptRunner) -> Iterator[None]:
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


def make_runner(perform: Perform, backoff: Backoff | None, stop: threading.Event) -> AttemptRunner:
    """Return a runner that begins no further attempt, and ends each wait, once `stop` is set.

    Args:
        perform: Makes one attempt.
        backoff: The waits between attempts; None for none.
        stop: What stops it.
    """
    return AttemptRunner(perform, make_pause(backoff, stop.wait, stop.is_set), stop.is_set)


def _find_runner(config: WorkerConfig) -> AttemptRunner:
    runner = _registered.get((os.getpid(), config.run))
    if runner is not None:
        return runner
    with _loading:  # a file of actions is run once, not by each thread
        return _load_runner(config, os.getpid())


@lru_cache(maxsize=4)  # a run has one; several runs may be under way
def _load_runner(config: WorkerConfig, _process: int) -> AttemptRunner:
    _, names, addresses, backoff, timeout_seconds = config
    pause = make_pause(backoff, sleep, never)
    if timeout_seconds is not None:
        from driftflow.parallel.deadlines import Deadlines

        return AttemptRunner(Deadlines(timeout_seconds, names, addresses).perform, pause, never)
    return AttemptRunner(make_performer(find_actions(names, addresses)), pause, never)
