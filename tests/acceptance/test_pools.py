"""Pools in actions: processes that Python starts itself find what was given by its path."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest
from support import workflows
from support.command import CHECKOUT, process_environment, spawn

from driftflow import run_workflow

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = """
import driftflow, multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import get_type_hints
IMPORT

@dataclass
class Order:
    id: int

class Lost(Exception):
    def __init__(self, order: Order):
        super().__init__(order)
        self.order = order

def double(order: Order) -> Order:
    if order.id == 3:
        raise Lost(order)
    return Order(2 * order.id)

def work(pool):
    with pool:
        doubled = [order.id for order in pool.map(double, [Order(1), Order(2)])]
        beside = [*pool.map(helper.triple, [1, 2])]
        try:
            [*pool.map(double, [Order(3)])]
        except Lost as lost:
            return [doubled, beside, lost.order.id, sorted(get_type_hints(double))]

@driftflow.action
def executor(method):
    return work(ProcessPoolExecutor(2, multiprocessing.get_context(method)))

@driftflow.action
def pool(method):
    return work(multiprocessing.get_context(method).Pool(2))
"""
DONE = [[2, 4], [3, 6], 3, ["order", "return"]]


def save_orders(folder: Path) -> Path:
    """A file with a helper beside it, and a package with one in it; in a folder with odd names."""
    home = folder / "50%25 of.all, %2e\n\u00e9"
    for place, line in ((home, "import helper"), (home / "orders", "from . import helper")):
        place.mkdir()
        (place / "helper.py").write_text("def triple(number): return 3 * number\n")
        name = "__init__.py" if place.name == "orders" else "some.orders.py"
        (place / name).write_text(ORDERS.replace("IMPORT", line))
    return home


@pytest.mark.parametrize(
    ("source", "method", "options"),
    [
        ("some.orders.py", "spawn", []),
        ("orders", "spawn", []),
        ("orders/", "forkserver", []),
        ("some.orders.py", "forkserver", ["--enforce-timeout"]),
        ("orders/", "spawn", ["--enforce-timeout"]),
    ],
)
def test_functions_of_a_file_are_found_by_the_processes_of_a_pool(
    source: str, method: str, options: list[str], tmp_path: Path
) -> None:
    """Classes and exceptions too, and what lies beside the file; of a package likewise."""
    home = save_orders(tmp_path)
    steps = ({"action": action, "input": method} for action in ("executor", "pool"))
    workflows.save(tmp_path, *steps, timeout_seconds=40)
    words = ("--config", "config.json", "--print-json", "--actions", home / source, *options)
    done = spawn(*words, cwd=tmp_path)
    assert done.stderr == ""
    assert [result["output"] for result in json.loads(done.stdout)["results"]] == [DONE, DONE]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_with_a_safe_path_a_pool_runs_nothing_of_the_working_directory(
    method: str, tmp_path: Path
) -> None:
    """`PYTHONSAFEPATH=1`, as documented; without it, Python looks there for its own modules."""
    home = save_orders(tmp_path)
    workflows.save(tmp_path, {"action": "pool", "input": method}, timeout_seconds=40)
    (tmp_path / "struct.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nimport nothing\n")
    words = ("--config", "config.json", "--print-json", "--actions", home / "some.orders.py")
    done = spawn(*words, cwd=tmp_path, environ={"PYTHONSAFEPATH": "1"})
    assert json.loads(done.stdout)["results"][0]["output"] == DONE
    assert not (tmp_path / "ran").exists()


def test_an_executor_of_spawned_processes_finds_a_file(tmp_path: Path) -> None:
    """As the library is given both; the functions that the program gives too."""
    home = save_orders(tmp_path)
    steps = ({"action": "executor", "input": "spawn"} for _ in range(2))
    path = workflows.save(tmp_path, *steps, flags={"parallel": True})
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        result = run_workflow(path, actions=[home / "some.orders.py"], executor=executor)
    assert [each["output"] for each in result["results"]] == [DONE, DONE]


def test_two_modules_of_one_name_are_told_in_any_process(tmp_path: Path) -> None:
    """Here, in a child that makes attempts, in a process of an executor: both are named."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "helper.py").write_text(f"NAME = {folder!r}\n")
        (tmp_path / folder / "jobs.py").write_text(
            f"import driftflow, importlib\n@driftflow.action\ndef {folder}(_):\n"
            "    return importlib.import_module('helper').NAME\n"
        )
    steps = ({"action": action, "optional": True} for action in ("a", "b"))
    path = workflows.save(tmp_path, *steps, timeout_seconds=40)
    sources = [f"{tmp_path}/{folder}/jobs.py" for folder in ("a", "b")]
    options = [word for source in sources for word in ("--actions", source)]
    for option in ([], ["--enforce-timeout"]):
        done = spawn("--config", path, *options, *option, cwd=tmp_path)
        assert done.stdout.count("FAIL") == 2
        assert done.stdout.count(f"{tmp_path}/a/helper.py and {tmp_path}/b/helper.py") == 2
    script = (
        "import json, sys\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "from driftflow import run_workflow\n"
        "if __name__ == '__main__':\n"
        "    with ProcessPoolExecutor(1, get_context('spawn')) as executor:\n"
        "        path, *actions = sys.argv[1:]\n"
        "        json.dump(run_workflow(path, actions=actions, executor=executor), sys.stdout)\n"
    )
    (tmp_path / "script.py").write_text(script)
    printed = subprocess.check_output(
        [sys.executable, tmp_path / "script.py", path, *sources],
        env=process_environment(),
        timeout=60,
    )
    for result in json.loads(printed)["results"]:
        assert f"{tmp_path}/a/helper.py and {tmp_path}/b/helper.py" in result["error"]


def test_a_bare_checkout_finds_itself_in_a_pool(tmp_path: Path) -> None:
    """Though only `python -m` finds it, in the working directory."""
    for name in ("driftflow", "schema"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    home = save_orders(tmp_path)
    workflows.save(tmp_path, {"action": "pool", "input": "spawn"}, timeout_seconds=40)
    (libraries,) = (entry for entry in sys.path if entry.endswith("site-packages"))
    bare = sys._base_executable  # type: ignore[attr-defined]  # noqa: SLF001 - without DriftFlow
    environ = {"PYTHONPATH": libraries}  # no `.pth` file of it is read
    words = ["--config", "config.json", "--print-json", "--actions", str(home / "orders")]
    for option in ([], ["--enforce-timeout"]):
        done = subprocess.run(
            [bare, "-m", "driftflow", *words, *option],
            cwd=tmp_path,
            env=process_environment(environ),
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert json.loads(done.stdout)["results"][0]["output"] == DONE
