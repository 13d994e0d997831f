"""The files that a config uses: where they are, and in which order they are looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from driftflow import uses as module
from driftflow.errors import ConfigError
from driftflow.issues import Findings, Issue
from driftflow.reading.document import Document, parse
from driftflow.uses import Uses, read_uses

if TYPE_CHECKING:
    from pathlib import Path


class Files:
    """Files that are not there: by their names, what they use, or how they are wrong."""

    def __init__(self, **files: Any) -> None:
        self.files = {f"{name}.json": given for name, given in files.items()}
        self.read: list[str] = []
        self.checked: list[str] = []

    def document(self, source: str) -> Document:
        """What one holds."""
        paths = self.files[source]
        steps = [{"name": path, "use": path} for path in paths]
        return parse(json.dumps({"name": source, "steps": steps}).encode(), source)

    def open(self, source: str) -> Document:
        """What one holds, if that can be told."""
        self.read.append(source)
        if isinstance(self.files.get(source, "unreadable"), str):
            issue = Issue(self.files.get(source, "unreadable"), "no such file")
            raise ConfigError(Findings(source, "", (issue,)))
        return self.document(source)

    def check(self, _: Document, uses: Uses) -> Findings:
        """Only what is wrong with the paths."""
        self.checked.append(uses.file.source)
        return Findings(uses.file.source, "", tuple(uses.issues))

    def look(self) -> Uses:
        """What is used by the file `a`."""
        return read_uses("a.json", self.document("a.json"), self.open, self.check)


def test_a_file_is_read_and_checked_once_and_after_what_it_uses() -> None:
    """The outermost one is for the caller to check."""
    files = Files(a=["b.json", "c.json", "./c.json"], b=["c.json"], c=[])
    uses = files.look()
    assert files.read == ["b.json", "c.json"]
    assert files.checked == ["c.json", "b.json"]
    assert [findings.source for findings in uses.used] == ["b.json", "c.json"]
    assert uses.issues == []
    assert uses.file.uses[1] is uses.file.uses[2]


def test_a_broken_file_has_findings_of_its_own() -> None:
    """One that cannot be read has none: that is told where it is used."""
    files = Files(a=["b.json", "none.json", "none.json"], b="syntax")
    uses = files.look()
    assert [*uses.used] == [
        Findings("b.json", "", (Issue("syntax", "no such file", source="b.json"),))
    ]
    message = "`none.json` cannot be used: no such file"
    assert uses.issues == [
        Issue("unreadable", message, ("steps", index, "use")) for index in (1, 2)
    ]
    assert files.read == ["b.json", "none.json"]
    assert uses.file.uses == {0: None, 1: None, 2: None}


def test_a_circle_is_told_once_in_the_file_that_closes_it() -> None:
    """What else that uses is known."""
    uses = Files(a=["b.json"], b=["c.json"], c=["d.json", "b.json"], d=[]).look()
    by_file = {findings.source: findings.issues for findings in uses.used}
    (issue,) = by_file.pop("c.json")
    assert issue.message == "the files form a circle: `b.json -> c.json -> b.json`"
    assert (issue.path, issue.source) == (("steps", 1, "use"), "c.json")
    assert [*by_file.values()] == [(), ()]
    assert "b.json/c.json/d.json" in uses.file.names


def test_files_cannot_grow_beyond_all_bounds() -> None:
    """The names of all steps count, as often as their file is used."""
    files = Files(a=["b.json", "./b.json"], b=["c.json"], c=["d.json"], d=["e.json"], e=[])
    with mock.patch.object(module, "MAX_STEPS", 5):
        uses = files.look()
    (issue,) = uses.issues
    assert (issue.code, issue.path) == ("wrong-use", ("steps", 1, "use"))
    assert issue.message == "with this file there are more than 5 steps"
    with mock.patch.object(module, "MAX_STEPS", 6):
        assert files.look().issues == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("./b.json", "f/b.json"),
        ("b.json", "f/b.json"),
        ("../b.json", "b.json"),
        ("g/../b.json", "f/b.json"),
        ("linked/../b.json", "f/linked/../b.json"),
    ],
)
def test_a_file_is_named_as_short_as_is_right(
    path: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a link to a folder, `..` is the folder in which that is."""
    (tmp_path / "f" / "g").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "f" / "linked").symlink_to(tmp_path / "elsewhere" / "deep")
    monkeypatch.chdir(tmp_path)
    files = Files()
    files.files = {"f/a.json": [path], source: []}
    read_uses("f/a.json", files.document("f/a.json"), files.open, files.check)
    assert files.read == [source]
