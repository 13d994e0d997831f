"""The parameters that a config declares: for each name a JSON Schema of its value.

A config that declares none takes any. With `params`, only what is declared can be used, a default
stands in the schema, and a text from the command line is read by what the schema takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from driftflow.errors import ConfigError
from driftflow.planning.references import find_references, list_params, list_values
from driftflow.reading.document import Json, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from driftflow.planning.references import StepDocument

# Where the value of a parameter comes from; None if it has none.
Origin: TypeAlias = Literal["given", "default"] | None


class ParamText(str):
    """The value of a parameter as a text; its schema decides whether it is a string, or JSON."""

    __slots__ = ()


class Parameter(NamedTuple):
    """A parameter of a config.

    Attributes:
        name: Its name.
        schema: What values it takes, a JSON Schema; None if it is not declared.
        value: Its value; None if it has none, or if that is secret.
        origin: Where the value comes from.
        is_secret: Whether a sensitive step uses it.
        steps: The names of the steps that use it, in the order of the file.
    """

    name: str
    schema: Json
    value: Json
    origin: Origin
    is_secret: bool
    steps: tuple[str, ...]


def list_declared(document: Any) -> dict[str, Any] | None:
    """Return the schemas of the parameters, by name; None if a document of any shape has none."""
    declared = document.get("params") if isinstance(document, dict) else None
    return declared if isinstance(declared, dict) else None


def read_texts(declared: Mapping[str, Any] | None, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return the values that are given, with each text read by what its schema takes.

    A text that is no JSON stays a string, which its schema then refuses.

    Args:
        declared: The schemas of the parameters, by name; None if none are declared.
        given: The values, by name.
    """
    return {
        name: _read_text(value, (declared or {}).get(name)) if type(value) is ParamText else value
        for name, value in given.items()
    }


def _read_text(text: str, schema: Json) -> Json:
    if takes_text(schema):
        return str(text)
    try:
        document = parse(text.encode("utf-8", "surrogatepass"), "")
    except ConfigError:
        return str(text)
    return str(text) if document.issues else document.value


def takes_text(schema: Json) -> bool:
    """Return whether a schema takes a string, by its `type`, `enum` or `const`."""
    if not isinstance(schema, dict):
        return True
    kinds: Any = schema.get("type", "string")
    choices: Any = schema.get("enum")  # which may be wrong, and of any shape
    return (
        "string" in (kinds if isinstance(kinds, list) else [kinds])
        and isinstance(schema.get("const", ""), str)
        and (not isinstance(choices, list) or any(isinstance(each, str) for each in choices))
    )


def fill_in(declared: Mapping[str, Any] | None, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return the values of all parameters that have one: those that are given, then the defaults.

    Args:
        declared: The schemas of the parameters, by name; None if none are declared.
        given: The values, by name.
    """
    defaults = {
        name: schema["default"]
        for name, schema in (declared or {}).items()
        if name not in given and isinstance(schema, dict) and "default" in schema
    }
    return {**given, **defaults}


def list_parameters(
    declared: Mapping[str, Any] | None,
    steps: Sequence[StepDocument],
    given: Mapping[str, Json],
    secrets: Collection[str],
) -> Iterator[Parameter]:
    """Yield the parameters of a document without mistakes: those that it declares, or else uses.

    Args:
        declared: The schemas of the parameters, by name; None if none are declared.
        steps: Its steps.
        given: The values that are given, by name.
        secrets: The names of the parameters that sensitive steps use.
    """
    users: dict[str, list[str]] = {}
    defaults: dict[str, Json] = {}
    for step in steps:
        for name in sorted(list_params(step)):
            users.setdefault(name, []).append(step["name"])
        for _, value in list_values(step):
            for _, reference in find_references(value):
                if "param" in reference and "default" in reference:
                    defaults.setdefault(reference["param"], reference["default"])
    values = {**defaults, **fill_in(declared, given)}
    users_of_all = users.pop("*", [])
    for name in users if declared is None else declared:
        is_secret = name in secrets
        origin: Origin = "given" if name in given else "default" if name in values else None
        schema, value = (declared or {}).get(name), values.get(name)
        if is_secret:
            schema, value = _hide_default(schema), None
        steps_of_it = (*users.get(name, ()), *users_of_all)
        yield Parameter(name, schema, value, origin, is_secret, steps_of_it)


def _hide_default(schema: Json) -> Json:
    """Return a schema without the value that it has for a parameter that is secret."""
    if not isinstance(schema, dict):
        return schema
    return {keyword: schema[keyword] for keyword in schema if keyword != "default"}
