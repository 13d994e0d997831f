"""The published schemas: where they lie, and that they are good."""

from __future__ import annotations

import pytest
from jsonschema import Draft7Validator
from support.command import CHECKOUT

from driftflow.schemas.published import find_unknown_keys, load_schema, read_schema

NAMES = ["driftflow", "result", "audit", "findings", "plan"]


@pytest.mark.parametrize("name", NAMES)
def test_each_published_schema_satisfies_its_metaschema(name: str) -> None:
    """Draft-07, which editors read best."""
    contents = load_schema(name)
    assert contents["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(contents)


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_that_of_the_file(name: str) -> None:
    """To the byte."""
    path = CHECKOUT / "schema" / f"{name}.schema.json"
    assert read_schema(name).encode() == path.read_bytes()


def test_a_key_is_unknown_unless_it_is_listed_or_a_note() -> None:
    """A pattern is looked for anywhere in the key, as JSON Schema says."""
    patterns: dict[str, object] = {"^x-": {}, "!$": {}}
    definition = {"properties": {"a": {}}, "patternProperties": patterns}
    members = dict.fromkeys(["b", "a", "x-b", "bx-", "b!", "!b"])
    assert [*find_unknown_keys(members, definition)] == ["b", "bx-", "!b"]
