"""Node, and the folder of the browser package."""

from __future__ import annotations

import shutil
from pathlib import Path

NODE = shutil.which("node")
WEB = Path(__file__).parents[2] / "web"
