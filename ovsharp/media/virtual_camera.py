"""`VirtualCamera`: a camera that other programs (Zoom, Meet, Teams, OBS) can choose."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from ovsharp.errors import MediaError
from ovsharp.extras import need
from ovsharp.media.images import Frame

_HOW = {
    "linux": "load the kernel module with 'sudo modprobe v4l2loopback devices=1'",
    "darwin": "install OBS, start its virtual camera once, and close it",
    "win32": "install OBS, which brings a virtual camera",
}


class VirtualCamera:
    """Shows frames to other programs as a camera. Needs pip extra `camera`.

    Args:
        width: of all frames, in pixels.
        height: of all frames, in pixels.
        fps: what the camera says that it gives.

    Raises:
        MissingExtraError: pyvirtualcam is not installed.
        MediaError: the system has no virtual camera; the sentence says how it gets one.

    Example:
        >>> with VirtualCamera(1280, 720, fps=30) as camera:  # doctest: +SKIP
        ...     camera.send(frame)
    """

    def __init__(self, width: int, height: int, *, fps: float = 30.0) -> None:
        need("pyvirtualcam", extra="camera")
        import pyvirtualcam

        try:
            self._camera: Any = pyvirtualcam.Camera(
                width, height, fps, fmt=pyvirtualcam.PixelFormat.BGR
            )
        except RuntimeError as error:
            how = _HOW.get(sys.platform, "install one that pyvirtualcam knows")
            raise MediaError(f"this system has no virtual camera: {how}") from error

    @property
    def device(self) -> str:
        """What other programs call it."""
        return str(self._camera.device)

    def send(self, frame: Frame) -> None:
        """Show a frame: uint8, height x width x 3, BGR."""
        self._camera.send(frame)

    def close(self) -> None:
        """Take the camera away."""
        self._camera.close()

    def __enter__(self) -> VirtualCamera:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
