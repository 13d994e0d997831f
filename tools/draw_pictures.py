"""Draw the pictures of the documents; `make pictures` runs this.

A terminal is recorded while it runs the commands of a scene, on the files of a page, and rich turns
what it shows into an SVG. Graphviz draws the graphs.
"""

from __future__ import annotations

import os
import pty
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from support.command import CHECKOUT, process_environment
from support.documents import named

if TYPE_CHECKING:
    from collections.abc import Mapping

PICTURES = CHECKOUT / "docs" / "pictures"


class Scene(NamedTuple):
    """What a terminal is recorded of.

    Attributes:
        page: The document whose files are there.
        before: What is run before, out of sight.
        commands: What is typed.
    """

    page: str
    before: str
    commands: tuple[str, ...]


SUMMER = (
    "driftflow --config summer.driftflow.json --actions driftflow.packs.files --actions ./summer.py"
)
SCENES = {
    "run": Scene(
        "docs/tutorial.md",
        f"cp {CHECKOUT}/examples/weather/data/*.csv .",
        (
            f"{SUMMER} | cut -c 1-100",
            "cat hottest.csv",
        ),
    ),
    "check": Scene(
        "README.md",
        """sed 's/: 3,/: "3",/; s/{"from": "total"}/{"from": "totl"}/; s/"read_csv"/"read_cvs"/' """
        "orders.driftflow.json > wrong.json",
        ("driftflow check --actions driftflow.packs.files --actions ./orders.py wrong.json",),
    ),
}


def record(scene: Scene, environ: Mapping[str, str]) -> str:
    """Return what a terminal shows of a scene, with its control sequences.

    Args:
        scene: What is done.
        environ: The environment of the commands; its PATH leads to `driftflow`.
    """
    shown = ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in named(scene.page).items():
            (folder / file).write_text(text, "utf-8")
        subprocess.run(["bash", "-c", scene.before], cwd=folder, check=True)
        for command in scene.commands:
            shown += f"$ {command}\n{_run_in_terminal(command, folder, environ)}"
    return shown


def _run_in_terminal(command: str, folder: Path, environ: Mapping[str, str]) -> str:
    """Run a command in a terminal of its own, and return all that it prints there."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env={**environ, "TERM": "xterm-256color"},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    printed = b""
    try:
        while data := os.read(ours, 1 << 16):
            printed += data
    except OSError:  # the last program has closed the terminal
        pass
    os.close(ours)
    process.wait()
    return printed.decode().replace("\r\n", "\n")


def draw_terminal(name: str, shown: str) -> None:
    """Write the picture of what a terminal shows."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console
    from rich.text import Text

    text = Text.from_ansi(shown)
    width = max(line.cell_len for line in text.split("\n"))
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - it is no file
        console = Console(record=True, width=width, file=nowhere, force_terminal=True)
        console.print(text, soft_wrap=True)
        # Without the fonts that it would fetch from elsewhere.
        head, _, rest = CONSOLE_SVG_FORMAT.partition("    @font-face")
        plain = head + rest[rest.index("    .{unique_id}-matrix") :]
        picture = console.export_svg(title="", code_format=plain, unique_id=name)
    lines = (line.rstrip() for line in picture.splitlines())
    (PICTURES / f"{name}.svg").write_text("\n".join(lines) + "\n", "utf-8")


def draw_graph(source: Path) -> None:
    """Write the picture of a graph, with Graphviz."""
    picture = source.with_suffix(".svg")
    subprocess.run(["dot", "-Tsvg", f"-o{picture}", source], check=True)


if __name__ == "__main__":
    for each, scene in SCENES.items():
        draw_terminal(each, record(scene, process_environment()))
    for graph in PICTURES.glob("*.dot"):
        draw_graph(graph)
