"""Workflows in workflows, as a user meets them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from jsonschema import Draft7Validator
from support import workflows
from support.command import CHECKOUT, invoke

from driftflow import ConfigError, StorageError, load_config
from driftflow.reading.document import parse
from driftflow.schemas.published import load_schema
from driftflow.testing import run, script

if TYPE_CHECKING:
    from pathlib import Path

DEEDS = ("--actions", CHECKOUT / "tests" / "support" / "deeds.py")
# A library of steps, as a team would have it.
COMMON: dict[str, Any] = {
    "name": "common",
    "params": {"day": {"type": "string"}, "suffix": {"type": "string", "default": ".csv"}},
    "steps": [
        {
            "name": "fetch",
            "action": "echo",
            "input": {"concat": ["in/", {"param": "day"}, {"param": "suffix"}]},
        },
        {"name": "clean", "action": "upper", "input": {"from": "fetch"}},
    ],
    "output": {"rows": {"from": "clean"}},
}
LOAD = {"name": "load", "action": "echo", "input": {"from": {"step": "prefix", "at": "/rows"}}}


def use(name: str = "prefix", path: str = "./common.driftflow.json", **fields: Any) -> Any:
    """A use step."""
    return {"name": name, "use": path, **fields}


def save(folder: Path, *steps: dict[str, Any], name: str = "job.json", **fields: Any) -> Path:
    """A config with these steps, and the library beside it."""
    (folder / "common.driftflow.json").write_text(json.dumps(COMMON))
    return write(folder, name, {"name": "job", "steps": [*steps], **fields})


def write(folder: Path, name: str, value: Any) -> Path:
    """A file with that value, one step on each line."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))
    return path


def use_chain(folder: Path, length: int) -> Path:
    """So many files after the first one, of which each uses the next one."""
    for number in range(length):
        steps = [use("u", f"{number + 1}.json"), {"name": "a", "action": "echo"}]
        write(folder, f"{number}.json", {"name": "x", "steps": steps})
    write(folder, f"{length}.json", {"name": "x", "steps": [{"name": "a", "action": "echo"}]})
    return folder / "0.json"


def codes(error: ConfigError) -> list[tuple[str | None, str]]:
    """The file and the code of each issue."""
    return [(issue.source, issue.code) for issue in error.issues]


def test_the_steps_of_a_file_run_where_it_is_used(tmp_path: Path) -> None:
    """Under the use step's name, with what that gives, between what is before and behind."""
    give = {"day": {"from": "today"}}
    save(tmp_path, LOAD, use(params=give), {"name": "today", "action": "echo", "input": "mo"})
    outcome = invoke("--config", "job.json", cwd=tmp_path)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout == (
        "OK today: mo\nOK prefix/fetch: in/mo.csv\nOK prefix/clean: IN/MO.CSV\nOK load: IN/MO.CSV\n"
    )


def test_a_file_that_fails_leaves_null_in_its_output(tmp_path: Path) -> None:
    """Whether a step of it failed or was skipped."""
    steps: list[dict[str, Any]] = [
        {"name": "failed", "action": "fail", "optional": True},
        {"name": "skipped", "action": "echo", "when": {"value": 1, "is": {"const": 2}}},
        {"name": "done", "action": "echo", "input": 3},
    ]
    output = [{"from": step["name"]} for step in steps]
    write(tmp_path, "f.json", {"name": "f", "steps": steps, "output": output})
    reader = {"name": "reader", "action": "echo", "input": {"from": "p"}}
    path = write(
        tmp_path,
        "job.json",
        {"name": "job", "steps": [use("p", "f.json"), reader], "output": {"from": ["p", "reader"]}},
    )
    outcome = run(path, replace={"fail": script(OSError("no"))})
    assert outcome.lines[-1] == "OK reader: [null,null,3]"
    assert outcome.result["output"] == [[None, None, 3]] * 2


def test_the_digest_is_that_of_a_config_written_by_hand(tmp_path: Path) -> None:
    """Where the names are the same: nothing behind the plan can tell the two apart."""
    fetch, clean = COMMON["steps"]
    joined = {"concat": ["in/", {"literal": "mo"}, {"literal": ".csv"}]}
    by_hand: list[dict[str, Any]] = [
        {"name": "start", "action": "echo"},
        {**fetch, "name": "prefix/fetch", "input": joined, "after": ["start"]},
        {**clean, "name": "prefix/clean", "input": {"from": "prefix/fetch"}},
        {"name": "end", "action": "echo", "after": ["prefix/clean"]},
    ]
    with_use = [
        {"name": "start", "action": "echo"},
        use(params={"day": "mo"}, after=["start"]),
        {"name": "end", "action": "echo", "after": ["prefix"]},
    ]
    save(tmp_path, *by_hand, name="by_hand.json")
    save(tmp_path, *with_use)
    one, other = (
        json.loads(invoke("plan", "--config", name, "--print-json", cwd=tmp_path).stdout)
        for name in ("by_hand.json", "job.json")
    )
    assert one["digest"] == other["digest"]
    assert one["steps"] == other["steps"]


def test_the_plan_shows_the_steps_of_files(tmp_path: Path) -> None:
    """In the table and in pictures; what refers to a file stands there as it is written."""
    save(tmp_path, use(params={"day": {"param": "day"}}), LOAD)
    table = invoke("plan", "--config", "job.json", "--param", "day=mo", cwd=tmp_path).stdout
    assert "prefix/fetch" in table
    assert '{"from":{"step":"prefix","at":"/rows"}}' in table
    assert '"written"' not in table
    picture = invoke(
        *("plan", "--config", "job.json", "--param", "day=mo", "--format", "mermaid"), cwd=tmp_path
    ).stdout
    assert 's1["prefix/clean"]' in picture
    assert "s1 --> s2" in picture
    listed = invoke("plan", "--config", "job.json", "--params", cwd=tmp_path).stdout
    assert "prefix/fetch" in listed.splitlines()[1]


@pytest.mark.parametrize("flags", [{}, {"parallel": True}])
def test_side_by_side_or_one_after_the_other_the_answer_is_the_same(
    flags: dict[str, bool], tmp_path: Path
) -> None:
    """A file that is used twice, and one that reads both."""
    save(
        tmp_path,
        use("one", params={"day": "mo"}),
        use("other", params={"day": {"from": "one/fetch"}}),
        {"name": "both", "action": "echo", "input": {"from": ["one", "other"]}},
        flags=flags,
    )
    outcome = invoke("--config", "job.json", "--jobs", 4, cwd=tmp_path)
    assert outcome.stdout == (
        "OK one/fetch: in/mo.csv\nOK one/clean: IN/MO.CSV\n"
        "OK other/fetch: in/in/mo.csv.csv\nOK other/clean: IN/IN/MO.CSV.CSV\n"
        'OK both: [{"rows":"IN/MO.CSV"},{"rows":"IN/IN/MO.CSV.CSV"}]\n'
    )


def test_a_resumed_run_keeps_steps_of_files(tmp_path: Path) -> None:
    """And does again what reads a file whose output is another one by now."""
    save(
        tmp_path,
        use(params={"day": "mo"}),
        LOAD,
        {"name": "last", "action": "nobody", "after": ["load"]},
        flags={"audit": True},
    )
    assert invoke("--config", "job.json", cwd=tmp_path).status == 1
    again = invoke("--config", "job.json", "--resume", cwd=tmp_path)
    assert "3 kept; again: last (failed)" in again.stderr
    changed = COMMON | {"output": {"rows": {"from": "fetch"}}}
    write(tmp_path, "common.driftflow.json", changed)
    other = invoke("--config", "job.json", "--resume", cwd=tmp_path)
    assert "OK load: in/mo.csv\n" in other.stdout
    assert "2 kept; again: load (changed)" in other.stderr


def test_what_is_wrong_is_told_in_its_own_file(tmp_path: Path) -> None:
    """At its line and column, in every form; the outermost file is the first."""
    inner = {"name": "inner", "steps": [{"name": "fetch", "action": "echo", "after": ["b"]}]}
    write(tmp_path / "lib", "inner.json", inner)
    save(tmp_path, use("p", "lib/inner.json"), {"name": "z", "action": "echo", "after": ["p/fetc"]})
    text = invoke("check", "job.json", cwd=tmp_path).stdout
    assert (
        "error[unknown-step]: unknown step `p/fetc`\n  --> job.json:12:5  steps[1].after[0]" in text
    )
    assert "= help: did you mean `p/fetch`?" in text
    assert " --> lib/inner.json:8:5  steps[0].after[0]\n" in text
    assert text.index("job.json:") < text.index("inner.json:")
    assert text.endswith("2 files: 2 errors\n")
    github = invoke("check", "--format", "github", "job.json", cwd=tmp_path).stdout
    assert "::error file=lib/inner.json,line=8,col=5," in github
    document = json.loads(invoke("check", "--format", "json", "job.json", cwd=tmp_path).stdout)
    Draft7Validator(load_schema("findings")).validate(document)
    places = [(file["file"], [i["line"] for i in file["issues"]]) for file in document["files"]]
    assert places == [("job.json", [12]), ("lib/inner.json", [8])]
    refused = invoke("--config", "job.json", cwd=tmp_path)
    assert refused.status == 2
    assert " --> lib/inner.json:8:5  steps[0].after[0]\n" in refused.stderr
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "job.json")
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{tmp_path}/job.json:12:5: error[unknown-step]: ")
    assert second.startswith(f"{tmp_path}/lib/inner.json:8:5: error[unknown-step]: ")
    assert [issue.source for issue in caught.value.issues] == [
        None,
        f"{tmp_path}/lib/inner.json",
    ]


def test_an_error_in_a_file_that_is_used_is_an_error(tmp_path: Path) -> None:
    """Nothing is wrong with the outermost one."""
    write(
        tmp_path,
        "f.json",
        {"name": "f", "steps": [{"name": "a", "action": "echo", "after": ["b"]}]},
    )
    write(tmp_path, "job.json", {"name": "x", "steps": [use("p", "f.json")]})
    refused = invoke("--config", "job.json", cwd=tmp_path)
    assert refused.status == 2
    assert "error[unknown-step]" in refused.stderr
    assert "--strict" not in refused.stderr
    assert invoke("check", "job.json", cwd=tmp_path).status == 1
    assert invoke("plan", "--config", "job.json", "--params", cwd=tmp_path).status == 2


def test_a_path_counts_from_the_folder_of_the_file_that_says_it(tmp_path: Path) -> None:
    """Not from the working directory, nor from that of the outermost file."""
    write(tmp_path, "jobs/lib/c.json", {"name": "c", "steps": [{"name": "s", "action": "echo"}]})
    write(tmp_path, "jobs/lib/b.json", {"name": "b", "steps": [use("c", "./c.json")]})
    write(tmp_path, "jobs/a.json", {"name": "a", "steps": [use("b", "lib/../lib/b.json")]})
    assert invoke("--config", "jobs/a.json", cwd=tmp_path).stdout == "OK b/c/s: \n"


def test_a_file_that_several_use_is_shown_once(tmp_path: Path) -> None:
    """Also if it is checked itself; then with what counts where it is used."""
    unknown = [{"name": "a", "action": "ecko"}]
    write(tmp_path, "f.json", {"name": "f", "steps": unknown, "flags": {}})
    write(tmp_path, "one.json", {"name": "1", "steps": [use("p", "f.json"), use("q", "./f.json")]})
    write(tmp_path, "two.json", {"name": "2", "steps": [use("p", "f.json")]})
    outcome = invoke("check", "one.json", "two.json", cwd=tmp_path)
    assert outcome.stdout.count("unknown action `ecko`") == 1
    assert outcome.stdout.endswith("3 files: 2 warnings\n")
    with_itself = invoke("check", "./f.json", "one.json", cwd=tmp_path)
    assert with_itself.stdout.count("`flags` is ignored in a file that another one uses") == 1
    assert with_itself.stdout.endswith("2 files: 2 warnings\n")
    assert invoke("check", "f.json", cwd=tmp_path).stdout.endswith("1 file: 1 warning\n")
    assert invoke("check", "--strict", "one.json", cwd=tmp_path).status == 1
    refused = invoke("--config", "one.json", "--strict", cwd=tmp_path)
    assert refused.status == 2
    assert refused.stderr.endswith("because of these warnings (--strict)\n")


def test_each_file_is_read_once(tmp_path: Path) -> None:
    """However often it is used, and by whatever name."""
    save(tmp_path, use("a", params={"day": "mo"}), use("b", "./link.json", params={"day": "tu"}))
    (tmp_path / "link.json").symlink_to("common.driftflow.json")
    with mock.patch("driftflow.config.parse", wraps=parse) as reading:
        load_config(tmp_path / "job.json")
    assert reading.call_count == 2


@pytest.mark.parametrize(
    ("files", "way"),
    [
        ({"a.json": "a.json"}, "a.json -> a.json"),
        ({"a.json": "b.json", "b.json": "a.json"}, "a.json -> b.json -> a.json"),
        (
            {"a.json": "x/b.json", "x/b.json": "c.json", "x/c.json": "./b.json"},
            "x/b.json -> x/c.json -> x/b.json",
        ),
    ],
)
def test_a_circle_of_files_shows_the_way_round(
    files: dict[str, str], way: str, tmp_path: Path
) -> None:
    """And ends nothing but the config."""
    for name, used in files.items():
        write(tmp_path, name, {"name": "x", "steps": [use("u", used)]})
    outcome = invoke("check", "a.json", cwd=tmp_path)
    assert f"error[circle]: the files form a circle: `{way}`\n" in outcome.stdout
    assert outcome.stdout.count("error[") == 1
    assert f" --> {way.split(' -> ')[-2]}:6:11  steps[0].use\n" in outcome.stdout


@pytest.mark.parametrize(("length", "status"), [(16, 0), (17, 2)])
def test_files_can_be_used_sixteen_deep(length: int, status: int, tmp_path: Path) -> None:
    """One more is an error where it is used."""
    path = use_chain(tmp_path, length)
    outcome = invoke("--config", path, cwd=tmp_path)
    assert outcome.status == status
    assert ("error[nested-too-deep]: " in outcome.stderr) is (status == 2)
    assert (f"{tmp_path}/16.json:6:11" in outcome.stderr) is (status == 2)
    assert (f"OK {'u/' * 16}a: \n" in outcome.stdout) is (status == 0)


def test_the_deepest_way_counts(tmp_path: Path) -> None:
    """A file that is near by one way may be too far by another."""
    use_chain(tmp_path, 16)
    steps = [use("near", "15.json"), use("far", "0.json")]
    write(tmp_path, "job.json", {"name": "x", "steps": steps})
    outcome = invoke("check", "job.json", cwd=tmp_path)
    assert outcome.stdout.count("error[nested-too-deep]") == 1
    assert " --> 15.json:6:11  steps[0].use\n" in outcome.stdout


MISPLACED: dict[str, Any] = {
    "action": "echo",
    "input": "x",
    "when": {"value": 1, "is": {"const": 1}},
    "optional": True,
    "priority": 1,
    "sensitive": False,
    "max_attempts": 2,
    "backoff": {},
    "timeout_seconds": 1,
    "retry_on": [],
    "returns": {},
}


@pytest.mark.parametrize("field", MISPLACED)
def test_no_field_of_a_use_step_is_ignored(field: str, tmp_path: Path) -> None:
    """One that shapes a step is an error."""
    save(tmp_path, use(params={"day": "mo"}, **{field: MISPLACED[field]}))
    outcome = invoke("--config", "job.json", cwd=tmp_path)
    assert outcome.status == 2
    assert outcome.stderr.count("error[") == 1
    assert f"error[misplaced-field]: `{field}` cannot stand" in outcome.stderr


def test_every_field_of_a_step_is_right_or_wrong_with_use() -> None:
    """One that a later version brings has to be decided upon, too."""
    fields = load_schema("driftflow")["properties"]["steps"]["items"]["properties"]
    known = {name for name, field in fields.items() if "deprecationMessage" not in field}
    assert known == MISPLACED.keys() | {"name", "use", "params", "after"}


@pytest.mark.parametrize(
    ("used", "code", "place"),
    [
        ("/etc/x.json", "wrong-use", "steps[0].use"),
        ("x.yaml", "wrong-use", "steps[0].use"),
        ("no.json", "unreadable", "steps[0].use"),
        ("folder.json", "unreadable", "steps[0].use"),
        ("nul\0.json", "unreadable", "steps[0].use"),
        ("", "empty-string", "steps[0].use"),
        (5, "wrong-type", "steps[0].use"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_where_it_stands(
    used: Any, code: str, place: str, tmp_path: Path
) -> None:
    """And nothing that follows from it: there may be any step in such a file."""
    (tmp_path / "folder.json").mkdir()
    save(tmp_path, use("p", used), {"name": "z", "action": "echo", "input": {"from": "p/a"}})
    outcome = invoke("check", "job.json", cwd=tmp_path)
    assert outcome.stdout.count("error[") == 1
    assert f"error[{code}]: " in outcome.stdout
    assert f"  {place}\n" in outcome.stdout


def test_parameters_are_checked_where_they_are_given(tmp_path: Path) -> None:
    """Those that are missing, unknown, or break what the file declares."""
    save(tmp_path, use(params={"dai": 1, "suffix": 5}), use("q"))
    text = invoke("check", "job.json", cwd=tmp_path).stdout
    assert "[missing-param]: `common.driftflow.json` needs the parameter `day`" in text
    assert "[unknown-param]: `common.driftflow.json` has no parameter `dai`" in text
    assert "[wrong-param]: the parameter `suffix` must be a string, not an integer" in text
    assert text.count("error[") == 4
    assert "  steps[0].params.suffix\n" in text
    assert "  steps[1]\n" in text


def test_a_value_that_is_known_only_by_the_run_is_checked_before_it(tmp_path: Path) -> None:
    """At its place in the outermost file, also if it is handed on from file to file."""
    save(tmp_path, use(params={"day": {"param": "day"}}))
    write(tmp_path, "middle.json", json.loads((tmp_path / "job.json").read_text()))
    steps = [use("m", "middle.json", params={"day": {"param": "day"}})]
    write(tmp_path, "outer.json", {"name": "x", "steps": steps})
    assert invoke("check", "job.json", "outer.json", cwd=tmp_path).status == 0
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "job.json", params={"day": 5})
    assert codes(caught.value) == [(None, "wrong-param")]
    assert caught.value.issues[0].path == ("steps", 0, "params", "day")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "outer.json", params={"day": 5})
    assert codes(caught.value) == [(None, "wrong-param")]
    (issue,) = caught.value.issues
    assert issue.path == ("steps", 0, "params")
    assert issue.message.endswith("must be a string, not an integer")
    assert load_config(tmp_path / "outer.json", params={"day": "mo"}).steps[0].name == (
        "m/prefix/fetch"
    )


def test_a_file_without_output_stands_for_nothing(tmp_path: Path) -> None:
    """Whoever reads it is told; who only comes after it need not be."""
    write(tmp_path, "f.json", {"name": "f", "steps": [{"name": "a", "action": "echo"}]})
    steps = [
        use("p", "f.json"),
        {"name": "b", "action": "echo", "after": ["p"]},
        {"name": "c", "action": "echo", "input": [{"from": ["b", "p"]}, {"from": "p/a"}]},
    ]
    path = write(tmp_path, "job.json", {"name": "x", "steps": steps, "output": {"from": "p"}})
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert [(issue.code, issue.path) for issue in caught.value.issues] == [
        ("no-output", ("steps", 2, "input", 0, "from", 1)),
        ("no-output", ("output", "from")),
    ]


def test_a_way_into_a_file_and_out_of_it_is_a_circle(tmp_path: Path) -> None:
    """The use step is one of its steps."""
    give = {"day": {"from": "a"}}
    save(tmp_path, {"name": "a", "action": "echo", "after": ["prefix/fetch"]}, use(params=give))
    text = invoke("check", "job.json", cwd=tmp_path).stdout
    assert "error[circle]: the steps form a circle: `a -> prefix -> a`" in text
    assert "  steps[0].after[0]\n" in text


def test_no_two_steps_have_one_name_because_of_a_file(tmp_path: Path) -> None:
    """References in the file could not tell them apart."""
    save(tmp_path, {"name": "prefix/fetch", "action": "echo"}, use(params={"day": "mo"}))
    text = invoke("check", "job.json", cwd=tmp_path).stdout
    assert "error[ambiguous-step]: ambiguous step `prefix/fetch`: there is another one in" in text
    assert "  steps[1].name\n" in text


def test_what_a_sensitive_step_of_a_file_is_given_is_hidden(tmp_path: Path) -> None:
    """In reports, in the record, and in what `plan --params` lists."""
    steps = [{"name": "a", "action": "echo", "input": {"param": "key"}, "sensitive": True}]
    declared = {"key": {"type": "string", "maxLength": 3}}
    write(tmp_path, "f.json", {"name": "f", "steps": steps, "params": declared})
    write(
        tmp_path, "job.json", {"name": "x", "steps": [use("p", "f.json", params={"key": "hush"})]}
    )
    outcome = invoke("check", "job.json", cwd=tmp_path)
    assert "error[wrong-param]: the parameter breaks its schema: [redacted]" in outcome.stdout
    assert "hush" not in outcome.stdout
    given = [use("p", "f.json", params={"key": {"param": "k"}})]
    write(tmp_path, "job.json", {"name": "x", "steps": given, "flags": {"audit": True}})
    listed = invoke("plan", "--config", "job.json", "--params", "--param", "k=hsh", cwd=tmp_path)
    assert "[redacted]" in listed.stdout
    assert invoke("--config", "job.json", "--param", "k=hsh", cwd=tmp_path).status == 0
    assert "hsh" not in (tmp_path / "driftflow.audit.json").read_text()
    refused = invoke("--config", "job.json", "--param", "k=hush", cwd=tmp_path)
    assert "error[wrong-param]" in refused.stderr
    assert "hush" not in refused.stderr


@pytest.mark.parametrize(
    ("options", "environ", "is_ended"),
    [
        ([], {}, False),
        (["--enforce-timeout"], {}, True),
        (["--enforce-timeout"], {"WORKFLOW_TIMEOUT_SECONDS": "60"}, False),
    ],
)
def test_the_timeout_of_a_file_is_enforced_where_that_of_the_workflow_is(
    options: list[str], environ: dict[str, str], *, is_ended: bool, tmp_path: Path
) -> None:
    """And what replaces that replaces it too; the outermost file's does not count for it."""
    steps = [{"name": "a", "action": "nap", "input": 0.4}]
    write(tmp_path, "f.json", {"name": "f", "steps": steps, "timeout_seconds": 0.1})
    path = write(tmp_path, "job.json", {"name": "x", "steps": [use("p", "f.json")]})
    outcome = invoke("--config", path, *DEEDS, *options, cwd=tmp_path, environ=environ)
    assert ("FAIL p/a: " in outcome.stdout) is is_ended
    assert outcome.status == int(is_ended)


def test_values_that_are_too_deep_only_together_are_an_error(tmp_path: Path) -> None:
    """Not a traceback, however many files hand them on."""
    nested: Any = {"param": "x"}
    for _ in range(100):
        nested = [nested]
    for number in range(15):
        steps = [use("u", f"{number + 1}.json", params={"x": nested})]
        write(tmp_path, f"{number}.json", {"name": "x", "steps": steps})
    last = [{"name": "a", "action": "echo", "input": {"param": "x"}}]
    write(tmp_path, "15.json", {"name": "x", "steps": last})
    outcome = invoke("--config", "0.json", "--param", "x=1", cwd=tmp_path)
    assert outcome.status == 2
    assert "error[value-too-large]: with the files that are used" in outcome.stderr
    checked = invoke("check", "0.json", cwd=tmp_path)
    assert checked.status == 1
    assert "error[value-too-large]: with the files that are used" in checked.stdout


def test_values_that_multiply_from_file_to_file_are_an_error(tmp_path: Path) -> None:
    """Soon, whatever would come of them; and so do they where their schemas are judged."""
    for number in range(15):
        given = {"x": [{"param": "x"}] * 30}
        steps = [use("u", f"{number + 1}.json", params=given)]
        fields = {"name": "x", "params": {"x": {}}, "steps": steps}
        write(tmp_path, f"{number}.json", fields)
    last = [{"name": "a", "action": "echo", "input": {"param": "x"}}]
    write(tmp_path, "15.json", {"name": "x", "params": {"x": {}}, "steps": last})
    outcome = invoke("--config", "0.json", "--param", "x=1", cwd=tmp_path)
    assert outcome.status == 2
    assert "or has more than 1,000,000 parts" in outcome.stderr


def test_a_file_that_is_used_is_no_audit_file(tmp_path: Path) -> None:
    """It would be spoilt."""
    path = save(tmp_path, use(params={"day": "mo"}))
    with pytest.raises(StorageError, match="the config uses the audit file"):
        load_config(path, audit=tmp_path / "common.driftflow.json")


def test_a_config_without_use_does_not_load_what_reads_files(tmp_path: Path) -> None:
    """It costs nothing."""
    path = workflows.save(tmp_path, {})
    with mock.patch.dict("sys.modules", {"driftflow.uses": None, "driftflow.planning.uses": None}):
        assert invoke("--config", path, cwd=tmp_path).status == 0
        with pytest.raises(ModuleNotFoundError):
            invoke("--config", save(tmp_path, use()), cwd=tmp_path)
