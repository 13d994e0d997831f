"""The published schemas: where they lie, and that they are good."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator
from support import wellformed
from support.command import CHECKOUT
from support.wellformed import is_well_formed

from driftflow.planning.references import is_reference
from driftflow.schemas.published import (
    find_unknown_keys,
    load_config_shape,
    load_schema,
    read_schema,
)

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


REFERENCES: list[Any] = [
    *({"from": "a"}, {"from": ""}, {"from": []}, {"from": ["a", "b"]}, {"from": {"step": "a"}}),
    {"from": {"step": "a", "at": ""}},
    {"from": {"step": "a", "at": "/", "default": None}},
    {"from": {"step": "a", "at": "/rows/0/~0~1", "default": {"from": "b"}}},
    {"from": {"steps": [], "missing": "omit"}},
    {"from": {"missing": "omit", "steps": ["a", "b"]}},
    *({"param": "a"}, {"param": "", "default": [{"param": "b"}]}, {"default": 1, "param": "a"}),
    *({"run": "/id"}, {"run": "/name"}, {"run": "/params"}, {"run": "/params/a~1b/0"}),
    *({"concat": []}, {"concat": ["a", 1, 2.5, True, {"param": "x"}, {"concat": ["b"]}]}),
    *({"literal": None}, {"literal": {"from": 5}}, {"literal": {"item": "x"}}),
    {"x": [{"y": {"from": "a"}}, {"literal": {"secret": 1}}]},
]
DATA: list[Any] = [
    *(None, True, 0, "from", "{from}", [], {}, {"x": 1}, {"From": 5}, {"default": 1}),
    *({"from": 5, "to": "b"}, {"from": "a", "default": "b"}, {"param": 5, "value": 1}),
    *({"from": 5, "param": 5}, {"literal": 1, "x": 2}, {"item": 1, "secret": 2}),
    {"step": 5, "at": "x"},
]
FAULTY: list[Any] = [
    *({"from": 5}, {"from": None}, {"from": True}, {"from": {}}, {"from": ["a", 5]}),
    *({"from": {"stp": "a"}}, {"from": {"step": 5}}, {"from": {"step": "a", "by": 1}}),
    *({"from": {"step": "a", "at": "rows"}}, {"from": {"step": "a", "at": "/~2"}}),
    *({"from": {"step": "a", "at": "/a~"}}, {"from": {"step": "a", "at": 0}}),
    {"from": {"step": "a", "default": {"from": 5}}},
    *({"from": {"steps": ["a"]}}, {"from": {"steps": ["a"], "missing": "null"}}),
    *({"from": {"steps": "a", "missing": "omit"}}, {"from": {"steps": [5], "missing": "omit"}}),
    {"from": {"steps": ["a"], "step": "a", "missing": "omit"}},
    {"from": {"steps": ["a"], "missing": "omit", "default": 1}},
    *({"param": 5}, {"param": ["a"]}, {"param": "a", "default": {"from": 5}}),
    *(
        {"run": 5},
        {"run": ""},
        {"run": "id"},
        {"run": "/idd"},
        {"run": "/id/0"},
        {"run": "/params/~"},
    ),
    *({"concat": "x"}, {"concat": [None]}, {"concat": [[]]}, {"concat": [{}]}),
    *({"concat": [{"from": "a", "to": "b"}]}, {"concat": [{"from": 5}]}),
    *({"item": ""}, {"secret": "db"}),
    *([{"x": {"from": 5}}], {"x": [{"from": 5}]}, {"from": "a", "to": {"from": 5}}),
]


def judge(name: str) -> Draft7Validator:
    """What judges a value by a definition of the config's schema."""
    definitions = load_schema("driftflow")["definitions"]
    return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})


@pytest.mark.parametrize(("examples", "good"), [(REFERENCES, True), (DATA, True), (FAULTY, False)])
def test_the_schema_knows_what_is_wrong_with_a_reference(
    examples: list[Any], *, good: bool
) -> None:
    """What a check finds faulty it refuses, what that takes it takes."""
    takes = judge("value")
    for example in examples:
        assert is_well_formed(example) is good, example
        assert takes.is_valid(example) is good, example


@settings(max_examples=500)
@given(wellformed.values)
def test_the_schema_and_a_check_agree_on_references(value: Any) -> None:
    """Of every shape, in each other and in data."""
    assert judge("value").is_valid(value) is is_well_formed(value)


@given(wellformed.values)
def test_the_schema_and_the_planner_agree_on_what_a_reference_is(value: Any) -> None:
    """By the same keys, whatever is under them."""
    is_one = isinstance(value, dict) and is_reference(value)
    assert judge("reference").is_valid(value) is is_one


def test_the_shape_of_a_config_is_told_without_references_and_schemas() -> None:
    """It has what the schema has, but for what is behind a `$ref`: that is told by others."""
    shape, whole = load_config_shape(), load_schema("driftflow")
    assert "$ref" not in json.dumps(shape)
    Draft7Validator.check_schema(shape)
    assert shape.keys() == whole.keys() - {"definitions"}
    for wrong in ({"from": 5}, {"secret": 1}):
        step = {"name": "a", "action": "echo", "input": wrong, "returns": {"type": "strng"}}
        document = {"name": "w", "steps": [step], "output": wrong, "params": {"p": {"enum": 5}}}
        assert Draft7Validator(shape).is_valid(document)
        found = {error.json_path for error in Draft7Validator(whole).iter_errors(document)}
        (key,) = wrong
        assert found == {
            *(f"$.steps[0].input.{key}", f"$.output.{key}"),
            *("$.steps[0].returns.type", "$.params.p.enum"),
        }
    for path in (("steps",), ("name",), ("params", "p"), ("steps", 0, "returns")):
        document = config_with_all()
        place: Any = document
        for part in path[:-1]:
            place = place[part]
        assert Draft7Validator(shape).is_valid(document)
        place[path[-1]] = 5
        assert not Draft7Validator(shape).is_valid(document)


def config_with_all() -> dict[str, Any]:
    """A good config, with schemas in it."""
    step = {"name": "a", "action": "echo", "returns": True}
    return {"name": "w", "steps": [step], "params": {"p": {}}}


def test_no_reference_in_a_schema_is_dead() -> None:
    """Each leads to a definition, or to the meta-schema, which no validator has to fetch."""
    whole = load_schema("driftflow")
    waiting: list[Any] = [whole]
    named = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            named |= {node["$ref"]} if "$ref" in node else set()
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    definitions = {f"#/definitions/{name}" for name in whole["definitions"]}
    assert named == definitions | {"http://json-schema.org/draft-07/schema#"}
