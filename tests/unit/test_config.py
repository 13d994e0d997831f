"""Reading a file and the environment: a plan, or all that is wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows

from driftflow.config import check_config, list_params, load_config
from driftflow.errors import ActionsError, ConfigError, StorageError
from driftflow.issues import Findings, Issue
from driftflow.planning.parameters import ParamText
from driftflow.planning.values import write

if TYPE_CHECKING:
    from pathlib import Path


def refusal(path: str | Path, environ: dict[str, str] | None = None) -> list[str]:
    """What load_config says is wrong."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ or {})
    assert caught.value.source == str(path)
    return str(caught.value).splitlines()


def test_a_good_file_becomes_its_plan(tmp_path: Path) -> None:
    """A path may be a string or a Path."""
    path = workflows.write(tmp_path, workflows.config({"input": [1]}, flags={"metrics": True}))
    plan = load_config(path, {})
    wanted = workflows.plan({"input": [1]}, flags={"metrics": True})
    assert plan == wanted.set(source=str(path))
    assert plan.timeout_source == "default"
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
    plan = load_config(path, {"WORKFLOW_TIMEOUT_SECONDS": value})
    assert plan.timeout_seconds == seconds
    assert plan.timeout_source == ("environment" if value else "config")


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
    line = f"{path}: error[wrong-environment]: {rule} greater than 0, not '{value}'"
    assert refusal(path, {"WORKFLOW_TIMEOUT_SECONDS": value}) == line.splitlines()


def test_a_long_timeout_is_cut_in_the_message(tmp_path: Path) -> None:
    """No message shows more than 80 characters of a value."""
    path = workflows.write(tmp_path, workflows.config())
    (line,) = refusal(path, {"WORKFLOW_TIMEOUT_SECONDS": "x" * 500})
    assert line.endswith(f"not '{'x' * 80}…'")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """The file's issues in the order of the file, then the environment's. No warning."""
    path = tmp_path / "config.json"
    path.write_text(
        '{"timeout_seconds": 0, "steps": [{"priority": "1", "name": 1, "retries": 1,},],\n'
        '"name": 3, "max_attempts": NaN, "name": "", "note": 1}'
    )
    with pytest.raises(ConfigError) as caught:
        load_config(path, {"WORKFLOW_TIMEOUT_SECONDS": "x"})
    assert [(issue.code, issue.line, issue.column) for issue in caught.value.issues] == [
        ("out-of-range", 1, 21),
        ("missing-field", 1, 34),
        ("wrong-type", 1, 47),
        ("wrong-type", 1, 60),
        ("syntax", 1, 75),
        ("syntax", 1, 77),
        ("not-finite", 2, 28),
        ("duplicate-key", 2, 33),
        ("empty-string", 2, 41),
        ("wrong-environment", None, None),
    ]
    assert caught.value.findings.text == path.read_text()


def test_an_issue_has_its_place_and_its_path(tmp_path: Path) -> None:
    """As data: what an editor or a program needs to show it."""
    path = workflows.save(tmp_path, {"priority": "5"})
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert caught.value.issues == (
        Issue(
            "wrong-type",
            "`priority` must be an integer, not a string",
            ("steps", 0, "priority"),
            "remove the double quotes",
            line=1,
            column=76,
            end_column=79,
        ),
    )


def test_warnings_refuse_a_config_only_if_that_is_asked_for(tmp_path: Path) -> None:
    """With strict=True; then errors and warnings come together."""
    path = workflows.save(tmp_path, {"prority": 1}, flags={"audti": True})
    assert load_config(path, {}).name == "test"
    with pytest.raises(ConfigError) as caught:
        load_config(path, {}, strict=True)
    assert [issue.code for issue in caught.value.issues] == ["ignored-field", "unknown-flag"]
    path = workflows.save(tmp_path, {"prority": 1}, max_attempts=0)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {}, strict=True)
    assert [issue.code for issue in caught.value.issues] == ["ignored-field", "out-of-range"]
    assert load_config(workflows.save(tmp_path, {}), {}, strict=True).name == "test"


def test_a_check_finds_errors_and_warnings_and_raises_nothing(tmp_path: Path) -> None:
    """Whatever the file is; the environment is none of its business."""
    assert check_config(tmp_path / "no") == Findings(
        str(tmp_path / "no"), "", (Issue("unreadable", "no such file"),)
    )
    path = tmp_path / "config.json"
    for text, codes in [
        ("{", ["syntax"]),
        ('{"name": 1, "steps": [{"name": "a", "action": "b"}]}', ["wrong-type", "unknown-action"]),
        ('{"name": "a", "steps": []}', []),
    ]:
        path.write_text(text)
        findings = check_config(str(path))
        assert (findings.source, findings.text) == (str(path), text)
        assert [issue.code for issue in findings.issues] == codes


def test_no_place_is_looked_for_in_a_good_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by a run nor by a check."""

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("driftflow.reading.positions.locate", refuse)
    path = workflows.save(tmp_path, {})
    assert load_config(path, {}, strict=True).name == "test"
    assert check_config(path).issues == ()


def test_an_error_and_a_warning_about_one_key_are_one(tmp_path: Path) -> None:
    """That the misspelt field is ignored follows from its being missing."""
    path = workflows.write(tmp_path, {"nmae": "a", "steps": []})
    (issue,) = check_config(path).issues
    assert (issue.code, issue.path, issue.column) == ("missing-field", ("nmae",), 2)
    path.write_text('{"nmae": "a", "nmae": "b", "steps": []}')
    codes = [issue.code for issue in check_config(path).issues]
    assert codes == ["duplicate-key", "missing-field"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing.json", "no such file"),
        ("", "no such file"),
        (".", "a directory, not a file"),
        ("a\0b", "not a valid file name"),
        ("/proc/self/mem", "cannot be read: Input/output error"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_config_error(path: str, reason: str) -> None:
    """With the reason."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert caught.value.issues == (Issue("unreadable", reason),)


def test_permission_denied_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried for real in the acceptance tests; here without root in the way."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("builtins.open", refuse)
    assert refusal("a.json") == ["a.json: error[unreadable]: cannot be read: permission denied"]


def test_a_pipe_can_be_read(tmp_path: Path) -> None:
    """As a shell's <(...) hands over."""
    reading, writing = os.pipe()
    os.write(writing, workflows.write(tmp_path, workflows.config()).read_bytes())
    os.close(writing)
    assert load_config(f"/dev/fd/{reading}", {}).name == "test"
    os.close(reading)


@pytest.mark.parametrize(
    ("step", "codes"),
    [
        ({"priority": "high"}, {"wrong-type"}),
        ({"input": {"from": "nobody"}}, {"unknown-step"}),
        ({"action": "nobody"}, {"unknown-action"}),
        ({"action": "nobody", "priority": "high"}, {"wrong-type"}),
        ({"action": "nobody", "input": {"from": "nobody"}}, {"unknown-step"}),
    ],
)
def test_a_thousand_issues_are_told_and_errors_before_warnings(
    step: dict[str, object], codes: set[str], tmp_path: Path
) -> None:
    """However many there are: the first ones of a kind."""
    path = workflows.save(tmp_path, *[step] * 1001)
    issues = check_config(path).issues
    assert len(issues) == 1000
    assert {issue.code for issue in issues} == codes
    assert len(check_config(workflows.save(tmp_path, *[step] * 100)).issues) >= 100


def test_warnings_that_would_not_be_told_are_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But actions that cannot be loaded are told all the same."""
    asked: list[object] = []

    def find(document: object, *_: object) -> list[Issue]:
        asked.append(document)
        return []

    monkeypatch.setattr("driftflow.checking.warnings.find_issues", find)
    step = {"priority": "high"}
    check_config(workflows.save(tmp_path, *[step] * 999))
    assert len(asked) == 1
    path = workflows.save(tmp_path, *[step] * 1000)
    check_config(path)
    assert len(asked) == 1
    with pytest.raises(ActionsError):
        check_config(path, actions=["no_such_module"])


def test_a_device_that_never_ends_is_no_workflow() -> None:
    """It is not read until the memory is full."""
    (issue,) = check_config("/dev/zero").issues
    assert issue.message == "invalid JSON: a NUL character"
    assert len(check_config("/dev/zero").text) == 1 << 20


def test_the_audit_is_not_written_into_the_config(tmp_path: Path) -> None:
    """It would be one no more. Without an audit it does not matter."""
    path = workflows.save(
        tmp_path, {}, flags={"audit": True}, storage={"path": str(tmp_path / "config.json")}
    )
    with pytest.raises(
        StorageError, match="the audit file is the config itself; choose another path"
    ):
        load_config(path)
    assert load_config(path, {"DRIFTFLOW_FLAGS": "audit"}).storage_path == str(path)


DECLARED: dict[str, Any] = {
    "year": {"type": "integer", "default": 2007},
    "mode": {"enum": ["quick", "full"], "type": "string"},
}
ASKS: dict[str, Any] = {"name": "a", "input": [{"param": "year"}, {"param": "mode"}]}


def test_a_text_is_read_by_what_a_parameter_takes(tmp_path: Path) -> None:
    """A default fills in; what a program gives is what it is."""
    path = workflows.save(tmp_path, ASKS, params=DECLARED)
    for year, mode, wanted in (
        (ParamText("1952"), ParamText("full"), [1952, "full"]),
        (1952, "full", [1952, "full"]),
        (None, "quick", [2007, "quick"]),
    ):
        given: dict[str, Any] = {"mode": mode} | ({} if year is None else {"year": year})
        plan = load_config(path, {}, params=given)
        assert write(plan.steps[0].input) == [{"literal": value} for value in wanted]
        assert all(type(value) in (int, str) for _, value in plan.params.members)


@pytest.mark.parametrize(
    ("params", "codes"),
    [
        ({"mode": "full"}, []),
        ({"mode": "Full"}, ["wrong-param"]),
        ({"mode": "full", "year": ParamText("today")}, ["wrong-param"]),
        ({"mode": "full", "year": "1952"}, ["wrong-param"]),
        ({"mode": "full", "day": 1}, ["unknown-param"]),
        ({"year": 1952}, ["missing-param"]),
        ({"year": "x"}, ["wrong-param", "missing-param"]),
    ],
)
def test_a_value_that_breaks_its_schema_is_refused_at_once(
    tmp_path: Path, params: dict[str, Any], codes: list[str]
) -> None:
    """Before anything runs, together with what else is wrong."""
    path = workflows.save(tmp_path, ASKS, params=DECLARED)
    if not codes:
        load_config(path, {}, params=params)
        return
    with pytest.raises(ConfigError) as raised:
        load_config(path, {}, params=params)
    assert [issue.code for issue in raised.value.findings.issues] == codes


@pytest.mark.parametrize(
    "schema", [{"enum": 5}, {"type": "nothing"}, {"type": 5}, {"const": 1, "enum": {}}]
)
def test_a_text_may_be_given_for_a_schema_that_is_wrong(tmp_path: Path, schema: Any) -> None:
    """That is told as ever."""
    path = workflows.save(tmp_path, {"input": {"param": "p"}}, params={"p": schema})
    with pytest.raises(ConfigError) as raised:
        load_config(path, {}, params={"p": ParamText("[]")})
    assert {issue.code for issue in raised.value.findings.issues} == {"wrong-schema"}


def test_the_parameters_of_a_config_can_be_listed(tmp_path: Path) -> None:
    """None of them has to be given; a value that is, is held against its schema."""
    path = workflows.save(tmp_path, ASKS, params=DECLARED)
    listed = [(each.name, each.value, each.origin) for each in list_params(path)]
    assert listed == [("year", 2007, "default"), ("mode", None, None)]
    year, _ = list_params(path, {"year": ParamText("1952")})
    assert (year.value, year.origin, year.steps) == (1952, "given", ("a",))
    for params, code in (({"year": "x"}, "wrong-param"), ({"day": 1}, "unknown-param")):
        with pytest.raises(ConfigError) as raised:
            list_params(path, params)
        assert [issue.code for issue in raised.value.findings.issues] == [code]
    workflows.save(tmp_path, ASKS)
    assert [each.name for each in list_params(path)] == ["mode", "year"]


def test_if_a_sensitive_step_uses_all_parameters_each_is_secret(tmp_path: Path) -> None:
    """Be it given, or a default."""
    login = {"input": {"run": "/params"}, "sensitive": True}
    path = workflows.save(tmp_path, ASKS, login, params=DECLARED)
    listed = list_params(path, {"mode": "full"})
    assert [(each.name, each.value, each.is_secret) for each in listed] == [
        ("year", None, True),
        ("mode", None, True),
    ]
    assert "default" not in str(listed[0].schema)


def test_the_id_of_the_run_is_no_parameter(tmp_path: Path) -> None:
    """What uses all parameters uses those that are given; there is none called `*`."""
    path = workflows.save(tmp_path, {"input": [{"run": "/params"}, {"run": "/id"}]})
    assert list_params(path) == []
