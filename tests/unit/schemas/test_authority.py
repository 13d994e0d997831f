"""What jsonschema explains is what the compiler judges; `test_compiler` has each keyword."""

from __future__ import annotations

from typing import Any

import pytest

from driftflow.schemas import patterns
from driftflow.schemas.breaches import make_finder
from driftflow.schemas.compiler import compile_schema

SLOW = "^(a|aa)+$"
TEXT = "a" * 100 + "!"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": SLOW}, TEXT),
        ({"patternProperties": {SLOW: False}}, {TEXT: 1}),
        ({"patternProperties": {SLOW: {}}, "additionalProperties": False}, {TEXT: 1}),
        ({"propertyNames": {"pattern": SLOW}}, {TEXT: 1}),
    ],
)
def test_a_match_that_takes_too_long_can_be_told_apart(
    schema: Any, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the cause of the error."""
    monkeypatch.setattr(patterns, "MAX_SECONDS", 0.01)
    assert not compile_schema(schema)(value)
    errors = [*make_finder(schema).iter_errors(value)]
    assert any(isinstance(error.cause, patterns.SlowMatchError) for error in errors)
    fine = "b" if isinstance(value, str) else {"b": 1}
    assert not any(error.cause for error in make_finder(schema).iter_errors(fine))


def test_errors_say_where_they_are() -> None:
    """As those of jsonschema do."""
    schema = {
        "patternProperties": {"^a": {"type": "string"}},
        "properties": {"b": {"items": [True], "additionalItems": {"type": "string"}}},
        "additionalProperties": {"type": "null"},
    }
    value = {"a1": 1, "b": [1, "a", 2], "c": 3}
    places = {
        tuple(error.absolute_path): tuple(error.absolute_schema_path)
        for error in make_finder(schema).iter_errors(value)
    }
    assert places == {
        ("a1",): ("patternProperties", "^a", "type"),
        ("b", 2): ("properties", "b", "additionalItems", "type"),
        ("c",): ("additionalProperties", "type"),
    }
