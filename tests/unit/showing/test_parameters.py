"""The parameters of a workflow, shown: a line each for people, all of it for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from driftflow.planning.parameters import Parameter
from driftflow.schemas.published import load_schema
from driftflow.showing.parameters import build_params_document, format_params

if TYPE_CHECKING:
    from driftflow.planning.parameters import Origin
    from driftflow.reading.document import Json


def parameter(
    schema: Any = None, value: Json = None, origin: Origin = None, *, is_secret: bool = False
) -> Parameter:
    """A parameter that two steps use."""
    return Parameter("p", schema, value, origin, is_secret, ("fetch", "load"))


def row(each: Parameter) -> list[str]:
    """The cells of its line; an empty one is not seen."""
    heading, line = format_params([each]).splitlines()
    places = [heading.index(name) for name in ("name", "takes", "value", "from", "used", "descr")]
    ends = [*places[1:], len(line) + 1]
    return [line[start:end].strip() for start, end in zip(places, ends, strict=True)]


def test_each_parameter_has_a_line() -> None:
    """In their order, under a heading."""
    year: dict[str, Any] = {"type": "integer", "default": 2007, "description": "of the files"}
    listed = [
        Parameter("year", year, 1952, "given", is_secret=False, steps=("fetch", "load")),
        Parameter("mode", {"enum": ["quick", 1]}, "quick", "default", is_secret=False, steps=()),
        Parameter("token", None, None, "given", is_secret=True, steps=("login",)),
        Parameter("zone", {}, None, None, is_secret=False, steps=("load",)),
    ]
    assert format_params(listed) == (
        "name   takes         value       from     used by      description\n"
        "year   integer       1952        given    fetch, load  of the files\n"
        'mode   "quick" or 1  "quick"     default\n'
        "token  anything      [redacted]  given    login\n"
        "zone   anything                           load\n"
    )
    assert format_params([]) == "this workflow has no parameters\n"


@pytest.mark.parametrize(
    ("schema", "takes"),
    [
        (None, "anything"),
        ({}, "anything"),
        (True, "anything"),
        (False, "nothing"),
        ({"type": "string"}, "string"),
        ({"type": "string", "title": "T", "examples": [1], "default": "x"}, "string"),
        ({"description": "any", "$schema": "x"}, "anything"),
        ({"type": ["string", "null"]}, '{"type":["string","null"]}'),
        ({"type": "integer", "minimum": 1}, '{"type":"integer","minimum":1}'),
        ({"enum": ["a"]}, '"a"'),
        ({"enum": ["a", None, 1], "type": "string"}, '"a" or null or 1'),
        ({"enum": ["a"], "minLength": 1}, '{"enum":["a"],"minLength":1}'),
        ({"const": 5}, '{"const":5}'),
        ({"type": "in\x1bteger"}, "in\\x1bteger"),
    ],
)
def test_what_a_parameter_takes_is_told_in_short(schema: Any, takes: str) -> None:
    """By its type or its choices, if that is all; what is shown elsewhere is left out."""
    assert row(parameter(schema))[1] == takes


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), ("", '""'), ([1, "é"], '[1,"é"]'), ("\x1b", '"\\u001b"')],
)
def test_a_value_is_shown_as_json_if_there_is_one(value: Json, shown: str) -> None:
    """Be it null; and where it comes from."""
    assert row(parameter({}, value, "given"))[2:4] == [shown, "given"]
    assert row(parameter({}, value, "default"))[2:4] == [shown, "default"]
    assert row(parameter({}))[2:4] == ["", ""]


def test_a_secret_is_not_shown() -> None:
    """Whether there is one is."""
    assert row(parameter(None, None, "given", is_secret=True))[2:4] == ["[redacted]", "given"]
    assert row(parameter(None, None, None, is_secret=True))[2:4] == ["", ""]
    given, missing = build_params_document(
        [
            parameter({}, None, "default", is_secret=True),
            parameter({}, None, None, is_secret=True),
        ]
    )["params"]
    assert (given["value"], given["source"]) == ("[redacted]", "default")
    assert (missing["value"], missing["source"]) == (None, None)


@pytest.mark.parametrize("description", [5, None, ["x"]])
def test_a_description_that_is_no_text_is_none(description: Json) -> None:
    """JSON Schema says nothing of it, but that it should be one."""
    assert row(parameter({"description": description}))[5] == ""


def test_what_could_drive_a_terminal_is_escaped_and_what_is_long_is_cut() -> None:
    """In each column."""
    long = "x" * 300
    name = "\x1b" + long
    schema: dict[str, Any] = {"pattern": long, "description": name}
    each = Parameter(name, schema, name, "given", is_secret=False, steps=(name, name))
    line = format_params([each]).splitlines()[1]
    assert line.isprintable()
    assert len(line) < 6 * 100


def test_a_document_has_all_of_it() -> None:
    """As it was declared, with where the value comes from, and who uses it."""
    schema: dict[str, Any] = {"type": "integer", "description": "d", "x-note": 1}
    document = build_params_document([parameter(schema, 5, "given"), parameter(True, None, None)])  # noqa: FBT003 - a schema
    assert document == {
        "params": [
            {
                "name": "p",
                "schema": schema,
                "value": 5,
                "source": "given",
                "steps": ["fetch", "load"],
            },
            {
                "name": "p",
                "schema": True,
                "value": None,
                "source": None,
                "steps": ["fetch", "load"],
            },
        ]
    }
    Draft7Validator(load_schema("params")).validate(document)
