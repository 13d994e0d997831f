"""What every test can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


# The same cases each time: a run that is red here is red everywhere. No deadlines: a slow
# machine is no fault of the code's.
settings.register_profile("driftflow", derandomize=True, database=None, deadline=None)
settings.load_profile("driftflow")


class TextSnapshot(SingleFileSnapshotExtension):
    """A snapshot is one text file that holds the exact characters."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Snapshots as readable files; amber would sort keys and indent lines."""
    return snapshot.use_extension(TextSnapshot)
