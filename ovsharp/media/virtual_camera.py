"""`VirtualCamera`: a camera that other programs (Zoom, Meet, Teams, OBS) can choose."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ovsharp.closing import Closing
from ovsharp.errors import MediaError
from ovsharp.extras import need
from ovsharp.media.picture import Frame

_MODULE = Path("/sys/module/v4l2loopback")
_LOAD = "sudo modprobe v4l2loopback devices=1 exclusive_caps=1"


class VirtualCamera(Closing):
    """Shows frames to other programs as a camera. Needs pip extra `camera`.

    Args:
        width: of all frames, in pixels.
        height: of all frames, in pixels.
        fps: what the camera says that it gives.

    Raises:
        MissingExtraError: pyvirtualcam is not installed.
        MediaError: the system has no virtual camera, no rights to it, or it is in use; the
            sentence says what to do.

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
            raise MediaError(_advice(str(error))) from error

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


def _advice(said: str) -> str:
    """Turn what pyvirtualcam says, whose backends have no error codes, into what to do."""
    return _linux(said) if sys.platform == "linux" else _obs(said)


def _linux(said: str) -> str:
    if "missing permissions" in said:
        return (
            "no permission to use the virtual camera: run 'sudo usermod -a -G video $USER', then "
            "log out and in again"
        )
    if "could not be configured" in said or "already in use" in said or _MODULE.exists():
        return (
            "the virtual camera is in use by another program or cannot take this picture size: "
            f"close the program, or start anew with 'sudo modprobe -r v4l2loopback && {_LOAD}'"
        )
    return (
        f"this system has no virtual camera: load the kernel module with '{_LOAD}' (from the "
        f"package v4l2loopback-dkms)"
    )


def _obs(said: str) -> str:
    if any(words in said for words in ("not found", "not installed", "No camera registered")):
        how = (
            "click 'Start Virtual Camera' in it once, allow its extension in the System Settings"
            if sys.platform == "darwin"
            else "which brings one"
        )
        return (
            f"this system has no virtual camera: install OBS from https://obsproject.com, {how}, "
            f"and close it"
        )
    if "could not be started" in said or "start stream" in said or "Multiple cameras" in said:
        return (
            "the virtual camera is in use: stop it in OBS ('Stop Virtual Camera'), or close the "
            "other program that sends to it"
        )
    return f"the virtual camera cannot be opened ({said}); check that OBS can start it"
