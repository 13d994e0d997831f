"""JSON Pointers, RFC 6901: which texts are any, and what they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import workflows

from driftflow.planning.pointers import NOTHING, is_pointer, resolve, split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftflow.reading.document import Json

# The example of the RFC, section 5.
RFC: dict[str, Json] = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


def write(*parts: str) -> str:
    """The pointer of these keys and indexes."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", RFC),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_a_pointer_leads_where_the_rfc_says(pointer: str, value: Json) -> None:
    """By its own example."""
    assert is_pointer(pointer)
    assert resolve(RFC, pointer) == value


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("", True),
        ("/", True),
        ("//", True),
        ("/a/", True),
        ("/-", True),
        ("/01", True),
        ("/~0~1", True),
        ("/a\n/b", True),
        ("/\udc00/😀", True),
        ("a", False),
        ("a/b", False),
        ("#/a", False),
        ("$.a", False),
        (" /a", False),
        ("\n", False),
        ("/~", False),
        ("/~2", False),
        ("/a~/b", False),
        ("/~0~", False),
    ],
)
def test_a_text_is_a_pointer_or_not(text: str, *, is_one: bool) -> None:
    """It is empty, or has a `/` before each part; a `~` is followed by 0 or 1."""
    assert is_pointer(text) is is_one


@pytest.mark.parametrize(
    ("pointer", "parts"),
    [
        ("", ()),
        ("/", ("",)),
        ("/a//", ("a", "", "")),
        ("/~1/~0", ("/", "~")),
        ("/~01", ("~1",)),  # `~1` is put back before `~0`: this is no `/`
        ("/~10", ("/0",)),
    ],
)
def test_a_pointer_is_split_into_keys(pointer: str, parts: tuple[str, ...]) -> None:
    """An escape is undone once, and no other is made by that."""
    assert split(pointer) == parts


DEEP: Json = {"rows": [{"id": 7, "": None}], "0": "zero", "-": "dash", "none": None, "text": "abc"}


@pytest.mark.parametrize(
    "pointer",
    [
        "/",
        "/row",
        "/rows/1",
        "/rows/-",
        "/rows/-1",
        "/rows/+0",
        "/rows/00",
        "/rows/0 ",
        "/rows/ 0",
        "/rows/",
        "/rows/0.0",
        "/rows/1e0",
        "/rows/\u0660",  # a digit zero of another script
        "/rows/" + "9" * 18,
        "/rows/" + "9" * 5000,  # Python refuses to read such a number
        "/rows/0/id/0",
        "/rows/0//0",
        "/rows/id",
        "/none/0",
        "/text/0",
        "/text/length",
        "/rows/0/ID",
    ],
)
def test_a_pointer_may_lead_nowhere(pointer: str) -> None:
    """Behind the end of an array, into what is no array or object, or by no index at all."""
    assert is_pointer(pointer)
    assert resolve(DEEP, pointer) is NOTHING


def test_an_index_has_the_digits_of_ascii() -> None:
    """From 0 on, without zeros before it; Python would read others, too."""
    items: Json = [*range(20)]
    assert [resolve(items, f"/{number}") for number in range(20)] == items
    for index in ("1\u0660", "\u0661\u0660", "\uff11", "1_0", "010", "20"):
        assert resolve(items, f"/{index}") is NOTHING


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("/0", "zero"), ("/-", "dash"), ("/rows/0/", None), ("/none", None), ("/rows/0/id", 7)],
)
def test_the_keys_of_an_object_are_texts(pointer: str, value: Json) -> None:
    """Whatever they look like; and a null is something."""
    assert resolve(DEEP, pointer) is value


def test_nothing_has_no_places() -> None:
    """Where there is nothing, no pointer leads anywhere; not even the whole is a value."""
    assert resolve(NOTHING, "") is NOTHING
    assert resolve(NOTHING, "/a") is NOTHING


def list_places(value: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All places in a value, each with the keys and indexes that lead to it."""
    yield way, value
    members: Any = []
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for key, member in members:
        yield from list_places(member, (*way, str(key)))


@given(
    st.recursive(
        workflows.values,
        lambda inner: st.dictionaries(st.text("~/01ab", max_size=3), inner, max_size=3),
        max_leaves=5,
    )
)
def test_every_place_has_a_pointer(value: Json) -> None:
    """Which leads to that very object: nothing is copied."""
    for way, place in list_places(value):
        pointer = write(*way)
        assert is_pointer(pointer)
        assert split(pointer) == way
        assert resolve(value, pointer) is place


@given(workflows.values, st.lists(st.sampled_from(["", "a", "0", "1", "~", "/", "-"]), max_size=3))
def test_a_pointer_leads_to_a_place_or_to_nothing(value: Json, way: list[str]) -> None:
    """Nothing else comes of it."""
    places = dict(list_places(value))
    assert resolve(value, write(*way)) is places.get(tuple(way), NOTHING)
