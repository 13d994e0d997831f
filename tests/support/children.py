"""Deeds that are done in a process of their own, a fork of this one; by another user, if root."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do that")

# A user, and a group, that owns nothing.
NOBODY = 65534


def in_a_child(deed: Callable[[], None]) -> None:
    """Do that; an assertion that fails there is on stderr, and fails here too."""
    with catch_warnings():
        simplefilter("ignore", DeprecationWarning)  # of threads, from Python 3.12 on: it needs none
        child = os.fork()
    if not child:
        try:
            deed()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - the test would run on in the child
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def as_somebody(deed: Callable[[], None], groups: Sequence[int] = ()) -> None:
    """Do that as nobody, who is in these groups too."""

    def become_nobody() -> None:
        os.setgroups(groups)
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        deed()

    in_a_child(become_nobody)


def let_all_reach(folder: Path) -> None:
    """Let everybody look into a folder that pytest has made, and into those above it."""
    folder.chmod(0o755)
    if not folder.name.startswith("pytest-of-"):
        let_all_reach(folder.parent)
