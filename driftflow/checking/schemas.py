"""What is wrong with the schemas in a config: of parameters, of conditions, of outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftflow.issues import Issue
from driftflow.planning.parameters import list_declared
from driftflow.schemas.contracts import load_contract, write_schema
from driftflow.text import format_path, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftflow.actions.action import Action
    from driftflow.issues import JsonPath, Severity
    from driftflow.planning.graph import Graph

# Keywords that say which kind of value is meant, or that may say so inside.
_DECISIVE = {"type", "const", "enum", "$ref", "allOf", "anyOf", "oneOf", "not", "if"}


def list_schemas(graph: Graph) -> Iterator[tuple[Any, Iterable[JsonPath]]]:
    """Yield the schemas in a document of any shape, each once, with the paths to it."""
    for name, schema in (list_declared(graph.document) or {}).items():
        yield schema, [("params", name)]
    yield from _list_conditions(graph)
    for schema, steps in graph.contracts.list_holders():
        yield schema, (("steps", index, "returns") for index in steps)


def _list_conditions(graph: Graph) -> Iterator[tuple[Any, Iterable[JsonPath]]]:
    for when, steps in graph.conditions.list_holders():
        if isinstance(when, dict) and "is" in when:
            yield when["is"], (("steps", index, "when", "is") for index in steps)


def find_issues(graph: Graph) -> Iterator[Issue]:
    """Yield what is wrong with the schemas in a document, whatever its shape."""
    for schema, paths in list_schemas(graph):
        if isinstance(schema, dict | bool) and not _is_right(schema):
            yield from _lint(schema, paths, "error")


def _is_right(schema: Any) -> bool:
    """Return whether a schema is one."""
    try:
        load_contract(write_schema(schema))
    except ValueError:
        return False
    return True


def find_surprises(graph: Graph, actions: Mapping[str, Action]) -> Iterator[Issue]:
    """Yield warnings about keywords that do nothing, in the schemas of a document and of actions.

    Args:
        graph: The graph of the steps.
        actions: All actions that steps can name. Each is told where it is named first.
    """
    for schema, paths in list_schemas(graph):
        if isinstance(schema, dict):
            yield from _lint(schema, paths, "warning")
    steps = graph.steps
    named = {step["action"]: None for step in steps if isinstance(step.get("action"), str)}
    for name in named:
        action = actions.get(name)
        returns = action and action.returns and load_contract(action.returns).schema
        for schema, what in ((action and action.schema, "takes"), (returns, "returns")):
            for issue in _lint(schema, [()], "warning") if isinstance(schema, dict) else ():
                index = next(i for i, step in enumerate(steps) if step.get("action") == name)
                place = shorten(format_path(issue.path)) or "its top"
                message = f"the schema of what `{shorten(name)}` {what}: at {place}: "
                where = ("steps", index, "action")
                yield Issue(issue.code, f"{message}{issue.message}", where, issue.hint)


def _lint(schema: Any, paths: Iterable[JsonPath], severity: Severity) -> Iterator[Issue]:
    """Yield the errors, or the warnings, about a schema that stands at these paths."""
    from driftflow.schemas import lint

    issues = [issue for issue in lint.find_issues(schema) if issue.severity == severity]
    if issues:
        for path in paths:
            yield from (issue._replace(path=(*path, *issue.path)) for issue in issues)


def find_loose_conditions(graph: Graph) -> Iterator[Issue]:
    """Yield a warning for each condition that a value of another type than is meant may meet."""
    for schema, paths in _list_conditions(graph):
        is_loose = isinstance(schema, dict) and _DECISIVE.isdisjoint(schema)
        if is_loose and _is_right(schema):
            message = "this condition does not say which type of value it means"
            hint = 'add `type`: `{"minimum": 1}` is true of every string, too'
            yield from (Issue("loose-condition", message, path, hint) for path in paths)
