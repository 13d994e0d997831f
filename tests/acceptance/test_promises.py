"""What is promised of runs in which something goes wrong, each tried in short."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING

import pytest
from promises import Promise, Verdict
from promises.__main__ import attempt, tell
from promises.table import PROMISES
from support.documents import read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("promise", PROMISES, ids=attrgetter("id"))
def test_a_promise_is_kept(promise: Promise, tmp_path: Path) -> None:
    """`make torture` tries each at length."""
    verdict = promise.tried(tmp_path, thoroughly=False)
    assert verdict.holds, verdict.figure


def test_documents_trials_and_tests_are_of_the_same_promises(
    request: pytest.FixtureRequest,
) -> None:
    """Each has one id, by which it is found in all three."""
    table = read("docs/explanation/promises.md")
    documented = re.findall(r"^\| ([A-Z]+-\d+) \|", table, re.MULTILINE)
    trials = [promise.id for promise in PROMISES]
    names = [item.name for item in request.node.parent.collect()]
    tests = re.findall(r"^test_a_promise_is_kept\[(.+)\]$", "\n".join(names), re.MULTILINE)
    assert sorted(documented) == sorted(trials) == sorted(tests)


def test_torture_says_what_became_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    """And at the end what was not tried, and why: `.ci/run` looks for these lines."""

    def keep(_: Path) -> Verdict:
        return Verdict(holds=True, figure="3 runs")

    def lose(_: Path) -> Verdict:
        return Verdict(holds=False, figure="1 of 3 lost")

    def fail(_: Path) -> Verdict:
        raise OSError("no more room")

    def skip(_: Path) -> Verdict:
        pytest.skip("no strace")

    trials = {"GOOD-1": keep, "BAD-1": lose, "BAD-2": fail, "NONE-1": skip}
    promises = [Promise(name, "a text", "0 lost", trial, {}, {}) for name, trial in trials.items()]
    assert tell(promises, map(attempt, promises)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r" +\d+\.\d s +", "  ", line) for line in lines] == [
        "GOOD-1  a text  0 lost  kept  3 runs",
        "BAD-1   a text  0 lost  BROKEN  1 of 3 lost",
        "BAD-2   a text  0 lost  BROKEN  OSError: no more room",
        "NONE-1  a text  0 lost  skipped  no strace",
        "1 kept, 2 BROKEN, 1 skipped",
        "SKIPPED NONE-1: no strace",
    ]
    assert tell(promises[:1], map(attempt, promises[:1])) == 0
    assert capsys.readouterr().out.endswith("\n1 kept, 0 BROKEN, 0 skipped\n")
