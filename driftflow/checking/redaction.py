"""Findings without what is not for everybody: the inputs of sensitive steps.

A report shows lines of the file, and its messages quote what is wrong. So no line is shown on which
a sensitive step stands, and nothing of its input is quoted. The field `sensitive` decides, not the
look of a value: tools that guess secrets by names or patterns miss some, and nobody knows which.
Whole lines are hidden, since a misspelt field may hold what was meant to be the input.

In a text that is no JSON nobody can tell which steps are sensitive: if it mentions the word, no
line of it is shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from driftflow.planning.parameters import list_declared
from driftflow.planning.references import list_params, list_steps
from driftflow.reading.positions import Lines, find_values
from driftflow.text import REDACTED

if TYPE_CHECKING:
    from collections.abc import Collection

    from driftflow.issues import Findings, Issue, JsonPath
    from driftflow.reading.document import Document, Json

    # By path, the offsets at which a value begins and ends.
    Extents: TypeAlias = dict[JsonPath, tuple[int, int]]

_FIELD = "sensitive"
# The fields of a sensitive step that may hold what is secret.
_SECRET = {("input",), ("when",)}
# Messages in place of those that quote without marks, too.
_IN_SHORT = {
    "wrong-input": f"the action cannot take the input {REDACTED}: the step will fail when it runs",
    "wrong-param": f"the parameter breaks its schema: {REDACTED}",
}
# What quotes only names of steps, of files and of fields, which are no secret.
_OF_NAMES = {"circle", "misplaced-field"}
_FIELDS = re.compile(rf'"{_FIELD}"\s*:')
_LINE = re.compile(r"[^\r\n]+")


def may_be_sensitive(data: bytes) -> bool:
    """Return whether a file mentions the word `sensitive`; the file may be in UTF-16."""
    return _FIELD.encode() in data.replace(b"\0", b"")


def redact_all(findings: Findings) -> Findings:
    """Return the findings without any line of the file, and without what messages quote."""
    issues = tuple(map(_remove_quotes, findings.issues))
    return findings._replace(issues=issues, text=_LINE.sub(REDACTED, findings.text))


def redact(
    findings: Findings,
    document: Document,
    secret: Collection[JsonPath] = (),
    params: Collection[str] = (),
) -> Findings:
    """Return the findings without the lines of sensitive steps, and without quotes of their inputs.

    Nor is a value of a parameter quoted that a sensitive step uses, or the line of its default
    shown.

    Args:
        findings: What was found in a file.
        document: What the file holds.
        secret: The paths of what use steps give, as far as it is not for everybody.
        params: The names of the parameters that sensitive steps of files that are used use.
    """
    fields = _FIELDS.findall(document.text)
    steps: dict[JsonPath, bool] = {
        ("steps", index): step[_FIELD] is not False
        for index, step in enumerate(list_steps(document.value))
        if _FIELD in step
    }
    is_changed = any(issue.code == "syntax" for issue in findings.issues)  # comments, for instance
    if len(fields) > len(steps) or (is_changed and _FIELD in document.text):
        return redact_all(findings)  # one is where no step belongs, or in a comment
    paths = [path for path, is_sensitive in steps.items() if is_sensitive]
    params = {*params, *_list_params(document.value)}
    paths += [*secret, *_list_defaults(document.value, params)]
    if not paths and not params:
        return findings
    hidden = find_values(document.plain, paths)
    lines = Lines(findings.text)
    steps_with_secrets = {path[:2] for path in secret}
    issues = tuple(
        _remove_quotes(issue)
        if _is_about_input(issue, hidden, lines)
        or _is_about_given(issue, steps_with_secrets)
        or _is_about_param(issue, document.value, params)
        else issue
        for issue in findings.issues
    )
    return findings._replace(issues=issues, text=_remove_lines(lines, hidden.values()))


def _list_params(document: Json) -> set[str]:
    """Return the names of the parameters that sensitive steps of a document of any shape use."""
    sensitive = (step for step in list_steps(document) if step.get(_FIELD))
    used: set[str] = set().union(*map(list_params, sensitive))
    return used.union(list_declared(document) or ()) if "*" in used else used


def _list_defaults(document: Json, params: Collection[str]) -> list[JsonPath]:
    """Return the paths of the defaults that a document of any shape has for these parameters."""
    return [
        ("params", name, "default")
        for name, schema in (list_declared(document) or {}).items()
        if name in params and isinstance(schema, dict) and "default" in schema
    ]


def _remove_quotes(issue: Issue) -> Issue:
    if issue.path[2:3] in _SECRET:
        issue = issue._replace(path=issue.path[:3])
    if issue.code in _OF_NAMES:
        return issue
    if issue.code in _IN_SHORT:
        return issue._replace(message=_IN_SHORT[issue.code], hint=None)
    return issue._replace(message=_unquote(issue.message), hint=issue.hint and _unquote(issue.hint))


def _unquote(text: str) -> str:
    return re.sub(r"`.*`", REDACTED, text, flags=re.DOTALL)


def _is_about_given(issue: Issue, steps: Collection[JsonPath]) -> bool:
    """Return whether an issue quotes what one of these use steps gives."""
    return issue.path[:2] in steps and issue.path[2:3] == ("params",)


def _is_about_param(issue: Issue, document: Any, params: Collection[str]) -> bool:
    """Return whether an issue is about the value of one of these parameters."""
    if issue.code != "wrong-param" or not issue.path:
        return False
    if issue.path[0] == "params":
        return issue.path[1] in params
    if issue.path[-1] != "param":
        return False
    for key in issue.path:
        document = document[key]
    return document in params


def _is_about_input(issue: Issue, hidden: Extents, lines: Lines) -> bool:
    """Return whether an issue is about the input of a hidden step, or stands in such a step."""
    if issue.path:
        return issue.path[:2] in hidden and issue.path[2:3] in _SECRET
    if issue.line is None or issue.column is None:
        return False
    offset = lines.begin(issue.line) + issue.column - 1
    return any(start <= offset < end for start, end in hidden.values())


def _remove_lines(lines: Lines, hidden: Collection[tuple[int, int]]) -> str:
    """Return the text without the lines on which any of the hidden values stands."""
    numbers = {
        number
        for start, end in hidden
        for number in range(lines.position(start)[0], lines.position(end - 1)[0] + 1)
    }
    text = lines.text
    for start in sorted(map(lines.begin, numbers), reverse=True):
        text = text[:start] + REDACTED + text[lines.finish(start, len(text)) :]
    return text
