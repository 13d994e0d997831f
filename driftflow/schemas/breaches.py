"""What a value breaks of a schema, as jsonschema finds it: the errors, each with what explains it.

**jsonschema judges; a few keywords report more.** Some of its errors do not say as data what is
missing, where the thing is that is too much, or why a rule applied. The keywords of these say the
same yes or no here, and put that on their errors.

**What an error holds**, beside the path and the keyword, in place of the argument: for `required`,
the fields that are missing; for `additionalItems`, how many items there may be; for `uniqueItems`,
the indices of two items that are the same; for `oneOf`, the forms that fit, if that is too many. Of
`propertyNames`, the context holds what is wrong with the name. Why a rule applied stands in the
notes, the innermost reason first. `forms` says what comes of `anyOf`.

**Not more than can be told.** Each form is looked into up to a number of errors, and whoever reads
the errors stops when there are enough: jsonschema looks on only when it is asked.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema import ValidationError
from jsonschema.validators import extend

from driftflow.schemas.authority import Validator
from driftflow.schemas.equality import make_key
from driftflow.schemas.forms import MAX_ERRORS, MAX_FORMS, Form, choose_errors, read_form, try_form
from driftflow.schemas.published import find_unknown_keys
from driftflow.schemas.wording import describe_condition
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema import Draft7Validator

    Errors = Iterator[ValidationError]
    Schema = Mapping[str, Any]

_FEW = 8  # forms that are told when too many fit


def make_finder(schema: Schema) -> Draft7Validator:
    """Return what finds the errors: it judges as jsonschema does, and its errors say more.

    Args:
        schema: A JSON Schema, draft-07.
    """
    # A schema that names its draft would be judged by jsonschema's own keywords.
    named = {keyword: argument for keyword, argument in schema.items() if keyword != "$schema"}
    finder: Draft7Validator = _Finder(named)
    return finder


def _find_missing(_validator: Any, names: Any, value: Any, _schema: Schema) -> Errors:
    if isinstance(value, dict):
        missing = [name for name in dict.fromkeys(names) if name not in value]
        if missing:
            yield ValidationError("", validator_value=missing)


def _find_unknown(validator: Any, part: Any, value: Any, schema: Schema) -> Errors:
    """Yield what is wrong with fields that are not listed, in their order; jsonschema has none."""
    unknown = find_unknown_keys(value, schema) if isinstance(value, dict) else iter(())
    if part is not False:
        for key in unknown:
            yield from validator.descend(value[key], part, path=key)
    elif next(unknown, None) is not None:
        yield ValidationError("")


def _find_further(validator: Any, part: Any, value: Any, schema: Schema) -> Errors:
    items = schema.get("items")
    if not isinstance(items, list) or not isinstance(value, list):
        return
    listed = len(items)
    if part is not False:
        for index, item in enumerate(value[listed:], listed):
            yield from validator.descend(item, part, path=index)
    elif len(value) > listed:
        yield ValidationError("", validator_value=listed, path=[listed])


def _find_twins(_validator: Any, wanted: Any, value: Any, _schema: Schema) -> Errors:
    """Yield an error with the indices of the first two items that are the same, in linear time."""
    seen: dict[Any, int] = {}
    for index, item in enumerate(value if wanted and isinstance(value, list) else ()):
        first = seen.setdefault(make_key(item), index)
        if first != index:
            yield ValidationError("", validator_value=(first, index))
            return


def _check_fields(validator: Any, parts: Any, value: Any, schema: Schema) -> Errors:
    spelt_out = {name: _spell_out(part) for name, part in parts.items()}
    yield from _JUDGES["properties"](validator, spelt_out, value, schema)


def _check_patterns(validator: Any, parts: Any, value: Any, schema: Schema) -> Errors:
    spelt_out = {pattern: _spell_out(part) for pattern, part in parts.items()}
    yield from _JUDGES["patternProperties"](validator, spelt_out, value, schema)


def _check_items(validator: Any, part: Any, value: Any, schema: Schema) -> Errors:
    spelt_out = [*map(_spell_out, part)] if isinstance(part, list) else _spell_out(part)
    yield from _JUDGES["items"](validator, spelt_out, value, schema)


def _spell_out(part: Any) -> Any:
    """Return the same for the schema `false`, whose errors lack the last key of the path."""
    return {"not": {}} if part is False else part


def _find_none(validator: Any, part: Any, value: Any, schema: Schema) -> Errors:
    for _ in _JUDGES["contains"](validator, part, value, schema):
        yield ValidationError("", validator_value=read_form(validator, part))


def _check_names(validator: Any, part: Any, value: Any, _schema: Schema) -> Errors:
    for name in value if isinstance(value, dict) else ():
        errors = [*islice(validator.descend(name, part), MAX_ERRORS)]
        if errors:
            cause = errors[0].cause  # a match that took too long, if one did
            yield ValidationError("", path=[name], instance=name, context=errors, cause=cause)


def _check_all(validator: Any, parts: Any, value: Any, schema: Schema) -> Errors:
    for index, part in enumerate(parts):
        yield from _beside(validator.descend(value, part, schema_path=index), schema)


def _check_any(validator: Any, forms: Any, value: Any, schema: Schema) -> Errors:
    tried: list[Form] = []
    for index, form in enumerate(forms):
        tried.append(try_form(validator, form, index, value))
        if not tried[-1].errors:
            return
    yield from _beside(choose_errors(validator, tried, value), schema)


def _check_one(validator: Any, forms: Any, value: Any, schema: Schema) -> Errors:
    tried: list[Form] = []
    fitting = []
    for index, form in enumerate(forms):
        tried.append(try_form(validator, form, index, value))
        fitting += [] if tried[-1].errors else [form]
        if len(fitting) == _FEW or (len(fitting) > 1 and index >= MAX_FORMS):
            break
    if not fitting:
        yield from _beside(choose_errors(validator, tried, value), schema)
    elif len(fitting) > 1:
        several = [read_form(validator, form) for form in fitting]
        yield ValidationError("", validator_value=several)


def _check_branch(validator: Any, condition: Any, value: Any, schema: Schema) -> Errors:
    """Yield what `then` or `else` finds, with the condition as a note, if that is simple."""
    holds = validator.evolve(schema=condition).is_valid(value)
    branch = "then" if holds else "else"
    if branch in schema:
        errors = validator.descend(value, schema[branch], schema_path=branch)
        reason = describe_condition(condition, value, holds=holds)
        yield from _note(_beside(errors, schema), reason)


def _check_dependencies(validator: Any, parts: Any, value: Any, schema: Schema) -> Errors:
    for key, part in parts.items() if isinstance(value, dict) else ():
        if key in value:
            part_of = {list: {"required": part}, bool: {"properties": {key: part}}}
            errors = validator.descend(value, part_of.get(type(part), part), schema_path=key)
            reason = "" if part is False else f"`{shorten(key)}` is given"
            yield from _note(_beside(errors, schema), reason)


def _note(errors: Iterable[ValidationError], reason: str) -> Errors:
    for error in errors:
        if reason:
            error.add_note(reason)
        yield error


def _beside(errors: Iterable[ValidationError], schema: Schema) -> Errors:
    """Yield the errors; those about missing fields know the fields that stand beside, too.

    Otherwise one of these could be taken for a misspelling.
    """
    for error in errors:
        if error.validator == "required" and not error.path:
            inner: Any = error.schema
            error.schema = inner | {
                keyword: {**schema.get(keyword, {}), **inner.get(keyword, {})}
                for keyword in ("properties", "patternProperties")
            }
        yield error


_JUDGES: Any = Validator.VALIDATORS
_Finder: Any = extend(  # type: ignore[no-untyped-call]  # it comes without types
    Validator,
    {
        "properties": _check_fields,
        "patternProperties": _check_patterns,
        "items": _check_items,
        "contains": _find_none,
        "required": _find_missing,
        "additionalProperties": _find_unknown,
        "additionalItems": _find_further,
        "uniqueItems": _find_twins,
        "propertyNames": _check_names,
        "allOf": _check_all,
        "anyOf": _check_any,
        "oneOf": _check_one,
        "if": _check_branch,
        "dependencies": _check_dependencies,
    },
)
