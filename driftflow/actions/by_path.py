"""The folders of code that is given by its path: only from there may it import what lies beside it.

They come last on Python's path, so that nothing that is installed is shadowed, and nothing that is
looked for among what is installed is looked for in them.
"""

from __future__ import annotations

import sys

# The folders that were put on Python's path here.
_added: set[str] = set()


def let_import_from(folder: str) -> None:
    """Put a folder last on Python's path, unless it is there."""
    if folder not in sys.path:
        sys.path.append(folder)
        _added.add(folder)


def installed_path() -> list[str]:
    """Return Python's path without the folders that were put there for code given by its path."""
    path = [entry for entry in sys.path if isinstance(entry, str)]  # Python uses no others
    return [entry for entry in path if entry not in _added]
