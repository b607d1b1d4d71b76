"""Ctrl-C, as a terminal sends it to a command line."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Where the tests run in the background, SIGINT is ignored, and every child inherits that.
LISTENING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ovsharp.cli.main import run
run()
"""
"""A program that is `ovsharp`."""


def interrupted(
    arguments: list[str | Path],
    ready: Callable[[], bool],
    number: signal.Signals = signal.SIGINT,
) -> tuple[int, str]:
    """Run `ovsharp`, press Ctrl-C when it is ready, and give its exit code and its stderr."""
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 240
    while not ready() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors.strip()
