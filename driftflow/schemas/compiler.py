"""A JSON Schema as a function that says whether a value satisfies it: yes or no, at once.

**A compiled acceptor says yes, jsonschema says why not.** jsonschema is the authority, but its
import takes longer than a small run. So a schema becomes the source of conditions: the config's
ahead of time, by `make acceptor`; an action's when an input is first held against it. A check takes
a fifth of what closures took, and to compile a small schema as long as some hundred checks.

**A keyword that is not known here leaves the whole schema to jsonschema.** To pass over one would
say yes too often. An unusual argument does the same; where it is wrong, jsonschema says how.

**Only literals of a schema enter the source**, each by `repr`: a schema cannot bring code along.

What else could have said yes to a config, measured by `make bench` on 2026-11-26. A start with one
step, beside reading it alone: ours 1.18, fastjsonschema's generated code 1.49, jsonschema-rs 2.2,
jsonschema 4.45. Checking 100,000 steps, beside reading them: 0.32, 2.1, 0.17 and 33.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from driftflow.reading.document import Json

    Schema: TypeAlias = Mapping[str, Any]
    Accepts: TypeAlias = Callable[[Json], bool]
    # From a keyword's argument, the expression for the value, the schema that has the keyword, and
    # the functions that may be called, to what must be true of the value.
    Rule: TypeAlias = Callable[[Any, str, Schema, list[str]], list[str]]

# Keywords that say nothing about the value.
_ANNOTATIONS = {
    *("$schema", "default", "defaultSnippets", "deprecated", "deprecationMessage", "description"),
    *("enumDescriptions", "examples", "markdownDescription", "title"),
}
# What is true of the values of a type.
_TYPES = {
    "null": "{0} is None",
    "boolean": "type({0}) is bool",
    "integer": "(type({0}) is int or (type({0}) is float and {0}.is_integer()))",
    "number": "(type({0}) is int or type({0}) is float)",
    "string": "type({0}) is str",
    "array": "type({0}) is list",
    "object": "type({0}) is dict",
}
# By the Python type of a scalar, its type in JSON. Within one, `==` is the equality of JSON Schema.
_SCALARS = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string"}
_LARGEST = 1.7976931348623157e308  # of floats: what is beyond is left to jsonschema
# A schema that refers to itself without end does so for one of these.
_SAMPLES: tuple[Json, ...] = (None, False, 0, "", [], {})


def compile_schema(schema: Schema) -> Accepts:
    """Return a function that says whether a value satisfies the schema.

    Where that is left to jsonschema, a value whose numbers or depth are too much for it gets a no.

    Args:
        schema: A JSON Schema, draft-07.

    Raises:
        ValueError: If it is none; says what is wrong with it.
    """
    if "draft-07" not in str(schema.get("$schema", "draft-07")):
        raise ValueError(f"only draft-07 is supported, not {schema['$schema']}")
    try:
        source = write_source(schema)
    except (NotImplementedError, OverflowError, RecursionError, re.error):
        return _ask_jsonschema(schema)

    @cache  # not every action that is loaded is used
    def compiled() -> Accepts:
        names: dict[str, Any] = {"Any": Any}
        exec(source, names)  # noqa: S102 - of the schema it holds nothing but literals
        accepts: Accepts = names["accepts"]
        return accepts

    def accepts(value: Json) -> bool:
        return compiled()(value)

    return accepts


def write_source(schema: Schema) -> str:
    """Return the Python source of `accepts`, which says whether a value satisfies the schema.

    `Any` must be known where it is run. Whatever has parts has a function of its own, so that no
    expression is nested too deep for Python.

    Raises:
        NotImplementedError: If the schema holds a keyword, or an argument, that is not known here.
        OverflowError, re.error: If it holds a pattern that is none.
    """
    functions: list[str] = []
    condition = _join("and", _conditions(schema, "value", functions))
    return "\n\n".join([*functions, _function("accepts", condition or "True")])


def _ask_jsonschema(schema: Schema) -> Accepts:
    """Return a function that asks jsonschema whether a value satisfies the schema."""
    from jsonschema import Draft7Validator, SchemaError

    from driftflow.schemas.parts import check_references

    try:
        Draft7Validator.check_schema(schema, format_checker=Draft7Validator.FORMAT_CHECKER)
    except SchemaError as error:
        raise ValueError(f"at {error.json_path}: {error.message}") from None
    except (OverflowError, RecursionError) as error:
        raise ValueError(f"jsonschema cannot process it: {error}") from None
    check_references(schema)
    is_valid = Draft7Validator(schema).is_valid
    try:
        for sample in _SAMPLES:
            is_valid(sample)
    except RecursionError:
        raise ValueError("a `$ref` in it leads back to itself without end") from None

    def accepts(value: Json) -> bool:
        try:
            return is_valid(value)
        except (ArithmeticError, RecursionError):
            return False

    return accepts


def _function(name: str, condition: str) -> str:
    return f"def {name}(value: Any) -> bool:\n    return (\n{condition}\n)\n"


def _add_function(schema: Any, functions: list[str]) -> str:
    """Add a function for the schema, and return its name; neither if any value will do."""
    condition = _join("and", _conditions(schema, "value", functions))
    if not condition:
        return ""
    name = f"accepts_{len(functions) + 1}"
    functions.append(_function(name, condition))
    return name


def _condition(schema: Any, value: str, functions: list[str]) -> str:
    """Return what must be true of the value, as one expression; empty if any value will do."""
    if isinstance(schema, dict) and schema.keys() & _PARTS:
        name = _add_function(schema, functions)
        return name and f"{name}({value})"
    return _join("and", _conditions(schema, value, functions))


def _conditions(schema: Any, value: str, functions: list[str]) -> Iterator[str]:
    """Yield what must be true of the value, an expression; nothing if any value will do."""
    if isinstance(schema, bool):
        schema = {} if schema else {"enum": []}
    if unknown := _known(schema, dict).keys() - _RULES.keys() - _ANNOTATIONS:
        raise NotImplementedError(f"not known to the compiler: {sorted(unknown)}")
    for keyword, (types, rule) in _RULES.items():
        if keyword in schema:
            conditions = rule(schema[keyword], value, schema, functions)
            if not types or schema.get("type") in types:
                yield from conditions
            elif conditions:
                yield f"(not {_TYPES[types[0]].format(value)} or {_join('and', conditions)})"


def _join(word: str, conditions: Iterable[str]) -> str:
    """Return the conditions as one that can stand beside others; empty if there are none."""
    several = [*conditions]
    return f"({f' {word} '.join(several)})" if len(several) > 1 else "".join(several)


def _known(argument: Any, kind: type) -> Any:
    """Return an argument of the type that is known here; leave any other to jsonschema."""
    if type(argument) is not kind:
        raise NotImplementedError(f"not known to the compiler: {argument!r} for a {kind.__name__}")
    return argument


def _literal(value: Any, *types: type) -> str:
    """Return the literal of a value of one of these types; leave any other to jsonschema."""
    if type(value) not in types or (
        _SCALARS[type(value)] == "number" and not -_LARGEST <= value <= _LARGEST
    ):
        raise NotImplementedError(f"not known to the compiler: a literal of {type(value)}")
    return repr(value)


def _type(names: Any, value: str, *_: Any) -> list[str]:
    listing = names if isinstance(names, list) else [names]
    if not listing or any(name not in [*_TYPES] for name in listing):
        raise NotImplementedError
    return [_join("or", (_TYPES[name].format(value) for name in listing))]


def _enum(choices: Any, value: str, *_: Any) -> list[str]:
    literals: dict[str, list[str]] = {}
    for choice in _known(choices, list):
        literal = _literal(choice, *_SCALARS)
        literals.setdefault(_SCALARS[type(choice)], []).append(literal)
    either = [
        f"({_TYPES[kind].format(value)} and {value} in {{{', '.join(equals)}}})"
        for kind, equals in literals.items()
    ]
    return [_join("or", either or ["False"])]


def _limit(condition: str, *types: type) -> Rule:
    """Return the rule of a keyword that compares the value with a number of one of these types."""
    return lambda limit, value, *_: [condition.format(value, _literal(limit, *types))]


def _items(part: Any, value: str, _: Schema, functions: list[str]) -> list[str]:
    name = _add_function(part, functions)
    return [f"all(map({name}, {value}))"] if name else []


def _required(names: Any, value: str, *_: Any) -> list[str]:
    return [f"{_literal(name, str)} in {value}" for name in _known(names, list)]


def _properties(parts: Any, value: str, schema: Schema, functions: list[str]) -> list[str]:
    needed = schema.get("required", ())
    return [
        condition if name in needed else f"({name!r} not in {value} or {condition})"
        for name, part in _known(parts, dict).items()
        if (condition := _condition(part, f"{value}[{_literal(name, str)}]", functions))
    ]


def _pattern_properties(parts: Any, value: str, _: Schema, functions: list[str]) -> list[str]:
    for pattern, part in _known(parts, dict).items():
        re.compile(pattern)
        if _condition(part, value, functions):
            raise NotImplementedError
    return []  # what matches may be anything


def _additional_properties(
    part: Any, value: str, schema: Schema, functions: list[str]
) -> list[str]:
    condition = _condition(part, f"{value}[name]", functions)
    if not condition:
        return []
    if "patternProperties" in schema:
        raise NotImplementedError
    names = ", ".join(_literal(name, str) for name in schema.get("properties", ()))
    if names and part is False:  # in half the time
        return [f"{value}.keys() <= {{{names}}}"]
    listed = f"name in {{{names}}} or " if names else ""
    return [f"all({listed}{condition} for name in {value})"]


def _any_of(parts: Any, value: str, _: Schema, functions: list[str]) -> list[str]:
    before = len(functions)
    names = [_add_function(part, functions) for part in _known(parts, list)]
    if not names:
        raise NotImplementedError
    if all(names):
        return [_join("or", (f"{name}({value})" for name in names))]
    del functions[before:]  # one of them takes any value
    return []


# Keywords about parts of the value.
_PARTS = {"items", "properties", "patternProperties", "additionalProperties"}
# By keyword: the types of the values that it is about, all if none is named; and its rule. In this
# order, since a condition may rely on those before it.
_RULES: dict[str, tuple[tuple[str, ...], Rule]] = {
    "type": ((), _type),
    "enum": ((), _enum),
    "const": ((), lambda choice, value, *_: _enum([choice], value)),
    "anyOf": ((), _any_of),
    "minLength": (("string",), _limit("len({0}) >= {1}", int)),
    "maxLength": (("string",), _limit("len({0}) <= {1}", int)),
    "minimum": (("number", "integer"), _limit("{0} >= {1}", int, float)),
    "maximum": (("number", "integer"), _limit("{0} <= {1}", int, float)),
    "exclusiveMinimum": (("number", "integer"), _limit("{0} > {1}", int, float)),
    "exclusiveMaximum": (("number", "integer"), _limit("{0} < {1}", int, float)),
    "minItems": (("array",), _limit("len({0}) >= {1}", int)),
    "maxItems": (("array",), _limit("len({0}) <= {1}", int)),
    "items": (("array",), _items),
    "required": (("object",), _required),
    "properties": (("object",), _properties),
    "patternProperties": (("object",), _pattern_properties),
    "additionalProperties": (("object",), _additional_properties),
}
