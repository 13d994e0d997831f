"""However a plan is run, the answer is that of the run in turn: threads, processes, clusters."""

from __future__ import annotations

import random
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import reduce
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest
import workflows
from command import CHECKOUT

from driftflow.api import run_events
from driftflow.loading import gathered
from driftflow.rendering import result_document
from driftflow.result import RunResult, advance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEEDS = gathered([CHECKOUT / "tests" / "deeds.py"])
ERRORS = ("value", "exit", "leave", "generator", "stubborn", "unspeakable", "local")


class Inline(Executor):
    """The simplest executor that there is."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it at once."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@contextmanager
def inline() -> Iterator[Executor]:
    """No other thread."""
    yield Inline()


@contextmanager
def threads() -> Iterator[Executor]:
    """Eight of this process."""
    with ThreadPoolExecutor(8) as executor:
        yield executor


@contextmanager
def processes() -> Iterator[Executor]:
    """Two, which know nothing of this one."""
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        yield executor


@contextmanager
def loky() -> Iterator[Executor]:
    """Two, of another library's."""
    from loky import ProcessPoolExecutor as LokyExecutor

    with LokyExecutor(2) as executor:
        yield executor


@contextmanager
def dask() -> Iterator[Executor]:
    """A scheduler and two workers, each a process, on the loopback interface."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client.get_executor()


# Each with the number of plans that it is tried on.
PERFORMERS = {inline: 2000, threads: 2000, processes: 1000, loky: 1000, dask: 400}


@pytest.fixture(scope="module", params=PERFORMERS, ids=lambda performer: performer.__name__)
def performer(request: pytest.FixtureRequest) -> Iterator[tuple[Executor, int]]:
    """An executor, and on how many plans it is tried."""
    with request.param() as executor:
        yield executor, PERFORMERS[request.param]


def generated(seed: int, run: str) -> dict[str, Any]:
    """A config with steps of every kind, few priorities and many failures; for one run."""
    draw = random.Random(seed)  # noqa: S311 - the same cases each time
    steps: list[dict[str, Any]] = []
    for number in range(draw.randrange(16)):
        action, value = draw.choice(
            [
                ("echo", {"number": number, "keys": {"b": [None, 1.5], "a": "ä"}}),
                ("echo", f"text {number}"),
                ("upper", "text"),
                ("upper", number),
                ("fail", draw.choice(ERRORS)),
                ("flaky", {"failures": draw.randrange(4), "key": f"{run}-{seed}-{number}"}),
                ("spoil", {"rows": [number], "key": f"{run}-{seed}-{number}"}),
                ("nobody", None),
            ]
        )
        if steps and draw.random() < 0.3:
            earlier = draw.sample(steps, min(len(steps), 2))
            names = [step["name"] for step in earlier]
            action, value = "echo", {"from": draw.choice([names, names[0]])}
            priority = min(step["priority"] for step in earlier) - draw.randrange(2)
        else:
            priority = draw.randrange(3)
        steps.append(
            {
                # In one priority, what is read stands first.
                "name": f"step {number:02}",
                "action": action,
                "input": value,
                "priority": priority,
                "optional": draw.random() < 0.8,
            }
        )
    flags = {"parallel": draw.random() < 0.9}
    return workflows.config(*steps, max_attempts=draw.randint(1, 3), flags=flags)


def answer(document: dict[str, Any], **how: Any) -> tuple[dict[str, Any], list[str]]:
    """The result of a run but for what was discarded; and that."""
    plan = workflows.plan(*document.pop("steps"), **document)
    run = reduce(advance, run_events(plan, DEEDS, **how), RunResult(plan))
    result = result_document(run)
    return result, result.pop("discarded", [])


def test_the_answer_is_that_of_the_run_in_turn(performer: tuple[Executor, int]) -> None:
    """For thousands of plans, whatever goes wrong in them."""
    executor, plans = performer
    for seed in range(plans):
        config = generated(seed, type(executor).__module__)
        expected, _ = answer(generated(seed, f"not {type(executor).__module__}"), jobs=1)
        given, discarded = answer(config, executor=executor, jobs=1 + seed % 5)
        assert given == expected, f"seed {seed}"
        ran = {result["name"] for result in given["results"]}
        assert not ran & {*discarded}
