"""The published schemas, as they lie in their files.

**One schema, two places.** `schema/` at the top of the tree is the one source. A wheel has it as
`driftflow/schema/`, by a `sources` mapping of hatchling. So it is looked for in the package first,
then beside it, where a checkout and an editable install have it. A `driftflow/schema.py` or a
`schema/__init__.py` would get in the way.

**Notes for editors beside a schema for validators.** `deprecationMessage` and the like are no
keywords of JSON Schema; validators pass over them, as the standard asks (Ajv in its strict mode
wants them declared). So a misspelt field is underlined, and the file stays valid. Steps and flags
must not stand below an `anyOf`: a deprecation there counts as a branch that failed. The draft is
07, the newest that all editors of the last years know.

**What a schema cannot tell well is in it for others.** The config's schema says what references and
the schemas in a config look like, so that editors complete and check them. DriftFlow finds what is
wrong with these by itself, and tells more of it. So they are behind a `$ref`, always, and
`load_config_shape` leaves out whatever is: no mistake is told twice, and the acceptor does not look
into inputs.

**One text for editors and for `check`.** What `deprecationMessage` says of a field that is ignored
(what is so; what to do) is what `check` prints. No schema that allows other keys can say "did you
mean", so `check` adds that.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftflow.schemas.parts import replace_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from importlib.resources.abc import Traversable

    from driftflow.reading.document import Json

_CHECKOUT = Path(__file__).resolve().parents[2] / "schema"


def read_schema(name: str) -> str:
    """Return the text of a published schema: `driftflow`, `result`, `audit`, `plan` and so on."""
    shipped = files("driftflow").joinpath("schema")
    folder: Traversable = shipped if shipped.is_dir() else _CHECKOUT
    return folder.joinpath(f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return what the text of a published schema holds; not to be changed."""
    contents: dict[str, Any] = json.loads(read_schema(name))
    return contents


@cache
def load_config_shape() -> dict[str, Any]:
    """Return the part of the config's schema by which its breaches are told; not to be changed.

    Whatever is behind a `$ref` is left out: references, and the schemas in a config.
    """
    shape: dict[str, Any] = _drop_referred(load_schema("driftflow"))
    return shape


def _drop_referred(part: Any, *_: str) -> Any:
    """Return a schema without its definitions and all that refers to one, or to another schema."""
    if not isinstance(part, dict):
        return part
    own = {keyword: part[keyword] for keyword in part if keyword not in {"$ref", "definitions"}}
    kept = replace_parts(own, _drop_referred)
    if "allOf" in kept:
        kept["allOf"] = [each for each in kept["allOf"] if each]
    return {keyword: kept[keyword] for keyword in kept if keyword != "allOf" or kept[keyword]}


def find_unknown_keys(members: Mapping[str, Json], definition: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of an object that its definition in a schema neither lists nor exempts.

    One that is not held against a pattern in time is not exempt.
    """
    from driftflow.schemas.patterns import make_matcher

    listed = definition.get("properties", {})
    exempt = [make_matcher(pattern) for pattern in definition.get("patternProperties", {})]
    return (key for key in members if key not in listed and not _is_any_found(exempt, key))


def _is_any_found(searches: Iterable[Callable[[str], object]], text: str) -> bool:
    try:
        return any(search(text) for search in searches)
    except TimeoutError:
        return False
