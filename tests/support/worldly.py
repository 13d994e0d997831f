"""An action whose doings can be seen from outside; a file for `--actions`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import driftflow


@driftflow.action
def deed(value: dict[str, Any]) -> str:
    """Gives a digest of all that it is handed and looks at, and writes it to a file of its own."""
    world = Path(value.pop("world"))
    failing = _read(world / "failing").split()
    value["looks"] = [_read(world / look) for look in value["looks"]]
    if value["source"]:
        value["source"] = _read(world / "source")
    if value["id"] in failing:
        (world / value["id"]).write_text("half of it")
        raise OSError("down")
    digest = hashlib.sha256(json.dumps(value).encode()).hexdigest()
    text = f"{value['id']}:{digest[:12]}"
    (world / value["id"]).write_text(text)
    return text.ljust(120, ".") if value["long"] else text


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
