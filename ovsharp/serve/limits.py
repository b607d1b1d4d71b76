"""`Limits`: how much one server takes in, and the answers to what is beyond."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True)
class Limits:
    """What a server takes at most."""

    megabytes: int = 1024
    """Of one file that is sent."""
    megapixels: float = 50.0
    """Of one picture, or one frame of a video, before and after it grows."""
    seconds: float = 3600.0
    """Of one video."""
    jobs: int = 16
    """Videos that wait or are worked on; as many results are kept."""
    pictures: int = 16
    """Pictures that wait; two are worked on at the same time."""
    streams: int = 4
    """Live cameras at the same time."""
    keep: float = 3600.0
    """Seconds that the result of a video waits to be fetched."""
    idle: float = 30.0
    """Seconds that a client may send nothing in the middle of a file."""

    @property
    def bytes(self) -> int:
        """Of one file."""
        return self.megabytes << 20

    def check_pixels(self, width: int, height: int, grown: float = 1.0) -> None:
        """Refuse what has too many pixels.

        Args:
            width: in pixels.
            height: in pixels.
            grown: factor of both sides.

        Raises:
            Refused: it has.
        """
        pixels = width * height * max(1.0, grown) ** 2
        if pixels > self.megapixels * 1e6:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"{width}x{height}{f' grown by {grown:g}' if grown > 1 else ''} has "
                f"{pixels / 1e6:.1f} megapixels: this server takes {self.megapixels:g} "
                f"(ovsharp serve --max-megapixels)",
            )


class Refused(Exception):  # noqa: N818 - not an error, an answer
    """What a client is told in place of a result.

    Args:
        status: of HTTP.
        sentence: what was wrong, what was expected.
        retry_after: seconds after which the same request may pass; None for never.
    """

    def __init__(self, status: int, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.status, self.retry_after = status, retry_after


def busy(what: str, seconds: float) -> Refused:
    """Say that a queue is full, and when to come again."""
    wait = max(1, round(seconds))
    return Refused(HTTPStatus.TOO_MANY_REQUESTS, f"{what}; try again in {wait} s", retry_after=wait)
