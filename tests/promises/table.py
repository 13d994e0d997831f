"""All promises."""

from __future__ import annotations

from promises import (
    answers,
    ends,
    files,
    forgery,
    hostile,
    resumption,
    signals,
    streams,
    trust,
    writer,
)

_MODULES = (
    answers,
    writer,
    files,
    trust,
    forgery,
    hostile,
    ends,
    signals,
    streams,
    resumption,
)
PROMISES = [promise for module in _MODULES for promise in module.PROMISES]
