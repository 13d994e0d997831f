"""A link of the site that leads nowhere is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from check_links import find_dead_links

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of two pages."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a b.html").write_text(
        '<h1 id="ü">A</h1><a href="../index.html#top">up</a>'
    )
    (tmp_path / "index.html").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    "link",
    ["more/a%20b.html", "more/a%20b.html#%C3%BC", "#", "https://example.org/x", "mailto:a@b.c"],
)
def test_what_leads_somewhere_or_out_of_the_site_is_right(link: str, site: Path) -> None:
    """Without a network, nothing is known of the world outside."""
    (site / "index.html").write_text(f'<a href="{link}">x</a><img src="{link}">')
    assert find_dead_links(site) == []


@pytest.mark.parametrize("link", ["more/b.html", "more", "more/a%20b.html#u", "#x"])
def test_what_leads_nowhere_is_told(link: str, site: Path) -> None:
    """With the page on which it stands."""
    (site / "index.html").write_text(f'<a id="y" href="{link}">x</a>')
    assert find_dead_links(site) == [f"index.html: {link}"]


def test_a_site_without_pages_is_no_site(tmp_path: Path) -> None:
    """Else a wrong path would pass."""
    with pytest.raises(AssertionError, match="no pages"):
        find_dead_links(tmp_path)
