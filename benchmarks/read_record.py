"""Print what it takes to decide what a resumed run keeps: `read_record.py CONFIG AUDIT`.

Reading the record and deciding; not reading the config. The collector rests, as it does in a run.
Seconds, and the peak of the memory in MiB, as JSON.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time
from pathlib import Path

from driftflow.api import find_resumption
from driftflow.config import load_config

if __name__ == "__main__":
    _, config, audit = sys.argv
    gc.disable()
    plan = load_config(config, audit=audit)
    started = time.perf_counter()
    resumed = find_resumption(plan, run=True)
    seconds = time.perf_counter() - started
    assert len(resumed.kept) + len(resumed.again) == len(plan.steps)
    # What the system says of a process begins with what the one had that started it.
    status = Path("/proc/self/status").read_text("ascii")
    (peak,) = re.findall(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    print(json.dumps([seconds, int(peak) / 1024]))
