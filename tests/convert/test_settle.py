import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.convert.settle import find_body
from ovsharp.errors import UnsupportedModelError, UsageError
from ovsharp.passes.exact import Runner
from tests.convert import drawn


def pictures(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).random((1, 3, height, width), np.float32)


def test_a_static_model_is_made_dynamic_if_it_can_be() -> None:
    body = drawn.settled(drawn.float_model(drawn.residual, shape=(1, 3, 40, 56)))

    assert body.size is None
    assert body.model.input(0).partial_shape == ov.PartialShape([1, 3, -1, -1])
    assert body.network([pictures(33, 17)]).shape == (1, 3, 33, 17)


def test_an_input_of_unknown_rank_is_tried_as_a_picture() -> None:
    picture = ops.parameter(ov.PartialShape.dynamic(), np.float32, name="picture")
    kernel = drawn.weights(3, 3, 3, 3)
    node = ops.convolution(picture, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
    body = drawn.settled(ov.Model([node], [picture], "unknown rank"))

    assert (body.channels, body.scale, body.size, body.multiple) == (3, 1, None, 1)


def baked(picture: ov.Node) -> ov.Node:
    """A flattening to a fixed size, as of an attention over windows, runs at that size only."""
    flat = ops.reshape(picture, ops.constant([1, 3, 40 * 56]), special_zero=False)
    node = ops.reshape(ops.relu(flat), ops.constant([1, 3, 40, 56]), special_zero=False)
    return drawn.convolution(node, 3, 3)


def test_a_model_of_one_size_keeps_it() -> None:
    body = drawn.settled(drawn.float_model(baked, shape=(1, 3, 40, 56)))

    assert body.size == (40, 56)
    assert body.network([pictures(40, 56)]).shape == (1, 3, 40, 56)
    with pytest.raises(RuntimeError):
        body.network([pictures(48, 56)])


def test_a_model_of_one_size_that_does_not_say_it_asks_for_it() -> None:
    with pytest.raises(UnsupportedModelError, match="--size HxW"):
        drawn.settled(drawn.float_model(baked))

    assert drawn.settled(drawn.float_model(baked), size=(40, 56)).size == (40, 56)
    with pytest.raises(UsageError, match="does not run at 56x40"):
        drawn.settled(drawn.float_model(baked), size=(56, 40))


def test_a_size_that_is_asked_for_is_fixed() -> None:
    body = drawn.settled(drawn.float_model(drawn.residual), size=(24, 32))

    assert body.size == (24, 32)
    assert body.model.input(0).partial_shape == ov.PartialShape([1, 3, 24, 32])


def two_outputs() -> ov.Model:
    picture = ops.parameter([1, 3, -1, -1], np.float32, name="picture")
    edges = drawn.convolution(picture, 3, 1)
    return ov.Model([edges, drawn.residual(picture)], [picture], "two outputs")


def test_several_outputs_are_listed_until_one_is_named() -> None:
    with pytest.raises(UnsupportedModelError, match=r"0: .* 1x1x\?x\?; 1: .*--output-index"):
        drawn.settled(two_outputs())
    with pytest.raises(UsageError, match="there is no output 2"):
        drawn.settled(two_outputs(), output_index=2)

    assert drawn.settled(two_outputs(), output_index=1).channels == 3


def test_a_model_that_computes_in_f16_is_made_f32() -> None:
    picture = ops.parameter([1, 3, -1, -1], np.float16, name="picture")
    kernel = np.random.default_rng(0).normal(0, 0.1, (3, 3, 3, 3)).astype(np.float16)
    node = ops.convolution(picture, ops.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1])
    body = drawn.settled(ov.Model([node], [picture], "f16"))

    kinds = {node.get_element_type() for node in body.model.get_ops()}
    assert ov.Type.f16 not in kinds
    assert body.model.output(0).element_type == ov.Type.f32


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (drawn.float_model(lambda x: ops.reduce_mean(x, ops.constant([2, 3]))), "1 to 8 times"),
        (drawn.float_model(lambda x: drawn.convolution(x, 4, 4), shape=(1, 4, 64, 64)), "1 to 8"),
        (drawn.float_model(ops.relu, shape=(1, 3, 8, 64, 64)), "takes one picture"),
        (drawn.float_model(lambda x: drawn.convolution(x, 3, 1)), "1 to 8 times"),
    ],
    ids=["classifier", "four channels", "a video", "grey from colour"],
)
def test_what_is_no_picture_to_picture_model_is_refused(model: ov.Model, message: str) -> None:
    with pytest.raises(UnsupportedModelError, match=message):
        drawn.settled(model)


def test_an_integer_input_is_refused() -> None:
    picture = ops.parameter([1, 3, -1, -1], np.uint8, name="picture")
    model = ov.Model([ops.convert(picture, np.float32)], [picture], "bytes")

    with pytest.raises(UnsupportedModelError, match="expected a float network"):
        drawn.settled(model)


def swapped(draw: drawn.Draw) -> drawn.Draw:
    """The same network in N x H x W x C, as TensorFlow's files have it."""

    def nhwc(picture: ov.Node) -> ov.Node:
        node = draw(ops.transpose(picture, ops.constant([0, 3, 1, 2])))
        return ops.transpose(node, ops.constant([0, 2, 3, 1]))

    return nhwc


def test_channels_last_become_channels_first_and_no_transpose_is_left() -> None:
    body, adapted = find_body(drawn.float_model(swapped(drawn.plain), shape=(1, -1, -1, 3)))
    inputs = [pictures(12, 20)]

    assert body.model.input(0).partial_shape == ov.PartialShape([1, 3, -1, -1])
    assert "Transpose" not in {node.get_type_name() for node in body.model.get_ops()}
    its_own = Runner(drawn.float_model(swapped(drawn.plain), shape=(1, -1, -1, 3)))
    np.testing.assert_allclose(body.network(inputs), adapted(its_own)(inputs), atol=1e-6)


def test_channels_last_inside_stay_there() -> None:
    def scaled(picture: ov.Node) -> ov.Node:
        return ops.multiply(picture, ops.constant(np.float32([0.5, 1, 2])))

    body = drawn.settled(drawn.float_model(scaled, shape=(1, -1, -1, 3)))
    inputs = [pictures(4, 6)]

    expected = inputs[0] * np.float32([0.5, 1, 2]).reshape(1, 3, 1, 1)
    np.testing.assert_array_equal(body.network(inputs), expected)


def test_the_source_gets_its_inputs_in_its_own_order() -> None:
    small = ops.parameter([1, 3, -1, -1], np.float32, name="small")
    large = ops.parameter([1, 3, -1, -1], np.float32, name="large")
    answer = ops.add(large, ops.depth_to_space(drawn.convolution(small, 3, 12), "depth_first", 2))
    model = ov.Model([answer], [large, small], "two inputs")
    its_own = Runner(model.clone())
    body, adapted = find_body(model)
    inputs = [pictures(8, 8), pictures(16, 16)]

    assert body.base
    np.testing.assert_allclose(body.network(inputs), adapted(its_own)(inputs), atol=1e-6)


def test_the_multiple_of_its_sizes_is_found() -> None:
    def packed(picture: ov.Node) -> ov.Node:
        cells = ops.space_to_depth(picture, "depth_first", 4)
        return ops.depth_to_space(drawn.convolution(cells, 48, 48), "depth_first", 4)

    assert drawn.settled(drawn.float_model(packed)).multiple == 4
    assert drawn.settled(drawn.float_model(drawn.residual)).multiple == 1
