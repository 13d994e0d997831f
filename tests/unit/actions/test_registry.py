"""Where actions come from: the order in which they are looked up, and what can go wrong."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import types
from contextlib import suppress
from functools import partial, wraps
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.command import process_environment

import driftflow
from driftflow.actions.action import ACTIONS, action
from driftflow.actions.registry import (
    Actions,
    load_again,
    load_all,
    refuse_unreachable,
    resolve_actions,
)
from driftflow.errors import ActionsError

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = '''
import driftflow

@driftflow.action
def clean(rows):
    """Drop what is empty.

    More.
    """
    return [row for row in rows if row]

@driftflow.action(name="rows.count", schema={"type": "array"})
def count(rows):
    return len(rows)

def helper(value):
    return value
'''


@pytest.fixture(autouse=True)
def _as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In an empty folder; what is imported and importable is as before afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = {*sys.modules}
    yield
    for name in sys.modules.keys() - before:
        del sys.modules[name]


def install(folder: Path, package: str, entry_points: str, code: str = CODE) -> None:
    """Put an installed package beside the folder: its metadata, and one module of its name."""
    metadata = folder / f"{package}-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {package}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(f"[driftflow.actions]\n{entry_points}\n")
    (folder / f"{package}.py").write_text(code)
    assert PathDistribution(metadata).metadata["Name"] == package
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def fault(given: Any) -> ActionsError:
    """Why that cannot be gathered."""
    with pytest.raises(ActionsError) as caught:
        resolve_actions(given)
    assert str(caught.value) == f"{caught.value.source}: {caught.value.reason}"
    return caught.value


def test_without_anything_given_there_is_what_is_built_in() -> None:
    """Under its own name, from nowhere else."""
    assert dict(resolve_actions(())) == ACTIONS
    assert {known.origin for known in resolve_actions([]).values()} == {"built-in"}
    assert "clean" not in resolve_actions(())
    with pytest.raises(KeyError):
        resolve_actions(())["clean"]


def test_what_was_gathered_is_not_gathered_again() -> None:
    """So that a file is run once."""
    known = resolve_actions({"clean": len})
    assert resolve_actions(known) is known


def test_a_file_gives_the_functions_that_are_marked(tmp_path: Path) -> None:
    """In their order, by their names; with their first lines, schemas, and its own path."""
    (tmp_path / "jobs.py").write_text(CODE)
    known = resolve_actions(["./jobs.py"])
    assert [*known][4:] == ["clean", "rows.count"]
    clean, count = known["clean"], known["rows.count"]
    assert clean.function([1, 0]) == [1]
    assert (clean.summary, clean.origin, clean.schema) == ("Drop what is empty.", "./jobs.py", None)
    assert (count.summary, count.origin, count.schema) == ("", "./jobs.py", {"type": "array"})


def test_an_input_that_breaks_the_schema_never_reaches_the_function(tmp_path: Path) -> None:
    """It is told in our words, at most three things of them."""
    (tmp_path / "jobs.py").write_text(CODE)
    count = resolve_actions(["jobs.py"])["rows.count"]
    assert count.function([1, 2]) == 2
    assert count.accepts is not None
    assert (count.accepts([]), count.accepts("ab")) == (True, False)
    with pytest.raises(TypeError, match=r"^rows\.count takes an array, not a string$"):
        count.function("ab")
    called: list[Any] = []
    listing = {"type": "array", "items": {"type": "string"}}

    @action(schema=listing)
    def note(value: Any) -> None:
        called.append(value)

    known = resolve_actions([note])
    with pytest.raises(TypeError) as caught:
        known["note"].function([1, "a", 2, 3, 4])
    assert str(caught.value) == "; ".join(
        [f"`[{place}]` must be a string, not an integer" for place in (0, 2, 3)] + ["and more"]
    )
    assert called == []


def test_a_file_is_code_like_any_other(tmp_path: Path) -> None:
    """It imports what lies beside it, dataclasses find it, and two may have one name."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"helper_{folder}.py").write_text(f"NAME = {folder!r}\n")
        (tmp_path / folder / "jobs.py").write_text(
            "from __future__ import annotations\n"
            "from dataclasses import dataclass\n"
            "import driftflow\n"
            f"from helper_{folder} import NAME\n"
            "@dataclass\n"
            "class Row:\n"
            "    name: str\n"
            "@driftflow.action(name=f'name.{NAME}')\n"
            "def name(_):\n"
            "    return Row(NAME).name\n"
        )
    known = resolve_actions(["a/jobs.py", str(tmp_path / "b" / "jobs.py")])
    assert [known[name].function(None) for name in ("name.a", "name.b")] == ["a", "b"]


def test_a_module_is_given_by_its_name(tmp_path: Path) -> None:
    """If Python finds it: what is installed earlier goes first."""
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "__init__.py").write_text("")
    (tmp_path / "team" / "jobs.py").write_text(CODE)
    (tmp_path / "json.py").write_text(CODE)
    sys.path.append(str(tmp_path))
    assert resolve_actions(["team.jobs"])["clean"].origin == "team.jobs"
    unmarked = "it has no function marked with `@driftflow.action` ("
    assert fault(["json"]).reason.startswith(unmarked)
    assert fault(["json"]).reason.endswith("/json/__init__.py)")
    assert fault(["sys"]).reason == f"{unmarked}built into Python)"


def test_a_module_in_the_working_directory_is_not_there() -> None:
    """The message says how it is named; and nothing of it was run."""
    for name in ("orders", "team", "team/jobs", "team/__init__", "team/sub/__init__"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(f"{name}.py").write_text("raise SystemExit(name)\n")
    here = "no such module; did you mean the file "
    assert fault(["orders"]).reason == f"{here}`./orders.py`?"
    assert fault(["team.jobs"]).reason == f"{here}`./team/jobs.py`?"
    folder = "no such module; did you mean the folder "
    assert fault(["team.sub"]).reason == f"{folder}`./team/sub/`?"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("orders")


def test_a_folder_is_given_as_a_package(tmp_path: Path) -> None:
    """With its relative imports; what lies beside it can be imported, what lies in it cannot."""
    for folder in ("a", "b"):
        (tmp_path / folder / "jobs").mkdir(parents=True)
        (tmp_path / folder / "jobs" / "helper.py").write_text(f"NAME = {folder!r}\n")
        (tmp_path / folder / f"beside_{folder}.py").write_text("")
        (tmp_path / folder / "jobs" / "__init__.py").write_text(
            f"import driftflow, beside_{folder}\n"
            "from .helper import NAME\n"
            "@driftflow.action(name=f'name.{NAME}')\n"
            "def name(_):\n"
            "    from . import helper\n"
            "    return helper.NAME\n"
            "try:\n"
            "    import helper\n"
            "except ModuleNotFoundError as error:\n"
            "    MISSING = error.name\n"
        )
    known = resolve_actions(["./a/jobs/", "b/jobs"])
    assert [known[name].function(None) for name in ("name.a", "name.b")] == ["a", "b"]
    assert known["name.a"].origin == "./a/jobs/"
    assert known.addresses == (f"{tmp_path}/a/jobs", f"{tmp_path}/b/jobs")
    found = load_again(["name.b"], known.addresses)
    assert found["name.b"].function(None) == "b"
    module = sys.modules[known["name.b"].function.__module__]
    assert module.MISSING == "helper"
    assert resolve_actions([module]).addresses == (module.__name__,)
    assert load_again(["name.b"], [module.__name__])["name.b"].function(None) == "b"
    (tmp_path / "b" / "jobs" / "helper.py").write_text("x = 1\nfrom . import nothing\n")
    error = fault(["b/jobs"])
    assert error.reason.startswith(f"{tmp_path}/b/jobs/helper.py:2: ImportError: cannot import ")
    assert module.__name__ not in sys.modules


def test_what_lies_beside_a_file_is_not_installed(tmp_path: Path) -> None:
    """The file may import it; but it provides no entry points, of no newer version either."""
    for folder, package in (("site", "acme"), ("jobs", "acme"), ("jobs", "evil")):
        (tmp_path / folder).mkdir(exist_ok=True)
        install(tmp_path / folder, package, f"{folder}.{package} = {package}:clean")
    sys.path.remove(str(tmp_path / "jobs"))
    (tmp_path / "jobs" / "orders.py").write_text("import evil\nfrom evil import count\n")
    known = resolve_actions(["jobs/orders.py"])
    assert [*known][4:] == ["rows.count", "site.acme"]
    assert known["site.acme"].origin == "acme 1.2"


def test_of_a_package_that_is_installed_twice_the_first_counts(tmp_path: Path) -> None:
    """However its name is spelled, as Python itself has it."""
    for folder, package in (("one", "my_acme"), ("two", "My.Acme")):
        (tmp_path / folder).mkdir()
        install(tmp_path / folder, package, f"{folder} = {package}:clean")
    assert [*resolve_actions(())][4:] == ["one"]


def test_a_program_gives_functions_by_name_marked_functions_and_modules(tmp_path: Path) -> None:
    """Or names and paths, as the command line does."""
    (tmp_path / "jobs.py").write_text(CODE)
    module = types.ModuleType("team")
    exec(CODE, vars(module))  # noqa: S102 - a module without a file

    def trim(value: str) -> str:
        """Cut blanks."""
        return value.strip()

    by_name = resolve_actions({"trim": trim, "rows.count": module.count})
    assert by_name["trim"].summary == "Cut blanks."
    assert by_name["trim"].origin == "given by the program"
    assert by_name["rows.count"].schema == {"type": "array"}
    assert [*resolve_actions([action(trim), module])][4:] == ["trim", "clean", "rows.count"]
    assert resolve_actions([module])["clean"].origin == "team"
    assert [*resolve_actions("jobs.py")][4:] == ["clean", "rows.count"]
    assert [*resolve_actions([tmp_path / "jobs.py"])][4:] == ["clean", "rows.count"]
    assert [*resolve_actions(iter(["jobs.py"]))][4:] == ["clean", "rows.count"]


def test_a_name_that_is_taken_is_told() -> None:
    """By what; nothing is ever shadowed. The same function twice is no harm."""

    @action
    def clean(value: Any) -> Any:
        return value

    other = action(name="clean")(lambda value: value)
    assert [*resolve_actions([clean, clean])][4:] == ["clean"]
    assert (
        str(fault([clean, other]))
        == "actions: the name `clean` is already taken (given by the program)"
    )
    assert str(fault({"echo": clean})) == "actions: the name `echo` is already taken (built-in)"


def test_a_name_that_another_file_has_taken_is_told(tmp_path: Path) -> None:
    """By its path; the second one is named as the one at fault."""
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(CODE)
    assert str(fault(["a.py", "b.py"])) == "b.py: the name `clean` is already taken (a.py)"
    (tmp_path / "c.py").write_text("from a import clean\n")
    sys.path.append(str(tmp_path))
    for sources in (["a", "c.py"], ["a.py", "c.py"], ["c.py", "a.py"], ["a.py", "./a.py"]):
        known = resolve_actions(sources)
        assert {*known} - {*ACTIONS} == {"clean", "rows.count"}
        assert known["clean"].origin == sources[0]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import driftflow\n", "it has no function marked with `@driftflow.action` (/"),
        ("x = (\n", "line 1: '(' was never closed"),
        ("x = 1\nimport no_such_thing\n", "jobs.py:2: ModuleNotFoundError: "),
        ("def f():\n    raise OSError('down')\nf()\n", "jobs.py:2: OSError: down"),
        ("raise SystemExit(3)\n", "jobs.py:1: SystemExit: 3"),
        ("import json\njson.loads('')\n", "decoder.py:"),
        ("raise ValueError\n", "jobs.py:1: ValueError"),
        (
            "import driftflow\ndriftflow.action('x')\n",
            "jobs.py:2: TypeError: 'x' has no name: pass",
        ),
        ("import helper\n", "helper.py:2: "),
        ("x = '\0'\n", "source code"),
        (
            "class E(Exception):\n    def __str__(self):\n        raise OSError\nraise E\n",
            "jobs.py:4: E",
        ),
        (
            "import driftflow\n@driftflow.action\nasync def f(value): ...\n",
            "`f` is an async function; an action must be an ordinary function",
        ),
        (
            "import driftflow\n@driftflow.action(name='')\ndef f(value): ...\n",
            "the name of an action must be a non-empty string, not ''",
        ),
        (
            "import driftflow\n@driftflow.action(name=['a'])\ndef f(value): ...\n",
            "the name of an action must be a non-empty string, not ['a']",
        ),
        *(
            (
                f"import driftflow\n@driftflow.action(schema={schema})\ndef f(value): ...\n",
                f"the schema of `f` is invalid: {reason}",
            )
            for schema, reason in [
                ("{'enum': [{1, 2}]}", "not a JSON value: a value of type set, at enum[0]"),
                ("{'default': float('nan')}", "not a JSON value: nan, at default"),
                ("True", "it is not an object"),
                ("['a']", "it is not an object"),
                ("{'$ref': '#'}", "at $.$ref: `$ref` leads back to itself without end"),
                ("{'pattern': '['}", "at $.pattern: `pattern` must be a regular expression"),
                ("{'properties': {'a': {'pattern': '('}}}", "at $.properties.a.pattern: `patt"),
                ("{'properties': {'\\udc00': {}}}", "'utf-8' codec can't encode character"),
                (
                    "{'definitions': {'a': {'$ref': '#/b'}}}",
                    "at $.definitions.a.$ref: `$ref` leads nowhere: #/b",
                ),
                ("{'items': {'$id': 'x', 'allOf': []}}", "at $.items.allOf: "),
                (
                    "{'$schema': 'https://json-schema.org/draft/2020-12/schema'}",
                    "at $.$schema: only draft-07 is supported, not https://json-schema.org/draft/2020-12/",
                ),
            ]
        ),
        (
            "import driftflow\n@driftflow.action(schema={'type': 'strng'})\ndef f(_): ...\n",
            "the schema of `f` is invalid: at $.type: `type` must be one of `null`",
        ),
    ],
)
def test_code_that_cannot_be_loaded_is_told(code: str, reason: str, tmp_path: Path) -> None:
    """With the line at which it failed, and no traceback."""
    (tmp_path / "helper.py").write_text("x = 1\nx = (\n")
    (tmp_path / "jobs.py").write_text(code)
    error = fault(["jobs.py"])
    assert error.source == "jobs.py"
    assert reason in error.reason
    assert "\n" not in error.reason
    assert error.reason.count(".py:") <= 1


def test_what_only_looks_like_an_action_is_left_alone(tmp_path: Path) -> None:
    """A proxy of something that is not there, what has every attribute; odd docstrings."""
    (tmp_path / "jobs.py").write_text(
        "from unittest.mock import call\n"
        "import driftflow\n"
        "class Proxy:\n"
        "    def __getattr__(self, name):\n"
        "        raise RuntimeError('not yet')\n"
        "proxy = Proxy()\n"
        "@driftflow.action\n"
        "def clean(value):\n"
        "    return value\n"
        "clean.__doc__ = 5\n"
    )
    known = resolve_actions(["jobs.py"])
    assert [*known][4:] == ["clean"]
    assert known["clean"].summary == ""


def test_a_schema_cannot_be_changed_afterwards() -> None:
    """A copy of it counts."""
    schema: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    known = resolve_actions([action(name="f", schema=schema)(lambda value: value)])
    schema["type"] = "object"
    schema["items"].clear()
    assert known["f"].schema == {"type": "array", "items": {"type": "string"}}


def test_one_function_of_two_is_never_taken_for_the_other() -> None:
    """Though they come from one line."""

    def make(answer: int) -> Any:
        return action(name="f")(lambda _: answer)

    assert (
        str(fault([make(1), make(2)]))
        == "actions: the name `f` is already taken (given by the program)"
    )


def test_a_broken_package_stands_in_no_other_actions_way(tmp_path: Path) -> None:
    """In a listing it says what is wrong with it."""
    install(tmp_path, "acme", "broken = acme:nothing\nclean = acme:clean")
    known = load_all(resolve_actions(()))
    assert [*known][4:] == ["broken", "clean"]
    assert known["broken"].summary.startswith("cannot be loaded: AttributeError: module 'acme'")
    assert known["broken"].origin == "the entry point `broken`"
    assert known["clean"].summary == "Drop what is empty."


def test_an_interrupt_while_code_is_loaded_goes_through(tmp_path: Path) -> None:
    """It is no fault of the code."""
    (tmp_path / "jobs.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        resolve_actions(["jobs.py"])


LEAVING = "import os\nos.chdir('away')\n"


@pytest.mark.parametrize("end", ["", "raise SystemExit\n", "raise KeyboardInterrupt\n"])
@pytest.mark.parametrize("source", ["./jobs.py", "jobs", "entry point", "function"])
def test_code_that_leaves_the_working_directory_leaves_alone(
    source: str, end: str, tmp_path: Path
) -> None:
    """What comes after it is where it was; also if it fails."""
    (tmp_path / "away").mkdir()
    (tmp_path / "jobs.py").write_text(LEAVING + end + CODE)
    install(tmp_path, "acme", "act = acme:clean", LEAVING + end + CODE)
    with suppress(ActionsError, KeyboardInterrupt):
        if source == "entry point":
            resolve_actions([])["act"]
        elif source == "function":
            load_again(["act"], [("act", "acme", "clean")])
        else:
            resolve_actions([source])
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize(
    ("code", "cwd"),
    [
        ("os.rename(os.getcwd(), '../renamed'); os.chdir('/')", "renamed"),
        ("os.rmdir(os.getcwd()); os.chdir('/')", None),
        ("os.closerange(3, 99); file = open(__file__); os.chdir('..')", "."),
    ],
)
def test_there_is_a_way_back_unless_the_code_closes_it(
    code: str, cwd: str | None, tmp_path: Path
) -> None:
    """Whatever has become of the name; and what else is open stays so."""
    code = CODE.replace("for row in rows", "for row in file").replace("\n\n", f"\n{code}\n", 1)
    (tmp_path / "jobs.py").write_text(f"import os\nfile = 'a'\n{code}")
    (tmp_path / "here").mkdir()
    script = (
        "import os, sys\n"
        "from driftflow.actions.registry import resolve_actions\n"
        "known = resolve_actions([sys.argv[1]])\n"
        "assert known['clean'].function([])\n"
        "print(os.path.relpath(os.getcwd(), sys.argv[2]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "jobs.py", tmp_path],
        cwd=tmp_path / "here",
        env=process_environment(),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stdout == (f"{cwd}\n" if cwd else "")
    assert ("FileNotFoundError" in done.stderr) == (cwd is None)


def test_a_working_directory_that_cannot_be_opened_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is no reason to load nothing."""
    (tmp_path / "away").mkdir()
    (tmp_path / "jobs.py").write_text(LEAVING + CODE)

    def refuse(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(os, "open", refuse)
    assert "clean" in resolve_actions(["jobs.py"])
    assert Path.cwd() == tmp_path / "away"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("missing.py", "No such file or directory"),
        ("sub/missing.py", "No such file or directory"),
        ("folder.py", "the folder is not a package: it has no `__init__.py`"),
        ("./folder.py/", "the folder is not a package: it has no `__init__.py`"),
        ("./nothing.so", "neither a folder nor a `.py` file"),
        (
            "missing.module",
            "no such module; to load a file, give its path, as in `./actions.py`",
        ),
        ("sub/jobs", "neither a folder nor a `.py` file"),
        ("missing", "no such module; to load a file, give its path, as in `./actions.py`"),
        ("jobs file", "neither a module name nor a path: a path ends in `.py` or contains a `/`"),
        ("", "neither a module name nor a path: a path ends in `.py` or contains a `/`"),
        ("nul\0.py", "neither a module name nor a path: a path ends in `.py` or contains a `/`"),
    ],
)
def test_what_is_not_there_is_told(source: str, reason: str) -> None:
    """In words."""
    Path("folder.py").mkdir()
    assert str(fault([source])) == f"{source}: {reason}"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([len], "`len` is not marked with `@driftflow.action`"),
        ([5], "`int` is not marked with `@driftflow.action`"),
        ({"": len}, "the name of an action must be a non-empty string, not ''"),
        ({5: len}, "the name of an action must be a non-empty string, not 5"),
        ({"five": 5}, "`five` is not a function"),
    ],
)
def test_what_is_no_action_is_told(given: Any, reason: str) -> None:
    """It was given by the program."""
    assert str(fault(given)) == f"actions: {reason}"


def test_an_installed_package_provides_actions(tmp_path: Path) -> None:
    """By the names of its entry points; a function need not be marked."""
    points = "clean = acme:clean\ntally = acme:count\nhelp = acme:helper"
    install(tmp_path, "acme", points)
    known = resolve_actions({"mine": len})
    assert [*known][4:] == ["mine", "clean", "help", "tally"]
    assert len(known) == 8
    assert "tally" in known
    assert "acme" not in sys.modules
    assert known["tally"].schema == {"type": "array"}
    assert known["clean"].function([0, 1]) == [1]
    assert {known[name].origin for name in ("clean", "help", "tally")} == {"acme 1.2"}
    assert known["help"].function(5) == 5


def test_packages_are_looked_at_only_for_what_nothing_else_provides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And imported only for that."""
    install(tmp_path, "acme", "echo = acme:clean\nmine = acme:clean\nclean = acme:clean")
    known = resolve_actions({"mine": len})
    assert (known["echo"].origin, known["mine"].origin) == ("built-in", "given by the program")
    assert "acme" not in sys.modules
    monkeypatch.setattr("importlib.metadata.distributions", None)
    assert resolve_actions({"mine": len})["mine"].summary
    with pytest.raises(ActionsError):
        resolve_actions({"mine": len})["clean"]


@pytest.mark.parametrize(
    ("code", "point", "reason"),
    [
        ("import no_such_thing\n", "acme:clean", "acme.py:1: ModuleNotFoundError: "),
        (CODE, "acme:nothing", "AttributeError: module 'acme' has no attribute 'nothing'"),
        ("clean = 5\n", "acme:clean", "`clean` is not a function"),
        (CODE, "acme", "`clean` is not a function"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_told(
    code: str, point: str, reason: str, tmp_path: Path
) -> None:
    """When its action is looked up, not before; the name counts as known."""
    install(tmp_path, "acme", f"clean = {point}", code)
    known = resolve_actions(())
    assert "clean" in known
    with pytest.raises(ActionsError) as caught:
        known["clean"]
    assert caught.value.source == "the entry point `clean`"
    assert reason in caught.value.reason


def test_a_name_that_two_packages_provide_is_told(tmp_path: Path) -> None:
    """Neither goes before the other."""
    install(tmp_path, "acme", "clean = acme:clean")
    install(tmp_path, "zeta", "clean = zeta:clean")
    with pytest.raises(ActionsError) as caught:
        resolve_actions(())["clean"]
    several = "several packages provide it: acme 1.2, zeta 1.2"
    assert str(caught.value) == f"the entry point `clean`: {several}"


def test_the_library_loads_by_its_public_names() -> None:
    """`driftflow.action` and `driftflow.ActionsError`."""
    assert driftflow.action is action
    assert driftflow.ActionsError is ActionsError
    assert issubclass(ActionsError, driftflow.DriftFlowError)
    assert isinstance(resolve_actions(()), Actions)


def test_other_processes_are_told_where_to_find_what_was_given(tmp_path: Path) -> None:
    """Files by their whole paths, wherever those work; modules and functions by their names."""
    (tmp_path / "orders.py").write_text(CODE)
    (tmp_path / "modu.py").write_text(CODE.replace("clean", "clear").replace("rows.count", "size"))
    sys.path.append(str(tmp_path))
    assert resolve_actions(()).addresses == ()
    assert resolve_actions(["./orders.py"]).addresses == (f"{tmp_path}/orders.py",)
    assert resolve_actions(["modu", "./orders.py"]).addresses == ("modu", f"{tmp_path}/orders.py")
    module = importlib.import_module("modu")
    assert resolve_actions([module]).addresses == ("modu",)
    assert resolve_actions([module.clear]).addresses == (("clear", "modu", "clear"),)
    assert resolve_actions({"any": module.helper, "box": json.dumps}).addresses == (
        ("any", "modu", "helper"),
        ("box", "json", "dumps"),
    )


def local() -> Any:
    """A function that has no name in its module."""

    @action
    def inner(value: Any) -> Any:
        return value

    return inner


@pytest.mark.parametrize(
    "function",
    [
        lambda value: value,
        local(),
        partial(max, 1),
        "".join,
        wraps(json.dumps)(lambda value: value),  # which says that it is another
    ],
)
def test_what_only_this_process_has_has_no_place(function: Any) -> None:
    """Others would look for it in vain, or find something else."""
    assert resolve_actions({"mine": function}).addresses == (("mine", "", ""),)


def test_what_the_program_itself_defines_is_not_found_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To another process, `__main__` is another module."""
    main = types.ModuleType("__main__")
    exec(CODE, vars(main))  # noqa: S102 - as a script is run
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert vars(main)["clean"].__module__ == "__main__"
    nowhere = (("clean", "", ""), ("rows.count", "", ""))
    assert resolve_actions([main]).addresses == nowhere
    assert resolve_actions([vars(main)["clean"]]).addresses == nowhere[:1]


def test_another_process_finds_them(tmp_path: Path) -> None:
    """With their schemas; what steps name and no more."""
    (tmp_path / "orders.py").write_text(CODE)
    sources = (*resolve_actions(["./orders.py"]).addresses, ("dump", "json", "dumps"))
    found = load_again(["rows.count", "dump", "upper"], sources)
    assert list(found) == ["rows.count", "dump", "upper"]
    assert found["dump"].function([1]) == "[1]"
    assert found["upper"].function("a") == "A"
    assert found["rows.count"].function([1, 2]) == 2
    with pytest.raises(TypeError, match="takes an array"):
        found["rows.count"].function(1)


def test_what_another_process_does_not_find_is_an_unknown_action_there(tmp_path: Path) -> None:
    """Which says why, when it is tried; the rest is not harmed."""
    (tmp_path / "broken.py").write_text("import nothing_like_that")
    (tmp_path / "orders.py").write_text(CODE)
    sources = (f"{tmp_path}/broken.py", f"{tmp_path}/orders.py", ("x", "json", "y"), ("z", "", ""))
    found = load_again(["clean", "x"], sources)
    assert found["clean"].function([0, 1]) == [1]
    with pytest.raises(ValueError, match="unknown action: 'x'") as caught:
        found["x"].function(None)
    assert str(caught.value).split("; ") == [
        "unknown action: 'x'",
        (
            f"{tmp_path}/broken.py: {tmp_path}/broken.py:1: "
            "ModuleNotFoundError: No module named 'nothing_like_that'"
        ),
        "json.y: AttributeError: module 'json' has no attribute 'y'",
        "z: it exists only in the process that started the run",
    ]
    with pytest.raises(ValueError, match="unknown action: 'x'") as caught:
        load_again(["x"], [])["x"].function(None)
    assert str(caught.value) == "unknown action: 'x'"


def test_a_file_that_has_another_content_there_is_no_harm(tmp_path: Path) -> None:
    """None of its functions is an action any more, or one has a name that is taken."""
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "taken.py").write_text(CODE.replace("rows.count", "echo"))
    (tmp_path / "orders.py").write_text(CODE)
    sources = [f"{tmp_path}/{name}.py" for name in ("empty", "taken", "orders")]
    found = load_again(["clean", "nope"], sources)
    assert found["clean"].function([0, 1]) == [1]
    with pytest.raises(
        ValueError, match=r"unknown action: 'nope'; .*it has no function.*; .*taken"
    ):
        found["nope"].function(None)


def test_what_was_made_here_is_not_found_elsewhere() -> None:
    """A module that has never been imported."""
    made = types.ModuleType("made")
    vars(made)["act"] = action(name="act")(lambda value: value)
    assert resolve_actions([made]).addresses == (("act", "", ""),)


def test_a_broken_package_says_so_when_its_action_is_tried(tmp_path: Path) -> None:
    """In the other process, where it is installed."""
    install(tmp_path, "bad", "ship = bad:ship", "1 / 0")
    with pytest.raises(ValueError, match="unknown action: 'ship'; the entry point `ship`: "):
        load_again(["ship"], [])["ship"].function(None)


def test_what_stays_here_is_refused_where_others_are_to_find_it() -> None:
    """If a step names it."""
    sources = resolve_actions({"mine": lambda value: value, "theirs": json.dumps}).addresses
    refuse_unreachable(["theirs", "echo"], sources)
    with pytest.raises(ActionsError) as caught:
        refuse_unreachable(["mine", "echo"], sources)
    assert str(caught.value) == (
        "actions: `mine`: other processes cannot import it: "
        "define the function in a module that can be imported"
    )
