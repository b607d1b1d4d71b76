"""The form of a packed network that a CPU runs fastest: the same numbers, fewer bytes moved.

A network that works on a pixel-unshuffled picture spends as long on moving bytes as on its
convolutions when it is run as it is written. In this form the bytes of a frame stay where they
are or move once:

- A frame [1, H, W, 3] *reshaped* to [1, H, W/r, 3r] is already unshuffled horizontally. A first
  convolution with a stride of r rows does the rest; colour order and scale go into its weights.
- The last convolution gives its channels in the order row, column, colour. In channels-last
  layout, which the convolutions use anyway, the pixel-shuffle is then one permutation of runs of
  3r bytes.
- A global skip is added behind that permutation, to the untouched frame, or to the bicubic base of
  an upscaling network: flat areas stay exact. The correction moves in floating point and the sum is
  rounded once. As signed bytes it would cost the same (1080p, 2 cores: 21.6 ms and 21.4), and
  corrections over 127 levels would be cut. A network without a skip moves its picture as bytes.
"""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.passes.coding import Values
from ovsharp.passes.draft import Draft
from ovsharp.passes.graph import constant_values, redirect
from ovsharp.passes.shuffle import Shuffle, find_shuffle, find_unshuffle

ROUNDING = "rounding"
"""Start of the names of the nodes that turn levels into bytes, for those who want the levels."""

_BGR = (2, 1, 0)


def find_ends(draft: Draft) -> Draft:
    """Find what can be rewritten at either end without changing a result."""
    factor, output_offset = draft.coding.output_affine()
    if draft.body.channels != 3:
        return draft
    # The zeros of a convolution's padding must be black on both sides of the rewriting.
    unshuffle = None if np.any(draft.offset) else find_unshuffle(draft.picture)
    shuffle = None
    if draft.coding.output_range == (0.0, 1.0) and not np.any(output_offset):
        shuffle = find_shuffle(draft.core, draft.core.get_parameters()[-1])
    if shuffle and shuffle.skip and np.any(factor != draft.divisor):
        shuffle = None
    if unshuffle and shuffle and unshuffle.name == shuffle.name:
        return draft
    return draft.after(unshuffle=unshuffle, shuffle=shuffle)


def unshuffle_input(draft: Draft) -> Draft:
    """Let the first convolution read the frame itself."""
    if draft.unshuffle is None:
        return draft
    _unshuffled(draft.frame, draft.unshuffle, draft.divisor, swap=draft.swap)
    return draft.after("pixel-unshuffle, colour order and scale into the first convolution")


def shuffle_output(draft: Draft) -> Draft:
    """Let the last convolution give the frame, or its correction, in the order of its bytes."""
    shuffle, body = draft.shuffle, draft.body
    if shuffle is None:
        return draft
    factor, _ = draft.coding.output_affine()
    added, scale = (draft.base, 1) if body.base else (draft.frame, body.scale)
    sharp = _shuffled(added, shuffle, factor, scale=scale, swap=draft.swap_output)
    how = "in one move" if shuffle.skip else "on bytes"
    what = [f"pixel-shuffle {how}, colour order and scale into the last convolution"]
    if shuffle.skip:
        what.append(f"skip added to the {'base' if body.base else 'frame'}'s own bytes")
    return draft.after(*what, sharp=sharp)


def _unshuffled(frame: ov.Node, shuffle: Shuffle, divisor: Values, *, swap: bool) -> None:
    """Put a convolution of the frame in the place of the first one."""
    node, factor = shuffle.convolution, shuffle.factor
    weights = constant_values(node, 1)
    outputs, _, rows, columns = weights.shape
    packed = np.zeros((outputs, factor, 3, rows, factor, columns), np.float32)
    for channel, (colour, row, column) in enumerate(shuffle.order):
        place = _BGR[colour] if swap else colour
        packed[:, column, place, :, row, :] = weights[:, channel] / divisor[colour]
    attributes = node.get_attributes()
    pads = [attributes[key] for key in ("pads_begin", "pads_end")]
    convolution = ops.convolution(
        _float_nchw(ops.reshape(frame, ops.constant([0, 0, -1, 3 * factor]), special_zero=True)),
        ops.constant(packed.reshape(outputs, 3 * factor, rows * factor, columns)),
        [attributes["strides"][0] * factor, attributes["strides"][1]],
        *([pad[0] * factor, pad[1]] for pad in pads),
        [1, 1],
    )
    convolution.set_friendly_name(node.get_friendly_name())
    redirect(node.output(0), convolution.output(0))


def _shuffled(
    frame: ov.Node, shuffle: Shuffle, factor: Values, *, scale: int, swap: bool
) -> ov.Node:
    """Give the frame that the last convolution makes.

    Args:
        frame: uint8 [1, H, W, 3], BGR: what is added, if there is a skip.
        shuffle: what `find_shuffle` found.
        factor: level = value * factor, per channel in the network's order.
        scale: sides of the result over those of `frame`.
        swap: whether the network gives RGB.

    Returns:
        uint8 [1, H * scale, W * scale, 3], BGR.
    """
    side = shuffle.factor
    place = {
        (row, column, _BGR[colour] if swap else colour): channel
        for channel, (colour, row, column) in enumerate(shuffle.order)
    }
    order = [place[key] for key in sorted(place)]
    factors = np.array([factor[shuffle.order[channel][0]] for channel in order], np.float32)
    factors *= np.float32(shuffle.gain)
    node = shuffle.convolution
    weights = constant_values(node, 1)[order] * factors.reshape(-1, 1, 1, 1)
    attributes = node.get_attributes()
    levels = ops.convolution(
        node.input_value(0),
        ops.constant(np.ascontiguousarray(weights)),
        *(attributes[key] for key in ("strides", "pads_begin", "pads_end", "dilations")),
    )
    levels.set_friendly_name(node.get_friendly_name())
    if shuffle.bias is not None:
        bias = constant_values(shuffle.bias, 1)[:, order]
        levels = ops.add(levels, ops.constant(bias * factors.reshape(1, -1, 1, 1)))
    moved = levels if shuffle.skip else rounded(levels, clamps=shuffle.clamps)
    cells = ops.transpose(moved, ops.constant([0, 2, 3, 1]))
    cells = ops.reshape(cells, ops.constant([0, 0, 0, side, 3 * side]), special_zero=True)
    size = ops.shape_of(frame)
    if scale > 1:
        size = ops.multiply(size, ops.constant([1, scale, scale, 1]))
    lines = ops.transpose(cells, ops.constant([0, 1, 3, 2, 4]))
    pixels = ops.reshape(lines, size, special_zero=False)
    if not shuffle.skip:
        return pixels
    return rounded(ops.add(ops.convert(frame, ov.Type.f32), pixels), clamps=shuffle.clamps)


def rounded(levels: ov.Node, *, clamps: bool = False) -> ov.Node:
    """Round half to even, clamp to 0..255, convert to uint8.

    OpenVINO's own conversion truncates and wraps: 254.6 becomes 254 and 300 becomes 44.

    Args:
        levels: of a picture.
        clamps: whether the network clamps by itself: then its levels are clamped, too.
    """
    if clamps:
        levels = ops.clamp(levels, 0, 255)
    nodes = [ops.round(levels, "half_to_even")]
    if not clamps:
        nodes.append(ops.clamp(nodes[-1], 0, 255))
    nodes.append(ops.convert(nodes[-1], ov.Type.u8))
    for node in nodes:
        node.set_friendly_name(f"{ROUNDING}/{node.get_friendly_name()}")
    return nodes[-1]


def _float_nchw(nhwc: ov.Node) -> ov.Node:
    return ops.convert(ops.transpose(nhwc, ops.constant([0, 3, 1, 2])), ov.Type.f32)
