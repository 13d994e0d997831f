"""What JSON Schema says of equal values, and of multiples of a number: exactly, whatever the size.

1 and 1.0 are equal, 1 and true are not, and an object has its keys in no order. A decimal number is
what its text says: 19.99 is a multiple of 0.01, though no float is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftflow.reading.document import Json


def are_different(values: Sequence[Json]) -> bool:
    """Return whether no two of the values are equal; in linear time, but for sorting keys."""
    return len({*map(make_key, values)}) == len(values)


def make_key(value: Any) -> str:
    """Return a text that equal values have in common, and no others.

    A text, since the hash of a number is known to all: many that share one would take long.
    """
    match value:
        case str():
            return f'{len(value)}"{value}'
        case bool() | None:
            return str(value)
        case int() | float():
            return hex(int(value)) if value == value // 1 else repr(value)
        case list():
            return f"[{','.join(map(make_key, value))}]"
        case dict():
            members = (f"{make_key(key)}:{make_key(value[key])}" for key in sorted(value))
            return f"{{{','.join(members)}}}"
        case _:  # what `forms` puts in the place of a value
            return object.__repr__(value)


def is_multiple(number: float, divisor: float) -> bool:
    """Return whether a number is an integer times the divisor, both as their texts say.

    Args:
        number: Any number of JSON.
        divisor: One that is greater than 0.
    """
    if type(number) is int and type(divisor) is int:
        return number % divisor == 0
    (digits, exponent), (other_digits, other_exponent) = _split(number), _split(divisor)
    least = min(exponent, other_exponent)
    scaled: int = digits * 10 ** (exponent - least)
    unit: int = other_digits * 10 ** (other_exponent - least)
    return scaled % unit == 0


def _split(number: Any) -> tuple[int, int]:
    """Return integers of which the first, times ten to the power of the second, is the number."""
    if type(number) is int:
        return number, 0
    mantissa, _, exponent = repr(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    return int(whole + fraction), int(exponent or 0) - len(fraction)
