"""ovsharp's own students: plain 3x3 convolutions on cells of a frame, for sharpening and upscaling.

One body for all tasks. What differs is how a frame comes in (cells of `unshuffle` x `unshuffle`
pixels) and how much larger it goes out (`scale`); at 1920x1080 out, the body of the standard
networks always works on 480x270 cells and costs the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional

from ovsharp.errors import UsageError
from ovsharp.models.architecture import Architecture, Shapes, count
from ovsharp.models.blocks import conv3x3
from ovsharp.models.reparameterize import MultiBranch

REACH = 4
"""Cells a side that are one to the coarse branch."""
BOUND = 0.5
"""What convolutions read of a bounded body is cut to -BOUND..BOUND, about five standard deviations:
8 bits divide this, and not the four times as much that few edges reach."""


def _read(features: torch.Tensor, *, bounded: bool) -> torch.Tensor:
    return features.clamp(-BOUND, BOUND) if bounded else features


class Residual(nn.Module):
    """x + leave(relu(enter(x))): features pass it with their sign, and untouched at first.

    Args:
        channels: of the features.
        bounded: whether `enter` reads them cut to `BOUND`; they pass uncut.

    Shape:
        N x channels x H x W -> the same shape.
    """

    def __init__(self, channels: int, *, bounded: bool = False) -> None:
        super().__init__()
        self.bounded = bounded
        self.enter = conv3x3(channels, channels)
        self.leave = conv3x3(channels, channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        read = _read(features, bounded=self.bounded)
        change = self.leave(functional.relu(self.enter(read)))
        return features + cast("torch.Tensor", change)


class Coarse(nn.Module):
    """What far neighbours say: four convolutions at a quarter of the resolution, to be added.

    A 3x3 convolution there sees four times as far, for a sixteenth of the work.

    Args:
        channels: of the features.
        width: of the body.
        residual: whether the four are two `Residual` pairs; a ReLU is behind each of them if not.
        branches: whether they have their training form, `MultiBranch`; not with `residual`.

    Shape:
        N x channels x H x W, sides multiples of `REACH` -> the same shape.
    """

    def __init__(self, channels: int, width: int, *, residual: bool, branches: bool) -> None:
        super().__init__()
        layer = MultiBranch if branches else conv3x3
        self.residual = residual
        self.down = nn.Conv2d(channels, width, REACH, stride=REACH)
        self.body = nn.ModuleList(
            Residual(width) if residual else layer(width, width)
            for _ in range(2 if residual else 4)
        )
        self.up = nn.Conv2d(width, channels, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        coarse = functional.relu(self.down(features))
        for block in self.body:
            coarse = block(coarse) if self.residual else functional.relu(block(coarse))
        return functional.interpolate(self.up(coarse), scale_factor=REACH, mode="nearest")


class Student(nn.Module):
    """Same-resolution sharpener, cheap on a CPU: most work is done at a fraction of the size.

    The frame is pixel-unshuffled by `unshuffle`, goes through `depth` + 2 3x3 convolutions, is
    pixel-shuffled back, and is added to the input: the network computes only the correction.

    Plain, there is a ReLU between any two convolutions. With `residual`, they are pairs with a
    ReLU inside and an addition behind (EDSR's blocks, Lim et al. 2017, arXiv 1707.02921): the
    features keep their sign from the first convolution to the last one, and 16 channels carry the
    12 values of a 2x2 cell, which through ReLUs they do not. It costs the same and learns more.

    Args:
        channels: width of the body.
        depth: number of body convolutions.
        unshuffle: factor by which both sides shrink; input sides must be multiples of it.
        branches: whether head, body and branch have their training form, `MultiBranch`.
        residual: whether the body is made of `Residual` blocks; `depth` is even then, and there
            are no branches.
        coarse: width of a branch with more reach, `Coarse`, behind the head; 0 for none. It is
            added before the body's first pair or, plain, behind its first convolution, in front of
            the ReLU: all that 8 bits hold is positive there. Sides are multiples of `unshuffle` x
            `REACH` then.
        bounded: whether the body, the branch and the tail read the features cut to `BOUND`. It
            costs nothing, and 8 bits lose a quarter as much; only with `residual`.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> the same shape, not clamped.
    """

    def __init__(
        self,
        channels: int = 48,
        depth: int = 6,
        unshuffle: int = 4,
        *,
        branches: bool = False,
        residual: bool = False,
        coarse: int = 0,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        if bounded and not residual:
            raise UsageError("a student that is bounded is residual: add residual = true")
        if coarse and not depth:
            raise UsageError("a student with a coarse branch has a body: add depth = 1 or more")
        self._build(
            channels,
            depth,
            unshuffle,
            scale=1,
            branches=branches,
            residual=residual,
            coarse=coarse,
            bounded=bounded,
        )

    def _build(
        self,
        channels: int,
        depth: int,
        unshuffle: int,
        *,
        scale: int,
        branches: bool,
        residual: bool,
        coarse: int = 0,
        bounded: bool = False,
    ) -> None:
        if residual and (branches or depth % 2):
            raise UsageError(
                f"a residual student has an even depth and no branches, got depth {depth}"
                + (" with branches" if branches else "")
            )
        layer = MultiBranch if branches else conv3x3
        self.unshuffle = unshuffle
        self.cell = unshuffle * scale
        self.residual = residual
        self.head = layer(3 * unshuffle**2, channels)
        self.body = nn.ModuleList(
            Residual(channels, bounded=bounded) if residual else layer(channels, channels)
            for _ in range(depth // 2 if residual else depth)
        )
        self.coarse = (
            Coarse(channels, coarse, residual=residual, branches=branches) if coarse else None
        )
        self.tail = conv3x3(channels, 3 * self.cell**2)
        self.bounded = bounded
        if bounded:  # which no weight's shape would tell
            self.register_buffer("bound", torch.tensor(BOUND))
        self._initialise()

    @torch.no_grad()
    def _initialise(self) -> None:
        # PyTorch's default shrinks the signal at each ReLU: after eight layers only the biases are
        # left and training stands still (measured: loss 1.00 of doing nothing after 400 steps,
        # against 0.93 with Kaiming's and 0.92 with this start near the identity).
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.zeros_(module.bias)
        if self.residual:
            self._initialise_residual()
        else:
            self._initialise_plain()
        nn.init.normal_(self.tail.weight, std=1e-3)

    def _initialise_plain(self) -> None:
        far = () if self.coarse is None else self.coarse.body
        for block in (self.head, *self.body, *far):
            plain = block if isinstance(block, nn.Conv2d) else cast("MultiBranch", block).square
            if block is self.head:
                nn.init.kaiming_normal_(plain.weight, nonlinearity="relu")
            else:
                nn.init.normal_(plain.weight, std=0.03)
                if plain is block:  # the branches have an identity of their own
                    plain.weight.add_(nn.init.dirac_(torch.empty_like(plain.weight)))
            if isinstance(block, MultiBranch):
                nn.init.normal_(block.point.weight, std=0.03)
                nn.init.normal_(block.narrow.weight, std=0.03)
        if self.coarse is not None:  # which adds nothing at first
            nn.init.zeros_(self.coarse.up.weight)

    def _initialise_residual(self) -> None:
        # The values of a cell pass to the tail as they are, and further channels are drawn.
        head = cast("nn.Conv2d", self.head).weight
        nn.init.kaiming_normal_(head, nonlinearity="relu")
        passed = min(head.shape[:2])
        head[:passed] = nn.init.dirac_(torch.empty_like(head[:passed]))
        self._initialise_pairs(self.body)
        if self.coarse is not None:  # which adds nothing at first
            self._initialise_pairs(self.coarse.body)
            nn.init.zeros_(self.coarse.up.weight)

    @staticmethod
    def _initialise_pairs(body: nn.ModuleList) -> None:
        for block in body:
            pair = cast("Residual", block)
            nn.init.kaiming_normal_(pair.enter.weight, nonlinearity="relu")
            nn.init.kaiming_normal_(pair.leave.weight, nonlinearity="relu")
            pair.leave.weight.mul_(0.1)

    @torch.no_grad()
    def grow_from(self, smaller: Mapping[str, torch.Tensor]) -> bool:
        """Take the weights of a narrower or shallower residual student.

        What is new adds nothing at first, and learns: the network computes what the smaller one
        does (Net2Net, Chen et al. 2016, arXiv 1511.05641), but for what a bounded one cuts.

        Args:
            smaller: its state.

        Returns:
            Whether it is one; if not, nothing is changed.
        """
        try:
            shapes = {key: tuple(tensor.shape) for key, tensor in smaller.items()}
            arguments, scale = _deduce(shapes)
        except (KeyError, ValueError, ZeroDivisionError):
            return False
        width, depth, cell = arguments["channels"], arguments["depth"], arguments["unshuffle"]
        coarse = arguments.get("coarse", 0)
        state, pairs = self.state_dict(), len(self.body)
        same = (self.unshuffle, self.cell) == (cell, cell * scale)
        if not (self.residual and arguments.get("residual") and same):
            return False
        if width > len(state["head.bias"]) or depth > 2 * pairs:
            return False
        if arguments.get("bounded") and not self.bounded:
            return False
        if coarse and (self.coarse is None or coarse != self.coarse.up.in_channels):
            return False
        for key in ("head.weight", "head.bias"):
            state[key][:width] = smaller[key]
        state["tail.weight"].zero_()[:, :width] = smaller["tail.weight"]
        state["tail.bias"].copy_(smaller["tail.bias"])
        for pair in range(pairs):
            leave = f"body.{pair}.leave."
            state[f"{leave}weight"][:width] = 0
            if 2 * pair >= depth:
                continue  # a further pair adds nothing
            for part in (f"body.{pair}.enter.", leave):
                state[f"{part}weight"][:width] = 0
                state[f"{part}weight"][:width, :width] = smaller[f"{part}weight"]
                state[f"{part}bias"][:width] = smaller[f"{part}bias"]
        if coarse:
            for key in (key for key in state if key.startswith("coarse.")):
                old = smaller[key]
                state[key].zero_()[tuple(slice(side) for side in old.shape)] = old
        return True

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        return frame + self._correction(frame)

    def _correction(self, frame: torch.Tensor) -> torch.Tensor:
        cells = functional.pixel_unshuffle(frame, self.unshuffle) if self.unshuffle > 1 else frame
        features = self.head(cells)
        if self.residual:
            if self.coarse is not None:
                features = features + self.coarse(_read(features, bounded=self.bounded))
            for block in self.body:
                features = block(features)
        else:
            features = functional.relu(features)
            for number, layer in enumerate(self.body):
                total = layer(features)
                if self.coarse is not None and number == 0:
                    total = total + self.coarse(features)
                features = functional.relu(total)
        read = _read(features, bounded=self.bounded)
        return functional.pixel_shuffle(self.tail(read), self.cell)


class Upscaler(Student):
    """The same network for frames that become `scale` times larger.

    The correction is added to the bicubic upscale of the frame, which the caller brings: OpenCV
    makes it in a millisecond, a network would need several.

    Args:
        channels: width of the body.
        depth: number of body convolutions.
        unshuffle: factor by which both sides shrink first; 1 for not at all.
        scale: output sides over input sides, 2 or more.
        branches: whether head and body have their training form, `MultiBranch`.
        residual: as for `Student`.

    Shape:
        frame N x 3 x H x W and base N x 3 x scale*H x scale*W, float, RGB, 0..1 -> the shape of
        base, not clamped.
    """

    def __init__(
        self,
        channels: int = 48,
        depth: int = 6,
        unshuffle: int = 1,
        scale: int = 4,
        *,
        branches: bool = False,
        residual: bool = False,
    ) -> None:
        nn.Module.__init__(self)
        self._build(channels, depth, unshuffle, scale=scale, branches=branches, residual=residual)

    # Another signature than the student's: `convert` sees by it that there is a second input.
    def forward(  # type: ignore[override]
        self, frame: torch.Tensor, base: torch.Tensor
    ) -> torch.Tensor:
        return base + self._correction(frame)


def _deduce_student(shapes: Shapes) -> dict[str, Any]:
    arguments, scale = _deduce(shapes)
    if scale != 1:
        raise ValueError("an upscaler")
    return arguments


def _deduce_upscaler(shapes: Shapes) -> dict[str, Any]:
    arguments, scale = _deduce(shapes)
    if scale == 1:
        raise ValueError("a student")
    return {**arguments, "scale": scale}


def _deduce(shapes: Shapes) -> tuple[dict[str, Any], int]:
    branches = "head.square.weight" in shapes
    channels, packed = shapes["head.square.weight" if branches else "head.weight"][:2]
    unshuffle, cell = isqrt(packed // 3), isqrt(shapes["tail.weight"][0] // 3)
    residual = "body.0.enter.weight" in shapes
    depth = count(shapes, "body.") * (2 if residual else 1)
    arguments = {"channels": channels, "depth": depth, "unshuffle": unshuffle}
    if branches or residual:
        arguments["branches" if branches else "residual"] = True
    if "coarse.up.weight" in shapes:
        arguments["coarse"] = shapes["coarse.up.weight"][1]
    if "bound" in shapes:
        arguments["bounded"] = True
    return arguments, cell // unshuffle


STUDENT = Architecture(
    name="student",
    network=Student,
    telltale=("tail.weight", "tail.bias"),
    deduce=_deduce_student,
)
UPSCALER = Architecture(
    name="upscaler",
    network=Upscaler,
    telltale=("tail.weight", "tail.bias"),
    deduce=_deduce_upscaler,
)
