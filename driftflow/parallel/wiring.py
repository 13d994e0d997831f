"""Wires a run that needs more than one thread or process: its crew, its workers, its deadlines.

Imported only when a run asks for one of them; what only deadlines need, only with them.

Waves of one step run in the thread of the run, unless the caller has brought an executor. Our own
threads are all started before the first step, as many as the system allows.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from itertools import count
from threading import Event as Flag
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from driftflow.actions.action import performer
from driftflow.parallel.crew import ConcurrentCrew
from driftflow.parallel.processes import kill_registered
from driftflow.parallel.worker import WorkerConfig, make_runner, register_runner, run_batch
from driftflow.running.attempts import pauses
from driftflow.running.interpreter import interpret, sequential, waves

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from concurrent.futures import Executor, Future

    from driftflow.actions.action import Action
    from driftflow.actions.sources import Source
    from driftflow.parallel.crew import Submit
    from driftflow.parallel.worker import BatchResult
    from driftflow.planning.plan import Plan
    from driftflow.running.attempts import Task
    from driftflow.running.events import Event, Halt, Resumed

# How many jobs there are at least by default, on however few cores: most steps wait for something.
_MIN_JOBS = 4


def scaled(  # noqa: PLR0913 - what they are for stands at each call
    plan: Plan,
    actions: Mapping[str, Action],
    sources: tuple[Source, ...],
    *,
    executor: Executor | None,
    jobs: int | None,
    enforce_timeout: bool,
    resumed: Resumed | None,
    is_over: Callable[[], bool],
) -> Generator[Event, Halt | None, None]:
    """Run the plan, each wave on an executor.

    Args:
        plan: What to do.
        actions: The actions that its steps name, in this process.
        sources: Where other processes find them.
        executor: What runs the waves; the caller's. None for threads, and for none if the flag
            `parallel` is off.
        jobs: How many batches are under way at the same time, at most; by default the number of
            usable cores, and at least 4.
        enforce_timeout: Whether an attempt is ended when the plan's timeout is over.
        resumed: An earlier run of the plan, which is taken up; None for none.
        is_over: Returns whether a step in the thread of the run is not to be tried again.
    """
    seconds = plan.timeout_seconds if enforce_timeout else None
    config = WorkerConfig(os.urandom(16).hex(), plan.actions, sources, plan.backoff, seconds)
    jobs = max(_MIN_JOBS, _count_usable_cores()) if jobs is None else jobs
    known = resumed.results if resumed else {}
    with ExitStack() as stack:
        workers = executor
        if executor is None:
            # More threads than steps would have nothing to do.
            workers, jobs = _start_threads(min(jobs, max(map(len, waves(plan, known)), default=0)))
            if workers is not None:
                # They have nothing left to do by then; but a child goes with the thread that
                # started it, so they have to outlast the deadlines.
                stack.callback(workers.shutdown, wait=False)
        perform, stop = performer(actions), Flag()
        enders: list[Callable[[], None]] = [stop.set, partial(kill_registered, config.run)]
        if seconds is not None:
            from driftflow.parallel.deadlines import Deadlines

            deadlines = stack.enter_context(Deadlines(seconds, plan.actions, sources))
            perform = deadlines.perform
            enders.append(deadlines.kill)
        crew = sequential(perform, perf_counter, pauses(plan.backoff, sleep, is_over))
        if workers is not None:
            runner = make_runner(perform, plan.backoff, stop)
            stack.enter_context(register_runner(config.run, runner))
            alone = crew if executor is None else None
            crew = ConcurrentCrew(_make_submit(workers, config), jobs, enders, alone)
        yield from interpret(plan, crew, perf_counter, resumed)


def _start_threads(number: int) -> tuple[Executor | None, int]:
    """Return a pool of so many threads, or as many as the system allows; None for less than two.

    They are all started here. Python's pool starts a thread when there is work for it; if it
    cannot, it raises, and does the work later all the same: the crew would have it done twice.
    """
    while number > 1:
        pool, go, started = ThreadPoolExecutor(number, "driftflow"), Flag(), 0
        with suppress(RuntimeError):
            for _ in range(number):
                pool.submit(go.wait)
                started += 1
        go.set()
        if started == number:
            return pool, number
        pool.shutdown()
        number = started
    return None, 1


def _count_usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _make_submit(workers: Executor, config: WorkerConfig) -> Submit:
    """Return the function that sends tasks to the workers."""
    numbers = count()

    def submit(tasks: list[Task]) -> Future[BatchResult]:
        token = f"{config.run}-{next(numbers)}"
        return workers.submit(run_batch, {"token": token, "config": config, "tasks": tasks})

    return submit
