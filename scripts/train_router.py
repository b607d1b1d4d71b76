"""Trains a router of shipped models: `call` or `x4`.

    python scripts/train_router.py call --data photos/ --val other/ --out runs/router

For `call`, --clips and --screens name folders of sharp videos and of pictures of screens. Photos,
clips and shared screens are damaged in several ways, every model of the router sharpens
them, and what each gained is what the router learns to tell from crops of the damaged picture
alone. A tenth of the clips is judged on. Writes ovsharp/models/shipped/ROUTER, and figures of the
choice to OUT/figures.json. Examples that were made, what was found in them, and models that were
measured already are not done again: a run that was broken off goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from router_examples import FAMILIES, Examples, Family, Source, examples, read_by_opencv
from torch.nn import functional

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.engine import upscale, write_router
from ovsharp.files import sha256
from ovsharp.media import find_images, find_videos
from ovsharp.models.router import SIDE as CROP
from ovsharp.models.router import RouterNetwork, RouterOnFrames, load_router
from ovsharp.quality import harms, ssim
from ovsharp.runtime import crops
from ovsharp.spec import RouterSpec
from ovsharp.training.clips import split_clips

SHIPPED = Path(__file__).parent.parent / "ovsharp" / "models" / "shipped"

RIM = 40
"""Pixels at the border of a square that gains are not measured on."""
CROPS = 36
SEEN, DRAWS = 9, 4
"""Crops that are looked at in training, and how often they are drawn from each square."""
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
    found: torch.Tensor,
    gains: np.ndarray,
    often: np.ndarray,
    family: Family,
    steps: int,
    rate: float,
    init: Path | None,
) -> RouterNetwork:
    """Train a router: to tell what each model gains, and to choose well by what it tells.

    Args:
        found: what is seen of damaged squares, DRAWS times all, rows x numbers.
        gains: in PSNR and SSIM, both in dB, images x models x 2.
        often: how often each of the squares is learned from.
        family: its quantile, width and seed are taken.
        steps: of BATCH squares.
        rate: the highest one.
        init: weights of a router of the same models, to go on from; None for drawn ones.
    """
    torch.manual_seed(family.seed)
    rng = np.random.default_rng(family.seed)
    if init is None:
        network = RouterNetwork(gains.shape[1], family.width)
        network.centre.copy_(found.mean(0))
        network.spread.copy_(found.std(0) + 1e-3)
    else:
        network = load_router(init, gains.shape[1]).network.train()
    values = torch.from_numpy(worth(gains).astype(np.float32)).clamp(-3, 10)
    target = values.asinh().repeat(DRAWS, 1)
    scores = (values - HARM * torch.from_numpy(harmful(gains))).repeat(DRAWS, 1)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
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
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--init", type=Path, help="router.pth to go on from, of the same models")
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
    network = learn(found, gains, often, family, options.steps, options.rate, options.init)
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
