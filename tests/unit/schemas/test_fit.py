"""Two schemas that no value can satisfy: found where it is certain, and never else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.workflows import values

from driftflow.schemas import patterns
from driftflow.schemas.compiler import compile_schema
from driftflow.schemas.fit import Subschema, cannot_fit, find_place, tell_types

STRING, NUMBER = {"type": "string"}, {"type": "number"}
ROWS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "rows": {
            "type": "array",
            "maxItems": 2,
            "items": {
                "type": "object",
                "properties": {"id": {"type": "integer"}},
                "additionalProperties": False,
            },
        }
    },
    "patternProperties": {"^x": {"type": "null"}},
    "additionalProperties": {"type": "boolean"},
}


def fits(given_schema: Any, taken: Any) -> bool:
    """Whether two schemas may fit, which is the same in both directions."""
    answers = {
        cannot_fit(Subschema(one), Subschema(other))
        for one, other in ((given_schema, taken), (taken, given_schema))
    }
    (answer,) = answers
    return not answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (STRING, NUMBER),
        ({"type": ["string", "null"]}, {"type": ["array", "boolean"]}),
        ({"const": "full"}, {"enum": ["quick", "slow"]}),
        ({"const": 3}, {"type": "string"}),
        ({"enum": [1, 2]}, {"minimum": 3}),
        ({"type": "number", "maximum": 2}, {"type": "integer", "minimum": 3}),
        ({"type": "string", "maxLength": 2}, {"type": "string", "minLength": 3}),
        ({"type": "array", "maxItems": 0}, {"type": "array", "minItems": 1}),
        ({"type": "object", "maxProperties": 1}, {"type": "object", "minProperties": 2}),
        (
            {"type": "object", "properties": {"id": STRING}},
            {"type": "object", "properties": {"id": NUMBER}, "required": ["id"]},
        ),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            {"type": "object", "required": ["b"]},
        ),
        ({"type": "array", "items": STRING, "minItems": 1}, {"type": "array", "items": NUMBER}),
        ({"anyOf": [STRING, {"type": "null"}]}, NUMBER),
        ({"oneOf": [STRING, {"type": "null"}]}, NUMBER),
        ({"allOf": [{}, STRING]}, NUMBER),
        ({"$ref": "#/definitions/a", "definitions": {"a": STRING}}, NUMBER),
        ({}, {"allOf": [False]}),
    ],
)
def test_what_cannot_fit_is_found(one: Any, other: Any) -> None:
    """Whichever of the two is given and which is taken."""
    assert not fits(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, STRING),
        ({"type": "integer"}, NUMBER),
        ({"type": ["string", "number"]}, NUMBER),
        ({"maximum": 2}, {"minimum": 3}),  # a string satisfies both
        ({"type": "array", "items": STRING}, {"type": "array", "items": NUMBER}),  # `[]`
        (
            {"type": "object", "properties": {"id": STRING}},
            {"type": "object", "properties": {"id": NUMBER}},
        ),
        ({"anyOf": [STRING, NUMBER]}, NUMBER),
        ({"$ref": "http://json-schema.org/draft-07/schema#"}, NUMBER),
        ({"not": STRING}, STRING),  # nobody looks into that
    ],
)
def test_what_may_fit_is_left_alone(one: Any, other: Any) -> None:
    """A value can satisfy both, or nobody can tell at a glance."""
    assert fits(one, other)


small = st.sampled_from([0, 1, 2])
simple = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "number", "integer", "null"])}),
    st.fixed_dictionaries({"const": st.sampled_from(["", "a", 0, 1, None, True])}),
    st.fixed_dictionaries({"enum": st.lists(st.sampled_from(["", "a", 0, 1, None]), max_size=3)}),
    st.fixed_dictionaries({}, optional={"minimum": small, "maximum": small}),
    st.fixed_dictionaries({"type": st.just("string")}, optional={"minLength": small}),
    st.fixed_dictionaries({"type": st.just("string")}, optional={"maxLength": small}),
)
schemas: st.SearchStrategy[Any] = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("array")},
            optional={"items": inner, "minItems": small, "maxItems": small},
        ),
        st.fixed_dictionaries(
            {"type": st.just("object")},
            optional={
                "properties": st.dictionaries(st.sampled_from("ab"), inner),
                "required": st.lists(st.sampled_from("ab"), unique=True),
                "additionalProperties": st.one_of(st.booleans(), inner),
            },
        ),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
    ),
    max_leaves=6,
)
likely: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["", "a", "ab", 0, 1, 2, None, True, [], {}]),
    st.lists(st.sampled_from(["", "a", 0, 1, None]), max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.sampled_from(["", "a", 0, 1, None]), max_size=2),
    values,
)


@settings(max_examples=200)
@given(schemas, schemas, likely)
def test_there_is_no_false_alarm(one: Any, other: Any, value: Any) -> None:
    """A value that satisfies both shows that they fit."""
    if compile_schema(one)(value) and compile_schema(other)(value):
        assert fits(one, other)


@pytest.mark.parametrize(
    ("keys", "types"),
    [
        ((), ["object"]),
        (("rows",), ["array"]),
        (("rows", "0", "id"), ["integer"]),
        (("rows", "1"), ["object"]),
        (("x1",), []),  # by a pattern: left alone
        (("other",), ["boolean"]),
    ],
)
def test_the_schema_of_a_place_is_found(keys: tuple[str, ...], types: list[str]) -> None:
    """By names, patterns and indexes."""
    part = find_place(Subschema(ROWS), keys)
    assert not part.is_false
    assert [*tell_types(part)] == types


@pytest.mark.parametrize(
    "keys",
    [("rows", "2"), ("rows", "first"), ("rows", "00"), ("rows", "0", "idd"), ("other", "x")],
)
def test_a_place_that_cannot_be_is_known(keys: tuple[str, ...]) -> None:
    """There is nothing in a scalar, beyond the last item, or where nothing else is allowed."""
    assert find_place(Subschema(ROWS), keys).is_false


@pytest.mark.parametrize(
    ("pattern", "key", "is_gone"),
    [
        (r"^\p{L}+$", "ä", False),
        (r"^\p{L}+$", "7", True),
        (r"^\d$", "٣", True),
        ("(x+x+)+y", "x" * 5000, False),
    ],
)
def test_names_are_held_against_patterns_of_ecma_262(
    pattern: str, key: str, monkeypatch: pytest.MonkeyPatch, *, is_gone: bool
) -> None:
    """A name may be there if that takes too long."""
    monkeypatch.setattr(patterns, "MAX_SECONDS", 0.01)
    schema = {"type": "object", "patternProperties": {pattern: {}}, "additionalProperties": False}
    assert find_place(Subschema(schema), (key,)).is_false is is_gone


@pytest.mark.parametrize("word", ["anyOf", "allOf", "oneOf", "if", "not"])
def test_a_place_behind_what_is_intricate_is_left_alone(word: str) -> None:
    """It may be there."""
    schema = {"type": "object", "additionalProperties": False, word: [{}]}
    assert not find_place(Subschema(schema), ("a", "b")).is_false


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    """However many parts it has on each level."""
    names = [f"p{number}" for number in range(20)]
    tree: dict[str, Any] = {
        "type": "object",
        "properties": {name: {"$ref": "#"} for name in names},
        "required": names,
    }
    assert fits(tree, tree)
    assert not find_place(Subschema(tree), ("p1",) * 100).is_false
