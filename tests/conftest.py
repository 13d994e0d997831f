"""What every test can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.profile import load_profile
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

if TYPE_CHECKING:
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
