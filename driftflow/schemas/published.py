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

**One text for editors and for `check`.** What `deprecationMessage` says of a field that is ignored
(what is so; what to do) is what `check` prints. No schema that allows other keys can say "did you
mean", so `check` adds that.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    from driftflow.reading.document import Json

_CHECKOUT = Path(__file__).resolve().parents[2] / "schema"


def read_schema(name: str) -> str:
    """Return the text of the schema `driftflow`, `result`, `audit`, `findings` or `plan`."""
    shipped = files("driftflow").joinpath("schema")
    folder: Traversable = shipped if shipped.is_dir() else _CHECKOUT
    return folder.joinpath(f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return what the text of a published schema holds; not to be changed."""
    contents: dict[str, Any] = json.loads(read_schema(name))
    return contents


def find_unknown_keys(members: Mapping[str, Json], definition: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of an object that its definition in a schema neither lists nor exempts."""
    listed = definition.get("properties", {})
    exempt = [re.compile(pattern).search for pattern in definition.get("patternProperties", {})]
    return (
        key for key in members if key not in listed and not any(matches(key) for matches in exempt)
    )
