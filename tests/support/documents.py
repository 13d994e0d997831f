"""The documents: their text, their blocks of code, and the files that these make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.command import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

NAMED = re.compile(r"`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(document: str) -> str:
    """A document's text."""
    return (CHECKOUT / document).read_text("utf-8")


def blocks(document: str) -> list[tuple[str, str]]:
    """Its code blocks, as language and text."""
    return BLOCK.findall(read(document))


def named(document: str) -> dict[str, str]:
    """Its code blocks that are files, by their names, which stand before them."""
    return dict(NAMED.findall(read(document)))


def write_named(document: str, folder: Path) -> list[str]:
    """Write these files into the folder; those that hold actions, as options."""
    options = []
    for name, text in named(document).items():
        if not name.startswith("examples/"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, "utf-8")
            options += ["--actions", str(folder / name)] if "@driftflow.action" in text else []
    return options
