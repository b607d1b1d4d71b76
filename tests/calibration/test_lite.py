"""TFLite in INT8: what it gives is near the f32 file's, and the drop that is told is true."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from ovsharp.calibration import quantize_lite
from ovsharp.convert import LiteModel, Options, convert
from ovsharp.errors import CalibrationError, MissingExtraError, UsageError
from ovsharp.lab.convert import convert as command
from ovsharp.quality import psnr
from tests.networks import frame_spec
from tests.photos import HEIGHT, WIDTH, photos, write_photos

HAS_LITERT = find_spec("litert_torch") is not None
WITH_LITERT = [
    pytest.mark.slow,
    pytest.mark.skipif(not HAS_LITERT, reason="litert-torch (extra tflite) is not installed"),
]


def test_photos_are_for_tflite_only(tmp_path: Path) -> None:
    arguments = ["call-small", "--to", "planar", "--calib", str(tmp_path), "-o", str(tmp_path)]
    ran = CliRunner().invoke(command, arguments)
    assert isinstance(ran.exception, UsageError)
    assert "ovsharp quantize" in str(ran.exception)


@pytest.mark.skipif(HAS_LITERT, reason="litert-torch is installed")
def test_without_the_extra_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError, match=r"ovsharp\[tflite\]"):
        quantize_lite(tmp_path / "mine.tflite", frame_spec(), tmp_path)


class TestWithLiteRT:
    """Slow."""

    pytestmark = WITH_LITERT

    @pytest.fixture(scope="class")
    def made(self, tmp_path_factory: pytest.TempPathFactory) -> Any:
        options = Options(size=(HEIGHT, WIDTH))
        folder = tmp_path_factory.mktemp("lite")
        done = convert("call-jpeg", folder, form="tflite", options=options)
        return done.files[0], done.spec, write_photos(tmp_path_factory.mktemp("photos"), 8)

    def test_it_is_near_the_float_file(self, made: Any) -> None:
        path, spec, data = made
        small, rows = quantize_lite(path, spec, data)
        assert small.name == "call-jpeg-96x112-int8.tflite"
        assert small.stat().st_size < 0.6 * path.stat().st_size
        assert [label for label, _ in rows] == ["int8 SSIM", "int8 PSNR", "int8 drop", "int8 time"]
        floats, ours = LiteModel(path), LiteModel(small)
        for photo in photos(3):
            one, other = (
                np.rint(model(photo[None])[0].clip(0, 255)).astype(np.uint8)
                for model in (floats, ours)
            )
            assert (one != photo).any()
            assert psnr(one, other) > 40

    def test_a_limit_that_is_not_held_leaves_nothing(self, made: Any) -> None:
        path, spec, data = made
        before = sorted(path.parent.iterdir())
        with pytest.raises(CalibrationError, match="keep to f32"):
            quantize_lite(path, spec, data, max_drop=-1.0)
        assert sorted(path.parent.iterdir()) == before

    def test_the_damage_has_to_be_known(self, made: Any) -> None:
        path, spec, data = made
        with pytest.raises(UsageError, match="--degradation"):
            quantize_lite(path, spec.replace(degradation=""), data)
