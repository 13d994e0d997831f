"""The command line, run in this process or in one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from driftflow.actions.registry import find_entry_points
from driftflow.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((CHECKOUT / "examples").glob("*.json"))


# What signals mean to a process that is started at a terminal; a shell's background ignores SIGINT,
# `nohup` SIGHUP, and what they start inherits that.
AT_A_TERMINAL = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU):\n"
    "    signal.signal(number, signal.SIG_DFL)\n"
)


@contextmanager
def packages_stay() -> Iterator[None]:
    """Let what is installed be looked up once, for many runs: it takes longer than a small run."""
    with mock.patch("driftflow.actions.registry.find_entry_points", cache(find_entry_points)):
        yield


class Outcome(NamedTuple):
    """What a command did."""

    status: int
    stdout: str
    stderr: str


def invoke(
    *arguments: object, cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> Outcome:
    """Call `main` with these arguments and exactly this environment, `{}` by default."""
    stdout, stderr = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    with (
        chdir(cwd or "."),
        mock.patch.dict(os.environ, environ or {}, clear=True),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        status = main([str(argument) for argument in arguments])
    return Outcome(status, _written(stdout), _written(stderr))


def spawn(
    *arguments: object,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    before: tuple[str, ...] = (),
) -> Outcome:
    """Run `python -m driftflow` in a process of its own, after the words in `before`."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "driftflow", *map(str, arguments)],
        cwd=cwd,
        env=process_environment(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return Outcome(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


def gone(pid: int) -> bool:
    """Whether there is no such process, or only what its parent has not looked at yet."""
    try:
        return _state(pid) == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal."""
    return _state(pid) == "T"


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_for(condition: Callable[[], Any]) -> None:
    """Look again and again."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("in vain")


def process_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """A small environment that leaves nothing behind in the checkout."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        **(environ or {}),
    }


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    raw = stream.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue().decode("utf-8")
