"""What is on record of a run that is resumed, and of those that it resumed itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftflow.planning.plan import Step
    from driftflow.reading.document import Json

# What the newest record of a step says: it succeeded; it was skipped; it failed; it was not tried,
# since what it reads was missing or the run was over; or it was begun, and nobody knows what it has
# done.
State: TypeAlias = Literal["ok", "skipped", "failed", "not_tried", "begun"]

# A step is known by its name, and by how many of that name stand before it in the run order.
StepId: TypeAlias = tuple[str, int]

_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class Cut(NamedTuple):
    """What is known of a value that is too long for a record.

    Attributes:
        bytes: The length of its compact ASCII JSON.
        sha256: The SHA-256 of that, in hexadecimal.
    """

    bytes: int
    sha256: str


class Code(NamedTuple):
    """The code that a run performs.

    Attributes:
        version: The version of DriftFlow.
        files: By path, the SHA-256 of each file, in hexadecimal.
        packages: By name, the version of each package.
    """

    version: str
    files: Mapping[str, str]
    packages: Mapping[str, str]


class StepPast(NamedTuple):
    """The newest that is on record of a step.

    Attributes:
        run: In which run, from 0 for the first one.
        began: Where in the record it began; a greater number is later.
        ended: Where it ended; where it began if it has no end.
        state: What came of it.
        action: The name of its action.
        key: The key of the step, as `planning.plan.find_key` returns it; None if it has none.
        output: What it gave, if it is ok; None if that was cut.
        attempts: How many there were.
        cut: What is known of an output that was cut; None if it is there.
    """

    run: int
    began: int
    ended: int
    state: State
    action: str
    key: str | None
    output: Json
    attempts: int
    cut: Cut | None


class Past(NamedTuple):
    """What is on record of a run, and of those that it resumed.

    Attributes:
        run_id: The run's own name.
        moment: When it began: a time stamp.
        status: How it ended: `ok`, `failed` or `interrupted`; None if it has no recorded end.
        steps: The newest that is on record of each step.
        codes: The code of each run, that of the first one first.
        complete_since: From which run on nothing is missing in the record. Before it, a step may
            have been begun again without a record of that.
        passed_over: How many newer runs of the workflow are not looked at.
    """

    run_id: str
    moment: str
    status: str | None
    steps: Mapping[StepId, StepPast]
    codes: Sequence[Code]
    complete_since: int = 0
    passed_over: int = 0


def measure(value: Json) -> Cut:
    """Return the length and the digest of a JSON value."""
    return measure_text(_encode(value))


def measure_text(text: str) -> Cut:
    """Return the length and the digest of a text of compact ASCII JSON."""
    from hashlib import sha256  # few runs need it

    data = text.encode("ascii")
    return Cut(len(data), sha256(data).hexdigest())


def find_namesakes(steps: Sequence[Step]) -> dict[int, int]:
    """Return how many steps of the same name stand before a step, where there are any, by index.

    Args:
        steps: The steps in run order.
    """
    names = [step.name for step in steps]
    if len({*names}) == len(names):
        return {}
    counts: dict[str, int] = {}
    namesakes = {}
    for index, name in enumerate(names):
        before = counts.get(name, 0)
        counts[name] = before + 1
        if before:
            namesakes[index] = before
    return namesakes
