"""However a plan is run: what is true of threads, of processes and of clusters.

That they all give the answer of the run in turn is RUN-2, in `promises/answers.py`.
"""

from __future__ import annotations

import json
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows
from support.command import CHECKOUT, invoke, spawn
from support.performers import PERFORMERS, Inline, answer, local_cluster, loky, processes

from driftflow.api import run_events
from driftflow.planning.settings import Options
from driftflow.running.ordering import fold_run
from driftflow.showing.results import build_result_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module", params=PERFORMERS, ids=lambda performer: performer.__name__)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """An executor of each kind."""
    with request.param() as opened:
        yield opened


def crowd(number: int, action: str, value: Any, **fields: Any) -> dict[str, Any]:
    """A config of one wave."""
    steps = [{"name": f"{place:03}", "action": action, "input": value} for place in range(number)]
    return workflows.config(*steps, flags={"parallel": True}, **fields)


def test_equal_steps_are_tried_each(executor: Executor, tmp_path: Path) -> None:
    """Dask would run equal calls only once."""
    path = tmp_path / "notes"
    value = {"path": str(path), "line": "x", "output": 7}
    result, _ = answer(crowd(20, "note", value), executor=executor)
    assert [each["output"] for each in result["results"]] == [7] * 20
    assert path.read_text() == "x\n" * 20


def test_what_a_worker_does_not_find_is_an_unknown_action(
    executor: Executor,
) -> None:
    """A worker of this process finds it; another says why not."""
    plan = workflows.plan({"name": "a", "action": "mine"})
    events = run_events(plan, {"mine": lambda _: "here"}, Options(executor))
    (result,) = build_result_document(fold_run(plan, events))["results"]
    here = {"name": "a", "ok": True, "output": "here", "error": None, "attempts": 1}
    reason = "unknown action: 'mine'; mine: it exists only in the process that started the run"
    elsewhere = {"ok": False, "output": None, "error": reason}
    in_this = isinstance(executor, Inline | ThreadPoolExecutor)
    assert result == here | ({} if in_this else elsewhere)


def test_a_deadline_holds_everywhere(executor: Executor) -> None:
    """Whatever the executor knows of them."""
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
    assert outcome == (2, "", f"error: {address}: the Dask scheduler has no workers\n")
