"""What can go wrong, and whose fault it is. Imports nothing else of DriftFlow's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Issue(NamedTuple):
    """One thing that is wrong with a config, and where.

    Attributes:
        message: What is wrong, in words, without the place.
        path: The keys and indices that lead to the value; empty for the document as a whole.
        line: The line in the file, from 1; None where only the path is known.
        column: The column in that line, from 1, in characters; None like `line`.
    """

    message: str
    path: tuple[str | int, ...] = ()
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        """Where it is, as people write it: `3:14`, `steps[0].priority`, or nothing."""
        if self.line is not None:
            return f"{self.line}:{self.column}"
        return "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path
        ).removeprefix(".")


class DriftFlowError(Exception):
    """The root of every error that DriftFlow raises on purpose."""

    @property
    def lines(self) -> list[str]:
        """The message, a line for each thing that is wrong."""
        return [str(self)]


class ConfigError(DriftFlowError):
    """The config is at fault: nothing was run.

    Attributes:
        source: The file, as it was named.
        issues: All that is wrong with it, in the order of the file.
    """

    def __init__(self, source: str, issues: Sequence[Issue]) -> None:
        super().__init__(source, tuple(issues))
        self.source = source
        self.issues = tuple(issues)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """`file: place: message` for each issue."""
        return [
            ": ".join(filter(None, (self.source, issue.place, issue.message)))
            for issue in self.issues
        ]


class StorageError(DriftFlowError):
    """The audit's file is at fault: no further step was started.

    Attributes:
        path: The file.
        reason: Why it could not be opened or written, in words.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
