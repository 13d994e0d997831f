"""DriftFlow runs the steps that a JSON file lists, and keeps an audit trail of what it did.

The public names stand here, and are imported when one is asked for: the command needs only some of
them, and a module that nobody needs is time at every start.

To find the way through the code, begin with `api`: it puts the rooms together for a run. Each
package says in its docstring what is decided in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftflow.actions.action import action
    from driftflow.api import run_workflow
    from driftflow.config import check_config, load_config
    from driftflow.errors import (
        ActionsError,
        ConfigError,
        DriftFlowError,
        Findings,
        Issue,
        StorageError,
    )

__all__ = [
    "ActionsError",
    "ConfigError",
    "DriftFlowError",
    "Findings",
    "Issue",
    "StorageError",
    "action",
    "check_config",
    "load_config",
    "run_workflow",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from driftflow import api, config, errors
    from driftflow.actions import action

    homes = (errors, action, config, api)
    return next(vars(home)[name] for home in homes if name in vars(home))


def __dir__() -> list[str]:
    return [*globals(), *__all__]
