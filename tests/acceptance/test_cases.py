"""Each file under cases/ is a config, named by the rule that it tries. A new case is a new file.

Those in invalid/ are refused; those in surprising/ load, and a check warns about them; those in
valid/ are as they should be. Those in used/ are there for others to use.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator
from support.command import invoke

from driftflow.issues import CODES
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

CASES = Path(__file__).resolve().parent.parent / "cases"
# Not wrong with a file's contents: test_cli tries them.
NOT_OF_A_FILE = {"unreadable", "missing-param", "unknown-param", "wrong-environment"}


def by_name(path: Path) -> str:
    """A case's id."""
    return path.stem


def cases(kind: str) -> pytest.MarkDecorator:
    """A test of each case of that kind."""
    return pytest.mark.parametrize("case", sorted(CASES.glob(f"{kind}/*.json")), ids=by_name)


@cases("invalid")
def test_an_invalid_config_is_refused_with_all_that_is_wrong(
    case: Path, snapshot: SnapshotAssertion
) -> None:
    """On stderr, with the file and the places; nothing on stdout, exit 2."""
    outcome = invoke("--config", case.name, cwd=case.parent)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr == snapshot


@cases("invalid")
def test_a_check_prints_what_a_run_would_and_the_warnings(case: Path) -> None:
    """And a summary; exit 1."""
    run = invoke("--config", case.name, cwd=case.parent)
    check = invoke("check", case.name, cwd=case.parent)
    *blocks, summary = check.stdout.split("\n\n")
    errors = [block for block in blocks if block.startswith("error[")]
    assert "\n\n".join(errors) + "\n" == run.stderr
    assert all(block.startswith("warning[") for block in blocks if block not in errors)
    assert re.match(rf"\d+ files?: {len(errors)} error", summary)
    assert (check.status, check.stderr) == (1, "")


@cases("surprising")
def test_a_surprising_config_runs_and_a_check_warns(
    case: Path, snapshot: SnapshotAssertion
) -> None:
    """Only with --strict is it refused, with the same report."""
    outcome = invoke("check", case.name, cwd=case.parent)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout == snapshot
    assert "error[" not in outcome.stdout
    strict = invoke("check", "--strict", case.name, cwd=case.parent)
    assert strict == outcome._replace(status=1)
    run = invoke("--config", case.name, cwd=case.parent)
    assert run.status in (0, 1)
    told = [line for line in run.stderr.splitlines() if "unknown action" not in line]
    assert told == []
    refused = invoke("--config", case.name, "--strict", cwd=case.parent)
    report, _ = outcome.stdout.rsplit("\n\n", 1)
    assert (refused.status, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"{report}\n\nerror: the config is refused because of these warnings (--strict)\n"
    )


@cases("valid")
def test_a_valid_config_runs(case: Path, snapshot: SnapshotAssertion) -> None:
    """Whatever its steps come to: nothing on stderr; and no check has anything to report."""
    outcome = invoke("--config", case.name, cwd=case.parent)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout == snapshot
    assert invoke("--config", case.name, "--strict", cwd=case.parent) == outcome
    check = invoke("check", "--strict", case.name, cwd=case.parent)
    assert (check.status, check.stderr) == (0, "")
    assert re.fullmatch(r"\d+ files?: nothing to report\n", check.stdout)


@cases("*")
def test_a_check_as_json_satisfies_its_schema(case: Path) -> None:
    """And has as many issues as the report."""
    outcome = invoke("check", "--format", "json", case.name, cwd=case.parent)
    document = json.loads(outcome.stdout)
    Draft7Validator(load_schema("findings")).validate(document)
    reported = invoke("check", case.name, cwd=case.parent).stdout.count("\n --> ")
    issues = [issue for file in document["files"] for issue in file["issues"]]
    assert len(issues) == document["errors"] + document["warnings"]
    assert reported <= len(issues)


@pytest.mark.parametrize("code", sorted(CODES.keys() - NOT_OF_A_FILE))
def test_every_code_has_a_case(code: str) -> None:
    """Named by it, and reported for it."""
    kind = "invalid" if CODES[code] == "error" else "surprising"
    case = CASES / kind / f"{code}.json"
    assert f"{CODES[code]}[{code}]: " in invoke("check", case).stdout
