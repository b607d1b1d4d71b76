"""The system's Chromium, for tests of pages: where there is none, they are skipped."""

from __future__ import annotations

import shutil

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
IN_CHROMIUM = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),  # the first one converts all models
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]
DESKTOP = {"viewport": {"width": 1280, "height": 800}}


def phone(height: int) -> dict[str, object]:
    """Give the options of a context that is a phone, so many pixels high."""
    return {
        "viewport": {"width": 390, "height": height},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    }
