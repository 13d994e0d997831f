"""A pattern is read into a tree, as ECMA-262 has it; `test_patterns` holds what it means."""

from __future__ import annotations

import pytest

from driftflow.schemas.ecma import (
    Anchor,
    Chars,
    Either,
    Look,
    Repeat,
    Row,
    Tree,
    complement,
    merge,
    read_pattern,
)

A, B, C = (Chars(((ord(letter), ord(letter)),)) for letter in "abc")


@pytest.mark.parametrize(
    ("pattern", "tree"),
    [
        ("a", A),
        ("", Row(())),
        ("ab", Row((A, B))),
        ("a|bc", Either((A, Row((B, C))))),
        ("a*b{2}?", Row((Repeat(A, 0, None), Repeat(B, 2, 2)))),
        ("(?:ab)+", Repeat(Row((A, B)), 1, None)),
        ("(?<name>a)?", Repeat(A, 0, 1)),
        ("^(?!a)$", Row((Anchor("^"), Look("(?!", A), Anchor("$")))),
        ("(^)*", Repeat(Row((Anchor("^"),)), 0, None)),
        ("[a-c]", Chars(((97, 99),))),
        (r"[^\p{L}a]", Chars(((97, 97),), (r"\p{L}",), is_negated=True)),
    ],
)
def test_a_pattern_is_a_tree(pattern: str, tree: Tree) -> None:
    """Without the names of its groups."""
    assert read_pattern(pattern) == tree


def test_sets_of_characters_are_kept_in_order() -> None:
    """So that they can be compared at a glance, and turned round."""
    assert merge(((5, 7),), ((1, 2), (3, 4)), ((6, 9),)) == ((1, 9),)
    assert merge(((5, 7),), ((1, 3),)) == ((1, 3), (5, 7))
    assert complement(((0, 4), (6, 0x10FFFF))) == ((5, 5),)
    assert complement(()) == ((0, 0x10FFFF),)
    assert complement(complement(((3, 4), (6, 7)))) == ((3, 4), (6, 7))
