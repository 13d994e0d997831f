"""A piece of work, done wherever it comes to."""

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
from driftflow.parallel.worker import Brief, Site, begun_here, stoppable, work
from driftflow.planning.settings import Backoff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftflow.parallel.crew import Report
    from driftflow.parallel.deadlines import Deadlines
    from driftflow.reading.document import Json
    from driftflow.running.attempts import Task

DEEDS = str(CHECKOUT / "tests" / "support" / "deeds.py")


def order(*tasks: Task, run: str = "elsewhere", **brief: Any) -> Any:
    """What is to be done; for a run that was begun in another process by default."""
    fields: dict[str, Any] = {"names": (), "sources": (), "backoff": None, "timeout_seconds": None}
    return {"token": "t", "brief": Brief(run, **fields | brief), "tasks": list(tasks)}


def task(action: str, value: Any, attempts: int = 1, *, optional: bool = False) -> Task:
    """Something to try."""
    return action, value, attempts, optional, None


def told(report: Report) -> list[tuple[Any, ...]]:
    """The outcomes but for their durations."""
    return [outcome[:4] for outcome in report["outcomes"]]


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    """Each test begins as a new process does."""
    worker._site_far_away.cache_clear()  # noqa: SLF001 - what it keeps is what is tested
    yield
    worker._site_far_away.cache_clear()  # noqa: SLF001


def test_the_tasks_are_worked_through_in_order() -> None:
    """Each gives an outcome, good or bad."""
    report = work(order(task("echo", 1), task("upper", 2, optional=True), task("upper", "c")))
    assert told(report) == [
        (True, 1, None, 1),
        (False, None, "upper takes a string, not an integer", 1),
        (True, "C", None, 1),
    ]
    assert report["interrupted"] is False


def test_a_failure_that_ends_the_run_ends_the_work() -> None:
    """Nothing behind it is tried."""
    report = work(order(task("echo", 1), task("nope", 2, attempts=3), task("echo", 3)))
    assert told(report) == [(True, 1, None, 1), (False, None, "unknown action: 'nope'", 3)]


def test_an_order_and_its_report_are_plain_data() -> None:
    """What JSON and pickle make of them is the same."""
    given = order(task("echo", {"b": [1, None], "a": 2.5}), backoff=Backoff())
    assert pickle.loads(pickle.dumps(given)) == given
    copy = json.loads(json.dumps(given))
    assert copy["tasks"] == [["echo", {"b": [1, None], "a": 2.5}, 1, False, None]]
    report = work(given)
    assert json.loads(json.dumps(report))["outcomes"] == [list(report["outcomes"][0])]


def test_when_the_time_is_up_the_rest_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """But one task is always tried."""
    clock = iter(range(100))
    monkeypatch.setattr(worker, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(worker, "BUDGET", 7)
    tasks = [task("echo", number) for number in range(5)]
    assert len(work(order(*tasks))["outcomes"]) == 3
    monkeypatch.setattr(worker, "BUDGET", 0)
    assert len(work(order(*tasks))["outcomes"]) == 1


def test_an_interrupt_is_reported_and_not_raised() -> None:
    """There are executors that would not survive it."""
    report = work(
        order(task("echo", 1), task("interrupt", 2), names=("echo", "interrupt"), sources=(DEEDS,))
    )
    assert told(report) == [(True, 1, None, 1), (False, None, "interrupted", 1)]
    assert report["interrupted"] is True


def test_actions_are_looked_up_where_the_work_is_done() -> None:
    """Once for a run, so that a file is not run for each piece; anew for the next."""
    names, sources = ("whereabouts", "nope"), (DEEDS,)
    first = order(task("whereabouts", 0), run="one", names=names, sources=sources)
    assert told(work(first))[0][0] is True
    assert worker._site(first["brief"]) is worker._site(first["brief"])  # noqa: SLF001
    second = order(task("whereabouts", 0), run="two", names=names, sources=sources)
    assert worker._site(first["brief"]) is not worker._site(second["brief"])  # noqa: SLF001


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
    brief: dict[str, Any] = {"names": ("act",), "sources": (str(tmp_path / "slow.py"),)}
    with ThreadPoolExecutor(4) as pool:
        reports = pool.map(lambda number: work(order(task("act", number), **brief)), range(4))
        assert [told(report)[0][1] for report in reports] == [0, 1, 2, 3]
    assert (tmp_path / "runs").read_text() == "x"


def test_what_cannot_be_loaded_there_is_an_unknown_action() -> None:
    """It says why; the others are not harmed."""
    names, sources = (
        ("total", "whereabouts", "mine"),
        ("/nowhere/orders.py", DEEDS, ("mine", "", "")),
    )
    tasks = [task(name, 0, optional=True) for name in ("total", "whereabouts", "mine")]
    report = work(order(*tasks, names=names, sources=sources))
    why = "; /nowhere/orders.py: No such file or directory"
    why += "; mine: only the process that began the run has it"
    assert [outcome[2] for outcome in report["outcomes"]] == [
        f"unknown action: 'total'{why}",
        None,
        f"unknown action: 'mine'{why}",
    ]


def test_work_of_a_run_that_was_begun_here_goes_to_its_site() -> None:
    """It has the very functions that the run was given; when that is over it has no more."""
    site = Site(lambda name, value: f"{name} {value} here", pause=int, is_over=bool)
    with begun_here("mine", site):
        assert told(work(order(task("any", 1), run="mine"))) == [(True, "any 1 here", None, 1)]
        assert told(work(order(task("any", 1), run="yours")))[0][2] == "unknown action: 'any'"
    assert told(work(order(task("any", 1), run="mine")))[0][2] == "unknown action: 'any'"


def test_a_run_that_was_broken_off_begins_nothing_more() -> None:
    """An order that is still about is answered, and not done elsewhere."""
    with (
        pytest.raises(LookupError),
        begun_here("broken", Site(lambda _, __: "done", pause=int, is_over=bool)),
    ):
        raise LookupError
    report = work(order(task("any", 1), run="broken"))
    assert report == {"outcomes": [], "interrupted": True}


def test_whatever_goes_wrong_stands_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some executors do not survive what a function raises."""

    def fail(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(worker, "_site", fail)
    report = work(order(task("echo", 1), task("echo", 2)))
    assert told(report) == [(False, None, "the worker failed: MemoryError: no room", 0)]


def test_a_process_that_was_forked_has_no_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a copy of all, and what a site holds cannot be shared: children, for instance."""
    with begun_here("mine", Site(lambda _, __: "mine", pause=int, is_over=bool)):
        monkeypatch.setattr("os.getpid", lambda: -1)
        assert told(work(order(task("echo", "own"), run="mine"))) == [(True, "own", None, 1)]
        monkeypatch.undo()


def test_waits_happen_where_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the attempts."""
    slept: list[float] = []
    monkeypatch.setattr(worker, "sleep", slept.append)
    work(order(task("nope", 0, attempts=4), backoff=Backoff(jitter=False)))
    assert slept == [1, 2, 4]


def test_a_site_can_be_stopped() -> None:
    """No further attempt begins, and a wait is over at once."""
    for backoff in (None, Backoff(delay_seconds=10_000)):
        stop = Event()
        site = stoppable(make_performer(ACTIONS), backoff, stop)
        assert site.perform("upper", "a") == "A"
        assert not site.is_over()
        stop.set()
        assert site.is_over()
        with pytest.raises(KeyboardInterrupt):
            site.pause(1)


@pytest.mark.parametrize("place", range(3))
def test_interrupted_work_says_how_far_it_came(place: int) -> None:
    """What was being tried counts as interrupted, whatever the action made of it."""
    over: list[bool] = []

    def perform(_: str, value: Json) -> Json:
        if value == place:
            over.append(True)
            raise LookupError
        return value

    with begun_here("mine", Site(perform, pause=int, is_over=lambda: bool(over))):
        report = work(order(*(task("any", number) for number in range(3)), run="mine"))
        assert work(order(task("any", 7), run="mine")) == {"outcomes": [], "interrupted": True}
    assert report["interrupted"]
    done = [(True, number, None, 1) for number in range(place)]
    assert told(report) == [*done, (False, None, "interrupted", 1)]


def test_a_site_that_is_not_stopped_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as the backoff says."""
    stop = Event()
    slept: list[float] = []
    monkeypatch.setattr(stop, "wait", slept.append)
    stoppable(make_performer(ACTIONS), Backoff(jitter=False), stop).pause(2)
    assert slept == [2]


def test_an_attempt_there_can_take_no_longer_than_it_may() -> None:
    """It is made in a child of the worker's."""
    brief: dict[str, Any] = {
        "names": ("nap", "whereabouts"),
        "sources": (DEEDS,),
        "timeout_seconds": 0.2,
    }
    first = order(task("nap", 60, optional=True), task("whereabouts", 0), **brief)
    with cast("Deadlines", cast("Any", worker._site(first["brief"]).perform).__self__):  # noqa: SLF001
        assert work(first)["outcomes"][0][2] == "timed out after 0.2 s"
        rest = work(order(task("whereabouts", 0), **brief))["outcomes"]
    here = work(order(task("whereabouts", 0), names=("whereabouts",), sources=(DEEDS,)))["outcomes"]
    assert rest[0][0] is True
    assert rest[0][1] != here[0][1]
