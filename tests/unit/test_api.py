"""The library, as a caller sees it."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from support import workflows

import driftflow
from driftflow.api import run_workflow
from driftflow.errors import ConfigError, StorageError
from driftflow.running.events import StepFinished

if TYPE_CHECKING:
    from driftflow.reading.document import Json
    from driftflow.running.events import Event

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DRIFTFLOW_FLAGS", raising=False)
    monkeypatch.delenv("WORKFLOW_TIMEOUT_SECONDS", raising=False)


def save(*steps: dict[str, object], **fields: object) -> Path:
    """Write a config into the working directory."""
    return workflows.write(Path(), workflows.config(*steps, **fields))


def test_run_workflow_returns_the_result_as_a_dict(capfd: pytest.CaptureFixture[str]) -> None:
    """It prints nothing and touches no signal handler."""
    handlers = [signal.getsignal(each) for each in SIGNALS]
    path = save({"name": "a", "input": "x"}, {"name": "b", "action": "no"}, max_attempts=2)
    assert run_workflow(path) == {
        "name": "test",
        "status": "failed",
        "results": [
            {"name": "a", "ok": True, "output": "x", "error": None, "attempts": 1},
            {
                "name": "b",
                "ok": False,
                "output": None,
                "error": "unknown action: 'no'",
                "attempts": 2,
            },
        ],
    }
    assert capfd.readouterr() == ("", "")
    assert [signal.getsignal(each) for each in SIGNALS] == handlers


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_with_keep_going_a_failure_ends_only_what_comes_after_it(flags: dict[str, bool]) -> None:
    """The result names what was not run, and the status is failed all the same."""
    path = save(
        {"name": "a", "action": "no"},
        {"name": "b", "input": {"from": "a"}},
        {"name": "c", "input": "x"},
        flags=flags,
    )
    result = run_workflow(path, keep_going=True)
    assert (result["status"], result["not_run"]) == ("failed", ["b"])
    assert [(each["name"], each["ok"]) for each in result["results"]] == [("a", False), ("c", True)]
    stopped = run_workflow(path)
    assert stopped["status"] == "failed"
    assert [each["name"] for each in stopped["results"]] == ["a"]
    assert "not_run" not in stopped


@pytest.mark.parametrize("flags", [{"audit": True}, {"audit": True, "parallel": True}])
def test_a_resumed_run_keeps_going_where_it_can(flags: dict[str, bool]) -> None:
    """With `keep_going`: what was not run is now, and what was done is not done again."""
    path = save(
        {"name": "a", "action": "mine", "input": "a"},
        {"name": "b", "action": "mine", "input": "b", "after": ["a"]},
        {"name": "c", "action": "mine", "input": "c"},
        flags=flags,
    )
    tried: list[str] = []

    def fails_once(name: str) -> str:
        tried.append(name)
        if name == "a" and tried.count("a") == 1:
            raise OSError("down")
        return name

    actions = {"mine": fails_once}
    first = run_workflow(path, actions=actions, keep_going=True)
    assert (first["status"], first["not_run"], sorted(tried)) == ("failed", ["b"], ["a", "c"])
    tried[:] = ["a"]
    second = run_workflow(path, actions=actions, keep_going=True, resume=True)
    assert (second["status"], second["not_run"], tried[1:]) == ("ok", [], ["a", "b"])
    assert [each.get("reused", False) for each in second["results"]] == [False, False, True]


def test_a_permanent_error_is_for_actions_to_raise() -> None:
    """By its public name: then there is no other attempt."""
    tried: list[Json] = []

    def refuse(value: Json) -> None:
        tried.append(value)
        raise driftflow.Permanent("no such table")

    path = save({"action": "mine", "input": 1}, max_attempts=5)
    (result,) = run_workflow(path, actions={"mine": refuse})["results"]
    assert (result["error"], result["attempts"], tried) == ("no such table", 1, [1])


def test_run_workflow_takes_a_string_too() -> None:
    """As in `run_workflow("./config.json")`."""
    assert run_workflow(str(save({})))["status"] == "ok"


def test_the_environment_counts_in_the_library_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags can be switched off from outside."""
    path = save({}, flags={"metrics": True, "audit": True})
    monkeypatch.setenv("DRIFTFLOW_FLAGS", "audit")
    assert "metrics" in run_workflow(path)
    assert not Path("driftflow.audit.json").exists()


def test_a_bad_config_raises_a_config_error() -> None:
    """And a failing audit a storage error; both from one root."""
    with pytest.raises(ConfigError):
        run_workflow(save({"priority": "high"}))
    with pytest.raises(StorageError):
        run_workflow(save({}, flags={"audit": True}, storage={"path": "."}))
    assert issubclass(ConfigError, driftflow.DriftFlowError)
    assert issubclass(StorageError, driftflow.DriftFlowError)


def test_the_public_names_are_what_they_say() -> None:
    """`from driftflow import ...` gives the same things."""
    assert driftflow.run_workflow is run_workflow
    for name in driftflow.__all__:
        assert name in dir(driftflow)
        assert getattr(driftflow, name).__doc__


def test_each_run_has_an_id_of_its_own_and_a_time_in_utc() -> None:
    """And is appended to what is there."""
    path = save({}, flags={"audit": True})
    before = datetime.now(UTC)
    run_workflow(path)
    run_workflow(path)
    records = [json.loads(line) for line in Path("driftflow.audit.json").read_text().splitlines()]
    assert len({record["run_id"] for record in records}) == 2
    assert [record["seq"] for record in records] == [0, 1, 2, 3] * 2
    stamps = [datetime.fromisoformat(record["ts"]) for record in records]
    moments = [before, *stamps, datetime.now(UTC)]
    assert moments == sorted(moments)


def test_without_the_flag_no_file_is_touched() -> None:
    """Nor opened: the path could not be."""
    run_workflow(save({}, storage={"path": "missing/audit.jsonl"}))
    assert sorted(path.name for path in Path().iterdir()) == ["config.json"]


def test_an_audit_that_cannot_be_opened_runs_no_step() -> None:
    """Nothing is performed before the record of its start is on file."""
    performed: list[Json] = []
    for path in (".", "/dev/full"):
        with pytest.raises(StorageError):
            run_workflow(
                save({"action": "note"}, flags={"audit": True}, storage={"path": path}),
                actions={"note": performed.append},
            )
    assert performed == []


def test_a_run_that_is_broken_off_by_its_consumer_still_ends_its_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interrupt may come while a result is kept."""
    ended: list[int] = []

    all_begun = Barrier(3, timeout=60)

    def nap(number: int) -> None:
        all_begun.wait()
        time.sleep(0.2 * number)
        ended.append(number)

    def interrupted(_: object, event: Event) -> None:
        if isinstance(event, StepFinished):
            raise KeyboardInterrupt

    monkeypatch.setattr("driftflow.running.ordering.RunFold.take", interrupted)
    steps: list[dict[str, object]] = [{"action": "nap", "input": number} for number in (0, 1, 1)]
    with pytest.raises(KeyboardInterrupt) as caught:
        run_workflow(save(*steps, flags={"parallel": True}), actions={"nap": nap}, jobs=3)
    assert ended == [0, 1, 1]
    assert caught.type is KeyboardInterrupt  # whoever holds its traceback holds what its frames do


def test_installed_packages_are_not_looked_at_for_names_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the entry points of all takes as long as many steps."""

    def refuse(**_: str) -> None:
        raise AssertionError

    monkeypatch.setattr("importlib.metadata.entry_points", refuse)
    path = workflows.save(tmp_path, {"action": "mine"}, {"action": "echo"})
    result = run_workflow(path, actions={"mine": lambda _: "my own"})
    assert result["status"] == "ok"
