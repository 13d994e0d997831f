"""Chains of runs: each is broken off in some way, and the next one resumes it.

What their steps do can be seen from outside: each writes a file, and looks at the files of steps
that it comes after. So a step that stands on something old gives another output than it should. Of
a step that is skipped nothing is left to be seen.
"""

from __future__ import annotations

import json
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.actions.registry import resolve_actions
from driftflow.api import find_resumption, run_events
from driftflow.errors import ResumeError
from driftflow.planning.plan import list_waves
from driftflow.planning.settings import Options
from driftflow.planning.values import write
from driftflow.resuming.past import measure
from driftflow.running.events import RunFinished, StepFinished, StepSkipped, StepStarted
from driftflow.running.ordering import RunFold
from driftflow.showing.results import build_result_document
from support import upkeep, workflows

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from driftflow.planning.plan import Plan, Step
    from driftflow.resuming.decision import Resumption
    from driftflow.running.events import StepResult

DEEDS = resolve_actions([Path(__file__).with_name("worldly.py")])
# How long an output is that a record does not have whole, if `records.MAX_VALUE_BYTES` is patched.
MOST_BYTES = 100
# About half of all outputs are like this.
HALF = {"type": "string", "pattern": "[0-7][.]*$"}

Spec = dict[str, Any]


class Told(NamedTuple):
    """What a run told, and what it should have done."""

    document: dict[str, Any]
    results: dict[int, StepResult]
    reused: set[int]
    started: set[int]
    plan: Plan
    resumed: Resumption | None
    expected: set[int] | None  # the steps to do again; None if nothing was resumed


class Chain:
    """A config that changes, the world outside, and the audit of the runs.

    Args:
        draw: Chance.
        folder: Where it all is; empty.
    """

    def __init__(self, draw: random.Random, folder: Path) -> None:
        self._draw = draw
        self._folder = folder
        self._numbers = iter(range(10**6))
        self.audit = folder / "audit"
        self.world = folder / "world"
        self.world.mkdir()
        self.secret = "s0"  # noqa: S105 - it stands for one
        self.specs: list[Spec] = []
        for _ in range(draw.randint(1, 10)):
            self.add_step()

    def add_step(self) -> None:
        """One more step, after some of the others."""
        draw, number = self._draw, next(self._numbers)
        names = [spec["name"] for spec in self.specs if spec["name"] != "twin"]
        self.specs.append(
            {
                "id": f"i{number}",
                "name": "twin" if draw.random() < 0.15 else f"s{draw.randrange(10)}{number}",
                "version": 0,
                "reads": draw.sample(names, min(len(names), draw.choice([0, 0, 1, 2]))),
                "after": draw.sample(names, min(len(names), draw.choice([0, 0, 0, 1]))),
                "priority": draw.choice([0, 0, 0, 0, 0, 0, 1, 2]),
                "optional": draw.random() < 0.7,
                "sensitive": draw.random() < 0.08,
                "secret": draw.random() < 0.08,
                "long": draw.random() < 0.3,
                "source": draw.random() < 0.3,
                "default": draw.random() < 0.4,
                "when": None,
            }
        )
        if draw.random() < 0.3:
            self.set_condition(self.specs[-1])

    def set_condition(self, spec: Spec) -> None:
        """Let it depend on a parameter, or on what another step gives, whether a step runs.

        One that depends on something may depend on nothing then.
        """
        draw = self._draw
        names = self.list_earlier(spec)
        if spec["when"] and draw.random() < 0.5:
            spec["when"] = None
        elif names and draw.random() < 0.6:
            value: Any = {"from": draw.choice(names)}
            if draw.random() < 0.3:
                value = {"from": {"step": value["from"], "default": "no output"}}
            spec["when"] = {"value": value, "is": draw.choice([HALF, HALF, {"not": HALF}])}
        else:
            mode = {"const": draw.choice(["m0", "m0", "m1"])}
            spec["when"] = {"value": {"param": "mode"}, "is": mode}

    def list_earlier(self, spec: Spec) -> list[str]:
        """The steps after which one can come: none before it comes after it, so in no circle."""
        number = int(spec["id"][1:])
        return [
            each["name"]
            for each in self.specs
            if each["name"] != "twin" and int(each["id"][1:]) < number
        ]

    def remove_step(self, spec: Spec) -> None:
        """One step less, unless it is the last one."""
        if len(self.specs) == 1:
            return
        self.specs.remove(spec)
        for other in self.specs:
            for field in ("reads", "after"):
                other[field] = [name for name in other[field] if name != spec["name"]]
            if find_judged(other) == spec["name"]:
                other["when"] = None

    def change(self) -> None:
        """Change the config, as somebody does who mends it; or a little more."""
        draw = self._draw
        kinds = ["mend", "mend", "add", "remove", "order", "settings", "secret", "turn"]
        kind = draw.choice([*kinds, "condition", "condition"])
        spec = draw.choice(self.specs)
        if kind == "mend":
            spec["version"] += 1
        elif kind == "add":
            self.add_step()
        elif kind == "remove":
            self.remove_step(spec)
        elif kind == "order":
            names = self.list_earlier(spec)
            spec["after"] = draw.sample(names, min(len(names), draw.choice([0, 1, 2])))
            spec["priority"] = draw.choice([0, 0, 1, 2])
        elif kind == "settings":
            spec["optional"] = not spec["optional"]
            spec["sensitive"] = draw.random() < 0.2
        elif kind == "condition":
            conditional = [each for each in self.specs if each["when"]]
            self.set_condition(draw.choice([*conditional, spec]))
        elif kind == "secret" and any(each["sensitive"] and each["secret"] for each in self.specs):
            # Where it is told, other parameters would be another job, and this world not its own.
            self.secret = f"s{draw.randrange(3)}"
        elif kind == "turn":
            draw.shuffle(self.specs)  # what comes after what does not depend on the file's order

    def build(self, world: Path, *, parallel: bool) -> Plan:
        """The plan of the config as it is."""
        first = self._build_with({}, world, parallel=parallel)
        steps = first.steps.tolist()
        waves = list_waves(steps)
        ids = [spec_id(step) for step in steps]
        looks: dict[str, list[str]] = {}
        behind: dict[int, set[int]] = {}
        for index, step in enumerate(steps):
            behind[index] = {*step.before}.union(*(behind[other] for other in step.before))
            earlier = {
                other
                for other in range(index)
                if waves[other] < waves[index] and steps[other].has_key
            }
            looks[ids[index]] = [ids[other] for other in sorted(behind[index] | earlier)]
        return self._build_with(looks, world, parallel=parallel)

    def _build_with(self, looks: Mapping[str, list[str]], world: Path, *, parallel: bool) -> Plan:
        steps = [
            {
                "name": spec["name"],
                "action": "deed",
                "input": {
                    "id": spec["id"],
                    "version": spec["version"],
                    "long": spec["long"],
                    "source": spec["source"],
                    "looks": looks.get(spec["id"], []),
                    "got": [read(name, spec) for name in spec["reads"]],
                    **({"token": {"param": "token"}} if spec["secret"] else {}),
                    "world": str(world),
                },
                **{field: spec[field] for field in ("after", "priority", "optional", "sensitive")},
                **({"when": spec["when"]} if spec["when"] else {}),
            }
            for spec in self.specs
        ]
        flags = {"audit": True, "parallel": parallel}
        params: dict[str, Any] = {"token": self.secret, "mode": "m0"}
        return workflows.plan(*steps, flags=flags, params=params)

    def fail(self, share: float) -> None:
        """Let some steps fail from here on."""
        failing = [spec["id"] for spec in self.specs if self._draw.random() < share]
        (self.world / "failing").write_text(" ".join(failing))

    def move_sources(self) -> None:
        """Change what is outside."""
        (self.world / "source").write_text(str(self._draw.randrange(10**6)))

    def run(
        self,
        *,
        parallel: bool,
        executor: Executor | None = None,
        keep_going: bool = False,
        events: int | None = None,
    ) -> Told:
        """Run the config as it is, and resume what can be resumed.

        Args:
            parallel: Whether the flag is on.
            executor: What runs the steps; None for threads, or this one.
            keep_going: As the option.
            events: After so many of them the process is gone.
        """
        plan = self.build(self.world, parallel=parallel).set(storage_path=str(self.audit))
        resumed = decided = None
        with suppress(ResumeError):
            resumed = find_resumption(plan, run=True)
        chain = upkeep.list_chain(plan, self.read())
        assert bool(chain) is (resumed is not None)
        if resumed is not None:
            decided = upkeep.judge(plan, chain)
            assert decided.kept.keys() == resumed.kept.keys()
            assert decided.fetched == resumed.fetched.keys()
        fold = RunFold(plan, keep_going=keep_going)
        options = Options(executor, 3, audit_sync="none", keep_going=keep_going)
        results: dict[int, StepResult] = {}
        started: set[int] = set()
        with closing(run_events(plan, DEEDS, options, resumed)) as stream:
            for number, event in enumerate(stream):
                fold.take(event)
                if isinstance(event, StepFinished | StepSkipped):
                    results[event.step_index] = event.result
                if isinstance(event, StepSkipped):
                    (self.world / spec_id(event.step)).unlink(missing_ok=True)
                if isinstance(event, StepStarted):
                    started.add(event.step_index)
                if number == events and not isinstance(event, RunFinished):
                    break
        if events is not None:
            with self.audit.open("ab") as file:
                file.write(b'{"v":1,"ts":"2026-11-27T02:00:00.0' * self._draw.randrange(2))
        same = {index for index, result in results.items() if result.fetched}
        skipped = {index: result.skipped is not None for index, result in results.items()}
        expected = None if decided is None else upkeep.list_again(plan, decided, same, skipped)
        reused = {index for index, result in results.items() if result.reused}
        document = build_result_document(fold.finish())
        return Told(document, results, reused, started, plan, resumed, expected)

    @property
    def has_run(self) -> bool:
        """Whether there was a run."""
        return self.audit.exists()

    def read(self) -> list[dict[str, Any]]:
        """All records."""
        records: list[dict[str, Any]] = []
        if not self.audit.exists():
            return records
        for line in self.audit.read_bytes().splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
        return records

    def run_undisturbed(self) -> list[tuple[Any, ...]]:
        """What comes of the config as it is where nothing was before and nothing fails."""
        fresh = self._folder / f"fresh{next(self._numbers)}"
        fresh.mkdir()
        if (self.world / "source").exists():
            (fresh / "source").write_text((self.world / "source").read_text())
        plan = self.build(fresh, parallel=False).set(storage_path=str(fresh / "audit"))
        fold = RunFold(plan)
        with closing(run_events(plan, DEEDS, Options(audit_sync="none"))) as events:
            for event in events:
                fold.take(event)
        return tell(build_result_document(fold.finish()))


def read(name: str, spec: Spec) -> dict[str, Any]:
    """What reads a step: with a default, if the spec says so."""
    return {"from": {"step": name, "default": "no output"} if spec["default"] else name}


def find_judged(spec: Spec) -> str | None:
    """The name of the step whose output the condition of another one judges, if there is one."""
    given = spec["when"]["value"].get("from") if spec["when"] else None
    name: str | None = given["step"] if isinstance(given, dict) else given
    return name


def spec_id(step: Step) -> str:
    """The id of a step, as it stands in its input."""
    value: Any = write(step.input)
    found: str = value["id"]
    return found


def tell(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The status and the results, by what can be compared; of a long output its digest.

    What is skipped says why.
    """
    results = []
    for result in document["results"]:
        output = result["output"]
        cut = result.get("cut")
        if isinstance(output, str) and len(output) > MOST_BYTES:
            cut = measure(output)._asdict()
        why = result.get("skipped", result["error"])
        results.append((result["name"], result["ok"], cut or output, why))
    return [(document["status"],), *results]
