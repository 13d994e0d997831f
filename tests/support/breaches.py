"""What breaks a schema, and how it is told."""

from __future__ import annotations

from typing import Any

from driftflow.schemas.explanation import find_breaches

# A schema, a value that breaks it, and of the issue the path, the message and the hint.
Row = tuple[Any, Any, tuple[str | int, ...], str, str | None]


def check(schema: Any, value: Any, expected: list[tuple[Any, str, str | None]]) -> None:
    """The issues of a value are these, each as its path, message and hint."""
    found = find_breaches(schema, value, "the output")
    assert [(issue.path, issue.message, issue.hint) for issue in found] == expected


MANY = [f"choice {number}" for number in range(20)]
