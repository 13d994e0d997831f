"""Run the workflow of `workloads.slow`, and say on stderr when its action `mark` was performed."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from driftflow import cli
from driftflow.actions.action import ACTIONS, Action

if TYPE_CHECKING:
    from driftflow.reading.document import Json


def mark(value: Json) -> Json:
    """Say when."""
    sys.stderr.write(f"{time.monotonic()}\n")
    return value


ACTIONS["mark"] = Action(mark, "", "")
ACTIONS["wait"] = Action(lambda _: time.sleep(0.5), "", "")
raise SystemExit(cli.main(["--config", sys.argv[1]]))
