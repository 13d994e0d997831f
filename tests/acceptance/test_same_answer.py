"""However a plan is run, the answer is that of the run in turn: threads, processes, clusters."""

from __future__ import annotations

import json
import random
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, reduce
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows
from support.command import CHECKOUT, invoke, spawn

from driftflow.actions.registry import resolve_actions
from driftflow.api import run_events
from driftflow.planning.settings import Options
from driftflow.running.events import RunResult, advance
from driftflow.showing.results import build_result_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEEDS = resolve_actions([CHECKOUT / "tests" / "support" / "deeds.py"])
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
    from distributed import Client

    with local_cluster() as two, Client(two, set_as_default=False) as client:
        yield client.get_executor()


def local_cluster() -> Any:
    """That cluster."""
    from distributed import LocalCluster

    anywhere = "127.0.0.1:0"
    return LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=anywhere,
        worker_dashboard_address=anywhere,
    )


# Each with the number of plans that it is tried on.
PERFORMERS = {inline: 2000, threads: 2000, processes: 1000, loky: 1000, dask: 200}
# So many of these at a time: an executor has something to do while others wait for it. A worker
# keeps the actions of four runs; with more it would load them again and again.
AT_ONCE = 4


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
    run = reduce(advance, run_events(plan, DEEDS, Options(**how)), RunResult(plan))
    result = build_result_document(run)
    return result, result.pop("discarded", [])


@cache
def in_turn(seed: int) -> dict[str, Any]:
    """What comes of a plan where nothing else is going on."""
    result, _ = answer(generated(seed, "in turn"), jobs=1)
    return result


def test_the_answer_is_that_of_the_run_in_turn(performer: tuple[Executor, int]) -> None:
    """For thousands of plans, whatever goes wrong in them; some are under way at the same time."""
    executor, plans = performer

    def run(seed: int) -> tuple[dict[str, Any], list[str]]:
        config = generated(seed, type(executor).__module__)
        return answer(config, executor=executor, jobs=1 + seed % 5)

    with ThreadPoolExecutor(AT_ONCE) as runs:
        for seed, (given, discarded) in enumerate(runs.map(run, range(plans))):
            assert given == in_turn(seed), f"seed {seed}"
            ran = {result["name"] for result in given["results"]}
            assert not ran & {*discarded}


def crowd(number: int, action: str, value: Any, **fields: Any) -> dict[str, Any]:
    """A config of one wave."""
    steps = [{"name": f"{place:03}", "action": action, "input": value} for place in range(number)]
    return workflows.config(*steps, flags={"parallel": True}, **fields)


def test_equal_steps_are_tried_each(performer: tuple[Executor, int], tmp_path: Path) -> None:
    """Dask would run equal calls only once."""
    executor, _ = performer
    path = tmp_path / "notes"
    value = {"path": str(path), "line": "x", "output": 7}
    result, _ = answer(crowd(20, "note", value), executor=executor)
    assert [each["output"] for each in result["results"]] == [7] * 20
    assert path.read_text() == "x\n" * 20


def test_what_a_worker_does_not_find_is_an_unknown_action(
    performer: tuple[Executor, int],
) -> None:
    """A worker of this process finds it; another says why not."""
    executor, _ = performer
    plan = workflows.plan({"name": "a", "action": "mine"})
    events = run_events(plan, {"mine": lambda _: "here"}, Options(executor))
    (result,) = build_result_document(reduce(advance, events, RunResult(plan)))["results"]
    here = {"name": "a", "ok": True, "output": "here", "error": None, "attempts": 1}
    reason = "unknown action: 'mine'; mine: only the process that began the run has it"
    elsewhere = {"ok": False, "output": None, "error": reason}
    in_this = isinstance(executor, Inline | ThreadPoolExecutor)
    assert result == here | ({} if in_this else elsewhere)


def test_a_deadline_holds_everywhere(performer: tuple[Executor, int]) -> None:
    """Whatever the executor knows of them."""
    executor, _ = performer
    config = crowd(2, "nap", 600, timeout_seconds=0.2)
    result, _ = answer(config, executor=executor, enforce_timeout=True)
    assert result["results"][0]["error"] == "timed out after 0.2 s"


def test_a_cluster_survives_the_loss_of_a_worker(tmp_path: Path) -> None:
    """The answer is right; what the worker was at is done again."""
    from distributed import Client

    config = crowd(30, "nap", 0.02)
    dying = {"path": str(tmp_path / "died"), "output": "done again"}
    config["steps"][7] |= {"action": "die_once", "input": dying}
    with local_cluster() as two, Client(two, set_as_default=False) as client:
        result, discarded = answer(config, executor=client.get_executor())
        # A cluster that is closed while it starts a worker anew may complain, not of us.
        client.wait_for_workers(2)
    assert [each["error"] for each in result["results"]] == [None] * 30
    outputs = [each["output"] for each in result["results"]]
    assert outputs == [0.02] * 7 + ["done again"] + [0.02] * 22
    assert {each["attempts"] for each in result["results"]} == {1}
    assert discarded == []


@pytest.mark.parametrize("maker", [processes, loky])
def test_a_pool_that_a_worker_takes_with_it_loses_its_steps(maker: Any) -> None:
    """It says so; nothing is claimed that is not so."""
    config = crowd(6, "echo", "fine")
    config["steps"][0] |= {"action": "die", "optional": True}
    config["max_attempts"] = 2
    with maker() as executor:
        result, _ = answer(config, executor=executor, jobs=1)
    first, second = result["results"]
    assert (first["ok"], first["attempts"]) == (False, 1)
    assert (second["ok"], second["attempts"]) == (False, 2)
    for lost in (first, second):
        assert lost["error"].startswith("lost by the executor: ")
    assert result["status"] == "failed"


def test_a_cluster_is_found_by_its_address(tmp_path: Path) -> None:
    """By the command, whose actions its workers load themselves."""
    config = crowd(40, "whereabouts", None)
    path = workflows.write(tmp_path, config)
    with local_cluster() as two:
        address = two.scheduler_address
        options = ("--actions", CHECKOUT / "tests" / "support" / "deeds.py", "--dask", address)
        outcome = spawn("--config", path, *options, "--print-json", cwd=tmp_path)
        pids = {worker.pid for worker in two.workers.values()}
    assert (outcome.status, outcome.stderr) == (0, "")
    assert {each["output"] for each in json.loads(outcome.stdout)["results"]} <= pids


def test_a_cluster_without_workers_is_exit_2(tmp_path: Path, monkeypatch: Any) -> None:
    """Nothing is run, and it does not wait for long."""
    from distributed import LocalCluster

    monkeypatch.setattr("driftflow.parallel.dask.PATIENCE", 0.5)
    anywhere = "127.0.0.1:0"
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=anywhere) as empty:
        address = empty.scheduler_address
        outcome = invoke("--config", workflows.save(tmp_path, {}), "--dask", address)
    assert outcome == (2, "", f"error: {address}: the Dask scheduler there has no workers\n")
