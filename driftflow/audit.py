"""The record of a run: each event is on file before anything else is made of it."""

from __future__ import annotations

from contextlib import closing, suppress
from functools import lru_cache
from time import gmtime, strftime, time_ns
from typing import TYPE_CHECKING
from uuid import uuid4

from driftflow.errors import StorageError
from driftflow.events import RunFinished
from driftflow.rendering import audit_line
from driftflow.storage import JsonFileStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from driftflow.events import Event
    from driftflow.storage import Sync


def utc_now() -> str:
    """The time stamp of this moment, in UTC to the microsecond: `2026-11-23T12:30:00.000042Z`."""
    seconds, nanoseconds = divmod(time_ns(), 1_000_000_000)
    return f"{_to_the_second(seconds)}.{nanoseconds // 1000:06d}Z"


@lru_cache(maxsize=1)  # many records share a second
def _to_the_second(seconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))


def audited(
    events: Generator[Event, bool | None, None],
    path: str,
    *,
    sync: Sync = "run",
    now: Callable[[], str] = utc_now,
    run_id: str | None = None,
) -> Generator[Event, bool | None, None]:
    """The same events, each appended to the audit before it is given out.

    Args:
        events: What happens in a run.
        path: The audit's file.
        sync: When records are on the disk: `none` for when the system likes, `run` for when the
            run is over, `step` for each before its event is given out.
        now: Where the time stamps come from; the clock of the system by default.
        run_id: The run's name; a new UUID by default.

    Raises:
        StorageError: If the file cannot be opened, before anything else; or when it cannot be
            written: then the event that it lacks, and what comes of the steps that have been
            started, is still given out first.
    """
    run_id = run_id or str(uuid4())
    with closing(events), JsonFileStorage(path, sync) as storage:
        for seq, event in enumerate(events):
            line = audit_line(event, moment=now(), run_id=run_id, seq=seq)
            try:
                storage.append(line)
                if sync == "run" and isinstance(event, RunFinished):
                    storage.sync()
            except StorageError:
                yield event  # it happened: the other folds are to see it
                yield from _under_way(events)
                raise
            yield event


def _under_way(events: Generator[Event, bool | None, None]) -> Iterator[Event]:
    """What comes of the steps that have been started by now; no other is started."""
    with suppress(StopIteration):
        while True:
            yield events.send(True)  # noqa: FBT003 - so `interpret` has it
