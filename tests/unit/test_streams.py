"""Streams that actions print to take everything, whatever becomes of them."""

import io
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftflow.streams import is_printed_to, open_for_prints


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The end to read from, and that to write to, which do not block."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    yield ends
    for end in ends:
        os.close(end)


def test_what_is_printed_goes_where_it_did(pipe: tuple[int, int]) -> None:
    """Line by line; what is no text for UTF-8 as an escape."""
    reading, writing = pipe
    stream = open_for_prints(writing, None)
    stream.write("half")
    assert not select.select([reading], [], [], 0)[0]
    print("", "a\ud800", file=stream)
    assert os.read(reading, 100) == b"half a\\ud800\n"
    print("b", end="", file=stream, flush=True)
    assert os.read(reading, 100) == b"b"
    stream.buffer.write(b"\xff")
    stream.flush()
    assert os.read(reading, 100) == b"\xff"
    assert (stream.fileno(), stream.isatty(), stream.encoding) == (writing, False, "utf-8")
    assert not os.get_blocking(writing)
    del stream
    os.fstat(writing)


def test_without_buffers_all_is_written_at_once(pipe: tuple[int, int]) -> None:
    """As `PYTHONUNBUFFERED` wants it: text and bytes."""
    reading, writing = pipe
    raw: Any = open(writing, "wb", buffering=0, closefd=False)  # noqa: SIM115 - it is not closed
    stream = open_for_prints(writing, io.TextIOWrapper(raw, write_through=True))
    stream.write("half")
    assert os.read(reading, 100) == b"half"
    stream.buffer.write(b"\xff")
    assert os.read(reading, 100) == b"\xff"


def test_an_action_that_closes_it_does_not_close_it_for_others(pipe: tuple[int, int]) -> None:
    """Nor one that detaches it. What it has printed before is written."""
    reading, writing = pipe
    stream = open_for_prints(writing, None)
    stream.write("half")
    stream.close()
    assert os.read(reading, 100) == b"half"
    with io.TextIOWrapper(stream.detach()) as other:
        other.write("a")
    assert os.read(reading, 100) == b"a"
    print("b", file=stream)
    assert os.read(reading, 100) == b"b\n"


def test_what_cannot_be_printed_is_lost_quietly(tmp_path: Path) -> None:
    """Whatever is wrong, and however much it is; Python's own buffer would try it again."""
    path = tmp_path / "file"
    path.touch()
    reading, writing = os.pipe()
    os.close(reading)
    for descriptor in (
        os.open("/dev/full", os.O_WRONLY),
        os.open(path, os.O_RDONLY),
        writing,
    ):
        stream = open_for_prints(descriptor, None)
        for text in ("line\n", "x" * 1_000_000, "line\n"):
            assert stream.write(text) == len(text)
        stream.flush()
        os.close(descriptor)
        stream.write("closed\n")


@pytest.mark.parametrize("stream", [1, 2])
def test_a_file_that_is_printed_to_is_known(stream: int, tmp_path: Path) -> None:
    """By whatever name; not when the stream is closed."""
    path = tmp_path / "log"
    kept = os.dup(stream)
    try:
        with path.open("wb") as log:
            os.dup2(log.fileno(), stream)
        told = [is_printed_to(path.stat())]
        os.close(stream)
        told.append(is_printed_to(path.stat()))
    finally:
        os.dup2(kept, stream)
        os.close(kept)
    assert told == [True, False]
