"""The letters of tags: old files write them in Latin-1, and say nothing of it."""

from __future__ import annotations

import codecs

LETTERS = "ovsharp.latin-1"
"""How PyAV is to read bytes that are no UTF-8: `metadata_errors`."""


def _as_latin(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(LETTERS, _as_latin)
