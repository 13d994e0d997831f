"""The record read back: which run is taken up, and what of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows

from driftflow.errors import StorageError
from driftflow.planning.plan import digest
from driftflow.recording.resume import find_resumable
from driftflow.running.events import Resumed

if TYPE_CHECKING:
    from driftflow.planning.plan import Plan

STEPS: list[dict[str, Any]] = [{"name": name, "input": name, "optional": True} for name in "abc"]
NIGHT = "2026-11-26T02:00:00.000000Z"
AUDIT = Path("driftflow.audit.json")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plan_of(*steps: dict[str, Any], **fields: Any) -> Plan:
    """A plan with an audit."""
    return workflows.plan(*(steps or STEPS), flags={"audit": True}, **fields)


def start(plan: Plan, run_id: str, **more: Any) -> dict[str, Any]:
    """A record of the start of a run."""
    return {
        "v": 1,
        "ts": NIGHT,
        "run_id": run_id,
        "event": "run_started",
        "workflow": plan.name,
        "plan": digest(plan),
        **more,
    }


def step(run_id: str, place: int, event: str = "step_finished", **more: Any) -> dict[str, Any]:
    """A record of a step."""
    name = "abc"[place]
    known = {
        "v": 1,
        "run_id": run_id,
        "event": event,
        "index": place,
        "step": name,
        "action": "echo",
    }
    came = {"ok": True, "output": name.upper(), "error": None, "attempts": 2}
    return known | (came if event != "step_started" else {}) | more


def write(*records: dict[str, Any] | bytes) -> None:
    """Write an audit."""
    lines = [
        each if isinstance(each, bytes) else json.dumps(each, separators=(",", ":")).encode()
        for each in records
    ]
    AUDIT.write_bytes(b"".join(line + b"\n" for line in lines))


def known(*records: dict[str, Any] | bytes, plan: Plan | None = None) -> dict[int, Any]:
    """The outputs that are known of run 1, which has these records."""
    plan = plan or plan_of()
    write(start(plan, "1"), *records)
    resumed, _ = find_resumable(plan)
    assert resumed is not None
    return {place: result.output for place, result in resumed.results.items()}


def test_what_a_run_did_well_is_taken_up() -> None:
    """With how many attempts it took then; no time was spent on it now."""
    plan = plan_of()
    started = [step("1", place, "step_started") for place in range(3)]
    failed = step("1", 2, ok=False, output=None, error="no")
    write(start(plan, "1"), *started, step("1", 0), failed)
    reused = workflows.done("a", "A", 2)._replace(reused=True)
    resumed, words = find_resumable(plan)
    assert resumed == Resumed("1", {0: reused}, (1,))
    assert words == (
        f"resuming run 1 from {NIGHT}, which has no recorded end: 1 of 3 steps kept; "
        "1 may have run already and will run again"
    )


def test_what_was_discarded_was_done_too() -> None:
    """It need not be done again; what has ended that run is."""
    failed = step("1", 1, ok=False, output=None, error="no", attempts=1)
    end = {"v": 1, "run_id": "1", "event": "run_finished", "status": "failed"}
    end |= {"stopped_by": "b", "discarded": [2]}
    assert known(step("1", 2), failed, step("1", 0), end) == {0: "A", 2: "C"}


def test_an_attempt_that_failed_is_no_end_of_its_step() -> None:
    """A run that was killed while it waited for the next one may have run the step."""
    plan = plan_of()
    attempt = {"v": 1, "run_id": "1", "event": "attempt_failed", "index": 1, "step": "b"}
    attempt |= {"attempt": 1, "error": "busy", "error_type": "OSError", "wait_seconds": 60}
    write(start(plan, "1"), step("1", 0), step("1", 1, "step_started"), attempt)
    resumed, _ = find_resumable(plan)
    assert resumed is not None
    assert ([*resumed.results], resumed.unfinished) == ([0], (1,))


def test_what_is_not_in_the_digest_is_done_again() -> None:
    """A step without a key may be handed something else today, so it and all behind it is."""
    steps: list[dict[str, Any]] = [
        {"name": "a", "input": {"param": "token"}},
        {"name": "b", "input": {"param": "token"}, "sensitive": True},
        {"name": "c", "after": ["a"]},
    ]
    plan = workflows.plan(*steps, flags={"audit": True}, params={"token": "hush"})
    assert known(*(step("1", place) for place in range(3)), plan=plan) == {}
    free = workflows.plan(steps[0], STEPS[1], steps[2], flags={"audit": True}, params={"token": 1})
    assert known(*(step("1", place) for place in range(3)), plan=free) == {0: "A", 1: "B", 2: "C"}


@pytest.mark.parametrize(
    "more",
    [
        {"ok": False},
        {"ok": 1},
        {"cut": {"bytes": 70_000, "sha256": "0"}},
        {"redacted": True},
        {"attempts": 0},
        {"attempts": True},
        {"step": "z"},
        {"action": "upper"},
        {"index": 3},
        {"index": -1},
        {"index": "0"},
    ],
)
def test_a_record_that_does_not_have_it_all_is_not_reused(more: dict[str, Any]) -> None:
    """Nor one of something else."""
    assert known(step("1", 0, **more), step("2", 2), step("1", 1)) == {1: "B"}


def test_a_sensitive_step_is_never_reused() -> None:
    """Whatever an audit says that was written before it was."""
    plan = plan_of(STEPS[0] | {"sensitive": True}, *STEPS[1:])
    assert known(step("1", 0), step("1", 1), plan=plan) == {1: "B"}


@pytest.mark.parametrize(
    "torn",
    [
        b'{"v":1,"run_id":"1","event":"step_finished","index":0,"step":"a","action":"echo","ok":tr',
        b'"run_id":"1"',
        b'["run_id":"1"]',
        b'{"run_id":"1","event":"step_finished","index":0,"output":NaN}',
        b'{"run_id":"1","x":' + b"[" * 100_000,
        b'{"run_id":"1","x":' + b"9" * 5000 + b"}",
        b'\xff"run_id":"1"\xff',
    ],
)
def test_what_is_no_record_is_passed_over(torn: bytes) -> None:
    """A crash may have left anything."""
    assert known(torn, step("1", 1)) == {1: "B"}


def test_an_output_that_is_no_value_is_not_reused() -> None:
    """JSON has no infinity, but Python reads one."""
    line = json.dumps(step("1", 0)).replace('"A"', "1e999").replace(", ", ",").replace(": ", ":")
    assert known(line.encode(), step("1", 1)) == {1: "B"}


def test_the_newest_run_counts() -> None:
    """By its place in the file; runs may be entangled."""
    plan = plan_of()
    write(start(plan, "1"), step("1", 0), start(plan, "2"), step("2", 1), step("1", 2))
    resumed, _ = find_resumable(plan)
    assert resumed is not None
    assert (resumed.run_id, [*resumed.results]) == ("2", [1])


def test_a_run_that_was_resumed_brings_what_it_took_up() -> None:
    """Also what it was killed too early to record again; and so on."""
    plan = plan_of()
    records = [
        *(start(plan, "1"), step("1", 0), step("1", 2, "step_started")),
        *(start(plan, "2", resumes="1"), step("2", 1), step("2", 2, "step_started")),
        *(start(plan, "0"), step("0", 2)),
        start(plan, "3", resumes="2"),
    ]
    write(*records)
    resumed, _ = find_resumable(plan)
    assert resumed is not None
    assert (resumed.run_id, [*resumed.results], resumed.unfinished) == ("3", [0, 1], (2,))


@pytest.mark.parametrize("resumes", ["1", "nobody", "\ud800", 7, None])
def test_a_chain_of_runs_has_an_end(resumes: object) -> None:
    """Whatever stands there."""
    plan = plan_of()
    write(start(plan, "\ud800"), start(plan, "1", resumes=resumes), step("1", 0))
    resumed, _ = find_resumable(plan)
    assert resumed is not None
    assert [*resumed.results] == [0]


@pytest.mark.parametrize(
    ("status", "words", "unfinished"),
    [
        ("failed", "which failed", (2,)),
        ("interrupted", "which was interrupted", (1, 2)),
        (None, "which has no recorded end", (2,)),
        (["ok"], "which has no recorded end", (2,)),
    ],
)
def test_a_run_that_did_not_end_ok_is_taken_up(
    status: object, words: str, unfinished: tuple[int, ...]
) -> None:
    """What an interrupt ended may have been done; what failed has not."""
    plan = plan_of()
    begun = [step("1", place, "step_started") for place in range(3)]
    failed = step("1", 1, ok=False, output=None, error="no", attempts=1)
    end = [{"v": 1, "run_id": "1", "event": "run_finished", "status": status}] if status else []
    write(start(plan, "1"), *begun, step("1", 0), failed, *end)
    resumed, told = find_resumable(plan)
    assert resumed is not None
    assert [*resumed.results] == [0]
    assert resumed.unfinished == unfinished
    assert words in told


def test_a_step_that_was_not_tried_when_the_interrupt_came_has_not_run() -> None:
    """Its attempts are 0."""
    plan = plan_of()
    untried = step("1", 1, ok=False, output=None, error="interrupted", attempts=0)
    end = {"v": 1, "run_id": "1", "event": "run_finished", "status": "interrupted"}
    write(start(plan, "1"), step("1", 1, "step_started"), untried, end)
    resumed, _ = find_resumable(plan)
    assert resumed is not None
    assert resumed.unfinished == ()


def test_an_audit_that_another_program_has_written_anew_is_read() -> None:
    """Many put a blank behind a colon."""
    plan = plan_of()
    AUDIT.write_text("".join(json.dumps(each) + "\n" for each in (start(plan, "1"), step("1", 0))))
    resumed, _ = find_resumable(plan)
    assert resumed is not None
    assert [*resumed.results] == [0]


def test_there_may_be_nothing_to_take_up() -> None:
    """It says why."""
    plan = plan_of()
    other = plan_of({"name": "z"})
    audit = "./driftflow.audit.json"
    missing = f"nothing to resume: {audit} has no run of this plan"
    assert find_resumable(plan) == (None, missing)
    write(start(plan_of(name="other"), "1"), step("1", 0))
    assert find_resumable(plan) == (None, missing)
    write(start(other, "1"), step("1", 0))
    assert find_resumable(plan) == (
        None,
        f"{missing} (the last run of this workflow had a different plan)",
    )
    end = {"v": 1, "run_id": "2", "event": "run_finished", "status": "ok"}
    write(start(plan, "1"), step("1", 0), start(plan, "2"), end, start(other, "3"))
    assert find_resumable(plan) == (None, "nothing to resume: the last run of this plan ended ok")
    silent = workflows.plan(*STEPS)
    assert find_resumable(silent) == (None, "nothing to resume: the flag audit is off")


def test_an_audit_that_cannot_be_read_is_a_storage_error() -> None:
    """Not a reason to do all again."""
    AUDIT.mkdir()
    with pytest.raises(StorageError, match="the audit cannot be read: it is not a regular file"):
        find_resumable(plan_of())


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (None, "no version"),
        (2, "version 2"),
        ("1", 'version "1"'),
        (True, "version true"),
        (1.0, "version 1.0"),
        ("x" * 100, f'version "{"x" * 79}…'),
    ],
)
@pytest.mark.parametrize("place", range(3))
def test_only_records_of_a_known_version_are_believed(
    place: int, version: object, words: str
) -> None:
    """A later version may mean something else by the same words; without one it is no record."""
    plan = plan_of()
    records = [start(plan, "1"), step("1", 0), step("1", 1)]
    records[place]["v"] = version
    if version is None:
        del records[place]["v"]
    write(*records)
    with pytest.raises(StorageError) as caught:
        find_resumable(plan)
    reason = f"the audit cannot be read: a record has {words}, but only version 1 is supported"
    assert caught.value.reason == reason


def test_other_runs_may_have_records_of_any_version() -> None:
    """Unless theirs is the newest run of the workflow: then nobody knows what has been done."""
    plan = plan_of()
    older, newer = start(plan, "0", v=2), start(plan_of({"name": "z"}), "2", v=2)
    other = start(plan_of(name="other"), "3", v=2)
    write(older, step("0", 0, v=2), start(plan, "1"), step("1", 0), other)
    resumed, _ = find_resumable(plan)
    assert resumed is not None
    write(start(plan, "1"), step("1", 0), newer)
    with pytest.raises(StorageError, match="version 2"):
        find_resumable(plan)
