"""Each file under cases/ is a config, named by the rule that it tries. A new case is a new file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command import invoke

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

CASES = Path(__file__).resolve().parent.parent / "cases"


def by_name(path: Path) -> str:
    """A case's id."""
    return path.stem


@pytest.mark.parametrize("case", sorted((CASES / "invalid").glob("*.json")), ids=by_name)
def test_an_invalid_config_is_refused_with_all_that_is_wrong(
    case: Path, snapshot: SnapshotAssertion
) -> None:
    """On stderr, with the file and the places; nothing on stdout, exit 2."""
    outcome = invoke("--config", case.name, cwd=case.parent)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert all(line.startswith(f"error: {case.name}: ") for line in outcome.stderr.splitlines())
    assert outcome.stderr == snapshot


@pytest.mark.parametrize("case", sorted((CASES / "valid").glob("*.json")), ids=by_name)
def test_a_valid_config_runs(case: Path, snapshot: SnapshotAssertion) -> None:
    """Whatever its steps come to: nothing on stderr."""
    outcome = invoke("--config", case.name, cwd=case.parent)
    assert (outcome.status in (0, 1), outcome.stderr) == (True, "")
    assert outcome.stdout == snapshot
