"""Check that every link within a built site leads to a page, and to a place on it.

    python tools/check_links.py docs/_site

Sphinx checks the links that it makes from the pages; this looks at what came out, its menus and
search included. Links that lead out of the site are not followed: that needs a network.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit


class Page(HTMLParser):
    """The links of a page, and the places on it that links can lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places = {"", "top"}
        self.feed(text)

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what a tag links to, and the name by which it is found."""
        for name, value in attributes:
            if name in {"href", "src"}:
                self.links.add(value or "")
            elif name == "id":
                self.places.add(value or "")


def find_dead_links(site: Path) -> list[str]:
    """Return each link that leads nowhere, behind the page on which it stands."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    assert pages, f"no pages in {site}"
    dead = []
    for path, page in pages.items():
        for link in sorted(page.links):
            address, place = urldefrag(link)
            if urlsplit(address).scheme:
                continue
            target = path.parent / unquote(urlsplit(address).path) if address else path
            target = target.resolve()
            if not target.is_file() or (
                target in pages and unquote(place) not in pages[target].places
            ):
                dead.append(f"{path.relative_to(site)}: {link}")
    return dead


if __name__ == "__main__":
    found = find_dead_links(Path(sys.argv[1]).resolve())
    print("\n".join(found) or "all links within the site lead somewhere")
    sys.exit(bool(found))
