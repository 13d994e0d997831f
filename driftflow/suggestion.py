"""Did you mean: the nearest of the words that would have done."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from driftflow.text import MAX_SHOWN, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of difflib's ratio. Lower, and `args` becomes `flags`; higher, and `prioriy` is lost.
CUTOFF = 0.7

# By our word, those of other tools for the same thing.
_SYNONYMS = {
    "steps": ("jobs", "pipeline", "stages", "tasks"),
    "name": ("id", "label", "title", "task", "task_id"),
    "action": ("function", "operator", "run", "type"),
    "input": ("args", "arguments", "data", "params", "value", "with"),
    "after": ("depends", "depends_on", "needs", "requires", "upstream", "wait_for"),
    "optional": ("allow_failure", "continue_on_error", "ignore_errors"),
    "max_attempts": ("max_retries", "retry", "tries"),
    "path": ("dir", "file", "filename", "location"),
    "check": ("lint", "validate", "verify"),
    "plan": ("dry-run", "preview", "show"),
}


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the hint that asks whether a known word was meant, or None if none is near.

    Args:
        word: What was written.
        known: What would have been right.
    """
    meant = find_nearest(word, known)
    return meant and f"did you mean `{shorten(meant)}`?{mention_non_ascii(word)}"


def find_nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None.

    That is one that differs in capitals, hyphens and underscores only (`maxAttempts`), or else
    the one that other tools call so, the most similar one, or one of which the word is a part
    (`timeout`).

    Args:
        word: What was written.
        known: What would have been right.
    """
    if len(word) > MAX_SHOWN:
        return None  # similar to nothing, and slow to compare
    known = list(known)
    by_form = {_simplify(candidate): candidate for candidate in known}
    form = _simplify(word)
    if form not in by_form and (meaning := _MEANINGS.get(form)) in known:
        return meaning
    for match in get_close_matches(form, by_form, n=1, cutoff=CUTOFF):
        return by_form[match]
    return next((candidate for candidate in known if word in candidate.split("_")), None)


def mention_non_ascii(word: str) -> str:
    """Return a remark on the first character of a word that is not in ASCII; empty for none.

    It may look just like one that is, so that nobody would see what is wrong.
    """
    other = next((character for character in word if not character.isascii()), None)
    return f" (yours contains the non-ASCII character U+{ord(other):04X})" if other else ""


def _simplify(word: str) -> str:
    return re.sub(r"[-_ ]", "", word.casefold())


_MEANINGS = {_simplify(word): meaning for meaning, words in _SYNONYMS.items() for word in words}
