"""What lies beside code that is given by its path, and may be imported by that alone.

- The folder comes last on Python's path, so that nothing that is installed is shadowed; and what is
  installed is not looked for there. A dot at its end tells it from the others: also in a process
  that Python starts for a pool, which has the path from the one that started it.
- What runs is what stands in the files. Bytecode is taken for that of its source if that has the
  time, in seconds, and the length that it had: so here none is read, and none written.
- Python knows one module of a name. Where two such folders have one of the same name, neither is
  taken for the other: it is an error, as soon as somebody imports that name.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from inspect import getattr_static
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType, ModuleType

# How a folder ends that was put on Python's path here.
_MARK = f"{os.sep}."


class FreshLoader(SourceFileLoader):
    """Compiles a module from its source, always."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module."""
        path = self.get_filename(fullname)
        if lines := sys.modules.get("linecache"):  # what tracebacks show
            lines.cache.pop(path, None)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


# As Python's own finder has them.
_LOADERS = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (FreshLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)


class _FreshFinder(FileFinder):
    """Finds what lies in a folder, as Python does, but to be loaded from its source."""

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how a module is loaded, and what is in it if it is a package.

        Raises:
            ImportError: If another folder has a module of that name, too.
        """
        spec = super().find_spec(fullname, target)
        origin = _origin(spec)
        if origin and "." not in fullname and _mark(self.path) in sys.path:
            for folder in _find_others(self.path):
                _require_one(fullname, origin, _find_origin(folder, fullname))
        for folder in (spec and spec.submodule_search_locations) or ():
            load_fresh(folder)
        return spec


def load_fresh(folder: str) -> None:
    """Let what lies in a folder be looked for anew, and be loaded from its source."""
    whole = os.path.abspath(folder)  # noqa: PTH100 - without a mark, and a string
    sys.path_importer_cache[folder] = _FreshFinder(whole, *_LOADERS)


def let_import_from(folder: str) -> None:
    """Put a folder last on Python's path, unless it is there; load what lies in it from its source.

    Raises:
        ImportError: If it has a module of a name that was imported from another such folder.
    """
    others = _find_others(folder)
    for name, module in [*sys.modules.items()] if others else ():
        if "." not in name:
            origin = _origin(getattr_static(module, "__spec__", None))
            if origin and _home(origin) in others:
                _require_one(name, origin, _find_origin(folder, name))
    entries = [entry for entry in _strings_of_path() if _is_same(entry or os.curdir, folder)]
    if not entries:
        entries = [_mark(folder)]
        sys.path += entries
    for entry in entries:
        load_fresh(entry or os.getcwd())  # noqa: PTH109 - as Python calls it there


def installed_path() -> list[str]:
    """Return Python's path without the folders that were put there for code given by its path."""
    return [entry for entry in _strings_of_path() if not entry.endswith(_MARK)]


def _strings_of_path() -> list[str]:
    """Return what Python uses of its path."""
    return [entry for entry in sys.path if isinstance(entry, str)]


def _mark(folder: str) -> str:
    return os.path.join(folder, ".")  # noqa: PTH118 - `Path` drops the dot


def _find_others(folder: str) -> list[str]:
    """Return the folders that were put on Python's path here, and still are, but for this one."""
    marked = [entry for entry in _strings_of_path() if entry.endswith(_MARK)]
    return [os.path.dirname(entry) for entry in marked if entry != _mark(folder)]  # noqa: PTH120 - strings, as on the path


def _find_origin(folder: str, name: str) -> str | None:
    """Return the file of a module in a folder; None if it has none."""
    return _origin(FileFinder(folder, *_LOADERS).find_spec(name))


def _origin(spec: ModuleSpec | None) -> str | None:
    """Return the file of a module; None of a folder without `__init__.py`: many may be one."""
    return spec.origin if isinstance(spec, ModuleSpec) else None


def _home(origin: str) -> str:
    """Return the folder in which a module lies, or the package whose file that is."""
    folder, name = os.path.split(origin)
    return os.path.dirname(folder) if name.startswith("__init__.") else folder  # noqa: PTH120 - as above


def _is_same(one: str, other: str) -> bool:
    """Return whether two paths lead to one file, or one folder."""
    try:
        return os.path.samefile(one, other)  # noqa: PTH121 - as above
    except OSError:  # one is gone, or in an archive
        return os.path.normpath(one) == os.path.normpath(other)


def _require_one(name: str, one: str, other: str | None) -> None:
    """Raise ImportError if there are two files for a name."""
    if other and not _is_same(one, other):
        raise ImportError(
            f"`{name}` is the name of two modules, {one} and {other}, and Python knows one of a "
            "name: rename one of them, or give each folder as a package, as in `./orders/`",
            name=name,
        )
