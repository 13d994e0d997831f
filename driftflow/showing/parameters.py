"""The parameters of a workflow: a table for people, a document for programs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftflow.showing.tables import format_table
from driftflow.text import REDACTED, escape, format_json, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftflow.planning.parameters import Parameter

_HEADING = ["name", "takes", "value", "from", "used by", "description"]
# Keywords that are shown otherwise, or say nothing about the value.
_ASIDE = {"default", "description", "title", "examples", "$schema"}


def build_params_document(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return what `plan --params --print-json` prints."""
    return {
        "params": [
            {
                "name": each.name,
                "schema": each.schema,
                "value": REDACTED if each.is_secret and each.origin else each.value,
                "source": each.origin,
                "steps": [*each.steps],
            }
            for each in parameters
        ]
    }


def format_params(parameters: Sequence[Parameter]) -> str:
    """Return a line for each parameter: what it takes, its value, and which steps use it."""
    if not parameters:
        return "this workflow has no parameters\n"
    rows = [
        [
            escape(shorten(each.name)),
            _format_schema(each.schema),
            _format_value(each),
            each.origin or "",
            escape(shorten(", ".join(each.steps))),
            _format_description(each.schema),
        ]
        for each in parameters
    ]
    return format_table([_HEADING, *rows])


def _format_schema(schema: Any) -> str:
    """Return in short what a schema takes: `integer`, `"quick" or "full"`, or its JSON."""
    if schema is False:
        return "nothing"
    told = {key: schema[key] for key in schema if key not in _ASIDE} if type(schema) is dict else {}
    match told:
        case {"type": str(kind), **rest} if not rest:
            return escape(kind)
        case {"enum": list(choices), **rest} if not rest.keys() - {"type"}:
            return shorten(" or ".join(map(format_json, choices)))
    return shorten(format_json(told)) if told else "anything"


def _format_value(parameter: Parameter) -> str:
    if parameter.origin is None:
        return ""
    return REDACTED if parameter.is_secret else shorten(format_json(parameter.value))


def _format_description(schema: Any) -> str:
    described = schema.get("description", "") if isinstance(schema, dict) else ""
    return escape(shorten(described)) if isinstance(described, str) else ""
