"""Words for people: short, on one line, and safe on a terminal."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies
from support import naive, workflows

from driftflow.text import (
    count_of,
    escape,
    format_json,
    format_path,
    join_words,
    round_seconds,
    shorten,
)

if TYPE_CHECKING:
    from driftflow.reading.document import Json


def test_exactly_the_unsafe_characters_are_escaped() -> None:
    """Every code point there is, against the Unicode categories and the bidirectional controls."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        assert (escape(character) != character) == naive.unsafe(character), hex(code)


def test_json_is_escaped_alike_and_stays_json() -> None:
    """A reader gets every character back."""
    text = "".join(chr(code) for code in range(0x3000) if unicodedata.category(chr(code)) != "Cs")
    shown = format_json([text, {text: "\udc00"}])
    assert shown == naive.as_json([text, {text: "\udc00"}])
    assert json.loads(shown) == [text, {text: "\udc00"}]


@given(workflows.values)
def test_json_text_is_json(value: Json) -> None:
    """Compact on one line, or indented by two."""
    assert json.dumps(json.loads(format_json(value))) == json.dumps(value)
    assert "\n" not in format_json(value)
    assert format_json({"a": [value]}, indent=2).startswith('{\n  "a": [\n    ')


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nothing_is_written_that_json_has_no_form_for(value: float) -> None:
    """NaN and Infinity are refused on the way out as on the way in."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        format_json(value)


def test_a_long_text_is_cut() -> None:
    """At 80 characters."""
    assert shorten("x" * 80) == "x" * 80
    assert shorten("x" * 81) == "x" * 80 + "…"


def test_words_are_listed_as_in_a_sentence() -> None:
    """In backticks."""
    assert join_words(["a"]) == "`a`"
    assert join_words(["a", "b"]) == "`a` and `b`"
    assert join_words(["a", "b", "c"]) == "`a`, `b` and `c`"


def test_one_thing_is_not_in_the_plural() -> None:
    """All other numbers are."""
    assert [count_of(number, "step") for number in (0, 1, 2)] == ["0 steps", "1 step", "2 steps"]


@given(strategies.floats(0, 1e6))
def test_seconds_are_rounded_to_the_microsecond(seconds: float) -> None:
    """As `round` does it, but that a half is rounded up."""
    assert abs(round_seconds(seconds) - seconds) <= 5.1e-7
    assert round(round_seconds(seconds), 6) == round_seconds(seconds)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("name",), "name"),
        (("steps", 0, "priority"), "steps[0].priority"),
        ((0, 1), "[0][1]"),
        (("$schema", "x-note", "_a1"), "$schema.x-note._a1"),
        (("steps", 0, ""), 'steps[0][""]'),
        (("flags", "a b"), 'flags["a b"]'),
        (("é",), '["é"]'),
        (('"\n',), '["\\"\\n"]'),
        (("1",), '["1"]'),
        (("k" * 81, " " * 81), f'{"k" * 80}…["{" " * 79}…]'),
    ],
)
def test_a_path_is_written_as_people_write_it(path: tuple[str | int, ...], text: str) -> None:
    """Keys that are no words in brackets, long ones cut."""
    assert format_path(path) == text
