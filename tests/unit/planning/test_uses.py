"""One flat config, of a config and the files that it uses."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from support import workflows

from driftflow.planning.graph import Graph
from driftflow.planning.plan import Plan, build_plan, digest, hold_to_timeouts
from driftflow.planning.settings import resolve_flags
from driftflow.planning.uses import File, flatten, is_too_large, list_asked, make_file
from driftflow.planning.values import (
    Facts,
    evaluate,
    evaluate_output,
    find_unavailable,
    list_unavailable,
    write,
)


def file(*steps: dict[str, Any], uses: dict[int, File | None] | None = None, **fields: Any) -> File:
    """A file with these steps; a step without `use` is given an action."""
    named: list[Any] = [step if "use" in step else {"action": "echo", **step} for step in steps]
    return make_file("x.json", {"name": "x", "steps": named, **fields}, uses or {})


def use(name: str, **fields: Any) -> dict[str, Any]:
    """A use step."""
    return {"name": name, "use": "./x.json", **fields}


def flat_steps(outermost: File) -> dict[str, dict[str, Any]]:
    """The steps of the flat config, by name."""
    return {step["name"]: step for step in flatten(outermost).document["steps"]}


def plan_of(outermost: File, **params: Any) -> Plan:
    """Its plan."""
    flat = flatten(outermost)
    graph = Graph(flat.document, flat.groups)
    return build_plan(outermost.value, graph, resolve_flags({}, ""), None, params, flat=flat)


def after(plan: Plan) -> dict[str, list[str]]:
    """What each step comes after."""
    return {step.name: [plan.steps[index].name for index in step.before] for step in plan.steps}


CHAIN = file({"name": "fetch"}, {"name": "clean", "input": {"from": "fetch"}})


def test_a_config_that_uses_no_file_stays_as_it_is() -> None:
    """Its steps are the very same objects."""
    outermost = file({"name": "a", "input": {"param": "x"}}, {"name": "b", "after": ["a"]})
    flat = flatten(outermost)
    assert flat.document == outermost.value
    assert flat.document["steps"][0] is outermost.value["steps"][0]
    assert (flat.groups, flat.outputs, flat.secret) == ({}, [], set())


def test_names_of_steps_have_the_prefix_in_every_form_of_reference() -> None:
    """And nothing else has: no literal, no data that looks like one, no fact about the run."""
    given = [
        {"from": "a"},
        {"from": ["a", "b"]},
        {"from": {"step": "a", "at": "/a", "default": {"from": "b"}}},
        {"from": {"steps": ["b"], "missing": "omit"}},
        {"concat": ["a", {"from": "a"}]},
        {"literal": {"from": "a"}},
        {"run": "/name"},
        {"from": "a", "to": "b"},
        "a",
    ]
    when = {"value": {"from": "a"}, "is": {"const": "a"}}
    inner = file(
        {"name": "a"}, {"name": "b"}, {"name": "c", "input": given, "when": when, "after": ["b"]}
    )
    step = flat_steps(file(use("p"), uses={0: inner}))["p/c"]
    assert step["input"] == [
        {"from": "p/a"},
        {"from": ["p/a", "p/b"]},
        {"from": {"step": "p/a", "at": "/a", "default": {"from": "p/b"}}},
        {"from": {"steps": ["p/b"], "missing": "omit"}},
        {"concat": ["a", {"from": "p/a"}]},
        {"literal": {"from": "a"}},
        {"run": "/name"},
        {"from": "a", "to": "b"},
        "a",
    ]
    assert step["when"] == {"value": {"from": "p/a"}, "is": {"const": "a"}}
    assert step["after"] == ["p/b"]
    assert inner.value["steps"][2]["input"] == given, "nothing was changed in the file"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"x": "day"}, {"literal": "day"}),
        ({"x": {"plain": ["data"]}}, {"literal": {"plain": ["data"]}}),
        ({"x": {"literal": {"from": "s"}}}, {"literal": {"from": "s"}}),
        ({"x": {"from": "s"}}, {"from": "s"}),
        ({"x": {"param": "y"}}, {"param": "y"}),
        ({"x": [{"param": "y", "default": 1}, 2]}, [{"param": "y", "default": 1}, 2]),
    ],
)
def test_a_parameter_is_what_the_use_step_gives(given: Any, wanted: Any) -> None:
    """Data as a literal, references as they are."""
    inner = file({"name": "a", "input": [{"param": "x"}]})
    outermost = file({"name": "s"}, use("p", params=given), uses={1: inner})
    assert flat_steps(outermost)["p/a"]["input"] == [wanted]


@pytest.mark.parametrize(
    ("declared", "reference", "wanted"),
    [
        ({"params": {"x": {"default": {"from": "a"}}}}, {}, {"literal": {"from": "a"}}),
        ({}, {"default": 5}, {"literal": 5}),
        ({}, {"default": {"from": "a"}}, {"from": "p/a"}),
    ],
)
def test_a_parameter_that_is_not_given_is_its_default(
    declared: Any, reference: Any, wanted: Any
) -> None:
    """A declared one is data; one beside the reference may be one itself."""
    inner = file({"name": "a"}, {"name": "b", "input": {"param": "x", **reference}}, **declared)
    assert flat_steps(file(use("p"), uses={0: inner}))["p/b"]["input"] == wanted


def test_a_file_comes_after_what_its_use_step_comes_after_and_before_what_follows() -> None:
    """With as few edges as say that: its first steps, and its last."""
    outermost = file(
        {"name": "start"},
        {"name": "read"},
        use("p", after=["start"], params={"unused": {"from": "read"}}),
        {"name": "end", "after": ["p"]},
        uses={2: CHAIN},
    )
    assert after(plan_of(outermost)) == {
        "read": [],
        "start": [],
        "p/fetch": ["read", "start"],
        "p/clean": ["p/fetch"],
        "end": ["p/clean"],
    }


def test_what_comes_after_a_file_without_steps_comes_after_what_that_comes_after() -> None:
    """Also if it is used within a file."""
    empty = file()
    inner = file(
        use("none", after=["x"]), {"name": "x"}, {"name": "y", "after": ["none"]}, uses={0: empty}
    )
    outermost = file(
        {"name": "a"},
        use("p", after=["a"]),
        use("q", after=["p"]),
        {"name": "b", "after": ["q"]},
        uses={1: empty, 2: inner},
    )
    assert after(plan_of(outermost)) == {"a": [], "q/x": ["a"], "q/y": ["q/x"], "b": ["q/y"]}


def test_files_in_files_have_all_their_prefixes() -> None:
    """And parameters are handed on through them."""
    innermost = file({"name": "c", "input": {"param": "z"}}, output={"from": "c"})
    inner = file(
        use("q", params={"z": {"concat": [{"param": "y"}, "!"]}}),
        {"name": "b", "input": {"from": "q"}},
        uses={0: innermost},
        output=[{"from": "q"}, {"from": "q/c"}],
    )
    outermost = file(use("p", params={"y": {"param": "x"}}), uses={0: inner})
    assert inner.names == {"q": True, "q/c": True, "b": True}
    assert outermost.names == {"p": True, "p/q": True, "p/q/c": True, "p/b": True}
    flat = flatten(outermost)
    assert [step["name"] for step in flat.document["steps"]] == ["p/q/c", "p/b"]
    assert flat.document["steps"][0]["input"] == {"concat": [{"param": "x"}, "!"]}
    assert flat.document["steps"][1]["input"] == {"from": "p/q"}
    assert flat.groups == {"p/q": (0,), "p": (0, 1)}
    assert flat.outputs == [("p/q", {"from": "p/q/c"}), ("p", [{"from": "p/q"}, {"from": "p/q/c"}])]


def test_an_output_stands_behind_those_that_it_refers_to() -> None:
    """Whatever the order of the file is."""
    inner = file({"name": "a"}, output={"param": "x"})
    outermost = file(
        use("late", params={"x": {"from": "soon"}}),
        use("soon", params={"x": 1}),
        uses={0: inner, 1: inner},
    )
    assert [name for name, _ in flatten(outermost).outputs] == ["soon", "late"]
    plan = plan_of(
        file(*outermost.value["steps"], uses={0: inner, 1: inner}, output={"from": "late"})
    )
    assert evaluate(plan.output[0], Facts({})) == 1


FILE_WITH_OUTPUT = file(
    {"name": "a"}, {"name": "b"}, output={"a": {"from": "a"}, "b": [{"from": "b"}]}
)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("p", {"a": 1, "b": [None]}),
        (["p", "s"], [{"a": 1, "b": [None]}, 2]),
        ({"step": "p", "at": "/a"}, 1),
        ({"step": "p", "at": "/b/0", "default": 5}, None),
        ({"step": "p", "at": "/c", "default": {"from": "s"}}, 2),
        ({"step": "s", "at": "/c", "default": {"from": "p"}}, {"a": 1, "b": [None]}),
        ({"steps": ["p", "p/b", "s"], "missing": "omit"}, [{"a": 1, "b": [None]}, 2]),
    ],
)
def test_a_use_step_stands_for_the_output_of_its_file(given: Any, wanted: Any) -> None:
    """With null in place of what is not there, in every form of reference."""
    reader = {"name": "reader", "input": {"from": given}}
    plan = plan_of(file(use("p"), {"name": "s"}, reader, uses={0: FILE_WITH_OUTPUT}))
    (step,) = (each for each in plan.steps if each.name == "reader")
    facts = Facts({"p/a": 1, "s": 2, "more": 3})
    assert evaluate(step.input, facts) == wanted
    assert not [*list_unavailable(step.input, facts)]
    also_read = {"s"} if '"s"' in json.dumps(given) else set()
    assert {*step.reads} == {"p/a", "p/b"} | also_read
    assert {*step.reads} <= {*after(plan)["reader"]}, "it comes after all that it reads"


def test_a_missing_place_in_the_output_of_a_file_fails_its_reader() -> None:
    """As it does in that of a step."""
    reader = {"name": "reader", "input": {"from": {"step": "p", "at": "/c"}}}
    plan = plan_of(file(use("p"), reader, uses={0: FILE_WITH_OUTPUT}))
    (reason,) = list_unavailable(plan.steps[-1].input, Facts({"p/a": 1}))
    assert reason.reason == "from 'p': no place /c"


def test_the_worst_of_several_reasons_counts_in_a_default_too() -> None:
    """What reads a step that failed and one that was skipped has failed."""
    default = [{"from": "skipped"}, {"from": "failed"}]
    reader = {"name": "z", "input": {"from": {"step": "p", "at": "/c", "default": default}}}
    steps = (use("p"), {"name": "skipped"}, {"name": "failed"}, reader)
    plan = plan_of(file(*steps, uses={0: FILE_WITH_OUTPUT}))
    facts = Facts({"p/a": 1}, {"skipped"})
    found = find_unavailable(plan.steps[-1].input, facts)
    assert found is not None
    assert found.reason == "from 'failed', which failed"


def test_the_output_of_the_workflow_may_name_a_file_beside_a_step_that_has_none() -> None:
    """That is null at its own place."""
    steps = (use("p"), {"name": "s"})
    plan = plan_of(file(*steps, uses={0: FILE_WITH_OUTPUT}, output={"from": ["s", "p"]}))
    assert evaluate_output(plan.output[0], Facts({"p/a": 1})) == [None, {"a": 1, "b": [None]}]


@pytest.mark.parametrize(
    ("output", "given"),
    [
        ({"run": "/id"}, "p"),
        (1, {"step": "p", "at": "/x", "default": {"run": "/id"}}),
        ([{"from": "a"}, {"concat": [{"run": "/id"}]}], ["p"]),
    ],
)
def test_what_reads_the_id_of_the_run_through_a_file_has_no_key(output: Any, given: Any) -> None:
    """And the run has an ID."""
    reader = {"name": "z", "input": {"from": given}}
    plan = plan_of(file(use("p"), reader, uses={0: file({"name": "a"}, output=output)}))
    assert [step.has_key for step in plan.steps] == [True, False]
    assert plan.asks_for_id


def test_values_that_are_handed_on_are_not_nested_without_end() -> None:
    """Neither in parameters nor in outputs; beside each other they may be as many as they like."""

    def nest(value: Any, levels: int) -> Any:
        for _ in range(levels):
            value = [value]
        return value

    inner = file({"name": "a", "input": nest({"param": "x"}, 60)}, output=nest({"from": "a"}, 60))
    for levels, is_deep in ((67, False), (68, True)):
        outermost = file(use("p", params={"x": nest({"run": "/id"}, levels)}), uses={0: inner})
        assert is_too_large(flatten(outermost)) is is_deep
        reader = {"name": "z", "input": nest({"from": "p"}, levels - 1)}
        outermost = file(use("p", params={"x": 1}), reader, uses={0: inner})
        assert is_too_large(flatten(outermost)) is is_deep
    steps = [
        use(f"p{number}", params={"x": {"from": f"p{number - 1}"}}) for number in range(1, 300)
    ]
    chain = file(use("p0", params={"x": 1}), *steps, uses=dict.fromkeys(range(300), inner))
    assert not is_too_large(flatten(chain))
    handed_on = file({"name": "a"}, output=[{"param": "x"}])
    chain = file(use("p0", params={"x": 1}), *steps, uses=dict.fromkeys(range(300), handed_on))
    assert is_too_large(flatten(chain))


@pytest.mark.parametrize("kind", ["list", "string", "output"])
def test_values_that_are_handed_on_do_not_multiply_without_end(kind: str) -> None:
    """What is ten times in one that is ten times in one ... is told as too large at once."""

    def repeat(value: Any) -> Any:
        return {"concat": [value] * 10} if kind == "string" else [value] * 10

    def chain(length: int) -> File:
        if kind == "output":
            found = file(output=repeat(1))
            for _ in range(length):
                found = file(use("p"), output=repeat({"from": "p"}), uses={0: found})
            return file(use("p"), {"name": "z", "input": {"from": "p"}}, uses={0: found})
        found = file({"name": "a", "input": {"param": "x"}})
        for _ in range(length):
            found = file(use("p", params={"x": repeat({"param": "x"})}), uses={0: found})
        return file(use("p", params={"x": "y"}), uses={0: found})

    assert not is_too_large(flatten(chain(3)))
    assert is_too_large(flatten(chain(15)))


def test_another_output_of_the_file_is_another_input() -> None:
    """So a step that reads it is not kept, and the digest of the plan is another one."""

    def plan(output: Any) -> Plan:
        reader = {"name": "reader", "input": [{"from": "p"}]}
        return plan_of(file(use("p"), reader, uses={0: file({"name": "a"}, output=output)}))

    one, other = plan({"from": "a"}), plan([{"from": "a"}])
    assert write(one.steps[-1].input) != write(other.steps[-1].input)
    assert digest(one) != digest(other)
    assert digest(one) == digest(plan({"from": "a"}))


def test_each_step_is_tried_as_its_own_file_says() -> None:
    """Unless it says so itself; an optional one is tried once."""
    inner = file(
        {"name": "a"},
        {"name": "b", "max_attempts": 5, "backoff": {"delay_seconds": 7}},
        {"name": "c", "optional": True},
        max_attempts=3,
        timeout_seconds=20,
    )
    outermost = file(
        use("p"), {"name": "z"}, uses={0: inner}, max_attempts=2, backoff={"delay_seconds": 9}
    )
    plan = plan_of(outermost)
    delays = [step.policy.backoff and step.policy.backoff.delay_seconds for step in plan.steps]
    assert [step.name for step in plan.steps] == ["p/a", "p/b", "p/c", "z"]
    assert [step.policy.max_attempts for step in plan.steps] == [3, 5, 1, 2]
    assert delays == [None, 7, None, 9]
    assert [step.policy.timeout_seconds for step in plan.steps] == [None] * 4
    assert plan.timeouts == (20, 20, 20, 10)


def test_the_timeouts_of_files_become_those_of_their_steps() -> None:
    """Where they are enforced; a step that has one of its own keeps it."""
    inner = file({"name": "a"}, {"name": "b", "timeout_seconds": 7}, timeout_seconds=20)
    plan = hold_to_timeouts(plan_of(file(use("p"), {"name": "z"}, uses={0: inner})))
    assert [step.policy.timeout_seconds for step in plan.steps] == [20, 7, 10]
    alone = workflows.plan({})
    assert hold_to_timeouts(alone) is alone


def test_a_parameter_of_a_sensitive_step_within_is_secret() -> None:
    """In the outermost file too; and no digest is made of a step that uses it."""
    innermost = file({"name": "c", "input": {"param": "z"}, "sensitive": True})
    inner = file(
        use("q", params={"z": {"param": "y"}}),
        {"name": "b", "input": {"param": "y"}, "when": {"value": {"param": "y"}, "is": True}},
        {"name": "d", "when": {"value": {"param": "other"}, "is": True}},
        uses={0: innermost},
    )
    given = {"y": {"param": "key"}, "other": 1}
    outermost = file(
        use("p", params=given), {"name": "a", "input": {"param": "key"}}, uses={0: inner}
    )
    assert [*map(set, (innermost.secrets, inner.secrets, outermost.secrets))] == [
        {"z"},
        {"y"},
        {"key"},
    ]
    plan = plan_of(outermost, key="hush")
    assert {step.name: step.has_key for step in plan.steps} == {
        "a": False,
        "p/b": False,
        "p/d": True,
        "p/q/c": False,
    }
    assert write(plan.params) == {"key": "[redacted]"}
    literal = file(use("p", params={"y": "hush", "other": 1}), uses={0: inner})
    assert [step.has_key for step in plan_of(literal).steps] == [False, True, False]
    assert [step.when and step.when.is_secret for step in plan_of(literal).steps] == [
        *(True, False, None),
    ]


@pytest.mark.parametrize("key", [{"param": "key"}, "hush"])
def test_a_secret_parameter_is_secret_in_the_output_of_a_file_too(key: Any) -> None:
    """Whether it is given or written; and in the output of a file that is handed that output."""
    inner = file({"name": "a", "input": {"param": "y"}, "sensitive": True}, output={"param": "y"})
    other = file({"name": "b", "input": {"param": "z"}}, output=[{"param": "z"}])
    reader = {"when": {"value": {"from": "q"}, "is": True}}
    plan = plan_of(
        file(
            use("q", params={"z": {"from": "p"}}),
            use("p", params={"y": key}),
            {"name": "c", "input": {"from": {"step": "p", "at": "/x"}}},
            {"name": "d", **reader},
            {"name": "e"},
            uses={0: other, 1: inner},
        ),
        key="hush",
    )
    assert {step.name for step in plan.steps if step.has_key} == {"e"}
    (condition,) = (step.when for step in plan.steps if step.when)
    assert condition.is_secret
    assert write(plan.params) == {"key": "[redacted]" if key != "hush" else "hush"}


def test_a_parameter_is_secret_if_a_sensitive_step_reads_an_output_that_uses_it() -> None:
    """As if it stood in the input of that step."""
    inner = file(output={"url": {"concat": ["db://", {"param": "y"}]}})
    middle = file(use("q", params={"y": {"param": "x"}}), output={"from": "q"}, uses={0: inner})
    outermost = file(
        use("p", params={"x": {"param": "key"}}),
        {"name": "a", "input": {"from": "p"}, "sensitive": True},
        {"name": "b", "input": {"param": "key"}},
        {"name": "c", "input": {"param": "other"}},
        uses={0: middle},
    )
    plan = plan_of(outermost, key="hush", other=1)
    assert {step.name: step.has_key for step in plan.steps} == {"a": False, "b": False, "c": True}
    assert write(plan.params) == {"key": "[redacted]", "other": 1}


def test_the_parameters_of_a_file_are_those_that_it_declares_or_uses() -> None:
    """One that has no default anywhere has to be given, if it is used."""
    declared = {"a": {}, "b": {"default": 1}, "unused": {}}
    given: list[Any] = [{"param": "a"}, {"param": "b"}]
    assert list_asked(file({"name": "s", "input": given}, params=declared)) == {
        "a": True,
        "b": False,
        "unused": False,
    }
    given = [{"param": "a"}, {"param": "a", "default": 1}, {"param": "b", "default": 1}]
    assert list_asked(file({"name": "s", "input": given})) == {"a": True, "b": False}


def test_names_that_several_have_are_known_as_such() -> None:
    """And those under an unreadable file may be anything."""
    twice = file({"name": "a"}, {"name": "a"})
    assert file(use("p"), uses={0: twice}).names == {"p": False, "p/a": None}
    assert file(use("p"), {"name": "p/b"}, uses={0: file({"name": "b"})}).names["p/b"] is None
    unknown = file(use("q"), uses={0: None})
    assert file(use("p"), use("r"), uses={0: unknown, 1: None}).unknown == ("p/q/", "r/")


@pytest.mark.parametrize(
    ("value", "step"), [*product([None, [], {}, 5], [None, 5, {}, {"use": 5}])]
)
def test_a_file_may_have_any_shape(value: Any, step: Any) -> None:
    """Then it has no steps, or some without names."""
    assert make_file("x", value, {}).names == {}
    assert make_file("x", {"steps": [step]}, {0: make_file("y", value, {})}).names == {}


def test_flat_steps_have_the_order_and_the_digest_of_a_config_that_says_the_same() -> None:
    """Where the names are the same, nobody can tell that there was a file."""
    inner = file(
        {"name": "fetch", "input": {"param": "day"}, "priority": 1},
        {"name": "clean", "input": {"from": "fetch"}, "priority": 5},
        max_attempts=1,
    )
    outermost = file(
        {"name": "z", "after": ["p"]},
        use("p", params={"day": {"param": "day"}}, after=["a"]),
        {"name": "a"},
        uses={1: inner},
    )
    by_hand = workflows.plan(
        {"name": "z", "after": ["p/clean"]},
        {"name": "p/fetch", "input": {"param": "day"}, "priority": 1, "after": ["a"]},
        {"name": "p/clean", "input": {"from": "p/fetch"}, "priority": 5},
        {"name": "a"},
        params={"day": "mo"},
    ).set(name="x")
    plan = plan_of(outermost, day="mo")
    assert [step.name for step in plan.steps] == ["a", "p/fetch", "p/clean", "z"]
    assert plan.steps == by_hand.steps
    assert digest(plan) == digest(by_hand)
