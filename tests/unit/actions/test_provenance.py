"""Where the code of actions comes from: what an audit says of it."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from driftflow.actions.action import ACTIONS, Action
from driftflow.actions.provenance import (
    find_error_types,
    find_homes,
    hash_files,
    list_packages,
)
from driftflow.actions.registry import resolve_actions
from driftflow.packs import files

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import functools, os.path, json as js
import driftflow

class Own(Exception): pass
Alias = Own
NotOne = 5

class Lazy:
    @property
    def __class__(self): raise RuntimeError("nothing is there yet")
lazy = Lazy()

def wrapped(function):
    @functools.wraps(function)
    def call(value):
        return function(value)
    return call

@driftflow.action(schema={"type": "string"})
def first(value): return value

@driftflow.action
@wrapped
def second(value): return value
"""


@pytest.fixture
def actions(tmp_path: Path) -> Any:
    """Those of a file."""
    (tmp_path / "acts.py").write_text(CODE)
    return resolve_actions([str(tmp_path / "acts.py")])


def test_each_file_is_told_once_with_its_digest(actions: Any, tmp_path: Path) -> None:
    """Also that of an action that has a schema, or is decorated."""
    path = tmp_path / "acts.py"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for names in (["first"], ["second"], ["first", "second"]):
        assert hash_files([actions[name] for name in names]) == {str(path): digest}


def test_what_ships_with_us_is_known_by_our_version() -> None:
    """And what is in no file, or in none that can be read, is left out."""
    shipped = resolve_actions([files])
    assert hash_files([*ACTIONS.values(), shipped["read_csv"]]) == {}
    scope: dict[str, Any] = {}
    exec(compile("def act(value): pass", "/nowhere/acts.py", "exec"), scope)  # noqa: S102 - code
    assert hash_files([Action(scope["act"], "", ""), Action(partial(print, 1), "", "")]) == {}


def test_a_package_is_told_with_its_version_in_place_of_its_files(actions: Any) -> None:
    """In the order of the names."""
    one = actions["first"]._replace(package=("zoo", "2.0"))
    two = actions["second"]._replace(package=("acme", "1.1"))
    assert list_packages([one, two, actions["first"]]) == {"acme": "1.1", "zoo": "2.0"}
    assert list(list_packages([one, two])) == ["acme", "zoo"]
    assert hash_files([one, two]) == {}


def test_each_action_is_at_home_in_a_file_or_a_package(actions: Any, tmp_path: Path) -> None:
    """By the name under which that is recorded; what ships with us is not told."""
    packed = actions["second"]._replace(package=("zoo", "2.0"))
    known = {"a": actions["first"], "b": packed, "c": ACTIONS["echo"]}
    assert find_homes(known) == {"a": str(tmp_path / "acts.py"), "b": "zoo"}


@pytest.mark.parametrize(
    ("name", "own_name"),
    [
        ("Own", "Own"),
        ("Alias", "Own"),
        ("JSONDecodeError", "JSONDecodeError"),  # json's
        ("NotOne", None),
        ("first", None),
        ("lazy", None),
    ],
)
def test_the_module_of_an_action_knows_its_errors(
    actions: Any, name: str, own_name: str | None
) -> None:
    """Those that it has by itself, and those of modules that it has imported."""
    for action in (actions["first"], actions["second"]):
        assert find_error_types(action).get(name) == own_name
    assert name not in find_error_types(Action(partial(print, 1), "", ""))
