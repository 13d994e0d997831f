"""A pattern means what ECMA-262 says, and no text takes long to be held against it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.command import process_environment

from driftflow.schemas import patterns
from driftflow.schemas.ecma import (
    Anchor,
    Chars,
    Either,
    Look,
    PatternError,
    Repeat,
    Row,
    read_pattern,
)
from driftflow.schemas.patterns import SlowMatchError, make_matcher, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftflow.schemas.ecma import Tree

LETTERS = st.sampled_from("ab")
pieces = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\w", "^", "$", r"\b"])


def enclose(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Patterns that hold others."""
    repeated = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,}", "*?"])
    groups = st.sampled_from(["(", "(?:", "(?<n>", "(?=", "(?!", "(?<=", "(?<!"])
    return (
        st.builds("({}){}".format, inner, repeated)
        | st.builds("{}{}".format, inner, inner)
        | st.builds("({}|{})".format, inner, inner)
        | st.builds("{}{})".format, groups, inner)
    )


written = st.recursive(pieces, enclose, max_leaves=6)


class Counter:
    """A matcher that tries one way after the other, as engines do, and counts what it looks at."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = 0

    def search(self, tree: Tree) -> bool:
        """Whether the pattern is somewhere in the text."""
        return any(any(True for _ in self.ends(tree, start)) for start in range(len(self.text) + 1))

    def ends(self, tree: Tree, at: int) -> Iterator[int]:  # noqa: C901 - one case for each node
        """Where a match that begins there may end."""
        self.steps += 1
        match tree:
            case Chars(ranges):
                if at < len(self.text) and any(a <= ord(self.text[at]) <= b for a, b in ranges):
                    yield at + 1
            case Anchor(sign):
                if self._holds(sign, at):
                    yield at
            case Look(start, body):
                if self._sees(start, body, at) != ("!" in start):
                    yield at
            case Row(items):
                yield from self._row_ends(items, at)
            case Either(choices):
                for choice in choices:
                    yield from self.ends(choice, at)
            case Repeat():
                yield from self._repeat_ends(tree, at)

    def _row_ends(self, items: tuple[Tree, ...], at: int) -> Iterator[int]:
        if not items:
            yield at
            return
        for end in self.ends(items[0], at):
            yield from self._row_ends(items[1:], end)

    def _repeat_ends(self, tree: Repeat, at: int) -> Iterator[int]:
        if tree.most != 0:
            rest = Repeat(
                tree.item, max(0, tree.least - 1), None if tree.most is None else tree.most - 1
            )
            for end in self.ends(tree.item, at):
                if end > at or tree.least:  # nothing, for ever, leads nowhere
                    yield from self._repeat_ends(rest, end)
        if tree.least == 0:
            yield at

    def _sees(self, start: str, body: Tree, at: int) -> bool:
        if "<" not in start:
            return any(True for _ in self.ends(body, at))
        return any(at in self.ends(body, before) for before in range(at + 1))

    def _holds(self, sign: str, at: int) -> bool:
        around = [text[:1].isalnum() for text in (self.text[:at][::-1], self.text[at:])]
        return {
            "^": at == 0,
            "$": at == len(self.text),
            r"\b": around[0] != around[1],
            r"\B": around[0] == around[1],
        }[sign]


@settings(max_examples=400)
@given(written, st.lists(st.text(LETTERS, max_size=5), min_size=4, max_size=4))
def test_a_text_matches_when_the_pattern_says_so(pattern: str, texts: list[str]) -> None:
    """Whichever library searches it, and whatever is left out of it."""
    matches, tree = make_matcher(pattern), read_pattern(pattern)
    for text in (*texts, "a\n", "-", ""):
        assert (matches(text) is not None) == Counter(text).search(tree), text


@settings(max_examples=400)
@given(written, LETTERS, st.sampled_from(["", "!", "a!", "\n"]))
def test_a_pattern_for_re_needs_few_steps(pattern: str, letter: str, end: str) -> None:
    """They grow with the text, and no faster: three times as many for three times the text."""
    if not translate(pattern).is_quick:
        return
    tree = patterns._trim(read_pattern(pattern))  # noqa: SLF001 - what is searched for
    steps = []
    for length in (12, 24, 36):
        counter = Counter(letter * length + end)
        counter.search(tree)
        steps.append(counter.steps)
    assert steps[2] - steps[1] <= 2 * (steps[1] - steps[0]) + 50


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            r"^[a-z]+$",
            r"^\d{4}-\d{2}-\d{2}$",
            r"^(//|_|x-|\$schema$)",
            "foo",
            ".*foo.*",
            "a*b",
            r"\s+$",
        ),
        *("^(get|put|post)$", r"^v?\d+(\.\d+)*$", "^[A-Z]{2}[0-9A-Z]{1,30}$", "", "^$", "^a|^b"),
        *("^(a|b)*$", "^(a|ab)(c|bcd)$", r"^\w[\w-.]*$", "^(a{2}b)*$", "^a{0,3}a$", "x" * 900),
        *("(a|b+c)d", "^(a|)b", "^[^/]+(/[^/]+)*$", "a{3}", "^(?:a|b)$|^c$", "a|b", "^a?b?c?$"),
    ],
)
def test_a_plain_pattern_is_left_to_re(pattern: str) -> None:
    """Which is there anyway."""
    assert translate(pattern).is_quick or pattern == "(a|b+c)d"


@pytest.mark.parametrize(
    "pattern",
    [
        *("^(a+)+$", "^(a|aa)+$", "^(a|a)*$", "^a*a*$", r"b\s+$", "b(a+)c", "^(a?){30}$"),
        *("^(a|b|ab)*$", "^(a*b?)*$", "^.*foo", "(a{0,40}){40}b", "^(a?)*b", "^(ab?|ac)*$"),
        *("^(a|)*$", "^((a|b)?)+$", "(?=a)", "(?<!a)b", r"\p{L}", r"[^\P{L}]", "^(a{2,3}){4,}$"),
        *("^a*b?a*$", "^(a?|b?)(c?|d?)(e?|f?)(g?|h?)(i?|j?)(k?|l?)$"),
        *("^(?:a|b*)b$", "^a{0,9}a{0,9}a{0,9}a{0,9}a{0,9}$", "^((a|ab)(c|bc)){30}$", "x" * 1001),
    ],
)
def test_a_pattern_that_may_go_many_ways_is_not(pattern: str) -> None:
    """Nor one that `re` does not know."""
    assert not translate(pattern).is_quick


@pytest.mark.parametrize("pattern", ["^(a|aa)+$", "^(a|a)*$", "^(?!b)(a|aa)+$"])
def test_a_match_that_takes_too_long_is_given_up(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And can be told from one that fails."""
    monkeypatch.setattr(patterns, "MAX_SECONDS", 0.01)
    with pytest.raises(SlowMatchError) as caught:
        make_matcher(pattern)("a" * 100 + "!")
    assert caught.value.args == (pattern,)
    assert isinstance(caught.value, TimeoutError)
    assert make_matcher(pattern)("b") is None
    assert make_matcher(pattern)("aaa") is not None


MEANINGS: list[tuple[str, list[str], list[str]]] = [
    ("^a$", ["a"], ["a\n", "ba", "A"]),
    ("^[a-z]+$", ["abc"], ["abc\n", "", "a1"]),
    ("a.b", ["a b", "axb", "a\x0bb", "a\x85b"], ["a\nb", "a\rb", "a\u2028b", "a\u2029b"]),
    (r"^\d$", ["0", "9"], ["\u0966", "\u07c0", "/", ":"]),
    (r"^\D$", ["\u0966", "/"], ["5"]),
    (r"^\w$", ["a", "Z", "_", "0"], ["é", "-", "@", "[", "`", "{"]),
    (r"^\W$", ["é", "-"], ["a"]),
    (
        r"^\s$",
        [*"\t\n\v\f\r \xa0\u1680\u2000\u200a\u202f\u205f\u3000\ufeff\u2028"],
        ["\x1c", "\x85"],
    ),
    (r"^\S$", ["\x1c", "\x85", "\u200b"], [" ", "\ufeff"]),
    (r"^[\s\d]+$", ["1 2\ufeff"], ["a"]),
    (r"^[^\s\d]+$", ["é\x85"], ["1", " "]),
    (r"^[\D]$", ["a"], ["1"]),
    (r"\bé", ["aé"], [" é", "é"]),
    (r"\Bé", ["é"], ["aé"]),
    (r"^\cC\cc\ca$", ["\x03\x03\x01"], [r"\cC\cc\ca"]),
    (r"^\t\n\v\f\r\0$", ["\t\n\v\f\r\0"], []),
    (r"^\x41\u0042\u{43}\u{0001F432}$", ["ABC\U0001f432"], []),
    (r"^\ud83d\udc32$", ["\U0001f432"], ["\ud83d\udc32"]),
    (r"^[\ud83d\udc32]$", ["\U0001f432"], ["\ud83d"]),
    (r"^\ud83d$", ["\ud83d"], ["\U0001f432"]),
    ("^\U0001f432*$", ["", "\U0001f432\U0001f432"], ["\U0001f409"]),
    (r"^[\b]$", ["\b"], ["b"]),
    (r"^\/\-\_\.\@\"\ $", ['/-_.@" '], []),
    (r"^[\w-.]+$", ["a-.", "b"], ["a,", "/"]),
    (r"^[a-\d]+$", ["a-1"], ["b"]),
    (r"^[a\-z]+$", ["a-z"], ["b"]),
    (r"^[-a]+$", ["-a"], ["b"]),
    (r"^[a-]+$", ["-a"], ["b"]),
    (r"^[\]\\^]+$", ["]\\^"], ["["]),
    (r"^[[a&&b||~~e-]$", [*"[a&b|~e-"], ["f", "]"]),
    ("^[^]$", ["\n", "\U0010ffff", "\0"], [""]),
    ("[]", [], ["", "a", "]"]),
    ("^a{2}$", ["aa"], ["a", "aaa"]),
    ("^a{2,}$", ["aa", "aaa"], ["a"]),
    ("^a{2,3}?$", ["aa", "aaa"], ["a", "aaaa"]),
    ("^a{0}$", [""], ["a"]),
    ("^a+?b*?$", ["a", "ab"], ["b"]),
    ("^{x}{$", ["{x}{"], []),
    ("^a{$", ["a{"], ["a"]),
    ("^]}$", ["]}"], []),
    (r"^(?<name>a)(?:b)(c)$", ["abc"], []),
    (r"^(?=.*\d)(?!.*x)\w{2,}$", ["a1", "1b"], ["ab", "1x"]),
    (r"(?<=a+)b", ["aab"], ["b"]),
    (r"(?<!\$)\d", ["1", "$12"], ["$1"]),
    (r"^\p{L}+$", ["aé漢"], ["1"]),
    (r"^\p{Lu}$", ["É"], ["é"]),
    (r"^\P{L}$", ["1"], ["é"]),
    (r"^[\p{L}\d_]+$", ["é1_"], ["-"]),
    (r"^[^\p{L}\d]+$", ["-"], ["é", "1"]),
    (r"^[^\P{L}]$", ["é"], ["1"]),
    (r"^\p{Script=Greek}$", ["\u03b1"], ["a"]),
    (r"^\p{General_Category=Decimal_Number}$", ["\u0966"], ["a"]),
    ("", ["", "a"], []),
    ("|a", ["", "b"], []),
    ("^a|b$", ["ax", "xb"], ["xa", "bx"]),
    (".*a.*", ["xax", "\na\n"], ["b"]),
    ("a+$", ["ba"], ["a\n", "ab"]),
    ("a{2,}", ["baab"], ["aba"]),
    ("a{2,}$", ["aa", "aaa"], ["ba"]),
    ("(a|b?)c*$", ["", "x"], []),
]


@pytest.mark.parametrize(("pattern", "good", "bad"), MEANINGS, ids=lambda value: ascii(value)[:30])
def test_a_pattern_is_one_of_ecma_262(pattern: str, good: list[str], bad: list[str]) -> None:
    """Read by code points, as with the flag `u`, where Python reads it otherwise."""
    matches = make_matcher(pattern)
    assert [text for text in good if matches(text) is None] == []
    assert [text for text in bad if matches(text) is not None] == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a(b", "the `(` is not closed, at character 2"),
        ("a)b", "the `)` closes nothing, at character 2"),
        ("a[b", "the `[` is not closed, at character 2"),
        ("a[b-", "the `[` is not closed, at character 2"),
        ("[b-\\", "a backslash at the end escapes nothing, at character 4"),
        ("*a", "the `*` repeats nothing, at character 1"),
        ("a**", "the `*` repeats nothing, at character 3"),
        ("a++", "the `+` repeats nothing, at character 3"),
        ("^*", "the `*` repeats nothing, at character 2"),
        ("(?=a)*", "the `*` repeats nothing, at character 6"),
        ("(|{2})", "the `{` repeats nothing, at character 3"),
        ("a{,3}", "write `{0,` for `{,`, at character 2"),
        ("(a{1000}|b){11}", "a match would have more than 10000 characters"),
        ("a{3,1}", "the repetition has its limits in the wrong order, at character 2"),
        ("a{1234567890}", "a repetition is too long, at character 2"),
        ("a{1,1234567890}", "a repetition is too long, at character 2"),
        ("[z-a]", "the range has its ends in the wrong order, at character 2"),
        (r"a\Z", r"ECMA-262 has no `\Z`: write `$`, at character 2"),
        (r"\Aa", r"ECMA-262 has no `\A`: write `^`, at character 1"),
        (r"[\B]", r"ECMA-262 has no `\B`, at character 2"),
        (r"\q", r"ECMA-262 has no `\q`, at character 1"),
        (r"\u{110000}", "there is no such code point, at character 1"),
        (r"\u12", r"ECMA-262 has no `\u`, at character 1"),
        (r"\xg0", r"ECMA-262 has no `\x`, at character 1"),
        (r"\c1", r"ECMA-262 has no `\c`, at character 1"),
        (r"\p", r"ECMA-262 has no `\p`, at character 1"),
        (r"\p{Nope}", "unknown property"),
        (r"(a)\1", r"`\1` refers back to a group, which is not supported, at character 4"),
        (r"(?<n>a)\k<n>", r"`\k` refers back to a group, which is not supported, at character 8"),
        (r"\01", r"`\0` refers back to a group, which is not supported, at character 1"),
        ("a\\", "a backslash at the end escapes nothing, at character 2"),
        ("(?i)a", "ECMA-262 has no `(?i`, at character 1"),
        ("(?P<n>a)", "ECMA-262 has no `(?P`, at character 1"),
        ("(?>a)", "ECMA-262 has no `(?>`, at character 1"),
        ("(" * 3000 + ")" * 3000, "it is nested too deeply"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_pattern_is_told(pattern: str, reason: str) -> None:
    """With the place in it, and what to write instead where that is known."""
    with pytest.raises(PatternError) as caught:
        make_matcher(pattern)
    assert str(caught.value) == reason


def test_only_what_needs_it_brings_the_library_regex() -> None:
    """Its import takes as long as a small run's start."""

    def imports(pattern: str) -> bool:
        script = (
            "import sys\n"
            "from driftflow.schemas.patterns import make_matcher\n"
            f"assert make_matcher({pattern!r})('aa')\n"
            "sys.exit('regex' in sys.modules)"
        )
        command: list[Any] = [sys.executable, "-c", script]
        return bool(subprocess.run(command, env=process_environment(), check=False).returncode)

    assert not imports("^[a-z]+$")
    assert imports("^(a|aa)+$")


def test_a_pattern_is_made_ready_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for it, and however often."""
    asked: list[str] = []

    def count(pattern: str) -> Any:
        asked.append(pattern)
        return read_pattern(pattern)

    monkeypatch.setattr(patterns, "read_pattern", count)
    ask: Callable[[str], Any] = make_matcher
    assert ask("^only once$") is ask("^only once$")
    assert asked == ["^only once$"]
