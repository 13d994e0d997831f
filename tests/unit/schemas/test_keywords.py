"""The table of keywords is that of draft-07."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft7Validator

from driftflow.schemas.compiler import _RULES
from driftflow.schemas.keywords import EDITOR_NOTES, KEYWORDS, NOTES, find_parts

META: Any = Draft7Validator.META_SCHEMA


def test_the_table_has_each_keyword_of_the_draft() -> None:
    """And no other; what the meta-schema forgets stands in the text of the draft."""
    assert {*KEYWORDS} == {*META["properties"]} | {"writeOnly"}
    assert not {*KEYWORDS} & {*EDITOR_NOTES}


def test_the_compiler_has_a_rule_for_each_that_judges() -> None:
    """But for two that `if` brings along."""
    assert {*_RULES} == {*KEYWORDS} - {*NOTES} - {"then", "else"}


ONE: Any = {}
SEVERAL, NAMED, NAMES = [{}, True], {"a": {}, "b": False}, {"a": ["b"], "c": {}}


def test_schemas_are_found_where_the_draft_has_them() -> None:
    """One, several or named ones."""
    one = ["additionalItems", "additionalProperties", "contains", "else", "if", "items", "not"]
    one += ["propertyNames", "then"]
    named = ["definitions", "patternProperties", "properties"]
    expected: dict[str, list[Any]] = {
        **{word: [(ONE, [((), ONE)])] for word in one},
        **{word: [(SEVERAL, [((0,), {}), ((1,), True)])] for word in ("allOf", "anyOf", "oneOf")},
        **{word: [(NAMED, [(("a",), {}), (("b",), False)])] for word in named},
        "dependencies": [(NAMES, [(("c",), {})])],
    }
    expected["items"] = [*expected["items"], *expected["allOf"]]
    for word, keyword in KEYWORDS.items():
        for argument, parts in expected.get(word, [(ONE, []), (SEVERAL, []), (NAMED, [])]):
            assert [*keyword.find_parts(argument)] == parts, word


def test_all_parts_of_a_schema_are_found() -> None:
    """Each with its keyword, and its path below that."""
    assert [*find_parts({"items": SEVERAL, "dependencies": NAMES, "x": ONE})] == [
        ("items", (0,), {}),
        ("items", (1,), True),
        ("dependencies", ("c",), {}),
    ]
