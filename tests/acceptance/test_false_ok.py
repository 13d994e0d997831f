"""What an action does to its process never makes a run look better than it was."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support import workflows
from support.command import spawn

if TYPE_CHECKING:
    from pathlib import Path

ACTIONS = """
import ctypes, os, sys
import driftflow

WAYS = {"os": os.fork, "C": ctypes.CDLL(None).fork}

@driftflow.action
def fork(value):
    way, end = value
    child = WAYS[way]()
    if child:
        os.waitpid(child, 0)
        return "paid"
    if end == "raise":
        raise ValueError("in the child")
    if end == "exit":
        sys.exit(0)
    if end == "interrupt":
        raise KeyboardInterrupt
    return "paid twice"

@driftflow.action
def note(path):
    with open(path, "a") as file:
        file.write("noted\\n")
    return "noted"
"""


ENDS = ("return", "raise", "exit", "interrupt")


@pytest.mark.parametrize(
    ("flags", "options", "ways"),
    [
        ({}, (), ("os", "C")),
        ({}, ("--enforce-timeout",), ("os", "C")),
        # A fork in C would leave Python's lock to a thread that the copy does not have.
        ({"parallel": True}, ("--jobs", "2"), ("os",)),
    ],
)
def test_a_process_that_an_action_forks_has_no_part_in_the_run(
    flags: dict[str, bool], options: tuple[str, ...], ways: tuple[str, ...], tmp_path: Path
) -> None:
    """However it comes back: nothing is done, printed or recorded twice."""
    (tmp_path / "acts.py").write_text(ACTIONS)
    forks = [
        {"name": f"{way} {end}", "action": "fork", "input": [way, end], "priority": 1}
        for way in sorted(ways)
        for end in sorted(ENDS)
    ]
    last = {"name": "z", "action": "note", "input": str(tmp_path / "notes")}
    config = workflows.save(tmp_path, *forks, last, flags={"audit": True, **flags})
    done = spawn("--config", config, "--actions", "./acts.py", *options, cwd=tmp_path)
    lines = [*(f"OK {step['name']}: paid" for step in forks), "OK z: noted"]
    assert (done.status, done.stdout.splitlines()) == (0, lines)
    assert (tmp_path / "notes").read_text() == "noted\n"
    records = [
        json.loads(line) for line in (tmp_path / "driftflow.audit.json").read_text().splitlines()
    ]
    assert [record["seq"] for record in records] == [*range(len(records))]
    assert Counter(record["event"] for record in records)["run_finished"] == 1
