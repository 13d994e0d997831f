"""What an author sees in an editor: VS Code's language service, asked about given places.

It needs Node and the packages of tests/editor: `make editor` installs and tries them. Without
them these tests skip.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support import wellformed, workflows
from support.command import CHECKOUT, EXAMPLES, invoke, process_environment
from support.wellformed import is_well_formed

from driftflow.actions.action import ACTIONS
from driftflow.checking import warnings
from driftflow.checking.schemas import list_schemas
from driftflow.errors import ConfigError
from driftflow.planning.graph import Graph
from driftflow.planning.references import is_reference, list_output, list_steps, list_values
from driftflow.reading.document import parse
from driftflow.schemas import explanation
from driftflow.schemas.published import load_schema, read_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftflow.issues import JsonPath
    from driftflow.reading.document import Json

EDITOR = CHECKOUT / "tests" / "editor"
CASES = sorted((CHECKOUT / "tests" / "cases").glob("*/*.json"))
# The schema as `driftflow schema --output` writes it beside a workflow, and how this finds it.
BESIDE = "file:///jobs/driftflow.schema.json"
HEAD = '{"$schema": "./driftflow.schema.json", '
STEP = HEAD + '"name": "a", "steps": [{"name": "b", '
# Names by which an editor can be told to find the schema: the settings that the documents show.
MATCHED = ["driftflow.json", "*.driftflow.json"]
ADVICE = "check the spelling, or use a name that begins with `x-`, `_` or `//` for a note."
WARNING = 2


class Service:
    """VS Code's JSON language service, in a process of its own, with a schema of ours."""

    def __init__(self, text: str) -> None:
        self._process = subprocess.Popen(
            [shutil.which("node") or "node", EDITOR / "service.cjs"],
            env=process_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.ask(
            "configure",
            schema=json.loads(text),
            files={BESIDE: text},
            schemas=[{"uri": BESIDE, "fileMatch": MATCHED}],
        )

    def ask(self, method: str, **parameters: Any) -> Any:
        """The service's answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"method": method, **parameters}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer
        return answer["result"]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def diagnoses(self, text: str) -> list[tuple[str, str, int]]:
        """What the editor underlines, its message, and whether it is an error (1) or a warning."""
        found = self.ask("diagnose", name="any.json", text=text)
        return sorted(
            (underlined(text, **each["range"]), each["message"], each["severity"]) for each in found
        )

    def completions(self, marked: str, name: str = "any.json") -> dict[str, dict[str, Any]]:
        """What the editor offers at the mark, by label, in a file of that name."""
        text, position = place(marked)
        items = self.ask("complete", name=name, text=text, position=position)
        return {item["label"]: item for item in items}

    def hover(self, marked: str) -> str:
        """What the editor shows about what is at the mark."""
        text, position = place(marked)
        return "\n".join(self.ask("hover", name="any.json", text=text, position=position))


def place(marked: str) -> tuple[str, dict[str, int]]:
    """The text without its mark, and where that stands."""
    before, after = marked.split("¦")
    line = before.count("\n")
    return before + after, {"line": line, "character": len(before.rpartition("\n")[2])}


def underlined(text: str, start: Mapping[str, int], end: Mapping[str, int]) -> str:
    """What stands between two places of an editor's, on one line."""
    assert start["line"] == end["line"]
    return text.split("\n")[start["line"]][start["character"] : end["character"]]


def listed(offered: dict[str, dict[str, Any]]) -> list[str]:
    """The labels in the order in which VS Code shows them: by the text to sort by, else itself."""
    return sorted(offered, key=lambda label: str(offered[label].get("sortText", label)).lower())


def documentation(item: dict[str, Any]) -> str:
    """What a completion explains."""
    explained = item["documentation"]
    return str(explained["value"] if isinstance(explained, dict) else explained)


def started(text: str) -> Iterator[Service]:
    """The language service, with that schema beside the document."""
    if shutil.which("node") is None:
        pytest.skip("there is no Node")
    if not (EDITOR / "node_modules").is_dir():
        pytest.skip("the packages of tests/editor are not installed: `make editor` does it")
    service = Service(text)
    yield service
    service.close()


@pytest.fixture(scope="module")
def editor() -> Iterator[Service]:
    """The language service, with the published schema."""
    yield from started(read_schema("driftflow"))


@pytest.fixture(params=["editor", "team"])
def either(request: pytest.FixtureRequest) -> Service:
    """The language service with each of the schemas."""
    service: Service = request.getfixturevalue(request.param)
    return service


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The language service, with the schema that knows a team's actions, as the command has it."""
    path = tmp_path_factory.mktemp("team") / "actions.py"
    path.write_text(TEAM, encoding="utf-8")
    yield from started(invoke("schema", "--actions", path).stdout)


def test_a_good_workflow_is_left_alone(editor: Service) -> None:
    """Every example, by its `$schema` line."""
    for example in EXAMPLES:
        text = example.read_text("utf-8").replace("../schema/", "./")
        assert editor.diagnoses(text) == []


@pytest.mark.parametrize(
    ("text", "underlined", "message"),
    [
        (
            HEAD + '"name": "a", "steps": [], "retries": 3}',
            '"retries": 3',
            "DriftFlow ignores `retries`; use `max_attempts`.",
        ),
        (
            STEP + '"action": "echo", "retries": 3}]}',
            '"retries": 3',
            "DriftFlow ignores `retries`; use `max_attempts`.",
        ),
        (
            HEAD + '"name": "a", "steps": [], "storage": {"type": "file"}}',
            '"type": "file"',
            "DriftFlow ignores `storage.type`; only `storage.path` matters.",
        ),
        (
            HEAD + '"name": "a", "steps": [], "max_atempts": 3}',
            '"max_atempts": 3',
            f"Not a DriftFlow field: it is ignored; {ADVICE}",
        ),
        (
            STEP + '"action": "echo", "prority": 3}]}',
            '"prority": 3',
            f"Not a DriftFlow step field: it is ignored; {ADVICE}",
        ),
        (
            HEAD + '"name": "a", "steps": [], "flags": {"audti": true}}',
            '"audti": true',
            "Not a DriftFlow flag: it is ignored; the flags are `audit`, `metrics` and `parallel`.",
        ),
        (
            HEAD + '"name": "a", "steps": [], "storage": {"file": "x"}}',
            '"file": "x"',
            "Not a DriftFlow storage field: it is ignored; the only field is `path`.",
        ),
    ],
)
def test_an_ignored_field_is_warned_about_in_our_words(
    text: str, underlined: str, message: str, editor: Service
) -> None:
    """While the same file is valid for every validator."""
    assert editor.diagnoses(text) == [(underlined, message, WARNING)]
    document = json.loads(text)
    assert editor.ask("validate", documents=[document]) == [True]
    assert Draft7Validator(load_schema("driftflow")).is_valid(document)


@pytest.mark.parametrize(
    "text",
    [
        STEP + '"action": "shout"}]}',
        STEP + '"action": "my.action"}]}',
        STEP + '"action": "echo", "//": 1, "_x": 2, "x-y": 3, "$schema": 4}]}',
        HEAD + '"name": "a", "steps": [], "//": 1, "_x": 2, "x-y": 3}',
        HEAD + '"name": "a", "steps": [], "flags": {"// why": 1}, "storage": {"x-y": 1}}',
    ],
)
def test_what_may_be_written_is_not_underlined(text: str, editor: Service) -> None:
    """An action that we do not know, and notes."""
    assert editor.diagnoses(text) == []


@pytest.mark.parametrize(
    ("text", "underlined", "message"),
    [
        (STEP + '"action": 5}]}', "5", 'Incorrect type. Expected "string".'),
        (
            STEP + '"action": "echo", "priority": "1"}]}',
            '"1"',
            'Incorrect type. Expected "integer".',
        ),
        (
            STEP + '"action": "echo", "optional": 1}]}',
            "1",
            'Incorrect type. Expected "boolean".',
        ),
        (
            HEAD + '"name": "a", "steps": [], "max_attempts": 0}',
            "0",
            "Value is below the minimum of 1.",
        ),
        (HEAD + '"name": "a"}', "{", 'Missing property "steps".'),
        (
            HEAD + '"name": "", "steps": []}',
            '""',
            "String is shorter than the minimum length of 1.",
        ),
    ],
)
def test_a_breach_of_the_schema_is_underlined(
    text: str, underlined: str, message: str, editor: Service
) -> None:
    """Where it is; and it is one to the other validators."""
    assert editor.diagnoses(text) == [(underlined, message, WARNING)]
    assert editor.ask("validate", documents=[json.loads(text)]) == [False]


TOP = load_schema("driftflow")["properties"]


@pytest.mark.parametrize(
    ("marked", "fields", "ignored"),
    [
        ("{¦}", TOP, {"retries"}),
        (HEAD + '"steps": [{¦}]}', TOP["steps"]["items"]["properties"], {"retries"}),
        (HEAD + '"flags": {¦}}', TOP["flags"]["properties"], set()),
        (HEAD + '"storage": {¦}}', TOP["storage"]["properties"], {"type"}),
    ],
)
def test_every_field_is_offered_with_its_explanation(
    marked: str, fields: dict[str, Any], ignored: set[str], editor: Service
) -> None:
    """All that count, and none that is ignored."""
    offered = editor.completions(marked, "demo.driftflow.json")
    assert {name: documentation(item) for name, item in offered.items()} == {
        name: field.get("markdownDescription", field["description"])
        for name, field in fields.items()
        if name not in ignored
    }


@pytest.mark.parametrize(
    ("marked", "inserted"),
    [
        ("{¦}", '"\\$schema": "${1:./driftflow.schema.json}"'),
        (HEAD + "¦}", '"max_attempts": ${1:1}'),
        (HEAD + "¦}", '"timeout_seconds": ${1:10}'),
        (HEAD + '"flags": {¦}}', '"audit": ${1:false}'),
        (HEAD + '"storage": {¦}}', '"path": "${1:./driftflow.audit.json}"'),
        (HEAD + '"steps": [{¦}]}', '"priority": ${1:0}'),
        (HEAD + '"steps": [{¦}]}', '"optional": ${1:false}'),
        (HEAD + '"steps": [{"priority": ¦}]}', "0"),
        (HEAD + '"steps": [{"optional": ¦}]}', "true"),
        (HEAD + '"max_attempts": ¦}', "1"),
        (HEAD + '"timeout_seconds": ¦}', "10"),
        (HEAD + '"storage": {"path": ¦}}', '"./driftflow.audit.json"'),
        ('{"$schema": ¦}', '"./driftflow.schema.json"'),
    ],
)
def test_a_default_is_offered(marked: str, inserted: str, editor: Service) -> None:
    """With the field, and as its value."""
    offered = editor.completions(marked, "driftflow.json")
    assert inserted in [item["insertText"] for item in offered.values()]


def test_the_actions_are_offered_with_what_they_do(editor: Service) -> None:
    """As their docstrings say."""
    offered = editor.completions(STEP + '"action": "¦"}]}')
    assert {label: documentation(item) for label, item in offered.items()} == {
        json.dumps(name): action.summary for name, action in ACTIONS.items()
    }


@pytest.mark.parametrize("name", ["driftflow.json", "demo.driftflow.json"])
def test_a_snippet_makes_a_workflow(name: str, editor: Service) -> None:
    """In an empty file of a recommended name; what it inserts is good to the last warning."""
    offered = editor.completions("¦", name)
    assert offered.keys() == {"DriftFlow workflow"}
    document = filled(offered["DriftFlow workflow"]["insertText"])
    assert explanation.find_issues(document) + warnings.find_issues(Graph(document), ACTIONS) == []
    assert document["$schema"] == "./driftflow.schema.json"


def test_a_snippet_makes_a_step(editor: Service) -> None:
    """In the list of steps."""
    offered = editor.completions(HEAD + '"name": "a", "steps": [¦]}')
    step = filled(offered["step"]["insertText"])
    document: Json = {"name": "a", "steps": [step]}
    assert explanation.find_issues(document) + warnings.find_issues(Graph(document), ACTIONS) == []
    assert step.keys() == {"name", "action", "input"}


def filled(snippet: str) -> Any:
    """What a snippet inserts if each of its placeholders is left as it is."""
    text = re.sub(r"\$\{\d+:([^}]*)\}", r"\1", snippet)
    text = re.sub(r"\$\{\d+\|([^,|]*)[^}]*\}", r"\1", text)
    return json.loads(re.sub(r"\$\d+", "", text).replace("\\$", "$"))


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        (HEAD + '"na¦me": "a"}', "The workflow's name"),
        (HEAD + '"max_att¦empts": 2}', "How many times each step that is not `optional` is tried"),
        (HEAD + '"timeout_sec¦onds": 2}', "**not enforced**, unless"),
        (HEAD + '"retr¦ies": 2}', "Ignored"),
        (STEP + '"prio¦rity": 2}]}', "the one with the **highest** priority runs first"),
        (STEP + '"af¦ter": []}]}', "it starts when they are done"),
        (STEP + '"acti¦on": "upper"}]}', "`driftflow check` warns about it"),
        (STEP + '"action": "up¦per"}]}', "`upper`: Returns the input, a string, in upper case"),
        (HEAD + '"flags": {"au¦dit": true}}', "Append a record of the run"),
        (HEAD + '"storage": {"pa¦th": ""}}', "relative to the working directory"),
    ],
)
def test_a_field_is_explained_where_the_mouse_rests(
    marked: str, shown: str, editor: Service
) -> None:
    """By the schema's words."""
    assert shown in editor.hover(marked)


def test_no_explanation_shows_its_markup(editor: Service) -> None:
    """A plain description is escaped by the editor: backticks belong into a markdown one."""
    waiting: list[Any] = [load_schema("driftflow")]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            assert "`" not in str(node.get("description"))
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    assert "\\`" not in editor.hover(STEP + '"acti¦on": "upper"}]}')


def verdicts(editor: Service, documents: list[Any]) -> tuple[list[bool], list[bool]]:
    """What jsonschema says of each document, and what ajv says."""
    validator = Draft7Validator(load_schema("driftflow"))
    return (
        [validator.is_valid(document) for document in documents],
        editor.ask("validate", documents=documents),
    )


def is_told(document: Any) -> bool:
    """Whether a check refuses the document for its shape, a reference's, or that of a schema."""
    values = [each for step in list_steps(document) for each in list_values(step)]
    return (
        bool(explanation.find_issues(document))
        or not all(is_well_formed(value) for _, value in [*values, *list_output(document)])
        or not all(META.is_valid(schema) for schema, _ in list_schemas(Graph(document)))
    )


META = Draft7Validator(Draft7Validator.META_SCHEMA)


def test_the_validators_agree_on_every_case(editor: Service) -> None:
    """As far as it is JSON; what loads is valid, what is refused for its shape is not."""
    documents = []
    for case in CASES:
        try:
            document = parse(case.read_bytes(), case.name)
        except ConfigError:
            continue
        if not any(issue.code in ("not-finite", "number-too-large") for issue in document.issues):
            documents.append(document.value)
    ours, theirs = verdicts(editor, documents)
    assert ours == theirs == [not is_told(document) for document in documents]
    assert {True, False} == set(ours)


@given(values=st.lists(wellformed.values, min_size=1, max_size=3))
def test_the_validators_agree_on_references(values: list[Any], editor: Service) -> None:
    """Of every shape, right and wrong."""
    step = {"name": "a", "action": "echo"}
    documents: list[Any] = [
        document
        for value in values
        for document in (
            {"name": "w", "steps": [step | {"input": value}]},
            {"name": "w", "steps": [step | {"when": {"value": value, "is": True}}]},
            {"name": "w", "steps": [], "output": value},
        )
    ]
    ours, theirs = verdicts(editor, documents)
    assert ours == theirs == [not is_told(document) for document in documents]


def paths(value: Any, path: JsonPath = ()) -> Iterator[JsonPath]:
    """Every path into a config, but for what no schema looks at."""
    yield path
    if isinstance(value, dict | list):
        for part, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(member, (*path, part))


@given(config=workflows.configs, data=st.data())
def test_the_validators_agree_on_any_document(
    config: dict[str, Any], data: st.DataObject, editor: Service
) -> None:
    """A good one, and one with any value put anywhere in it."""
    path: JsonPath = ("document", *data.draw(st.sampled_from(list(paths(config)))))
    changed = json.loads(json.dumps({"document": config}))
    holder: Any = changed
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = data.draw(workflows.values | st.sampled_from([0, -1, 1.0, 1.5, "", True]))
    ours, theirs = verdicts(editor, [config, changed["document"]])
    assert ours == theirs
    assert ours[0]


TEAM = '''
import driftflow

ROW = {"type": "object", "properties": {"id": {"description": "A number.", "type": "integer"}}}
TAKES = {
    "title": "What to take",
    "type": "object",
    "required": ["rows"],
    "properties": {
        "rows": {"description": "Which.", "type": "array", "items": {"$ref": "#/definitions/row"}},
        "count": {"description": "How many.", "type": "integer", "minimum": 1, "default": 3},
        "order": {
            "enum": ["first", "last"],
            "enumDescriptions": ["From the start.", "From the end."],
        },
        "only": {"type": "object", "properties": {"day": {"type": "string"}}},
    },
    "additionalProperties": False,
    "definitions": {"row": ROW},
}


@driftflow.action(name="rows.take", schema=TAKES)
def take(value):
    """Gives some of the rows."""


@driftflow.action
def plain(value):
    """Takes anything."""
'''
TAKE = STEP + '"action": "rows.take", "input": '


def test_an_editor_completes_a_teams_actions(team: Service) -> None:
    """Beside the built-in ones, with their first lines."""
    offered = team.completions(STEP + '"action": "¦"}]}')
    assert {label: documentation(item) for label, item in offered.items()} == {
        **{json.dumps(name): action.summary for name, action in ACTIONS.items()},
        '"rows.take"': "Gives some of the rows.",
        '"plain"': "Takes anything.",
    }
    assert "`rows.take`: Gives some of the rows" in team.hover(STEP + '"action": "rows.¦take"}]}')


@pytest.mark.parametrize(
    ("marked", "offered"),
    [
        (TAKE + "{¦}}]}", {"rows": "Which.", "count": "How many.", "order": "", "only": ""}),
        (TAKE + '{"rows": [{¦}]}}]}', {"id": "A number."}),
        (TAKE + '{"rows": [], "only": {¦}}}]}', {"day": ""}),
        (
            TAKE + '{"rows": [], "order": ¦}}]}',
            {'"first"': "From the start.", '"last"': "From the end."},
        ),
    ],
)
def test_an_editor_completes_what_a_teams_action_takes(
    marked: str, offered: dict[str, str], team: Service
) -> None:
    """At any depth, with the words of the action's schema."""
    found = team.completions(marked)
    for label, words in offered.items():
        assert words in str(found[label].get("documentation", ""))


KEYS = ["from", "param", "concat", "run", "literal"]
# By its label, what each snippet of a reference makes.
SNIPPETS: dict[str, Json] = {
    '{"concat": ["in/", {"param": "day"}, ".csv"]}': {"concat": ["in/", {"param": "day"}, ".csv"]},
    '{"from": "step"}': {"from": "step"},
    '{"from": ["a", "b"]}': {"from": ["a", "b"]},
    '{"from": {"step": "a", "at": "/rows", "default": null}}': {
        "from": {"step": "step", "at": "/rows", "default": None}
    },
    '{"from": {"steps": ["a", "b"], "missing": "omit"}}': {
        "from": {"steps": ["a", "b"], "missing": "omit"}
    },
    '{"literal": null}': {"literal": None},
    '{"param": "name", "default": "value"}': {"param": "name", "default": "value"},
    '{"param": "name"}': {"param": "name"},
    '{"run": "/id"}': {"run": "/id"},
}
INPUT = STEP + '"action": "echo", "input": '
# A reference may stand in place of HERE.
ANYWHERE = [
    INPUT + "HERE}]}",
    INPUT + '{"x": [HERE]}}]}',
    INPUT + '{"x": {"y": HERE}}}]}',
    INPUT + '{"param": "p", "default": HERE}}]}',
    INPUT + '{"from": {"step": "a", "default": HERE}}}]}',
    INPUT + '{"concat": ["in/", HERE]}}]}',
    STEP + '"action": "echo", "when": {"is": true, "value": HERE}}]}',
    HEAD + '"name": "a", "steps": [], "output": HERE}',
    HEAD + '"name": "a", "steps": [], "output": {"x": [HERE]}}',
]


@pytest.mark.parametrize("text", ANYWHERE)
def test_an_editor_offers_references_wherever_one_may_stand(text: str, either: Service) -> None:
    """Their keys in an object that is still empty, with words; whole ones in place of a value."""
    for empty in ("{¦}", '{"¦"}', '{"fr¦"}', '{"fr¦": 1}'):
        offered = either.completions(text.replace("HERE", empty))
        if empty.endswith("1}"):  # an object that holds something is data
            assert not KEYS & offered.keys()
            continue
        assert listed(offered) == KEYS
        for item in offered.values():
            assert "Reference: config, `" in documentation(item)
    offered = either.completions(text.replace("HERE", "¦"))
    assert listed(offered)[-len(SNIPPETS) :] == [*SNIPPETS]
    assert all(documentation(offered[label]) for label in SNIPPETS)


def test_what_a_snippet_makes_is_a_reference_without_faults(editor: Service) -> None:
    """As a check takes it, and the editor itself."""
    offered = editor.completions(INPUT + "¦}]}")
    for label, reference in SNIPPETS.items():
        made = filled(offered[label]["insertText"])
        assert made == reference
        assert is_reference(made)
        assert is_well_formed(made)
        assert editor.diagnoses(INPUT + json.dumps(made) + "}]}") == []


@pytest.mark.parametrize(
    ("marked", "labels"),
    [
        (INPUT + '{"from": {¦}}}]}', ["at", "default", "step", "steps"]),
        (INPUT + '{"from": {"steps": [], ¦}}}]}', ["missing"]),
        (INPUT + '{"from": {"steps": [], "missing": ¦}}}]}', ['"omit"']),
        (
            INPUT + '{"from": ¦}}]}',
            [
                *('"step"', '["a", "b"]', '{"step": "a", "at": "/rows", "default": null}'),
                '{"steps": ["a", "b"], "missing": "omit"}',
            ],
        ),
        (INPUT + '{"run": ¦}}]}', ['"/id"', '"/name"', '"/params"']),
        (INPUT + '{"run": "¦"}}]}', ['"/id"', '"/name"', '"/params"']),
        (INPUT + '{"param": "p", ¦}}]}', ["default"]),
        (INPUT + '{"param": "p", "¦"}}]}', ["default"]),
        (INPUT + '{"from": "a", ¦}}]}', []),
        (INPUT + '{"path": "a", ¦}}]}', []),
        (INPUT + '{"literal": {¦}}}]}', []),
    ],
)
def test_what_a_reference_holds_is_offered(marked: str, labels: list[str], editor: Service) -> None:
    """Its own fields and values, and nothing where there is none."""
    assert listed(editor.completions(marked)) == labels


@pytest.mark.parametrize(
    ("marked", "own"),
    [
        (TAKE + "{¦}}]}", ["count", "only", "order", "rows"]),
        (TAKE + '{"rows": [{¦}]}}]}', ["id"]),
        (TAKE + '{"only": {¦}}}]}', ["day"]),
        (TAKE + '{"rows": {"param": "p", "default": [{¦}]}}}]}', ["id"]),
    ],
)
def test_references_are_the_last_of_what_is_offered(
    marked: str, own: list[str], team: Service
) -> None:
    """Behind the fields of the action's own schema, at any depth."""
    assert listed(team.completions(marked)) == [*own, *KEYS]


@pytest.mark.parametrize(
    ("marked", "own"),
    [
        (TAKE + '{"count": ¦}}]}', ["3"]),
        (TAKE + '{"order": ¦}}]}', ['"first"', '"last"']),
        (TAKE + '{"rows": ¦}}]}', []),
    ],
)
def test_values_of_its_own_stand_before_references(
    marked: str, own: list[str], team: Service
) -> None:
    """What the action's schema names and what is its default."""
    assert listed(team.completions(marked)) == [*own, *SNIPPETS]


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        ('{"fr¦om": "a"}', "The output of another step"),
        ('{"fr¦om": ["a"]}', "The output of another step"),
        ('{"x": [{"fr¦om": {"step": "a"}}]}', "The output of another step"),
        ('{"from": {"st¦ep": "a"}}', "The name of another step"),
        ('{"from": {"step": "a", "a¦t": "/x"}}', "A JSON Pointer to a part of the output"),
        ('{"from": {"step": "a", "defa¦ult": []}}', "What stands in when there is nothing"),
        ('{"from": {"ste¦ps": [], "missing": "omit"}}', "Those that failed or were skipped"),
        ('{"from": {"steps": [], "miss¦ing": "omit"}}', "the steps without an output"),
        ('{"par¦am": "a"}', "The value of a parameter"),
        ('{"par¦am": "a", "default": 1}', "The value of a parameter"),
        ('{"param": "a", "defa¦ult": 1}', "when the parameter is not given"),
        ('{"con¦cat": ["a"]}', "One string, of several parts"),
        ('{"ru¦n": "/params/x"}', "A fact about the run"),
        ('{"run": "/na¦me"}', "The name of the workflow"),
        ('{"lite¦ral": 1}', "nothing in it is a reference"),
    ],
)
def test_a_reference_is_explained_where_the_mouse_rests(
    marked: str, shown: str, either: Service
) -> None:
    """With an example, and where more of it stands."""
    hover = either.hover(INPUT + marked + "}]}")
    assert shown in hover
    assert re.search(r"Reference: config, `(from|param|concat|run|literal)`", hover)


def test_the_reserved_and_the_rest_is_not_explained_as_a_reference(
    editor: Service, team: Service
) -> None:
    """Data has the words of the action's schema, or none."""
    assert "Reserved" in editor.hover(INPUT + '{"it¦em": ""}}]}')
    for marked in ('{"fr¦om": "ann", "to": "bob"}', '{"literal": {"fr¦om": "a"}}', '{"¦x": 1}'):
        assert editor.hover(INPUT + marked + "}]}") == ""
    for marked in ('{"ro¦ws": []}', '{"ro¦ws": {"from": "a"}}'):
        assert team.hover(TAKE + marked + "}]}").startswith("Which")
    assert editor.hover(STEP + '"in¦put": {"from": "a"}}]}').startswith("Input")


FROM = "`from` takes the name of a step, an array of names, or an object with `step` or `steps`."
PART = "`from` takes `step`, `at` and `default`, or else `steps` and `missing`."
POINTER = (
    "`at` takes a JSON Pointer: empty, or a `/` before each part, like `/rows/0/id`; "
    "`~0` stands for `~` and `~1` for `/`."
)
OMIT = (
    'Beside `steps` there must be `"missing": "omit"`; '
    'for the outputs of all, write `{"from": ["a", "b"]}`.'
)
JOINS = "`concat` joins strings, numbers and booleans, and references to such."
FACTS = "There is no such fact about the run; the facts are `/id`, `/name` and `/params`."


@pytest.mark.parametrize("text", ANYWHERE)
@pytest.mark.parametrize(
    ("given", "found"),
    [
        ('{"from": {"stp": "a"}}', [('"from"', 'Missing property "step".'), ('"stp"', PART)]),
        ('{"from": 5}', [("5", FROM)]),
        ('{"from": ["a", 5]}', [("5", "The name of a step must stand here, a string.")]),
        ('{"from": {"step": "a", "at": "rows"}}', [('"rows"', POINTER)]),
        (
            '{"from": {"step": "a", "at": 0}}',
            [("0", "`at` takes a JSON Pointer, a string like `/rows/0/id`.")],
        ),
        (
            '{"from": {"steps": ["a"], "missing": "none"}}',
            [
                ('"none"', OMIT),
            ],
        ),
        (
            '{"from": {"steps": [], "missing": "omit", "at": ""}}',
            [('"at"', "Beside `steps`, `from` takes `missing` and nothing else.")],
        ),
        (
            '{"from": {"steps": "a", "missing": "omit"}}',
            [('"a"', "`steps` takes an array of names of steps.")],
        ),
        ('{"param": 5}', [("5", "`param` takes the name of a parameter, a string.")]),
        (
            '{"concat": "x"}',
            [('"x"', '`concat` takes an array: `{"concat": ["in/", {"param": "day"}, ".csv"]}`.')],
        ),
        ('{"concat": [null, {}]}', [("null", JOINS), ("{}", JOINS)]),
        ('{"run": "/idd"}', [('"/idd"', FACTS)]),
        ('{"run": 5}', [("5", "`run` takes a JSON Pointer, a string like `/id`.")]),
        ('{"item": ""}', [('""', "`item` is reserved for a later version.")]),
        ('{"secret": "db"}', [('"db"', "`secret` is reserved for a later version.")]),
    ],
)
def test_an_editor_underlines_a_reference_of_the_wrong_shape(
    given: str, found: list[tuple[str, str]], text: str, either: Service
) -> None:
    """In our words, wherever a reference may stand; other validators refuse it as well."""
    written = text.replace("HERE", given)
    assert [issue[:2] for issue in either.diagnoses(written)] == sorted(found)
    assert either.ask("validate", documents=[json.loads(written)]) == [False]


@pytest.mark.parametrize(
    "given",
    [
        '{"from": "a", "to": "b"}',
        '{"from": 5, "to": "b"}',
        '{"from": {"step": "a", "at": "/x", "default": {"from": "b"}}}',
        '{"from": {"steps": ["a"], "missing": "omit"}}',
        '{"param": "a", "default": {"run": "/params/x"}}',
        '{"concat": ["a", 1, true, {"param": "b"}, {"concat": []}]}',
        '{"literal": {"from": 5}}',
        '{"x": [{}, [], null, {"from": "a"}]}',
    ],
)
def test_an_editor_leaves_good_references_and_data_alone(given: str, either: Service) -> None:
    """In an input, in a condition and in the output."""
    when = '{"value": ' + given + ', "is": {"const": 1}}'
    text = INPUT + given + ', "when": ' + when + '}], "output": ' + given + "}"
    assert either.diagnoses(text) == []
    assert either.ask("validate", documents=[json.loads(text)]) == [True]


@pytest.mark.parametrize(
    "text",
    [
        STEP + '"action": "echo", "returns": HERE}]}',
        STEP + '"action": "echo", "when": {"value": 1, "is": HERE}}]}',
        HEAD + '"name": "a", "steps": [], "params": {"day": HERE}}',
    ],
)
def test_a_schema_in_a_config_is_completed_and_checked(text: str, editor: Service) -> None:
    """By the meta-schema, which each validator has at hand."""
    offered = editor.completions(text.replace("HERE", "{¦}"))
    assert {"type", "enum", "minimum", "items"} <= offered.keys()
    offered = editor.completions(text.replace("HERE", '{"type": ¦}'))
    assert {'"string"', '"integer"', '"array"'} <= offered.keys()
    for wrong, marked, message in (
        ('{"type": "strng"}', '"strng"', "Value is not accepted. Valid values: "),
        ('{"minLength": "1"}', '"1"', 'Incorrect type. Expected "integer"'),
        ('{"items": {"enum": 5}}', "5", 'Incorrect type. Expected "array"'),
        ("5", "5", "Incorrect type. Expected one of object, boolean."),
    ):
        written = text.replace("HERE", wrong)
        ((place, told, _),) = editor.diagnoses(written)
        assert (place, told[: len(message)]) == (marked, message)
        assert editor.ask("validate", documents=[json.loads(written)]) == [False]
    for good in ('{"type": ["string", "null"]}', '{"properties": {"a": {"minLength": 1}}}', "true"):
        assert editor.diagnoses(text.replace("HERE", good)) == []


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        (STEP + '"ret¦urns": {"type": "array"}}]}', "Returns"),
        (STEP + '"when": {"i¦s": {"type": "array"}}}]}', "Condition"),
        (STEP + '"when": {"val¦ue": {"from": "a"}}}]}', "Value"),
        (HEAD + '"params": {"d¦ay": {"type": "string"}}}', "Parameter"),
        (HEAD + '"out¦put": {"from": "a"}}', "Output"),
    ],
)
def test_what_holds_a_schema_or_a_reference_keeps_its_own_words(
    marked: str, shown: str, editor: Service
) -> None:
    """Before those of what it holds."""
    assert editor.hover(marked).split("\n")[0] == shown


@pytest.mark.parametrize(
    ("given", "marked", "message"),
    [
        ('{"rows": 5}', "5", 'Incorrect type. Expected "array".'),
        ('{"rows": [{"id": "a"}]}', '"a"', 'Incorrect type. Expected "integer".'),
        ('{"rows": [], "count": 0}', "0", "Value is below the minimum of 1."),
        ('{"rows": [], "cuont": 1}', '"cuont"', "Property cuont is not allowed."),
        ('{"count": 1}', '"input"', 'Missing property "rows".'),
        ('{"rows": {"literal": 5}}', "5", 'Incorrect type. Expected "array".'),
        ('{"rows": {"param": "p", "default": 5}}', "5", 'Incorrect type. Expected "array".'),
        ('"all"', '"all"', 'Incorrect type. Expected "object".'),
    ],
)
def test_an_editor_underlines_what_a_teams_action_will_not_take(
    given: str, marked: str, message: str, team: Service
) -> None:
    """At its place, as a check does."""
    text = TAKE + given + "}]}"
    assert team.diagnoses(text) == [(marked, message, WARNING)]
    assert team.ask("validate", documents=[json.loads(text)]) == [False]


@pytest.mark.parametrize(
    "given",
    [
        '{"from": "a"}',
        '{"rows": {"from": "a"}, "count": {"param": "n", "default": 2}}',
        '{"rows": [{"id": {"param": "id"}}, {"from": "a"}], "only": {"day": {"from": "a"}}}',
        '{"rows": {"literal": [{"id": 1}]}, "order": "last"}',
    ],
)
def test_an_editor_takes_references_for_granted(given: str, team: Service) -> None:
    """At any depth."""
    text = TAKE + given + "}]}"
    assert team.diagnoses(text) == []
    assert team.ask("validate", documents=[json.loads(text)]) == [True]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (STEP + '"action": "upper", "input": 5}]}', [("5", 'Incorrect type. Expected "string".')]),
        (STEP + '"action": "plain", "input": 5}]}', []),
        (STEP + '"action": "unknown", "input": 5}]}', []),
        (
            STEP + '"action": "rows.take", "input": {"rows": []}, "prority": 3}]}',
            [('"prority": 3', f"Not a DriftFlow step field: it is ignored; {ADVICE}")],
        ),
    ],
)
def test_all_else_is_as_with_the_published_schema(
    text: str, found: list[tuple[str, str]], team: Service
) -> None:
    """Ignored fields are warned about, what is not known is left alone."""
    assert [issue[:2] for issue in team.diagnoses(text)] == found
