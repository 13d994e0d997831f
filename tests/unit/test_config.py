"""Reading a file and the environment: a plan, or all that is wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import workflows

from driftflow.config import load_config
from driftflow.errors import ConfigError, Issue

if TYPE_CHECKING:
    from pathlib import Path


def refusal(path: str | Path, environ: dict[str, str] | None = None) -> list[str]:
    """What load_config says is wrong."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ or {})
    assert caught.value.source == str(path)
    return caught.value.lines


def test_a_good_file_becomes_its_plan(tmp_path: Path) -> None:
    """A path may be a string or a Path."""
    path = workflows.write(tmp_path, workflows.config({"input": [1]}, flags={"metrics": True}))
    plan = load_config(path, {})
    assert plan == workflows.plan({"input": [1]}, flags={"metrics": True})
    assert load_config(str(path), {}) == plan


def test_the_environment_is_that_of_the_process_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So run_workflow obeys it."""
    path = workflows.write(tmp_path, workflows.config())
    monkeypatch.setenv("WORKFLOW_TIMEOUT_SECONDS", "7")
    assert load_config(path).timeout_seconds == 7
    assert load_config(path, {}).timeout_seconds == 10


def test_driftflow_flags_disables(tmp_path: Path) -> None:
    """DRIFTFLOW_FLAGS lists flags to switch off; unknown names are ignored."""
    path = workflows.write(tmp_path, workflows.config(flags={"audit": True, "metrics": True}))
    assert set(load_config(path, {"DRIFTFLOW_FLAGS": "audit, parallel,x"}).flags.enabled) == {
        "metrics"
    }


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5), ("0.5", 0.5), ("12.", 12), (".25", 0.25), ("1e3", 1000), ("2E-1", 0.2), ("", 30)],
)
def test_the_timeout_can_be_overridden(tmp_path: Path, value: str, seconds: float) -> None:
    """By WORKFLOW_TIMEOUT_SECONDS; empty counts as unset."""
    path = workflows.write(tmp_path, workflows.config(timeout_seconds=30))
    assert load_config(path, {"WORKFLOW_TIMEOUT_SECONDS": value}).timeout_seconds == seconds


@pytest.mark.parametrize(
    "value",
    [
        "abc",
        "nan",
        "inf",
        "-1",
        "0",
        "0.0",
        "1e999",
        "1e-999",
        "1_0",
        " 5",
        "5\n",
        "٣",
        "+5",
        ".",
        "0x1",
    ],
)
def test_a_timeout_that_is_no_finite_decimal_above_0_is_refused(tmp_path: Path, value: str) -> None:
    """Never silently dropped."""
    path = workflows.write(tmp_path, workflows.config())
    rule = "the environment variable WORKFLOW_TIMEOUT_SECONDS must be a finite decimal number"
    assert refusal(path, {"WORKFLOW_TIMEOUT_SECONDS": value}) == [
        f"{path}: {rule} greater than 0, not '{value}'"
    ]


def test_a_long_timeout_is_cut_in_the_message(tmp_path: Path) -> None:
    """No message shows more than 80 characters of a value."""
    path = workflows.write(tmp_path, workflows.config())
    (line,) = refusal(path, {"WORKFLOW_TIMEOUT_SECONDS": "x" * 500})
    assert line.endswith(f"not '{'x' * 80}…'")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """The file's issues, then the environment's."""
    path = workflows.write(tmp_path, workflows.config({"priority": "1"}, max_attempts=0))
    places = [line.split(": ")[1] for line in refusal(path, {"WORKFLOW_TIMEOUT_SECONDS": "x"})]
    assert places[:2] == ["steps[0].priority", "max_attempts"]
    assert places[2].startswith("the environment variable WORKFLOW_TIMEOUT_SECONDS")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing.json", "no such file"),
        ("", "no such file"),
        (".", "a directory, not a file"),
        ("a\0b", "not the name of a file"),
        ("/proc/self/mem", "not readable: Input/output error"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_config_error(path: str, reason: str) -> None:
    """With the reason."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert caught.value.issues == (Issue(reason),)


def test_permission_denied_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried for real in the acceptance tests; here without root in the way."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("builtins.open", refuse)
    assert refusal("a.json") == ["a.json: not readable: permission denied"]


def test_a_pipe_can_be_read(tmp_path: Path) -> None:
    """As a shell's <(...) hands over."""
    reading, writing = os.pipe()
    os.write(writing, workflows.write(tmp_path, workflows.config()).read_bytes())
    os.close(writing)
    assert load_config(f"/dev/fd/{reading}", {}).name == "test"
    os.close(reading)
