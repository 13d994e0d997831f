"""The wheel: built, installed in a fresh environment, run outside the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from support.command import CHECKOUT, process_environment

import driftflow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=CHECKOUT,
        env=process_environment(),
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_the_schemas(wheel: Path) -> None:
    """And nothing else: no tests, no second copy of a schema."""
    home = CHECKOUT / "driftflow"
    modules = {str(path.relative_to(home)) for path in home.rglob("*.py")} | {"py.typed"}
    schemas = {path.name for path in (CHECKOUT / "schema").glob("*.json")}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        shipped = {name: archive.read(name) for name in names if "/schema/" in name}
    package = {name for name in names if ".dist-info/" not in name}
    assert package == {f"driftflow/{name}" for name in modules} | {
        f"driftflow/schema/{name}" for name in schemas
    }
    assert wheel.name == f"driftflow-{driftflow.__version__}-py3-none-any.whl"
    assert shipped == {
        f"driftflow/schema/{name}": (CHECKOUT / "schema" / name).read_bytes() for name in schemas
    }


def test_the_installed_wheel_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """The command, the module and the library, on the schemas that were shipped.

    The dependencies come from this environment, by a path file: nothing is fetched.
    """
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=False, symlinks=True)
    python = fresh / "bin" / "python"
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        python,
    ]
    install = [*pip, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, env=process_environment(), check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(fresh)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))

    outside = tmp_path / "outside"
    outside.mkdir()
    config = (CHECKOUT / "examples" / "quickstart.json").read_text("utf-8")
    (outside / "config.json").write_text(config, "utf-8")
    library = (
        "import driftflow\nfrom driftflow.schemas import published\n"
        f"assert driftflow.__file__.startswith({str(fresh)!r}), driftflow.__file__\n"
        "assert not published._CHECKOUT.exists()\n"
        "print(driftflow.run_workflow('config.json')['status'])\n"
    )
    commands: list[tuple[list[str | Path], str]] = [
        (
            [fresh / "bin" / "driftflow", "--config", "config.json"],
            "OK fetch: hello\nOK transform: WORLD\n",
        ),
        ([python, "-m", "driftflow", "--version"], f"{driftflow.__version__}\n"),
        ([python, "-c", library], "ok\n"),
    ]
    for command, printed in commands:
        done = subprocess.run(
            command,
            cwd=outside,
            env=process_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")
