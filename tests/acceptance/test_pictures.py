"""The pictures of the documents show what is so."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import defaultdict

import pytest
from draw_pictures import PICTURES, SCENES, record
from support.command import process_environment
from support.documents import PAGES, read

SVG = "{http://www.w3.org/2000/svg}"
CONTROL_SEQUENCE = re.compile(r"\x1b\[[\d;]*m")


def shown_by(name: str) -> list[str]:
    """The lines of a terminal's picture; spaces do not count, as rich leaves them to positions."""
    lines: dict[float, list[tuple[float, str]]] = defaultdict(list)
    picture = ET.parse(PICTURES / f"{name}.svg")  # noqa: S314 - our own file
    for text in picture.iter(f"{SVG}text"):
        if "clip-path" in text.attrib:
            place = float(text.attrib["x"]), text.text or ""
            lines[float(text.attrib["y"])].append(place)
    joined = ("".join(part for _, part in sorted(lines[y])) for y in sorted(lines))
    return [without_spaces(line) for line in joined if line.strip()]


def without_spaces(line: str) -> str:
    """The line with its spaces taken out."""
    return "".join(line.split())


@pytest.mark.parametrize("name", SCENES)
def test_a_terminal_shows_what_the_commands_print_now(name: str) -> None:
    """Else `make pictures` draws it anew."""
    printed = CONTROL_SEQUENCE.sub("", record(SCENES[name], process_environment()))
    assert shown_by(name) == [without_spaces(line) for line in printed.splitlines() if line]


@pytest.mark.parametrize("picture", sorted(path.name for path in PICTURES.glob("*.svg")))
def test_a_picture_fetches_nothing_and_is_in_a_page(picture: str) -> None:
    """With words for those who do not see it."""
    text = (PICTURES / picture).read_text("utf-8")
    for address in re.findall(r"(?:href|src|url)\W+(\w+://[^\s\"')]+)", text):
        pytest.fail(address)
    pages = "".join(map(read, PAGES))
    assert re.search(rf"!\[[^\]]{{20,}}\]\([\w./]*pictures/{re.escape(picture)}\)", pages)
