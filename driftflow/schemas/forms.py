"""Which form of an `anyOf` was meant, when a value has none of them.

In this order:

1. If each form is a type or a few values, all are told.
2. A form of another type is left out.
3. A field that only some values can have in each form, like `kind`, says which one is meant. If it
   has a value that no form knows, that is what is wrong, with the values of all forms.
4. The form with which the value got farthest: whose errors are the deepest, and the fewest.
5. If that is no single one, all that would do is told at once.

**Forms are not read, but tried.** Whether a form has a say about a field shows when the field holds
what is like no value. So it does not matter whether the form says it in an `allOf`, behind a `$ref`
or behind the `if` that lets references pass.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from jsonschema import ValidationError

from driftflow.schemas.published import find_unknown_keys
from driftflow.schemas.wording import get_choices, has_kind_of
from driftflow.suggestion import find_nearest
from driftflow.text import format_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_FORMS = 100  # forms that are looked into; of any further one, a single error
MAX_ERRORS = 100  # errors of one form
_MAX_CHOICES = 1000  # values of a field that tells forms apart
_FEW = 8  # such fields, and fields that may be misspelt

_UNLIKE = object()  # no value of JSON: what a `const` or an `enum` never takes


class Form(NamedTuple):
    """One of several schemas, and what the value breaks of it."""

    schema: Any
    errors: list[ValidationError]


def try_form(validator: Any, schema: Any, index: int, value: Any) -> Form:
    """Return what the value breaks of a form, the first errors.

    Args:
        validator: What descends into the form.
        schema: The form.
        index: Its place among the forms.
        value: The value.
    """
    errors = validator.descend(value, schema, schema_path=index)
    return Form(schema, [*islice(errors, MAX_ERRORS if index < MAX_FORMS else 1)])


def read_form(validator: Any, form: Any) -> Any:
    """Return a form as it describes itself, if need be from behind its `$ref`."""
    if not isinstance(form, dict) or "$ref" not in form:
        return form
    tried = chain.from_iterable(validator.descend(value, form) for value in (_UNLIKE, {}))
    return next((error.schema for error in tried if not error.path), form)


def choose_errors(validator: Any, forms: list[Form], value: Any) -> list[ValidationError]:
    """Return what to tell about a value that has none of the forms, at least one error.

    Args:
        validator: What descends into forms.
        forms: All forms, each with errors.
        value: The value.
    """
    fitting = [form for form in forms if not any(map(_is_of_another_type, form.errors))]
    if not fitting or all(map(_is_plain, forms)):
        return [_tell_plain(forms)]
    meant = _keep_named(validator, fitting, value)[:MAX_FORMS]
    told = _tell_tag(meant) or _tell_missing_tag(validator, meant)
    if told:
        return [told]
    best = _keep_farthest(meant)
    best = _keep_misspelt(best, value) if len(best) > 1 else best
    if len(best) == 1:
        return best[0].errors
    return [_tell_tag(best) or _tell_all(validator, best)]


def _is_of_another_type(error: ValidationError) -> bool:
    if error.path:
        return False
    choices = get_choices(error)
    if choices is not None:
        return not has_kind_of(error.instance, choices)
    if error.validator == "anyOf":  # of forms in forms
        return bool(error.context) and all(map(_is_of_another_type, error.context))
    return error.validator in {"type", None}  # none is the schema `false`


def _is_plain(form: Form) -> bool:
    """Return whether nothing but the type or the choice of a value is wrong, as far as is known."""
    first, *others = form.errors
    return not others and not first.path and first.validator in {"type", "enum", "const", None}


def _tell_plain(forms: list[Form]) -> ValidationError:
    """Return the error that tells the types and the choices of all forms."""
    first = (next(filter(_is_of_another_type, form.errors), form.errors[0]) for form in forms)
    wrong = [*chain.from_iterable(error.context or [error] for error in first)]
    told = [error for error in wrong if error.validator is not None] or wrong[:1]
    if all(error.validator == "type" for error in told):
        return ValidationError("", validator="type", validator_value=_list_types(told))
    groups = [*map(get_choices, told)]
    if all(group is not None for group in groups):
        choices = chain.from_iterable(group or () for group in groups)
        return ValidationError(
            "", validator="enum", validator_value=[*islice(choices, _MAX_CHOICES)]
        )
    return ValidationError("", validator="anyOf", context=told)


def _list_types(errors: Iterable[ValidationError]) -> list[str]:
    wanted: list[Any] = [error.validator_value for error in errors]
    names = chain.from_iterable([name] if isinstance(name, str) else name for name in wanted)
    return [*dict.fromkeys(names)]


def _keep_named(validator: Any, forms: list[Form], value: Any) -> list[Form]:
    """Return the forms that the value names by a field whose values tell them apart."""
    fields = dict.fromkeys(path[0] for form in forms for path in _find_tags(form) if path)
    for field in islice(fields, _FEW):
        if value[field] is not _UNLIKE:  # being tried itself
            others = [form for form in forms if (field,) not in _find_tags(form)]
            forms = [form for form in others if _try_tag(validator, form, field)] or forms
    return forms


def _find_tags(form: Form) -> dict[tuple[str, ...], list[Any]]:
    """Return the choices that a form leaves for the value or for fields of it, where these fail."""
    return {
        tuple(map(str, error.path)): choices
        for error in form.errors
        if len(error.path) <= 1 and (not error.path or isinstance(error.path[0], str))
        if (choices := get_choices(error)) is not None
    }


def _try_tag(validator: Any, form: Form, field: str) -> list[Any]:
    """Return the choices that a form leaves for a field; empty if it has no say."""
    tried = try_form(validator, form.schema, 0, {field: _UNLIKE})
    return _find_tags(tried).get((field,), [])


def _tell_tag(forms: list[Form]) -> ValidationError | None:
    """Return the error about a field that should say which of the forms is meant, and does not."""
    first, *_ = tags = [*map(_find_tags, forms)]
    for path in first:
        groups = [tag[path] for tag in tags if path in tag]
        if len(groups) == len(forms) > 1 and (choices := _join_apart(groups)):
            (found, *_) = (error for error in forms[0].errors if (*error.path,) == path)
            return ValidationError(
                "", validator="enum", validator_value=choices, path=path, instance=found.instance
            )
    return None


def _tell_missing_tag(validator: Any, forms: list[Form]) -> ValidationError | None:
    """Return the error about a field that would say which of the forms is meant."""
    missing = [[name for error in _find_missing(form) for name in _names(error)] for form in forms]
    for name in islice(missing[0], _FEW):
        if len(forms) > 1 and all(name in names for names in missing):
            groups = [_try_tag(validator, form, name) for form in forms]
            if all(groups) and (choices := _join_apart(groups)):
                possible = ValidationError("", validator="enum", validator_value=choices)
                return ValidationError(
                    "",
                    validator="required",
                    validator_value=[name],
                    schema=next(_find_missing(forms[0])).schema,
                    context=[possible],
                )
    return None


def _join_apart(groups: list[list[Any]]) -> list[Any]:
    """Return the choices of all forms; none if two forms have one in common."""
    choices = [*islice(chain.from_iterable(groups), _MAX_CHOICES)]
    return choices if len({*map(format_json, choices)}) == len(choices) else []


def _find_missing(form: Form) -> Iterator[ValidationError]:
    return (error for error in form.errors if error.validator == "required" and not error.path)


def _names(error: ValidationError) -> list[str]:
    names: Any = error.validator_value
    return [*names]


def _keep_farthest(forms: list[Form]) -> list[Form]:
    scores = [*map(_score, forms)]
    best = max(scores)
    return [form for form, score in zip(forms, scores, strict=True) if score == best]


def _score(form: Form) -> tuple[int, int, int]:
    """Return how far a value got: the depth of the first errors, and how few there are."""
    depth = min(len(error.path) for error in form.errors)
    weights = [(len(error.path) == depth, _weigh(error)) for error in form.errors]
    return (depth, -sum(weight for is_first, weight in weights if is_first), -len(weights))


def _weigh(error: ValidationError) -> int:
    """Return of how many fields an error tells."""
    value: Any = error.instance
    definition: Any = error.schema
    if error.validator == "required":
        return len(_names(error))
    if error.validator == "additionalProperties" and error.validator_value is False:
        return sum(1 for _ in islice(find_unknown_keys(value, definition), MAX_ERRORS))
    return 1


def _keep_misspelt(forms: list[Form], value: Any) -> list[Form]:
    """Return the form of which the value has a required field in another spelling."""
    homes: dict[str, list[Form]] = {}
    for form in forms[:_FEW]:
        for error in _find_missing(form):
            for name in _names(error)[:_FEW]:
                homes.setdefault(name, []).append(form)
    for key in islice(value if homes else (), _FEW):
        meant = homes.get(find_nearest(key, homes) or "", [])
        if len(meant) == 1:
            return meant
    return forms


def _tell_all(validator: Any, forms: list[Form]) -> ValidationError:
    """Return the error that tells of several forms: what each asks for, or else what they are."""
    first = [min(form.errors, key=lambda error: len(error.path)) for form in forms]
    paths = {(*error.path,) for error in first}
    if len(paths) == 1 and not any(error.context for error in first):
        return ValidationError(
            "", validator="anyOf", path=paths.pop(), instance=first[0].instance, context=first
        )
    schemas = [read_form(validator, form.schema) for form in forms]
    return ValidationError("", validator="anyOf", validator_value=schemas)
