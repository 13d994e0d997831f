"""The command `check`: what it prints of which files, in which format, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.command import EXAMPLES, invoke, process_environment
from support.workflows import config, save

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a good config, one to warn about, and a wrong one."""
    for name, document in [
        ("good", config({})),
        ("odd", config({"action": "shout"}, prority=1)),
        ("bad", config({"priority": "5", "retries": 1}, max_attempts=0)),
    ]:
        (tmp_path / f"{name}.json").write_text(json.dumps(document, indent=1))
    (tmp_path / "broken.json").write_text("{")
    return tmp_path


@pytest.mark.parametrize(
    ("files", "strict", "status"),
    [
        (["good"], [], 0),
        (["good"], ["--strict"], 0),
        (["odd"], [], 0),
        (["odd"], ["--strict"], 1),
        (["bad"], [], 1),
        (["bad"], ["--strict"], 1),
        (["broken"], [], 1),
        (["missing"], [], 1),
        (["good", "odd"], [], 0),
        (["good", "odd"], ["--strict"], 1),
        (["bad", "good"], [], 1),
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_the_exit_status_of_a_check(
    files: list[str], strict: list[str], status: int, form: str, folder: Path
) -> None:
    """0 with nothing to report, or with warnings only unless --strict; else 1. In any format."""
    names = [f"{name}.json" for name in files]
    outcome = invoke("check", *strict, "--format", form, *names, cwd=folder)
    assert (outcome.status, outcome.stderr) == (status, "")


def test_every_issue_of_every_file_is_printed(folder: Path) -> None:
    """In the order of the files as they are named, then in that of each file."""
    outcome = invoke("check", "odd.json", "missing.json", "bad.json", "good.json", cwd=folder)
    heads = re.findall(r"^(\w+)\[(.*)\]: .*\n +--> (\S+)", outcome.stdout, re.MULTILINE)
    assert heads == [
        ("warning", "unknown-action", "odd.json:6:14"),
        ("warning", "ignored-field", "odd.json:9:2"),
        ("error", "unreadable", "missing.json"),
        ("error", "wrong-type", "bad.json:7:16"),
        ("warning", "ignored-field", "bad.json:8:4"),
        ("error", "out-of-range", "bad.json:11:18"),
    ]
    assert outcome.stdout.endswith("\n\n4 files: 3 errors, 3 warnings\n")


def test_nothing_is_run_and_nothing_written(tmp_path: Path) -> None:
    """A check of a config with an audit leaves none."""
    path = save(tmp_path, {}, flags={"audit": True})
    assert invoke("check", path, cwd=tmp_path).stdout == "1 file: nothing to report\n"
    assert list(tmp_path.iterdir()) == [path]


def test_the_environment_does_not_matter(tmp_path: Path) -> None:
    """A check is about the file."""
    path = save(tmp_path, {})
    environ = {"WORKFLOW_TIMEOUT_SECONDS": "x", "DRIFTFLOW_FLAGS": "audit"}
    assert invoke("check", path, environ=environ).status == 0


def test_the_formats_tell_the_same(folder: Path) -> None:
    """The report, the document and the annotations have the same issues at the same places."""
    files = ("odd.json", "missing.json", "bad.json")
    text, document, annotations = (
        invoke("check", "--format", form, *files, cwd=folder).stdout
        for form in ("text", "json", "github")
    )
    expected = [
        (issue["severity"], issue["code"], issue["message"], file["file"], issue["line"])
        for file in json.loads(document)["files"]
        for issue in file["issues"]
    ]
    assert [
        (severity, code, message, file, int(line) if line else None)
        for severity, code, message, file, line in re.findall(
            r"^(\w+)\[(.*)\]: (.*)\n +--> ([^:\n]+)(?::(\d+))?", text, re.MULTILINE
        )
    ] == expected
    assert [
        (severity, code, message, file, int(line) if line else None)
        for severity, file, line, code, message in re.findall(
            r"^::(\w+) file=([^,]+)(?:,line=(\d+).*)?,title=(.*)::(.*?)(?:%0A.*)?$",
            annotations,
            re.MULTILINE,
        )
    ] == expected


def test_a_check_of_good_files_prints_no_annotation(folder: Path) -> None:
    """And an empty list in the document."""
    assert invoke("check", "--format", "github", "good.json", cwd=folder).stdout == ""
    document = json.loads(invoke("check", "--format", "json", "good.json", cwd=folder).stdout)
    assert document == {
        "files": [{"file": "good.json", "issues": []}],
        "errors": 0,
        "warnings": 0,
    }


def test_a_format_that_there_is_not_is_exit_2(folder: Path) -> None:
    """With those that there are."""
    outcome = invoke("check", "--format", "xml", "good.json", cwd=folder)
    message = "error: `--format` must be one of `text`, `json` and `github`, not `xml`\n"
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(f"{message}Usage:\n")


def on_a_terminal(folder: Path, *arguments: str, **environ: str) -> str:
    """What the command prints on a terminal, stderr too."""
    reading, writing = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "driftflow", *arguments],
        cwd=folder,
        env=process_environment({"TERM": "xterm"} | environ),
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
    )
    process.wait(timeout=60)
    os.close(writing)
    printed = os.read(reading, 65536).decode()
    os.close(reading)
    return printed


@pytest.mark.parametrize("arguments", [("check", "bad.json"), ("--config", "bad.json")])
@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_report_has_colours_on_a_terminal(
    arguments: tuple[str, str], environ: dict[str, str], folder: Path, *, coloured: bool
) -> None:
    """Unless NO_COLOR says otherwise, or the terminal knows none."""
    printed = on_a_terminal(folder, *arguments, **environ)
    assert ("\x1b[1;31merror" in printed) == coloured
    assert ("\x1b" in printed) == coloured


def test_a_report_has_no_colours_elsewhere(folder: Path) -> None:
    """In a file or a pipe."""
    assert "\x1b" not in invoke("check", "bad.json", cwd=folder).stdout
    assert "\x1b" not in invoke("--config", "bad.json", cwd=folder).stderr


def test_a_report_on_stderr_has_no_colours_if_only_stdout_is_a_terminal(folder: Path) -> None:
    """As with `2>log`."""
    reading, writing = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "driftflow", "--config", "bad.json"],
        cwd=folder,
        env=process_environment({"TERM": "xterm"}),
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(reading)
    os.close(writing)
    assert done.stderr.startswith(b"error[wrong-type]")
    assert b"\x1b" not in done.stderr


def test_other_formats_have_no_colours(folder: Path) -> None:
    """On a terminal neither: programs read them."""
    for form in ("json", "github"):
        assert "\x1b" not in on_a_terminal(folder, "check", "--format", form, "bad.json")


@pytest.mark.parametrize("indent", [None, 1])
def test_a_thousand_errors_are_located(indent: int | None, tmp_path: Path) -> None:
    """The first of three, in 5 MB, minified or not: each at the character where it stands."""
    steps = [
        {"name": f"s{n}", "action": "echo", "priority": n if n % 2 else "high", "input": "x" * 800}
        for n in range(6000)
    ]
    path = tmp_path / "config.json"
    text = json.dumps(config(*steps), indent=indent)
    path.write_text(text)
    assert len(text) > 5_000_000
    outcome = invoke("check", "--format", "json", path)
    (file,) = json.loads(outcome.stdout)["files"]
    lines = text.split("\n")
    assert len(file["issues"]) == 1000
    for number, issue in enumerate(file["issues"]):
        assert issue["path"] == ["steps", number * 2, "priority"]
        line = lines[issue["line"] - 1]
        assert line[issue["column"] - 1 : issue["end_column"] - 1] == '"high"'


def test_a_report_of_a_minified_file_is_of_short_lines(tmp_path: Path) -> None:
    """However long the line is that it shows."""
    path = save(tmp_path, *({"input": "x" * 800, "priority": "high"} for _ in range(100)))
    report = invoke("check", path.name, cwd=tmp_path).stdout
    assert report.count("error[wrong-type]") == 100
    assert max(map(len, report.splitlines())) < 90


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_passes_a_strict_check(example: Path) -> None:
    """There is nothing to warn about in what we show."""
    assert invoke("check", "--strict", example) == (0, "1 file: nothing to report\n", "")


@pytest.mark.parametrize("output", [[], ["--print-json"]])
def test_a_strict_run_refuses_what_it_would_warn_about(folder: Path, output: list[str]) -> None:
    """Exit 2, with the warnings; errors come with them. A good config runs."""
    outcome = invoke("--config", "odd.json", "--strict", *output, cwd=folder)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.count("warning[") == 2
    assert outcome.stderr.endswith(
        "\n\nerror: the config is refused because of these warnings (--strict)\n"
    )
    outcome = invoke("--config", "bad.json", "--strict", *output, cwd=folder)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert (outcome.stderr.count("error["), outcome.stderr.count("warning[")) == (2, 1)
    assert "--strict" not in outcome.stderr
    strict = invoke("--config", "good.json", "--strict", *output, cwd=folder)
    assert strict == invoke("--config", "good.json", *output, cwd=folder)
    assert strict.status == 0


def test_packages_are_looked_at_once_for_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, and whatever they name."""
    looks: list[list[str]] = []

    def none_at_all(path: list[str]) -> list[object]:
        looks.append(path)
        return []

    monkeypatch.setattr("importlib.metadata.distributions", none_at_all)
    paths = [tmp_path / f"{number}.json" for number in range(3)]
    for path in paths:
        path.write_text(json.dumps(config({"action": path.stem})), "utf-8")
    assert invoke("check", *paths).stdout.count("warning[unknown-action]") == 3
    assert len(looks) == 1


def test_a_file_may_be_called_like_a_command(tmp_path: Path) -> None:
    """The first word that is one is the command."""
    for name in ("plan", "check"):
        (tmp_path / name).write_text(json.dumps(config({})), "utf-8")
    done = invoke("check", "check", "plan", cwd=tmp_path)
    assert done == (0, "2 files: nothing to report\n", "")
