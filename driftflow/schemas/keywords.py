"""The keywords of JSON Schema, draft-07: what each may say, and where there are schemas in it.

One table, which the compiler, the lint and the search for parts read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from driftflow.reading.document import type_name
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from driftflow.issues import JsonPath

    # Where in a keyword's argument something is wrong, and what: `must be ...`.
    Fault: TypeAlias = tuple[JsonPath, str]
    # Where in a keyword's argument a schema stands, and that schema.
    Part: TypeAlias = tuple[JsonPath, Any]

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
NUMBERS, STRINGS, ARRAYS, OBJECTS = ("number", "integer"), ("string",), ("array",), ("object",)
_INFINITY = float("inf")


class Keyword(NamedTuple):
    """What is known of a keyword.

    Attributes:
        find_faults: Finds what is wrong with an argument.
        about: The types of the values that it is about; empty for all.
        find_parts: Finds the schemas in a right argument.
        is_of_value: Whether those schemas are held against the value itself, not a part of it.
    """

    find_faults: Callable[[Any], Iterable[Fault]]
    about: tuple[str, ...] = ()
    find_parts: Callable[[Any], Iterable[Part]] = lambda _: ()
    is_of_value: bool = False


def find_parts(schema: dict[str, Any]) -> Iterator[tuple[str, JsonPath, Any]]:
    """Yield each schema right below one: the keyword, the path below it, and the schema.

    The arguments of the keywords must be right.
    """
    for word, argument in schema.items():
        if word in KEYWORDS:
            for path, part in KEYWORDS[word].find_parts(argument):
                yield word, path, part


def is_schema(value: Any) -> bool:
    """Return whether a value may stand for a schema, whatever is in it."""
    return type(value) is dict or type(value) is bool


def _must_be(noun: str, *kinds: type) -> Callable[[Any], Iterable[Fault]]:
    """Return what finds out that an argument is of none of these types."""
    return lambda found: [] if type(found) in kinds else [((), _differ(noun, found))]


def _differ(noun: str, found: Any) -> str:
    kind = type_name(found) if not _is_infinite(found) else "Infinity or NaN"
    return f"must be {noun}, not {kind}"


def _is_infinite(found: Any) -> bool:
    return type(found) is float and not -_INFINITY < found < _INFINITY


def _number(found: Any) -> list[Fault]:
    is_number = type(found) in {int, float} and not _is_infinite(found)
    return [] if is_number else [((), _differ("a number", found))]


def _positive_number(found: Any) -> list[Fault]:
    return _number(found) or ([] if found > 0 else [((), "must be greater than 0")])


def _count(found: Any) -> list[Fault]:
    if type(found) is not int and not (type(found) is float and found.is_integer()):
        return [((), _differ("an integer", found))]
    return [] if found >= 0 else [((), "must not be negative")]


def _names(found: Any) -> list[Fault]:
    if type(found) is not list:
        return [((), _differ("an array of strings", found))]
    wrong = [
        ((index,), _differ("an array of strings", each))
        for index, each in enumerate(found)
        if type(each) is not str
    ]
    if wrong or len({*found}) == len(found):
        return [*wrong]
    return [((), "must not contain the same name twice")]


def _type(found: Any) -> list[Fault]:
    names = found if type(found) is list else [found]
    for index, name in enumerate(names):
        if type(name) is not str or name not in TYPES:
            shown = f"`{shorten(name)}`" if type(name) is str else type_name(name)
            words = ", ".join(f"`{each}`" for each in TYPES)
            place = (index,) if type(found) is list else ()
            return [(place, f"must be one of {words}, or an array of these, not {shown}")]
    if not names:
        return [((), "must name a type")]
    return [] if len({*names}) == len(names) else [((), "must not name a type twice")]


def _pattern(found: Any) -> list[Fault]:
    if type(found) is not str:
        return [((), _differ("a string", found))]
    reason = explain_pattern(found)
    return [((), reason)] if reason else []


def explain_pattern(pattern: str) -> str | None:
    """Return why a text is no regular expression of ECMA-262 that can be matched; None if it is."""
    from driftflow.schemas.ecma import PatternError
    from driftflow.schemas.patterns import make_matcher

    try:
        make_matcher(pattern)
    except PatternError as error:
        return f"must be a regular expression of ECMA-262: in `{shorten(pattern)}` {error}"
    return None


def _schema(found: Any) -> list[Fault]:
    return [] if is_schema(found) else [((), _differ("an object or a boolean", found))]


def _schemas(found: Any) -> list[Fault]:
    if type(found) is not list:
        return [((), _differ("an array of schemas", found))]
    return [] if found else [((), "must not be empty")]


def _schema_or_schemas(found: Any) -> list[Fault]:
    if is_schema(found):
        return []
    return (
        _schemas(found) if type(found) is list else [((), _differ("a schema or an array", found))]
    )


_named_schemas = _must_be("an object of schemas", dict)


def _schemas_by_pattern(found: Any) -> Iterable[Fault]:
    if type(found) is not dict:
        return _named_schemas(found)
    reasons = ((name, explain_pattern(name)) for name in found)
    return [((name,), reason) for name, reason in reasons if reason]


def _dependencies(found: Any) -> Iterable[Fault]:
    if type(found) is not dict:
        return _named_schemas(found)
    return [
        ((name, *place), reason)
        for name, needed in found.items()
        if not is_schema(needed)
        for place, reason in _names(needed)
    ]


def _one(argument: Any) -> list[Part]:
    return [((), argument)]


def _listed(argument: Any) -> list[Part]:
    return [((index,), part) for index, part in enumerate(argument)]


def _one_or_listed(argument: Any) -> list[Part]:
    return _listed(argument) if type(argument) is list else _one(argument)


def _named(argument: Any) -> list[Part]:
    return [((name,), part) for name, part in argument.items()]


def _named_but_lists(argument: Any) -> list[Part]:
    return [((name,), part) for name, part in argument.items() if type(part) is not list]


_string, _array, _boolean = (
    _must_be("a string", str),
    _must_be("an array", list),
    _must_be("a boolean", bool),
)


def _anything(_: Any) -> list[Fault]:
    return []


# What judges nothing, of the standard.
NOTES = {
    **dict.fromkeys(("$schema", "$comment", "title", "description", "format"), Keyword(_string)),
    **dict.fromkeys(("contentEncoding", "contentMediaType"), Keyword(_string)),
    **dict.fromkeys(("readOnly", "writeOnly"), Keyword(_boolean)),
    "default": Keyword(_anything),
    "examples": Keyword(_array),
    "$id": Keyword(_string),
    "definitions": Keyword(_named_schemas, (), _named),
}
# All keywords of draft-07.
KEYWORDS: dict[str, Keyword] = {
    **NOTES,
    "$ref": Keyword(_string),
    "type": Keyword(_type),
    "enum": Keyword(_array),
    "const": Keyword(_anything),
    **dict.fromkeys(("minLength", "maxLength"), Keyword(_count, STRINGS)),
    "pattern": Keyword(_pattern, STRINGS),
    **dict.fromkeys(("minimum", "maximum"), Keyword(_number, NUMBERS)),
    **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), Keyword(_number, NUMBERS)),
    "multipleOf": Keyword(_positive_number, NUMBERS),
    **dict.fromkeys(("minItems", "maxItems"), Keyword(_count, ARRAYS)),
    "uniqueItems": Keyword(_boolean, ARRAYS),
    "items": Keyword(_schema_or_schemas, ARRAYS, _one_or_listed),
    **dict.fromkeys(("additionalItems", "contains"), Keyword(_schema, ARRAYS, _one)),
    **dict.fromkeys(("minProperties", "maxProperties"), Keyword(_count, OBJECTS)),
    "required": Keyword(_names, OBJECTS),
    "properties": Keyword(_named_schemas, OBJECTS, _named),
    "patternProperties": Keyword(_schemas_by_pattern, OBJECTS, _named),
    **dict.fromkeys(("additionalProperties", "propertyNames"), Keyword(_schema, OBJECTS, _one)),
    "dependencies": Keyword(_dependencies, OBJECTS, _named_but_lists, is_of_value=True),
    **dict.fromkeys(("if", "then", "else", "not"), Keyword(_schema, (), _one, is_of_value=True)),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), Keyword(_schemas, (), _listed, is_of_value=True)),
}
# What judges nothing and is none of the standard's, but of text editors.
EDITOR_NOTES = {
    *("defaultSnippets", "deprecated", "deprecationMessage", "enumDescriptions"),
    *("markdownDescription", "markdownEnumDescriptions", "errorMessage", "doNotSuggest"),
    *("suggestSortText", "patternErrorMessage", "allowComments", "allowTrailingCommas"),
}
