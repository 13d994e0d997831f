"""What to write instead of what breaks a schema, where that is likely."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

from driftflow.schemas.wording import get_choices, list_few, quote_names, show
from driftflow.suggestion import did_you_mean
from driftflow.text import format_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jsonschema import ValidationError

_MANY = 1000  # choices that are compared with what was found
# By the type that is wanted, a string that would be right without its quotes.
_QUOTED = {
    "integer": "-?(0|[1-9][0-9]*)",
    "number": r"-?(0|[1-9][0-9]*)(\.[0-9]+)?",
    "boolean": "true|false",
}


def suggest(error: ValidationError, *, compare: bool) -> str | None:
    """Return what to write instead, or None if nothing is likely.

    Args:
        error: What is wrong.
        compare: Whether to look for the nearest choice, which takes its time.
    """
    several = map(get_choices, error.context if error.validator == "anyOf" else [error])
    choices = [*chain.from_iterable(choices or () for choices in several)]
    if choices:
        return _suggest_choice(choices, error.instance) if compare else None
    suggest_for = _HINTS.get(str(error.validator))
    likely = suggest_for and suggest_for(error.validator_value, error.instance)
    return likely or give_example(error.schema)


def give_example(schema: Any) -> str | None:
    """Return the first of the `examples` in a schema, in a sentence; None if it has none."""
    examples = schema.get("examples") if isinstance(schema, dict) else None
    return f"for example {show(examples[0])}" if isinstance(examples, list) and examples else None


def _suggest_removal(forms: Any) -> str | None:
    """Return that of the fields by which forms differ only one may stay, if each has one."""
    needed = [form.get("required", []) if isinstance(form, dict) else [] for form in forms]
    counts = Counter(name for names in needed for name in dict.fromkeys(names))
    own = [next((name for name in names if counts[name] == 1), None) for names in needed]
    names = [name for name in own if name]
    return f"keep only one of {list_few(quote_names(names))}" if len(names) == len(own) else None


def _suggest_choice(choices: Sequence[Any], found: Any) -> str | None:
    few = choices[:_MANY]
    if isinstance(found, str):
        if any(not isinstance(choice, str) and found == _spell(choice) for choice in few):
            return "remove the double quotes"
        return did_you_mean(found, [choice for choice in few if isinstance(choice, str)])
    return f"write {show(_spell(found))}" if _spell(found) in few else None


def _spell(value: Any) -> str | None:
    """Return a scalar as JSON; None for what has parts."""
    return None if isinstance(value, list | dict) else format_json(value)


def _suggest_type(wanted: Any, found: Any) -> str | None:
    """Return what to write instead of a value of the wrong type."""
    pattern = _QUOTED.get(wanted) if isinstance(wanted, str) else None
    if pattern and isinstance(found, str) and re.fullmatch(pattern, found):
        return "remove the double quotes"
    return "write `true` or `false`" if wanted == "boolean" else None


# By keyword, what to write instead, from its argument and the value.
_HINTS: dict[str, Callable[[Any, Any], str | None]] = {
    "type": _suggest_type,
    "oneOf": lambda wanted, _found: _suggest_removal(wanted),
}
