"""Actions that do not end by themselves, or that end what they should not."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import driftflow


@driftflow.action
def pid(_: Any) -> int:
    """Gives the number of the process."""
    return os.getpid()


@driftflow.action
def sleep(_: Any) -> None:
    """Sleeps."""
    time.sleep(600)


@driftflow.action
def loop(_: Any) -> NoReturn:
    """Runs in circles."""
    while True:
        pass


@driftflow.action
def regex(_: Any) -> None:
    """Matches a pattern that takes forever, and keeps Python's global lock."""
    re.match(r"^(a+)+$", "a" * 60 + "b")


@driftflow.action
def one_call(_: Any) -> int:
    """Makes one long call."""
    return sum(range(10**12))


@driftflow.action
def swallow(_: Any) -> NoReturn:
    """Lets no exception end it."""
    while True:
        with suppress(BaseException):
            time.sleep(600)


@driftflow.action
def deaf(_: Any) -> None:
    """Lets no signal end it that could be ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(600)


@driftflow.action
def hold_the_line(_: Any) -> None:
    """Forks a process that holds all that this one has open, and leaves its group."""
    if os.fork() == 0:
        os.setsid()
    time.sleep(600)


@driftflow.action
def start(folder: str) -> None:
    """Starts processes, notes their numbers, and sleeps."""
    programs = [
        subprocess.Popen(["/bin/sleep", "600"]),
        subprocess.Popen(["/bin/sleep", "600"], start_new_session=True),
    ]
    for number, program in enumerate(programs):
        Path(folder, str(number)).write_text(f"{program.pid}")
    Path(folder, "2").write_text(f"{os.getpid()}")
    time.sleep(600)


@driftflow.action
def leave_running(_: Any) -> int:
    """Starts a process that lives on, and gives its number."""
    return subprocess.Popen(["/bin/sleep", "600"], stdout=2).pid


@driftflow.action
def orphan(path: str) -> None:
    """Starts a process that has no parent left, notes its number, and does not come back."""
    subprocess.run(["/bin/sh", "-c", f"(sleep 600 & echo $! > {path})"], check=True)
    time.sleep(600)


@driftflow.action
def leave_breeding(folder: str) -> int:
    """Starts a process that lives on, and starts others when it is told to."""
    script = (
        "while ! test -e go; do sleep 0.01; done; sleep 600 & echo $! > child;"
        "(sleep 600 & echo $! > orphan); touch done; exec sleep 600"
    )
    return subprocess.Popen(
        ["/bin/sh", "-c", script], cwd=folder, stdout=2, start_new_session=True
    ).pid


@driftflow.action
def breed(value: list[str]) -> None:
    """Tells it, and does not come back."""
    folder, end = value
    Path(folder, "go").touch()
    while not Path(folder, "done").exists():
        time.sleep(0.01)
    if end == "leave":
        os._exit(7)
    time.sleep(600)


@driftflow.action
def usurp(path: str) -> None:
    """Closes what it has not opened, and gives a file of its own all these numbers."""
    os.closerange(3, 1100)
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    for number in range(3, 1100):
        os.dup2(file, number)


@driftflow.action
def leave(_: Any) -> NoReturn:
    """Ends the process."""
    os._exit(7)


@driftflow.action
def fork_and_leave(path: str) -> NoReturn:
    """Ends the process, and leaves one behind that holds all that it had open."""
    if child := os.fork():
        Path(path).write_text(f"{child}")
        os._exit(5)
    time.sleep(600)
    raise AssertionError


@driftflow.action
def fork_and_crash(path: str) -> None:
    """Ends the process as a fault would, and leaves one behind."""
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    Path(path).write_text(f"{child.pid}")
    os.kill(os.getpid(), signal.SIGSEGV)


@driftflow.action
def fork_and_leave_soon(path: str) -> None:
    """Ends the process when the attempt is over, and leaves one behind."""
    child = os.fork()
    if not child:
        time.sleep(600)
    Path(path).write_text(f"{child}")
    threading.Timer(0.05, os._exit, [5]).start()


@driftflow.action
def crash(_: Any) -> None:
    """Ends the process as a fault would."""
    os.kill(os.getpid(), signal.SIGSEGV)


@driftflow.action
def unplug(_: Any) -> None:
    """Closes what it has not opened."""
    os.closerange(3, 5000)
    time.sleep(600)


@driftflow.action
def at_exit(_: Any) -> str:
    """Gives a path of a file that is written when the process ends in good order."""
    path = Path(tempfile.gettempdir(), f"driftflow-{os.getpid()}-end")
    atexit.register(path.write_text, "a good end")
    return str(path)


@driftflow.action
def stay(_: Any) -> None:
    """Leaves a thread running."""
    threading.Thread(target=time.sleep, args=(600,)).start()


@driftflow.action
def speak(text: str) -> str:
    """Prints, and lets a program print."""
    sys.stdout.write(f"{text} from Python\n")
    subprocess.run(["/bin/echo", f"{text} from a program"], check=True)
    return text


@driftflow.action
def signal_all(_: Any) -> list[int]:
    """Takes a signal that it sends to its group."""
    taken: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda *_: taken.append(1))
    os.kill(0, signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)
    return taken


@driftflow.action
def stop_all(_: Any) -> None:
    """Stops its group."""
    os.kill(0, signal.SIGSTOP)


@driftflow.action
def hog(_: Any) -> None:
    """Leaves a thread behind that soon keeps Python's lock to itself."""

    def hold() -> None:
        time.sleep(0.05)
        sum(range(10**12))

    threading.Thread(target=hold, daemon=True).start()


@driftflow.action
def stop(_: Any) -> None:
    """Has the process stopped, soon."""
    subprocess.Popen(["/bin/sh", "-c", f"sleep 0.05; kill -STOP {os.getpid()}"])


@driftflow.action
def fork(_: Any) -> str:
    """Forks, and comes back in both processes; later in the second."""
    if os.fork():
        return "parent"
    time.sleep(0.1)
    return "child"
