"""Threads of a run: what they try is held up by the tests, so that nothing depends on time."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from itertools import count
from string import ascii_letters
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from support.command import process_environment

from driftflow.parallel.processes import this_thread
from driftflow.parallel.threads import Threads
from driftflow.planning.settings import RetryPolicy
from driftflow.running.attempts import AttemptRunner, FailedAttempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftflow.reading.document import Json
    from driftflow.running.interpreter import Said

# Longer than anything here takes. Seconds.
PATIENCE = 60.0


class Work:
    """What the threads do. Steps are called by letters; a capital is held up until it may go on.

    Attributes:
        log: What was tried, `a`; what is waited for before another attempt, `wait`; and what tests
            add to that.
        tried: By letter, set when its step is being tried.
        may_go_on: By letter, what it is held up by.
        fails: The letters of steps whose attempts fail, as often as they stand there.
        interrupts: Those of steps that ask for an interrupt.
        is_over: Whether what is under way is to end soon.
        runs: For which runs the threads were at work.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.tried = {letter: Event() for letter in ascii_letters}
        self.may_go_on = {letter: Event() for letter in ascii_letters}
        self.fails = ""
        self.interrupts = ""
        self.is_over = Event()
        self.runs: set[str | None] = set()
        self.by: dict[str, str] = {}  # the thread that has tried a step

    def perform(self, _: str, letter: Json, __: float | None) -> Json:
        """Try a step."""
        assert isinstance(letter, str)
        self.log.append(letter)
        self.by[letter] = threading.current_thread().name
        self.runs.add(this_thread.run)
        self.tried[letter].set()
        if letter.isupper():
            assert self.may_go_on[letter].wait(PATIENCE)
        if letter in self.interrupts:
            raise KeyboardInterrupt
        if letter in self.fails:
            self.fails = self.fails.replace(letter, "", 1)
            raise OSError(letter)
        return letter

    def pause(self, _: float) -> None:
        """Wait before another attempt."""
        self.log.append("wait")
        if self.is_over.is_set():
            raise KeyboardInterrupt

    def let_go(self, letters: str) -> None:
        """Hold these up no longer."""
        for letter in letters:
            self.may_go_on[letter].set()

    def await_attempt(self, letter: str) -> None:
        """Wait until that step is being tried."""
        assert self.tried[letter].wait(PATIENCE)


@contextmanager
def threads_for(work: Work, jobs: int = 2, *, tiny: bool = False) -> Iterator[Threads]:
    """Threads that do that; all are gone in the end.

    Args:
        work: What they do.
        jobs: How many there are at most.
        tiny: Whether no step takes any time; else each takes seconds, by the clock.
    """
    clock = float if tiny else count(0.0, 1.0).__next__
    runner = AttemptRunner(work.perform, clock, work.pause, lambda: 0.0)
    before = running()
    workers = Threads("mine", runner, work.is_over.is_set, jobs)
    try:
        yield workers
    finally:
        workers.close()
        work.let_go("ABCDEFGH")
        for thread in running() - before:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def running() -> set[Thread]:
    """The threads of runs that there are."""
    return {each for each in threading.enumerate() if each.name.startswith("driftflow-")}


def send(workers: Threads, letters: str, attempts: int = 1, fault: str | None = None) -> str:
    """Send the first of these steps, as many as there is room for; return them."""
    sent = ""
    for letter in letters:
        if not workers.has_room("act"):
            break
        policy = RetryPolicy(attempts)
        workers.send((index_of(letter), "act", letter, policy, True, fault, None))
        workers.flush()
        sent += letter
    return sent


def index_of(letter: str) -> int:
    """The place of a step in the run order."""
    return ord(letter.lower()) - ord("a")


def tell(workers: Threads, number: int) -> str:
    """So many replies, in the order of the alphabet.

    `a1` is a step that is done, `a1:why` one that failed, `a!1` an attempt that did (`a!1.` if
    there is no other).
    """
    words: list[str] = []
    while len(words) < number:
        workers.await_replies(PATIENCE)
        assert workers.has_replies()
        words += map(word, workers.take_replies())
    assert len(words) == number
    return " ".join(sorted(words))


def word(said: Said) -> str:
    """What is told."""
    if isinstance(said, FailedAttempt):
        name = chr(ord("a") + said.step_index)
        return f"{name}!{said.number}{'.' * (said.wait_seconds is None)}"
    assert isinstance(said, tuple)
    index, (_, failure, attempts, _) = said
    name = chr(ord("a") + index)
    return f"{name}{attempts}{f':{failure.message}' if failure else ''}"


def test_a_step_is_tried_by_a_thread_and_what_comes_of_it_told() -> None:
    """Its output, and how long it took."""
    work = Work()
    with threads_for(work) as workers:
        assert send(workers, "a") == "a"
        assert workers.under_way == 1
        workers.await_replies(PATIENCE)
        assert [*workers.take_replies()] == [(0, ("a", None, 1, 1.0))]
        assert workers.under_way == 0
        assert not workers.has_replies()
    assert work.by == {"a": "driftflow-0"}
    assert work.runs == {"mine"}, "programs that it starts are known by that"


def test_no_thread_is_started_before_there_is_work_for_it() -> None:
    """One that is free is used again."""
    before = running()
    work = Work()
    with threads_for(work, jobs=100) as workers:
        assert not running() - before
        send(workers, "AB")
        two = running() - before
        assert len(two) == 2
        work.let_go("AB")
        assert tell(workers, 2) == "a1 b1"
        send(workers, "CD")
        assert running() - before == two
        send(workers, "E")
        assert len(running() - before) == 3


def test_no_more_threads_are_started_than_are_wanted() -> None:
    """All of these are at work together; when one is done there is room again."""
    work = Work()
    with threads_for(work, jobs=3) as workers:
        assert send(workers, "ABCDE") == "ABC"
        for letter in "ABC":
            work.await_attempt(letter)
        assert len({*work.by.values()}) == 3
        work.let_go("B")
        assert tell(workers, 1) == "b1"
        assert send(workers, "DE") == "D"


def test_tiny_steps_wait_for_a_thread() -> None:
    """As many as are known to be tiny: four times as many as are done."""
    work = Work()
    with threads_for(work, jobs=1, tiny=True) as workers:
        assert send(workers, "ab") == "a", "nobody knows it"
        tell(workers, 1)
        assert send(workers, "Bcdefgh") == "Bcdef"
        assert not workers.has_room("other")
        work.let_go("B")
        assert tell(workers, 5) == "b1 c1 d1 e1 f1"
        assert "".join(work.log) == "aBcdef"


def test_whichever_thread_is_free_first_takes_what_waits() -> None:
    """Nothing has to wait for the slow step of another."""
    work = Work()
    with threads_for(work, jobs=2, tiny=True) as workers:
        send(workers, "ab")
        tell(workers, 2)
        assert send(workers, "CDefgh") == "CDefgh"
        work.await_attempt("C")
        work.await_attempt("D")
        work.let_go("D")
        assert tell(workers, 5) == "d1 e1 f1 g1 h1"
        assert {work.by[letter] for letter in "efgh"} == {work.by["D"]}
        assert workers.under_way == 1


def test_what_was_not_tried_says_nothing_of_how_long_a_step_takes() -> None:
    """Its input was not there; the next one with its action may take an hour."""
    work = Work()
    with threads_for(work, jobs=1, tiny=True) as workers:
        send(workers, "a", fault="no input")
        assert tell(workers, 1) == "a0:no input"
        assert send(workers, "BC") == "B"


@pytest.mark.parametrize("most", [0, 1, 2])
def test_with_fewer_threads_than_wanted_it_makes_do(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may not allow them. It is not asked again and again."""
    start, asked = Thread.start, count()

    def limited(thread: Thread) -> None:
        if next(asked) >= most:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr("threading.Thread.start", limited)
    work = Work()
    with threads_for(work, jobs=9) as workers:
        assert send(workers, "ABCDE") == "ABCDE"[:most]
        assert send(workers, "CDE") == ""
        assert next(asked) == most + 1
        work.let_go("ABCDE")
        if most:
            tell(workers, most)
            assert send(workers, "C") == "C"


def test_without_threads_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system allows none. One that was started for a step that did not come is used."""
    work = Work()
    with threads_for(work) as workers:
        before = running()
        assert workers.has_room("act")
        assert workers.has_room("act")
        send(workers, "A")
        assert len(running() - before) == 1

    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    with threads_for(work) as workers:
        assert not workers.has_room("act")
        assert not workers.has_room("act")


def test_an_attempt_that_failed_is_told_before_there_is_another() -> None:
    """Its thread waits until that is on record, and only then for the next attempt."""
    work = Work()
    work.fails = "aaa"
    with threads_for(work) as workers:
        send(workers, "a", attempts=3)
        while workers.under_way:
            workers.await_replies(PATIENCE)
            assert workers.has_replies()
            work.log += map(word, workers.take_replies())
    assert work.log == ["a", "a!1", "wait", "a", "a!2", "wait", "a", "a!3.", "a3:a"]


def test_meanwhile_other_threads_go_on() -> None:
    """Nobody waits for another's attempts."""
    work = Work()
    work.fails = "A"
    with threads_for(work) as workers:
        send(workers, "Ab", attempts=2)
        assert tell(workers, 1) == "b1"
        work.let_go("A")
        assert tell(workers, 2) == "a!1 a2"


def test_what_no_thread_has_begun_can_be_taken_back() -> None:
    """In run order; what stands before is tried, and what is being tried comes to its end."""
    work = Work()
    with threads_for(work, jobs=1, tiny=True) as workers:
        send(workers, "a")
        tell(workers, 1)
        assert send(workers, "Bfdec") == "Bfdec"
        work.await_attempt("B")
        assert workers.recall(index_of("d")) == [index_of("e"), index_of("f")]
        assert workers.recall(index_of("d")) == []
        assert workers.under_way == 3
        assert workers.has_room("act")
        work.let_go("B")
        assert tell(workers, 3) == "b1 c1 d1"
        assert "".join(work.log) == "aBdc"


def test_all_that_no_thread_has_begun_can_be_taken_back() -> None:
    """The thread stays where it is."""
    work = Work()
    with threads_for(work, jobs=1, tiny=True) as workers:
        send(workers, "a")
        tell(workers, 1)
        send(workers, "Bcd")
        work.await_attempt("B")
        assert workers.recall(-1) == [index_of("c"), index_of("d")]
        work.let_go("B")
        assert tell(workers, 1) == "b1"
        assert send(workers, "e") == "e"
        assert tell(workers, 1) == "e1"


def test_what_is_under_way_can_be_given_up() -> None:
    """Whatever comes of it later is not told, neither an attempt nor an outcome."""
    work = Work()
    work.fails = "B"
    with threads_for(work) as workers:
        send(workers, "BA", attempts=2)
        for letter in "AB":
            work.await_attempt(letter)
        assert workers.give_up() == [0, 1]
        assert workers.under_way == 0
        work.let_go("B")
        workers.await_replies(PATIENCE)
        assert [*workers.take_replies()] == []
        work.let_go("A")
        assert send(workers, "CD") == "CD"
        for letter in "CD":  # so both threads are done with the others
            work.await_attempt(letter)
        work.let_go("CD")
        assert tell(workers, 2) == "c1 d1"


def test_an_action_can_ask_for_an_interrupt() -> None:
    """Its step says how far it came."""
    work = Work()
    work.fails, work.interrupts = "b", "c"
    with threads_for(work) as workers:
        send(workers, "b", attempts=3)
        assert tell(workers, 2) == "b!1 b2"
        before = workers.is_interrupted
        send(workers, "c", attempts=3)
        assert tell(workers, 1) == "c1:interrupted"
        assert (before, workers.is_interrupted) == (False, True)
        send(workers, "d")
        assert tell(workers, 1) == "d1"
        assert workers.is_interrupted, "it stays so"


def test_when_all_is_to_end_no_step_is_begun() -> None:
    """One that was sent says that it was not tried."""
    work = Work()
    work.is_over.set()
    with threads_for(work) as workers:
        send(workers, "a")
        assert tell(workers, 1) == "a0:interrupted"
        assert workers.is_interrupted
    assert work.log == []


def test_when_all_is_to_end_no_step_is_tried_again() -> None:
    """Its wait is over, and what came of it is an interrupt."""
    work = Work()
    work.fails = "AA"
    with threads_for(work) as workers:
        send(workers, "A", attempts=9)
        work.await_attempt("A")
        work.is_over.set()
        work.let_go("A")
        assert tell(workers, 1) == "a1:interrupted"
        assert workers.is_interrupted
    assert work.log == ["A", "wait"]


def test_what_fails_when_all_is_to_end_was_interrupted() -> None:
    """The end was what it failed of, most likely, so that is no failed attempt to tell of.

    What succeeds has succeeded.
    """
    work = Work()
    work.fails = "A"
    with threads_for(work) as workers:
        send(workers, "AB")
        for letter in "AB":
            work.await_attempt(letter)
        work.is_over.set()
        work.let_go("B")
        assert tell(workers, 1) == "b1"
        before = workers.is_interrupted
        work.let_go("A")
        assert tell(workers, 1) == "a1:interrupted"
        assert (before, workers.is_interrupted) == (False, True)


def break_off(workers: Threads) -> None:
    """Listen no more, at the first thing that is told."""
    replies = workers.take_replies()
    assert isinstance(next(replies), FailedAttempt)
    replies.close()


@pytest.mark.parametrize("end", [break_off, Threads.close])
def test_no_thread_waits_for_an_attempt_to_be_told_when_nobody_listens(
    end: Callable[[Threads], None],
) -> None:
    """Whether the run is over or was broken off just then."""
    work = Work()
    work.fails = "a"
    with threads_for(work) as workers:
        send(workers, "a", attempts=2)
        workers.await_replies(PATIENCE)
        work.tried["a"].clear()
        end(workers)
        work.await_attempt("a")


def test_when_all_is_over_an_attempt_that_fails_is_waited_for_by_nobody() -> None:
    """The run was left: its thread comes to its end all the same."""
    work = Work()
    work.fails = "A"
    with threads_for(work) as workers:
        send(workers, "A", attempts=2)
        work.await_attempt("A")
        workers.close()
        work.let_go("A")
    assert work.log == ["A", "wait", "A"]


def test_a_thread_ends_when_it_is_free() -> None:
    """Nobody waits for one that is at work."""
    work = Work()
    with threads_for(work) as workers:
        before = running()
        send(workers, "A")
        work.await_attempt("A")
        send(workers, "b")
        tell(workers, 1)
        first, second = sorted(running() - before, key=lambda each: each.name)
        workers.close()
        second.join(PATIENCE)
        assert (first.is_alive(), second.is_alive()) == (True, False)


def test_a_run_that_nobody_has_closed_does_not_keep_the_program_alive() -> None:
    """Its threads see that the program is about to end."""
    script = (
        "from driftflow.parallel import threads\n"
        "from driftflow.parallel.threads import Threads\n"
        "threads._IDLE = 0.01\n"
        "workers = Threads('mine', None, bool, 2)\n"
        "print(workers.has_room('act'))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env=process_environment(), check=True, stdout=subprocess.PIPE, timeout=PATIENCE
    )
    assert done.stdout == b"True\n"
