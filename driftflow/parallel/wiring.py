"""Several steps at a time, in threads or on any executor; attempts that end when time is up.

Imported only when a run asks for one of them.
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
from uuid import uuid4

from driftflow.actions.action import performer
from driftflow.parallel.crew import Spread
from driftflow.parallel.deadlines import Deadlines
from driftflow.parallel.processes import end_all
from driftflow.parallel.worker import Brief, begun_here, stoppable, work
from driftflow.running.attempts import make_pause
from driftflow.running.interpreter import interpret, sequential, waves

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from concurrent.futures import Executor, Future

    from driftflow.actions.action import Known
    from driftflow.parallel.crew import Report, Submit
    from driftflow.planning.plan import Plan
    from driftflow.planning.settings import Options
    from driftflow.running.attempts import Task
    from driftflow.running.events import Event, Halt, StepResult

# As many steps are tried at a time, at least, if nothing else is said: most wait for something.
_FEW = 4


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
        is_stopped: Returns whether a step that is tried in the thread of the run is not to be tried
            again.
    """
    seconds = plan.timeout_seconds if options.enforce_timeout else None
    brief = Brief(uuid4().hex, plan.actions, actions.sources, plan.backoff, seconds)
    workers, jobs = options.executor, options.jobs or max(_FEW, _usable_cores())
    with ExitStack() as stack:
        if options.executor is None:
            # More threads than steps would have nothing to do.
            workers, jobs = _threads(min(jobs, max(map(len, waves(plan, kept)), default=0)))
            if workers is not None:
                # They have nothing left to do by then; but a child goes with the thread that
                # started it, so they have to outlast the deadlines.
                stack.callback(workers.shutdown, wait=False)
        perform, stop = performer(actions), Flag()
        give_up: list[Callable[[], None]] = [stop.set, partial(end_all, brief.run)]
        if seconds is not None:
            deadlines = stack.enter_context(Deadlines(seconds, plan.actions, actions.sources))
            perform = deadlines.perform
            give_up.append(deadlines.kill)
        crew = sequential(perform, perf_counter, make_pause(plan.backoff, sleep, is_stopped))
        if workers is not None:
            site = stoppable(perform, plan.backoff, stop)
            stack.enter_context(begun_here(brief.run, site))
            alone = crew if options.executor is None else None
            crew = Spread(_submitter(workers, brief), jobs, give_up, alone)
        yield from interpret(plan, crew, perf_counter, kept)


def _threads(number: int) -> tuple[Executor | None, int]:
    """A pool of so many threads, or as the system allows, all started; none for less than two.

    Python's pool starts a thread when there is work for it; if it cannot, it says so, and does the
    work later all the same: it would be done twice.
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


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _submitter(workers: Executor, brief: Brief) -> Submit:
    numbers = count()

    def submit(tasks: list[Task]) -> Future[Report]:
        token = f"{brief.run}-{next(numbers)}"
        return workers.submit(work, {"token": token, "brief": brief, "tasks": tasks})

    return submit
