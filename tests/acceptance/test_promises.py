"""What README promises of runs in which something goes wrong, each tried in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from promises.table import PROMISES

if TYPE_CHECKING:
    from pathlib import Path

    from promises import Promise


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.text)
def test_a_promise_is_kept(promise: Promise, tmp_path: Path) -> None:
    """`make torture` tries each at length."""
    verdict = promise.tried(tmp_path, thoroughly=False)
    assert verdict.holds, verdict.figure
