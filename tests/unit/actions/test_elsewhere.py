"""The actions of a run in another process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.command import CHECKOUT, process_environment

from driftflow.actions.action import ACTIONS
from driftflow.actions.elsewhere import find_actions

DEEDS = str(CHECKOUT / "tests" / "support" / "deeds.py")


def test_built_in_actions_are_there_without_the_registry() -> None:
    """A child process is ready sooner."""
    assert find_actions(["echo", "upper"], ()) is ACTIONS
    assert find_actions([*ACTIONS], ()) is ACTIONS
    script = (
        "import sys\n"
        "from driftflow.actions.elsewhere import find_actions\n"
        "find_actions(['echo'], ())\n"
        "print('driftflow.actions.registry' in sys.modules)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=process_environment(), check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"False\n"


def test_others_are_loaded_from_their_addresses() -> None:
    """And no more than the names that are asked for."""
    found = find_actions(["nap", "echo"], [DEEDS])
    assert list(found) == ["nap", "echo"]
    assert found["nap"].function(0) == 0


def test_an_action_that_is_nowhere_says_so_when_it_is_tried() -> None:
    """It may be that nobody tries it."""
    for addresses in ([], [DEEDS]):
        (action,) = find_actions(["nobody"], addresses).values()
        with pytest.raises(ValueError, match="unknown action: 'nobody'"):
            action.function("input")
