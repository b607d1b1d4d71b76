"""Commands in a process that can be ended, and whether the files that they wrote are whole."""

from __future__ import annotations

import json
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


def _picture(path: Path) -> bool:
    import cv2

    return cv2.imread(str(path)) is not None


def _video(path: Path) -> bool:
    from ovsharp.media import read_video

    with read_video(path) as reader:
        return sum(1 for _ in reader) == 48


def _model(path: Path) -> bool:
    from ovsharp.engine import get_core, read_openvino

    return bool(read_openvino(path, get_core()).inputs)


def _weights(path: Path) -> bool:
    import torch

    return bool(torch.load(path, weights_only=True))


def _json(path: Path) -> bool:
    return json.loads(path.read_text()) is not None


def _lines(path: Path) -> bool:
    """A run that is killed may leave half a line, which goes when the run goes on."""
    return all(json.loads(line) for line in path.read_text().splitlines(keepends=True)[:-1])


def _page(path: Path) -> bool:
    return path.read_text().rstrip().endswith("</html>")


ENDINGS: dict[str, Callable[[Path], bool]] = {
    ".png": _picture,
    ".mp4": _video,
    ".xml": _model,
    ".onnx": _model,
    ".pth": _weights,
    ".json": _json,
    ".jsonl": _lines,
    ".html": _page,
}
