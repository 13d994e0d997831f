"""The main job at size: a config of well over a thousand steps, with the audit on."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

from support import workflows
from support.command import Outcome, spawn

if TYPE_CHECKING:
    from pathlib import Path

# A step for each letter from A to U+06FF: its name in Unicode, put through one of four actions.
LETTERS = [chr(code) for code in range(0x41, 0x700) if unicodedata.category(chr(code))[0] == "L"]
ACTIONS = ("echo", "upper", "lower", "reverse")
STEPS: list[dict[str, Any]] = [
    {
        "name": f"{ord(letter):04x}",
        "action": ACTIONS[place % 4] if place % 100 else "translate",
        "input": f"{letter} {unicodedata.name(letter)}",
        "priority": place % 7,
        "optional": place % 100 == 0,
    }
    for place, letter in enumerate(LETTERS)
]
CONFIG = {"name": "letters", "steps": STEPS, "max_attempts": 2, "flags": {"audit": True}}


def run(folder: Path, *arguments: str) -> tuple[Outcome, list[dict[str, Any]]]:
    """Run the workflow, and read its audit."""
    path = workflows.write(folder, CONFIG)
    outcome = spawn("--config", path, *arguments, cwd=folder)
    audit = folder / "driftflow.audit.json"
    records = [json.loads(line) for line in audit.read_text("ascii").splitlines()]
    audit.unlink()
    return outcome, records


def test_result_and_audit_agree_line_by_line(tmp_path: Path) -> None:
    """Each printed line, each result and each record tell the same of the same step."""
    assert len(STEPS) >= 1000
    text, text_records = run(tmp_path)
    printed, records = run(tmp_path, "--print-json")
    results = json.loads(printed.stdout)["results"]
    lines = text.stdout.splitlines()
    finished = [record for record in records if record["event"] == "step_finished"]
    failed = [record for record in records if record["event"] == "attempt_failed"]
    assert len(failed) == sum(not record["ok"] for record in finished)
    assert len(lines) == len(results) == len(finished) == len(STEPS)
    for line, result, record in zip(lines, results, finished, strict=True):
        assert record["step"] == result["name"]
        assert [record[key] for key in ("ok", "output", "error", "attempts")] == [
            result[key] for key in ("ok", "output", "error", "attempts")
        ]
        if result["ok"]:
            assert line == f"OK {result['name']}: {result['output']}"
        else:
            assert line == f"FAIL {result['name']}: unknown action: 'translate'"
    order = sorted(STEPS, key=lambda step: (-step["priority"], step["name"]))
    assert [result["name"] for result in results] == [step["name"] for step in order]
    assert [record["seq"] for record in records] == list(range(2 * len(STEPS) + 2 + len(failed)))
    changing = ("ts", "run_id", "duration_seconds")
    assert [strip(record, changing) for record in text_records] == [
        strip(record, changing) for record in records
    ]


def strip(record: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """The record without what changes from run to run."""
    return {key: value for key, value in record.items() if key not in keys}
