"""The worst, the middle and the best image or clip of each category, to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from ovsharp.degrade import parse, parse_sending
from ovsharp.engine import Frame
from ovsharp.evaluation import score_image
from ovsharp.evaluation.cases import find_cases, find_paired_cases
from ovsharp.evaluation.clips import find_clips
from ovsharp.evaluation.options import Options, Subject
from ovsharp.evaluation.plan import PAIRS
from ovsharp.evaluation.results import BICUBIC, INPUT, Evaluation, Row
from ovsharp.evaluation.score_clip import SentClip, fitting_subjects
from ovsharp.evaluation.tally import Tally
from ovsharp.evaluation.work import Play
from ovsharp.reports import encoded, picture_url

SIDES = (480, 1280)
"""Pictures are shrunk to a longer side of so many pixels: of many, and of few."""
_PIXELS = 16e6
"""Of all pictures of a page, about; some 4 MB."""
CROP = 96
"""Side of a zoomed crop, in pixels of the truth."""
PANEL = (180, 240)
"""Height and width of what a panel shows, in pixels of the truth."""
MAX_CATEGORIES = 12
"""Pictures are shown of so many categories at most, the largest first."""
_QUALITY = 82
_CROP_QUALITY = 93


@dataclass(frozen=True)
class Shown:
    """What one method makes of an image, as JPEG data URIs."""

    caption: str
    picture: str
    crop: str
    """The part that changed most, in its own pixels."""

    @property
    def name(self) -> str:
        """Of the method; `truth` of the truth."""
        return self.caption.partition(":")[0]


@dataclass(frozen=True)
class View:
    """One image by every method."""

    title: str
    """Why it is shown: worst, median or best."""
    image: str
    category: str
    degradation: str
    shown: tuple[Shown, ...]
    """The input, (bicubic,) the models, the truth."""
    panel: bytes = b""
    """Input, result and truth of a larger part side by side, enlarged twice: a PNG."""

    @property
    def file(self) -> str:
        """A name for the panel."""
        words = f"{self.degradation} {self.category} {self.title}"
        return re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-") + ".png"


def choose(evaluation: Evaluation, degradation: str) -> list[tuple[str, Row]]:
    """Choose images of each category by the gain in SSIM of the first model that was run.

    Returns:
        Title and the model's row; an image that is two of worst, median and best comes once.
    """
    names = [method.name for method in evaluation.models]
    rows = [row for row in evaluation.rows if row.degradation == degradation]
    here = {row.method for row in rows}
    lead = next(name for name in names if name in here)
    before = {row.image: row.ssim for row in rows if row.method == INPUT}
    gains = [(row.ssim - before[row.image], row) for row in rows if row.method == lead]
    counts = {name: sum(row.category == name for _, row in gains) for name in evaluation.categories}
    chosen = []
    for category in sorted(counts, key=lambda name: (-counts[name], name))[:MAX_CATEGORIES]:
        group = sorted(
            (pair for pair in gains if pair[1].category == category), key=lambda pair: pair[0]
        )
        if not group:
            continue
        # Of few images, one is worst or best before it is the median.
        places = {len(group) // 2: "median", len(group) - 1: "best", 0: "worst"}
        chosen += [(places[place], group[place][1]) for place in sorted(places)]
    return chosen


def make_views(
    evaluation: Evaluation,
    options: Options,
    subjects: Sequence[Subject],
    degradation: str,
    play: Play | None = None,
) -> list[View]:
    """Make the pictures again: the same image with the same seed gives the same pixels.

    Args:
        evaluation: what was found.
        options: of the run.
        subjects: its models, open.
        degradation: by its name.
        play: what runs clips; needed for them alone, of which the frame in the middle is shown.
    """
    rows = {(row.degradation, row.image, row.method): row for row in evaluation.rows}
    count = sum(len(choose(evaluation, damage.name)) for damage in evaluation.degradations)
    side = side_of(count * (len(evaluation.methods) + 1))
    views = []
    for title, chosen in choose(evaluation, degradation):
        if play is not None and options.clips:
            outputs, truth = _still(evaluation, options, subjects, chosen, play)
        else:
            outputs, truth = _image(evaluation, options, subjects, chosen)
        captions = {
            name: f"{name}: {rows[degradation, chosen.image, name].ssim:.4f}" for name in outputs
        }
        before, after = outputs[INPUT], outputs[chosen.method]
        corner = most_changed(before, after, truth)
        views.append(
            View(
                title,
                chosen.image,
                chosen.category,
                degradation,
                (
                    *(
                        _shown(captions[name], output, corner, side)
                        for name, output in outputs.items()
                    ),
                    _shown("truth", truth, corner, side),
                ),
                _panel({"input": before, chosen.method: after, "truth": truth}, chosen.image),
            )
        )
    return views


def side_of(pictures: int) -> int:
    """Give the longer side that so many pictures of a page may have, in pixels.

    Example:
        >>> side_of(4), side_of(30), side_of(400)
        (1280, 894, 480)
    """
    smallest, largest = SIDES
    wide = 1.5 * _PIXELS / max(1, pictures)  # of a picture of 3:2
    return max(smallest, min(largest, int(wide**0.5)))


def _image(
    evaluation: Evaluation, options: Options, subjects: Sequence[Subject], chosen: Row
) -> tuple[dict[str, Frame], Frame]:
    cases = (
        find_paired_cases(*options.pairs)
        if options.pairs
        else find_cases(options.data)
        if options.data
        else ()
    )
    case = next(case for case in cases if case.name == chosen.image)
    damage = evaluation.damage(chosen.degradation)
    recipe = None if damage.name == PAIRS else parse(damage.recipe)
    frame, truth = case.load(recipe, options.crop)
    scale = truth.shape[0] // frame.shape[0]
    outputs = score_image.shown(frame, scale)
    if scale == 1:
        del outputs[BICUBIC]
    for subject in subjects:
        if subject.spec.scale == scale:
            outputs[subject.name] = subject.sharpener(frame)
    return outputs, truth


def _still(
    evaluation: Evaluation,
    options: Options,
    subjects: Sequence[Subject],
    chosen: Row,
    play: Play,
) -> tuple[dict[str, Frame], Frame]:
    clip = next(clip for clip in find_clips(options.clips) if clip.name == chosen.image)
    sending = parse_sending(evaluation.damage(chosen.degradation).recipe)
    fitting = {one.name: one.sharpener for one in fitting_subjects(subjects, sending)}
    with SentClip(clip, options.taken, sending, partial(Tally, 1)) as sent:
        return sent.still(chosen.frames // 2, fitting, play)


def _shown(caption: str, picture: Frame, corner: tuple[int, int], side: int) -> Shown:
    top, left = corner
    crop = np.ascontiguousarray(picture[top : top + CROP, left : left + CROP])
    return Shown(caption, _jpeg(_shrunk(picture, side), _QUALITY), _jpeg(crop, _CROP_QUALITY))


def _panel(pictures: Mapping[str, Frame], title: str) -> bytes:
    """Draw the part that changed most side by side, enlarged twice, with names, as a PNG."""
    before, after, truth = pictures.values()
    height, width = (min(side, of) for side, of in zip(PANEL, truth.shape[:2], strict=True))
    top, left = most_changed(before, after, truth, (height, width))
    drawn = []
    for index, (name, picture) in enumerate(pictures.items()):
        cut = picture[top : top + height, left : left + width]
        double = cut.repeat(2, axis=0).repeat(2, axis=1)
        strip = np.zeros((24, double.shape[1], 3), np.uint8)
        text = f"{name}, {title}" if index == 0 else name
        cv2.putText(strip, text, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, 16)
        drawn.append(np.vstack([strip, double]))
    return encoded(np.hstack(drawn).astype(np.uint8), ".png")


def most_changed(
    before: Frame, after: Frame, truth: Frame, size: tuple[int, int] = (CROP, CROP)
) -> tuple[int, int]:
    """Find the top left corner of the crop whose squared error changed most, for good or bad.

    Args:
        before: the input.
        after: the result.
        truth: all of one shape.
        size: height and width of the crop, in pixels.
    """
    errors = [
        ((picture.astype(np.float32) - truth.astype(np.float32)) ** 2).mean(axis=2)
        for picture in (before, after)
    ]
    height, width = (min(one, side) for one, side in zip(size, truth.shape[:2], strict=True))
    change = np.abs(
        np.asarray(
            cv2.boxFilter(
                errors[0] - errors[1], -1, (width, height), anchor=(0, 0), normalize=False
            )
        )
    )
    # Only corners whose crop lies inside.
    inside = change[: truth.shape[0] - height + 1, : truth.shape[1] - width + 1]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(top), int(left)


def _shrunk(picture: Frame, side: int) -> Frame:
    share = side / max(picture.shape[:2])
    if share >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * share)), max(1, round(picture.shape[0] * share)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(picture: Frame, level: int) -> str:
    return picture_url(picture, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, level])
