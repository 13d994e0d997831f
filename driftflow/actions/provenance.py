"""Where the code of actions comes from: its files, packages and modules.

An audit records it, so that a later run can tell whether the code has changed since. What ships
with DriftFlow is known by DriftFlow's own version.
"""

from __future__ import annotations

import hashlib
import os
from inspect import unwrap
from types import ModuleType
from typing import TYPE_CHECKING

from driftflow.errors import name_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftflow.actions.action import Action

_OURS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")  # noqa: PTH100, PTH118, PTH120 - a string, as code objects have it


def hash_files(actions: Iterable[Action]) -> dict[str, str]:
    """Return the files of these actions that no package provides, each with its SHA-256.

    In the order of their paths; the digest is in hexadecimal. A file that cannot be read, or that
    there is none of, is left out.
    """
    paths = {_find_file(each) for each in actions if each.package is None}
    digests = ((path, _hash_file(path)) for path in sorted(filter(None, paths)))
    return {path: digest for path, digest in digests if digest}


def list_packages(actions: Iterable[Action]) -> dict[str, str]:
    """Return the names of the packages that provide these actions, each with its version."""
    return dict(sorted({each.package for each in actions if each.package}))


def find_homes(actions: Mapping[str, Action]) -> dict[str, str]:
    """Return by the name of an action the file or package that provides it.

    As `hash_files` and `list_packages` name them. What ships with DriftFlow is left out.
    """
    homes = {
        name: each.package[0] if each.package else _find_file(each)
        for name, each in actions.items()
    }
    return {name: home for name, home in homes.items() if home}


def find_error_types(action: Action) -> dict[str, str]:
    """Return the exception classes that the module of an action has.

    It may have them by itself, or in a module that it has imported. Nothing in these modules is
    asked for its class: it may be a stand-in that is not ready yet.

    Returns:
        By the name by which a module knows it, each class's own name; that is what counts when one
        is raised.
    """
    return {
        name: name_type(thing)
        for home in _list_modules(action)
        for name, thing in vars(home).items()
        if issubclass(type(thing), type) and issubclass(thing, BaseException)
    }


def _list_modules(action: Action) -> Iterator[ModuleType]:
    """Yield the module of an action, those that it has imported, and those in these."""
    function = unwrap(action.original)
    names = getattr(function, "__globals__", {})
    home = ModuleType("")
    vars(home).update(names)
    yield home
    for module in _list_imported(home):
        yield module
        yield from _list_imported(module)


def _list_imported(module: ModuleType) -> list[ModuleType]:
    return [each for each in vars(module).values() if issubclass(type(each), ModuleType)]


def _find_file(action: Action) -> str | None:
    """Return the file in which an action is defined; None for one of DriftFlow's, or of none."""
    code = getattr(unwrap(action.original), "__code__", None)
    path: str | None = getattr(code, "co_filename", None)
    return None if path is None or path.startswith((_OURS, "<")) else path


def _hash_file(path: str) -> str | None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
