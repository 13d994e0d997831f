"""What loads but will surprise: fields that are ignored, steps that cannot succeed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from driftflow.actions import ACTIONS, objection
from driftflow.errors import Issue, listed, shorten
from driftflow.schemas import schema, unknown_keys
from driftflow.suggestion import nearest, oddity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftflow.document import Json
    from driftflow.errors import JsonPath

_FAILS = "the step will fail when it runs"


def issues(value: Json) -> list[Issue]:
    """The warnings about a document's value, of any shape; the places are yet to be found."""
    return [*_ignored(value, schema("driftflow"), ()), *_about_steps(value)]


def _ignored(value: Json, definition: Mapping[str, Any], path: JsonPath) -> Iterator[Issue]:
    """The fields that are ignored, at any depth: the schema has a `deprecationMessage` for each."""
    if isinstance(value, list) and "items" in definition:
        quiet = _quiet(definition["items"])
        for place, item in enumerate(value):
            if not (isinstance(item, dict) and item.keys() <= quiet):  # as nearly every step is
                yield from _ignored(item, definition["items"], (*path, place))
    if not isinstance(value, dict) or "properties" not in definition:
        return
    for key in unknown_keys(value, definition):
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
    top = schema("driftflow")
    fields = top["properties"]
    return {
        **dict.fromkeys(_counting(fields["steps"]["items"]), "in a step"),
        **dict.fromkeys(_counting(fields["storage"]), "in `storage`"),
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


def _about_steps(value: Json) -> Iterator[Issue]:
    steps = value.get("steps") if isinstance(value, dict) else None
    first: dict[str, int] = {}
    for place, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict):
            continue
        action = step.get("action")
        if isinstance(action, str) and action and action not in ACTIONS:
            yield _unknown_action(action, place)
        elif isinstance(action, str) and (fault := objection(action, step.get("input", ""))):
            yield Issue("wrong-input", f"{fault}: {_FAILS}", ("steps", place, "input"))
        name = step.get("name")
        if isinstance(name, str) and first.setdefault(name, place) != place:
            message = f"two steps are named `{shorten(name)}`"
            hint = f"the first is `steps[{first[name]}]`"
            yield Issue("duplicate-name", message, ("steps", place, "name"), hint)


def _unknown_action(action: str, place: int) -> Issue:
    meant = nearest(action, ACTIONS)
    hint = (
        f"did you mean `{meant}`?{oddity(action)}"
        if meant
        else f"the actions are {listed(ACTIONS)}"
    )
    return Issue(
        "unknown-action",
        f"no action `{shorten(action)}`: {_FAILS}",
        ("steps", place, "action"),
        hint,
    )
