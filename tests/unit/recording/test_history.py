"""The record read back: which runs belong together, and what is the newest of each step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows

from driftflow.errors import ResumeError, StorageError
from driftflow.planning.plan import digest
from driftflow.recording.history import find_last_run, find_run
from driftflow.recording.records import read_records
from driftflow.resuming.past import Code, Cut, Past, StepPast

if TYPE_CHECKING:
    from driftflow.planning.plan import Plan

STEPS: list[dict[str, Any]] = [{"name": name, "input": name} for name in "abc"]
NIGHT = "2026-11-26T02:00:00.000000Z"
AUDIT = Path("driftflow.audit.json")
KEY = "0" * 64


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plan_of(*steps: dict[str, Any], **fields: Any) -> Plan:
    """A plan with an audit."""
    return workflows.plan(*(steps or STEPS), flags={"audit": True}, **fields)


def start(run_id: str, **more: Any) -> dict[str, Any]:
    """A record of the start of a run."""
    plan = plan_of()
    fields = {"workflow": plan.name, "plan": digest(plan), "params": {}, "version": "1.2"}
    return {"v": 1, "ts": NIGHT, "run_id": run_id, "event": "run_started", **fields, **more}


def begin(run_id: str, name: str, **more: Any) -> dict[str, Any]:
    """A record of the start of a step."""
    known = {"v": 1, "run_id": run_id, "event": "step_started", "index": 0, "step": name}
    return known | {"action": "echo"} | more


def end(run_id: str, name: str, **more: Any) -> dict[str, Any]:
    """A record of the end of a step."""
    came = {"ok": True, "output": name.upper(), "error": None, "attempts": 2, "key": KEY}
    return begin(run_id, name) | {"event": "step_finished"} | came | more


def skip(run_id: str, name: str, **more: Any) -> dict[str, Any]:
    """A record of a step that was skipped."""
    return begin(run_id, name) | {"event": "step_skipped", "reason": "a is 2, not 1"} | more


def over(run_id: str, status: object = "failed") -> dict[str, Any]:
    """A record of the end of a run."""
    return {"v": 1, "run_id": run_id, "event": "run_finished", "status": status}


def write(*records: dict[str, Any] | bytes) -> None:
    """Write an audit; the records of a run are numbered."""
    seqs: dict[Any, int] = {}
    lines = []
    for each in records:
        if isinstance(each, bytes):
            lines.append(each + b"\n")
            continue
        run = str(each.get("run_id"))
        seqs[run] = seqs.get(run, -1) + 1
        numbered = {"seq": seqs[run]} | each
        line = json.dumps(numbered, separators=(",", ":")).replace("Infinity", "1e999")
        lines.append(line.encode() + b"\n")
    AUDIT.write_bytes(b"".join(lines))
    AUDIT.chmod(0o600)


def steps_of(past: Past) -> dict[str, tuple[str, Any]]:
    """By name, what came of each step, and its output."""
    return {name: (record.state, record.output) for (name, _), record in past.steps.items()}


def test_what_is_known_of_a_run() -> None:
    """Its name, its time, its end and its code; of each step where it began and ended."""
    write(
        start("1", files={"/x.py": "f"}, packages={"p": "2"}),
        begin("1", "a"),
        end("1", "a"),
        begin("1", "b"),
        over("1"),
    )
    a = StepPast(0, 1, 2, "ok", "echo", KEY, "A", 2, None)
    b = StepPast(0, 3, 3, "begun", "", None, None, 0, None)
    code = Code("1.2", {"/x.py": "f"}, {"p": "2"})
    wanted = Past("1", NIGHT, "failed", {("a", 0): a, ("b", 0): b}, [code])
    assert find_last_run(plan_of()) == wanted


def test_a_step_without_a_start_may_have_begun_with_its_run() -> None:
    """Not earlier; so it came after nothing of that run."""
    write(start("1"), end("1", "a"), start("2", resumes="1"), begin("2", "b"), end("2", "a"))
    record = find_last_run(plan_of()).steps["a", 0]
    assert (record.began, record.ended) == (2, 4)


def test_the_end_of_a_step_in_one_run_is_not_that_in_another() -> None:
    """Two runs that belong together may be entangled, if both were under way."""
    records = [start("1"), start("2", resumes="1"), begin("2", "a"), end("1", "a")]
    write(*records, over("2"))
    assert steps_of(find_last_run(plan_of())) == {"a": ("begun", None)}
    write(*records, end("2", "a", output="new"), begin("1", "b"), end("2", "b"), over("2"))
    past = find_last_run(plan_of())
    assert (past.steps["a", 0].began, past.steps["a", 0].output) == (2, "new")
    assert past.steps["b", 0].state == "begun"


def test_a_run_has_the_status_with_which_it_ended_itself() -> None:
    """Though one that it resumed has ended later."""
    write(start("1"), start("2", resumes="1"), over("2", "interrupted"), over("1", "failed"))
    assert find_last_run(plan_of()).status == "interrupted"
    write(start("1"), start("2", resumes="1"), over("2", "ok"), over("1", "failed"))
    with pytest.raises(ResumeError, match="ended ok"):
        find_last_run(plan_of())


def test_the_newest_of_a_step_counts() -> None:
    """Of all runs that belong together: a failure too, and a start without an end."""
    write(
        *(start("1"), begin("1", "a"), end("1", "a"), begin("1", "b"), end("1", "b")),
        *(begin("1", "c"), end("1", "c"), over("1")),
        *(start("2", resumes="1"), begin("2", "a"), end("2", "a", output="new")),
        *(begin("2", "b"), end("2", "b", ok=False, output=None, error="no"), begin("2", "c")),
    )
    past = find_last_run(plan_of())
    assert (past.run_id, past.status) == ("2", None)
    assert steps_of(past) == {"a": ("ok", "new"), "b": ("failed", None), "c": ("begun", None)}
    assert [past.steps[name, 0].run for name in "abc"] == [1, 1, 1]
    assert len(past.codes) == 2


def test_runs_are_followed_to_the_first_one() -> None:
    """Others between them are passed over, with whatever they have."""
    write(
        *(start("1"), begin("1", "a"), end("1", "a"), over("1")),
        *(start("9", workflow="x"), begin("9", "a"), end("9", "a", output="other")),
        *(start("2", resumes="1"), begin("2", "b"), end("2", "b"), over("2", "interrupted")),
        *(start("0", resumes="1", params={"x": 1}), begin("0", "c"), end("0", "c")),
        start("3", resumes="2"),
        end("9", "b", v=7),
    )
    past = find_last_run(plan_of())
    assert (past.run_id, past.status, past.passed_over) == ("3", None, 0)
    assert steps_of(past) == {"a": ("ok", "A"), "b": ("ok", "B")}


def test_a_run_that_is_over_is_looked_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has its name in it by chance is not even read."""
    monkeypatch.setattr("driftflow.recording.reader._BLOCK", 400)
    read: list[bytes] = []

    def note(lines: list[bytes]) -> list[dict[str, Any]]:
        read.extend(lines)
        return read_records(lines)

    monkeypatch.setattr("driftflow.recording.history.read_records", note)
    others = [start("other", workflow="run-a")] * 20
    write(
        start("run-a"), end("run-a", "a"), over("run-a"), start("run-b", resumes="run-a"), *others
    )
    assert steps_of(find_last_run(plan_of())) == {"a": ("ok", "A")}
    assert sum(b'"workflow":"run-a"' in line for line in read) < 4


@pytest.mark.parametrize("resumes", ["1", "nobody", "\ud800", 7, None, ["1"]])
def test_a_chain_of_runs_has_an_end(resumes: object) -> None:
    """Whatever stands there."""
    write(start("\ud800"), start("1", resumes=resumes), end("1", "a"))
    assert steps_of(find_last_run(plan_of())) == {"a": ("ok", "A")}


def test_steps_of_one_name_are_known_by_their_numbers() -> None:
    """Which the record has, if it is not the first one."""
    write(start("1"), end("1", "a", namesake=1), end("1", "a", namesake="x"), end("1", "a"))
    assert [*find_last_run(plan_of()).steps] == [("a", 1), ("a", 0)]


def test_a_step_that_was_done_only_for_its_output_counts_as_done_before() -> None:
    """If it gave the same; that its record says so is not enough."""
    cut, other = (Cut(70_000, letter * 64) for letter in "ab")
    for second, is_same in ((cut, True), (other, False)):
        write(
            *(start("1"), begin("1", "a"), end("1", "a", cut=cut._asdict())),
            *(
                start("2", resumes="1"),
                begin("2", "a"),
                end("2", "a", cut=second._asdict(), fetched=True),
            ),
        )
        record = find_last_run(plan_of()).steps["a", 0]
        began, ended = (1, 2) if is_same else (4, 5)
        assert (record.run, record.began, record.ended) == (1, began, ended)
        assert record.cut == second


def test_a_step_that_was_skipped_is_known() -> None:
    """At the place of its record; of namesakes, the one that it says."""
    write(start("1"), begin("1", "a"), end("1", "a"), skip("1", "b"), skip("1", "b", namesake=2))
    skipped = StepPast(0, 3, 3, "skipped", "echo", None, None, 0, None)
    steps = find_last_run(plan_of()).steps
    assert steps["b", 0] == skipped
    assert steps["b", 2] == skipped._replace(began=4, ended=4)
    assert [*steps] == [("a", 0), ("b", 0), ("b", 2)]


def test_of_a_step_that_was_skipped_once_the_newest_counts() -> None:
    """Before it was done, or after; and after it was begun in a run that has no end."""
    one, two = start("1"), start("2", resumes="1")
    write(one, skip("1", "a"), two, begin("2", "a"), end("2", "a"))
    assert steps_of(find_last_run(plan_of())) == {"a": ("ok", "A")}
    write(one, begin("1", "a"), end("1", "a"), two, skip("2", "a"))
    assert steps_of(find_last_run(plan_of())) == {"a": ("skipped", None)}
    write(one, skip("1", "a"), two, begin("2", "a"))
    assert steps_of(find_last_run(plan_of())) == {"a": ("begun", None)}
    write(one, begin("1", "a"), two, skip("2", "a"), over("2"))
    assert steps_of(find_last_run(plan_of())) == {"a": ("skipped", None)}


@pytest.mark.parametrize("damage", [{"step": 5}, {"step": None}, {"namesake": "1"}])
def test_a_damaged_record_of_a_skip_is_of_no_use(damage: dict[str, Any]) -> None:
    """Nobody knows which step it is about."""
    write(start("1"), end("1", "a"), skip("1", "a", **damage))
    assert steps_of(find_last_run(plan_of())) == {"a": ("ok", "A")}


def test_where_a_record_is_missing_is_known() -> None:
    """The newest run that lacks one; a record that was torn is missing, too."""
    one, two, three = start("1"), start("2", resumes="1"), start("3", resumes="2")
    write(one, two, begin("2", "a", seq=5), three, begin("3", "b"))
    assert find_last_run(plan_of()).complete_since == 1
    write(one, two, three, b'{"run_id":"3","se', begin("3", "b", seq=2))
    assert find_last_run(plan_of()).complete_since == 2
    write(one, two, three, b'{"run_id":"3","se')
    assert find_last_run(plan_of()).complete_since == 0


@pytest.mark.parametrize(
    "torn",
    [
        b'{"v":1,"run_id":"1","event":"step_finished","step":"b","action":"echo","ok":tr',
        b'"run_id":"1"',
        b'["run_id":"1"]',
        b'{"run_id":["1"],"event":"step_finished","step":"b"}',
        b'{"run_id":"1","event":"step_finished","step":"b","output":NaN}',
        b'{"run_id":"1","x":' + b"[" * 100_000,
        b'{"run_id":"1","x":' + b"9" * 5000 + b"}",
        b'\xff"run_id":"1"\xff',
        b'"run_started"',
        b'{"run_id":7,"event":"run_started"}',
    ],
)
def test_what_is_no_record_is_passed_over(torn: bytes) -> None:
    """A crash may have left anything."""
    write(start("1"), torn, end("1", "a"), torn)
    assert steps_of(find_last_run(plan_of())) == {"a": ("ok", "A")}


@pytest.mark.parametrize("step", [None, 7, ["a"]])
def test_a_record_of_no_step_is_of_no_use(step: object) -> None:
    """It says nothing of any."""
    write(start("1"), begin("1", "a", step=step), end("1", "a", step=step))
    assert find_last_run(plan_of()).steps == {}


def test_an_audit_that_another_program_has_written_anew_is_read() -> None:
    """Many put a blank behind a colon."""
    records = [start("1") | {"seq": 0}, end("1", "ä") | {"seq": 1}]
    lines = [json.dumps(each, ensure_ascii=False) for each in records]
    AUDIT.write_text("\r\n".join(lines), encoding="utf-8")
    assert steps_of(find_last_run(plan_of())) == {"ä": ("ok", "Ä")}


@pytest.mark.parametrize("status", ["failed", "interrupted", None, ["ok"], "odd"])
def test_a_run_that_did_not_end_ok_is_found(status: object) -> None:
    """With its status, if it is one."""
    write(start("1"), over("1", status))
    assert find_last_run(plan_of()).status == (status if isinstance(status, str) else None)


def test_there_may_be_nothing_to_resume() -> None:
    """It says why."""
    plan, audit = plan_of(), "./driftflow.audit.json"
    nothing = f"there is no audit {audit}"
    missing = f"{audit} has no run of this workflow"
    parameters = f"{missing} with these parameters"
    ended = "the last run of this workflow with these parameters ended ok"

    def reason(plan: Plan) -> str:
        with pytest.raises(ResumeError) as caught:
            find_last_run(plan)
        return str(caught.value)

    assert reason(plan) == nothing
    with pytest.raises(ResumeError, match=nothing):
        find_run(plan, "1")
    write(start("1", workflow="other"), end("1", "a"))
    assert reason(plan) == missing
    write(start("1", params={"day": 1}), start("2", workflow="other"))
    assert reason(plan) == parameters
    write(start("1"), start("2"), over("2", "ok"), start("3", params={"day": 1}))
    assert reason(plan) == ended
    assert reason(workflows.plan(*STEPS)) == "the flag audit is off"


@pytest.mark.parametrize("name", ["a b.c-d_1", "ä", 'say "x"', "\\", "a/b", "x\ny"])
def test_a_workflow_of_any_name_is_found(name: str) -> None:
    """However another program would write its JSON."""
    for ensure_ascii in (False, True):
        text = json.dumps(start("1", workflow=name), ensure_ascii=ensure_ascii)
        AUDIT.write_text(text.replace("/", "\\/"), encoding="utf-8")
        assert find_last_run(plan_of(name=name)).run_id == "1"
    write(start("1", workflow=name), start("2", workflow=f"{name}!"))
    assert find_last_run(plan_of(name=name)).run_id == "1"


def test_newer_runs_that_are_not_looked_at_are_counted() -> None:
    """Those of the workflow."""
    write(start("1"), start("2", params={"x": 1}), start("3", workflow="z"), start("4", params=7))
    assert find_last_run(plan_of()).passed_over == 2
    assert find_run(plan_of(), "2").passed_over == 1


def test_a_run_is_found_by_the_beginning_of_its_name() -> None:
    """Whatever its name, its parameters and its end; with those that it resumed, and no newer."""
    write(
        *(start("run-1"), end("run-1", "a")),
        *(start("run-2", resumes="run-1", params={"x": 1}), end("run-2", "b"), over("run-2", "ok")),
        *(start("run-10", resumes="run-2"), end("run-10", "c")),
    )
    past = find_run(plan_of(name="other"), "run-2")
    assert (past.run_id, past.status) == ("run-2", "ok")
    assert [*steps_of(past)] == ["a", "b"]
    assert find_run(plan_of(), "run-1").run_id == "run-1"
    assert find_run(plan_of(), "run-10").run_id == "run-10"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x", "has no run `x`"),
        ("", "has no run ``"),
        ("1", "has 4 runs whose names begin with `1`: `15`, `14`, `13` and 1 more"),
        ("12", "has 2 runs whose names begin with `12`: `122`, `121`"),
    ],
)
def test_a_name_that_means_no_run_or_several_is_refused(name: str, reason: str) -> None:
    """With some of them."""
    numbers = ("121", "122") if name == "12" else ("12", "13", "14", "15")
    write(*map(start, numbers))
    with pytest.raises(ResumeError) as caught:
        find_run(plan_of(), name)
    assert str(caught.value) == f"./driftflow.audit.json {reason}"


def test_without_an_audit_no_run_is_found_by_name() -> None:
    """Not by the file's default name either."""
    write(start("1"))
    with pytest.raises(ResumeError, match="the flag audit is off"):
        find_run(workflows.plan(*STEPS), "1")


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (None, "no version"),
        (2, "version 2"),
        ("1", 'version "1"'),
        (True, "version true"),
        (1.0, "version 1.0"),
        (float("inf"), "version Infinity"),
        ("x" * 100, f'version "{"x" * 79}…'),
    ],
)
@pytest.mark.parametrize("place", range(3))
def test_only_records_of_a_known_version_are_believed(
    place: int, version: object, words: str
) -> None:
    """A later version may mean something else by the same words; without one it is no record."""
    records = [start("1"), end("1", "a"), end("1", "b")]
    records[place]["v"] = version
    if version is None:
        del records[place]["v"]
    write(*records)
    reason = f"the audit cannot be read: a record has {words}, but only version 1 is supported"
    for find in (find_last_run, lambda plan: find_run(plan, "1")):
        with pytest.raises(StorageError) as caught:
            find(plan_of())
        assert caught.value.reason == reason


def test_other_runs_may_have_records_of_any_version() -> None:
    """Unless theirs is the newest run of the workflow: then nobody knows what has been done."""
    older, newer = start("0", v=2), start("2", v=2, params={"day": 1})
    other = start("3", v=2, workflow="other")
    write(older, end("0", "a", v=2), start("1"), end("1", "a"), other)
    assert steps_of(find_last_run(plan_of())) == {"a": ("ok", "A")}
    passed_over = start("2", v=2, params={"day": 1})
    write(start("1"), end("1", "a"), passed_over, start("3", params={"day": 1}))
    assert steps_of(find_last_run(plan_of())) == {"a": ("ok", "A")}
    write(start("1"), end("1", "a"), newer)
    with pytest.raises(StorageError, match="version 2"):
        find_last_run(plan_of())
    write(older, start("1", resumes="0"))
    with pytest.raises(StorageError, match="version 2"):
        find_last_run(plan_of())


def test_an_audit_that_cannot_be_read_is_a_storage_error() -> None:
    """Not a reason to do all again; nor is one that others can write, where that matters."""
    AUDIT.mkdir()
    with pytest.raises(StorageError, match="the audit cannot be read: it is not a regular file"):
        find_last_run(plan_of())
    AUDIT.rmdir()
    write(start("1"))
    AUDIT.chmod(0o666)
    for find in (find_last_run, lambda plan: find_run(plan, "1")):
        with pytest.raises(StorageError, match="other users can write to it"):
            find(plan_of())
    assert find_last_run(plan_of(), by_anybody=True).run_id == "1"
