"""Runs on threads and executors, with deadlines: what is wired with what."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows
from support.command import CHECKOUT, gone, process_environment

from driftflow.actions.registry import resolve_actions
from driftflow.parallel import wiring
from driftflow.parallel.wiring import interpret_in_parallel
from driftflow.planning.settings import Options
from driftflow.running.attempts import never
from driftflow.running.events import (
    AttemptFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from driftflow.planning.plan import Plan
    from driftflow.resuming.decision import Resumption
    from driftflow.running.events import Event, Halt, StepResult

DEEDS = [CHECKOUT / "tests" / "support" / "deeds.py"]


def events_of(
    plan: Plan,
    given: Any = DEEDS,
    resumed: Resumption | None = None,
    find_signal: Callable[[], str | None] = never,
    **how: Any,
) -> Generator[Event, Halt | None, None]:
    """What happens in a run."""
    known = resolve_actions(given).select(plan.actions)
    return interpret_in_parallel(plan, known, Options(**how), resumed, find_signal)


def results(events: Iterable[Event]) -> list[StepResult]:
    """What came of the steps, in run order."""
    finished = {event.step_index: event for event in events if isinstance(event, StepFinished)}
    return [finished[index].result for index in sorted(finished)]


def outputs(plan: Plan, given: Any = DEEDS, **how: Any) -> list[Any]:
    """The outputs of a run, or the errors, in run order."""
    return [
        result.output if result.ok else result.error
        for result in results(events_of(plan, given, **how))
    ]


def crowd(number: int, action: str, value: Any = None, **fields: Any) -> Plan:
    """A wave of steps."""
    steps = [{"name": f"{place:03}", "action": action, "input": value} for place in range(number)]
    return workflows.plan(*steps, **{"flags": {"parallel": True}} | fields)


def meeting(number: int) -> dict[str, Callable[[Any], Any]]:
    """An action that returns only when so many attempts at it are made at the same time."""
    barrier = threading.Barrier(number)
    return {"meet": lambda _: barrier.wait(60) >= 0}


@pytest.mark.parametrize("jobs", [2, 16])
def test_as_many_steps_as_jobs_are_tried_at_the_same_time(jobs: int) -> None:
    """In threads; no step of this wave would end if fewer were."""
    assert outputs(crowd(jobs, "meet"), meeting(jobs), jobs=jobs) == [True] * jobs


def test_there_are_four_jobs_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    """And as many as there are cores that the process may use."""
    for cores, jobs in ((1, 4), (7, 7)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert outputs(crowd(jobs, "meet"), meeting(jobs)) == [True] * jobs


@pytest.mark.parametrize("how", [{"jobs": 1}, {"flags": {}}])
def test_one_at_a_time_needs_no_thread(how: dict[str, Any]) -> None:
    """With one job, or with the flag off."""
    jobs = how.pop("jobs", None)
    plan = crowd(3, "who", **how)
    here = {"who": lambda _: threading.current_thread().name}
    assert outputs(plan, here, jobs=jobs) == [threading.current_thread().name] * 3


def test_a_step_that_is_ready_alone_runs_in_the_thread_of_the_run() -> None:
    """It would have to wait for another; by its wave, or by what it comes after."""
    here = {"who": lambda _: threading.current_thread() is threading.main_thread()}
    steps = [{"action": "who", "priority": priority} for priority in (3, 2, 1, 1)]
    plan = workflows.plan(*steps, flags={"parallel": True})
    assert outputs(plan, here) == [True, True, False, False]
    chain: list[dict[str, Any]] = [
        {"name": "a", "action": "who"},
        {"name": "b", "action": "who", "after": ["a"]},
        {"name": "c", "action": "who", "after": ["b"]},
        {"name": "d", "action": "who", "after": ["b"]},
        {"name": "e", "action": "who", "after": ["c", "d"]},
    ]
    plan = workflows.plan(*chain, flags={"parallel": True})
    assert outputs(plan, here) == [True, True, False, False, True]


def test_a_step_starts_while_slow_ones_of_its_wave_are_under_way() -> None:
    """As soon as what it comes after is done: here the slow one waits for it."""
    last = threading.Event()
    mine = {"slow": lambda _: last.wait(60), "end": lambda _: last.set()}
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "slow"},
        {"name": "b"},
        {"name": "c", "after": ["b"]},
        {"name": "d", "action": "end", "after": ["c"]},
    ]
    plan = workflows.plan(*steps, flags={"parallel": True})
    assert outputs(plan, mine, jobs=2) == [True, "", "", None]
    last.clear()
    with ThreadPoolExecutor(2) as executor:
        assert outputs(plan, mine, jobs=2, executor=executor) == [True, "", "", None]


class Noting(Executor):
    """An executor that does all at once, and notes what is asked of it."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it."""
        self.requests.append((fn, args, kwargs))
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Never: it is the caller's."""
        raise AssertionError

    map = shutdown  # type: ignore[assignment]


def test_an_executor_gets_each_step_and_is_left_alone() -> None:
    """Each request has a token of its own: equal ones would be one to some executors."""
    executor = Noting()
    assert outputs(crowd(40, "echo", "same"), executor=executor, jobs=3) == ["same"] * 40
    functions, requests, keywords = zip(*executor.requests, strict=True)
    assert {(each.__module__, each.__qualname__) for each in functions} == {
        ("driftflow.parallel.worker", "run_batch")
    }
    assert not any(keywords)
    tokens = [request["token"] for (request,) in requests]
    assert len(set(tokens)) == len(tokens) < 40
    again = Noting()
    outputs(crowd(40, "echo", "same"), executor=again)
    assert not {*tokens} & {request["token"] for _, (request,), _ in again.requests}


def test_with_the_flag_off_an_executor_has_one_step_at_a_time() -> None:
    """Each is a wave of its own: one code path."""
    executor = Noting()
    outputs(crowd(5, "echo", "same", flags={}), executor=executor)
    assert [len(request["tasks"]) for _, (request,), _ in executor.requests] == [1] * 5


def test_on_an_executor_of_this_process_actions_are_those_of_the_run() -> None:
    """Also what no other process could find."""
    with ThreadPoolExecutor(2) as executor:
        assert (
            outputs(crowd(3, "mine", 1), {"mine": lambda _: "my own"}, executor=executor)
            == ["my own"] * 3
        )


def test_waits_are_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    """In turn; in threads a wait can be broken off."""
    slept: list[float] = []
    monkeypatch.setattr(wiring, "sleep", slept.append)
    backoff = {"delay_seconds": 3, "jitter": False}
    plan = crowd(1, "nobody", max_attempts=3, backoff=backoff)
    assert outputs(plan, jobs=1) == ["unknown action: 'nobody'"]
    assert slept == [3, 6]
    waited: list[float] = []
    monkeypatch.setattr("threading.Event.wait", lambda _, seconds=None: waited.append(seconds))
    outputs(crowd(2, "nobody", max_attempts=3, backoff=backoff))
    assert sorted(seconds for seconds in waited if seconds) == [3, 3, 6, 6]


def failures(events: Iterable[Event]) -> list[tuple[int, int, str, float | None]]:
    """The attempts that failed: whose, which, with what, and the wait for the next one."""
    return [
        (event.step_index, event.attempt, event.failure.message, event.wait_seconds)
        for event in events
        if isinstance(event, AttemptFailed)
    ]


@pytest.mark.parametrize(
    "how", [{"jobs": 1}, {"jobs": 2}, {"executor": Noting()}, {"executor": "threads"}]
)
def test_each_attempt_that_fails_is_an_event(how: dict[str, Any]) -> None:
    """Between the start and the end of its step, wherever that is tried."""
    plan = crowd(2, "nobody", max_attempts=3, backoff={"delay_seconds": 0})
    with ThreadPoolExecutor(2) as executor:
        if how.get("executor") == "threads":
            how = {"executor": executor}
        events = [*events_of(plan, **how)]
    error = "unknown action: 'nobody'"
    told = [failure for failure in failures(events) if failure[0] == 0]
    assert told == [(0, 1, error, 0.0), (0, 2, error, 0.0), (0, 3, error, None)]
    own = [event for event in events if getattr(event, "step_index", None) == 0]
    assert isinstance(own[0], StepStarted)
    assert isinstance(own[-1], StepFinished)
    assert own[-1].result.attempts == 3


@pytest.mark.parametrize("where", ["here", "threads", "executor"])
def test_an_attempt_that_failed_is_told_before_the_next_one(where: str) -> None:
    """Not only when its step is done, where that is tried in this process."""
    told = threading.Event()
    tried: list[bool] = []

    def act(_: Any) -> str:
        tried.append(told.is_set())
        if len(tried) == 1:
            raise OSError("first")
        return "done"

    plan = workflows.plan(
        {"name": "a", "action": "act", "max_attempts": 2}, {"name": "b"}, flags={"parallel": True}
    )
    with ThreadPoolExecutor(2) as executor:
        how: dict[str, Any] = {"executor": executor} if where == "executor" else {}
        jobs = 1 if where == "here" else 2
        for event in events_of(plan, {"act": act}, jobs=jobs, **how):
            if isinstance(event, AttemptFailed):
                told.set()
    assert tried == [False, True]


class Losing(Noting):
    """An executor that loses what it is given, so many times."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it, or lose it."""
        self.losses -= 1
        if self.losses < 0:
            return super().submit(fn, *args, **kwargs)
        lost: Future[Any] = Future()
        lost.set_exception(OSError("gone"))
        return lost


def test_what_an_executor_loses_is_a_failed_attempt() -> None:
    """Of its step, which is tried again."""
    plan = crowd(1, "echo", 7, max_attempts=3)
    events = [*events_of(plan, executor=Losing(2))]
    error = "lost by the executor: OSError: gone"
    assert failures(events) == [(0, 1, error, 0.0), (0, 2, error, 0.0)]
    (result,) = results(events)
    assert (result.output, result.attempts) == (7, 3)
    (result,) = results(events_of(plan, executor=Losing(3)))
    assert (result.error, result.error_type, result.attempts) == (error, "WorkerLost", 3)


def test_an_interrupt_forgets_no_attempt_that_was_lost() -> None:
    """It is on record as one, so it counts in what came of its step."""
    events = events_of(crowd(1, "echo", 7, max_attempts=3), executor=Losing(1))
    failed = next(event for event in events if isinstance(event, AttemptFailed))
    told: list[Event] = []
    with suppress(KeyboardInterrupt):
        while True:
            told.append(events.send("interrupt"))
    (result,) = results(told)
    assert (failed.attempt, result.error, result.attempts) == (1, "interrupted", 1)


def test_after_a_signal_a_step_that_failed_in_the_thread_of_the_run_is_not_tried_again() -> None:
    """Even if its action has caught the interrupt. The end of the run names the signal."""
    for jobs in (1, 2):
        plan = crowd(1, "nobody", max_attempts=3)
        told: list[Event] = []
        with pytest.raises(KeyboardInterrupt):
            told.extend(events_of(plan, find_signal=lambda: "SIGTERM", jobs=jobs))
        (result,) = results(told)
        assert (result.error, result.attempts) == ("interrupted", 1)
        assert isinstance(told[-1], RunFinished)
        assert (told[-1].status, told[-1].signal) == ("interrupted", "SIGTERM")


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_with_deadlines_attempts_are_made_by_children(flags: dict[str, bool]) -> None:
    """One for each thread, also the run's own, and gone when it is over; the plan says how long."""
    plan = crowd(4, "whereabouts", flags=flags)
    pids = {*outputs(plan, enforce_timeout=True, jobs=2)}
    assert os.getpid() not in pids
    assert len(pids) <= (3 if flags else 1)
    assert all(map(gone, pids))
    late = crowd(2, "nap", 600, flags=flags, timeout_seconds=0.1)
    assert outputs(late, enforce_timeout=True)[:1] == ["timed out after 0.1 s"]
    retried = crowd(1, "nap", 600, flags=flags, timeout_seconds=0.1, max_attempts=2)
    (result,) = results(events_of(retried, jobs=2, enforce_timeout=True))
    assert (result.attempts, result.error_type) == (2, "TimedOut")


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("away", [False, True])
def test_a_step_can_have_a_timeout_of_its_own(*, away: bool, jobs: int) -> None:
    """Nobody has to ask for it; the other steps are tried as ever."""
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "nap", "input": 600, "timeout_seconds": 0.1, "optional": True},
        {"name": "b", "action": "whereabouts", "timeout_seconds": 60},
        {"name": "c", "action": "whereabouts"},
    ]
    plan = workflows.plan(*steps, flags={"parallel": True}, timeout_seconds=0.001)
    executor = Noting() if away else None
    late, there, here = outputs(plan, jobs=jobs, executor=executor)
    assert late == "timed out after 0.1 s"
    assert here == os.getpid() != there
    assert gone(there)


def test_what_an_earlier_run_has_done_is_not_run_again() -> None:
    """Neither in threads nor on an executor; others read it."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b"},
        {"name": "c", "input": {"from": "a"}},
        flags={"parallel": True},
    )
    resumed = workflows.resumption(plan, {0: "known"})
    for executor in (None, Noting()):
        events = [*events_of(plan, resumed=resumed, executor=executor)]
        assert [result.output for result in results(events)] == ["known", "", "known"]
        started = [event.step_index for event in events if isinstance(event, StepStarted)]
        assert sorted(started) == [1, 2]
        (first, *_) = events
        assert isinstance(first, RunStarted)
        assert first.resumed == resumed


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_run_can_keep_going(jobs: int) -> None:
    """Then a failure ends only what comes after it."""
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "nobody"},
        {"name": "b", "after": ["a"]},
        {"name": "c", "priority": -1},
    ]
    plan = workflows.plan(*steps, flags={"parallel": True})
    for executor in (None, Noting()):
        events = [*events_of(plan, jobs=jobs, executor=executor, keep_going=True)]
        assert [result.name for result in results(events)] == ["a", "c"]
        assert isinstance(events[-1], RunFinished)
        assert (events[-1].status, events[-1].not_run) == ("failed", (1,))


def test_without_a_limit_no_child_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor anything that could start one."""

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("driftflow.parallel.deadlines.Deadlines", refuse)
    assert outputs(crowd(2, "echo", 1, timeout_seconds=0.001)) == [1, 1]


def test_what_only_deadlines_need_is_imported_with_them() -> None:
    """A run in threads does without."""
    script = (
        "import sys\n"
        "from driftflow.parallel import wiring\n"
        "print({'driftflow.parallel.deadlines', 'multiprocessing', 'socket'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=process_environment(), check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"set()\n"


def test_threads_are_gone_when_the_run_is_over() -> None:
    """Also when it was broken off."""
    before = running()
    outputs(crowd(50, "echo", 1))
    events = events_of(crowd(50, "echo", 1), (), jobs=3)
    for _ in range(9):
        next(events)
    assert running() - before
    events.close()
    for thread in running() - before:
        thread.join(60)
    assert not running() - before


def running() -> set[threading.Thread]:
    """The threads of runs that there are."""
    return {each for each in threading.enumerate() if each.name.startswith("driftflow-")}


def test_an_interrupt_in_a_thread_ends_the_run() -> None:
    """And what waits between attempts does so no longer: the wait would be a day."""
    steps = [
        {"name": "a", "action": "nobody"},
        {"name": "b", "action": "interrupt"},
    ]
    backoff = {"delay_seconds": 86400, "max_delay_seconds": 86400, "jitter": False}
    plan = workflows.plan(*steps, flags={"parallel": True}, max_attempts=2, backoff=backoff)
    with pytest.raises(KeyboardInterrupt):
        outputs(plan)


def test_an_interrupt_ends_what_children_do() -> None:
    """At once: it would take ten minutes."""
    steps: list[dict[str, Any]] = [
        {"name": "a", "action": "nap", "input": 600, "timeout_seconds": 6000},
        {"name": "b", "action": "interrupt"},
    ]
    told: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        told.extend(events_of(workflows.plan(*steps, flags={"parallel": True})))
    assert [result.error for result in results(told)] == ["interrupted"] * 2


class HeldUp:
    """An action that waits until it may go on, and then fails."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.may_go_on = threading.Event()

    def __call__(self, _: Any) -> None:
        """Wait, and fail."""
        self.has_begun.set()
        assert self.may_go_on.wait(60)
        raise OSError("down")

    def interrupt_beside(self, events: Generator[Event, Halt | None, None]) -> list[Event]:
        """Interrupt a run at the start of its second step, when this is tried in the first.

        Returns:
            What came of that.
        """
        for event in events:
            if isinstance(event, StepStarted) and event.step_index == 1:
                break
        assert self.has_begun.wait(60)
        return [events.send("interrupt")]


@pytest.mark.parametrize("away", [False, True])
def test_what_fails_after_an_interrupt_was_interrupted(*, away: bool) -> None:
    """The end was what it failed of, most likely."""
    act = HeldUp()
    first = {"name": "a", "action": "act"}
    plan = workflows.plan(first, {"name": "b"}, flags={"parallel": True})
    with ThreadPoolExecutor(2) as executor:
        events = events_of(plan, {"act": act}, executor=executor if away else None)
        told = act.interrupt_beside(events)
        act.may_go_on.set()
        with pytest.raises(KeyboardInterrupt):
            told.extend(events)
    assert [(each.error, each.attempts) for each in results(told)] == [
        ("interrupted", 1),
        ("interrupted", 0),
    ]


class Keeping(ThreadPoolExecutor):
    """Threads, and what will come of what they do."""

    def __init__(self) -> None:
        super().__init__(2)
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Note it."""
        self.futures.append(super().submit(fn, *args, **kwargs))
        return self.futures[-1]


def test_when_a_run_is_over_no_thread_of_an_executor_is_held_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To tell of an attempt that failed: nobody listens any more."""
    monkeypatch.setattr("driftflow.parallel.crew.GRACE", 0.0)
    act, executor = HeldUp(), Keeping()
    first = {"name": "a", "action": "act", "max_attempts": 2}
    plan = workflows.plan(first, {"name": "b"}, flags={"parallel": True})
    events = events_of(plan, {"act": act}, executor=executor)
    told = act.interrupt_beside(events)
    with pytest.raises(KeyboardInterrupt):
        told.extend(events)
    assert results(told)[0].error == "interrupted; its outcome is unknown"
    act.may_go_on.set()
    (future,) = executor.futures
    assert future.result(60)["interrupted"]
    executor.shutdown()


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
@pytest.mark.parametrize("action", ["echo", "no"])
def test_an_interrupt_when_all_is_done_changes_no_status(
    flags: dict[str, bool], action: str
) -> None:
    """One step at a time or several: there is nothing left that it could have ended."""
    plan = workflows.plan({}, {}, {"action": action, "optional": True}, flags=flags)
    sent: Halt | None = None
    told: list[Event] = []
    events = events_of(plan, ())
    with suppress(StopIteration, KeyboardInterrupt):
        while True:
            told.append(events.send(sent))
            if len(results(told)) == 3:  # the last to be told need not be the last of the plan
                sent = "interrupt"
    assert isinstance(told[-1], RunFinished)
    assert told[-1].status == ("ok" if action == "echo" else "failed")


@pytest.mark.parametrize("most", [0, 1, 3])
def test_with_fewer_threads_than_wanted_each_step_is_still_tried_once(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may not allow them; a pool would try a step twice then."""
    start = threading.Thread.start
    running: list[threading.Thread] = []

    def limited(thread: threading.Thread) -> None:
        if sum(each.is_alive() for each in running) >= most:
            raise RuntimeError("can't start new thread")
        start(thread)
        running.append(thread)

    monkeypatch.setattr("threading.Thread.start", limited)
    tried: list[int] = []
    steps = [{"action": "note", "input": place} for place in range(20)]
    plan = workflows.plan(*steps, flags={"parallel": True}, max_attempts=3)
    assert outputs(plan, {"note": tried.append}, jobs=9) == [None] * 20
    assert sorted(tried) == list(range(20))


def test_no_thread_is_started_that_would_have_nothing_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A chain has none, and others as many as steps are under way together."""
    start = threading.Thread.start
    started: list[str] = []

    def noted(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr("threading.Thread.start", noted)
    both = meeting(2)
    steps = [{"action": "meet", "priority": priority} for priority in (2, 2, 1, 1)]
    outputs(workflows.plan(*steps, flags={"parallel": True}), both, jobs=100_000)
    assert started == ["driftflow-0", "driftflow-1"]
    started.clear()
    outputs(workflows.plan({}, {"priority": 1}, flags={"parallel": True}))
    outputs(workflows.plan(flags={"parallel": True}))
    assert started == []
