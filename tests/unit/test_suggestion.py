"""What was probably meant."""

import pytest

from driftflow.suggestion import nearest, oddity

FIELDS = ["name", "max_attempts", "steps", "flags", "timeout_seconds"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("name", "name"),
        ("Name", "name"),
        ("NAME ", "name"),
        ("nmae", "name"),
        ("nme", "name"),
        ("maxAttempts", "max_attempts"),
        ("max-attempts", "max_attempts"),
        ("max_atempts", "max_attempts"),
        ("step", "steps"),
        ("attempts", "max_attempts"),
        ("timeout", "timeout_seconds"),
        ("title", "name"),
        ("Title", "name"),
        ("tasks", "steps"),
        ("maxRetries", "max_attempts"),
        ("max-retries", "max_attempts"),
        ("taskId", "name"),
        ("args", None),
        ("time", None),
        ("note", None),
        ("", None),
        ("n" * 100_000, None),
    ],
)
def test_the_nearest_word_is_found(word: str, meant: str | None) -> None:
    """By its spelling, or as a part; nothing rather than something far-fetched."""
    assert nearest(word, FIELDS) == meant


def test_a_word_that_differs_in_its_form_only_goes_before_a_similar_one() -> None:
    """Whatever their order, and however much it differs."""
    assert nearest("Max-Attempts", ["maxi_attempts", "max_attempts"]) == "max_attempts"
    assert nearest("Max-Attempts", ["max_attempts", "maxi_attempts"]) == "max_attempts"


def test_the_form_of_a_word_does_not_matter() -> None:
    """Capitals, hyphens, underscores and blanks count for nothing."""
    assert nearest(" N_A-M_E_ ", ["name"]) == "name"
    assert nearest("name", ["_N-A M_E_"]) == "_N-A M_E_"


def test_a_similar_word_goes_before_one_of_which_it_is_a_part() -> None:
    """A misspelling is likelier."""
    assert nearest("attempts", ["max_attempts_made", "attempt"]) == "attempt"


def test_nothing_is_nearest_among_nothing() -> None:
    """Nor is the list read twice."""
    assert nearest("name", []) is None
    assert nearest("nmae", iter(["name"])) == "name"


def test_a_word_of_other_tools_goes_before_a_similar_one() -> None:
    """If what it means would do."""
    assert nearest("jobs", ["steps", "job"]) == "steps"
    assert nearest("jobs", ["job"]) == "job"
    assert nearest("Type", ["action", "type"]) == "type"


def test_what_cannot_be_seen_about_a_word_is_told() -> None:
    """Its first character that is not in ASCII."""
    assert oddity("name") == ""
    assert oddity("n\u0430m\u0435") == " (there is a U+0430 in it)"
    assert oddity("name\u200b") == " (there is a U+200B in it)"
