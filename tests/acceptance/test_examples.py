"""Each example, run as a user runs it: every byte that comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator
from support.command import EXAMPLES, spawn

from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


@examples
def test_an_example_prints_its_lines(
    example: Path, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    """And ends with its status, the same under any hash seed and in any locale."""
    environments = ({"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "1", "LC_ALL": "POSIX"})
    first, second = (
        spawn("--config", example, cwd=tmp_path, environ=environ) for environ in environments
    )
    assert first == second
    assert f"{first.stdout}exit status {first.status}\n" == snapshot
    assert first.stderr == ""


@examples
def test_an_example_prints_its_document(
    example: Path, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    """Likewise; its metrics change from run to run, and are switched off."""
    seeds = ({"PYTHONHASHSEED": seed, "DRIFTFLOW_FLAGS": "metrics"} for seed in "01")
    first, second = (
        spawn("--config", example, "--print-json", cwd=tmp_path, environ=environ)
        for environ in seeds
    )
    assert first == second
    assert f"{first.stdout}exit status {first.status}\n" == snapshot
    assert first.stderr == ""
    Draft7Validator(load_schema("result")).validate(json.loads(first.stdout))


@examples
def test_an_example_leaves_an_audit_only_if_its_flag_is_on(example: Path, tmp_path: Path) -> None:
    """With the flag off, no file appears."""
    config = json.loads(example.read_text("utf-8"))
    spawn("--config", example, cwd=tmp_path)
    files = sorted(path.name for path in tmp_path.iterdir())
    if not config.get("flags", {}).get("audit", False):
        assert files == []
        return
    assert files == [Path(config["storage"]["path"]).name]
    validator = Draft7Validator(load_schema("audit"))
    lines = (tmp_path / files[0]).read_text("ascii").splitlines()
    assert len(lines) == 2 + 2 * len(config["steps"])
    for line in lines:
        validator.validate(json.loads(line))
