"""Whatever can run steps: in this thread, in others, in processes, on a cluster."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from driftflow.actions.registry import resolve_actions
from driftflow.api import run_events
from driftflow.planning.settings import Options
from driftflow.running.ordering import fold_run
from driftflow.showing.results import build_result_document
from support import workflows
from support.command import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEEDS = resolve_actions([CHECKOUT / "tests" / "support" / "deeds.py"])


class Inline(Executor):
    """The simplest executor that there is."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it at once."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@contextmanager
def inline() -> Iterator[Executor]:
    """No other thread."""
    yield Inline()


@contextmanager
def threads() -> Iterator[Executor]:
    """Eight of this process."""
    with ThreadPoolExecutor(8) as executor:
        yield executor


@contextmanager
def processes() -> Iterator[Executor]:
    """Two, which know nothing of this one."""
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        yield executor


@contextmanager
def loky() -> Iterator[Executor]:
    """Two, of another library's."""
    from loky import ProcessPoolExecutor as LokyExecutor

    with LokyExecutor(2) as executor:
        yield executor


@contextmanager
def dask() -> Iterator[Executor]:
    """A scheduler and two workers, each a process, on the loopback interface."""
    from distributed import Client

    with local_cluster() as two, Client(two, set_as_default=False) as client:
        yield client.get_executor()


def local_cluster() -> Any:
    """That cluster."""
    from distributed import LocalCluster

    anywhere = "127.0.0.1:0"
    return LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=anywhere,
        worker_dashboard_address=anywhere,
    )


@contextmanager
def own_threads() -> Iterator[None]:
    """Those that a run starts for itself, if its flag says so."""
    yield None


PERFORMERS = (inline, threads, processes, loky, dask)


def answer(document: dict[str, Any], **how: Any) -> tuple[dict[str, Any], list[str]]:
    """The result of a run but for what was discarded; and that."""
    plan = workflows.plan(*document.pop("steps"), **document)
    events = run_events(plan, DEEDS, Options(**how))
    run = fold_run(plan, events, keep_going=how.get("keep_going", False))
    result = build_result_document(run)
    return result, result.pop("discarded", [])
