"""A batch, done wherever it comes to."""

from __future__ import annotations

import json
import os
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from support.command import CHECKOUT

from driftflow.parallel import worker
from driftflow.parallel.deadlines import Deadlines
from driftflow.parallel.processes import this_thread
from driftflow.parallel.worker import (
    BatchRunner,
    WorkerConfig,
    cannot_report,
    register_runner,
    run_batch,
)
from driftflow.planning.settings import Backoff, RetryPolicy
from driftflow.running.attempts import INTERRUPTED, AttemptRunner, FailedAttempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from driftflow.parallel.worker import BatchResult
    from driftflow.reading.document import Json
    from driftflow.running.attempts import Task

DEEDS = str(CHECKOUT / "tests" / "support" / "deeds.py")


def request(*tasks: Task, run: str = "elsewhere", **config: Any) -> Any:
    """A batch; for a run that was begun in another process by default."""
    fields: dict[str, Any] = {
        "names": (),
        "addresses": (),
        "timeout_seconds": None,
        "timed": (),
    }
    return {"token": "t", "config": WorkerConfig(run, **fields | config), "tasks": list(tasks)}


def run(*tasks: Task, **config: Any) -> BatchResult:
    """What comes of them."""
    return run_batch(request(*tasks, **config))


def task(action: str, value: Any, attempts: int = 1, *, ends: bool = True, **policy: Any) -> Task:
    """Something to try; its index is 7."""
    return 7, action, value, RetryPolicy(attempts, **policy), ends, None, None


def told(result: BatchResult) -> list[tuple[Any, ...]]:
    """The outcomes but for their durations: the output, the error, and the number of attempts."""
    return [
        (output, failure and failure.message, attempts)
        for _, (output, failure, attempts, _) in result["outcomes"]
    ]


def untold(result: BatchResult) -> list[list[tuple[int, str, float | None]]]:
    """The failed attempts that come with the outcomes: their numbers, errors and waits."""
    for attempts, _ in result["outcomes"]:
        assert all(failed.step_index == 7 for failed in attempts)
    return [
        [(failed.number, failed.failure.message, failed.wait_seconds) for failed in attempts]
        for attempts, _ in result["outcomes"]
    ]


def assert_not_tried(result: BatchResult) -> None:
    """The run was over before its first step."""
    assert result == {"outcomes": [([], INTERRUPTED)], "interrupted": True}


def runner_for(
    perform: Callable[[str, Json, float | None], Json],
    is_over: Callable[[], bool] = bool,
    report: Callable[[FailedAttempt], bool] = cannot_report,
) -> BatchRunner:
    """What a run registers in its own process, without waits."""
    return BatchRunner(AttemptRunner(perform, float, float, float), is_over, report)


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins as a new process does; and there is time for all steps of a batch."""
    monkeypatch.setattr(worker, "BUDGET", 600)
    worker._load_runner.cache_clear()  # noqa: SLF001 - what it keeps is what is tested
    yield
    worker._load_runner.cache_clear()  # noqa: SLF001


def test_the_tasks_are_worked_through_in_order() -> None:
    """Each gives an outcome, good or bad."""
    result = run(task("echo", 1), task("upper", 2, ends=False), task("upper", "c"))
    assert told(result) == [
        (1, None, 1),
        (None, "upper takes a string, not an integer", 1),
        ("C", None, 1),
    ]
    assert result["interrupted"] is False


def test_a_failure_that_ends_the_run_ends_the_batch() -> None:
    """Nothing behind it is tried."""
    result = run(task("echo", 1), task("nope", 2, attempts=3), task("echo", 3))
    assert told(result) == [(1, None, 1), (None, "unknown action: 'nope'", 3)]


def test_a_failure_says_what_it_was() -> None:
    """By the names of the classes of the exception, which may be unknown elsewhere."""
    ((_, (_, failure, _, _)),) = run(task("upper", 1))["outcomes"]
    assert failure is not None
    assert failure.types == ("TypeError", "Exception", "BaseException")


def test_a_step_that_cannot_be_tried_says_why() -> None:
    """It takes its turn like any other, and has had no attempt."""
    fault: Task = (7, "echo", None, RetryPolicy(3), False, "input from 'z', which failed", None)
    result = run(fault, task("echo", 1))
    assert told(result) == [(None, "input from 'z', which failed", 0), (1, None, 1)]
    assert untold(result) == [[], []]


def test_attempts_that_failed_come_with_the_outcome() -> None:
    """Where they cannot be told before: with the waits that followed; None behind the last one."""
    backoff = Backoff(delay_seconds=0, jitter=False)
    nope = task("nope", 0, attempts=3, ends=False, backoff=backoff)
    result = run(nope, task("echo", 1, attempts=3), task("nope", 0))
    error = "unknown action: 'nope'"
    assert untold(result) == [
        [(1, error, 0.0), (2, error, 0.0), (3, error, None)],
        [],
        [(1, error, None)],
    ]
    assert told(result) == [(None, error, 3), (1, None, 1), (None, error, 1)]


def test_each_step_is_tried_as_its_own_policy_says() -> None:
    """How often, and after which errors."""
    nope = task("nope", 0, attempts=3, ends=False, retry_on=("TimeoutError",))
    other = task("nope", 0, attempts=3, ends=False, retry_on=("TimeoutError", "ValueError"))
    result = run(nope, other)
    assert [attempts for _, _, attempts in told(result)] == [1, 3]


def test_a_request_and_its_result_are_plain_data() -> None:
    """What JSON and pickle make of them is the same."""
    given = request(
        task("echo", {"b": [1, None], "a": 2.5}, ends=False, backoff=Backoff()),
        task("nope", 1, attempts=2),
        timed=("nap",),
    )
    assert pickle.loads(pickle.dumps(given)) == given
    copy = json.loads(json.dumps(given))
    policy = [1, [1, 2, 30, True], None, None]
    sent = [7, "echo", {"b": [1, None], "a": 2.5}, policy, False, None, None]
    assert copy["tasks"][0] == sent
    assert copy["config"] == ["elsewhere", [], [], None, ["nap"]]
    result = run_batch(given)
    assert pickle.loads(pickle.dumps(result)) == result
    (none, good), (failed, bad) = json.loads(json.dumps(result))["outcomes"]
    assert (none, good[:3]) == ([], [{"b": [1, None], "a": 2.5}, None, 1])
    assert [attempt[:2] for attempt in failed] == [[7, 1], [7, 2]]
    assert bad[1][0] == "unknown action: 'nope'"


def test_when_the_time_is_up_the_rest_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """But one task is always tried."""
    clock = iter(range(100))
    monkeypatch.setattr(worker, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(worker, "BUDGET", 7)
    tasks = [task("echo", number) for number in range(5)]
    # The clock is read before and after each step's attempts, and once more.
    assert len(run(*tasks)["outcomes"]) == 3
    monkeypatch.setattr(worker, "BUDGET", 0)
    assert len(run(*tasks)["outcomes"]) == 1


def test_an_interrupt_is_told_and_not_raised() -> None:
    """There are executors that would not survive it."""
    names = ("echo", "interrupt")
    result = run(
        task("echo", 1),
        task("interrupt", 2, ends=False),
        task("echo", 3),
        names=names,
        addresses=(DEEDS,),
    )
    assert told(result) == [(1, None, 1), (None, "interrupted", 1)]
    assert untold(result) == [[], []]
    assert result["interrupted"] is True


def test_actions_are_looked_up_where_the_work_is_done() -> None:
    """Once for a run, so that a file is not run for each batch; anew for the next."""
    names, addresses = ("whereabouts", "nope"), (DEEDS,)
    first = request(task("whereabouts", 0), run="one", names=names, addresses=addresses)
    assert isinstance(told(run_batch(first))[0][0], int)
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
        assert [told(result)[0][0] for result in results] == [0, 1, 2, 3]
    assert (tmp_path / "runs").read_text() == "x"


def test_what_cannot_be_loaded_there_is_an_unknown_action() -> None:
    """It says why; the others are not harmed."""
    names, addresses = (
        ("total", "whereabouts", "mine"),
        ("/nowhere/orders.py", DEEDS, ("mine", "", "")),
    )
    tasks = [task(name, 0, ends=False) for name in ("total", "whereabouts", "mine")]
    result = run(*tasks, names=names, addresses=addresses)
    why = "; /nowhere/orders.py: No such file or directory"
    why += "; mine: it exists only in the process that started the run"
    assert [error for _, error, _ in told(result)] == [
        f"unknown action: 'total'{why}",
        None,
        f"unknown action: 'mine'{why}",
    ]


def test_a_batch_of_a_run_that_was_begun_here_uses_its_runner() -> None:
    """It has the very functions that the run was given; when that is over it has no more."""
    runner = runner_for(lambda name, value, seconds: f"{name} {value} {seconds} here")
    unknown = (None, "unknown action: 'any'", 1)
    with register_runner("mine", runner):
        mine = run(task("any", 1, timeout_seconds=2.5), run="mine")
        assert told(mine) == [("any 1 2.5 here", None, 1)]
        assert told(run(task("any", 1), run="yours")) == [unknown]
    assert told(run(task("any", 1), run="mine")) == [unknown]


def fail(*_: object) -> Json:
    """What an action does that is down."""
    raise OSError("down")


def test_an_attempt_that_failed_is_told_at_once_where_the_run_is() -> None:
    """Before the next one; then it does not come with the outcome, unless it could not be told."""
    log: list[object] = []

    def perform(*_: object) -> Json:
        log.append("tried")
        return fail()

    def report(failed: FailedAttempt) -> bool:
        log.append((failed.step_index, failed.number, failed.wait_seconds))
        return failed.number != 2

    with register_runner("mine", runner_for(perform, report=report)):
        result = run(task("any", 0, attempts=3), run="mine")
    assert log == ["tried", (7, 1, 0.0), "tried", (7, 2, 0.0), "tried", (7, 3, None)]
    assert untold(result) == [[(2, "down", 0.0)]]
    assert told(result) == [(None, "down", 3)]


def test_programs_that_a_batch_starts_are_known_by_its_run() -> None:
    """So that they can be ended with it."""
    seen: list[str | None] = []
    with register_runner("mine", runner_for(lambda *_: seen.append(this_thread.run))):
        run(task("any", 1), run="mine")
    assert seen == ["mine"]


def test_a_run_that_was_broken_off_begins_nothing_more() -> None:
    """A batch that is still about is answered, and not done elsewhere."""
    runner = runner_for(lambda *_: "done")
    kept = weakref.ref(runner.attempts.perform)
    with pytest.raises(LookupError), register_runner("broken", runner):
        raise LookupError
    assert_not_tried(run(task("any", 1), run="broken"))
    del runner
    assert kept() is None  # nor is anything of it held


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError("no room"), "MemoryError: no room"),
        (MemoryError(), "MemoryError"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_whatever_goes_wrong_stands_in_the_result(
    error: BaseException, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some executors do not survive what a function raises. Its type is said once."""

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(worker, "_find_runner", refuse)
    result = run(task("echo", 1), task("echo", 2))
    assert told(result) == [(None, f"the worker failed: {words}", 0)]
    assert untold(result) == [[]]
    assert result["interrupted"] is False


def test_a_process_that_was_forked_has_no_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a copy of all, and what a runner holds cannot be shared: children, for instance."""
    with register_runner("mine", runner_for(lambda *_: "mine")):
        monkeypatch.setattr("os.getpid", lambda: -1)
        assert told(run(task("echo", "own"), run="mine")) == [("own", None, 1)]
        monkeypatch.undo()


def test_waits_happen_where_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the attempts, for as long as the step's backoff says."""
    slept: list[float] = []
    monkeypatch.setattr(worker, "sleep", slept.append)
    slow = Backoff(delay_seconds=5, factor=1, jitter=False)
    run(
        task("nope", 0, attempts=4, ends=False, backoff=Backoff(jitter=False)),
        task("nope", 0, attempts=2, ends=False, backoff=slow),
        task("nope", 0, attempts=2),
    )
    assert slept == [1, 2, 4, 5]


@pytest.mark.parametrize("place", range(3))
def test_interrupted_work_says_how_far_it_came(place: int) -> None:
    """What was being tried counts as interrupted, whatever the action made of it.

    So it is no failed attempt: the end was what it failed of, most likely.
    """
    over: list[bool] = []

    def perform(_: str, value: Json, __: float | None) -> Json:
        if value == place:
            over.append(True)
            raise LookupError
        return value

    with register_runner("mine", runner_for(perform, is_over=lambda: bool(over))):
        result = run(*(task("any", number) for number in range(3)), run="mine")
        assert_not_tried(run(task("any", 7), run="mine"))
    assert result["interrupted"]
    done = [(number, None, 1) for number in range(place)]
    assert told(result) == [*done, (None, "interrupted", 1)]
    assert untold(result) == [*([] for _ in done), []]


def test_what_succeeds_when_all_is_to_end_has_succeeded() -> None:
    """The next step is not begun."""
    over: list[Json] = []

    def perform(_: str, value: Json, __: float | None) -> Json:
        over.append(value)
        return value

    with register_runner("mine", runner_for(perform, is_over=lambda: bool(over))):
        result = run(task("any", 1), task("any", 2), run="mine")
    assert told(result) == [(1, None, 1), (None, "interrupted", 0)]
    assert result["interrupted"]
    assert over == [1]


def test_a_wait_that_is_broken_off_is_an_interrupt() -> None:
    """The attempts before it are told all the same."""

    def pause(_: float) -> None:
        raise KeyboardInterrupt

    attempts = AttemptRunner(fail, float, pause, float)
    with register_runner("mine", BatchRunner(attempts, bool, cannot_report)):
        result = run(task("any", 0, attempts=3), task("any", 1), run="mine")
    assert told(result) == [(None, "interrupted", 1)]
    assert untold(result) == [[(1, "down", 0.0)]]
    assert result["interrupted"]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Deadlines]]:
    """What keeps the children of a worker: a worker has no end, but a test has."""
    made: list[Deadlines] = []

    def make(*given: Any) -> Deadlines:
        made.append(Deadlines(*given))
        return made[-1]

    monkeypatch.setattr("driftflow.parallel.deadlines.Deadlines", make)
    yield made
    for deadlines in made:
        deadlines.__exit__()


@pytest.mark.parametrize(("general", "own"), [(0.2, None), (60, 0.2), (None, 0.2)])
def test_an_attempt_there_can_take_no_longer_than_it_may(
    general: float | None, own: float | None, children: list[Deadlines]
) -> None:
    """It is made in a child of the worker's; by the limit of the step, or else of the run."""
    config: dict[str, Any] = {
        "names": ("nap", "whereabouts"),
        "addresses": (DEEDS,),
        "timeout_seconds": general,
        "timed": ("nap", "whereabouts"),
    }
    late = task("nap", 60, ends=False, timeout_seconds=own)
    rest = task("whereabouts", 0, timeout_seconds=own and 60)
    result = run(late, rest, **config)
    assert told(result)[0] == (None, "timed out after 0.2 s", 1)
    ((here, *_),) = told(run(task("whereabouts", 0), names=config["names"], addresses=(DEEDS,)))
    there, *_ = told(result)[1]
    assert isinstance(there, int)
    assert there != here
    assert len(children) == 1, "batches of a run share them"


def test_where_all_attempts_have_a_limit_only_their_children_load_the_code(
    tmp_path: Path, children: list[Deadlines]
) -> None:
    """A file of actions may take seconds to load, and gigabytes: not twice for nothing."""
    code = (
        "import os, driftflow\n"
        f"with open({str(tmp_path / 'by')!r}, 'a') as file: print(os.getpid(), file=file)\n"
        "@driftflow.action\n"
        "def act(value): return os.getpid()\n"
    )
    (tmp_path / "heavy.py").write_text(code)
    config: dict[str, Any] = {"names": ("act",), "addresses": (str(tmp_path / "heavy.py"),)}
    result = run(task("act", 0), timeout_seconds=60, timed=("act",), **config)
    ((child, error, _),) = told(result)
    assert error is None
    assert (tmp_path / "by").read_text().split() == [str(child)]
    assert child != os.getpid()
    assert len(children) == 1


def test_an_attempt_without_a_limit_is_made_by_the_worker(children: list[Deadlines]) -> None:
    """Though other steps of the run have one."""
    names = ("whereabouts", "nap")
    step = task("whereabouts", 0)
    ((here, *_),) = told(run(step, names=names, addresses=(DEEDS,)))
    assert children == []
    ((there, *_),) = told(run(step, names=names, addresses=(DEEDS,), timed=("nap",)))
    assert there == here
