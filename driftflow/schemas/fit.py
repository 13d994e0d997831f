"""Whether it is certain, before there is any value, that none can satisfy two schemas.

What comes of a step has one schema, what the next one takes another. If no value satisfies both, it
is known before the run that this goes wrong. Where nothing is certain, nothing is said: a schema
may be as intricate as it likes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from driftflow.schemas.compiler import compile_schema
from driftflow.schemas.parts import resolve_reference
from driftflow.schemas.patterns import make_matcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# How deep schemas are looked into, and how many pairs of their parts are compared.
_MAX_DEPTH = 12
_MAX_PAIRS = 1000
_ANYTHING, _NOTHING = True, False  # schemas of what they say
_TYPES = {"null", "boolean", "number", "string", "array", "object"}
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")
# The keywords of the lower and the upper limit of the values of a type.
_LIMITS = (
    ("number", "minimum", "maximum"),
    ("string", "minLength", "maxLength"),
    ("array", "minItems", "maxItems"),
    ("object", "minProperties", "maxProperties"),
)


class Subschema:
    """A schema within another one, in which its `$ref`s lead to their places.

    Args:
        schema: The schema, as `parts.localize` returns it; `true` and `false` are schemas, too.
        whole: The schema of which it is a part; None if it is a whole one.

    Attributes:
        depth: In how many others it is.
        root: The whole schema.
        pairs: What all parts of that share: it ends when enough of them have been compared.
        schema: The schema, an object.
        is_false: Whether it is `false`.
    """

    def __init__(self, schema: Any, whole: Subschema | None = None) -> None:
        self.depth: int = whole.depth + 1 if whole else 0
        self.root: Mapping[str, Any] = whole.root if whole else schema
        self.pairs: Iterator[int] = whole.pairs if whole else iter(range(_MAX_PAIRS))
        self.schema: Mapping[str, Any] = schema if isinstance(schema, dict) else {}
        self.is_false = schema is False

    def enter(self, schema: Any) -> Subschema:
        """Return a part of this one."""
        return Subschema(schema, self)

    def follow(self) -> Subschema:
        """Return the part to which its `$ref` leads; itself if it has none."""
        reference = self.schema.get("$ref")
        if not isinstance(reference, str):
            return self
        if self.depth >= _MAX_DEPTH or not reference.startswith("#"):  # to the meta-schema
            return self.enter(_ANYTHING)
        return self.enter(resolve_reference(reference, self.root)).follow()

    def list_forms(self, keyword: str) -> list[Subschema]:
        """Return the parts of `anyOf`, `oneOf` or `allOf`."""
        forms = self.schema.get(keyword)
        return [self.enter(form) for form in forms] if isinstance(forms, list) else []

    def find_types(self) -> set[str]:
        """Return the types that its values may have; an integer is a number."""
        named = self.schema.get("type", sorted(_TYPES))
        names = {named} if isinstance(named, str) else {*named}
        return {"number" if name == "integer" else name for name in names}

    def find_choices(self) -> list[Any] | None:
        """Return all values that it takes; None if it does not list them."""
        if "const" in self.schema:
            return [self.schema["const"]]
        choices = self.schema.get("enum")
        return choices if isinstance(choices, list) else None

    def find_property(self, key: str) -> Subschema:
        """Return the schema of a member of the objects that it takes."""
        properties = self.schema.get("properties", {})
        if key in properties:
            return self.enter(properties[key])
        if _may_match(key, self.schema.get("patternProperties", {})):
            return self.enter(_ANYTHING)
        return self.enter(self.schema.get("additionalProperties", _ANYTHING))

    def find_item(self, index: int) -> Subschema:
        """Return the schema of an item of the arrays that it takes."""
        items = self.schema.get("items", _ANYTHING)
        if not isinstance(items, list):
            return self.enter(items)
        if index < len(items):
            return self.enter(items[index])
        return self.enter(self.schema.get("additionalItems", _ANYTHING))

    def takes_any(self, values: list[Any]) -> bool:
        """Return whether it takes any of these values; True if that cannot be told."""
        if self.depth and "$ref" in repr(self.schema):  # alone, it would lead elsewhere
            return True
        try:
            return any(map(compile_schema(self.schema), values))
        except ValueError:
            return True


def _may_match(key: str, patterns: Iterable[str]) -> bool:
    """Return whether a key matches any of the patterns; True if that cannot be told in time."""
    try:
        return any(make_matcher(pattern)(key) for pattern in patterns)
    except TimeoutError:
        return True


def find_place(part: Subschema, keys: tuple[str, ...]) -> Subschema:
    """Return the schema of what is at a place in the values of a schema.

    It is the schema `false` if there can be nothing.

    Args:
        part: The schema.
        keys: The parts of a JSON Pointer.
    """
    for key in keys:
        part = _find_member(part.follow(), key)
        if part.is_false or part.depth > _MAX_DEPTH:
            break
    return part


def _find_member(part: Subschema, key: str) -> Subschema:
    types = part.find_types()
    is_index = _INDEX.fullmatch(key) is not None
    most = part.schema.get("maxItems", float("inf"))
    has_item = "array" in types and is_index and int(key) < most
    if any(keyword in part.schema for keyword in ("anyOf", "oneOf", "allOf", "if", "not")):
        return part.enter(_ANYTHING if has_item or "object" in types else _NOTHING)
    if has_item and "object" in types:
        return part.enter(_ANYTHING)
    if has_item:
        return part.find_item(int(key))
    return part.find_property(key) if "object" in types else part.enter(_NOTHING)


def cannot_fit(given: Subschema, taken: Subschema) -> bool:
    """Return whether it is certain that no value satisfies both schemas."""
    if max(given.depth, taken.depth) > _MAX_DEPTH or next(given.pairs, None) is None:
        return False
    given, taken = given.follow(), taken.follow()
    if given.is_false or taken.is_false:
        return True
    return any(rule(given, taken) for rule in _RULES)


def _differ_in_type(given: Subschema, taken: Subschema) -> bool:
    return given.find_types().isdisjoint(taken.find_types())


def _differ_in_choices(given: Subschema, taken: Subschema) -> bool:
    return any(
        choices is not None and not other.takes_any(choices)
        for choices, other in (
            (given.find_choices(), taken),
            (taken.find_choices(), given),
        )
    )


def _differ_in_limits(given: Subschema, taken: Subschema) -> bool:
    types = given.find_types() & taken.find_types()
    return any(
        types == {kind}
        and (_is_below(given, taken, low, high) or _is_below(taken, given, low, high))
        for kind, low, high in _LIMITS
    )


def _is_below(one: Subschema, other: Subschema, low: str, high: str) -> bool:
    """Return whether the upper limit of one schema is below the lower limit of another."""
    most, least = one.schema.get(high), other.schema.get(low)
    return isinstance(most, int | float) and isinstance(least, int | float) and most < least


def _differ_in_members(given: Subschema, taken: Subschema) -> bool:
    if given.find_types() & taken.find_types() != {"object"}:
        return False
    required = [*given.schema.get("required", ()), *taken.schema.get("required", ())]
    return any(cannot_fit(given.find_property(key), taken.find_property(key)) for key in required)


def _differ_in_items(given: Subschema, taken: Subschema) -> bool:
    if given.find_types() & taken.find_types() != {"array"}:
        return False
    least = max(given.schema.get("minItems", 0), taken.schema.get("minItems", 0))
    return least > 0 and cannot_fit(given.find_item(0), taken.find_item(0))


def _differ_in_forms(given: Subschema, taken: Subschema) -> bool:
    """Return whether one has only forms that cannot fit the other, or needs one that cannot."""
    for one, other in ((given, taken), (taken, given)):
        for keyword in ("anyOf", "oneOf"):
            forms = one.list_forms(keyword)
            if forms and all(cannot_fit(form, other) for form in forms):
                return True
        if any(cannot_fit(form, other) for form in one.list_forms("allOf")):
            return True
    return False


_RULES: tuple[Callable[[Subschema, Subschema], bool], ...] = (
    _differ_in_type,
    _differ_in_choices,
    _differ_in_limits,
    _differ_in_members,
    _differ_in_items,
    _differ_in_forms,
)


def tell_types(part: Subschema) -> Iterator[str]:
    """Yield the types of a schema's values, as it names them; nothing if it names none."""
    named = part.follow().schema.get("type", ())
    yield from [named] if isinstance(named, str) else named
