"""Attempts in child processes, which end when time is up, whatever they do."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.command import CHECKOUT, gone, process_environment, wait_for

from driftflow.errors import ProcessDied, TimedOut
from driftflow.failures import AttemptError
from driftflow.parallel import deadlines
from driftflow.parallel.deadlines import Deadlines, enforce

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftflow.actions.action import Address
    from driftflow.reading.document import Json

DEEDS = str(CHECKOUT / "tests" / "support" / "deeds.py")
STUBBORN = str(CHECKOUT / "tests" / "support" / "stubborn.py")
NAMES = ("echo", "upper", "fail", "nap", "whereabouts", "interrupt", "die", "note")


class Limited(Deadlines):
    """Gives each attempt the same time, unless it is told another.

    Args:
        seconds: That time.
        names: As `Deadlines` takes them.
        addresses: Likewise.
    """

    def __init__(self, seconds: float, names: Sequence[str], addresses: Sequence[Address]) -> None:
        super().__init__(names, addresses)
        self._seconds = seconds

    def perform(self, name: str, value: Json, seconds: float | None = None) -> Json:
        """Make an attempt."""
        return super().perform(name, value, self._seconds if seconds is None else seconds)


def limited(seconds: float, *sources: Address, names: tuple[str, ...] = NAMES) -> Limited:
    """Deadlines for the actions of these files."""
    return Limited(seconds, names, sources or (DEEDS,))


@pytest.fixture(scope="module")
def plenty() -> Iterator[Limited]:
    """More time than any attempt needs."""
    with limited(60) as plenty:
        yield plenty


def test_an_attempt_gives_its_output(plenty: Limited) -> None:
    """As it would here."""
    value: Json = {"b": [None, 1, 2.5, "ä\udc00"], "a": {"c": 10**30}}
    assert plenty.perform("echo", value) == value
    assert plenty.perform("upper", "a") == "A"


@pytest.mark.parametrize(
    ("action", "value", "error"),
    [
        ("fail", "value", "no"),
        ("fail", "exit", "SystemExit: 3"),
        ("fail", "leave", "SystemExit"),
        ("fail", "stubborn", "one and two"),
        ("fail", "unspeakable", "Unspeakable"),
        ("upper", 1, "upper takes a string, not an integer"),
        ("nobody", 1, "unknown action: 'nobody'"),
    ],
)
def test_an_error_comes_back_in_its_words(
    action: str, value: Any, error: str, plenty: Limited
) -> None:
    """Whatever is raised; the child lives on."""
    before = plenty.perform("whereabouts", None)
    with pytest.raises(AttemptError) as caught:
        plenty.perform(action, value)
    assert str(caught.value) == error
    assert plenty.perform("whereabouts", None) == before


def test_what_was_raised_there_is_known_here(plenty: Limited) -> None:
    """By the names of its classes: one of them may be worth another attempt, or none."""
    with pytest.raises(AttemptError) as caught:
        plenty.perform("fail", "stubborn")
    assert caught.value.failure.types == ("StubbornError", "Exception", "BaseException")
    assert not caught.value.failure.is_permanent
    with pytest.raises(AttemptError) as caught:
        plenty.perform("upper", 1)
    assert caught.value.failure.types[0] == "TypeError"


def test_an_action_can_say_there_that_no_attempt_is_worth_it(tmp_path: Path) -> None:
    """As it can here."""
    code = "import driftflow\n@driftflow.action\ndef act(_): raise driftflow.Permanent('never')\n"
    (tmp_path / "acts.py").write_text(code)
    with limited(60, str(tmp_path / "acts.py"), names=("act",)) as strict:
        with pytest.raises(AttemptError) as caught:
            strict.perform("act", 1)
        assert caught.value.failure.message == "never"
        assert caught.value.failure.is_permanent


def test_a_child_finds_what_is_found_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same path, whatever has been added to it."""
    (tmp_path / "only_here.py").write_text("def act(value): return [value]")
    monkeypatch.syspath_prepend(tmp_path)
    with limited(60, ("act", "only_here", "act"), names=("act",)) as strict:
        assert strict.perform("act", 1) == [1]


def test_an_interrupt_comes_back_as_one(plenty: Limited) -> None:
    """It is the user's wish."""
    with pytest.raises(KeyboardInterrupt):
        plenty.perform("interrupt", None)


def test_a_child_is_another_process_and_makes_one_attempt_after_the_other(
    plenty: Limited,
) -> None:
    """For the thread that started it; another thread has its own."""
    here = {plenty.perform("whereabouts", None) for _ in range(3)}
    assert len(here) == 1
    with ThreadPoolExecutor(1) as pool:
        there = {pool.submit(plenty.perform, "whereabouts", None).result() for _ in range(3)}
    assert len({os.getpid(), *here, *there}) == 3


@pytest.mark.parametrize(
    "action",
    ["sleep", "loop", "regex", "one_call", "swallow", "deaf", "hold_the_line", "stop_all"],
)
def test_whatever_an_attempt_does_it_ends_when_time_is_up(action: str) -> None:
    """And the next one has a new child."""
    with limited(0.4, STUBBORN, names=(action, "pid")) as strict:
        first = strict.perform("pid", None)
        with pytest.raises(TimedOut) as caught:
            strict.perform(action, None)
        assert str(caught.value) == "timed out after 0.4 s"
        assert isinstance(first, int)
        assert gone(first)
        assert strict.perform("pid", None) != first


def test_an_attempt_may_take_a_signal_that_its_group_is_sent() -> None:
    """The process that keeps the child is in it, too, and goes on."""
    with limited(60, STUBBORN, names=("signal_all", "pid")) as strict:
        child = strict.perform("pid", None)
        assert strict.perform("signal_all", None) == [1]
        assert strict.perform("pid", None) == child


@pytest.mark.parametrize("action", ["hog", "stop"])
def test_time_is_up_for_a_child_that_does_not_even_listen(action: str) -> None:
    """An attempt may leave a thread behind that keeps Python's lock, or stop the process."""
    with limited(0.5, STUBBORN, names=(action, "echo")) as strict:
        strict.perform(action, None)

        def go_on() -> None:
            while True:  # until it has come to that
                strict.perform("echo", "x" * 5_000_000)

        with pytest.raises(TimeoutError):
            go_on()


def test_each_attempt_has_its_own_time() -> None:
    """Though one child makes them all."""
    with limited(60) as strict:
        child = strict.perform("whereabouts", None)
        assert strict.perform("nap", 0.02, 30) == 0.02
        assert strict.perform("whereabouts", None) == child
        with pytest.raises(TimedOut) as caught:
            strict.perform("nap", 600, 0.1)
        assert str(caught.value) == "timed out after 0.1 s"
        assert strict.perform("nap", 0.2) == 0.2


def limits_of(strict: Limited) -> list[float]:
    """How long the system lets each child stop to read or to write, in seconds."""
    limits: list[float] = []
    for child in strict._children:  # noqa: SLF001
        with socket.socket(fileno=os.dup(child._connection.fileno())) as stream:  # noqa: SLF001
            for direction in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                limit = stream.getsockopt(socket.SOL_SOCKET, direction, struct.calcsize("ll"))
                seconds, microseconds = struct.unpack("ll", limit)
                limits.append(seconds + microseconds / 1e6)
    return limits


def test_a_child_may_be_silent_for_as_long_as_the_attempt_may_take() -> None:
    """Neither longer, as one before could, nor less."""
    with limited(60) as strict:
        for seconds in (600, 2.5, 2.5, 60, 1):
            strict.perform("echo", 1, seconds)
            assert limits_of(strict) == [pytest.approx(seconds, abs=0.02)] * 2


@pytest.mark.parametrize(("seconds", "own", "limit"), [(9, None, 9), (9, 2.5, 2.5), (None, 4, 4)])
def test_an_attempt_without_a_limit_of_its_own_has_the_general_one(
    seconds: float | None, own: float | None, limit: float
) -> None:
    """If there is one."""
    asked: list[object] = []

    class Noting(Deadlines):
        def perform(self, name: str, value: Json, seconds: float) -> Json:
            asked.append((name, value, seconds))
            return "in time"

    def here(*_: object) -> Json:
        raise AssertionError

    assert enforce(here, Noting((), ()), seconds)("act", 1, own) == "in time"
    assert asked == [("act", 1, limit)]


def test_an_attempt_without_any_limit_is_made_here() -> None:
    """It needs no child."""
    with Deadlines((), ()) as deadlines:
        perform = enforce(lambda *given: [*given], deadlines, None)
        assert perform("act", 1, None) == ["act", 1, None]
        assert not deadlines._children  # noqa: SLF001


def test_an_attempt_that_comes_back_twice_counts_once() -> None:
    """It has forked: the answer of the second process would be that to the next attempt."""
    with limited(60, STUBBORN, DEEDS, names=("fork", "nap")) as strict:
        assert strict.perform("fork", None) == "parent"
        assert [strict.perform("nap", 0.02) for _ in range(20)] == [0.02] * 20


def test_children_whose_threads_have_ended_are_let_go_of() -> None:
    """They would hold descriptors until the end of the run."""
    with limited(60) as strict:
        for _ in range(5):
            thread = threading.Thread(target=strict.perform, args=("echo", 1))
            thread.start()
            thread.join()
            wait_for(lambda: all(child.is_over() for child in strict._children))  # noqa: SLF001
        assert len(strict._children) == 1  # noqa: SLF001


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_not_mistaken_for_the_connection(closed: str) -> None:
    """Descriptors are given anew from the lowest one on."""
    script = (
        "import os, sys\n"
        "from driftflow.parallel.deadlines import Deadlines\n"
        f"with Deadlines(['speak'], [{STUBBORN!r}]) as strict:\n"
        "    sys.exit([strict.perform('speak', 'x', 60) for _ in range(3)] != ['x'] * 3)\n"
    )
    command = ["/bin/sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, script]
    done = subprocess.run(command, env=process_environment(), check=False, timeout=60)
    assert done.returncode == 0


def test_what_it_has_started_is_gone_with_it(tmp_path: Path) -> None:
    """In its group, in a session of its own, with no parent left, and a program of the pack."""
    names = ("start", "command")
    with limited(1.0, STUBBORN, "driftflow.packs.process", names=names) as strict:
        with pytest.raises(TimeoutError):
            strict.perform("start", str(tmp_path))
        bare = f"env -i setsid sh -c 'echo $$ > {tmp_path}/4; sleep 600 & wait'"
        orphan = f"(env -i setsid sh -c 'echo $$ > {tmp_path}/5; exec sleep 600' &)"
        program = ["sh", "-c", f"echo $$ > {tmp_path}/3; {bare} & {orphan}; sleep 600"]
        with pytest.raises(TimeoutError):
            strict.perform("command", program)  # type: ignore[arg-type]
    pids = [int((tmp_path / name).read_text()) for name in "012345"]
    assert all(map(gone, pids))


def test_programs_have_time_to_clean_up(tmp_path: Path) -> None:
    """As much as their step gives them; the others, two seconds."""
    trap = f"trap 'echo told > {tmp_path}/$0; exit' TERM; sleep 600 & wait"
    with limited(0.5, "driftflow.packs.process", names=("command",)) as strict:
        for name, more in (("some", {}), ("none", {"grace_seconds": 0})):
            value: Any = {"argv": ["sh", "-c", trap, name], **more}
            with pytest.raises(TimeoutError):
                strict.perform("command", value)
    assert [path.name for path in tmp_path.iterdir()] == ["some"]


def test_what_a_step_has_left_running_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever becomes of later attempts of its child, however soon, and of that itself."""
    left: list[Any] = []
    names = ("leave_running", "leave", "nap", "pid")
    try:
        with limited(0.5, STUBBORN, DEEDS, names=names) as strict:
            left.append(strict.perform("leave_running", None))
            with pytest.raises(TimeoutError):
                strict.perform("nap", 600)
            left.append(strict.perform("leave_running", None))
            strict.perform("nap", 0)
            with pytest.raises(ChildProcessError):
                strict.perform("leave", None)
            left.append(strict.perform("leave_running", None))
            pid: Any = strict.perform("pid", None)
            os.kill(pid, 9)
            wait_for(lambda: gone(pid))
            strict.perform("nap", 0)
            left.append(strict.perform("leave_running", None))
            (child,) = strict._children  # noqa: SLF001
            child.kill()  # between attempts
            with monkeypatch.context() as patch:
                patch.setattr(deadlines, "_FRESH", 0.0)
                left.append(strict.perform("leave_running", None))
        assert not any(map(gone, left))
    finally:
        for pid in left:
            os.kill(pid, 9)


def test_an_orphan_is_gone_though_something_else_was_left_running(tmp_path: Path) -> None:
    """In the session that all attempts have by themselves, there is new and old."""
    with limited(1, STUBBORN, names=("leave_running", "orphan")) as strict:
        left: Any = strict.perform("leave_running", None)
        try:
            with pytest.raises(TimeoutError):
                strict.perform("orphan", str(tmp_path / "pid"))
            assert [gone(left), gone(int((tmp_path / "pid").read_text()))] == [False, True]
        finally:
            os.kill(left, 9)


@pytest.mark.parametrize("end", ["sleep", "leave"])
def test_what_goes_back_to_what_was_left_running_lives_on(end: str, tmp_path: Path) -> None:
    """By its parent or by its session, whenever it begins."""
    pids: list[int] = []
    try:
        with limited(2, STUBBORN, names=("leave_breeding", "breed")) as strict:
            old = strict.perform("leave_breeding", str(tmp_path))
            assert isinstance(old, int)
            pids.append(old)
            with pytest.raises((TimeoutError, ChildProcessError)):
                strict.perform("breed", [str(tmp_path), end])
        pids += [int((tmp_path / name).read_text()) for name in ("child", "orphan")]
        assert not any(map(gone, pids))
    finally:
        for pid in pids:
            os.kill(pid, 9)


@pytest.mark.parametrize(
    ("action", "how"),
    [
        ("leave", "ended: exit status 7"),
        ("crash", "ended: killed by SIGSEGV"),
        ("unplug", "has closed its connection"),
    ],
)
def test_an_attempt_that_ends_its_process_fails(action: str, how: str) -> None:
    """It says how; and the next one has a new child."""
    with limited(60, STUBBORN, names=(action, "pid")) as strict:
        with pytest.raises(ProcessDied) as caught:
            strict.perform(action, None)
        assert str(caught.value) == f"its process {how}"
        assert isinstance(strict.perform("pid", None), int)


@pytest.fixture(params=["watched", "looked at"])
def _means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An end is known by either means: the second one where the system forbids the first."""
    if request.param == "looked at":
        monkeypatch.delattr("os.pidfd_open")


@pytest.mark.usefixtures("_means")
@pytest.mark.parametrize(
    ("action", "how"),
    [("fork_and_leave", "exit status 5"), ("fork_and_crash", "killed by SIGSEGV")],
)
def test_an_end_is_known_while_a_process_that_it_forked_lives(
    action: str, how: str, tmp_path: Path
) -> None:
    """Which holds the connection open; it ends with the attempt."""
    left = tmp_path / "pid"
    with limited(6000, STUBBORN, names=(action,)) as strict, ThreadPoolExecutor(1) as pool:
        attempt = pool.submit(strict.perform, action, str(left))
        try:
            with pytest.raises(ChildProcessError) as caught:
                attempt.result(60)
        finally:
            strict.kill()
    assert str(caught.value) == f"its process ended: {how}"
    assert gone(int(left.read_text()))


@pytest.mark.usefixtures("_means")
def test_a_child_that_goes_after_an_attempt_charges_none(tmp_path: Path) -> None:
    """Though a process that it forked holds the connection open."""
    left = tmp_path / "pid"
    with limited(60, STUBBORN, names=("fork_and_leave_soon", "pid")) as strict:
        strict.perform("fork_and_leave_soon", str(left))
        try:
            (child,) = strict._children  # noqa: SLF001
            wait_for(child.has_gone)
            assert isinstance(strict.perform("pid", None), int)
        finally:
            os.kill(int(left.read_text()), 9)


def test_no_answer_goes_into_a_file_of_the_action(tmp_path: Path) -> None:
    """Which may have the number of the connection by then."""
    mine = tmp_path / "mine"
    mine.touch()
    with limited(60, STUBBORN, names=("usurp", "pid")) as strict:
        with pytest.raises(ChildProcessError, match="its process ended: "):
            strict.perform("usurp", str(mine))
        assert isinstance(strict.perform("pid", None), int)
    assert mine.read_text() == ""


def test_a_child_goes_when_it_is_not_needed_any_more() -> None:
    """By itself, so that what it holds comes to a good end."""
    with limited(60, STUBBORN, names=("pid", "at_exit")) as strict:
        pid = strict.perform("pid", None)
        path = strict.perform("at_exit", None)
        assert isinstance(pid, int)
        assert isinstance(path, str)
        assert not Path(path).exists()
    assert not Path(f"/proc/{pid}").exists()
    assert Path(path).read_text() == "a good end"
    Path(path).unlink()


def test_a_child_whose_answer_nobody_reads_goes_quietly(capfd: pytest.CaptureFixture[str]) -> None:
    """As after an interrupt."""
    with limited(60) as strict:
        strict.perform("echo", 1)
        (child,) = strict._children  # noqa: SLF001
        child._connection.send(("echo", "x" * 10_000))  # noqa: SLF001
        wait_for(child.has_gone)  # in truth, it has answered
    assert capfd.readouterr() == ("", "")


def test_a_child_that_does_not_go_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that an action has left running would keep it."""
    monkeypatch.setattr(deadlines, "PATIENCE", 0.1)
    with limited(60, STUBBORN, names=("pid", "stay")) as strict:
        strict.perform("stay", None)
        pid = strict.perform("pid", None)
    assert not Path(f"/proc/{pid}").exists()


def test_a_child_that_has_gone_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is about to go, since nothing was asked of it for long."""
    with limited(60) as strict:
        first = strict.perform("whereabouts", None)
        assert isinstance(first, int)
        os.kill(first, 9)
        wait_for(lambda: gone(first))
        second = strict.perform("whereabouts", None)
        assert second != first
        monkeypatch.setattr(deadlines, "_FRESH", 0.0)
        assert strict.perform("whereabouts", None) not in (first, second)
        assert gone(first)


def test_killed_all_attempts_end_at_once_and_no_other_begins(tmp_path: Path) -> None:
    """From any thread; that is what an interrupt is for."""
    path = tmp_path / "pids"
    with limited(600) as strict, ThreadPoolExecutor(2) as pool:
        note: Json = {"path": str(path), "seconds": 600}
        naps = [pool.submit(strict.perform, "note", note) for _ in range(2)]
        wait_for(lambda: path.exists() and path.read_text().count("\n") == 2)
        strict.kill()
        for nap in naps:
            with pytest.raises(ChildProcessError, match="killed by SIGKILL"):
                nap.result(60)
        assert all(map(gone, map(int, path.read_text().split())))
        with pytest.raises(KeyboardInterrupt):
            strict.perform("echo", 1)


def test_a_child_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """Whatever becomes of that; on Linux."""
    path = tmp_path / "pid"
    script = (
        "from driftflow.parallel.deadlines import Deadlines\n"
        f"Deadlines(['note'], [{DEEDS!r}])"
        f".perform('note', {{'path': {str(path)!r}, 'seconds': 600}}, 600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], env=process_environment())
    wait_for(lambda: path.exists() and path.read_text().endswith("\n"))
    parent.kill()
    parent.wait()
    wait_for(lambda: gone(int(path.read_text())))


def test_a_process_that_cannot_be_started_fails_the_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says why."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with limited(60) as strict, pytest.raises(ChildProcessError) as caught:
        strict.perform("echo", 1)
    assert str(caught.value) == "its process could not be started: No such file or directory"


def test_an_attempt_is_given_its_time_however_long_that_is(plenty: Limited) -> None:
    """More than a system can wait for at once."""
    with limited(1e300) as patient:
        assert patient.perform("nap", 0.01) == 0.01
    assert plenty.perform("nap", 0.01) == 0.01


def test_children_are_started_by_several_threads_at_once() -> None:
    """Each has one, and all are gone in the end."""
    with limited(60) as strict:
        barrier = threading.Barrier(4)

        def attempt(_: int) -> Any:
            barrier.wait(60)
            return strict.perform("whereabouts", None)

        with ThreadPoolExecutor(4) as pool:
            pids = set(pool.map(attempt, range(4)))
    assert len(pids) == 4
    assert all(map(gone, pids))
