"""What a value breaks of a schema, in our words: as issues with paths, or as reasons.

The value is a document and the schema the config's, or the value an input and the schema its
action's, or the value an output, a parameter or the like.

**Own texts for breaches.** jsonschema's messages hold the whole value, which may be long or secret.
`breaches` finds what is wrong, and `telling` makes issues of it.
"""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from driftflow.issues import MAX_ISSUES, Issue
from driftflow.schemas.breaches import make_finder
from driftflow.schemas.editor import make_input_schema
from driftflow.schemas.published import load_config_shape
from driftflow.schemas.telling import Voice, name_place, tell_error
from driftflow.schemas.wording import TOO_DEEP
from driftflow.text import format_path, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import Draft7Validator

    from driftflow.reading.document import Json

# By the field of a config, what it looks like.
_SHAPES: dict[str | int, str] = {
    "": 'a workflow is an object: `{"name": "demo", "steps": [...]}`',
    "steps": '`steps` is an array: `[{"name": "fetch", "action": "echo"}]`',
    "after": '`after` is an array of names: `["fetch"]`',
    "retry_on": '`retry_on` is an array of types: `["ConnectionError"]`',
    "backoff": '`backoff` is an object: `{"delay_seconds": 1}`',
    "flags": '`flags` is an object: `{"audit": true}`',
    "storage": '`storage` is an object: `{"path": "./driftflow.audit.json"}`',
}
_MANY = 100  # issues for which the nearest words are looked for
_AS_A_RULE = ", since `use` is not given"  # few steps have it: it is no reason to tell
_FEW = 3  # reasons that are told when a value is refused

_DOCUMENT = Voice("the value", "the document must be", "the document cannot be checked")


def find_issues(value: Json) -> list[Issue]:
    """Return all that a document breaks of the config's schema, in the order of the schema.

    Lines and columns are yet to be found.
    """
    return [*map(_add_shape, _find_issues(_config_finder(), value, _DOCUMENT))]


def _add_shape(issue: Issue) -> Issue:
    """Return an issue of a document as its author sees it."""
    if issue.code == "wrong-type":
        return issue._replace(hint=_SHAPES.get("".join(map(str, issue.path[-1:])), issue.hint))
    return issue._replace(message=issue.message.removesuffix(_AS_A_RULE))


def make_input_validator(action: Mapping[str, Any], *, admit: bool = False) -> Draft7Validator:
    """Return what judges the inputs of an action.

    Args:
        action: Its schema.
        admit: Whether references may stand in an input.
    """
    return make_finder(make_input_schema(action) if admit else action)


def find_input_issues(validator: Draft7Validator, action: str, value: Json) -> list[Issue]:
    """Return all that an input breaks of its action's schema, with paths that begin at the input.

    Args:
        validator: What `make_input_validator` made of that schema.
        action: The action's name.
        value: The input.
    """
    name = shorten(action)
    unchecked = f"the input cannot be checked against the schema of `{name}`"
    found = _find_issues(validator, value, Voice("the value", f"{name} takes", unchecked))
    return [issue._replace(code="wrong-input") for issue in found]


def explain_refusal(action: str, schema: Mapping[str, Any], value: Json) -> str:
    """Return why the action cannot take the value as its input: the first reasons, in words."""
    return join_reasons(find_input_issues(make_input_validator(schema), action, value))


def find_breaches(schema: Mapping[str, Any], value: Json, subject: str) -> list[Issue]:
    """Return all that a value breaks of a schema, in the order of the schema.

    Their codes are those of a config, and their paths begin at the value.

    Args:
        schema: A JSON Schema, draft-07.
        value: The value.
        subject: The words for all of it, like `the output`.
    """
    voice = Voice(subject, f"{subject} must be", f"{subject} cannot be checked")
    return _find_issues(make_finder(schema), value, voice)


def join_reasons(found: list[Issue]) -> str:
    """Return what is wrong with a value in words: the first reasons; none if nothing is wrong."""
    more = ["and more"] if len(found) > _FEW else []
    return "; ".join([*map(_give_reason, found[:_FEW]), *more])


def _give_reason(issue: Issue) -> str:
    """Return what is wrong and where; of a name that is wrong in the file, also the right one."""
    if issue.mark == "key":
        path = format_path(issue.path[:-1])
        hint = f" ({issue.hint})" if issue.hint else ""
        return f"{path and f'{shorten(path)}: '}{issue.message}{hint}"
    if not issue.path:
        return issue.message
    rest = issue.message.removeprefix(name_place(issue.path))
    named = f"`{shorten(issue.place)}`" if rest != issue.message else f"{shorten(issue.place)}: "
    return f"{named}{rest}"


@cache
def _config_finder() -> Draft7Validator:
    return make_finder(load_config_shape())


def _find_issues(finder: Draft7Validator, value: Json, voice: Voice) -> list[Issue]:
    """Return what breaks the schema, each thing once."""
    found: dict[Issue, None] = {}
    try:
        for error in finder.iter_errors(value):  # which looks on only when it is asked
            compares = len(found) < _MANY
            told = tell_error(error, voice._replace(compares=compares))
            found |= dict.fromkeys(islice(told, MAX_ISSUES))
            if len(found) >= MAX_ISSUES or error.cause:  # more matches may take as long
                break
    except RecursionError:
        found[Issue("wrong-type", f"{voice.unchecked}: {TOO_DEEP}")] = None
    misspelt = {issue.path for issue in found if issue.code == "missing-field"}
    told_once = (i for i in found if i.code != "ignored-field" or i.path not in misspelt)
    return [*islice(told_once, MAX_ISSUES)]
