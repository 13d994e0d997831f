"""What becomes of the standard streams of the command, whatever they lead to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.command import process_environment
from support.workflows import save


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no procfs")
def test_a_log_that_stdout_is_appended_to_is_not_replaced(tmp_path: Path) -> None:
    """By a step that writes to `/dev/stdout`: that is no regular file."""
    pack = "driftflow.packs.files"
    path = save(tmp_path, {"action": "write_text", "input": {"path": "/dev/stdout", "text": "x"}})
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
    assert log.read_text() == "of yesterday\nFAIL step0: /dev/stdout: not a regular file\n"
