"""The plan: defaults, order, immutability, digest."""

from __future__ import annotations

import hashlib
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import InvariantException, PVector, pvector
from support import workflows

from driftflow.planning.graph import Graph
from driftflow.planning.plan import Plan, Step, build_plan, digest, find_key, list_waves
from driftflow.planning.settings import Backoff, Flags, RetryPolicy
from driftflow.planning.values import FrozenObject, freeze_data, write
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    import random

    from driftflow.reading.document import Json

NESTED: Json = {"zone": "eu", "day": [1, {"b": None, "a": [True, 2.5]}], "": {}}


def names(plan: Plan) -> list[str]:
    """The steps' names in run order."""
    return [step.name for step in plan.steps]


def test_defaults_are_the_schemas() -> None:
    """What a config leaves out is what the schema says it is."""
    properties = load_schema("driftflow")["properties"]
    step_properties = properties["steps"]["items"]["properties"]
    plan = workflows.plan({})
    assert {
        "max_attempts": plan.max_attempts,
        "timeout_seconds": plan.timeout_seconds,
        "flags": {name: plan.flags.is_enabled(name) for name in ("audit", "metrics", "parallel")},
        "storage": {"path": plan.storage_path},
        "step": {
            name: getattr(plan.steps[0], name)
            for name in ("input", "priority", "optional", "sensitive")
        },
    } == {
        "max_attempts": properties["max_attempts"]["default"],
        "timeout_seconds": properties["timeout_seconds"]["default"],
        "flags": {
            name: field["default"] for name, field in properties["flags"]["properties"].items()
        },
        "storage": {"path": properties["storage"]["properties"]["path"]["default"]},
        "step": {
            name: field["default"]
            for name, field in step_properties.items()
            if "default" in field and name != "after"
        },
    }


def test_a_step_comes_after_none_by_default() -> None:
    """As the schema says."""
    steps = load_schema("driftflow")["properties"]["steps"]["items"]["properties"]
    assert [*workflows.plan({}).steps[0].before] == steps["after"]["default"]


def test_a_step_knows_what_it_comes_after() -> None:
    """By its place in the run order; and how urgent that makes it."""
    plan = workflows.plan(
        {"name": "a", "after": ["z", "c"], "priority": 3},
        {"name": "z", "priority": -1},
        {"name": "c", "input": {"from": "z"}},
        {"name": "b"},
    )
    steps = [(step.name, step.before, step.urgency, step.priority) for step in plan.steps]
    assert steps == [("z", (), 3, -1), ("c", (0,), 3, 0), ("a", (0, 1), 3, 3), ("b", (), 0, 0)]
    assert list_waves([*plan.steps]) == [0, 0, 0, 1]
    assert list_waves([]) == []


def test_a_step_is_tried_as_it_says_itself_and_else_as_the_workflow_says() -> None:
    """An optional one once, unless it says otherwise. A timeout is its own or none."""
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b", "optional": True},
        {"name": "c", "optional": True, "max_attempts": 5.0, "backoff": {"factor": 3}},
        {"name": "d", "action": "x", "timeout_seconds": 2, "retry_on": ["OSError"]},
        max_attempts=3,
        backoff={},
        timeout_seconds=7,
    )
    assert [step.policy for step in plan.steps] == [
        RetryPolicy(3, Backoff()),
        RetryPolicy(1, Backoff()),
        RetryPolicy(5, Backoff(factor=3)),
        RetryPolicy(3, Backoff(), 2, ("OSError",)),
    ]
    assert plan.timed == ("x",)


def test_every_field_reaches_the_plan() -> None:
    """As it stands in the config."""
    plan = workflows.plan(
        {"name": "a", "action": "b", "input": [1], "priority": 7, "optional": True}
        | {"sensitive": True},
        name="w",
        max_attempts=3,
        backoff={"factor": 3, "jitter": False, "x-note": 1},
        flags={"audit": True},
        storage={"path": "x", "type": "y"},
        timeout_seconds=0.5,
    )
    assert plan == Plan(
        name="w",
        steps=plan.steps,
        actions=("b",),
        timed=(),
        max_attempts=3,
        backoff=Backoff(1, 3, 30, jitter=False),
        flags=Flags(enabled=plan.flags.enabled, sources=plan.flags.sources),
        storage_path="x",
        timeout_seconds=0.5,
        timeout_source="config",
        params=FrozenObject(pvector()),
    )
    assert list(plan.steps) == [
        Step("a", "b", freeze_data([1]), 7, optional=True, sensitive=True, urgency=7)._replace(
            policy=RetryPolicy(1, Backoff(1, 3, 30, jitter=False)), has_key=False
        )
    ]
    assert set(plan.flags.enabled) == {"audit"}


@pytest.mark.parametrize(
    "field",
    [
        "name",
        "steps",
        "actions",
        "timed",
        "max_attempts",
        "flags",
        "storage_path",
        "timeout_seconds",
        "timeout_source",
    ],
)
def test_a_plan_is_whole_and_of_the_right_types(field: str) -> None:
    """Defaults are filled in when it is built, and only there."""
    fields = workflows.plan({}).serialize()
    fields |= {"steps": workflows.plan({}).steps, "flags": Flags()}
    assert Plan(**fields) == workflows.plan({})
    with pytest.raises(TypeError):
        Plan(**fields | {field: None})
    del fields[field]
    with pytest.raises(InvariantException):
        Plan(**fields)


@pytest.mark.parametrize(
    ("fields", "timeout", "seconds", "source"),
    [
        ({}, None, 10, "default"),
        ({"timeout_seconds": 10}, None, 10, "config"),
        ({"timeout_seconds": 10}, 0.5, 0.5, "environment"),
        ({}, 10, 10, "environment"),
    ],
)
def test_a_timeout_comes_from_somewhere(
    fields: dict[str, Any], timeout: float | None, seconds: float, source: str
) -> None:
    """The environment goes before the config, the config before the default."""
    config = workflows.config(**fields)
    plan = build_plan(config, Graph(config), Flags(), timeout)
    assert (plan.timeout_seconds, plan.timeout_source) == (seconds, source)


def test_a_whole_decimal_is_an_integer_in_the_plan() -> None:
    """To JSON Schema 1.0 is an integer: the plan holds 1."""
    plan = workflows.plan({"priority": -2.0}, max_attempts=3.0)
    assert (type(plan.max_attempts), plan.max_attempts) == (int, 3)
    assert (type(plan.steps[0].priority), plan.steps[0].priority) == (int, -2)


def test_steps_run_by_priority_then_by_name_then_by_place() -> None:
    """A higher priority first; names by code point; equals as they stand in the file."""
    plan = workflows.plan(
        {"name": "é", "input": 1},
        {"name": "b", "priority": -1},
        {"name": "a", "input": 2},
        {"name": "Z"},
        {"name": "late", "priority": 10},
        {"name": "a", "input": 1},
        {"name": "10"},
        {"name": "9"},
    )
    assert names(plan) == ["late", "10", "9", "Z", "a", "a", "é", "b"]
    assert [step.input for step in plan.steps if step.name == "a"] == [2, 1]


@given(st.lists(workflows.steps, unique_by=lambda step: step["name"]), st.randoms())
def test_any_order_of_the_same_steps_gives_the_same_plan(
    steps: list[dict[str, Any]], randomness: random.Random
) -> None:
    """The place in the file matters for full ties only."""
    shuffled = randomness.sample(steps, len(steps))
    plan, other = workflows.plan(*steps), workflows.plan(*shuffled)
    assert plan == other
    assert digest(plan) == digest(other)


def test_a_plan_cannot_be_changed_at_any_depth() -> None:
    """Not its fields, not its steps, not what they are handed."""
    plan = workflows.plan({"input": NESTED}, flags={"audit": True})
    before = repr(plan)
    value: Any = plan
    mutable = []
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Plan | Flags):
            with pytest.raises(AttributeError):
                value.name = "other"  # type: ignore[union-attr] # the point of the test
            waiting += [getattr(value, field) for field in value.serialize()]
        elif isinstance(value, tuple):
            waiting += value
        elif isinstance(value, PVector):
            with pytest.raises(TypeError):
                value[0] = None  # type: ignore[index] # the point of the test
            waiting += value
        elif not isinstance(value, str | int | float | None):
            mutable.append(value)
    assert mutable == [plan.flags.sources, plan.flags.enabled]  # a PMap and a PSet
    assert repr(plan.steps.append(plan.steps[0])) != repr(plan.steps)
    assert repr(plan) == before


def test_the_config_can_change_afterwards() -> None:
    """The plan shares nothing with the document that it was built from."""
    handed: list[Any] = [{"a": [1]}]
    plan = workflows.plan({"input": handed})
    handed[0]["a"].append(2)
    assert write(plan.steps[0].input) == [{"a": [1]}]


def test_the_digest_covers_what_will_be_done_and_nothing_else() -> None:
    """Name, attempts, and each step's fields, the order of an input's keys among them."""
    plan = workflows.plan({"input": {"a": 1, "b": 2}})
    changed = [
        workflows.plan({"input": {"a": 1, "b": 2}}, name="other"),
        workflows.plan({"input": {"a": 1, "b": 2}}, max_attempts=2),
        workflows.plan({"input": {"b": 2, "a": 1}}),
        workflows.plan({"input": {"a": 1, "b": 2}, "name": "x"}),
        workflows.plan({"input": {"a": 1, "b": 2}, "action": "x"}),
        workflows.plan({"input": {"a": 1, "b": 2}, "priority": 1}),
        workflows.plan({"input": {"a": 1, "b": 2}, "optional": True}),
        workflows.plan({"input": {"a": 1, "b": 2}, "returns": True}),
        workflows.plan({"input": {"a": 1, "b": 2}, "when": {"value": 1, "is": True}}),
        workflows.plan({"input": {"a": 1, "b": 2}, "when": {"value": 2, "is": True}}),
        workflows.plan({"input": {"a": 1, "b": 2}, "when": {"value": 1, "is": {}}}),
        workflows.plan({"input": {"a": 1, "b": 2}}, {}),
    ]
    same = workflows.plan(
        {"input": {"a": 1, "b": 2}, "retries": 3},
        flags={"audit": True},
        storage={"path": "x"},
        timeout_seconds=1,
    )
    assert len({digest(plan), *map(digest, changed)}) == 1 + len(changed)
    assert digest(same) == digest(plan)


def test_the_digest_is_that_of_the_documented_canonical_json() -> None:
    """On one line, without spaces."""
    plan = workflows.plan(
        {"name": "é", "input": {"b": [1.5, None], "a": ""}},
        {"name": "z", "action": "upper", "input": {"param": "p"}, "priority": -1, "after": ["é"]},
        {"name": "zz", "input": "secret", "priority": -1, "sensitive": True}
        | {"when": {"value": {"from": "z"}, "is": False}},
        {"name": "zzz", "priority": -2, "returns": {"type": ["null"]}}
        | {"when": {"value": [{"param": "p"}], "is": {"const": "\u00e9"}}},
        name="demo",
        params={"p": "x"},
    )
    canonical = (
        r'{"name":"demo","max_attempts":1,"steps":[{"name":"\u00e9","action":"echo",'
        r'"input":{"b":[1.5,null],"a":""},"priority":0,"optional":false,"after":[]},{"name":"z",'
        r'"action":"upper","input":{"literal":"x"},"priority":-1,"optional":false,'
        r'"after":["\u00e9"]},{"name":"zz","action":"echo","input":null,"priority":-1,'
        r'"optional":false,"after":["z"],"when":{"value":null,"is":false}},'
        r'{"name":"zzz","action":"echo","input":"","priority":-2,"optional":false,"after":[],'
        r'"when":{"value":[{"literal":"x"}],"is":{"const":"\u00e9"}},"returns":{"type":["null"]}}'
        r"]}"
    )
    expected = hashlib.sha256(canonical.encode()).hexdigest()
    assert digest(plan) == f"sha256:{expected}"


def test_a_key_is_the_digest_of_an_action_and_its_input() -> None:
    """As they are written, a parameter as a literal; the name of the step has no part in it."""
    given = {"param": "p", "default": "x"}
    steps = [{"name": name, "action": "upper", "input": given} for name in "ab"]
    expected = hashlib.sha256(b'{"action":"upper","input":{"literal":"x"}}').hexdigest()
    both: tuple[dict[str, Json], ...] = ({}, {"p": "x"})
    for params in both:  # a default is a value like any other
        assert {*map(find_key, workflows.plan(*steps, params=params).steps)} == {expected}
    other = workflows.plan(*steps, params={"p": "y"}).steps[0]
    assert find_key(other) not in (None, expected)
    default = {"param": "p", "default": {"from": "a"}}
    _, reader = workflows.plan({"name": "a"}, {"name": "b", "input": default}).steps
    _, written = workflows.plan({"name": "a"}, {"name": "b", "input": {"from": "a"}}).steps
    assert find_key(reader) == find_key(written)


@pytest.mark.parametrize(
    ("step", "has_key"),
    [
        ({"input": "x"}, True),
        ({"input": {"param": "open"}}, True),
        ({"input": [{"param": "secret"}]}, False),
        ({"input": {"param": "open", "default": {"param": "secret"}}}, False),
        ({"input": "x", "sensitive": True}, False),
        ({"when": {"value": {"param": "open"}, "is": {}}}, True),
        ({"when": {"value": {"param": "secret"}, "is": {}}}, False),
        ({"input": {"run": "/params/open"}}, True),
        ({"input": {"run": "/params/secret"}}, False),
        ({"input": {"concat": ["x", {"run": "/params/secret"}]}}, False),
        ({"input": {"run": "/params"}}, False),
        ({"input": {"run": "/name"}}, True),
    ],
)
def test_a_secret_has_no_digest(step: dict[str, Any], *, has_key: bool) -> None:
    """Nor has a step that uses a parameter which a sensitive step uses; nor is its value kept."""
    login = {"name": "login", "input": {"param": "secret"}, "sensitive": True}
    plans = [
        workflows.plan(
            step | {"name": "a"},
            login,
            {"name": "z", "input": {"param": "open"}},
            params={"secret": secret, "open": 1},
        )
        for secret in ("hunter2", "hunter3")
    ]
    assert [find_key(plan.steps[0]) is not None for plan in plans] == [has_key] * 2
    assert digest(plans[0]) == digest(plans[1])
    assert write(plans[0].params) == {"open": 1, "secret": "[redacted]"}


@pytest.mark.parametrize(
    "given",
    [
        {"param": "secret"},
        {"run": "/params/secret"},
        {"concat": ["x", {"run": "/params/secret"}]},
        {"run": "/params"},
    ],
)
def test_what_a_sensitive_step_uses_is_a_secret_however_it_does(given: Json) -> None:
    """Its value is not kept in the plan, and nothing that uses it has a digest."""
    for login in (
        {"name": "login", "input": given, "sensitive": True},
        {"name": "login", "when": {"value": given, "is": {}}, "sensitive": True},
    ):
        plan = workflows.plan(
            login,
            {"name": "m", "input": {"param": "secret"}},
            {"name": "z", "input": {"run": "/params/secret"}},
            params={"secret": "hunter2"},
        )
        assert write(plan.params) == {"secret": "[redacted]"}
        assert [*map(find_key, plan.steps)] == [None, None, None]


@pytest.mark.parametrize("given", [{"run": "/params/secret"}, {"run": "/params"}])
def test_a_secret_is_one_though_only_facts_tell_of_it(given: Json) -> None:
    """No step need refer to it by `param`."""
    login = {"name": "login", "input": given, "sensitive": True}
    plan = workflows.plan(login, {"name": "z", "input": given}, params={"secret": "hunter2"})
    assert write(plan.params) == {"secret": "[redacted]"}
    assert [*map(find_key, plan.steps)] == [None, None]


@pytest.mark.parametrize(
    ("step", "has_key"),
    [
        ({"input": {"run": "/id"}}, False),
        ({"input": [{"concat": ["x", {"run": "/id"}]}]}, False),
        ({"input": {"from": {"step": "other", "default": {"run": "/id"}}}}, False),
        ({"input": {"run": "/name"}}, True),
        ({"input": {"literal": {"run": "/id"}}}, True),
        ({"input": "x"}, True),
    ],
)
def test_a_step_that_is_handed_the_id_of_the_run_has_no_key(
    step: dict[str, Any], *, has_key: bool
) -> None:
    """It asks for something else in each run; and the plan knows that it asks."""
    other = {"name": "other", "input": {"run": "/name"}}
    plan = workflows.plan({"name": "a", **step}, other)
    (found,) = (each for each in plan.steps if each.name == "a")
    assert (find_key(found) is not None) is has_key
    assert plan.asks_for_id is not has_key


def test_a_step_knows_its_condition_and_its_contract() -> None:
    """As frozen values and texts; what its condition reads it reads first."""
    when = {"value": [{"from": "b"}, {"param": "p"}, {"from": "a"}], "is": {"type": "array"}}
    plan = workflows.plan(
        {"name": "a"},
        {"name": "b"},
        {"name": "s", "when": when, "input": {"from": ["a", "c"]}, "returns": {"minimum": 1.0}},
        {"name": "c", "sensitive": True},
        {"name": "t", "when": {"value": {"from": {"step": "c", "at": "/x"}}, "is": False}},
        params={"p": [1]},
    )
    steps = {step.name: step for step in plan.steps}
    condition = steps["s"].when
    assert condition is not None
    assert write(condition.value) == [{"from": "b"}, {"literal": [1]}, {"from": "a"}]
    assert (condition.schema, condition.subject) == ('{"type":"array"}', "the value")
    assert not condition.is_secret
    assert (steps["s"].reads, steps["s"].returns) == (("b", "a", "c"), '{"minimum":1.0}')
    secret = steps["t"].when
    assert secret is not None
    assert (secret.schema, secret.subject, secret.is_secret) == ("false", "c at /x", True)
    assert steps["t"].reads == ("c",)
    assert (steps["a"].when, steps["a"].returns) == (None, None)
    assert plan.has_conditions
    assert not workflows.plan({"returns": True}).has_conditions


def test_a_declared_default_is_a_value_like_any_other() -> None:
    """In a condition and an input, as a fact, and in the key; only what is given is told apart."""
    declared = {"day": {"default": "monday"}, "zone": {"default": [1]}}
    uses: dict[str, Any] = {
        "input": [{"param": "day"}, {"run": "/params/zone"}, {"run": "/params"}],
        "when": {"value": {"param": "zone"}, "is": {}},
    }
    plan = workflows.plan(uses, params=None, declared=declared)
    both = {"zone": [1], "day": "tuesday"}
    assert write(plan.steps[0].input) == [
        {"literal": "monday"},
        {"literal": [1]},
        {"literal": {"day": "monday", "zone": [1]}},
    ]
    condition = plan.steps[0].when
    assert condition is not None
    assert write(condition.value) == {"literal": [1]}
    assert write(plan.params) == {}
    given = workflows.plan(uses, params={"day": "tuesday"}, declared=declared)
    assert write(given.steps[0].input) == [
        {"literal": "tuesday"},
        {"literal": [1]},
        {"literal": {"day": "tuesday"} | both},
    ]
    assert write(given.params) == {"day": "tuesday"}
    assert find_key(given.steps[0]) != find_key(plan.steps[0])


def test_a_plan_can_be_pickled() -> None:
    """So that other processes can be given one."""
    plan = workflows.plan({"input": NESTED}, {"priority": 3})
    assert pickle.loads(pickle.dumps(plan)) == plan
