"""What a schema asks for, in words: of a value, of one of several forms, of a condition.

What is quoted stands in the schema. A value that is judged is never quoted, since it may be long or
secret; `description` says what is otherwise.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from driftflow.reading.document import type_name
from driftflow.text import count_of, format_json, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jsonschema import ValidationError

    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

_MANY = 1000  # fields of a form, and choices of several forms, that are looked at
_FEW = 8  # choices, names and forms that are listed

# By keyword, what the value must be, from the keyword's argument and the value.
_TEXTS: dict[str, Callable[[Any, Any], str]] = {
    "type": lambda wanted, found: f"must be {name_types(wanted)}, not {type_name(found)}",
    "enum": lambda wanted, found: f"{_must_be_chosen(wanted)}{_name_wrong_kind(wanted, found)}",
    "const": lambda wanted, found: f"must be {show(wanted)}{_name_wrong_kind([wanted], found)}",
    "minLength": lambda wanted, _found: _at_least(wanted, "character"),
    "maxLength": lambda wanted, _found: f"must have at most {count_of(wanted, 'character')}",
    "pattern": lambda wanted, _found: f"must match the pattern {show(wanted)}",
    "minimum": lambda wanted, _found: f"must be at least {wanted}",
    "maximum": lambda wanted, _found: f"must be at most {wanted}",
    "exclusiveMinimum": lambda wanted, _found: f"must be greater than {wanted}",
    "exclusiveMaximum": lambda wanted, _found: f"must be less than {wanted}",
    "multipleOf": lambda wanted, _found: f"must be a multiple of {wanted}",
    "minItems": lambda wanted, _found: _at_least(wanted, "item"),
    "maxItems": lambda wanted, _found: f"must have at most {count_of(wanted, 'item')}",
    "additionalItems": lambda wanted, _found: f"must have at most {count_of(wanted, 'item')}",
    "uniqueItems": lambda wanted, _found: (
        f"must not contain the same item twice: `[{wanted[0]}]` and `[{wanted[1]}]`"
    ),
    "contains": lambda wanted, _found: f"must contain {_name_item(wanted)}",
    "required": lambda wanted, _found: f"must have {name_fields(wanted)}",
    "additionalProperties": lambda _wanted, _found: "must not have fields that are not listed",
    "minProperties": lambda wanted, _found: _at_least(wanted, "field"),
    "maxProperties": lambda wanted, _found: f"must have at most {count_of(wanted, 'field')}",
    "propertyNames": lambda _wanted, _found: "must not have a field of that name",
    "anyOf": lambda wanted, _found: (
        f"does not match any of the allowed forms{_list_forms(wanted, 'or')}"
    ),
    "oneOf": lambda wanted, _found: (
        "must match exactly one of the allowed forms, "
        f"but matches several{_list_forms(wanted, 'and')}"
    ),
    "not": lambda wanted, _found: forbid(wanted),
    "None": lambda _wanted, _found: "is not allowed",  # the schema `false`
}
# Why a value cannot be judged.
TOO_DEEP = "it is nested too deep"
# Of a text whose match with a pattern was broken off.
TOO_SLOW = "takes too long to be matched with a pattern"
_KINDS = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string"}
# Keywords of a condition that can be told in a clause.
_NOTES = {"title", "description", "$comment"}
_SIMPLE = {"type", "properties", "required", *_NOTES}
# Keywords that can be told of a field in a clause.
_CHOOSING = {"const", "enum", "type"}
# Keywords of which the opposite can be told by the same text.
_DENIABLE = {
    *("minLength", "maxLength", "pattern", "minItems", "maxItems", "contains", "required"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minProperties", "maxProperties"),
}


def explain(error: ValidationError) -> str:
    """Return what the value must be, by an error: `must be at least 1`."""
    wanted: Any = error.validator_value
    keyword = str(error.validator)
    if keyword == "anyOf" and error.context:
        return join_demands(error.context)
    text = _TEXTS.get(keyword, lambda *_: f"does not satisfy `{shorten(keyword)}` in the schema")
    return text(wanted, error.instance)


def get_choices(error: ValidationError) -> list[Any] | None:
    """Return the values of which the error wants one, or None if it wants something else."""
    wanted: Any = error.validator_value
    return {"enum": wanted, "const": [wanted]}.get(str(error.validator))


def has_kind_of(value: Any, others: Iterable[Any]) -> bool:
    """Return whether one of the others is of the same type in JSON: of numbers there is one."""
    return _find_kind(value) in map(_find_kind, others)


def name_types(wanted: str | list[str]) -> str:
    """Return the types with their articles: `an array or an object`."""
    names = [wanted] if isinstance(wanted, str) else wanted
    articles = {"array": "an ", "integer": "an ", "object": "an ", "null": ""}
    return " or ".join(f"{articles.get(name, 'a ')}{name}" for name in names)


def name_fields(names: Sequence[str]) -> str:
    """Return fields by their names: `the field `a``, `the fields `a` and `b``."""
    return f"the field{'' if len(names) == 1 else 's'} {list_few(quote_names(names), len(names))}"


def quote_names(names: Iterable[str]) -> list[str]:
    """Return the first eight names in backticks, shortened."""
    return [f"`{shorten(name)}`" for name in islice(names, _FEW)]


def name_choices(choices: Sequence[Json], show_one: Callable[[Json], str] | None = None) -> str:
    """Return what can be chosen from, at most eight: `"a"`, `"b"` or `"c"`.

    Args:
        choices: At least one value.
        show_one: What makes a word of a value; by default, JSON in backticks.
    """
    return list_few([*map(show_one or show, choices[:_FEW])], len(choices), last="or")


def name_all_wanted(
    errors: Sequence[ValidationError], show_one: Callable[[Json], str] | None = None
) -> str:
    """Return the choices and the types of which errors want one; empty if one wants another thing.

    Args:
        errors: What is wrong with a value, by several forms.
        show_one: What makes a word of a choice; by default, JSON in backticks.
    """
    words: dict[str, None] = {}
    for error in errors:
        wanted: Any = error.validator_value
        choices = get_choices(error) or []
        if not choices and error.validator != "type":
            return ""
        told = map(show_one or show, choices) if choices else [name_types(wanted)]
        words |= dict.fromkeys(islice(told, _MANY))
    return list_few([*words], last="or")


def join_demands(errors: Sequence[ValidationError]) -> str:
    """Return what several forms ask for, of which one would do."""
    if names := name_all_wanted(errors):
        found: Any = errors[0].instance
        wrong = all(not has_kind_of(found, get_choices(error) or ()) for error in errors)
        return f"must be {names}{f', not {type_name(found)}' if wrong else ''}"
    first, *others = dict.fromkeys(map(explain, errors))
    return list_few([first, *(text.removeprefix("must ") for text in others)], last="or")


def list_few(words: Sequence[str], number: int | None = None, last: str = "and") -> str:
    """Return words as a sentence lists them, at most eight of them and how many more there are.

    Args:
        words: The words, at least one.
        number: How many there are in all, if not all are given.
        last: What stands before the last one.
    """
    more = (number or len(words)) - _FEW
    *others, end = [*words[:_FEW], f"{more} more"] if more > 0 else words
    return f"{', '.join(others)} {'and' if more > 0 else last} {end}" if others else end


def name_form(schema: Any) -> str:
    """Return in short what a schema takes; empty if that cannot be told in short."""
    if not isinstance(schema, dict):
        return ""
    title = schema.get("title")
    if isinstance(title, str):
        return f"`{shorten(title)}`"
    if choices := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return name_choices(choices)
    if required := schema.get("required"):
        few = list_few(quote_names(required), len(required))
        return f"an object with {few}{_name_facts(schema)}"
    return name_types(schema["type"]) if "type" in schema else ""


def describe_condition(condition: Any, value: Any, *, holds: bool) -> str:
    """Return why an `if` applies, or does not, as a clause: `kind` is `"csv"`.

    Args:
        condition: The schema behind `if`.
        value: What it was held against.
        holds: Whether the value satisfies it.

    Returns:
        The clause, or nothing if the condition is not simple.
    """
    if not isinstance(condition, dict) or condition.keys() - _SIMPLE:
        return ""
    fields = condition.get("properties", {})
    if not isinstance(value, dict) or condition.get("type", "object") != "object":
        return ""
    missing = [name for name in condition.get("required", ()) if name not in value]
    if missing:
        return f"`{shorten(missing[0])}` is not given"
    facts = [fact for key, part in fields.items() if key in value and (fact := _fact(key, part))]
    if holds:
        given = [name for name in condition.get("required", ()) if name not in fields]
        return list_few([*facts, *(f"`{shorten(name)}` is given" for name in given)] or [""])
    # Which one of several is wrong, nobody has said.
    return _fact(*next(iter(fields.items())), verb="is not") if len(fields) == 1 else ""


def narrow_excluded(schema: Any, value: Any) -> tuple[Any, JsonPath]:
    """Return what exactly a `not` rules out, and the path to it: to a field, if it is about one.

    Args:
        schema: The schema behind `not`.
        value: What satisfies it, and must not.
    """
    if not isinstance(schema, dict) or not isinstance(value, dict):
        return schema, ()
    told = schema.keys() - _NOTES
    if told == {"anyOf"}:
        forms = (form for form in schema["anyOf"] if _asks_for_fields(form, value))
        return narrow_excluded(next(forms, schema["anyOf"]), value)
    fields = schema.get("properties", {})
    names = {*schema.get("required", ()), *fields} & value.keys()
    if told - {"type", "properties", "required"} or len(names) != 1:
        return schema, ()
    (name,) = names
    inner, path = narrow_excluded(fields.get(name, True), value[name])
    return inner, (name, *path)


def forbid(schema: Any) -> str:
    """Return that a value must not be what a schema takes; that in short if there is no more."""
    told = [keyword for keyword in _dict(schema) if keyword not in _NOTES]
    if "title" in _dict(schema) or (len(told) == 1 and told[0] in _CHOOSING):
        return f"must not be {name_form(schema)}"
    if len(told) == 1 and told[0] in _DENIABLE:
        argument = schema[told[0]]
        together = " together" if told == ["required"] and len(argument) > 1 else ""
        return f"{_deny(_TEXTS[told[0]](argument, None))}{together}"
    return "must not be of the form that is ruled out"


def _deny(text: str) -> str:
    """Return the opposite of a text: `must be empty` of `must not be empty`."""
    before, _, denied = text.partition("must not ")
    return f"must {denied}" if denied and not before else text.replace("must ", "must not ", 1)


def _asks_for_fields(form: Any, value: dict[str, Any]) -> bool:
    """Return whether a form asks for nothing but fields that the value has."""
    return (
        isinstance(form, dict)
        and form.keys() == {"required"}
        and value.keys() >= {*form["required"]}
    )


def show(value: Json) -> str:
    """Return a value of a schema as JSON, shortened, in backticks."""
    return f"`{shorten(format_json(value))}`"


def _fact(key: str, part: Any, *, verb: str = "is") -> str:
    words = "" if _dict(part).keys() - _CHOOSING else name_form(part)
    return words and f"`{shorten(key)}` {verb} {words}"


def _dict(schema: Any) -> dict[str, Any]:
    """Return a schema; an empty one in place of a boolean."""
    return schema if isinstance(schema, dict) else {}


def _name_facts(schema: dict[str, Any]) -> str:
    """Return the value that a form wants of one field, by which it can be told."""
    fields = islice(schema.get("properties", {}).items(), _MANY)
    facts = [fact for key, part in fields if "const" in _dict(part) and (fact := _fact(key, part))]
    return f" whose {facts[0]}" if len(facts) == 1 else ""


def _name_item(schema: Any) -> str:
    words = name_form(schema)
    return f"an item that is {words}" if words else "an item of the form that is asked for"


def _find_kind(value: Any) -> str:
    return _KINDS.get(type(value)) or type(value).__name__


def _must_be_chosen(choices: Sequence[Any]) -> str:
    if not choices:
        return "is not allowed"
    return f"must be {'one of ' * (len(choices) > _FEW)}{name_choices(choices)}"


def _name_wrong_kind(choices: Sequence[Any], found: Any) -> str:
    return "" if not choices or has_kind_of(found, choices) else f", not {type_name(found)}"


def _list_forms(forms: Any, last: str) -> str:
    """Return forms, each in short, behind a colon; nothing if that does not tell them apart."""
    names = [*map(name_form, islice(forms, _FEW))]
    if not all(names) or len({*names}) < len(names):
        return ""
    return f": {list_few(names, len(forms), last)}"


def _at_least(number: int, noun: str) -> str:
    return "must not be empty" if number == 1 else f"must have at least {count_of(number, noun)}"
