"""How references are written: what is one, what it names, and what is wrong with one in itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from support import workflows

from driftflow.planning.references import (
    FORMS,
    Known,
    Named,
    find_key,
    find_references,
    freeze,
    is_reference,
    list_output,
    list_params,
    list_steps,
    list_values,
    tell_subject,
)
from driftflow.planning.values import Literal, RunFact, freeze_data, write

if TYPE_CHECKING:
    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

KEYS = ("from", "param", "run", "concat", "literal", "item", "secret")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", ["a", ["a"], 5, None, {"step": "a"}, {}])
def test_each_key_alone_makes_a_reference(key: str, value: Json) -> None:
    """Whatever stands under it: a wrong reference is no data."""
    reference: dict[str, Json] = {key: value}
    assert is_reference(reference)
    assert find_key(reference) == key
    assert next(find_references([{"x": reference}])) == ((0, "x"), reference)


def test_no_other_key_makes_one() -> None:
    """All that there are have a row in the table, which is what everything else reads."""
    assert {*FORMS} == {*KEYS}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("other", [*KEYS, "default", "at", "key", ""])
def test_with_another_key_beside_it_an_object_is_data(key: str, other: str) -> None:
    """But for a parameter with its default, in any order."""
    if key == other:
        return
    is_one = {key, other} == {"param", "default"}
    pairs: list[dict[str, Json]] = [{key: "a", other: "b"}, {other: "b", key: "a"}]
    for pair in pairs:
        assert is_reference(pair) is is_one
        assert [path for path, _ in find_references(pair)] == ([()] if is_one else [])
        assert is_one or write(freeze(pair, Known({}, {}))) == pair
        assert not is_reference(pair | {"x": 1})
    if is_one:
        assert find_key({"default": "b", "param": "a"}) == "param"


@pytest.mark.parametrize("value", [{}, {"From": "a"}, {"default": 1}, {"default": 1, "x": 2}])
def test_what_has_none_of_the_keys_is_data(value: dict[str, Json]) -> None:
    """However much it looks like one."""
    assert not is_reference(value)
    assert [*find_references([value])] == []


# By reference, its faults: the path from its key, the message, the hint.
PARTS = "a JSON Pointer is empty, or a `/` before each part: `/rows/0/id`"
ESCAPES = "in a JSON Pointer, `~0` stands for `~` and `~1` for `/`"
FACTS = "the facts are `/id`, `/name` and `/params`"
TO_JOIN = "write a reference to such a value, or remove it"
JOIN = 'write `{"concat": ["in/", {"param": "day"}, ".csv"]}`'
FAULTS: list[tuple[dict[str, Json], list[tuple[JsonPath, str, str | None]]]] = [
    ({"from": "a"}, []),
    ({"from": ["a"]}, []),
    ({"from": {"step": "a"}}, []),
    ({"from": {"step": "a", "at": "", "default": None}}, []),
    ({"from": {"steps": [], "missing": "omit"}}, []),
    (
        {"from": {}},
        [
            (
                (),
                "`from` names no step",
                'write `{"from": {"step": "fetch", "at": "/rows/0"}}`',
            )
        ],
    ),
    (
        {"from": {"step": "a", "defualt": 1}},
        [(("defualt",), "unknown field `defualt` in `from`", "did you mean `default`?")],
    ),
    (
        {"from": {"step": "a", "missing": "omit"}},
        [
            (
                ("missing",),
                "unknown field `missing` in `from`",
                "the fields are `step`, `at` and `default`",
            )
        ],
    ),
    (
        {"from": {"steps": ["a"], "missing": "omit", "default": 1}},
        [
            (
                ("default",),
                "unknown field `default` in `from`",
                "the fields are `steps` and `missing`",
            )
        ],
    ),
    (
        {"from": {"step": "a", "at": "rows/0"}},
        [(("at",), "`at` is no JSON Pointer: `rows/0`", "write `/rows/0`")],
    ),
    (
        {"from": {"step": "a", "at": "$.rows"}},
        [(("at",), "`at` is no JSON Pointer: `$.rows`", PARTS)],
    ),
    (
        {"from": {"step": "a", "at": "rows[0]"}},
        [(("at",), "`at` is no JSON Pointer: `rows[0]`", PARTS)],
    ),
    (
        {"from": {"step": "a", "at": "/a~b"}},
        [
            (
                ("at",),
                "`at` is no JSON Pointer: `/a~b`",
                "in a JSON Pointer, `~0` stands for `~` and `~1` for `/`",
            )
        ],
    ),
    (
        {"from": {"step": "a", "at": ["rows", 0]}},
        [(("at",), "`at` must be a JSON Pointer, a string, not an array", None)],
    ),
    (
        {"from": {"step": "a", "at": None}},
        [(("at",), "`at` must be a JSON Pointer, a string, not null", None)],
    ),
    (
        {"from": {"steps": ["a"]}},
        [
            (
                (),
                '`from` with `steps` needs `"missing": "omit"`',
                'for the outputs of all, write `{"from": ["a", "b"]}`',
            )
        ],
    ),
    (
        {"from": {"steps": ["a"], "missing": "null"}},
        [
            (
                ("missing",),
                '`from` with `steps` needs `"missing": "omit"`',
                'for the outputs of all, write `{"from": ["a", "b"]}`',
            )
        ],
    ),
    (
        {"from": {"steps": "a", "missing": "omit"}},
        [(("steps",), "`steps` must be an array of names, not a string", None)],
    ),
    (
        {"from": {"at": 5, "x": 1}},
        [
            (("x",), "unknown field `x` in `from`", "the fields are `step`, `at` and `default`"),
            ((), "`from` names no step", 'write `{"from": {"step": "fetch", "at": "/rows/0"}}`'),
            (("at",), "`at` must be a JSON Pointer, a string, not an integer", None),
        ],
    ),
    ({"param": "a"}, []),
    ({"param": "a", "default": {"from": 5}}, []),  # that has a fault of its own
    ({"param": 1}, [((), "`param` must be the name of a parameter, not an integer", None)]),
    ({"param": None}, [((), "`param` must be the name of a parameter, not null", None)]),
    ({"run": "/id"}, []),
    ({"run": "/name"}, []),
    ({"run": "/params"}, []),
    ({"run": "/params/a~1b/0"}, []),
    ({"run": "id"}, [((), "`run` is no JSON Pointer: `id`", "write `/id`")]),
    ({"run": "a~"}, [((), "`run` is no JSON Pointer: `a~`", ESCAPES)]),
    ({"run": 1}, [((), "`run` must be a JSON Pointer, a string, not an integer", None)]),
    ({"run": ""}, [((), "there is no fact about the run at ``", FACTS)]),
    ({"run": "/"}, [((), "there is no fact about the run at `/`", FACTS)]),
    (
        {"run": "/naem"},
        [((), "there is no fact about the run at `/naem`", "did you mean `/name`?")],
    ),
    (
        {"run": "/id/0"},  # which is a string
        [((), "there is no fact about the run at `/id/0`", "did you mean `/id`?")],
    ),
    ({"concat": []}, []),
    ({"concat": ["a", 1, 1.5, True, {"from": "a"}, {"literal": []}]}, []),
    (
        {"concat": "a"},
        [((), "`concat` must be an array, not a string", JOIN)],
    ),
    (
        {"concat": ["a", None, [], {"from": "a", "x": 1}, {}]},
        [
            ((1,), "`concat` joins strings, numbers and booleans, not null", TO_JOIN),
            ((2,), "`concat` joins strings, numbers and booleans, not an array", TO_JOIN),
            ((3,), "`concat` joins strings, numbers and booleans, not an object", TO_JOIN),
            ((4,), "`concat` joins strings, numbers and booleans, not an object", TO_JOIN),
        ],
    ),
    ({"literal": {"from": 5}}, []),
    ({"item": ""}, [((), "`item` is reserved for a later version", None)]),
    ({"secret": "db"}, [((), "`secret` is reserved for a later version", None)]),
]


@pytest.mark.parametrize(("reference", "faults"), FAULTS)
def test_what_is_wrong_with_a_reference_in_itself_is_told(
    reference: dict[str, Json], faults: list[tuple[JsonPath, str, str | None]]
) -> None:
    """Each fault at its path from the key, with what to do; and it is noted that there is one."""
    key = find_key(reference)
    assert [*FORMS[key].find_faults(reference[key])] == faults
    named = Named()
    named.scan([{"x": reference}])
    assert named.has_faults == bool(faults)


NOT_FAULTS_OF_SHAPE: list[Json] = [5, None, "x", "", [], ["a", 5], {}, {"step": 5}, {"steps": [5]}]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("given", NOT_FAULTS_OF_SHAPE)
def test_a_reference_of_any_shape_can_be_looked_at(key: str, given: Json) -> None:
    """All that the table has to say of it; each path leads to a place, names and parts, too."""
    form = FORMS[key]
    reference: dict[str, Any] = {key: given}
    places = [
        *form.list_names(given),
        *((path[1:], part) for path, part in form.list_parts(reference)),
    ]
    places += [(path, None) for path, _, _ in form.find_faults(given)]
    for path, thing in places:
        place: Any = given
        for part in path:
            place = place[part]
        assert thing is None or place is thing


@pytest.mark.parametrize(
    ("reference", "names"),
    [
        ({"from": "a"}, [((), "a")]),
        ({"from": ["a", 5]}, [((0,), "a"), ((1,), 5)]),
        ({"from": []}, []),
        ({"from": 5}, [((), 5)]),
        ({"from": None}, [((), None)]),
        ({"from": {"step": "a", "at": "/b", "default": "c"}}, [(("step",), "a")]),
        ({"from": {"step": ["a"]}}, [(("step",), ["a"])]),
        ({"from": {"at": "/b"}}, []),
        (
            {"from": {"steps": ["a", None], "missing": "omit"}},
            [(("steps", 0), "a"), (("steps", 1), None)],
        ),
        ({"from": {"steps": "a"}}, []),
        ({"from": {"steps": ["a"], "step": "b"}}, [(("steps", 0), "a")]),
        ({"param": "a"}, []),
        ({"run": "/id"}, []),
        ({"concat": ["a"]}, []),
        ({"literal": {"from": "a"}}, []),
    ],
)
def test_what_stands_for_names_of_steps_is_listed(
    reference: dict[str, Json], names: list[tuple[JsonPath, Json]]
) -> None:
    """With the path from the key, be it one or not."""
    key = find_key(reference)
    assert [*FORMS[key].list_names(reference[key])] == names
    named = Named()
    named.scan(reference)
    assert named.steps == [name for _, name in names]


NESTED: Json = [
    {"a": {"from": "x"}, "b": {"literal": {"from": "y"}}},
    {"param": "p", "default": [{"from": ["z", 5]}]},
    {"from": None, "to": [{"param": "q"}]},
    {"from": {"step": "s", "at": "/a", "default": {"concat": ["-", {"run": "/params/r"}]}}},
    {"concat": [{"from": {"steps": ["t", "u"], "missing": "omit"}}, {"param": "v"}]},
    {"run": "/id"},
    {"literal": [{"param": "n"}, {"run": "/name"}]},
    {"run": "/id", "x": {"concat": [{"from": "w"}]}},
]


def test_names_are_found_without_their_paths() -> None:
    """Those in a default and in a part too; none in a literal.

    References to parameters are found as they are, and facts by their pointers.
    """
    named = Named()
    named.scan(NESTED)
    assert named.steps == [*"xz", 5, *"stuw"]
    assert named.params == [
        {"param": "p", "default": [{"from": ["z", 5]}]},
        {"param": "q"},
        {"param": "v"},
    ]
    assert named.facts == ["/params/r", "/id"]
    assert not named.has_faults


def test_every_reference_is_found_with_its_path() -> None:
    """Those in a default and in a part too, behind the one that has it; none in a literal."""
    found = [*find_references(NESTED, ("input",))]
    for path, reference in found:
        place: Any = {"input": NESTED}
        for part in path:
            place = place[part]
        assert place is reference
    assert [(path[1:], find_key(reference)) for path, reference in found] == [
        ((0, "a"), "from"),
        ((0, "b"), "literal"),
        ((1,), "param"),
        ((1, "default", 0), "from"),
        ((2, "to", 0), "param"),
        ((3,), "from"),
        ((3, "from", "default"), "concat"),
        ((3, "from", "default", "concat", 1), "run"),
        ((4,), "concat"),
        ((4, "concat", 0), "from"),
        ((4, "concat", 1), "param"),
        ((5,), "run"),
        ((6,), "literal"),
        ((7, "x"), "concat"),
        ((7, "x", "concat", 0), "from"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": {"step": "a", "default": {"run": "/x"}}},
        {"param": "p", "default": [{"concat": 5}]},
        {"concat": [{"from": {}}]},
        [[{"x": {"param": 5}}]],
    ],
)
def test_a_fault_is_noted_wherever_it_stands(wrong: Json) -> None:
    """In a default, in a part, at any depth; not in a literal. What is wrong asks for nothing."""
    named = Named()
    named.scan([wrong])
    assert named.has_faults
    assert 5 not in [reference["param"] for reference in named.params]
    assert named.facts == []
    named = Named()
    named.scan({"literal": wrong})
    assert not named.has_faults


@given(workflows.values)
def test_a_value_of_any_shape_can_be_searched(value: Json) -> None:
    """A value has no references unless it holds one."""
    named = Named()
    named.scan([value, {"literal": value}])
    assert (named.steps, named.params, named.facts, named.has_faults) == ([], [], [], False)
    assert [path for path, _ in find_references(value)] == []
    for key in KEYS:
        Named().scan([{key: value}])
        assert next(path for path, _ in find_references([{key: value}])) == (0,)
    named = Named()
    named.scan([value, {"from": value}])
    if not isinstance(value, dict):
        assert named.steps == (value if isinstance(value, list) else [value])


KNOWN = Known({"p": {"from": "a"}}, {"name": "w", "params": {"p": {"from": "a"}, "q": [5]}})


@pytest.mark.parametrize(
    ("written", "frozen"),
    [
        ({"param": "p"}, Literal(freeze_data({"from": "a"}))),
        ({"param": "p", "default": 5}, Literal(freeze_data({"from": "a"}))),
        ({"param": "x", "default": 5}, Literal(5)),
        ({"param": "x", "default": {"run": "/name"}}, Literal("w")),
        ({"run": "/name"}, Literal("w")),
        ({"run": "/params/p"}, Literal(freeze_data({"from": "a"}))),
        ({"run": "/params/q/0"}, Literal(5)),
        ({"run": "/params/x"}, RunFact("/params/x")),
        ({"run": "/id"}, RunFact("/id")),
    ],
)
def test_what_is_known_beforehand_counts_as_data(written: Json, frozen: Any) -> None:
    """Nothing after the loader looks for a reference in what an operator gives."""
    assert freeze(written, KNOWN) == frozen


@pytest.mark.parametrize(
    ("step", "params"),
    [
        ({}, set()),
        ({"input": {"param": "a"}}, {"a"}),
        ({"input": [{"param": "a", "default": {"param": "b"}}]}, {"a", "b"}),
        (
            {"when": {"value": {"param": "a"}, "is": {"param": "b"}}, "input": {"param": "c"}},
            {*"ac"},
        ),
        ({"input": {"run": "/params/a"}}, {"a"}),
        ({"input": {"run": "/params/a~1b/0"}}, {"a/b"}),
        ({"input": {"concat": [{"run": "/params"}, {"param": "a"}]}}, {"a", "*"}),
        ({"input": [{"run": "/id"}, {"run": "/name"}, {"literal": {"param": "a"}}]}, set()),
        ({"input": {"from": {"step": "a", "default": {"param": "b"}}}}, {"b"}),
    ],
)
def test_the_parameters_of_a_step_are_known(step: dict[str, Json], params: set[str]) -> None:
    """Of its condition and its input, in whatever way it uses them; a `*` if it uses all."""
    assert list_params(step) == params


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ({"param": "mode"}, "mode"),
        ({"param": "mode", "default": 5}, "mode"),
        ({"run": "/params/mode"}, "mode"),
        ({"run": "/name"}, "name"),
        ({"from": "fetch"}, "fetch"),
        ({"from": {"step": "fetch"}}, "fetch"),
        ({"from": {"step": "fetch", "at": ""}}, "fetch"),
        ({"from": {"step": "fetch", "at": "/rows/0", "default": 1}}, "fetch at /rows/0"),
        ({"from": ["a", "b"]}, "the value"),
        ({"from": {"steps": ["a"], "missing": "omit"}}, "the value"),
        ({"concat": ["a"]}, "the value"),
        ({"literal": 5}, "the value"),
        ({"from": "a", "to": "b"}, "the value"),
        ([{"param": "mode"}], "the value"),
        ("mode", "the value"),
    ],
)
def test_a_value_is_called_by_what_it_refers_to(value: Json, subject: str) -> None:
    """If it is just one thing."""
    assert tell_subject(value) == subject


@given(workflows.values)
def test_the_steps_of_a_document_of_any_shape_are_listed(value: Json) -> None:
    """In their order; one that is no object has no fields."""
    step = value if isinstance(value, dict) else {}
    assert list_steps({"steps": [1, value, {"name": "a"}]}) == [{}, step, {"name": "a"}]
    documents: list[Json] = [{"x": value}, {"steps": {"a": value}}, [{"steps": [value]}], "steps"]
    for document in documents:
        assert list_steps(document) == []


@given(workflows.values)
def test_the_values_of_a_step_of_any_shape_are_listed(value: Json) -> None:
    """What its condition judges, then its input; and the output of a document."""
    assert list_values({"input": value, "when": {"is": 1, "value": value}, "x": {"from": "a"}}) == [
        (("when", "value"), value),
        (("input",), value),
    ]
    assert list_values({"when": [value], "after": value, "returns": {"value": value}}) == []
    assert list_values({"when": {"is": value}}) == []
    assert list_output({"output": value}) == [(("output",), value)]
    assert list_output({"steps": value}) == list_output(["output"]) == list_output("output") == []
