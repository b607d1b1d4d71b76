"""Channels that never give anything are left out, and nothing changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch
from openvino import opset13 as ops
from torch import nn

from ovsharp.convert import Options, prepare
from ovsharp.errors import MediaError
from ovsharp.passes.exact import Runner
from ovsharp.passes.prune import Pruned, prune
from tests.photos import write_photos

RNG = np.random.default_rng(0)


def weights(outputs: int, inputs: int) -> np.ndarray:
    return RNG.normal(0, 0.2, (outputs, inputs, 3, 3)).astype(np.float32)


def layer(node: ov.Node, values: np.ndarray, bias: np.ndarray | None = None) -> ov.Node:
    out = ops.convolution(node, ops.constant(values), [1, 1], [1, 1], [1, 1], [1, 1])
    if bias is None:
        return out
    return ops.add(out, ops.constant(bias.reshape(1, -1, 1, 1).astype(np.float32)))


def picture() -> ov.op.Parameter:
    return ops.parameter([1, 3, -1, -1], np.float32, name="picture")


def dead(count: int, *channels: int, by: float = -100.0) -> np.ndarray:
    bias = np.full(count, 0.1)
    bias[list(channels)] = by
    return bias


FRAME = np.random.default_rng(1).random((1, 3, 12, 16), np.float32)


def same(model: ov.Model, smaller: ov.Model) -> None:
    np.testing.assert_allclose(Runner(model)([FRAME]), Runner(smaller)([FRAME]), atol=1e-6)


def sizes(model: ov.Model) -> list[list[int]]:
    return [
        list(node.input_value(1).get_shape())
        for node in model.get_ordered_ops()
        if "Convolution" in node.get_type_name()
    ]


def test_what_bounds_prove_to_be_0_goes_without_a_look() -> None:
    image = picture()
    hidden = ops.relu(layer(image, weights(8, 3), dead(8, 2, 5)))
    model = ov.Model([layer(hidden, weights(3, 8))], [image])
    smaller, pruned = prune(model, 0, 1)
    assert sizes(smaller) == [[6, 3, 3, 3], [3, 6, 3, 3]]
    assert sizes(model) == [[8, 3, 3, 3], [3, 8, 3, 3]]
    assert pruned == Pruned(2, 0, 11, 2 * (27 + 1) + 2 * 27)
    same(model, smaller)


def test_what_is_not_proven_goes_only_where_pictures_are_shown() -> None:
    """Its input would have to be brighter than any of the pictures."""
    kernel = np.zeros((4, 3, 3, 3), np.float32)
    kernel[:, :, 1, 1] = 1
    image = picture()
    hidden = ops.relu(layer(image, kernel, np.array([0, 0, -2.9, 0])))
    model = ov.Model([layer(hidden, weights(3, 4))], [image])
    assert prune(model, 0, 1)[1] == Pruned(0, 0, 7, 0)
    dim = np.full((1, 3, 8, 8), 0.5, np.float32)
    smaller, pruned = prune(model, 0, 1, [[dim]])
    assert (pruned.proven, pruned.unproven) == (0, 1)
    assert sizes(smaller)[0][0] == 3
    bright = np.ones((1, 3, 8, 8), np.float32)
    assert prune(model, 0, 1, [[dim], [bright]])[1].parameters == 0


def test_channels_that_are_added_go_together_or_not_at_all() -> None:
    image = picture()
    first = ops.relu(layer(image, weights(6, 3), dead(6, 1, 4)))
    second = ops.relu(layer(first, weights(6, 6), dead(6, 4, 5)))
    model = ov.Model([layer(ops.add(first, second), weights(3, 6))], [image])
    smaller, _ = prune(model, 0, 1)
    # 1 and 5 of the sum are alive by the other operand.
    assert sizes(smaller) == [[5, 3, 3, 3], [5, 5, 3, 3], [3, 5, 3, 3]]
    same(model, smaller)


def test_concatenations_depthwise_layers_and_slopes_follow() -> None:
    image = picture()
    left = ops.relu(layer(image, weights(4, 3), dead(4, 0)))
    right = ops.relu(layer(image, weights(4, 3), dead(4, 3)))
    both = ops.max_pool(
        ops.concat([left, right], 1), [1, 1], [1, 1], [1, 1], [1, 1], [3, 3]
    ).output(0)
    kernels = ops.constant(np.abs(weights(8, 1)).reshape(8, 1, 1, 3, 3))
    deep = ops.group_convolution(both, kernels, [1, 1], [1, 1], [1, 1], [1, 1])
    bent = ops.prelu(deep, ops.constant(np.full(8, 0.1, np.float32)))
    model = ov.Model([layer(bent, weights(3, 8))], [image])
    smaller, pruned = prune(model, 0, 1, [[FRAME]])
    assert sizes(smaller) == [[3, 3, 3, 3], [3, 3, 3, 3], [6, 1, 1, 3, 3], [3, 6, 3, 3]]
    assert pruned.proven + pruned.unproven == 2
    same(model, smaller)


def test_channels_that_only_dead_ones_read_go_too() -> None:
    image = picture()
    first = ops.relu(layer(image, weights(4, 3), dead(4)))
    reads = weights(4, 4)
    reads[:3, 1] = 0  # of the first layer's channel 1 only the dead channel 3 knows
    second = ops.relu(layer(first, reads, dead(4, 3)))
    model = ov.Model([layer(second, weights(3, 4))], [image])
    smaller, _ = prune(model, 0, 1)
    assert sizes(smaller) == [[3, 3, 3, 3], [3, 3, 3, 3], [3, 3, 3, 3]]
    same(model, smaller)


def test_what_moves_channels_about_holds_them() -> None:
    image = picture()
    hidden = ops.relu(layer(image, weights(12, 3), dead(12, 0, 1, 2, 3)))
    model = ov.Model([ops.depth_to_space(hidden, "blocks_first", 2)], [image])
    assert prune(model, 0, 1)[1].parameters == 0


def test_parts_of_a_split_are_told_apart() -> None:
    """They share a name, and their widths differ."""
    image = picture()
    hidden = ops.relu(layer(image, weights(8, 3), dead(8, 0, 5)))
    few, many = ops.variadic_split(hidden, ops.constant(1), ops.constant([2, 6])).outputs()
    right = ops.relu(layer(ops.relu(many), weights(4, 6), dead(4, 1)))
    both = ops.concat([layer(few, weights(4, 2)), right], 1)
    model = ov.Model([layer(both, weights(3, 8))], [image])
    smaller, _ = prune(model, 0, 1, [[FRAME]])
    assert sorted(sizes(smaller))[-1] == [8, 3, 3, 3]  # what is split stays whole
    same(model, smaller)


def test_a_layer_of_dead_channels_alone_keeps_one() -> None:
    image = picture()
    hidden = ops.relu(layer(image, weights(4, 3), dead(4, 0, 1, 2, 3)))
    model = ov.Model([ops.add(image, layer(hidden, weights(3, 4)))], [image])
    smaller, _ = prune(model, 0, 1)
    assert sizes(smaller) == [[1, 3, 3, 3], [3, 1, 3, 3]]
    same(model, smaller)


class Lazy(nn.Module):
    """Half of its channels never fire."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 16, 3, padding=1)
        self.body = nn.Conv2d(16, 16, 3, padding=1)
        self.tail = nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.body(torch.relu(self.head(frame))))
        return frame + 0.1 * self.tail(hidden)


@pytest.fixture
def lazy(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = Lazy()
    with torch.no_grad():
        network.head.bias[:8] = -10.0  # over all that its weights can reach
        network.body.bias[8:] = 0.5
        network.body.bias[:8] = -1.0  # over what pictures reach, not over what they might
    path = tmp_path / "lazy.pth"
    torch.save(network.state_dict(), path)
    return path


def test_convert_reports_sizes_before_and_after(lazy: Path, tmp_path: Path) -> None:
    arch = f"{__file__}:Lazy"
    plain = prepare(lazy, Options(architecture=arch))
    photos = write_photos(tmp_path / "photos", 3)
    shown = prepare(lazy, Options(architecture=arch, prune=photos, degradation="gla"))
    assert dict(plain.report)["pruned"].startswith("8 of 35 channels: 8 can give nothing (proven);")
    report = dict(shown.report)["pruned"]
    assert "16 of 35 channels" in report
    assert f"were 0 on all of {3 * 2 + 7} pictures; 3,203 -> 1,027 parameters" in report
    assert shown.spec.parameters == 1027
    assert max(shown.spec.parity.values()) < 1e-5


def test_photos_that_are_not_there_are_named(lazy: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="empty"):
        prepare(lazy, Options(architecture=f"{__file__}:Lazy", prune=tmp_path / "empty"))
