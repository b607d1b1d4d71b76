from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ovsharp.cli.devices import devices
from ovsharp.engine import float_hints, machine


def test_says_what_is_there() -> None:
    result = CliRunner().invoke(devices, [], catch_exceptions=False)
    assert result.exit_code == 0
    for text in ("CPU", "float models run as", "INT8 models run as", "openvino", "numpy"):
        assert text in result.output


def test_json() -> None:
    facts = json.loads(CliRunner().invoke(devices, ["--json"]).output)
    cpu = next(device for device in facts["devices"] if device["device"] == "CPU")
    assert cpu["float_hints"] == list(float_hints("CPU"))
    assert cpu["int8_execution"] == f"int8+{cpu['float_execution']}"
    assert facts["packages"]["openvino"].startswith("20")
    assert "pair_problem" in facts


def test_instruction_sets_are_those_of_the_processor() -> None:
    sets = machine.instruction_sets()
    if not Path("/proc/cpuinfo").is_file():
        assert sets is None
    elif "avx512_vnni" in Path("/proc/cpuinfo").read_text():
        assert sets is not None
        assert sets["AVX512"]
        assert sets["AVX512_VNNI"]


def test_missing_packages_are_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine._version
    gone = ("nncf", "torch")
    monkeypatch.setattr(machine, "_version", lambda name: None if name in gone else real(name))
    output = CliRunner().invoke(devices, [], catch_exceptions=False).output
    assert "not installed" in output
    assert 'pip install "ovsharp[quantize]"' in output
    assert 'pip install "ovsharp[convert]"' in output


@pytest.mark.parametrize(
    ("openvino", "nncf", "fits"),
    [
        ("2026.4.1", "3.4.0", True),
        ("2026.4.1", None, True),
        ("2026.4.1", "2.19.0", False),
        ("2026.40.0", "3.4.0", False),
    ],
)
def test_the_pair_of_openvino_and_nncf(
    monkeypatch: pytest.MonkeyPatch, openvino: str, nncf: str | None, fits: bool
) -> None:
    versions = {"openvino": openvino, "nncf": nncf}
    monkeypatch.setattr(machine, "_version", lambda name: versions.get(name, "1.0"))
    problem = machine.pair_problem()
    assert (problem is None) == fits
    output = CliRunner().invoke(devices, [], catch_exceptions=False).output
    assert ("does not fit" in output) != fits


def test_a_kernel_limit_is_shown() -> None:
    # In a process of its own: oneDNN reads the limit once.
    done = subprocess.run(
        [sys.executable, "-m", "ovsharp", "devices", "--json"],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    facts = json.loads(done.stdout)
    assert facts["max_isa"] == "AVX2"
    assert next(d for d in facts["devices"] if d["device"] == "CPU")["float_execution"] == "f32"
    if facts["used_isa"]:
        assert "AVX-512" not in facts["used_isa"]


def test_neither_nncf_nor_torch_is_imported() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from ovsharp.cli.devices import devices;"
        "CliRunner().invoke(devices, [], catch_exceptions=False);"
        "print([name for name in ('torch', 'nncf', 'onnx') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"
