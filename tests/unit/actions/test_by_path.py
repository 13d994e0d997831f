"""Modules that are given by their paths."""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftflow.actions import by_path
from driftflow.actions.beside import installed_path
from driftflow.actions.by_path import forget, is_by_path, name_module

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", installed_path())


@given(st.text("/.%2e5a\n\udc80"))
def test_each_path_has_a_name_of_its_own_of_one_word(path: str) -> None:
    """Which leads back to it."""
    name = name_module(path)
    assert is_by_path(name)
    assert name.rpartition(".")[0] == by_path.__name__
    word = name.rpartition(".")[2]
    assert word.replace("%2e", ".").replace("%25", "%") == path


def test_a_module_is_imported_by_its_name(tmp_path: Path) -> None:
    """As another process does to unpickle what is in it; once, unless it is forgotten."""
    (tmp_path / "a.b.py").write_text("class Row:\n    pass\n")
    name = name_module(f"{tmp_path}/a.b.py")
    module = importlib.import_module(name)
    assert importlib.import_module(name) is module
    data = pickle.dumps(module.Row)
    assert pickle.loads(data) is module.Row
    forget(name)
    assert pickle.loads(data) is not module.Row
    assert pickle.loads(data) is sys.modules[name].Row
    assert not is_by_path(by_path.__name__)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("driftflow.actions./tmp")
