"""What the reference of Python has to know of our docstrings."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension


class Examples(Extension):
    """Read `Example:` as the section of examples: otherwise its prompts become quotations."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Of a class, a function, a constant."""
        self._read(obj)

    def on_module_members(self, *, mod: Any, **_: Any) -> None:
        """Of a module, whose docstring is there only when its members are."""
        self._read(mod)

    def _read(self, obj: Any) -> None:
        if obj.docstring:
            obj.docstring.value = re.sub(
                r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE
            )
