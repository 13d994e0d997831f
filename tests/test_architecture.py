"""The house is built as DESIGN.md says."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "driftflow"
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
    for path in PACKAGE.rglob("*.py")
}
# Rooms that decide, and open nothing, print nothing and read no clock; and what in them does.
PURE = {
    "text",
    "errors",
    "issues",
    "suggestion",
    "reading",
    "schemas",
    "planning",
    "checking",
    "running",
}
NOT_PURE = {"schemas.published", "running.signals"}


def rule() -> dict[str, set[str]]:
    """By package, those that it may import: the lines of DESIGN.md, and what follows from them."""
    design = (CHECKOUT / "DESIGN.md").read_text("utf-8")
    (block,) = re.findall(r"^```\n(text:\n.*?)^```$", design, re.MULTILINE | re.DOTALL)
    rooms: dict[str, set[str]] = {}
    for line in block.splitlines():
        names, _, others = line.partition(":")
        direct = {other.strip() for other in others.split(",") if other.strip()}
        allowed = direct.union(*(rooms[other] for other in direct))
        rooms |= {name.strip(): allowed for name in names.split(",")}
    return rooms


def room_of(module: str) -> str:
    """The package that a module is in, or the module itself if it is at the top."""
    return module.partition(".")[0]


ROOMS = {room_of(module) for module in MODULES}


def names_imported(module: ast.Module) -> set[str]:
    """What it imports of the package, by full names: modules, and what is in them."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("driftflow.") for name in found if name.startswith("driftflow.")}


def imports(module: ast.Module) -> set[str]:
    """Which of the package's rooms it imports."""
    ours = {name.split(".")[0] for name in names_imported(module)}
    return {name if name in ROOMS else "__init__" for name in ours}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_imports_what_its_room_may(name: str) -> None:
    """And a door is imported by doors alone."""
    rooms, room = rule(), room_of(name)
    doors = ROOMS - rooms.keys()
    allowed = {*rooms, *doors} if room in doors else rooms[room] | {room}
    assert imports(MODULES[name]) <= allowed


def test_no_module_imports_one_that_imports_it() -> None:
    """Nor by a way round. An import for types alone counts, and so does one within a function."""
    graph = {
        name: {
            module
            for imported in names_imported(module_of)
            for module in (imported, imported.rpartition(".")[0])
            if module in MODULES
        }
        for name, module_of in MODULES.items()
    }
    order = [*TopologicalSorter(graph).static_order()]
    assert order.index("text") < order.index("running.interpreter") < order.index("cli")


def test_the_rule_speaks_of_every_package() -> None:
    """And of no other."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rule().keys() == packages | {
        "errors",
        "failures",
        "forks",
        "issues",
        "streams",
        "suggestion",
        "text",
    }


def test_no_module_imports_a_pack() -> None:
    """They are off until they are asked for."""
    for name, module in MODULES.items():
        assert room_of(name) == "packs" or "packs" not in imports(module), name


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_pure_room_opens_nothing_and_reads_no_clock(name: str) -> None:
    """It imports nothing to do that with, and prints nothing."""
    if room_of(name) not in PURE or name in NOT_PURE:
        return
    outside = {
        "datetime",
        "io",
        "logging",
        "os",
        "pathlib",
        "random",
        "socket",
        "subprocess",
        "time",
        "uuid",
    }
    runtime = [node for node in MODULES[name].body if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {
        alias.name for node in runtime for alias in node.names if isinstance(node, ast.Import)
    }
    modules |= {str(node.module) for node in runtime if isinstance(node, ast.ImportFrom)}
    assert not {module.split(".")[0] for module in modules} & outside
    calls = {
        node.func.id
        for node in ast.walk(MODULES[name])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}


def test_any_error_is_caught_where_code_of_others_is_run() -> None:
    """When it is loaded, makes an attempt, says what went wrong; and when an executor is used."""
    broad = [
        name
        for name, module in MODULES.items()
        for node in ast.walk(module)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and ast.unparse(node.body[-1]) != "raise"
    ]
    assert sorted(broad) == [
        *("actions.sources", "errors", "failures", "parallel.batches", "parallel.batches"),
        *("parallel.child", "parallel.dask", "parallel.worker", "running.attempts"),
    ]


def test_the_schemas_are_json_and_nothing_else() -> None:
    """A Python file among them would get in the way of the wheel."""
    files = sorted(path.name for path in (CHECKOUT / "schema").iterdir())
    names = ("audit", "driftflow", "findings", "params", "plan", "result")
    assert files == [f"{name}.schema.json" for name in names]
    assert not (CHECKOUT / "driftflow" / "schema").exists()


def test_every_module_has_its_tests() -> None:
    """But for those that only hand on, and the command and the child, tested from outside."""
    unit = CHECKOUT / "tests" / "unit"
    tested = {
        ".".join([*path.relative_to(unit).parent.parts, path.stem.removeprefix("test_")])
        for path in unit.rglob("test_*.py")
    }
    names = {name for name in MODULES if not name.endswith("__init__")}
    outside = {"__main__", "actions.sources", "cli", "events", "parallel.child", "storage"}
    assert tested == names - outside
