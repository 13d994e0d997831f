"""What to write instead."""

from __future__ import annotations

import pytest
from support.breaches import MANY, Row, check


def shown(text: str) -> str:
    """A text as JSON, in backticks."""
    return f'`"{text}"`'


CHOICES: dict[str, Row] = {
    "one": ({"const": "a"}, "z", (), 'must be `"a"`', None),
    "two": ({"enum": ["aa", "bb"]}, "z", (), 'must be `"aa"` or `"bb"`', None),
    "three": ({"enum": [1, 2, None]}, 3, (), "must be `1`, `2` or `null`", None),
    "none": ({"enum": []}, 3, (), "is not allowed", None),
    "many": (
        {"enum": MANY},
        "z",
        (),
        f"must be one of {', '.join(map(shown, MANY[:8]))} and 12 more",
        None,
    ),
    "long": ({"const": "l" * 99}, "z", (), f'must be `"{"l" * 79}…`', None),
    "another type": (
        {"enum": ["aa", "bb"]},
        ["aa"],
        (),
        'must be `"aa"` or `"bb"`, not an array',
        None,
    ),
    "capitals": (
        {"enum": ["quick", "full"]},
        "Quick",
        (),
        'must be `"quick"` or `"full"`',
        "did you mean `quick`?",
    ),
    "blanks": ({"const": "quick"}, " quick ", (), 'must be `"quick"`', "did you mean `quick`?"),
    "a misspelling": (
        {"enum": MANY[:2]},
        "choise 1",
        (),
        'must be `"choice 0"` or `"choice 1"`',
        "did you mean `choice 1`?",
    ),
    "quotes": (
        {"enum": [1, True]},
        "true",
        (),
        "must be `1` or `true`, not a string",
        "remove the double quotes",
    ),
    "quotes round null": (
        {"enum": ["a", None]},
        "null",
        (),
        'must be `"a"` or `null`',
        "remove the double quotes",
    ),
    "no quotes": (
        {"enum": ["1", "2"]},
        1,
        (),
        'must be `"1"` or `"2"`, not an integer',
        'write `"1"`',
    ),
    "true is no 1": ({"enum": [1]}, True, (), "must be `1`, not a boolean", None),
}


@pytest.mark.parametrize("row", CHOICES.values(), ids=CHOICES.keys())
def test_what_can_be_chosen_is_told_with_the_nearest(row: Row) -> None:
    """At most eight choices, in short; and the type, if it is another."""
    schema, value, path, message, hint = row
    check(schema, value, [(path, f"the output {message}", hint)])
    inside = {"properties": {"mode": schema}}
    check(inside, {"mode": value}, [(("mode",), f"`mode` {message}", hint)])
