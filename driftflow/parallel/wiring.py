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

from driftflow.actions.action import make_performer
from driftflow.parallel.crew import ConcurrentCrew
from driftflow.parallel.processes import end_registered
from driftflow.parallel.worker import WorkerConfig, make_runner, register_runner, run_batch
from driftflow.running.attempts import make_pause
from driftflow.running.interpreter import interpret, sequential, waves

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from concurrent.futures import Executor, Future

    from driftflow.actions.action import Known
    from driftflow.parallel.crew import Submit
    from driftflow.parallel.worker import BatchResult
    from driftflow.planning.plan import Plan
    from driftflow.planning.settings import Options
    from driftflow.running.attempts import Task
    from driftflow.running.events import Event, Halt, StepResult

# How many jobs there are at least by default, on however few cores: most steps wait for something.
_MIN_JOBS = 4


def interpret_in_parallel(
    plan: Plan,
    actions: Known,
    options: Options,
    kept: Mapping[int, StepResult],
    is_stopped: Callable[[], bool],
) -> Generator[Event, Halt | None, None]:
    """Run the plan, each wave on an executor, and each attempt in time if that is asked for.

    Args:
        plan: What to do.
        actions: What its steps name.
        options: How to do it: on which executor, how many at a time, in what time.
        kept: By index, the results of steps that are left out.
        is_stopped: Returns whether there was an interrupt: then a step that failed in the thread of
            the run is not tried again.
    """
    seconds = plan.timeout_seconds if options.enforce_timeout else None
    run = os.urandom(16).hex()
    config = WorkerConfig(run, plan.actions, actions.addresses, plan.backoff, seconds)
    workers, jobs = options.executor, options.jobs or max(_MIN_JOBS, _count_usable_cores())
    with ExitStack() as stack:
        if options.executor is None:
            # More threads than steps would have nothing to do.
            workers, jobs = _start_threads(min(jobs, max(map(len, waves(plan, kept)), default=0)))
            if workers is not None:
                # They have nothing left to do by then; but a child goes with the thread that
                # started it, so they have to outlast the deadlines.
                stack.callback(workers.shutdown, wait=False)
        perform, stop = make_performer(actions), Flag()
        enders: list[Callable[[], None]] = [stop.set, partial(end_registered, config.run)]
        if seconds is not None:
            from driftflow.parallel.deadlines import Deadlines

            deadlines = stack.enter_context(Deadlines(seconds, plan.actions, actions.addresses))
            perform = deadlines.perform
            enders.append(deadlines.kill)
        crew = sequential(perform, perf_counter, make_pause(plan.backoff, sleep, is_stopped))
        if workers is not None:
            runner = make_runner(perform, plan.backoff, stop)
            stack.enter_context(register_runner(config.run, runner))
            alone = crew if options.executor is None else None
            crew = ConcurrentCrew(_make_submit(workers, config), jobs, enders, alone)
        yield from interpret(plan, crew, perf_counter, kept)


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
