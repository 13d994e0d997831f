"""The reference pages say all that the program has, and nothing else: each thing once."""

from __future__ import annotations

import dis
import inspect
import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from support.command import CHECKOUT, invoke
from support.documents import read

import driftflow
import driftflow.events
import driftflow.storage
import driftflow.testing
from driftflow import arguments
from driftflow.actions.action import ACTIONS
from driftflow.actions.registry import resolve_actions
from driftflow.checking.features import FEATURES
from driftflow.errors import ATTEMPT_ERRORS
from driftflow.issues import CODES
from driftflow.parallel.processes import MARK
from driftflow.planning.references import FORMS
from driftflow.planning.settings import FLAGS_VARIABLE, TIMEOUT_VARIABLE
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKS = ("driftflow.packs.files", "driftflow.packs.process")


def section(page: str, title: str) -> str:
    """The part of a page under a heading, up to the next one of its level."""
    text = read(f"docs/reference/{page}.md")
    level = title.split(maxsplit=1)[0]
    return text.split(f"\n{title}\n")[1].split(f"\n{level} ")[0]


def rows(text: str) -> list[list[str]]:
    """The rows of the tables in a text that begin with `code`; their first cell without it."""
    found = re.findall(r"^\| `([^`]+)` \|(.*)\|$", text, re.MULTILINE)
    return [[name, *(cell.strip() for cell in rest.split(" | "))] for name, rest in found]


def fields(thing: dict[str, Any], prefix: str = "") -> dict[str, tuple[str, str]]:
    """The type and default of each field of an object, as the page writes them."""
    found = {}
    for name, field in thing.get("properties", {}).items():
        default = json.dumps(field["default"]) if "default" in field else "none"
        is_required = name in thing.get("required", ())
        found[prefix + name] = kind(field), "required" if is_required else default
        found |= fields(field, f"{prefix}{name}.")
    return found


def kind(field: dict[str, Any]) -> str:
    """A field's type in words."""
    kinds = field.get("type", "anything")
    words = " or ".join(kinds) if isinstance(kinds, list) else kinds
    if "items" in field:
        words += " of strings" if field["items"]["type"] == "string" else " of steps"
    if "minLength" in field:
        words += ", not empty"
    if "minimum" in field:
        words += f" >= {field['minimum']}"
    if "exclusiveMinimum" in field:
        words += f" > {field['exclusiveMinimum']}"
    return words


def test_every_field_of_a_config_is_there() -> None:
    """With its type and its default."""
    workflow = load_schema("driftflow")
    step = workflow["properties"]["steps"]["items"]
    tables = section("config", "## Fields").split("Each step:")
    for text, level in zip(tables, (workflow, step), strict=True):
        expected = fields(level)
        shown = {name: (kind, default.strip("`")) for name, kind, default, _ in rows(text)}
        assert shown == expected


def keys(schema: dict[str, Any], prefix: str = "") -> list[str]:
    """The keys of a document at any depth, in the schema's order, as the page writes them."""
    found = []
    for name, field in schema["properties"].items():
        found.append(prefix + name)
        inner = field.get("items", field)
        mark = "[]" if "items" in field else ""
        if "properties" in inner:
            found += keys(inner, f"{prefix}{name}{mark}.")
    return found


@pytest.mark.parametrize(
    ("name", "title"),
    [("result", "## The result"), ("plan", "## The plan"), ("findings", "## Findings")],
)
def test_every_key_of_a_document_is_there(name: str, title: str) -> None:
    """In the order in which it is printed; what all flags have stands there once."""
    expected = keys(load_schema(name))
    if name == "plan":
        flag = load_schema(name)["definitions"]["flag"]
        place = expected.index("flags.parallel") + 1
        expected[place:place] = keys(flag, "flags.*.")
    assert [row[0] for row in rows(section("records", title))] == expected


def test_every_event_of_the_audit_is_there() -> None:
    """With the fields that the schema asks for, and those that it allows."""
    definitions = load_schema("audit")["definitions"]
    head = load_schema("audit")["required"]
    found = rows(section("records", "## The audit"))
    assert [row[0] for row in found[: len(head)]] == head
    named = {event: re.findall(r"`(\w+)`", rest) for event, rest in found[len(head) :]}
    events = load_schema("audit")["properties"]["event"]["enum"]
    assert named == {
        event: [name for name in definitions[event]["properties"] if name not in head]
        for event in events
    }
    for event in events:
        required = definitions[event]["required"]
        assert named[event][: len(required)] == required


def test_every_option_and_every_command_is_there() -> None:
    """The options with their values, as in the usage text; each command under its heading."""
    text = read("docs/reference/command-line.md")
    options = arguments.HELP.split("Options:\n")[1].split("\n\n")[0]
    expected = re.findall(r"^  (?:-\w )?(--[\w-]+(?: [A-Z=]+)?)", options, re.MULTILINE)
    assert sorted(row[0] for row in rows(text) if row[0].startswith("--")) == sorted(expected)
    commands = arguments.HELP.split("Commands:\n")[1].split("\n\n")[0]
    for command in re.findall(r"^  (\w+)", commands, re.MULTILINE):
        assert f"\n## {command}\n" in text


def test_every_code_is_there() -> None:
    """And whether it is an error or a warning, in the same order."""
    found = rows(read("docs/reference/messages.md"))
    assert [(name, kind) for name, kind, _ in found] == list(CODES.items())


def test_every_environment_variable_is_there() -> None:
    """All that the package reads, and no other; it sets one itself."""
    page = read("docs/reference/environment.md")
    sources = "".join(path.read_text("utf-8") for path in (CHECKOUT / "driftflow").rglob("*.py"))
    used = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', sources)) - {*os.sysconf_names, *dis.opmap}
    used |= set(re.findall(r'environ\.get\("(\w+)"', sources))
    assert {name for name, _ in rows(page)} == used - {MARK}
    assert used == {FLAGS_VARIABLE, TIMEOUT_VARIABLE, MARK, "NO_COLOR", "TERM"}
    assert f"`{MARK}`" in page


def test_every_public_name_of_the_library_is_there() -> None:
    """Once; what it is, its docstring says."""
    expected = {f"driftflow.{name}" for name in driftflow.__all__}
    for module in (driftflow.events, driftflow.storage):
        expected |= {f"{module.__name__}.{name}" for name in module.__all__}
    expected |= {"driftflow.planning.plan.Plan", "driftflow.planning.plan.Step"}
    expected |= {"driftflow.planning.settings.RetryPolicy"}
    expected |= {f"driftflow.errors.{name}" for name in ATTEMPT_ERRORS if name != "ContractBroken"}
    expected |= {f"driftflow.failures.{name}" for name in ("Failure", "Frame", "Raised")}
    expected |= {
        f"driftflow.testing.{name}"
        for name, thing in vars(driftflow.testing).items()
        if not name.startswith("_") and inspect.getmodule(thing) is driftflow.testing
    }
    text = read("docs/reference/library.md")
    shown = re.findall(r"^\.\. (?:auto\w+|py:data):: ([\w.]+)$", text, re.MULTILINE)
    assert sorted(shown) == sorted(expected)


def test_every_action_that_ships_is_there() -> None:
    """With all fields of its input."""
    found = rows(section("actions", "## Built-in")) + rows(section("actions", "## Packs"))
    shown = {name: cells for name, *cells in found}
    known = {**ACTIONS, **resolve_actions(PACKS)}
    assert list(shown) == list(known)
    for name, action in known.items():
        for field in (action.schema or {}).get("properties", ()):
            assert f"`{field}`" in shown[name][0], (name, field)


@pytest.mark.parametrize("name", ["driftflow", "result", "audit", "findings", "plan"])
def test_every_field_of_a_schema_is_explained(name: str) -> None:
    """By a title and a description, or a comment if it is none; what has a default says it."""
    unexplained = []
    waiting: list[tuple[str, dict[str, Any]]] = [("", load_schema(name))]
    while waiting:
        path, node = waiting.pop()
        if "$comment" in node:
            continue
        if not {"title", "description"} <= node.keys():
            unexplained.append(path)
        inner = {**node.get("definitions", {}), **node.get("properties", {})}
        waiting += [
            (f"{path}.{key}", field)
            for key, field in inner.items()
            # A record's definition refers to what is explained elsewhere.
            if field and "$ref" not in field and "const" not in field
        ]
        if "$ref" not in node.get("items", {"$ref": ""}):
            waiting.append((f"{path}[]", node["items"]))
    assert unexplained == []


def explained(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas of the fields of a config, each with its name on the page; of items, theirs."""
    yield path, node
    for name, field in node.get("properties", {}).items():
        yield from explained(field, f"{path}.{name}".strip("."))
    for keyword in ("items", "additionalProperties"):
        if "title" in node.get(keyword, {}):
            yield from explained(node[keyword], "" if path == "steps" else path)


def test_an_editor_names_the_place_where_more_stands() -> None:
    """Behind the words about each field, and about each reference: a row of the page."""
    page = read("docs/reference/config.md")
    fields = [*explained(load_schema("driftflow"))]
    assert {"", "name", "steps", "when.is", "backoff.factor"} <= {path for path, _ in fields}
    for path, node in fields:
        words, _, place = node["markdownDescription"].partition("\n\nReference: ")
        assert words
        assert place == (f"config, `{path}`" if path else "config"), path
        assert not path or f"\n| `{path}` |" in page
    shown = json.dumps(load_schema("driftflow")["definitions"])
    keys = set(re.findall(r"Reference: config, `(\w+)`", shown))
    assert keys == {*FORMS} - {"item", "secret"}
    for key in keys:
        assert f'\n| `{{"{key}": ' in page


def test_the_exit_statuses_of_the_readme_are_the_commands() -> None:
    """Each with the words of the usage text."""
    shown = re.findall(r"^\| (\d) \| (.+) \|$", read("README.md"), re.MULTILINE)
    usage = invoke("--help").stdout
    assert shown == re.findall(r"^  (\d)  (.*)$", usage, re.MULTILINE)


def test_every_feature_is_there() -> None:
    """With the version that brought it."""
    assert rows(section("config", "## Features")) == [[*row] for row in FEATURES.items()]
