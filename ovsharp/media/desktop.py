"""Whether programs can see what the screen shows."""

from __future__ import annotations

import os
import sys

from ovsharp.errors import MediaError


def check_desktop() -> None:
    """Check that there is a desktop whose windows can be seen.

    Raises:
        MediaError: there is none, or it runs Wayland.
    """
    if not sys.platform.startswith("linux"):
        return
    if os.environ.get("WAYLAND_DISPLAY"):
        raise MediaError(
            "this desktop runs Wayland, which shows programs nothing of each other; log out, and "
            "log in to its X11 session ('on Xorg'), or sharpen a camera with 'ovsharp camera'"
        )
    if not os.environ.get("DISPLAY"):
        raise MediaError("there is no screen here: DISPLAY is not set; start it on a desktop")
