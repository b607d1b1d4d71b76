"""What the arguments of a `Sharpener` mean: one model, a router, or sizes to hold a rate with."""

from __future__ import annotations

from pathlib import Path

from ovsharp.engine import Shelf, Tuning, Variant
from ovsharp.errors import UsageError
from ovsharp.runtime.auto import Auto
from ovsharp.runtime.chooser import Chooser, Level, Only
from ovsharp.runtime.opened import Opened
from ovsharp.runtime.router import Router
from ovsharp.runtime.routes import Routes
from ovsharp.runtime.shipped import find_model, find_router
from ovsharp.runtime.sizes import QUALITIES, USUAL, Quality, family, of_size, sized


class Choosers:
    """Makes choosers over models that share a shelf.

    Args:
        tuning: what the models run with; checked before.
        shelf: where what is compiled is kept.
        look_every: frames from one look of a router to the next.
    """

    def __init__(self, tuning: Tuning, shelf: Shelf, look_every: int) -> None:
        self._tuning, self._shelf, self._look_every = tuning, shelf, look_every

    def of_quality(self, model: str | Path | None, quality: Quality | None) -> Level:
        """Give the chooser of a model or router, in a size.

        Args:
            model: as for `Sharpener`.
            quality: likewise.

        Raises:
            OvsharpError: as `Sharpener`.
        """
        path = find_router(model)
        if path is not None:
            return self._routes(self._router(path, quality or USUAL))
        return Only(self._opened(model if quality is None else sized(model, quality)))

    def at_rate(self, model: str | Path | None, target_fps: float) -> Chooser:
        """Give the chooser among all sizes of a model or router.

        Raises:
            OvsharpError: as `Sharpener`.
        """
        path = find_router(model)
        if path is None:
            levels: list[Level] = [Only(self._opened(name)) for name in family(model)]
        else:
            # A router whose choice decided how long a frame takes would hold no rate: where not
            # all of its models are there in a size, it is that for everything.
            router = self._router(path, USUAL)
            names = router.models
            levels = []
            for quality in reversed(QUALITIES):
                if all(of_size(name, quality) for name in names):
                    levels.append(self._routes(router.of_quality(quality)))
                elif quality == "fast" and of_size(names[0], quality):
                    levels.append(Only(self._opened(of_size(names[0], quality))))
        return Auto(levels, target_fps, self._tuning)

    def _router(self, path: Path, quality: Quality) -> Router:
        # Where frames run side by side, each on a thread of its own, so does a look at one: in all
        # it takes a quarter less of the cores than on two threads.
        threads = 1 if self._tuning.mode == "throughput" else self._tuning.threads
        return Router(path, threads, quality)

    def _routes(self, router: Router) -> Routes:
        return Routes(router, Opened(router.models, self._opened), self._look_every)

    def _opened(self, name: str | Path | None) -> Variant:
        return Variant(find_model(name, self._tuning.precision), self._tuning, self._shelf)


def check_quality(quality: str | None, target_fps: float | None) -> None:
    """Check a quality; None leaves it open.

    Raises:
        UsageError: another word, or a rate that chooses it.
    """
    if quality is None:
        return
    if quality not in QUALITIES:
        raise UsageError(f"quality must be one of {', '.join(QUALITIES)}, got {quality!r}")
    if target_fps is not None:
        raise UsageError("target_fps chooses the quality: give one of the two")
