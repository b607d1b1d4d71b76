"""The files that `--report` writes."""

from __future__ import annotations

import json
from pathlib import Path

from ovsharp.files import staged


def write_report(path: Path, figures: object) -> None:
    """Write figures as JSON; the file is complete or absent.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(figures, indent=2, ensure_ascii=False)
    with staged(path.parent) as folder:
        (folder / path.name).write_text(text + "\n", encoding="utf-8")
