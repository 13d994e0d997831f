"""Names that lead nowhere: steps that are not there, parameters that are not given; and circles.

The graph knows which steps name something wrong, and which never get their turn. So a good document
is not looked at once more; only what is wrong is explained, at its place.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from driftflow.issues import MAX_ISSUES, Issue
from driftflow.planning.references import find_references
from driftflow.reading.document import type_name
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from driftflow.issues import JsonPath
    from driftflow.planning.graph import Graph
    from driftflow.planning.references import StepDocument
    from driftflow.reading.document import Json

    Indices: TypeAlias = dict[str | None, list[int]]  # of steps, by name; None if that is wrong

_AS_DATA = 'to pass an object with this key as data, write `{"literal": {...}}`'
_MAX_COMPARED = 1000  # a wrong name is compared with the names of no more steps
_MAX_LISTED = 8  # a hint lists no more names, and a circle shows no more


def find_issues(graph: Graph, params: Mapping[str, Json] | None) -> list[Issue]:
    """Return what is wrong with what steps of any shape refer to.

    The issues have paths; their lines are yet to be found.

    Args:
        graph: The graph of the steps.
        params: The values of the parameters that are given; None if that is not known yet.
    """
    return [*islice(_find_issues(graph, params), MAX_ISSUES)]


def _find_issues(graph: Graph, params: Mapping[str, Json] | None) -> Iterator[Issue]:
    steps = graph.steps
    indices = _index_by_name(steps) if graph.suspects else {}
    for index in graph.suspects:
        for path, name in _find_names(steps[index]):
            yield from _explain_name(name, ("steps", index, *path), index, steps, indices)
    if not all(_is_given(reference, params) for reference in graph.params):
        for index, step in enumerate(steps):
            for path, reference in find_references(step.get("input")):
                if "param" in reference:
                    full_path = ("steps", index, "input", *path, "param")
                    yield from _explain_param(reference, full_path, params)
    for circle in graph.find_circles():
        yield _explain_circle(circle, steps)


def find_unused_params(graph: Graph, params: Mapping[str, Json]) -> tuple[Issue, ...]:
    """Return an issue for each parameter that is given though no step of a good document asks."""
    asked = {reference["param"]: None for reference in graph.params}
    not_given = [name for name in asked if name not in params]
    return tuple(
        Issue(
            "unknown-param",
            f"no step uses the parameter `{shorten(name)}`",
            hint=_did_you_mean(name, not_given),
        )
        for name in params
        if name not in asked
    )


def _find_names(step: StepDocument) -> Iterator[tuple[JsonPath, Any]]:
    """Yield what stands for a step's name in a step, each with the path to it."""
    for path, reference in find_references(step.get("input")):
        names = reference.get("from")
        if isinstance(names, list):
            yield from ((("input", *path, "from", place), name) for place, name in enumerate(names))
        elif "from" in reference:
            yield ("input", *path, "from"), names
    after = step.get("after")
    for place, name in enumerate(after if isinstance(after, list) else ()):
        yield ("after", place), name


def _index_by_name(steps: Sequence[StepDocument]) -> Indices:
    indices: Indices = {}
    for index, step in enumerate(steps):
        name = step.get("name")
        indices.setdefault(name if isinstance(name, str) else None, []).append(index)
    return indices


def _explain_name(
    name: Any, path: JsonPath, reader: int, steps: Sequence[StepDocument], indices: Indices
) -> Iterator[Issue]:
    """Yield why a step cannot come after the step of that name, unless it follows from an issue.

    Args:
        name: What stands for a name.
        path: The path to it.
        reader: The index of the step that names it.
        steps: All steps.
        indices: Their indices by name.
    """
    is_reference = path[2] == "input"
    if not is_reference and (not isinstance(name, str) or not name):
        return  # the schema tells it
    if not isinstance(name, str):
        wanted = "a step" if isinstance(path[-1], int) else "a step, or an array of step names"
        message = f"`from` must be the name of {wanted}, not {type_name(name)}"
        yield Issue("wrong-type", message, path, _AS_DATA)
        return
    shown = shorten(name)
    named = indices.get(name, [])
    if len(named) > 1:
        message = f"ambiguous step `{shown}`: {len(named)} steps have this name"
        yield Issue("ambiguous-step", message, path, "give each step a unique name")
    elif not named and None not in indices:
        advice = _AS_DATA if is_reference else None
        suggestion = _suggest_step(name, reader, steps, advice)
        yield Issue("unknown-step", f"unknown step `{shown}`", path, suggestion)
    # Else it may be a step whose own name is wrong, which is told anyway.


def _suggest_step(
    name: str, reader: int, steps: Sequence[StepDocument], advice: str | None
) -> str | None:
    """Return what to write instead of a name that no step has; the advice if there is no other."""
    if len(steps) > _MAX_COMPARED:
        return None  # to compare it with all of them takes too long
    others = dict.fromkeys(step["name"] for step in steps if step is not steps[reader])
    hint = _did_you_mean(name, others)
    if hint or len(others) > _MAX_LISTED:
        return hint
    return f"the other steps are {join_words(map(shorten, others))}" if others else advice


def _explain_circle(circle: Sequence[int], steps: Sequence[StepDocument]) -> Issue:
    """Return the issue about steps of which each comes after the one before, where it is closed."""
    first, last = circle[0], steps[circle[-1]]["name"]
    places = (path for path, name in _find_names(steps[first]) if name == last)
    names = [shorten(steps[index]["name"]) for index in circle]
    if len(names) > _MAX_LISTED:
        names[_MAX_LISTED - 1 : -1] = ["…"]
    way = " -> ".join([*names, names[0]])
    message = f"the steps form a circle: `{way}`"
    hint = "each comes after the one before it: remove one of these references or names in `after`"
    if len(circle) == 1:
        hint = "a step cannot come after itself: remove each such reference and name in `after`"
    return Issue("circle", message, ("steps", first, *next(places)), hint)


def _is_given(reference: Mapping[str, Any], params: Mapping[str, Json] | None) -> bool:
    """Return whether a reference to a parameter is good, at a glance."""
    name = reference["param"]
    return type(name) is str and (params is None or name in params or "default" in reference)


def _explain_param(
    reference: Mapping[str, Any], path: JsonPath, params: Mapping[str, Json] | None
) -> Iterator[Issue]:
    name = reference["param"]
    if not isinstance(name, str):
        message = f"`param` must be the name of a parameter, not {type_name(name)}"
        yield Issue("wrong-type", message, path, _AS_DATA)
    elif params is not None and name not in params and "default" not in reference:
        hint = _did_you_mean(name, params) or f"set it with `--param {shorten(name)}=...`"
        yield Issue("missing-param", f"the parameter `{shorten(name)}` is not given", path, hint)


def _did_you_mean(name: str, known: Iterable[str]) -> str | None:
    from driftflow.suggestion import did_you_mean  # a run without mistakes does without it

    return did_you_mean(name, known)
