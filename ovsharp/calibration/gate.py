"""The gate: gives layers back to floating point until an INT8 model holds its limits, and no more.

What it holds is said by `judge.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import openvino as ov

from ovsharp.calibration.blame import ranked
from ovsharp.calibration.candidates import Candidates
from ovsharp.calibration.judge import Judge, Verdict
from ovsharp.calibration.running import Tensors
from ovsharp.engine import Execution
from ovsharp.errors import CalibrationError
from ovsharp.progress import Progress, silent

_NAMED = 3
"""How many layers an error message names."""
_RETRIES = 6
"""How many layers, the least harmful ones, are tried in 8 bits once more, beside the very least
one: it was given back last because it did not hold without."""
_ROUNDS = 3
"""How often the other images may ask for a stricter choice."""


@dataclass(frozen=True)
class Trade:
    """A model between the quantized one and its parent."""

    model: ov.Model
    verdict: Verdict
    float_layers: tuple[str, ...]
    """Layers that were given back to floating point for it, the most harmful one first."""
    execution: Execution
    """That it was judged with."""
    fallback: str = ""
    """Why `execution` is not the one that was asked for."""


class LimitError(CalibrationError):
    """No INT8 model holds the limits.

    Attributes:
        trades: what was tried, more and more layers given back; measured on the images that
            the choice is made on.
    """

    def __init__(self, message: str, trades: Sequence[Trade]) -> None:
        super().__init__(message)
        self.trades = tuple(trades)


def give_back(
    candidates: Candidates,
    fitting: Sequence[Tensors],
    choosing: Judge,
    reporting: Judge,
    execution: Execution,
    *,
    max_drop: float,
    progress: Progress = silent,
) -> Trade:
    """Find the model with the fewest layers in floating point that holds the limits.

    If the fully quantized model does not hold them, layers are ranked by what each does to the
    picture alone. Then so many of the most harmful ones are given back as need be, found by
    bisection; and each of the least harmful of these is tried in 8 bits once more. If it is the
    16 bits around the layers that the network does not bear, all is done again with f32.

    Args:
        candidates: the models between the quantized one and its parent.
        fitting: frames that the layers are ranked on.
        choosing: measures what is chosen by.
        reporting: measures, on other images, what the result is reported and must hold by. Where
            it does not, the choice is made again, stricter by what was missing; where it then has
            room, once more in 8 bits what that room allows.
        execution: that the model is to run with.
        max_drop: largest acceptable loss of SSIM.
        progress: told of every step.

    Returns:
        The model, with the verdict of `reporting` and the execution that it was measured with.

    Raises:
        LimitError: the limits do not hold even with one quantized layer left, nor in f32.
    """

    @cache
    def order() -> tuple[str, ...]:
        return ranked(candidates, fitting, progress)

    searches: list[_Search] = []
    for tried in dict.fromkeys((execution, Execution("f32", execution.int8))):
        search = _Search(candidates, choosing, tried, progress)
        found = _accepted(search, order, reporting, max_drop)
        if found is not None:
            return replace(found, fallback="; ".join(one.failure(max_drop) for one in searches))
        searches.append(search)
    raise LimitError(
        f"{'; '.join(one.failure(max_drop) for one in searches)}; the layers that cost most are "
        f"{', '.join(order()[:_NAMED])}; raise --max-drop, calibrate on more images, fine-tune the "
        f"weights for 8 bits (ovsharp train --qat), or use the FP16 model",
        [trade for search in searches for trade in search.trades()],
    )


def _accepted(
    search: _Search, order: Callable[[], tuple[str, ...]], reporting: Judge, max_drop: float
) -> Trade | None:
    """Choose, and ask the other images; None where no choice holds there."""
    limit = max_drop
    for _ in range(_ROUNDS):
        found = search.trade(())
        if not found.verdict.holds(limit):
            # One judgement that may spare ten: where this fails, all between fail.
            if not search.bare.holds(max_drop):
                return None
            fewest = search.fewest(order(), limit)
            if fewest is None:
                return None
            found = search.thinned(fewest, limit)
        verdict = reporting.judge(found.model, found.execution)
        if verdict.holds(max_drop):
            # What was missing before may have been too much: how far this one is from the limit.
            room = min(found.verdict.ssim_drop + max_drop - verdict.ssim_drop, max_drop)
            less = search.thinned(found, room) if room > limit else found
            spared = verdict if less is found else reporting.judge(less.model, less.execution)
            if spared.holds(max_drop):
                return replace(less, verdict=spared)
            return replace(found, verdict=verdict)
        search.refused = verdict
        limit = _stricter(search, min(limit, found.verdict.ssim_drop), verdict.ssim_drop, max_drop)
    return None


def _stricter(search: _Search, held: float, elsewhere: float, max_drop: float) -> float:
    """Give the limit that is to be held where `held` was a drop of `elsewhere` on other images."""
    limit = held - (elsewhere - max_drop)
    # What not even the parent holds is not asked for: they lose not more, but times as much.
    return limit if limit > search.bare.ssim_drop else held * max_drop / elsewhere


class _Search:
    """Judges models, each once."""

    def __init__(
        self, candidates: Candidates, judge: Judge, execution: Execution, progress: Progress
    ) -> None:
        self._candidates = candidates
        self._judge = judge
        self._execution = execution
        self._progress = progress
        self._trades: dict[tuple[str, ...], Trade] = {}
        self.refused: Verdict | None = None
        """Of the other images, on what was chosen last."""

    def trade(self, float_layers: tuple[str, ...]) -> Trade:
        """Judge the model in which these layers are in floating point."""
        if float_layers not in self._trades:
            model = self._candidates.without(float_layers)
            verdict = self._judge.judge(model, self._execution)
            self._trades[float_layers] = Trade(model, verdict, float_layers, self._execution)
            # Nobody knows how many will be needed.
            self._progress("judging models", len(self._trades), len(self._trades) + 1)
        return self._trades[float_layers]

    @property
    def bare(self) -> Verdict:
        """With all layers given back: what the rest of the execution costs."""
        return self.trade(self._candidates.layers).verdict

    def trades(self) -> list[Trade]:
        """Give all that was judged and holds a quantized layer, the fewest given back first."""
        judged = [one for name, one in self._trades.items() if name != self._candidates.layers]
        return sorted(judged, key=lambda trade: len(trade.float_layers))

    def failure(self, max_drop: float) -> str:
        """Say why nothing was accepted."""
        label = self._execution.label
        if not self.bare.holds(max_drop):
            return f"in {label} even with no layer in 8 bits {self.bare.failure(max_drop)}"
        first = self.trade(()).verdict
        failed = self.refused if self.refused and first.holds(max_drop) else first
        return (
            f"in {label} {failed.failure(max_drop)}, and it does not hold with fewer quantized "
            f"layers either"
        )

    def fewest(self, order: tuple[str, ...], limit: float) -> Trade | None:
        """Give back the shortest beginning of `order` that holds; None if none does."""
        fails, holds = 0, 1
        while not self.trade(order[:holds]).verdict.holds(limit):
            fails = holds
            if fails >= len(order) - 1:
                return None
            holds = min(2 * holds, len(order) - 1)
        while holds - fails > 1:
            middle = (fails + holds) // 2
            if self.trade(order[:middle]).verdict.holds(limit):
                holds = middle
            else:
                fails = middle
        return self.trade(order[:holds])

    def thinned(self, trade: Trade, limit: float) -> Trade:
        """Quantize layers again that were given back and need not be."""
        for layer in trade.float_layers[: -2 - _RETRIES : -1]:
            less = self.trade(tuple(name for name in trade.float_layers if name != layer))
            if less.verdict.holds(limit):
                trade = less
        return trade
