"""A screen of one's own (Xvfb), for the windows of live verbs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

XVFB = shutil.which("Xvfb")


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    if XVFB is None:
        pytest.skip("there is no Xvfb on this machine")
    read, write = os.pipe()
    command = [
        str(XVFB),
        "-displayfd",
        str(write),
        "-screen",
        "0",
        "800x600x24",
        "-noreset",  # when a test's only client goes
        "-nolisten",
        "tcp",
    ]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as told:
            number = told.readline().strip()
        yield f":{number}"
        server.terminate()


@pytest.fixture
def desktop(display: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    return display
