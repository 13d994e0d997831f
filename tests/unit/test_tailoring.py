"""What editors and checks take as an input: what the action takes, or references to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from driftflow.actions import ACTIONS, Action
from driftflow.references import is_reference
from driftflow.schemas import schema
from driftflow.tailoring import input_schema, tailored
from driftflow.validation import input_issues, input_validator

if TYPE_CHECKING:
    from driftflow.document import Json

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
REFERENCES: list[Json] = [{"from": "a"}, {"from": ["a"]}, {"param": "p"}]
BAD: list[tuple[tuple[str | int, ...], Json]] = [
    (("path",), ""),
    (("path",), 5),
    (("rows", 0, "a"), 5),
    (("rows", 0), []),
    (("mode",), "old"),
    (("limit",), "3"),
    (("both",), "a"),
    (("other",), "text"),
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
    Draft7Validator.check_schema(input_schema(WRITE))
    takes = input_validator(WRITE, admit=True)
    for value in (GOOD, {"literal": GOOD}, {"param": "p", "default": GOOD}):
        assert takes.is_valid(value)


@pytest.mark.parametrize("path", paths(GOOD), ids=str)
def test_a_reference_may_stand_anywhere(path: tuple[str | int, ...]) -> None:
    """For any part of an input; and what a literal or a default holds must fit there too."""
    takes = input_validator(WRITE, admit=True)
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
    takes = input_validator(WRITE, admit=True)
    for value, inner in (
        (bad, ()),
        ({"literal": bad}, ("literal",)),
        ({"param": "p", "default": bad}, ("default",)),
    ):
        (issue,) = input_issues(takes, "write", value)
        assert issue.path == (*inner, *path) or path == ("none",)
    for reference in REFERENCES:
        assert not takes.is_valid({"literal": changed(GOOD, ("path",), reference)})


@given(st.dictionaries(st.sampled_from(["from", "param", "default", "literal", "x"]), st.just(1)))
def test_references_are_what_they_are_in_a_run(value: dict[str, Json]) -> None:
    """By the same keys; to an action that takes nothing, only these are left."""
    takes = input_validator({"not": {}} | {"type": "string"}, admit=True)
    lenient = is_reference(value) and not {"default", "literal"} & value.keys()
    assert takes.is_valid(value) is lenient


def test_the_schema_of_all_knows_names_and_inputs() -> None:
    """It is one for every validator, too, and holds whatever the published one does."""
    write = Action(len, "Write rows.", "jobs.py", WRITE, lambda _: True)
    known = ACTIONS | {"team.write": write, "odd|na,me": Action(len, "", "jobs.py")}
    whole = tailored(known)
    Draft7Validator.check_schema(whole)
    action = whole["properties"]["steps"]["items"]["properties"]["action"]["anyOf"][0]
    assert action["enum"] == [*known]
    assert action["enumDescriptions"][-2:] == ["Write rows.", ""]
    (step,) = whole["properties"]["steps"]["items"]["defaultSnippets"]
    assert step["body"]["action"] == "${2|echo,upper,lower,reverse,team.write|}"
    (workflow,) = whole["defaultSnippets"]
    (first,) = workflow["body"]["steps"]
    assert first["action"] == "${3|echo,upper,lower,reverse,team.write|}"
    del whole["definitions"], whole["properties"]["steps"]["items"]["allOf"]
    published = json.loads(json.dumps(schema("driftflow")))
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
    write = Action(len, "Write rows.", "jobs.py", WRITE, lambda _: True)
    judge = Draft7Validator(tailored(ACTIONS | {"team.write": write}))
    document = {"name": "w", "steps": [{"name": "s", "action": action, "input": given}]}
    assert judge.is_valid(document) is valid
