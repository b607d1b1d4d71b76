import errno
import os
import resource
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch
from openvino import opset13 as ops

import ovsharp
from ovsharp.convert import Options, convert, form_ir, parity, pipeline, prepare
from ovsharp.engine import get_core, read_ir, upscale
from ovsharp.errors import (
    ConversionError,
    ModelLoadError,
    UnsupportedModelError,
    UsageError,
)
from ovsharp.files import sha256
from ovsharp.passes.body import Body
from ovsharp.passes.coding import Coding
from ovsharp.passes.exact import Runner
from ovsharp.passes.frames import with_frames
from tests.convert import drawn, torch_networks
from tests.networks import write_frame_model
from tests.photos import crop

TOLERANCE = 1e-3
"""The limit of the issue, white = 1."""


def checkpoint(folder: Path, network: torch.nn.Module) -> tuple[Path, Options]:
    """Save a network's weights; give what names its class, too."""
    path = folder / f"{type(network).__name__.lower()}.pth"
    torch.save(network.state_dict(), path)
    location = f"{torch_networks.__file__}:{type(network).__name__}"
    return path, Options(architecture=location)


def photo() -> np.ndarray:
    return crop(80, 190, 48, 64)[None]


def test_a_checkpoint_becomes_files_that_compute_what_torch_computes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = torch_networks.UNet().eval()
    source, options = checkpoint(tmp_path, network)

    result = convert(source, tmp_path / "out", options=options)

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "unet-fp16.bin",
        "unet-fp16.xml",
        "unet-fp32.bin",
        "unet-fp32.xml",
        "unet.onnx",
    ]
    assert sorted(result.files) == sorted((tmp_path / "out").iterdir())
    with torch.inference_mode():
        picture = torch.from_numpy(photo()[..., ::-1].copy()).permute(0, 3, 1, 2) / 255
        expected = network(picture).permute(0, 2, 3, 1).numpy()[..., ::-1] * 255
    for storage, allowed in (("fp32", 0), ("fp16", 1)):
        model, spec = read_ir(tmp_path / "out" / f"unet-{storage}.xml", get_core())
        sharp = Runner(model)([photo()])
        assert np.abs(sharp - np.rint(expected)).max() <= allowed
        assert spec.storage == storage
        assert set(spec.parity) == {"onnx-torch", "onnx.reference-torch", "ir-torch"}
    spec = result.spec
    assert (spec.scale, spec.multiple, spec.minimum, spec.margin) == (1, 2, 2, 6)
    assert (spec.name, spec.architecture) == ("unet", "torch_networks.py:UNet")
    assert spec.parameters == sum(tensor.numel() for tensor in network.parameters())
    assert (spec.source, spec.source_sha256) == ("unet.pth", sha256(source))
    assert spec.versions["ovsharp"] == ovsharp.__version__
    assert set(spec.versions) == {"ovsharp", "openvino", "torch", "onnx"}
    assert max(spec.parity.values()) < TOLERANCE
    assert dict(result.report)["input"] == "frame; sides that are multiples of 2, 2 or more"


def test_minus_one_to_one_is_found_out(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source, options = checkpoint(tmp_path, torch_networks.Tanh(channels=4))
    with pytest.raises(UnsupportedModelError, match="wrongly shaped"):
        prepare(source, options)

    prepared = prepare(source, Options(options.architecture, arguments={"channels": 4}))

    assert prepared.spec.value_range == (-1.0, 1.0)
    assert "probed" in dict(prepared.report)["values"]


def test_a_network_that_looks_at_all_of_the_picture(tmp_path: Path) -> None:
    torch.manual_seed(0)
    spec = prepare(*checkpoint(tmp_path, torch_networks.Attention().eval())).spec

    assert spec.margin is None
    assert spec.multiple == 1
    assert max(spec.parity.values()) < TOLERANCE


def test_the_output_that_is_named_is_enlarged_by_two(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source, options = checkpoint(tmp_path, torch_networks.TwiceWithFeatures())
    with pytest.raises(UnsupportedModelError, match="--output-index"):
        prepare(source, options)

    spec = prepare(source, Options(options.architecture, output_index=1)).spec
    assert (spec.scale, spec.margin) == (2, 2)


def test_a_checkpoint_of_one_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source, options = checkpoint(tmp_path, torch_networks.Windows())

    spec = prepare(source, Options(options.architecture, size=(32, 48))).spec
    assert (spec.size, spec.margin) == ((32, 48), None)


def test_an_onnx_file_of_fixed_size_runs_at_any_size(tmp_path: Path) -> None:
    source = drawn.write_onnx(tmp_path / "fixed.onnx", height=40, width=56)
    prepared = prepare(source)

    assert prepared.spec.size is None
    assert prepared.spec.architecture == "foreign"
    assert set(prepared.spec.parity) == {"onnx.reference-source", "ir-source"}
    assert prepared.onnx_bytes is None
    sharp = Runner(prepared.model)([photo()])
    assert sharp.shape == photo().shape
    assert np.abs(sharp.astype(int) - photo()).max() < 40


def test_an_ending_in_upper_case_counts(tmp_path: Path) -> None:
    prepared = prepare(drawn.write_onnx(tmp_path / "net.onnx").rename(tmp_path / "NET.ONNX"))
    assert set(prepared.spec.parity) == {"onnx.reference-source", "ir-source"}


def test_an_onnx_file_with_several_outputs(tmp_path: Path) -> None:
    source = drawn.write_onnx(tmp_path / "several.onnx", outputs=2)

    with pytest.raises(UnsupportedModelError, match=r"0: sharp .*; 1: correction .*"):
        prepare(source)
    assert prepare(source, Options(output_index=0)).spec.scale == 1


def test_a_foreign_ir_with_a_base(tmp_path: Path) -> None:
    small = ops.parameter([1, 3, 30, 40], np.float32, name="small")
    large = ops.parameter([1, 3, 60, 80], np.float32, name="large")
    detail = ops.depth_to_space(
        drawn.convolution(small, 3, 12, gain=0.01, seed=1), "depth_first", 2
    )
    ov.save_model(ov.Model([ops.add(detail, large)], [large, small], "two"), tmp_path / "two.xml")

    prepared = prepare(tmp_path / "two.xml", Options(colour="bgr", value_range=(0.0, 255.0)))

    assert (prepared.spec.base, prepared.spec.scale, prepared.spec.size) == (True, 2, None)
    base = upscale(photo()[0], 2)[None]
    sharp = Runner(prepared.model)([photo(), base])
    assert sharp.shape == base.shape
    assert np.abs(sharp.astype(int) - base).max() < 30


def test_only_the_storages_that_are_asked_for_are_written(tmp_path: Path) -> None:
    source = drawn.write_onnx(tmp_path / "source" / "net.onnx")

    convert(str(source), str(tmp_path / "out"), storages=["fp16"], options=Options(name="other"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "other-fp16.bin",
        "other-fp16.xml",
    ]
    with pytest.raises(UsageError, match="ovsharp quantize"):
        convert(source, tmp_path / "out", storages=["int8"])


def test_every_step_is_told(tmp_path: Path) -> None:
    source = drawn.write_onnx(tmp_path / "net.onnx")
    told: list[tuple[str, int, int]] = []
    convert(source, tmp_path / "out", progress=lambda *step: told.append(step))
    assert [name for name, done, _ in told if not done] == [
        "reading the model",
        "finding colours and ranges",
        "probing sizes and reach",
        "looking for idle channels",
        "packing frames",
        "comparing with the source",
        "writing and comparing fp32",
        "writing and comparing fp16",
    ]
    assert [(name, 1, 1) for name, done, _ in told if not done] == [
        step for step in told if step[1]
    ]


def test_files_of_the_same_name_are_replaced(tmp_path: Path) -> None:
    source = drawn.write_onnx(tmp_path / "net.onnx")
    (tmp_path / "net-fp32.xml").write_text("old")

    convert(source, tmp_path)
    assert read_ir(tmp_path / "net-fp32.xml", get_core())[1].name == "net"


def test_a_result_that_differs_from_its_source_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = drawn.write_onnx(tmp_path / "net.onnx")

    def skewed(
        body: Body, coding: Coding, *, packed: bool = True
    ) -> tuple[ov.Model, tuple[str, ...]]:
        model, folded = with_frames(body, coding, packed=packed)
        for node in model.get_ops():
            if node.get_type_name() == "Divide":
                node.input(1).replace_source_output(ops.constant(np.float32(254)).output(0))
        return model, folded

    monkeypatch.setattr(pipeline, "with_frames", skewed)
    with pytest.raises(ConversionError, match=r"IR and source differ by 0\.00"):
        convert(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_differs_from_its_source_takes_the_others_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = drawn.write_onnx(tmp_path / "net.onnx")
    monkeypatch.setattr(form_ir, "LIMIT_FP16", 0.0)

    with pytest.raises(ConversionError, match="fp16 file and the source"):
        convert(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("difference", [float("nan"), float("inf"), 2e-3])
def test_no_difference_over_the_limit_passes(difference: float) -> None:
    with pytest.raises(ConversionError, match="nothing was written"):
        parity.check(difference, "the outputs", parity.LIMIT)


def test_an_unwritable_folder_leaves_nothing(tmp_path: Path) -> None:
    source = drawn.write_onnx(tmp_path / "net.onnx")
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OSError, match="file"):
        convert(source, tmp_path / "file" / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "net.onnx"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    source = drawn.write_onnx(tmp_path / "net.onnx")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Files of more than 4 KiB cannot be written: what a full disk looks like to a writer.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError) as error:
            convert(source, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.errno in (None, errno.EFBIG)
    assert not (tmp_path / "out").exists()


def ir(folder: Path) -> Path:
    path = folder / "foreign.xml"
    ov.save_model(drawn.float_model(drawn.residual), path)
    return path


def test_an_ir_without_its_weights(tmp_path: Path) -> None:
    ir(tmp_path).with_suffix(".bin").unlink()

    with pytest.raises(ModelLoadError, match=r"expected foreign\.bin beside it"):
        prepare(tmp_path / "foreign.xml")


def test_a_truncated_ir(tmp_path: Path) -> None:
    path = ir(tmp_path)
    path.write_bytes(path.read_bytes()[:500])

    with pytest.raises(ModelLoadError, match="truncated, damaged or no model"):
        prepare(path)


@pytest.mark.parametrize("ending", [".onnx", ".pb", ".xml"])
def test_a_page_that_is_no_model(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"page{ending}"
    path.write_text("<!DOCTYPE html><html><body>404</body></html>")
    path.with_suffix(".bin").write_bytes(b"")

    with pytest.raises(ModelLoadError, match="page"):
        prepare(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="there is no model file"):
        prepare(tmp_path / "absent.pth")


def test_an_ir_of_ovsharp_is_not_converted_again(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="already"):
        prepare(write_frame_model(tmp_path))


def test_an_architecture_for_a_file_that_has_its_own(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--arch is for PyTorch checkpoints"):
        prepare(drawn.write_onnx(tmp_path / "net.onnx"), Options(architecture="gla"))


def shared(*parts: str) -> Path:
    folder = os.environ.get("OVSHARP_SHARED")
    if folder is None:
        pytest.skip("OVSHARP_SHARED is not set")
    return Path(folder).joinpath(*parts)


@pytest.mark.parametrize(
    ("name", "architecture", "expected"),
    [
        ("gla_student.pth", None, {"architecture": "gla", "parameters": 334_147, "margin": 12}),
        ("visionarv_student.pth", None, {"parameters": 112_593, "margin": None}),
        ("visionarv_teacher.pth", None, {"parameters": 41_187, "scale": 1}),
        ("plain64_residual.pth", "plain-residual", {"margin": 3}),
        ("dynamic_duo_student.xml", None, {"scale": 4, "value_range": (0.0, 1.0), "margin": 64}),
    ],
)
def test_checkpoints_of_others(
    name: str, architecture: str | None, expected: dict[str, Any]
) -> None:
    spec = prepare(shared("checkpoints", name), Options(architecture=architecture)).spec

    assert {key: getattr(spec, key) for key in expected} == expected
    assert max(spec.parity.values()) < TOLERANCE


@pytest.mark.parametrize(
    ("parts", "scale", "colour", "value_range"),
    [
        ("intel-1032/FP32/single-image-super-resolution-1032.xml", 4, "bgr", (0.0, 255.0)),
        ("intel-1033/FP16/single-image-super-resolution-1033.xml", 3, "bgr", (0.0, 255.0)),
        ("fsrcnn/FSRCNN_x4.pb", 4, None, (0.0, 1.0)),
        ("espcn/ESPCN_x2.pb", 2, None, (0.0, 1.0)),
    ],
)
def test_peers(
    parts: str, scale: int, colour: str | None, value_range: tuple[float, float]
) -> None:
    spec = prepare(shared("peers", parts), Options(colour=colour)).spec

    assert (spec.scale, spec.base, spec.size) == (scale, True, None)
    assert spec.colour == (colour or "luma")
    assert spec.value_range == value_range
    assert max(spec.parity.values()) < TOLERANCE


def test_corrections_of_any_size_stay_whole(tmp_path: Path) -> None:
    """Dead pixels are filled with what lies around them: black becomes white."""
    source, options = checkpoint(tmp_path, torch_networks.Filling())

    prepared = prepare(source, options)

    report = dict(prepared.report)
    assert "pixel-shuffle in one move" in report["folded"]
    assert report["parity IR - torch"].endswith(("by at most 0", "by at most 1"))
    frame = np.full((1, 16, 16, 3), 255, np.uint8)
    frame[0, 8, 8] = 0
    assert Runner(prepared.model)([frame])[0, 8, 8].tolist() == [255, 255, 255]


def test_parity_is_checked_on_black_white_and_checkerboards(tmp_path: Path) -> None:
    prepared = prepare(*checkpoint(tmp_path, torch_networks.UNet()))
    flat = [int(frame.min()) for frame in prepared.frames if frame.min() == frame.max()]
    assert flat == [0, 255]
    assert any(
        frame[0, 0, 0, 0] == 0 and (frame[0, ::2, 1::2] == 255).all() for frame in prepared.frames
    )


@pytest.mark.parametrize("network", [torch_networks.Circular, torch_networks.Fourier])
def test_what_openvino_cannot_run_is_said_in_a_sentence(network: Any, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=r"OpenVINO .* cannot run what") as caught:
        prepare(*checkpoint(tmp_path, network()))
    assert "\n" not in str(caught.value)
    assert "other operations" in str(caught.value)


def test_a_fourier_transform_and_its_inverse_are_no_reason_to_refuse(tmp_path: Path) -> None:
    """As the sentence above says."""
    prepared = prepare(*checkpoint(tmp_path, torch_networks.Frequencies()))
    assert max(prepared.spec.parity.values()) < parity.LIMIT


def test_max_unpooling_works_though_the_evaluator_of_onnx_cannot_run_it(tmp_path: Path) -> None:
    prepared = prepare(*checkpoint(tmp_path, torch_networks.Unpooling()))
    assert set(prepared.spec.parity) == {"onnx-torch", "ir-torch"}
    assert dict(prepared.report)["parity onnx.reference - torch"].startswith("not run: index ")
