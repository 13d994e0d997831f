"""Processes end with all that they have started; see also `packs/test_process.py`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from unittest import mock

import pytest
from support.command import gone, wait_for

from driftflow.parallel import processes
from driftflow.parallel.descendants import list_children
from driftflow.parallel.processes import MARK, describe_exit, end, leave_trace, make_mark


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
    assert describe_exit(status) == words


def test_a_mark_is_added_to_those_that_there_are() -> None:
    """A process that was started by another's belongs to both."""
    with mock.patch.dict(os.environ, {MARK: "outer"}):
        mark, variable = make_mark()
        other, _ = make_mark()
    assert variable == {MARK: f"outer {mark}"}
    assert mark != other
    with mock.patch.dict(os.environ, clear=True):
        mark, variable = make_mark()
    assert variable == {MARK: mark}


def test_only_what_it_has_started_is_ended() -> None:
    """Its group, and what has left that."""
    trace, variable = leave_trace()
    script = "setsid sleep 600 & echo $!; sleep 600"
    other = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    process = subprocess.Popen(
        ["/bin/sh", "-c", script],
        env={**os.environ, **variable},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        left = int(process.stdout.readline())
    end(process, trace, grace=60)
    # The shell is told, or else sees that its own program was.
    assert process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)
    assert gone(left)
    assert other.poll() is None
    other.kill()
    other.wait()


def test_parents_are_found_before_their_children() -> None:
    """A shell whose child is ended first would go on with its script."""
    trace, variable = leave_trace()
    process = subprocess.Popen(
        ["/bin/sh", "-c", "(sleep 600; true) & wait"],
        env={**os.environ, **variable},
        start_new_session=True,
    )
    wait_for(lambda: len(trace.find(process.pid, has_ended=False)) == 3)
    (child,) = list_children(process.pid)
    found = trace.find(process.pid, has_ended=False)
    expected = [process.pid, child, *list_children(child)]
    end(process, trace, grace=60)
    assert found == expected


def test_only_the_programs_of_a_run_are_ended_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be another run in another thread. First they may clean up, by programs too."""
    clock = iter([0.0, 1.9, 2.0])
    monkeypatch.setattr(processes, "monotonic", lambda: next(clock))
    sent: list[int] = []
    send = os.killpg

    def note_and_send(group: int, number: int) -> None:
        sent.append(number)
        send(group, number)

    monkeypatch.setattr("os.killpg", note_and_send)
    started: dict[str | None, subprocess.Popen[bytes]] = {}
    script = "import signal, time\nsignal.signal(15, lambda *_: print('told', flush=True))\n"
    deaf = [sys.executable, "-uc", f"{script}print('ready')\nwhile True: time.sleep(60)"]
    try:
        for run in ("mine", "yours", None):
            processes.this_thread.run = run
            program = subprocess.Popen(deaf, start_new_session=True, stdout=subprocess.PIPE)
            started[run] = program
            assert program.stdout is not None
            assert program.stdout.readline() == b"ready\n"
            processes.register(program, grace=2.0)
        mine = started["mine"]
        assert mine.stdout is not None
        processes.end_registered("mine")
        assert mine.stdout.readline() == b"told\n"
        processes.end_registered("mine")
        assert sent == [signal.SIGTERM, signal.SIGCONT]
        processes.end_registered("mine")
        assert mine.wait(30) == -signal.SIGKILL
        assert started["yours"].poll() is started[None].poll() is None
    finally:
        processes.this_thread.run = None
        for program in started.values():
            trace, _ = leave_trace()
            end(program, trace, grace=0)
            if program.stdout is not None:
                program.stdout.close()
