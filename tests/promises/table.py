"""All promises."""

from __future__ import annotations

from promises import writer

PROMISES = [*writer.PROMISES]
