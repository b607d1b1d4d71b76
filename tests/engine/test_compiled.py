from __future__ import annotations

import numpy as np
import openvino as ov
import pytest

from ovsharp.engine import Execution, compile_frames, compiled, float_hints, get_core
from ovsharp.errors import DeviceError, InferenceError, UnsupportedModelError, UsageError
from tests.networks import frame_model, frame_spec

F32 = Execution("f32")


@pytest.mark.parametrize("hint", float_hints("CPU"))
def test_settings_are_those_of_the_compiled_model(hint: str) -> None:
    execution = Execution(hint)  # type: ignore[arg-type]
    frames = compile_frames(frame_model(), frame_spec(), 16, 24, execution=execution, threads=1)
    settings = frames.settings
    assert settings.execution == hint
    assert (settings.mode, settings.streams, settings.threads) == ("latency", 1, 1)
    assert settings.execution_devices == ("CPU",)
    assert settings.device_name == get_core().get_property("CPU", "FULL_DEVICE_NAME")
    assert frames.compiled.get_property("PERFORMANCE_HINT") == "LATENCY"


def test_throughput_takes_streams() -> None:
    frames = compile_frames(
        frame_model(), frame_spec(), 16, 16, execution=F32, mode="throughput", streams=1
    )
    assert (frames.settings.mode, frames.settings.streams) == ("throughput", 1)
    assert frames.compiled.get_property("PERFORMANCE_HINT") == "THROUGHPUT"


def test_int8_storage_shows_in_the_execution() -> None:
    spec = frame_spec(storage="int8")
    frames = compile_frames(frame_model(), spec, 8, 8, execution=Execution("f32", int8=True))
    assert frames.settings.execution == "int8+f32"


def test_auto_says_what_ran() -> None:
    frames = compile_frames(
        frame_model(), frame_spec(), 8, 8, device="AUTO:CPU", execution=F32, threads=1
    )
    settings = frames.settings
    assert (settings.device, settings.execution_devices) == ("AUTO:CPU", ("CPU",))
    assert (settings.execution, settings.streams, settings.threads) == ("f32", 1, 1)


def test_static_and_the_model_stays_as_it_was() -> None:
    model = frame_model()
    frames = compile_frames(model, frame_spec(), 16, 24, execution=F32)
    assert list(frames.compiled.input("frame").shape) == [1, 16, 24, 3]
    assert model.input("frame").partial_shape.is_dynamic


def test_requests_are_independent() -> None:
    frames = compile_frames(frame_model(), frame_spec(), 8, 8, execution=F32)
    first, second = frames.create_request(), frames.create_request()
    black, white = np.zeros((1, 8, 8, 3), np.uint8), np.full((1, 8, 8, 3), 255, np.uint8)
    first.infer({"frame": black})
    before = first.get_tensor("sharp").data.copy()
    second.infer({"frame": white})
    assert np.array_equal(first.get_tensor("sharp").data, before)


def test_another_precision_than_asked_for_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {ov.Type.f32: "bf16"}
    monkeypatch.setattr(compiled, "_HINT_NAMES", names)
    with pytest.raises(DeviceError, match="runs bf16 where f32 was asked for"):
        compile_frames(frame_model(), frame_spec(), 8, 8, execution=F32)


def test_a_model_that_is_not_what_its_spec_says() -> None:
    with pytest.raises(UnsupportedModelError, match=r"its spec says u8 \[1, 16, 16, 3\]"):
        compile_frames(frame_model(), frame_spec(scale=2), 8, 8, execution=F32)


def test_a_size_that_the_graph_cannot_take() -> None:
    with pytest.raises(UnsupportedModelError, match="does not take frames of 9x8"):
        compile_frames(frame_model(unshuffle=4), frame_spec(unshuffle=4), 8, 9, execution=F32)


def test_a_model_without_a_base_that_its_spec_promises() -> None:
    with pytest.raises(UnsupportedModelError, match="does not take frames"):
        compile_frames(frame_model(), frame_spec(base=True), 8, 8, execution=F32)


def test_a_failed_compilation_names_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    def config(*_: object) -> dict[str, str]:
        return {"NUM_STREAMS": "many"}

    monkeypatch.setattr(compiled, "_config", config)
    with pytest.raises(InferenceError, match=r"compiling test for 16x8 on CPU failed: .*many"):
        compile_frames(frame_model(), frame_spec(), 8, 16, execution=F32)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "fast"}, "unknown mode 'fast'"),
        ({"threads": 0}, "threads must be 1 or more"),
        ({"streams": 0, "mode": "throughput"}, "streams must be 1 or more"),
        ({"streams": 2}, "latency mode runs one stream"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compile_frames(frame_model(), frame_spec(), 8, 8, execution=F32, **settings)  # type: ignore[arg-type]
