"""The compiled acceptor says what jsonschema says, and is what the schema compiles to."""

from __future__ import annotations

import ast
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
from driftflow.schemas.compiler import write_source
from driftflow.schemas.published import load_config_shape

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

VALIDATOR = Draft7Validator(load_config_shape())
# One of each JSON type, and those at the edges of what a field may hold.
OTHERS: list[Any] = [
    *(None, True, False, 0, 1, 2, -1, 10**400, 0.0, -0.0, 0.5, 1.0, -1.0, 1e308, "", "a", "é"),
    *([], {}, [[]], [{}], [None], {"": None}, {"name": 1}, [{"name": "a", "action": "b"}]),
]


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


@settings(max_examples=250)
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
    fields = [(key,) for key in load_config_shape()["properties"]]
    steps = load_config_shape()["properties"]["steps"]["items"]["properties"]
    paths: list[tuple[Any, ...]] = [*fields, ("steps", 0), *(("steps", 0, key) for key in steps)]
    for group in ("flags", "storage"):
        paths += [(group, key) for key in load_config_shape()["properties"][group]["properties"]]
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
    path = CHECKOUT / "driftflow" / "checking" / "acceptor.py"
    config = {key: part for key, part in load_config_shape().items() if key != "$id"}
    written, anew = (
        [ast.dump(node) for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
        for text in (path.read_text("utf-8"), write_source(config))
    )
    assert written == anew
