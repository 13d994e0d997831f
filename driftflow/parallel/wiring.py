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

from driftflow.actions.action import make_performer
from driftflow.parallel.crew import Spread
from driftflow.parallel.deadlines import Deadlines
from driftflow.parallel.processes import end_all
from driftflow.parallel.worker import Brief, begun_here, stoppable, work
from driftflow.running.attempts import pauses
from driftflow.running.interpreter import interpret, sequential, waves

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from concurrent.futures import Executor, Future

    from driftflow.actions.action import Action
    from driftflow.actions.sources import Source
    from driftflow.parallel.crew import Report, Submit
    from driftflow.planning.plan import Plan
    from driftflow.running.attempts import Task
    from driftflow.running.events import Event, Halt, Resumed

# As many steps are tried at a time, at least, if nothing else is said: most wait for something.
_FEW = 4


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
        actions: What stands behind the names that its steps use, in this process.
        sources: Where other processes find them.
        executor: What runs the waves; the caller's. None for threads, and for none if the flag
            `parallel` is off.
        jobs: How many pieces of work are under way at the same time, at most; by default the
            number of usable cores, and at least 4.
        enforce_timeout: Whether an attempt is ended when the plan's timeout is over.
        resumed: An earlier run of the plan, which is taken up; None for none.
        is_over: Whether a step that is tried in the thread of the run is not to be tried again.
    """
    seconds = plan.timeout_seconds if enforce_timeout else None
    brief = Brief(uuid4().hex, plan.actions, sources, plan.backoff, seconds)
    jobs = max(_FEW, _usable_cores()) if jobs is None else jobs
    known = resumed.results if resumed else {}
    with ExitStack() as stack:
        workers = executor
        if executor is None:
            # More threads than steps would have nothing to do.
            workers, jobs = _threads(min(jobs, max(map(len, waves(plan, known)), default=0)))
            if workers is not None:
                # They have nothing left to do by then; but a child goes with the thread that
                # started it, so they have to outlast the deadlines.
                stack.callback(workers.shutdown, wait=False)
        perform, stop = make_performer(actions), Flag()
        give_up: list[Callable[[], None]] = [stop.set, partial(end_all, brief.run)]
        if seconds is not None:
            deadlines = stack.enter_context(Deadlines(seconds, plan.actions, sources))
            perform = deadlines.perform
            give_up.append(deadlines.kill)
        crew = sequential(perform, perf_counter, pauses(plan.backoff, sleep, is_over))
        if workers is not None:
            site = stoppable(perform, plan.backoff, stop)
            stack.enter_context(begun_here(brief.run, site))
            alone = crew if executor is None else None
            crew = Spread(_submitter(workers, brief), jobs, give_up, alone)
        yield from interpret(plan, crew, perf_counter, resumed)


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
