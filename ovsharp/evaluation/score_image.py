"""One image, damaged one way, by every method."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np

from ovsharp import quality
from ovsharp.degrade import Recipe
from ovsharp.engine import Frame, upscale
from ovsharp.errors import MediaError
from ovsharp.evaluation.cases import Case
from ovsharp.evaluation.options import Subject
from ovsharp.evaluation.results import BICUBIC, INPUT, Damage, Row
from ovsharp.evaluation.work import Work

_FORMULAS = 2
"""Counted up when a measure changes, so that old rows are not taken for new ones."""


def score_image(
    work: Work, subjects: Sequence[Subject], case: Case, damage: Damage, recipe: Recipe | None
) -> list[Row]:
    """Score one image, damaged one way, by every method.

    Args:
        work: how it is measured.
        subjects: the models, open.
        case: the image.
        damage: what the recipe is called.
        recipe: damages it; None where it came so.

    Raises:
        MediaError: the image cannot be used.
    """
    options, known = work.options, work.known
    chosen = (options.crop, options.text, options.protocol)
    about = (_FORMULAS, case.digest(), case.name, damage.recipe, *chosen)

    def key(method: str) -> str:
        return hashlib.sha256(repr((*about, method)).encode()).hexdigest()[:24]

    fitting = [subject for subject in subjects if subject.spec.scale == damage.scale]
    if recipe is None:
        fitting = list(subjects)
    keys = {INPUT: key(INPUT), BICUBIC: key(BICUBIC)}
    keys.update((subject.name, key(subject.digest)) for subject in fitting)
    if all(each in known for each in keys.values()):
        return [
            dataclasses.replace(
                known[each], method=name, category=case.category, degradation=damage.name
            )
            for name, each in keys.items()
        ]
    frame, truth = case.load(recipe, options.crop)
    scale = truth.shape[0] // frame.shape[0]
    wrong = [subject.name for subject in fitting if subject.spec.scale != scale]
    if wrong:
        raise MediaError(f"{case.name} asks for scale {scale}, which {', '.join(wrong)} has not")
    outputs = shown(frame, scale)
    before = outputs[BICUBIC]
    words = quality.read_text(truth) if options.text else ""
    rows: list[Row] = []
    for name, each in keys.items():
        if each in known:
            measures = known[each].measures
        elif name == BICUBIC and scale == 1:
            measures = rows[0].measures
        else:
            subject = next((subject for subject in fitting if subject.name == name), None)
            output = subject.sharpener(frame) if subject else outputs[name]
            border = scale if options.protocol == "luma" else 0
            measures = measure(output, truth, before, words, border)
        height, width = truth.shape[:2]
        rows.append(Row(each, case.name, case.category, damage.name, name, width, height, measures))
    return rows


def shown(frame: Frame, scale: int) -> dict[str, Frame]:
    """Give the input at the size of the truth: pixels repeated, and enlarged by bicubic.

    At scale 1 both are the frame itself.
    """
    if scale == 1:
        return {INPUT: frame, BICUBIC: frame}
    return {
        INPUT: frame.repeat(scale, axis=0).repeat(scale, axis=1),
        BICUBIC: upscale(frame, scale),
    }


def measure(
    image: Frame, truth: Frame, before: Frame, words: str = "", border: int = 0
) -> dict[str, float | None]:
    """Take all measures of one image.

    Args:
        image: uint8 H x W x 3 BGR.
        truth: of the same shape.
        before: the bicubic input, of the same shape.
        words: what Tesseract reads in the truth; empty leaves the legibility out.
        border: pixels on each side that are not looked at.
    """
    image, truth, before = (inside(picture, border) for picture in (image, truth, before))
    cap = quality.PSNR_CAP
    large = min(image.shape[:2]) >= quality.MS_SSIM_SIDE
    return {
        "ssim": quality.ssim(image, truth),
        "ms_ssim": quality.ms_ssim(image, truth) if large else None,
        "psnr": quality.capped_psnr(image, truth),
        "psnr_y": min(cap, quality.psnr_y(image, truth)),
        "ssim_y": quality.ssim_y(image, truth),
        "edge_truth": quality.edge_ratio(image, truth),
        "edge_input": quality.edge_ratio(image, before),
        "overshoot": quality.overshoot(image, truth),
        "colour_shift": quality.colour_shift(image, truth),
        "blockiness": quality.blockiness(image),
        "text_error": quality.text_error(image, words) if words else None,
    }


def inside(picture: Frame, border: int) -> Frame:
    """Give a picture without so many pixels on each side."""
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[border : height - border, border : width - border])
