"""All promises."""

from __future__ import annotations

from promises import ends, files, forgery, hostile, resumption, signals, streams, trust, writer

PROMISES = [
    promise
    for module in (writer, files, trust, forgery, hostile, ends, signals, streams, resumption)
    for promise in module.PROMISES
]
