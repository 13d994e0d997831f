"""What a Dask cluster takes; real ones are in `acceptance/test_same_answer.py`."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from driftflow.errors import ExecutorError
from driftflow.parallel import dask
from driftflow.parallel.dask import connected

if TYPE_CHECKING:
    from collections.abc import Iterator


def refusal(address: str) -> str:
    """Why there is no cluster at the address."""
    with pytest.raises(ExecutorError) as caught, connected(address):
        pass
    assert caught.value.address == address
    return str(caught.value)


def test_without_the_extra_it_says_which_one_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else of it is known."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert refusal("tcp://127.0.0.1:1").startswith(
        "tcp://127.0.0.1:1: a Dask cluster needs the extra `driftflow[dask]`: "
    )


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_a_scheduler_that_does_not_answer_is_not_waited_for_long(
    silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether something listens there or not."""
    monkeypatch.setattr(dask, "PATIENCE", 0.3)
    nothing = "cannot reach a Dask scheduler at this address: no answer within 0.3 s"
    assert refusal(silent) == f"{silent}: {nothing}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    assert refusal(address) == f"{address}: {nothing}"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nonsense", "missing port number in address 'nonsense'"),
        ("", "missing port number in address ''"),
        ("foo://x", "unknown address scheme 'foo'"),
    ],
)
def test_an_address_that_is_none_is_refused(address: str, reason: str) -> None:
    """In the words of the engine."""
    assert refusal(address).startswith(
        f"{address}: cannot reach a Dask scheduler at this address: {reason}"
    )
