"""What lies beside code that is given by its path, and may be imported by that alone.

- The folder comes last on Python's path, so that nothing that is installed is shadowed; and what is
  installed is not looked for there. A dot at its end tells it from the others: also in a process
  that Python starts for a pool, which has the path from the one that started it.
- What runs is what stands in the files. Bytecode is taken for that of its source if that has the
  time, in seconds, and the length that it had: so here none is read, and none written.
- Python knows one module of a name. Where two such folders have one of the same name, neither is
  taken for the other: it is an error, as soon as somebody imports that name. Where Python has
  another of that name for all, such as one that is installed, it is an error of the code beside
  which the first lies, if an import statement in it has that name.
"""

from __future__ import annotations

import os
import sys
from dis import get_instructions
from functools import partial
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
from importlib.util import find_spec
from inspect import getattr_static
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

# How a folder ends that was put on Python's path here.
_MARK = f"{os.sep}."


class FreshLoader(SourceFileLoader):
    """Compiles a module from its source, always.

    Args:
        fullname: The name of the module.
        path: Its file.
        home: The folder in which what it imports may lie.
    """

    def __init__(self, fullname: str, path: str, home: str) -> None:
        super().__init__(fullname, path)
        self._home = home

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module.

        Raises:
            ImportError: If it imports a module that lies in its home, and would get another.
        """
        path = self.get_filename(fullname)
        if lines := sys.modules.get("linecache"):  # what tracebacks show
            lines.cache.pop(path, None)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        for name in dict.fromkeys(_find_imported(code)):
            _require_own(name, self._home)
        return code


class _FreshFinder(FileFinder):
    """Finds what lies in a folder, as Python does, but to be loaded from its source.

    Args:
        folder: The folder, as a whole path.
        home: The folder in which what is imported there may lie.
    """

    def __init__(self, folder: str, home: str) -> None:
        super().__init__(folder, *_list_loaders(partial(FreshLoader, home=home)))
        self._home = home

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how a module is loaded, and what is in it if it is a package.

        Raises:
            ImportError: If another folder has a module of that name, too.
        """
        spec = super().find_spec(fullname, target)
        if "." not in fullname and _mark(self.path) in sys.path:
            for folder in _find_others(self.path):
                _require_one(fullname, spec, _find_in(folder, fullname))
        for folder in (spec and spec.submodule_search_locations) or ():
            load_fresh(folder, self._home)
        return spec


def load_fresh(folder: str, home: str) -> None:
    """Let what lies in a folder be looked for anew, and be loaded from its source.

    Args:
        folder: The folder, as Python's path has it.
        home: The folder in which what is imported there may lie.
    """
    whole = os.path.abspath(folder)  # noqa: PTH100 - without a mark, and a string
    sys.path_importer_cache[folder] = _FreshFinder(whole, home)


def let_import_from(folder: str) -> None:
    """Put a folder last on Python's path, unless it is there; load what lies in it from its source.

    Raises:
        ImportError: If it has a module of a name that was imported from another such folder.
    """
    others = _find_others(folder)
    for name in [*sys.modules] if others else ():
        if "." not in name and (taken := _find_taken(name)) and _find_home(taken) in others:
            _require_one(name, taken, _find_in(folder, name))
    entries = [entry for entry in _strings_of_path() if _is_same(entry or os.curdir, folder)]
    if not entries:
        entries = [_mark(folder)]
        sys.path += entries
    for entry in entries:
        load_fresh(entry or os.getcwd(), folder)  # noqa: PTH109 - as Python calls it there


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


def _find_imported(code: CodeType) -> Iterator[str]:
    """Yield the first words of what is imported by whole names, anywhere in the code."""
    steps = [step for step in get_instructions(code) if step.opname != "EXTENDED_ARG"]
    for level, _, step in zip(steps, steps[1:], steps[2:], strict=False):
        if step.opname == "IMPORT_NAME" and level.argval == 0:
            yield step.argval.partition(".")[0]
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _find_imported(inner)


def _require_own(name: str, home: str) -> None:
    """Raise ImportError if a module lies in a folder, and Python takes another of its name."""
    own = _find_in(home, name)
    taken = _find_taken(name) if own else None
    # A folder without `__init__.py` gives way to any module, even where it comes first.
    if own and taken and (own.origin or not taken.origin):
        _require_one(name, own, taken)


def _find_taken(name: str) -> ModuleSpec | None:
    """Return what Python takes for a name; None if there is nothing to tell."""
    if name not in sys.modules:
        return find_spec(name)
    spec = getattr_static(sys.modules[name], "__spec__", None)
    return spec if isinstance(spec, ModuleSpec) else None


def _find_in(folder: str, name: str) -> ModuleSpec | None:
    """Return what a name means in a folder."""
    return FileFinder(folder, *_list_loaders(SourceFileLoader)).find_spec(name)


def _list_loaders(of_source: Any) -> list[tuple[Any, list[str]]]:
    """Return what loads the files of a folder, and how their names end, as Python has it."""
    return [
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (of_source, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    ]


def _find_origin(spec: ModuleSpec | None) -> str | None:
    """Return the file of a module; of a folder without `__init__.py` itself, if it has code."""
    if spec is None:
        return None
    return spec.origin or next(filter(_has_code, spec.submodule_search_locations or ()), None)


def _has_code(folder: str) -> bool:
    suffixes = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)
    return any(name.endswith(suffixes) for *_, names in os.walk(folder) for name in names)


def _find_home(spec: ModuleSpec) -> str:
    """Return the folder in which a module lies, or the package whose file that is."""
    folder, name = os.path.split(_find_origin(spec) or "")
    return os.path.dirname(folder) if name.startswith("__init__.") else folder  # noqa: PTH120 - as above


def _is_same(one: str, other: str) -> bool:
    """Return whether two paths lead to one file, or one folder."""
    try:
        return os.path.samefile(one, other)  # noqa: PTH121 - as above
    except OSError:  # one is gone, or in an archive
        return os.path.normpath(one) == os.path.normpath(other)


def _require_one(name: str, one: ModuleSpec | None, other: ModuleSpec | None) -> None:
    """Raise ImportError if there are two files for a name."""
    origins = [origin for origin in map(_find_origin, (one, other)) if origin]
    if len(origins) == 2 and not _is_same(*origins):  # noqa: PLR2004 - both of them
        raise ImportError(
            f"two modules are named `{name}`, {' and '.join(map(_tell, origins))}, and Python can "
            "load only one of them: rename one, or pass each folder as a package, as in "
            "`./orders/`",
            name=name,
        )


def _tell(origin: str) -> str:
    return "a module of Python itself" if origin in ("built-in", "frozen") else origin
