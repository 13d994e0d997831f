"""The folders of code that is given by its path."""

from __future__ import annotations

import sys

import pytest

from driftflow.actions.by_path import installed_path, let_import_from


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", installed_path())


def test_a_folder_comes_last_and_is_not_where_installed_modules_are() -> None:
    """Unless it is on the path by itself: then it is."""
    before = [*sys.path]
    let_import_from("/by/path")
    let_import_from("/by/path")
    let_import_from(before[-1])
    assert sys.path == [*before, "/by/path"]
    assert installed_path() == before


def test_what_is_no_string_is_left_out() -> None:
    """Python itself does not look there."""
    sys.path.append(5)  # type: ignore[arg-type]  # the point of the test
    assert installed_path() == sys.path[:-1]
