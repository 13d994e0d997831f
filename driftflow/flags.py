"""The flags that DriftFlow knows, and which of them are on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrsistent import PClass, PSet, field, pset

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN = ("audit", "metrics", "parallel")


class Flags(PClass):
    """The flags of one run, resolved once; every flag is off by default."""

    enabled: PSet[str] = field(type=PSet, initial=pset())

    def is_enabled(self, name: str) -> bool:
        """Whether the flag is on. False for a name that is not known."""
        return name in self.enabled


def resolve(wanted: Mapping[str, bool], disabled: str) -> Flags:
    """The flags that the config wants and the environment leaves on.

    Args:
        wanted: The config's `flags`. Names that are not known are ignored.
        disabled: Names to switch off, separated by commas: the value of DRIFTFLOW_FLAGS.
    """
    off = {name.strip() for name in disabled.split(",")}
    return Flags(enabled=pset(name for name in KNOWN if wanted.get(name) and name not in off))
