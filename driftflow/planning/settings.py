"""The settings of a run: its flags, the waits between attempts, and where a setting comes from.

The backoff has the four settings of AWS Step Functions (`IntervalSeconds`, `BackoffRate`,
`MaxDelaySeconds`, `JitterStrategy`), with the usual defaults. Time and chance are passed in by
whoever waits (`running.attempts`).
"""

# Annotations as they are: those of a named tuple that are strings are compiled as it is defined.
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pyrsistent import PClass, PMap, PSet, field, pmap, pset

if TYPE_CHECKING:
    from concurrent.futures import Executor

# Where a setting comes from.
Source: TypeAlias = Literal["default", "config", "environment", "operator"]

# When records of the audit are on the disk too, and not only with the system: when the system
# likes, when the run is over, or before a record counts as written.
Sync: TypeAlias = Literal["none", "run", "step"]
SYNCS: tuple[Sync, ...] = ("none", "run", "step")

FLAGS_VARIABLE = "DRIFTFLOW_FLAGS"
TIMEOUT_VARIABLE = "WORKFLOW_TIMEOUT_SECONDS"
KNOWN = ("audit", "metrics", "parallel")


class Flags(PClass):
    """The flags of one run. Every flag is off by default.

    Attributes:
        enabled: The names of the flags that are on.
        sources: For each known flag, where its state comes from.
    """

    enabled: PSet[str] = field(type=PSet, initial=pset())
    sources: PMap[str, Source] = field(type=PMap, initial=pmap(dict.fromkeys(KNOWN, "default")))

    def __repr__(self) -> str:
        """Return the same text in every process: the order of a PSet depends on the hash seed."""
        return f"Flags(enabled={sorted(self.enabled)}, sources={sorted(self.sources.items())})"

    def is_enabled(self, name: str) -> bool:
        """Return whether the flag is on; False for a name that is not known."""
        return name in self.enabled


def resolve_flags(wanted: Mapping[str, bool], disabled: str) -> Flags:
    """Return the flags that the config switches on and the environment does not switch off.

    Args:
        wanted: The config's `flags`. Unknown names are ignored.
        disabled: Names to switch off, separated by commas: the value of DRIFTFLOW_FLAGS.
    """
    off = {name.strip() for name in disabled.split(",")}
    on = {name for name in KNOWN if wanted.get(name)}
    sources: dict[str, Source] = dict.fromkeys(KNOWN, "default")
    sources |= dict.fromkeys(KNOWN & wanted.keys(), "config")
    sources |= dict.fromkeys(on & off, "environment")
    return Flags(enabled=pset(on - off), sources=pmap(sources))


class Backoff(NamedTuple):
    """The waits between the attempts at a step: the config's `backoff`.

    Attributes:
        delay_seconds: The first wait. Seconds.
        factor: Each further wait is so many times the one before.
        max_delay_seconds: The longest wait. Seconds.
        jitter: Whether each wait is shortened by chance, so that steps that failed together are not
            tried again together.
    """

    delay_seconds: float = 1
    factor: float = 2
    max_delay_seconds: float = 30
    jitter: bool = True


class RetryPolicy(NamedTuple):
    """How a step is tried.

    Attributes:
        max_attempts: How often, at most.
        backoff: The waits between attempts; None for none.
        timeout_seconds: How long an attempt may take, if the step says so itself; else None.
        retry_on: The names of the types of errors after which it is tried again; None for all.
    """

    max_attempts: int = 1
    backoff: Backoff | None = None
    timeout_seconds: float | None = None
    retry_on: tuple[str, ...] | None = None


class Options(NamedTuple):
    """What whoever starts a run asks for, beside what the config says.

    Attributes:
        executor: What runs the waves, any `concurrent.futures.Executor`; None for threads, or for
            no executor at all if the flag `parallel` is off.
        jobs: How many batches of steps are under way at the same time, at most; None for the number
            of usable cores, and at least 4.
        enforce_timeout: Whether an attempt is ended when the timeout is over.
        audit_sync: When the audit is synced to disk.
        keep_going: Whether a failure ends only what comes after it.
        run_id: The run's own name in the audit; None for a new UUID.
    """

    executor: "Executor | None" = None
    jobs: int | None = None
    enforce_timeout: bool = False
    audit_sync: Sync = "run"
    keep_going: bool = False
    run_id: str | None = None
