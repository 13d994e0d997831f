"""Did you mean: the nearest of the words that would have done, and what looks like one."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from driftflow.text import MAX_SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of difflib's ratio. Lower, and `args` becomes `flags`; higher, and `prioriy` is lost.
CUTOFF = 0.7

# What other tools, and commands, call it.
_SYNONYMS = {
    "steps": ("jobs", "pipeline", "stages", "tasks"),
    "name": ("id", "label", "title", "task", "task_id"),
    "action": ("function", "operator", "run", "type", "uses"),
    "input": ("args", "arguments", "data", "params", "value", "with"),
    "optional": ("allow_failure", "continue_on_error", "ignore_errors"),
    "max_attempts": ("max_retries", "retry", "tries"),
    "path": ("dir", "file", "filename", "location"),
    "check": ("lint", "validate", "verify"),
    "plan": ("dry-run", "preview", "show"),
}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None.

    That is one that differs in capitals, hyphens and underscores only (`maxAttempts`), or else
    the one that other tools call so, the most similar one, or one of which the word is a part
    (`timeout`).

    Args:
        word: What was written.
        known: What would do.
    """
    if len(word) > MAX_SHOWN:
        return None  # similar to nothing, and slow to compare
    known = list(known)
    plain = {_plain(candidate): candidate for candidate in known}
    form = _plain(word)
    if form not in plain and (meaning := _MEANINGS.get(form)) in known:
        return meaning
    for match in get_close_matches(form, plain, n=1, cutoff=CUTOFF):
        return plain[match]
    return next((candidate for candidate in known if word in candidate.split("_")), None)


def _plain(word: str) -> str:
    return re.sub(r"[-_ ]", "", word.casefold())


_MEANINGS = {_plain(word): meaning for meaning, words in _SYNONYMS.items() for word in words}


def oddity(word: str) -> str:
    """What about a word cannot be seen: its first character that is not in ASCII, in brackets."""
    odd = next((character for character in word if not character.isascii()), None)
    return f" (there is a U+{ord(odd):04X} in it)" if odd else ""
