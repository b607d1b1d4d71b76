"""Stands for what tells a user how far a run is."""

from __future__ import annotations


class Silent:
    """A progress that remembers how far it came."""

    def __init__(self) -> None:
        self.total = 0.0
        self.done = 0.0
        self.steps: list[str] = []

    def plan(self, total: float) -> None:
        self.total = total

    def step(self, text: str) -> None:
        self.steps.append(text)

    def advance(self, amount: float) -> None:
        self.done += amount
