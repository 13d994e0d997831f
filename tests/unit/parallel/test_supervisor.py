"""A process waits for the command, and ends as it does; see also `acceptance/test_false_ok.py`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support.command import AT_A_TERMINAL, gone, process_environment, wait_for

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = f"""{AT_A_TERMINAL}
import ctypes, os, resource, subprocess, time
from driftflow.parallel.supervisor import leave_note, report_end, signal_seen, supervise
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
first = os.getpid()
supervise(lambda note, number: print("note", note.decode(), number, flush=True))
supervise(print)
"""


def started(script: str, folder: Path) -> subprocess.Popen[bytes]:
    """A process that forks, and does that in the new one."""
    return subprocess.Popen(
        [sys.executable, "-c", f"{BEGIN}{script}"],
        cwd=folder,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def came_of(script: str, folder: Path) -> tuple[int, bytes, bytes]:
    """How it ends, and what it prints."""
    process = started(script, folder)
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def ready(process: subprocess.Popen[bytes]) -> int:
    """The number that a process prints first."""
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ("report_end(0)", 0, ""),
        ("report_end(3); sys.exit(3)", 3, ""),
        ("report_end(3); os._exit(0)", 3, ""),
        ("report_end(0); os._exit(120)", 120, ""),
        ("pass", 1, "exit status 0"),
        ("os._exit(7)", 1, "exit status 7"),
        ("ctypes.CDLL(None).exit(0)", 1, "exit status 0"),
        ("ctypes.CDLL(None).quick_exit(0)", 1, "exit status 0"),
        ("os.execv('/bin/true', ['true'])", 1, "exit status 0"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV, "killed by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, "killed by SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
        ("signal.signal(13, signal.SIG_DFL); os.kill(os.getpid(), 13)", -signal.SIGPIPE, ""),
    ],
)
def test_it_ends_as_the_command_does(script: str, status: int, said: str, tmp_path: Path) -> None:
    """With 0 only if the command came to its end."""
    error = f"error: the process ended unexpectedly: {said}\n" if said else ""
    assert came_of(script, tmp_path) == (status, b"", error.encode())


def test_the_command_goes_on_in_a_new_process(tmp_path: Path) -> None:
    """Once; with the signals as they were."""
    script = (
        "blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())\n"
        "print(os.getppid() == first, blocked, signal_seen()); report_end(0)"
    )
    assert came_of(script, tmp_path) == (0, b"True set() 0\n", b"")


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGALRM, signal.SIGTERM, signal.SIGQUIT])
def test_signals_are_handed_on(number: int, tmp_path: Path) -> None:
    """Whoever sends them knows the first process only."""
    script = (
        "taken = []\n"
        f"signal.signal({int(number)}, lambda *_: taken.append(signal_seen()))\n"
        "print(os.getpid(), flush=True)\n"
        "while not taken: time.sleep(0.01)\n"
        "print('taken', *taken)\n"
        "report_end(0)"
    )
    process = started(script, tmp_path)
    assert ready(process) != process.pid
    process.send_signal(number)
    seen = number if number in (signal.SIGTERM, signal.SIGQUIT) else 0
    assert process.communicate(timeout=60) == (f"taken {int(seen)}\n".encode(), b"")
    assert process.returncode == 0


@pytest.mark.parametrize(("first", "second"), [(15, 15), (2, 15), (15, 2)])
def test_a_second_signal_is_death_at_once(first: int, second: int, tmp_path: Path) -> None:
    """Though the command takes none. Its note is seen to, with the signal that has ended it."""
    script = (
        "leave_note(b'to do')\n"
        "nap = subprocess.Popen(['setsid', 'sleep', '600'])\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {2, 15})\n"
        "print(nap.pid, flush=True); time.sleep(600)"
    )
    process = started(script, tmp_path)
    nap = ready(process)
    process.send_signal(first)
    time.sleep(0.3)  # at once they would count as one
    process.send_signal(second)
    assert process.communicate(timeout=60) == (f"note to do {second}\n".encode(), b"")
    assert process.returncode == -second
    assert gone(nap)


def test_what_was_left_running_lives_on_unless_a_signal_ends_it(tmp_path: Path) -> None:
    """It is nobody's business what a step that is done has started."""
    nap = (
        "nap = subprocess.Popen(['sleep', '600'], stdout=-3, stderr=-3)\n"
        "print(nap.pid, flush=True)\n"
    )
    process = started(f"{nap}report_end(0)", tmp_path)
    alive = ready(process)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not gone(alive)
    os.kill(alive, signal.SIGKILL)
    process = started(f"{nap}time.sleep(600)", tmp_path)
    ended = ready(process)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert gone(ended)


def test_the_command_does_not_outlive_its_supervisor(tmp_path: Path) -> None:
    """`kill -9` reaches the one that is known."""
    process = started("print(os.getpid(), flush=True); time.sleep(600)", tmp_path)
    child = ready(process)
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: gone(child))


def test_what_is_ignored_stays_so(tmp_path: Path) -> None:
    """As `nohup` wants it."""
    script = "print(os.getpid(), flush=True); sys.stdin.readline(); report_end(0)"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            BEGIN.replace("import ctypes", "signal.signal(1, signal.SIG_IGN); import ctypes")
            + script,
        ],
        cwd=tmp_path,
        env=process_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    ready(process)
    process.send_signal(signal.SIGHUP)
    process.communicate(b"\n", timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize(("is_own", "ends"), [(True, b"lives\n"), (False, b"")])
def test_the_supervisor_alone_tells_a_second_signal_from_the_first(
    *, is_own: bool, ends: bytes, tmp_path: Path
) -> None:
    """One that it hands on may come late, when it was seen before; or to both from a terminal."""
    script = f"""
from driftflow.cli import CommandProcess
from driftflow.running.signals import Signals
process = CommandProcess(is_own={is_own})
process.supervise()
with Signals() as caught:
    caught.catch(process.signal_seen, process.end_at_once)
    caught.received = signal.SIGTERM
    os.kill(os.getpid(), signal.SIGTERM)
    print("lives", flush=True)
process.report_end(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", f"{AT_A_TERMINAL}\nimport os\n{script}"],
        cwd=tmp_path,
        env=process_environment(),
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (ends, b"")
    assert done.returncode == (0 if is_own else -signal.SIGTERM)
