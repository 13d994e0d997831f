"""A run does what the contract says, and the same however it is run."""

from __future__ import annotations

import json
import random
import tempfile
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import given, settings
from jsonschema import Draft7Validator
from support import naive, workflows
from support.command import invoke, packages_stay
from support.performers import PERFORMERS, answer, dask, loky, own_threads, processes

from driftflow.actions.action import ACTIONS, Action
from driftflow.schemas.published import load_schema
from driftflow.testing import RUN_ID
from promises import Promise, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

_RESULT = Draft7Validator(load_schema("result"))
_RECORD = Draft7Validator(load_schema("audit"))
_ERRORS = ("value", "exit", "leave", "generator", "stubborn", "unspeakable", "local")
# How many plans are tried in this thread and in others for one that is tried there.
_SHARES: dict[Callable[[], AbstractContextManager[Executor | None]], int] = {
    processes: 2,
    loky: 2,
    dask: 10,
}
# So many of these at a time: an executor has something to do while others wait for it. A worker
# keeps the actions of four runs; with more it would load them again and again.
_AT_ONCE = 4


@packages_stay()
def runs_do_what_the_contract_says(_: Path, *, plans: int) -> Verdict:
    """Order, data, attempts, stop, status, lines and document agree with the naive model's.

    Raises:
        AssertionError: They do not; its notes say on which workflow.
    """
    compare = settings(max_examples=plans)(given(workflows.linked(conditional=True))(_compare))
    compare()
    return Verdict(holds=True, figure=f"{plans} plans, all as the model says")


def _compare(workflow: tuple[dict[str, Any], dict[str, str]]) -> None:
    for keep_going in (False, True):
        _compare_one(*workflow, keep_going=keep_going)


def _compare_one(config: dict[str, Any], params: dict[str, str], *, keep_going: bool) -> None:
    options = [f"--param={name}={value}" for name, value in params.items()]
    options += ["--keep-going"] * keep_going
    expected = naive.Run(config, params, keep_going=keep_going, run_id=RUN_ID)
    flags = config.get("flags", {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = workflows.write(folder, config)
        with _flaky(), _one_id():
            text = invoke(
                "--config", path, *options, cwd=folder, environ={"DRIFTFLOW_FLAGS": "audit"}
            )
        assert list(folder.iterdir()) == [path]
        with _flaky(), _one_id():
            document = invoke("--config", path, "--print-json", *options, cwd=folder)
        audit = _records(folder / config.get("storage", {}).get("path", "driftflow.audit.json"))
    status = 0 if expected.status == "ok" else 1
    assert text[:2] == (status, expected.text())
    assert document.status == status
    result = json.loads(document.stdout)
    _RESULT.validate(result)
    discarded = result.pop("discarded", [])
    ran = [name for name in expected.beside if name in discarded]
    assert not discarded or (flags["parallel"] and set(discarded) == set(ran))
    assert _but_unknown(document.stderr) == _told(len(discarded))
    assert _but_unknown(text.stderr) in map(
        _told, range(len(expected.beside) * flags.get("parallel", False) + 1)
    )
    metrics = result.pop("metrics", None)
    wanted = {"name": config["name"], "status": expected.status, "results": expected.results}
    wanted |= {"not_run": expected.not_run} if keep_going else {}
    assert result == wanted
    assert list(result) == list(wanted)
    assert (metrics is not None) == flags.get("metrics", False)
    if metrics:
        _adds_up(metrics, result, planned=len(config["steps"]))
    assert bool(audit) == flags.get("audit", False)
    if audit:
        _agrees(audit, result, discarded)


def _records(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().decode("ascii").splitlines()]


def _flaky() -> Any:
    return mock.patch.dict(ACTIONS, {"flaky": Action(workflows.Flaky(), "", "")})


def _one_id() -> Any:
    """Each run that asks for its ID has the one that the model has."""
    return mock.patch("driftflow.api.make_run_id", return_value=RUN_ID)


def _but_unknown(stderr: str) -> str:
    """What is said, but for the actions that there are not."""
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("warning: unknown action `"))


def _told(discarded: int) -> str:
    """What is said about steps that were discarded."""
    number = {0: "", 1: "1 step"}.get(discarded, f"{discarded} steps")
    return (
        number and f"discarded: {number} that ran at the same time as the step that ended the run\n"
    )


def _agrees(records: list[dict[str, Any]], document: dict[str, Any], discarded: list[str]) -> None:
    for record in records:
        _RECORD.validate(record)
    assert [record["seq"] for record in records] == list(range(len(records)))
    assert len({record["run_id"] for record in records}) == 1
    started, *steps, finished = records
    assert started["event"] == "run_started"
    assert started["workflow"] == document["name"]
    assert finished["event"] == "run_finished"
    assert finished["status"] == document["status"]
    starts = [record for record in steps if record["event"] == "step_started"]
    finishes = [record for record in steps if record["event"] == "step_finished"]
    failures = [record for record in steps if record["event"] == "attempt_failed"]
    skips = [record for record in steps if record["event"] == "step_skipped"]
    assert len(starts) + len(finishes) + len(failures) + len(skips) == len(steps)
    by_index = {record["index"]: record for record in finishes}
    skipped = {record["index"]: record for record in skips}
    assert len(skipped) == len(skips)
    assert skipped.keys().isdisjoint(by_index)
    all_done = by_index | skipped
    counted = sorted(all_done.keys() - finished.get("discarded", []))
    assert [_make_result(all_done[index]) for index in counted] == document["results"]
    others = [by_index[index] for index in finished.get("discarded", []) if index in by_index]
    assert [record["step"] for record in others if record["attempts"]] == discarded
    assert len(by_index) == len(finishes)
    assert sorted(record["index"] for record in starts) == sorted(by_index)
    for start in starts:
        end = by_index[start["index"]]
        own = [record for record in failures if record["index"] == start["index"]]
        assert [record["attempt"] for record in own] == list(
            range(1, end["attempts"] + (not end["ok"]))
        )
        seqs = [record["seq"] for record in (start, *own, end)]
        assert seqs == sorted(seqs)
    ended = [record for record in finishes if not record["ok"] and record["index"] in counted]
    if "stopped_by" in finished:
        assert ended[-1]["step"] == finished["stopped_by"]


def _make_result(record: dict[str, Any]) -> dict[str, Any]:
    """The result of a step, by the record of its end."""
    name = {"name": record["step"]}
    if record["event"] == "step_skipped":
        nothing = {"ok": True, "output": None, "error": None, "attempts": 0}
        return name | nothing | {"skipped": record["reason"]}
    return name | {key: record[key] for key in ("ok", "output", "error", "attempts")}


def _adds_up(metrics: dict[str, Any], document: dict[str, Any], planned: int) -> None:
    results = document["results"]
    skipped = sum("skipped" in result for result in results)
    assert metrics["attempts"] == sum(result["attempts"] for result in results)
    assert metrics["steps"] == {
        "planned": planned,
        "ok": sum(result["ok"] for result in results) - skipped,
        "failed": sum(not result["ok"] for result in results),
        "not_run": planned - len(results),
    } | ({"skipped": skipped} if skipped else {})
    assert [step["name"] for step in metrics["step_durations"]] == [
        result["name"] for result in results
    ]


def the_answer_is_the_same(_: Path, *, plans: int) -> Verdict:
    """For generated plans, whatever goes wrong in them; some are under way at the same time."""
    performers = (own_threads, *PERFORMERS)
    numbers = {performer: plans // _SHARES.get(performer, 1) for performer in performers}
    expected = [_in_turn(seed) for seed in range(plans)]
    wrong = [
        f"{performer.__name__}, seed {seed}"
        for performer, number in numbers.items()
        for seed in _wrong_answers(performer, expected[:number])
    ]
    tried = ", ".join(f"{number} {performer.__name__}" for performer, number in numbers.items())
    return Verdict(not wrong, "; ".join([f"plans: {tried}; {len(wrong)} other answers", *wrong]))


def _in_turn(seed: int) -> dict[str, Any]:
    """What comes of a plan where nothing else is going on."""
    config = _generated(seed, "in turn")
    del config["flags"]
    result, _ = answer(config, jobs=1, keep_going=_keeps_going(seed))
    return result


def _wrong_answers(
    performer: Callable[[], AbstractContextManager[Executor | None]],
    expected: list[dict[str, Any]],
) -> list[int]:
    """The seeds of the plans that come to something else there."""

    def is_wrong(seed: int) -> bool:
        config = _generated(seed, performer.__name__)
        how = {"executor": executor, "jobs": 1 + seed % 5, "keep_going": _keeps_going(seed)}
        result, discarded = answer(config, **how)
        names = {step["name"] for step in result["results"]}
        return result != expected[seed] or bool(names & {*discarded})

    with performer() as executor, ThreadPoolExecutor(_AT_ONCE) as runs:
        seeds = range(len(expected))
        return [seed for seed, wrong in zip(seeds, runs.map(is_wrong, seeds), strict=True) if wrong]


def _keeps_going(seed: int) -> bool:
    return seed % 3 == 0


def _generated(seed: int, run: str) -> dict[str, Any]:
    """A config with steps of every kind, few priorities and many failures; for one run.

    Its graph is deep, wide, made of diamonds, or of no shape.
    """
    draw = random.Random(seed)  # noqa: S311 - the same cases each time
    link = draw.choice([_link_deep, _link_wide, _link_diamonds, _link_anyhow])
    steps: list[dict[str, Any]] = []
    for number in range(draw.randrange(16)):
        action, value = draw.choice(
            [
                ("echo", {"number": number, "keys": {"b": [None, 1.5], "a": "ä"}}),
                ("echo", f"text {number}"),
                ("upper", "text"),
                ("upper", number),
                ("fail", draw.choice(_ERRORS)),
                ("flaky", {"failures": draw.randrange(4), "key": f"{run}-{seed}-{number}"}),
                ("spoil", {"rows": [number], "key": f"{run}-{seed}-{number}"}),
                ("nobody", None),
            ]
        )
        step = {"name": f"step {number:02}", "action": action, "input": value}
        before = [steps[index]["name"] for index in link(draw, number)]
        if before and draw.random() < 0.5:
            step |= {"action": "echo", "input": {"from": draw.choice([before, before[0]])}}
        step["after"] = before
        if draw.random() < 0.3:
            step["priority"] = draw.randrange(3)
        if draw.random() < 0.2:
            step["max_attempts"] = draw.randint(1, 3)
        step["optional"] = draw.random() < 0.8
        steps.append(step)
    draw.shuffle(steps)
    flags = {"parallel": draw.random() < 0.9}
    return workflows.config(*steps, max_attempts=draw.randint(1, 3), flags=flags)


def _link_deep(_: random.Random, number: int) -> list[int]:
    return [number - 1] if number else []


def _link_wide(_: random.Random, number: int) -> list[int]:
    return [0] if number else []


def _link_diamonds(_: random.Random, number: int) -> list[int]:
    """Two steps side by side, then one behind both, and so on."""
    row, place = divmod(number, 3)
    before = {0: [3 * row - 2, 3 * row - 1], 1: [3 * row], 2: [3 * row]}[place]
    return [index for index in before if index >= 0]


def _link_anyhow(draw: random.Random, number: int) -> list[int]:
    return draw.sample(range(number), min(number, draw.randrange(3)))


PROMISES = [
    Promise(
        "RUN-1",
        "a run does what the contract says",
        "in all things what the naive model says",
        runs_do_what_the_contract_says,
        {"plans": 100},
        {"plans": 2000},
    ),
    Promise(
        "RUN-2",
        "the answer is the same however it is run",
        "0 other answers",
        the_answer_is_the_same,
        {"plans": 100},
        {"plans": 2000},
    ),
]
