"""Print how long it takes to build a graph of so many steps, three edges each: `build_graph.py N`.

The steps stand in an order in which they could run, and come after any three before them. The
collector rests, as it does in a run. Seconds, the best of five.
"""

from __future__ import annotations

import gc
import random
import sys
import time

from driftflow.planning.graph import Graph

if __name__ == "__main__":
    number = int(sys.argv[1])
    draw = random.Random(1)  # noqa: S311 - the same graph each time
    steps = [
        {"name": f"step-{place:07}", "after": [f"step-{draw.randrange(place):07}" for _ in "abc"]}
        for place in range(1, number)
    ]
    steps.insert(0, {"name": "step-0000000"})
    gc.disable()
    best, order = float("inf"), [0]
    for _ in range(5):
        started = time.perf_counter()
        order = Graph(steps).order
        best = min(best, time.perf_counter() - started)
    assert len(order) == number
    print(best)
