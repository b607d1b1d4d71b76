"""ImageSet: what is sampled, what is held apart, what is skipped, and the manifest of it all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from ovsharp.calibration import Crop, ImageSet
from ovsharp.degrade import Recipe, parse
from ovsharp.errors import CalibrationError, UsageError
from tests.networks import frame_spec
from tests.photos import HEIGHT, WIDTH, photos, write_photos

SPEC = frame_spec(unshuffle=4)


def read(path: Path, recipe: Recipe | None = None, subset: int = 12, seed: int = 3) -> ImageSet:
    return ImageSet.from_path(path, recipe or parse("gla"), SPEC, subset=subset, seed=seed)


def files_of(crops: Iterable[Crop]) -> set[str]:
    return {name for crop in crops for name, _ in crop.files}


def test_validation_images_are_not_calibrated_on(tmp_path: Path) -> None:
    images = read(write_photos(tmp_path, 8))
    lots = [files_of(lot) for lot in (images.calibration, images.choosing, images.validation)]
    assert [len(lot) for lot in lots] == [6, 1, 1]
    assert images.calibration_images == 6
    assert len(set().union(*lots)) == 8


def test_few_images_give_several_crops_each(tmp_path: Path) -> None:
    for index, image in enumerate((data.astronaut(), data.coffee()) * 2):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.roll(image, index))
    images = read(tmp_path, subset=12)
    assert {crop.frame.shape for crop in images.calibration} == {(96, 96, 3)}
    assert images.calibration_images == 2
    assert len(images.calibration) == 12
    assert len({(crop.files, crop.top, crop.left) for crop in images.calibration}) == 12


def test_the_seed_decides_the_sample(tmp_path: Path) -> None:
    write_photos(tmp_path, 8)
    assert read(tmp_path).manifest() == read(tmp_path).manifest()
    assert read(tmp_path).manifest() != read(tmp_path, seed=4).manifest()


def test_crops_are_cut_out_of_whole_damaged_images(tmp_path: Path) -> None:
    images = read(write_photos(tmp_path, 8))
    for crop in (images.calibration[0], images.validation[0]):
        sharp = cv2.imread(str(tmp_path / crop.files[0][0]))
        damaged = parse("gla")(sharp, seed=crop.seed)
        height, width = crop.frame.shape[:2]
        box = np.s_[crop.top : crop.top + height, crop.left : crop.left + width]
        assert np.array_equal(crop.frame, damaged[box])
        assert np.array_equal(crop.truth, sharp[box])
        assert height % SPEC.multiple == 0
        assert width % SPEC.multiple == 0


def test_the_truth_of_an_enlarging_model_is_larger(tmp_path: Path) -> None:
    write_photos(tmp_path, 4)
    spec = frame_spec(scale=2)
    images = ImageSet.from_path(tmp_path, parse("x2"), spec, subset=2, seed=0)
    for crop in images.validation:
        assert crop.truth.shape == (HEIGHT, WIDTH, 3)
        assert crop.frame.shape == (HEIGHT // 2, WIDTH // 2, 3)


def test_corrupt_and_tiny_files_are_skipped_and_counted(tmp_path: Path) -> None:
    write_photos(tmp_path, 8)
    whole = (tmp_path / "photo-0.png").read_bytes()
    (tmp_path / "broken.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("no image")
    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((9, 9, 3), np.uint8))
    images = read(tmp_path, subset=100)
    assert {skipped.image for skipped in images.skipped} == {"broken.png", "text.jpg", "tiny.png"}
    assert set(json.loads(images.manifest())["skipped"]) == {"broken.png", "text.jpg", "tiny.png"}
    assert len(files_of((*images.calibration, *images.choosing, *images.validation))) == 8


def test_the_manifest_names_every_file_by_its_hash(tmp_path: Path) -> None:
    images = read(write_photos(tmp_path, 8))
    manifest = json.loads(images.manifest())
    for entry in manifest["calibration"] + manifest["choosing"] + manifest["validation"]:
        for name, digest in entry["files"].items():
            assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    assert manifest["degradation"] == parse("gla").text
    assert images.manifest_sha256() == hashlib.sha256(images.manifest().encode()).hexdigest()


def write_pairs(folder: Path, count: int) -> Path:
    write_photos(folder / "target", count)
    (folder / "input").mkdir()
    for path in (folder / "target").iterdir():
        blurred = cv2.GaussianBlur(cv2.imread(str(path)), (5, 5), 2)
        cv2.imwrite(str(folder / "input" / path.with_suffix(".bmp").name), blurred)
    return folder


def test_pairs_are_matched_by_name(tmp_path: Path) -> None:
    write_pairs(tmp_path, 6)
    cv2.imwrite(str(tmp_path / "input" / "alone.png"), photos(1)[0])
    images = ImageSet.from_path(tmp_path, None, SPEC, subset=4, seed=0)
    assert images.has_truth
    for crop in images.validation + images.calibration:
        (damaged, _), (target, _) = crop.files
        assert damaged.startswith("input/photo")
        assert target.startswith("target/photo")
        assert 0 < np.abs(crop.frame.astype(int) - crop.truth).mean() < 20


def test_a_pair_of_the_wrong_scale_is_skipped(tmp_path: Path) -> None:
    write_pairs(tmp_path, 6)
    cv2.imwrite(str(tmp_path / "target" / "photo-2.png"), photos(1)[0][:48])
    images = ImageSet.from_path(tmp_path, None, SPEC, subset=40, seed=0)
    assert [skipped.image for skipped in images.skipped] == ["input/photo-2.bmp"]
    assert "expected 1 times 112x96" in images.skipped[0].reason


def test_pairs_are_not_damaged_again(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="damaged already; leave --degrade gla out"):
        read(write_pairs(tmp_path, 4))


def test_clean_images_have_no_truth(tmp_path: Path) -> None:
    images = read(write_photos(tmp_path, 4), parse("clean"))
    assert not images.has_truth
    assert all(crop.truth is None for crop in images.calibration)


def test_the_end_of_a_video_is_held_apart(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (WIDTH, HEIGHT))
    for photo in photos(12):
        writer.write(photo)
    writer.release()
    images = read(path, parse("clean"), subset=9)
    validation = {int(name.split("#")[1]) for name in files_of(images.validation)}
    choosing = {int(name.split("#")[1]) for name in files_of(images.choosing)}
    used = {int(name.split("#")[1]) for name in files_of(images.calibration)}
    assert (validation, choosing) == ({10, 11}, {9})
    assert used == set(range(9))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="holds no images"):
        read(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere")


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("photo-0.png")
    with pytest.raises(CalibrationError, match="neither a folder of images nor a video"):
        read(tmp_path / "list.txt")


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="3 usable images: expected 4 or more"):
        read(write_photos(tmp_path, 3))


def test_a_folder_of_broken_images_is_refused_with_the_reason(tmp_path: Path) -> None:
    for index in range(5):
        (tmp_path / f"{index}.png").write_text("no image")
    with pytest.raises(CalibrationError, match=r"0 usable images.*5 were skipped.*no image that"):
        read(tmp_path)


def test_a_recipe_of_another_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="x4 shrinks by 4 and test enlarges by 1"):
        read(write_photos(tmp_path, 4), parse("x4"))


def test_without_a_recipe_the_user_is_asked_for_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name it with --degrade"):
        ImageSet.from_path(write_photos(tmp_path, 4), None, SPEC, subset=4, seed=0)
