"""References of every shape, right and wrong, and which are which: by the rows of `FORMS`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from driftflow.planning.references import FORMS, find_key, find_references

if TYPE_CHECKING:
    from driftflow.reading.document import Json


def is_well_formed(value: Json) -> bool:
    """Whether no reference in the value is wrong in itself, as a document with it is checked."""
    for _, reference in find_references(value):
        key = find_key(reference)
        form, given = FORMS[key], reference[key]
        if any(form.find_faults(given)):
            return False
        if not all(isinstance(name, str) for _, name in form.list_names(given)):
            return False
    return True


# Without line feeds: to Python, a `$` in a pattern stands before one at the end, too.
_TEXTS = st.sampled_from(
    ["", "a", "/", "/a/0", "a/b", "/id", "/idd", "/id/", "/name", "/params/x", "/params/~2", "omit"]
) | st.text("/~01aé", max_size=5)
_SCALARS = st.sampled_from([None, True, 0, 1.5]) | _TEXTS
_FIELDS = ("step", "steps", "at", "default", "missing", "stp")


def _extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Arrays, objects, what may stand in a `from`, and references, of these."""
    parts = st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=3)
    present = st.builds(lambda names: {"steps": names, "missing": "omit"}, st.lists(_TEXTS))
    place = st.builds(lambda at, default: {"step": "a", "at": at, "default": default}, inner, inner)
    held = st.lists(inner, max_size=3) | parts | present | place
    references = st.builds(lambda key, given: {key: given}, st.sampled_from([*FORMS]), inner | held)
    params = st.builds(lambda name, default: {"param": name, "default": default}, inner, inner)
    data = st.dictionaries(st.sampled_from([*FORMS, "default", "x"]), inner, max_size=3)
    return held | references | params | data


values: st.SearchStrategy[Any] = st.recursive(_SCALARS, _extend, max_leaves=6)
