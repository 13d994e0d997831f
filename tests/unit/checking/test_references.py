"""What steps ask of each other, and of the operator, is there, or it is told; circles are, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from support import workflows

from driftflow.checking import references
from driftflow.issues import Issue
from driftflow.planning.graph import Graph

if TYPE_CHECKING:
    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

AS_DATA = 'to pass an object with this key as data, write `{"literal": {...}}`'
PATH = ("steps", 1, "input", "from")
FETCH = {"name": "fetch", "priority": 1}


def find_issues(document: Json, params: dict[str, Json] | None) -> list[Issue]:
    """What is wrong with the references of a document."""
    return references.find_issues(Graph(document), params)


def find_unknown_params(
    document: Json, params: dict[str, Json], declared: dict[str, Json] | None = None
) -> tuple[Issue, ...]:
    """Which parameters are given, and not asked for."""
    return references.find_unknown_params(Graph(document), params, declared)


def of_clean(given: Json, *others: dict[str, Any], **fields: Any) -> list[Issue]:
    """The issues of a workflow of `fetch`, of `clean` with that input, and of others."""
    return find_issues(
        workflows.config(FETCH, {"name": "clean", "input": given} | fields, *others), {}
    )


def circle(way: str, path: JsonPath) -> Issue:
    """The issue about steps that wait for each other; the first one is named again at the end."""
    first = way.partition(" ")[0]
    message = f"the steps form a circle: `{way} -> {first}`"
    hint = (
        "each comes after the one before it: remove one of these references or names in `after`"
        if "->" in way
        else "a step cannot come after itself: remove each such reference and name in `after`"
    )
    return Issue("circle", message, path, hint)


@pytest.mark.parametrize(
    "given",
    [
        {"from": "fetch"},
        {"from": ["fetch", "fetch"]},
        {"from": []},
        [{"x": {"from": "fetch"}}],
        {"literal": {"from": "nobody"}},
        {"from": "nobody", "to": "x"},
        "{fetch}",
    ],
)
def test_a_step_may_read_from_another(given: Json) -> None:
    """And may hold what only looks like it."""
    assert of_clean(given) == []


@pytest.mark.parametrize(
    ("given", "issue"),
    [
        (
            {"from": "fech"},
            Issue("unknown-step", "unknown step `fech`", PATH, "did you mean `fetch`?"),
        ),
        (
            {"from": "clena"},
            Issue("unknown-step", "unknown step `clena`", PATH, "the other steps are `fetch`"),
        ),
        ({"from": "clean"}, circle("clean", PATH)),
        (
            {"from": 5},
            Issue(
                "wrong-reference",
                "`from` must be the name of a step, or an array of step names, not an integer",
                PATH,
                AS_DATA,
            ),
        ),
        (
            {"from": ["fetch", None]},
            Issue(
                "wrong-reference",
                "`from` must be the name of a step, not null",
                (*PATH, 1),
                AS_DATA,
            ),
        ),
        (
            {"param": 1},
            Issue(
                "wrong-reference",
                "`param` must be the name of a parameter, not an integer",
                ("steps", 1, "input", "param"),
                AS_DATA,
            ),
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(given: Json, issue: Issue) -> None:
    """With what was probably meant."""
    assert of_clean(given) == [issue]


@pytest.mark.parametrize("priority", [0, -3, 9.0])
def test_a_step_may_read_from_one_of_any_priority_and_name(priority: float) -> None:
    """Which then runs first."""
    later = {"name": "write", "priority": priority}
    assert of_clean({"from": "write"}, later) == []
    assert of_clean({"from": "write"}, later, priority=3) == []


@pytest.mark.parametrize(
    ("after", "issue"),
    [
        (["fetch"], None),
        (["fetch", "fetch"], None),
        (
            ["fetch", "fech"],
            Issue("unknown-step", "unknown step `fech`", ("after", 1), "did you mean `fetch`?"),
        ),
        (["same"], Issue("ambiguous-step", "ambiguous step `same`: 2 steps have this name")),
        (["clean"], circle("clean", ())),
        ([5, {}], None),  # the schema has told it
        ("fetch", None),
    ],
)
def test_what_stands_in_after_is_told_at_its_place(after: Json, issue: Issue | None) -> None:
    """Like what an input refers to."""
    same = {"name": "same"}
    found = find_issues(
        workflows.config(FETCH, {"name": "clean", "after": after}, same, same), None
    )
    if issue is None:
        assert found == []
        return
    (told,) = found
    assert told.path == ("steps", 1, *(issue.path or ("after", 0)))
    assert (told.code, told.message) == (issue.code, issue.message)
    assert told.hint == (issue.hint or "give each step a unique name")


def test_a_circle_is_told_with_the_way_round_where_it_is_closed() -> None:
    """Each step comes after the one before it; each circle is told once."""
    issues = find_issues(
        workflows.config(
            {"name": "a", "input": {"x": [{"from": ["z", "c"]}]}},
            {"name": "b", "after": ["z", "a"]},
            {"name": "c", "input": {"param": "p", "default": {"from": "b"}}},
            {"name": "z"},
            {"name": "y", "after": ["a", "x"]},  # behind one circle, and in another
            {"name": "x", "after": ["y"]},
        ),
        None,
    )
    assert issues == [
        circle("a -> b -> c", ("steps", 0, "input", "x", 0, "from", 1)),
        circle("y -> x", ("steps", 4, "after", 1)),
    ]


def test_a_long_circle_is_cut() -> None:
    """To the first ones and the last."""
    steps = [{"name": f"s{n}", "after": [f"s{(n - 1) % 30}"]} for n in range(30)]
    (issue,) = find_issues(workflows.config(*steps), None)
    way = "s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> … -> s29"
    assert issue == circle(way, ("steps", 0, "after", 0))


def test_one_name_of_two_steps_cannot_be_read() -> None:
    """Which of them is meant?"""
    (issue,) = of_clean({"from": "fetch"}, FETCH)
    message = "ambiguous step `fetch`: 2 steps have this name"
    assert issue == Issue("ambiguous-step", message, PATH, "give each step a unique name")


def test_the_other_steps_are_listed_while_they_are_few() -> None:
    """Never the reader itself."""
    names = [{"name": f"s{number}"} for number in range(7)]
    (issue,) = of_clean({"from": "?"}, *names)
    assert (
        issue.hint
        == f"the other steps are `fetch`, {', '.join(f'`s{n}`' for n in range(6))} and `s6`"
    )
    (issue,) = of_clean({"from": "?"}, *names, {"name": "s7"})
    assert issue.hint is None
    (issue,) = find_issues(workflows.config({"input": {"from": "?"}}), {})
    assert issue.hint == AS_DATA


@pytest.mark.parametrize(("number", "hint"), [(1000, "did you mean `s9`?"), (1001, None)])
def test_a_name_is_not_compared_with_too_many(number: int, hint: str | None) -> None:
    """It takes its time, for each that is wrong."""
    reader = {"name": "reader", "input": {"from": "s9?"}}
    (issue,) = find_issues(
        workflows.config(reader, *({"name": f"s{index}"} for index in range(number - 1))), {}
    )
    assert (issue.code, issue.hint) == ("unknown-step", hint)


def test_a_parameter_is_given_or_has_a_default() -> None:
    """Or it is missed, with what was probably meant."""
    document = workflows.config({"input": [{"param": "day"}, {"param": "zone", "default": 1}]})
    path = ("steps", 0, "input", 0, "param")
    message = "the parameter `day` is not given"
    assert find_issues(document, {"day": None}) == []
    assert find_issues(document, {}) == [
        Issue("missing-param", message, path, "set it with `--param day=...`")
    ]
    assert find_issues(document, {"dayy": 1}) == [
        Issue("missing-param", message, path, "did you mean `dayy`?")
    ]
    assert find_issues(document, None) == []  # not known yet


def test_a_parameter_that_nobody_asks_for_is_told() -> None:
    """With one that was probably meant, if that is not given as well."""
    document = workflows.config({"input": {"param": "day"}}, {"input": {"param": "zone"}})
    assert find_unknown_params(document, {"zone": 1, "day": 1}) == ()
    message = "no step uses the parameter `dayy`"
    assert find_unknown_params(document, {"dayy": 1}) == (
        Issue("unknown-param", message, hint="did you mean `day`?"),
    )
    assert find_unknown_params(document, {"dayy": 1, "day": 2}) == (
        Issue("unknown-param", message),
    )
    assert find_unknown_params(document, {"x" * 99: 1})[0].message.endswith(f"`{'x' * 80}…`")


def test_what_a_config_declares_is_asked_for() -> None:
    """Used or not; and nothing else is, though a step uses it: that is told otherwise."""
    document = workflows.config({"input": [{"param": "day"}, {"param": "zone"}]})
    declared: dict[str, Json] = {"day": {}, "year": {}}
    assert find_unknown_params(document, {"day": 1, "year": 2}, declared) == ()
    assert find_unknown_params(document, {"yaer": 1, "zone": 2}, declared) == (
        Issue(
            "unknown-param",
            "`params` does not declare the parameter `yaer`",
            hint="did you mean `year`?",
        ),
        Issue("unknown-param", "`params` does not declare the parameter `zone`"),
    )
    (issue,) = find_unknown_params(document, {"day": 1}, {})
    assert issue.message == "`params` does not declare the parameter `day`"


@pytest.mark.parametrize(
    "asked", [{"run": "/params"}, {"run": "/params/day"}, {"concat": [{"run": "/params/day/0"}]}]
)
def test_a_fact_about_a_parameter_asks_for_it(asked: Json) -> None:
    """As a reference to it does."""
    assert find_unknown_params(workflows.config({"input": asked}), {"day": [1]}) == ()


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"input": [{"from": "fech"}]}, ("input", 0, "from")),
        ({"input": {"from": ["fetch", "fech"]}}, ("input", "from", 1)),
        ({"input": {"from": {"step": "fech", "at": "/a"}}}, ("input", "from", "step")),
        (
            {"input": {"from": {"steps": ["fech"], "missing": "omit"}}},
            ("input", "from", "steps", 0),
        ),
        (
            {"input": {"from": {"step": "fetch", "default": {"from": "fech"}}}},
            ("input", "from", "default", "from"),
        ),
        ({"input": {"concat": ["a", {"from": "fech"}]}}, ("input", "concat", 1, "from")),
        ({"when": {"value": {"from": "fech"}, "is": {}}}, ("when", "value", "from")),
    ],
)
def test_a_wrong_name_is_told_wherever_it_stands(fields: dict[str, Any], path: JsonPath) -> None:
    """In a condition, in a part, in a default; and in the output of the workflow."""
    clean = {"name": "clean", **fields}
    wanted = "unknown-step", "unknown step `fech`", "did you mean `fetch`?"
    (issue,) = find_issues(workflows.config(FETCH, clean), {})
    assert (issue.code, issue.message, issue.hint) == wanted
    assert issue.path == ("steps", 1, *path)
    if "input" in fields:
        (issue,) = find_issues(workflows.config(FETCH, output=fields["input"]), {})
        assert (issue.code, issue.message, issue.hint) == wanted
        assert issue.path == ("output", *path[1:])


@pytest.mark.parametrize(
    ("reference", "path", "message", "hint"),
    [
        (
            {"from": {"step": "fetch", "at": "rows"}},
            ("from", "at"),
            "`at` is no JSON Pointer: `rows`",
            "write `/rows`",
        ),
        (
            {"from": {"step": "fetch", "defualt": 1}},
            ("from", "defualt"),
            "unknown field `defualt` in `from`",
            "did you mean `default`?",
        ),
        ({"item": ""}, ("item",), "`item` is reserved for a later version", AS_DATA),
        ({"secret": "db"}, ("secret",), "`secret` is reserved for a later version", AS_DATA),
        (
            {"concat": ["a", [1]]},
            ("concat", 1),
            "`concat` joins strings, numbers and booleans, not an array",
            "write a reference to such a value, or remove it",
        ),
    ],
)
def test_what_is_wrong_with_a_reference_in_itself_is_told(
    reference: Json, path: JsonPath, message: str, hint: str
) -> None:
    """At its place, with what to do about it: if nothing better is known, how to pass it as data.

    Alike in an input, a condition, and the output.
    """
    places: list[tuple[dict[str, Any], JsonPath]] = [
        (workflows.config(FETCH, {"input": [reference]}), ("steps", 1, "input", 0)),
        (
            workflows.config(FETCH, {"when": {"value": reference, "is": {}}}),
            ("steps", 1, "when", "value"),
        ),
        (workflows.config(FETCH, output={"x": reference}), ("output", "x")),
    ]
    for document, start in places:
        (issue,) = find_issues(document, {})
        assert issue == Issue("wrong-reference", message, (*start, *path), hint)
    assert find_issues(workflows.config(FETCH, {"input": {"literal": reference}}), {}) == []


def test_a_parameter_is_missed_wherever_it_is_asked_for() -> None:
    """In a condition, in a default of a part, in the output."""
    document = workflows.config(
        {"when": {"value": {"param": "a"}, "is": {}}},
        {"input": {"from": {"step": "step0", "default": {"param": "b"}}}},
        output=[{"param": "c"}],
    )
    assert [issue.path for issue in find_issues(document, {})] == [
        ("steps", 0, "when", "value", "param"),
        ("steps", 1, "input", "from", "default", "param"),
        ("output", 0, "param"),
    ]


def test_a_circle_may_be_closed_by_a_condition() -> None:
    """It is an edge like any other, and told at its place."""
    document = workflows.config(
        {"name": "a", "when": {"value": [{"from": {"step": "b", "default": 1}}], "is": {}}},
        {"name": "b", "after": ["a"]},
    )
    path = ("steps", 0, "when", "value", 0, "from", "step")
    assert find_issues(document, None) == [circle("a -> b", path)]


@pytest.mark.parametrize(
    "steps",
    [
        [{"nmae": "fetch"}, {"name": "clean", "input": {"from": "fetch"}}],
        [{"name": 5}, {"name": "clean", "input": {"from": "fetch"}}],
        [{"name": 5, "after": [""]}],
        [{"name": "fetch", "priority": "high"}, {"name": "a", "input": {"from": "fetch"}}],
        [{"name": "fetch"}, {"priority": None, "name": "a", "input": {"from": "fetch"}}],
        [{"name": "fetch"}, {"name": None, "input": {"from": "fetch"}}],
    ],
)
def test_what_another_mistake_may_explain_is_not_told(steps: list[Any]) -> None:
    """A name or a priority of the wrong shape is reported already."""
    assert find_issues({"steps": steps}, {}) == []


@given(workflows.values)
def test_a_document_of_any_shape_can_be_looked_at(value: Json) -> None:
    """Every path leads to a place in it."""
    documents: list[Any] = [
        value,
        {"steps": value},
        {"steps": [value, {"name": value, "input": [{"from": value}, {"param": value}]}]},
        {"steps": [{"name": value, "input": {"param": "x", "default": {"from": [value]}}}]},
    ]
    for document in documents:
        for issue in find_issues(document, {}):
            place = document
            for part in issue.path:
                place = place[part]


def test_many_steps_take_their_time_only_once() -> None:
    """Ten thousand, each of which reads the one before: looked up, not searched for."""
    document = workflows.config(
        {"name": "0", "priority": 10_000},
        *(
            {"name": str(n), "priority": 10_000 - n, "input": {"from": str(n - 1)}}
            for n in range(1, 10_000)
        ),
    )
    assert find_issues(document, {}) == []
