"""What is wrong with use steps."""

from __future__ import annotations

from typing import Any

import pytest
from unit.planning.test_uses import file, use

from driftflow.checking.uses import (
    find_ignored_settings,
    find_issues,
    find_missing_places,
    find_surprises,
    list_secret_paths,
)

INTEGER = {"x": {"type": "integer"}}


def found(*steps: dict[str, Any], uses: Any, params: Any = None) -> list[tuple[str, Any]]:
    """The code and the place of each issue."""
    issues = find_issues(file(*steps, uses=uses), params)
    return [(issue.code, issue.path) for issue in issues]


def test_a_good_use_step_has_no_issues() -> None:
    """Whatever its parameters refer to."""
    inner = file({"name": "a", "input": {"param": "x"}}, params=INTEGER)
    for value in (5, {"literal": 5}, {"from": "s"}, {"param": "y"}, {"run": "/id"}):
        assert found({"name": "s"}, use("p", params={"x": value}), uses={1: inner}) == []


@pytest.mark.parametrize(
    ("value", "params", "is_wrong"),
    [
        ("5", None, True),
        ({"literal": "5"}, None, True),
        ({"a": [1]}, None, True),
        ({"a": [{"from": "s"}]}, None, False),
        ({"concat": ["5"]}, None, True),
        ({"concat": [[]]}, None, False),
        ({"param": "y"}, None, False),
        ({"param": "y"}, {"y": "5"}, True),
        ({"param": "y"}, {"y": 5}, False),
        ({"param": "y", "default": "5"}, None, True),
        ({"param": "y", "default": "5"}, {"y": 5}, False),
        ({"concat": [{"param": "y"}, {"run": "/id"}]}, {"y": "5"}, False),
    ],
)
def test_a_value_that_is_known_is_held_against_its_schema(
    value: Any, params: Any, *, is_wrong: bool
) -> None:
    """At its place; one that only a run knows is not."""
    inner = file({"name": "a", "input": {"param": "x"}}, params=INTEGER)
    issues = found({"name": "s"}, use("p", params={"x": value}), uses={1: inner}, params=params)
    wrong = [("wrong-param", ("steps", 1, "params", "x"))]
    assert [issue for issue in issues if issue[0] != "wrong-reference"] == wrong * is_wrong


def test_a_value_is_followed_through_all_files_to_which_it_is_handed_on() -> None:
    """What a file itself gives to another is told in that file, and only there."""
    innermost = file({"name": "a", "input": {"param": "x"}}, params=INTEGER)
    middle = file(
        use("q", params={"x": {"param": "y"}}),
        use("r", params={"x": "data"}),
        uses={0: innermost, 1: innermost},
    )
    outer = file(use("m", params={"y": {"param": "z"}}), uses={0: middle})
    wrong = [("wrong-param", ("steps", 0, "params"))]
    assert found(use("m", params={"y": "5"}), uses={0: middle}) == wrong
    assert found(use("o", params={"z": "5"}), uses={0: outer}) == wrong
    assert found(use("o", params={"z": {"param": "z"}}), uses={0: outer}, params={"z": []}) == wrong
    assert found(use("o", params={"z": 5}), uses={0: outer}) == []
    of_middle = [(issue.code, issue.path) for issue in find_issues(middle, None)]
    assert of_middle == [("wrong-param", ("steps", 1, "params", "x"))]


def test_a_default_of_a_file_that_it_hands_on_is_held_against_the_schema_there() -> None:
    """Where the default counts: unless it is given."""
    innermost = file({"name": "a", "input": {"param": "x"}}, params=INTEGER)
    declared = {"y": {"default": "5"}}
    middle = file(use("q", params={"x": {"param": "y"}}), uses={0: innermost}, params=declared)
    assert found(use("m"), uses={0: middle}) == [("wrong-param", ("steps", 0))]
    assert found(use("m", params={"y": 5}), uses={0: middle}) == []


def test_only_names_that_lie_within_files_clash() -> None:
    """Equal names side by side are told otherwise; one issue for each step is enough."""
    inner = file({"name": "a"}, {"name": "b"})
    side_by_side = file({"name": "a"}, {"name": "a"}, output=1)
    assert found(use("p"), {"name": "p"}, uses={0: side_by_side}) == []
    steps = ({"name": "p/a"}, use("p"), use("p"), {"name": "p/b"})
    clash = "ambiguous-step"
    assert found(*steps, uses={1: inner, 2: inner}) == [
        (clash, ("steps", index, "name")) for index in (1, 2, 3)
    ]


def test_a_hint_says_which_parameters_there_are() -> None:
    """Or which of them is meant: then that one is not told as missing."""
    inner = file({"name": "a", "input": [{"param": "region"}, {"param": "year"}]})
    unknown, missing = find_issues(file(use("p", params={"regionn": 1}), uses={0: inner}), None)
    assert unknown.hint == "did you mean `region`?"
    assert missing.hint == 'add it to `params`: `"year": ...`'
    given = {"x": 1, "region": 1, "year": 2}
    (issue,) = find_issues(file(use("p", params=given), uses={0: inner}), None)
    assert issue.hint == "its parameters are `region` and `year`"
    (issue,) = find_issues(file(use("p", params={"x": 1}), uses={0: file()}), None)
    assert issue.hint == "it has none"


@pytest.mark.parametrize("params", [None, 5, [], {"x": 1}])
@pytest.mark.parametrize("step", [{}, {"name": 5}, {"name": "p", "after": 5}])
def test_a_step_may_have_any_shape(step: Any, params: Any) -> None:
    """The schema tells what is wrong with that."""
    inner = file({"name": "a"}, output=1)
    find_issues(file({"use": 5, "params": params, **step}, uses={0: inner}), None)
    find_issues(file({"use": 5, "params": params, **step}, uses={0: None}), {})


OUTPUT: dict[str, Any] = {
    "rows": {"from": "a"},
    "days": ["mo", {"param": "day"}],
    "a/b": {"deep": 1, "x": {"literal": {}}},
}


@pytest.mark.parametrize(
    ("at", "hint"),
    [
        ("/rwos", "did you mean `rows`?"),
        ("/rwos/0/id", "did you mean `rows`?"),
        ("/days/2", None),
        ("/days/first", None),
        ("/days/0/x", None),
        ("/a~1b/dep", "did you mean `deep`?"),
        ("/a~1b/deep/x", None),
    ],
)
def test_a_place_that_the_output_of_a_file_cannot_have_is_told(at: str, hint: str | None) -> None:
    """In an input, a condition, what is given, and the output of the outer file."""
    value = {"from": {"step": "p", "at": at}}
    outer = file(
        use("p"),
        {"name": "b", "input": [value], "when": {"value": value, "is": True}},
        use("q", params={"x": value}),
        uses={0: file({"name": "a"}, output=OUTPUT), 2: None},
        output=value,
    )
    issues = [*find_surprises(outer, is_used=False)]
    assert {(issue.code, issue.hint) for issue in issues} == {("no-such-place", hint)}
    assert [issue.path for issue in issues] == [
        ("steps", 1, "when", "value", "from", "at"),
        ("steps", 1, "input", 0, "from", "at"),
        ("steps", 2, "params", "x", "from", "at"),
        ("output", "from", "at"),
    ]


@pytest.mark.parametrize(
    "given",
    [
        *("p", ["p", "a"]),
        *({"step": "p", "at": at} for at in ("", "/rows/0/id", "/days/1/x", "/a~1b/x/y", "rows")),
        *({"step": name, "at": "/none"} for name in ("b", "none", 5, "q")),
    ],
)
def test_a_place_that_may_be_there_is_left_alone(given: Any) -> None:
    """Behind a reference there may be anything; and what is wrong otherwise is told anyway."""
    outer = file(
        use("p"),
        {"name": "b", "input": {"from": given}},
        use("q"),
        {"name": 5, "use": "./x.json"},
        uses={0: file({"name": "a"}, output=OUTPUT), 2: file(), 3: file(output=1)},
    )
    assert [*find_missing_places(outer)] == []


def test_what_may_be_secret_is_hidden() -> None:
    """What a sensitive step is handed, and all that is given to a file that nobody has read."""
    sensitive = {"name": "a", "input": {"param": "x"}, "sensitive": True}
    given = {"x": 1, "y": 2}
    outermost = file(
        use("p", params=given),
        use("q", params=given),
        use("r", params={"y": [{"param": "z"}]}),
        {"name": "s", "sensitive": True, "input": {"param": "z"}},
        uses={0: file(sensitive), 1: None, 2: file()},
    )
    assert list_secret_paths(outermost) == [
        ("steps", 0, "params", "x"),
        ("steps", 1, "params", "x"),
        ("steps", 1, "params", "y"),
        ("steps", 2, "params", "y"),
    ]


def test_a_name_that_is_given_to_a_file_that_nobody_has_read_is_no_secret() -> None:
    """So the line of a misspelt file is shown; unless a sensitive step uses the parameter, too."""
    given = {"a": {"param": "x"}, "b": {"from": "s"}, "c": [{"from": "s"}], "d": {"param": "y"}}
    sensitive = {"name": "s", "sensitive": True, "input": {"param": "y"}}
    assert list_secret_paths(file(use("p", params=given), sensitive, uses={0: None})) == [
        ("steps", 0, "params", "c"),
        ("steps", 0, "params", "d"),
    ]


def test_a_file_that_is_used_does_not_say_how_it_is_run() -> None:
    """Whatever shape it has."""
    issues = find_ignored_settings({"flags": {}, "storage": 5, "steps": []})
    assert [(issue.code, issue.path) for issue in issues] == [
        ("ignored-field", ("flags",)),
        ("ignored-field", ("storage",)),
    ]
    assert [*find_ignored_settings([])] == []


@pytest.mark.parametrize("name", [[], {}, [1], None, 5])
def test_a_wrong_name_of_a_parameter_hides_nothing(name: Any) -> None:
    """It is told otherwise, whatever its shape; what stands beside it is judged."""
    secret = {"name": "b", "input": {"param": "pw"}, "sensitive": True}
    given = {"day": [{"param": name}, {"param": "pw"}], "zone": {"param": name}}
    outer = file(use("p", params=given), secret, uses={0: file({"name": "a"})})
    assert list_secret_paths(outer) == [("steps", 0, "params", "day")]
