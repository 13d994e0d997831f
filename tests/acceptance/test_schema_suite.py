"""The public cases of JSON Schema, draft-07: each is passed, or stands here with its reason."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.command import CHECKOUT

from driftflow.schemas.breaches import make_finder
from driftflow.schemas.compiler import SchemaError, compile_schema
from driftflow.schemas.contracts import load_contract, write_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = CHECKOUT / "tests" / "data" / "json-schema-test-suite" / "draft7"
ANOTHER = "it needs another document than the meta-schema"
CONTENT = "what is encoded in a string is not looked at: `contentEncoding` and the like are notes"
# By file, the cases that are not applicable; by file and description, those that are not passed.
NOT_APPLICABLE = {"refRemote.json": ANOTHER, "optional/cross-draft.json": ANOTHER}
NOT_PASSED = {
    ("optional/content.json", "an invalid JSON document"): CONTENT,
    ("optional/content.json", "an invalid base64 string (% is not a valid character)"): CONTENT,
    ("optional/content.json", "a validly-encoded invalid JSON document"): CONTENT,
    ("optional/content.json", "an invalid base64 string that is valid JSON"): CONTENT,
}


class Case(NamedTuple):
    """A value and whether it satisfies a schema."""

    file: str
    group: str
    description: str
    schema: Any
    value: Any
    is_valid: bool

    @property
    def is_required(self) -> bool:
        """Whether every implementation must pass it."""
        return not self.file.startswith("optional/")


@cache
def cases() -> list[Case]:
    """All of them, by their files."""
    return [*_read_cases()]


def _read_cases() -> Iterator[Case]:
    for path in sorted(SUITE.rglob("*.json")):
        for group in json.loads(path.read_text("utf-8")):
            for case in group["tests"]:
                yield Case(
                    path.relative_to(SUITE).as_posix(),
                    group["description"],
                    case["description"],
                    group["schema"],
                    case["data"],
                    case["valid"],
                )


def is_passed(case: Case) -> bool | None:
    """Whether the verdict is right; None if the schema needs another document."""
    try:
        return compile_schema(case.schema)(case.value) == case.is_valid
    except SchemaError as error:
        return None if "leads to another document" in error.reason else False


def count() -> Counter[tuple[bool, bool | None]]:
    """How many there are of each, required ones and optional ones."""
    return Counter((case.is_required, is_passed(case)) for case in cases())


def test_the_cases_are_passed() -> None:
    """All but those that are listed, and none of these."""
    assert [
        case
        for case in cases()
        if is_passed(case) is False and (case.file, case.description) not in NOT_PASSED
    ] == []
    known = {(case.file, case.description): is_passed(case) for case in cases()}
    assert {name: known[name] for name in NOT_PASSED} == dict.fromkeys(NOT_PASSED, False)
    assert all(file.startswith("optional/") for file, _ in NOT_PASSED)


def test_only_cases_of_other_documents_do_not_apply() -> None:
    """Each group of those files is about one; or it applies, and is passed."""
    files = {case.file for case in cases() if is_passed(case) is None}
    assert files == NOT_APPLICABLE.keys()


@pytest.mark.parametrize("file", sorted({case.file for case in cases()}))
def test_what_explains_a_no_judges_alike(file: str) -> None:
    """Even where the verdict is not that of the suite."""
    for case in cases():
        if case.file == file and (passed := is_passed(case)) is not None:
            contract = load_contract(write_schema(case.schema))  # an object, of a boolean too
            verdict = make_finder(contract.schema).is_valid(case.value)
            assert (verdict == case.is_valid) == passed, case


def test_the_page_has_the_counts() -> None:
    """As they were counted."""
    text = (CHECKOUT / "docs" / "reference" / "schemas.md").read_text("utf-8")
    rows = re.findall(r"^\| (required|optional) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    counted = count()
    assert [(kind, *map(int, numbers)) for kind, *numbers in rows] == [
        (kind, *(counted[is_required, verdict] for verdict in (True, False, None)))
        for kind, is_required in (("required", True), ("optional", False))
    ]
