"""Puts uint8 frames into and out of a float network, as `coding.py` defines it in numpy."""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.passes.body import Body
from ovsharp.passes.coding import LUMA, Coding, Values
from ovsharp.passes.deploy import find_ends, rounded, shuffle_output, unshuffle_input
from ovsharp.passes.draft import Draft
from ovsharp.passes.fold import fold_input, fold_output
from ovsharp.passes.graph import redirect

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
    draft = _begun(body, coding)
    for step in PASSES:
        if packed or step is not find_ends:
            draft = step(draft)
    inputs = [draft.frame, draft.base] if body.needs_base else [draft.frame]
    result = ops.result(draft.sharp)
    result.output(0).set_names({"sharp"})
    model = ov.Model([result], inputs, "ovsharp")
    model.validate_nodes_and_infer_types()
    return model, draft.done


def _begun(body: Body, coding: Coding) -> Draft:
    height, width = body.size or (-1, -1)
    frame = base = _frame_input("frame", height, width)
    if body.needs_base:
        base = _frame_input(
            "base", *(side if side < 0 else side * body.scale for side in (height, width))
        )
    divisor, offset = coding.input_affine()
    swap = coding.colour == "rgb"
    return Draft(body, coding, body.model.clone(), frame, base, divisor, offset, swap, swap)


def encode(draft: Draft) -> Draft:
    """Let the core read frames, coded as far as that is still to be done."""
    if draft.unshuffle is None:
        draft.core.validate_nodes_and_infer_types()
    luma = draft.body.channels == 1
    picture = _encoded(draft.frame, draft.divisor, draft.offset, swap=draft.swap, luma=luma)
    redirect(draft.picture.output(0), picture.output(0))
    if draft.body.base:
        divisor, offset = draft.coding.input_affine()
        swap = draft.coding.colour == "rgb"
        base = _encoded(draft.base, divisor, offset, swap=swap, luma=luma)
        redirect(draft.core.get_parameters()[1].output(0), base.output(0))
    return draft


def decode(draft: Draft) -> Draft:
    """Make a frame of the core's answer, where no earlier pass has."""
    if draft.sharp is not None:
        return draft
    answer = draft.core.get_results()[0].input_value(0)
    folded = draft.coding.colour == "rgb" and not draft.swap_output
    levels = _decoded(answer, draft.coding, reverse=folded)
    if draft.body.channels == 1:
        sharp = rounded(_with_luma(draft.base, levels))
    else:
        sharp = ops.transpose(rounded(levels), ops.constant(_NCHW_TO_NHWC))
    if draft.swap_output:
        sharp = _swapped(sharp, axis=3)
    return draft.after(sharp=sharp)


PASSES = (
    find_ends,
    unshuffle_input,
    fold_input,
    fold_output,
    encode,
    shuffle_output,
    decode,
)
"""In their order; each takes a draft and gives one. What `find_ends` leaves, nobody packs."""


def _frame_input(name: str, height: int, width: int) -> ov.op.Parameter:
    parameter = ops.parameter([1, height, width, 3], ov.Type.u8, name=name)
    parameter.output(0).set_names({name})
    return parameter


def _encoded(frame: ov.Node, divisor: Values, offset: Values, *, swap: bool, luma: bool) -> ov.Node:
    """Frame -> what the network takes. Bytes are moved while they are bytes."""
    if luma:
        value = _luma(frame)
    else:
        levels = _swapped(frame, axis=3) if swap else frame
        value = ops.convert(ops.transpose(levels, ops.constant(_NHWC_TO_NCHW)), ov.Type.f32)
    # Divided, not multiplied by 1/255: 255 survives the rounding of constants to FP16.
    if np.any(divisor != 1):
        value = ops.divide(value, _per_channel(divisor))
    if np.any(offset != 0):
        value = ops.add(value, _per_channel(offset))
    return value


def _decoded(answer: ov.Output, coding: Coding, *, reverse: bool) -> ov.Node:
    """What the network gives -> levels; `reverse` if its channels were brought into BGR order."""
    factor, offset = coding.output_affine()
    if reverse:
        factor, offset = factor[::-1], offset[::-1]
    value = answer
    if np.any(offset != 0):
        value = ops.subtract(value, _per_channel(offset))
    return ops.multiply(value, _per_channel(factor))


def _with_luma(base: ov.Node, luma: ov.Node) -> ov.Node:
    """Swap the luma of the base; why adding the difference does it: see `Coding.decode`."""
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


def _per_channel(values: Values) -> ov.Node:
    if np.all(values == values[0]):
        return ops.constant(np.float32(values[0]))
    return ops.constant(values.reshape(1, -1, 1, 1))


def _swapped(node: ov.Node, axis: int) -> ov.Node:
    return ops.gather(node, ops.constant([2, 1, 0]), ops.constant(axis))
