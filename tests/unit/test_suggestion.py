"""What was probably meant."""

import pytest

from driftflow.suggestion import did_you_mean, find_nearest, mention_non_ascii

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
    assert find_nearest(word, FIELDS) == meant


def test_a_word_that_differs_in_its_form_only_goes_before_a_similar_one() -> None:
    """Whatever their order, and however much it differs."""
    assert find_nearest("Max-Attempts", ["maxi_attempts", "max_attempts"]) == "max_attempts"
    assert find_nearest("Max-Attempts", ["max_attempts", "maxi_attempts"]) == "max_attempts"


def test_the_form_of_a_word_does_not_matter() -> None:
    """Capitals, hyphens, underscores and blanks count for nothing."""
    assert find_nearest(" N_A-M_E_ ", ["name"]) == "name"
    assert find_nearest("name", ["_N-A M_E_"]) == "_N-A M_E_"


def test_a_misspelt_use_is_no_action() -> None:
    """Though other tools call an action so."""
    assert find_nearest("uses", ["action", "use"]) == "use"


def test_a_similar_word_goes_before_one_of_which_it_is_a_part() -> None:
    """A misspelling is likelier."""
    assert find_nearest("attempts", ["max_attempts_made", "attempt"]) == "attempt"


def test_nothing_is_nearest_among_nothing() -> None:
    """Nor is the list read twice."""
    assert find_nearest("name", []) is None
    assert find_nearest("nmae", iter(["name"])) == "name"
    assert find_nearest("timeout", iter(["timeout_seconds"])) == "timeout_seconds"


def test_a_long_word_is_similar_to_nothing() -> None:
    """To compare it takes too long: one that is longer than a message shows."""
    assert find_nearest("x" * 80, ["x" * 79]) == "x" * 79
    assert find_nearest("x" * 81, ["x" * 80]) is None


def test_a_word_of_other_tools_goes_before_a_similar_one() -> None:
    """If what it means would do."""
    assert find_nearest("jobs", ["steps", "job"]) == "steps"
    assert find_nearest("jobs", ["job"]) == "job"
    assert find_nearest("Type", ["action", "type"]) == "type"


def test_what_cannot_be_seen_about_a_word_is_told() -> None:
    """Its first character that is not in ASCII."""
    assert mention_non_ascii("name") == ""
    assert mention_non_ascii("n\u0430m\u0435") == " (yours contains the non-ASCII character U+0430)"
    assert mention_non_ascii("name\u200b") == " (yours contains the non-ASCII character U+200B)"


def test_a_hint_names_the_word_that_was_meant() -> None:
    """Cut where it is too long to show, with what cannot be seen about the one that was written."""
    assert did_you_mean("nmae", FIELDS) == "did you mean `name`?"
    assert (
        did_you_mean("n\u0430me", FIELDS)
        == "did you mean `name`? (yours contains the non-ASCII character U+0430)"
    )
    assert did_you_mean("a", ["a_" + "b" * 99]) == f"did you mean `a_{'b' * 78}…`?"
    assert did_you_mean("note", FIELDS) is None
