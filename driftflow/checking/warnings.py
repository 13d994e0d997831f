"""What loads but will surprise: fields that are ignored, steps that cannot succeed.

What is said about an ignored field stands in the schema (`schemas.published` says why).
"""

from __future__ import annotations

import builtins
from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from driftflow.actions.provenance import find_error_types
from driftflow.checking import contracts, parameters, schemas
from driftflow.checking.references import walk_values
from driftflow.errors import ATTEMPT_ERRORS, Permanent
from driftflow.issues import MAX_ISSUES, Issue
from driftflow.planning.parameters import list_declared
from driftflow.planning.references import (
    find_references,
    is_reference,
    list_steps,
)
from driftflow.schemas.published import find_unknown_keys, load_schema
from driftflow.suggestion import did_you_mean, find_nearest
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from jsonschema import Draft7Validator

    from driftflow.actions.action import Action
    from driftflow.issues import JsonPath
    from driftflow.planning.graph import Graph
    from driftflow.planning.references import StepDocument
    from driftflow.reading.document import Json

_FAILS = "the step will fail when it runs"
# The actions of the packs that are shipped and off until they are asked for.
PACKS = {
    "driftflow.packs.files": {
        *("read_text", "read_json", "read_csv", "read_jsonl"),
        *("write_text", "write_json", "write_csv", "write_jsonl"),
    },
    "driftflow.packs.process": {"command"},
}
# The types of errors that every step can name: by how they are called, their own names.
_ERRORS = {
    name: thing.__name__
    for name, thing in vars(builtins).items()
    if isinstance(thing, type) and issubclass(thing, BaseException)
} | dict(zip(ATTEMPT_ERRORS, ATTEMPT_ERRORS, strict=True))
_MAX_LISTED = 8  # a hint lists no more actions


def find_issues(
    graph: Graph, actions: Mapping[str, Action], given: Sequence[str] = ()
) -> list[Issue]:
    """Return the warnings about a document of any shape.

    The issues have paths; their lines are yet to be found.

    Args:
        graph: The graph of its steps.
        actions: All that steps can name.
        given: The names of the parameters that are given, as far as that is known.
    """
    steps = graph.steps
    found = chain(
        _find_ignored(graph.document),
        _check_actions(steps, actions, given),
        _check_error_types(steps, actions),
        _check_values(graph),
        _check_names(steps),
        contracts.find_issues(graph, actions),
        schemas.find_loose_conditions(graph),
        schemas.find_surprises(graph, actions),
        parameters.find_unused(graph),
    )
    return [*islice(found, MAX_ISSUES)]


def _find_ignored(value: Json, path: JsonPath = ()) -> Iterator[Issue]:
    """Yield a warning for each field that is ignored in an object of a config, and below it."""
    if not isinstance(value, dict):
        return
    kind = tuple(part for part in path if isinstance(part, str))
    _, definition = _objects()[kind]
    for key in find_unknown_keys(value, definition):
        yield _explain_unknown_field(key, value, path)
    for key, member in value.items():
        field = definition["properties"].get(key, {})
        if "deprecationMessage" in field:
            message, advice = _read_advice(field)
            yield Issue("ignored-field", message, (*path, key), advice, mark="key")
        elif not path and key == "steps":
            yield from _find_ignored_in_steps(list_steps(value))
        elif (*kind, key) in _objects():
            yield from _find_ignored(member, (*path, key))


def _find_ignored_in_steps(steps: Sequence[StepDocument]) -> Iterator[Issue]:
    counted = {*_list_fields(_objects()["steps",][1])}
    for index, step in enumerate(steps):
        if not step.keys() <= counted or "backoff" in step:  # as few have
            yield from _find_ignored(step, ("steps", index))
        if "params" in step and "use" not in step:
            message = "`params` is ignored in a step that has no `use`"
            hint = did_you_mean("params", {"input"} - step.keys())
            path = ("steps", index, "params")
            yield Issue("ignored-field", message, path, hint, mark="key")


def _explain_unknown_field(key: str, value: Mapping[str, Json], path: JsonPath) -> Issue:
    kind = tuple(part for part in path if isinstance(part, str))
    _, definition = _objects()[kind]
    message, hint = _read_advice(definition["additionalProperties"])
    not_given = [field for field in _list_fields(definition) if field not in value]
    homes = [home for home, other in _objects().values() if key in _list_fields(other)]
    holder, _, member = key.partition(".")
    if member and definition["properties"].get(holder, {}).get("type") == "object":
        hint = f"write `{shorten(member)}` inside the object `{holder}`"
    elif meant := did_you_mean(key, not_given):
        hint = meant
    elif homes and key not in path:
        hint = f"it belongs {homes[0]}"
    return Issue(
        "unknown-flag" if path == ("flags",) else "ignored-field",
        f"`{shorten(key)}` is {message[0].lower()}{message[1:]}",
        (*path, key),
        hint,
        mark="key",
    )


@cache
def _objects() -> dict[JsonPath, tuple[str, dict[str, Any]]]:
    """Return each object of a config by its path: where its fields belong, and its schema."""
    config = load_schema("driftflow")
    parts = config["properties"]
    return {
        (): ("at the top level", config),
        ("steps",): ("in a step", parts["steps"]["items"]),
        ("steps", "backoff"): (
            "in `backoff`",
            parts["steps"]["items"]["properties"]["backoff"],
        ),
        **{(name,): (f"in `{name}`", parts[name]) for name in ("storage", "backoff", "flags")},
    }


def _list_fields(definition: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields of an object that are not ignored."""
    fields = definition["properties"]
    return [field for field in fields if "deprecationMessage" not in fields[field]]


def _read_advice(definition: Mapping[str, Any]) -> tuple[str, str]:
    """Return what the schema tells editors: what is so and, behind a semicolon, what to do."""
    message, _, advice = definition["deprecationMessage"].rstrip(".").partition("; ")
    return message, advice


def _check_actions(
    steps: Sequence[StepDocument], actions: Mapping[str, Action], given: Sequence[str]
) -> Iterator[Issue]:
    find_action = cache(actions.get)  # to look one up may take its time
    validators: dict[tuple[str, bool], Draft7Validator] = {}
    for index, step in enumerate(steps):
        name, value = step.get("action"), step.get("input", "")
        if not isinstance(name, str) or not name:
            continue
        action = find_action(name)
        if action is None:
            message = f"unknown action `{shorten(name)}`: {_FAILS}"
            hint = suggest_action(name, actions)
            yield Issue("unknown-action", message, ("steps", index, "action"), hint)
        elif action.accepts is not None:
            refers = type(value) is not str and any(find_references(value))
            if refers or not action.accepts(value):
                from driftflow.schemas.explanation import make_input_validator

                if (name, refers) not in validators:
                    validators[name, refers] = make_input_validator(
                        action.schema or {}, admit=refers
                    )
                yield from _explain_input(step, ("steps", index), validators[name, refers], given)


def _check_error_types(
    steps: Sequence[StepDocument], actions: Mapping[str, Action]
) -> Iterator[Issue]:
    """Yield the names in `retry_on` that are no type of errors as far as can be known."""
    find_own = cache(lambda name: find_error_types(actions[name]))
    for index, step in enumerate(steps):
        retry_on, action = step.get("retry_on"), step.get("action")
        for place, name in enumerate(retry_on if isinstance(retry_on, list) else ()):
            if not isinstance(name, str) or not name or _ERRORS.get(name) == name:
                continue
            if not isinstance(action, str) or action not in actions:
                continue  # that is told anyway
            known = find_own(action) | _ERRORS
            if name == Permanent.__name__ or name not in known.values():
                path = ("steps", index, "retry_on", place)
                yield _explain_error_type(name, known)._replace(path=path)


def _explain_error_type(name: str, known: Mapping[str, str]) -> Issue:
    """Return the issue about a name that is no type of errors after which a step is tried again.

    Args:
        name: What was written.
        known: Those that there are, by the names by which they are known.
    """
    shown = shorten(name)
    if name == Permanent.__name__:
        message = f"after an error of type `{shown}` no step is tried again"
        return Issue("unknown-error-type", message, hint="remove it")
    _, _, last = name.rpartition(".")
    if name in known:
        hint: str | None = f"the class calls itself `{shorten(known[name])}`: write that"
    elif last in known.values():
        hint = f"write `{shorten(last)}`, without its module"
    else:
        hint = did_you_mean(name, known.values())
    message = (
        f"unknown error type `{shown}`: neither Python, nor DriftFlow, nor the module of the "
        "action has an exception of that name"
    )
    return Issue("unknown-error-type", message, hint=hint)


def _check_values(graph: Graph) -> Iterator[Issue]:
    steps = graph.steps
    names = {
        "from": {step["name"] for step in steps if isinstance(step.get("name"), str)},
        "param": {*(list_declared(graph.document) or ())},
    }
    for path, value in walk_values(steps, graph.output):
        yield from _find_almost_references(value, path, names)


def _find_almost_references(
    value: Json, path: JsonPath, names: Mapping[str, Collection[str]]
) -> Iterator[Issue]:
    """Yield the objects that are data only because of a key, and do not look like data.

    Args:
        value: A value in which references may stand.
        path: The path to it.
        names: By the key of a reference, what it can name: steps, or parameters.
    """
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_almost_references(item, (*path, index), names)
    elif isinstance(value, dict) and not ("literal" in value and is_reference(value)):
        for key, looks_like_one in _ALMOST.items():
            if key in value and not is_reference(value):
                others = [name for name in value if name != key]
                if hint := looks_like_one(value[key], others, names["from"]):
                    yield _explain_almost(key, others[0], path, hint)
        if len(value) == 1:
            yield from _find_misspelt(value, path, names)
        for key, member in value.items():
            yield from _find_almost_references(member, (*path, key), names)


def _find_misspelt(
    value: Mapping[str, Json], path: JsonPath, names: Mapping[str, Collection[str]]
) -> Iterator[Issue]:
    """Yield the key of an object if it is nearly one of a reference, and what it names is there."""
    ((key, given),) = value.items()
    if not isinstance(given, str) or is_reference(value):
        return
    possible = [other for other, named in names.items() if given in named]
    if meant := find_nearest(key, possible):
        message = f"an object with the key `{shorten(key)}` is not a reference, but plain data"
        hint = f"did you mean `{meant}`?"
        yield Issue("almost-reference", message, (*path, key), hint, mark="key")


def _explain_almost(key: str, other: str, path: JsonPath, hint: str) -> Issue:
    keys = f"the keys `{key}` and `{shorten(other)}`"
    message = f"an object with {keys} is not a reference, but plain data"
    return Issue("almost-reference", message, (*path, other), hint, mark="key")


def _almost_param(_: Json, others: Sequence[str], _names: Collection[str]) -> str | None:
    is_near = len(others) == 1 and find_nearest(others[0], ["default"])
    return "did you mean `default`?" if is_near else None


def _almost_from(given: Json, others: Sequence[str], names: Collection[str]) -> str | None:
    listed = given if isinstance(given, list) else [given]
    is_step = bool(listed) and all(isinstance(name, str) and name in names for name in listed)
    is_near = len(others) == 1 and find_nearest(others[0], ["default", "at"])
    if not (is_step or (is_near and others[0] != "at")):
        return None
    if isinstance(given, str) and is_near:
        return f'write `{{"from": {{"step": "{shorten(given)}", "{is_near}": ...}}}}`'
    return f"to read the step, remove `{shorten(others[0])}`; for data, write `literal` around it"


def _almost_concat(given: Json, _: Sequence[str], _names: Collection[str]) -> str | None:
    parts = given if isinstance(given, list) else []
    has_reference = any(isinstance(part, dict) and is_reference(part) for part in parts)
    return "a `concat` stands alone" if has_reference else None


# By the key of a reference: returns what to do about an object that has other keys beside it, if
# it looks like a slip; from the value of the key, the other keys, and the names of the steps.
_ALMOST: dict[str, Callable[[Json, Sequence[str], Collection[str]], str | None]] = {
    "param": _almost_param,
    "from": _almost_from,
    "concat": _almost_concat,
}


def _check_names(steps: Sequence[StepDocument]) -> Iterator[Issue]:
    first: dict[str, int] = {}
    for index, step in enumerate(steps):
        name = step.get("name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            message = f"duplicate step name `{shorten(name)}`"
            hint = f"the first is `steps[{first[name]}]`"
            yield Issue("duplicate-name", message, ("steps", index, "name"), hint)


def suggest_action(name: str, actions: Mapping[str, Action]) -> str:
    """Return what to do about an action that there is not, in words.

    Args:
        name: What was written.
        actions: All actions that steps can name.
    """
    pack = next((pack for pack, names in PACKS.items() if name in names), None)
    if pack:
        return f"add `--actions {pack}` to use it"
    if meant := did_you_mean(name, actions):
        return meant
    if len(actions) <= _MAX_LISTED:
        return f"the available actions are {join_words(actions)}; `--actions` adds more"
    return "run `driftflow actions` to list the available actions"


def _explain_input(
    step: StepDocument, path: JsonPath, validator: Draft7Validator, given: Sequence[str]
) -> Iterator[Issue]:
    """Yield why a step's action cannot take its input.

    Args:
        step: The step.
        path: The path to it.
        validator: Of the schema of its action.
        given: The names of the parameters that are given.
    """
    from driftflow.schemas.explanation import find_input_issues

    action, value = step["action"], step.get("input", "")
    found = find_input_issues(validator, action, value)
    defaults = {
        (*start, "default"): reference["param"]
        for start, reference in find_references(value)
        if "default" in reference
    }
    for issue in found:
        # What stands in a default matters only where the parameter is not given.
        unless = [name for start, name in defaults.items() if issue.path[: len(start)] == start]
        if any(name in given for name in unless):
            continue
        when = " unless the parameter is given" if unless else ""
        message = f"{issue.message}: {_FAILS}{when}"
        if "input" in step:
            yield issue._replace(message=message, path=(*path, "input", *issue.path))
        else:
            message = f"the step has no `input`; {message}"
            yield issue._replace(message=message, path=path, mark="start")
