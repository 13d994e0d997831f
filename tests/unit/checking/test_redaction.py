"""Findings without what sensitive steps are handed: a canary is nowhere in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from driftflow.checking.redaction import redact_all
from driftflow.config import check_config, load_config
from driftflow.errors import ConfigError
from driftflow.issues import Findings, Issue
from driftflow.showing.reports import FORMATS, leave_plain

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "CANARY"  # noqa: S105 - it is none


def found(folder: Path, text: str | bytes) -> Findings:
    """What `check` finds in a config; the secret is nowhere in it."""
    path = folder / "config.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    findings = check_config(path)
    assert findings.issues
    shown = [render([findings], leave_plain) for render in FORMATS.values()]
    with pytest.raises(ConfigError) as caught:
        load_config(path, strict=True)
    shown += [str(caught.value), repr(caught.value.findings), repr(findings)]
    assert SECRET not in "".join(shown)
    return findings


def config(**fields: Any) -> str:
    """A config with a sensitive step, with these fields, that stands on a line of its own."""
    step = {"name": "s", "action": "echo", "input": SECRET, "sensitive": True, **fields}
    steps = [{"name": "a", "action": "uper"}, step, {"name": "b", "action": "upper", "input": 7}]
    return '{"name": "w", "steps": [\n' + ",\n".join(map(json.dumps, steps)) + "\n]}"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"action": "upper", "input": {SECRET: SECRET}}, "wrong-input"),
        ({"input": {"from": SECRET}}, "unknown-step"),
        ({"input": {"from": 7}}, "wrong-reference"),
        ({"input": {"param": "p", "defalt": SECRET}}, "almost-reference"),
        ({"imput": SECRET}, "ignored-field"),
        ({"sensitive": SECRET}, "wrong-type"),
        ({"sensitive": None, "priority": SECRET}, "wrong-type"),
        ({"optional": SECRET}, "wrong-type"),
        ({"name": ""}, "empty-string"),
    ],
)
def test_nothing_of_a_sensitive_step_is_shown(
    fields: dict[str, Any], code: str, tmp_path: Path
) -> None:
    """What is wrong elsewhere is shown as ever, and each issue has its place."""
    findings = found(tmp_path, config(**fields))
    assert {issue.line for issue in findings.issues} == {2, 3, 4}
    assert code in {issue.code for issue in findings.issues if issue.line == 3}
    assert findings.text.split("\n")[2] == "[redacted]"
    assert "uper" in findings.text
    for issue in findings.issues:
        if issue.path[:3] == ("steps", 1, "input"):
            assert issue.path[3:] == ()
        else:
            assert "[redacted]" not in issue.message


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"from": SECRET}, "unknown step [redacted]", "the other steps are [redacted]"),
        (
            {"from": 7},
            "[redacted] must be the name of a step, or an array of step names, not an integer",
            "to pass an object with this key as data, write [redacted]",
        ),
        (7, "the action cannot take the input [redacted]: the step will fail when it runs", None),
    ],
)
def test_what_is_wrong_with_the_input_is_told_without_quoting_it(
    given: object, message: str, hint: str | None, tmp_path: Path
) -> None:
    """The place is told as well: whoever may read the file looks there."""
    findings = found(tmp_path, config(action="upper", input=given))
    (issue,) = [each for each in findings.issues if each.line == 3]
    assert (issue.message, issue.hint) == (message, hint)


@pytest.mark.parametrize(
    "instead",
    [
        f'{{"{SECRET}": 1, "{SECRET}": 2}}',
        f'"x", "input": 1e999, "input": "{SECRET}"',
        f'["{SECRET}", NaN]',
        f'/* {SECRET} */ ["{SECRET}",]',
        f"12{SECRET}",
        f"12`{SECRET}",
        f"'{SECRET}'",
        f'"{SECRET}',
        SECRET,
        "[" * 200 + f'"{SECRET}"' + "]" * 200,
        f'"{SECRET}"]',
        f'"\\{SECRET}"',
    ],
)
def test_nor_is_what_is_no_json(instead: str, tmp_path: Path) -> None:
    """Where it cannot be told which step is sensitive no line is shown."""
    findings = found(tmp_path, config().replace(f'"{SECRET}"', instead))
    assert all(issue.message for issue in findings.issues)


def test_what_is_wrong_beside_a_sensitive_step_is_told(tmp_path: Path) -> None:
    """Though the line is not shown, if the step stands on it too."""
    given = f'"sensitive": true, "input": {{"{SECRET}": 1, "{SECRET}": NaN}}'
    steps = f'[{{"name": "a", "action": "echo", {given}}}, NaN]'
    text = f'{{"a": 1e999, "a": 2, "name": "w", "steps": {steps}}}'
    issues = [issue for issue in found(tmp_path, text).issues if issue.severity == "error"]
    assert [(issue.code, issue.message) for issue in issues] == [
        ("number-too-large", "the number is too large for a float"),
        ("duplicate-key", "duplicate key `a`"),
        ("duplicate-key", "duplicate key [redacted]"),
        ("not-finite", "NaN is not a JSON number"),
        ("not-finite", "NaN is not a JSON number"),
    ]


def test_what_has_no_place_in_the_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment may be wrong besides."""
    monkeypatch.setenv("WORKFLOW_TIMEOUT_SECONDS", "soon")
    path = tmp_path / "config.json"
    path.write_text(config())
    with pytest.raises(ConfigError, match="WORKFLOW_TIMEOUT_SECONDS must be"):
        load_config(path)


@pytest.mark.parametrize(
    "text",
    [
        config().replace('"steps"', '"stpes"'),
        config().replace('"steps": [', '"steps": {"a": [').replace("\n]}", "\n]}}"),
        config().replace('"steps": [', '"steps": [[').replace("\n]}", "\n]]}"),
        config().replace('"w", "steps": [', '"w", "x": [')[10:] + "]",
        config().replace('"name": "w", ', "").replace("]}", '], "name": "w", "steps": []}'),
        config().replace('"sensitive": true', '"sensitive": true, "sensitive": false'),
        f'{{"name": "w", "sensitive": true, "input": "{SECRET}"}}',
        f"// {SECRET} is sensitive\n{config(sensitive=False, input='x')}",
    ],
    ids=range(8),
)
def test_nor_is_a_step_that_is_not_where_steps_belong(text: str, tmp_path: Path) -> None:
    """It was meant to be one; or it was, before somebody made a comment of it."""
    found(tmp_path, text)


def test_nor_what_an_action_does_not_take_of_it() -> None:
    """What is said of that quotes in other ways, and its place has the keys of the input."""
    where = ("steps", 0, "input", SECRET)
    issue = Issue("wrong-input", f"{SECRET}: must be 1", where, hint=f"write {SECRET}")
    assert SECRET not in repr(redact_all(Findings("config.json", SECRET, (issue,))))


def test_what_an_error_came_from_has_nothing_of_it_either(tmp_path: Path) -> None:
    """Tools that collect errors follow the chain of them."""
    path = tmp_path / "config.json"
    path.write_text(config().replace(f'"{SECRET}"', SECRET))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_nor_is_what_is_no_utf_8(encoding: str, tmp_path: Path) -> None:
    """The reader cannot even tell the words."""
    text = config().replace(f'"{SECRET}"', f'"é{SECRET}{"x" * 5000}"')
    found(tmp_path, text.encode(encoding))


def test_a_step_over_several_lines_is_hidden_as_a_whole(tmp_path: Path) -> None:
    """And no line more."""
    step = {"name": "s", "action": "upper", "input": [SECRET, SECRET], "sensitive": True}
    document = {"name": "w", "steps": [step, {"name": "t", "action": "uper"}]}
    lines = found(tmp_path, json.dumps(document, indent=1)).text.split("\n")
    hidden = [number for number, line in enumerate(lines) if line == "[redacted]"]
    assert hidden == list(range(3, 12))
    assert len(lines) == 18


def test_what_is_not_sensitive_is_shown(tmp_path: Path) -> None:
    """`false` is what it says; and nothing is hidden where nobody mentions the word."""
    path = tmp_path / "config.json"
    for text in (config(sensitive=False), config().replace("sensitive", "optional") + "x"):
        path.write_text(text)
        assert SECRET in check_config(path).text


def test_the_value_of_a_secret_parameter_is_not_quoted(tmp_path: Path) -> None:
    """Wherever it is used; other parameters are told as ever."""
    schema = {"type": "object", "additionalProperties": False}
    path = tmp_path / "config.json"
    steps = [
        {"name": "a", "action": "echo", "input": [{"param": "key"}, {"param": "other"}]},
        {"name": "b", "action": "echo", "input": {"param": "key"}, "sensitive": True},
    ]
    declared = {"key": schema, "other": schema}
    path.write_text(json.dumps({"name": "w", "params": declared, "steps": steps}, indent=1))
    with pytest.raises(ConfigError) as caught:
        load_config(path, params={"key": {SECRET: 1}, "other": {"x": 1}})
    assert SECRET not in str(caught.value) + repr(caught.value.findings)
    assert [issue.message for issue in caught.value.findings.issues] == [
        "the parameter breaks its schema: [redacted]",
        "unknown field `x`",
    ]


@pytest.mark.parametrize(
    ("used", "names"), [({"param": "key"}, ["key"]), ({"run": "/params"}, ["key", "other"])]
)
def test_the_default_of_a_secret_parameter_is_not_shown(
    used: Any, names: list[str], tmp_path: Path
) -> None:
    """Nor quoted, if it breaks the schema."""
    declared = {name: {"additionalProperties": False, "default": {SECRET: 1}} for name in names}
    steps = [{"name": "b", "action": "echo", "input": used, "sensitive": True}]
    document = {"name": "w", "params": declared, "steps": steps}
    findings = found(tmp_path, json.dumps(document, indent=1))
    assert [issue.code for issue in findings.issues] == ["wrong-param"] * len(names)
