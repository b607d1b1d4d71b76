from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from ovsharp.engine import CompiledFrames, upscale, variant
from ovsharp.errors import DeviceError, InferenceError, UsageError
from ovsharp.runtime import Sharpener
from tests.networks import write_frame_model
from tests.runtime.models import noise, write_base_model, write_with_spec


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def same_size(folder: Path) -> Path:
    return write_frame_model(folder / "same", unshuffle=4, layers=3)


@pytest.fixture(scope="module")
def double_size(folder: Path) -> Path:
    return write_frame_model(folder / "double", scale=2)


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes that were compiled."""
    sizes: list[tuple[int, int]] = []
    real = variant.compile_frames

    def counted(
        model: object, spec: object, height: int, width: int, **settings: object
    ) -> CompiledFrames:
        sizes.append((height, width))
        return real(model, spec, height, width, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(variant, "compile_frames", counted)
    return sizes


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (33, 64), (90, 47)])
def test_any_size_is_padded_by_its_edge_and_cropped(
    same_size: Path, height: int, width: int
) -> None:
    frame = noise(height, width)
    padded = np.pad(frame, ((0, -height % 4), (0, -width % 4), (0, 0)), mode="edge")
    with Sharpener(same_size, precision="f32") as sharp:
        assert np.array_equal(sharp(frame), sharp(padded)[:height, :width])


def test_the_result_is_the_models(same_size: Path) -> None:
    frame = noise(32, 48)
    with Sharpener(same_size, precision="f32") as sharp:
        request = variant.compile_frames(
            sharp._chooser.variant._model, sharp.spec, 32, 48, execution=sharp.execution
        ).create_request()
        request.infer({"frame": frame[None]})
        assert np.array_equal(sharp(frame), request.get_tensor("sharp").data[0])


def test_scale_two(double_size: Path) -> None:
    with Sharpener(double_size) as sharp:
        assert sharp(noise(7, 5)).shape == (14, 10, 3)


@pytest.mark.parametrize(
    ("scale", "unshuffle", "layers", "tile"), [(1, 1, 4, 32), (1, 4, 2, 48), (2, 1, 3, 33)]
)
@pytest.mark.parametrize(("height", "width"), [(101, 75), (64, 199)])
def test_tiles_give_the_whole_frame_bit_by_bit(
    tmp_path: Path, scale: int, unshuffle: int, layers: int, tile: int, height: int, width: int
) -> None:
    path = write_frame_model(tmp_path, scale=scale, unshuffle=unshuffle, layers=layers)
    frame = noise(height, width)
    with (
        Sharpener(path, precision="f32") as whole,
        Sharpener(path, precision="f32", tile=tile) as tiled,
    ):
        assert np.array_equal(tiled(frame), whole(frame))
        assert np.array_equal(tiled.submit(frame).result(), whole(frame))


def test_large_frames_are_tiled_without_being_asked(
    tmp_path: Path, compilations: list[tuple[int, int]]
) -> None:
    path = write_frame_model(tmp_path, layers=1)
    frame = np.resize(noise(501, 499), (2501, 3701, 3))
    with (
        Sharpener(path, precision="f32") as sharp,
        Sharpener(path, tile=4000, precision="f32") as one,
    ):
        assert np.array_equal(sharp(frame), one(frame))
    assert compilations == [(1024, 1024), (2501, 3701)]


def test_base_is_the_bicubic_upscale(tmp_path: Path) -> None:
    frame = noise(6, 9)
    blurred = cv2.blur(frame.astype(np.float32), (3, 3), borderType=cv2.BORDER_CONSTANT)
    expected = 0.75 * upscale(frame, 2) + 0.25 * blurred.repeat(2, 0).repeat(2, 1)
    with Sharpener(write_base_model(tmp_path), precision="f32") as sharp:
        assert np.abs(sharp(frame) - expected).max() <= 0.51
        assert np.array_equal(sharp.submit(frame).result(), sharp(frame))


def test_tiles_of_a_model_with_base(tmp_path: Path) -> None:
    path = write_base_model(tmp_path)
    frame = noise(70, 51)
    with (
        Sharpener(path, precision="f32") as whole,
        Sharpener(path, precision="f32", tile=24) as tiled,
    ):
        assert np.array_equal(tiled(frame), whole(frame))


@pytest.mark.parametrize("model", ["same_size", "double_size"])
def test_out(model: str, request: pytest.FixtureRequest) -> None:
    frame = noise(30, 21)
    with Sharpener(request.getfixturevalue(model), precision="f32") as sharp:
        expected = sharp(frame)
        out = np.zeros_like(expected)
        assert sharp(frame, out=out) is out
        assert np.array_equal(out, expected)
        with pytest.raises(InferenceError, match="out must be"):
            sharp(frame, out=out[:-1])


def test_out_may_not_be_the_frame(same_size: Path) -> None:
    frame = noise(16, 16)
    with Sharpener(same_size) as sharp, pytest.raises(InferenceError, match="shares memory"):
        sharp(frame, out=frame)


def test_results_are_owned_and_the_frame_is_untouched(same_size: Path) -> None:
    frame = noise(16, 16)
    kept = frame.copy()
    with Sharpener(same_size) as sharp:
        first = sharp(frame)
        copy = first.copy()
        for seed in range(5):
            sharp(noise(16, 16, seed))
    assert first.flags.owndata
    assert np.array_equal(first, copy)
    assert np.array_equal(frame, kept)


def test_any_memory_layout(same_size: Path) -> None:
    frame = noise(32, 64)
    frozen = frame.copy()
    frozen.flags.writeable = False
    with Sharpener(same_size, precision="f32") as sharp:
        for view in (frame[::2, ::2], frame[::-1, :, ::-1], frozen, np.asfortranarray(frame)):
            assert np.array_equal(sharp(view), sharp(np.array(view, order="C")))
            assert np.array_equal(sharp.submit(view).result(), sharp(np.array(view, order="C")))


@pytest.mark.parametrize("scale", [1, 2])
def test_strength_blends_with_the_input(tmp_path: Path, scale: int) -> None:
    path = write_frame_model(tmp_path, scale=scale)
    frame = noise(21, 30)
    plain = upscale(frame, scale)
    with Sharpener(path, precision="f32") as full:
        sharp = full(frame)
    for strength in (0.0, 0.25, 1.5):
        with Sharpener(path, precision="f32", strength=strength) as weak:
            expected = (strength * sharp.astype(float) + (1 - strength) * plain).clip(0, 255)
            assert np.abs(weak(frame) - expected).max() <= 0.51
            assert np.array_equal(weak.submit(frame).result(), weak(frame))


def test_an_unsharp_mask_comes_behind_the_model(same_size: Path) -> None:
    frame = noise(21, 30)
    with Sharpener(same_size, precision="f32") as plain:
        result = plain(frame).astype(float)
        soft = cv2.GaussianBlur(result, (3, 3), 0)
        plain.unsharp = 0.5
        masked = (result + 0.5 * (result - soft)).clip(0, 255)
        assert np.abs(plain(frame) - masked).max() <= 1
        with plain.session(unsharp=0) as call:
            assert np.array_equal(call(frame), result)
        with pytest.raises(UsageError, match="unsharp must be from 0 to 2"):
            plain.unsharp = 2.1


@pytest.mark.parametrize("strength", [-0.1, 1.6, float("nan")])
def test_strength_out_of_range(same_size: Path, strength: float) -> None:
    with pytest.raises(UsageError, match="strength must be from 0"):
        Sharpener(same_size, strength=strength)


def test_arguments_that_do_not_fit(same_size: Path) -> None:
    with pytest.raises(DeviceError, match="no device 'TPU'"):
        Sharpener(same_size, device="TPU")
    with pytest.raises(UsageError, match="needs an INT8 model"):
        Sharpener(same_size, precision="int8")
    with pytest.raises(UsageError, match="tile 4 is too small"):
        Sharpener(same_size, tile=4)
    with pytest.raises(UsageError, match="threads"):
        Sharpener(same_size, threads=0)


def test_a_bad_frame_leaves_the_sharpener_working(same_size: Path) -> None:
    with Sharpener(same_size) as sharp:
        for call in (sharp, sharp.submit):
            with pytest.raises(InferenceError, match="got int64"):
                call(np.zeros((4, 4, 3), np.int64))
        assert sharp(noise(4, 4)).shape == (4, 4, 3)


def test_settings_for_a_size(same_size: Path, compilations: list[tuple[int, int]]) -> None:
    with Sharpener(same_size, precision="f32", threads=1) as sharp:
        settings = sharp.settings_for(30, 41)
        sharp(noise(30, 41))
        assert sharp.execution.label == settings.execution == "f32"
        assert settings.threads == 1
        with pytest.raises(InferenceError, match="no frames of 5x0"):
            sharp.settings_for(0, 5)
    assert compilations == [(32, 44)]


def test_threads_get_their_own_results(same_size: Path) -> None:
    frames = [noise(24 + 8 * (seed % 3), 40, seed) for seed in range(30)]
    with Sharpener(same_size, precision="f32") as sharp:
        expected = [sharp(frame) for frame in frames]
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(sharp, frames * 8))
            futures = list(pool.map(sharp.submit, frames * 4))
        for index, result in enumerate(results):
            assert np.array_equal(result, expected[index % len(frames)])
        for index, future in enumerate(futures):
            assert np.array_equal(future.result(), expected[index % len(frames)])


def test_a_new_size_is_compiled_once(same_size: Path, compilations: list[tuple[int, int]]) -> None:
    barrier = threading.Barrier(6)

    def call(sharp: Sharpener) -> None:
        barrier.wait()
        sharp(noise(64, 64))

    with Sharpener(same_size) as sharp, ThreadPoolExecutor(6) as pool:
        list(pool.map(call, [sharp] * 6))
    assert compilations == [(64, 64)]


def test_what_was_used_last_stays_compiled_within_the_memory(
    same_size: Path, compilations: list[tuple[int, int]]
) -> None:
    sizes = [(8 * count, 8) for count in range(1, 5)]
    with Sharpener(same_size, precision="f32", memory=5) as sharp:  # one takes about 1 MB
        first = sharp(noise(*sizes[0]))
        for size in sizes * 2:
            sharp(noise(*size))
        assert compilations == sizes
        sharp(noise(80, 80))
        sharp(noise(*sizes[-1]))
        assert compilations == [*sizes, (80, 80)]
        assert np.array_equal(sharp(noise(*sizes[0])), first)
        assert compilations == [*sizes, (80, 80), sizes[0]]


def test_a_model_that_is_never_tiled(tmp_path: Path) -> None:
    path = write_with_spec(tmp_path, margin=None)
    with Sharpener(path) as sharp:
        with pytest.raises(InferenceError, match="9000x5000 is too large"):
            sharp(np.zeros((5000, 9000, 3), np.uint8))
        assert sharp(noise(9, 9)).shape == (9, 9, 3)
    with pytest.raises(UsageError, match="cannot be tiled"):
        Sharpener(path, tile=512)


def test_closing(same_size: Path) -> None:
    sharp = Sharpener(same_size)
    futures = [sharp.submit(noise(16, 16, seed)) for seed in range(6)]
    sharp.close()
    sharp.close()
    assert all(future.done() for future in futures)
    for use in (sharp, sharp.submit, lambda frame: next(sharp.stream([frame]))):
        with pytest.raises(InferenceError, match="closed"):
            use(noise(16, 16))
    with pytest.raises(InferenceError, match="closed"):
        sharp.settings_for(16, 16)


def test_what_is_closed_says_so(same_size: Path) -> None:
    with Sharpener(same_size) as sharp:
        with sharp.session() as call:
            call(noise(8, 8))
        with pytest.raises(InferenceError, match="the session is closed; make a new one"):
            call(noise(8, 8))
        late = sharp.session()
    for one in (sharp, late):
        with pytest.raises(InferenceError, match="the sharpener is closed; make a new one"):
            one(noise(8, 8))
