"""Schemas that a config holds: of conditions, of outputs, of parameters.

In a plan such a schema is a text of compact JSON: it cannot change, it travels to any worker, and
equal ones are compiled once in each process.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.errors import ContractBroken
from driftflow.schemas.compiler import compile_schema
from driftflow.text import format_pointer, shorten

if TYPE_CHECKING:
    from driftflow.reading.document import Json
    from driftflow.schemas.compiler import Accepts

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Contract(NamedTuple):
    """A schema, ready to judge.

    Attributes:
        schema: The schema, an object.
        accepts: Returns whether a value satisfies it.
    """

    schema: dict[str, Any]
    accepts: Accepts


def write_schema(schema: Json) -> str:
    """Return a schema as the text by which a plan knows it."""
    return _encode(schema)


@lru_cache(maxsize=1024)
def load_contract(text: str) -> Contract:
    """Return the schema of a text that `write_schema` has returned.

    Raises:
        ValueError: If it is no JSON Schema; says what is wrong with it.
    """
    schema = _as_object(json.loads(text))
    return Contract(schema, compile_schema(schema))


def require_contract(text: str, output: Json) -> None:
    """Raise ContractBroken if an output does not satisfy the schema of a text.

    Args:
        text: What `write_schema` has returned.
        output: What an action has returned.
    """
    schema, accepts = load_contract(text)
    if not accepts(output):
        from driftflow.schemas.explanation import find_breaches, join_reasons

        found = find_breaches(schema, output, "the output")
        where = f" at {shorten(format_pointer(found[0].path))}" if found and found[0].path else ""
        raise ContractBroken(f"contract broken{where}: {join_reasons(found)}")


def _as_object(schema: Any) -> dict[str, Any]:
    """Return an object that means the same as a schema that is a boolean."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    found: dict[str, Any] = schema
    return found
