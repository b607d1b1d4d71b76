from collections import Counter

import onnx
import pytest
import torch

from ovsharp.convert.torch_to_onnx import export_onnx, picture_module
from ovsharp.errors import ConversionError, UnsupportedModelError, UsageError
from tests.convert import torch_networks


def test_a_pixel_shuffle_stays_one_operation_in_one_file_of_any_size() -> None:
    torch.manual_seed(0)
    module, example = picture_module(
        torch_networks.TwiceWithFeatures().eval(), output_index=1, size=None
    )
    model = onnx.load_from_string(export_onnx(module, example, dynamic=True))

    assert Counter(node.op_type for node in model.graph.node)["DepthToSpace"] == 1
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    assert [bool(side.dim_param) for side in dimensions] == [False, False, True, True]


def test_several_outputs_are_listed_until_one_is_named() -> None:
    network = torch_networks.TwiceWithFeatures().eval()

    with pytest.raises(UnsupportedModelError) as error:
        picture_module(network, output_index=None, size=None)
    assert "0: [0].features (1, 8, 64, 96); 1: [1] (1, 3, 128, 192)" in str(error.value)
    assert "--output-index" in str(error.value)
    with pytest.raises(UsageError, match="there is no output 2"):
        picture_module(network, output_index=2, size=None)


def test_a_forward_of_two_inputs_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModelError, match=r"needs 2 inputs \(frame, guide\)"):
        picture_module(torch_networks.Guided(), output_index=None, size=None)


def test_a_network_that_decides_by_values_is_refused_with_the_reason() -> None:
    module, example = picture_module(
        torch_networks.Branching().eval(), output_index=None, size=None
    )

    with pytest.raises(ConversionError, match="data-dependent"):
        export_onnx(module, example, dynamic=True)


def test_the_graph_that_torch_prints_of_it_is_kept_off_the_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    module, example = picture_module(
        torch_networks.Branching().eval(), output_index=None, size=None
    )

    with pytest.raises(ConversionError):
        export_onnx(module, example, dynamic=True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "error",
    [TypeError("wrong"), AssertionError("wrong"), KeyError("wrong"), SystemExit("wrong")],
    ids=repr,
)
def test_a_forward_that_fails_is_a_sentence(error: BaseException) -> None:
    network = torch.nn.Conv2d(3, 3, 3)
    network.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(error))

    with pytest.raises(UnsupportedModelError, match=f"{type(error).__name__}: '?wrong"):
        picture_module(network, output_index=None, size=None)


def test_a_network_that_runs_on_no_size_tried_asks_for_one() -> None:
    network = torch_networks.Windows().eval()

    with pytest.raises(UnsupportedModelError, match="--size HxW"):
        picture_module(network, output_index=None, size=None)
    _, (example,) = picture_module(network, output_index=None, size=(32, 48))
    assert example.shape == (1, 3, 32, 48)
