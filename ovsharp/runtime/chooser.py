"""Who makes the next frame: one model always, or one of several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from ovsharp.errors import UsageError
from ovsharp.runtime.frames import Frame
from ovsharp.runtime.turn import Switch, Turn
from ovsharp.runtime.variant import Variant


@dataclass(frozen=True)
class Choice:
    """Which model a frame rate was entrusted to, and why."""

    model: str
    target_fps: float
    milliseconds: Mapping[str, float]
    """Time per frame of every model of the family, end to end, best pictures first."""
    height: int
    """Of the frames, in pixels."""
    width: int
    reason: str
    """A sentence."""


class Chooser(ABC):
    """Decides which model makes a frame. Thread-safe."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Of all that may make a frame."""

    @property
    @abstractmethod
    def variant(self) -> Variant:
        """The model that stands for all where a single one is asked for."""

    @property
    def running(self) -> str:
        """Name of what makes the frames now."""
        return self.variant.name

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
    def pin(self, name: str | None) -> None:
        """Let one model make all frames; None gives the choice back.

        Raises:
            UsageError: there is no such model.
        """

    @abstractmethod
    def close(self) -> None:
        """Drop everything that is compiled."""

    def restart(self) -> None:  # noqa: B027 - most have nothing to forget
        """Forget what was chosen for the frames before."""

    @property
    def gains(self) -> Mapping[str, float]:
        """What was last expected of each model, in dB."""
        return {}

    @property
    def made(self) -> Mapping[str, int]:
        """How many frames each model has made, most first."""
        return {}

    @property
    def sharpened(self) -> bool:
        """Whether a model made the last frame."""
        return True

    @property
    def why(self) -> str:
        """Why the last frame was given to who made it; empty where nothing was weighed."""
        return ""

    @property
    def choice(self) -> Choice | None:
        """What a frame rate made of the last frame size."""
        return None

    @property
    def switches(self) -> tuple[Switch, ...]:
        """The last changes of model, oldest first."""
        return ()

    def _check_known(self, name: str | None) -> None:
        if name is not None and name not in self.names:
            raise UsageError(f"there is no model {name} here; pin {', '.join(self.names)}")


class Only(Chooser):
    """One model, whatever comes."""

    def __init__(self, variant: Variant) -> None:
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
        return Turn(self._variant)

    def prepare(self, height: int, width: int) -> Variant:  # noqa: ARG002 - as every chooser
        """Give it."""
        return self._variant

    def pin(self, name: str | None) -> None:  # noqa: ARG002 - as every chooser
        """Refuse: there is nothing to choose.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "there is one model only: name none to let a router choose, or give target_fps to "
            "choose among a family"
        )

    def close(self) -> None:
        """Drop what is compiled."""
        self._variant.clear()
