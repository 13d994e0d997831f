"""Disks of a trial's own, as images that are mounted; and those that cannot be had."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def mounted(*arguments: str, on: Path) -> Iterator[None]:
    """Mount a file system, or skip the trial."""
    try:
        run("mount", *arguments, str(on))
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        run("umount", str(on))


def make_image(path: Path) -> None:
    """Make the image of an empty disk, or skip the trial."""
    with path.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    try:
        run("mkfs.ext4", "-q", str(path))
    except FileNotFoundError:
        pytest.skip("mkfs.ext4 is not installed")


def run(*command: str) -> None:
    """Run a program that has nothing to say."""
    subprocess.run(command, check=True, capture_output=True, timeout=60)
