"""Print how long it takes to build a graph of so many steps, three edges each: `build_graph.py N`.

Each comes after any three of those before it in the file; by their names they would run the other
way round, so that nothing stands in its order yet. The collector rests, as it does in a run.
Seconds, the best of five.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from typing import Any

from driftflow.planning.graph import Graph

if __name__ == "__main__":
    number = int(sys.argv[1])
    draw = random.Random(1)  # noqa: S311 - the same graph each time
    names = [f"step-{number - place:07}" for place in range(number)]
    steps: list[Any] = [
        {"name": name, "after": [names[draw.randrange(place)] for _ in "abc"] if place else []}
        for place, name in enumerate(names)
    ]
    gc.disable()
    best, order = float("inf"), [0]
    for _ in range(5):
        started = time.perf_counter()
        order = Graph({"steps": steps}).order
        best = min(best, time.perf_counter() - started)
    assert len(order) == number
    print(best)
