"""The record of a run: each event is on file before anything else is made of it."""

from __future__ import annotations

from contextlib import closing, suppress
from functools import lru_cache
from itertools import count
from time import gmtime, strftime, time_ns
from typing import TYPE_CHECKING
from uuid import uuid4

from driftflow.errors import StorageError
from driftflow.recording.records import audit_line
from driftflow.recording.storage import JsonFileStorage
from driftflow.running.events import RunFinished

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from driftflow.planning.settings import Sync
    from driftflow.running.events import Event, Halt


def utc_now() -> str:
    """The time stamp of this moment, in UTC to the microsecond: `2026-11-23T12:30:00.000042Z`."""
    seconds, nanoseconds = divmod(time_ns(), 1_000_000_000)
    return f"{_to_the_second(seconds)}.{nanoseconds // 1000:06d}Z"


@lru_cache(maxsize=1)  # many records share a second
def _to_the_second(seconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))


def audited(
    events: Generator[Event, Halt | None, None],
    path: str,
    *,
    sync: Sync = "run",
    now: Callable[[], str] = utc_now,
    run_id: str | None = None,
) -> Generator[Event, Halt | None, None]:
    """The same events, each appended to the audit before it is given out.

    What it is sent is handed on.

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
    halt: Halt | None = None
    with closing(events), JsonFileStorage(path, sync) as storage:
        for seq in count():
            try:
                event = events.send(halt)
            except StopIteration:
                return
            line = audit_line(event, moment=now(), run_id=run_id, seq=seq)
            try:
                storage.append(line)
                if type(event) is RunFinished and sync == "run":
                    storage.sync()
            except StorageError:
                # It happened: the other folds are to see it, and what has been started.
                with suppress(StopIteration, KeyboardInterrupt):
                    while True:
                        halt = yield event
                        event = events.send(halt or "stop")
                raise
            halt = yield event
