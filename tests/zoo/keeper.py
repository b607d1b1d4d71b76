"""Trains a network of the zoo a little, and takes it from a checkpoint to INT8."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ovsharp.calibration import LimitError, Quantized, quantize
from ovsharp.convert import Options, convert
from ovsharp.engine import compile_frames, resolve_execution
from ovsharp.errors import OvsharpError
from ovsharp.measuring import prepare_request
from ovsharp.reports import Size
from tests.photos import photos
from tests.zoo import networks
from tests.zoo.networks import Zoo, scale_of

STEPS = 60
SIZE = Size.parse("180x320")
"""Of the output that the speed is measured at."""
ROUNDS = 21
"""Frames of each; the first is not counted."""


@dataclass(frozen=True)
class Row:
    """What became of a network."""

    name: str
    parameters: int
    parity: float = float("nan")
    """Largest difference between PyTorch and the FP32 file, white = 1."""
    folded: str = ""
    """What conversion moved into the network's own weights."""
    drop: float | None = None
    """In SSIM; None where there is no INT8 model."""
    layers_back: int = 0
    execution: str = ""
    seconds: float = 0.0
    """Of a processor, for all of it."""
    speed: float = 0.0
    """How many times less of a processor a frame takes in INT8 than the parent does in f32."""
    reason: str = ""
    """Why it was refused, or what forbids INT8."""


def trained(name: str) -> Zoo:
    """Teach a network for a second to undo a blur, or to enlarge: weights like real ones."""
    torch.manual_seed(0)
    network = Zoo(name)
    scale = scale_of(network.made)
    sharp = torch.stack(
        [torch.from_numpy(one[:96, :96, ::-1].copy()).permute(2, 0, 1) for one in photos(8)]
    )
    truth = sharp.float() / 255
    small = functional.avg_pool2d(truth, max(2, scale))
    given = functional.interpolate(small, scale_factor=2, mode="bilinear") if scale == 1 else small
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    random = np.random.default_rng(0)
    side = min(24, given.shape[2] // 2)
    network.train()
    for _ in range(STEPS):
        top, left = (int(random.integers(given.shape[2] - side)) for _ in range(2))
        which = random.permutation(8)[:4]
        patch = given[which, :, top : top + side, left : left + side]
        wanted = truth[
            which, :, top * scale : (top + side) * scale, left * scale : (left + side) * scale
        ]
        loss = functional.l1_loss(network(patch), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def take_through(name: str, data: Path, folder: Path) -> Row:
    """Convert, quantize and time one network.

    Args:
        name: in `NETWORKS`.
        data: photos to calibrate on.
        folder: to write to.
    """
    start = time.process_time()
    network = trained(name)
    parameters = sum(one.numel() for one in network.parameters())
    source = folder / f"{name}.pth"
    torch.save(network.state_dict(), source)
    scale = scale_of(network.made)
    options = Options(
        architecture=f"{networks.__file__}:Zoo",
        arguments={"name": name},
        degradation="gla" if scale == 1 else f"x{scale}",
    )
    try:
        made = convert(source, folder, storages=["fp32"], options=options)
    except OvsharpError as error:
        return Row(name, parameters, reason=str(error))
    converted = {
        "parity": made.spec.parity["ir-torch"],
        "folded": dict(made.report)["folded"],
    }
    try:
        done = quantize(folder / f"{made.spec.file_stem}.xml", data, subset=16)
    except LimitError as error:
        return Row(name, parameters, **converted, reason=str(error))
    return Row(
        name,
        parameters,
        **converted,
        drop=done.quantization.ssim_drop,
        layers_back=len(done.quantization.float_layers),
        execution=done.execution.label,
        seconds=time.process_time() - start,
        speed=faster(done),
    )


def faster(done: Quantized) -> float:
    """Run parent and result in turns; processor time, which other programs hardly stretch."""
    variants = (
        (done.parent, resolve_execution("CPU", "fp32", "f32")),
        (done.model, done.execution),
    )
    height, width = SIZE.padded(done.spec)
    requests = [
        prepare_request(compile_frames(model, done.spec, height, width, execution=how, threads=1))
        for model, how in variants
    ]
    taken: list[list[float]] = [[] for _ in requests]
    for _ in range(ROUNDS):
        for request, seconds in zip(requests, taken, strict=True):
            start = time.process_time()
            request.infer()
            seconds.append(time.process_time() - start)
    before, after = (statistics.median(seconds[1:]) for seconds in taken)
    return before / after
