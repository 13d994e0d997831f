"""What workers tell the run: no reply is lost, and no thread is kept waiting."""

from __future__ import annotations

from queue import Empty
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from driftflow.failures import Failure
from driftflow.parallel.replies import Replies
from driftflow.running.attempts import FailedAttempt

if TYPE_CHECKING:
    from collections.abc import Callable

# Longer than anything here takes. Seconds.
PATIENCE = 60.0

FIRST, SECOND = (FailedAttempt(7, number, Failure("down"), 0.0) for number in (1, 2))


class Reporter(Thread):
    """A thread that tells of failed attempts, one after the other.

    Attributes:
        answers: What it was answered.
    """

    def __init__(self, replies: Replies[str], *attempts: FailedAttempt) -> None:
        super().__init__(daemon=True)
        self.replies = replies
        self.attempts = attempts
        self.answers: list[bool] = []
        self.start()

    def run(self) -> None:
        """Tell of them."""
        for attempt in self.attempts:
            self.answers.append(self.replies.report(attempt))

    def has_ended(self) -> bool:
        """Whether it comes to its end."""
        self.join(PATIENCE)
        return not self.is_alive()


def test_results_are_taken_in_the_order_in_which_they_were_told() -> None:
    """Nobody waits for that; what has been taken is gone."""
    replies: Replies[str] = Replies()
    before = bool(replies)
    replies.put("a")
    replies.put("b")
    assert (before, bool(replies)) == (False, True)
    assert [*replies.take()] == ["a", "b"]
    assert not replies
    assert [*replies.take()] == []


def test_what_is_told_while_replies_are_taken_is_taken_too() -> None:
    """Not at the next time only."""
    replies: Replies[str] = Replies()
    replies.put("a")
    taken = []
    for reply in replies.take():
        taken.append(reply)
        if reply == "a":
            replies.put("b")
    assert taken == ["a", "b"]


def test_who_tells_of_a_failed_attempt_waits_until_it_is_on_record() -> None:
    """That is when the next reply is asked for."""
    replies: Replies[str] = Replies()
    reporter = Reporter(replies, FIRST, SECOND)
    seen: list[tuple[object, int]] = []
    while len(seen) < 2:
        replies.wait(PATIENCE)
        seen += [(reply, len(reporter.answers)) for reply in replies.take()]
    assert reporter.has_ended()
    assert seen == [(FIRST, 0), (SECOND, 1)]
    assert reporter.answers == [True, True]


def break_off(replies: Replies[str]) -> None:
    """Listen no more, at the first thing that is told."""
    taking = replies.take()
    assert next(taking) == FIRST
    taking.close()


@pytest.mark.parametrize("end", [break_off, Replies.close])
def test_nobody_waits_for_an_attempt_to_be_told_when_nobody_listens(
    end: Callable[[Replies[str]], None],
) -> None:
    """Whether all is over or was broken off just then."""
    replies: Replies[str] = Replies()
    reporter = Reporter(replies, FIRST)
    replies.wait(PATIENCE)
    end(replies)
    assert reporter.has_ended()
    assert reporter.answers == [True]


def test_when_all_is_over_nobody_waits_for_an_attempt_to_be_told() -> None:
    """Its thread is answered that it was not told."""
    replies: Replies[str] = Replies()
    replies.close()
    reporter = Reporter(replies, FIRST)
    assert reporter.has_ended()
    assert reporter.answers == [False]


def test_all_may_end_while_an_attempt_is_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody releases the one that tells it: it must not wait."""
    replies: Replies[str] = Replies()

    def close_first(reply: object) -> None:
        replies.close()
        put(reply)  # type: ignore[arg-type]  # a report

    put = replies.put
    monkeypatch.setattr(replies, "put", close_first)
    reporter = Reporter(replies, FIRST)
    assert reporter.has_ended()


def test_the_thread_that_takes_replies_cannot_report() -> None:
    """It would wait for itself."""
    replies: Replies[str] = Replies()
    assert replies.report(FIRST) is False
    assert not replies


class Bell:
    """A queue that does something whenever it is waited for.

    Attributes:
        rung: Set when something was put in.
        waits: For how many seconds it was waited.
    """

    def __init__(self, deed: Callable[[], object]) -> None:
        self.deed = deed
        self.rung = Event()
        self.waits: list[float] = []

    def put(self, _: None) -> None:
        """Note it."""
        self.rung.set()

    def get(self, timeout: float) -> None:
        """Do it."""
        self.waits.append(timeout)
        self.deed()


def with_bell(
    patch: pytest.MonkeyPatch, deed: Callable[[Replies[str]], object]
) -> tuple[Replies[str], Bell]:
    """Replies at whose every wait something is done."""
    bell = Bell(lambda: deed(replies))
    patch.setattr("driftflow.parallel.replies.SimpleQueue", lambda: bell)
    replies: Replies[str] = Replies()
    return replies, bell


def test_replies_are_waited_for_until_there_are_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not at all if there are. What rang the bell may be gone: then the wait goes on."""

    def put_at_the_third(replies: Replies[str]) -> None:
        if len(bell.waits) == 3:
            replies.put("a")

    replies, bell = with_bell(monkeypatch, put_at_the_third)
    replies.wait(7.0)
    assert bell.waits == [7.0, 7.0, 7.0]
    replies.wait(7.0)
    assert len(bell.waits) == 3
    assert [*replies.take()] == ["a"]


def test_whatever_is_told_rings_the_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would not end a wait otherwise."""
    replies, bell = with_bell(monkeypatch, lambda _: None)
    replies.put("a")
    assert bell.rung.is_set()
    bell.rung.clear()
    reporter = Reporter(replies, FIRST)
    assert bell.rung.wait(PATIENCE)
    assert [*replies.take()] == ["a", FIRST]
    assert reporter.has_ended()


def test_replies_are_not_waited_for_longer_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised if there are none."""

    def none(_: object) -> None:
        raise Empty

    replies, bell = with_bell(monkeypatch, none)
    replies.wait(0.1)
    assert not replies
    assert bell.waits == [0.1]


def test_an_interrupt_loses_no_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may come when one was just taken note of, and take that with it."""

    def lose_the_bell(replies: Replies[str]) -> None:
        replies.put("a")
        raise KeyboardInterrupt

    replies, _ = with_bell(monkeypatch, lose_the_bell)
    with pytest.raises(KeyboardInterrupt):
        replies.wait(1.0)
    assert [*replies.take()] == ["a"]
