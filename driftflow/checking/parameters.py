"""What is wrong with the parameters of a config that declares them.

A value is told where it is used first, since that is where it would do harm; one that nobody uses
where it is declared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftflow.checking.references import find_uses
from driftflow.issues import Issue
from driftflow.planning.parameters import list_declared
from driftflow.planning.pointers import is_pointer, split
from driftflow.schemas.contracts import load_contract, write_schema
from driftflow.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftflow.issues import JsonPath
    from driftflow.planning.graph import Graph
    from driftflow.reading.document import Json


def find_issues(
    declared: Mapping[str, Any], graph: Graph, given: Mapping[str, Json] | None
) -> Iterator[Issue]:
    """Yield what is wrong with declared parameters, and with how they are used.

    Args:
        declared: Their schemas, by name.
        graph: The graph of the steps.
        given: The values that are given; None if that is not known yet.
    """
    for name, schema in declared.items():
        if isinstance(schema, dict) and "default" in schema:
            subject = f"the default of `{shorten(name)}`"
            path = ("params", name, "default")
            yield from judge(schema, schema["default"], subject, path)
    if given is not None:
        yield from find_wrong_values(declared, graph, given)
    if any(
        reference["param"] not in declared or "default" in reference for reference in graph.params
    ):
        for place, reference in find_uses(graph):
            yield from _explain_use(declared, place, reference)
    if not _list_named(graph.facts) <= declared.keys():
        for place, reference in find_uses(graph, "run"):
            for name in _list_named([reference["run"]]) - declared.keys():
                yield _explain_undeclared(declared, place, name)


def _list_named(facts: Iterable[str]) -> set[str]:
    """Return the names of the parameters to which pointers to facts lead."""
    parts = map(split, filter(is_pointer, facts))
    return {name for head, *names in parts if head == "params" for name in names[:1]}


def find_unused(graph: Graph) -> Iterator[Issue]:
    """Yield a warning for each parameter that a document of any shape declares and does not use."""
    used = {reference["param"] for reference in graph.params}
    used |= _list_named(graph.facts)
    uses_all = "/params" in graph.facts
    for name in list_declared(graph.document) or ():
        if name not in used and not uses_all:
            message = f"no step uses the parameter `{shorten(name)}`"
            yield Issue("unused-param", message, ("params", name), mark="key")


def find_wrong_values(
    declared: Mapping[str, Any], graph: Graph, given: Mapping[str, Json]
) -> Iterator[Issue]:
    """Yield why values that are given break their schemas, where they are used first."""
    for name in filter(given.__contains__, declared):
        subject = f"the parameter `{shorten(name)}`"
        for issue in judge(declared[name], given[name], subject, ("params", name)):
            uses = (path for path, reference in find_uses(graph) if reference["param"] == name)
            yield issue._replace(path=next(uses, issue.path))


def judge(schema: Any, value: Json, subject: str, path: JsonPath) -> Iterator[Issue]:
    """Yield why a value breaks a schema."""
    if not isinstance(schema, dict | bool):
        return  # that is told anyway, as all that is wrong with a schema
    try:
        contract = load_contract(write_schema(schema))
    except ValueError:
        return
    if contract.accepts(value):
        return
    from driftflow.schemas.explanation import find_breaches, join_reasons

    found = find_breaches(contract.schema, value, subject)
    hint = next((issue.hint for issue in found), None)
    yield Issue("wrong-param", join_reasons(found), path, hint)


def _explain_undeclared(declared: Mapping[str, Any], path: JsonPath, name: str) -> Issue:
    from driftflow.suggestion import did_you_mean  # a run without mistakes does without it

    hint = did_you_mean(name, declared) or "declare it in `params`"
    message = f"the parameter `{shorten(name)}` is not declared"
    return Issue("undeclared-param", message, path, hint)


def _explain_use(
    declared: Mapping[str, Any], path: JsonPath, reference: Mapping[str, Any]
) -> Iterator[Issue]:
    name = reference["param"]
    if name not in declared:
        yield _explain_undeclared(declared, path, name)
    elif "default" in reference:
        message = f"the parameter `{shorten(name)}` is declared: its default stands in its schema"
        hint = "remove this one"
        yield Issue("wrong-reference", message, (*path[:-1], "default"), hint, mark="key")
