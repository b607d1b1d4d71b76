"""The packed form computes what the network computes, however the network is written."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.convert.parity import compare, levels_of
from ovsharp.convert.probe import random_frames
from ovsharp.passes.body import Body
from ovsharp.passes.coding import Coding
from ovsharp.passes.deploy import rounded
from ovsharp.passes.exact import Runner
from ovsharp.passes.frames import with_frames
from tests.convert import drawn

CODINGS = [Coding(), Coding(colour="bgr", std=(0.5, 1.0, 1.5), normalised_output=True)]
"""The second one has another factor for each colour."""


def chain(node: ov.Node, sides: list[int], order: list[int], result: list[int]) -> ov.Node:
    """Reshape, Transpose, Reshape with the batch and the last two sides left to be inferred."""
    parts = ops.reshape(node, ops.constant(sides), special_zero=True)
    return ops.reshape(ops.transpose(parts, ops.constant(order)), ops.constant(result), True)


def by_reshape(node: ov.Node) -> ov.Node:
    """Pixel-unshuffle of a 16 x 24 picture, channels in the order column, row, colour."""
    return chain(node, [1, 3, 8, 2, 12, 2], [0, 5, 3, 1, 2, 4], [1, 12, 8, 12])


UNSHUFFLES = {
    "depth first": lambda node: ops.space_to_depth(node, "depth_first", 2),
    "blocks first": lambda node: ops.space_to_depth(node, "blocks_first", 2),
}


def packed(unshuffle: str, shuffle: str, *, skip: bool, gain: float = 0.02) -> drawn.Draw:
    def draw(picture: ov.Node) -> ov.Node:
        node = ops.relu(drawn.convolution(UNSHUFFLES[unshuffle](picture), 12, 16, seed=1))
        node = drawn.convolution(node, 16, 12, seed=2, gain=gain)
        node = ops.depth_to_space(node, shuffle, 2)
        return ops.add(picture, node) if skip else node

    return draw


def strides(model: ov.Model) -> list[list[int]]:
    return [
        list(node.get_attributes()["strides"])
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Convolution"
    ]


def moved_types(model: ov.Model) -> set[str]:
    """Element types of all that is transposed behind the first convolution."""
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    rest = model.get_ordered_ops()[kinds.index("Convolution") :]
    moved = [node for node in rest if node.get_type_name() in ("Transpose", "DepthToSpace")]
    return {
        node.input_value(0).get_element_type().get_type_name()
        for node in moved
        if node.output(0).partial_shape.rank.get_length() == 5
    }


def difference(
    model: ov.Model, body: Body, coding: Coding = CODINGS[0], size: tuple[int, int] = (16, 24)
) -> float:
    """The largest difference of a packed model from its network, white = 1."""
    reference = levels_of(body.network, body, coding)
    return compare(model, reference, [random_frames(*size, seed=1)], body.scale).difference


@pytest.mark.parametrize("coding", CODINGS, ids=["rgb", "bgr, std"])
@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("shuffle", ["depth_first", "blocks_first"])
@pytest.mark.parametrize("unshuffle", UNSHUFFLES)
def test_the_packed_form_computes_the_same(
    unshuffle: str, shuffle: str, skip: bool, coding: Coding
) -> None:
    gain = 0.02 if skip else 1
    body = drawn.settled(drawn.float_model(packed(unshuffle, shuffle, skip=skip, gain=gain)))
    model, folded = with_frames(body, coding)

    assert strides(model)[0] == [2, 1], folded
    assert moved_types(model) == {"f32" if skip else "u8"}
    frames = [random_frames(16, 24, seed=1), random_frames(6, 2, seed=2)]
    parity = compare(model, levels_of(body.network, body, coding), frames, 1)
    assert parity.difference < 1e-5
    assert parity.levels <= 1


ENDS = {
    "clamp": lambda node: ops.clamp(node, 0, 1),
    "torch.clamp": lambda node: ops.minimum(
        ops.constant(np.float32(1)), ops.maximum(ops.constant(np.float32(0)), node)
    ),
    "minimum first": lambda node: ops.maximum(
        ops.minimum(node, ops.constant(np.float32(1))), ops.constant(np.float32(0))
    ),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("behind", [True, False])
def test_a_clamp_and_a_factor_are_folded_however_they_are_written(end: str, behind: bool) -> None:
    tenth = ops.constant(np.float32(0.1))

    def draw(picture: ov.Node) -> ov.Node:
        node = ops.relu(drawn.convolution(UNSHUFFLES["depth first"](picture), 12, 16, seed=1))
        node = drawn.convolution(node, 16, 12, seed=2)
        if behind:
            node = ops.multiply(ops.depth_to_space(node, "depth_first", 2), tenth)
        else:
            node = ops.depth_to_space(ops.multiply(tenth, node), "depth_first", 2)
        return ENDS[end](ops.add(picture, node))

    body = drawn.settled(drawn.float_model(draw))
    model, folded = with_frames(body, Coding())

    assert "skip added to the frame's own bytes" in folded
    frames = [random_frames(16, 24, seed=1), np.full((1, 6, 4, 3), 255, np.uint8)]
    parity = compare(model, levels_of(body.network, body, Coding()), frames, 1)
    assert parity.difference < 1e-5
    assert parity.levels <= 1


def test_a_kernel_that_is_wider_than_high_keeps_its_padding() -> None:
    def draw(picture: ov.Node) -> ov.Node:
        node = ops.space_to_depth(picture, "depth_first", 2)
        wide = drawn.weights(16, 12, 3, 5, seed=1)
        node = ops.relu(ops.convolution(node, wide, [1, 1], [1, 2], [1, 2], [1, 1]))
        node = drawn.convolution(node, 16, 12, seed=2, gain=0.02)
        return ops.add(picture, ops.depth_to_space(node, "depth_first", 2))

    body = drawn.settled(drawn.float_model(draw))
    model, _ = with_frames(body, Coding())

    assert strides(model)[0] == [2, 1]
    assert difference(model, body) < 1e-5


def test_the_correction_of_an_upscaler_is_added_to_its_base() -> None:
    small = ops.parameter([1, 3, -1, -1], np.float32, name="small")
    large = ops.parameter([1, 3, -1, -1], np.float32, name="large")
    detail = drawn.convolution(small, 3, 12, seed=1, gain=0.02)
    answer = ops.add(large, ops.depth_to_space(detail, "depth_first", 2))
    body = drawn.settled(ov.Model([answer], [small, large], "upscaler"))
    model, folded = with_frames(body, Coding())

    assert "skip added to the base's own bytes" in folded
    assert difference(model, body, size=(10, 14)) < 1e-5


def test_an_upscaler_that_draws_the_picture_anew_gives_it_larger() -> None:
    body = drawn.settled(drawn.float_model(drawn.enlarging("depth_first")))
    model, folded = with_frames(body, Coding())

    assert any("on bytes" in text for text in folded)
    assert difference(model, body, size=(10, 14)) < 1e-5


def test_other_bounds_are_not_taken_for_black_and_white() -> None:
    def draw(picture: ov.Node) -> ov.Node:
        return ops.clamp(packed("depth first", "depth_first", skip=True)(picture), 0.1, 1)

    _, folded = with_frames(drawn.settled(drawn.float_model(draw)), Coding())
    assert not any("last convolution" in text for text in folded)


def test_an_unshuffle_written_as_reshapes_of_one_size_is_recognised() -> None:
    def draw(picture: ov.Node) -> ov.Node:
        node = drawn.convolution(by_reshape(picture), 12, 12, seed=1)
        return ops.depth_to_space(drawn.convolution(node, 12, 12, seed=2), "depth_first", 2)

    body = drawn.settled(drawn.float_model(draw, shape=(1, 3, 16, 24)))
    model, folded = with_frames(body, Coding())

    assert strides(model)[0] == [2, 1], folded
    assert difference(model, body) < 1e-5


def test_a_rearrangement_that_is_no_unshuffle_is_left_alone() -> None:
    def swapped_sides(picture: ov.Node) -> ov.Node:
        turned = ops.transpose(picture, ops.constant([0, 1, 3, 2]))
        node = drawn.convolution(ops.space_to_depth(turned, "depth_first", 2), 12, 12, seed=1)
        back = ops.depth_to_space(drawn.convolution(node, 12, 12, seed=2), "depth_first", 2)
        return ops.transpose(back, ops.constant([0, 1, 3, 2]))

    body = drawn.settled(drawn.float_model(swapped_sides))
    model, _ = with_frames(body, Coding())

    assert strides(model)[0] == [1, 1]
    assert difference(model, body) < 1e-4


def test_a_skip_in_another_range_is_not_added_to_bytes() -> None:
    body = drawn.settled(drawn.float_model(packed("depth first", "depth_first", skip=True)))
    coding = Coding(value_range=(0.0, 2.0))
    model, folded = with_frames(body, coding)

    assert not any("skip" in text for text in folded)
    assert difference(model, body, coding) < 1e-5


def test_the_frame_passes_through_exactly_where_the_correction_is_nothing() -> None:
    body = drawn.settled(
        drawn.float_model(packed("depth first", "depth_first", skip=True, gain=1e-6))
    )
    model, _ = with_frames(body, Coding())
    # The bias of the drawn convolution is the whole correction: the same for all pixels.
    frames = np.full((1, 8, 8, 3), 128, np.uint8)
    reference = levels_of(body.network, body, Coding())
    assert compare(model, reference, [frames], 1).levels == 0


def test_a_constant_added_to_each_pixel_is_no_bias() -> None:
    def draw(picture: ov.Node) -> ov.Node:
        node = ops.relu(drawn.convolution(ops.space_to_depth(picture, "depth_first", 2), 12, 16))
        plane = np.linspace(0, 0.1, 12 * 8 * 12, dtype=np.float32).reshape(1, 12, 8, 12)
        node = ops.convolution(node, drawn.weights(12, 16, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
        return ops.depth_to_space(ops.add(node, ops.constant(plane)), "depth_first", 2)

    body = drawn.settled(drawn.float_model(draw, shape=(1, 3, 16, 24)))
    model, folded = with_frames(body, Coding())

    assert not any("pixel-shuffle" in text for text in folded)
    assert difference(model, body) < 1e-5


@pytest.mark.parametrize("clamps", [True, False])
def test_levels_are_rounded_half_to_even_and_clamped(clamps: bool) -> None:
    levels = ops.parameter([8], np.float32)
    model = ov.Model([rounded(levels, clamps=clamps)], [levels])
    given = np.float32([-300, -0.6, 0.4, 0.6, 1.5, 2.5, 254.6, 555])
    assert Runner(model)([given]).tolist() == [0, 0, 0, 1, 2, 2, 255, 255]
