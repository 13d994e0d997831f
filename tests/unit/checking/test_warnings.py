"""What loads but will surprise is told, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from support import workflows

from driftflow.actions.action import ACTIONS, Action, action
from driftflow.actions.registry import Actions, resolve_actions
from driftflow.checking import warnings
from driftflow.issues import Issue
from driftflow.planning.graph import Graph
from driftflow.schemas import explanation
from driftflow.schemas.published import load_schema

if TYPE_CHECKING:
    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

ADVICE = "check the spelling, or use a name that begins with `x-`, `_` or `//` for a note"
ODD = "did you mean `max_attempts`? (yours contains the non-ASCII character U+0430)"
FLAGS = "the flags are `audit`, `metrics` and `parallel`"
ACTIONS_ARE = (
    "the available actions are `echo`, `upper`, `lower` and `reverse`; `--actions` adds more"
)
FAILS = "the step will fail when it runs"
NOT_A_FIELD = "is not a DriftFlow field: it is ignored"
NOT_OF_A_STEP = "is not a DriftFlow step field: it is ignored"
NOT_A_FLAG = "is not a DriftFlow flag: it is ignored"
NOT_OF_STORAGE = "is not a DriftFlow storage field: it is ignored"


def find_warnings(document: Json, *given: Any) -> list[Issue]:
    """All warnings about a document."""
    return warnings.find_issues(Graph(document), *given)


def only(document: Json) -> Issue:
    """The one warning about a document."""
    (issue,) = find_warnings(document, ACTIONS)
    return issue


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        (("retries",), "DriftFlow ignores `retries`", "use `max_attempts`"),
        (
            ("steps", 0, "retries"),
            "DriftFlow ignores `retries`",
            "use `max_attempts`",
        ),
        (
            ("storage", "type"),
            "DriftFlow ignores `storage.type`",
            "only `storage.path` matters",
        ),
        (("max_atempts",), f"`max_atempts` {NOT_A_FIELD}", "did you mean `max_attempts`?"),
        (("timeout",), f"`timeout` {NOT_A_FIELD}", "did you mean `timeout_seconds`?"),
        (("retrys",), f"`retrys` {NOT_A_FIELD}", ADVICE),  # no hint to a field that is ignored
        (("tasks",), f"`tasks` {NOT_A_FIELD}", ADVICE),
        (("max_\u0430ttempts",), f"`max_\u0430ttempts` {NOT_A_FIELD}", ODD),
        (("owner",), f"`owner` {NOT_A_FIELD}", ADVICE),
        (("stepz",), f"`stepz` {NOT_A_FIELD}", ADVICE),
        (("audit",), f"`audit` {NOT_A_FIELD}", "it belongs in `flags`"),
        (("path",), f"`path` {NOT_A_FIELD}", "it belongs in `storage`"),
        (("optional",), f"`optional` {NOT_A_FIELD}", "it belongs in a step"),
        (("",), f"`` {NOT_A_FIELD}", ADVICE),
        (
            ("storage.path",),
            f"`storage.path` {NOT_A_FIELD}",
            "write `path` inside the object `storage`",
        ),
        (("a.b",), f"`a.b` {NOT_A_FIELD}", ADVICE),
        (("name.first",), f"`name.first` {NOT_A_FIELD}", ADVICE),
        (("k" * 100,), f"`{'k' * 80}…` {NOT_A_FIELD}", ADVICE),
        (("steps", 0, "prority"), f"`prority` {NOT_OF_A_STEP}", "did you mean `priority`?"),
        (("steps", 0, "unless"), f"`unless` {NOT_OF_A_STEP}", ADVICE),
        (("flags", "metric"), f"`metric` {NOT_A_FLAG}", "did you mean `metrics`?"),
        (("flags", "turbo"), f"`turbo` {NOT_A_FLAG}", FLAGS),
        (("storage", "Path"), f"`Path` {NOT_OF_STORAGE}", "did you mean `path`?"),
        (
            ("storage", "storage"),
            f"`storage` {NOT_OF_STORAGE}",
            "the only field is `path`",
        ),
        (("flags", "flags"), f"`flags` {NOT_A_FLAG}", FLAGS),
        (("flags", "steps"), f"`steps` {NOT_A_FLAG}", "it belongs at the top level"),
        (("steps", 0, "flags"), f"`flags` {NOT_OF_A_STEP}", "it belongs at the top level"),
        (("storage", "file"), f"`file` {NOT_OF_STORAGE}", "did you mean `path`?"),
        (("storage", "folder"), f"`folder` {NOT_OF_STORAGE}", "the only field is `path`"),
    ],
)
def test_a_field_that_is_ignored_is_told(path: JsonPath, message: str, hint: str) -> None:
    """At its key, whatever its value, with what was probably meant."""
    code = "unknown-flag" if path[0] == "flags" else "ignored-field"
    for value in (1, "text", None, {"name": 1}, [{"retries": 1}]):
        assert only(workflows.config_with(path, value)) == Issue(
            code, message, path, hint, mark="key"
        )


def test_what_stands_there_already_was_not_meant() -> None:
    """A second spelling of a field is a note."""
    document = workflows.config({"priority": 1, "prority": 2})
    assert only(document).hint == ADVICE


def test_parameters_count_only_with_a_file_that_is_used() -> None:
    """What stands behind the steps is still looked at."""
    config = workflows.config({"params": {}}) | {"flags": {"audits": True}, "retries": 2}
    assert [(i.code, i.path) for i in find_warnings(config, ACTIONS)] == [
        ("ignored-field", ("steps", 0, "params")),
        ("unknown-flag", ("flags", "audits")),
        ("ignored-field", ("retries",)),
    ]


@pytest.mark.parametrize("note", ["$schema", "//", "// why", "_", "_note", "x-", "x-owner"])
@pytest.mark.parametrize("path", [(), ("steps", 0), ("flags",), ("storage",)])
def test_a_note_is_never_warned_about(path: JsonPath, note: str) -> None:
    """At any level, whatever it holds."""
    for value in (None, {"prority": 1}, [1]):
        assert find_warnings(workflows.config_with((*path, note), value), ACTIONS) == []


@pytest.mark.parametrize("almost", ["x", "X-note", "/", "a_", "schema", "a$schema", "$schema2"])
def test_what_only_looks_like_a_note_is_warned_about(almost: str) -> None:
    """The mark stands in front."""
    assert only(workflows.config_with((almost,), 1)).code == "ignored-field"


@pytest.mark.parametrize(
    ("action", "shown", "hint"),
    [
        ("uper", "uper", "did you mean `upper`?"),
        ("ECHO", "ECHO", "did you mean `echo`?"),
        (
            "ech\u043e",
            "ech\u043e",
            "did you mean `echo`? (yours contains the non-ASCII character U+043E)",
        ),
        ("uppercase", "uppercase", "did you mean `upper`?"),
        ("read_csv", "read_csv", "add `--actions driftflow.packs.files` to use it"),
        ("command", "command", "add `--actions driftflow.packs.process` to use it"),
        ("page", "page", ACTIONS_ARE),
        ("os.system", "os.system", ACTIONS_ARE),
        ("p" * 81, "p" * 80 + "…", ACTIONS_ARE),
    ],
)
def test_an_unknown_action_is_told(action: str, shown: str, hint: str) -> None:
    """At its value, with what was probably meant or what there is."""
    document = workflows.config({}, {"action": action, "input": 1})
    message = f"unknown action `{shown}`: {FAILS}"
    assert only(document) == Issue("unknown-action", message, ("steps", 1, "action"), hint)


ALMOST = {"param": "day", "defalt": 1}


@pytest.mark.parametrize(
    ("value", "path", "hint"),
    [
        (ALMOST, ("defalt",), "did you mean `default`?"),
        ([ALMOST], (0, "defalt"), "did you mean `default`?"),
        ({"literal": 1, "x": ALMOST}, ("x", "defalt"), "did you mean `default`?"),
        (
            {"from": "a", "default": 1},
            ("default",),
            'write `{"from": {"step": "a", "default": ...}}`',
        ),
    ],
)
def test_what_only_looks_like_a_reference_is_told(value: Json, path: JsonPath, hint: str) -> None:
    """Wherever it is: its other key is too much, or misspelt."""
    issue = only(workflows.config({"input": value}))
    assert issue.code == "almost-reference"
    assert (issue.path, issue.hint, issue.mark) == (("steps", 0, "input", *path), hint, "key")


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"parm": "mode"}, "did you mean `param`?"),
        ({"form": "a"}, "did you mean `from`?"),
        ({"parm": "a"}, None),  # which is a step, and no parameter
        ({"form": "mode"}, None),
        ({"form": ["a"]}, None),
        ({"form": "a", "of": 1}, None),
        ({"name": "a"}, None),
    ],
)
def test_a_misspelt_key_of_a_reference_is_told(value: Any, hint: str | None) -> None:
    """If it names what is there; else it may well be data."""
    when = {"value": value, "is": True}
    users = ({"name": "a", "input": {"param": "mode"}}, {"name": "b", "when": when})
    found = find_warnings(workflows.config(*users, params={"mode": {}}), ACTIONS)
    told = [issue for issue in found if issue.code == "almost-reference"]
    place = ("steps", 1, "when", "value", next(iter(value)))
    assert [(issue.hint, issue.path) for issue in told] == ([(hint, place)] if hint else [])


def test_references_are_looked_for_wherever_they_may_stand() -> None:
    """In a condition, in what is given to a file, and in the output, too."""
    steps = ({"when": {"value": ALMOST, "is": True}}, {"use": "a.json", "params": {"p": [ALMOST]}})
    found = find_warnings(workflows.config(*steps, output=ALMOST), ACTIONS)
    assert [issue.path for issue in found if issue.code == "almost-reference"] == [
        ("steps", 0, "when", "value", "defalt"),
        ("steps", 1, "params", "p", 0, "defalt"),
        ("output", "defalt"),
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"from": "a", "to": "b"},
        {"param": "day", "default": 1},
        {"literal": ALMOST},
        {**ALMOST, "more": 1},
    ],
)
def test_what_looks_like_data_is_data(value: Json) -> None:
    """So is what a `literal` holds."""
    assert find_warnings(workflows.config({"input": value}), ACTIONS) == []


def test_many_actions_are_not_listed() -> None:
    """There is a command for that."""
    document = workflows.config({"action": "page"})
    for number, listed in [(4, True), (5, False)]:
        given = resolve_actions({f"act{place}": len for place in range(number)})
        (issue,) = find_warnings(document, given)
        assert issue.hint is not None
        assert issue.hint.startswith("the available actions are ") is listed
        assert listed or issue.hint == "run `driftflow actions` to list the available actions"


def test_an_input_that_its_action_cannot_take_is_told() -> None:
    """In the words in which the step would fail."""
    document = workflows.config({"action": "upper", "input": [1]})
    message = f"upper takes a string, not an array: {FAILS}"
    assert only(document) == Issue("wrong-input", message, ("steps", 0, "input"))


def test_an_input_that_is_left_out_is_the_default() -> None:
    """Which every action takes."""
    assert find_warnings(workflows.config(*({"action": name} for name in ACTIONS)), ACTIONS) == []


def test_two_steps_of_one_name_are_told() -> None:
    """Each but the first, which it names."""
    name = "n" * 81
    document = workflows.config(*({"name": text} for text in ["a", name, "b", name, "A", name]))
    assert find_warnings(document, ACTIONS) == [
        Issue(
            "duplicate-name",
            f"duplicate step name `{'n' * 80}…`",
            ("steps", place, "name"),
            "the first is `steps[1]`",
        )
        for place in (3, 5)
    ]


@given(workflows.values)
def test_a_document_of_any_shape_can_be_looked_at(value: Json) -> None:
    """What is wrong with it is for others to tell."""
    documents: list[Json] = [
        value,
        {"steps": value, "flags": value, "storage": value},
        {"steps": [value, {"name": value, "action": value, "input": value}]},
    ]
    for document in documents:
        for issue in find_warnings(document, ACTIONS):
            assert issue.severity == "warning"


@given(workflows.configs)
def test_every_warning_is_of_a_document_that_loads(config: dict[str, Any]) -> None:
    """And each part of its path leads on."""
    assert explanation.find_issues(config) == []
    for issue in find_warnings(config, ACTIONS):
        place: Any = config
        for part in issue.path:
            place = place[part]


def test_the_advice_of_the_schema_says_what_is_so_and_what_to_do() -> None:
    """What warns in an editor and in a check is one text: a fact; an advice."""
    waiting: list[Any] = [load_schema("driftflow")]
    advice = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            advice += [node["deprecationMessage"]] if "deprecationMessage" in node else []
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    assert len(advice) == 10
    for text in advice:
        assert text.count("; ") == 1
        assert text.endswith(".")


def known(schema: Any) -> Actions:
    """All actions, with one of that schema."""
    return resolve_actions([action(name="act", schema=schema)(lambda value: value)])


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, 1),
        ({"not": {"type": "string"}}, "a"),
        ({"uniqueItems": True}, [1, 1]),
        ({"const": {"a": 1}}, {"a": 2}),
    ],
)
def test_data_is_held_against_the_schema_to_the_letter(schema: Any, value: Json) -> None:
    """Only what refers to other data is given the benefit of the doubt."""
    document = workflows.config({"action": "act", "input": value})
    (issue,) = find_warnings(document, known(schema))
    assert issue.code == "wrong-input"
    with_reference = workflows.config({"action": "act", "input": {"from": "a"}})
    assert find_warnings(with_reference, known(schema)) == []


def test_an_input_that_cannot_be_judged_is_told() -> None:
    """It would fail the step, and does not stop the check."""
    tree = {"properties": {"child": {"$ref": "#"}}, "type": "object"}
    deep: Any = {"from": "a"}
    for _ in range(110):
        deep = {"child": deep}
    document = workflows.config({"action": "act", "input": deep})
    (issue,) = find_warnings(document, known(tree))
    assert issue.code == "wrong-input"
    assert issue.message.startswith("the input cannot be checked against the schema of `act`: ")


def test_a_wrong_default_matters_only_without_the_parameter() -> None:
    """So a strict run that is given it is not refused."""
    schema = {"properties": {"n": {"type": "integer"}}}
    value: Json = {"n": {"param": "n", "default": None}, "m": 1}
    document = workflows.config({"action": "act", "input": value})
    (issue,) = find_warnings(document, known(schema))
    assert issue.message == (
        f"`default` must be an integer, not null: {FAILS} unless the parameter is given"
    )
    assert issue.path == ("steps", 0, "input", "n", "default")
    assert find_warnings(document, known(schema), ["n"]) == []
    assert find_warnings(document, known(schema), ["m"]) == [issue]
    odd: Json = {"n": {"param": ["n"], "default": None}}  # another error says so
    document = workflows.config({"action": "act", "input": odd})
    assert len(find_warnings(document, known(schema), ["n"])) == 1


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("OSError", True),
        ("BaseException", True),
        ("TimedOut", True),
        ("ContractBroken", True),
        ("PackageNotFoundError", True),  # of a module that the action's module has imported
        ("Own", True),
        ("len", False),
        ("Conection", False),
    ],
)
def test_a_type_of_errors_is_known_to_python_to_us_or_to_the_module_of_the_action(
    name: str, *, is_known: bool
) -> None:
    """Any other is told; an action that nobody knows is told by itself."""
    code = "import importlib.metadata\nclass Own(Exception): pass\ndef act(value): pass"
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102 - a module of actions
    actions = {**ACTIONS, "act": Action(scope["act"], "", "")}
    step: dict[str, Json] = {"name": "a", "action": "act", "retry_on": ["TimedOut", name]}
    found = find_warnings({"name": "w", "steps": [step]}, actions)
    assert [issue.path for issue in found] == [("steps", 0, "retry_on", 1)] * (not is_known)
    assert {issue.code for issue in found} <= {"unknown-error-type"}
    (unknown,) = find_warnings({"name": "w", "steps": [step | {"action": "no"}]}, ACTIONS)
    assert unknown.code == "unknown-action"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("IOError", "the class calls itself `OSError`: write that"),
        ("Alias", "the class calls itself `RateLimited`: write that"),
        ("json.RateLimited", "write `RateLimited`, without its module"),
        ("builtins.OSError", "write `OSError`, without its module"),
        ("RateLimitd", "did you mean `RateLimited`?"),
        ("Conection", "did you mean `ConnectionError`?"),
        ("Xyzzy", None),
    ],
)
def test_a_type_that_would_never_match_has_the_name_that_does(name: str, hint: str | None) -> None:
    """An error is known by the name of its own class, and by those of its base classes."""
    scope: dict[str, Any] = {}
    code = "class RateLimited(Exception): pass\nAlias = RateLimited\ndef act(value): pass"
    exec(code, scope)  # noqa: S102 - a module of actions
    step: dict[str, Json] = {"name": "a", "action": "act", "retry_on": [name]}
    document: Json = {"name": "w", "steps": [step]}
    (issue,) = find_warnings(document, {"act": Action(scope["act"], "", "")})
    assert (issue.code, issue.hint) == ("unknown-error-type", hint)


def test_what_is_permanent_is_never_tried_again() -> None:
    """Though there is such a type, and though the module of the action has it."""
    scope: dict[str, Any] = {}
    exec("from driftflow import Permanent\ndef act(value): pass", scope)  # noqa: S102 - a module of actions
    step: dict[str, Json] = {"name": "a", "action": "act", "retry_on": ["OSError", "Permanent"]}
    document: Json = {"name": "w", "steps": [step]}
    (issue,) = find_warnings(document, {"act": Action(scope["act"], "", "")})
    assert issue.path == ("steps", 0, "retry_on", 1)
    assert issue.message == "after an error of type `Permanent` no step is tried again"
    assert issue.hint == "remove it"
