"""Processes end with all that they have started; see also `packs/test_process.py`."""

from __future__ import annotations

import os
import subprocess
from unittest import mock

import pytest
from command import gone

from driftflow.processes import MARK, end, how_it_ended, new_mark


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "exit status 0"),
        (3, "exit status 3"),
        (-9, "killed by SIGKILL"),
        (-63, "killed by signal 63"),
    ],
)
def test_the_end_of_a_process_in_words(status: int, words: str) -> None:
    """By the name of the signal, where it has one."""
    assert how_it_ended(status) == words


def test_a_mark_is_added_to_those_that_there_are() -> None:
    """A process that was started by another's belongs to both."""
    with mock.patch.dict(os.environ, {MARK: "outer"}):
        word, marked = new_mark()
        other, _ = new_mark()
    assert marked == {MARK: f"outer {word}"}
    assert word != other
    with mock.patch.dict(os.environ, clear=True):
        word, marked = new_mark()
    assert marked == {MARK: word}


def test_only_what_has_the_mark_is_ended() -> None:
    """Its group, and what has left that."""
    word, marked = new_mark()
    script = "setsid sleep 600 & echo $!; sleep 600"
    other = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    process = subprocess.Popen(
        ["/bin/sh", "-c", script],
        env={**os.environ, **marked},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        left = int(process.stdout.readline())
    end(process, word)
    assert process.returncode == -9
    assert gone(left)
    assert other.poll() is None
    other.kill()
    other.wait()
