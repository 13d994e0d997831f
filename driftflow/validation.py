"""The published schemas, and what a document breaks of the config's."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator

from driftflow.document import type_name
from driftflow.errors import Issue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.resources.abc import Traversable

    from jsonschema import ValidationError

    from driftflow.document import Json

_CHECKOUT = Path(__file__).resolve().parent.parent / "schema"

# A text for each keyword of the schema that can fail, from what it wants and what it found.
# jsonschema's own messages hold the whole instance, which can be the whole document.
_TEXTS: dict[str, Callable[[Any, Any], str]] = {
    "type": lambda wanted, found: f"must be {_with_article(wanted)}, not {type_name(found)}",
    "minLength": lambda _wanted, _found: "must not be empty",
    "minimum": lambda wanted, _found: f"must be at least {wanted}",
    "exclusiveMinimum": lambda wanted, _found: f"must be greater than {wanted}",
}


def schema(name: str) -> dict[str, Any]:
    """A published schema: `driftflow`, `result` or `audit`.

    In an installed package the schemas lie inside it; in a checkout, beside it.
    """
    shipped = files("driftflow").joinpath("schema")
    folder: Traversable = shipped if shipped.is_dir() else _CHECKOUT
    contents: dict[str, Any] = json.loads(
        folder.joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    )
    return contents


def issues(document: Json) -> list[Issue]:
    """All that the document breaks of the config's schema, in the document's order."""
    found = (issue for error in _validator().iter_errors(document) for issue in _explain(error))
    return sorted(dict.fromkeys(found), key=lambda issue: _position(document, issue.path))


@cache
def _validator() -> Draft7Validator:
    return Draft7Validator(schema("driftflow"))


def _explain(error: ValidationError) -> Iterator[Issue]:
    path = tuple(error.absolute_path)
    wanted: Any = error.validator_value
    found: Any = error.instance
    if error.validator == "required":
        # jsonschema reports each missing field, but not as data which one it is: all are
        # named each time, and `issues` drops the repetitions.
        missing = [field for field in wanted if field not in found]
        yield from (Issue(f"missing required field `{field}`", path) for field in missing)
    else:
        text = _TEXTS[str(error.validator)](wanted, found)
        yield Issue(text if path else f"the document {text}", path)


def _with_article(wanted: str) -> str:
    return f"an {wanted}" if wanted[0] in "aio" else f"a {wanted}"


def _position(document: Any, path: tuple[str | int, ...]) -> list[int]:
    """The path as places among siblings, which sort in the order of the file."""
    places = []
    for part in path:
        places.append(part if isinstance(part, int) else list(document).index(part))
        document = document[part]
    return places
