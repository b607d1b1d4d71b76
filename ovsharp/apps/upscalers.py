"""`Upscalers`: the model for what a picture shall grow by."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ovsharp.runtime import Sharpener

_SHIPPED = ((1, "call"), (2, "x2-quality"), (4, "x4"))
"""Scale and name, the smallest first. On eight Kodak photos made smaller by Lanczos' filter, the
smallest that reaches the size gained more than a larger one that was resampled (x1.5: +0.49 dB,
x2: +0.09 dB), and than Lanczos' filter by 0.9 dB."""


class Upscalers:
    """Opens sharpeners by the factor that pictures grow by, the first time each is needed.

    Example:
        >>> Upscalers().name(1.5), Upscalers().name(0.5), Upscalers("mine.xml").name(3)
        ('x2-quality', 'call', 'mine.xml')

    Args:
        model: the one to take whatever the factor; None for the shipped one that is nearest: the
            smallest that reaches it, or the largest.
        options: what `Sharpener` takes besides.
    """

    def __init__(self, model: str | Path | None = None, **options: Any) -> None:
        self._model, self._options = model, options
        self._open: dict[str, Sharpener] = {}
        self._closing = ExitStack()

    def name(self, factor: float) -> str:
        """Tell which model makes pictures larger by this factor."""
        if self._model is not None:
            return str(self._model)
        reaching = [name for scale, name in _SHIPPED if scale >= factor - 1e-3]
        return reaching[0] if reaching else _SHIPPED[-1][1]

    def names(self) -> list[str]:
        """Give all that may come."""
        return [str(self._model)] if self._model else [name for _, name in _SHIPPED]

    def __call__(self, factor: float) -> Sharpener:
        """Give the sharpener, which stays open.

        Raises:
            OvsharpError: as `Sharpener` does.
        """
        name = self.name(factor)
        if name not in self._open:
            sharpener = Sharpener(self._model or name, **self._options)
            self._open[name] = self._closing.enter_context(sharpener)
        return self._open[name]

    def __enter__(self) -> Upscalers:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()
