"""The house is built as DESIGN.md says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "driftflow"
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
    for path in PACKAGE.rglob("*.py")
    if path.parent.name != "packs" or path.stem != "__init__"
}
EDGES = {"cluster", "config", "deadlines", "executors", "output", "signals", "storage"}
WIRING = {
    "__init__",
    "__main__",
    "api",
    "audit",
    "child",
    "cli",
    "resume",
    "scaling",
    "testing",
    "worker",
}
BENEATH = {"processes"}  # what edges and packs share: it ends processes
PACKS = {name for name in MODULES if name.startswith("packs.")}
CORE = MODULES.keys() - EDGES - WIRING - PACKS - BENEATH


def table() -> dict[str, set[str]]:
    """The import table of DESIGN.md."""
    design = (CHECKOUT / "DESIGN.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| [^|]* \| ?([^|]*) ?\|$", design, re.MULTILINE)
    return {module: set(re.findall(r"`(\w+)`", imports)) for module, imports in rows}


def imports(module: ast.Module) -> set[str]:
    """Which of the package's modules it imports."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = {name.split(".")[1] for name in found if name.startswith("driftflow.")}
    return {name if name in MODULES else "__init__" for name in ours}


def test_the_import_table_of_the_design_holds() -> None:
    """Every module, with exactly what it imports."""
    assert {name: imports(module) for name, module in MODULES.items()} == table()


def test_no_core_module_imports_an_edge_and_no_edge_another() -> None:
    """What decides is apart from what does."""
    assert len(CORE) == 26
    for name in CORE | EDGES | PACKS:
        assert not imports(MODULES[name]) & (EDGES | WIRING - {"__init__"}), name


def test_no_module_imports_a_pack() -> None:
    """They are off until they are asked for."""
    assert {"packs.files", "packs.process"} == PACKS
    for name, module in MODULES.items():
        found = {
            part
            for node in ast.walk(module)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for part in ast.unparse(node).replace(".", " ").split()
        }
        assert "packs" not in found, name


@pytest.mark.parametrize("name", sorted(CORE - {"loading", "schemas"}))
def test_the_core_opens_nothing_and_reads_no_clock(name: str) -> None:
    """It imports nothing to do that with, and prints nothing."""
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
        *("child", "cluster", "errors"),
        *("executors", "executors", "interpreter", "loading", "worker"),
    ]


def test_the_schemas_are_json_and_nothing_else() -> None:
    """A Python file among them would get in the way of the wheel."""
    files = sorted(path.name for path in (CHECKOUT / "schema").iterdir())
    names = ("audit", "driftflow", "findings", "plan", "result")
    assert files == [f"{name}.schema.json" for name in names]
    assert not (CHECKOUT / "driftflow" / "schema").exists()


def test_every_module_has_its_tests() -> None:
    """But for those that only hand on, and the command and the child, tested from outside."""
    unit = CHECKOUT / "tests" / "unit"
    tested = {
        ".".join([*path.relative_to(unit).parent.parts, path.stem.removeprefix("test_")])
        for path in unit.rglob("test_*.py")
    }
    assert tested == MODULES.keys() - {"__init__", "__main__", "child", "cli", "events"}
