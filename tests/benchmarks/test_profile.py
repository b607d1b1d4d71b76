"""Where the time of a frame goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ovsharp.benchmarks import Profile, find_variant, profile
from ovsharp.benchmarks.profile import CONVOLUTION, LAYOUT, Node
from ovsharp.engine import Execution, read_ir, write_ir
from ovsharp.engine.device import get_core
from ovsharp.errors import UsageError
from ovsharp.lab.profile import profile as verb
from ovsharp.measuring.peak import peak_gmacs
from ovsharp.reports import Size
from tests.networks import frame_model, frame_spec, write_frame_model


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    folder = tmp_path_factory.mktemp("model")
    path = write_frame_model(folder, layers=3, unshuffle=2)
    variant = find_variant(str(path), "CPU", "f32", folder)
    return profile(variant, Size.parse("64x96"), device="CPU", seconds=0.05)


def test_every_convolution_is_counted_with_its_work(measured: Profile) -> None:
    done = [node for node in measured.nodes if node.kind == CONVOLUTION]
    # 12 -> 8 -> 8 -> 12 channels on 32 x 48 cells, 3 x 3 each.
    expected = [9 * 32 * 48 * pair / 1e9 for pair in (12 * 8, 8 * 8, 8 * 12)]
    assert sorted(node.gmac for node in done) == pytest.approx(sorted(expected))
    assert all(node.ms > 0 for node in measured.nodes)
    assert measured.execution == "f32"
    assert (measured.height, measured.width) == (64, 96)


def test_the_kinds_add_up(measured: Profile) -> None:
    assert sum(measured.kinds().values()) == pytest.approx(measured.total_ms)
    assert measured.frame_ms > 0
    assert measured.runs >= 3


def node(kind: str, ms: float, gmac: float = 0.0) -> Node:
    return Node("n", "T", kind, "p", "acdb", "u8", "1x1", ms, gmac, 1.0)


def test_the_verdict_says_what_convolutions_reach() -> None:
    nodes = (node(CONVOLUTION, 6, 0.6), node(CONVOLUTION, 2, 0.2), node(LAYOUT, 2))
    made = Profile("m", "cpu", "int8", "int8+f32", 8, 8, 5, 9.0, 10.0, 200.0, nodes)

    assert made.kinds() == {CONVOLUTION: 8, LAYOUT: 2}
    assert made.convolution_gmacs == pytest.approx(100)
    assert "80% of the time is in convolutions, at 50% of the measured peak" in made.verdict()
    assert "outside of them 20%: layout 20%" in made.verdict()
    assert json.loads(made.to_json())["kinds"] == {CONVOLUTION: 8, LAYOUT: 2}


@pytest.mark.parametrize("int8", [False, True])
def test_the_peak_is_a_rate(int8: bool) -> None:
    assert peak_gmacs("CPU", Execution("f32", int8)) > 0.1


def test_counters_are_off_again_afterwards(measured: Profile) -> None:
    assert get_core().get_property("CPU", "PERF_COUNT") is False


def test_the_verb_prints_tables_and_writes_json(tmp_path: Path) -> None:
    path = write_frame_model(tmp_path)
    arguments = [str(path), "--size", "32x48", "--seconds", "0.05", "--precision", "f32"]
    result = CliRunner().invoke(verb, [*arguments, "--json", str(tmp_path / "p.json")])

    assert result.exit_code == 0, result.output
    assert "of the measured peak" in result.output
    assert "convolution" in result.output
    assert json.loads((tmp_path / "p.json").read_text())["model"] == "test"


def test_a_folder_of_several_models_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_ir(frame_model(), frame_spec(name=name), tmp_path)
    with pytest.raises(UsageError, match="expected one model"):
        find_variant(str(tmp_path), "CPU", None, tmp_path / "scratch")


def test_the_variant_is_the_one_that_a_sharpener_runs(tmp_path: Path) -> None:
    for storage in ("fp32", "fp16"):
        write_ir(frame_model(), frame_spec().replace(storage=storage), tmp_path)
    variant = find_variant(str(tmp_path), "CPU", None, tmp_path / "scratch")

    assert read_ir(variant.path, get_core())[1].storage == variant.storage
