"""Rivals and textbook conversions: found, run on the same photos, and compared."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ovsharp.benchmarks import Options, ratio_table, run_benchmark, to_html
from ovsharp.benchmarks.rivals import find_rivals, ratio_grid, ratios
from ovsharp.benchmarks.samples import Sample
from ovsharp.benchmarks.textbook import convert_textbook
from ovsharp.benchmarks.variants import Candidate, find_candidates
from ovsharp.cluster import guarded
from ovsharp.engine import get_core
from ovsharp.errors import UsageError
from ovsharp.measuring.photos import open_album, photos_for
from ovsharp.measuring.results import Report
from ovsharp.models import ARCHITECTURES
from ovsharp.runtime import Sharpener
from tests.benchmarks.silent import Silent
from tests.convert import drawn
from tests.networks import write_frame_model
from tests.runtime.models import noise


def bare_network(folder: Path, name: str, *, blur: bool = True, scale: int = 1) -> Path:
    """A model of somebody else: float NCHW RGB 0..1 in and out, a 3x3 blur or the identity."""
    import openvino as ov
    from openvino import opset13 as ops

    picture = ops.parameter([1, 3, -1, -1], np.float32, name="picture")
    box = np.zeros((3 * scale**2, 3, 3, 3), np.float32)
    for channel in range(3):
        own = box[channel * scale**2 : (channel + 1) * scale**2, channel]
        own[..., 1, 1] = 1
        if blur:
            own[:] = 1 / 9
    value = ops.convolution(picture, ops.constant(box), [1, 1], [1, 1], [1, 1], [1, 1])
    if scale > 1:
        value = ops.depth_to_space(value, "depth_first", scale)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.xml"
    ov.save_model(ov.Model([value], [picture], name), path, compress_to_fp16=False)
    return path


def quick(model: Path, photos: Path, **more: Any) -> Options:
    return Options(
        models=(str(model),),
        data=photos,
        sizes=("64x96",),
        modes=("latency",),
        seconds=0.02,
        **more,
    )


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with the checkpoint that it was made of."""
    folder = tmp_path_factory.mktemp("own")
    torch.manual_seed(0)
    module = ARCHITECTURES.build("student", channels=8, depth=1, unshuffle=4)
    torch.save(module.state_dict(), folder / "student.pth")
    (candidate,) = find_candidates([f"{folder / 'student.pth'},name=mine"], folder)
    assert candidate.files["fp32"].parent == folder / "0"
    (folder / "student.pth").rename(folder / "0" / "student.pth")
    return folder / "0"


@pytest.fixture
def candidate(own: Path, tmp_path: Path) -> Candidate:
    return find_candidates([str(own)], tmp_path / "scratch")[0]


def test_a_folder_gives_its_name_to_its_only_model(tmp_path: Path, candidate: Candidate) -> None:
    peers = tmp_path / "peers"
    bare_network(peers / "intel" / "FP16", "long-name")
    bare_network(peers / "intel" / "FP32", "long-name", blur=False)
    bare_network(peers / "two", "a")
    bare_network(peers / "two", "b")
    bare_network(peers / ".hidden", "c")
    bare_network(peers, "bare")
    (peers / "readme.md").touch()
    found, notes = find_rivals(peers, [candidate], tmp_path / "scratch")
    assert notes == []
    assert [one.name for one in found] == ["a", "b", "bare", "intel"]
    assert {one.role for one in found} == {"rival"}
    assert all(list(one.files) == ["fp32"] for one in found)
    frame = noise(32, 32)
    with Sharpener(found[-1].files["fp32"], precision="f32") as sharpener:
        assert np.array_equal(sharpener(frame), frame), "the file of the folder FP32"


def test_what_is_no_frame_model_is_said(tmp_path: Path, candidate: Candidate) -> None:
    bare_network(tmp_path / "peers", "good")
    (tmp_path / "peers" / "broken.onnx").write_bytes(b"no model")
    found, notes = find_rivals(tmp_path / "peers", [candidate], tmp_path / "scratch")
    assert [one.name for one in found] == ["good"]
    assert len(notes) == 1
    assert notes[0].startswith("broken.onnx is left out: ")


def test_a_rival_that_never_ends_is_left_out(
    tmp_path: Path, candidate: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare_network(tmp_path / "peers", "good")
    drawn.write_endless_onnx(tmp_path / "peers" / "loop.onnx")
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "3")
    found, notes = find_rivals(tmp_path / "peers", [candidate], tmp_path / "scratch", guard=guarded)
    assert [one.name for one in found] == ["good"]
    assert "took more than 3 s of the processor and was ended" in notes[0]


def test_rivals_get_the_photos_of_ones_own_model(tmp_path: Path, candidate: Candidate) -> None:
    blurred = dataclasses.replace(candidate, spec=candidate.spec.replace(degradation="gla"))
    bare_network(tmp_path / "peers", "same")
    bare_network(tmp_path / "peers", "double", scale=2)
    found, _ = find_rivals(tmp_path / "peers", [blurred], tmp_path / "scratch")
    assert {one.name: one.spec.degradation for one in found} == {"double": "", "same": "gla"}
    found, notes = find_rivals(tmp_path / "peers", [blurred], tmp_path / "other", scale=2)
    assert [one.name for one in found] == ["double"]
    assert notes == ["same is left out: it is x1 and --degrade is for x2"]


@pytest.mark.parametrize("content", [[], ["note.txt"], ["broken.xml"]])
def test_a_folder_without_rivals_is_refused(
    content: list[str], tmp_path: Path, candidate: Candidate
) -> None:
    (tmp_path / "peers").mkdir()
    for name in content:
        (tmp_path / "peers" / name).touch()
    with pytest.raises(UsageError, match="holds no usable rival"):
        find_rivals(tmp_path / "peers", [candidate], tmp_path / "scratch")
    with pytest.raises(UsageError, match="expects a folder"):
        find_rivals(tmp_path / "none", [candidate], tmp_path / "scratch")


def test_two_models_of_one_name_are_refused(tmp_path: Path, candidate: Candidate) -> None:
    bare_network(tmp_path / "peers", candidate.name)
    with pytest.raises(UsageError, match="rename its file"):
        find_rivals(tmp_path / "peers", [candidate], tmp_path / "scratch")


def test_the_textbook_computes_the_same(tmp_path: Path, candidate: Candidate, photos: Path) -> None:
    chosen, _ = photos_for(candidate.spec, open_album(photos), None)
    book = convert_textbook(candidate, chosen, tmp_path / "book")
    assert isinstance(book, Candidate)
    assert (book.name, book.role, list(book.files)) == (
        "mine-textbook",
        "textbook",
        ["fp32", "int8"],
    )
    frame = chosen[0].frame
    with Sharpener(candidate.files["fp32"], precision="f32") as sharpener:
        expected = sharpener(frame).astype(int)
    with Sharpener(book.files["fp32"], precision="f32") as sharpener:
        assert np.abs(sharpener(frame) - expected).max() <= 1
    with Sharpener(book.files["int8"], precision="int8+f32") as sharpener:
        assert 0 < np.abs(sharpener(frame) - expected).mean() < 3


def test_the_textbook_of_a_model_with_a_base(tmp_path: Path, photos: Path) -> None:
    torch.manual_seed(0)
    module = ARCHITECTURES.build("upscaler", channels=8, depth=1, scale=2)
    torch.save(module.state_dict(), tmp_path / "student.pth")
    (own,) = find_candidates([f"{tmp_path / 'student.pth'},name=up"], tmp_path / "scratch")
    chosen, _ = photos_for(own.spec, open_album(photos), None)
    book = convert_textbook(own, chosen, tmp_path / "book")
    assert isinstance(book, Candidate)
    results = []
    for path in (own.files["fp32"], book.files["fp32"]):
        with Sharpener(path, precision="f32") as sharpener:
            results.append(sharpener(chosen[0].frame).astype(int))
    assert np.abs(results[0] - results[1]).max() <= 1


def test_without_a_checkpoint_there_is_no_textbook(tmp_path: Path) -> None:
    (own,) = find_candidates([str(write_frame_model(tmp_path))], tmp_path / "scratch")
    assert "no PyTorch checkpoint" in str(convert_textbook(own, [], tmp_path))


@pytest.fixture(scope="module")
def measured(
    own: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Report, list[Sample]]:
    peers = tmp_path_factory.mktemp("peers")
    bare_network(peers, "same")
    bare_network(peers, "double", scale=2)
    return run_benchmark(quick(own, photos, threads=1, peers=peers, textbook=True), Silent())


def test_each_is_measured_as_it_is_usually_run(measured: tuple[Report, list[Sample]]) -> None:
    best = get_core().get_property("CPU", "INFERENCE_PRECISION_HINT").to_string()
    best = {"bf16": "bf16"}.get(best, "f32")
    assert [(row.model, row.role, row.storage) for row in measured[0].rows] == [
        ("mine", "own", "fp32"),
        ("mine-textbook", "textbook", "fp32"),
        ("mine-textbook", "textbook", "int8"),
        ("double", "rival", "fp32"),
        ("same", "rival", "fp32"),
    ]
    assert {row.execution.removeprefix("int8+") for row in measured[0].rows} == {best}
    assert Report.from_json(measured[0].to_json()) == measured[0]


def test_ratios_are_of_the_one_run(measured: tuple[Report, list[Sample]]) -> None:
    report = measured[0]
    found = ratios(report, "64x96")
    assert [ratio.other.model for ratio in found] == ["mine-textbook"] * 2 + ["double", "same"]
    times = {row.key: row.speeds[0].frame_sync.latency.p50 for row in report.rows}  # type: ignore[union-attr]
    for ratio in found:
        assert ratio.times == pytest.approx(times[ratio.other.key] / times[ratio.own.key])
        assert ("SSIM" in ratio.sentence) == (ratio.other.model != "double")
    heads, grid = ratio_grid(report, "64x96")
    assert heads == ["mine"]
    assert [key.split()[0] for key in grid] == ["textbook", "textbook", "double", "same"]
    marks = [cells[0].endswith("*") for cells in grid.values()]
    assert marks == [False, False, True, False]


def test_a_slower_model_is_called_slower(measured: tuple[Report, list[Sample]]) -> None:
    ratio = dataclasses.replace(ratios(measured[0], "64x96")[-1], own_ms=30.0, other_ms=10.0)
    assert "mine (FP32" in ratio.sentence
    assert "is 3.0 times slower than same (FP32" in ratio.sentence
    assert "30.0 against 10.0 ms" in ratio.sentence


def test_the_page_shows_every_task_and_the_ratios(measured: tuple[Report, list[Sample]]) -> None:
    page = to_html(*measured)
    for text in (
        "Same size, 64x96 out",
        "x2, 64x96 out",
        "Against others at 64x96",
        "mine-textbook",
    ):
        assert text in page
    assert "times slower than" in page or "times faster than" in page


def test_without_others_there_is_no_ratio(measured: tuple[Report, list[Sample]]) -> None:
    report = measured[0]
    alone = dataclasses.replace(report, rows=report.rows[:1])
    assert ratio_table(alone, "64x96") is None
    assert "Against others" not in to_html(alone, [])


def test_a_precision_says_more(own: Path, photos: Path, tmp_path: Path) -> None:
    bare_network(tmp_path / "peers", "same")
    options = quick(own, photos, precisions=("f32",), peers=tmp_path / "peers")
    rows = run_benchmark(options, Silent())[0].rows
    assert [(row.model, row.storage, row.execution) for row in rows] == [
        ("mine", "fp32", "f32"),
        ("mine", "fp16", "f32"),
        ("same", "fp32", "f32"),
    ]
