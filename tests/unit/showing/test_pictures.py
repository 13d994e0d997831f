"""The graph as a picture, in the languages of Mermaid and Graphviz."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from support import workflows

from driftflow.showing.pictures import format_dot, format_mermaid

PLAN = workflows.plan(
    {"name": "fetch", "priority": -1},
    {"name": "load", "after": ["fetch"]},
    {"name": "report", "input": {"from": ["load"]}, "after": ["load", "fetch"]},
    {"name": "alone"},
    name="nightly",
)


def test_mermaid_draws_each_step_and_each_edge() -> None:
    """A whole arrow hands on an output, a dashed one does not."""
    assert format_mermaid(PLAN) == (
        "flowchart LR\n"
        '  s0["alone"]\n'
        '  s1["fetch"]\n'
        '  s2["load"]\n'
        '  s3["report"]\n'
        "  s1 -.-> s2\n"
        "  s1 -.-> s3\n"
        "  s2 --> s3\n"
    )


def test_dot_draws_each_step_and_each_edge() -> None:
    """Likewise."""
    assert format_dot(PLAN) == (
        'digraph "nightly" {\n'
        "  rankdir=LR\n"
        "  node [shape=box]\n"
        '  s0 [label="alone"]\n'
        '  s1 [label="fetch"]\n'
        '  s2 [label="load"]\n'
        '  s3 [label="report"]\n'
        "  s1 -> s2 [style=dashed]\n"
        "  s1 -> s3 [style=dashed]\n"
        "  s2 -> s3\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("name", "mermaid", "dot"),
    [
        ('say "hi"', "say #34;hi#34;", r'"say \"hi\""'),
        ("a\\n", "a#92;n", r'"a\\n"'),
        ("a\n", "a#92;n", r'"a\\n"'),
        ("1. load", "1#46; load", '"1. load"'),
        ("- load", "#45; load", '"- load"'),
        ("v1.2 fetch_all-days in/a, _x_", "v1.2 fetch_all-days in/a, #95;x#95;", None),
        ("*a* [b](c) $$d$$ e@f", "#42;a#42; #91;b#93;#40;c#41; #36;#36;d#36;#36; e#64;f", None),
        ("fa:fa-car", "fa#58;fa-car", None),
        ("<b>#1; & `x`", "#60;b#62;#35;1#59; #38; #96;x#96;", '"<b>#1; &amp; `x`"'),
        ("&lt;", "#38;lt#59;", '"&amp;lt;"'),
        ("日本", "日本", '"日本"'),
        ("x" * 99, "x" * 80 + "…", f'"{"x" * 80}…"'),
    ],
)
def test_a_name_is_nothing_but_a_label(name: str, mermaid: str, dot: str | None) -> None:
    """Whatever it holds; on one line, and cut if it is long."""
    plan = workflows.plan({"name": name})
    assert format_mermaid(plan) == f'flowchart LR\n  s0["{mermaid}"]\n'
    assert f"  s0 [label={dot or quoted(name)}]\n" in format_dot(plan)


def quoted(name: str) -> str:
    """A name that has nothing to escape."""
    return f'"{name}"'


@given(workflows.configs)
def test_a_picture_is_made_of_lines_of_known_forms(config: dict[str, Any]) -> None:
    """Whatever the names of the steps and of the workflow."""
    plan = workflows.plan(*config["steps"], name=config["name"])
    first, *rows = format_mermaid(plan).splitlines()
    assert first == "flowchart LR"
    assert all(re.fullmatch(r'  s\d+\["[^"\n]*"\]', row) for row in rows)
    first, *rows, last = format_dot(plan).splitlines()
    assert re.fullmatch(r'digraph "(\\.|[^"\\])*" \{', first)
    assert len(rows) == 2 + len(config["steps"])
    assert all(re.fullmatch(r'  s\d+ \[label="(\\.|[^"\\])*"\]', row) for row in rows[2:])
    assert last == "}"
