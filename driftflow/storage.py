"""The writing edge: the audit's file."""

from __future__ import annotations

import os
from typing import Self

from driftflow.errors import StorageError


class JsonFileStorage:
    """A file of JSON lines that is only ever appended to.

    Opened once, created (for its owner alone) where it is missing; folders are not. A record
    is one line and one write, so writers that share a local file do not tear each other's
    lines. A context manager: leaving it closes the file.

    Args:
        path: The file, relative to the working directory.

    Raises:
        StorageError: If the file cannot be opened for appending.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._descriptor = os.open(
                path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise StorageError(path, f"the audit cannot be opened: {error.strerror}") from None
        except ValueError:  # a NUL or a lone surrogate in the path
            raise StorageError(path, "the audit cannot be opened: not the name of a file") from None

    def append(self, record: str) -> None:
        """Write the record, a line of ASCII, at the end of the file.

        Raises:
            StorageError: If not all of it could be written.
        """
        line = f"{record}\n".encode("ascii")
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise StorageError(self.path, f"the audit failed: {error.strerror}") from None
        if written < len(line):
            raise StorageError(self.path, "the audit failed: a record was cut short")

    def close(self) -> None:
        """Close the file. Nothing can be appended after that."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
