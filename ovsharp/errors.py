"""Every error that ovsharp raises for a reason that its user can act on.

::

    OvsharpError
    |-- UsageError            an argument or a flag that makes no sense
    |   `-- MissingExtraError   a pip extra is not installed
    |-- ModelLoadError        a model file that cannot be read
    |-- UnsupportedModelError a readable model that ovsharp cannot run as it is
    |-- ConversionError       a conversion whose result is not equal to its source
    |-- CalibrationError      no usable calibration images, or a quality drop over the limit
    |-- TrainingError         a training without usable images, or whose loss is no number
    |-- DeviceError           a device or a precision that is not to be had here
    |-- InferenceError        a frame that the model cannot take, or a failed inference
    `-- MediaError            an image or a video that cannot be read or written

Each message is one sentence or a few: what was wrong, what was expected, what to do.
The command line turns `UsageError` and `DeviceError` into exit code 2 and every other
`OvsharpError` into exit code 1.
"""

from __future__ import annotations

import sys
from typing import Any

_WITH_TORCH = ("convert", "tflite", "train", "all", "dev")
"""Extras that bring PyTorch."""


class OvsharpError(Exception):
    """Base of all errors that ovsharp raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Python would call the class with the message, and some classes take more than that.
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[OvsharpError], said: tuple[Any, ...], more: dict[str, Any]) -> OvsharpError:
    """Make an error anew that came from another process."""
    error = kind.__new__(kind, *said)
    error.__dict__.update(more)
    return error


class UsageError(OvsharpError):
    """An argument or a combination of arguments that makes no sense."""


class MissingExtraError(UsageError):
    """A package that belongs to a pip extra is not installed.

    Args:
        package: the module that could not be imported.
        extra: the extra of ovsharp that brings it; several with commas.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package '{package}', which is not installed; "
            f"install it with: {install_line(extra)}"
        )


def install_line(extra: str) -> str:
    """Say what installs an extra; on Linux without CUDA, which PyTorch would bring by gigabytes.

    Example:
        >>> install_line("heic")
        'pip install "ovsharp[heic]"'
    """
    line = f'pip install "ovsharp[{extra}]"'
    if not set(extra.split(",")) & set(_WITH_TORCH) or sys.platform != "linux":
        return line
    return (
        f'uv pip install --torch-backend cpu "ovsharp[{extra}]" ("pip install uv" brings uv; '
        f"{line} alone would bring gigabytes of CUDA)"
    )


class ModelLoadError(OvsharpError):
    """A model file that is missing, truncated or of another kind than its name says."""


class UnsupportedModelError(OvsharpError):
    """A readable model that ovsharp cannot run as it is."""


class ConversionError(OvsharpError):
    """A conversion that failed, or whose result differs from its source."""


class CalibrationError(OvsharpError):
    """No usable calibration images, or a quality drop over the limit."""


class TrainingError(OvsharpError):
    """A training without usable images, or one whose loss is no longer a number."""


class DeviceError(OvsharpError):
    """A device or an execution precision that this machine does not have."""


class InferenceError(OvsharpError):
    """A frame that the model cannot take, or an inference that failed."""


class MediaError(OvsharpError):
    """An image or a video that cannot be read or written."""
