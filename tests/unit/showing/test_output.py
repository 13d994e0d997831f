"""The printing edge: what waits, for how long, and what becomes of a failure."""

from __future__ import annotations

import errno
import io
import os
import select
import threading
from time import sleep
from typing import TYPE_CHECKING, NoReturn

import pytest
from support.command import wait_for

from driftflow.showing.output import AT_ONCE, DELAY, ENOUGH, Output

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER = 3600.0  # seconds


class Stream(io.StringIO):
    """A stream that notes each write, and fails with an error once it has one."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []
        self.error: BaseException | None = None

    def write(self, text: str) -> int:
        """Take it, or fail."""
        self.writes.append(text)
        if self.error is not None:
            raise self.error
        return len(text)


def let_texts_wait(output: Output) -> None:
    """Be past the first texts, which are written one by one."""
    for _ in range(AT_ONCE):
        output.write("")


@pytest.fixture
def stream() -> Stream:
    """A new one."""
    return Stream()


@pytest.fixture
def _unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftflow.showing.output.DELAY", NEVER)


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.TextIOWrapper]]:
    """The end to read from, and a stream to the other end."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield reading, stream
    os.close(reading)


@pytest.mark.usefixtures("_unwatched")
def test_the_first_texts_are_written_one_by_one(stream: Stream) -> None:
    """A run of a few steps needs no thread; after these, a text waits."""
    before = {*threading.enumerate()}
    texts = [f"{number}\n" for number in range(AT_ONCE)]
    with Output(stream) as output:
        for text in texts:
            assert not {*threading.enumerate()} - before
            output.write(text)
            assert stream.writes[-1] == text
        output.write("one more\n")
        assert stream.writes == texts
        assert len({*threading.enumerate()} - before) == 1


@pytest.mark.usefixtures("_unwatched")
def test_texts_wait_for_each_other(stream: Stream) -> None:
    """They are written as one, in their order, at the end."""
    with Output(stream) as output:
        let_texts_wait(output)
        for number in range(3):
            output.write(f"{number}\n")
        assert stream.writes == []
    assert stream.writes == ["0\n1\n2\n"]


@pytest.mark.usefixtures("_unwatched")
def test_enough_is_written_at_once(stream: Stream) -> None:
    """And the count begins anew."""
    with Output(stream) as output:
        let_texts_wait(output)
        for number in range(2):
            output.write("a" * (ENOUGH - 1))
            assert len(stream.writes) == number
            output.write("b")
            assert len(stream.writes) == number + 1
        output.write("c")
    assert [len(text) for text in stream.writes] == [ENOUGH, ENOUGH, 1]


@pytest.mark.usefixtures("_unwatched")
def test_nothing_is_no_write(stream: Stream) -> None:
    """A run without steps prints none."""
    with Output(stream) as output:
        output.flush()
    assert stream.writes == []


def test_a_text_reaches_a_pipe_by_itself(pipe: tuple[int, io.TextIOWrapper]) -> None:
    """Nothing else is written meanwhile."""
    reading, stream = pipe
    with Output(stream) as output:
        let_texts_wait(output)
        for text in (b"one\n", b"two\n"):
            output.write(text.decode())
            assert select.select([reading], [], [], 30)[0], "it never comes"
            assert os.read(reading, 100) == text


def test_a_text_waits_for_a_tenth_of_a_second() -> None:
    """Half of what is promised: a reader has its line within 0.2 s."""
    assert DELAY == 0.1


def test_without_a_thread_no_text_waits(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system may allow no more of them: nobody would come to write it."""

    def refuse(*_: object) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    with Output(stream) as output:
        let_texts_wait(output)
        for text in ("one\n", "two\n"):
            output.write(text)
            assert stream.writes[-1] == text


def test_a_stream_that_does_not_block_gets_everything(
    pipe: tuple[int, io.TextIOWrapper],
) -> None:
    """In its order: of a text of any length, however much of it there was room for."""
    reading, stream = pipe
    os.set_blocking(stream.fileno(), False)
    sizes = (0, 5000, 9000, *[2500] * 20, 200_000, *[2500] * 20, 1, 70_000)
    texts = [f"{size}: {'é' * size}\n" for size in sizes]
    read: list[bytes] = []

    def read_all() -> None:
        wait_for(lambda: not select.select([], [stream], [], 0)[1])
        while data := os.read(reading, 3000):
            read.append(data)

    reader = threading.Thread(target=read_all)
    reader.start()
    with Output(stream) as output:
        for text in texts:
            output.write(text)
    assert output.failure is None
    assert not os.get_blocking(stream.fileno())
    stream.close()
    reader.join()
    assert b"".join(read).decode() == "".join(texts)


def test_a_reader_that_goes_away_while_it_is_waited_for_is_a_failure(
    pipe: tuple[int, io.TextIOWrapper],
) -> None:
    """Nobody else will make room."""
    reading, stream = pipe
    os.set_blocking(stream.fileno(), False)
    copy = os.dup(reading)

    def go_away() -> None:
        select.select([copy], [], [])
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, reading)  # the fixture closes that number
        os.close(null)
        os.close(copy)

    reader = threading.Thread(target=go_away)
    reader.start()
    with Output(stream) as output:
        output.write("x" * 1_000_000)
    reader.join()
    assert isinstance(output.failure, BrokenPipeError)


def test_a_failure_is_kept_in_mind(stream: Stream) -> None:
    """Nothing is written after it; the writer never hears of it."""
    stream.error = OSError(errno.ENOSPC, "full")
    with Output(stream) as output:
        for text in "abc":
            output.write(text)
            output.flush()
        assert output.failure is stream.error
    assert stream.writes == ["a"]


def test_a_closed_stream_is_a_failure_once_something_is_written() -> None:
    """And none before."""
    with Output(None) as output:
        output.flush()
        assert not output.failure
        output.write("a")
    assert str(output.failure) == f"[Errno {errno.EBADF}] standard output is closed"


@pytest.mark.usefixtures("_unwatched")
def test_what_waits_is_written_when_a_run_is_interrupted(stream: Stream) -> None:
    """It was done."""
    output = Output(stream)
    let_texts_wait(output)
    output.write("a")
    with pytest.raises(KeyboardInterrupt), output:
        raise KeyboardInterrupt
    assert stream.writes == ["a"]


def test_the_end_waits_for_a_reader_that_takes_its_time(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came to wait meanwhile is written behind it."""
    monkeypatch.setattr("driftflow.showing.output.DELAY", 0.01)
    is_writing = threading.Event()

    def write(text: str) -> int:
        is_writing.set()
        sleep(0.2)
        return Stream.write(stream, text)

    monkeypatch.setattr(stream, "write", write)
    with Output(stream) as output:
        let_texts_wait(output)
        output.write("a")
        assert is_writing.wait(timeout=60)
        output.write("b")
    assert stream.writes == ["a", "b"]


def test_the_watch_ends_with_the_output(stream: Stream) -> None:
    """One that ran into the end of the interpreter would crash it now and then."""
    before = {*threading.enumerate()}
    with Output(stream) as output:
        let_texts_wait(output)
        (watch,) = {*threading.enumerate()} - before
    assert not watch.is_alive()
