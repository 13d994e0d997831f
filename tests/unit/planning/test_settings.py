"""Which flags are on."""

import pytest

from driftflow.planning.settings import KNOWN, Flags, resolve_flags


def test_every_flag_is_off_unless_it_is_true() -> None:
    """The config decides, one flag at a time."""
    assert set(resolve_flags({}, "").enabled) == set()
    assert set(resolve_flags({"audit": False}, "").enabled) == set()
    for name in KNOWN:
        assert set(resolve_flags({name: True}, "").enabled) == {name}


@pytest.mark.parametrize(
    ("disabled", "left"),
    [
        ("", {"audit", "metrics", "parallel"}),
        ("audit", {"metrics", "parallel"}),
        ("audit,metrics", {"parallel"}),
        (" audit ,\tmetrics, parallel\n", set()),
        ("nonsense,,AUDIT", {"audit", "metrics", "parallel"}),
    ],
)
def test_the_environment_switches_flags_off(disabled: str, left: set[str]) -> None:
    """Spaces are trimmed, unknown names ignored."""
    assert set(resolve_flags(dict.fromkeys(KNOWN, True), disabled).enabled) == left


def test_the_environment_never_switches_a_flag_on() -> None:
    """Naming a flag that is off leaves it off."""
    assert set(resolve_flags({"metrics": True}, "audit").enabled) == {"metrics"}


def test_a_flag_that_is_not_known_is_never_enabled() -> None:
    """Even where the config asks for it."""
    resolved = resolve_flags({"audit": True, "turbo": True, "enabled": True}, "")
    assert resolved.is_enabled("audit")
    for name in ("metrics", "turbo", "enabled", "", "is_enabled"):
        assert resolved.is_enabled(name) is False


def test_no_flags_is_the_default() -> None:
    """For a plan that is built by hand."""
    assert Flags() == resolve_flags({}, "")


def test_what_settled_a_flag_is_told() -> None:
    """The default, the config, or the environment where it switched the flag off."""
    resolved = resolve_flags({"audit": True, "metrics": False}, "metrics,parallel")
    assert dict(resolved.sources) == {"audit": "config", "metrics": "config", "parallel": "default"}
    assert resolve_flags({"audit": True}, "audit").sources["audit"] == "environment"
    assert dict(resolve_flags({"turbo": True}, "turbo").sources) == dict.fromkeys(KNOWN, "default")
