"""Let a `Sharpener` work for a while, and watch that nothing grows.

    python scripts/soak.py [--minutes 30] [--threads 4] [--seed 0]

Threads call, stream and submit frames of many sizes; sessions are opened and closed; models and
routers come and go in turn. Every result is compared with that of the first time its frame was
given. Memory and open files (threads, too) are looked at after every round; the exit code is 1 if
a result differs, or if they are higher in the last quarter than in the second by more than
`MEGABYTES` or `HANDLES`.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import numpy as np
import psutil

from ovsharp import Sharpener
from ovsharp.engine import Frame

MODELS = ("call", "call-fast", "x4", "sharp-fast")
SIZES = ((1, 1), (37, 53), (120, 160), (180, 320), (270, 480))
MEGABYTES, HANDLES = 64, 8


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = np.random.default_rng(options.seed)
    frames = [chance.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]
    first: dict[tuple[str, int], Frame] = {}
    process, watched = psutil.Process(), list[tuple[float, int, int]]()
    end, made = time.monotonic() + 60 * options.minutes, 0
    while time.monotonic() < end:
        model = MODELS[len(watched) % len(MODELS)]
        with (
            Sharpener(model, threads=1, memory=256) as sharpener,
            ThreadPoolExecutor(options.threads) as pool,
        ):
            for place, frame in enumerate(frames):
                if (model, place) not in first:
                    first[model, place] = sharpener(frame)
            work = [
                pool.submit(_WAYS[turn % len(_WAYS)], sharpener, frames, turn)
                for turn in range(4 * options.threads)
            ]
            for future in work:
                for place, result in future.result():
                    made += 1
                    if not np.array_equal(result, first[model, place]):
                        print(f"{model}, frame {place}: the result is another than at first")
                        return 1
        gc.collect()
        watched.append((process.memory_info().rss / 1e6, process.num_fds(), process.num_threads()))
        memory, handles, threads = watched[-1]
        print(
            f"{len(watched)} rounds, {made} frames: {memory:.0f} MB, {handles} handles, "
            f"{threads} threads",
            flush=True,
        )
    quarter = max(1, len(watched) // 4)
    early, late = watched[quarter : 2 * quarter] or watched, watched[-quarter:]
    grown = [median(row[i] for row in late) - median(row[i] for row in early) for i in range(3)]
    print(f"grown: {grown[0]:+.0f} MB, {grown[1]:+.0f} handles, {grown[2]:+.0f} threads")
    return int(grown[0] > MEGABYTES or max(grown[1:]) > HANDLES)


def _called(sharpener: Sharpener, frames: list[Frame], turn: int) -> list[tuple[int, Frame]]:
    places = [(turn + step) % len(frames) for step in range(2 * len(frames))]
    return [(place, sharpener(frames[place])) for place in places]


def _submitted(sharpener: Sharpener, frames: list[Frame], turn: int) -> list[tuple[int, Frame]]:
    places = [(turn + step) % len(frames) for step in range(len(frames))]
    futures = [sharpener.submit(frames[place]) for place in places]
    return [(place, future.result()) for place, future in zip(places, futures, strict=True)]


def _in_a_session(sharpener: Sharpener, frames: list[Frame], turn: int) -> list[tuple[int, Frame]]:
    place = turn % len(frames)
    with sharpener.session(look_every=1) as call:
        return [(place, call(frames[place])) for _ in range(5)]


def _streamed(sharpener: Sharpener, frames: list[Frame], turn: int) -> list[tuple[int, Frame]]:
    place = turn % len(frames)
    with sharpener.session(look_every=1) as call:
        return [(place, result) for result in call.stream(5 * [frames[place]])]


_WAYS: tuple[Callable[[Sharpener, list[Frame], int], list[tuple[int, Frame]]], ...] = (
    _called,
    _submitted,
    _in_a_session,
    _streamed,
)


if __name__ == "__main__":
    sys.exit(main())
