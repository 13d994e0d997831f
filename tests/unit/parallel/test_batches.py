"""Batches of steps, on a toy executor whose batches end when a test says so."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from driftflow.failures import Failure
from driftflow.parallel.batches import Batches
from driftflow.planning.settings import RetryPolicy
from driftflow.running.attempts import FailedAttempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from driftflow.parallel.worker import BatchResult
    from driftflow.running.attempts import Outcome, Task
    from driftflow.running.interpreter import Said

GONE = "lost by the executor: OSError: worker gone"
FAULT = "input from 'z', which failed"
TINY = 0.0
SLOW = 1.0
# As many steps as one wants: in run order, since the index of a step is the code of its letter.
MANY = "".join(chr(0x4E00 + number) for number in range(8000))


class Toy:
    """An executor, and what sends steps to it as a crew does. Steps are called by letters.

    A batch is called by the letters of its steps.

    Args:
        jobs: How many batches may be under way.
        policy: How steps are tried.
        action: The action of each step.
        fault: Why no step can be tried; None if each can.
    """

    def __init__(
        self,
        jobs: int = 2,
        *,
        policy: RetryPolicy = RetryPolicy(3),  # noqa: B008 - nothing can change it
        action: str = "act",
        fault: str | None = None,
    ) -> None:
        self.policy = policy
        self.action = action
        self.fault = fault
        self.refuses = False
        self.sent: list[str] = []
        self.tasks: dict[str, Task] = {}
        self.futures: dict[str, Future[BatchResult]] = {}
        self.batches = Batches(self.submit, jobs)

    def submit(self, tasks: list[Task]) -> Future[BatchResult]:
        """Take a batch."""
        name = "".join(chr(index) for index, *_ in tasks)
        self.sent.append(name)
        if self.refuses:
            raise RuntimeError("it is shut down")
        self.tasks.update((chr(task[0]), task) for task in tasks)
        self.futures[name] = Future()
        return self.futures[name]

    def send(self, letters: str) -> str:
        """Send the first of these steps, as many as there is room for; return them."""
        sent = ""
        for letter in letters:
            if not self.batches.has_room(self.action):
                break
            task = (ord(letter), self.action, letter, self.policy, True, self.fault, None)
            self.batches.send(task)
            sent += letter
        self.batches.flush()
        return sent

    def finish(self, batch: str, *outcomes: Outcome, number: int = 10_000) -> str:
        """End a batch: with these outcomes for its first steps, which took a second by default.

        Args:
            batch: Its name.
            outcomes: What came of steps: of the first ones, or of all of them if it is one.
            number: How many steps the worker had time for.

        Returns:
            What is told.
        """
        tried = batch[:number]
        given = outcomes * len(tried) if len(outcomes) == 1 else outcomes or [good()] * len(tried)
        told: BatchResult = {"outcomes": [([], each) for each in given], "interrupted": False}
        return self.end(batch, told)

    def lose(self, batch: str, error: BaseException | None = None) -> str:
        """Lose a batch; return what is told."""
        self.futures.pop(batch).set_exception(error or OSError("worker gone"))
        return self.tell()

    def end(self, batch: str, result: BatchResult) -> str:
        """End a batch with that result; return what is told."""
        self.futures.pop(batch).set_result(result)
        return self.tell()

    def tell(self) -> str:
        """What there is to be told; then what has to be sent again is, as a crew does it."""
        words = [word(said) for said in self.batches.take_replies()]
        self.batches.flush()
        return " ".join(words)


def good(seconds: float = SLOW) -> Outcome:
    """What comes of a step at its first attempt."""
    return "output", None, 1, seconds


def bad(attempts: int = 1) -> Outcome:
    """What comes of a step that failed."""
    return None, Failure("bad"), attempts, SLOW


def failed(letter: str, number: int = 1, wait: float | None = 0.0) -> FailedAttempt:
    """An attempt that failed."""
    return FailedAttempt(ord(letter), number, Failure("bad"), wait)


def word(said: Said) -> str:
    """What is told: `a!2` for a failed attempt (`a!2.` for the last one), `a2` for a success.

    A step that failed is told with its error: `a2:bad`.
    """
    if isinstance(said, FailedAttempt):
        return f"{chr(said.step_index)}!{said.number}{'.' * (said.wait_seconds is None)}"
    assert isinstance(said, tuple)
    index, (output, failure, attempts, _) = said
    assert output == (None if failure else "output")
    return f"{chr(index)}{attempts}{f':{failure.message}' if failure else ''}"


def tiny(jobs: int = 2, known: int = 250) -> Toy:
    """A toy of whose steps so many are known to be tiny."""
    toy = Toy(jobs)
    work_through(toy, MANY[:known], TINY)
    toy.sent.clear()
    return toy


def work_through(toy: Toy, letters: str, seconds: float) -> None:
    """Send all of these steps, and let each take so long."""
    while letters:
        sent = toy.send(letters)
        assert sent
        letters = letters.removeprefix(sent)
        for name in [*toy.futures]:
            toy.finish(name, good(seconds))


def test_a_step_that_nobody_knows_is_a_batch_by_itself() -> None:
    """It goes where nothing else is to be done; and so do those that take their time."""
    toy = Toy(jobs=3)
    assert toy.send("abcdef") == "abc"
    assert toy.sent == ["a", "b", "c"]
    assert toy.finish("b") == "b1"
    assert toy.send("def") == "d"
    assert toy.sent[3:] == ["d"]


def test_no_more_batches_are_under_way_than_are_wanted() -> None:
    """Whatever is known of the steps; what has to be sent again waits, too."""
    toy = tiny(jobs=2)
    assert toy.send(MANY[:5000]) == MANY[:2000]
    first, second = toy.sent
    assert (len(first), len(second)) == (1000, 1000)
    toy.finish(first, good(TINY), number=0)
    toy.lose(second)
    assert len(toy.futures) == 2
    assert len(toy.sent) == 4


def test_tiny_steps_are_sent_many_at_a_time() -> None:
    """More with each batch, as far as they are known."""
    toy = Toy(jobs=1)
    work_through(toy, MANY, TINY)
    assert [len(batch) for batch in toy.sent] == [1, 4, 20, 100, 500, *[1000] * 7, 375]
    large = Toy(jobs=1)
    work_through(large, MANY[:9], SLOW)
    assert [len(batch) for batch in large.sent] == [1] * 9


def test_a_tiny_step_is_not_sent_before_others_can_come_with_it() -> None:
    """Only when its batch is full, or nothing else is ready."""
    toy = tiny(known=1)
    for letter in "abcd":
        assert toy.batches.has_room("act")
        assert toy.sent == []
        toy.batches.send((ord(letter), "act", letter, RetryPolicy(), True, None, None))
    assert toy.sent == ["abcd"]
    assert toy.batches.has_room("act")
    toy.batches.send((ord("e"), "act", "e", RetryPolicy(), True, None, None))
    toy.batches.flush()
    assert toy.sent == ["abcd", "e"]


def test_a_step_that_is_not_tiny_is_not_sent_together_with_tiny_ones() -> None:
    """Neither before nor behind them: nobody knows how long that takes."""
    toy = tiny(jobs=4)
    for letter, action in (("a", "act"), ("b", "act"), ("c", "other"), ("d", "act")):
        assert toy.batches.has_room(action)
        toy.batches.send((ord(letter), action, letter, RetryPolicy(), True, None, None))
    assert toy.sent == ["ab", "c"]
    toy.batches.flush()
    assert toy.sent == ["ab", "c", "d"]


def test_steps_are_under_way_from_when_they_are_sent_until_they_are_told_of() -> None:
    """However often they are sent."""
    toy = tiny()
    assert toy.batches.under_way == 0
    toy.send("abc")
    assert toy.batches.under_way == 3
    toy.finish("abc", good(TINY), number=1)
    assert toy.batches.under_way == 2
    toy.lose("bc")
    assert toy.batches.under_way == 2
    assert toy.finish("b") + toy.finish("c") == "b1c1"
    assert toy.batches.under_way == 0


def test_what_a_batch_had_no_time_for_is_sent_again() -> None:
    """Before any other step, and without a charge."""
    toy = tiny()
    toy.send("abcdef")
    assert toy.finish("abcdef", good(TINY), number=2) == "a1 b1"
    assert toy.sent == ["abcdef", "cdef"]
    busy = tiny(jobs=1)
    busy.send("abcd")
    busy.futures.pop("abcd").set_result({"outcomes": [([], good(TINY))], "interrupted": False})
    assert [word(said) for said in busy.batches.take_replies()] == ["a1"]
    assert not busy.batches.has_room("act")
    busy.batches.flush()
    assert busy.sent == ["abcd", "bcd"]


def test_what_is_sent_again_goes_in_run_order() -> None:
    """Whichever of it came back first."""
    toy = tiny(jobs=3)
    toy.send("ef")
    toy.send("cd")
    toy.send("ab")
    for name in ("cd", "ef"):
        toy.futures[name].set_result({"outcomes": [], "interrupted": False})
    assert toy.tell() == ""
    assert "".join(toy.sent[3:]) == "cdef"


def test_what_comes_back_and_is_not_tiny_is_sent_step_by_step() -> None:
    """The first step has shown it. The others need not wait behind each other."""
    toy = tiny(jobs=3)
    toy.send("abcdef")
    assert toy.finish("abcdef", number=1) == "a1"
    assert toy.sent == ["abcdef", "b", "c", "d"]


def test_what_comes_back_is_sent_in_batches_that_are_no_larger_than_others() -> None:
    """Of several batches together, too."""
    toy = tiny(jobs=2)
    toy.send(MANY[:2000])
    for name in [*toy.futures]:
        toy.futures[name].set_result({"outcomes": [], "interrupted": False})
    toy.tell()
    assert [len(batch) for batch in toy.sent] == [1000] * 4


def test_a_batch_that_is_lost_is_sent_again_step_by_step() -> None:
    """Which of its steps it was cannot be known, so none is charged."""
    toy = tiny(jobs=2)
    toy.send("abcd")
    assert toy.lose("abcd") == ""
    assert toy.sent == ["abcd", "a", "b"]
    assert toy.finish("b") == "b1"
    assert toy.lose("a") == "a!1"
    assert toy.finish("a") == "a2"
    assert toy.finish("c") + toy.finish("d") == "c1d1"
    assert toy.sent == ["abcd", "a", "b", "c", "a", "d"]


def test_what_was_lost_does_not_go_with_what_only_came_back() -> None:
    """Neither before it nor behind it: that would be lost, too."""
    toy = tiny(jobs=4)
    toy.send("ad")
    toy.send("bc")
    toy.futures["ad"].set_result({"outcomes": [], "interrupted": False})
    toy.futures["bc"].set_exception(OSError())
    assert toy.tell() == ""
    assert toy.sent == ["ad", "bc", "a", "b", "c", "d"]


def test_a_step_that_is_lost_by_itself_has_used_an_attempt() -> None:
    """It is told, and counts in whatever comes of the step."""
    toy = Toy()
    toy.send("a")
    assert toy.lose("a") == "a!1"
    assert toy.tasks["a"][3] == RetryPolicy(2)
    assert toy.lose("a") == "a!2"
    assert toy.tasks["a"] == (97, "act", "a", RetryPolicy(1), True, None, None)
    assert toy.finish("a") == "a3"
    assert toy.sent == ["a"] * 3


def test_a_step_that_is_lost_at_its_last_attempt_has_failed() -> None:
    """In the executor's words. The other steps are not charged."""
    toy = Toy()
    toy.send("ab")
    assert [toy.lose("a") for _ in range(3)] == ["a!1", "a!2", f"a!3. a3:{GONE}"]
    assert toy.batches.under_way == 1
    assert toy.finish("b") == "b1"
    assert toy.sent == ["a", "b", "a", "a"]


def test_a_loss_is_an_error_like_any_other_to_what_is_worth_another_attempt() -> None:
    """By the name of its type."""
    for names, told in (
        (("WorkerLost",), "a!1"),
        (("Exception",), "a!1"),
        (("OSError",), f"a!1. a1:{GONE}"),
        ((), f"a!1. a1:{GONE}"),
    ):
        toy = Toy(policy=RetryPolicy(2, retry_on=names))
        toy.send("a")
        assert toy.lose("a") == told


def test_attempts_that_failed_before_and_after_a_loss_have_their_own_numbers() -> None:
    """Those that a worker tells of are told before the outcome."""
    toy = Toy(policy=RetryPolicy(5))
    toy.send("a")
    toy.lose("a")
    outcome = ([failed("a", 1), failed("a", 2), failed("a", 3, wait=None)], bad(3))
    told = toy.end("a", {"outcomes": [outcome], "interrupted": False})
    assert told == "a!2 a!3 a!4. a4:bad"


def test_failed_attempts_come_before_what_came_of_their_step() -> None:
    """Of each step of a batch."""
    toy = tiny()
    toy.send("abc")
    first = ([failed("a", 1)], good(TINY))
    last = ([failed("c", 1), failed("c", 2, wait=None)], bad(2))
    told = toy.end("abc", {"outcomes": [first, ([], good())], "interrupted": False})
    assert told == "a!1 a1 b1"
    assert toy.end("c", {"outcomes": [last], "interrupted": False}) == "c!1 c!2. c2:bad"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "MemoryError"),
        (CancelledError(), "CancelledError"),
        (SystemExit("over"), "SystemExit: over"),
        (OSError("worker gone"), "OSError: worker gone"),
    ],
)
def test_whatever_an_executor_raises_is_a_loss(error: BaseException, words: str) -> None:
    """Nothing is raised here."""
    toy = Toy(policy=RetryPolicy(1))
    toy.send("a")
    assert toy.lose("a", error) == f"a!1. a1:lost by the executor: {words}"


def test_an_executor_that_takes_nothing_loses_what_it_is_given() -> None:
    """In its own words; nothing is raised, and no step is left."""
    toy = tiny(jobs=1)
    toy.refuses = True
    assert toy.send("ab") == "ab"
    told = [toy.tell() for _ in range(7)]
    shut = "lost by the executor: RuntimeError: it is shut down"
    assert toy.batches.under_way == 0
    assert " ".join(told).strip() == f"a!1 a!2 a!3. a3:{shut} b!1 b!2 b!3. b3:{shut}"
    assert toy.sent == ["ab", *"aaabbb"]


def test_an_executor_that_does_a_batch_at_once_is_as_good_as_any() -> None:
    """Its future is done when it is handed out."""
    batches = Batches(at_once, 1)
    batches.send((97, "act", "a", RetryPolicy(), True, None, None))
    batches.await_replies(60)
    assert [word(said) for said in batches.take_replies()] == ["a1"]


def at_once(tasks: list[Task]) -> Future[BatchResult]:
    """A batch that is done."""
    future: Future[BatchResult] = Future()
    future.set_result({"outcomes": [([], good()) for _ in tasks], "interrupted": False})
    return future


def test_a_lost_step_that_could_not_be_tried_says_why() -> None:
    """It was not the executor's fault, and no attempt."""
    toy = Toy(fault=FAULT)
    toy.send("a")
    assert toy.lose("a") == f"a0:{FAULT}"


def known_from(toy: Toy) -> list[str]:
    """What is sent first when several steps with the toy's action are ready: `["v", "w"]`."""
    before = len(toy.sent)
    toy.send("vwxyz")
    return toy.sent[before:]


def test_what_was_lost_says_nothing_of_how_long_a_step_takes() -> None:
    """It may have been at work for an hour: those behind it go one by one, though it failed."""
    toy = Toy(jobs=2, policy=RetryPolicy(1))
    toy.send("a")
    assert toy.lose("a").startswith("a!1. a1:")
    assert known_from(toy) == ["v", "w"]
    before = tiny(jobs=2)
    before.policy = RetryPolicy(1)
    before.send("a")
    before.lose("a")
    assert known_from(before) == ["v", "w"]


def test_what_was_not_tried_says_nothing_of_how_long_a_step_takes() -> None:
    """Its input was not there; the next one with its action may take an hour."""
    toy = Toy(jobs=2)
    toy.send("a")
    assert toy.finish("a", (None, Failure(FAULT), 0, 1e-6)) == f"a0:{FAULT}"
    assert known_from(toy) == ["v", "w"]


def test_what_a_step_took_is_known_of_its_action_alone() -> None:
    """Others are not known by that."""
    toy = tiny(jobs=2)
    assert known_from(toy) == ["vwxyz"]
    toy.action = "other"
    assert known_from(toy) == ["v"]


def test_a_future_that_holds_an_interrupt_is_one_of_the_run() -> None:
    """What came of its steps is not known; each of them has an outcome all the same."""
    toy = tiny()
    toy.send("abc")
    before = toy.batches.is_interrupted
    unknown = "interrupted; its outcome is unknown"
    told = toy.lose("abc", KeyboardInterrupt())
    assert told == f"a1:{unknown} b1:{unknown} c1:{unknown}"
    assert (before, toy.batches.is_interrupted) == (False, True)
    assert toy.batches.under_way == 0


def test_an_interrupt_on_a_worker_is_known() -> None:
    """What was not tried there can be taken back."""
    toy = tiny()
    toy.send("abc")
    ended: Outcome = (None, Failure("interrupted", ("KeyboardInterrupt",)), 2, SLOW)
    result: BatchResult = {"outcomes": [([], good()), ([], ended)], "interrupted": True}
    toy.futures["abc"].set_result(result)
    assert [word(said) for said in toy.batches.take_replies()] == ["a1", "b2:interrupted"]
    assert toy.batches.is_interrupted
    assert toy.batches.recall(-1) == [ord("c")]
    assert toy.batches.under_way == 0
    toy.send("d")
    toy.finish("d")
    assert toy.batches.is_interrupted, "it stays so"


def test_what_no_worker_has_can_be_taken_back() -> None:
    """What waits to be sent, for the first time or again; not what an executor has."""
    toy = tiny(jobs=2)
    toy.send("ef")
    toy.send("cd")
    for name in ("ef", "cd"):
        toy.futures[name].set_result({"outcomes": [], "interrupted": False})
    assert [*toy.batches.take_replies()] == []
    assert toy.batches.recall(ord("e")) == [ord("f")]
    toy.batches.flush()
    assert toy.batches.recall(-1) == []
    assert sorted("".join(toy.sent[2:])) == [*"cde"]
    assert toy.batches.under_way == 3
    new = tiny(jobs=2)
    for letter in "ab":
        new.batches.send((ord(letter), "act", letter, RetryPolicy(), True, None, None))
    assert new.batches.recall(ord("a")) == [ord("b")]
    new.batches.flush()
    assert new.sent == ["a"]


def test_what_is_under_way_can_be_given_up() -> None:
    """Whatever comes of it later is not told."""
    toy = tiny()
    toy.send("ba")
    toy.send("c")
    assert toy.batches.give_up() == [97, 98, 99]
    assert toy.batches.under_way == 0
    assert toy.finish("ba") == ""
    assert toy.lose("c") == ""
    assert toy.sent == ["ba", "c"]


@pytest.mark.parametrize("told", range(5))
def test_what_nobody_listened_to_is_not_under_way_for_ever(told: int) -> None:
    """A run can be broken off at anything that it is told."""
    toy = tiny()
    toy.send("abc")
    outcomes = [([failed(letter)], good()) for letter in "abc"]
    toy.futures["abc"].set_result({"outcomes": outcomes, "interrupted": False})
    assert_nothing_is_left(toy, told)


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_loss_that_nobody_listened_to_is_not_under_way_for_ever(attempts: int) -> None:
    """Whether it would have been sent again or not."""
    toy = Toy(policy=RetryPolicy(attempts))
    toy.send("a")
    toy.futures["a"].set_exception(OSError())
    assert_nothing_is_left(toy, told=0)


def assert_nothing_is_left(toy: Toy, told: int) -> None:
    """Break off what is told after so many words; then nothing may be under way any more."""
    replies = toy.batches.take_replies()
    for _ in range(told + 1):
        next(replies)
    replies.close()
    for _ in toy.batches.take_replies():
        pass
    toy.batches.recall(-1)
    assert toy.batches.under_way == 0


class Worker(Thread):
    """A thread of an executor that tells of failed attempts."""

    def __init__(self, batches: Batches, *attempts: FailedAttempt) -> None:
        super().__init__(daemon=True)
        self.batches = batches
        self.attempts = attempts
        self.log: list[Any] = []
        self.start()

    def run(self) -> None:
        """Tell of them, one after the other."""
        for attempt in self.attempts:
            self.log.append(self.batches.report(attempt))

    def has_ended(self) -> bool:
        """Whether it comes to its end."""
        self.join(60)
        return not self.is_alive()


def test_an_attempt_that_failed_in_this_process_is_told_at_once() -> None:
    """Its thread waits until that is on record."""
    toy = Toy()
    toy.send("a")
    worker = Worker(toy.batches, failed("a", 1), failed("a", 2))
    for number in (1, 2):
        toy.batches.await_replies(60)
        for said in toy.batches.take_replies():
            worker.log.append(word(said))
            assert toy.batches.under_way == 1
        assert f"a!{number}" in worker.log
    assert worker.has_ended()
    assert worker.log == ["a!1", True, "a!2", True]


def test_a_loss_counts_before_attempts_that_are_told_at_once() -> None:
    """Their numbers go on from there."""
    toy = Toy()
    toy.send("a")
    toy.lose("a")
    worker = Worker(toy.batches, failed("a", 1))
    toy.batches.await_replies(60)
    assert toy.tell() == "a!2"
    assert worker.has_ended()


def test_the_thread_of_the_run_cannot_tell_itself() -> None:
    """It would wait for itself. The attempt comes with what came of the step."""
    toy = Toy()
    toy.send("a")
    assert toy.batches.report(failed("a")) is False
    assert not toy.batches.has_replies()


def test_of_a_step_that_was_given_up_no_attempt_is_told() -> None:
    """But its thread goes on."""
    toy = Toy()
    toy.send("a")
    toy.batches.give_up()
    worker = Worker(toy.batches, failed("a"))
    toy.batches.await_replies(60)
    assert toy.tell() == ""
    assert worker.has_ended()
    assert worker.log == [True]


def break_off(batches: Batches) -> None:
    """Listen no more, at the first thing that is told."""
    replies = batches.take_replies()
    next(replies)
    replies.close()


@pytest.mark.parametrize("end", [break_off, Batches.close])
def test_nobody_waits_for_an_attempt_to_be_told_when_nobody_listens(
    end: Callable[[Batches], None],
) -> None:
    """Whether the run is over or was broken off just then."""
    toy = Toy()
    toy.send("a")
    worker = Worker(toy.batches, failed("a"))
    toy.batches.await_replies(60)
    end(toy.batches)
    assert worker.has_ended()


def names_of(told: Iterable[Said]) -> list[str]:
    """The types of errors of attempts that failed."""
    return [said.failure.types[0] for said in told if isinstance(said, FailedAttempt)]


def test_a_loss_has_a_type_of_its_own() -> None:
    """So that a config can name it."""
    toy = Toy()
    toy.send("a")
    toy.futures["a"].set_exception(OSError())
    assert names_of(toy.batches.take_replies()) == ["WorkerLost"]
