"""Who makes the next frame: one model always, or one of several."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ovsharp.engine import Frame, Maker, Variant
from ovsharp.errors import UsageError
from ovsharp.runtime.history import History
from ovsharp.runtime.turn import Turn

KEPT_SIZES = 4
"""Frame sizes of one call whose choices are remembered."""


class Chooser(ABC):
    """Decides which model makes a frame of a call. Thread-safe.

    Args:
        parent: of whose models this one chooses too; what is pinned there is pinned here.
        first: frames of the stream that came before the call.
    """

    def __init__(self, parent: Chooser | None = None, first: int = 0) -> None:
        self._parent, self._pin = parent, ""
        self.history: History = History(None if parent is None else parent.history, first)

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Of all that may make a frame."""

    @property
    @abstractmethod
    def variant(self) -> Variant:
        """The model that stands for all where a single one is asked for."""

    @abstractmethod
    def turn(self, frame: Frame) -> Turn:
        """Say who makes a frame.

        Raises:
            OvsharpError: a model cannot be read or compiled.
        """

    @abstractmethod
    def prepare(self, height: int, width: int) -> Variant:
        """Give the model that a frame of this size would get."""

    @abstractmethod
    def session(self, look_every: int, first: int) -> Chooser:
        """Give a chooser among the same models that knows nothing of other calls.

        Args:
            look_every: frames from one look of a router to the next.
            first: frames of the stream that came before the call.
        """

    @property
    def pinned(self) -> str:
        """Name of the model that makes all frames; empty where it is chosen."""
        name = self._pin or (self._parent.pinned if self._parent is not None else "")
        return name if name in self.names else ""

    def serve(self, parent: Chooser) -> None:
        """Become a part of another chooser: its pin counts, and frames go into its history."""
        self._parent, self.history = parent, parent.history

    def pin(self, name: str | None) -> None:
        """Let one model make all frames; None gives the choice back.

        Raises:
            UsageError: there is no such model.
        """
        if name is not None and name not in self.names:
            raise UsageError(f"there is no model {name} here; pin {', '.join(self.names)}")
        self._pin = name or ""

    def restart(self) -> None:  # noqa: B027 - most have nothing to forget
        """Forget what was chosen for the frames before."""

    def catch_up(self) -> None:  # noqa: B027 - most put nothing off
        """Do now what the next frame would wait for. It changes no result."""

    def close(self) -> None:  # noqa: B027 - most have nothing that runs
        """Wait for what is being prepared."""


class Level(Chooser):
    """A chooser that can be one of the sizes of `Auto`."""

    @abstractmethod
    def ahead(self, frame: Frame) -> Maker:
        """Say who would make a frame as the first one, without taking it for one.

        Raises:
            OvsharpError: a model cannot be read.
        """

    @abstractmethod
    def session(self, look_every: int, first: int) -> Level:
        """Give one for another call."""


class Only(Level):
    """One model, whatever comes."""

    def __init__(self, variant: Variant, parent: Chooser | None = None, first: int = 0) -> None:
        super().__init__(parent, first)
        self._variant = variant

    @property
    def names(self) -> tuple[str, ...]:
        """Its name."""
        return (self._variant.name,)

    @property
    def variant(self) -> Variant:
        """That model."""
        return self._variant

    def turn(self, frame: Frame) -> Turn:  # noqa: ARG002 - as every chooser
        """Give it the frame."""
        self.history.frame(self._variant.name)
        return Turn(self._variant)

    def prepare(self, height: int, width: int) -> Variant:  # noqa: ARG002 - as every chooser
        """Give it."""
        return self._variant

    def ahead(self, frame: Frame) -> Maker:  # noqa: ARG002 - as every level
        """Give it."""
        return self._variant

    def session(self, look_every: int, first: int) -> Level:  # noqa: ARG002 - as every chooser
        """Give it to another call."""
        return Only(self._variant, self, first)

    def pin(self, name: str | None) -> None:  # noqa: ARG002 - as every chooser
        """Refuse: there is nothing to choose.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "there is one model only: name none to let a router choose, or give target_fps to "
            "choose among a family"
        )
