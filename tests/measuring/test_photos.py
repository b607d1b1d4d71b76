from __future__ import annotations

import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from ovsharp.degrade import parse
from ovsharp.engine import upscale
from ovsharp.errors import MediaError, UsageError
from ovsharp.measuring import photos as room
from ovsharp.measuring.photos import choose_recipe, frames_of_size, open_album, photos_for
from tests.networks import frame_spec


def _write(path: Path, height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    return image


def test_without_data_photos_come_from_scikit_image() -> None:
    album = open_album(None)
    assert [name for name, _, _ in album.items] == list(room.BUILT_IN)
    np.testing.assert_array_equal(album.items[0][2], data.astronaut()[..., ::-1])


def test_sharp_photos_are_damaged_by_what_the_model_undoes() -> None:
    photos, described = photos_for(frame_spec(degradation="edsr"), open_album(None, limit=1), None)
    truth = photos[0].truth
    np.testing.assert_array_equal(
        photos[0].frame, parse("edsr")(truth, seed=zlib.crc32(b"astronaut"))
    )
    np.testing.assert_array_equal(photos[0].shown, photos[0].frame)
    assert described.recipe == parse("edsr").text
    assert "trained" in described.why


def test_a_recipe_of_the_user_comes_first() -> None:
    _, described = photos_for(frame_spec(), open_album(None, limit=1), "blur(sigma=2)")
    assert (described.recipe, described.why) == ("blur(sigma=2)", "--degrade")


@pytest.mark.parametrize(("scale", "recipe"), [(1, "gla"), (3, "x3")])
def test_a_model_that_says_nothing_gets_the_default(scale: int, recipe: str) -> None:
    spec = frame_spec(scale=scale, degradation="")
    _, described = photos_for(spec, open_album(None, limit=1), None)
    assert described.recipe == parse(recipe).text
    assert "ovsharp's choice" in described.why


def test_an_enlarging_model_is_compared_with_bicubic() -> None:
    photos, _ = photos_for(frame_spec(scale=4), open_album(None), None)
    for photo in photos:
        np.testing.assert_array_equal(photo.shown, upscale(photo.frame, 4))
        assert photo.shown.shape == photo.truth.shape


def test_a_recipe_of_another_scale_is_refused() -> None:
    with pytest.raises(UsageError, match="shrinks frames by 2"):
        photos_for(frame_spec(scale=4), open_album(None), "x2")


def test_pairs_come_as_they_are(tmp_path: Path) -> None:
    frame = _write(tmp_path / "input/a.png", 24, 32, seed=1)
    truth = _write(tmp_path / "target/a.png", 48, 64, seed=2)
    _write(tmp_path / "target/alone.png")
    photos, described = photos_for(frame_spec(scale=2), open_album(tmp_path), None)
    (photo,) = photos
    np.testing.assert_array_equal(photo.frame, frame)
    np.testing.assert_array_equal(photo.truth, truth)
    assert described.recipe == "pairs"
    with pytest.raises(UsageError, match="no sense with pairs"):
        photos_for(frame_spec(scale=2), open_album(tmp_path), "x2")


def test_large_pairs_are_cropped_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_SIDE", 64)
    frame = _write(tmp_path / "input/a.png", 50, 100, seed=1)
    truth = _write(tmp_path / "target/a.png", 100, 200, seed=2)
    (photo,), _ = photos_for(frame_spec(scale=2), open_album(tmp_path), None)
    np.testing.assert_array_equal(photo.frame, frame[9:41, 34:66])
    np.testing.assert_array_equal(photo.truth, truth[18:82, 68:132])


def test_photos_are_cropped_to_the_size_of_a_model_that_takes_one_only() -> None:
    photos, _ = photos_for(frame_spec(scale=2, size=(64, 96)), open_album(None), None)
    assert {photo.frame.shape for photo in photos} == {(64, 96, 3)}
    assert {photo.truth.shape for photo in photos} == {(128, 192, 3)}


def test_pairs_of_another_scale_are_left_out(tmp_path: Path) -> None:
    _write(tmp_path / "input/a.png", 48, 64)
    _write(tmp_path / "target/a.png", 48, 64)
    with pytest.raises(MediaError, match="targets 2 times as large"):
        photos_for(frame_spec(scale=2), open_album(tmp_path), None)


def test_unreadable_and_tiny_images_are_left_out_and_named(tmp_path: Path) -> None:
    _write(tmp_path / "good.png")
    _write(tmp_path / "tiny.png", 8, 8)
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    photos, described = photos_for(frame_spec(), open_album(tmp_path), None)
    assert [photo.name for photo in photos] == ["good.png"]
    assert set(described.skipped) == {"tiny.png", "broken.jpg"}


def test_the_limit_spreads_over_the_folder(tmp_path: Path) -> None:
    for index in range(9):
        _write(tmp_path / f"{index}.png")
    names = [name for name, _, _ in open_album(tmp_path, limit=3).items]
    assert names == ["0.png", "4.png", "8.png"]


@pytest.mark.parametrize("name", ["missing", "file.png"])
def test_data_must_be_a_folder(name: str, tmp_path: Path) -> None:
    _write(tmp_path / "file.png")
    with pytest.raises(MediaError, match="expects a folder"):
        open_album(tmp_path / name)


def test_frames_of_any_size_are_made_of_photos() -> None:
    frames = frames_of_size(open_album(None), 601, 907, count=5)
    assert {frame.shape for frame in frames} == {(601, 907, 3)}
    assert len({frame.tobytes() for frame in frames}) == 5
    assert all(frame.flags.c_contiguous for frame in frames)


def test_a_photo_is_damaged_alike_whatever_stands_beside_it(tmp_path: Path) -> None:
    for number in range(3):
        _write(tmp_path / f"{number}.png", seed=number)
    spec = frame_spec(degradation="noise(sigma=9)")
    every, _ = photos_for(spec, open_album(tmp_path), None)
    (tmp_path / "0.png").unlink()
    fewer, _ = photos_for(spec, open_album(tmp_path), None)
    for one, other in zip(every[1:], fewer, strict=True):
        np.testing.assert_array_equal(one.frame, other.frame)


def test_without_a_codec_another_damage_is_taken_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = frame_spec(degradation="h264(crf=30)")
    assert choose_recipe(spec, None)[1] == "what the model was trained to undo"
    monkeypatch.setitem(sys.modules, "av", None)
    recipe, why = choose_recipe(spec, None)
    assert recipe.name == "gla"
    assert why.endswith("what the model undoes has h264, which needs the extra video")
    assert choose_recipe(spec, "blur(sigma=1)")[1] == "--degrade"
