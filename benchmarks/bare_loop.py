"""The least that running a workflow can be in Python: load, sort, act, print. No checks at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ACTIONS: dict[str, Any] = {
    "echo": lambda value: value,
    "upper": str.upper,
    "lower": str.lower,
    "reverse": lambda value: value[::-1],
}

with Path(sys.argv[1]).open(encoding="utf-8") as file:
    document = json.load(file)
steps = sorted(document["steps"], key=lambda step: (-step.get("priority", 0), step["name"]))
for step in steps:
    output = ACTIONS[step["action"]](step.get("input", ""))
    print(f"OK {step['name']}: {output}")
