"""What editors and checks take as an input: what the action takes, or references to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from driftflow.actions.action import ACTIONS
from driftflow.planning.references import FORMS, is_reference
from driftflow.schemas.editor import make_input_schema, tailor_schema
from driftflow.schemas.explanation import find_input_issues, make_input_validator
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from driftflow.reading.document import Json

WRITE = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$id": "urn:team:write",
    "title": "Write",
    "type": "object",
    "required": ["path", "rows"],
    "properties": {
        "path": {"type": "string", "minLength": 1, "description": "Where to."},
        "rows": {"$ref": "#/definitions/a table/of~1rows"},
        "mode": {"enum": ["new", "more"]},
        "limit": {"oneOf": [{"type": "integer"}, {"type": "null"}]},
        "tree": {"$ref": "#"},
        "both": {"allOf": [{"type": "string"}, {"minLength": 2}]},
        "other": {"not": {"type": "string"}},
        "pair": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]},
        "again": {"$ref": "#/properties/path"},
        "none": False,
    },
    "patternProperties": {"^x-": {"type": "integer"}},
    "additionalProperties": False,
    "definitions": {
        "a table": {
            "of/rows": {
                "type": "array",
                "items": {"type": "object", "additionalProperties": {"type": "string"}},
            }
        }
    },
}
GOOD: Json = {
    "path": "out.csv",
    "rows": [{"a": "x"}, {}],
    "mode": "new",
    "limit": 3,
    "both": "ab",
    "other": 1,
    "pair": ["a", 1],
    "again": "p",
    "tree": {"path": "p", "rows": []},
    "x-note": 1,
}
REFERENCES: list[Any] = [
    *({"from": "a"}, {"from": ["a"]}, {"from": {"step": "a", "at": "/x"}}),
    *({"param": "p"}, {"run": "/id"}, {"concat": ["a", {"param": "p"}]}),
]
BAD: list[tuple[tuple[str | int, ...], Json]] = [
    (("path",), ""),
    (("path",), 5),
    (("rows", 0, "a"), 5),
    (("rows", 0), []),
    (("mode",), "old"),
    (("limit",), "3"),
    (("both",), "a"),
    (("pair", 1), "b"),
    (("again",), ""),
    (("tree", "path"), 5),
    (("x-note",), "text"),
    (("none",), {"param": "p"}),
    (("extra",), {"param": "p"}),
]


def changed(value: Any, path: tuple[str | int, ...], new: Json) -> Any:
    """A copy with something else at the path."""
    copy = json.loads(json.dumps(value))
    place = copy
    for part in path[:-1]:
        place = place[part]
    if path:
        place[path[-1]] = new
    return copy if path else new


def paths(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path that leads to something in a value."""
    members: Any = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    inner = [found for part, member in members for found in paths(member, (*path, part))]
    return [path, *inner]


def test_what_is_good_stays_good() -> None:
    """As data, in whole and in a literal."""
    assert Draft7Validator(WRITE).is_valid(GOOD)
    Draft7Validator.check_schema(make_input_schema(WRITE))
    takes = make_input_validator(WRITE, admit=True)
    for value in (GOOD, {"literal": GOOD}, {"param": "p", "default": GOOD}):
        assert takes.is_valid(value)


@pytest.mark.parametrize("path", paths(GOOD), ids=str)
def test_a_reference_may_stand_anywhere(path: tuple[str | int, ...]) -> None:
    """For any part of an input; and what a literal or a default holds must fit there too."""
    takes = make_input_validator(WRITE, admit=True)
    for reference in REFERENCES:
        assert takes.is_valid(changed(GOOD, path, reference))
    part: Any = GOOD
    for key in path:
        part = part[key]
    for held in ({"literal": part}, {"param": "p", "default": part}):
        assert takes.is_valid(changed(GOOD, path, held))
        assert takes.is_valid({"param": "q", "default": changed(GOOD, path, held)})


@pytest.mark.parametrize(("path", "new"), BAD, ids=str)
def test_what_is_bad_stays_bad(path: tuple[str | int, ...], new: Json) -> None:
    """In a literal and a default as well, at its place; a literal's references are data."""
    bad = changed(GOOD, path, new)
    assert not Draft7Validator(WRITE).is_valid(bad)
    takes = make_input_validator(WRITE, admit=True)
    for value, inner in (
        (bad, ()),
        ({"literal": bad}, ("literal",)),
        ({"param": "p", "default": bad}, ("default",)),
    ):
        (issue,) = find_input_issues(takes, "write", value)
        assert issue.path == (*inner, *path) or path == ("none",)
    for reference in REFERENCES:
        assert not takes.is_valid({"literal": changed(GOOD, ("path",), reference)})


@given(st.dictionaries(st.sampled_from([*FORMS, "default", "x"]), st.just(1), max_size=3))
def test_references_are_what_they_are_in_a_run(value: dict[str, Json]) -> None:
    """By the same keys; to an action that takes nothing, only these are left."""
    takes = make_input_validator({"not": {}} | {"type": "string"}, admit=True)
    lenient = is_reference(value) and not {"default", "literal"} & value.keys()
    assert takes.is_valid(value) is lenient


OFFERED = {name: (action.summary, action.schema) for name, action in ACTIONS.items()}


def test_the_schema_of_all_knows_names_and_inputs() -> None:
    """It is one for every validator, too, and holds whatever the published one does."""
    known = OFFERED | {"team.write": ("Write rows.", WRITE), "odd|na,me": ("", None)}
    whole = tailor_schema(known)
    Draft7Validator.check_schema(whole)
    action = whole["properties"]["steps"]["items"]["properties"]["action"]["anyOf"][0]
    assert action["enum"] == [*known]
    assert action["enumDescriptions"][-2:] == ["Write rows.", ""]
    step, _ = whole["properties"]["steps"]["items"]["defaultSnippets"]
    assert step["body"]["action"] == "${2|echo,upper,lower,reverse,team.write|}"
    (workflow,) = whole["defaultSnippets"]
    (first,) = workflow["body"]["steps"]
    assert first["action"] == "${3|echo,upper,lower,reverse,team.write|}"
    inputs = [name for name in whole["definitions"] if name.startswith("input ")]
    assert inputs
    for name in inputs:
        del whole["definitions"][name]
    del whole["properties"]["steps"]["items"]["allOf"]
    published = json.loads(json.dumps(load_schema("driftflow")))
    whole["properties"]["steps"]["items"]["properties"]["action"]["anyOf"][0] = published[
        "properties"
    ]["steps"]["items"]["properties"]["action"]["anyOf"][0]
    step["body"]["action"] = "${2|echo,upper,lower,reverse|}"
    first["action"] = "${3|echo,upper,lower,reverse|}"
    assert whole == published


@pytest.mark.parametrize(
    ("action", "given", "valid"),
    [
        ("upper", "text", True),
        ("upper", 5, False),
        ("upper", {"from": "a"}, True),
        ("echo", 5, True),
        ("team.write", GOOD, True),
        ("team.write", {"path": {"param": "out"}, "rows": {"from": "a"}}, True),
        ("team.write", {"path": {"param": "out"}}, False),
        ("unknown", 5, True),
    ],
)
def test_an_input_is_held_against_the_schema_of_its_action(
    action: str, given: Json, *, valid: bool
) -> None:
    """And against no other."""
    judge = Draft7Validator(tailor_schema(OFFERED | {"team.write": ("Write rows.", WRITE)}))
    document = {"name": "w", "steps": [{"name": "s", "action": action, "input": given}]}
    assert judge.is_valid(document) is valid


PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"boss": {"$ref": "#/$defs/person"}, "age": {"type": "integer"}},
}
NAMED_ENUM: dict[str, Any] = {
    "properties": {"enum": {"$ref": "#/definitions/e"}},
    "definitions": {"e": {"enum": ["a"]}},
}
ANY: dict[str, Any] = {
    "properties": {"any": {"$ref": "#/definitions/any"}, "no": {"$ref": "#/definitions/no"}},
    "definitions": {"any": True, "no": False},
}
IN_ALL_OF: dict[str, Any] = {
    "properties": {"b/c": {"$ref": "#/allOf/1/properties/x~1y~0"}},
    "allOf": [{"$ref": "#/definitions/a"}, {"properties": {"x/y~": {"type": "integer"}}}],
    "definitions": {"a": {"properties": {"a": {"type": "integer"}}}},
}
OF_KIND: list[Any] = [{"properties": {"k": {"const": kind}}} for kind in "ab"]


@pytest.mark.parametrize(
    ("takes", "good", "bad"),
    [
        (
            {
                "$ref": "#/definitions/a",
                "definitions": {"a": {"type": "object", "required": ["x"]}},
            },
            {"x": 1},
            {"y": 1},
        ),
        (
            {"$ref": "#/$defs/person", "$defs": {"person": PERSON}},
            {"boss": {"boss": {"age": 1}}},
            {"boss": {"boss": {"age": "1"}}},
        ),
        (
            {
                "dependencies": {"a": {"$ref": "#/definitions/b"}, "c": ["d"]},
                "definitions": {"b": {"properties": {"x": {"type": "integer"}}}},
            },
            {"a": 1, "x": 2},
            {"a": 1, "x": "2"},
        ),
        (
            {
                "propertyNames": {"$ref": "#/definitions/short"},
                "definitions": {"short": {"maxLength": 3}},
                "additionalProperties": {"type": "integer"},
            },
            {"abc": 1},
            {"abcd": 1},
        ),
        (ANY, {"any": [1]}, {"no": 1}),
        (NAMED_ENUM, {"enum": "a"}, {"enum": "b"}),
        (IN_ALL_OF, {"a": 1, "b/c": 1}, {"a": "1", "b/c": 1}),
        (IN_ALL_OF, {"a": 1, "b/c": 1}, {"a": 1, "b/c": "1"}),
    ],
    ids=["root", "$defs", "dependencies", "propertyNames", "booleans", "enum", "allOf", "pointer"],
)
def test_whatever_a_schema_refers_to_is_found(takes: Any, good: Json, bad: Json) -> None:
    """From where it stands now, as data and with references."""
    assert isinstance(good, dict)
    lenient = make_input_validator(takes, admit=True)
    Draft7Validator.check_schema(make_input_schema(takes))
    for value, valid in ((good, True), (bad, False)):
        assert lenient.is_valid(value) is valid
        assert lenient.is_valid({"literal": value}) is valid
        assert lenient.is_valid({"param": "p", "default": value}) is valid
    reference: Json = {"from": "a"}
    for key in good:
        assert lenient.is_valid(good | {key: reference})


@pytest.mark.parametrize(
    ("takes", "given"),
    [
        ({"const": {"a": [1]}}, {"a": [{"param": "p"}]}),
        ({"enum": [{"a": 1}, "b"]}, {"a": {"param": "p"}}),
        (
            {"not": {"properties": {"k": {"type": "object"}}, "required": ["k"]}},
            {"k": {"from": "z"}},
        ),
        (
            {
                "if": {"properties": {"k": {"const": "a"}}},
                "then": {"required": ["x"]},
                "else": {"required": ["y"]},
            },
            {"k": {"from": "z"}, "x": 1},
        ),
        ({"if": {"required": ["k"]}, "then": {"required": ["x"]}}, {"k": {"from": "z"}}),
        ({"allOf": [{"properties": {"k": {"type": "integer"}}}]}, {"k": {"from": "z"}}),
        ({"items": [{}], "additionalItems": {"type": "integer"}}, [1, {"from": "z"}]),
        ({"contains": {"type": "integer"}}, ["a", {"from": "z"}]),
        (
            {"oneOf": OF_KIND},
            {"k": {"from": "z"}},
        ),
        (
            {"anyOf": [{}], "oneOf": OF_KIND},
            {"k": {"from": "z"}},
        ),
        ({"uniqueItems": True}, [{"from": "y"}, {"from": "y"}]),
        (
            {"dependencies": {"a": {"properties": {"b": {"type": "integer"}}}}},
            {"a": 1, "b": {"from": "z"}},
        ),
    ],
    ids=str,
)
def test_what_nobody_can_tell_yet_is_not_foretold(takes: Any, given: Json) -> None:
    """It depends on what the references will stand for."""
    assert make_input_validator(takes, admit=True).is_valid(given)


@pytest.mark.parametrize(
    "takes", [{"const": {"$ref": "#/x"}}, {"enum": [{"$ref": "#/x"}]}], ids=str
)
def test_data_in_a_schema_stays_what_it_is(takes: dict[str, Any]) -> None:
    """Though it looks like part of one."""
    lenient = make_input_validator(takes, admit=True)
    assert lenient.is_valid({"literal": {"$ref": "#/x"}})
    assert not lenient.is_valid({"literal": {"$ref": "#/definitions/input%20data/x"}})


def test_editors_find_words_and_choices_beside_each_part() -> None:
    """They do not look for them behind an `else`."""
    takes = {
        "title": "T",
        "description": "D",
        "properties": {
            "mode": {"enum": ["a", "b"], "enumDescriptions": ["A", "B"], "default": "a"},
            "deep": {"type": "boolean", "examples": [True]},
            "text": {"type": "string", "markdownDescription": "M", "defaultSnippets": []},
        },
    }
    parts = make_input_schema(takes)["definitions"]
    shown = {
        name: {key: part[key] for key in part if key not in {"if", "then", "else"}}
        for name, part in parts.items()
        if "if" in part
    }
    assert shown == {
        "input": {"title": "T", "description": "D"},
        "input/properties/mode": {
            "default": "a",
            "anyOf": [{"enum": ["a", "b"], "enumDescriptions": ["A", "B"]}, {}],
        },
        "input/properties/deep": {"examples": [True], "anyOf": [{"enum": [False, True]}, {}]},
        "input/properties/text": {"markdownDescription": "M", "defaultSnippets": []},
    }
