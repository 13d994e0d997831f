"""The compiled acceptor says what jsonschema says, and is what the schema compiles to."""

from __future__ import annotations

import ast
import importlib.util
import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support import workflows
from support.command import CHECKOUT

from driftflow.checking.acceptor import accepts
from driftflow.schemas.published import schema

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

VALIDATOR = Draft7Validator(schema("driftflow"))
# One of each JSON type, and those at the edges of what a field may hold.
OTHERS: list[Any] = [
    *(None, True, False, 0, 1, 2, -1, 10**400, 0.0, -0.0, 0.5, 1.0, -1.0, 1e308, "", "a", "é"),
    *([], {}, [[]], [{}], [None], {"": None}, {"name": 1}, [{"name": "a", "action": "b"}]),
]


def compiler() -> Callable[[dict[str, Any]], str]:
    """`compile_schema` of the script that writes the acceptor."""
    spec = importlib.util.spec_from_file_location("tool", CHECKOUT / "tools" / "compile_schema.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    compiled: Callable[[dict[str, Any]], str] = tool.compile_schema
    return compiled


compile_schema = compiler()


def compiled(definition: dict[str, Any]) -> Callable[[Any], bool]:
    """The acceptor of a schema, as a function."""
    scope: dict[str, Any] = {}
    exec(compile_schema(definition), scope)  # noqa: S102 - the text that is under test
    acceptor: Callable[[Any], bool] = scope["accepts"]
    return acceptor


def mutants(document: Any, draw: random.Random) -> Iterator[Any]:
    """The document with one value replaced, one member left out, or one put in: of each, one."""
    for change in (_replace, _leave_out, _put_in):
        copy = json.loads(json.dumps([document]))
        change(draw.choice(list(_places(copy))), draw)
        yield copy[0]


def _places(container: Any) -> Iterator[tuple[Any, Any]]:
    keys = container if isinstance(container, dict) else range(len(container))
    for key in keys:
        yield container, key
        if isinstance(container[key], dict | list):
            yield from _places(container[key])


def _replace(place: tuple[Any, Any], draw: random.Random) -> None:
    container, key = place
    container[key] = draw.choice(OTHERS)


def _leave_out(place: tuple[Any, Any], draw: random.Random) -> None:
    container, key = place
    if isinstance(container, dict):
        del container[key]
    else:
        _replace(place, draw)


def _put_in(place: tuple[Any, Any], draw: random.Random) -> None:
    container, key = place
    known = ["name", "action", "priority", "optional", "path", "audit", "steps", "max_attempts"]
    if isinstance(container, dict):
        container[draw.choice(known)] = draw.choice(OTHERS)
    else:
        container[key] = {draw.choice(known): draw.choice(OTHERS)}


@settings(max_examples=500)
@given(workflows.configs, st.randoms(use_true_random=False))
def test_acceptor_and_jsonschema_agree(config: dict[str, Any], draw: random.Random) -> None:
    """On good documents, and on such as are wrong in one place and more."""
    assert accepts(config)
    for wrong in mutants(config, draw):
        for document in (wrong, *mutants(wrong, draw)):
            assert accepts(document) == VALIDATOR.is_valid(document)


@pytest.mark.parametrize("value", OTHERS, ids=lambda value: repr(value)[:20])
def test_they_agree_on_each_value_at_each_place(value: Any) -> None:
    """The document itself is one."""
    assert accepts(value) == VALIDATOR.is_valid(value)
    good = workflows.config({}, flags={}, storage={})
    fields = [(key,) for key in schema("driftflow")["properties"]]
    steps = schema("driftflow")["properties"]["steps"]["items"]["properties"]
    paths: list[tuple[Any, ...]] = [*fields, ("steps", 0), *(("steps", 0, key) for key in steps)]
    for group in ("flags", "storage"):
        paths += [(group, key) for key in schema("driftflow")["properties"][group]["properties"]]
    assert VALIDATOR.is_valid(good)
    for path in paths:
        document = workflows.config_with(path, value)
        assert accepts(document) == VALIDATOR.is_valid(document), path


def test_what_is_no_json_is_never_accepted() -> None:
    """A no costs time and nothing else: jsonschema has the last word."""
    assert not accepts(workflows.config_with(("timeout_seconds",), math.nan))
    assert not accepts(workflows.config_with(("steps",), ()))
    assert not accepts(workflows.config_with(("max_attempts",), math.inf))


def test_the_acceptor_is_what_the_schema_compiles_to() -> None:
    """`make acceptor` after each change of the schema."""
    text = (CHECKOUT / "driftflow" / "checking" / "acceptor.py").read_text("utf-8")
    written, anew = (
        ast.dump(ast.parse(each)) for each in (text, compile_schema(schema("driftflow")))
    )
    assert written == anew


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "object", "minProperties": 1},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "patternProperties": {"^x": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"enum": [1]}}},
        {"type": "object", "properties": {"a": {"type": "object", "$ref": "#"}}},
        {"type": "object", "minLength": 1},
        {"type": "array", "items": {"const": 1}},
        {"type": "array", "required": ["a"]},
        {"type": "string", "pattern": "a"},
        {"type": "string", "minimum": 1},
        {"type": ["string", "null"]},
        {"type": "null"},
        {"type": "string", "anyOf": [{"enum": ["a"]}]},
        {"minLength": 1},
        {"required": ["a"]},
        {"properties": {"a": {}}},
    ],
    ids=str,
)
def test_a_keyword_that_is_not_known_is_not_passed_over(definition: dict[str, Any]) -> None:
    """Nor one that the type has no use for: the acceptor would say yes too often."""
    with pytest.raises(NotImplementedError):
        compile_schema(definition)


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"type": "array", "items": {}},
        {"type": "array", "items": {"type": "array", "items": {"type": "boolean"}}},
        {"type": "object", "required": ["a"]},
        {"type": "object", "properties": {"name": {"type": "array", "items": {"type": "string"}}}},
        {"type": "object", "properties": {"a": {"type": "object", "required": ["b"]}}},
        {"type": "number", "minimum": 1},
        {"type": "integer", "exclusiveMinimum": -1},
        {"type": "string", "minLength": 2, "anyOf": [{"enum": ["ab"]}, {}]},
        {"type": "object", "additionalProperties": {}, "patternProperties": {"^x": {"title": "x"}}},
    ],
    ids=str,
)
def test_what_is_known_means_what_jsonschema_says(definition: dict[str, Any]) -> None:
    """Also where the config's schema does not use it."""
    acceptor, validator = compiled(definition), Draft7Validator(definition)
    for value in [*OTHERS, {"a": {}}, {"a": {"b": 1}}, {"name": ["a", 1]}, [[True], [1]], "ab"]:
        assert acceptor(value) == validator.is_valid(value), value
