"""What is wrong is found where jsonschema finds something wrong, and in bounded time."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from driftflow.issues import MAX_ISSUES
from driftflow.schemas.description import describe_mismatch
from driftflow.schemas.editor import make_input_schema
from driftflow.schemas.explanation import (
    explain_refusal,
    find_breaches,
    find_input_issues,
    find_issues,
    join_reasons,
    make_input_validator,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "s3cr3t"  # noqa: S105 - it is one for this test
keys = st.sampled_from(["a", "b", "kind"])
scalars = st.sampled_from([None, True, 1, 1.0, 2.5, 3, "x", "xy", "1"])
texts = st.sampled_from([SECRET, SECRET * 99, "x", "1"])
values: st.SearchStrategy[Any] = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
types = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def _combine(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Schemas of a few keywords, in any order, that hold others."""
    forms = st.lists(inner, min_size=1, max_size=3)
    fields = st.dictionaries(keys, inner, max_size=3)
    needed = st.lists(keys, min_size=1, max_size=2, unique=True)
    arguments: dict[str, st.SearchStrategy[Any]] = {
        "type": types | st.lists(types, min_size=1, max_size=2, unique=True),
        "enum": st.lists(scalars, max_size=3),
        "const": scalars,
        "minimum": st.integers(0, 3),
        "maxLength": st.integers(0, 2),
        "pattern": st.sampled_from(["^x", "y$"]),
        "minItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "maxProperties": st.integers(0, 2),
        "required": needed,
        "properties": fields,
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "k"]), inner, max_size=1),
        "additionalProperties": inner,
        "propertyNames": inner,
        # Of `true` beside `additionalItems` jsonschema asks the length.
        "items": inner.filter(lambda part: not isinstance(part, bool)) | forms,
        "additionalItems": inner,
        "contains": inner,
        "dependencies": st.dictionaries(keys, inner | needed, max_size=2),
        "anyOf": forms,
        "oneOf": forms,
        "allOf": forms,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
    }
    names = st.lists(st.sampled_from([*arguments]), min_size=1, max_size=4, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries({name: arguments[name] for name in chosen})
    )


schemas: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | _combine(st.booleans()), _combine, max_leaves=12
).filter(lambda schema: isinstance(schema, dict))


@settings(max_examples=400)
@given(schemas, values)
def test_something_is_told_where_something_is_wrong(schema: Any, value: Any) -> None:
    """And nothing where all is well; each at a place that there is, and the same each time."""
    valid = Draft7Validator(schema).is_valid(value)
    found = find_breaches(schema, value, "the output")
    assert (found == []) is valid
    assert (describe_mismatch(schema, value, "the output") == "") is valid
    assert (join_reasons(found) == "") is valid
    assert find_breaches(json.loads(json.dumps(schema)), value, "the output") == found
    for issue in found:
        part = value
        for key in issue.path:
            part = part[key]


@given(schemas, values)
def test_what_was_judged_is_never_quoted(schema: Any, value: Any) -> None:
    """Only names of fields are, and what stands in the schema."""
    for issue in find_breaches(schema, value, "the output"):
        assert SECRET not in issue.message + (issue.hint or "")
    assert SECRET not in explain_refusal("act", schema, value)


@given(schemas, values | st.just({"from": "a"}), keys)
def test_a_value_with_references_is_explained_as_it_is_judged(
    schema: Any, value: Any, key: str
) -> None:
    """By the schema that editors have, too."""
    for given_value in (value, {key: {"from": "a"}, "b": value}):
        valid = Draft7Validator(make_input_schema(schema)).is_valid(given_value)
        found = find_input_issues(make_input_validator(schema, admit=True), "act", given_value)
        assert (found == []) is valid


def count_calls(function: Callable[[], object]) -> int:
    """How many calls of Python functions it makes."""
    calls = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls


NAMES = [f"name {number}" for number in range(2000)]
# By what there is more of, from how much of it: a schema, and a value that breaks it.
GROWING: dict[str, Callable[[int], tuple[Any, Any]]] = {
    "missing fields": lambda size: ({"required": NAMES[:size]}, {}),
    "missing and unknown fields": lambda size: (
        {"required": NAMES[:size], "additionalProperties": False},
        {f"{name}!": 1 for name in NAMES[:size]},
    ),
    "needed fields": lambda size: ({"dependencies": {"a": NAMES[:size]}}, {"a": 1}),
    "wrong items": lambda size: ({"items": {"type": "null"}}, [1] * size),
    "choices": lambda size: ({"enum": NAMES[:size]}, "nam 1"),
    "names that are wrong": lambda size: (
        {"propertyNames": {"enum": NAMES[:5]}},
        {f"{name}!": 1 for name in NAMES[:size]},
    ),
    "forms": lambda size: (
        {"anyOf": [{"properties": {"kind": {"const": n}}, "required": [n]} for n in NAMES[:size]]},
        {"kind": "name 1"},
    ),
    "forms that are no better than others": lambda size: (
        {"anyOf": [{"required": [name]} for name in NAMES[:size]]},
        {"nam": 1},
    ),
    "forms of which many fit": lambda size: ({"oneOf": [{} for _ in NAMES[:size]]}, 1),
    "items that have no form": lambda size: (
        {"items": {"anyOf": [{"required": [name]} for name in NAMES[:5]]}},
        [{}] * size,
    ),
    "the same objects": lambda size: (
        {"uniqueItems": True},
        [*({"a": n} for n in range(size)), {"a": 0}],
    ),
}


@pytest.mark.parametrize("name", GROWING)
def test_more_that_is_wrong_costs_no_more_than_that(name: str) -> None:
    """Twice as much takes twice as many calls at most, and a few."""
    counts = []
    for size in (400, 800):
        find = partial(find_breaches, *GROWING[name](size), "the output")
        find()  # what is compiled once does not count
        counts.append(count_calls(find))
    assert counts[1] <= 2.2 * counts[0] + 1000


def test_no_more_issues_are_told_than_help() -> None:
    """Nor are more looked for; and the nearest word only for the first."""
    schema = {"items": {"enum": NAMES}}
    found = find_breaches(schema, ["nam 1"] * (MAX_ISSUES + 500), "the output")
    assert len(found) == MAX_ISSUES
    assert [issue.hint is None for issue in found] == [False] * 100 + [True] * 900
    numbers = {"items": {"type": "null"}}
    costs = [
        count_calls(partial(find_breaches, numbers, [1] * size, "the output"))
        for size in (1100, 100_000)
    ]
    assert costs[1] <= costs[0] + 10


def test_forms_in_forms_are_told_at_their_place() -> None:
    """As deep as they are, at a cost that grows with the depth."""

    def nest(depth: int) -> tuple[Any, Any]:
        schema: Any = {"type": "string"}
        value: Any = 1
        for _ in range(depth):
            leaf = {"properties": {"kind": {"const": "leaf"}}, "required": ["leaf"]}
            node = {"properties": {"kind": {"const": "node"}, "in": schema}, "required": ["in"]}
            schema = {"type": "object", "anyOf": [leaf, node]}
            value = {"kind": "node", "in": value}
        return schema, value

    schema, value = nest(20)
    (issue,) = find_breaches(schema, value, "the output")
    assert issue.path == ("in",) * 20
    assert issue.message == "`in` must be a string, not an integer"
    counts = [count_calls(partial(find_breaches, *nest(depth), "the output")) for depth in (10, 20)]
    assert counts[1] <= 2.6 * counts[0]


def test_what_cannot_be_judged_is_told() -> None:
    """By one issue, and no traceback."""
    schema, reason = {"items": {"$ref": "#"}, "type": "array"}, "it is nested too deep"
    value: Any = "deep"
    for _ in range(3000):
        value = [value]
    (issue,) = find_breaches(schema, value, "the output")
    assert issue.message == f"the output cannot be checked: {reason}"
    told = f"the input cannot be checked against the schema of `act`: {reason}"
    assert explain_refusal("act", schema, value) == told
    assert describe_mismatch(schema, value, "the output") == issue.message


def test_a_config_that_cannot_be_judged_is_told() -> None:
    """As any other value is."""

    class Failing(dict[str, Any]):
        def __contains__(self, _key: object) -> bool:
            raise RecursionError

    (issue,) = find_issues(Failing())
    assert issue.message == "the document cannot be checked: it is nested too deep"


def test_a_schema_that_names_its_draft_is_explained_as_any_other() -> None:
    """Also below."""
    draft = "http://json-schema.org/draft-07/schema#"
    part = {"$schema": draft, "required": ["b"], "properties": {"c": {"$ref": "#"}}}
    schema = {"$schema": draft, "required": ["a"], "properties": {"b": part}}
    told = [issue.message for issue in find_breaches(schema, {"b": {"c": {}}}, "the output")]
    assert told == [f"missing required field `{name}`" for name in "aba"]
