from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from ovsharp.training.feed import frozen


class Held:
    """Garbage that only the collector finds, and that says which process freed it."""

    def __init__(self, log: Path) -> None:
        self.log, self.itself = log, self

    def __del__(self) -> None:
        with self.log.open("a") as file:
            file.write(f"{os.getpid()}\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_frees_nothing_of_its_parent(tmp_path: Path) -> None:
    log = tmp_path / "freed"
    gc.disable()
    try:
        Held(log)
        with frozen():
            child = os.fork()
            if child == 0:
                gc.collect()
                os._exit(0)
            os.waitpid(child, 0)
        assert not log.exists()
        gc.collect()
    finally:
        gc.enable()
    assert log.read_text().split() == [str(os.getpid())]
