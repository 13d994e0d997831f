"""Run a workflow that computes, in turn or on two processes: `crunch.py turn|pool CONFIG`."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from driftflow import run_workflow

if __name__ == "__main__":
    how, config = sys.argv[1:]
    actions = [Path(__file__).parent / "slow_deeds.py"]
    if how == "turn":
        result = run_workflow(config, actions=actions, jobs=1)
    else:
        with ProcessPoolExecutor(2) as executor:
            result = run_workflow(config, actions=actions, executor=executor)
    assert result["status"] == "ok"
