"""The documents can be followed: their commands print what they show, and their files are right."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.command import CHECKOUT, EXAMPLES, invoke, process_environment, wait_for
from support.documents import PAGES, README, Block, blocks, named, read

import driftflow

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER = "docs/how-to/cluster.md"
EDITORS = "docs/how-to/editors.md"
TESTING = "docs/how-to/testing.md"
CI = "docs/how-to/ci.md"
PACKS = ("--actions", "driftflow.packs.files", "--actions", "driftflow.packs.process")
# Where jobs lie in the pages, and the environment in which DriftFlow is installed there.
JOBS, ENVIRONMENT = "/opt/jobs/sales", "/opt/jobs/venv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the checkout, as far as the commands need it, with its environment set up."""
    for name in ("Makefile", "examples", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    environment = tmp_path / ".venv"
    environment.mkdir()
    (environment / "bin").symlink_to(Path(sys.prefix) / "bin")
    (environment / "installed").touch()
    return tmp_path


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """What stops the programs that a page lets run beside its commands."""
    with ExitStack() as stack:
        yield stack


def run(command: list[str], folder: Path) -> str:
    """What a command prints, errors too. One that prints nothing has to succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=process_environment({"HOME": str(folder)}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout or done.returncode == 0
    return done.stdout


def write(block: Block, folder: Path) -> Path:
    """The file that a block is."""
    path = folder / block.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, "utf-8")
    return path


def follow_console(text: str, folder: Path) -> Path:
    """Run what stands after each $; what it prints stands below it. Return where that led."""
    parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n", text, flags=re.MULTILINE)
    assert parts[0] == ""
    for command, shown in zip(parts[1::2], parts[2::2], strict=True):
        assert run(["bash", "-c", command], folder) == shown
        if command.startswith("cd "):
            folder /= command.removeprefix("cd ")
    return folder


def start_server(text: str, folder: Path, servers: ExitStack) -> None:
    """Start what a page lets run in another terminal."""
    with (folder / "servers.log").open("ab") as log:
        environ = process_environment({"HOME": str(folder)})
        started = subprocess.Popen(text.split(), cwd=folder, env=environ, stdout=log, stderr=log)
    servers.callback(started.wait, 60)
    servers.callback(started.terminate)


def free_port() -> str:
    """A port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_a_page_can_be_followed(page: str, folder: Path, servers: ExitStack) -> None:
    """From top to bottom: a block with a name is a file, and each command prints what it shows."""
    own = {JOBS: str(folder), ENVIRONMENT: sys.prefix, "8786": free_port(), "8787": "0"}
    printed = None
    for block in blocks(page):
        text = block.text
        for shown, here in own.items():
            text = text.replace(shown, here)
        if block.name:
            write(block._replace(text=text), folder)
        elif block.language == "console":
            folder = follow_console(text, folder)
        elif block.language == "python":
            printed = run([sys.executable, "-c", text], folder)
        elif block.language == "text":
            assert printed == text
        elif block.language == "sh":
            start_server(text, folder, servers)
            if text.startswith("dask worker"):
                log = folder / "servers.log"
                wait_for(lambda: log.read_text().count("Registered to:") >= 2)  # noqa: B023 - it is called here
        else:
            assert (page, block.language) == (EDITORS, "lua")


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_every_workflow_that_is_shown_passes_a_strict_check(page: str, tmp_path: Path) -> None:
    """Without a warning; with the actions shown beside it."""
    options = list(PACKS)
    for block in blocks(page):
        if "@driftflow.action" in block.text:
            options += ["--actions", str(write(block, tmp_path))]
    for block in blocks(page):
        if block.language == "json" and '"steps"' in block.text:
            path = write(block._replace(name=block.name or "driftflow.json"), tmp_path)
            outcome = invoke("check", "--strict", *options, "--", path)
            assert (outcome.status, outcome.stderr) == (0, "")
            assert re.fullmatch(r"\d+ files?: nothing to report\n", outcome.stdout)


def test_every_example_is_shown() -> None:
    """Some page runs each of them, or `make run` does."""
    shown = "".join(
        block.text for page in PAGES for block in blocks(page) if block.language == "console"
    )
    for example in EXAMPLES:
        assert f"--config examples/{example.name}" in shown


def test_the_settings_of_editors_name_the_recommended_files() -> None:
    """As the hook does."""
    settings = json.loads(named(EDITORS)[".vscode/settings.json"])
    (mapping,) = settings["json.schemas"]
    assert mapping["fileMatch"] == ["driftflow.json", "*.driftflow.json"]
    (lua,) = [block.text for block in blocks(EDITORS) if block.language == "lua"]
    assert '{ "driftflow.json", "*.driftflow.json" }' in lua


def test_the_hook_looks_at_the_recommended_files() -> None:
    """And at no others; `.ci/hook` tries it with pre-commit itself."""
    manifest = read(".pre-commit-hooks.yaml")
    (pattern,) = re.findall(r"^  files: (.*)$", manifest, re.MULTILINE)
    for name in ("driftflow.json", "jobs/driftflow.json", "a.driftflow.json", "b/a.driftflow.json"):
        assert re.search(pattern, name)
    for name in ("config.json", "driftflow.schema.json", "notdriftflow.json", "driftflow.json5"):
        assert not re.search(pattern, name)
    (hook,) = re.findall(r"^- id: (.*)$", manifest, re.MULTILINE)
    shown = named(CI)[".pre-commit-config.yaml"]
    assert f"- id: {hook}\n" in shown
    assert f"rev: v{driftflow.__version__}\n" in shown
    for text in (manifest, shown):  # the names of files follow
        assert re.findall(r"^ *args: \[(?:.*, )?--\] ", text, re.MULTILINE)


def test_the_command_of_the_github_workflow_works(tmp_path: Path) -> None:
    """It annotates the line that is wrong."""
    workflow = named(CI)[".github/workflows/check.yml"]
    (command,) = re.findall(r"^ *- run: (driftflow .*)$", workflow, re.MULTILINE)
    (tmp_path / "a.driftflow.json").write_text('{\n  "name": "a",\n  "steps": {}\n}\n')
    assert run(["bash", "-c", command], tmp_path).startswith(
        "::error file=a.driftflow.json,line=3,"
    )


def test_the_crontab_starts_the_script_that_is_shown() -> None:
    """By its whole path."""
    page = named("docs/how-to/cron.md")
    (line,) = [line for line in page["crontab"].splitlines() if line.startswith("15 2 ")]
    assert line.split(maxsplit=5)[5] == f"{JOBS}/nightly"
    assert page["nightly"].startswith("#!/bin/sh\n")


def pytest_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder, as its team would; which need not have hypothesis."""
    plugins = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *words],
        cwd=folder,
        env=process_environment(),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def test_a_team_can_test_its_workflow_as_the_page_says(tmp_path: Path) -> None:
    """With the page's own files: the tests pass, write that snapshot, and fail when they should."""
    for block in blocks(TESTING):
        write(block, tmp_path)
    files = named(TESTING)
    snapshot = tmp_path / "__snapshots__" / "test_nightly.ambr"
    assert pytest_in(tmp_path).returncode == 0
    snapshot.unlink()
    assert pytest_in(tmp_path).returncode == 1
    assert pytest_in(tmp_path, "--snapshot-update").returncode == 0
    assert snapshot.read_text("utf-8") == files["__snapshots__/test_nightly.ambr"]
    config = tmp_path / "nightly.driftflow.json"
    for old, new in [
        ('"max_attempts": 3', '"max_attempts": 2'),
        ('"optional": true', '"optional": false'),
        ('"action": "upper"', '"action": "lower"'),
        ('"total"', '"sum"'),
        ('"channel": "orders"', '"channel": "sales"'),
    ]:
        config.write_text(files[config.name].replace(old, new), "utf-8")
        assert pytest_in(tmp_path).returncode == 1, new


def test_the_readme_fits_on_a_few_screens() -> None:
    """What is more belongs into the pages behind it."""
    assert len(read(README).splitlines()) <= 220


def slugs(document: str) -> set[str]:
    """The anchors of its headings, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```$", "", read(document), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "document", sorted({*PAGES, *(path.name for path in CHECKOUT.glob("*.md"))})
)
def test_every_link_within_the_checkout_leads_somewhere(document: str) -> None:
    """To a file that is there, and to a heading of it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", read(document)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (CHECKOUT / document).parent / path if path else CHECKOUT / document
        assert found.exists(), target
        if anchor:
            assert anchor in slugs(str(found.resolve().relative_to(CHECKOUT))), target
