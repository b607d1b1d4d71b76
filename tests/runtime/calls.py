"""Calls of which the router reads from the corner of each frame what to expect."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from ovsharp import Sharpener
from ovsharp.engine import Frame
from ovsharp.runtime import Router
from tests.photos import crop

ASTRONAUT = crop()


def gains_on(router: Router, crops: Frame) -> dict[str, float]:
    """What a router expects that reads it from the first pixel: of one model, so many dB."""
    told = dict.fromkeys(router.spec.models, -1.0)
    place, tenths, _ = crops[0, 0, 0].tolist()
    return told | {router.spec.models[place]: tenths / 10 - 1}


def frame(place: int, tenths: int, seed: int, size: tuple[int, int] = (64, 96)) -> Frame:
    """A noisy photo whose corner tells the router which of its models to expect how much of."""
    picture = cv2.resize(ASTRONAUT, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    noisy = picture.astype(int) + np.random.default_rng(seed).integers(-9, 10, picture.shape)
    made = noisy.clip(0, 255).astype(np.uint8)
    made[0, 0] = (place, tenths, 0)
    return made


@cache
def calls() -> list[tuple[dict[str, float], list[Frame]]]:
    """How each call is opened, and its frames: steady ones, one that changes, other sizes."""
    return [
        ({}, [frame(1, 40, seed) for seed in range(24)]),
        ({}, [frame(1, 0, seed) for seed in range(24)]),
        ({}, [frame(1 + (seed > 7), 40, seed) for seed in range(24)]),
        ({"strength": 0.5}, [frame(3, 40, seed, (48, 64)) for seed in range(24)]),
        ({"steady": True}, [frame(2, 30 * (seed > 9), seed) for seed in range(24)]),
    ]


@cache
def alone() -> list[list[Frame]]:
    """Each call on a sharpener of its own."""
    results = []
    for options, frames in calls():
        with (
            Sharpener(threads=1) as sharpener,
            sharpener.session(look_every=4, **options) as call,  # type: ignore[arg-type]
        ):
            results.append([call(one) for one in frames])
    return results
