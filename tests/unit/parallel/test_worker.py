"""A batch, done wherever it comes to."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.command import CHECKOUT

from driftflow.actions.action import ACTIONS, make_performer
from driftflow.parallel import worker
from driftflow.parallel.worker import (
    AttemptRunner,
    WorkerConfig,
    make_runner,
    register_runner,
    run_batch,
)
from driftflow.planning.settings import Backoff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftflow.parallel.deadlines import Deadlines
    from driftflow.parallel.worker import BatchResult
    from driftflow.reading.document import Json
    from driftflow.running.attempts import Task

DEEDS = str(CHECKOUT / "tests" / "support" / "deeds.py")


def request(*tasks: Task, run: str = "elsewhere", **config: Any) -> Any:
    """A batch; for a run that was begun in another process by default."""
    fields: dict[str, Any] = {
        "names": (),
        "addresses": (),
        "backoff": None,
        "timeout_seconds": None,
    }
    return {"token": "t", "config": WorkerConfig(run, **fields | config), "tasks": list(tasks)}


def run(*tasks: Task, **config: Any) -> BatchResult:
    """What comes of them."""
    return run_batch(request(*tasks, **config))


def task(action: str, value: Any, attempts: int = 1, *, optional: bool = False) -> Task:
    """Something to try."""
    return action, value, attempts, optional, None


def told(result: BatchResult) -> list[tuple[Any, ...]]:
    """The outcomes but for their durations."""
    return [outcome[:4] for outcome in result["outcomes"]]


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    """Each test begins as a new process does."""
    worker._load_runner.cache_clear()  # noqa: SLF001 - what it keeps is what is tested
    yield
    worker._load_runner.cache_clear()  # noqa: SLF001


def test_the_tasks_are_worked_through_in_order() -> None:
    """Each gives an outcome, good or bad."""
    result = run_batch(
        request(task("echo", 1), task("upper", 2, optional=True), task("upper", "c"))
    )
    assert told(result) == [
        (True, 1, None, 1),
        (False, None, "upper takes a string, not an integer", 1),
        (True, "C", None, 1),
    ]
    assert result["interrupted"] is False


def test_a_failure_that_ends_the_run_ends_the_batch() -> None:
    """Nothing behind it is tried."""
    result = run(task("echo", 1), task("nope", 2, attempts=3), task("echo", 3))
    assert told(result) == [(True, 1, None, 1), (False, None, "unknown action: 'nope'", 3)]


def test_a_request_and_its_result_are_plain_data() -> None:
    """What JSON and pickle make of them is the same."""
    given = request(task("echo", {"b": [1, None], "a": 2.5}), backoff=Backoff())
    assert pickle.loads(pickle.dumps(given)) == given
    copy = json.loads(json.dumps(given))
    assert copy["tasks"] == [["echo", {"b": [1, None], "a": 2.5}, 1, False, None]]
    result = run_batch(given)
    assert json.loads(json.dumps(result))["outcomes"] == [list(result["outcomes"][0])]


def test_when_the_time_is_up_the_rest_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """But one task is always tried."""
    clock = iter(range(100))
    monkeypatch.setattr(worker, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(worker, "BUDGET", 7)
    tasks = [task("echo", number) for number in range(5)]
    assert len(run(*tasks)["outcomes"]) == 3
    monkeypatch.setattr(worker, "BUDGET", 0)
    assert len(run(*tasks)["outcomes"]) == 1


def test_an_interrupt_is_told_and_not_raised() -> None:
    """There are executors that would not survive it."""
    result = run_batch(
        request(
            task("echo", 1), task("interrupt", 2), names=("echo", "interrupt"), addresses=(DEEDS,)
        )
    )
    assert told(result) == [(True, 1, None, 1), (False, None, "interrupted", 1)]
    assert result["interrupted"] is True


def test_actions_are_looked_up_where_the_work_is_done() -> None:
    """Once for a run, so that a file is not run for each batch; anew for the next."""
    names, addresses = ("whereabouts", "nope"), (DEEDS,)
    first = request(task("whereabouts", 0), run="one", names=names, addresses=addresses)
    assert told(run_batch(first))[0][0] is True
    assert worker._find_runner(first["config"]) is worker._find_runner(first["config"])  # noqa: SLF001
    second = request(task("whereabouts", 0), run="two", names=names, addresses=addresses)
    assert worker._find_runner(first["config"]) is not worker._find_runner(second["config"])  # noqa: SLF001


def test_threads_of_a_worker_load_actions_once(tmp_path: Path) -> None:
    """Those that come later wait: a file that is run twice may do harm."""
    code = (
        "import time, driftflow\n"
        f"with open({str(tmp_path / 'runs')!r}, 'a') as file: file.write('x')\n"
        "time.sleep(0.2)\n"
        "@driftflow.action\n"
        "def act(value): return value\n"
    )
    (tmp_path / "slow.py").write_text(code)
    config: dict[str, Any] = {"names": ("act",), "addresses": (str(tmp_path / "slow.py"),)}
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda number: run(task("act", number), **config), range(4))
        assert [told(result)[0][1] for result in results] == [0, 1, 2, 3]
    assert (tmp_path / "runs").read_text() == "x"


def test_what_cannot_be_loaded_there_is_an_unknown_action() -> None:
    """It says why; the others are not harmed."""
    names, addresses = (
        ("total", "whereabouts", "mine"),
        ("/nowhere/orders.py", DEEDS, ("mine", "", "")),
    )
    tasks = [task(name, 0, optional=True) for name in ("total", "whereabouts", "mine")]
    result = run(*tasks, names=names, addresses=addresses)
    why = "; /nowhere/orders.py: No such file or directory"
    why += "; mine: it exists only in the process that started the run"
    assert [outcome[2] for outcome in result["outcomes"]] == [
        f"unknown action: 'total'{why}",
        None,
        f"unknown action: 'mine'{why}",
    ]


def test_a_batch_of_a_run_that_was_begun_here_uses_its_runner() -> None:
    """It has the very functions that the run was given; when that is over it has no more."""
    runner = AttemptRunner(lambda name, value: f"{name} {value} here", pause=int, is_over=bool)
    with register_runner("mine", runner):
        assert told(run(task("any", 1), run="mine")) == [(True, "any 1 here", None, 1)]
        assert told(run(task("any", 1), run="yours"))[0][2] == "unknown action: 'any'"
    assert told(run(task("any", 1), run="mine"))[0][2] == "unknown action: 'any'"


def test_a_run_that_was_broken_off_begins_nothing_more() -> None:
    """A batch that is still about is answered, and not done elsewhere."""
    with (
        pytest.raises(LookupError),
        register_runner("broken", AttemptRunner(lambda _, __: "done", pause=int, is_over=bool)),
    ):
        raise LookupError
    result = run(task("any", 1), run="broken")
    assert result == {"outcomes": [], "interrupted": True}


def test_whatever_goes_wrong_stands_in_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some executors do not survive what a function raises."""

    def fail(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(worker, "_find_runner", fail)
    result = run(task("echo", 1), task("echo", 2))
    assert told(result) == [(False, None, "the worker failed: MemoryError: no room", 0)]


def test_a_process_that_was_forked_has_no_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a copy of all, and what a runner holds cannot be shared: children, for instance."""
    with register_runner("mine", AttemptRunner(lambda _, __: "mine", pause=int, is_over=bool)):
        monkeypatch.setattr("os.getpid", lambda: -1)
        assert told(run(task("echo", "own"), run="mine")) == [(True, "own", None, 1)]
        monkeypatch.undo()


def test_waits_happen_where_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the attempts."""
    slept: list[float] = []
    monkeypatch.setattr(worker, "sleep", slept.append)
    run(task("nope", 0, attempts=4), backoff=Backoff(jitter=False))
    assert slept == [1, 2, 4]


def test_a_runner_can_be_stopped() -> None:
    """No further attempt begins, and a wait is over at once."""
    for backoff in (None, Backoff(delay_seconds=10_000)):
        stop = Event()
        runner = make_runner(make_performer(ACTIONS), backoff, stop)
        assert runner.perform("upper", "a") == "A"
        assert not runner.is_over()
        stop.set()
        assert runner.is_over()
        with pytest.raises(KeyboardInterrupt):
            runner.pause(1)


@pytest.mark.parametrize("place", range(3))
def test_interrupted_work_says_how_far_it_came(place: int) -> None:
    """What was being tried counts as interrupted, whatever the action made of it."""
    over: list[bool] = []

    def perform(_: str, value: Json) -> Json:
        if value == place:
            over.append(True)
            raise LookupError
        return value

    with register_runner("mine", AttemptRunner(perform, pause=int, is_over=lambda: bool(over))):
        result = run(*(task("any", number) for number in range(3)), run="mine")
        assert run(task("any", 7), run="mine") == {
            "outcomes": [],
            "interrupted": True,
        }
    assert result["interrupted"]
    done = [(True, number, None, 1) for number in range(place)]
    assert told(result) == [*done, (False, None, "interrupted", 1)]


def test_a_runner_that_is_not_stopped_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as the backoff says."""
    stop = Event()
    slept: list[float] = []
    monkeypatch.setattr(stop, "wait", slept.append)
    make_runner(make_performer(ACTIONS), Backoff(jitter=False), stop).pause(2)
    assert slept == [2]


def test_an_attempt_there_can_take_no_longer_than_it_may() -> None:
    """It is made in a child of the worker's."""
    config: dict[str, Any] = {
        "names": ("nap", "whereabouts"),
        "addresses": (DEEDS,),
        "timeout_seconds": 0.2,
    }
    first = request(task("nap", 60, optional=True), task("whereabouts", 0), **config)
    with cast("Deadlines", cast("Any", worker._find_runner(first["config"]).perform).__self__):  # noqa: SLF001
        assert run_batch(first)["outcomes"][0][2] == "timed out after 0.2 s"
        rest = run(task("whereabouts", 0), **config)["outcomes"]
    here = run(task("whereabouts", 0), names=("whereabouts",), addresses=(DEEDS,))["outcomes"]
    assert rest[0][0] is True
    assert rest[0][1] != here[0][1]
