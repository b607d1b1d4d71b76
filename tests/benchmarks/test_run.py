from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ovsharp.benchmarks import Options, run, run_benchmark, subjects
from ovsharp.benchmarks.run import parse_modes
from ovsharp.benchmarks.samples import Sample
from ovsharp.engine import Mode, write_ir
from ovsharp.errors import DeviceError, InferenceError, UsageError
from ovsharp.measuring import startup
from ovsharp.measuring.photos import open_album, photos_for
from ovsharp.measuring.results import Report
from ovsharp.measuring.still import flicker, still_scene
from ovsharp.models import ARCHITECTURES
from ovsharp.reports import Size
from ovsharp.runtime import Sharpener
from tests.benchmarks.silent import Silent
from tests.networks import frame_model, frame_spec, write_frame_model
from tests.quality.pictures import reference_ssim


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    for storage in ("fp32", "fp16"):
        write_frame_model(folder, unshuffle=4, storage=storage)
    return folder


@pytest.fixture(scope="module")
def measured(photos: Path, model: Path) -> tuple[Report, list[Sample], Silent]:
    progress = Silent()
    options = Options(
        models=(str(model),),
        data=photos,
        sizes=("64x96", "48x64"),
        precisions=("f32", "eager"),
        seconds=0.05,
        threads=1,
    )
    return *run_benchmark(options, progress), progress


def test_there_is_a_row_for_every_storage(
    measured: tuple[Report, list[Sample], Silent],
) -> None:
    rows = [(row.storage, row.execution) for row in measured[0].rows]
    assert rows == [("fp32", "f32"), ("fp16", "f32")]


def test_sizes_are_measured_in_growing_order(measured: tuple[Report, list[Sample], Silent]) -> None:
    report = measured[0]
    assert report.sizes == ("48x64", "64x96")
    for row in report.rows:
        assert [(speed.height, speed.width) for speed in row.speeds] == [(48, 64), (64, 96)]


def test_every_row_has_all_timings(measured: tuple[Report, list[Sample], Silent]) -> None:
    for row in measured[0].rows:
        for speed in row.speeds:
            for timing in (
                speed.model_sync,
                speed.model_async,
                speed.frame_sync,
                speed.frame_stream,
            ):
                assert timing is not None
                assert timing.fps > 0
            assert speed.startup is not None
            assert speed.startup.compile_ms > 0
            assert speed.speedup_fp32 is not None
            assert speed.speedup_pytorch is None


def test_settings_are_what_the_compiled_model_says(
    measured: tuple[Report, list[Sample], Silent],
) -> None:
    for row in measured[0].rows:
        for speed in row.speeds:
            assert set(speed.settings) == {"latency", "throughput"}
            for mode, settings in speed.settings.items():
                assert settings["mode"] == mode
                assert settings["execution"] == row.execution
                assert settings["threads"] == 1


def test_quality_is_that_of_the_frames_themselves(
    measured: tuple[Report, list[Sample], Silent], photos: Path, model: Path
) -> None:
    report = measured[0]
    chosen, _ = photos_for(frame_spec(unshuffle=4), open_album(photos), None)
    row = report.rows[-1]
    assert row.quality is not None
    with Sharpener(model / "test-fp16.xml", precision=row.execution, threads=1) as sharpener:
        outputs = [sharpener(photo.frame) for photo in chosen]
    with Sharpener(model / "test-fp32.xml", precision="f32", threads=1) as sharpener:
        references = [sharpener(photo.frame) for photo in chosen]
    truths = [photo.truth for photo in chosen]
    assert row.quality.ssim == pytest.approx(_mean_ssim(outputs, truths), abs=1e-6)
    assert row.quality.input_ssim == pytest.approx(
        _mean_ssim([photo.frame for photo in chosen], truths), abs=1e-6
    )
    assert row.quality.psnr == pytest.approx(_mean_psnr(outputs, truths), abs=1e-6)
    assert row.quality.reference_psnr == pytest.approx(_mean_psnr(outputs, references), abs=1e-6)
    assert row.quality.images == 2
    scores = [photo.ssim for photo in row.quality.photos]
    assert row.quality.ssim_std == pytest.approx(abs(scores[0] - scores[1]) / math.sqrt(2))


def test_fp32_is_equal_to_itself(measured: tuple[Report, list[Sample], Silent]) -> None:
    quality = measured[0].rows[0].quality
    assert quality is not None
    assert quality.reference_psnr == 100.0


def test_flicker_is_that_of_still_scenes(
    measured: tuple[Report, list[Sample], Silent], photos: Path, model: Path
) -> None:
    chosen, _ = photos_for(frame_spec(unshuffle=4), open_album(photos), None)
    scenes = [still_scene(photo) for photo in chosen]
    row = measured[0].rows[-1]
    assert row.quality is not None
    with Sharpener(model / "test-fp16.xml", precision=row.execution, threads=1) as sharpener:
        outputs = [sharpener(frame.frame) for scene in scenes for frame in scene]
    assert row.quality.flicker == pytest.approx(flicker(scenes, outputs), abs=1e-6)


def _mean_ssim(images: list[np.ndarray], truths: list[np.ndarray]) -> float:
    return float(np.mean([*map(reference_ssim, images, truths)]))


def _mean_psnr(images: list[np.ndarray], truths: list[np.ndarray]) -> float:
    errors = [
        np.mean((image.astype(float) - truth) ** 2)
        for image, truth in zip(images, truths, strict=True)
    ]
    return float(
        np.mean([100.0 if not error else 10 * math.log10(255**2 / error) for error in errors])
    )


def test_crops_show_input_output_and_truth(measured: tuple[Report, list[Sample], Silent]) -> None:
    sample = measured[1][0]
    captions = [caption for caption, _ in sample.pictures]
    assert (captions[0], captions[1], captions[-1]) == ("input", "FP32, f32", "truth")
    assert len({image.shape for _, image in sample.pictures}) == 1


def test_progress_comes_to_its_end(measured: tuple[Report, list[Sample], Silent]) -> None:
    progress = measured[2]
    assert progress.done >= 0.9 * progress.total
    assert progress.steps


def test_no_pytorch_row_is_said(measured: tuple[Report, list[Sample], Silent]) -> None:
    assert measured[0].notes == ("no PyTorch row of test: there is no PyTorch checkpoint",)


def _short_run(model: Path, photos: Path, size: str, mode: Mode) -> Report:
    options = Options(
        models=(str(model),),
        data=photos,
        sizes=(size,),
        precisions=("f32",),
        modes=(mode,),
        seconds=0.02,
    )
    return run_benchmark(options, Silent())[0]


def test_one_mode_leaves_the_other_out(model: Path, photos: Path) -> None:
    report = _short_run(model, photos, "48x64", "throughput")
    (speed,) = report.rows[0].speeds
    assert speed.frame_sync is None
    assert speed.frame_stream is not None
    assert speed.fps == speed.frame_stream.fps


def test_an_enlarging_model_makes_the_size_from_a_small_frame(tmp_path: Path, photos: Path) -> None:
    path = write_frame_model(tmp_path, scale=2)
    report = _short_run(path, photos, "64x96", "latency")
    (row,) = report.rows
    assert (row.scale, row.speeds[0].height, row.speeds[0].width) == (2, 64, 96)


def test_pytorch_is_the_baseline_row(tmp_path: Path, photos: Path) -> None:
    path = write_frame_model(tmp_path, unshuffle=4)
    checkpoint = tmp_path / "student.pth"
    torch.save(ARCHITECTURES.build("student", channels=8, depth=1).state_dict(), checkpoint)
    report, _ = run_benchmark(
        Options(
            models=(str(path),),
            data=photos,
            sizes=("62x90",),
            precisions=("f32", "eager"),
            seconds=0.04,
        ),
        Silent(),
    )
    eager, fp32 = report.rows
    assert (eager.execution, fp32.execution) == ("eager f32", "f32")
    assert eager.megabytes == checkpoint.stat().st_size / 1e6
    assert eager.quality is not None
    assert eager.speeds[0].frame_sync is not None
    assert eager.speeds[0].frame_stream is None
    assert eager.speeds[0].startup is None
    assert eager.speeds[0].speedup_pytorch == 1.0
    assert fp32.speeds[0].speedup_pytorch is not None


def test_a_model_of_one_size_is_measured_at_that_size_only(tmp_path: Path, photos: Path) -> None:
    model = frame_model()
    model.reshape([1, 64, 96, 3])
    path = write_ir(model, frame_spec(size=(64, 96)), tmp_path)
    report, _ = run_benchmark(
        Options(
            models=(str(path),),
            data=photos,
            sizes=("48x64", "64x96"),
            precisions=("f32",),
            modes=("latency",),
            seconds=0.02,
        ),
        Silent(),
    )
    assert [speed.size for speed in report.rows[0].speeds] == ["64x96"]
    assert "not measured at 48x64" in report.notes[0]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"device": "GPU.7"}, DeviceError),
        ({"device": "AUTO"}, UsageError),
        ({"sizes": ("5p",)}, UsageError),
        ({"precisions": ("int8",)}, UsageError),
        ({"degrade": "fog"}, UsageError),
    ],
)
def test_what_makes_no_sense_is_refused(
    changes: dict, error: type, model: Path, photos: Path
) -> None:
    options = Options(models=(str(model),), data=photos, sizes=("48x64",))
    with pytest.raises(error):
        run_benchmark(dataclasses.replace(options, **changes), Silent())


@pytest.mark.parametrize(
    "changes", [{"seconds": 0.0}, {"images": 0}, {"threads": 0}, {"sizes": ()}]
)
def test_options_are_checked(changes: dict) -> None:
    with pytest.raises(UsageError):
        Options(**changes)


@pytest.mark.parametrize("texts", [(), ("fast",), ("latency", "fast")])
def test_unknown_modes_are_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="unknown mode"):
        parse_modes(texts)


def test_a_row_that_crashes_its_process_is_left_out_and_named(
    photos: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As oneDNN does for some networks where it is held to AVX2."""
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    real = startup.measure_startup

    def measure_startup(path: Path, *size: int, **options: object) -> object:
        with monkeypatch.context() as patch:
            if "fp16" in path.name:
                patch.setattr(startup.sys, "executable", str(crashing))
            return real(path, *size, **options)

    monkeypatch.setattr(subjects, "measure_startup", measure_startup)
    monkeypatch.setattr(run, "max_isa", lambda: "AVX2")
    options = {"data": photos, "images": 1, "sizes": ("96x128",), "seconds": 0.02}
    report, _ = run_benchmark(
        Options(models=(str(model),), precisions=("f32",), **options), Silent()
    )
    assert [row.storage for row in report.rows] == ["fp32"]
    assert "test-fp16.xml cannot run with f32 here: OpenVINO itself crashes" in report.notes[0]
    only = str(model / "test-fp16.xml")
    with pytest.raises(InferenceError, match="nothing to measure: no row test fp16 f32"):
        run_benchmark(Options(models=(only,), precisions=("f32",), **options), Silent())


def test_what_is_compiled_at_a_time_is_bounded(
    photos: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = Size.parse("1080p")
    rows: list[Any] = list(range(20))
    assert [len(group) for group in run.groups_of(rows, size)] == [5, 5, 5, 5]
    assert run.groups_of(rows[:6], size) == [rows[:6]]
    monkeypatch.setattr(run, "MEGABYTES", 1e-9)
    options = Options(
        models=(str(model),),
        data=photos,
        sizes=("48x64",),
        precisions=("f32",),
        modes=("latency",),
        seconds=0.02,
        threads=1,
    )
    report, _ = run_benchmark(options, Silent())
    assert [row.speeds[0].model_sync is not None for row in report.rows] == [True, True]
    assert "measured in 2 groups" in report.notes[0]
