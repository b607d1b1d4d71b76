from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from click.testing import CliRunner

from ovsharp.cli.info import describe, info
from ovsharp.engine import read_ir, resolve_execution, write_ir
from ovsharp.engine.device import get_core
from tests.command import ovsharp
from tests.networks import QUANTIZATION, frame_model, frame_spec, write_frame_model


def test_says_what_a_model_is(tmp_path: Path) -> None:
    spec = frame_spec(
        scale=2,
        parameters=1234567,
        source="student.pth",
        source_sha256="f00d",
        parity={"ir-torch": 0.00012},
        versions={"openvino": "2026.4.1"},
    )
    path = write_ir(frame_model(scale=2), spec, tmp_path)
    result = CliRunner().invoke(info, [str(path)], catch_exceptions=False)
    for text in (
        "1,234,567 parameters",
        "test-fp32.bin",
        "2 * H x 2 * W",
        "student.pth (sha256 f00d)",
        "ir-torch 0.00012",
        "openvino 2026.4.1",
        "2 Convolution",
        "1 DepthToSpace",
        resolve_execution("CPU", "fp32", None).label,
    ):
        assert text in result.output


def test_json_holds_the_spec(tmp_path: Path) -> None:
    path = write_ir(frame_model(), frame_spec(storage="int8", quantization=QUANTIZATION), tmp_path)
    facts = json.loads(CliRunner().invoke(info, [str(path), "--json"]).output)
    _, spec = read_ir(path, get_core())
    assert facts["spec"] == json.loads(json.dumps(dataclasses.asdict(spec)))
    assert facts["operations"]["Convolution"] == 2
    assert facts["bytes"]["test-int8.bin"] == path.with_suffix(".bin").stat().st_size
    assert facts["execution"]["CPU"] == resolve_execution("CPU", "int8", None).label


def test_words_for_a_quantized_model_of_one_size_with_base() -> None:
    rows = describe(
        frame_spec(
            scale=4, base=True, margin=None, size=(270, 480), quantization=QUANTIZATION, mean=(0.5,)
        )
    )
    assert rows["takes"] == "frame, uint8 H x W x 3 BGR and its bicubic upscale x4"
    assert rows["size"] == "480x270 only"
    assert "never tiled" in rows["margin"]
    assert "mean (0.5,)" in rows["inside"]
    assert "SSIM drop 0.0012 (limit 0.002), PSNR drop 0.21 dB, on 40 images" in rows["quantized"]
    assert "2 layers in floating point" in rows["calibrated"]


def test_exit_codes(tmp_path: Path) -> None:
    path = write_frame_model(tmp_path)
    assert ovsharp("info", path).returncode == 0
    missing = ovsharp("info", "no-such-model")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no model file no-such-model" in missing.stderr
    assert "Traceback" not in missing.stderr
    assert ovsharp("info").returncode == 2


def test_a_checkpoint_is_told_how_to_come_in(tmp_path: Path) -> None:
    path = tmp_path / "student.pth"
    path.write_bytes(b"weights")
    done = ovsharp("info", path)
    assert done.returncode == 1
    assert "ovsharp convert" in done.stderr
