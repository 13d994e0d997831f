"""The command `driftflow`, also as `python -m driftflow`."""

from __future__ import annotations

import gc


def main() -> int:
    """Run the command line of the process; the exit status.

    Without the garbage collector until the plan is there: neither imports nor a config leave
    garbage for it, and it would search them again and again in vain.
    """
    gc.disable()
    from driftflow import cli

    return cli.main()


if __name__ == "__main__":
    raise SystemExit(main())
