from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from ovsharp.benchmarks.variants import find_candidates, find_variant, find_variants, parse_model
from ovsharp.convert import Options
from ovsharp.engine import float_hints
from ovsharp.errors import OvsharpError, UsageError
from tests.networks import write_frame_model


def test_a_model_carries_its_options() -> None:
    path, options = parse_model(
        "a/net.onnx,bgr,range=0:255,out=-1:1,mean=1:2:3,std=4,arch=gla,output=1,size=64x96,"
        "name=mine,degrade=x2"
    )
    assert path == Path("a/net.onnx")
    assert options == Options(
        colour="bgr",
        value_range=(0, 255),
        output_range=(-1, 1),
        mean=(1, 2, 3),
        std=(4,),
        architecture="gla",
        output_index=1,
        size=(64, 96),
        name="mine",
        degradation="x2",
    )


@pytest.mark.parametrize(
    "option", ["grey", "bgr=1", "range=0", "range=a:b", "size=64", "output=x", "name=", "=", ""]
)
def test_an_unknown_option_is_named(option: str) -> None:
    with pytest.raises(UsageError, match="no option of a model"):
        parse_model(f"net.onnx,{option}")


def test_a_file_whose_name_has_a_comma_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a,b.onnx"
    path.touch()
    assert parse_model(str(path)) == (path, Options())


def test_a_folder_is_one_model_in_several_storages(tmp_path: Path) -> None:
    for storage in ("fp32", "fp16"):
        write_frame_model(tmp_path, storage=storage)
    (candidate,) = find_candidates([str(tmp_path)], tmp_path / "scratch")
    assert list(candidate.files) == ["fp32", "fp16"]
    files = (tmp_path / "test-fp16.xml", tmp_path / "test-fp16.bin")
    assert candidate.megabytes("fp16") == sum(file.stat().st_size for file in files) / 1e6


def test_storages_of_one_model_in_several_files_are_joined(tmp_path: Path) -> None:
    paths = [str(write_frame_model(tmp_path, storage=storage)) for storage in ("int8", "fp16")]
    (tmp_path / "student.pth").touch()
    (candidate,) = find_candidates(paths, tmp_path / "scratch")
    assert list(candidate.files) == ["fp16", "int8"]
    assert candidate.checkpoint == tmp_path / "student.pth"


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = [str(write_frame_model(tmp_path / folder)) for folder in "ab"]
    with pytest.raises(UsageError, match="two models are called 'test'"):
        find_candidates(paths, tmp_path / "scratch")


def test_a_checkpoint_beside_the_ir_is_found(tmp_path: Path) -> None:
    path = write_frame_model(tmp_path)
    (tmp_path / "student.pth").touch()
    (candidate,) = find_candidates([str(path)], tmp_path / "scratch")
    assert candidate.checkpoint == tmp_path / "student.pth"


@pytest.mark.parametrize("text", ["no-such-model", "no/such/file.xml", "no/such/file.onnx"])
def test_a_model_that_is_not_there_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(OvsharpError, match="there is no"):
        find_candidates([text], tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no"):
        find_candidates([str(tmp_path)], tmp_path / "scratch")


def test_every_storage_runs_with_every_native_precision(tmp_path: Path) -> None:
    for storage in ("fp32", "int8"):
        write_frame_model(tmp_path, storage=storage)
    candidates = find_candidates([str(tmp_path)], tmp_path / "scratch")
    labels = [(v.storage, v.execution.label) for v in find_variants(candidates, "CPU", ())]
    hints = float_hints("CPU")
    assert labels == [("fp32", hint) for hint in hints] + [
        ("int8", f"int8+{hint}") for hint in hints
    ]


def test_precisions_can_be_chosen(tmp_path: Path) -> None:
    for storage in ("fp32", "int8"):
        write_frame_model(tmp_path, storage=storage)
    candidates = find_candidates([str(tmp_path)], tmp_path / "scratch")

    def labels(*precisions: str) -> set[str]:
        return {v.execution.label for v in find_variants(candidates, "CPU", precisions)}

    assert labels("f32") == {"f32"}
    assert labels("int8") == {f"int8+{hint}" for hint in float_hints("CPU")}
    assert labels("eager") == set()
    assert labels("int8+f32", "eager") == {"int8+f32"}


def test_a_precision_that_no_model_has_is_refused(tmp_path: Path) -> None:
    candidates = find_candidates([str(write_frame_model(tmp_path))], tmp_path / "scratch")
    with pytest.raises(UsageError, match="can be executed as"):
        find_variants(candidates, "CPU", ["int8+f32"])
    with pytest.raises(UsageError, match="unknown precision 'f64'"):
        find_variants(candidates, "CPU", ["f64"])


def test_a_foreign_model_is_converted_in_memory(tmp_path: Path) -> None:
    onnx.save(_foreign(), tmp_path / "foreign.onnx")
    (candidate,) = find_candidates(
        [f"{tmp_path / 'foreign.onnx'},range=0:1,name=guest"], tmp_path / "scratch"
    )
    assert candidate.name == "guest"
    assert set(candidate.files) == {"fp32", "fp16"}
    assert candidate.spec.scale == 1
    assert candidate.checkpoint is None
    assert all(tmp_path / "scratch" in path.parents for path in candidate.files.values())


def _foreign() -> onnx.ModelProto:
    """A network as others make them: float NCHW in and out."""
    shape = [1, 3, "height", "width"]
    weights = np.random.default_rng(0).normal(0, 0.02, (3, 3, 3, 3)).astype(np.float32)
    weights[range(3), range(3), 1, 1] += 1
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["image", "weights"], ["sharp"], pads=[1, 1, 1, 1])],
        "foreign",
        [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("sharp", onnx.TensorProto.FLOAT, shape)],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])


def test_a_router_stands_for_its_models(tmp_path: Path) -> None:
    names = [candidate.name for candidate in find_candidates(["call", "x4-fast"], tmp_path)]
    assert names[0] == "call-balanced"
    assert len(names) > 5
    assert names[-1] == "x4-fast"
    found = find_variant("x4", "CPU", None, tmp_path)
    assert found.candidate.name.startswith("x4-")
    with pytest.raises(UsageError, match=r"a router, which stands for its models \(call, x4\)"):
        find_candidates(["calls"], tmp_path)
