"""The documents say what is so."""

from __future__ import annotations

import dis
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.command import CHECKOUT, EXAMPLES, invoke, process_environment, wait_for
from support.documents import blocks, named, read, write_named

import driftflow
from driftflow.issues import CODES
from driftflow.parallel.processes import MARK
from driftflow.planning.settings import FLAGS_VARIABLE, TIMEOUT_VARIABLE
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = ("README.md", "CONFIG.md", "TESTING.md")


def consoles(document: str) -> list[Any]:
    """Its command blocks."""
    texts = [
        text
        for language, text in blocks(document)
        if language == "console" and "--dask" not in text
    ]
    return [
        pytest.param(document, text, id=f"{document}:{text.splitlines()[0][2:40]}")
        for text in texts
    ]


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


def run(command: list[str], folder: Path) -> str:
    """What a command prints, errors too."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=process_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout


@pytest.fixture
def cluster(folder: Path) -> Iterator[str]:
    """The port of a Dask cluster that was started as README says, but for the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    commands = [text for language, text in blocks("README.md") if language == "sh"]
    assert len(commands) == 2
    with (folder / "log").open("ab") as log, ExitStack() as stack:
        for command in commands:
            words = command.replace("8786", port).replace("8787", "0").split()
            started = subprocess.Popen(
                words,
                cwd=folder,
                env=process_environment({"HOME": str(folder)}),
                stderr=log,
            )
            stack.callback(started.wait, 60)
            stack.callback(started.terminate)
        wait_for(lambda: (folder / "log").read_text().count("Registered to:") == 2)
        yield port


def test_the_block_of_a_cluster_prints_what_it_shows(cluster: str, folder: Path) -> None:
    """On real workers; the folder of the run is not theirs."""
    write_named("README.md", folder)
    (console,) = [text for _, text in blocks("README.md") if "--dask" in text]
    command, shown = console.removeprefix("$ ").split("\n", 1)
    assert run(["bash", "-c", command.replace("8786", cluster)], folder) == shown


@pytest.mark.parametrize(
    ("document", "console"), [console for name in DOCUMENTS for console in consoles(name)]
)
def test_a_command_block_prints_what_it_shows(document: str, console: str, folder: Path) -> None:
    """Each line that begins with $ is run, beside the document's files; what it prints follows."""
    write_named(document, folder)
    parts = re.split(r"^\$ (.*)\n", console, flags=re.MULTILINE)
    assert parts[0] == ""
    for command, shown in zip(parts[1::2], parts[2::2], strict=True):
        assert run(["bash", "-c", command], folder) == shown


def test_the_python_block_prints_what_the_block_below_it_shows(folder: Path) -> None:
    """README's library example."""
    (code,) = [
        text
        for language, text in blocks("README.md")
        if language == "python" and text not in named("README.md").values()
    ]
    (shown,) = [text for language, text in blocks("README.md") if language == "text"]
    assert run([sys.executable, "-c", code], folder) == shown


def test_the_quick_start_is_the_example() -> None:
    """The config in README is the file that it names."""
    assert named("README.md")["examples/quickstart.json"] == read("examples/quickstart.json")


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    """A new kind needs a new test."""
    kinds = {language for name in DOCUMENTS for language, _ in blocks(name)}
    assert kinds == {"console", "json", "jsonc", "lua", "python", "sh", "text", "toml", "yaml"}


@pytest.mark.parametrize("document", sorted(path.name for path in CHECKOUT.glob("*.md")))
def test_every_json_block_passes_a_strict_check(document: str, tmp_path: Path) -> None:
    """What we show as a workflow is one, without a warning; with the actions shown beside it."""
    options = write_named(document, tmp_path)
    for number, (_, text) in enumerate(block for block in blocks(document) if block[0] == "json"):
        path = tmp_path / f"{number}.driftflow.json"
        path.write_text(text, "utf-8")
        quiet = (0, "1 file: nothing to report\n", "")
        packs = ("--actions", "driftflow.packs.files")
        assert invoke("check", "--strict", *options, *packs, path) == quiet


def test_the_settings_of_vs_code_name_the_recommended_files() -> None:
    """As those of Neovim and the hook do."""
    (settings,) = [text for language, text in blocks("README.md") if language == "jsonc"]
    (mapping,) = json.loads(settings)["json.schemas"]
    assert mapping["fileMatch"] == ["driftflow.json", "*.driftflow.json"]
    (lua,) = [text for language, text in blocks("README.md") if language == "lua"]
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
    (shown,) = [text for language, text in blocks("README.md") if language == "yaml"]
    assert f"- id: {hook}\n" in shown
    assert f"rev: v{driftflow.__version__}\n" in shown
    for text in (manifest, shown):  # the names of files follow
        assert re.findall(r"^ *args: \[(?:.*, )?--\] ", text, re.MULTILINE)


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
    files = named("TESTING.md")
    write_named("TESTING.md", tmp_path)
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
        ('"priority": 20', '"priority": 21, "name": "sum"'),
        ('"channel": "orders"', '"channel": "sales"'),
    ]:
        config.write_text(files[config.name].replace(old, new), "utf-8")
        assert pytest_in(tmp_path).returncode == 1, new


def test_every_example_is_shown() -> None:
    """README runs each of them."""
    shown = "".join(text for language, text in blocks("README.md") if language == "console")
    for example in EXAMPLES:
        assert f"--config examples/{example.name}" in shown


def fields(properties: dict[str, Any], prefix: str = "") -> dict[str, tuple[str, str]]:
    """Each field's type and default, as CONFIG.md writes them."""
    found = {}
    for name, field in properties.items():
        found[prefix + name] = (
            kind(field),
            json.dumps(field["default"]) if "default" in field else "none",
        )
        found |= fields(field.get("properties", {}), f"{prefix}{name}.")
    return found


def kind(field: dict[str, Any]) -> str:
    """A field's type in words."""
    words = str(field.get("type", "anything"))
    if "items" in field:
        words += " of steps"
    if "minLength" in field:
        words += ", not empty"
    if "minimum" in field:
        words += f" >= {field['minimum']}"
    if "exclusiveMinimum" in field:
        words += f" > {field['exclusiveMinimum']}"
    return words


def test_config_md_has_every_field_of_the_schema() -> None:
    """With its type and its default."""
    workflow = load_schema("driftflow")
    step = workflow["properties"]["steps"]["items"]
    for properties, required, title in [
        (workflow["properties"], workflow["required"], "## Fields"),
        (step["properties"], step["required"], "Each step:"),
    ]:
        expected = fields(properties)
        for name in required:
            expected[name] = (expected[name][0], "required")
        table = read("CONFIG.md").split(f"{title}\n\n")[1].split("\n\n")[0]
        rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", table, re.MULTILINE)
        assert {name: (kind, default.strip("`")) for name, kind, default in rows} == expected


@pytest.mark.parametrize("name", ["driftflow", "result", "audit", "findings", "plan"])
def test_every_field_of_a_schema_is_explained(name: str) -> None:
    """By a title and a description; what has a default says it."""
    unexplained = []
    waiting: list[tuple[str, dict[str, Any]]] = [("", load_schema(name))]
    while waiting:
        path, node = waiting.pop()
        if not {"title", "description"} <= node.keys():
            unexplained.append(path)
        inner = {**node.get("definitions", {}), **node.get("properties", {})}
        waiting += [
            (f"{path}.{key}", field)
            for key, field in inner.items()
            # A record's definition refers to what is explained elsewhere.
            if field and "$ref" not in field and "const" not in field
        ]
        if "items" in node:
            waiting.append((f"{path}[]", node["items"]))
    assert unexplained == []


def test_config_md_has_every_environment_variable() -> None:
    """All that the package reads but the one that it sets itself, and no other."""
    table = read("CONFIG.md").split("## Environment variables\n\n")[1].split("\n\n")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    sources = "".join(path.read_text("utf-8") for path in (CHECKOUT / "driftflow").rglob("*.py"))
    used = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', sources))
    used -= {MARK, *os.sysconf_names, *dis.opmap}
    assert set(named) == used == {FLAGS_VARIABLE, TIMEOUT_VARIABLE, "NO_COLOR"}


def test_config_md_has_every_code() -> None:
    """And whether it is an error or a warning, in the same order."""
    section = read("CONFIG.md").split("## Errors and warnings")[1]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\w+) \| .+ \|$", section, re.MULTILINE)
    assert rows == list(CODES.items())


def test_config_md_has_every_event_of_the_audit() -> None:
    """With the fields that the schema asks for, and those that it allows."""
    definitions = load_schema("audit")["definitions"]
    head = load_schema("audit")["required"]
    section = read("CONFIG.md").split("## The audit's records")[1]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    named = {event: re.findall(r"`(\w+)`", fields) for event, fields in rows}
    events = load_schema("audit")["properties"]["event"]["enum"]
    assert named == {
        event: [name for name in definitions[event]["properties"] if name not in head]
        for event in events
    }
    for event in events:
        required = definitions[event]["required"]
        assert named[event][: len(required)] == required


def test_the_exit_statuses_of_the_readme_are_the_commands() -> None:
    """Each with the words of the usage text."""
    rows = re.findall(r"^\| (\d) \| (.+) \|$", read("README.md"), re.MULTILINE)
    assert len(rows) == 4
    assert driftflow.__doc__
    usage = run([sys.executable, "-m", "driftflow", "--help"], CHECKOUT)
    for status, meaning in rows:
        (stated,) = re.findall(rf"^  {status}  (.*)$", usage, re.MULTILINE)
        assert meaning.startswith(stated)


def test_every_document_that_is_named_is_there() -> None:
    """No link within the checkout is dead."""
    for document in sorted(CHECKOUT.glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8")):
            assert (CHECKOUT / target).exists(), f"{document.name}: {target}"
