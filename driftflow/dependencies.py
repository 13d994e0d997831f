"""What steps ask of each other and of the operator: is it there, and in time?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from driftflow.document import type_name
from driftflow.errors import Issue, listed, shorten
from driftflow.references import references
from driftflow.suggestion import nearest, oddity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from driftflow.document import Json
    from driftflow.errors import JsonPath

_AS_DATA = 'to hand on an object with this key, write `{"literal": {...}}`'
_FEW = 8  # as many names at most are listed in a hint


def issues(document: Json, params: Mapping[str, Json] | None) -> list[Issue]:
    """What is wrong with the references of a document, of any shape; places are yet to be found.

    Args:
        document: The document's value.
        params: What is given for parameters; None if that is not known yet.
    """
    steps = _steps(document)
    found: list[Issue] = []
    for place, step in steps.by_place.items():
        for path, reference in references(step.get("input"), ("steps", place, "input")):
            if "from" in reference:
                found += _about_steps(reference["from"], (*path, "from"), place, steps)
            elif "param" in reference:
                found += _about_parameter(reference, (*path, "param"), params)
    return found


def unasked(document: Json, params: Mapping[str, Json]) -> tuple[Issue, ...]:
    """The parameters that are given though no step of a good document asks for them."""
    asked = {
        reference["param"]: None
        for step in _steps(document).by_place.values()
        for _, reference in references(step.get("input"))
        if "param" in reference
    }
    free = [name for name in asked if name not in params]
    return tuple(
        Issue(
            "unknown-param",
            f"no step asks for the parameter `{shorten(name)}`",
            hint=_did_you_mean(name, free),
        )
        for name in params
        if name not in asked
    )


class _Steps(NamedTuple):
    """The steps of a document that are objects, and the places of each name."""

    by_place: dict[int, dict[str, Any]]
    by_name: dict[str, list[int]]


def _steps(document: Json) -> _Steps:
    listing = document.get("steps") if isinstance(document, dict) else None
    steps = _Steps({}, {})
    for place, step in enumerate(listing if isinstance(listing, list) else []):
        if isinstance(step, dict):
            steps.by_place[place] = step
            name = step.get("name")
            if isinstance(name, str):
                steps.by_name.setdefault(name, []).append(place)
    return steps


def _about_steps(names: Any, path: JsonPath, reader: int, steps: _Steps) -> Iterator[Issue]:
    if isinstance(names, list):
        for part, name in enumerate(names):
            yield from _about_step(name, (*path, part), reader, steps)
    else:
        yield from _about_step(names, path, reader, steps)


def _about_step(name: Any, path: JsonPath, reader: int, steps: _Steps) -> Iterator[Issue]:
    if not isinstance(name, str):
        wanted = "a step" if isinstance(path[-1], int) else "a step, or an array of such names"
        message = f"`from` must be the name of {wanted}, not {type_name(name)}"
        yield Issue("wrong-type", message, path, _AS_DATA)
        return
    homes = steps.by_name.get(name, [])
    if not homes and sum(map(len, steps.by_name.values())) < len(steps.by_place):
        return  # it may be one whose own name is missing or wrong
    if not homes:
        yield _unknown_step(name, path, reader, steps)
    elif len(homes) > 1:
        message = f"{len(homes)} steps are named `{shorten(name)}`: which of them is meant?"
        yield Issue("ambiguous-step", message, path, "give each step a name of its own")
    elif homes == [reader]:
        yield Issue("later-step", f"`{shorten(name)}` reads from itself", path)
    elif not _runs_earlier(steps.by_place[homes[0]], steps.by_place[reader]):
        least = steps.by_place[reader].get("priority", 0)
        yield Issue(
            "later-step",
            f"`{shorten(name)}` runs after this step",
            path,
            f"steps run by priority, then by name: give `{shorten(name)}` a priority above {least}",
        )


def _unknown_step(name: str, path: JsonPath, reader: int, steps: _Steps) -> Issue:
    others = [other for other, homes in steps.by_name.items() if homes != [reader]]
    hint = _did_you_mean(name, others)
    if hint is None and len(others) <= _FEW:
        hint = f"the other steps are {listed(map(shorten, others))}" if others else _AS_DATA
    return Issue("unknown-step", f"no step is named `{shorten(name)}`", path, hint)


def _runs_earlier(step: Mapping[str, Any], reader: Mapping[str, Any]) -> bool:
    """Whether it comes before its reader in the run order; where their shapes are wrong, yes."""
    fields = [(each.get("priority", 0), each.get("name")) for each in (step, reader)]
    if not all(isinstance(rank, int | float) and isinstance(name, str) for rank, name in fields):
        return True
    (rank, name), (readers_rank, readers_name) = fields
    return (-rank, name) < (-readers_rank, readers_name)


def _about_parameter(
    reference: Mapping[str, Any], path: JsonPath, params: Mapping[str, Json] | None
) -> Iterator[Issue]:
    name = reference["param"]
    if not isinstance(name, str):
        message = f"`param` must be the name of a parameter, not {type_name(name)}"
        yield Issue("wrong-type", message, path, _AS_DATA)
    elif params is not None and name not in params and "default" not in reference:
        hint = _did_you_mean(name, params) or f"`--param {shorten(name)}=...` gives it"
        yield Issue("missing-param", f"the parameter `{shorten(name)}` is not given", path, hint)


def _did_you_mean(name: str, known: Collection[str]) -> str | None:
    meant = nearest(name, known)
    return meant and f"did you mean `{shorten(meant)}`?{oddity(name)}"
