"""Steps at the same time, by toy workers that do something only when the crew waits for them."""

from __future__ import annotations

import random
import sys
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows

from driftflow.failures import Failure
from driftflow.parallel.crew import ConcurrentCrew, GracePeriod
from driftflow.planning.settings import RetryPolicy
from driftflow.running.attempts import AttemptRunner, FailedAttempt, LateInterrupt
from driftflow.running.interpreter import sequential
from driftflow.running.interrupts import may_interrupt
from driftflow.running.waves import InWaves

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from driftflow.running.attempts import Outcome, Task
    from driftflow.running.events import Halt
    from driftflow.running.interpreter import Crew, Said

UNKNOWN = "interrupted; its outcome is unknown"


class Toy:
    """Workers. Steps are called by letters; they are done one by one, whenever there is a wait.

    Args:
        jobs: How many steps they begin at the same time.
        ahead: How many others they take, which wait.
        holds: Whether what is sent waits for `flush`.
        choose: Which of the steps that are begun is done next, from their letters; the first one.
        bad: The steps that fail, at last.
        trying: The steps of which attempts fail before: as often as they stand there.
        ended: The steps that an interrupt ends.
        stuck: The steps that do not come to an end.
        returned: The steps that are given back instead of being done, once.
        interrupts: Which waits are interrupted, from 0.
        idle: Which waits bring nothing.
    """

    def __init__(  # noqa: PLR0913 - each test needs one or two of them
        self,
        jobs: int = 2,
        *,
        ahead: int = 0,
        holds: bool = False,
        choose: Callable[[Sequence[str]], str] = lambda letters: letters[0],
        bad: str = "",
        trying: str = "",
        ended: str = "",
        stuck: str = "",
        returned: str = "",
        interrupts: Sequence[int] = (),
        idle: Sequence[int] = (),
    ) -> None:
        self.is_interrupted = False
        self.jobs = jobs
        self.ahead = ahead
        self.holds = holds
        self.choose = choose
        self.bad = bad
        self.trying = trying
        self.ended = ended
        self.stuck = stuck
        self.returned = returned
        self.interrupts = interrupts
        self.idle = idle
        self.indexes: dict[str, int] = {}
        self.held: list[str] = []  # what waits for `flush`
        self.waiting: list[str] = []  # what waits for a worker
        self.begun: list[str] = []
        self.attempts: dict[str, int] = {}
        self.unrecorded: set[str] = set()  # those of which a failed attempt is not on record yet
        self.replies: deque[tuple[str, Said]] = deque()
        self.sent = ""  # all that were sent
        self.tried = ""  # all that a worker has begun
        self.most = 0  # how many were begun at the same time
        self.told_to_end = 0
        self.waits: list[float] = []
        self.may_interrupt: set[bool] = set()

    @property
    def under_way(self) -> int:
        """Those whose outcomes are not told."""
        done = sum(isinstance(said, tuple) for _, said in self.replies)
        return len(self.held) + len(self.waiting) + len(self.begun) + done

    def has_room(self, action: str) -> bool:
        """By their number."""
        assert action == "act"
        return self.under_way < self.jobs + self.ahead

    def send(self, task: Task) -> None:
        """Take it."""
        index, _, letter, *_ = task
        assert isinstance(letter, str)
        self.indexes[letter] = index
        self.sent += letter
        self.held.append(letter)
        if not self.holds:
            self.flush()

    def flush(self) -> None:
        """Let workers have what is held."""
        self.waiting += self.held
        self.held.clear()
        self._begin()

    def _begin(self) -> None:
        while self.waiting and len(self.begun) < self.jobs:
            self.tried += self.waiting[0]
            self.begun.append(self.waiting.pop(0))
        self.most = max(self.most, len(self.begun))

    def has_replies(self) -> bool:
        """Return whether there are some."""
        return bool(self.replies)

    def await_replies(self, seconds: float) -> None:
        """Let a step go on, unless there are replies."""
        self.may_interrupt.add(may_interrupt(sys._getframe()))  # noqa: SLF001 - as a handler does
        number = len(self.waits)
        self.waits.append(seconds)
        assert self.begun or self.replies, "there is nothing that could come"
        assert number < 100, "it waits for ever"
        if number in self.interrupts:
            raise KeyboardInterrupt
        able = [each for each in self.begun if each not in (*self.stuck, *self.unrecorded)]
        if able and not self.replies and number not in self.idle:
            self.go_on(self.choose(able))

    def go_on(self, letter: str) -> None:
        """Let a step come to its end, or to that of an attempt."""
        index = self.indexes[letter]
        attempt = self.attempts[letter] = self.attempts.get(letter, 0) + 1
        if letter in self.trying:
            self.trying = self.trying.replace(letter, "", 1)
            self.replies.append((letter, FailedAttempt(index, attempt, Failure("bad"), 0.0)))
            self.unrecorded.add(letter)
            return
        self.begun.remove(letter)
        if letter in self.returned:
            self.returned = self.returned.replace(letter, "")
            self.waiting.append(letter)
            return
        failure = None
        if letter in self.ended:
            failure = Failure("ended", ("KeyboardInterrupt",))
        elif letter in self.bad:
            failure = Failure("bad")
        self.replies.append((letter, (index, (letter, failure, attempt, 1.0))))
        self._begin()

    def take_replies(self) -> Generator[Said, None, None]:
        """As they came."""
        while self.replies:
            letter, said = self.replies.popleft()
            if letter in self.ended:
                self.is_interrupted = True
            try:
                yield said
            finally:
                self.unrecorded.discard(letter)

    def recall(self, end: float) -> list[int]:
        """Of those that no worker has begun."""
        back = [each for each in (*self.held, *self.waiting) if self.indexes[each] > end]
        self.held = [letter for letter in self.held if letter not in back]
        self.waiting = [letter for letter in self.waiting if letter not in back]
        return sorted(self.indexes[letter] for letter in back)

    def give_up(self) -> list[int]:
        """All of them."""
        indexes = sorted(self.indexes[letter] for letter in self.begun)
        self.begun.clear()
        return indexes

    def close(self) -> None:
        """It is not the crew's business."""
        raise AssertionError

    def tell_to_end(self) -> None:
        """Be told that nobody wants what is under way any more."""
        self.told_to_end += 1


class Run:
    """A crew at work. What it says is told in words, and the schedule knows of it.

    `.a` is a step that is about to be begun, `a!1` an attempt that failed, `a` one that is done,
    and `a:bad` one that has failed.

    Args:
        toy: The workers.
        waves: The steps of each wave, by letters; a capital is an optional step.
        after: By letter, the steps that one comes after.
        together: Whether the steps of a wave may be under way together.
        keep_going: Whether a failure ends only what comes after it.
        alone: The crew for a step that is ready alone.
    """

    def __init__(
        self,
        toy: Toy,
        *waves: str,
        after: Mapping[str, str] | None = None,
        together: bool = True,
        keep_going: bool = False,
        alone: Crew | None = None,
    ) -> None:
        steps = [
            {
                "name": letter,
                "action": "act",
                "optional": letter.isupper(),
                "priority": -number,
                "after": [*(after or {}).get(letter, "")],
            }
            for number, wave in enumerate(waves)
            for letter in wave
        ]
        self.toy = toy
        self.steps = workflows.plan(*steps).steps.tolist()
        assert [step.name for step in self.steps] == [*"".join(waves)]
        self.schedule = InWaves(self.steps, None, together=together, keep_going=keep_going)
        self.made = ""  # the steps whose tasks were made
        self.outcomes: dict[str, Outcome] = {}
        crew = ConcurrentCrew(toy, [toy.tell_to_end], alone)
        self.work = crew(self.schedule, self.make_task)

    def make_task(self, index: int) -> Task:
        """The task of a step."""
        name = self.steps[index].name
        self.made += name
        return index, "act", name, RetryPolicy(9), True, None, None

    def send(self, halt: Halt | None = None) -> str:
        """What comes next."""
        said = self.work.send(halt)
        if isinstance(said, int):
            return f".{self.steps[said].name}"
        if isinstance(said, FailedAttempt):
            return f"{self.steps[said.step_index].name}!{said.number}"
        index, outcome = said
        name = self.steps[index].name
        assert name not in self.outcomes, "a step is done once"
        self.outcomes[name] = outcome
        _, failure, *_ = outcome
        if failure is None:
            self.schedule.finish(index)
            return name
        self.schedule.fail(index)
        return f"{name}:{failure.message}"

    def rest(self) -> str:
        """All that comes; and how it ends if there was a halt."""
        words: list[str] = []
        while True:
            try:
                words.append(self.send())
            except StopIteration as end:
                return " ".join([*words, f"({end.value})"] if end.value else words)
            except KeyboardInterrupt as interrupt:
                return " ".join([*words, name_of(interrupt)])

    def until(self, word: str) -> None:
        """Let it come to that."""
        while self.send() != word:
            pass

    def halt_at(self, word: str, halt: Halt) -> str:
        """What comes when it is halted by an answer to that word."""
        self.until(word)
        try:
            first = self.send(halt)
        except StopIteration as end:
            return f"({end.value})"
        except KeyboardInterrupt as interrupt:
            return name_of(interrupt)
        return f"{first} {self.rest()}"


def name_of(interrupt: KeyboardInterrupt) -> str:
    """Whether it came late."""
    return "(LateInterrupt)" if isinstance(interrupt, LateInterrupt) else "(KeyboardInterrupt)"


def story(toy: Toy, *waves: str, **how: Any) -> str:
    """All that a crew says."""
    return Run(toy, *waves, **how).rest()


def last(letters: Sequence[str]) -> str:
    """The last one of what is under way."""
    return letters[-1]


def rather(order: str) -> Callable[[Sequence[str]], str]:
    """Of what is under way what stands there first."""
    return lambda letters: min(letters, key=order.index)


def test_a_step_is_begun_before_it_is_sent() -> None:
    """So its record is on file before it is tried, and before its task is made."""
    toy = Toy(2)
    run = Run(toy, "abc")
    seen: list[tuple[str, str, str]] = []
    while (word := run.send()).startswith("."):
        seen.append((word, run.made, toy.sent))
    assert seen == [(".a", "", ""), (".b", "a", "a")]
    assert (toy.sent, word) == ("ab", "a")


@pytest.mark.parametrize("holds", [False, True])
@pytest.mark.parametrize("jobs", [1, 2, 3, 9])
@pytest.mark.parametrize("seed", range(3))
def test_as_many_are_under_way_as_there_is_room_for(*, holds: bool, jobs: int, seed: int) -> None:
    """Each step is begun once and done once, and a wave is done before the next one is begun."""
    choose = random.Random(seed).choice  # noqa: S311 - the same each time
    toy = Toy(jobs, holds=holds, choose=choose)
    words = story(toy, "abcdefg", "hijk").split()
    assert [word for word in words if word[0] == "."] == [f".{letter}" for letter in "abcdefghijk"]
    done = [word for word in words if word[0] != "."]
    assert (sorted(done[:7]), sorted(done[7:])) == ([*"abcdefg"], [*"hijk"])
    assert words.index(".h") > words.index(done[6])
    assert toy.most == min(jobs, 7)


def test_what_comes_of_a_step_is_given_at_once() -> None:
    """Whatever stands before it is still under way."""
    assert story(Toy(2), "abcd") == ".a .b a .c b .d c d"
    assert story(Toy(2, choose=last), "abcd") == ".a .b b .c c .d d a"


def test_a_step_starts_the_moment_what_it_comes_after_is_done() -> None:
    """Also while slow ones of its wave are under way."""
    slow = rather("bcda")
    assert story(Toy(2, choose=slow), "abcd", after={"c": "b", "d": "c"}) == (".a .b b .c c .d d a")
    both = {"c": "ab", "d": "b"}
    assert story(Toy(9, choose=slow), "abcd", after=both) == ".a .b b .d d a .c c"


def test_a_wave_is_a_barrier() -> None:
    """What is slow in it is waited for, however much is ready behind it."""
    assert story(Toy(9, choose=rather("bacd")), "ab", "cd") == ".a .b b a .c .d c d"
    assert story(Toy(9), "a", "bc") == ".a a .b .c b c"


def test_each_step_may_be_a_wave_of_its_own() -> None:
    """Without the flag `parallel`."""
    toy = Toy(9)
    assert story(toy, "abc", together=False) == ".a a .b b .c c"
    assert toy.most == 1


def test_the_first_step_in_run_order_that_is_ready_is_taken_first() -> None:
    """Also if it has become so only now."""
    toy = Toy(1)
    assert story(toy, "abcd", after={"b": "a"}) == ".a a .b b .c c .d d"


def test_a_failed_attempt_is_given_before_what_came_of_its_step() -> None:
    """Each at once: others may be done in between."""
    toy = Toy(2, trying="aabb", bad="b", choose=rather("abc"))
    assert story(Toy(1, trying="aa"), "a") == ".a a!1 a!2 a"
    assert story(toy, "abc") == ".a .b a!1 a!2 a .c b!1 b!2 b:bad c"
    turns = count()
    by_turns = Toy(2, trying="aabb", choose=lambda names: names[next(turns) % len(names)])
    assert story(by_turns, "ab") == ".a .b a!1 b!1 a!2 b!2 a b"


def test_a_failure_lets_nothing_behind_it_begin() -> None:
    """What is under way there is waited for, and no other wave comes."""
    assert story(Toy(2, bad="b"), "abcd", "e") == ".a .b a .c b:bad c"
    assert story(Toy(9, bad="a"), "abc", "e") == ".a .b .c a:bad b c"
    assert story(Toy(1, bad="c"), "abc", "e") == ".a a .b b .c c:bad"


def test_a_step_before_the_one_that_failed_is_still_begun() -> None:
    """A run of one step after the other would have come to it; not to those behind."""
    toy = Toy(2, bad="d", choose=rather("dabce"))
    after = {"b": "a", "c": "b", "e": "a"}
    assert story(toy, "abcde", after=after) == ".a .d d:bad a .b b .c c"


def test_of_two_failures_the_first_in_run_order_counts() -> None:
    """Whichever happened first."""
    toy = Toy(3, bad="bd", choose=rather("dabc"))
    assert story(toy, "abcde", after={"c": "b"}) == ".a .b .d d:bad a b:bad"


def test_an_optional_failure_ends_nothing() -> None:
    """Its step is a capital."""
    assert story(Toy(2, bad="B"), "Bacd", "e") == ".B .a B:bad .c a .d c d .e e"


def test_a_failure_ends_only_what_comes_after_it_if_the_run_keeps_going() -> None:
    """All else is begun."""
    toy = Toy(2, bad="b", ahead=2)
    words = story(toy, "abcde", "f", after={"c": "b"}, keep_going=True)
    assert words == ".a .b .d .e a b:bad d e .f f"


def test_what_was_sent_behind_a_failure_and_not_begun_is_not_tried() -> None:
    """It is known at once; what a worker has begun is waited for."""
    toy = Toy(1, ahead=3, bad="b")
    assert story(toy, "abcde") == ".a .b .c .d a .e b:bad d:not tried e:not tried c"
    assert toy.tried == "abc"


def test_what_was_sent_before_a_failure_is_tried() -> None:
    """Though it stands behind it where the workers keep it."""
    toy = Toy(1, ahead=3, bad="c", choose=rather("acdb"))
    told = story(toy, "abcd", after={"b": "a"})
    assert told == ".a .c .d a .b c:bad d b"
    toy = Toy(1, ahead=4, bad="c")
    told = story(toy, "abcde", after={"b": "a"})
    assert told == ".a .c .d .e a .b c:bad e:not tried d b"


def test_a_halt_lets_nothing_more_begin() -> None:
    """The step that was about to be begun is not, and has no outcome; the others have one."""
    toy = Toy(2)
    assert Run(toy, "abcd", "e").halt_at(".b", "stop") == "a (stop)"
    assert (toy.sent, toy.told_to_end) == ("a", 0)
    first = Toy(2)
    assert Run(first, "abcd", "e").halt_at(".a", "stop") == "(stop)"
    assert first.sent == ""


def test_halted_at_an_outcome_it_waits_for_what_is_under_way() -> None:
    """Or at an attempt that failed: its step has its further attempts."""
    assert Run(Toy(2), "abcd").halt_at("a", "stop") == "b (stop)"
    assert Run(Toy(2, trying="aab"), "abcd").halt_at("a!1", "stop") == "a!2 a b!1 b (stop)"


def test_halted_it_waits_for_what_was_sent() -> None:
    """Though no worker has begun it yet, or it is only held."""
    toy = Toy(1, ahead=3)
    assert Run(toy, "abcdef").halt_at("a", "stop") == "b c d (stop)"
    assert toy.sent == "abcd"
    held = Toy(2, ahead=3, holds=True)
    assert Run(held, "abcdef").halt_at(".d", "stop") == "a b c (stop)"
    assert held.tried == "abc"


def test_after_a_halt_a_failure_still_ends_what_is_behind_it() -> None:
    """It is not tried, since it would be in vain."""
    toy = Toy(1, ahead=3, bad="b")
    assert Run(toy, "abcdef").halt_at("a", "stop") == "b:bad d:not tried c (stop)"


def test_an_interrupt_that_is_sent_leaves_no_step_without_an_outcome() -> None:
    """What was about to be begun was not tried; what is under way is told to end."""
    toy = Toy(2)
    told = Run(toy, "abcd", "e").halt_at(".b", "interrupt")
    assert told == "b:interrupted a (KeyboardInterrupt)"
    assert toy.sent == "a"
    assert toy.told_to_end > 0
    first = Toy(2)
    told = Run(first, "abcd", "e").halt_at(".a", "interrupt")
    assert told == "a:interrupted (KeyboardInterrupt)"
    assert first.sent == ""


def test_what_was_not_tried_before_an_interrupt_has_no_attempts() -> None:
    """It says so."""
    run = Run(Toy(1, ahead=1), "abc")
    told = run.halt_at("a", "interrupt")
    assert told == "b (LateInterrupt)"
    waiting = Run(Toy(1, ahead=2), "abcd")
    told = waiting.halt_at("a", "interrupt")
    assert told == "c:interrupted b (KeyboardInterrupt)"
    output, failure, attempts, seconds = waiting.outcomes["c"]
    assert (output, attempts, seconds) == (None, 0, 0.0)
    assert failure is not None
    assert failure.types == ("KeyboardInterrupt",)


def test_what_is_held_is_not_tried_after_an_interrupt() -> None:
    """No worker may come to it any more: it was never sent to one."""
    toy = Toy(9, holds=True)
    told = Run(toy, "abcd").halt_at(".c", "interrupt")
    assert sorted(told.split()) == [
        *("(KeyboardInterrupt)", "a:interrupted", "b:interrupted", "c:interrupted")
    ]
    assert toy.tried == ""


def test_an_interrupt_that_ends_no_step_is_a_late_one() -> None:
    """All that was begun came to its own end."""
    toy = Toy(2)
    assert Run(toy, "abcd").halt_at("a", "interrupt") == "b (LateInterrupt)"
    assert Run(Toy(2), "ab").halt_at("b", "interrupt") == "(LateInterrupt)"
    failed = Run(Toy(1, ahead=3, bad="b"), "abcde")
    assert failed.halt_at("e:not tried", "interrupt") == "c (LateInterrupt)"


def test_an_interrupt_at_a_failed_attempt_ends_the_run() -> None:
    """Whatever comes of the step then."""
    toy = Toy(2, trying="a", ended="a", choose=rather("ab"))
    told = Run(toy, "abcd").halt_at("a!1", "interrupt")
    assert told == "a:ended b (KeyboardInterrupt)"


def test_an_interrupt_on_a_worker_is_one_of_the_run() -> None:
    """What else is under way is told to end, and waited for; nothing more is begun."""
    toy = Toy(3, ended="c", choose=rather("cab"))
    assert story(toy, "abcdef") == ".a .b .c c:ended a b (KeyboardInterrupt)"
    assert toy.told_to_end > 0
    assert toy.sent == "abc"


def test_what_was_sent_and_not_begun_is_interrupted_whoever_asked_for_it() -> None:
    """A step on a worker, too: its own end is no failure that the others would stand behind."""
    told = story(Toy(1, ahead=2, ended="a"), "abcdef")
    assert sorted(told.split()[3:]) == ["(KeyboardInterrupt)", "a:ended", "b", "c:interrupted"]
    told = Run(Toy(1, ahead=3), "abcd", after={"b": "a"}).halt_at(".b", "interrupt")
    assert sorted(told.split()) == ["(KeyboardInterrupt)", "b:interrupted", "c", "d:interrupted"]


def test_an_interrupt_that_comes_while_it_waits_is_one_of_the_run() -> None:
    """Each step that was begun has an outcome: what it came to, if that is known in time."""
    toy = Toy(2, ahead=2, interrupts=[1])
    assert story(toy, "abcdefg") == (
        ".a .b .c .d a .e d:interrupted e:interrupted b c (KeyboardInterrupt)"
    )
    assert toy.told_to_end > 0


def test_of_several_interrupts_the_first_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are what came of it: the grace period does not begin anew."""
    now = 100.0
    monkeypatch.setattr("driftflow.parallel.crew.monotonic", lambda: now)
    toy = Toy(3, ended="ab", stuck="c")
    run = Run(toy, "abc")
    run.until("a:ended")
    assert run.send("interrupt") == "b:ended"
    now = 105.0
    assert run.send("interrupt") == f"c:{UNKNOWN}"
    assert run.rest() == "(KeyboardInterrupt)"


def test_an_interrupt_waits_for_no_longer_than_its_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread cannot be ended. What its step comes to is not known."""
    clock = count(100.0, 1.0)
    monkeypatch.setattr("driftflow.parallel.crew.monotonic", lambda: next(clock))
    toy = Toy(3, ended="a", stuck="c")
    assert story(toy, "abcdef") == f".a .b .c a:ended b c:{UNKNOWN} (KeyboardInterrupt)"
    assert len(toy.waits) > 5
    # What has begun just before is told to end, too.
    assert toy.told_to_end == len(toy.waits) > 5


def test_what_comes_when_the_grace_is_over_is_still_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known, after all."""
    clock = count(100.0, 10.0)
    monkeypatch.setattr("driftflow.parallel.crew.monotonic", lambda: next(clock))
    assert Run(Toy(2), "ab").halt_at(".b", "interrupt") == "b:interrupted a (KeyboardInterrupt)"


def test_a_second_interrupt_waits_for_nothing() -> None:
    """Whoever asks twice means it: no step has an outcome, and all are left alone."""
    toy = Toy(3, interrupts=[0, 1])
    assert story(toy, "abcdef") == ".a .b .c (KeyboardInterrupt)"
    assert toy.begun == ["a", "b", "c"]
    sent = Toy(3, interrupts=[1])
    assert Run(sent, "abcdef").halt_at("a", "interrupt") == "(KeyboardInterrupt)"
    assert sent.begun == ["b", "c"]


def test_an_interrupt_comes_after_a_halt_but_nothing_after_an_interrupt() -> None:
    """Neither can be taken back."""
    toy = Toy(3)
    run = Run(toy, "abcdef")
    run.until("a")
    assert run.send("stop") == "b"
    assert run.send("interrupt") == "c"
    assert run.rest() == "(LateInterrupt)"
    assert toy.told_to_end > 0
    other = Run(Toy(3), "abcdef")
    other.until("a")
    assert other.send("interrupt") == "b"
    assert other.send("stop") == "c"
    assert other.rest() == "(LateInterrupt)"


def test_what_is_given_back_after_an_interrupt_was_not_tried() -> None:
    """A worker had no time for it."""
    toy = Toy(2, returned="b", interrupts=[1])
    assert story(toy, "abcd") == ".a .b a .c b:interrupted c (KeyboardInterrupt)"


def attempts_at(run: Run, letter: str) -> int:
    """How many there were."""
    _, _, attempts, _ = run.outcomes[letter]
    return attempts


def test_attempts_that_have_failed_count_though_their_step_is_not_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are on record; with one that may be under way, if the step is left alone."""
    returned = Run(Toy(2, trying="aa", returned="a"), "ab")
    returned.until("a!1")
    told = returned.halt_at("a!2", "interrupt")
    assert told == "a:interrupted b (KeyboardInterrupt)"
    assert attempts_at(returned, "a") == 2
    clock = count(100.0, 10.0)
    monkeypatch.setattr("driftflow.parallel.crew.monotonic", lambda: next(clock))
    left = Run(Toy(1, trying="a"), "ab")
    left.until("a!1")
    left.toy.stuck = "a"
    assert left.send("interrupt") == f"a:{UNKNOWN}"
    assert attempts_at(left, "a") == 2
    assert left.rest() == "(KeyboardInterrupt)"


@pytest.mark.parametrize("end", ["close", "throw"])
@pytest.mark.parametrize("place", [".d", "a!1", "a"])
def test_broken_off_it_waits_for_what_is_under_way(end: str, place: str) -> None:
    """A run never ends before its steps. They are told to end; no other is begun."""
    toy = Toy(2, ahead=2, trying="a")
    run = Run(toy, "abcdefg")
    run.until(place)
    if end == "close":
        run.work.close()
    else:
        with pytest.raises(LookupError):
            run.work.throw(LookupError)
    assert toy.under_way == 0
    assert toy.tried == ("abc" if place == "a" else "ab")
    assert toy.told_to_end == 1


def test_broken_off_before_any_step_was_begun_it_waits_for_none() -> None:
    """What is held is not sent any more."""
    toy = Toy(9, holds=True)
    run = Run(toy, "abc")
    run.until(".c")
    run.work.close()
    assert (toy.under_way, toy.tried, toy.told_to_end) == (0, "", 0)


def test_broken_off_it_does_not_wait_for_what_comes_back_undone() -> None:
    """No worker will be asked for that again."""
    toy = Toy(2, returned="b")
    run = Run(toy, "abcd")
    run.until("a")
    run.work.close()
    assert toy.under_way == 0
    assert toy.tried == "ab"


def test_a_run_that_comes_to_its_end_tells_nothing_to_end() -> None:
    """Neither a good one nor one that a step has ended."""
    for bad in ("", "b"):
        toy = Toy(2, bad=bad)
        story(toy, "abcd")
        assert toy.told_to_end == 0


def test_it_waits_again_and_again() -> None:
    """So that Python sees to a signal that came just before a wait."""
    toy = Toy(2, idle=[0, 2, 3])
    assert story(toy, "abc") == ".a .b a .c b c"
    assert len(toy.waits) == 6
    assert {*toy.waits} == {0.1}
    assert toy.told_to_end == 0


def test_an_interrupt_may_be_raised_while_it_waits_and_nowhere_else() -> None:
    """There it knows what becomes of each step."""
    toy = Toy(2)
    assert story(toy, "ab") == ".a .b a b"
    assert toy.may_interrupt == {True}
    seen: list[bool] = []
    run = Run(Toy(1), "a")
    make_task = run.make_task

    def look(index: int) -> Task:
        seen.append(may_interrupt(sys._getframe()))  # noqa: SLF001 - as a handler does
        return make_task(index)

    run.work = ConcurrentCrew(run.toy, [], None)(run.schedule, look)
    assert run.rest() == ".a a"
    assert seen == [False]


def here(deed: Callable[[str], object] = str, pauses: list[float] | None = None) -> Crew:
    """A crew that tries steps in this thread; the output says so."""

    def perform(_: str, letter: Any, __: float | None) -> Any:
        deed(letter)
        return f"{letter} here"

    pause = (pauses if pauses is not None else []).append
    return sequential(AttemptRunner(perform, lambda: 0.0, pause, lambda: 0.0))


def outputs(run: Run) -> str:
    """What the steps gave."""
    return " ".join(str(output) for _, (output, *_) in sorted(run.outcomes.items()))


def test_a_step_that_is_ready_alone_is_tried_in_the_thread_of_the_run() -> None:
    """So a chain needs no worker, by its order or by its waves."""
    for waves, after in (("abc",), {"b": "a", "c": "b"}), (("a", "b", "c"), {}):
        toy = Toy(2)
        run = Run(toy, *waves, after=after, alone=here())
        assert run.rest() == ".a a .b b .c c"
        assert outputs(run) == "a here b here c here"
        assert toy.sent == ""


def test_what_is_ready_together_is_sent() -> None:
    """A fork goes to the workers; where it is joined again, the thread of the run goes on."""
    toy = Toy(2)
    after = {"b": "a", "c": "a", "d": "bc", "e": "d"}
    run = Run(toy, "abcde", after=after, alone=here())
    assert run.rest() == ".a a .b .c b c .d d .e e"
    assert outputs(run) == "a here b c d here e here"
    assert toy.sent == "bc"


def test_a_step_that_is_ready_alone_is_sent_while_others_are_under_way() -> None:
    """The thread of the run has to see to these."""
    toy = Toy(2)
    run = Run(toy, "abc", after={"c": "a"}, alone=here())
    assert run.rest() == ".a .b a .c b c"
    assert toy.sent == "abc"


def test_without_a_crew_for_it_a_step_that_is_ready_alone_is_sent() -> None:
    """On an executor all steps are."""
    toy = Toy(2)
    assert story(toy, "a", "b") == ".a a .b b"
    assert toy.sent == "ab"


def test_where_no_worker_can_be_had_all_is_tried_in_the_thread_of_the_run() -> None:
    """One step after the other, as it would be with a single job."""
    run = Run(Toy(0), "abc", "d", after={"b": "a"}, alone=here())
    assert run.rest() == ".a a .b b .c c .d d"
    assert run.toy.sent == ""


def refuse(letter: str) -> None:
    """Fail."""
    raise OSError(letter)


def test_here_too_a_failure_ends_the_run_after_its_attempts() -> None:
    """Each is given, as from the workers."""
    pauses: list[float] = []
    run = Run(Toy(2), "a", "bc", alone=here(refuse, pauses))
    tries = " ".join(f"a!{number}" for number in range(1, 10))
    assert run.rest() == f".a {tries} a:a"
    assert pauses == [0.0] * 8
    assert story(Toy(2), "A", "b", alone=here(refuse)).endswith("b!9 b:b")


def test_here_too_it_can_be_halted() -> None:
    """Before a step is tried, and behind it."""
    tried: list[str] = []
    alone = here(tried.append)
    assert Run(Toy(2), "a", "b", alone=alone).halt_at(".a", "stop") == "(stop)"
    assert tried == []
    assert Run(Toy(2), "a", "b", "cd", alone=alone).halt_at("a", "stop") == "(stop)"
    assert Run(Toy(2), "a", "b", "cd", alone=alone).halt_at(".b", "stop") == "(stop)"
    assert tried == ["a", "a"]


def test_here_too_it_can_be_interrupted() -> None:
    """What ends no step is late."""
    tried: list[str] = []
    alone = here(tried.append)
    told = Run(Toy(2), "a", "b", "cd", alone=alone).halt_at(".b", "interrupt")
    assert told == "b:interrupted (KeyboardInterrupt)"
    told = Run(Toy(2), "a", "b", "cd", alone=alone).halt_at("a", "interrupt")
    assert told == "(LateInterrupt)"
    assert tried == ["a", "a"]

    def ask(letter: str) -> None:
        if letter == "b":
            raise KeyboardInterrupt

    told = story(Toy(2), "a", "b", "cd", alone=here(ask))
    assert told == ".a a .b b:interrupted (KeyboardInterrupt)"


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
