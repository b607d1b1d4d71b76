from __future__ import annotations

import pytest

from ovsharp.engine import Execution, check_device, device, float_hints, resolve_execution
from ovsharp.engine.device import last_line
from ovsharp.errors import DeviceError, UsageError

BEST = "bf16" if "bf16" in float_hints("CPU") else "f32"


class FakeCore:
    """A machine with two GPUs and an NPU."""

    available_devices = ("CPU", "GPU.0", "GPU.1", "NPU")

    def get_property(self, name: str, key: str) -> list[str]:
        assert key == "OPTIMIZATION_CAPABILITIES"
        return {"CPU": ["FP32", "BF16", "INT8"], "NPU": ["FP16", "INT8"]}.get(
            name, ["FP32", "FP16", "INT8"]
        )


@pytest.fixture
def large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "get_core", FakeCore)


def test_a_device_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(DeviceError, match=r"no device 'TPU'.*CPU, .*AUTO"):
        check_device("tpu")


def test_auto_checks_the_devices_that_it_lists() -> None:
    assert check_device("auto:cpu") == "AUTO:CPU"
    with pytest.raises(DeviceError, match="'TPU'"):
        check_device("AUTO:TPU,CPU")


@pytest.mark.usefixtures("large_machine")
def test_devices_with_numbers() -> None:
    assert [check_device(name) for name in ("gpu", "GPU.1", "NPU")] == ["GPU", "GPU.1", "NPU"]
    with pytest.raises(DeviceError, match=r"'GPU\.2'.*CPU, GPU\.0, GPU\.1, NPU, AUTO"):
        check_device("GPU.2")


@pytest.mark.usefixtures("large_machine")
def test_default_precision_is_the_fast_one_of_the_device() -> None:
    executions = {name: resolve_execution(name, "fp16", None).label for name in ("CPU", "GPU")}
    assert executions == {"CPU": "bf16", "GPU": "f16"}
    assert resolve_execution("NPU", "int8", None).label == "int8+f16"


@pytest.mark.usefixtures("large_machine")
def test_auto_runs_what_all_of_its_devices_have() -> None:
    assert float_hints("AUTO") == ("f32",)
    assert float_hints("AUTO:GPU.0,GPU.1") == ("f32", "f16")


@pytest.mark.usefixtures("large_machine")
def test_a_kernel_limit_takes_16_bits_from_the_cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert float_hints("CPU") == ("f32",)
    assert float_hints("GPU") == ("f32", "f16")


@pytest.mark.parametrize(
    ("storage", "precision", "label"),
    [
        ("fp32", None, BEST),
        ("fp16", "f32", "f32"),
        ("int8", None, f"int8+{BEST}"),
        ("int8", "int8", f"int8+{BEST}"),
        ("int8", "int8+f32", "int8+f32"),
    ],
)
def test_precision_resolves(storage: str, precision: str | None, label: str) -> None:
    assert resolve_execution("CPU", storage, precision).label == label  # type: ignore[arg-type]


def test_precision_that_does_not_fit_the_storage() -> None:
    with pytest.raises(UsageError, match="ovsharp quantize"):
        resolve_execution("CPU", "fp16", "int8+f32")
    with pytest.raises(UsageError, match=r"int8\+f32"):
        resolve_execution("CPU", "int8", "f32")


def test_unknown_precision_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"'fp16'; expected f32, bf16"):
        resolve_execution("CPU", "fp16", "fp16")


@pytest.mark.usefixtures("large_machine")
def test_precision_without_hardware_support_is_refused() -> None:
    with pytest.raises(DeviceError, match="f16; use f32 or bf16"):
        resolve_execution("CPU", "fp16", "f16")


def test_label() -> None:
    assert Execution("f32").label == "f32"
    assert Execution("f16", int8=True).label == "int8+f16"


def test_last_line_of_an_openvino_message() -> None:
    assert last_line(RuntimeError("Exception from a.cpp:1:\n  the reason \n\n")) == "the reason"
    assert last_line(RuntimeError("")) == "OpenVINO gave no reason"


def test_a_precision_that_the_device_has_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "float_hints", lambda _device: ("f32",))
    with pytest.raises(DeviceError, match="CPU has no hardware support for bf16; use f32"):
        resolve_execution("CPU", "fp16", "bf16")
