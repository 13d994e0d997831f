"""What a config may require: features by name, each with the version that brought it.

A config that uses what an older version does not know would run there without it, since unknown
fields are ignored. With `requires`, such a version refuses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftflow.issues import Issue
from driftflow.suggestion import did_you_mean
from driftflow.text import join_words, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

# By name, the version that brought it: fields, and references by their keys.
FEATURES = {
    "after": "0.1.0",
    "at": "0.1.0",
    "backoff": "0.1.0",
    "concat": "0.1.0",
    "from": "0.1.0",
    "literal": "0.1.0",
    "output": "0.1.0",
    "param": "0.1.0",
    "params": "0.1.0",
    "requires": "0.1.0",
    "retry_on": "0.1.0",
    "returns": "0.1.0",
    "run": "0.1.0",
    "sensitive": "0.1.0",
    "step-max-attempts": "0.1.0",
    "step-timeout": "0.1.0",
    "use": "0.1.0",
    "when": "0.1.0",
}


def find_issues(document: Any) -> Iterator[Issue]:
    """Yield the features that a document of any shape requires and this version does not have."""
    required = document.get("requires") if isinstance(document, dict) else None
    for index, name in enumerate(required if isinstance(required, list) else ()):
        if isinstance(name, str) and name not in FEATURES:
            message = f"this version of DriftFlow does not have the feature `{shorten(name)}`"
            hint = did_you_mean(name, FEATURES) or f"it has {join_words(FEATURES)}; or update it"
            yield Issue("unknown-feature", message, ("requires", index), hint)
