"""The published schemas, as they lie in their files."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from driftflow.reading.document import Json

_CHECKOUT = Path(__file__).resolve().parents[2] / "schema"


def schema_text(name: str) -> str:
    """The file of a published schema: `driftflow`, `result`, `audit`, `findings` or `plan`.

    In an installed package the schemas lie inside it; in a checkout, beside it.
    """
    shipped = files("driftflow").joinpath("schema")
    folder: Traversable = shipped if shipped.is_dir() else _CHECKOUT
    return folder.joinpath(f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def schema(name: str) -> dict[str, Any]:
    """What the file of a published schema holds; not to be changed."""
    contents: dict[str, Any] = json.loads(schema_text(name))
    return contents


def unknown_keys(members: Mapping[str, Json], definition: Mapping[str, Any]) -> list[str]:
    """The keys of an object that its definition in a schema neither lists nor exempts."""
    return [
        key
        for key in members
        if key not in definition.get("properties", {})
        and not any(re.search(pattern, key) for pattern in definition.get("patternProperties", {}))
    ]
