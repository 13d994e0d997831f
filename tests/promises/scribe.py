"""A process that writes to an audit what it is told to: `scribe FILE SYNC RUN`.

A line `append COUNT SIZE` of its input has it append records that are padded to about that size;
`limit BYTES` bounds the files that it may write, with 0 no more. To its output it writes, at once,
the number of each record that `append` has returned from; `refused` where it has raised, and the
others of that line are left out; and `done` when it is through with a line.
"""

from __future__ import annotations

import os
import sys
import time
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

from driftflow.errors import StorageError
from driftflow.recording.storage import JsonFileStorage

# A run does something between two records: others get hold of the file. Seconds.
PAUSE = 0.00001


def limit(size: int) -> None:
    """Let no file grow beyond that size; beyond what is allowed anyway, if it is 0."""
    most = getrlimit(RLIMIT_FSIZE)[1]
    setrlimit(RLIMIT_FSIZE, (size or most, most))


def append(storage: JsonFileStorage, run: str, numbers: range, size: int) -> None:
    """Append records until one is refused."""
    for number in numbers:
        try:
            storage.append(
                f'{{"v":1,"ts":"","run_id":"{run}","seq":{number},"event":"","pad":"{"x" * size}"}}'
            )
        except StorageError:
            say("refused")
            return
        say(str(number))
        time.sleep(PAUSE)


def say(word: str) -> None:
    """Let it be known at once, whatever becomes of this process."""
    os.write(1, f"{word}\n".encode())


def main(path: str, sync: str, run: str) -> None:
    """Do what the input says."""
    number = 0
    with JsonFileStorage(path, sync) as storage:  # type: ignore[arg-type]
        for line in sys.stdin:
            what, *values = line.split()
            if what == "limit":
                limit(int(values[0]))
            else:
                count, size = map(int, values)
                append(storage, run, range(number, number + count), size)
                number += count
            say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
