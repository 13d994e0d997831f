"""Compile the config's schema into `driftflow/checking/acceptor.py`; `make acceptor` runs this.

It knows the keywords that the schema uses, and refuses any other: an acceptor that passed over
a keyword would say yes too often.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftflow.schemas.published import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ACCEPTOR = Path(__file__).resolve().parent.parent / "driftflow" / "checking" / "acceptor.py"

_HEAD = '''\
"""Whether a document satisfies the config's schema: a fast yes or no, without the reasons.

Compiled from schema/driftflow.schema.json by `make acceptor`: not to be edited.
"""

from __future__ import annotations

from typing import Any
'''

# What must be true of a value, by a keyword about it alone.
_TYPES = {
    "array": "type({0}) is list",
    "boolean": "type({0}) is bool",
    "integer": "(type({0}) is int or (type({0}) is float and {0}.is_integer()))",
    "number": "(type({0}) is int or type({0}) is float)",
    "object": "type({0}) is dict",
    "string": "type({0}) is str",
}
_BOUNDS = {
    "minLength": "len({0}) >= {1}",
    "minimum": "{0} >= {1}",
    "exclusiveMinimum": "{0} > {1}",
}
# The keywords that say something about a value of that type.
_KEYWORDS = {
    "array": {"items"},
    "boolean": set[str](),
    "integer": {"minimum", "exclusiveMinimum"},
    "number": {"minimum", "exclusiveMinimum"},
    "object": {"required", "properties"},
    "string": {"minLength"},
}
_OPEN = {"patternProperties", "additionalProperties", "anyOf"}  # that take any value, as it stands
_ANNOTATIONS = {  # what editors read, and validators pass over
    "$id",
    "$schema",
    "default",
    "defaultSnippets",
    "deprecated",
    "deprecationMessage",
    "description",
    "examples",
    "markdownDescription",
    "title",
}


def compile_schema(definition: Mapping[str, Any]) -> str:
    """The text of a module whose `accepts` says whether a value satisfies the definition.

    Raises:
        NotImplementedError: If the definition has a keyword that is not known here, or one in
            a place where what it asks for would be passed over.
    """
    return "\n\n".join([_HEAD, *_functions("accepts", definition)])


def _functions(name: str, definition: Mapping[str, Any]) -> Iterator[str]:
    """A function for each object, and for the items of each array, the innermost first."""
    _refuse_the_unknown(definition)
    for field, member in definition.get("properties", {}).items():
        yield from _functions(f"{name}_{field}", member)
    if "items" in definition:
        yield from _functions(f"{name}_item", definition["items"])
    if name == "accepts" or name.endswith("_item") or definition.get("type") == "object":
        conditions = " and ".join(_conditions(name, definition, "value")) or "True"
        yield f"def {name}(value: Any) -> bool:\n    return (\n{conditions}\n)\n"


def _conditions(name: str, definition: Mapping[str, Any], value: str) -> Iterator[str]:
    """What must be true of the value; nothing for a definition that takes any."""
    if "type" in definition:
        yield _TYPES[definition["type"]].format(value)
    for keyword, condition in _BOUNDS.items():
        if keyword in definition:
            yield condition.format(value, definition[keyword])
    if "items" in definition:
        yield f"all(map({name}_item, {value}))"
    for field in definition.get("required", []):
        yield f"{field!r} in {value}"
    for field, member in definition.get("properties", {}).items():
        condition = _condition(f"{name}_{field}", member, f"{value}[{field!r}]")
        if condition and field in definition.get("required", []):
            yield condition
        elif condition:
            yield f"({field!r} not in {value} or {condition})"


def _condition(name: str, definition: Mapping[str, Any], value: str) -> str:
    if definition.get("type") == "object":
        return f"{name}({value})"
    conditions = list(_conditions(name, definition, value))
    return f"({' and '.join(conditions)})" if len(conditions) > 1 else "".join(conditions)


def _refuse_the_unknown(definition: Mapping[str, Any]) -> None:
    kind = str(definition.get("type"))
    known = {"type", *_KEYWORDS[kind]} if kind in _KEYWORDS else set()
    if unknown := definition.keys() - known - _OPEN - _ANNOTATIONS:
        raise NotImplementedError(f"not known for the type {kind}: {sorted(unknown)}")
    patterns = definition.get("patternProperties", {}).values()
    for others in (*patterns, definition.get("additionalProperties", {})):
        if others is False or others.keys() - _ANNOTATIONS:
            raise NotImplementedError(f"fields that are not listed must be free: {others}")
    if {} not in definition.get("anyOf", [{}]):
        raise NotImplementedError("anyOf without a branch that takes any value")


if __name__ == "__main__":
    ACCEPTOR.write_text(compile_schema(schema("driftflow")), encoding="utf-8")
