"""What is promised of runs in which something goes wrong, and how each promise is tried.

Each is tried twice: in `make test` in a short form, by `make torture` in the long one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class Verdict(NamedTuple):
    """What came of a trial."""

    holds: bool
    figure: str


class Promise(NamedTuple):
    """A promise, and its trial.

    Attributes:
        id: Its name in the table of the documents, in that of `make torture`, and of its test.
        text: What is promised.
        goal: The figure that has to come out.
        trial: Tries it in an empty folder; the other arguments say how long. It calls
            `pytest.skip` where this machine lacks what it takes.
        short: Those arguments in `make test`.
        long: Those in `make torture`.
    """

    id: str
    text: str
    goal: str
    trial: Callable[..., Verdict]
    short: Mapping[str, Any]
    long: Mapping[str, Any]

    def tried(self, folder: Path, *, thoroughly: bool) -> Verdict:
        """What comes of its trial."""
        return self.trial(folder, **(self.long if thoroughly else self.short))
