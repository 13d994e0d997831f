"""What lies in the working directory is data: nothing of it is run, unless its path is given."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import workflows
from support.command import CHECKOUT, Outcome, process_environment

EVIL = "open({name!r}, 'w')\nraise SystemExit('evil: {name}')\n"
# What DriftFlow, its libraries and Python itself may try to import.
MODULES = (
    *("fqdn", "idna", "webcolors", "rfc3987", "isoduration", "uri_template"),
    *("__future__", "contextlib", "typing", "json", "docopt", "jsonschema", "socket"),
    *("sitecustomize", "usercustomize", "multiprocessing", "subprocess", "driftflow"),
)
# A workflow with mistakes that it takes jsonschema to explain.
WRONG = {"name": 1, "steps": [{"name": "a", "action": ""}]}


@pytest.fixture(autouse=True)
def _evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that others can write to."""
    monkeypatch.chdir(tmp_path)
    for name in MODULES:
        Path(f"{name}.py").write_text(EVIL.format(name=f"{name} ran"))
    Path("evil.py").write_text(EVIL.format(name="evil ran"))
    for folder in ("evil-1.0.dist-info", "evil2.egg-info"):
        Path(folder).mkdir()
        for name in ("METADATA", "PKG-INFO"):
            Path(folder, name).write_text(f"Name: {folder.partition('-')[0]}\nVersion: 1.0\n")
        Path(folder, "entry_points.txt").write_text("[driftflow.actions]\nshout = evil:shout\n")
    Path("wrong.json").write_text(json.dumps(WRONG))
    workflows.save(Path(), {"action": "shout"}, flags={"parallel": True})


def run(program: list[object], *arguments: object, cwd: str = ".") -> Outcome:
    """Run DriftFlow, and see that nothing of the folder was run.

    But for what any `python -m` looks for there before it comes to the program's first line.
    """
    if program[1:] == ["-m", "driftflow"]:
        loading = [sys.executable, "-P", "-c", "import runpy, sys; print(*sys.modules)"]
        for name in ["driftflow", *subprocess.check_output(loading, text=True).split()]:
            Path(f"{name}.py").unlink(missing_ok=True)
        assert Path("typing.py").exists()
        assert Path("__future__.py").exists()
    done = subprocess.run(
        [*map(str, program), *map(str, arguments)],
        cwd=cwd,
        env=process_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
        text=True,
    )
    assert [*Path().rglob("* ran")] == []
    return Outcome(done.returncode, done.stdout, done.stderr)


PROGRAMS: dict[str, list[object]] = {
    "module": [sys.executable, "-m", "driftflow"],
    "safe module": [sys.executable, "-P", "-m", "driftflow"],
    "script": [Path(sys.executable).with_name("driftflow")],
}
PACK = ("--actions", "driftflow.packs.files")


@pytest.mark.parametrize("program", ["module", "script"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--config", "config.json", *PACK], 1),
        (["--config", "config.json", *PACK, "--enforce-timeout"], 1),
        (["--config", "wrong.json", *PACK], 2),
        (["check", "--strict", *PACK, "config.json", "wrong.json"], 1),
        (["plan", "--config", "config.json", *PACK], 0),
        (["plan", "--config", "wrong.json"], 2),
        (["actions", *PACK], 0),
        (["schema", *PACK], 0),
        (["schema"], 0),
        (["actions", "--actions", "evil"], 2),
    ],
)
def test_nothing_in_the_working_directory_is_run(
    program: str, arguments: list[str], status: int
) -> None:
    """No module, nothing that only looks installed; by no command."""
    done = run(PROGRAMS[program], *arguments)
    assert done.status == status
    assert "Traceback" not in done.stderr
    if "config.json" in arguments and status != 2:
        assert "unknown" in done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_only_a_path_lets_what_lies_beside_it_be_imported(program: str) -> None:
    """And even then, what is installed stays what it is to others; a name gets a hint."""
    Path("jobs").mkdir()
    Path("jobs/orders.py").write_text(
        "import driftflow, helper\n@driftflow.action\ndef shout(value): return helper.NAME\n"
    )
    Path("jobs/helper.py").write_text("NAME = 'HELPER'\n")
    Path("jobs/json.py").write_text(EVIL.format(name="json ran"))
    Path("evil-1.0.dist-info").rename("jobs/evil-1.0.dist-info")
    Path("jobs/evil-1.0.dist-info/entry_points.txt").write_text("[driftflow.actions]\nx = evil:x\n")
    Path("evil.py").rename("jobs/evil.py")
    steps = {"name": "a", "action": "shout"}, {"name": "b", "action": "upper", "input": 5}
    config = workflows.save(Path(), *steps).resolve()
    printed = "OK a: HELPER\nFAIL b: upper takes a string, not an integer\n"
    for option in ([], ["--enforce-timeout"]):
        words = ("--config", config, "--actions", "./jobs/orders.py", *option)
        assert run(PROGRAMS[program], *words) == (1, printed, "")
    Path("jobs/both.py").write_text("import json\n")
    both = run(PROGRAMS[program], "--config", config, "--actions", "./jobs/both.py")
    assert (both.status, both.stdout) == (2, "")
    paths = f"{Path('jobs/json.py').resolve()} and {json.__file__}"
    assert f"two modules are named `json`, {paths}, and" in both.stderr
    named = run(PROGRAMS[program], "--config", config, "--actions", "orders", cwd="jobs")
    assert (named.status, named.stdout) == (2, "")
    assert named.stderr == ("error: orders: no such module; did you mean the file `./orders.py`?\n")


@pytest.mark.parametrize("trap", ["helper", "helper/__init__.py"])
def test_a_relative_import_in_a_file_leads_to_no_other_place(trap: str) -> None:
    """It is an ImportError, which those expect who write for scripts and packages alike."""
    Path("jobs").mkdir()
    Path("jobs/orders.py").write_text(
        "import driftflow\n"
        "try:\n    from . import helper\nexcept ImportError:\n    import helper\n"
        "@driftflow.action\ndef shout(_): return helper.NAME\n"
    )
    Path("jobs/helper.py").write_text("NAME = 'HELPER'\n")
    here = Path("here")
    Path(here, trap).parent.mkdir(parents=True)
    Path(here, trap).write_text(EVIL.format(name="helper ran"))
    workflows.save(here, {"name": "a", "action": "shout"})
    words = ("--config", "config.json", "--actions", "../jobs/orders.py")
    for option in ([], ["--enforce-timeout"]):
        done = run(PROGRAMS["script"], *words, *option, cwd="here")
        assert done == (0, "OK a: HELPER\n", "")
    assert run(PROGRAMS["script"], "plan", *words, cwd="here").status == 0
    check = ("check", "--strict", "--actions", "../jobs/orders.py", "config.json")
    assert run(PROGRAMS["script"], *check, cwd="here").status == 0


@pytest.mark.parametrize("words", [["-m", "driftflow"], ["-P", "-m", "driftflow"]])
def test_what_the_operator_puts_on_the_path_stays_there(words: list[str]) -> None:
    """The working directory too; `-P` takes nothing from it."""
    Path("site").mkdir()
    Path("site/team.py").write_text("import driftflow\n@driftflow.action\ndef shout(_): return 1\n")
    environ = process_environment({"PYTHONPATH": str(Path("site").resolve())})
    done = subprocess.run(
        [sys.executable, *words, "actions", "--actions", "team"],
        cwd="site",
        env=environ,
        capture_output=True,
        check=False,
        timeout=60,
        text=True,
    )
    assert done.stdout.splitlines()[4].split() == ["shout", "team"]


def test_a_bare_checkout_runs_and_so_do_its_children(tmp_path: Path) -> None:
    """Though DriftFlow is not installed: `python -m` alone finds it, in the working directory."""
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("driftflow", "schema"):
        (bare / name).symlink_to(CHECKOUT / name)
    (bare / "evil.py").write_text(EVIL.format(name="evil ran"))
    workflows.save(bare, {"name": "a"})
    libraries = next(entry for entry in sys.path if entry.endswith("site-packages"))
    script = (
        # As `python -m` does it, without what the environment of the tests has installed.
        f"import os, sys; sys.path = [os.getcwd(), *sys.path[1:], {libraries!r}]\n"
        "import runpy; runpy.run_module('driftflow', run_name='__main__', alter_sys=True)"
    )
    program: list[object] = [sys._base_executable, "-c", script]  # type: ignore[attr-defined]  # noqa: SLF001 - a Python without DriftFlow
    for option in ([], ["--enforce-timeout"]):
        done = run(program, "--config", "config.json", *option, cwd=str(bare))
        assert done == (0, "OK a: \n", "")
    assert run(program, "actions", "--actions", "evil", cwd=str(bare)).status == 2
