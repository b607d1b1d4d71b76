import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.convert.parity import compare, levels_of
from ovsharp.convert.probe import random_frames
from ovsharp.passes.coding import Coding
from ovsharp.passes.exact import Runner
from ovsharp.passes.frames import with_frames
from tests.convert import drawn

CODINGS = [
    Coding(),
    Coding(colour="bgr"),
    Coding(value_range=(-1.0, 1.0), output_range=(0.0, 1.0)),
    Coding(value_range=(0.0, 255.0), output_range=(-1.0, 1.0)),
    Coding(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), normalised_output=True),
]
DRAWN = {
    "plain": drawn.plain,
    "residual": drawn.residual,
    "depth first": drawn.enlarging("depth_first"),
    "blocks first": drawn.enlarging("blocks_first"),
}


def kinds(model: ov.Model) -> list[str]:
    return [node.get_type_name() for node in model.get_ops()]


@pytest.mark.parametrize("coding", CODINGS, ids=repr)
@pytest.mark.parametrize("name", DRAWN)
def test_the_graph_computes_what_the_definition_in_numpy_says(name: str, coding: Coding) -> None:
    body = drawn.settled(drawn.float_model(DRAWN[name]))
    model, _ = with_frames(body, coding)

    frames = [random_frames(16, 24, seed=1), random_frames(21, 13, seed=2)]
    parity = compare(model, levels_of(body.network, body, coding), frames, body.scale)

    assert parity.difference < 1e-4
    assert parity.levels <= 1
    assert parity.share < 1e-3


def test_a_network_of_luma_in_nhwc_computes_what_the_definition_says() -> None:
    def draw(picture: ov.Node) -> ov.Node:
        nchw = ops.transpose(picture, ops.constant([0, 3, 1, 2]))
        node = ops.depth_to_space(
            drawn.convolution(nchw, 1, 4, kernel=5, seed=3), "blocks_first", 2
        )
        return ops.transpose(node, ops.constant([0, 2, 3, 1]))

    body = drawn.settled(drawn.float_model(draw, shape=(-1, -1, -1, 1)))
    coding = Coding(colour="luma")
    model, _ = with_frames(body, coding)

    assert body.channels == 1
    assert [port.any_name for port in model.inputs] == ["frame", "base"]
    parity = compare(
        model, levels_of(body.network, body, coding), [random_frames(12, 20, seed=1)], 2
    )
    assert parity.difference < 1e-4


def test_a_network_of_luma_that_does_not_enlarge_needs_no_base() -> None:
    body = drawn.settled(
        drawn.float_model(lambda x: drawn.convolution(x, 1, 1, seed=3), shape=(1, 1, -1, -1))
    )
    coding = Coding(colour="luma")
    model, _ = with_frames(body, coding)

    assert [port.any_name for port in model.inputs] == ["frame"]
    reference = levels_of(body.network, body, coding)
    assert compare(model, reference, [random_frames(12, 20, seed=1)], 1).difference < 1e-5


def test_a_network_that_takes_the_base_gets_it_in_its_own_range() -> None:
    small = ops.parameter([1, 3, -1, -1], np.float32, name="small")
    large = ops.parameter([1, 3, -1, -1], np.float32, name="large")
    detail = ops.depth_to_space(drawn.convolution(small, 3, 27, seed=1), "depth_first", 3)
    answer = ops.divide(ops.add(large, detail), ops.constant(np.float32(255)))
    body = drawn.settled(ov.Model([answer], [large, small], "two inputs"))
    coding = Coding(value_range=(0.0, 255.0), output_range=(0.0, 1.0), colour="bgr")
    model, _ = with_frames(body, coding)

    assert (body.base, body.scale) == (True, 3)
    reference = levels_of(body.network, body, coding)
    assert compare(model, reference, [random_frames(10, 14, seed=1)], 3).difference < 1e-5


def test_values_outside_are_clamped_and_never_wrap() -> None:
    """OpenVINO's PrePostProcessor gives 251 for -5, 44 for 300 and 254 for 254.6."""
    cases = {-5.0: 0, 300.0: 255, 254.6: 255, 0.5: 0, 1.5: 2, 2.5: 2, 1e6: 255, -1e6: 0}
    for value, level in cases.items():

        def draw(picture: ov.Node, value: float = value) -> ov.Node:
            constant = ops.constant(np.float32(value / 255))
            return ops.add(ops.multiply(picture, ops.constant(np.float32(0))), constant)

        model, _ = with_frames(drawn.settled(drawn.float_model(draw)), Coding())
        sharp = Runner(model)([random_frames(8, 8, seed=0)])
        assert np.unique(sharp).tolist() == [level]
        assert sharp.dtype == np.uint8


def test_folding_leaves_no_colour_swap_and_no_scaling() -> None:
    model, folded = with_frames(drawn.settled(drawn.float_model(drawn.plain)), Coding())

    assert len(folded) == 2
    assert "Gather" not in kinds(model)
    assert "Divide" not in kinds(model)


def test_a_skip_keeps_the_colour_swap_and_the_scaling_in_the_graph() -> None:
    model, folded = with_frames(drawn.settled(drawn.float_model(drawn.residual)), Coding())

    assert folded == ()
    assert kinds(model).count("Gather") == 2
    assert "Divide" in kinds(model)


def test_a_bgr_network_is_not_swapped() -> None:
    model, _ = with_frames(drawn.settled(drawn.float_model(drawn.residual)), Coding(colour="bgr"))

    assert "Gather" not in kinds(model)
