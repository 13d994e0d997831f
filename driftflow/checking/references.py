"""What steps ask of each other and of the operator: is it there, and in time?"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from driftflow.errors import MAX_ISSUES, Issue
from driftflow.planning.references import references
from driftflow.reading.document import type_name
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from driftflow.errors import JsonPath
    from driftflow.reading.document import Json

    Step: TypeAlias = Mapping[str, Any]
    Rank: TypeAlias = tuple[float, str]
    Homes: TypeAlias = dict[str | None, list[int]]

_AS_DATA = 'to hand on an object with this key, write `{"literal": {...}}`'
_NUMBERS = {int, float}
_MANY = 1000  # as many names at most are compared with one that is wrong
_FEW = 8  # as many names at most are listed in a hint


def issues(document: Json, params: Mapping[str, Json] | None) -> list[Issue]:
    """What is wrong with the references of a document, of any shape; places are yet to be found.

    Args:
        document: The document's value.
        params: What is given for parameters; None if that is not known yet.
    """
    return [*islice(_issues(_steps(document), params), MAX_ISSUES)]


def _issues(steps: Sequence[Step], params: Mapping[str, Json] | None) -> Iterator[Issue]:
    ranks = list(map(_rank, steps))
    readable = _readable(ranks)
    homes: Homes = {}
    for place, step in enumerate(steps):
        for path, reference in references(step.get("input")):
            if "from" in reference:
                names = reference["from"]
                if not _all_earlier(names, readable, ranks[place]):  # so most are fine at once
                    whole = ("steps", place, "input", *path, "from")
                    homes = homes or _homes(steps)
                    yield from _about_steps(names, whole, place, steps, homes)
            elif "param" in reference:
                whole = ("steps", place, "input", *path, "param")
                yield from _about_parameter(reference, whole, params)


def unasked(document: Json, params: Mapping[str, Json]) -> tuple[Issue, ...]:
    """The parameters that are given though no step of a good document asks for them."""
    asked = {
        reference["param"]: None
        for step in _steps(document)
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


def _steps(document: Json) -> list[Step]:
    """The steps of a document, of whatever shape; one that is no object is one without fields."""
    listing = document.get("steps") if isinstance(document, dict) else None
    return [
        step if isinstance(step, dict) else {}
        for step in (listing if isinstance(listing, list) else [])
    ]


def _rank(step: Step) -> Rank | None:
    """What is smaller for the step that runs earlier; None if its shape is wrong."""
    priority, name = step.get("priority", 0), step.get("name")
    if type(priority) in _NUMBERS and type(name) is str:
        return -priority, name
    return None


def _readable(ranks: Sequence[Rank | None]) -> dict[str, Rank]:
    """By name, the ranks of the steps that are the only ones of their names."""
    known = [rank for rank in ranks if rank]
    readable = {rank[1]: rank for rank in known}
    if len(readable) < len(known):
        counts = Counter(name for _, name in known)
        return {name: rank for name, rank in readable.items() if counts[name] == 1}
    return readable


def _all_earlier(names: Any, readable: Mapping[str, Rank], reader: Rank | None) -> bool:
    """Whether all of these are names of steps that surely run earlier than their reader."""
    for name in names if type(names) is list else (names,):
        rank = readable.get(name) if type(name) is str else None
        if rank is None or reader is None or rank >= reader:
            return False
    return True


def _homes(steps: Sequence[Step]) -> Homes:
    """By name, the places of the steps; by None, of those whose names are wrong."""
    homes: Homes = {}
    for place, step in enumerate(steps):
        name = step.get("name")
        homes.setdefault(name if isinstance(name, str) else None, []).append(place)
    return homes


def _about_steps(
    names: Any, path: JsonPath, reader: int, steps: Sequence[Step], homes: Homes
) -> Iterator[Issue]:
    if isinstance(names, list):
        for part, name in enumerate(names):
            yield from _about_step(name, (*path, part), reader, steps, homes)
    else:
        yield from _about_step(names, path, reader, steps, homes)


def _about_step(
    name: Any, path: JsonPath, reader: int, steps: Sequence[Step], known: Homes
) -> Iterator[Issue]:
    if not isinstance(name, str):
        wanted = "a step" if isinstance(path[-1], int) else "a step, or an array of such names"
        message = f"`from` must be the name of {wanted}, not {type_name(name)}"
        yield Issue("wrong-type", message, path, _AS_DATA)
        return
    shown = shorten(name)
    homes = known.get(name, [])
    if len(homes) > 1:
        message = f"{len(homes)} steps are named `{shown}`: which of them is meant?"
        yield Issue("ambiguous-step", message, path, "give each step a name of its own")
    elif homes == [reader]:
        yield Issue("later-step", f"`{shown}` reads from itself", path)
    elif homes and _runs_later(steps[homes[0]], steps[reader]):
        least = steps[reader].get("priority", 0)
        hint = f"steps run by priority, then by name: give `{shown}` a priority above {least}"
        yield Issue("later-step", f"`{shown}` runs after this step", path, hint)
    elif not homes and None not in known:
        few = steps if len(steps) <= _MANY else []  # to compare with more takes too long
        others = [step["name"] for step in few if step is not steps[reader]]
        meant = _other_steps(name, others) if few else None
        yield Issue("unknown-step", f"no step is named `{shown}`", path, meant)
    # Else it may be a step whose own name or priority is wrong, which is told anyway.


def _runs_later(step: Step, reader: Step) -> bool:
    rank, readers = _rank(step), _rank(reader)
    return rank is not None and readers is not None and rank > readers


def _other_steps(name: str, others: list[str]) -> str | None:
    """What to write instead of a name that no step has."""
    meant = _did_you_mean(name, others)
    if meant or len(others) > _FEW:
        return meant
    return f"the other steps are {join_words(map(shorten, others))}" if others else _AS_DATA


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
    from driftflow.suggestion import nearest, oddity

    meant = nearest(name, known)
    return meant and f"did you mean `{shorten(meant)}`?{oddity(name)}"
