"""Contracts: schemas as a plan knows them, and what breaks one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from support import workflows

from driftflow.errors import ContractBroken
from driftflow.schemas.contracts import load_contract, require_contract, write_schema

if TYPE_CHECKING:
    from driftflow.reading.document import Json


@given(workflows.values)
def test_a_schema_that_is_a_boolean_takes_all_or_nothing(value: Json) -> None:
    """As JSON Schema has it."""
    assert load_contract(write_schema(schema=True)).accepts(value)
    assert not load_contract(write_schema(schema=False)).accepts(value)


def test_equal_schemas_are_compiled_once() -> None:
    """By their text, which does not depend on blanks; the order of keys counts."""
    schema: Json = {"type": "integer", "title": "é"}
    contract = load_contract(write_schema(schema))
    assert load_contract(write_schema({"type": "integer", "title": "é"})) is contract
    assert contract.schema == schema
    assert write_schema(schema) == '{"type":"integer","title":"\\u00e9"}'


@pytest.mark.parametrize(
    "schema", [{"type": "nothing"}, {"enum": 5}, {"properties": []}, {"minimum": "1"}, {"$ref": 5}]
)
def test_what_is_no_schema_says_so(schema: Json) -> None:
    """When it is loaded, before anything is judged."""
    with pytest.raises(ValueError, match=r"\S"):
        load_contract(write_schema(schema))


@pytest.mark.parametrize(
    ("schema", "output", "error"),
    [
        (
            {"type": "object"},
            [1],
            "contract broken: the output must be an object, not an array",
        ),
        (
            {"items": {"properties": {"a/b": {"type": "integer"}}}},
            [{}, {"a/b": "x"}],
            'contract broken at /1/a~1b: `[1]["a/b"]` must be an integer, not a string',
        ),
        (False, 1, "contract broken: the output is not allowed"),
    ],
)
def test_an_output_that_breaks_its_contract_is_told_with_its_place(
    schema: Json, output: Json, error: str
) -> None:
    """As a JSON Pointer, and what is wrong there."""
    with pytest.raises(ContractBroken) as raised:
        require_contract(write_schema(schema), output)
    assert str(raised.value) == error
    assert isinstance(raised.value, ValueError)


def test_an_output_that_keeps_its_contract_raises_nothing() -> None:
    """Whatever else is in it."""
    require_contract(write_schema({"required": ["a"]}), {"a": 1, "b": 2})
