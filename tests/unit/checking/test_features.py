"""What a config may require."""

from __future__ import annotations

from typing import Any

import pytest

from driftflow.checking.features import FEATURES, find_issues


def test_what_this_version_has_can_be_required() -> None:
    """All of it together."""
    assert [*find_issues({"requires": [*FEATURES]})] == []


def test_what_it_does_not_have_is_told() -> None:
    """Each with what was probably meant, or all that there is."""
    one, two = find_issues({"requires": ["when", "retruns", "time-travel"]})
    assert (one.code, one.path, one.hint) == (
        "unknown-feature",
        ("requires", 1),
        "did you mean `returns`?",
    )
    assert two.path == ("requires", 2)
    assert two.hint is not None
    assert all(f"`{name}`" in two.hint for name in FEATURES)


@pytest.mark.parametrize("document", [None, [], {}, {"requires": 5}, {"requires": [5, None]}])
def test_what_is_of_the_wrong_shape_is_told_otherwise(document: Any) -> None:
    """By the schema."""
    assert [*find_issues(document)] == []
