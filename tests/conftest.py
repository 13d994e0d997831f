"""What every test can ask for."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest
from support.profile import load_profile
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from driftflow.actions.beside import FreshLoader, installed_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion


load_profile()


class TextSnapshot(SingleFileSnapshotExtension):
    """A snapshot is one text file that holds the exact characters."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Snapshots as readable files; amber would sort keys and indent lines."""
    return snapshot.use_extension(TextSnapshot)


@pytest.fixture(autouse=True)
def _forget_code_by_path() -> Iterator[None]:
    """What a test has loaded from a path, and what that has imported, is gone for the next one."""
    yield
    sys.path[:] = installed_path()
    for name, module in [*sys.modules.items()]:
        spec = vars(module).get("__spec__") if type(module) is type(sys) else None
        if isinstance(getattr(spec, "loader", None), FreshLoader):
            del sys.modules[name]


def pytest_collection_finish() -> None:
    """Spare the collector what lives to the end: thousands of tests, in each of its walks."""
    gc.freeze()
