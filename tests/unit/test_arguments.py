"""The command line, read into typed arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import driftflow
from driftflow.arguments import Arguments, MisuseError, parse_arguments
from driftflow.errors import ConfigError
from driftflow.planning.parameters import ParamText


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ("--config a.json", {"config": "a.json"}),
        ("check b.json c.json", {"command": "check", "files": ["b.json", "c.json"]}),
        (
            "check --format json --strict b",
            {"command": "check", "files": ["b"], "strict": True, "format": "json"},
        ),
        ("--config a --audit-sync step", {"config": "a", "audit_sync": "step"}),
        ("--config a --audit f", {"config": "a", "audit": "f"}),
        ("plan --config a --audit=f", {"command": "plan", "config": "a", "audit": "f"}),
        ("plan --config a --print-json", {"command": "plan", "config": "a", "print_json": True}),
        ("--actions plan --config a", {"config": "a", "actions": ["plan"]}),
        ("--actions=m check b", {"command": "check", "files": ["b"], "actions": ["m"]}),
        ("check -- --strict", {"command": "check", "files": ["--strict"]}),
        ("check a -- b --", {"command": "check", "files": ["a", "b", "--"]}),
        ("--config=a --param=x=1", {"config": "a", "params": {"x": "1"}}),
        ("schema --output s.json", {"command": "schema", "output": "s.json"}),
        ("actions --actions a.py --actions m", {"command": "actions", "actions": ["a.py", "m"]}),
        (
            "--config a --param x=1 --param y:=[2] --jobs 3 --dask h:1 --enforce-timeout --resume",
            {
                "config": "a",
                "params": {"x": "1", "y": [2]},
                "jobs": 3,
                "dask": "h:1",
                "enforce_timeout": True,
                "resume": True,
            },
        ),
        ("--config a --resume-from 1a", {"config": "a", "resume": "1a"}),
        ("plan --config a --resume", {"command": "plan", "config": "a", "resume": True}),
        ("plan --config a --resume-from=b", {"command": "plan", "config": "a", "resume": "b"}),
        ("plan --config a --params", {"command": "plan", "config": "a", "list_params": True}),
    ],
)
def test_a_command_line_says_what_is_to_be_done(argv: str, expected: dict[str, Any]) -> None:
    """What it does not say has its default."""
    arguments = parse_arguments(argv.split())
    assert vars(arguments) == vars(Arguments("run", {})) | expected


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        ("", "the arguments do not match the usage"),
        ("--conifg a", "unknown option `--conifg`: did you mean `--config`?"),
        ("chekc a", "unknown command `chekc`: did you mean `check`?"),
        ("a.json", "unknown command `a.json`: use `--config FILE` to run a workflow"),
        ("check --resume a", "the arguments do not match the usage"),
        ("schema --print-json", "the arguments do not match the usage"),
        ("--config a --strict --strict", "the arguments do not match the usage"),
        ("plan --strict --config a", "the arguments do not match the usage"),
        ("--strict", "the arguments do not match the usage"),
        ("--config a --audit=", "`--audit` needs a file name, not an empty string"),
        ("schema --output=", "`--output` needs a file name, not an empty string"),
        ("--config a --jobs 0", "`--jobs` must be a whole number from 1 to 999,999,999, not `0`"),
        ("--config a --param x", "`--param x` has no name or no value: write `--param NAME=VALUE`"),
        ("--config a --param x=1 --param x=2", "the parameter `x` is given twice"),
        (
            "--config a --resume --resume-from b",
            "`--resume` and `--resume-from` exclude each other",
        ),
        (
            "plan --config a --resume-from=",
            "`--resume-from` needs the ID of a run, not an empty string",
        ),
        (
            "--config a --audit-sync now",
            "`--audit-sync` must be one of `none`, `run` and `step`, not `now`",
        ),
    ],
)
def test_a_misuse_is_told_in_words(argv: str, fault: str) -> None:
    """The first word that is wrong."""
    with pytest.raises(MisuseError) as raised:
        parse_arguments(argv.split())
    assert str(raised.value) == fault


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        ("check --actions=evil.json good.json", "--actions=evil.json"),
        ("check good.json --strict", "--strict"),
        ("check --format text --help", "--help"),
        ("-h", "-h"),
        ("--config good.json --strict", "--strict"),
        ("plan --config=good.json", "--config=good.json"),
        ("schema --actions=evil/a.json", "--actions=evil/a.json"),
        ("actions --actions m", "--actions"),
        ("check -x.json", "-x.json"),
    ],
)
@pytest.mark.parametrize("is_link", [False, True])
def test_an_option_that_may_be_the_name_of_a_file_is_refused(
    argv: str, name: str, *, is_link: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each command, and also a link that leads nowhere; if it is not there, all is well."""
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).symlink_to("nowhere") if is_link else Path(name).touch()
    with pytest.raises(MisuseError) as raised:
        parse_arguments(argv.split())
    assert str(raised.value) == (
        f"`{name}` looks like an option, but a file here has that name: "
        "put `--` before the file names, or rename the file"
    )
    Path(name).unlink()
    if name != "-x.json":
        parse_arguments(argv.split())


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ("check -- --strict", {"files": ["--strict"]}),
        ("check ./--strict", {"files": ["./--strict"]}),
        ("--config --strict", {"config": "--strict"}),
        ("check --actions --strict a", {"actions": ["--strict"], "files": ["a"]}),
        ("check -", {"files": ["-"]}),
        ("check -- a", {"files": ["a"]}),
    ],
)
def test_what_can_only_be_the_name_of_a_file_is_one(
    argv: str, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind `--`, with a folder, as the value of an option; `--` and `-` are no options."""
    monkeypatch.chdir(tmp_path)
    for name in ("--strict", "--", "-"):
        Path(name).touch()
    arguments = vars(parse_arguments(argv.split()))
    assert {name: arguments[name] for name in expected} == expected


def test_help_and_version_are_texts() -> None:
    """Wherever they stand."""
    assert parse_arguments(["--version"]) == f"{driftflow.__version__}\n"
    shown: Any = parse_arguments(["plan", "--help"])
    assert shown.startswith("Run the steps listed in a JSON file")


def test_a_parameter_is_a_text_of_which_nobody_has_said_what_it_is() -> None:
    """Unless it is written as JSON: then a string is one, whatever the config declares."""
    argv = ["--config", "a", "--param", "x=1", "--param", 'y:="1"', "--param", "z:=1"]
    arguments = parse_arguments(argv)
    assert isinstance(arguments, Arguments)
    params = arguments.params
    assert params == {"x": "1", "y": "1", "z": 1}
    assert [type(value) for value in params.values()] == [ParamText, str, int]


def test_a_parameter_that_is_no_json_is_a_config_error() -> None:
    """With its place in the text that was given."""
    with pytest.raises(ConfigError, match=r"--param x:1:1: error\[syntax\]"):
        parse_arguments(["--config", "a", "--param", "x:=monday"])
