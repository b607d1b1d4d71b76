"""What training needs to know about any network: how it is built, called and kept."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ovsharp.errors import UsageError
from ovsharp.media import Frame
from ovsharp.models import ARCHITECTURES, Student, expand, read_part
from ovsharp.training.recipe import Course


def build(course: Course) -> nn.Module:
    """Build the network of a course, with the weights that its seed gives.

    Raises:
        UsageError: an unknown architecture, or arguments that it does not take.
    """
    torch.manual_seed(course.seed)
    return ARCHITECTURES.build(course.architecture, **course.arguments)


def start_from(network: nn.Module, path: Path) -> int:
    """Put the weights of another run or of a checkpoint into a network.

    A network with branches takes those of its collapsed form, too, which is what a run leaves and
    what ships (`expand`), and a residual student those of a narrower or shallower one
    (`Student.grow_from`).

    Returns:
        On how many pixels they were trained, as the file says; 0 if it does not say.

    Raises:
        UsageError: they are of another design.
        ModelLoadError: the file cannot be read.
    """
    part = read_part(path)
    try:
        network.load_state_dict(part.tensors)
    except RuntimeError as error:
        grown = isinstance(network, Student) and network.grow_from(part.tensors)
        if not (grown or expand(network, part.tensors)):
            raise UsageError(
                f"{path} does not fit this network: expected weights of the same architecture with "
                f"the same arguments, or those of a smaller residual student"
            ) from error
    return part.pixels


def takes_base(network: nn.Module) -> bool:
    """Tell whether a network takes the bicubic enlargement of the picture, too."""
    # Of the class: wrappers of frameworks may hide the signature of the instance.
    return "base" in inspect.signature(type(network).forward).parameters


def apply(network: Any, frame: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    """Run a network on a picture, with its base if it takes one."""
    picture: torch.Tensor = network(frame, base) if takes_base(network) else network(frame)
    return picture


def unit(picture: torch.Tensor) -> torch.Tensor:
    """Turn levels into what networks work on: 0..1, channels last."""
    return (picture.float() / 255).contiguous(memory_format=torch.channels_last)


def to_tensor(frame: Frame) -> torch.Tensor:
    """Turn a frame, H x W x 3 BGR, into levels 1 x 3 x H x W RGB."""
    return torch.from_numpy(np.ascontiguousarray(frame[:, :, ::-1])).permute(2, 0, 1)[None]


def to_frame(picture: torch.Tensor) -> Frame:
    """Turn 1 x 3 x H x W RGB in 0..1 into a frame, H x W x 3 BGR."""
    levels = picture[0].float().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
    return np.ascontiguousarray(levels.cpu().numpy()[:, :, ::-1])
