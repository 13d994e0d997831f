"""What is run: workflows of so many steps, for DriftFlow and its peers; ways to accept one."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import fastjsonschema  # type: ignore[import-not-found]  # installed for the benchmarks only

from driftflow.showing.output import AT_ONCE

CHECKOUT = Path(__file__).resolve().parent.parent
SCRATCH = CHECKOUT / ".bench" / "scratch"
SCHEMA = CHECKOUT / "schema" / "driftflow.schema.json"
ACTIONS = ("echo", "upper", "lower", "reverse")

_DODO = """\
DOIT_CONFIG = {{"dep_file": "dodo{steps}.db"}}

def echo(text):
    print(text)

def task_echo():
    for number in range({steps}):
        yield {{"name": str(number), "actions": [(echo, [f"hello {{number}}"])]}}
"""


def quickstart() -> Path:
    """Write the quick start without its audit."""
    document = json.loads((CHECKOUT / "examples" / "quickstart.json").read_text("utf-8"))
    return _save("quickstart.json", json.dumps(document | {"flags": {}}))


def driftflow(steps: int, audit: Path | None = None) -> Path:
    """Write a workflow with every action, ten priorities, and names in no order."""
    document: dict[str, Any] = {
        "name": "benchmark",
        "steps": [
            {
                "name": f"step-{place * 7919 % steps:07}",
                "action": ACTIONS[place % len(ACTIONS)],
                "input": f"hello {place}",
                "priority": place % 10,
            }
            for place in range(steps)
        ],
    }
    if audit is None:
        return _save(f"{steps}.json", json.dumps(document))
    document |= {"flags": {"audit": True}, "storage": {"path": str(audit)}}
    return _save(f"{steps}-audited.json", json.dumps(document))


def crowd(steps: int, action: str, value: Any) -> Path:
    """Write a workflow of one wave."""
    listing = [
        {"name": f"step-{place:07}", "action": action, "input": value} for place in range(steps)
    ]
    document = {"name": "benchmark", "flags": {"parallel": True}, "steps": listing}
    return _save(f"{steps}-{action}.json", json.dumps(document))


def conditional(steps: int, *, reads: bool) -> Path:
    """Write the workflow of `driftflow`, each step with a condition that is met.

    Args:
        steps: How many.
        reads: Whether the condition looks at the output of a step; else at a parameter.
    """
    document = json.loads(driftflow(steps).read_text("utf-8"))
    value: Any = {"param": "mode"}
    if reads:
        value = {"from": {"step": "first", "at": "/mode"}}
        first = {"name": "first", "action": "echo", "input": {"mode": "full"}, "priority": 99}
        document["steps"].insert(0, first)
    else:
        document["params"] = {"mode": {"enum": ["quick", "full"], "default": "full"}}
    for step in document["steps"][reads:]:
        step["when"] = {"value": value, "is": {"const": "full"}}
    return _save(f"{steps}-{'reading' if reads else 'conditional'}.json", json.dumps(document))


def parallel(steps: int) -> Path:
    """Write the workflow of `driftflow`, with the flag on."""
    document = json.loads(driftflow(steps).read_text("utf-8"))
    return _save(f"{steps}-parallel.json", json.dumps(document | {"flags": {"parallel": True}}))


def chain(steps: int) -> Path:
    """Write a workflow of which each step reads the one before."""
    listing: list[dict[str, Any]] = [
        {
            "name": f"step-{place:07}",
            "action": ACTIONS[place % len(ACTIONS)],
            "input": {"from": f"step-{place - 1:07}"} if place else "hello",
        }
        for place in range(steps)
    ]
    return _save(f"{steps}-chained.json", json.dumps({"name": "benchmark", "steps": listing}))


def plain(steps: int) -> Path:
    """Write a workflow of steps that have nothing to do with each other, without priorities."""
    listing = [
        {
            "name": f"step-{place:07}",
            "action": ACTIONS[place % len(ACTIONS)],
            "input": f"hello {place}",
        }
        for place in range(steps)
    ]
    return _save(f"{steps}-plain.json", json.dumps({"name": "benchmark", "steps": listing}))


def graph(steps: int) -> Path:
    """Write a workflow of which each step reads any one of those before it."""
    draw = random.Random(1)  # noqa: S311 - the same graph each time
    listing: list[dict[str, Any]] = [
        {
            "name": f"step-{place:07}",
            "action": ACTIONS[place % len(ACTIONS)],
            "input": {"from": f"step-{draw.randrange(place):07}"} if place else "hello",
        }
        for place in range(steps)
    ]
    return _save(f"{steps}-graph.json", json.dumps({"name": "benchmark", "steps": listing}))


def layers(depth: int, width: int, seconds: float) -> Path:
    """Write a workflow of naps, so many side by side; each comes after two of the row before it."""
    listing: list[dict[str, Any]] = [
        {
            "name": f"step-{row:03}-{place}",
            "action": "nap",
            "input": seconds,
            "after": [f"step-{row - 1:03}-{(place + more) % width}" for more in (0, 1) if row],
        }
        for row in range(depth)
        for place in range(width)
    ]
    document = {"name": "benchmark", "flags": {"parallel": True}, "steps": listing}
    return _save(f"{depth}-by-{width}.json", json.dumps(document))


def failing(steps: int, share: float, audit: Path) -> tuple[Path, Path]:
    """Write a workflow of which the last steps fail, so large a share; and the same, mended."""
    listing: list[dict[str, Any]] = [
        {
            "name": f"step-{place:07}",
            "action": ACTIONS[place % len(ACTIONS)],
            "input": {"from": f"step-{place - 1:07}"} if place % 7 == 1 else f"hello {place}",
            "optional": True,
        }
        for place in range(steps)
    ]
    document = {"name": "benchmark", "flags": {"audit": True}, "storage": {"path": str(audit)}}
    mended = _save(f"{steps}-mended.json", json.dumps(document | {"steps": listing}))
    for step in listing[int(steps * (1 - share)) :]:
        step["action"] = "nobody"
    return _save(f"{steps}-failing.json", json.dumps(document | {"steps": listing})), mended


def other_records(records: Path, runs: int, megabytes: int) -> Path:
    """Write records of other runs: those of a run, again and again, under other names."""
    path = SCRATCH / f"{megabytes}-others.jsonl"
    data = records.read_bytes().replace(b'"workflow":"benchmark"', b'"workflow":"other"')
    name = json.loads(data.split(b"\n", 1)[0])["run_id"].encode()
    with path.open("wb") as file:
        for number in range(runs):
            file.write(data.replace(name, b"%036d" % number))
            if file.tell() > megabytes * 1e6:
                break
    return path


def slow() -> Path:
    """Write a workflow of a step that says when it is done, behind many, and of a slow one."""
    steps = [
        *({"name": f"a{number:03}", "action": "echo"} for number in range(2 * AT_ONCE)),
        {"name": "b", "action": "mark"},
        {"name": "c", "action": "wait"},
    ]
    return _save("slow.json", json.dumps({"name": "benchmark", "steps": steps}))


def pypyr(steps: int) -> Path:
    """Write a pipeline of echo steps."""
    step = "- name: pypyr.steps.echo\n  in:\n    echoMe: hello {}\n"
    return _save(f"{steps}.yaml", "steps:\n" + "".join(step.format(n) for n in range(steps)))


def doit(steps: int) -> Path:
    """Tasks of a Python action each."""
    return _save(f"dodo{steps}.py", _DODO.format(steps=steps))


def task(steps: int) -> Path:
    """Write a task of echo commands."""
    commands = "".join(f"      - echo hello {number}\n" for number in range(steps))
    head = "version: '3'\ntasks:\n  default:\n    silent: true\n    cmds:\n"
    return _save(f"{steps}.yml", head + commands)


def acceptors() -> dict[str, tuple[str, list[str]]]:
    """Return what could say yes, by name: code that makes `accepts`, and the packages it needs."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    del schema["$id"]  # it would be part of the function's name
    _save("generated.py", fastjsonschema.compile_to_code(schema))
    read = f"schema = json.load(open({str(SCHEMA)!r}))\n"
    needs = ["attr", "attrs", "jsonschema", "jsonschema_specifications", "referencing", "rpds"]
    return {
        "driftflow": (
            "from driftflow.checking.acceptor import accepts",
            ["driftflow/checking/acceptor.py"],
        ),
        "fastjsonschema, compiled": (
            "from generated import validate as accepts",
            ["fastjsonschema"],
        ),
        "jsonschema-rs": (
            f"{read}import jsonschema_rs; accepts = jsonschema_rs.validator_for(schema).is_valid",
            ["jsonschema_rs"],
        ),
        "jsonschema": (
            f"{read}import jsonschema; accepts = jsonschema.Draft7Validator(schema).is_valid",
            needs,
        ),
    }


def _save(name: str, text: str) -> Path:
    path = SCRATCH / name
    path.write_text(text, encoding="utf-8")
    return path
