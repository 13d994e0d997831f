"""DriftFlow runs the steps that a JSON file lists, and keeps an audit trail of what it did."""

from driftflow.api import run_workflow
from driftflow.config import check_config, load_config
from driftflow.errors import ConfigError, DriftFlowError, Findings, Issue, StorageError

__all__ = [
    "ConfigError",
    "DriftFlowError",
    "Findings",
    "Issue",
    "StorageError",
    "check_config",
    "load_config",
    "run_workflow",
]

__version__ = "0.1.0"
