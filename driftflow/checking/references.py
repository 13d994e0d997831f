"""Names that lead nowhere: steps that are not there, parameters that are not given; and circles.

The graph knows which steps name something wrong, and which never get their turn. So a good document
is not looked at once more; only what is wrong is explained, at its place.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from driftflow.issues import MAX_ISSUES, Issue
from driftflow.planning.pointers import split
from driftflow.planning.references import (
    CONTAINERS,
    FORMS,
    find_key,
    find_references,
    list_values,
)
from driftflow.reading.document import type_name
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from driftflow.issues import JsonPath
    from driftflow.planning.graph import Graph
    from driftflow.planning.references import StepDocument
    from driftflow.reading.document import Json

    Values: TypeAlias = Iterable[tuple[JsonPath, Json]]
    Indices: TypeAlias = dict[str | None, list[int]]  # of steps, by name; None if that is wrong

_AS_DATA = 'to pass an object with this key as data, write `{"literal": {...}}`'
_MAX_COMPARED = 1000  # a wrong name is compared with the names of no more steps
_MAX_LISTED = 8  # a hint lists no more names, and a circle shows no more


class _Holder(NamedTuple):
    """What has references: a step, or the workflow with its output.

    Attributes:
        path: The path to it.
        number: The index of the step; None if it is the workflow.
        values: The values that may hold references, each with its path from there.
        after: The names of steps that come before the step.
    """

    path: JsonPath
    number: int | None
    values: Values
    after: Any = None


def find_issues(
    graph: Graph, params: Mapping[str, Json] | None, unknown: tuple[str, ...] = ()
) -> list[Issue]:
    """Return what is wrong with what steps of any shape refer to.

    The issues have paths; their lines are yet to be found.

    Args:
        graph: The graph of the steps.
        params: The values of the parameters that are given; None if that is not known yet.
        unknown: The prefixes of steps that nobody knows, since their file could not be read.
    """
    return [*islice(_find_issues(graph, params, unknown), MAX_ISSUES)]


def _find_issues(
    graph: Graph, params: Mapping[str, Json] | None, unknown: tuple[str, ...]
) -> Iterator[Issue]:
    steps = graph.steps
    has_suspects = graph.suspects or graph.has_wrong_output
    indices = _index_by_name(graph) if has_suspects else {}
    holders = [
        _Holder(("steps", index), index, list_values(steps[index]), steps[index].get("after"))
        for index in sorted(graph.suspects)
    ]
    if graph.has_wrong_output:
        holders.append(_Holder((), None, graph.output))
    for holder in holders:
        yield from _explain_holder(holder, indices, unknown)
    if params is not None and not all(_is_given(each, params) for each in graph.params):
        for path, reference in find_uses(graph):
            if not _is_given(reference, params):
                yield _explain_param(reference["param"], path, params)
    for circle in graph.find_circles():
        yield _explain_circle(circle, graph)


def find_unknown_params(
    graph: Graph, params: Mapping[str, Json], declared: Mapping[str, Json] | None
) -> tuple[Issue, ...]:
    """Return an issue for each parameter that is given though a good document does not ask for it.

    Args:
        graph: The graph of its steps.
        params: The values that are given.
        declared: The parameters that it declares; None if it declares none, and any can be used.
    """
    used = dict.fromkeys(reference["param"] for reference in graph.params)
    for head, *rest in map(split, graph.facts):
        used |= dict.fromkeys(rest[:1] or params) if head == "params" else {}
    asked, what = (
        (used, "no step uses") if declared is None else (declared, "`params` does not declare")
    )
    not_given = [name for name in asked if name not in params]
    return tuple(
        Issue(
            "unknown-param",
            f"{what} the parameter `{shorten(name)}`",
            hint=_did_you_mean(name, not_given),
        )
        for name in params
        if name not in asked
    )


def find_uses(graph: Graph, key: str = "param") -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """Yield each reference to a parameter, or to a fact, with the path to what it names.

    Args:
        graph: The graph of the steps.
        key: Of which kind they are: `param` or `run`.
    """
    for path, reference in _find_all(walk_values(graph.steps, graph.output)):
        if key in reference and isinstance(reference[key], str):
            yield (*path, key), reference


def walk_values(steps: Iterable[StepDocument], output: Values) -> Iterator[tuple[JsonPath, Json]]:
    """Yield the values of a document that may hold references, each with its path.

    Args:
        steps: The steps, of any shape.
        output: What `list_output` returns.
    """
    for index, step in enumerate(steps):
        if type(step.get("input")) in CONTAINERS or "when" in step or "use" in step:  # as few have
            for path, value in list_values(step):
                yield ("steps", index, *path), value
    yield from output


def _explain_holder(holder: _Holder, indices: Indices, unknown: tuple[str, ...]) -> Iterator[Issue]:
    """Yield what is wrong with the references of a holder, and with the names in its `after`.

    Args:
        holder: What has them.
        indices: The indices of all steps, by name.
        unknown: The prefixes of steps that nobody knows, since their file could not be read.
    """
    start, reader, values, after = holder
    for path, reference in _find_all(values):
        key = find_key(reference)
        for place, message, hint in FORMS[key].find_faults(reference[key]):
            yield Issue("wrong-reference", message, (*start, *path, key, *place), hint or _AS_DATA)
    for path, name in find_names(values, after):
        if not isinstance(name, str) or not name.startswith(unknown):
            yield from _explain_name(name, (*start, *path), reader, indices)


def find_names(values: Values, after: Any = None) -> Iterator[tuple[JsonPath, Any]]:
    """Yield what stands for a step's name in values and `after`, each with the path to it."""
    for path, reference in _find_all(values):
        key = find_key(reference)
        for inner, name in FORMS[key].list_names(reference[key]):
            yield (*path, key, *inner), name
    for place, name in enumerate(after if isinstance(after, list) else ()):
        yield ("after", place), name


def _find_all(values: Values) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """Yield the references in values, each with the path to it."""
    for start, value in values:
        for path, reference in find_references(value):
            yield (*start, *path), reference


def _index_by_name(graph: Graph) -> Indices:
    indices: Indices = {}
    for index, step in enumerate(graph.steps):
        name = step.get("name")
        indices.setdefault(name if isinstance(name, str) else None, []).append(index)
    for name, group in graph.groups.items():
        indices.setdefault(name, []).extend(group or ())
    return indices


def _explain_name(
    name: Any,
    path: JsonPath,
    reader: int | None,
    indices: Indices,
) -> Iterator[Issue]:
    """Yield why nothing can come after the step of that name, unless it follows from an issue.

    Args:
        name: What stands for a name.
        path: The path to it.
        reader: The index of the step that names it; None if it is the output of the workflow.
        indices: The indices of all steps, by name.
    """
    is_reference = path[2:3] != ("after",)
    if not is_reference and (not isinstance(name, str) or not name):
        return  # the schema tells it
    if not isinstance(name, str):
        wanted = "a step" if isinstance(path[-1], int) else "a step, or an array of step names"
        message = f"`from` must be the name of {wanted}, not {type_name(name)}"
        yield Issue("wrong-reference", message, path, _AS_DATA)
        return
    shown = shorten(name)
    named = indices.get(name, [])
    if name in indices and len(named) != 1:
        several = f"{len(named) or 'several'} steps have this name"
        message = f"ambiguous step `{shown}`: {several}"
        yield Issue("ambiguous-step", message, path, "give each step a unique name")
    elif not named and None not in indices:
        advice = _AS_DATA if is_reference else None
        suggestion = _suggest_step(name, reader, indices, advice)
        yield Issue("unknown-step", f"unknown step `{shown}`", path, suggestion)
    # Else it may be a step whose own name is wrong, which is told anyway.


def _suggest_step(
    name: str, reader: int | None, indices: Indices, advice: str | None
) -> str | None:
    """Return what to write instead of a name that no step has; the advice if there is no other."""
    if len(indices) > _MAX_COMPARED:
        return None  # to compare it with all of them takes too long
    others = [other for other, named in indices.items() if other and named != [reader]]
    hint = _did_you_mean(name, others)
    if hint or len(others) > _MAX_LISTED:
        return hint
    return f"the other steps are {join_words(map(shorten, others))}" if others else advice


def _explain_circle(circle: Sequence[int], graph: Graph) -> Issue:
    """Return the issue about steps of which each comes after the one before, where it is closed."""
    steps = graph.steps
    first, last = circle[0], circle[-1]
    values, after = list_values(steps[first]), steps[first].get("after")
    meant = {steps[last]["name"]: (last,), **graph.groups}
    named = ((path, name) for path, name in find_names(values, after) if isinstance(name, str))
    places = (path for path, name in named if meant.get(name) == (last,))
    names = [shorten(steps[index]["name"]) for index in circle]
    if len(names) > _MAX_LISTED:
        names[_MAX_LISTED - 1 : -1] = ["…"]
    way = " -> ".join([*names, names[0]])
    message = f"the steps form a circle: `{way}`"
    hint = "each comes after the one before it: remove one of these references or names in `after`"
    if len(circle) == 1:
        hint = "a step cannot come after itself: remove each such reference and name in `after`"
    return Issue("circle", message, ("steps", first, *next(places)), hint)


def _is_given(reference: Mapping[str, Any], params: Mapping[str, Json]) -> bool:
    """Return whether a parameter has a value; one whose name is wrong is told otherwise."""
    name = reference["param"]
    return type(name) is not str or name in params or "default" in reference


def _explain_param(name: str, path: JsonPath, params: Mapping[str, Json]) -> Issue:
    hint = _did_you_mean(name, params) or f"set it with `--param {shorten(name)}=...`"
    return Issue("missing-param", f"the parameter `{shorten(name)}` is not given", path, hint)


def _did_you_mean(name: str, known: Iterable[str]) -> str | None:
    from driftflow.suggestion import did_you_mean  # a run without mistakes does without it

    return did_you_mean(name, known)
