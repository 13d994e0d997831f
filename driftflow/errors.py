"""What goes wrong, and whose fault it is: the exceptions.

What is wrong with a config is told as issues (`driftflow.issues`), which a good run never imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftflow.issues import Findings, Issue

# How many levels a document may have: serde_json's default. CPython's own limit depends on its
# version and on the caller's stack, so that a config would load in one place and not in another.
MAX_DEPTH = 128


class DriftFlowError(Exception):
    """The base class of all errors that DriftFlow raises on purpose."""


class ConfigError(DriftFlowError):
    """The config is wrong: nothing was run.

    Attributes:
        findings: All that is wrong with it, and its text.
    """

    def __init__(self, findings: Findings) -> None:
        super().__init__(findings)
        self.findings = findings

    @property
    def source(self) -> str:
        """Return the file, as it was named."""
        return self.findings.source

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Return all that is wrong in the file, in its order; then in the files that it uses."""
        return self.findings.all_issues

    def __str__(self) -> str:
        """Return `file:line:column: error[code]: message` for each issue, names as in the file."""
        from driftflow.issues import locate_issue

        located = (
            (locate_issue(issue.source or self.source, issue), issue) for issue in self.issues
        )
        return "\n".join(
            f"{place}: {issue.severity}[{issue.code}]: {issue.message}" for place, issue in located
        )


class ResumeError(DriftFlowError):
    """There is nothing to resume, or not the run that was named: no step was run."""


class Permanent(DriftFlowError):  # noqa: N818 - as configs call it
    """Raise it in an action: another attempt would be in vain, so there is none."""


class TimedOut(TimeoutError):  # noqa: N818 - as configs call it
    """An attempt took longer than it may."""


class ProcessDied(ChildProcessError):  # noqa: N818 - as configs call it
    """The process that made an attempt ended."""


class WorkerLost(Exception):  # noqa: N818 - as configs call it
    """The executor lost the worker that made an attempt."""


class ExitStatus(ChildProcessError):  # noqa: N818 - as configs call it
    """A program ended with another exit status than 0."""


class ContractBroken(ValueError):  # noqa: N818 - as configs call it
    """The output of an action breaks the schema that its step, or the action itself, has for it."""


# The types of errors of DriftFlow's own with which an attempt can fail, by the names by which a
# config calls them.
ATTEMPT_ERRORS = ("TimedOut", "ContractBroken", "WorkerLost", "ProcessDied", "ExitStatus")


class _SourceError(DriftFlowError):
    """Something else that a run needs is at fault.

    Attributes:
        source: What it is, as it was named.
        reason: What is wrong with it, in words.
    """

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(source, reason)
        self.source = source
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


class ActionsError(_SourceError):
    """An action cannot be loaded, or its name is taken: no step was run.

    Attributes:
        source: The module, file or package, as it was named.
        reason: What is wrong with it, in words.
    """


class ExecutorError(_SourceError):
    """The executor or cluster cannot be reached: no step was run."""

    @property
    def address(self) -> str:
        """Return where it was looked for."""
        return self.source


class StorageError(_SourceError):
    """The audit cannot be read or written: no further step was started.

    Attributes:
        source: The file, as it was named.
        reason: What is wrong with it, in words.
    """

    @property
    def path(self) -> str:
        """Return the file."""
        return self.source


# Python's own answer: a class of others' code may have another.
_NAME = type.__dict__["__name__"].__get__


def name_type(kind: type) -> str:
    """Return the name of a class, whatever that itself would answer."""
    return str(_NAME(kind)) or "nameless"


def message_of(exception: BaseException) -> str:
    """Return what an exception of others' code says; empty if that is nothing, or goes wrong.

    Raises:
        KeyboardInterrupt: If there is an interrupt meanwhile.
    """
    from driftflow.forks import call_here

    try:
        return "".join([call_here(str, exception)])  # it may be of a class of the code's own
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - it may be as wrong as the code that raised it
        return ""
