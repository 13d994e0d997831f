"""Values of a plan: data and references, frozen, evaluated, and written as they were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.planning.plan import digest
from driftflow.planning.references import Known, freeze
from driftflow.planning.values import (
    Facts,
    FromStep,
    FrozenObject,
    Literal,
    Missing,
    Part,
    Present,
    RunFact,
    UnavailableError,
    evaluate,
    find_references,
    find_unavailable,
    freeze_data,
    list_reads,
    list_unavailable,
    write,
)

if TYPE_CHECKING:
    from driftflow.reading.document import Json

NESTED: Json = {"zone": "eu", "day": [1, {"b": None, "a": [True, 2.5]}], "": {}}
NOTHING_KNOWN = Known({}, {})


def frozen(written: Json, params: dict[str, Json] | None = None) -> Any:
    """A value as it is in a plan, if only these parameters are known beforehand."""
    return freeze(written, Known(params or {}, {}))


@given(workflows.values)
def test_writing_undoes_freezing(value: Json) -> None:
    """Types and the order of keys included; in data, also of what looks like references."""
    documents: list[Json] = [value, {"from": value}, [{"param": value}], {"literal": value}]
    for held in documents:
        assert repr(write(freeze_data(held))) == repr(held)
        assert repr(evaluate(freeze_data(held), Facts({}))) == repr(held)


def test_a_frozen_object_keeps_the_order_of_its_keys() -> None:
    """A PMap would not: its order changes with the hash seed."""
    value = freeze_data(NESTED)
    assert isinstance(value, FrozenObject)
    assert [key for key, _ in value.members] == ["zone", "day", ""]


OUTPUTS: dict[str, Json] = {
    "a": [1],
    "b": "text",
    "c": None,
    "rows": {"rows": [{"id": 7}, None], "a/b": {"": "deep"}, "none": None},
}
FACTS = Facts(OUTPUTS, {"skipped"}, {"id": "r1", "more": [1]})


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ({"from": "a"}, [1]),
        ({"from": "c"}, None),
        ({"from": ["b"]}, ["text"]),
        ({"from": ["b", "a", "b"]}, ["text", [1], "text"]),
        ({"from": []}, []),
        ([{"x": {"from": "a"}}, {"from": "b"}], [{"x": [1]}, "text"]),
        ({"from": {"step": "a"}}, [1]),
        ({"from": {"step": "a", "at": ""}}, [1]),
        ({"from": {"step": "rows", "at": "/rows/0/id"}}, 7),
        ({"from": {"step": "rows", "at": "/a~1b/"}}, "deep"),
        ({"from": {"step": "rows", "at": "/rows/0"}}, {"id": 7}),
        ({"from": {"steps": ["b", "failed", "a", "skipped"], "missing": "omit"}}, ["text", [1]]),
        ({"from": {"steps": ["c", "b", "c"], "missing": "omit"}}, [None, "text", None]),
        ({"from": {"steps": ["failed", "skipped"], "missing": "omit"}}, []),
        ({"from": {"steps": [], "missing": "omit"}}, []),
        ({"run": "/id"}, "r1"),
        ({"run": "/more/0"}, 1),
        ({"param": "day"}, "2026-11-23"),
        ({"param": "none", "default": [1, "x"]}, [1, "x"]),
        ({"param": "none", "default": {"from": "b"}}, "text"),
        ({"param": "none", "default": {"from": {"step": "rows", "at": "/rows/0/id"}}}, 7),
        ({"param": "none", "default": {"param": "day"}}, "2026-11-23"),
        ({"param": "day", "default": {"from": "b"}}, "2026-11-23"),
        ({"concat": []}, ""),
        (
            {"concat": ["in/", {"param": "day"}, "-", {"from": "b"}, ".csv"]},
            "in/2026-11-23-text.csv",
        ),
        ({"concat": [{"concat": ["a", {"run": "/id"}]}, {"literal": "{}"}]}, "ar1{}"),
        ({"literal": {"from": "a"}}, {"from": "a"}),
        ({"literal": [{"literal": {"param": "x"}}]}, [{"literal": {"param": "x"}}]),
        ({"x": {"param": "odd"}}, {"x": {"from": "a"}}),
        ("{from}", "{from}"),
        ({"from": "a", "to": "b"}, {"from": "a", "to": "b"}),
        ({"concat": ["a"], "x": 1}, {"concat": ["a"], "x": 1}),
    ],
)
def test_an_attempt_is_given_what_the_references_name(written: Json, given: Json) -> None:
    """Data stands for itself, and so does what is given for a parameter."""
    params: dict[str, Json] = {"day": "2026-11-23", "odd": {"from": "a"}}
    assert evaluate(frozen(written, params), FACTS) == given


def part(step: str, at: str | None = None, **more: Json) -> Json:
    """A reference to a part of an output."""
    return {"from": {"step": step, **({} if at is None else {"at": at}), **more}}


@pytest.mark.parametrize(
    ("written", "given"),
    [
        (part("failed", default=5), 5),
        (part("skipped", default=None), None),
        (part("failed", "", default=5), 5),
        (part("failed", "/x", default=[{"y": [1]}]), [{"y": [1]}]),
        (part("rows", "/rows/2", default="none"), "none"),
        (part("rows", "/rows/0/id/x", default={"from": "b"}), "text"),
        (part("failed", default=part("rows", "/rows/0/id", default=5)), 7),
        (part("failed", default=part("skipped", default=part("a", "/1", default="last"))), "last"),
        (
            part("failed", default={"from": {"steps": ["skipped", "b"], "missing": "omit"}}),
            ["text"],
        ),
        (part("failed", default={"concat": ["x", {"run": "/id"}]}), "xr1"),
        (part("failed", default={"literal": {"from": "b"}}), {"from": "b"}),
        # A null is there.
        (part("c", default=5), None),
        (part("c", "", default=5), None),
        (part("rows", "/none", default=5), None),
        (part("rows", "/rows/1", default=5), None),
        # Nor is a default looked at that is not needed.
        (part("a", default={"from": "failed"}), [1]),
        (part("rows", "/none", default={"concat": [[]]}), None),
    ],
)
def test_a_default_stands_in_where_there_is_nothing(written: Json, given: Json) -> None:
    """Its references are evaluated then; it never replaces what is there, be it null."""
    value = frozen(written)
    assert evaluate(value, FACTS) == given
    assert find_unavailable(value, FACTS) is None


@pytest.mark.parametrize(
    ("written", "reason", "is_skip"),
    [
        ({"from": "failed"}, "from 'failed', which failed", False),
        ({"from": "skipped"}, "from 'skipped', which was skipped", True),
        ({"from": ["a", "skipped", "b"]}, "from 'skipped', which was skipped", True),
        ({"from": ["skipped", "failed", "bad"]}, "from 'failed', which failed", False),
        (part("failed"), "from 'failed', which failed", False),
        (part("failed", "/x"), "from 'failed', which failed", False),
        (part("skipped", "/x"), "from 'skipped', which was skipped", True),
        (part("rows", "/rows/2/id"), "from 'rows': no place /rows/2/id", False),
        (part("c", "/x"), "from 'c': no place /x", False),
        (part("failed", default={"from": "skipped"}), "from 'skipped', which was skipped", True),
        (part("skipped", default=part("a", "/1")), "from 'a': no place /1", False),
        ({"run": "/status"}, "from the run: no place /status", False),
        ({"concat": ["x", {"from": "skipped"}]}, "from 'skipped', which was skipped", True),
        (
            {"concat": [{"from": "a"}]},
            "has an array in `concat`: only strings, numbers and booleans can be joined",
            False,
        ),
        (
            {"x": [{"concat": ["x", {"from": "c"}]}]},
            "has null in `concat`: only strings, numbers and booleans can be joined",
            False,
        ),
        # A failure counts more than a skip, wherever it stands; of failures, the first.
        ([{"from": "skipped"}, {"from": "failed"}], "from 'failed', which failed", False),
        ({"x": {"from": "skipped"}, "y": part("a", "/9")}, "from 'a': no place /9", False),
        ({"concat": [{"from": "skipped"}, {"from": "bad"}]}, "from 'bad', which failed", False),
        (
            [{"concat": [{"from": "skipped"}, {"concat": [part("a", "/9")]}]}, {"from": "bad"}],
            "from 'a': no place /9",
            False,
        ),
        ([{"from": "bad"}, {"from": "failed"}], "from 'bad', which failed", False),
        (
            part("failed", default=[{"from": "skipped"}, {"from": "bad"}]),
            "from 'bad', which failed",
            False,
        ),
    ],
)
def test_what_cannot_be_evaluated_says_why(written: Json, reason: str, *, is_skip: bool) -> None:
    """What reads a step that failed and one that was skipped has failed."""
    value = frozen(written)
    with pytest.raises(UnavailableError):
        evaluate(value, FACTS)
    assert find_unavailable(value, FACTS) == Missing(reason, is_skip)


def test_every_reason_is_told_in_the_order_of_the_value() -> None:
    """Those in defaults that are not needed are none."""
    written: Json = [
        {"from": "skipped"},
        part("a", default={"from": "failed"}),
        {"x": part("failed", default={"from": "bad"})},
        {"literal": {"from": "bad"}},
        {"from": {"steps": ["bad"], "missing": "omit"}},
        {"from": "failed"},
    ]
    assert [each.reason for each in list_unavailable(frozen(written), FACTS)] == [
        "from 'skipped', which was skipped",
        "from 'bad', which failed",
        "from 'failed', which failed",
    ]
    assert find_unavailable(frozen([{"from": "a"}, 1, {"x": {"run": "/id"}}]), FACTS) is None


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        (["a", " ", 'q"', "\\", "é", "\n", "\udc00"], 'a q"\\é\n\udc00'),
        ([0, -1, 10**30], f"0-1{10**30}"),
        ([1.0, -0.0, 2.5, 1e16, 1e-7, 1e300], "1.0-0.02.51e+161e-071e+300"),
        ([True, False], "truefalse"),
        (["x", 1, True, 0.1], "x1true0.1"),
    ],
)
def test_what_is_joined_is_written_as_json_writes_it(parts: list[Json], joined: str) -> None:
    """But for strings, which stand as they are; whether they are data or an output."""
    assert evaluate(frozen({"concat": parts}), FACTS) == joined
    outputs = {str(place): each for place, each in enumerate(parts)}
    written: Json = {"concat": [{"from": name} for name in outputs]}
    assert evaluate(frozen(written), Facts(outputs)) == joined


@given(st.lists(st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)))
def test_a_number_in_a_string_is_that_of_the_document(numbers: list[Json]) -> None:
    """A program that reads it back has the same one."""
    joined = evaluate(frozen({"concat": numbers}), FACTS)
    assert joined == "".join(map(json.dumps, numbers))


@pytest.mark.parametrize("held", [None, [], {}, ["a"], {"a": 1}])
def test_only_what_has_one_way_to_be_written_is_joined(held: Json) -> None:
    """Whether it is an output, a part, or a parameter."""
    sources: list[Json] = [
        {"from": "held"},
        part("box", "/0"),
        {"param": "p"},
        part("x", default=held),
    ]
    for source in sources:
        value = frozen({"concat": ["a", source]}, {"p": held})
        with pytest.raises(UnavailableError, match="only strings, numbers and booleans"):
            evaluate(value, Facts({"held": held, "box": [held]}))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({"from": "a"}, {"from": "a"}),
        ([{"from": ["a"]}], [{"from": ["a"]}]),
        (part("a"), part("a")),
        (part("a", ""), part("a", "")),
        (part("a", "/x~1y"), part("a", "/x~1y")),
        (part("a", "/x", default=None), part("a", "/x", default=None)),
        (part("a", default={"from": "b"}), part("a", default={"from": "b"})),
        (part("a", default={"param": "day"}), part("a", default={"literal": "2026-11-23"})),
        (
            {"from": {"missing": "omit", "steps": ["a"]}},
            {"from": {"steps": ["a"], "missing": "omit"}},
        ),
        ({"run": "/id"}, {"run": "/id"}),
        ({"concat": ["x", {"from": "a"}, 1]}, {"concat": ["x", {"from": "a"}, 1]}),
        ({"concat": [{"param": "day"}]}, {"concat": [{"literal": "2026-11-23"}]}),
        ({"literal": {"from": "a"}}, {"literal": {"from": "a"}}),
        ({"path": {"param": "day"}}, {"path": {"literal": "2026-11-23"}}),
        ({"param": "none", "default": {"from": "a"}}, {"from": "a"}),
        ({"param": "none", "default": [1]}, {"literal": [1]}),
        ({"param": "odd"}, {"literal": {"from": "a"}}),
    ],
)
def test_a_plan_shows_references_and_the_values_of_parameters(written: Json, shown: Json) -> None:
    """So that what it shows would do the same, if it were the config; the digest sees that too."""
    params: dict[str, Json] = {"day": "2026-11-23", "odd": {"from": "a"}}
    value = frozen(written, params)
    assert write(value) == shown
    assert freeze(shown, NOTHING_KNOWN) == value
    steps = ({"name": "a"}, {"name": "b"})
    with_params = workflows.plan(*steps, {"input": written}, params=params)
    without = workflows.plan(*steps, {"input": shown})
    assert digest(with_params) == digest(without)


_names = st.sampled_from(["a", "b", "rows", "failed", "skipped"])
_pointers = st.sampled_from(["", "/", "/0", "/rows/0/id", "/rows/9", "/a~1b/", "/none"])
_leaves = (
    st.sampled_from([None, True, 0, 1.5, "", "x"])
    | st.builds(lambda name: {"from": name}, _names | st.lists(_names, max_size=3))
    | st.builds(lambda at: {"run": at}, st.sampled_from(["/id", "/more/0", "/status"]))
    | st.builds(
        lambda names: {"from": {"steps": names, "missing": "omit"}}, st.lists(_names, max_size=3)
    )
    | st.builds(lambda name, at: {"from": {"step": name, "at": at}}, _names, _pointers)
)
references: st.SearchStrategy[Any] = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "from", "y"]), inner, min_size=2)
        | st.builds(lambda parts: {"concat": parts}, st.lists(inner, max_size=3))
        | st.builds(lambda held: {"literal": held}, inner)
        | st.builds(
            lambda name, default: {"from": {"step": name, "default": default}}, _names, inner
        )
        | st.builds(
            lambda name, at, default: {"from": {"step": name, "at": at, "default": default}},
            *(_names, _pointers, inner),
        )
    ),
    max_leaves=6,
)


@given(references)
def test_what_is_written_means_the_same(written: Json) -> None:
    """Whatever it is made of: frozen again it is equal, and written again it is the same text."""
    value = freeze(written, NOTHING_KNOWN)
    shown = write(value)
    assert freeze(shown, NOTHING_KNOWN) == value
    assert repr(write(freeze(shown, NOTHING_KNOWN))) == repr(shown)


@given(references)
def test_a_value_can_be_evaluated_or_there_is_a_reason(written: Json) -> None:
    """One of both; and the reason is a skip only if no other is among them."""
    value = freeze(written, NOTHING_KNOWN)
    missing = find_unavailable(value, FACTS)
    reasons = [*list_unavailable(value, FACTS)]
    try:
        evaluate(value, FACTS)
    except UnavailableError:
        assert missing is not None
        assert missing.is_skip == all(reason.is_skip for reason in reasons)
    else:
        assert (missing, reasons) == (None, [])


@given(references)
def test_what_a_value_reads_is_all_that_it_needs(written: Json) -> None:
    """Without any other output it comes to the same; each reason names a step that it reads."""
    value = freeze(written, NOTHING_KNOWN)
    names = list_reads(value)
    assert len({*names}) == len(names)
    some = Facts({name: OUTPUTS[name] for name in names if name in OUTPUTS}, {"skipped"}, FACTS.run)
    assert outcome(value, some) == outcome(value, FACTS)


def outcome(value: Any, facts: Facts) -> Json:
    """What a value comes to, or why it does not."""
    try:
        return [evaluate(value, facts)]
    except UnavailableError as error:
        return error.missing.reason


def empty(value: Any) -> None:
    """Change a value at every depth."""
    for member in value.values() if isinstance(value, dict) else value:
        if isinstance(member, dict | list):
            empty(member)
    value.clear()


@given(references)
def test_what_is_evaluated_belongs_to_its_taker(written: Json) -> None:
    """Changing it changes no output, no fact, no other copy, and not what is frozen."""
    value = freeze([written, {"run": "/more"}, {"from": "a"}], NOTHING_KNOWN)
    outputs: Any = json.loads(json.dumps(OUTPUTS))
    facts = Facts(outputs, {"skipped"}, {"id": "r1", "more": [1]})
    try:
        first, second = evaluate(value, facts), evaluate(value, facts)
    except UnavailableError:
        return
    before = repr(second)
    empty(first)
    assert first == []
    assert repr(second) == before == repr(evaluate(value, facts))
    assert outputs == OUTPUTS


def test_an_output_that_is_read_twice_is_two() -> None:
    """In one input, too."""
    outputs: dict[str, Json] = {"a": [[1]]}
    given: Any = evaluate(
        frozen([{"from": ["a", "a"]}, part("a", "/0"), {"from": "a"}]), Facts(outputs)
    )
    empty(given[0][0])
    assert given == [[[], [[1]]], [1], [[1]]]
    assert outputs == {"a": [[1]]}


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        (part("big", "/small"), [[1]]),
        (part("big", "/rows/5"), [{"id": 5}]),
        (part("big", "/none", default=0), []),
        (part("gone", default=part("big", "/small")), [[1]]),
        ({"concat": [part("big", "/rows/7/id")]}, [7]),
        ({"run": "/small"}, [[2]]),
        ({"from": {"steps": ["gone", "other"], "missing": "omit"}}, ["x"]),
        ({"literal": part("big")}, []),
        ([part("big", "/small"), {"from": "other"}, part("big", "/small")], [[1], "x", [1]]),
    ],
)
def test_only_what_is_asked_for_is_copied(written: Json, taken: list[Json]) -> None:
    """A small part of a large output costs what the part costs."""
    seen: list[Any] = []

    def take(output: Json) -> Json:
        seen.append(output)
        return output

    big: Json = {"small": [1], "rows": [{"id": number} for number in range(1000)]}
    outputs: dict[str, Json] = {"big": big, "other": "x"}
    run: Json = {"big": big, "small": [2]}
    evaluate(frozen(written), Facts(outputs, (), run, take))
    assert seen == taken


def test_the_names_that_a_value_reads_are_known_beforehand() -> None:
    """Each once, in order; those in a default of a part, too.

    Not those in a literal, nor in the default of a parameter that is given.
    """
    written: Json = [
        {"from": ["b", "a"]},
        {"x": {"from": "b"}, "y": {"literal": {"from": "z"}}},
        {"param": "p", "default": {"from": "z"}},
        {"param": "q", "default": {"from": "c"}},
        part("d", default=[{"from": "e"}, part("f", default={"from": "g"})]),
        {"from": {"steps": ["h", "a"], "missing": "omit"}},
        {"concat": ["x", {"concat": [{"from": "i"}]}]},
        {"run": "/id"},
    ]
    assert list_reads(frozen(written, {"p": 1})) == (*"bacdefghi",)
    assert list_reads(frozen({"from": ["b", "a", "b"]})) == ("b", "a")
    assert list_reads(frozen({"from": "b"})) == ("b",)
    assert list_reads("b") == list_reads(None) == list_reads(frozen({"run": "/id"})) == ()


def test_a_step_knows_what_it_reads() -> None:
    """As the plan is built; most steps read one other, or none."""
    (step,) = workflows.plan({"input": {"from": "fetch"}}).steps
    assert step.reads == ("fetch",)
    assert step.input == FromStep(("fetch",), several=False)
    assert workflows.plan({}, {"input": [1]}).steps[1].reads == ()


def test_every_reference_of_a_value_is_found() -> None:
    """In its order, before those in its own parts; those in defaults only if they are asked for."""
    written: Json = [
        {"x": {"concat": [{"run": "/id"}, 1, {"from": "a"}]}},
        part("b", default=[{"from": "c"}]),
        {"literal": {"from": "d"}},
        {"from": {"steps": ["e"], "missing": "omit"}},
    ]
    concat, fact, a, b, c, literal, e = find_references(frozen(written))
    assert write(concat) == {"concat": [{"run": "/id"}, 1, {"from": "a"}]}
    assert (fact, a) == (RunFact("/id"), FromStep(("a",), several=False))
    assert isinstance(b, Part)
    assert c == FromStep(("c",), several=False)
    assert literal == Literal(freeze_data({"from": "d"}))
    assert e == Present(("e",))
    found = [*find_references(frozen(written), with_defaults=False)]
    assert found == [concat, fact, a, b, literal, e]
