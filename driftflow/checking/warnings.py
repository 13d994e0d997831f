"""What loads but will surprise: fields that are ignored, steps that cannot succeed."""

from __future__ import annotations

from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeAlias

from driftflow.errors import MAX_ISSUES, Issue
from driftflow.planning.references import is_reference, references
from driftflow.schemas.published import find_unknown_keys, load_schema
from driftflow.suggestion import nearest, oddity
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from driftflow.actions.action import Action
    from driftflow.errors import JsonPath
    from driftflow.reading.document import Json

    Steps: TypeAlias = list[tuple[int, dict[str, Json]]]

_FAILS = "the step will fail when it runs"
# The actions of the packs that are shipped and off until they are asked for.
PACKS = {
    "driftflow.packs.files": {
        *("read_text", "read_json", "read_csv", "read_jsonl"),
        *("write_text", "write_json", "write_csv", "write_jsonl"),
    },
    "driftflow.packs.process": {"command"},
}
# By the key of a reference: what to do about another that looks like `default`.
_HINTS = {
    "param": "did you mean `default`?",
    "from": "what a step gives has no default: leave it out",
}
_FEW = 8  # as many actions at most are listed in a hint


def issues(value: Json, actions: Mapping[str, Action], given: Sequence[str] = ()) -> list[Issue]:
    """The warnings about a document's value, of any shape; the places are yet to be found.

    Args:
        value: The document's value.
        actions: All that steps can name.
        given: The names of the parameters that are given, as far as that is known.
    """
    listing = value.get("steps") if isinstance(value, dict) else None
    steps: Steps = [
        (place, step)
        for place, step in enumerate(listing if isinstance(listing, list) else [])
        if isinstance(step, dict)
    ]
    ignored = _ignored(value, load_schema("driftflow"), ())
    about_data = (
        issue
        for place, step in steps
        if isinstance(step.get("input"), dict | list)
        for issue in _almost_references(step["input"], ("steps", place, "input"))
    )
    found = chain(ignored, _about_actions(steps, actions, given), about_data, _about_names(steps))
    return [*islice(found, MAX_ISSUES)]


def _ignored(value: Json, definition: Mapping[str, Any], path: JsonPath) -> Iterator[Issue]:
    """The fields that are ignored, at any depth: the schema has a `deprecationMessage` for each."""
    if isinstance(value, list) and "items" in definition:
        quiet = _quiet(definition["items"])
        for place, item in enumerate(value):
            if not (isinstance(item, dict) and item.keys() <= quiet):  # as nearly every step is
                yield from _ignored(item, definition["items"], (*path, place))
    if not isinstance(value, dict) or "properties" not in definition:
        return
    for key in find_unknown_keys(value, definition):
        yield _unknown(key, value, definition, path)
    fields = definition["properties"]
    for key, member in value.items():
        field = fields.get(key, {})
        if "deprecationMessage" in field:
            message, advice = _advice(field)
            yield Issue("ignored-field", message, (*path, key), advice, mark="key")
        else:
            yield from _ignored(member, field, (*path, key))


def _quiet(definition: Mapping[str, Any]) -> set[str]:
    """The fields of an object that are not ignored, nor anything below them."""
    fields = definition.get("properties", {})
    return {
        field
        for field in fields
        if not {"deprecationMessage", "properties", "items"} & fields[field].keys()
    }


def _unknown(
    key: str, value: Mapping[str, Json], definition: Mapping[str, Any], path: JsonPath
) -> Issue:
    message, hint = _advice(definition["additionalProperties"])
    holder, _, member = key.partition(".")
    if member and definition["properties"].get(holder, {}).get("type") == "object":
        hint = f"write `{shorten(member)}` in an object, `{holder}`"
    elif meant := nearest(key, (field for field in _counting(definition) if field not in value)):
        hint = f"did you mean `{meant}`?{oddity(key)}"
    elif (home := _homes().get(key)) and key not in path:
        hint = f"it belongs {home}"
    return Issue(
        "unknown-flag" if path == ("flags",) else "ignored-field",
        f"`{shorten(key)}` is {message[0].lower()}{message[1:]}",
        (*path, key),
        hint,
        mark="key",
    )


@cache
def _homes() -> dict[str, str]:
    """Where each field belongs, in words."""
    top = load_schema("driftflow")
    fields = top["properties"]
    return {
        **dict.fromkeys(_counting(fields["steps"]["items"]), "in a step"),
        **dict.fromkeys(_counting(fields["storage"]), "in `storage`"),
        **dict.fromkeys(_counting(fields["backoff"]), "in `backoff`"),
        **dict.fromkeys(_counting(fields["flags"]), "in `flags`"),
        **dict.fromkeys(_counting(top), "at the top level"),
    }


def _counting(definition: Mapping[str, Any]) -> list[str]:
    """The fields of an object that are not ignored."""
    fields = definition["properties"]
    return [field for field in fields if "deprecationMessage" not in fields[field]]


def _advice(definition: Mapping[str, Any]) -> tuple[str, str]:
    """The schema's words: what is so, and behind a semicolon what to do."""
    message, _, hint = definition["deprecationMessage"].rstrip(".").partition("; ")
    return message, hint


def _about_actions(
    steps: Steps, actions: Mapping[str, Action], given: Sequence[str]
) -> Iterator[Issue]:
    known: dict[str, Action | None] = {}  # quicker than asking each time
    explain: dict[str, Callable[[Mapping[str, Json], JsonPath], Iterator[Issue]]] = {}
    for place, step in steps:
        name, value = step.get("action"), step.get("input", "")
        if not isinstance(name, str) or not name:
            continue
        if name not in known:
            known[name] = actions.get(name)
        action = known[name]
        if action is None:
            yield _unknown_action(name, ("steps", place, "action"), actions)
        elif action.accepts is None or (
            action.accepts(value) and (type(value) is str or not _holds_reference(value))
        ):
            continue
        else:
            if name not in explain:
                explain[name] = _explainer(name, action.schema or {}, given)
            yield from explain[name](step, ("steps", place))


def _almost_references(value: Json, path: JsonPath) -> Iterator[Issue]:
    """The objects in an input that are data only because their `default` is wrong or too much."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _almost_references(item, (*path, place))
    elif isinstance(value, dict) and not ("literal" in value and is_reference(value)):
        for key, hint in _HINTS.items():
            other = next((name for name in value if name != key), "")
            looks_like_one = value.keys() == {key, other} and nearest(other, ["default"])
            if looks_like_one and not is_reference(value):
                message = f"an object with the keys `{key}` and `{shorten(other)}` is no reference"
                yield Issue("almost-reference", message, (*path, other), hint, mark="key")
        for key, member in value.items():
            yield from _almost_references(member, (*path, key))


def _about_names(steps: Steps) -> Iterator[Issue]:
    first: dict[str, int] = {}
    for place, step in steps:
        name = step.get("name")
        if isinstance(name, str) and first.setdefault(name, place) != place:
            message = f"two steps are named `{shorten(name)}`"
            hint = f"the first is `steps[{first[name]}]`"
            yield Issue("duplicate-name", message, ("steps", place, "name"), hint)


def _unknown_action(name: str, path: JsonPath, actions: Mapping[str, Action]) -> Issue:
    meant = nearest(name, actions)
    pack = next((pack for pack, names in PACKS.items() if name in names), None)
    if pack:
        hint = f"`--actions {pack}` provides it"
    elif meant:
        hint = f"did you mean `{meant}`?{oddity(name)}"
    elif len(actions) <= _FEW:
        hint = f"the actions are {join_words(actions)}; `--actions` brings others"
    else:
        hint = "`driftflow actions` lists those that there are"
    return Issue("unknown-action", f"no action `{shorten(name)}`: {_FAILS}", path, hint)


def _holds_reference(value: Json) -> bool:
    return next(references(value), None) is not None


def _explainer(
    action: str, takes: Mapping[str, Any], given: Sequence[str]
) -> Callable[[Mapping[str, Json], JsonPath], Iterator[Issue]]:
    """What tells why a step's input is not one that the action takes, if it is not."""
    from driftflow.schemas.explanation import find_input_issues, make_input_validator

    of_data, of_references = make_input_validator(takes), make_input_validator(takes, admit=True)

    def explain(step: Mapping[str, Json], path: JsonPath) -> Iterator[Issue]:
        value = step.get("input", "")
        validator = of_references if _holds_reference(value) else of_data
        try:
            found = find_input_issues(validator, action, value)
        except (ArithmeticError, RecursionError) as error:  # the step will not get further
            found = [Issue("wrong-input", f"`{shorten(action)}` cannot judge it: {error}")]
        defaults = {
            (*place, "default"): reference["param"]
            for place, reference in references(value)
            if "default" in reference
        }
        for issue in found:
            # What stands in a default matters only where the parameter is not given.
            unless = [name for place, name in defaults.items() if issue.path[: len(place)] == place]
            if any(name in given for name in unless):
                continue
            when = " unless the parameter is given" if unless else ""
            message = f"{issue.message}: {_FAILS}{when}"
            if "input" in step:
                yield issue._replace(message=message, path=(*path, "input", *issue.path))
            else:
                message = f"the step has no `input`; {message}"
                yield issue._replace(message=message, path=path, mark="start")

    return explain
