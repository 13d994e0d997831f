"""The audit of a run: each event is on file before anyone else sees it.

- The record comes first. The consumer pulls, so a step is on record as started before it is tried.
- If a record cannot be written, its event has happened all the same. It is still given out, and so
  is what comes of the steps that are under way; no further step is started. Then StorageError ends
  the stream. A failing stdout does not end a run: the lines are only a view of it.
"""

from __future__ import annotations

from contextlib import closing, suppress
from functools import lru_cache
from itertools import count
from time import gmtime, strftime, time_ns
from typing import TYPE_CHECKING
from uuid import uuid4

from driftflow.errors import StorageError
from driftflow.recording.records import NO_CODE, format_record
from driftflow.recording.storage import JsonFileStorage
from driftflow.resuming.past import find_namesakes
from driftflow.running.events import RunFinished, RunStarted, StepFinished, StepSkipped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from driftflow.planning.settings import Sync
    from driftflow.resuming.past import Code
    from driftflow.running.events import Event, Halt


_DONE = (StepFinished, StepSkipped)


def utc_now() -> str:
    """Return a time stamp of this moment in UTC: `2026-11-23T12:30:00.000042Z`."""
    seconds, nanoseconds = divmod(time_ns(), 1_000_000_000)
    return f"{_format_seconds(seconds)}.{nanoseconds // 1000:06}Z"


@lru_cache(maxsize=1)  # many records share a second
def _format_seconds(seconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))


def record_events(  # noqa: PLR0913 - how a record is kept, and beside whom
    events: Generator[Event, Halt | None, None],
    path: str,
    *,
    sync: Sync = "run",
    now: Callable[[], str] = utc_now,
    run_id: str | None = None,
    code: Code = NO_CODE,
    beside_code: bool = False,
) -> Generator[Event, Halt | None, None]:
    """Yield the events, each appended to the audit first; pass on what is sent in answer.

    A result that is reused is on record already: the end of the run names it.

    Args:
        events: The events of a run.
        path: The audit's file.
        sync: When records are brought to the disk: `none` leaves it to the system, `run` does it
            when the run is over, `step` for each record before its event is given out.
        now: Gives the time stamps; by default the system's clock.
        run_id: The run's own name; a new UUID by default.
        code: What is known of the code that the run performs.
        beside_code: Whether code of others runs in this process, and may do to the file's
            descriptor what it likes.

    Raises:
        StorageError: If the file cannot be opened, before any event. Or if it cannot be written:
            after the event whose record is missing, and what comes of the steps under way.
    """
    run_id = run_id or str(uuid4())
    halt: Halt | None = None
    numbers = count()
    namesakes: dict[int, int] = {}
    with closing(events), JsonFileStorage(path, sync, beside_code=beside_code) as storage:
        while True:
            try:
                event = events.send(halt)
            except StopIteration:
                return
            if isinstance(event, _DONE) and event.result.reused:  # it is on record already
                halt = yield event
                continue
            if type(event) is RunStarted:
                namesakes = find_namesakes(event.plan.steps.tolist())
            record = format_record(
                event, now(), run_id, next(numbers), code=code, namesakes=namesakes
            )
            try:
                storage.append(record)
                if type(event) is RunFinished and sync == "run":
                    storage.sync()
            except StorageError:
                with suppress(StopIteration, KeyboardInterrupt):
                    while True:
                        halt = yield event
                        event = events.send(halt or "stop")
                raise
            halt = yield event
