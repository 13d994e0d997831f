"""Where the tests of this room write."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.children import let_all_reach


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That everybody may look into."""
    let_all_reach(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def old() -> Path:
    """A file that is there."""
    path = Path("out")
    path.write_text("old")
    return path
