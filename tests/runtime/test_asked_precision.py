"""An INT8 model that 16 bits harm runs with f32 around its 8, without being told to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ovsharp.engine import execution_of, float_hints, write_ir
from ovsharp.errors import UnsupportedModelError
from ovsharp.runtime import Sharpener
from ovsharp.spec import ModelSpec
from ovsharp.terminal.console import executed
from tests.networks import frame_model, frame_spec


def test_the_runtime_does_what_the_spec_asks_for(tmp_path: Path) -> None:
    spec = frame_spec(storage="int8", precision="int8+f32")
    path = write_ir(frame_model(), spec, tmp_path)
    frame = np.zeros((32, 32, 3), np.uint8)
    for precision in (None, "int8"):
        with Sharpener(path, precision=precision) as sharpener:
            sharpener(frame)
            assert sharpener.settings_for(32, 32).execution == "int8+f32"
    assert "as the model asks" in executed(spec, "int8+f32")
    assert executed(frame_spec(storage="int8"), "int8+f32") == "execution int8+f32"


def test_another_precision_may_still_be_asked_for() -> None:
    spec = frame_spec(storage="int8", precision="int8+f32")
    for hint in float_hints("CPU"):
        assert execution_of(spec, "CPU", f"int8+{hint}").hint == hint


def test_a_precision_that_does_not_exist_is_refused() -> None:
    text = frame_spec(storage="int8", precision="int8+f32").to_json()
    with pytest.raises(UnsupportedModelError, match="malformed"):
        ModelSpec.from_json(text.replace('"int8+f32"', '"int8+f64"'))
