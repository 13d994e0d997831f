"""What public tables say of conditions, skipped steps and pointers holds here.

The tables are in `tests/data/`, each with its source. A row passes unless it says that it `differs`
or is `not_applicable`, and why; `docs/reference/conformance.md` has the counts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from support import workflows
from support.command import CHECKOUT
from support.documents import read

from driftflow.errors import ConfigError
from driftflow.planning.pointers import NOTHING, is_pointer, resolve
from driftflow.testing import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PAGE = "docs/reference/conformance.md"


def load(name: str) -> dict[str, Any]:
    """A table."""
    text = (CHECKOUT / "tests" / "data" / f"{name}.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


CONDITIONS, SKIPS, POINTERS = load("conditions"), load("skips"), load("pointers")
COMPARISONS = {
    operator: list(rows)
    for operator, rows in groupby(CONDITIONS["rows"], key=lambda row: row["operator"])
}


def find_translation(row: Mapping[str, Any]) -> dict[str, Any]:
    """What stands for the row's operator here."""
    (found,) = (
        translation
        for translation in CONDITIONS["operators"]
        if translation["operator"] == row["operator"]
        and translation.get("with", row["with"]) is row["with"]
    )
    assert isinstance(found, dict)
    return found


def fill(schema: Any, value: Any) -> Any:
    """A schema with the value in place of `$with`."""
    if isinstance(schema, dict):
        return {key: fill(part, value) for key, part in schema.items()}
    return value if schema == "$with" else schema


def judge_result(result: Mapping[str, Any]) -> str:
    """What became of a step: `ok`, `failed` or `skipped`; a result that does not fit is none."""
    if not result["ok"]:
        return "failed"
    if "skipped" not in result:
        return "ok"
    nothing = {"ok": True, "output": None, "error": None, "attempts": 0}
    assert result == {"name": result["name"], **nothing, "skipped": result["skipped"]}
    assert isinstance(result["skipped"], str)
    assert result["skipped"]
    return "skipped"


def follow(path: Path, **how: Any) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Run a workflow: its status, what became of each step, and their outputs."""
    result = run(path, **how).result
    fates = {step["name"]: judge_result(step) for step in result["results"]}
    return result["status"], fates, {step["name"]: step["output"] for step in result["results"]}


def test_every_operator_is_told_of() -> None:
    """Once for each value that its translation depends on, and none that no row has."""
    assert {row["operator"] for row in CONDITIONS["operators"]} == {*COMPARISONS}
    assert all(find_translation(row) for row in CONDITIONS["rows"])


@pytest.mark.parametrize(
    "operator",
    [name for name, rows in COMPARISONS.items() if find_translation(rows[0])["is"] is not None],
)
def test_a_step_runs_where_the_comparison_is_true(operator: str, tmp_path: Path) -> None:
    """And is skipped where it is false: a condition on what an earlier step gave."""
    for row in COMPARISONS[operator]:
        translation = find_translation(row)
        when = {"value": translation["value"], "is": fill(translation["is"], row["with"])}
        given = {"value": row["value"], "with": row["with"]}
        path = workflows.save(
            tmp_path,
            {"name": "given", "input": {"literal": given}},
            {"name": "judged", "when": when},
        )
        fate = "ok" if row["runs"] != ("differs" in row) else "skipped"
        assert follow(path)[:2] == ("ok", {"given": "ok", "judged": fate}), row


@pytest.mark.parametrize("row", CONDITIONS["choices"], ids=lambda row: row["test"])
def test_of_several_branches_the_one_that_is_chosen_runs(
    row: dict[str, Any], tmp_path: Path
) -> None:
    """The first whose rule is true; each has the rules before it as what must not be."""
    steps: list[dict[str, Any]] = []
    before: list[Any] = []
    for rule in [*CONDITIONS["rules"][row["rules"]], {"then": "otherwise", "is": True}]:
        when = {"value": {"from": "given"}, "is": {"allOf": [*before, rule["is"]]}}
        steps.append({"name": rule["then"], "when": when})
        before.append({"not": rule["is"]})
    given = {"name": "given", "input": {"literal": row["value"]}}
    status, fates, _ = follow(workflows.save(tmp_path, given, *steps))
    assert status == "ok"
    assert [name for name, fate in fates.items() if fate != "skipped"] == ["given", row["runs"]]


def show(name: str) -> Any:
    """An action that puts a name before what it is given."""
    return lambda value: f"{name} {value}"


@pytest.mark.parametrize(
    "row", [row for row in SKIPS["rows"] if "expected" in row], ids=lambda row: row["case"]
)
def test_steps_are_skipped_and_their_readers_see_it(row: dict[str, Any], tmp_path: Path) -> None:
    """What comes out is what comes out there, unless the row differs."""
    expected = row["expected"]
    path = workflows.write(tmp_path, SKIPS["workflows"][row["workflow"]])
    used = {step["action"] for step in SKIPS["workflows"][row["workflow"]]["steps"]}
    actions = {name: show(name) for name in ("foo", "bar") if name in used}
    status, fates, outputs = follow(path, actions=actions, params=row["params"])
    assert (status, fates) == (expected["status"], expected["steps"])
    assert outputs.get("out1") == expected.get("output")
    fails = expected["status"] == "failed"
    is_alike = fails == row.get("fails_there", False) and (
        fails or expected["output"] == row["there"]
    )
    assert is_alike != ("differs" in row)


def test_a_default_that_was_skipped_too_skips_its_reader(tmp_path: Path) -> None:
    """Where `first_non_null` fails: so it is written with `missing` and a place above."""
    never = {"value": 0, "is": {"const": 1}}
    path = workflows.save(
        tmp_path,
        {"name": "a", "when": never},
        {"name": "b", "when": never},
        {"name": "c", "input": {"from": {"step": "a", "default": {"from": "b"}}}},
    )
    assert follow(path)[:2] == ("ok", dict.fromkeys("abc", "skipped"))


def write_reader(folder: Path, row: Mapping[str, Any]) -> Path:
    """A workflow that reads the row's place."""
    return workflows.save(
        folder,
        {"name": "given", "input": {"literal": row["document"]}},
        {"name": "reads", "input": {"from": {"step": "given", "at": row["pointer"]}}},
    )


def spell(row: Mapping[str, Any]) -> str:
    """A row's name in a report."""
    return f"{row['source']} {row['case']} {row['pointer']!a}"


def choose(outcome: str) -> pytest.MarkDecorator:
    """Go through the rows about pointers that have an outcome."""
    rows = [row for row in POINTERS["rows"] if outcome in row]
    return pytest.mark.parametrize("row", rows, ids=spell)


@choose("found")
def test_a_pointer_leads_to_its_place(row: dict[str, Any], tmp_path: Path) -> None:
    """Be it null, under an empty key, or under one that looks like a number."""
    status, _, outputs = follow(write_reader(tmp_path, row))
    assert status == "ok"
    for found in (outputs["reads"], resolve(row["document"], row["pointer"])):
        assert json.dumps(found) == json.dumps(row["found"])  # as JSON: to Python, true is 1


@choose("missing")
def test_a_pointer_that_leads_nowhere_fails_its_reader(row: dict[str, Any], tmp_path: Path) -> None:
    """With the place, and no attempt; a default stands in."""
    path = write_reader(tmp_path, row)
    given, reads = run(path).result["results"]
    error = f"input from 'given': no place {row['pointer']}"
    assert (given["ok"], reads["ok"], reads["error"], reads["attempts"]) == (True, False, error, 0)
    document = json.loads(path.read_text("utf-8"))
    document["steps"][1]["input"]["from"]["default"] = "none"
    assert follow(workflows.write(tmp_path, document))[2]["reads"] == "none"
    assert is_pointer(row["pointer"])
    assert resolve(row["document"], row["pointer"]) is NOTHING


@choose("wrong_syntax")
def test_what_is_no_pointer_is_refused(row: dict[str, Any], tmp_path: Path) -> None:
    """Before anything runs."""
    with pytest.raises(ConfigError, match="JSON Pointer"):
        run(write_reader(tmp_path, row))
    assert not is_pointer(row["pointer"])


def judge(row: Mapping[str, Any]) -> tuple[str, str]:
    """Whether a row passes, and why it does not."""
    for verdict in ("differs", "not_applicable"):
        if verdict in row:
            return verdict, row[verdict]
    return "passes", ""


def judge_all() -> dict[str, list[tuple[str, str]]]:
    """The verdict on each row, by the title of its table on the page."""
    tables: dict[str, Iterable[Mapping[str, Any]]] = {
        "Comparisons": (row | find_translation(row) for row in CONDITIONS["rows"]),
        "Choices": CONDITIONS["choices"],
        "Skipped steps": SKIPS["rows"],
        "Pointers": POINTERS["rows"],
    }
    return {title: [judge(row) for row in rows] for title, rows in tables.items()}


def read_rows(title: str) -> list[list[str]]:
    """The rows of the table under a heading of the page, without its own heading."""
    text = read(PAGE).split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [
        re.split(r" \| ", line.strip("| ")) for line in re.findall(r"^\| .*$", text, re.MULTILINE)
    ][1:]


def test_the_page_counts_what_the_tables_count() -> None:
    """How many rows pass, differ and do not apply, and for which reasons."""
    verdicts = judge_all()
    counts = {title: Counter(verdict for verdict, _ in found) for title, found in verdicts.items()}
    assert read_rows("Counts") == [
        [title, *map(str, (count.total(), *(count[verdict] for verdict in columns)))]
        for columns in [("passes", "differs", "not_applicable")]
        for title, count in counts.items()
    ]
    words = {"differs": "differs", "not_applicable": "not applicable"}
    reasons = [
        [title, words[verdict], reason, str(count)]
        for title, found in verdicts.items()
        for (verdict, reason), count in sorted(Counter(found).items())
        if verdict != "passes"
    ]
    assert read_rows("Reasons") == reasons


def test_the_page_has_every_translation() -> None:
    """Of each operator, as the table has it, `x` being what it compares with."""
    assert read_rows("Operators") == [
        [f"`{' '.join([row['operator'], argument])}`", f"`{schema}`"]
        for row in CONDITIONS["operators"]
        if row["is"] is not None
        for argument in [json.dumps(row["with"]) if "with" in row else "x"]
        for schema in [json.dumps(row["is"]).replace('"$with"', "x")]
    ]


@pytest.mark.parametrize("table", [CONDITIONS, SKIPS, POINTERS], ids=["conditions", "skips", "at"])
def test_the_page_names_the_sources(table: dict[str, Any]) -> None:
    """Each project with the commit that was read."""
    for source in table["source"].get("suites", [table["source"]]):
        for said in ("repo", "commit", "document"):
            assert source.get(said, "") in read(PAGE)
