"""`Found`: what any study finds."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Found:
    """What any study finds."""

    METHOD: ClassVar[str]
    """As `ovsharp study --method` calls it."""

    study: str
    unfinished: tuple[str, ...]
    """Raters who have not finished; their answers are in no figure."""

    def to_json(self) -> str:
        """Give everything as JSON."""
        return json.dumps({"method": self.METHOD, **dataclasses.asdict(self)}, indent=1) + "\n"
