"""What routers choose among, and the damaged squares that they are taught with."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from ovsharp.degrade import parse
from ovsharp.files import staged
from ovsharp.media import read_frame
from ovsharp.training.clips import moving_screen, sharp_clip


@dataclass(frozen=True)
class Family:
    """What a router chooses among, and what it is shown to learn it."""

    models: tuple[str, ...]
    """The one for everything first."""
    damages: tuple[str, ...]
    moving: tuple[str, ...]
    """Of clips and screens."""
    side: int
    """Images are cropped to a random square of so many pixels before they are damaged."""
    quantile: float
    """Of the gain that is told. 0.25: three of four such frames gain more; to harm is worse. With
    0.18 .4 % fewer squares were harmed, but two of eleven real clips at half size were left alone
    that gain .2 and .5 dB."""
    width: int
    """Neurons of the layers between."""
    seed: int
    """Of what is drawn in training; of `call`, the better of two in validation."""


def after(start: str, *ends: str) -> list[str]:
    """Give damages that begin in the same way."""
    return [start + end for end in ends]


FAMILIES = {
    "call": Family(
        models=(
            "call-balanced",
            "call-noise",
            "call-jpeg",
            "call-codec",
            "call-light",
            "call-small",
            "call-screen",
            "call-blur",
            "call-half",
        ),
        damages=(
            "clean",
            "clean",
            "gla",
            "blur(kernel=5|7|9, sigma=0.7..2.5)",
            "defocus(radius=0.7..2)",
            "motion_blur(length=2..7, angle=0..180)",
            "edsr",
            "down_up(scale=1.3..2.5, method=bicubic|bilinear|area)",
            "jpeg(quality=8..30)",
            "jpeg(quality=20..70)",
            "jpeg(quality=60..95)",
            "noise(sigma=1..6)",
            "noise(sigma=5..18)",
            "sensor_noise(shot=0.1..0.8, read=1..5)",
            "h264(crf=22..32)",
            "h264(crf=28..40)",
            "h264(crf=20..34, scale=1.3..2.2)",
            "h264(crf=20..30, scale=2)",
            "vp8(quantizer=10..55)",
            "noise(sigma=2..8) + h264(crf=22..36)",
            "blur(kernel=5, sigma=0.6..1.5) + jpeg(quality=20..80)",
            "synergy",
            "call",
            "call",
        ),
        moving=(
            "clean",
            "h264(crf=4..16)",
            "h264(crf=22..32)",
            "h264(crf=30..40)",
            "h264(kbps=150..1500)",
            "vp8(quantizer=10..58, speed=4..8)",
            "vp8(kbps=200..1500, speed=4..8)",
            "vp9(quantizer=20..58)",
            "h264(crf=18..34, scale=1.5..2.2, enlarge=bicubic|bilinear)",
            "h264(kbps=150..800, scale=2)",
            "vp8(kbps=200..800, speed=4..8, scale=2)",
            "vp9(quantizer=20..50, scale=2, enlarge=bicubic|bilinear)",
            "noise(sigma=1..6) + h264(crf=24..38)",
            "clean",
            "clean",
        ),
        side=256,
        quantile=0.25,
        width=192,
        seed=1,
    ),
    "x4": Family(
        models=("x4-balanced", "x4-clean", "x4-aliased", "x4-jpeg", "x4-codec", "x4-rough"),
        damages=(
            *after(
                "down(scale=4, method=area)",
                "",
                "",
                " + noise(sigma=1..8)",
                " + jpeg(quality=8..30)",
                " + jpeg(quality=20..70)",
                " + jpeg(quality=60..95)",
                " + h264(crf=18..28)",
                " + h264(crf=26..36)",
                " + vp8(quantizer=10..50)",
                " + noise(sigma=1..6) + h264(crf=20..32)",
            ),
            *after(
                "down(scale=4, method=bicubic|bilinear)",
                "",
                "",
                " + noise(sigma=1..8)",
                " + jpeg(quality=10..60)",
                " + jpeg(quality=60..95)",
                " + h264(crf=18..34)",
            ),
            *after(
                "down(scale=4, method=nearest)",
                " + jpeg(quality=5..50)",
                " + noise(sigma=1..10)",
            ),
            "dynamic-duo",
            "dynamic-duo",
        ),
        moving=(),
        side=384,
        quantile=0.4,
        width=96,
        seed=1,
    ),
}
PER_CLIP = 4
"""Squares of a coded clip."""
TURNS = (5, 5)
"""How often each clip and each screen gets every damage."""
FADES = 0.2
"""Share of the clips and screens."""
PORTION = 200
"""Pictures and clips that are damaged before what was made is kept."""


Row = tuple[np.ndarray, np.ndarray, int]
Job = Callable[[], list[Row]]


@dataclass(frozen=True)
class Examples:
    """Damaged squares and what they were."""

    frames: np.ndarray
    """Images x side x side x 3."""
    truths: np.ndarray
    numbers: np.ndarray
    """Of the damage: of photos, then of clips, then of screens."""


@dataclass(frozen=True)
class Source:
    """What examples are made of."""

    photos: list[Path]
    clips: list[Path]
    screens: list[Path]
    per_photo: int


def examples(source: Source, folder: Path, family: Family) -> Examples:
    """Give damaged squares of photos, clips and screens; what is made is kept."""
    sides = {"frames": family.side // parse(family.damages[0]).scale, "truths": family.side}
    numbers = _make(_jobs(source, family), folder, sides)
    # Read when they are asked for: together they are nearly as large as a memory.
    frames, truths = (
        np.memmap(folder / f"{name}.raw", np.uint8, "r").reshape(-1, side, side, 3)
        for name, side in sides.items()
    )
    return Examples(frames, truths, numbers)


def _jobs(source: Source, family: Family) -> list[Job]:
    # Once all damages were had, they are had again, at another place of the image.
    count = len(family.damages)
    jobs: list[Job] = [
        partial(_photo, family, index, path, numbers[time % count], time // count)
        for index, path in enumerate(source.photos)
        for numbers in [np.random.default_rng(index).permutation(count).tolist()]
        for time in range(source.per_photo)
    ]
    for kind, paths, turns in zip((1, 2), (source.clips, source.screens), TURNS, strict=True):
        jobs += [
            partial(_moving, family, kind, path, number, turn, paths)
            for path in paths
            for number in range(len(family.moving))
            for turn in range(turns)
        ]
    return jobs


def _make(jobs: list[Job], folder: Path, sides: Mapping[str, int]) -> np.ndarray:
    """Write what is not there yet, and give the numbers of the damages."""
    numbers, done = np.zeros(0, np.int64), 0
    if (folder / "made.npz").exists():
        with np.load(folder / "made.npz") as made:
            numbers, done = made["numbers"], int(made["done"])
    files = {name: folder / f"{name}.raw" for name in sides}
    with ThreadPoolExecutor(2) as pool:
        for start in range(done, len(jobs), PORTION):
            rows = [*chain(*pool.map(lambda job: job(), jobs[start : start + PORTION]))]
            for place, (name, side) in enumerate(sides.items()):
                with files[name].open("ab") as file:
                    file.truncate(len(numbers) * side**2 * 3)  # a portion that was broken off
                    file.writelines(row[place].tobytes() for row in rows)
            numbers = np.append(numbers, np.array([number for *_, number in rows], np.int64))
            done = min(start + PORTION, len(jobs))
            with staged(folder) as staging:
                np.savez(staging / "made.npz", numbers=numbers, done=done)
            print(f"{folder.name}: {done} of {len(jobs)}", flush=True)
    return numbers


def _photo(family: Family, index: int, path: Path, number: int, turn: int) -> list[Row]:
    image = _read(path)
    if min(image.shape[:2]) < family.side:
        return []
    rng = np.random.default_rng((index, number, turn))
    truth = _square(image, family.side, rng)
    return [(parse(family.damages[number])(truth, seed=int(rng.integers(2**63))), truth, number)]


def _moving(
    family: Family, kind: int, path: Path, number: int, turn: int, paths: list[Path]
) -> list[Row]:
    rng = np.random.default_rng((_seed(path), kind, number, turn))
    if kind == 1:
        clip = sharp_clip(path, rng, least=family.side)
    else:
        other = paths[int(rng.integers(len(paths)))]
        clip = moving_screen(path, other, rng)
    if min(clip[0].shape[:2]) < family.side:
        return []
    if rng.random() < FADES:
        clip = faded(clip, rng)
    coded = parse(family.moving[number]).on_clip(clip, seed=int(rng.integers(2**63)))
    shown = len(family.damages) + (kind - 1) * len(family.moving) + number
    rows = []
    for index in np.linspace(0, len(clip) - 1, PER_CLIP).astype(int):
        place = _place(clip[index], family.side, rng)
        rows.append((coded[index][place].copy(), clip[index][place].copy(), shown))
    return rows


def faded(clip: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Fade a clip from or to a darkness: what is nearly black is easily harmed."""
    ends = rng.uniform(0, 0.7, 2) * (rng.random(2) < 0.8)
    return [
        np.rint(frame * share).astype(np.uint8)
        for frame, share in zip(clip, np.linspace(*ends, len(clip)), strict=True)
    ]


def as_opencv_reads(frame: np.ndarray) -> np.ndarray:
    """Give each chroma sample to four pixels, as `cv2.VideoCapture` does and `video` does not.

    What is chosen for a picture shall not depend on who has read it.
    """
    height, width = (side // 2 * 2 for side in frame.shape[:2])
    planes = cv2.cvtColor(frame[:height, :width], cv2.COLOR_BGR2YUV_I420)
    read = frame.copy()
    read[:height, :width] = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    return read


def _seed(path: Path) -> int:
    return zlib.crc32(path.name.encode())


def _square(image: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    return np.ascontiguousarray(image[_place(image, side, rng)])


def _place(image: np.ndarray, side: int, rng: np.random.Generator) -> tuple[slice, slice]:
    top, left = (int(rng.integers((length - side) // 2 + 1)) * 2 for length in image.shape[:2])
    return slice(top, top + side), slice(left, left + side)


_read = lru_cache(maxsize=4)(read_frame)


def read_by_opencv(frames: np.ndarray, smaller: np.ndarray) -> np.ndarray:
    """Give frames as if OpenCV had read them, before those sent smaller were enlarged."""
    return np.stack(
        [
            enlarged_since(frame) if small else as_opencv_reads(frame)
            for frame, small in zip(frames, smaller, strict=True)
        ]
    )


def enlarged_since(frame: np.ndarray) -> np.ndarray:
    """Add what OpenCV's reading does to a frame of half the size, enlarged."""
    height, width = frame.shape[:2]
    small = cv2.resize(frame, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    change = as_opencv_reads(small).astype(np.float32) - small
    change = cv2.resize(change, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.rint(frame + change), 0, 255).astype(np.uint8)
