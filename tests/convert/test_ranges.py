from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.convert.options import Options
from ovsharp.convert.ranges import find_coding
from ovsharp.errors import UnsupportedModelError, UsageError
from ovsharp.passes.coding import Coding
from tests.convert import drawn


def found(draw: drawn.Draw, options: Options | None = None, **known: object) -> Coding:
    body = drawn.settled(drawn.float_model(draw))
    return find_coding(body, body.network, options or Options(), **known)[0]


def sharpener(low: float, high: float) -> drawn.Draw:
    """A sharpener with a bias that is small in its own range, clamped to that range."""

    def draw(x: ov.Node) -> ov.Node:
        kernel = np.zeros((3, 3, 3, 3), np.float32)
        for channel in range(3):
            kernel[channel, channel] = [[0, -0.1, 0], [-0.1, 1.4, -0.1], [0, -0.1, 0]]
        bias = np.float32(0.01 * (high - low))
        node = ops.convolution(x, ops.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1])
        return ops.clamp(ops.add(node, ops.constant(bias)), low, high)

    return draw


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
def test_a_usual_range_is_recognised(bounds: tuple[float, float]) -> None:
    coding = found(sharpener(*bounds))

    assert coding.value_range == bounds
    assert coding.output_range == bounds


def test_input_and_output_ranges_may_differ() -> None:
    def draw(x: ov.Node) -> ov.Node:
        return ops.sigmoid(ops.divide(ops.subtract(x, constant(127)), constant(40)))

    def constant(value: float) -> ov.Node:
        return ops.constant(np.float32(value))

    coding = found(draw)

    assert coding.value_range == (0.0, 255.0)
    assert coding.output_range == (0.0, 1.0)


def noise(x: ov.Node) -> ov.Node:
    return drawn.convolution(ops.relu(drawn.convolution(x, 3, 16, seed=3)), 16, 3, seed=4)


def test_doubt_is_an_error_that_names_the_flag() -> None:
    with pytest.raises(UnsupportedModelError, match=r"--input-range 0,1 or -1,1 or 0,255"):
        found(noise)


def test_in_doubt_the_usual_case_of_an_architecture_is_taken() -> None:
    assert found(noise, known=Coding()).value_range == (0.0, 1.0)


def biased(x: ov.Node) -> ov.Node:
    return ops.add(x, ops.constant(np.float32(0.05)))


def test_a_bias_that_vanishes_in_0_to_255_is_a_doubt() -> None:
    assert found(biased, known=Coding()).value_range == (0.0, 1.0)
    with pytest.raises(UnsupportedModelError, match=r"0\.\.255 -> 0\.\.255"):
        found(biased)


def test_what_the_user_says_goes_before_what_it_looks_like() -> None:
    options = Options(value_range=(0.0, 1.0), output_range=(-1.0, 1.0), colour="bgr")
    coding = found(sharpener(0.0, 255.0), options)

    assert coding == Coding(value_range=(0.0, 1.0), output_range=(-1.0, 1.0), colour="bgr")


def test_a_known_architecture_is_not_second_guessed() -> None:
    known = Coding(value_range=(-1.0, 1.0), output_range=(-1.0, 1.0), colour="bgr")

    assert found(noise, known=known, sure=True) == known


def test_a_normalised_output_is_recognised() -> None:
    options = Options(value_range=(0.0, 1.0), mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))

    assert found(drawn.residual, options).normalised_output

    def restored(x: ov.Node) -> ov.Node:
        std = ops.constant(np.float32([0.2, 0.25, 0.3]).reshape(1, 3, 1, 1))
        mean = ops.constant(np.float32([0.5, 0.4, 0.3]).reshape(1, 3, 1, 1))
        return ops.add(ops.multiply(drawn.residual(x), std), mean)

    assert not found(restored, options).normalised_output


def test_luma_has_no_colour_order() -> None:
    body = drawn.settled(
        drawn.float_model(lambda x: drawn.convolution(x, 1, 1), shape=(1, 1, -1, -1))
    )

    with pytest.raises(UsageError, match="luma alone"):
        find_coding(body, body.network, Options(colour="bgr"))


@pytest.mark.parametrize(
    "values",
    [
        {"value_range": (1.0, 0.0)},
        {"output_range": (1.0, 1.0)},
        {"mean": (0.1, 0.2)},
        {"std": (0.0,)},
        {"std": (float("inf"),)},
        {"value_range": (0.0, float("inf"))},
        {"name": "../elsewhere"},
        {"name": ".hidden"},
        {"name": ""},
        {"size": (0, 4)},
        {"output_index": -1},
        {"degradation": "no such damage"},
    ],
)
def test_options_that_make_no_sense_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Options(**values)
