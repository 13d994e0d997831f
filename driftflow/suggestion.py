"""Did you mean: the nearest of the words that would have done."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from driftflow.errors import MAX_SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of difflib's ratio. Lower, and `args` becomes `flags`; higher, and `prioriy` is lost.
CUTOFF = 0.7


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None.

    That is one that differs in capitals, hyphens and underscores only (`maxAttempts`), or else
    the most similar one, or else one of which the word is a part (`timeout`).

    Args:
        word: What was written.
        known: What would do.
    """
    if len(word) > MAX_SHOWN:
        return None  # similar to nothing, and slow to compare
    known = list(known)
    plain = {_plain(candidate): candidate for candidate in known}
    for match in get_close_matches(_plain(word), plain, n=1, cutoff=CUTOFF):
        return plain[match]
    return next((candidate for candidate in known if word in candidate.split("_")), None)


def _plain(word: str) -> str:
    return re.sub(r"[-_ ]", "", word.casefold())
