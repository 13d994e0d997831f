"""The operator's own actions and parameters, on the command line and in the library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator
from support import workflows
from support.command import CHECKOUT, Outcome, invoke, process_environment, spawn
from support.documents import named

from driftflow import ActionsError, run_workflow
from driftflow.cli import NOT_WRITTEN, OK, WRONG_INPUT

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from driftflow.reading.document import Json

ROWS = '''
import driftflow


@driftflow.action(
    name="rows.take",
    schema={
        "type": "object",
        "required": ["rows", "count"],
        "properties": {
            "rows": {"type": "array", "items": {"type": "object"}},
            "count": {"description": "How many.", "type": "integer", "minimum": 1},
            "order": {"enum": ["first", "last"], "default": "first"},
        },
        "additionalProperties": False,
    },
)
def take(value):
    """Gives some of the rows."""
    rows, count = value["rows"], value["count"]
    return rows[:count] if value.get("order", "first") == "first" else rows[-count:]


@driftflow.action
def fail(value):
    """Fails."""
    raise SystemExit(value)
'''
MAKE: dict[str, Any] = {"name": "make", "input": [{"id": 1}, {"id": 2}], "priority": 1}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a file of actions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "rows.py").write_text(ROWS)


def taking(given: Any, **fields: Any) -> Path:
    """A workflow that makes two rows and takes some."""
    step = {"name": "take", "action": "rows.take", "input": given}
    return workflows.save(Path(), MAKE, step, **fields)


def test_a_file_of_actions_works() -> None:
    """Whether the config is run, planned or checked."""
    path = taking({"rows": {"from": "make"}, "count": {"param": "n", "default": 1}})
    assert invoke("--config", path, "--actions", "rows.py") == (
        OK,
        'OK make: [{"id":1},{"id":2}]\nOK take: [{"id":1}]\n',
        "",
    )
    strict = ("--strict", "--param", "n:=2", "--actions", "./rows.py")
    assert invoke("--config", path, *strict).stdout.endswith('\nOK take: [{"id":1},{"id":2}]\n')
    assert invoke("check", "--strict", "--actions=rows.py", path).status == OK
    plan = invoke("plan", "--config", path, "--print-json", "--actions", "rows.py")
    steps = json.loads(plan.stdout)["steps"]
    assert [step["origin"] for step in steps] == ["built-in", "rows.py"]
    assert steps[1]["input"] == {"rows": {"from": "make"}, "count": 1}


def test_whatever_an_action_raises_fails_the_attempt() -> None:
    """Also what would end the process."""
    path = workflows.save(Path(), {"name": "a", "action": "fail", "input": "over"}, max_attempts=2)
    done = invoke("--config", path, "--actions", "rows.py", "--print-json")
    (result,) = json.loads(done.stdout)["results"]
    assert (done.status, result["error"], result["attempts"]) == (1, "over", 2)


def test_an_action_is_not_there_unless_it_is_asked_for() -> None:
    """Whatever a config says: it cannot name a file, nor a module."""
    for action in ("rows.take", "rows:take", "./rows.py", "rows", "os.system"):
        path = workflows.save(Path(), {"name": "a", "action": action})
        message = f"FAIL a: unknown action: {action!r}\n"
        status, stdout, stderr = invoke("--config", path)
        assert (status, stdout) == (1, message)
        assert stderr.startswith(f"warning: unknown action `{action}`, so its steps will fail: ")
        assert stderr.count("\n") == 1
    path = workflows.save(Path(), {"name": "a", "action": "rows.take"}, actions=["rows.py"])
    assert invoke("--config", path).status == 1


def test_a_check_holds_each_input_against_its_schema(snapshot: SnapshotAssertion) -> None:
    """At its line and column, references taken for granted; the run fails for the same reasons."""
    inputs: list[Any] = [
        {"rows": {"from": "make"}, "count": {"param": "n", "default": 0}},
        {"rows": [{"from": "make"}, 5], "count": 1.5, "ordr": "last"},
        {"rows": {"literal": {"from": "make"}}, "count": True},
        {"row": [], "count": "2"},
        {"rows": [], "count": 1, "order": "middle"},
        "all",
    ]
    steps = [
        {"name": f"take {number}", "action": "rows.take", "input": given, "optional": True}
        for number, given in enumerate(inputs)
    ]
    steps.append({"name": "without", "action": "rows.take", "optional": True})
    document = workflows.config(MAKE, *steps)
    Path("config.json").write_text(json.dumps(document, indent=2))
    check = invoke("check", "--actions", "rows.py", "config.json")
    assert (check.status, check.stderr) == (OK, "")
    assert check.stdout == snapshot(name="check")
    run = invoke("--config", "config.json", "--actions", "rows.py")
    assert run.stdout == snapshot(name="run")


@pytest.mark.parametrize(
    ("sources", "fault"),
    [
        (["missing.py"], "missing.py: No such file or directory"),
        (["rows.py", "again.py"], "again.py: the name `rows.take` is already taken (rows.py)"),
        (["echo.py"], "echo.py: the name `echo` is already taken (built-in)"),
        (["broken.py"], "broken.py: line 1: expected '('"),
        (
            ["no_such_module"],
            "no_such_module: no such module; to load a file, give its path",
        ),
    ],
)
@pytest.mark.parametrize("command", ["--config", "check", "plan", "schema", "actions"])
def test_actions_that_cannot_be_loaded_are_told(
    command: str, sources: list[str], fault: str
) -> None:
    """Nothing is run, and nothing printed; exit 2."""
    Path("again.py").write_text(ROWS)
    Path("echo.py").write_text("import driftflow\n@driftflow.action\ndef echo(value): ...\n")
    Path("broken.py").write_text("def broken:\n")
    path = workflows.save(Path(), {}, flags={"audit": True})
    words: dict[str, list[object]] = {
        "--config": ["--config", path],
        "check": ["check", path],
        "plan": ["plan", "--config", path],
    }
    options = [word for source in sources for word in ("--actions", source)]
    done = invoke(*words.get(command, [command]), *options)
    assert (done.status, done.stdout) == (WRONG_INPUT, "")
    assert done.stderr.startswith(f"error: {fault}")
    assert done.stderr.count("\n") == 1
    assert not Path("driftflow.audit.json").exists()


@pytest.mark.parametrize(
    ("params", "output"),
    [
        (["x=a=b"], "a=b"),
        (["x="], ""),
        (["x=5"], "5"),
        (["x:=5"], 5),
        (["x:= [1, null] "], [1, None]),
        (['x:={"from": "make"}'], {"from": "make"}),
        (["x={from}"], "{from}"),
        (["x=\u00e9\n"], "é\n"),
    ],
)
def test_a_parameter_is_a_text_or_json(params: list[str], output: Any) -> None:
    """And nothing in it is a reference."""
    path = workflows.save(Path(), {"input": {"param": "x"}})
    done = invoke("--config", path, "--print-json", *(f"--param={param}" for param in params))
    assert json.loads(done.stdout)["results"][0]["output"] == output


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        (["x"], "error: `--param x` has no name or no value: write `--param NAME=VALUE`\nUsage:"),
        (["=x"], "error: `--param =x` has no name or no value: write `--param NAME=VALUE`\nUsage:"),
        (
            [":=5"],
            "error: `--param :=5` has no name or no value: write `--param NAME=VALUE`\nUsage:",
        ),
        (["x=1", "x:=1"], "error: the parameter `x` is given twice\nUsage:"),
        (["x:=monday"], "error[syntax]: invalid JSON: expected a value\n --> --param x:1:1\n"),
        (
            ["x:=[1,]"],
            "error[syntax]: invalid JSON: trailing comma\n --> --param x:1:3",
        ),
        (["x:=NaN"], "error[not-finite]: NaN is not a JSON number\n --> --param x:1:1\n"),
        (["x:="], "error[syntax]: invalid JSON: the document is empty\n --> --param x:1:1\n"),
        ([], "error[missing-param]: the parameter `x` is not given\n --> config.json:1:"),
        (["x=1", "xx=2"], "error[unknown-param]: no step uses the parameter `xx`\n --> config"),
    ],
)
@pytest.mark.parametrize("command", [["--config"], ["plan", "--config"]])
def test_a_wrong_parameter_is_told(command: list[str], params: list[str], fault: str) -> None:
    """Before anything is run; exit 2."""
    path = workflows.save(Path(), {"input": {"param": "x"}}, flags={"audit": True})
    done = invoke(*command, path, *(word for param in params for word in ("--param", param)))
    assert (done.status, done.stdout) == (WRONG_INPUT, "")
    assert done.stderr.startswith(fault)
    assert not Path("driftflow.audit.json").exists()


def test_a_text_that_is_given_as_json_has_a_hint() -> None:
    """Not that of a config. The text is not shown, since it may be a secret."""
    path = workflows.save(Path(), {"input": {"param": "x"}})
    for text in ("monday", '["monday"', "[NaN, 1e999]", '{"monday": 1, "monday": 2}'):
        done = invoke("--config", path, "--param", f"x:={text}")
        assert "monday" not in done.stderr
        assert "1e999" not in done.stderr
    done = invoke("--config", path, "--param", "x:=monday")
    assert done.stderr.endswith("= help: to pass a string, write `--param x=...`\n")


def test_a_check_misses_no_parameter() -> None:
    """Which ones are given is a matter of the run."""
    path = workflows.save(Path(), {"input": {"param": "x"}})
    assert invoke("check", "--strict", path) == (OK, "1 file: nothing to report\n", "")


def test_the_library_takes_actions_and_parameters() -> None:
    """Functions by name, files, modules; any JSON value."""
    path = taking({"rows": {"param": "rows"}, "count": 1})
    rows: Json = [{"day": None}]
    result = run_workflow(path, actions=["rows.py"], params={"rows": rows}, strict=True)
    assert result["results"][1]["output"] == rows
    by_name = run_workflow(path, actions={"rows.take": len}, params={"rows": rows})
    assert by_name["results"][1]["output"] == 2
    with pytest.raises(
        TypeError, match="the parameter 'rows' is not a JSON value: a value of type set"
    ):
        run_workflow(path, params={"rows": {1}})  # type: ignore[dict-item]  # the point of the test
    with pytest.raises(TypeError, match="the name of a parameter must be a string, not 1"):
        run_workflow(path, params={1: 2})  # type: ignore[dict-item]  # the point of the test
    with pytest.raises(ActionsError):
        run_workflow(path, actions={"echo": len}, params={"rows": rows})


def test_the_schema_knows_the_actions_that_are_listed() -> None:
    """And only then; a validator holds inputs against them."""
    published = (CHECKOUT / "schema" / "driftflow.schema.json").read_text("utf-8")
    assert invoke("schema").stdout == published
    assert invoke("schema", "--output", "own.json", "--actions", "rows.py") == (OK, "", "")
    schema = json.loads(Path("own.json").read_text("utf-8"))
    offered = schema["properties"]["steps"]["items"]["properties"]["action"]["anyOf"][0]["enum"]
    listed = [
        line.split()[0] for line in invoke("actions", "--actions", "rows.py").stdout.splitlines()
    ]
    assert offered == listed == ["echo", "upper", "lower", "reverse", "rows.take", "fail"]
    judge = Draft7Validator(schema)
    good = json.loads(taking({"rows": {"from": "make"}, "count": 1}).read_text())
    bad = json.loads(taking({"rows": {"from": "make"}, "count": "1"}).read_text())
    assert (judge.is_valid(good), judge.is_valid(bad)) == (True, False)
    nowhere = invoke("schema", "--output", "no/own.json", "--actions", "rows.py")
    assert nowhere.status == NOT_WRITTEN


@pytest.mark.parametrize("strict", [False, True])
def test_a_file_of_actions_is_run_once(*, strict: bool) -> None:
    """Though it serves the check, the run, or both."""
    Path("once.py").write_text(f"{ROWS}\nwith open('runs', 'a') as file:\n    file.write('x')\n")
    path = taking({"rows": {"from": "make"}, "count": 1})
    run_workflow(path, actions=["once.py"], strict=strict)
    assert Path("runs").read_text() == "x"
    option = ["--strict"] if strict else []
    assert invoke("--config", path, "--actions", "once.py", *option).status == OK
    assert Path("runs").read_text() == "xx"


def test_what_others_code_prints_is_no_result() -> None:
    """It goes to stderr, when a file is loaded and when an action is performed."""
    Path("loud.py").write_text(
        "import driftflow\n"
        "print('loaded')\n"
        "@driftflow.action\n"
        "def say(value):\n"
        "    print('said', value)\n"
        "    return value\n"
    )
    path = workflows.save(Path(), {"name": "a", "action": "say", "input": 1})
    loud = ("--actions", "loud.py")
    assert invoke("--config", path, *loud) == (OK, "OK a: 1\n", "loaded\nsaid 1\n")
    document = invoke("--config", path, "--print-json", *loud)
    assert json.loads(document.stdout)["status"] == "ok"
    assert json.loads(invoke("schema", *loud).stdout)["title"] == "DriftFlow workflow"
    assert "loaded" not in invoke("check", *loud, path).stdout
    spawned = spawn("--config", path, *loud, cwd=Path.cwd())
    assert spawned == (OK, "OK a: 1\n", "loaded\nsaid 1\n")


def test_a_report_never_drives_the_terminal() -> None:
    """Whatever the operator's code calls itself."""
    Path("odd.py").write_text(
        "import driftflow\n"
        "@driftflow.action(name='a\\nb\\x1b')\n"
        "def odd(value):\n"
        "    '''Do\\x1b[31m it.'''\n"
        "    raise OSError('\\x1b[2J')\n"
    )
    listed = invoke("actions", "--actions", "odd.py").stdout
    assert "a\\nb\\x1b" in listed
    assert "Do\\x1b[31m it." in listed
    assert listed.count("\n") == 5
    path = workflows.save(Path(), {"name": "s", "action": "a\nb\x1b"})
    assert invoke("--config", path, "--actions", "odd.py").stdout == "FAIL s: \\x1b[2J\n"
    Path("odd.py").write_text("raise OSError('\\x1b[2J\\n')\n")
    assert "\x1b" not in invoke("actions", "--actions", "odd.py").stderr


@pytest.mark.parametrize("leaver", ["leave.py", "leave", "entry point"])
def test_code_that_changes_the_working_directory_moves_nothing(leaver: str, tmp_path: Path) -> None:
    """Neither the config, nor what is written, nor other files of actions; in no command."""
    for place in (tmp_path / "site", tmp_path / "away"):
        place.mkdir()
        for name in ("config.json", "more.py", "own.json", "audit.jsonl"):
            (place / name).write_text("none of these")
    leaving = (
        "import os, driftflow\n"
        f"os.chdir({str(tmp_path / 'away')!r})\n"
        "@driftflow.action\n"
        "def where(_): return os.path.basename(os.getcwd())\n"
    )
    for path in (tmp_path / "leave.py", tmp_path / "site" / "leave.py"):
        path.write_text(leaving)
    metadata = tmp_path / "site" / "leave-1.0.dist-info"
    if leaver == "entry point":
        metadata.mkdir()
        (metadata / "METADATA").write_text("Name: leave\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[driftflow.actions]\nwhere = leave:where\n")
    (tmp_path / "more.py").write_text("import driftflow\n@driftflow.action\ndef more(_): ...\n")
    workflows.save(tmp_path, {"name": "a", "action": "where"}, {"name": "b", "action": "more"})
    environ = {"PYTHONPATH": str(tmp_path / "site")}
    options = [] if leaver == "entry point" else ["--actions", leaver]
    options += ["--actions", "more.py"]

    def start(*words: str) -> Outcome:
        done = spawn(*words, *options, cwd=tmp_path, environ=environ)
        assert (done.status, done.stderr) == (OK, "")
        return done

    lines = f"OK a: {tmp_path.name}\nOK b: null\n"
    for option in ([], ["--enforce-timeout"]):
        assert start("--config", "config.json", "--audit", "audit.jsonl", *option).stdout == lines
    assert (tmp_path / "audit.jsonl").read_text().count("\n") == 12
    assert "unknown" not in start("plan", "--config", "config.json").stdout
    assert start("check", "--strict", "config.json").stdout == "1 file: nothing to report\n"
    start("schema", "--output", "own.json")
    assert json.loads((tmp_path / "own.json").read_text())["title"] == "DriftFlow workflow"


def test_an_installed_package_is_found_by_name(tmp_path: Path) -> None:
    """That of the page, built and installed; no option is given, and others never see it."""
    files = named("docs/how-to/actions.md")
    package = tmp_path / "package"
    package.mkdir()
    (package / "pyproject.toml").write_text(files["package/pyproject.toml"])
    (package / "orders.py").write_text(files["orders.py"])
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    where = ["--target", str(tmp_path / "site"), str(package)]
    subprocess.run(
        [*pip, "--no-index", "--no-deps", "--no-build-isolation", *where],
        env=process_environment(),
        check=True,
        capture_output=True,
    )
    config = tmp_path / "orders.driftflow.json"
    config.write_text(files["orders.driftflow.json"])
    environ = {"PYTHONPATH": str(tmp_path / "site")}
    run = spawn("--config", config, cwd=tmp_path, environ=environ)
    assert run == Outcome(
        OK,
        'OK fetch: [{"id":1,"sum":20},{"id":2,"sum":22}]\nOK total: {"orders":2,"sum":42}\n',
        "",
    )
    checked = spawn("check", "--strict", config, cwd=tmp_path, environ=environ)
    assert checked.stdout == "1 file: nothing to report\n"
    listed = spawn("actions", cwd=tmp_path, environ=environ).stdout.splitlines()
    assert [line.split()[0] for line in listed[4:]] == ["orders.of", "total"]
    assert all(line.endswith("  orders 1.0") for line in listed[4:])
    plan = spawn("plan", "--config", config, cwd=tmp_path, environ=environ)
    assert "(unknown)" not in plan.stdout
    assert "total (unknown)" in spawn("plan", "--config", config, cwd=tmp_path).stdout


def test_a_package_that_is_broken_stops_the_run_that_names_it(tmp_path: Path) -> None:
    """And no other."""
    metadata = tmp_path / "site" / "acme-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Name: acme\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[driftflow.actions]\nrows.make = acme:make\n")
    (tmp_path / "site" / "acme.py").write_text("import no_such_thing\n")
    environ = {"PYTHONPATH": str(tmp_path / "site")}
    workflows.save(tmp_path, {}, {"action": "shout", "optional": True})
    assert spawn("--config", "config.json", cwd=tmp_path, environ=environ).status == 1
    workflows.save(tmp_path, {}, {"action": "rows.make"})
    done = spawn("--config", "config.json", cwd=tmp_path, environ=environ)
    assert (done.status, done.stdout) == (WRONG_INPUT, "")
    assert done.stderr.startswith("error: the entry point `rows.make`: ")
    assert "acme.py:1: ModuleNotFoundError: No module named 'no_such_thing'" in done.stderr


def test_a_strict_run_is_not_refused_for_a_default_that_it_does_not_need() -> None:
    """Without the parameter it is."""
    path = taking({"rows": {"from": "make"}, "count": {"param": "n", "default": None}})
    strict = ("--config", path, "--strict", "--actions", "rows.py")
    assert invoke(*strict, "--param", "n:=1").status == OK
    assert invoke(*strict).status == WRONG_INPUT
