"""How the pages become a site: `make docs`."""

from __future__ import annotations

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
autodoc_class_signature = "separated"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "DriftFlow"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False

# The prompt is not copied, nor what a command prints.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"
