"""Waves in batches, on a toy executor that finishes a batch when the crew waits for one."""

from __future__ import annotations

import random
from collections import deque
from concurrent.futures import Future
from itertools import count
from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows

from driftflow.parallel.crew import ConcurrentCrew, GracePeriod
from driftflow.running.interpreter import sequential, waves

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from driftflow.parallel.worker import BatchResult
    from driftflow.planning.plan import Plan, Step
    from driftflow.running.attempts import Outcome, Task
    from driftflow.running.events import Halt
    from driftflow.running.interpreter import Crew

A_SECOND = 1.0
BAD: Outcome = (False, None, "bad", 3, A_SECOND)
ENDED: Outcome = (False, None, "interrupted", 2, A_SECOND)


class Toy:
    """An executor. Steps are called by letters, a batch by those of its steps.

    Args:
        choose: Which of the batches under way is finished next, from their names; the first one.
        bad: The steps that fail.
        seconds: How long each step takes.
        budget: How many steps of a batch are tried before the rest is given back.
        lost: Batches that are lost, as often as they stand there.
        ended: The steps that an interrupt ends.
        stuck: Batches that do not come to an end.
        interrupts: Which calls of `get` are interrupted.
    """

    def __init__(  # noqa: PLR0913 - each test needs one or two of them
        self,
        *,
        choose: Callable[[Sequence[str]], str] = lambda names: names[0],
        bad: str = "",
        seconds: float = A_SECOND,
        budget: int = 1000,
        lost: Sequence[str] = (),
        ended: str = "",
        stuck: Sequence[str] = (),
        interrupts: Sequence[int] = (),
    ) -> None:
        self.choose = choose
        self.bad = bad
        self.seconds = seconds
        self.budget = budget
        self.lost = list(lost)
        self.ended = ended
        self.stuck = stuck
        self.interrupts = list(interrupts)
        self.gets = count()
        self.timeouts: list[float | None] = []
        self.under_way: dict[str, Future[BatchResult]] = {}
        self.sent: list[str] = []
        self.most = 0
        self.given_up = 0
        self.ready: deque[Any] = deque()

    def submit(self, tasks: list[Task]) -> Future[BatchResult]:
        """Take a batch."""
        name = "".join(str(given) for _, given, *_ in tasks)
        if f"refuse {name}" in self.lost:
            self.lost.remove(f"refuse {name}")
            raise RuntimeError("it is shut down")
        self.sent.append(name)
        future: Future[BatchResult] = Future()
        self.under_way[name] = future
        self.most = max(self.most, len(self.under_way))
        return future

    def put(self, item: Any) -> None:
        """Keep what has come to an end: as a queue."""
        self.ready.append(item)

    def get(self, timeout: float | None = None) -> Any:
        """Finish a batch, if none has come to an end; those that are stuck take too long."""
        self.timeouts.append(timeout)
        if next(self.gets) in self.interrupts:
            raise KeyboardInterrupt
        if timeout is not None and not self.ready and {*self.under_way} <= {*self.stuck}:
            raise Empty
        if not self.ready:
            name = self.choose(list(self.under_way))
            future = self.under_way.pop(name)
            if name in self.lost:
                self.lost.remove(name)
                future.set_exception(OSError("worker gone"))
            else:
                future.set_result(self.result(name))
        return self.ready.popleft()

    def result(self, name: str) -> BatchResult:
        """What comes of a batch."""
        outcomes: list[Outcome] = []
        for letter in name[: self.budget]:
            good: Outcome = (True, letter, None, 1, self.seconds)
            outcomes.append(BAD if letter in self.bad else ENDED if letter in self.ended else good)
            if outcomes[-1] is not good and letter.islower():
                break
        return {"outcomes": outcomes, "interrupted": outcomes[-1] is ENDED}

    def give_up(self) -> None:
        """Be told that nobody wants it any more."""
        self.given_up += 1


def crowd(*letters: str) -> Plan:
    """A plan whose waves are those letters; a capital is an optional step."""
    steps = [
        {"name": name, "optional": name.isupper(), "priority": -number}
        for number, wave in enumerate(letters)
        for name in wave
    ]
    return workflows.plan(*steps, flags={"parallel": True})


def task(step: Step) -> Task:
    """The step as a task: its input is its letter."""
    return step.action, step.name, 1 if step.optional else 3, step.optional, None


def work(
    toy: Toy, jobs: int, *letters: str, alone: Crew | None = None
) -> Generator[Outcome | None, Halt | None, bool]:
    """Let a crew work through the plan."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("driftflow.parallel.crew.SimpleQueue", lambda: toy)
        crew = ConcurrentCrew(toy.submit, jobs, [toy.give_up], alone)
    return crew(waves(crowd(*letters)), task)


def story(stream: Generator[Outcome | None, Halt | None, bool]) -> str:
    """What a crew gives: a dot for each step that is begun, then its letter, or what went wrong."""
    told: list[str] = []
    while True:
        try:
            outcome = next(stream)
        except StopIteration as end:
            return " ".join([*told, "on" if end.value else "over"])
        told.append("." if outcome is None else str(outcome[1] or outcome[2]))


def test_a_step_is_begun_before_it_is_sent() -> None:
    """So its record is on file before it is tried; and as many at a time as are wanted."""
    toy = Toy()
    stream = work(toy, 2, "abcd")
    sent = []
    while next(stream) is None:
        sent.append("".join(toy.sent))
    assert sent == ["", "a"]
    assert "".join(toy.sent) == "ab"


@pytest.mark.parametrize("jobs", [1, 2, 3, 9])
@pytest.mark.parametrize("seed", range(5))
def test_outcomes_come_in_run_order_whatever_is_finished_first(jobs: int, seed: int) -> None:
    """Never more batches are under way; each wave is done before the next is begun."""
    toy = Toy(choose=random.Random(seed).choice)  # noqa: S311 - the same each time
    told = story(work(toy, jobs, "abcdefg", "hijk"))
    assert told.replace(". ", "") == "a b c d e f g h i j k on"
    first, second = told.split("g ")
    assert first.count(".") == 7
    assert second.count(".") == 4
    assert toy.most == min(jobs, 7)


def test_an_outcome_is_given_as_soon_as_those_before_it_are() -> None:
    """While others are still under way."""
    toy = Toy(choose=lambda names: names[0])
    assert story(work(toy, 2, "abcd")) == ". . a . b . c d on"
    slow_first = Toy(choose=lambda names: names[-1])
    assert story(work(slow_first, 2, "abcd")) == ". . . . a b c d on"


def test_a_failure_ends_the_run_at_its_place() -> None:
    """What had been begun after it is given still, and nothing else is begun."""
    assert story(work(Toy(bad="b"), 2, "abcd", "e")) == ". . a . bad c over"
    assert story(work(Toy(bad="a"), 9, "abc", "e")) == ". . . bad b c over"


def test_an_optional_failure_ends_nothing() -> None:
    """Its step is a capital."""
    assert story(work(Toy(bad="B"), 2, "Bacd")) == ". . bad . a . c d on"


def test_of_two_failures_the_first_in_run_order_counts() -> None:
    """Whichever happened first."""
    toy = Toy(bad="bd", choose=lambda names: names[-1])
    assert story(work(toy, 4, "abcdef")) == ". . . . a bad c bad over"


def test_small_steps_are_sent_many_at_a_time() -> None:
    """A batch should take a fiftieth of a second, and grows step by step."""
    letters = "".join(chr(0x4E00 + number) for number in range(300))
    toy = Toy(seconds=2**-11)
    assert story(work(toy, 1, letters)).replace(". ", "") == " ".join(f"{letters}") + " on"
    assert [len(batch) for batch in toy.sent] == [1, 4, 16, *[40] * 6, 39]
    large = Toy(seconds=0.03)
    story(work(large, 1, letters[:9]))
    assert [len(batch) for batch in large.sent] == [1] * 9
    timeless = Toy(seconds=0.0)
    story(work(timeless, 1, letters * 20))
    assert [len(batch) for batch in timeless.sent] == [1, 4, 16, 64, 256, *[1000] * 5, 659]


def test_what_a_batch_had_no_time_for_is_sent_again() -> None:
    """Before anything new is; it has been begun, and is not begun once more."""
    toy = Toy(seconds=0.001, budget=3)
    told = story(work(toy, 1, "abcdefghij"))
    assert toy.sent == ["a", "bcde", "e", "fghij", "ij"]
    assert told.count(".") == 10
    assert told.replace(". ", "") == "a b c d e f g h i j on"


def test_what_was_given_back_is_tried_even_after_a_failure_behind_it() -> None:
    """And nothing behind that failure is."""

    def choose(names: Sequence[str]) -> str:
        return next((name for name in names if "g" in name), names[0])

    toy = Toy(seconds=0.0, budget=2, bad="g", choose=choose)
    told = story(work(toy, 2, "abcdefghijkl"))
    assert toy.sent == ["a", "b", "cdef", "ghij", "ef"]
    assert told.endswith("c d e f bad not tried not tried not tried over")


def test_what_lies_between_two_failures_is_not_tried() -> None:
    """The first one ends the run, though the second was behind it."""
    order = ["a", "b", "c", "defg", "lmno", "hijk"]

    def first(names: Sequence[str]) -> str:
        return min(names, key=order.index)

    toy = Toy(seconds=0.0, budget=2, bad="dl", choose=first)
    told = story(work(toy, 3, "abcdefghijklmnopq"))
    assert toy.sent == ["a", "b", "c", "defg", "hijk", "lmno"]
    untried = "not tried not tried"
    assert told.endswith(f" bad {untried} not tried h i {untried} bad {untried} not tried over")


def test_what_is_sent_again_goes_in_run_order() -> None:
    """Whichever of it came back first."""

    def choose(names: Sequence[str]) -> str:
        return "ghij" if "ghij" in names else names[0]

    back = Toy(seconds=0.0, budget=2, choose=choose, lost=["ghij"])
    story(work(back, 2, "abcdefghij"))
    assert back.sent[:6] == ["a", "b", "cdef", "ghij", "g", "efhij"]
    lost = Toy(seconds=0.0, budget=2, lost=["cdef"])
    story(work(lost, 2, "abcdefghij"))
    assert lost.sent == ["a", "b", "cdef", "ghij", "c", "defij", "fij", "j"]


def test_a_batch_that_is_lost_is_sent_again_step_by_step() -> None:
    """Which of its steps it was cannot be known."""
    toy = Toy(seconds=0.001, lost=["bcde"])
    told = story(work(toy, 1, "abcdefg"))
    assert toy.sent[:3] == ["a", "bcde", "b"]
    assert told.replace(". ", "") == "a b c d e f g on"


def outcomes(stream: Generator[Outcome | None, Halt | None, bool]) -> list[Outcome]:
    """All outcomes."""
    return [outcome for outcome in stream if outcome is not None]


def test_a_step_that_is_lost_by_itself_has_used_an_attempt() -> None:
    """It fails when all are used; an optional one has but one."""
    assert outcomes(work(Toy(lost=["a"]), 1, "a")) == [(True, "a", None, 2, A_SECOND)]
    assert outcomes(work(Toy(lost=["a", "a"]), 1, "a")) == [(True, "a", None, 3, A_SECOND)]
    gone = "lost by the executor: OSError: worker gone"
    toy = Toy(lost=["a", "a", "a", "B"])
    assert outcomes(work(toy, 2, "Bac")) == [
        (False, None, gone, 1, 0.0),
        (False, None, gone, 3, 0.0),
        (True, "c", None, 1, A_SECOND),
    ]
    assert toy.sent == ["B", "a", "c", "a", "a"]


def test_a_loss_is_no_matter_of_the_next_wave() -> None:
    """Whose steps have their own attempts."""
    toy = Toy(lost=["a", "b"])
    attempts = [outcome[3] for outcome in outcomes(work(toy, 2, "ab", "cd"))]
    assert attempts == [2, 2, 1, 1]


def test_an_executor_that_takes_nothing_loses_what_it_is_given() -> None:
    """Nothing is raised."""
    shut = "lost by the executor: RuntimeError: it is shut down"
    toy = Toy(lost=["refuse a"] * 3)
    assert outcomes(work(toy, 1, "ab")) == [(False, None, shut, 3, 0.0)]


def test_a_lost_step_that_could_not_be_tried_says_why() -> None:
    """It was not the executor's fault."""

    def untried(step: Step) -> Task:
        return step.action, step.name, 0, step.optional, "input from 'z', which failed"

    toy = Toy(lost=["a"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("driftflow.parallel.crew.SimpleQueue", lambda: toy)
        crew = ConcurrentCrew(toy.submit, 1, [], alone=None)
    assert outcomes(crew(waves(crowd("a")), untried)) == [
        (False, None, "input from 'z', which failed", 0, 0.0)
    ]


def test_halted_it_begins_nothing_more_and_gives_what_was_begun() -> None:
    """A step that was about to be begun is not sent."""
    toy = Toy()
    stream = work(toy, 2, "abcd", "e")
    assert [next(stream), next(stream)] == [None, None]
    assert stream.send("stop") == (True, "a", None, 1, A_SECOND)  # instead of the second
    with pytest.raises(StopIteration) as end:
        stream.send("stop")
    assert end.value.value is False
    assert toy.sent == ["a"]


def test_halted_at_an_outcome_it_is_about_to_begin_nothing() -> None:
    """What has been begun by then comes to its end."""
    toy = Toy()
    stream = work(toy, 2, "abcd")
    outcome = None
    while outcome is None:
        outcome = next(stream)
    assert stream.send("stop") == (True, "b", None, 1, A_SECOND)
    with pytest.raises(StopIteration):
        stream.send("stop")


def test_halted_it_still_finishes_what_was_given_back() -> None:
    """It has been begun."""
    toy = Toy(seconds=0.0, budget=2)
    stream = work(toy, 1, "abcdefgh")
    told = []
    outcome = next(stream)
    while True:
        if outcome:
            told.append(outcome[1])
        try:
            outcome = stream.send("stop" if "b" in told else None)
        except StopIteration:
            break
    assert told == ["a", "b", "c", "d", "e"]
    assert toy.sent == ["a", "bcde", "de"]


def interrupted(stream: Generator[Outcome | None, Halt | None, bool]) -> str:
    """What a crew gives until it is interrupted: as in a story."""
    told: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        told.extend(
            "." if each is None else str(each[1] or f"{each[2]} {each[3]}") for each in stream
        )
    return " ".join(told)


def test_an_interrupt_on_a_worker_is_one_of_the_run() -> None:
    """What else is under way is told to end, and waited for; nothing more is begun."""
    toy = Toy(choose=max, ended="c")
    assert interrupted(work(toy, 3, "abcdef")) == ". . . a b interrupted 2"
    assert toy.given_up == 1
    assert not toy.under_way
    assert toy.sent == ["a", "b", "c"]


def test_of_several_interrupts_on_workers_the_first_one_counts() -> None:
    """The others are what came of it: the grace period does not begin anew."""
    toy = Toy(ended="abc")
    told = interrupted(work(toy, 3, "abcdef"))
    assert told == ". . . interrupted 2 interrupted 2 interrupted 2"
    assert toy.given_up == 1


def test_a_future_that_holds_an_interrupt_is_one_of_the_run() -> None:
    """What came of its steps is not known; each of them has an outcome all the same."""
    toy = Toy(seconds=0.0)
    submit = toy.submit

    def failing(tasks: list[Task]) -> Future[BatchResult]:
        future = submit(tasks)
        if len(tasks) > 1:
            future.set_exception(KeyboardInterrupt())
        return future

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("driftflow.parallel.crew.SimpleQueue", lambda: toy)
        crew = ConcurrentCrew(failing, 1, [toy.give_up], alone=None)
    unknown = "interrupted; its outcome is unknown 1"
    assert (
        interrupted(crew(waves(crowd("abcde")), task)) == f". a . . . . {' '.join([unknown] * 4)}"
    )


def test_an_interrupt_that_comes_while_a_batch_is_waited_for_is_one_of_the_run() -> None:
    """Each step that was begun has an outcome: what it came to, if that is known in time."""
    toy = Toy(interrupts=[1], seconds=0.0)
    assert interrupted(work(toy, 2, "abcdefg")) == ". . a . . . . b c d e f"
    assert toy.given_up == 1


@pytest.mark.parametrize("begun", [1, 2])
def test_an_interrupt_that_is_sent_leaves_no_step_without_an_outcome(begun: int) -> None:
    """What was about to be begun was not tried."""
    toy = Toy()
    stream = work(toy, 2, "abcd", "e")
    for _ in range(begun):
        assert next(stream) is None
    first = (True, "a", None, 1, A_SECOND) if begun > 1 else (False, None, "interrupted", 0, 0.0)
    assert stream.send("interrupt") == first
    assert interrupted(stream) == ("" if begun == 1 else "interrupted 0")
    assert toy.sent == ["a"][: begun - 1]
    assert toy.given_up == 1


def test_an_interrupt_waits_for_no_longer_than_its_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread cannot be ended. What its step comes to is not known."""
    clock = count(100.0, 1.0)
    monkeypatch.setattr("driftflow.parallel.crew.monotonic", lambda: next(clock))
    toy = Toy(choose=min, ended="a", stuck=["c"])
    unknown = "interrupted; its outcome is unknown 1"
    assert interrupted(work(toy, 3, "abcdef")) == f". . . interrupted 2 b {unknown}"
    assert toy.timeouts == [0.1] * 7
    assert list(toy.under_way) == ["c"]
    assert toy.given_up == 6  # what has begun just before is told to end, too


def test_a_grace_period_is_over_five_seconds_after_it_began() -> None:
    """Until it has begun it is never over, and there is nothing to remind of."""
    told: list[str] = []
    grace = GracePeriod([lambda: told.append("a"), lambda: told.append("b")])
    grace.remind()
    assert not grace.is_over(1e9)
    assert told == []
    grace.begin(100.0)
    assert told == ["a", "b"]
    assert [grace.is_over(now) for now in (100.0, 104.9, 105.0, 999.0)] == [
        False,
        False,
        True,
        True,
    ]
    assert told == ["a", "b"]
    grace.remind()
    assert told == ["a", "b"] * 2


def test_to_tell_to_end_needs_no_grace_period() -> None:
    """Whoever is closed waits for as long as it takes."""
    told: list[str] = []
    grace = GracePeriod([lambda: told.append("a")])
    grace.tell_to_end()
    assert told == ["a"]
    assert not grace.is_over(1e9)


def test_a_batch_is_waited_for_again_and_again() -> None:
    """So that Python sees to a signal that came just before a wait."""
    toy = Toy()
    get, calls = toy.get, count()

    def slow(timeout: float | None = None) -> Any:
        if next(calls) % 2 == 0:
            raise Empty
        return get(timeout)

    toy.get = slow  # type: ignore[method-assign]
    assert story(work(toy, 2, "abc")) == ". . a . b c on"
    assert toy.given_up == 0


def test_a_second_interrupt_waits_for_nothing() -> None:
    """Whoever asks twice means it."""
    toy = Toy(interrupts=[0, 1])
    assert interrupted(work(toy, 3, "abcdef")) == ". . ."
    assert list(toy.under_way) == ["a", "b", "c"]


def test_what_was_given_back_is_not_tried_after_an_interrupt() -> None:
    """It was begun, so it has an outcome."""
    toy = Toy(seconds=0.0, budget=2)
    stream = work(toy, 1, "abcdefgh")
    while next(stream) != (True, "b", None, 1, 0.0):
        pass
    assert stream.send("interrupt") == (True, "c", None, 1, 0.0)
    assert interrupted(stream) == "interrupted 0 interrupted 0"
    assert toy.sent == ["a", "bcde"]


@pytest.mark.parametrize("end", ["close", "throw"])
def test_broken_off_it_waits_for_what_is_under_way(end: str) -> None:
    """A run never ends before its steps."""
    toy = Toy()
    stream = work(toy, 3, "abcdefg")
    while next(stream) is None:
        pass
    assert toy.under_way
    if end == "close":
        stream.close()
    else:
        with pytest.raises(LookupError):
            stream.throw(LookupError)
    assert not toy.under_way
    assert toy.given_up == 1


def test_an_interrupt_that_takes_a_batch_with_it_is_not_waited_for() -> None:
    """It may come just when a batch has come to its end, and has been taken note of no more."""
    toy = Toy()
    stream = work(toy, 2, "abcd")
    get, calls = toy.get, count()

    def losing(timeout: float | None = None) -> Any:
        number = get(timeout)
        if next(calls) == 1:
            raise KeyboardInterrupt
        return number

    toy.get = losing  # type: ignore[method-assign]
    assert interrupted(stream) == ". . a . b c"
    assert not toy.under_way


def test_a_run_that_comes_to_its_end_gives_up_nothing() -> None:
    """Neither a good one nor one that a step has ended."""
    for bad in ("", "b"):
        toy = Toy(bad=bad)
        story(work(toy, 2, "abcd"))
        assert toy.given_up == 0


def test_no_more_steps_are_begun_than_are_kept_in_mind() -> None:
    """While the first one takes its time, ten thousand are; their outcomes wait for it."""
    letters = "".join(chr(0x4E00 + number) for number in range(20_000))
    toy = Toy(seconds=0.0, choose=lambda names: names[-1])
    begun = 0
    for outcome in work(toy, 2, letters):
        if outcome is not None:
            break
        begun += 1
    assert begun == 10_000
    assert toy.most == 2


def test_a_wave_of_one_step_needs_no_executor() -> None:
    """If there is a crew for such; many such waves are one matter to it."""

    def perform(_: str, letter: Any) -> Any:
        if letter == "x":
            raise OSError("bad")
        return f"alone {letter}"

    toy = Toy()
    alone = sequential(perform, lambda: 0.0, int)
    told = story(work(toy, 2, "a", "b", "cd", "e", "x", "f", alone=alone))
    assert told.replace(". ", "") == "alone a alone b c d alone e bad over"
    assert toy.sent == ["c", "d"]
    assert story(work(Toy(), 2, "a", "bc", alone=alone)).endswith("on")
