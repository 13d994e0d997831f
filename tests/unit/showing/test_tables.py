"""The plan, shown: all that a run would do, cut for people, whole for programs."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from jsonschema import Draft7Validator
from support import workflows
from unit.planning.test_uses import file, plan_of, use
from unit.resuming.test_decision import CUT, all_done
from wcwidth import wcswidth

from driftflow.actions.action import ACTIONS
from driftflow.planning.graph import Graph
from driftflow.planning.plan import Plan, build_plan, digest
from driftflow.planning.settings import Backoff, Flags, resolve_flags
from driftflow.resuming.decision import Cause
from driftflow.schemas.published import load_schema
from driftflow.showing.tables import build_plan_document, format_plan


def _build(config: dict[str, Any], flags: Flags, timeout: float | None = None) -> Plan:
    return build_plan(config, Graph(config), flags, timeout)


def test_a_document_has_all_that_a_run_would_do() -> None:
    """In run order, with the defaults filled in."""
    plan = workflows.plan(
        {"name": "b", "input": {"z": [1], "a": None}},
        {"name": "a", "action": "shout", "optional": True, "priority": 0},
        {"name": "c", "priority": 2},
        max_attempts=3,
        flags={"audit": True, "metrics": False},
    )
    assert build_plan_document(plan, ACTIONS) == {
        "name": "test",
        "digest": digest(plan),
        "max_attempts": 3,
        "backoff": None,
        "steps": [
            {"index": 0, "wave": 0, "after": [], "name": "c", "action": "echo", "input": ""}
            | {"origin": "built-in", "priority": 2}
            | {"optional": False, "sensitive": False, "attempts": 3}
            | {"backoff": None, "timeout_seconds": None, "retry_on": None}
            | {"when": None, "returns": None, "skipped": None},
            {"index": 1, "wave": 1, "after": [], "name": "a", "action": "shout", "input": ""}
            | {"origin": None, "priority": 0, "optional": True, "sensitive": False, "attempts": 1}
            | {"backoff": None, "timeout_seconds": None, "retry_on": None}
            | {"when": None, "returns": None, "skipped": None},
            {"index": 2, "wave": 1, "after": [], "name": "b", "action": "echo"}
            | {"input": {"z": [1], "a": None}, "origin": "built-in", "priority": 0}
            | {"optional": False, "sensitive": False, "attempts": 3}
            | {"backoff": None, "timeout_seconds": None, "retry_on": None}
            | {"when": None, "returns": None, "skipped": None},
        ],
        "flags": {
            "audit": {"enabled": True, "source": "config"},
            "metrics": {"enabled": False, "source": "config"},
            "parallel": {"enabled": False, "source": "default"},
        },
        "storage": {"path": "./driftflow.audit.json"},
        "timeout": {"seconds": 10, "source": "default"},
    }


@given(workflows.configs)
def test_a_document_satisfies_its_schema(config: dict[str, Any]) -> None:
    """Whatever the plan."""
    plan = _build(config, resolve_flags(config.get("flags", {}), "metrics"), 0.5)
    Draft7Validator(load_schema("plan")).validate(build_plan_document(plan, ACTIONS))


CHAIN: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "b", "input": {"from": "a"}},
    {"name": "c", "after": ["b"]},
    {"name": "d", "input": {"from": "a"}},
    {"name": "e"},
]


def test_a_document_says_what_is_resumed_and_what_is_decided_about_each_step() -> None:
    """Only if a run is resumed."""
    plan = workflows.plan(*CHAIN)
    decided = all_done(plan, a={"cut": CUT}, d={"state": "failed"})
    document = build_plan_document(plan, ACTIONS, decided)
    Draft7Validator(load_schema("plan")).validate(document)
    assert document["resumed"] == {"run_id": "1", "started": "then", "status": "failed"}
    assert [(*step["resume"].values(),) for step in document["steps"]] == [
        ("again", "output_needed", "d"),
        ("again_if", None, "a"),
        ("again_if", None, "a"),
        ("again", "failed", None),
        ("kept", None, None),
    ]
    document = build_plan_document(plan, ACTIONS)
    assert "resumed" not in document
    assert "resume" not in document["steps"][0]


def test_the_schema_knows_each_cause() -> None:
    """And no other."""
    fields = load_schema("plan")["properties"]["steps"]["items"]["properties"]
    causes = fields["resume"]["properties"]["cause"]["enum"]
    assert causes == [*get_args(Cause), None]


def test_a_table_says_what_is_resumed() -> None:
    """A line for the run, and a column for the steps."""
    plan = workflows.plan(*CHAIN)
    decided = all_done(plan, a={"cut": CUT}, d={"state": "failed"})
    text = format_plan(plan, ACTIONS, decided)
    assert "\nresumes        run 1 from then, which failed\n" in text
    heading, *rows = text.splitlines()[-6:]
    place = heading.index("resume")
    assert [re.split("  +", row[place:])[0] for row in rows] == [
        "again: its output is needed by d",
        "again if a gives something else",
        "again if a gives something else",
        "again: failed",
        "kept",
    ]
    assert "resume" not in format_plan(plan, ACTIONS)


def test_the_schema_of_the_document_refuses_another() -> None:
    """It says more than that there is an object."""
    good = build_plan_document(workflows.plan({}), ACTIONS)
    changes: list[dict[str, Any]] = [
        {"digest": "sha256:0"},
        {"max_attempts": 0},
        {"extra": 1},
        {"flags": {}},
        {"timeout": {"seconds": 0, "source": "config"}},
        {"timeout": {"seconds": 1, "source": "other"}},
        {"steps": [{"name": "a"}]},
    ]
    for change in changes:
        assert not Draft7Validator(load_schema("plan")).is_valid(good | change)


def test_a_table_is_for_people() -> None:
    """Numbers flush right, text flush left, inputs as JSON."""
    plan = workflows.plan(
        {"name": "日本", "input": "x\n", "priority": -10},
        {"name": "b", "action": "shout", "optional": True},
        max_attempts=12,
        flags={"audit": True},
        storage={"path": "a\nb.jsonl"},
        timeout_seconds=0.5,
    )
    assert format_plan(plan, ACTIONS) == (
        "workflow       test\n"
        f"digest         {digest(plan)}\n"
        "flag audit     on, set in the config\n"
        "flag metrics   off, by default\n"
        "flag parallel  off, by default\n"
        "audit file     a\\nb.jsonl\n"
        "timeout        0.5 s, set in the config; enforced only with --enforce-timeout\n"
        "\n"
        "index  name  priority  action           attempts  optional  input\n"
        '    0  b            0  shout (unknown)         1  yes       ""\n'
        '    1  日本       -10  echo                   12  no        "x\\n"\n'
    )


def test_a_plan_does_not_show_what_a_sensitive_step_is_handed() -> None:
    """Nor how long that is, nor what it is."""
    plan = workflows.plan({"name": "s", "input": {"hush": ["hush"]}, "sensitive": True})
    assert build_plan_document(plan, ACTIONS)["steps"][0]["input"] == "[redacted]"
    assert format_plan(plan, ACTIONS).splitlines()[-1].endswith("  [redacted]")


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_waves_are_shown_where_steps_may_be_tried_together(flags: dict[str, bool]) -> None:
    """With the flag parallel on; a document has them always."""
    steps = ({"name": "a"}, {"name": "b", "priority": 1}, {"name": "c"})
    plan = workflows.plan(*steps, flags=flags)
    assert [step["wave"] for step in build_plan_document(plan, ACTIONS)["steps"]] == [0, 1, 1]
    heading = format_plan(plan, ACTIONS).split("\n\n")[1].split()[:3]
    assert heading == (["index", "wave", "name"] if flags else ["index", "name", "priority"])


def test_what_a_step_comes_after_is_shown_if_any_step_does() -> None:
    """By names, in run order; also what is known from the input."""
    plan = workflows.plan(
        {"name": "a", "after": ["z"], "input": {"from": ["b"]}}, {"name": "b"}, {"name": "z"}
    )
    steps = build_plan_document(plan, ACTIONS)["steps"]
    assert [step["after"] for step in steps] == [[], [], ["b", "z"]]
    assert format_plan(plan, ACTIONS).split("\n\n")[1] == (
        "index  name  after  priority  action  attempts  optional  input\n"
        '    0  b                   0  echo           1  no        ""\n'
        '    1  z                   0  echo           1  no        ""\n'
        '    2  a     b, z          0  echo           1  no        {"from":["b"]}\n'
    )


@pytest.mark.parametrize(
    ("backoff", "shown"),
    [
        (
            {},
            (
                "1 s after the first attempt, then 2 times as long each time, up to 30 s; "
                "each wait is a random part of that"
            ),
        ),
        (
            {"delay_seconds": 0.5, "factor": 1.5, "max_delay_seconds": 9, "jitter": False},
            "0.5 s after the first attempt, then 1.5 times as long each time, up to 9 s",
        ),
    ],
)
def test_a_backoff_is_shown(backoff: dict[str, Any], shown: str) -> None:
    """Its defaults filled in."""
    plan = workflows.plan({}, backoff=backoff)
    assert f"\nbackoff        {shown}\n" in format_plan(plan, ACTIONS)
    document = build_plan_document(plan, ACTIONS)
    assert document["backoff"] == Backoff(**backoff)._asdict()
    Draft7Validator(load_schema("plan")).validate(document)


def test_how_a_step_is_tried_is_shown_if_any_step_says_so() -> None:
    """Each in a column of its own, that is empty for the others; a document has it for all."""
    plan = workflows.plan(
        {"name": "a", "max_attempts": 4, "timeout_seconds": 2.5, "retry_on": ["OSError", "Down"]},
        {"name": "b", "backoff": {"delay_seconds": 0.5, "jitter": False}},
        {"name": "c", "optional": True},
        max_attempts=2,
        backoff={"factor": 1},
    )
    general = Backoff(factor=1)._asdict()
    document = build_plan_document(plan, ACTIONS)
    Draft7Validator(load_schema("plan")).validate(document)
    shown = [
        (step["attempts"], step["backoff"], step["timeout_seconds"], step["retry_on"])
        for step in document["steps"]
    ]
    assert shown == [
        (4, general, 2.5, ["OSError", "Down"]),
        (2, Backoff(0.5, jitter=False)._asdict(), None, None),
        (1, general, None, None),
    ]
    assert format_plan(plan, ACTIONS).split("\n\n")[1] == (
        "index  name  priority  action  attempts  backoff                 timeout"
        "  retry on       optional  input\n"
        "    0  a            0  echo           4                          2.5 s  "
        '  OSError, Down  no        ""\n'
        "    1  b            0  echo           2  0.5 s, x 2, up to 30 s         "
        '                 no        ""\n'
        "    2  c            0  echo           1                                 "
        '                 yes       ""\n'
    )


def test_conditions_and_contracts_are_shown_if_any_step_has_one() -> None:
    """With what is foreseen of the run; a document has them for all."""
    plan = workflows.plan(
        {"name": "a", "when": {"value": {"param": "mode"}, "is": {"const": "full"}}},
        {"name": "b", "input": {"from": "a"}, "returns": {"type": "string"}},
        {"name": "c", "when": {"value": {"from": "b"}, "is": False}, "returns": False},
        {"name": "d", "when": {"value": [{"param": "mode"}], "is": True}},
        {"name": "e", "when": {"value": {"param": "key"}, "is": {}}, "sensitive": True},
        {"name": "f"},
        params={"mode": "quick", "key": "hunter2"},
    )
    document = build_plan_document(plan, ACTIONS)
    Draft7Validator(load_schema("plan")).validate(document)
    because = "input from 'a', which was skipped"
    assert [(step["when"], step["returns"], step["skipped"]) for step in document["steps"]] == [
        ({"value": "quick", "is": {"const": "full"}}, None, 'mode is "quick", not "full"'),
        (None, {"type": "string"}, because),
        ({"value": {"from": "b"}, "is": False}, False, "condition from 'b', which was skipped"),
        ({"value": ["quick"], "is": True}, None, None),
        ({"value": "[redacted]", "is": {}}, None, None),
        (None, None, None),
    ]
    heading, *rows = format_plan(plan, ACTIONS).split("\n\n")[1].splitlines()
    names = ("when", "skipped", "input", "returns")
    places = [heading.index(name) for name in names]
    ends = [*places[1:], None]
    cells = [
        [row[start:end].strip() for start, end in zip(places, ends, strict=True)] for row in rows
    ]
    assert [(when, why, returns) for when, why, _, returns in cells] == [
        ('"quick" is {"const":"full"}', 'mode is "quick", not "full"', ""),
        ("", because, '{"type":"string"}'),
        ('{"from":"b"} is false', "condition from 'b', which was skipped", "false"),
        ('["quick"] is true', "", ""),
        ('"[redacted]" is {}', "", ""),
        ("", "", ""),
    ]
    plain = format_plan(workflows.plan({}), ACTIONS).split("\n\n")[1].splitlines()[0]
    assert not any(name in plain for name in ("when", "skipped", "returns"))


@pytest.mark.parametrize(
    ("given", "shown"),
    [("x", '"x"'), (1.5, "1.5"), (None, "null"), ([1], '{"literal":[1]}')],
)
def test_a_parameter_is_shown_as_its_value(given: Any, shown: str) -> None:
    """What would be taken for a reference stands in a literal, as a config has to have it."""
    plan = workflows.plan({"name": "a", "input": {"param": "p"}}, params={"p": given})
    (step,) = build_plan_document(plan, ACTIONS)["steps"]
    assert step["input"] == json.loads(shown)
    assert format_plan(plan, ACTIONS).splitlines()[-1].endswith(f"  {shown}")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"concat": ["a", {"param": "x"}]}, {"concat": ["a", "v"]}),
        ({"concat": [{"from": "p"}]}, {"concat": [{"from": "p"}]}),
        (
            {"from": {"step": "p", "at": "/y", "default": [{"param": "x"}, {"from": "p"}]}},
            {"from": {"step": "p", "at": "/y", "default": ["v", {"from": "p"}]}},
        ),
        ([{"from": ["p"]}], [{"from": ["p"]}]),
    ],
)
def test_a_reference_in_another_one_is_shown_as_it_was_written(value: Any, shown: Any) -> None:
    """Without what the file gives that is used; a parameter is its value there, too."""
    inner = file({"name": "a"}, output={"y": {"from": "a"}})
    plan = plan_of(file(use("p"), {"name": "z", "input": value}, uses={0: inner}), x="v")
    assert build_plan_document(plan, ACTIONS)["steps"][-1]["input"] == shown


def test_a_table_says_what_the_environment_settled() -> None:
    """By the name of the variable."""
    config = workflows.config(flags={"audit": True})
    shown = format_plan(_build(config, resolve_flags(config["flags"], "audit"), 5.0), ACTIONS)
    assert "flag audit     off, set by DRIFTFLOW_FLAGS\n" in shown
    assert "timeout        5.0 s, set by WORKFLOW_TIMEOUT_SECONDS; enforced only with" in shown
    unwritten = "audit file     ./driftflow.audit.json (not written: the flag audit is off)\n"
    assert unwritten in shown


def test_a_plan_without_steps_is_a_table_without_rows() -> None:
    """Its heading stays."""
    *_, heading, end = format_plan(workflows.plan(), ACTIONS).split("\n")
    assert heading == "index  name  priority  action  attempts  optional  input"
    assert end == ""


def test_a_long_value_is_cut_in_the_table() -> None:
    """At 80 characters; a document has all of it."""
    long = "x" * 1000
    plan = workflows.plan({"name": long, "action": long, "input": [long]}, name=long)
    wide = workflows.plan(timeout_seconds=10**1000)
    assert f"timeout        1{'0' * 79}… s, set in the config" in format_plan(wide, ACTIONS)
    rows = format_plan(plan, ACTIONS).splitlines()
    assert rows[0] == f"workflow       {'x' * 80}…"
    name, _, action, unknown, _, _, cell = rows[-1].split()[1:]
    assert unknown == "(unknown)"
    assert (name, action, cell) == ("x" * 80 + "…", "x" * 80 + "…", '["' + "x" * 78 + "…")
    assert build_plan_document(plan, ACTIONS)["steps"][0]["input"] == [long]


@given(workflows.configs)
def test_a_table_has_a_line_for_each_step(config: dict[str, Any]) -> None:
    """Whatever stands in it, and no cell begins left of its heading."""
    plan = _build(config, Flags())
    lines = format_plan(plan, ACTIONS).split("\n")
    settings = 8 if plan.backoff else 7
    assert len(lines) == settings + 1 + 1 + len(plan.steps) + 1
    heading, *rows = lines[settings + 1 : -1]
    for row in rows:
        assert wcswidth(row) > heading.index("input")


class Width(int):
    """The width of a cell, which counts how often it is compared with another."""

    compared = 0

    def __gt__(self, other: int) -> bool:
        Width.compared += 1
        return int(self) > int(other)


def test_a_table_takes_as_long_as_it_has_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cell is compared with all others of its column."""
    monkeypatch.setattr("driftflow.showing.tables.wcswidth", lambda text: Width(wcswidth(text)))
    Width.compared = 0
    lines = format_plan(workflows.plan(*({"name": f"s{n}"} for n in range(500))), ACTIONS)
    cells = sum(len(line.split()) for line in lines.splitlines())
    assert 500 < Width.compared < 2 * cells


@pytest.mark.parametrize(("retry_on", "shown"), [([], "none"), (["OSError"], "OSError")])
def test_a_step_that_is_tried_again_after_no_error_says_so(retry_on: list[str], shown: str) -> None:
    """It has attempts that it will never use."""
    steps = {"name": "a", "max_attempts": 3, "retry_on": retry_on}, {"name": "b"}
    _, table = format_plan(workflows.plan(*steps), ACTIONS).split("\n\n")
    heading, first, second = table.splitlines()
    place = heading.index("retry on")
    assert first[place:].split()[0] == shown
    assert not second[place : place + len("retry on")].strip()
