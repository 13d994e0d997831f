"""What keeps a step from being tried: its condition, then what it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.planning import conditions
from driftflow.planning.conditions import (
    Hindrance,
    find_hindrance,
    find_skippable,
    find_skipped_input,
    foresee_skips,
    judge_condition,
)
from driftflow.planning.values import Facts, evaluate
from driftflow.running.attempts import AttemptRunner
from driftflow.running.events import StepFinished, StepSkipped
from driftflow.running.interpreter import interpret, sequential

if TYPE_CHECKING:
    from driftflow.planning.conditions import Verdicts
    from driftflow.planning.plan import Plan, Step
    from driftflow.reading.document import Json

OUTPUTS: dict[str, Json] = {"ok": {"rows": [1, 2], "mode": "quick"}, "text": "5"}
FACTS = Facts(OUTPUTS, {"skipped"}, {"id": "r1"})
NEVER = {"value": 1, "is": {"const": 2}}
NOT_MET = Hindrance("the value is 1, not 2", is_skip=True)


def step(params: dict[str, Json] | None = None, **fields: Any) -> Step:
    """A step with these fields, among those that it may read."""
    others = [{"name": name} for name in ("ok", "text", "failed", "skipped")]
    plan = workflows.plan(*others, {"name": "s", **fields}, params=params)
    (found,) = (each for each in plan.steps if each.name == "s")
    return found


@pytest.mark.parametrize(
    ("value", "schema", "is_met"),
    [
        ({"from": "text"}, {"type": "string"}, True),
        ({"from": "text"}, {"type": "integer"}, False),
        ({"from": {"step": "ok", "at": "/rows"}}, {"minItems": 2, "type": "array"}, True),
        ({"from": {"step": "ok", "at": "/rows"}}, {"minItems": 3, "type": "array"}, False),
        ({"from": {"step": "failed", "default": None}}, {"type": "null"}, True),
        ({"from": {"step": "ok", "at": "/none", "default": 1}}, {"const": 1}, True),
        ({"from": {"steps": ["failed", "skipped"], "missing": "omit"}}, {"maxItems": 0}, True),
        ({"param": "p"}, {"enum": ["a", "b"]}, True),
        ({"param": "p"}, {"enum": ["b"]}, False),
        ({"param": "none", "default": 5}, {"minimum": 6}, False),
        ({"run": "/id"}, {"const": "r1"}, True),
        ({"concat": [{"param": "p"}, "/", {"from": "text"}]}, {"const": "a/5"}, True),
        ([1, {"x": {"from": "text"}}], {"const": [1, {"x": "5"}]}, True),
        ({"literal": {"from": "failed"}}, {"required": ["from"]}, True),
        (1, True, True),
        (1, False, False),
        ("text", {}, True),
    ],
)
def test_a_step_runs_only_if_its_value_satisfies_its_schema(
    value: Json, schema: Json, *, is_met: bool
) -> None:
    """Whatever the value is made of; else it is skipped."""
    found = judge_condition(step({"p": "a"}, when={"value": value, "is": schema}), FACTS, {})
    assert (found is None) is is_met
    assert found is None or found.is_skip


def test_a_step_without_a_condition_runs() -> None:
    """If what it reads is there."""
    assert judge_condition(step(input={"from": "failed"}), FACTS, {}) is None
    assert find_hindrance(step(input={"from": "ok"}), FACTS, {}) is None
    assert find_hindrance(step(input="text"), FACTS, {}) is None


@pytest.mark.parametrize(
    ("when", "given", "hindrance"),
    [
        (None, {"from": "failed"}, Hindrance("input from 'failed', which failed", is_skip=False)),
        (
            None,
            {"from": "skipped"},
            Hindrance("input from 'skipped', which was skipped", is_skip=True),
        ),
        (
            None,
            {"from": {"step": "ok", "at": "/none"}},
            Hindrance("input from 'ok': no place /none", is_skip=False),
        ),
        (
            None,
            [{"from": "skipped"}, {"from": "failed"}],
            Hindrance("input from 'failed', which failed", is_skip=False),
        ),
        (
            None,
            {"concat": ["a", {"from": "ok"}]},
            Hindrance(
                "input has an object in `concat`: only strings, numbers and booleans can be joined",
                is_skip=False,
            ),
        ),
        # The condition comes first: then nobody asks for the input.
        (NEVER, {"from": "failed"}, NOT_MET),
        (NEVER, {"from": {"step": "ok", "at": "/none"}}, NOT_MET),
        (NEVER, {"from": "skipped"}, NOT_MET),
        (
            {"value": 1, "is": {}},
            {"from": "failed"},
            Hindrance("input from 'failed', which failed", is_skip=False),
        ),
        # A condition that cannot be judged is like an input that cannot be read.
        (
            {"value": {"from": "failed"}, "is": False},
            "x",
            Hindrance("condition from 'failed', which failed", is_skip=False),
        ),
        (
            {"value": {"from": "skipped"}, "is": True},
            {"from": "failed"},
            Hindrance("condition from 'skipped', which was skipped", is_skip=True),
        ),
        (
            {"value": [{"from": "skipped"}, {"from": "failed"}], "is": {}},
            "x",
            Hindrance("condition from 'failed', which failed", is_skip=False),
        ),
        (
            {"value": {"from": {"step": "text", "at": "/x"}}, "is": {}},
            {"from": "skipped"},
            Hindrance("condition from 'text': no place /x", is_skip=False),
        ),
    ],
)
def test_the_condition_is_judged_before_the_input(
    when: Json, given: Json, hindrance: Hindrance
) -> None:
    """Whichever of them says it first is the reason; in each, a failure counts more than a skip."""
    fields: dict[str, Any] = {"input": given} | ({"when": when} if when else {})
    assert find_hindrance(step(**fields), FACTS, {}) == hindrance


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, 'mode is "quick", not "full"'),
        ({"sensitive": True}, "[redacted]"),
        ({"input": {"run": "/id"}}, 'mode is "quick", not "full"'),  # it has no key either
    ],
)
def test_the_reason_of_a_sensitive_step_is_not_told(fields: dict[str, Any], reason: str) -> None:
    """It quotes what was judged."""
    when = {"value": {"param": "mode"}, "is": {"const": "full"}}
    found = judge_condition(step({"mode": "quick"}, when=when, **fields), FACTS, {})
    assert found == Hindrance(reason, is_skip=True)


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [
        ({"from": "login"}, True),
        ({"from": {"step": "login", "at": "/x", "default": 1}}, True),
        ({"from": {"step": "open", "at": "/x", "default": {"from": "login"}}}, True),
        ({"from": {"steps": ["open", "login"], "missing": "omit"}}, True),
        ({"concat": [{"from": "login"}]}, True),
        ({"param": "token"}, True),
        ([{"param": "token"}], True),
        ({"from": "open"}, False),
        ({"param": "day"}, False),
    ],
)
def test_no_reason_tells_a_secret(value: Json, *, is_secret: bool) -> None:
    """What a sensitive step has given, or a parameter that one uses."""
    plan = workflows.plan(
        {"name": "login", "input": {"param": "token"}, "sensitive": True, "priority": 1},
        {"name": "open", "priority": 1},
        {"name": "s", "when": {"value": value, "is": {"const": 0}}},
        params={"token": "hunter2", "day": "hunter2"},
    )
    outputs: dict[str, Json] = {"login": "hunter2", "open": "hunter2"}
    found = judge_condition(plan.steps[2], Facts(outputs), {})
    assert found is not None
    assert found.is_skip
    assert (found.reason == "[redacted]") is is_secret
    assert is_secret is ("hunter2" not in found.reason)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([{"from": "failed"}, {"from": "skipped"}], "input from 'skipped', which was skipped"),
        (
            {"from": {"step": "failed", "default": {"from": "skipped"}}},
            "input from 'skipped', which was skipped",
        ),
        ({"from": {"step": "skipped", "default": 1}}, None),
        ({"from": ["ok", "failed"]}, None),
        ("x", None),
    ],
)
def test_an_input_that_would_be_skipped_is_seen_among_others(
    given: Json, reason: str | None
) -> None:
    """Though something else is missing as well, of which nobody knows yet."""
    assert find_skipped_input(step(input=given), FACTS) == reason


def names(plan: Plan, indexes: set[int]) -> str:
    """The names of these steps, in run order."""
    return "".join(plan.steps[index].name for index in sorted(indexes))


CHAIN: list[dict[str, Any]] = [
    {"name": "a", "when": {"value": {"param": "p"}, "is": {"const": 1}}},
    {"name": "b", "input": {"from": "a"}},
    {"name": "c", "input": {"from": {"step": "b", "default": 0}}},
    {"name": "d", "after": ["a"]},
    {"name": "e", "input": {"from": "d"}},
    {"name": "f", "when": {"value": {"from": "b"}, "is": {}}},
    {"name": "g", "input": {"from": {"steps": ["f"], "missing": "omit"}}},
    {"name": "h"},
]


def test_the_steps_that_may_be_skipped_are_known_beforehand() -> None:
    """Those with a condition, and those that read one of them, and so on; not those only after."""
    plan = workflows.plan(*CHAIN, params={"p": 1})
    assert names(plan, find_skippable(plan.steps.tolist())) == "abcfg"
    assert find_skippable(workflows.plan(*CHAIN[1:2], {"name": "a"}).steps.tolist()) == set()


def test_skips_that_follow_from_parameters_are_foreseen() -> None:
    """They spread through reads without a default, not through `after`."""
    plan = workflows.plan(*CHAIN, params={"p": 2})
    steps = plan.steps.tolist()
    foreseen = {steps[index].name: reason for index, reason in foresee_skips(steps).items()}
    assert foreseen == {
        "a": "p is 2, not 1",
        "b": "input from 'a', which was skipped",
        "f": "condition from 'b', which was skipped",
    }
    assert foresee_skips(workflows.plan(*CHAIN, params={"p": 1}).steps.tolist()) == {}


@pytest.mark.parametrize(
    ("value", "is_foreseen"),
    [
        ({"from": "x"}, False),
        ([{"param": "p"}, {"from": "x"}], False),
        ({"from": {"step": "x", "default": 1}}, False),
        ({"from": {"step": "x", "at": "/y", "default": 1}}, False),
        ({"run": "/id"}, False),
        ({"run": "/name"}, True),
        ({"from": {"step": "never", "default": 1}}, True),
        ({"from": {"steps": ["never"], "missing": "omit"}}, True),
        ({"from": {"steps": ["never", "x"], "missing": "omit"}}, False),
        ({"concat": [{"run": "/name"}, {"param": "p"}]}, True),
    ],
)
def test_what_is_not_known_before_the_run_is_not_foreseen(
    value: Json, *, is_foreseen: bool
) -> None:
    """An output, or a fact of the run; a step that will be skipped is known to have none."""
    plan = workflows.plan(
        {"name": "never", "when": NEVER},
        {"name": "x"},
        {"name": "z", "when": {"value": value, "is": False}},
        params={"p": 1},
    )
    assert names(plan, {*foresee_skips(plan.steps.tolist())}) == (
        "neverz" if is_foreseen else "never"
    )


def test_skips_of_steps_that_share_a_name_are_foreseen() -> None:
    """Each by itself: nobody can read one of them."""
    twice = {"name": "a", "when": NEVER}
    plan = workflows.plan(twice, twice, {"name": "a"})
    assert [*foresee_skips(plan.steps.tolist())] == [0, 1]


@pytest.mark.parametrize(
    ("value", "is_foreseen"),
    [
        ({"from": {"step": "x", "at": "/y", "default": {"from": "never"}}}, False),
        ({"concat": [{"from": {"step": "x", "default": {"from": "never"}}}]}, False),
        ({"from": {"step": "never", "default": {"from": "never"}}}, True),
        ({"concat": ["a", {"from": "x"}, {"from": "never"}]}, True),
        ({"from": ["x", "never"]}, True),
    ],
)
def test_it_is_not_foreseen_whether_a_default_stands_in_for_a_place(
    value: Json, *, is_foreseen: bool
) -> None:
    """An output may have the place; a step that will be skipped is known to have none."""
    reader = {"name": "z", "input": value}
    plan = workflows.plan({"name": "never", "when": NEVER}, {"name": "x"}, reader)
    assert (2 in foresee_skips(plan.steps.tolist())) is is_foreseen


def values_of(earlier: list[str]) -> st.SearchStrategy[Any]:
    """Values that depend on a parameter, on outputs of earlier steps, and on which there are."""
    plain = st.sampled_from([{"param": "p"}, {"param": "q", "default": 1}, 1, "x", {"run": "/id"}])
    if not earlier:
        return plain
    name = st.sampled_from(earlier)
    read = name.map(lambda each: {"from": each})
    part = st.builds(
        lambda each, at, default: {"from": {"step": each, "at": at, "default": default}},
        *(name, st.sampled_from(["", "/0", "/none"]), plain | read),
    )
    those = st.lists(name, max_size=2).map(
        lambda some: {"from": {"steps": some, "missing": "omit"}}
    )
    return plain | read | part | those | st.lists(plain | read | part, max_size=2)


@st.composite
def conditional(draw: st.DrawFn) -> Plan:
    """A plan of steps, many of which have a condition."""
    letters = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=7))
    schemas = st.sampled_from([{"const": 1}, {"type": "array"}, {"type": "integer"}, True, False])
    steps: list[dict[str, Any]] = []
    for place, letter in enumerate(letters):
        given = {"name": letter, "input": draw(values_of(letters[:place]))}
        if draw(st.booleans()):
            given["when"] = {"value": draw(values_of(letters[:place])), "is": draw(schemas)}
        if place and draw(st.integers(0, 3)) == 0:
            given["after"] = [draw(st.sampled_from(letters[:place]))]
        steps.append(given | {"priority": draw(st.integers(0, 1))})
    params: dict[str, Any] = {"p": draw(st.sampled_from([1, 2, [1]]))}
    return workflows.plan(*draw(st.permutations(steps)), params=params)


def echo(_: str, value: Json, __: float | None) -> Json:
    """What it is handed."""
    return value


@given(conditional())
def test_what_is_foreseen_comes_true(plan: Plan) -> None:
    """In a run in which nothing fails, each step is skipped for the reason that was foreseen."""
    steps = plan.steps.tolist()
    foreseen = foresee_skips(steps)
    runner = AttemptRunner(echo, float, float, float)
    told: dict[int, str | None] = {}
    for event in interpret(plan, sequential(runner), float, run_id="r1", keep_going=True):
        if isinstance(event, StepFinished | StepSkipped):
            if not event.result.ok:
                return
            told[event.step_index] = event.result.skipped
    assert told.keys() == {*range(len(steps))}
    assert {*foreseen} <= find_skippable(steps)
    assert {index: told[index] for index in foreseen} == foreseen
    assert {index for index, reason in told.items() if reason} <= find_skippable(steps)


def test_a_condition_that_steps_share_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is read, and where it is judged: `1.0` and `true` are written otherwise."""
    judged: list[Any] = []

    def note(value: Any, facts: Facts) -> Json:
        judged.append(value)
        return evaluate(value, facts)

    monkeypatch.setattr(conditions, "evaluate", note)
    values: list[Json] = [1, 1, 1.0, True, [1], [1]]
    fields = [{"when": {"value": value, "is": {"const": 1}}} for value in values]
    plan = workflows.plan(*fields, {"sensitive": True, **fields[0]})
    verdicts: Verdicts = {}
    met = [judge_condition(step, FACTS, verdicts) is None for step in plan.steps]
    assert met == [True, True, True, False, False, False, True]
    # The one of a step that is sensitive is another, since its reason is not told.
    assert len(judged) == len({id(step.when) for step in plan.steps}) == 5
