"""The graph of a plan as a picture: text for Mermaid, which GitHub draws, and for Graphviz.

Pure: the same plan gives the same text. An arrow leads from a step to one that comes after it: a
whole line where that reads its output, a dashed one where it only waits.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from driftflow.text import escape, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftflow.planning.plan import Plan

# What may have a meaning of its own in a label of Mermaid, even between quotes: it reads Markdown
# there, so that `1. load` would be a list. Commas, slashes and signs within a word have none.
_SIGNS = re.compile(r"(?<!\w)[-_.]|[-_.](?!\w)|[!-+:-@\[-^`{-~]")


def format_mermaid(plan: Plan) -> str:
    """Return the graph as a flowchart of Mermaid: https://mermaid.js.org/syntax/flowchart.html."""
    rows = [
        *(
            f'  s{index}["{_escape_signs(_shorten_name(step.name))}"]'
            for index, step in enumerate(plan.steps.tolist())
        ),
        *(
            f"  s{before} {'-->' if is_read else '-.->'} s{index}"
            for before, index, is_read in _list_arrows(plan)
        ),
    ]
    return "".join(f"{row}\n" for row in ["flowchart LR", *rows])


def format_dot(plan: Plan) -> str:
    """Return the graph in the language of Graphviz: https://graphviz.org/doc/info/lang.html."""
    rows = [
        "rankdir=LR",
        "node [shape=box]",
        *(
            f"s{index} [label={_quote(step.name)}]"
            for index, step in enumerate(plan.steps.tolist())
        ),
        *(
            f"s{before} -> s{index}{'' if is_read else ' [style=dashed]'}"
            for before, index, is_read in _list_arrows(plan)
        ),
    ]
    body = "".join(f"  {row}\n" for row in rows)
    return f"digraph {_quote(plan.name)} {{\n{body}}}\n"


def _list_arrows(plan: Plan) -> Iterator[tuple[int, int, bool]]:
    """Yield each edge: the earlier step, the later one, and whether that reads its output."""
    steps = plan.steps.tolist()
    for index, step in enumerate(steps):
        for before in step.before:
            yield before, index, steps[before].name in step.reads


def _quote(name: str) -> str:
    """Return a string of Graphviz: quotes and backslashes are escaped; it reads HTML's entities."""
    return json.dumps(_shorten_name(name).replace("&", "&amp;"), ensure_ascii=False)


def _escape_signs(text: str) -> str:
    """Return the text with signs as the entities of Mermaid."""
    return _SIGNS.sub(lambda sign: f"#{ord(sign[0])};", text)


def _shorten_name(name: str) -> str:
    return escape(shorten(name))
