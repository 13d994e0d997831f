"""A schema as a whole: whether it is one, all schemas in it, and where each `$ref` leads.

A path leads to each schema in it. That of the published meta-schema of draft-07, which is another
document, and the only other one that a `$ref` may lead to, begins with its address.

No recursion: a schema may be nested as deep as it likes.

**A `$ref` that leads back to itself without end is found before any value is judged**: the schemas
that are held against one value, each because of another, must not go round in a circle.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from driftflow.schemas.keywords import KEYWORDS, find_parts, is_schema
from driftflow.text import format_path, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftflow.issues import JsonPath

    Schema: TypeAlias = Mapping[str, Any]

_META = "http://json-schema.org/draft-07/schema"


class SchemaError(ValueError):
    """A JSON Schema is none; the text names the place, `at $.items: ...`.

    Attributes:
        reason: What is wrong.
        path: Where in the schema, from its top.
    """

    def __init__(self, reason: str, path: JsonPath = ()) -> None:
        super().__init__(f"at {format_path(('$', *path))}: {reason}")
        self.reason = reason
        self.path = path


class Inspected(NamedTuple):
    """A schema that is one.

    Attributes:
        parts: By its path, each schema in it, the whole one too.
        targets: By the path of each schema that is a `$ref`, the path to which that leads.
    """

    parts: Mapping[JsonPath, Any]
    targets: Mapping[JsonPath, JsonPath]


def inspect_schema(schema: Schema) -> Inspected:
    """Return what is in a schema.

    Args:
        schema: A JSON Schema, draft-07.

    Raises:
        SchemaError: If it is none; says the first thing that is wrong.
    """
    inspection = _Inspection(schema)
    for fault in inspection.find_faults():
        raise fault
    return Inspected(inspection.parts, inspection.targets)


def inspect_thoroughly(schema: Schema) -> tuple[list[SchemaError], Mapping[JsonPath, Any]]:
    """Return all that is wrong with a schema, nothing if it is one, and by their paths the parts.

    Those of the meta-schema are not among them.
    """
    inspection = _Inspection(schema)
    faults = [*inspection.find_faults()]
    ours = {path: part for path, part in inspection.parts.items() if path[:1] != (_META,)}
    return faults, ours


class _Inspection:
    """What is known of a schema so far."""

    def __init__(self, schema: Schema) -> None:
        self.documents: dict[str, Any] = {"": schema}
        self.parts: dict[JsonPath, Any] = {}
        self.targets: dict[JsonPath, JsonPath] = {}
        self.same: dict[JsonPath, list[JsonPath]] = {}  # the schemas in one, of the same value
        self.bases: dict[JsonPath, str] = {}  # by the path of a schema, what its `$ref`s start from
        self.places: dict[str, JsonPath] = {"": ()}  # by an address, the schema that has it
        self.references: list[JsonPath] = []

    def find_faults(self) -> Iterator[SchemaError]:
        """Yield what is wrong, and take note of the parts on the way."""
        schema = self.documents[""]
        draft = str(schema.get("$schema", _META)) if type(schema) is dict else _META
        if "draft-07" not in draft:
            reason = f"only draft-07 is supported, not {shorten(draft)}"
            yield SchemaError(reason, ("$schema",))
            return
        yield from self.visit((), schema, "")
        for path in self.references:  # which grow, as they lead to what nothing else leads to
            yield from self.follow(path)
        yield from self.find_circle()

    def visit(self, path: JsonPath, schema: Any, base: str) -> Iterator[SchemaError]:
        """Look at a schema and at all in it; yield what is wrong."""
        waiting = [(path, schema, base)]
        while waiting:
            path, schema, base = waiting.pop()
            self.parts[path] = schema
            if not is_schema(schema):
                from driftflow.reading.document import type_name

                reason = f"a schema must be an object or a boolean, not {type_name(schema)}"
                yield SchemaError(reason, path)
            if type(schema) is not dict:
                continue
            base = self.bases[path] = self.name(path, schema, base)
            wrong = [*_find_wrong(schema)]
            yield from (SchemaError(reason, (*path, *below)) for below, reason in wrong)
            if type(schema.get("$ref")) is str:
                self.references.append(path)
            sound = {
                word: schema[word] for word in schema if word not in {at[0] for at, _ in wrong}
            }
            found = [(word, (*path, word, *more), part) for word, more, part in find_parts(sound)]
            waiting += [(place, part, base) for _, place, part in reversed(found)]
            self.same[path] = [place for word, place, _ in found if KEYWORDS[word].is_of_value]

    def name(self, path: JsonPath, schema: Schema, base: str) -> str:
        """Take note of the address that a schema gives itself; return what its `$ref`s start from.

        Beside a `$ref` all else is ignored.
        """
        given = schema.get("$id")
        if type(given) is not str or "$ref" in schema:
            return base
        address = _join(base, given)
        whole, _, fragment = address.partition("#")
        self.places.setdefault(address if fragment else whole, path)
        if not given.startswith("#"):
            self.places.setdefault(whole, path)
            return whole
        return base

    def follow(self, path: JsonPath) -> Iterator[SchemaError]:
        """Take note of where a `$ref` leads; yield why it leads nowhere."""
        reference = self.parts[path]["$ref"]
        whole, _, fragment = _join(self.bases[path], reference).partition("#")
        if whole == _META and whole not in self.places:
            self.documents[whole] = _load_meta_schema()
            self.places[whole] = (whole,)
            yield from self.visit((whole,), self.documents[whole], whole)
        if whole not in self.places:
            shown = f"`$ref` leads to another document, which is not supported: {reference}"
            yield SchemaError(shown, (*path, "$ref"))
            return
        start = self.places[whole]
        if fragment and not fragment.startswith("/"):
            target = self.places.get(f"{whole}#{fragment}")
        else:
            target = self.walk(start, fragment)
        if target is None or not is_schema(self.get(target)):
            yield SchemaError(f"`$ref` leads nowhere: {reference}", (*path, "$ref"))
            return
        self.targets[path] = target
        if target not in self.parts:
            yield from self.visit(target, self.get(target), self.base_of(target))

    def walk(self, path: JsonPath, pointer: str) -> JsonPath | None:
        """Return where a JSON pointer leads from a schema; None if nowhere."""
        value = self.get(path)
        for key in read_pointer(pointer):
            if type(value) is dict and key in value:
                path, value = (*path, key), value[key]
            elif type(value) is list and _is_index(key) and int(key) < len(value):
                path, value = (*path, int(key)), value[int(key)]
            else:
                return None
        return path

    def get(self, path: JsonPath) -> Any:
        """Return what is at a path."""
        is_other = bool(path) and path[0] in self.documents and path[0] not in self.documents[""]
        value = self.documents[str(path[0])] if is_other else self.documents[""]
        for key in path[is_other:]:
            value = value[key]
        return value

    def base_of(self, path: JsonPath) -> str:
        """Return what a `$ref` starts from in a schema that no keyword leads to."""
        above = (path[:length] for length in range(len(path), -1, -1))
        return next((self.bases[each] for each in above if each in self.bases), "")

    def find_circle(self) -> Iterator[SchemaError]:
        """Yield why a schema would be held against one value without end, if one would."""
        if not self.targets:
            return
        from graphlib import CycleError, TopologicalSorter

        along = {path: [target] for path, target in self.targets.items()}
        try:
            TopologicalSorter(self.same | along).prepare()
        except CycleError as error:
            there = next(path for path in error.args[1] if path in self.targets)
            reason = "`$ref` leads back to itself without end"
            yield SchemaError(reason, (*there, "$ref"))


def _find_wrong(schema: Schema) -> Iterator[tuple[JsonPath, str]]:
    """Yield what is wrong with the arguments of a schema's keywords: where, and what."""
    for word, argument in schema.items():
        if word in KEYWORDS:
            for below, reason in KEYWORDS[word].find_faults(argument):
                yield (word, *below), f"`{word}` {reason}"


def _join(base: str, reference: str) -> str:
    """Return the address that a reference means where another one is the base."""
    if reference.startswith("#"):
        return base + reference
    if not reference:
        return base
    from urllib.parse import urljoin

    return urljoin(base, reference)


def read_pointer(pointer: str) -> list[str]:
    """Return the keys of a JSON pointer, as it stands in an address."""
    if "%" in pointer:
        from urllib.parse import unquote

        pointer = unquote(pointer)
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]


def _is_index(key: str) -> bool:
    return re.fullmatch("0|[1-9][0-9]{0,8}", key) is not None


def _load_meta_schema() -> dict[str, Any]:
    """Return the meta-schema of draft-07, as jsonschema has it."""
    from jsonschema import Draft7Validator

    return dict(Draft7Validator.META_SCHEMA)
