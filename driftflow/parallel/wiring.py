"""Wires a run that needs more than one thread or process: its crew, its workers, its deadlines.

Imported only when a run asks for one of them; what only deadlines need, only with them.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from itertools import count
from threading import Event as Flag
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from driftflow.actions.action import make_performer
from driftflow.parallel.crew import ConcurrentCrew
from driftflow.parallel.processes import end_registered
from driftflow.parallel.worker import BatchRunner, WorkerConfig, register_runner, run_batch
from driftflow.running.attempts import AttemptRunner, make_pause, random_fraction
from driftflow.running.interpreter import interpret, sequential

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Executor, Future

    from driftflow.actions.action import Known
    from driftflow.parallel.batches import Submit
    from driftflow.parallel.worker import BatchResult
    from driftflow.planning.plan import Plan
    from driftflow.planning.settings import Options
    from driftflow.resuming.decision import Resumption
    from driftflow.running.attempts import Task
    from driftflow.running.events import Event, Halt
    from driftflow.running.interpreter import Crew

# How many jobs there are at least by default, on however few cores: most steps wait for something.
_MIN_JOBS = 4


def interpret_in_parallel(
    plan: Plan,
    actions: Known,
    options: Options,
    resumed: Resumption | None,
    find_signal: Callable[[], str | None],
) -> Generator[Event, Halt | None, None]:
    """Run the plan on threads or an executor, and each attempt in time if that is asked for.

    Args:
        plan: What to do.
        actions: What its steps name.
        options: How to do it: on which executor, how many at a time, in what time.
        resumed: What is kept of an earlier run; None for nothing.
        find_signal: Returns the name of the signal that interrupts the run; None for none. After
            it a step that failed in the thread of the run is not tried again.
    """
    seconds = plan.timeout_seconds if options.enforce_timeout else None
    timed = plan.actions if options.enforce_timeout else plan.timed
    run = os.urandom(16).hex()
    config = WorkerConfig(run, plan.actions, actions.addresses, seconds, timed)
    jobs = options.jobs or max(_MIN_JOBS, _count_usable_cores())
    with ExitStack() as stack:
        perform, stop = make_performer(actions), Flag()
        enders: list[Callable[[], None]] = [stop.set, partial(end_registered, run)]
        # What ends later is put on the stack first: threads, since a child goes with the thread
        # that started it.
        threads = ExitStack()
        stack.enter_context(threads)
        if timed:
            from driftflow.parallel.deadlines import Deadlines, enforce

            deadlines = stack.enter_context(Deadlines(timed, actions.addresses))
            perform = enforce(perform, deadlines, seconds)
            enders.append(deadlines.kill)
        pause = make_pause(sleep, find_signal)
        alone = sequential(AttemptRunner(perform, perf_counter, pause, random_fraction))
        crew: Crew = alone
        away = AttemptRunner(
            perform, perf_counter, make_pause(stop.wait, stop.is_set), random_fraction
        )
        if options.executor is not None:
            from driftflow.parallel.batches import Batches

            batches = Batches(_make_submit(options.executor, config), jobs)
            stack.callback(batches.close)
            runner = BatchRunner(away, stop.is_set, batches.report)
            stack.enter_context(register_runner(run, runner))
            crew = ConcurrentCrew(batches, enders, None)
        elif jobs > 1 and plan.flags.is_enabled("parallel"):
            from driftflow.parallel.threads import Threads

            workers = Threads(run, away, stop.is_set, jobs)
            threads.callback(workers.close)
            crew = ConcurrentCrew(workers, enders, alone)
        yield from interpret(
            plan,
            crew,
            perf_counter,
            in_turn=crew is alone,
            resumed=resumed,
            keep_going=options.keep_going,
            find_signal=find_signal,
            run_id=options.run_id or "",
        )


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
