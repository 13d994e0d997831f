"""JSON Pointers, RFC 6901: where something is in a JSON value.

A pointer is empty, for the whole value, or a `/` before each of its parts: `/rows/0/id`. In a part,
`~1` stands for `/` and `~0` for `~`. Only `0` and numbers that do not begin with 0 are indexes of
an array; `-`, which stands for what is behind its end, leads nowhere.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from driftflow.reading.document import Json

_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
# No array has more items than such a number of digits can say.
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")


class _Nothing:
    """What `resolve` returns where there is nothing."""


NOTHING: Final[Any] = _Nothing()


def is_pointer(text: str) -> bool:
    """Return whether a text is a JSON Pointer."""
    return _POINTER.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def split(pointer: str) -> tuple[str, ...]:
    """Return the parts of a JSON Pointer, each as a key of an object."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def resolve(value: Json, pointer: str) -> Any:
    """Return what is at that pointer in a value, not a copy of it; `NOTHING` if there is nothing.

    Args:
        value: Any JSON value.
        pointer: A JSON Pointer.
    """
    for part in split(pointer):
        if type(value) is dict and part in value:
            value = value[part]
        elif type(value) is list and _INDEX.fullmatch(part) and int(part) < len(value):
            value = value[int(part)]
        else:
            return NOTHING
    return value
