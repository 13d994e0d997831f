"""The schemas in a JSON Schema: where they stand, and which one a `$ref` leads to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        pointer = f"/{escape_key(keyword)}"
        if keyword in NAMED and isinstance(argument, dict):
            return {
                name: replace(part, keyword, f"{pointer}/{escape_key(name)}")
                for name, part in argument.items()
            }
        if keyword in _DATA:
            return argument
        if isinstance(argument, list):
            return [
                replace(part, keyword, f"{pointer}/{index}") for index, part in enumerate(argument)
            ]
        return replace(argument, keyword, pointer)

    return {keyword: replaced(keyword, argument) for keyword, argument in schema.items()}


def escape_key(key: str) -> str:
    """Return a key as it stands in a JSON pointer, RFC 6901."""
    return key.replace("~", "~0").replace("/", "~1")


def resolve_reference(reference: str, schema: Mapping[str, Any]) -> Any:
    """Return the schema to which a `$ref` leads in that schema, by a JSON pointer.

    Raises:
        ValueError: If it leads to none.
    """
    from referencing.exceptions import PointerToNowhere
    from referencing.jsonschema import DRAFT7, EMPTY_REGISTRY

    found = None
    start, slash, pointer = reference.partition("/")
    with suppress(PointerToNowhere, TypeError, ValueError):  # a key of an array, or of a scalar
        whole = DRAFT7.create_resource(schema)
        found = whole.pointer(slash + pointer, resolver=EMPTY_REGISTRY.resolver()).contents
    if start == "#" and isinstance(found, dict | bool):
        return found
    raise ValueError(
        f"cannot resolve `$ref`: {reference} (only parts of the same schema can be referenced)"
    )


def check_references(schema: Mapping[str, Any]) -> None:
    """Raise ValueError if a `$ref` in the schema leads anywhere but to another part of it."""

    def check(part: Any, *_: str) -> None:
        if not isinstance(part, dict):
            return
        if isinstance(part.get("$ref"), str):
            resolve_reference(part["$ref"], schema)
        if isinstance(part.get("$id"), str) and part is not schema:
            raise ValueError(f"`$id` is allowed only at the top level of the schema: {part['$id']}")
        replace_parts(part, check)

    check(schema)
