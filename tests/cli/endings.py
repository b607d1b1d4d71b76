"""Commands in a process that can be ended, and whether the files that they wrote are whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

# Where the tests run in the background, SIGINT is ignored, and every child inherits that.
SCRIPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ovsharp.cli.main import run
print(flush=True)
run()
"""


def _video(path: Path) -> bool:
    from ovsharp.media import read_video

    with read_video(path) as reader:
        return sum(1 for _ in reader) == 48


def _model(path: Path) -> bool:
    from ovsharp.engine import get_core, read_openvino

    return bool(read_openvino(path, get_core()).inputs)


ENDINGS: dict[str, Callable[[Path], bool]] = {".mp4": _video, ".xml": _model, ".onnx": _model}
