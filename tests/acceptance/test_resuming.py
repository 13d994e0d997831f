"""What a resumed run keeps and does again: each clause of `docs/how-to/resuming.md`."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows
from support.command import invoke

from driftflow import ResumeError, run_workflow
from driftflow.actions.registry import resolve_actions
from driftflow.api import find_resumption, run_events
from driftflow.config import load_config
from driftflow.running.events import StepFinished, StepStarted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONG = 70_000


class Job:
    """A job whose config, actions and world change between its runs.

    Attributes:
        done: The steps that were done in the last run, in order.
        failing: Those that fail.
        world: What is outside, by name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.audit = folder / "driftflow.audit.json"
        self.done: list[str] = []
        self.failing: set[str] = set()
        self.world: dict[str, Any] = {}
        self.flags: dict[str, bool] = {"audit": True}
        self.steps: list[dict[str, Any]] = []
        self.fields: dict[str, Any] = {}
        self.actions: dict[str, Callable[[Any], Any]] = {"do": self.do, "get": self.get}

    def do(self, value: Any) -> Any:
        """Note it, and give it back; it knows its step's name."""
        name, given = value["name"], value.get("value")
        self.done.append(name)
        if name in self.failing:
            raise OSError("down")
        return given

    def get(self, value: Any) -> Any:
        """Note it, and give what is outside."""
        self.do(value)
        return self.world[value["name"]]

    def step(self, name: str, value: Any = None, action: str = "do", **fields: Any) -> None:
        """Put a step into the config, or in the place of the one of that name."""
        given = {"name": name, "action": action, "input": {"name": name, "value": value}, **fields}
        places = [place for place, each in enumerate(self.steps) if each["name"] == name]
        if places:
            self.steps[places[0]] = given
        else:
            self.steps.append(given)

    def save(self) -> Path:
        """Save the config."""
        return workflows.save(self.folder, *self.steps, flags=self.flags, **self.fields)

    def run(self, *, resume: bool | str = True, **options: Any) -> dict[str, Any]:
        """Run it, and resume the last run."""
        self.done.clear()
        path = self.save()
        return run_workflow(path, actions=self.actions, resume=resume, **options)

    def kill(self, after: str) -> None:
        """Run it, until a step of that name was begun; then it is gone."""
        self.done.clear()
        plan = load_config(self.save(), actions=self.actions)
        with closing(run_events(plan, resolve_actions(self.actions))) as events:
            for event in events:
                if isinstance(event, StepStarted) and event.step.name == after:
                    break

    def records(self) -> list[dict[str, Any]]:
        """What is on record."""
        return [json.loads(line) for line in self.audit.read_text().splitlines()]

    def decisions(self, *options: str) -> dict[str, tuple[str, Any, Any]]:
        """What `plan --resume` says of each step."""
        words = ["plan", "--config", self.save(), "--print-json", *(options or ["--resume"])]
        document = json.loads(invoke(*words, cwd=self.folder).stdout)
        return {step["name"]: (*step["resume"].values(),) for step in document["steps"]}


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return Job(tmp_path)


def names(document: dict[str, Any], field: str = "reused") -> list[str]:
    """The names of the results that have this field."""
    return [result["name"] for result in document["results"] if field in result]


# The two runs that ended ok over stale data.


def test_what_waits_by_priority_alone_does_not_stand_on_something_stale(job: Job) -> None:
    """An optional step fails, one of lower priority reads what it leaves behind, and is ok."""
    job.step("clean", optional=True, priority=1)
    job.step("load", action="get")
    job.failing, job.world["load"] = {"clean"}, "half"
    assert job.run()["status"] == "failed"
    job.failing, job.world["load"] = set(), "all"
    result = job.run()
    assert job.done == ["clean", "load"]
    assert (result["status"], result["results"][1]["output"]) == ("ok", "all")


def test_a_long_output_and_what_was_made_of_it_stay_together(job: Job) -> None:
    """`get` is too long for the record, `size` was ok, `both` failed; then the source changes."""
    job.world["get"] = "x" * LONG
    job.actions["length"] = len
    job.step("get", action="get")
    job.steps.append({"name": "size", "action": "length", "input": {"from": "get"}})
    job.step("both", {"from": ["get", "size"]})
    job.failing = {"both"}
    job.run()
    job.failing, job.world["get"] = set(), "y" * (LONG + 1)
    text, size = job.run()["results"][2]["output"]
    assert (text, size) == ("y" * (LONG + 1), LONG + 1)


# What is up to date.


@pytest.fixture
def chain(job: Job) -> Job:
    """Steps in a row, of which the last one has failed."""
    job.step("a", 1)
    job.step("b", {"from": "a"})
    job.step("c", {"from": "b"})
    job.failing = {"c"}
    job.run()
    job.failing = set()
    return job


def test_what_is_ok_and_asks_for_the_same_is_kept(chain: Job) -> None:
    """A step that reads it gets its output from the record."""
    result = chain.run()
    assert chain.done == ["c"]
    assert names(result) == ["a", "b"]
    assert [each["output"] for each in result["results"]] == [1, 1, 1]


def test_another_input_or_another_action_is_a_reason(chain: Job) -> None:
    """And so it is for all that comes after it, whatever that gives."""
    chain.step("b", {"from": "a"}, more=1)
    assert chain.decisions()["b"] == ("kept", None, None)
    chain.step("a", 1.0)
    assert chain.decisions() == {
        "a": ("again", "changed", None),
        "b": ("again", "after", "a"),
        "c": ("again", "failed", None),
    }
    chain.step("a", 1)
    chain.step("b", {"from": "a"}, action="get")
    assert chain.decisions()["b"] == ("again", "changed", None)


def test_the_order_of_the_keys_of_an_input_counts(job: Job) -> None:
    """The action sees it."""
    job.steps = [
        {"name": "a", "action": "echo", "input": {"x": 1, "y": 2}},
        {"name": "b", "action": "no"},
    ]
    job.run()
    job.steps[0]["input"] = {"y": 2, "x": 1}
    assert job.decisions()["a"] == ("again", "changed", None)


def test_what_is_done_again_counts_as_later_though_it_gives_the_same(job: Job) -> None:
    """`load` is optional and has failed, so `report` is done again; also by the next resume."""
    job.step("clean", 1)
    job.step("load", after=["clean"])
    job.step("report", after=["load"])
    job.step("end", after=["report"], priority=-1)
    job.failing = {"end"}
    job.run()
    job.step("clean", 1, max_attempts=2)
    job.kill("end")
    assert job.done == ["clean", "load", "report"]
    job.step("clean", 2)
    job.failing = {"load"}
    job.run()
    assert job.done == ["clean", "load"]
    job.failing = set()
    assert job.decisions() == {
        "clean": ("kept", None, None),
        "load": ("again", "failed", None),
        "report": ("again", "after", "load"),
        "end": ("again", "may_have_run", None),
    }
    job.failing = {"report"}
    job.run()
    assert job.done == ["load", "report"]


def test_a_step_that_was_done_after_another_one_is_newer(job: Job) -> None:
    """It was changed, done again, and the run ended before what comes after it."""
    job.step("a", 1)
    job.step("b", after=["a"])
    job.step("c", after=["b"], priority=-1)
    job.failing = {"c"}
    job.run()
    job.step("a", 2)
    plan = load_config(job.save(), actions=job.actions)
    resumed = find_resumption(plan, run=True)
    with closing(run_events(plan, resolve_actions(job.actions), resumed=resumed)) as events:
        next(event for event in events if isinstance(event, StepFinished))
    assert job.decisions() == {
        "a": ("kept", None, None),
        "b": ("again", "done_before", "a"),
        "c": ("again", "failed", None),
    }


def test_a_step_has_to_have_begun_when_what_it_comes_after_had_ended(job: Job) -> None:
    """That it ended later is not enough: it may have looked before."""
    job.step("a")
    job.step("b")
    job.step("c", after=["a", "b"])
    job.failing = {"c"}
    job.run()
    first, *others, last = job.records()
    begun = {record["step"]: record for record in others if record["event"] == "step_started"}
    ended = {record["step"]: record for record in others if record["event"] == "step_finished"}
    lines = [first, begun["a"], begun["b"], ended["a"], ended["b"], last]
    lines = [record | {"seq": seq} for seq, record in enumerate(lines)]
    job.audit.write_text("".join(json.dumps(each) + "\n" for each in lines))
    assert job.decisions()["b"] == ("kept", None, None)
    job.step("b", after=["a"])
    assert job.decisions()["b"] == ("again", "done_before", "a")


def test_a_step_that_is_not_on_record_is_done_and_nothing_else(chain: Job) -> None:
    """Be it new, or not reached, or of another name."""
    chain.step("d", {"from": "a"})
    assert chain.decisions()["d"] == ("again", "not_done", None)
    chain.steps[1]["name"] = "B"
    chain.step("c", {"from": "B"})
    assert chain.decisions()["B"] == ("again", "not_done", None)
    chain.run()
    assert sorted(chain.done) == ["b", "c", "d"]


def test_nothing_else_is_a_reason(chain: Job) -> None:
    """Not how a step is tried, nor its place in the file, nor a priority that changes nothing."""
    chain.steps[0] |= {"optional": True, "max_attempts": 3, "retry_on": [], "timeout_seconds": 60}
    chain.steps[1] |= {"priority": -7, "backoff": {}}
    chain.steps.reverse()
    chain.fields = {"max_attempts": 2, "timeout_seconds": 3, "storage": {"type": "x"}}
    assert chain.decisions() == {
        "a": ("kept", None, None),
        "b": ("kept", None, None),
        "c": ("again", "failed", None),
    }


def test_steps_of_one_name_are_held_against_each_other_in_run_order(job: Job) -> None:
    """Also if of some only one is on record by the last run."""
    job.steps = [
        {"name": "x", "action": "do", "input": {"name": name}, "optional": True} for name in "abc"
    ]
    job.failing = {"b"}
    job.run()
    assert job.run()["results"][1]["ok"] is False
    assert job.done == ["b"]
    job.failing = set()
    job.steps[0]["input"] = {"name": "A"}
    assert [each.get("reused") for each in job.run()["results"]] == [None, None, True]
    assert job.done == ["A", "b"]


def test_a_step_that_was_discarded_and_is_ok_is_kept(job: Job) -> None:
    """It ran beside the step that ended the run."""
    job.flags = {"audit": True, "parallel": True}
    is_done = threading.Event()

    def fail(_: Any) -> None:
        is_done.wait(60)
        raise OSError("down")

    def end(_: Any) -> None:
        is_done.set()

    job.actions |= {"fail": fail, "end": end}
    job.steps = [{"name": "a", "action": "fail"}, {"name": "b", "action": "end"}]
    assert job.run()["discarded"] == ["b"]
    job.actions["fail"] = end
    assert names(job.run()) == ["b"]


# What may have run.


def test_what_was_begun_and_has_no_end_may_have_run(job: Job) -> None:
    """It is done again, and said."""
    job.step("a")
    job.step("b", after=["a"])
    job.kill("b")
    done = invoke("plan", "--config", job.save(), "--resume", cwd=job.folder)
    assert "which has no recorded end: 1 kept; again: b (may have run)\n" in done.stderr
    result = job.run()
    assert job.done == ["b"]
    assert result["resumed"]["may_have_run"] == ["b"]


def test_what_an_interrupt_has_ended_may_have_run(job: Job) -> None:
    """A step that failed by itself did not get through; neither is kept."""

    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    job.actions["stop"] = stop
    job.step("a", optional=True)
    job.steps.append({"name": "b", "action": "stop"})
    job.failing = {"a"}
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert job.decisions() == {
        "a": ("again", "failed", None),
        "b": ("again", "may_have_run", None),
    }
    job.actions["stop"] = lambda _: None
    assert job.run()["resumed"]["may_have_run"] == ["b"]


def test_a_run_of_which_all_is_done_has_nothing_to_do_again(job: Job) -> None:
    """Only its end is missing."""
    job.steps = [{"name": "a", "action": "echo"}]
    job.run()
    job.audit.write_text("".join(job.audit.read_text().splitlines(keepends=True)[:-1]))
    done = invoke("--config", job.save(), "--resume", cwd=job.folder)
    assert done.stdout == "OK a: \n"
    assert done.stderr.endswith("which has no recorded end: 1 kept; nothing is done again\n")


def test_where_records_are_missing_it_is_not_believed_that_nothing_happened(job: Job) -> None:
    """A step that the resumed run had kept may have been done again in the gap."""
    job.step("a")
    job.step("b", optional=True)
    job.step("c", optional=True)
    job.failing = {"b", "c"}
    job.run()
    job.run()
    assert job.decisions()["a"] == ("kept", None, None)
    lines = job.audit.read_text().splitlines(keepends=True)
    started = [place for place, line in enumerate(lines) if "run_started" in line]
    del lines[started[1] + 2]
    job.audit.write_text("".join(lines))
    assert job.decisions()["a"] == ("again", "may_have_run", None)


# Steps with a secret.


@pytest.fixture
def login(job: Job) -> Job:
    """A sensitive step, those that depend on it, and one that only waits by its priority."""
    job.step("login", sensitive=True, priority=2)
    job.step("reads", {"from": "login"})
    job.step("after", after=["login"])
    job.step("waits")
    job.step("last", priority=-1)
    job.failing = {"last"}
    job.run()
    job.failing = set()
    return job


def test_a_sensitive_step_is_always_done_again_and_what_depends_on_it(login: Job) -> None:
    """It holds back no one by its priority."""
    assert login.decisions() == {
        "login": ("again", "no_key", None),
        "after": ("again", "after", "login"),
        "reads": ("again", "after", "login"),
        "waits": ("kept", None, None),
        "last": ("again", "failed", None),
    }
    assert names(login.run()) == ["waits"]


def test_what_uses_a_parameter_of_a_sensitive_step_is_always_done_again(job: Job) -> None:
    """Its values are not compared."""
    job.step("login", {"param": "token"}, sensitive=True)
    job.step("uses", {"param": "token"})
    job.step("end")
    job.failing = {"end"}
    job.run(params={"token": "one"})
    job.failing = set()
    result = job.run(params={"token": "two"})
    assert result["resumed"]
    assert sorted(job.done) == ["end", "login", "uses"]


def test_a_step_that_is_sensitive_no_more_is_another(login: Job) -> None:
    """Nothing of it is on record."""
    login.step("login", priority=2)
    assert login.decisions()["login"] == ("again", "changed", None)


# Long outputs.


@pytest.fixture
def long(job: Job) -> Job:
    """An output that is cut in the record, what was made of it, and what comes after that."""
    job.world["get"] = "x" * LONG
    job.step("get", action="get")
    job.actions["length"] = len
    job.steps.append({"name": "size", "action": "length", "input": {"from": "get"}})
    job.step("next", after=["size"])
    job.step("end", after=["next"])
    job.failing = {"end"}
    job.run()
    return job


def test_a_long_output_that_nobody_needs_is_kept_and_told_by_its_size(long: Job) -> None:
    """The result has its digest, and the line ends in the size."""
    long.failing = set()
    result = long.run()
    assert long.done == ["end"]
    first = result["results"][0]
    assert (first["output"], first["cut"]["bytes"], first["reused"]) == (None, LONG + 2, True)
    line = invoke("plan", "--config", long.save(), cwd=long.folder)
    assert line.status == 0


def test_the_line_of_a_long_output_ends_in_the_size(job: Job) -> None:
    """As the page shows it."""
    job.steps = [
        {"name": "get", "action": "echo", "input": "x" * LONG},
        {"name": "no", "action": "no"},
    ]
    invoke("--config", job.save(), cwd=job.folder)
    done = invoke("--config", job.save(), "--resume", cwd=job.folder)
    assert done.stdout.splitlines()[0] == "OK get: [cut] 70,002 bytes"


def test_a_long_output_is_fetched_if_a_step_that_runs_needs_it(long: Job) -> None:
    """It gives the same: so it counts as kept, and so does what comes after it. For good."""
    long.step("end", {"from": "get"}, after=["next"])
    assert long.decisions() == {
        "get": ("again", "output_needed", "end"),
        "size": ("again_if", None, "get"),
        "next": ("again_if", None, "get"),
        "end": ("again", "failed", None),
    }
    for _ in range(2):
        result = long.run()
        assert long.done == ["get", "end"]
        assert names(result, "fetched") == ["get"]
        assert names(result) == ["size", "next"]
        assert names(result, "cut") == []
    assert [each["fetched"] for each in long.records() if "fetched" in each] == [True, True]
    done = invoke("plan", "--config", long.save(), "--resume", cwd=long.folder)
    assert (
        "0 kept; again: get (its output is needed by end), end (failed); "
        "again if get gives something else: size, next\n" in done.stderr
    )


@pytest.mark.parametrize("parallel", [False, True])
def test_a_fetched_output_that_is_another_has_all_behind_it_done_again(
    long: Job, *, parallel: bool
) -> None:
    """Also what comes after it only by way of others, or by priority."""
    long.flags = {"audit": True, "parallel": parallel}
    long.step("end", {"from": "get"}, after=["next"])
    long.world["get"], long.failing = "y" * LONG, set()
    result = long.run()
    assert long.done == ["get", "next", "end"]
    assert names(result) == []
    assert result["results"][1]["output"] == LONG


def test_a_fetched_step_that_fails_is_like_any_other_that_fails(long: Job) -> None:
    """What comes after it is done again when it is mended."""
    long.step("end", {"from": "get"}, after=["next"])
    long.failing = {"get"}
    assert long.run()["status"] == "failed"
    assert long.done == ["get"]
    assert long.decisions()["size"] == ("again", "after", "get")


def test_what_is_fetched_but_was_killed_meanwhile_may_have_run(long: Job) -> None:
    """Then nothing that it left behind is believed."""
    long.step("end", {"from": "get"}, after=["next"])
    plan = load_config(long.save(), actions=long.actions)
    resumed = find_resumption(plan, run=True)
    with closing(run_events(plan, resolve_actions(long.actions), resumed=resumed)) as events:
        next(event for event in events if isinstance(event, StepStarted))
    assert long.decisions()["get"] == ("again", "may_have_run", None)
    assert long.decisions()["next"] == ("again", "after", "size")


def test_what_may_have_to_run_has_its_long_inputs_fetched_too(job: Job) -> None:
    """`d` is in doubt because of `f`, so `h` is fetched as well, though it has come before."""
    job.world |= {"f": "x" * LONG, "h": "z" * LONG}
    job.step("h", action="get")
    job.step("f", action="get")
    job.actions["count"] = lambda texts: [len(text) for text in texts]
    job.steps.append({"name": "d", "action": "count", "input": {"from": ["f", "h"]}})
    job.step("r", {"from": "f"})
    job.failing = {"r"}
    job.run()
    assert job.decisions() == {
        "f": ("again", "output_needed", "r"),
        "h": ("again", "output_needed", "d"),
        "d": ("again_if", None, "f"),
        "r": ("again", "failed", None),
    }
    job.failing, job.world["f"] = set(), "y" * (LONG + 1)
    outputs = {each["name"]: each["output"] for each in job.run()["results"]}
    assert outputs["d"] == [LONG + 1, LONG]


# Which run is resumed.


def test_the_newest_run_of_the_same_name_and_parameters_is_resumed(job: Job) -> None:
    """If it did not end ok. Newer ones with other parameters are not looked at, and counted."""
    job.step("a", {"param": "day"})
    job.step("b", optional=True)
    job.failing = {"b"}
    first = job.run(params={"day": 1})
    assert "resumed" not in first
    assert "resumed" not in job.run(params={"day": 2})
    job.failing = set()
    done = invoke("plan", "--config", job.save(), "--param", "day:=1", "--resume", cwd=job.folder)
    wanted = (
        "which failed (1 newer run of this workflow not looked at): 1 kept; again: b (failed)\n"
    )
    assert done.stderr.endswith(wanted)
    assert "resumed" in job.run(params={"day": 1})
    assert "resumed" not in job.run(params={"day": 1})
    job.fields = {"name": "other"}


@pytest.mark.parametrize(
    ("flags", "params", "reason"),
    [
        ({}, [], "the flag audit is off"),
        ({"audit": True}, [], "there is no audit {audit}"),
        ({"audit": True}, ["day=2"], "{audit} has no run of this workflow with these parameters"),
        (
            {"audit": True},
            ["day=1"],
            "the last run of this workflow with these parameters ended ok",
        ),
    ],
)
def test_with_nothing_to_resume_all_steps_run_and_it_is_said(
    flags: dict[str, bool], params: list[str], reason: str, job: Job
) -> None:
    """So it is safe in a cron line."""
    job.steps = [{"name": "a", "action": "echo", "input": {"param": "day", "default": 0}}]
    options = [word for param in params for word in ("--param", param)]
    if params:
        invoke("--config", job.save(), "--param", "day=1", cwd=job.folder)
    job.flags = flags
    done = invoke("--config", job.save(), "--resume", *options, cwd=job.folder)
    assert done.status == 0
    reason = reason.format(audit="./driftflow.audit.json")
    assert done.stderr == f"nothing to resume, so all steps run: {reason}\n"


def test_a_run_that_is_named_is_resumed_whatever_its_end_its_name_and_its_parameters(
    job: Job,
) -> None:
    """By the beginning of its name."""
    job.step("a", 1)
    job.step("b", {"param": "day"})
    job.run(params={"day": 1}, resume=False)
    run_id = job.records()[0]["run_id"]
    job.fields = {"name": "other"}
    result = job.run(resume=run_id[:8], params={"day": 2})
    assert result["resumed"]["run_id"] == run_id
    assert job.done == ["b"]
    job.run(resume=False, params={"day": 3})
    done = invoke(
        *("plan", "--config", job.save(), "--param", "day:=2", "--resume-from", run_id[:8]),
        cwd=job.folder,
    )
    assert "which ended ok (2 newer runs of this workflow not looked at): 1 kept" in done.stderr


def test_a_run_that_is_not_there_or_not_the_only_one_is_refused(job: Job) -> None:
    """No step runs: exit status 2."""
    job.step("a")
    path = job.save()
    done = invoke("--config", path, "--resume-from", "12", cwd=job.folder)
    assert done == (2, "", "error: there is no audit ./driftflow.audit.json\n")
    start = {"v": 1, "ts": "then", "seq": 0, "event": "run_started", "workflow": "test"}
    lines = [json.dumps(start | {"run_id": name}) + "\n" for name in ("121", "122", "12")]
    job.audit.write_text("".join(lines[:2]))
    with pytest.raises(ResumeError, match="has 2 runs whose names begin with `12`: `122`, `121`"):
        job.run(resume="12")
    job.audit.write_text("".join(lines))
    assert job.run(resume="12")["resumed"]["run_id"] == "12"
    wrong: Any
    for wrong in (None, 1, [], b"12"):
        with pytest.raises(TypeError, match="resume must be True, False or the name of a run"):
            job.run(resume=wrong)
    for word in ("", "no"):
        with pytest.raises(ResumeError, match="has no run"):
            job.run(resume=word)
    job.flags = {}
    with pytest.raises(ResumeError, match="the flag audit is off"):
        job.run(resume="12")


def test_a_resumed_run_that_failed_is_read_together_with_what_it_resumed(job: Job) -> None:
    """It has no records of what it kept, but its end says what that was."""
    for name in "abcd":
        job.step(name, name, optional=True)
    job.failing = {"b", "c"}
    job.run()
    job.failing = {"c"}
    job.run()
    assert job.done == ["b", "c"]
    last = job.records()[-1]
    assert last["kept"] == [[0, 0], [3, 3]]
    job.failing = set()
    result = job.run()
    assert job.done == ["c"]
    assert [each["output"] for each in result["results"]] == [*"abcd"]
    assert job.records()[-1]["kept"] == [[0, 1], [3, 3]]


def test_a_resumed_run_writes_only_what_it_does(job: Job) -> None:
    """However many have resumed one another: as many bytes as the first one."""
    for number in range(30):
        job.step(f"s{number:02}", "x" * 1000, optional=True)
    job.failing = {"s00"}
    job.run()
    sizes = [job.audit.stat().st_size]
    for _ in range(5):
        job.run()
        assert job.done == ["s00"]
        sizes.append(job.audit.stat().st_size)
    written = [after - before for before, after in pairwise(sizes)]
    assert max(written) - min(written) < 20  # the digits of a time
    assert max(written) < 2000


# Code.


def test_code_that_has_changed_is_told_and_is_no_reason(job: Job) -> None:
    """With the steps that are kept from before, and only if there are any."""
    code = "import driftflow\n\n@driftflow.action\ndef deed(value): return value\n"
    file = job.folder / "deeds.py"
    file.write_text(code)
    job.steps = [
        {"name": "a", "action": "deed"},
        {"name": "b", "action": "echo"},
        {"name": "c", "action": "no"},
    ]
    words = ("--config", job.save(), "--actions", "./deeds.py", "--resume")
    invoke(*words, cwd=job.folder)
    assert len(invoke(*words, cwd=job.folder).stderr.splitlines()) == 2
    file.write_text(f"{code}\n")
    for command in ((), ("plan",)):
        done = invoke(*command, *words, cwd=job.folder)
        told = f"{file} has changed since; kept from before: a"
        assert done.stderr.splitlines()[1] == told
    job.steps[0]["input"] = "other"
    assert "has changed since" not in invoke("plan", *words[:1], job.save(), *words[2:]).stderr


def test_what_a_resumed_run_keeps_takes_its_turn_in_the_stream(chain: Job) -> None:
    """For who uses the events: it is finished, and was never started."""
    plan = load_config(chain.save(), actions=chain.actions)
    resumed = find_resumption(plan, run=True)
    with closing(run_events(plan, resolve_actions(chain.actions), resumed=resumed)) as events:
        seen = [
            (type(event).__name__, event.step.name)
            for event in events
            if isinstance(event, StepStarted | StepFinished)
        ]
    assert seen == [
        ("StepFinished", "a"),
        ("StepFinished", "b"),
        ("StepStarted", "c"),
        ("StepFinished", "c"),
    ]
