"""jsonschema with our answers: what it explains is what the compiler judges.

By itself it reads patterns as Python does, for as long as they take, and rounds. So these keywords
are ours; `breaches` has those that also report more. Imported only to explain a no.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator, ValidationError
from jsonschema.validators import extend

from driftflow.schemas.equality import is_multiple, make_key
from driftflow.schemas.patterns import SlowMatchError, make_matcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftflow.reading.document import Json

    Judge = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]


def _bounded(judge: Judge) -> Judge:
    """Return a judge whose error has as its `cause` the match that took too long, if one did."""

    @wraps(judge)
    def bounded(validator: Any, wanted: Any, found: Json, schema: Any) -> Iterator[ValidationError]:
        try:
            yield from judge(validator, wanted, found, schema)
        except SlowMatchError as error:
            yield ValidationError("a match takes too long", cause=error)

    return bounded


@_bounded
def _pattern(_: Any, pattern: str, found: Json, __: Any) -> Iterator[ValidationError]:
    if type(found) is str and make_matcher(pattern)(found) is None:
        yield ValidationError("does not match")


@_bounded
def _pattern_properties(
    validator: Any, parts: dict[str, Any], found: Json, _: Any
) -> Iterator[ValidationError]:
    if type(found) is not dict:
        return
    for pattern, part in parts.items():
        matches = make_matcher(pattern)
        for name, member in found.items():
            if matches(name) is not None:
                yield from validator.descend(member, part, path=name, schema_path=pattern)


def _multiple_of(_: Any, divisor: float, found: Json, __: Any) -> Iterator[ValidationError]:
    if type(found) in {int, float} and not is_multiple(found, divisor):  # type: ignore[arg-type]  # it is one of these
        yield ValidationError("is no multiple")


def _const(_: Any, wanted: Json, found: Json, __: Any) -> Iterator[ValidationError]:
    if make_key(found) != make_key(wanted):
        yield ValidationError("is another value")


def _enum(_: Any, choices: list[Json], found: Json, __: Any) -> Iterator[ValidationError]:
    if make_key(found) not in map(make_key, choices):
        yield ValidationError("is none of these")


# What `breaches` builds upon.
Validator: type[Draft7Validator] = extend(  # type: ignore[no-untyped-call]  # the stubs are old
    Draft7Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "multipleOf": _multiple_of,
        "const": _const,
        "enum": _enum,
    },
)
