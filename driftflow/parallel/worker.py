"""What makes attempts away from the run: in a thread, in another process, on another machine.

An order and its report are plain data. Whatever goes wrong stands in the report, since there are
executors that do not survive what a function raises.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from functools import lru_cache
from time import perf_counter, sleep
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from driftflow.actions.action import ACTIONS, make_performer
from driftflow.errors import message_of
from driftflow.parallel.processes import owner
from driftflow.running.attempts import Interrupted, ends_run, never, pauses, run_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from driftflow.actions.action import Action
    from driftflow.actions.sources import Source
    from driftflow.parallel.crew import Report
    from driftflow.planning.settings import Backoff
    from driftflow.running.attempts import Outcome, Pause, Perform, Task

# How long a worker begins further tasks of an order. Seconds.
BUDGET = 0.05


class Brief(NamedTuple):
    """What all workers of a run have to know.

    Attributes:
        run: The run's own word.
        names: The actions that its steps name.
        sources: Where they are found: `Actions.sources`.
        backoff: The waits between attempts; None for none.
        timeout_seconds: How long an attempt may take; None for as long as it does.
    """

    run: str
    names: tuple[str, ...]
    sources: tuple[Source, ...]
    backoff: Backoff | None
    timeout_seconds: float | None


class Order(TypedDict):
    """What is to be done.

    Attributes:
        token: No other order has it: some executors run equal calls only once.
        brief: What is the same for all orders of the run.
        tasks: To be worked through, in this order.
    """

    token: str
    brief: Brief
    tasks: Sequence[Task]


class Site(NamedTuple):
    """What it takes to try steps at some place, and whether no further one should be tried."""

    perform: Perform
    pause: Pause
    is_over: Callable[[], bool]


# The sites of runs that this process has begun. A process that was forked from it has copies, with
# which it can do nothing: so the key says whose they are.
_BEGUN_HERE: dict[tuple[int, str], Site] = {}
_loading = threading.Lock()


def work(order: Order) -> Report:
    """Work through the tasks of an order. Raises nothing."""
    outcomes: list[Outcome] = []
    owner.run = order["brief"].run
    try:
        _work(_site(order["brief"]), order["tasks"], outcomes)
    except KeyboardInterrupt as interrupt:
        if isinstance(interrupt, Interrupted):
            outcomes.append(interrupt.outcome)
        return {"outcomes": outcomes, "interrupted": True}
    except BaseException as error:  # noqa: BLE001 - it stands in the report, whatever it is
        fault = f"the worker failed: {type(error).__name__}: {message_of(error)}"
        outcomes.append((False, None, fault, 0, 0.0))
    return {"outcomes": outcomes, "interrupted": False}


def _work(site: Site, tasks: Iterable[Task], outcomes: list[Outcome]) -> None:
    until = perf_counter() + BUDGET
    for task in tasks:
        if site.is_over():
            raise KeyboardInterrupt
        outcome = run_step(task, site.perform, perf_counter, site.pause)
        if not outcome[0] and site.is_over():  # it was most likely ended for that
            raise Interrupted(outcome[3], outcome[4])
        outcomes.append(outcome)
        if perf_counter() > until or (not outcome[0] and ends_run(optional=task[3])):
            break


@contextmanager
def begun_here(run: str, site: Site) -> Iterator[None]:
    """While this lasts, orders of the run that come back to this process go to that site."""
    key = os.getpid(), run
    _BEGUN_HERE[key] = site
    try:
        yield
    except BaseException:  # it is broken off: orders that are still about begin nothing
        _BEGUN_HERE[key] = _OVER
        raise
    del _BEGUN_HERE[key]


def _nothing(*_: object) -> None:
    """What is done at a place where all is over."""


_OVER = Site(_nothing, _nothing, is_over=lambda: True)


def stoppable(perform: Perform, backoff: Backoff | None, stop: threading.Event) -> Site:
    """A site where no further attempt begins, and no wait goes on, once `stop` is set.

    Args:
        perform: Makes one attempt.
        backoff: The waits between attempts; None for none.
        stop: What stops them.
    """
    return Site(perform, pauses(backoff, stop.wait, stop.is_set), stop.is_set)


def _site(brief: Brief) -> Site:
    site = _BEGUN_HERE.get((os.getpid(), brief.run))
    if site is not None:
        return site
    with _loading:  # files are run once, not by each thread
        return _site_far_away(brief)


@lru_cache(maxsize=4)  # a run has one; several may be under way
def _site_far_away(brief: Brief) -> Site:
    pause = pauses(brief.backoff, sleep, never)
    if brief.timeout_seconds is not None:
        from driftflow.parallel.deadlines import Deadlines

        deadlines = Deadlines(brief.timeout_seconds, brief.names, brief.sources)
        return Site(deadlines.perform, pause, never)
    actions: Mapping[str, Action] = ACTIONS
    if brief.sources or not ACTIONS.keys() >= {*brief.names}:
        from driftflow.actions.registry import load_again

        actions = load_again(brief.names, brief.sources)
    return Site(make_performer(actions), pause, never)
