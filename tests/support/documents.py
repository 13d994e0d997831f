"""The documents: their blocks of code, and the files that these are."""

from __future__ import annotations

import re
from typing import NamedTuple

from support.command import CHECKOUT

# A block, and the words that make it a file: `name`: before it, or "into `name`:" at the end.
_BLOCK = re.compile(r"(?:`([\w./-]+)`:\n\n)?^```([\w-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

README = "README.md"
PAGES = (README, *sorted(str(p.relative_to(CHECKOUT)) for p in CHECKOUT.glob("docs/**/*.md")))


class Block(NamedTuple):
    """A block of code in a document.

    Attributes:
        name: The file that it is; empty if it is none.
        language: What it is written in.
        text: What it says.
    """

    name: str
    language: str
    text: str


def read(document: str) -> str:
    """A document's text."""
    return (CHECKOUT / document).read_text("utf-8")


def blocks(document: str) -> list[Block]:
    """The blocks of a document, in order."""
    return [Block(*found) for found in _BLOCK.findall(read(document))]


def named(document: str) -> dict[str, str]:
    """Its blocks that are files, by their names; of one that changes, the last."""
    return {block.name: block.text for block in blocks(document) if block.name}
