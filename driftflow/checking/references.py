"""References that do not hold: to steps that are not there or run later, to missing parameters.

Whether a reference holds is asked twice. First at a glance, by looking its names up in a table of
names and ranks, which is all that a good document costs; only what fails there is explained. The
run order is known from the document alone, so a mistake is told where it is made, together with all
others.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from driftflow.issues import MAX_ISSUES, Issue
from driftflow.planning.references import find_references, list_steps
from driftflow.reading.document import type_name
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from driftflow.issues import JsonPath
    from driftflow.planning.references import Step
    from driftflow.reading.document import Json

    Rank: TypeAlias = tuple[float, str]  # smaller for a step that runs earlier
    Indices: TypeAlias = dict[str | None, list[int]]  # of steps, by name; None if that is wrong

_AS_DATA = 'to pass an object with this key as data, write `{"literal": {...}}`'
_NUMBERS = {int, float}
_MAX_COMPARED = 1000  # a wrong name is compared with the names of no more steps
_MAX_LISTED = 8  # a hint lists no more names


def find_issues(document: Json, params: Mapping[str, Json] | None) -> list[Issue]:
    """Return what is wrong with the references of a document of any shape.

    The issues have paths; their lines are yet to be found.

    Args:
        document: The document's value.
        params: The values of the parameters that are given; None if that is not known yet.
    """
    return [*islice(_find_issues(list_steps(document), params), MAX_ISSUES)]


def _find_issues(steps: Sequence[Step], params: Mapping[str, Json] | None) -> Iterator[Issue]:
    ranks = list(map(_rank, steps))
    readable = _find_readable(ranks)
    indices: Indices = {}
    for index, step in enumerate(steps):
        for path, reference in find_references(step.get("input")):
            if "from" in reference:
                names = reference["from"]
                if not _are_earlier(names, readable, ranks[index]):
                    full_path = ("steps", index, "input", *path, "from")
                    indices = indices or _index_by_name(steps)
                    yield from _explain_names(names, full_path, index, steps, indices)
            elif "param" in reference:
                full_path = ("steps", index, "input", *path, "param")
                yield from _explain_param(reference, full_path, params)


def find_unused_params(document: Json, params: Mapping[str, Json]) -> tuple[Issue, ...]:
    """Return an issue for each parameter that is given though no step of a good document asks."""
    asked = {
        reference["param"]: None
        for step in list_steps(document)
        for _, reference in find_references(step.get("input"))
        if "param" in reference
    }
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


def _rank(step: Step) -> Rank | None:
    """Return the rank of a step in the run order; None if its name or priority is wrong."""
    priority, name = step.get("priority", 0), step.get("name")
    if type(priority) in _NUMBERS and type(name) is str:
        return -priority, name
    return None


def _find_readable(ranks: Sequence[Rank | None]) -> dict[str, Rank]:
    """Return the ranks, by name, of the steps that share their name with no other."""
    known = [rank for rank in ranks if rank]
    readable = {rank[1]: rank for rank in known}
    if len(readable) < len(known):
        counts = Counter(name for _, name in known)
        return {name: rank for name, rank in readable.items() if counts[name] == 1}
    return readable


def _are_earlier(names: Any, readable: Mapping[str, Rank], reader: Rank | None) -> bool:
    """Return whether all of these are names of steps that surely run earlier than their reader."""
    for name in names if type(names) is list else (names,):
        rank = readable.get(name) if type(name) is str else None
        if rank is None or reader is None or rank >= reader:
            return False
    return True


def _index_by_name(steps: Sequence[Step]) -> Indices:
    indices: Indices = {}
    for index, step in enumerate(steps):
        name = step.get("name")
        indices.setdefault(name if isinstance(name, str) else None, []).append(index)
    return indices


def _explain_names(
    names: Any, path: JsonPath, reader: int, steps: Sequence[Step], indices: Indices
) -> Iterator[Issue]:
    if isinstance(names, list):
        for index, name in enumerate(names):
            yield from _explain_name(name, (*path, index), reader, steps, indices)
    else:
        yield from _explain_name(names, path, reader, steps, indices)


def _explain_name(
    name: Any, path: JsonPath, reader: int, steps: Sequence[Step], indices: Indices
) -> Iterator[Issue]:
    """Yield why a step cannot read from the step of that name, unless that follows from an issue.

    Args:
        name: What stands for a name in the reference.
        path: The path to it.
        reader: The index of the step that reads.
        steps: All steps.
        indices: Their indices by name.
    """
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
    elif named == [reader]:
        yield Issue("later-step", f"`{shown}` reads from itself", path)
    elif named and _runs_later(steps[named[0]], steps[reader]):
        least = steps[reader].get("priority", 0)
        hint = f"steps run by priority, then by name: give `{shown}` a priority above {least}"
        yield Issue("later-step", f"`{shown}` runs after this step", path, hint)
    elif not named and None not in indices:
        suggestion = _suggest_step(name, reader, steps)
        yield Issue("unknown-step", f"unknown step `{shown}`", path, suggestion)
    # Else it may be a step whose own name or priority is wrong, which is told anyway.


def _runs_later(step: Step, reader: Step) -> bool:
    rank, reader_rank = _rank(step), _rank(reader)
    return rank is not None and reader_rank is not None and rank > reader_rank


def _suggest_step(name: str, reader: int, steps: Sequence[Step]) -> str | None:
    """Return what to write instead of a name that no step has."""
    if len(steps) > _MAX_COMPARED:
        return None  # to compare it with all of them takes too long
    others = [step["name"] for step in steps if step is not steps[reader]]
    hint = _did_you_mean(name, others)
    if hint or len(others) > _MAX_LISTED:
        return hint
    return f"the other steps are {join_words(map(shorten, others))}" if others else _AS_DATA


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
