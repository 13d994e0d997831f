"""The library: reads the files that a config uses, each once, however often it is used.

A file is known by where it is, not by how it is called. Files that use others are walked through
from the outermost one, so that a circle shows the way round; then each is checked, the innermost
ones first, since what is in them is known to those that use them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.errors import ConfigError
from driftflow.issues import Findings, Issue
from driftflow.planning.references import list_steps
from driftflow.planning.uses import File, make_file
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftflow.reading.document import Document

    Read = Callable[[str], Document]
    Check = Callable[[Document, "Uses"], Findings]

# The longest chain of files that use each other, without the outermost one.
MAX_FILES_DEEP = 16
# Of a config with all that it uses: if each file uses the next one twice, they double each time.
MAX_STEPS = 1_000_000


class Uses(NamedTuple):
    """A config with what it uses, and what is wrong with that.

    Attributes:
        file: The config, and what it uses.
        issues: What is wrong with the paths in its use steps, and where these lead. They have
            paths; their lines are yet to be found.
        used: What was found in the files, in the order in which they are first used.
    """

    file: File
    issues: list[Issue]
    used: tuple[Findings, ...] = ()


class _Found:
    """A file that is used, or the outermost one.

    Attributes:
        source: The file, as messages name it.
        document: What it holds; None if that cannot be told.
        findings: What was found in it; None as long as it is not checked.
        depth: How many files use it, one in another, at most; -1 if that is not known yet.
        links: By use step, the place of the file that it uses.
        issues: By use step, why it leads nowhere.
        file: The file with what it uses; None as long as that is not known.
    """

    def __init__(
        self, source: str, document: Document | None, findings: Findings | None = None
    ) -> None:
        self.source = source
        self.document = document
        self.findings = findings
        self.depth = -1
        self.links: dict[int, str] = {}
        self.issues: dict[int, Issue] = {}
        self.file: File | None = None


def read_uses(source: str, document: Document, read: Read, check: Check) -> Uses:
    """Read the files that a config uses, and check them.

    Args:
        source: The config's file, as it was named.
        document: What it holds.
        read: Returns what a file holds; raises ConfigError if that cannot be told.
        check: Returns what was found in a file that is used.
    """
    library = _Library(read, check)
    place = _find_place(source)
    outermost = library.files[place] = _Found(source, document)
    library.walk(place, [])
    uses = library.link(document, outermost)
    others = (found.findings for found in library.files.values() if found is not outermost)
    return uses._replace(used=tuple(findings for findings in others if findings is not None))


class _Library:
    """The files that use each other.

    Args:
        read: Returns what a file holds; raises ConfigError if that cannot be told.
        check: Returns what was found in a file that is used.

    Attributes:
        files: By its place, each file that could be read, in the order in which they are used.
    """

    def __init__(self, read: Read, check: Check) -> None:
        self._read = read
        self._check = check
        self._unreadable: dict[str, str] = {}  # by place, the reason
        self.files: dict[str, _Found] = {}

    def walk(self, place: str, way: list[str]) -> None:
        """Go into the files that a file uses.

        Args:
            place: The place of the file.
            way: The places of those that use it, one in another.
        """
        found = self.files[place]
        if found.document is None or len(way) <= found.depth:
            return
        found.depth = len(way)
        way = [*way, place]
        for index, path in _list_paths(found.document.value):
            self._open(found, index, path)
            if index not in found.links:
                continue
            target = found.links[index]
            if issue := self._find_limit(target, way):
                found.issues[index] = issue
                del found.links[index]
            else:
                self.walk(target, way)

    def _open(self, found: _Found, index: int, path: str) -> None:
        """Take note of where a path leads, or why it leads nowhere."""
        if fault := _find_fault(path):
            found.issues[index] = fault
            return
        source = _join(found.source, path)
        place = _find_place(source)
        if place not in self.files and place not in self._unreadable:
            self._read_file(source, place)
        if place in self._unreadable:
            message = f"`{shorten(source)}` cannot be used: {self._unreadable[place]}"
            found.issues[index] = Issue("unreadable", message)
        else:
            found.links[index] = place

    def _read_file(self, source: str, place: str) -> None:
        try:
            self.files[place] = _Found(source, self._read(source))
        except ConfigError as error:
            first = error.findings.issues[0]
            if first.code == "unreadable":
                self._unreadable[place] = first.message
            else:
                self.files[place] = _Found(source, None, _name_source(error.findings))

    def _find_limit(self, target: str, way: list[str]) -> Issue | None:
        """Return why a file cannot be used by the last of those on the way; None if it can."""
        if target in way:
            circle = [*way[way.index(target) :], target]
            names = " -> ".join(shorten(self.files[place].source) for place in circle)
            message = f"the files form a circle: `{names}`"
            return Issue("circle", message, hint="each uses the next one: remove one of these uses")
        if len(way) > MAX_FILES_DEEP:
            message = f"files can use files up to {MAX_FILES_DEEP} deep, and this is one more"
            return Issue("nested-too-deep", message)
        return None

    def link(self, document: Document, found: _Found) -> Uses:
        """Return a file with what it uses; check each file that is used when what it uses is known.

        Args:
            document: What it holds.
            found: The file.
        """
        uses: dict[int, File | None] = {}
        issues = dict(found.issues)
        size = 0
        for index, step in enumerate(list_steps(document.value)):
            if "use" in step:
                used = self._find_file(found.links.get(index))
                size += len(used.names) if used else 0
                if size > MAX_STEPS:
                    message = f"with this file there are more than {MAX_STEPS:,} steps"
                    issues[index], used = Issue("wrong-use", message), None
                uses[index] = used
        file = make_file(found.source, document.value, uses)
        placed = [each._replace(path=("steps", index, "use")) for index, each in issues.items()]
        return Uses(file, placed)

    def _find_file(self, place: str | None) -> File | None:
        """Return the file at a place, checked; None if there is none or nobody knows its value."""
        found = None if place is None else self.files[place]
        if found is None or found.document is None:
            return None
        if found.file is None:
            uses = self.link(found.document, found)
            found.file = uses.file
            found.findings = _name_source(self._check(found.document, uses))
        return found.file


def _name_source(findings: Findings) -> Findings:
    """Return the findings with the file at each issue, as it is not the outermost one."""
    issues = tuple(issue._replace(source=findings.source) for issue in findings.issues)
    return findings._replace(issues=issues)


def _list_paths(value: Any) -> Iterator[tuple[int, str]]:
    """Yield the paths in the use steps of a document of any shape, each with its step."""
    for index, step in enumerate(list_steps(value)):
        if isinstance(step.get("use"), str) and step["use"]:
            yield index, step["use"]


def _find_fault(path: str) -> Issue | None:
    """Return what is wrong with a path as it is written; None if nothing is."""
    if os.path.isabs(path):  # noqa: PTH117 - without pathlib, as all that a run imports
        message = "the path of a file to use must be relative"
        return Issue("wrong-use", message, hint="it counts from the folder of this file")
    if not path.endswith(".json"):
        return Issue("wrong-use", "a file to use must be a `.json` file")
    return None


def _join(source: str, path: str) -> str:
    """Return where a path leads that stands in a file, as messages name it."""
    joined = os.path.join(os.path.dirname(source), path)  # noqa: PTH118, PTH120 - without pathlib
    short = os.path.normpath(joined)
    # Behind a link to a folder, `..` leads elsewhere than it looks.
    return short if _find_place(short) == _find_place(joined) else joined


def _find_place(source: str) -> str:
    """Return by what a file is known, however it is called."""
    try:
        return os.path.realpath(source)
    except (OSError, ValueError):  # a NUL in the path, for instance
        return source
