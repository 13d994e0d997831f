"""What lies beside code that is given by its path."""

from __future__ import annotations

import importlib
import linecache
import os
import py_compile
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import driftflow
from driftflow.actions.beside import installed_path, let_import_from
from driftflow.actions.registry import resolve_actions
from driftflow.errors import ActionsError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In an empty folder; bytecode is written; what is imported and importable is as before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", installed_path())
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    before = {*sys.modules}
    yield
    for name in sys.modules.keys() - before:
        del sys.modules[name]


def test_a_folder_comes_last_and_is_not_where_installed_modules_are() -> None:
    """Unless it is on the path by itself: then it is."""
    before = [*sys.path]
    let_import_from("/by/path")
    let_import_from("/by/path")
    let_import_from(before[-1])
    assert sys.path == [*before, "/by/path/."]
    assert installed_path() == before


def test_what_is_no_string_is_left_out() -> None:
    """Python itself does not look there."""
    sys.path.append(5)  # type: ignore[arg-type]  # the point of the test
    assert installed_path() == sys.path[:-1]


def change(path: str, text: str) -> None:
    """Write another text of the same length, as if it were of the same time."""
    was = os.stat(path)  # noqa: PTH116 - beside `os.utime`
    assert len(text) == was.st_size
    Path(path).write_text(text)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def perform(source: str, name: str = "act") -> Any:
    """What an action of a source gives."""
    return resolve_actions([source])[name].function(None)


ACT = "import driftflow\n{}\n@driftflow.action\ndef act(_): return {}\n"


@pytest.mark.parametrize(
    ("source", "code", "changed"),
    [
        ("jobs/orders.py", "NAME = 'old'", "jobs/orders.py"),
        ("jobs/orders.py", "from helper import NAME", "jobs/helper.py"),
        ("jobs/orders.py", "from lib import NAME", "jobs/lib/__init__.py"),
        ("jobs/orders.py", "from lib.sub.part import NAME", "jobs/lib/sub/part.py"),
        ("jobs/orders.py", "from spread.part import NAME", "jobs/spread/part.py"),
        ("jobs/orders", "NAME = 'old'", "jobs/orders/__init__.py"),
        ("jobs/orders", "from helper import NAME", "jobs/helper.py"),
        ("jobs/orders", "from .part import NAME", "jobs/orders/part.py"),
        ("jobs/orders", "from .sub.part import NAME", "jobs/orders/sub/part.py"),
    ],
)
def test_what_runs_is_what_stands_in_the_file(source: str, code: str, changed: str) -> None:
    """Whatever the times of the files are, and with bytecode of an earlier source beside it."""
    folders = ("jobs/lib/sub", "jobs/spread", "jobs/orders/sub")
    for folder in folders:
        Path(folder).mkdir(parents=True)
    for name in ("lib/__init__", "lib/sub/__init__", "orders/sub/__init__"):
        Path(f"jobs/{name}.py").touch()
    home = f"{source}/__init__.py" if source == "jobs/orders" else source
    Path(changed).write_text("NAME = 'old'\n")
    Path(home).write_text(ACT.format(code, "NAME"))
    py_compile.compile(changed)
    before = {*Path().rglob("__pycache__/*")}
    assert len(before) == 1
    change(changed, Path(changed).read_text().replace("old", "new"))
    assert perform(source) == "new"
    assert {*Path().rglob("__pycache__/*")} == before


def test_a_file_that_is_loaded_again_is_as_it_is_now() -> None:
    """Within a second of the first time; what tracebacks show of it, too."""
    Path("jobs").mkdir()
    Path("jobs/orders.py").write_text(ACT.format("", "'old'"))
    assert perform("jobs/orders.py") == "old"
    assert "'old'" in linecache.getline(str(Path("jobs/orders.py").resolve()), 4)
    change("jobs/orders.py", ACT.format("", "'new'"))
    assert perform("jobs/orders.py") == "new"
    assert "'new'" in linecache.getline(str(Path("jobs/orders.py").resolve()), 4)


def test_a_neighbour_that_was_not_there_is_found_when_it_is() -> None:
    """Though the folder has the time that it had."""
    Path("jobs").mkdir()
    Path("jobs/orders.py").write_text(ACT.format("from helper import NAME", "NAME"))
    was = os.stat("jobs")  # noqa: PTH116 - beside `os.utime`
    with pytest.raises(ActionsError, match="No module named 'helper'"):
        perform("jobs/orders.py")
    Path("jobs/helper.py").write_text("NAME = 'new'\n")
    os.utime("jobs", ns=(was.st_atime_ns, was.st_mtime_ns))
    assert perform("jobs/orders.py") == "new"


def test_what_is_on_the_path_by_itself_is_pythons_affair(tmp_path: Path) -> None:
    """Such as a virtual environment in the folder of the file: it goes on using its bytecode."""
    Path("jobs/venv/lib").mkdir(parents=True)
    sys.path.append(str(tmp_path / "jobs/venv/lib"))
    for path in ("jobs/venv/lib/installed.py", "jobs/helper.py"):
        Path(path).write_text("NAME = 'old'\n")
        py_compile.compile(path)
        change(path, "NAME = 'new'\n")
    code = "import installed, helper"
    Path("jobs/orders.py").write_text(ACT.format(code, "installed.NAME, helper.NAME"))
    assert perform("jobs/orders.py") == ("old", "new")


@pytest.mark.parametrize("entry", ["{}", "{}/", "{}/../here", "link", ".", ""])
def test_a_folder_that_is_on_the_path_by_itself_is_fresh_too(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is written there; nothing is put there, and no bytecode is written."""
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "link").symlink_to(here)
    monkeypatch.chdir(here)
    sys.path.append("../link" if entry == "link" else entry.format(here))
    before = [*sys.path]
    for path, text in (
        ("orders.py", ACT.format("import helper, lib.sub; NAME = 'old'", "NAME, helper.NAME")),
        ("helper.py", "from lib.sub import NAME\n"),
        ("lib/__init__.py", ""),
        ("lib/sub.py", "NAME = 'old'\n"),
    ):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)
    importlib.import_module("helper")  # Python's own finder knows the folder
    for name in ("helper", "lib", "lib.sub"):
        del sys.modules[name]
    caches = {*Path().rglob("__pycache__/*")}
    assert len(caches) == 3
    for path in ("orders.py", "lib/sub.py"):
        change(path, Path(path).read_text().replace("old", "new"))
    assert perform("orders.py") == ("new", "new")
    assert sys.path == before == installed_path()
    assert {*Path().rglob("__pycache__/*")} == caches


def test_no_bytecode_is_written_beside_a_file(tmp_path: Path) -> None:
    """Nor where its folder is on the path by itself."""
    Path("orders.py").write_text(ACT.format("import helper", "helper.NAME"))
    Path("helper.py").write_text("NAME = 5\n")
    sys.path.append(str(tmp_path))
    assert perform("orders.py") == 5
    assert not [*Path().rglob("__pycache__")]


def save_two(helper: str = "helper.py", code: str = "from helper import NAME") -> None:
    """Two folders, each with a file of actions and a module of one name."""
    for folder in ("a", "b"):
        Path(folder, helper).parent.mkdir(parents=True)
        Path(folder, helper).write_text(f"NAME = {folder!r}\n")
        for unused in ("conftest.py", "setup.py"):
            Path(folder, unused).write_text("raise SystemExit\n")
        text = ACT.replace("act(_)", f"{folder}(_)").format(code, "NAME")
        Path(folder, "jobs.py").write_text(text)


def clash(tmp_path: Path, one: str = "a/helper.py", other: str = "b/helper.py") -> str:
    """What is said of two modules of one name."""
    return (
        f"ImportError: two modules are named `helper`, {tmp_path}/{one} and "
        f"{tmp_path}/{other}, and Python can load only one of them: rename one, or pass each "
        "folder as a package, as in `./orders/`"
    )


@pytest.mark.parametrize("helper", ["helper.py", "helper/__init__.py"])
def test_of_two_modules_of_one_name_neither_is_taken_for_the_other(
    helper: str, tmp_path: Path
) -> None:
    """In one run, and in one process; nothing of the second file is run, and the first goes on."""
    save_two(helper)
    Path("b/jobs.py").write_text("raise SystemExit\n")
    for sources in (["a/jobs.py", "b/jobs.py"], ["b/jobs.py"]):
        with pytest.raises(ActionsError) as caught:
            resolve_actions(sources)
        assert caught.value.source == "b/jobs.py"
        assert caught.value.reason == clash(tmp_path, f"a/{helper}", f"b/{helper}")
        assert sys.path[-1] == f"{tmp_path}/a/."
    assert perform("a/jobs.py", "a") == "a"


@pytest.mark.parametrize("sources", [["a/jobs.py", "b/jobs.py"], ["b/jobs.py", "a/jobs.py"]])
def test_a_name_of_two_modules_that_is_imported_later_is_an_error_then(
    sources: list[str], tmp_path: Path
) -> None:
    """When an action does it, by a name that stands in no import; until then there is none."""
    save_two(code="")
    for folder in ("a", "b"):
        text = f"def {folder}(_): return importlib.import_module('helper').NAME\n"
        Path(folder, "jobs.py").write_text(
            f"import importlib, driftflow\n@driftflow.action\n{text}"
        )
    known = resolve_actions(sources)
    first, second = (source.partition("/")[0] for source in sources)
    for name in ("a", "b"):
        with pytest.raises(ImportError) as caught:
            known[name].function(None)
        reason = clash(tmp_path, f"{first}/helper.py", f"{second}/helper.py")
        assert f"ImportError: {caught.value}" == reason
        assert caught.value.name == "helper"


def test_a_name_that_the_second_file_alone_imports_is_an_error_too(tmp_path: Path) -> None:
    """It would get the first one's."""
    save_two(code="")
    Path("b/jobs.py").write_text("x = 1\nimport helper\n")
    with pytest.raises(ActionsError) as caught:
        resolve_actions(["a/jobs.py", "b/jobs.py"])
    assert caught.value.reason == clash(tmp_path)


def test_packages_have_modules_of_one_name(tmp_path: Path) -> None:
    """That is the remedy."""
    save_two(code="from .helper import NAME")
    for folder in ("a", "b"):
        (tmp_path / folder / "jobs.py").rename(tmp_path / folder / "__init__.py")
    known = resolve_actions(["./a/", "./b/"])
    assert [known[name].function(None) for name in ("a", "b")] == ["a", "b"]


@pytest.mark.parametrize(
    "places",
    [
        {"a": "helper/m.py", "b": "helper/m.py"},
        {"a": "helper/sub/m.py", "b": "helper.py"},
        {"b": "helper.py", "a": "helper/sub/m.py"},
    ],
)
def test_a_folder_with_code_is_a_module_too(places: dict[str, str], tmp_path: Path) -> None:
    """Though it has no `__init__.py`; in one run, in two, and if it is looked up later."""
    for folder, place in places.items():
        Path(folder, place).parent.mkdir(parents=True)
        Path(folder, place).write_text(f"NAME = {folder!r}\n")
        module = place.removesuffix(".py").replace("/", ".")
        text = ACT.replace("act(", f"{folder}(")
        Path(folder, "jobs.py").write_text(text.format(f"from {module} import NAME", "NAME"))
        later = text.format("import importlib", f"importlib.import_module({module!r})")
        Path(folder, "later.py").write_text(later)
    first, second = places
    both = [f"{tmp_path}/{name}/{place.partition('/')[0]}" for name, place in places.items()]
    known = resolve_actions([f"{name}/later.py" for name in places])
    for name in places:
        with pytest.raises(ImportError, match=" and ".join(both)):
            known[name].function(None)
    sys.path[:] = installed_path()
    assert perform(f"{first}/jobs.py", first) == first
    for sources in ([f"{second}/jobs.py"], [f"{first}/jobs.py", f"{second}/jobs.py"]):
        with pytest.raises(ActionsError, match=" and ".join(both)):
            resolve_actions(sources)


def test_a_folder_without_code_is_no_module() -> None:
    """It may have any name; so may one that gives way to a module."""
    save_two()
    Path("b/helper.py").unlink()
    Path("b/helper").mkdir()
    Path("b/helper/rows.csv").touch()
    for name in ("driftflow", "json"):
        Path("a", name).mkdir()
        Path("a", name, "code.py").touch()
    Path("a/jobs.py").write_text(ACT.format("import driftflow, json, helper", "helper.NAME"))
    Path("b/jobs.py").write_text(ACT.replace("act(", "b(").format("", "5"))
    known = resolve_actions(["a/jobs.py", "b/jobs.py"])
    assert [known[name].function(None) for name in ("act", "b")] == ["a", 5]


INSTALLED = ["helper.py", "helper/__init__.py", "helper/m.py"]


@pytest.mark.parametrize("beside", INSTALLED)
@pytest.mark.parametrize("installed", INSTALLED)
@pytest.mark.parametrize("is_imported", [False, True])
def test_a_module_that_is_installed_is_another_too(
    *, beside: str, installed: str, is_imported: bool, tmp_path: Path
) -> None:
    """A file gets what lies beside it, as if its folder came first, or both are named."""
    for path in (f"site/{installed}", f"jobs/{beside}"):
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text(f"NAME = {path!r}\n")
    Path("jobs/orders.py").write_text(ACT.format("import helper", "getattr(helper, 'NAME', 0)"))
    sys.path.append(f"{tmp_path}/site")
    if is_imported:
        importlib.import_module("helper")
    gives_way = beside == "helper/m.py" != installed
    # Until it is imported, one without `__init__.py` gives way where it comes first as well.
    is_found = installed == "helper/m.py" != beside and not is_imported
    if gives_way or is_found:
        found = f"site/{installed}" if gives_way else f"jobs/{beside}"
        assert perform("jobs/orders.py") == found
        return
    with pytest.raises(ActionsError) as caught:
        resolve_actions(["jobs/orders.py"])
    places = [
        f"{tmp_path}/{path}".removesuffix("/m.py")
        for path in (f"jobs/{beside}", f"site/{installed}")
    ]
    assert " and ".join(places) in caught.value.reason


@pytest.mark.parametrize("name", ["calendar", "docopt", "sys", "os", "json"])
@pytest.mark.parametrize(
    "line",
    [
        "import {}",
        "import pathlib, {}.part",
        "from {} import *",
        "def act2():\n    class A:\n        from {}.part import x",
        "if 0 > 1:\n    import {} as x",
        "\n".join(f"x{number} = 5" for number in range(300)) + "\nimport {}",
    ],
)
def test_so_is_one_of_pythons_own(name: str, line: str, tmp_path: Path) -> None:
    """Wherever the import stands; in the file, or in one that lies beside it."""
    Path("jobs/lib").mkdir(parents=True)
    Path(f"jobs/{name}.py").write_text("raise SystemExit\n")
    for file in ("orders.py", "lib/part.py"):
        Path("jobs", file).write_text(ACT.format(line.format(name), "5"))
    Path("jobs/indirect.py").write_text(ACT.format("import lib.part", "5"))
    for source in ("jobs/orders.py", "jobs/indirect.py"):
        with pytest.raises(ActionsError) as caught:
            resolve_actions([source])
        where = f"{tmp_path}/jobs/indirect.py:2: " * (source == "jobs/indirect.py")
        start = f"{where}ImportError: two modules are named `{name}`, {tmp_path}/jobs/{name}.py"
        assert caught.value.reason.startswith(f"{start} and ")
        assert ("a module of Python itself" in caught.value.reason) == (name in {"sys", "os"})


def test_a_name_that_a_file_does_not_import_is_no_error() -> None:
    """Whatever lies beside it: what others import is theirs, and so is what is in a package."""
    Path("jobs/pack").mkdir(parents=True)
    for name in ("calendar", "queue", "test", "json", "os"):
        Path(f"jobs/{name}.py").write_text("raise SystemExit\n")
        Path(f"jobs/pack/{name}.py").write_text("NAME = 5\n")
    code = "import calendar\nfrom .json import NAME\nfrom . import os as o"
    text = ACT.format(code, "NAME, calendar.MONDAY, o.NAME")
    Path("jobs/pack/__init__.py").write_text(text)
    Path("jobs/calendar.py").unlink()
    Path("jobs/orders.py").write_text(
        ACT.format("import _strptime, driftflow as calendar\nqueue = test = 5", "calendar.action")
    )
    assert perform("jobs/pack") == (5, 0, 5)
    assert perform("jobs/orders.py") is driftflow.action


def test_what_is_gone_or_was_made_is_no_other_module(tmp_path: Path) -> None:
    """What Python has of that name then is nothing that lies anywhere."""
    Path("jobs").mkdir()
    Path("jobs/helper.py").write_text("NAME = 'beside'\n")
    Path("jobs/orders.py").write_text(ACT.format("import helper", "helper.NAME"))
    made = sys.modules["helper"] = ModuleType("helper")
    vars(made).update(NAME="made", __spec__="none")
    assert perform("jobs/orders.py") == "made"
    del sys.modules["helper"]
    assert perform("jobs/orders.py") == "beside"
    Path("jobs/helper.py").rename("jobs/old.py")
    Path("more").mkdir()
    Path("more/helper.py").touch()
    Path("more/orders.py").write_text(ACT.format("import helper", "helper.NAME"))
    with pytest.raises(ActionsError, match=f"{tmp_path}/jobs/helper.py and {tmp_path}/more/helper"):
        resolve_actions(["more/orders.py"])


def test_one_module_in_a_folder_of_two_names_is_one(tmp_path: Path) -> None:
    """Though it has two paths."""
    save_two()
    Path("c").symlink_to("a")
    (tmp_path / "a" / "more.py").write_text("import helper, driftflow\nfrom jobs import a\n")
    assert perform("a/jobs.py", "a") == "a"
    assert perform("c/more.py", "a") == "a"
