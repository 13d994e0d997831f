"""Code that is given by its path: a file, or a folder that is a package.

It is a module of this package, and the rest of its name is its whole path, so that two files of one
name do not meet. Any process that can import DriftFlow finds it by that name: so a process of a
pool, which Python starts itself, unpickles the functions and classes of such a file like others.

To itself a file is in no package, like a script: `from . import helper` is an ImportError in it, as
those expect who then try `import helper`.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location

import driftflow
from driftflow.actions.beside import FreshLoader, let_import_from, load_fresh

# This makes a package of the module: `_Finder` finds what is in it, not a folder.
__path__: list[str] = []


def name_module(path: str) -> str:
    """Return the name of the module that is at a whole path: one word below this package."""
    return f"{__name__}.{path.replace('%', '%25').replace('.', '%2e')}"


def is_by_path(module: str) -> bool:
    """Return whether a module has a name of that kind, or is in a package that has."""
    return module.startswith(f"{__name__}.")


def forget(module: str) -> None:
    """Let a module, and what is in it if it is a package, be loaded anew."""
    for name in [*sys.modules]:
        if name == module or name.startswith(f"{module}."):
            del sys.modules[name]


class _FileSpec(ModuleSpec):
    """How a file is loaded."""

    parent = ""  # not this package, whose names are no modules beside the file


class _Finder:
    """Finds the modules of this package: what `sys.meta_path` has."""

    @staticmethod
    def find_spec(name: str, *_: object) -> ModuleSpec | None:
        """Return how a module is loaded; None if it is not of this package.

        Raises:
            ImportError: If there is no such file.
        """
        parent, word = name.rpartition(".")[::2]
        full = word.replace("%2e", ".").replace("%25", "%")
        if parent != __name__ or not os.path.isabs(full):  # noqa: PTH117 - strings, as the import system has
            return None
        is_package = os.path.isdir(full)  # noqa: PTH112 - as above
        file = os.path.join(full, "__init__.py") if is_package else full  # noqa: PTH118 - as above
        if not os.path.exists(file):  # noqa: PTH110 - as above
            raise ImportError(f"no such file: {file}", name=name)
        home = os.path.dirname(full)  # noqa: PTH120 - as above
        let_import_from(home)
        if PathFinder.find_spec("driftflow") is None:  # as in a checkout: pools inherit the path
            let_import_from(os.path.dirname(os.path.dirname(driftflow.__file__)))  # noqa: PTH120
        loader = FreshLoader(name, file, home)
        if is_package:
            load_fresh(full, home)
            return spec_from_file_location(
                name, file, loader=loader, submodule_search_locations=[full]
            )
        spec = _FileSpec(name, loader, origin=file)
        spec.has_location = True
        return spec


sys.meta_path.append(_Finder)
