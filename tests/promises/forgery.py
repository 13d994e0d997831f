"""Whatever names, inputs and errors hold: no line of the output is theirs."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any

from support.command import invoke, packages_stay

from promises import Promise, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SEED = 1
# What DESIGN.md says is escaped, apart from the ends of our own lines.
_RAW = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_PIECES = [
    *("\n", "\r", "\r\n", "\t", "\0", "\b", "\x1b[2J", "\x1b]0;t\x07", "\x7f", "\x85", "\x9b31m"),
    *("\u2028", "\u2029", "\u202e", "\u2066", "\u061c", "\u200f", "\ud800", "\udc00", "😀"),
    *("\nOK x: y", "\u2028OK x: y\n", "\nFAIL x: y\n", "\n::error ::x", "%0A::warning ::x", "\n0 "),
    *('"', "\\", '"}\n{"v":1}', "\nerror[syntax]: x", "\n1 file: nothing to report", "a", " "),
]
_REPORTED = re.compile(
    r"(?:error|warning)\[[a-z0-9-]+\]: |error: | *(?:-->|\||=|[0-9]+ \|)|[0-9]+ files?: |$"
)
_ACTIONS = """
import driftflow

@driftflow.action
def boom(value):
    raise RuntimeError(value)

@driftflow.action
def loud(value):
    return {value: [value]}
"""


def is_safe(text: str) -> bool:
    """Whether nothing in a text breaks a line or drives a terminal but the ends of lines."""
    return not _RAW.search(text)


def _evil(chance: random.Random) -> str:
    return "".join(chance.choices(_PIECES, k=chance.randint(1, 5)))


def _workflow(chance: random.Random) -> dict[str, Any]:
    """A workflow that loads, of evil strings."""
    steps = [
        {
            "name": _evil(chance),
            "action": chance.choice(["echo", "upper", "boom", "loud", _evil(chance)]),
            "input": chance.choice([_evil(chance), {"param": "p"}, {_evil(chance): _evil(chance)}]),
            "optional": True,
            _evil(chance): _evil(chance),
        }
        for _ in range(3)
    ]
    steps.append({"name": "p", "action": "echo", "input": {"param": "p"}, "optional": True})
    return {
        "name": _evil(chance),
        "steps": steps,
        "flags": {"audit": True, _evil(chance): True},
        "storage": {"path": "audit.jsonl"},
        _evil(chance): 1,
    }


def _texts(folder: Path, param: str) -> Iterator[tuple[str, str, bool]]:
    """What the commands print: what it is, the text, and whether it is as it should be."""
    common = ("--actions", "./evil.py")
    run = ("--config", "config.json", *common, "--param", f"p={param}")
    audit = folder / "audit.jsonl"
    audit.unlink(missing_ok=True)
    document = invoke(*run, "--print-json", cwd=folder)
    results = json.loads(document.stdout)["results"]
    yield "run, document", document.stdout, bool(results)
    told = document.stderr.split("\n")
    good = all(line.startswith("warning: unknown action `") for line in told[:-1])
    yield "run, errors", document.stderr, good and told[-1] == ""
    records = audit.read_bytes().decode("ascii").split("\n")
    written = [json.loads(record) for record in records[:-1]]
    good = [record["seq"] for record in written] == [*range(len(written))]
    good &= sum(record["event"] != "attempt_failed" for record in written) == 2 * len(results) + 2
    yield "audit", "\n".join(records), good and records[-1] == ""
    *lines, last = invoke(*run, cwd=folder).stdout.split("\n")
    good = len(lines) == len(results) and all(line.startswith(("OK ", "FAIL ")) for line in lines)
    yield "run, lines", "\n".join(lines), good and last == ""
    plan = invoke("plan", *run, cwd=folder).stdout
    rows = re.findall("^ *[0-9]+ .*$", plan, re.MULTILINE)
    yield (
        "plan",
        plan,
        len(rows) == len(results) and not re.search("^(OK|FAIL)", plan, re.MULTILINE),
    )
    shown = invoke("plan", *run, "--print-json", cwd=folder).stdout
    yield "plan, document", shown, bool(json.loads(shown))
    yield from _reports(folder, *common)


def _reports(folder: Path, *common: str) -> Iterator[tuple[str, str, bool]]:
    found = invoke("check", *common, "--format", "json", "config.json", cwd=folder).stdout
    number = len(json.loads(found)["files"][0]["issues"])
    yield "check, document", found, True
    report = invoke("check", *common, "config.json", cwd=folder).stdout
    good = all(_REPORTED.match(line) for line in report.split("\n"))
    yield (
        "check",
        report,
        good and len(re.findall(r"^(?:error|warning)\[", report, re.MULTILINE)) == number,
    )
    log = invoke("check", *common, "--format", "github", "config.json", cwd=folder).stdout
    *lines, _ = log.split("\n")
    good = all(re.match("::(error|warning) ", line) for line in lines)
    yield "check, log", log, good and len(lines) == number
    refused = invoke("--config", "config.json", *common, "--strict", cwd=folder)
    good = refused.status == 2 and refused.stdout == ""
    yield (
        "refused",
        refused.stderr,
        good and all(_REPORTED.match(line) for line in refused.stderr.split("\n")),
    )


@packages_stay()
def trial(folder: Path, *, workflows: int) -> Verdict:
    """Run, plan and check workflows of evil strings, and look at all that is printed."""
    (folder / "evil.py").write_text(_ACTIONS)
    chance = random.Random(_SEED)  # noqa: S311 - the same each time
    texts = 0
    for number in range(workflows):
        document = json.dumps(_workflow(chance), ensure_ascii=chance.random() < 0.5)
        (folder / "config.json").write_bytes(document.encode(errors="backslashreplace"))
        try:
            for what, text, good in _texts(folder, _evil(chance)):
                texts += 1
                if not good or not is_safe(text):
                    return Verdict(holds=False, figure=f"workflow {number}, {what}: {text[:300]!a}")
        except Exception as error:  # noqa: BLE001 - a surrogate that cannot be written, say
            return Verdict(holds=False, figure=f"workflow {number}: {error!a}")
    return Verdict(holds=True, figure=f"{workflows} workflows, {texts} texts")


PROMISES: list[Promise] = [
    Promise(
        "FORGERY-1",
        "Nothing in a config, an output or an error can forge a line of the output",
        "each result one line, each record one line, no control characters",
        trial,
        short={"workflows": 15},
        long={"workflows": 1000},
    )
]
