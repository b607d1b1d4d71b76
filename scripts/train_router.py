"""Trains a router of shipped models: `call` or `x4`.

    python scripts/train_router.py call --data photos/ --val other/ --out runs/router

For `call`, --clips and --screens name folders of sharp videos and of pictures of screens. Photos,
clips and shared screens are damaged in several ways, every model of the router sharpens
them, and what each gained is what the router learns to tell from crops of the damaged picture
alone. A tenth of the clips is judged on. Writes ovsharp/models/shipped/ROUTER, and figures of the
choice to OUT/figures.json. Examples that were made, what was found in them, and models that were
measured already are not done again.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import torch
from torch.nn import functional

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.engine import upscale, write_router
from ovsharp.files import sha256, staged
from ovsharp.media import find_images, find_videos, read_frame
from ovsharp.models.router import SIDE as CROP
from ovsharp.models.router import RouterNetwork, RouterOnFrames
from ovsharp.quality import harms, ssim
from ovsharp.runtime import crops
from ovsharp.spec import RouterSpec
from ovsharp.training.clips import moving_screen, sharp_clip, split_clips

SHIPPED = Path(__file__).parent.parent / "ovsharp" / "models" / "shipped"


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
RIM = 40
"""Pixels at the border of a square that gains are not measured on."""
CROPS = 36
SEEN, DRAWS = 9, 4
"""Crops that are looked at in training, and how often they are drawn from each square."""
RATE = 3e-3
BATCH = 512
LEAST = 0.35
"""dB that a model must be told to gain, or the frame stays untouched."""
SOFTNESS = 0.1
"""Difference of asinh(dB) that makes a choice e times as probable in training."""
HARM = 3.0
"""dB that harm which is seen costs beside what is lost."""
CLEAN = 6.0
"""How much more often a frame without damage is learned from: to touch one is the worst error."""
PHOTOS = 1.5
"""How much more often photos are learned from than clips and screens, of which there are more."""
KNEE = 0.1
"""Differences of asinh(dB) below which the loss is quadratic."""
FLOOR = 0.5
"""Mean squared error, in levels, below which pictures count as equal: 51 dB."""
PER_SSIM = 40.0
"""dB that an SSIM of 1 is worth: what models for compression gain of both at once."""


def quality(picture: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Give PSNR and SSIM, both in dB, in the middle of a picture."""
    picture, truth = (image[RIM:-RIM, RIM:-RIM] for image in (picture, truth))
    error = float(np.mean((picture.astype(np.float32) - truth) ** 2))
    return np.array((10 * math.log10(255**2 / (error + FLOOR)), PER_SSIM * ssim(picture, truth)))


def worth(gains: np.ndarray) -> np.ndarray:
    """Give what gains in PSNR and SSIM are worth together, in dB: ... x 2 -> ..."""
    return gains.mean(-1)


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
    if not (folder / "truths.raw").exists():  # the last that is moved there
        _make(source, folder, family)
    sides = {"frames": family.side // parse(family.damages[0]).scale, "truths": family.side}
    # Read when they are asked for: together they are nearly as large as a memory.
    frames, truths = (
        np.memmap(folder / f"{name}.raw", np.uint8, "r").reshape(-1, side, side, 3)
        for name, side in sides.items()
    )
    return Examples(frames, truths, np.load(folder / "numbers.npy"))


def _make(source: Source, folder: Path, family: Family) -> None:
    jobs = [partial(_photo, *task) for task in _photo_tasks(source, family)]
    for kind, paths, turns in zip((1, 2), (source.clips, source.screens), TURNS, strict=True):
        jobs += [
            partial(_moving, family, kind, path, number, turn, paths)
            for path in paths
            for number in range(len(family.moving))
            for turn in range(turns)
        ]
    numbers = []
    with (
        staged(folder) as staging,
        (staging / "frames.raw").open("wb") as frames,
        (staging / "truths.raw").open("wb") as truths,
        ThreadPoolExecutor(2) as pool,
    ):
        for count, rows in enumerate(pool.map(lambda job: job(), jobs), 1):
            for frame, truth, number in rows:
                frames.write(frame.tobytes())
                truths.write(truth.tobytes())
                numbers.append(number)
            if count % 500 == 0:
                print(f"{folder.name}: {count} of {len(jobs)}", flush=True)
        np.save(staging / "numbers.npy", numbers)


def _photo_tasks(source: Source, family: Family) -> list[tuple[Family, int, Path, int, int]]:
    # Once all damages were had, they are had again, at another place of the image.
    count = len(family.damages)
    return [
        (family, index, path, numbers[time % count], time // count)
        for index, path in enumerate(source.photos)
        for numbers in [np.random.default_rng(index).permutation(count).tolist()]
        for time in range(source.per_photo)
    ]


Row = tuple[np.ndarray, np.ndarray, int]


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


def gains_of(made: Examples, name: str, family: Family, folder: Path) -> np.ndarray:
    """Give what a model gains in PSNR and SSIM, images x 2; measured once for its weights."""
    sharpener = Sharpener(name, threads=1)
    weights = SHIPPED / name / f"{name}-int8.bin"
    file = folder / f"{name}-{sha256(weights)[:12]}.npy"
    if file.exists():
        return np.load(file)
    scale = parse(family.damages[0]).scale
    before_file = folder / "before.npy"
    pairs = zip(made.frames, made.truths, strict=True)
    with ThreadPoolExecutor(2) as pool:
        if not before_file.exists():
            plain = [*pool.map(lambda pair: quality(upscale(pair[0], scale), pair[1]), pairs)]
            np.save(before_file, np.array(plain))
            pairs = zip(made.frames, made.truths, strict=True)
        after = [*pool.map(lambda pair: quality(sharpener(pair[0]), pair[1]), pairs)]
    gains = np.array(after) - np.load(before_file)
    np.save(file, gains)
    print(f"{name}: mean gain {gains.mean(0).round(3)}", flush=True)
    return gains


def batch(frames: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Give random crops on the grid, frames x SEEN x 3 x CROP x CROP."""
    places = (frames.shape[1] - CROP) // 16 + 1
    cut = [
        [frame[y : y + CROP, x : x + CROP] for y, x in 16 * rng.integers(places, size=(SEEN, 2))]
        for frame in frames
    ]
    return torch.from_numpy(np.array(cut)).permute(0, 1, 4, 2, 3).float() / 255


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


def harmful(gains: np.ndarray) -> np.ndarray:
    """Say which gains in PSNR and SSIM, both in dB, are harm that is seen: ... x 2 -> ..."""
    return harms(gains[..., 0], gains[..., 1] / PER_SSIM)


def found_in(made: Examples, smaller: np.ndarray, folder: Path) -> torch.Tensor:
    """Give what a router sees of each square, DRAWS times all, rows x numbers; it is kept.

    Args:
        made: damaged squares.
        smaller: which were sent smaller; all are also seen as OpenCV reads them.
        folder: of the file.
    """
    file = folder / "found.npy"
    if not file.exists():
        network, rng = RouterNetwork(1, 1), np.random.default_rng(0)
        parts = np.array_split(np.arange(len(smaller)), len(smaller) // 32 + 1)
        seen = (made.frames[part] for _ in range(DRAWS - 1) for part in parts)
        read = (read_by_opencv(made.frames[part], smaller[part]) for part in parts)
        with torch.no_grad():
            found = torch.cat([network.found(batch(some, rng)) for some in chain(seen, read)])
        np.save(file, found.numpy())
    return torch.from_numpy(np.load(file))


def learn(
    found: torch.Tensor, gains: np.ndarray, often: np.ndarray, family: Family, steps: int
) -> RouterNetwork:
    """Train a router: to tell what each model gains, and to choose well by what it tells.

    Args:
        found: what is seen of damaged squares, DRAWS times all, rows x numbers.
        gains: in PSNR and SSIM, both in dB, images x models x 2.
        often: how often each of the squares is learned from.
        family: its quantile, width and seed are taken.
        steps: of BATCH squares.
    """
    torch.manual_seed(family.seed)
    rng = np.random.default_rng(family.seed)
    network = RouterNetwork(gains.shape[1], family.width)
    network.centre.copy_(found.mean(0))
    network.spread.copy_(found.std(0) + 1e-3)
    values = torch.from_numpy(worth(gains).astype(np.float32)).clamp(-3, 10)
    target = values.asinh().repeat(DRAWS, 1)
    scores = (values - HARM * torch.from_numpy(harmful(gains))).repeat(DRAWS, 1)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    often = np.tile(often, DRAWS).cumsum()
    total = 0.0
    for step in range(1, steps + 1):
        picked = torch.from_numpy(np.searchsorted(often, often[-1] * rng.random(BATCH)))
        told, true = network.told(found[picked]).asinh(), target[picked]
        loss = functional.smooth_l1_loss(told, true, beta=KNEE, reduction="none")
        loss = (2 * loss * (family.quantile - (true < told).float()).abs()).mean()
        loss = loss + regret(told, scores[picked]).asinh().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 500 == 0:
            print(f"step {step}: loss {total / 500:.4f}", flush=True)
            total = 0.0
    return network.eval()


def regret(told: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Give what is lost to the best choice when larger gains are chosen more often.

    The real choice, of the largest, has no slope. Told apart by regression alone, models that gain
    nearly the same took most of what the network can learn, and the choice little.

    Args:
        told: asinh of gains, squares x models.
        scores: of the models; leaving a frame untouched scores 0.

    Returns:
        Squares.
    """
    untouched = torch.zeros(len(told), 1)
    chances = torch.cat((told, untouched + math.asinh(LEAST)), 1).div(SOFTNESS).softmax(1)
    scores = torch.cat((scores, untouched), 1)
    return scores.max(1).values - (chances * scores).sum(1)


def judge(
    network: RouterNetwork, family: Family, made: Examples, gains: np.ndarray, least: float
) -> dict[str, dict[str, float | str]]:
    """Say by damage what the choice gains, beside the best one and the general model.

    Args:
        network: the router.
        family: its models and damages.
        made: squares that it was not taught on.
        gains: in PSNR and SSIM, both in dB, images x models x 2.
        least: expected gain in dB below which a frame stays untouched.
    """
    deployed = RouterOnFrames(network)
    with torch.no_grad():
        told = np.array(
            [deployed(torch.from_numpy(crops(frame, CROP, CROPS))).numpy() for frame in made.frames]
        )
    nothing = np.zeros((len(gains), 1))
    choices = np.concatenate((told, nothing + least), 1).argmax(1)
    full = np.concatenate((gains, np.zeros((len(gains), 1, 2))), 1)
    both = full[np.arange(len(full)), choices]
    got, best = worth(both), worth(full).max(1)
    harmed = harmful(both)
    figures: dict[str, dict[str, float | str]] = {}
    texts = [*family.damages]
    for kind in ("clip", "screen"):
        texts += [f"{kind}: {text}" for text in family.moving]
    rows = [(f"{number} {text}", made.numbers == number) for number, text in enumerate(texts)]
    for label, there in [*rows, ("all", made.numbers >= 0)]:
        if not there.any():
            continue
        names, counts = np.unique(choices[there], return_counts=True)
        figures[label] = {
            "n": int(there.sum()),
            "routed": round(float(got[there].mean()), 3),
            "best": round(float(best[there].mean()), 3),
            "reached": round(float(got[there].sum() / max(best[there].sum(), 1e-9)), 3),
            "harmed": round(float(harmed[there].mean()), 3),
            "general": round(float(worth(gains)[there, 0].mean()), 3),
            "worst": round(float(got[there].min()), 3),
            "choices": ", ".join(
                f"{(*family.models, 'none')[name]} {count}"
                for name, count in zip(names, counts, strict=True)
            ),
        }
    return figures


def sources(options: argparse.Namespace) -> tuple[Source, Source]:
    """Give what is taught and what is judged on."""
    family = FAMILIES[options.router]
    clips = find_videos(options.clips) if options.clips else []
    taught, held = split_clips(clips) if clips else ([], [])
    screens = find_images([options.screens]) if options.screens else []
    few = max(1, len(screens) // 10)
    return (
        Source(find_images([options.data]), taught, screens[few:], options.per_image),
        Source(find_images([options.val]), held, screens[:few], len(family.damages)),
    )


def main() -> None:
    """Measure, train, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("router", choices=FAMILIES)
    for name in ("--data", "--val", "--out"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--clips", "--screens"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--per-image", type=int, default=36)
    parser.add_argument("--steps", type=int, default=60_000)
    parser.add_argument("--only", nargs="*", help="measure these models, and stop")
    options = parser.parse_args()
    family = FAMILIES[options.router]
    sets = []
    for name, source in zip(("train", "val"), sources(options), strict=True):
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        made = examples(source, folder, family)
        models = options.only or family.models
        sets.append((made, np.stack([gains_of(made, m, family, folder) for m in models], 1)))
    if options.only:
        return
    (train, gains), (val, held) = sets
    texts = np.array((*family.damages, *family.moving, *family.moving))[train.numbers]
    found = found_in(train, np.char.find(texts, "scale=") >= 0, options.out / "train")
    photos = train.numbers < len(family.damages)
    often = np.where(photos, PHOTOS, 1.0) * np.where(texts == "clean", CLEAN, 1.0)
    network = learn(found, gains, often, family, options.steps)
    figures = judge(network, family, val, held, LEAST)
    (options.out / "figures.json").write_text(json.dumps(figures, indent=1))
    for text, row in figures.items():
        print(text, row)
    example = torch.zeros(CROPS, CROP, CROP, 3, dtype=torch.uint8)
    model = ov.convert_model(RouterOnFrames(network), example_input=example)
    # Small frames have fewer crops: a model that does not take them ends here.
    model.clone().reshape([1, CROP, CROP, 3])
    folder = options.out / options.router
    write_router(model, RouterSpec(options.router, family.models, CROP, CROPS, LEAST), folder)
    # As the IR has them, in 16 bits: what other programs run tells the same.
    halves = {name: values.half() for name, values in network.state_dict().items()}
    torch.save(halves, folder / "router.pth")
    shutil.copytree(folder, SHIPPED / options.router, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
