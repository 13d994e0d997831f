"""The command `driftflow`, also as `python -m driftflow`.

`python -m` puts the working directory first on Python's path, where whoever can write a file could
answer the next import. So it goes from there before anything is imported that Python has not
loaded by itself, or that is no part of it: `__future__` is not, `os` is.
"""

import gc
import os
import sys


def main() -> int:
    """Run the command line of the process, and return the exit status.

    The garbage collector is off until the plan is there: neither imports nor a config leave garbage
    for it, and it would search them again and again in vain.
    """
    gc.disable()
    from driftflow.running.signals import leave_to_the_system

    leave_to_the_system()
    _fill_gaps()
    is_first = os.getpid() == 1
    if is_first:  # of a container: the system keeps signals from it, and it has orphans to wait for
        from driftflow.parallel.supervisor import supervise

        supervise(_close_record)
    from driftflow import cli
    from driftflow.streams import open_for_prints

    if sys.stderr is sys.__stderr__:  # to the end of the process: Python flushes it as it ends
        sys.stderr = open_for_prints(2, sys.stderr)
    stderr = sys.stderr
    try:
        return cli.main(process=cli.CommandProcess(is_own=True, is_supervised=is_first))
    finally:
        sys.stderr = stderr  # what an action has put in its place may fail to be flushed


def _close_record(note: bytes, number: int) -> None:
    from driftflow.cli import close_record

    close_record(note, number)


def _leave_working_directory() -> None:
    """Take the working directory off Python's path, if `python -m` has put it there."""
    try:
        here = os.getcwd()  # noqa: PTH109 - a string, as Python has put it there
    except FileNotFoundError:  # then it has put nothing there
        return
    if not sys.flags.safe_path and sys.path[0] == here:
        del sys.path[0]


def _fill_gaps() -> None:
    """Open the null device for each standard stream that is closed.

    Otherwise the next file that is opened gets its number, and what child processes print goes into
    that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - as it is called


if __name__ == "__main__":
    _leave_working_directory()
    raise SystemExit(main())
