"""The schemas in a JSON Schema: where they stand, and which one a `$ref` leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from driftflow.reading.document import clone_json
from driftflow.schemas.inspection import inspect_schema, read_pointer
from driftflow.text import format_pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftflow.issues import JsonPath

# Keywords below which schemas have names.
NAMED = {"properties", "patternProperties", "definitions", "dependencies"}
# Keywords below which there is data, and no schema.
_DATA = {"const", "default", "enum", "examples"}


def replace_parts(
    schema: Mapping[str, Any], replace: Callable[[Any, str, str], Any]
) -> dict[str, Any]:
    """Return a copy of the schema with something else in place of each schema right below it.

    Args:
        schema: A JSON Schema, draft-07. A keyword that is none may hold schemas too.
        replace: Takes a part, the keyword below which it stands, and the JSON pointer to it from
            the schema; gives what stands there instead. It is asked about the names of `required`
            and the like, too: what is neither an object nor a boolean is no schema.
    """

    def replaced(keyword: str, argument: Any) -> Any:
        if keyword in NAMED and isinstance(argument, dict):
            return {
                name: replace(part, keyword, format_pointer((keyword, name)))
                for name, part in argument.items()
            }
        if keyword in _DATA:
            return argument
        if isinstance(argument, list):
            return [
                replace(part, keyword, format_pointer((keyword, index)))
                for index, part in enumerate(argument)
            ]
        return replace(argument, keyword, format_pointer((keyword,)))

    return {keyword: replaced(keyword, argument) for keyword, argument in schema.items()}


def resolve_reference(reference: str, schema: Mapping[str, Any]) -> Any:
    """Return the schema to which a `$ref` of a schema that was localized leads.

    Args:
        reference: A JSON pointer, as it stands in an address: `#/definitions/x`.
        schema: What it leads into.
    """
    part: Any = schema
    for key in read_pointer(reference.removeprefix("#")):
        part = part[int(key)] if type(part) is list else part[key]
    return part


def localize(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a schema whose references are JSON pointers from its top, without `$id`.

    Those to the meta-schema of draft-07 stay as they are.

    Raises:
        SchemaError: If it is no JSON Schema of draft-07.
    """
    parts, targets = inspect_schema(schema)
    copy: Any = clone_json({**schema})
    for path in parts:
        part = _get(copy, path)
        if type(part) is dict and path in targets and _get(copy, targets[path]) is not None:
            part["$ref"] = f"#{quote(format_pointer(targets[path]))}"
        elif type(part) is dict and "$ref" not in part:
            part.pop("$id", None)
    return dict(copy)


def _get(schema: Any, path: JsonPath) -> Any:
    """Return what is at a path; None for one in the meta-schema."""
    for key in path:
        if type(schema) is dict and key not in schema:
            return None
        schema = schema[key]
    return schema
