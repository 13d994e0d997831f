"""Compile the config's schema into `driftflow/checking/acceptor.py`; `make acceptor` runs this."""

from __future__ import annotations

from pathlib import Path

from driftflow.schemas.compiler import write_source
from driftflow.schemas.published import load_config_shape

ACCEPTOR = Path(__file__).resolve().parent.parent / "driftflow" / "checking" / "acceptor.py"

HEAD = '''\
"""Whether a document satisfies the config's schema: a fast yes or no, without the reasons.

Compiled from schema/driftflow.schema.json by `make acceptor`: not to be edited.
"""

from __future__ import annotations

from typing import Any


'''

if __name__ == "__main__":
    config = {**load_config_shape()}
    del config["$id"]  # which asks nothing of a document
    ACCEPTOR.write_text(HEAD + write_source(config), encoding="utf-8")
