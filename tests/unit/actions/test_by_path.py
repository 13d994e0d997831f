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
from driftflow.actions.registry import resolve_actions

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


@pytest.mark.parametrize("word", ["helper", "%2e%2e/evil/helper", "evil/helper%2epy", "", "%2e"])
@pytest.mark.parametrize("file", ["helper", "helper/__init__.py", "helper.py", "__init__.py"])
def test_only_a_whole_path_is_one(
    word: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is relative leads nowhere, whoever asks for it, and comes onto no path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil" / file).parent.mkdir(parents=True)
    (tmp_path / "evil" / file).write_text("raise SystemExit\n")
    monkeypatch.chdir("evil")
    before = [*sys.path]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"{by_path.__name__}.{word}")
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(f"c{by_path.__name__}.{word}\nact\n.".encode())
    assert sys.path == before


def test_a_file_that_is_not_there_is_an_import_error(tmp_path: Path) -> None:
    """As of any module; so is a folder that is no package. It comes onto no path either."""
    before = [*sys.path]
    for path in (tmp_path / "gone.py", tmp_path):
        with pytest.raises(ImportError, match=rf"^no such file: {tmp_path}/\w+\.py$"):
            importlib.import_module(name_module(str(path)))
    assert sys.path == before


@pytest.mark.parametrize("line", ["from . import {}", "from .{} import N", "from .. import {}"])
@pytest.mark.parametrize("helper", ["helper", "os", "name_module", "registry", "__path__"])
def test_a_file_is_in_no_package(line: str, helper: str, tmp_path: Path) -> None:
    """A relative import fails in it, as in a script; so the usual idiom works."""
    (tmp_path / "helper.py").write_text("N = 5\n")
    (tmp_path / "orders.py").write_text(
        f"import driftflow\ntry:\n    {line.format(helper)}\n"
        "except ImportError as error:\n    said = str(error)\n    from helper import N\n"
        "@driftflow.action\ndef act(_): return N, said, __package__\n"
    )
    said = "attempted relative import with no known parent package"
    known = resolve_actions([tmp_path / "orders.py"])
    del sys.modules["helper"]
    assert known["act"].function(None) == (5, said, "")
    assert sys.modules[name_module(f"{tmp_path}/orders.py")].__file__ == f"{tmp_path}/orders.py"


def test_a_package_is_in_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it imports from above is looked for in no folder."""
    (tmp_path / "orders").mkdir()
    (tmp_path / "helper.py").touch()
    (tmp_path / "orders" / "__init__.py").write_text("from ..helper import N\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(name_module(f"{tmp_path}/orders"))
