"""What lies beside code that is given by its path, and may be imported by that alone.

- The folder comes last on Python's path, so that nothing that is installed is shadowed; and what is
  installed is not looked for there.
- What runs is what stands in the files. Bytecode is taken for that of its source if that has the
  time, in seconds, and the length that it had: so here none is read, and none written.
"""

from __future__ import annotations

import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

# The folders that were put on Python's path here.
_added: set[str] = set()


class FreshLoader(SourceFileLoader):
    """Compiles a module from its source, always."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module."""
        path = self.get_filename(fullname)
        if lines := sys.modules.get("linecache"):  # what tracebacks show
            lines.cache.pop(path, None)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class _FreshFinder(FileFinder):
    """Finds what lies in a folder, as Python does, but to be loaded from its source.

    Args:
        folder: Its whole path.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(
            folder,
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (FreshLoader, SOURCE_SUFFIXES),
            (SourcelessFileLoader, BYTECODE_SUFFIXES),
        )

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how a module is loaded, and what is in it if it is a package."""
        spec = super().find_spec(fullname, target)
        for folder in (spec and spec.submodule_search_locations) or ():
            load_fresh(folder)
        return spec


def load_fresh(folder: str) -> None:
    """Let what lies in a folder be looked for anew, and be loaded from its source."""
    sys.path_importer_cache[folder] = _FreshFinder(folder)


def let_import_from(folder: str) -> None:
    """Put a folder last on Python's path; if it is there by itself, all stays as it is."""
    if folder not in sys.path:
        sys.path.append(folder)
        _added.add(folder)
    if folder in _added:
        load_fresh(folder)


def installed_path() -> list[str]:
    """Return Python's path without the folders that were put there for code given by its path."""
    path = [entry for entry in sys.path if isinstance(entry, str)]  # Python uses no others
    return [entry for entry in path if entry not in _added]
