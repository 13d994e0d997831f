"""How the pages become a site: `make docs`."""

from __future__ import annotations

from typing import Any

from pyrsistent import PClass

import driftflow

project = "DriftFlow"
version = release = driftflow.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_site", "requirements.lock"]

# A link leads to a heading as it does where the pages are read as files.
myst_heading_anchors = 3

# Docstrings are Markdown in one thing: `code` has single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "DriftFlow"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False

# The prompt is not copied, nor what a command prints.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"


def hide_signature(*about: Any) -> tuple[str, None] | None:
    """Show no arguments of what only DriftFlow makes: exceptions, events, plans."""
    _, _, _, thing, _, signature, _ = about
    is_made_by_us = isinstance(thing, type) and issubclass(thing, (Exception, tuple, PClass))
    return ("", None) if is_made_by_us and signature else None


def setup(app: Any) -> None:
    """Tell Sphinx what is ours to settle."""
    app.connect("autodoc-process-signature", hide_signature)
