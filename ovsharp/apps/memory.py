"""How the C library of this process keeps the memory of large arrays."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_MMAP_THRESHOLD = -3
"""What `mallopt` calls it (malloc.h of glibc)."""


@cache
def give_back(size: int) -> None:
    """Let arrays of so many bytes go back to the system when they end, in all of this process.

    glibc keeps what was freed, up to 32 MB each, and then finds no place in it for the next one of
    another size: `ovsharp video` took 1.55 to 1.72 GB for frames of 3840x2160, and so 1.40 to 1.45.
    For that the system clears pages anew, 10 % of that time. Other C libraries stay as they are.

    Args:
        size: bytes from which this holds, 1 to 32 million.

    Example:
        >>> give_back(8 << 20)
    """
    if sys.platform != "linux":
        return
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, size)
