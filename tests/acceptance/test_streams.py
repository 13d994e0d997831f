"""What becomes of the standard streams of the command, whatever they lead to."""

from __future__ import annotations

import os
import subprocess
import sys
from fcntl import F_SETPIPE_SZ, fcntl
from pathlib import Path
from select import select
from typing import TYPE_CHECKING

import pytest
from support.command import process_environment, wait_for
from support.workflows import save

if TYPE_CHECKING:
    from collections.abc import Callable

# How the steps of a run may be performed, and whether Python has buffers.
RUNS = pytest.mark.parametrize(
    ("flags", "options", "environ"),
    [
        ({}, [], {}),
        ({}, [], {"PYTHONUNBUFFERED": "1"}),
        ({"parallel": True}, ["--jobs", "2"], {}),
        ({}, ["--enforce-timeout"], {}),
        ({"parallel": True}, ["--enforce-timeout"], {"PYTHONUNBUFFERED": "1"}),
    ],
    ids=["in turn", "without buffers", "in threads", "in children", "in children without buffers"],
)

ACTIONS = """
import logging, subprocess, sys
import driftflow

log = logging.getLogger("loud")
log.addHandler(logging.StreamHandler())
print("loaded")

@driftflow.action
def say(value):
    print(value, flush=True)
    print("half a character: \\ud800", end="")
    sys.stdout.write("more\\n")
    sys.stdout.writelines(["lines\\n", "and lines\\n"])
    sys.stdout.buffer.write(b"bytes\\n")
    sys.stdout.flush()
    sys.stderr.write("for people\\n")
    sys.stderr.buffer.write(b"bytes\\n")
    print("to stderr", file=sys.stderr)
    log.warning("logged")
    subprocess.run(["true"], stdout=sys.stdout, stderr=sys.stderr, check=True)
    assert not sys.stdout.isatty() and sys.stdout.encoding == "utf-8"
    return value

@driftflow.action
def shout(value):
    for number in range(value):
        print(f"{number:06} {'x' * 92}")
    return value
"""


@pytest.fixture
def loud(tmp_path: Path) -> list[str]:
    """The options for actions that print."""
    (tmp_path / "loud.py").write_text(ACTIONS)
    return ["--actions", "./loud.py"]


def command(*words: object) -> list[str]:
    """The command with these words."""
    return [sys.executable, "-m", "driftflow", *map(str, words)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no procfs")
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/dev/stdout", "not a regular file"),
        ("log", "standard output or standard error is redirected to it and would be lost"),
    ],
)
def test_a_log_that_stdout_is_appended_to_is_not_replaced(
    target: str, reason: str, tmp_path: Path
) -> None:
    """By a step that writes to it."""
    pack = "driftflow.packs.files"
    path = save(tmp_path, {"action": "write_text", "input": {"path": target, "text": "x"}})
    log = tmp_path / "log"
    log.write_text("of yesterday\n")
    with log.open("ab") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "driftflow", "--config", path, "--actions", pack],
            cwd=tmp_path,
            env=process_environment(),
            stdout=stdout,
            check=False,
        )
    assert done.returncode == 1
    assert log.read_text() == f"of yesterday\nFAIL step0: {target}: {reason}\n"


def to_a_full_disk(words: list[str], folder: Path, environ: dict[str, str]) -> tuple[int, bytes]:
    """Run with a stderr that has no room."""
    with Path("/dev/full").open("wb") as full:
        return end_of(words, folder, environ, full.fileno())


def to_a_closed_pipe(words: list[str], folder: Path, environ: dict[str, str]) -> tuple[int, bytes]:
    """Run with a stderr that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return end_of(words, folder, environ, writing)
    finally:
        os.close(writing)


def to_nothing(words: list[str], folder: Path, environ: dict[str, str]) -> tuple[int, bytes]:
    """Run with a stderr that is closed."""
    return end_of(["sh", "-c", 'exec "$@" 2>&-', "sh", *words], folder, environ, None)


def to_what_is_only_read(
    words: list[str], folder: Path, environ: dict[str, str]
) -> tuple[int, bytes]:
    """Run with a stderr that was opened for reading."""
    return end_of(["sh", "-c", 'exec "$@" 2</dev/null', "sh", *words], folder, environ, None)


def end_of(
    words: list[str], folder: Path, environ: dict[str, str], stderr: int | None
) -> tuple[int, bytes]:
    """Its status and its stdout."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=process_environment(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


@RUNS
@pytest.mark.parametrize(
    "run", [to_a_full_disk, to_a_closed_pipe, to_nothing, to_what_is_only_read]
)
def test_what_an_action_prints_never_fails_its_step(  # noqa: PLR0913, PLR0917 - two tables
    run: Callable[[list[str], Path, dict[str, str]], tuple[int, bytes]],
    flags: dict[str, bool],
    options: list[str],
    environ: dict[str, str],
    loud: list[str],
    tmp_path: Path,
) -> None:
    """It is no result: what cannot be written to stderr is lost."""
    path = save(tmp_path, *({"action": "say", "input": n} for n in range(2)), flags=flags)
    words = command("--config", path, *loud, *options)
    assert run(words, tmp_path, environ) == (0, b"OK step0: 0\nOK step1: 1\n")


@pytest.mark.parametrize("run", [to_a_full_disk, to_a_closed_pipe, to_nothing])
def test_what_is_wrong_is_told_by_the_status_too(
    run: Callable[[list[str], Path, dict[str, str]], tuple[int, bytes]], tmp_path: Path
) -> None:
    """Where nobody can be told otherwise."""
    assert run(command("--config", "missing.json"), tmp_path, {}) == (2, b"")
    assert run(command("--confg", "missing.json"), tmp_path, {}) == (2, b"")


def test_a_stream_that_an_action_has_put_in_place_changes_no_status(tmp_path: Path) -> None:
    """Though Python flushes it as it ends, and fails."""
    (tmp_path / "acts.py").write_text(
        "import sys\nimport driftflow\n"
        "@driftflow.action\n"
        "def replace(_):\n"
        "    sys.stdout = sys.stderr = open('/dev/full', 'w')\n"
        "    print('lost')\n"
    )
    path = save(tmp_path, {"action": "replace"})
    words = command("--config", path, "--actions", "./acts.py")
    assert end_of(words, tmp_path, {}, None) == (0, b"OK step0: null\n")


def test_half_a_character_is_printed_as_an_escape(loud: list[str], tmp_path: Path) -> None:
    """UTF-8 cannot hold it; and all comes in its order."""
    path = save(tmp_path, {"action": "say", "input": 1})
    done = subprocess.run(
        command("--config", path, *loud),
        cwd=tmp_path,
        env=process_environment(),
        capture_output=True,
        check=True,
    )
    assert done.stderr.decode().splitlines() == [
        *("loaded", "1", "half a character: \\ud800more", "lines", "and lines", "bytes"),
        *("for people", "bytes", "to stderr", "logged"),
    ]


def read_slowly(
    words: list[str], folder: Path, environ: dict[str, str], stream: str
) -> tuple[int, str]:
    """The status of a run, and what it writes to a stream that holds a page and does not block.

    Nothing is read until there is no more room: whoever does not wait then loses the rest.
    """
    reading, writing = os.pipe()
    fcntl(writing, F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=process_environment(environ),
        stdin=subprocess.DEVNULL,
        stdout=writing if stream == "stdout" else subprocess.DEVNULL,
        stderr=writing if stream == "stderr" else subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: not select([], [writing], [], 0)[1] or process.poll() is not None)
        assert not os.get_blocking(writing), "it belongs to others too"
        os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as file:
            text = b"".join(iter(lambda: file.read(1000), b""))
        return process.wait(60), text.decode()
    finally:
        process.kill()
        process.wait()


@RUNS
@pytest.mark.parametrize("shown", [[], ["--print-json"]], ids=["lines", "document"])
def test_a_stdout_that_does_not_block_gets_everything(
    shown: list[str],
    flags: dict[str, bool],
    options: list[str],
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    """In its order, however slowly it is read: the first lines, and those that wait for others."""
    path = save(tmp_path, *({"input": "é" * 997} for _ in range(50)), flags=flags)
    words = command("--config", path, *shown, *options)
    assert read_slowly(words, tmp_path, environ, "stdout") == end_as_text(words, tmp_path)


def end_as_text(words: list[str], folder: Path) -> tuple[int, str]:
    """The status and the stdout of a run that is read at once."""
    status, stdout = end_of(words, folder, {}, None)
    return status, stdout.decode()


@RUNS
def test_a_stderr_that_does_not_block_gets_everything(
    flags: dict[str, bool],
    options: list[str],
    environ: dict[str, str],
    loud: list[str],
    tmp_path: Path,
) -> None:
    """What an action prints."""
    path = save(tmp_path, {"action": "shout", "input": 300}, flags=flags)
    words = command("--config", path, *loud, *options)
    status, text = read_slowly(words, tmp_path, environ, "stderr")
    lines = [line for line in text.splitlines() if line != "loaded"]
    assert (status, lines) == (0, [f"{number:06} {'x' * 92}" for number in range(300)])


def test_a_report_on_a_stderr_that_does_not_block_is_whole(tmp_path: Path) -> None:
    """As one on any other."""
    path = save(tmp_path, *({"priority": "high"} for _ in range(200)))
    words = command("--config", path)
    done = subprocess.run(
        words, cwd=tmp_path, env=process_environment(), capture_output=True, check=False
    )
    assert len(done.stderr) > 4 * 4096
    assert read_slowly(words, tmp_path, {}, "stderr") == (2, done.stderr.decode())
