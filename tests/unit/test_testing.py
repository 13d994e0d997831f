"""The kit: a workflow is run with some of its actions replaced, and nothing else is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import naive, workflows
from support.command import process_environment

from driftflow import ActionsError, ConfigError, ResumeError, run_workflow
from driftflow.errors import TimedOut
from driftflow.running.events import (
    AttemptFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from driftflow.testing import RUN_ID, run, script


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workflow that fetches, and shouts what it was given."""
    monkeypatch.chdir(tmp_path)
    return workflows.save(
        tmp_path,
        {"name": "fetch", "action": "team.fetch", "input": {"param": "day"}, "priority": 1},
        {"name": "shout", "action": "upper", "input": {"from": "fetch"}},
        max_attempts=3,
        flags={"audit": True, "metrics": True},
    )


def test_a_replaced_action_is_given_what_the_real_one_would_be(config: Path) -> None:
    """All others are the real ones."""
    given: list[Any] = []

    def fetch(day: str) -> str:
        given.append(day)
        return f"rows of {day}"

    outcome = run(config, replace={"team.fetch": fetch}, params={"day": "monday"})
    assert given == ["monday"]
    assert outcome.lines == ("OK fetch: rows of monday", "OK shout: ROWS OF MONDAY")
    assert outcome.result["status"] == "ok"


def test_an_outcome_is_the_same_each_time(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No clock, no environment, and no file but the config."""
    monkeypatch.setenv("DRIFTFLOW_FLAGS", "metrics")
    outcomes = [
        run(config, replace={"team.fetch": script("a")}, params={"day": 1}) for _ in range(2)
    ]
    assert outcomes[0] == outcomes[1]
    metrics = outcomes[0].result["metrics"]
    assert metrics["duration_seconds"] == 0.0
    assert [step["duration_seconds"] for step in metrics["step_durations"]] == [0.0, 0.0]
    assert [path.name for path in config.parent.iterdir()] == ["config.json"]
    quiet = run(
        config,
        replace={"team.fetch": script("a")},
        params={"day": 1},
        environ={"DRIFTFLOW_FLAGS": "metrics"},
    )
    assert "metrics" not in quiet.result


def test_the_events_of_the_run_are_there(config: Path) -> None:
    """In order, with their steps and results."""
    outcome = run(config, replace={"team.fetch": script("a")}, params={"day": 1})
    kinds = [RunStarted, StepStarted, StepFinished, StepStarted, StepFinished, RunFinished]
    assert [type(event) for event in outcome.events] == kinds
    assert isinstance(outcome.events[4], StepFinished)
    assert outcome.events[4].result.output == "A"


def test_attempts_that_failed_are_among_the_events(config: Path) -> None:
    """With what they failed with; none is waited for."""
    fetch = script(OSError("busy"), "a")
    outcome = run(config, replace={"team.fetch": fetch}, params={"day": 1})
    (failed,) = [event for event in outcome.events if isinstance(event, AttemptFailed)]
    assert (failed.step.name, failed.attempt, failed.wait_seconds) == ("fetch", 1, 0.0)
    assert (failed.failure.message, failed.failure.types[0]) == ("busy", "OSError")
    kinds = [type(event) for event in outcome.events[1:4]]
    assert kinds == [StepStarted, AttemptFailed, StepFinished]


def test_a_failure_can_end_only_what_comes_after_it(tmp_path: Path) -> None:
    """With `keep_going`, as the command does it."""
    path = workflows.save(
        tmp_path,
        {"name": "a", "action": "team.fetch"},
        {"name": "b", "input": {"from": "a"}},
        {"name": "c", "input": "x"},
    )
    replace = {"team.fetch": script(OSError("down"))}
    outcome = run(path, replace=replace, keep_going=True)
    assert outcome.lines == ("FAIL a: down", "OK c: x")
    assert (outcome.result["status"], outcome.result["not_run"]) == ("failed", ["b"])
    started, *_, end = outcome.events
    assert isinstance(started, RunStarted)
    assert isinstance(end, RunFinished)
    assert (started.keep_going, end.not_run, end.stopped_by) == (True, (1,), None)
    stopped = run(path, replace=replace)
    assert stopped.lines == ("FAIL a: down",)
    assert "not_run" not in stopped.result
    assert isinstance(stopped.events[-1], RunFinished)
    assert stopped.events[-1].stopped_by == "a"


def test_events_read_the_same_everywhere(config: Path) -> None:
    """Also under another hash seed: they can be pinned."""
    script_text = (
        "from driftflow.testing import run, script\n"
        f"path, replace = {str(config)!r}, {{'team.fetch': script(OSError('busy'), 'a')}}\n"
        "print(run(path, replace=replace, params={'day': 1}))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script_text],
            env=process_environment({"PYTHONHASHSEED": seed}),
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(printed) == 1


def test_a_script_fails_twice_and_then_succeeds(config: Path) -> None:
    """By exceptions or their types; a retry saves the step."""
    fetch = script(OSError("busy"), TimeoutError, "rows")
    outcome = run(config, replace={"team.fetch": fetch}, params={"day": 1})
    assert outcome.result["results"][0]["attempts"] == 3
    assert outcome.lines[0] == "OK fetch: rows"


def test_a_script_that_always_fails(config: Path) -> None:
    """With the error that was given."""
    outcome = run(config, replace={"team.fetch": script(ValueError("no"))}, params={"day": 1})
    assert outcome.lines == ("FAIL fetch: no",)
    assert outcome.result["results"][0]["attempts"] == 3


def test_an_attempt_that_takes_too_long_can_be_played(tmp_path: Path) -> None:
    """No time passes in such a run; its step is tried again if it says so."""
    step = {"name": "a", "action": "slow", "max_attempts": 2, "timeout_seconds": 1}
    path = workflows.save(tmp_path, step | {"retry_on": ["TimedOut"]})
    outcome = run(path, replace={"slow": script(TimedOut("out of time"), "done")})
    assert outcome.lines == ("OK a: done",)
    assert [result["attempts"] for result in outcome.result["results"]] == [2]


def test_the_last_outcome_of_a_script_is_repeated() -> None:
    """A function among them is called on the input."""
    perform = script(1, len, [2])
    assert [perform("abc") for _ in range(4)] == [1, 3, [2], [2]]
    assert script(None)("x") is None
    with pytest.raises(ValueError, match="needs at least one outcome"):
        script()


def test_a_built_in_action_can_be_replaced(config: Path) -> None:
    """Whatever its schema says."""
    outcome = run(
        config,
        replace={"team.fetch": script(5), "upper": lambda value: value + 1},
        params={"day": 1},
    )
    assert outcome.lines == ("OK fetch: 5", "OK shout: 6")


def test_other_actions_are_given_as_to_run_workflow(config: Path) -> None:
    """What is replaced need not be there at all; what is not named is not loaded."""
    actions = {"team.fetch": lambda day: f"real {day}"}
    assert run(config, actions=actions, params={"day": 1}).lines[0] == "OK fetch: real 1"
    stand_in = {"team.fetch": script("stand-in")}
    assert run(config, actions=actions, replace=stand_in, params={"day": 1}).lines[0] == (
        "OK fetch: stand-in"
    )
    assert run(config, params={"day": 1}).lines == ("FAIL fetch: unknown action: 'team.fetch'",)
    with pytest.raises(ActionsError):
        run(config, actions={"echo": len}, params={"day": 1})


def test_a_replacement_that_nothing_names_is_told(config: Path) -> None:
    """It would test nothing."""
    meant = r"no step uses the action 'team\.fecth': did you mean 'team\.fetch'\?"
    with pytest.raises(ValueError, match=f"^{meant}$"):
        run(config, replace={"team.fecth": script("a")}, params={"day": 1})
    with pytest.raises(ValueError, match=r"^no step uses the action 'chat'$"):
        run(config, replace={"chat": script("a")}, params={"day": 1})
    wrong: Any = {"team.fetch": "rows"}
    with pytest.raises(
        TypeError, match=r"the replacement for the action 'team\.fetch' is not a function"
    ):
        run(config, replace=wrong, params={"day": 1})


@settings(max_examples=200)
@given(workflows.linked(conditional=True), st.booleans())
def test_a_run_does_what_the_naive_model_says(
    workflow: tuple[dict[str, Any], dict[str, str]],
    keep_going: bool,  # noqa: FBT001 - it is drawn
) -> None:
    """Of references of all kinds, of conditions, of what is skipped: results, lines and status."""
    document, params = workflow
    flaky = any(step["action"] == "flaky" for step in document["steps"])
    with TemporaryDirectory() as folder:
        outcome = run(
            workflows.write(Path(folder), document),
            replace={"flaky": workflows.Flaky()} if flaky else None,
            params=params,
            keep_going=keep_going,
        )
    model = naive.Run(document, params, keep_going=keep_going, run_id=RUN_ID)
    assert outcome.result["results"] == model.results
    assert outcome.result["status"] == model.status
    assert outcome.result.get("not_run", []) == model.not_run
    assert "".join(f"{line}\n" for line in outcome.lines) == model.text()


def test_a_wrong_config_is_refused_as_ever(config: Path) -> None:
    """So is a missing parameter."""
    with pytest.raises(ConfigError, match="the parameter `day` is not given"):
        run(config)


def test_a_run_can_start_from_a_record(config: Path) -> None:
    """What is up to date of the last run in it is kept; nothing is written, whoever could."""
    days = {"day": "monday"}
    actions = {"team.fetch": script("rows")}
    assert run_workflow(config, actions=actions, params=days)["status"] == "ok"
    with pytest.raises(ResumeError, match="ended ok"):
        run(config, replace=actions, params=days, record="driftflow.audit.json")
    record = config.with_name("driftflow.audit.json")
    lines = record.read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if "shout" not in line and "run_finished" not in line)
    record.write_text(text)
    record.chmod(0o666)
    fetch = script(OSError("must not be asked"))
    outcome = run(config, replace={"team.fetch": fetch}, params=days, record=record)
    assert outcome.lines == ("OK fetch: rows", "OK shout: ROWS")
    assert [each.get("reused") for each in outcome.result["results"]] == [True, None]
    assert "resumed" in outcome.result
    assert record.read_text() == text
    with pytest.raises(ResumeError, match="with these parameters"):
        run(config, replace={"team.fetch": fetch}, params={"day": "tuesday"}, record=record)
