"""DriftFlow runs the steps listed in a JSON file, and keeps an audit trail of what it did.

The public names are listed here, and each is imported when it is first used: importing what is not
needed would slow every start. The code is in packages, one for each kind of work; the docstring of
each says what is decided there. The modules next to the packages are entry points:

    cli         the commands: what each does, and what it lets `showing` print
    arguments   the usage text; the command line as typed values
    api         the library: runs a workflow; it connects the packages, so begin reading in it
    config      the library: reads a config, checks it, and returns a plan or what is wrong
    uses        the library: reads the files that a config uses
    testing     the library: runs a workflow with some actions replaced
    events, storage    short public names for `running.events` and `recording.storage`

or are used by all packages:

    errors      the exceptions
    failures    what an attempt failed with, as plain data
    issues      an issue of a config; all codes, and which are errors and which are warnings
    text        formats text for people: escaping, shortening, plurals, JSON
    suggestion  finds the nearest name, for "did you mean"

Words that the code uses: the *operator* is the person or program that starts a run; an *attempt* is
one call of a step's action; a *crew* gets the steps done, one by one or by *workers*; a *wave* is a
group of steps that may run at the same time; a *fold* computes a result from all events.
"""

# Nothing is imported here, not even `__future__`: for `python -m driftflow` Python looks into the
# working directory first, until `__main__` ends that.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from driftflow.actions.action import action
    from driftflow.api import run_workflow
    from driftflow.config import check_config, load_config
    from driftflow.errors import (
        ActionsError,
        ConfigError,
        DriftFlowError,
        Permanent,
        ResumeError,
        StorageError,
    )
    from driftflow.issues import Findings, Issue

__all__ = [
    "ActionsError",
    "ConfigError",
    "DriftFlowError",
    "Findings",
    "Issue",
    "Permanent",
    "ResumeError",
    "StorageError",
    "action",
    "check_config",
    "load_config",
    "run_workflow",
]

# Where the public names are looked for.
_HOMES = ("errors", "actions.action", "issues", "config", "api")

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    homes = map(import_module, (f"driftflow.{home}" for home in _HOMES))
    return next(vars(home)[name] for home in homes if name in vars(home))


def __dir__() -> list[str]:
    return [*globals(), *__all__]
