"""A Dask cluster as an executor; the extra `driftflow[dask]` brings what that takes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from driftflow.errors import ExecutorError, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

# How long the scheduler may take to answer. Seconds.
PATIENCE = 5.0


@contextmanager
def connected(address: str) -> Iterator[tuple[Executor, int]]:
    """Yield the cluster of a scheduler as an executor, and how many batches it has room for.

    Args:
        address: That of the scheduler, as Dask writes it: `tcp://127.0.0.1:8786`.

    Raises:
        ExecutorError: If it does not answer or has no workers, or the extra is not installed.
    """
    try:
        import distributed
    except ImportError as error:
        reason = f"a Dask cluster needs the extra `driftflow[dask]`: {error}"
        raise ExecutorError(address, reason) from None
    # What happens to a worker or the scheduler stands in the results.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        # A client that cannot connect may take much longer than it is told to, and complain later.
        asyncio.run(asyncio.wait_for(_ask_who_is_there(address), PATIENCE))
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except Exception as error:  # noqa: BLE001 - whatever the engine or the network raises
        said = message_of(error) or f"no answer within {PATIENCE:g} s"
        raise ExecutorError(
            address, f"cannot reach a Dask scheduler at this address: {said}"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ExecutorError(address, "the Dask scheduler has no workers") from None
        # For each thread a batch to work on, and one to go on with: the way there takes time.
        yield client.get_executor(pure=False), 2 * sum(client.nthreads().values())


async def _ask_who_is_there(address: str) -> None:
    import distributed

    arguments = distributed.Security().get_connection_args("client")
    async with distributed.rpc(address, connection_args=arguments) as scheduler:
        await scheduler.identity()
