"""What is shown to whom, in which random order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeVar, get_args

import numpy as np

from ovsharp.errors import UsageError
from ovsharp.records import Record

Method = Literal["acr", "pairs"]
METHODS: tuple[str, ...] = get_args(Method)

_T = TypeVar("_T")
_Self = TypeVar("_Self", bound="Study")


@dataclass(frozen=True)
class Stimulus:
    """A picture or a clip."""

    id: str
    """Random, so that it tells a rater nothing; also the name of its file."""
    ending: str
    """Of its file: `.png`, `.mp4` or `.webm`."""
    condition: str
    """What was done to it; no rater sees this."""
    content: str
    """What it shows; the same for all conditions."""
    width: int
    """Pixels."""
    height: int


@dataclass(frozen=True)
class Trial:
    """One question: how good is this, or which of two is better."""

    first: str
    """Id of a stimulus."""
    second: str | None
    """The one beside it, in a comparison."""
    practice: bool
    """Whether the answer is left out of the results."""


@dataclass(frozen=True)
class Study(Record, schema=1, file="study.json", verb="study"):
    """A design: written once, before the first vote."""

    name: str
    method: Method
    seed: int
    practice: int
    """Questions before the ones that count."""
    fingerprint: str
    """Digest of everything that the stimuli were made from."""
    stimuli: tuple[Stimulus, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """In the order of the stimuli."""
        return tuple(dict.fromkeys(stimulus.condition for stimulus in self.stimuli))

    @property
    def contents(self) -> tuple[str, ...]:
        """In the order of the stimuli."""
        return tuple(dict.fromkeys(stimulus.content for stimulus in self.stimuli))

    @property
    def clips(self) -> bool:
        """Whether clips are shown, not still pictures."""
        return self.stimuli[0].ending != ".png"

    @property
    def questions(self) -> int:
        """How many answers of a rater count."""
        return len(self._questions())

    def find(self, identity: str) -> Stimulus | None:
        """Look a stimulus up by its id."""
        return next((item for item in self.stimuli if item.id == identity), None)

    def trials(self, rater: str) -> tuple[Trial, ...]:
        """Give the questions of one rater in order.

        Every stimulus occurs once (ACR), or every two conditions of every content (pairs), half
        of them with sides swapped. The order is random and the same content does not follow
        itself where that can be had. It depends on the study's seed and the rater's code alone.
        Practice comes first: other draws from the same questions.
        """
        digest = hashlib.sha256(f"{self.seed}/{rater}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "big"))
        content = {item.id: item.content for item in self.stimuli}
        asked = _shuffled(self._questions(), rng)
        practice = _shuffled(asked, rng)[: self.practice]
        trials = [Trial(*self._sides(pair, rng), practice=True) for pair in practice]
        swaps = _shuffled([index % 2 == 0 for index in range(len(asked))], rng)
        for (first, second), swap in zip(
            _apart(asked, [content[first] for first, _ in asked]), swaps, strict=True
        ):
            if second is not None and swap:
                first, second = second, first
            trials.append(Trial(first, second, practice=False))
        return tuple(trials)

    @classmethod
    def from_json(cls: type[_Self], text: str) -> _Self:
        """Read a design that has stimuli.

        Raises:
            UsageError: not such a text, or one of another schema.
        """
        study = super().from_json(text)
        if not study.stimuli:
            raise UsageError("this study.json has no stimuli; begin a new study")
        return study

    def _questions(self) -> list[tuple[str, str | None]]:
        if self.method == "acr":
            return [(item.id, None) for item in self.stimuli]
        return [
            (one.id, other.id)
            for content in self.contents
            for one, other in combinations(
                [item for item in self.stimuli if item.content == content], 2
            )
        ]

    @staticmethod
    def _sides(pair: tuple[str, str | None], rng: np.random.Generator) -> tuple[str, str | None]:
        first, second = pair
        return (second, first) if second is not None and rng.random() < 0.5 else pair


def _shuffled(items: list[_T], rng: np.random.Generator) -> list[_T]:
    return [items[index] for index in rng.permutation(len(items))]


def _apart(items: list[_T], kinds: list[str]) -> list[_T]:
    """Reorder as little as need be so that no two neighbours are of a kind, if that is possible.

    Example:
        >>> _apart([1, 2, 3], ["a", "a", "b"])
        [1, 3, 2]
    """
    left, result, last = list(zip(items, kinds, strict=True)), [], ""
    while left:
        counts: dict[str, int] = {}
        for _, kind in left:
            counts[kind] = counts.get(kind, 0) + 1
        # A kind that fills more than half of the rest has to come now, or it meets itself.
        pressing = [kind for kind, count in counts.items() if 2 * count > len(left)]
        wanted = [kind for kind in pressing if kind != last] or [k for k in counts if k != last]
        place = next((i for i, (_, kind) in enumerate(left) if kind in wanted), 0)
        item, last = left.pop(place)
        result.append(item)
    return result
