"""What is wrong with the schemas in a config: of parameters, of conditions, of outputs."""

from __future__ import annotations

from marshal import dumps
from typing import TYPE_CHECKING, Any

from driftflow.issues import Issue
from driftflow.planning.parameters import list_declared
from driftflow.planning.references import list_steps
from driftflow.schemas.contracts import load_contract, write_schema
from driftflow.text import format_path, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from driftflow.actions.action import Action
    from driftflow.issues import JsonPath, Severity
    from driftflow.planning.references import StepDocument
    from driftflow.reading.document import Json

# Of `marshal`: without notes on what is shared, which are no part of a value.
_PLAINLY = 2
# Keywords that say which kind of value is meant, or that may say so inside.
_DECISIVE = {"type", "const", "enum", "$ref", "allOf", "anyOf", "oneOf", "not", "if"}


def list_schemas(document: Json) -> Iterator[tuple[JsonPath, Any]]:
    """Yield the schemas in a document of any shape, each with its path."""
    for name, schema in (list_declared(document) or {}).items():
        yield ("params", name), schema
    for index, step in enumerate(list_steps(document)):
        when = step.get("when")
        if isinstance(when, dict) and "is" in when:
            yield ("steps", index, "when", "is"), when["is"]
        if "returns" in step:
            yield ("steps", index, "returns"), step["returns"]


def find_issues(document: Json) -> Iterator[Issue]:
    """Yield what is wrong with the schemas in a document, whatever its shape."""
    seen: dict[bytes, bool] = {}
    for path, schema in list_schemas(document):
        key = dumps(schema, _PLAINLY)
        if key not in seen:
            seen[key] = not isinstance(schema, dict | bool) or _is_right(schema)
        if not seen[key]:
            yield from _lint(schema, path, "error")


def _is_right(schema: Any) -> bool:
    """Return whether a schema is one."""
    try:
        load_contract(write_schema(schema))
    except ValueError:
        return False
    return True


def find_surprises(
    document: Json, steps: Sequence[StepDocument], actions: Mapping[str, Action]
) -> Iterator[Issue]:
    """Yield warnings about keywords that do nothing, in the schemas of a document and of actions.

    Args:
        document: The document's value, of any shape.
        steps: Its steps.
        actions: All actions that steps can name. Each is told where it is named first.
    """
    for path, schema in list_schemas(document):
        if isinstance(schema, dict):
            yield from _lint(schema, path, "warning")
    named = {step["action"]: None for step in steps if isinstance(step.get("action"), str)}
    for name in named:
        action = actions.get(name)
        returns = action and action.returns and load_contract(action.returns).schema
        for schema, what in ((action and action.schema, "takes"), (returns, "returns")):
            for issue in _lint(schema, (), "warning") if isinstance(schema, dict) else ():
                index = next(i for i, step in enumerate(steps) if step.get("action") == name)
                place = shorten(format_path(issue.path)) or "its top"
                message = f"the schema of what `{shorten(name)}` {what}: at {place}: "
                where = ("steps", index, "action")
                yield Issue(issue.code, f"{message}{issue.message}", where, issue.hint)


def _lint(schema: Any, path: JsonPath, severity: Severity) -> Iterator[Issue]:
    """Yield the errors, or the warnings, about a schema that stands at that path."""
    from driftflow.schemas import lint

    for issue in lint.find_issues(schema):
        if issue.severity == severity:
            yield issue._replace(path=(*path, *issue.path))


def find_loose_conditions(document: Json) -> Iterator[Issue]:
    """Yield a warning for each condition that a value of another type than is meant may meet."""
    for index, step in enumerate(list_steps(document)):
        when = step.get("when")
        schema = when.get("is") if isinstance(when, dict) else None
        is_loose = isinstance(schema, dict) and _DECISIVE.isdisjoint(schema)
        if is_loose and _is_right(schema):
            message = "this condition does not say which type of value it means"
            hint = 'add `type`: `{"minimum": 1}` is true of every string, too'
            yield Issue("loose-condition", message, ("steps", index, "when", "is"), hint)
