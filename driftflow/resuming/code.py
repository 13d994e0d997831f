"""The code that has changed since steps were done that are kept.

Code is no reason to do a step again: a mended action is the commonest reason to resume. So this is
only told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftflow.planning.plan import Step
    from driftflow.resuming.decision import Resumption
    from driftflow.resuming.past import Code


def find_changed_code(
    steps: Sequence[Step], resumption: Resumption, code: Code, homes: Mapping[str, str]
) -> dict[str, list[Step]]:
    """Return the code that is another than it was when steps were done that are kept.

    Args:
        steps: The steps in run order.
        resumption: Which of them are kept.
        code: The code that the run performs.
        homes: By the name of an action, the file or package that provides it; an action of
            DriftFlow's is missing.

    Returns:
        By the file or package, the steps, in run order. DriftFlow itself is `driftflow`.
    """
    changed: dict[str, list[Step]] = {}
    known: dict[tuple[int, str], str | None] = {}  # by run and action, what has changed
    for index, past in resumption.kept.items():
        if index in resumption.fetched:
            continue
        step = steps[index]
        where = past.run, step.action
        if where not in known:
            home, then = homes.get(step.action), resumption.past.codes[past.run]
            known[where] = None if _is_same(then, code, home) else home or "driftflow"
        if found := known[where]:
            changed.setdefault(found, []).append(step)
    return changed


def _is_same(then: Code, now: Code, home: str | None) -> bool:
    """Return whether a file or a package is as it was; None for DriftFlow.

    A file may lie elsewhere by now, as after each deployment into a new folder.
    """
    if home is None:
        return then.version == now.version
    if home in now.files:
        return now.files[home] in then.files.values()
    return then.packages.get(home) == now.packages.get(home)
