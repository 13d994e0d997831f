"""A JSON Schema as a function that says whether a value satisfies it: yes or no, at once.

**A compiled acceptor judges, jsonschema says why not.** It knows every keyword of draft-07, so
nothing else has to be asked. A schema becomes the source of conditions: the config's ahead of time,
by `make acceptor`; an action's when an input is first held against it. A check takes a fifth of
what closures took, and to compile a small schema as long as some hundred checks. The import of
jsonschema, which explains a no, takes longer than a small run.

**What a schema asks for is exact, and done in good time.** Numbers are compared as their texts say
(`equality`), patterns are those of ECMA-262 (`patterns`). A pattern that takes too long, or a value
that is nested too deep for a schema that refers to itself, gets a no, also below a `not`.

**Only literals of a schema enter the source**, each by `repr`: a schema cannot bring code along.

What else could have said yes to a config, measured by `make bench` on 2026-11-26. A start with one
step, beside reading it alone: ours 1.18, fastjsonschema's generated code 1.49, jsonschema-rs 2.2,
jsonschema 4.45. Checking 100,000 steps, beside reading them: 0.32, 2.1, 0.17 and 33.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from driftflow.schemas.inspection import SchemaError, inspect_schema
from driftflow.schemas.keywords import KEYWORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json
    from driftflow.schemas.inspection import Inspected, Schema

    Accepts: TypeAlias = Callable[[Json], bool]
    # From a keyword's argument and where that stands to what must be true of the value.
    Rule: TypeAlias = Callable[[Any, "_Place"], list[str]]

__all__ = ["SchemaError", "compile_schema", "write_source"]

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
_LARGEST = 1.7976931348623157e308  # of floats; the literal of a longer integer may be refused
# A part of paths that no keyword is: below it stand the schemas into which an `enum` is spelt out.
_WITHIN = -1


def compile_schema(schema: Schema) -> Accepts:
    """Return a function that says whether a value satisfies the schema.

    A value that is nested too deep to be judged gets a no, and so does one of which a text is not
    held against a pattern in time.

    Args:
        schema: A JSON Schema, draft-07.

    Raises:
        SchemaError: If it is none; says what is wrong with it, and where.
    """
    inspected = inspect_schema(schema)

    @cache  # not every action that is loaded is used
    def compiled() -> Accepts:
        names: dict[str, Any] = {"Any": Any}
        exec(_write(inspected), names)  # noqa: S102 - of the schema it holds nothing but literals
        accepts: Accepts = names["accepts"]
        return accepts

    def accepts(value: Json) -> bool:
        try:
            return compiled()(value)
        except (RecursionError, TimeoutError):
            return False

    return accepts


def write_source(schema: Schema) -> str:
    """Return the Python source of `accepts`, which says whether a value satisfies the schema.

    `Any` must be known where it is run. Whatever has parts has a function of its own, so that no
    expression is nested too deep for Python.

    Raises:
        SchemaError: If it is no JSON Schema of draft-07; says what is wrong with it, and where.
    """
    return _write(inspect_schema(schema))


def _write(inspected: Inspected) -> str:
    source = _Source(inspected, {(): "accepts"}, [((), inspected.parts[()])], {})
    functions: list[str] = []
    for path, schema in source.waiting:  # to which each function adds those that it calls
        condition = _join("and", _find_conditions(schema, "value", path, source))
        functions.append(_define(source.names[path], condition or "True"))
    return "\n\n".join([*source.needed.values(), *functions])


def _define(name: str, condition: str) -> str:
    return f"def {name}(value: Any) -> bool:\n    return (\n{condition}\n)\n"


class _Source(NamedTuple):
    """The source as far as it is known.

    Attributes:
        inspected: The whole schema.
        names: By the path of a schema, the name of its function.
        waiting: The schemas that have functions, with their paths.
        needed: By what it is for, each line that stands before the functions.
    """

    inspected: Inspected
    names: dict[JsonPath, str]
    waiting: list[tuple[JsonPath, Any]]
    needed: dict[str, str]

    def name(self, path: JsonPath, schema: Any) -> str:
        """Return the name of the function for the schema at a path."""
        if path not in self.names:
            self.names[path] = f"accepts_{len(self.names)}"
            self.waiting.append((path, schema))
        return self.names[path]


class _Place(NamedTuple):
    """Where a keyword stands.

    Attributes:
        value: The expression for the value that is judged.
        schema: The schema that has the keyword.
        path: The path of the keyword.
        source: The source to which its condition belongs.
    """

    value: str
    schema: Schema
    path: JsonPath
    source: _Source

    def judge(self, part: Any, value: str, *below: str | int) -> str:
        """Return what must be true of a value for a schema below; empty if any will do."""
        if _takes_all(part):
            return ""
        if type(part) is dict and _has_parts(part):
            return f"{self.name(part, *below)}({value})"
        return _join("and", _find_conditions(part, value, (*self.path, *below), self.source))

    def name(self, part: Any, *below: str | int) -> str:
        """Return the name of the function for a schema below."""
        return self.source.name((*self.path, *below), part)

    def use(self, name: str) -> str:
        """Return the name of a function of `equality`, which is imported then."""
        self.source.needed[name] = f"from driftflow.schemas.equality import {name}\n"
        return name

    def match(self, pattern: str, text: str) -> str:
        """Return what is true of a text in which the pattern is found."""
        needed = self.source.needed
        needed[""] = "from driftflow.schemas.patterns import make_matcher\n"
        name = f"match_{len(needed)}"
        line = needed.setdefault(f"/{pattern}/", f"{name} = make_matcher({pattern!r})\n")
        return f"{line.partition(' ')[0]}({text}) is not None"


def _has_parts(part: Schema) -> bool:
    """Return whether a schema judges parts of the value, or the value by other schemas."""
    listed = part.get("properties", {})
    is_plain = type(listed) is dict and all(map(_takes_all, listed.values()))
    return bool(part.keys() & _WITH_PARTS - ({"properties"} if is_plain else set()))


def _takes_all(part: Any) -> bool:
    """Return whether nothing in a schema judges anything."""
    return part is True or (type(part) is dict and part.keys().isdisjoint(_RULES))


def _find_conditions(schema: Any, value: str, path: JsonPath, source: _Source) -> Iterator[str]:
    """Yield what must be true of the value, an expression; nothing if any value will do."""
    if type(schema) is bool:
        schema = {} if schema else {"enum": []}
    rules = _RULES if "$ref" not in schema else {"$ref": _RULES["$ref"]}
    for keyword, rule in rules.items():
        if keyword in schema:
            types = KEYWORDS[keyword].about
            conditions = rule(schema[keyword], _Place(value, schema, (*path, keyword), source))
            if not types or schema.get("type") in types:
                yield from conditions
            elif conditions:
                yield f"(not {_TYPES[types[0]].format(value)} or {_join('and', conditions)})"


def _join(word: str, conditions: Iterable[str]) -> str:
    """Return the conditions as one that can stand beside others; empty if there are none."""
    several = [*conditions]
    return f"({f' {word} '.join(several)})" if len(several) > 1 else "".join(several)


def _literal(value: Any) -> str:
    """Return the literal of a scalar."""
    if type(value) is int and not -_LARGEST <= value <= _LARGEST:
        return hex(value)  # which Python reads, however long
    if type(value) is float and not -_LARGEST <= value <= _LARGEST:
        return f"float({str(value)!r})"
    return repr(value)


def _refer(_: str, place: _Place) -> list[str]:
    parts, targets = place.source.inspected
    path = targets[place.path[:-1]]
    while path in targets:  # no call for each that is on the way
        path = targets[path]
    if _takes_all(parts[path]):
        return []
    return [f"{place.source.name(path, parts[path])}({place.value})"]


def _type(names: str | list[str], place: _Place) -> list[str]:
    listing = names if isinstance(names, list) else [names]
    return [_join("or", (_TYPES[name].format(place.value) for name in listing))]


def _enum(choices: list[Any], place: _Place) -> list[str]:
    literals: dict[str, list[str]] = {}
    for choice in choices:
        if type(choice) in _SCALARS:
            literals.setdefault(_SCALARS[type(choice)], []).append(_literal(choice))
    scalars = [
        f"({_TYPES[kind].format(place.value)} and {place.value} in {{{', '.join(equals)}}})"
        for kind, equals in literals.items()
    ]
    others = [
        place.judge(_spell_out(choice), place.value, _WITHIN, index)
        for index, choice in enumerate(choices)
        if type(choice) not in _SCALARS
    ]
    return [_join("or", [*scalars, *others] or ["False"])]


def _spell_out(value: Any) -> dict[str, Any]:
    """Return a schema that only values equal to this one satisfy, an array or an object."""
    if type(value) is list:
        members: Any = [{"const": item} for item in value]
        return {"type": "array", "items": members, **_count("Items", len(value))}
    members = {key: {"const": member} for key, member in value.items()}
    return {
        "type": "object",
        "required": [*value],
        "properties": members,
        **_count("Properties", len(value)),
    }


def _count(things: str, number: int) -> dict[str, int]:
    return {f"min{things}": number, f"max{things}": number}


def _limit(condition: str) -> Rule:
    """Return the rule of a keyword that compares the value, or its size, with a number."""
    return lambda limit, place: [condition.format(place.value, _literal(limit))]


def _pattern(pattern: str, place: _Place) -> list[str]:
    return [place.match(pattern, place.value)]


def _multiple_of(divisor: float, place: _Place) -> list[str]:
    return [f"{place.use('is_multiple')}({place.value}, {_literal(divisor)})"]


def _items(parts: Any, place: _Place) -> list[str]:
    if type(parts) is not list:
        return _each(parts, place)
    return [
        f"(len({place.value}) <= {index} or {condition})"
        for index, part in enumerate(parts)
        if (condition := place.judge(part, f"{place.value}[{index}]", index))
    ]


def _each(part: Any, place: _Place) -> list[str]:
    """Return what must be true of all items of an array, or of all names in an object."""
    return [] if _takes_all(part) else [f"all(map({place.name(part)}, {place.value}))"]


def _additional_items(part: Any, place: _Place) -> list[str]:
    listed = place.schema.get("items")
    if type(listed) is not list or _takes_all(part):
        return []  # it says nothing of its own
    return [f"all(map({place.name(part)}, {place.value}[{len(listed)}:]))"]


def _required(names: list[str], place: _Place) -> list[str]:
    return [f"{_literal(name)} in {place.value}" for name in names]


def _properties(parts: Mapping[str, Any], place: _Place) -> list[str]:
    needed = place.schema.get("required", ())
    return [
        condition if name in needed else f"({name!r} not in {place.value} or {condition})"
        for name, part in parts.items()
        if (condition := place.judge(part, f"{place.value}[{_literal(name)}]", name))
    ]


def _pattern_properties(parts: Mapping[str, Any], place: _Place) -> list[str]:
    return [
        f"all({condition} for name in {place.value} if {place.match(pattern, 'name')})"
        for pattern, part in parts.items()
        if (condition := place.judge(part, f"{place.value}[name]", pattern))
    ]


def _additional_properties(part: Any, place: _Place) -> list[str]:
    condition = place.judge(part, f"{place.value}[name]")
    if not condition:
        return []
    names = ", ".join(map(_literal, place.schema.get("properties", ())))
    patterns = place.schema.get("patternProperties", ())
    if names and part is False and not patterns:  # in half the time
        return [f"{place.value}.keys() <= {{{names}}}"]
    listed = [f"name in {{{names}}}"] if names else []
    either = [*listed, *(place.match(pattern, "name") for pattern in patterns), condition]
    return [f"all({_join('or', either)} for name in {place.value})"]


def _dependencies(needed: Mapping[str, Any], place: _Place) -> list[str]:
    conditions = {
        name: _join("and", (f"{other!r} in {place.value}" for other in part))
        if type(part) is list
        else place.judge(part, place.value, name)
        for name, part in needed.items()
    }
    return [
        f"({name!r} not in {place.value} or {condition})"
        for name, condition in conditions.items()
        if condition
    ]


def _choose(part: Any, place: _Place) -> list[str]:
    """Return what `if`, `then` and `else` ask for."""
    above = place._replace(path=place.path[:-1])
    then, other = (
        above.judge(place.schema.get(keyword, True), place.value, keyword) or "True"
        for keyword in ("then", "else")
    )
    if then == other == "True":
        return []
    condition = above.judge(part, place.value, "if") or "True"
    return [f"({then} if {condition} else {other})"]


def _all_of(parts: list[Any], place: _Place) -> list[str]:
    conditions = (place.judge(part, place.value, index) for index, part in enumerate(parts))
    return [condition for condition in conditions if condition]


def _any_of(parts: list[Any], place: _Place) -> list[str]:
    if any(map(_takes_all, parts)):
        return []
    names = (place.name(part, index) for index, part in enumerate(parts))
    return [_join("or", (f"{name}({place.value})" for name in names))]


def _one_of(parts: list[Any], place: _Place) -> list[str]:
    names = (place.name(part, index) for index, part in enumerate(parts))
    return [f"sum(({''.join(f'{name}({place.value}), ' for name in names)})) == 1"]


# By keyword, its rule. In this order, since a condition may rely on those before it.
_RULES: dict[str, Rule] = {
    "$ref": _refer,
    "type": _type,
    "enum": _enum,
    "const": lambda choice, place: _enum([choice], place),
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": lambda part, place: [f"not {place.name(part)}({place.value})"],
    "if": _choose,
    "minLength": _limit("len({0}) >= {1}"),
    "maxLength": _limit("len({0}) <= {1}"),
    "pattern": _pattern,
    "minimum": _limit("{0} >= {1}"),
    "maximum": _limit("{0} <= {1}"),
    "exclusiveMinimum": _limit("{0} > {1}"),
    "exclusiveMaximum": _limit("{0} < {1}"),
    "multipleOf": _multiple_of,
    "minItems": _limit("len({0}) >= {1}"),
    "maxItems": _limit("len({0}) <= {1}"),
    "items": _items,
    "additionalItems": _additional_items,
    "contains": lambda part, place: [f"any(map({place.name(part)}, {place.value}))"],
    "uniqueItems": lambda wanted, place: (
        [f"{place.use('are_different')}({place.value})"] if wanted else []
    ),
    "minProperties": _limit("len({0}) >= {1}"),
    "maxProperties": _limit("len({0}) <= {1}"),
    "required": _required,
    "propertyNames": _each,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "dependencies": _dependencies,
}
# Keywords with which a schema has a function of its own: their parts may be judged in place.
_WITH_PARTS = {
    *("$ref", "allOf", "if", "items", "additionalItems", "contains", "propertyNames"),
    *("properties", "patternProperties", "additionalProperties", "dependencies"),
}
