"""What a value is, in the words of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from driftflow.schemas import authority
from driftflow.schemas.description import describe_mismatch
from driftflow.schemas.explanation import find_breaches
from driftflow.schemas.patterns import SlowMatchError

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = "l" * 99


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"const": "full"}, "quick", 'mode is "quick", not "full"'),
        ({"enum": ["a", 1, None]}, "b", 'mode is "b", not "a", 1 or null'),
        ({"enum": []}, "b", 'mode is "b", not allowed'),
        ({"const": {"a": 1}}, [1], "mode is an array, not an object"),
        ({"const": {"a": 1}}, {"a": 2}, "mode is an object, but not the one asked for"),
        ({"enum": [[1], 2, [3]]}, [2], "mode is an array, but none of those asked for"),
        ({"enum": [[1], 2]}, {}, "mode is an object, not an array or 2"),
        ({"const": "a"}, LONG, f'mode is "{"l" * 79}…, not "a"'),
        ({"type": "number"}, "3", "mode is a string, not a number"),
        ({"minimum": 5}, 3, "mode is 3, less than 5"),
        ({"maximum": 5}, 10**100, f"mode is 1{'0' * 79}…, more than 5"),
        ({"maximum": 5}, 5.5, "mode is 5.5, more than 5"),
        ({"exclusiveMinimum": 5}, 5, "mode is 5, not more than 5"),
        ({"exclusiveMaximum": 5}, 5, "mode is 5, not less than 5"),
        ({"multipleOf": 2}, 3, "mode is 3, not a multiple of 2"),
        ({"minLength": 1}, "", "mode is empty"),
        ({"minLength": 3}, "", "mode has 0 characters, fewer than 3"),
        ({"maxLength": 1}, "ab", "mode has 2 characters, more than 1"),
        ({"pattern": "^a$"}, "b", 'mode is "b", which does not match `^a$`'),
        ({"minItems": 1}, [], "mode is empty"),
        ({"minItems": 2}, [1], "mode has 1 item, fewer than 2"),
        ({"maxItems": 1}, [1, 2], "mode has 2 items, more than 1"),
        ({"items": [{}], "additionalItems": False}, [1, 2], "mode has 2 items, more than 1"),
        ({"uniqueItems": True}, [1, 1], "mode has the same item twice: `[0]` and `[1]`"),
        ({"contains": {"const": 2}}, [1], "mode has no item that is `2`"),
        ({"contains": {"minimum": 2}}, [1], "mode has no item of the form that is asked for"),
        ({"minProperties": 1}, {}, "mode is empty"),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, "mode has 2 fields, more than 1"),
        ({"required": ["rows"]}, {}, "mode has no field `rows`"),
        ({"required": ["rows", "id"]}, {}, "mode has no field `rows` or `id`"),
        ({"additionalProperties": False}, {"a": 1}, "mode has the unknown field `a`"),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            "mode has the field `ab`, a name that must have at most 1 character",
        ),
        ({"not": {"const": "a"}}, "a", 'mode is "a", which is ruled out'),
        ({"not": {"required": ["a"]}}, {"a": 1}, "`a` of mode is there, and must not be"),
        (
            {"not": {"properties": {"a": {"const": 1}}, "required": ["a"]}},
            {"a": 1},
            "`a` of mode is 1, which is ruled out",
        ),
        ({"properties": {"a": False}}, {"a": 1}, "`a` of mode is there, and must not be"),
        ({"allOf": [False]}, 1, "mode is there, and must not be"),
        (
            {"anyOf": [{"const": "a"}, {"type": "null"}]},
            "b",
            'mode is "b", not "a" or null',
        ),
        (
            {"anyOf": [{"pattern": "^a"}, {"minLength": 3}]},
            "b",
            'mode is "b", and must match the pattern `"^a"` or have at least 3 characters',
        ),
        (
            {"anyOf": [{"properties": {"a": False}}, {"properties": {"b": False}}]},
            {"a": 1, "b": 1},
            "mode has none of the forms that it could have",
        ),
        (
            {"oneOf": [{}, True]},
            1,
            "mode has more than one of the forms of which it should have one",
        ),
        (
            {"properties": {"rows": {"items": {"required": ["id"]}}}},
            {"rows": [{"id": 1}, {}]},
            "`rows[1]` of mode has no field `id`",
        ),
        ({"type": "string"}, "a", ""),
    ],
)
def test_what_a_value_is_and_should_not_be_is_one_sentence(
    schema: dict[str, Any], value: Any, sentence: str
) -> None:
    """About the first thing that is wrong; scalars are quoted, shortened."""
    assert describe_mismatch(schema, value, "mode") == sentence


def test_a_match_that_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as one that fails."""

    def give_up(pattern: str) -> Callable[[str], None]:
        def search(_: str) -> None:
            raise SlowMatchError(pattern)

        return search

    monkeypatch.setattr(authority, "make_matcher", give_up)
    told = "takes too long to be matched with a pattern"
    assert describe_mismatch({"pattern": "a"}, "b", "mode") == f"mode {told}"
    of_members: dict[str, Any] = {"properties": {"day": {"pattern": "a"}}}
    of_names: dict[str, Any] = {"propertyNames": {"pattern": "a"}}
    for schema in (of_members, of_names):
        (issue,) = find_breaches(schema, {"day": "b"}, "the output")
        assert (issue.path, issue.message) == (("day",), f"`day` {told}")
    # Each item could take as long.
    (issue,) = find_breaches({"items": {"pattern": "a"}}, ["b", "c"], "the output")
    assert (issue.path, issue.message) == ((0,), f"`[0]` {told}")
