"""Puts uint8 frames into and out of a float network, as `coding.py` defines it in numpy."""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.convert.body import Body, Layout
from ovsharp.convert.coding import LUMA, Coding, Values
from ovsharp.convert.deploy import rounded, shuffled_output, unshuffled_input
from ovsharp.convert.fold import fold_input, fold_output_colours
from ovsharp.convert.graph import redirect
from ovsharp.convert.shuffle import Shuffle, find_shuffle, find_unshuffle

_NHWC_TO_NCHW = [0, 3, 1, 2]
_NCHW_TO_NHWC = [0, 2, 3, 1]


def with_frames(
    body: Body, coding: Coding, *, packed: bool = True
) -> tuple[ov.Model, tuple[str, ...]]:
    """Build the model that takes and gives frames.

    The output is rounded half to even and clamped to 0..255; it never wraps. OpenVINO's own
    PrePostProcessor converts to u8 by truncation modulo 256: 300 becomes 44.

    Args:
        body: the float network; not changed.
        coding: how it reads and writes pictures.
        packed: whether to bring the ends into the form of `deploy.py` where that applies.

    Returns:
        The model, inputs `frame` and, where needed, `base`, output `sharp`, all uint8
        [1, H, W, 3] BGR; and what was folded into the network's own weights.
    """
    core = body.model.clone()
    picture = core.get_parameters()[0]
    swap = coding.colour == "rgb"
    folded = []
    divisor, offset = coding.input_affine()
    swap_output = swap
    height, width = body.size or (-1, -1)
    frame = _frame_input("frame", height, width)
    inputs, base = [frame], frame
    if takes_base(body):
        big = (side if side == -1 else side * body.scale for side in (height, width))
        base = _frame_input("base", *big)
        inputs.append(base)
    unshuffle, shuffle = _packed(core, body, coding) if packed else (None, None)
    coded = (divisor, offset, swap)
    if unshuffle is not None:
        unshuffled_input(frame, unshuffle, divisor, swap=swap)
        folded.append("pixel-unshuffle, colour order and scale into the first convolution")
    elif body.channels == 3 and fold_input(picture, divisor, offset, swap=swap):
        coded = (np.ones(3, np.float32), np.zeros(3, np.float32), False)
        folded.append("colour order and scale into the first convolution")
    if shuffle is None and swap and fold_output_colours(core):
        swap_output = False
        folded.append("colour order into the last convolution")
    if unshuffle is None:
        core.validate_nodes_and_infer_types()

    redirect(picture.output(0), _encoded(frame, body, *coded).output(0))
    if body.base:
        encoded = _encoded(base, body, divisor, offset, swap)
        redirect(core.get_parameters()[1].output(0), encoded.output(0))

    if shuffle is not None:
        factor, _ = coding.output_affine()
        added, scale = (base, 1) if body.base else (frame, body.scale)
        sharp = shuffled_output(added, shuffle, factor, scale=scale, swap=swap)
        how = "in one move" if shuffle.skip else "on bytes"
        folded.append(f"pixel-shuffle {how}, colour order and scale into the last convolution")
        if shuffle.skip:
            folded.append(f"skip added to the {'base' if body.base else 'frame'}'s own bytes")
    else:
        answer = core.get_results()[0].input_value(0)
        levels = _decoded(answer, body.output_layout, coding, reverse=swap and not swap_output)
        if body.channels == 1:
            levels = _with_luma(base, levels, body.output_layout)
        sharp = rounded(levels)
        if body.channels == 3 and body.output_layout == "NCHW":
            sharp = ops.transpose(sharp, ops.constant(_NCHW_TO_NHWC))
        if swap_output:
            sharp = _swapped(sharp, axis=3)
    result = ops.result(sharp)
    result.output(0).set_names({"sharp"})
    model = ov.Model([result], inputs, "ovsharp")
    model.validate_nodes_and_infer_types()
    return model, tuple(folded)


def _packed(core: ov.Model, body: Body, coding: Coding) -> tuple[Shuffle | None, Shuffle | None]:
    """Find what `deploy.py` can rewrite at either end without changing a result."""
    picture = core.get_parameters()[0]
    divisor, offset = coding.input_affine()
    factor, output_offset = coding.output_affine()
    layouts = {body.input_layout, body.output_layout}
    if body.channels != 3 or layouts != {"NCHW"}:
        return None, None
    # The zeros of a convolution's padding must be black on both sides of the rewriting.
    unshuffle = None if np.any(offset != 0) else find_unshuffle(picture)
    added = core.get_parameters()[-1]
    shuffle = find_shuffle(core, added) if coding.output_range == (0.0, 1.0) else None
    if np.any(output_offset != 0) or (shuffle and shuffle.skip and np.any(factor != divisor)):
        shuffle = None
    if unshuffle and shuffle and unshuffle.name == shuffle.name:
        return None, None
    return unshuffle, shuffle


def takes_base(body: Body) -> bool:
    """Whether the model with frames needs the bicubic upscale: for the network, or for chroma."""
    return body.base or (body.channels == 1 and body.scale > 1)


def _frame_input(name: str, height: int, width: int) -> ov.op.Parameter:
    parameter = ops.parameter([1, height, width, 3], ov.Type.u8, name=name)
    parameter.output(0).set_names({name})
    return parameter


def _encoded(frame: ov.Node, body: Body, divisor: Values, offset: Values, swap: bool) -> ov.Node:
    """Frame -> what the network takes. Bytes are moved while they are bytes."""
    nchw = body.input_layout == "NCHW"
    if body.channels == 1:
        value = _luma(frame)
        if not nchw:
            # One channel: the same bytes in both layouts.
            value = ops.transpose(value, ops.constant(_NCHW_TO_NHWC))
    else:
        levels = _swapped(frame, axis=3) if swap else frame
        if nchw:
            levels = ops.transpose(levels, ops.constant(_NHWC_TO_NCHW))
        value = ops.convert(levels, ov.Type.f32)
    # Divided, not multiplied by 1/255: 255 survives the rounding of constants to FP16.
    if np.any(divisor != 1):
        value = ops.divide(value, _per_channel(divisor, body.input_layout))
    if np.any(offset != 0):
        value = ops.add(value, _per_channel(offset, body.input_layout))
    return value


def _decoded(answer: ov.Output, layout: Layout, coding: Coding, *, reverse: bool) -> ov.Node:
    """What the network gives -> levels; `reverse` if its channels were brought into BGR order."""
    factor, offset = coding.output_affine()
    if reverse:
        factor, offset = factor[::-1], offset[::-1]
    value = answer
    if np.any(offset != 0):
        value = ops.subtract(value, _per_channel(offset, layout))
    return ops.multiply(value, _per_channel(factor, layout))


def _with_luma(base: ov.Node, luma: ov.Node, layout: Layout) -> ov.Node:
    """Swap the luma of the base; why adding the difference does it: see `Coding.decode`."""
    if layout == "NHWC":
        luma = ops.transpose(luma, ops.constant(_NHWC_TO_NCHW))
    change = ops.transpose(ops.subtract(luma, _luma(base)), ops.constant(_NCHW_TO_NHWC))
    return ops.add(ops.convert(base, ov.Type.f32), change)


def _luma(frame: ov.Node) -> ov.Node:
    """N x H x W x 3, uint8, BGR -> N x 1 x H x W, 0..255.

    As a 1x1 convolution, which reads the frame where it lies: three times as fast as a weighted
    sum over the last axis (1080p, CPU).
    """
    levels = ops.convert(ops.transpose(frame, ops.constant(_NHWC_TO_NCHW)), ov.Type.f32)
    weights = ops.constant(LUMA.reshape(1, 3, 1, 1))
    return ops.convolution(levels, weights, [1, 1], [0, 0], [0, 0], [1, 1])


def _per_channel(values: Values, layout: Layout) -> ov.Node:
    if np.all(values == values[0]):
        return ops.constant(np.float32(values[0]))
    shape = (1, -1, 1, 1) if layout == "NCHW" else (1, 1, 1, -1)
    return ops.constant(values.reshape(shape))


def _swapped(node: ov.Node, axis: int) -> ov.Node:
    return ops.gather(node, ops.constant([2, 1, 0]), ops.constant(axis))
