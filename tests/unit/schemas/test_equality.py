"""Values are equal, and multiples of a number, just when JSON Schema says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema._utils import equal
from support import workflows

from driftflow.schemas.equality import are_different, is_multiple, make_key

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
divisors = numbers.filter(lambda number: number > 0) | st.sampled_from([0.01, 0.1, 1e-7, 1, 3])


@given(workflows.values, workflows.values)
def test_equal_values_have_one_key(one: Any, other: Any) -> None:
    """And no others have it."""
    assert (make_key(one) == make_key(other)) == equal(one, other)
    assert are_different([one, other]) == (not equal(one, other))


@pytest.mark.parametrize(
    ("one", "other", "are_equal"),
    [
        (1, 1.0, True),
        (0, -0.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        ("1", 1, False),
        ("a", ["a"], False),
        ([], {}, False),
        ([1, 2], [2, 1], False),
        ([[1], 2], [1, [2]], False),
        ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}, True),
        ({"a": {"b": 1}}, {"a": {"b": True}}, False),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        (['1"a', "b"], ['1"a,1"b'], False),
        (10**4000, 10**4000 + 1, False),
        (1e22, 10**22, True),
        ("é", "e\u0301", False),
        ("\ud800", "\ud800", True),
    ],
)
def test_values_of_one_meaning_are_equal(one: Any, other: Any, *, are_equal: bool) -> None:
    """Whatever Python takes for equal, and however long they are."""
    assert (make_key(one) == make_key(other)) == are_equal
    assert are_different([one, "another", other]) != are_equal


@given(numbers, divisors)
def test_a_multiple_is_exact(number: float, divisor: float) -> None:
    """As the numbers' texts say, whatever a float makes of them."""
    exact = Decimal(repr(number)) / 1, Decimal(repr(divisor)) / 1
    if all(abs(part.adjusted()) < 10 for part in exact):  # what Decimal divides to the letter
        assert is_multiple(number, divisor) == (Decimal(repr(number)) % Decimal(repr(divisor)) == 0)
    assert is_multiple(0, divisor)
    assert is_multiple(divisor, divisor)


@pytest.mark.parametrize(
    ("number", "divisor", "expected"),
    [
        *((19.99, 0.01, True), (4.35, 0.01, True), (0.3, 0.1, True), (-0.3, 0.1, True)),
        *((0.35, 0.1, False), (10**400, 0.5, True), (10**400 + 1, 2, False), (1e308, 0.5, True)),
        *((1e308, 3, False), (5e-324, 1, False), (1, 5e-324, True), (7.0, 7, True), (7, 7.0, True)),
        *((7.5, 7, False), (10**4000, 10**3999, True), (1e22, 10**22, True), (1e16, 1e-16, True)),
    ],
)
def test_neither_size_nor_rounding_matters(
    number: float, divisor: float, *, expected: bool
) -> None:
    """Nothing overflows."""
    assert is_multiple(number, divisor) == expected
