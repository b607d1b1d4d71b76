"""Where stimuli come from: folders of pictures or clips, or models that make them."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ovsharp.degrade import Recipe, parse
from ovsharp.engine import upscale
from ovsharp.errors import MediaError, UsageError
from ovsharp.files import sha256
from ovsharp.media import Frame, find_images, is_video, read_frame, read_video, write_picture
from ovsharp.opinions.design import Stimulus
from ovsharp.runtime import Sharpener, model_files
from ovsharp.spread import spread

CLIP_ENDINGS = (".mp4", ".webm")
"""What browsers play."""
INPUT, TRUTH = "input", "truth"
"""Conditions that stand beside the models."""
MIN_SIDE = 16


class Source(Protocol):
    """Makes stimuli."""

    def fingerprint(self) -> str:
        """Give a digest of everything that the stimuli depend on."""

    def write(self, folder: Path) -> Iterator[Stimulus]:
        """Write each stimulus to `folder`/`id``ending`, and tell of it."""


@dataclass(frozen=True)
class Conditions:
    """A folder with a subfolder for each condition, in which the same names stand.

    Names are equal before their ending, so that a JPEG may stand beside a PNG. Pictures are
    kept as 8-bit PNG without metadata, which every browser shows alike; clips as they are.

    Args:
        folder: e.g. with `input/` and `sharp/` in it.
    """

    folder: Path

    def fingerprint(self) -> str:
        """Digest of all names and bytes."""
        parts = [
            (condition, name, sha256(path))
            for condition, files in self.files().items()
            for name, path in files.items()
        ]
        return _digest(parts)

    def files(self) -> Mapping[str, Mapping[str, Path]]:
        """Give condition -> content -> file, sorted.

        Raises:
            UsageError: fewer than two conditions, or one that lacks what another one has.
            MediaError: nothing in a condition, or pictures together with clips.
        """
        if not self.folder.is_dir():
            raise UsageError(f"there is no folder {self.folder}")
        places = sorted(
            path
            for path in self.folder.iterdir()
            if path.is_dir() and not path.name.startswith((".", "_"))
        )
        if len(places) < 2:
            raise UsageError(
                f"{self.folder} has {len(places)} subfolder(s): a study needs two or more, one "
                f"for each condition, such as input/ and sharp/"
            )
        found = {place.name: _files(place) for place in places}
        names = {name for files in found.values() for name in files}
        for condition, files in found.items():
            missing = sorted(names - files.keys())
            if missing:
                raise UsageError(
                    f"{self.folder / condition} lacks {len(missing)} of {len(names)} names, the "
                    f"first is '{missing[0]}'; every condition needs the same names"
                )
        if len({_is_clip(path) for files in found.values() for path in files.values()}) > 1:
            raise MediaError(
                f"{self.folder} holds pictures together with clips; make a study of each"
            )
        return found

    def write(self, folder: Path) -> Iterator[Stimulus]:
        """Write each stimulus, all conditions of one content after another.

        Raises:
            UsageError: see `files`; or conditions of different sizes.
            MediaError: a file cannot be read.
            MissingExtraError: clips, without the extra `video`.
        """
        files = self.files()
        for content in next(iter(files.values())):
            size: tuple[str, int, int] | None = None
            for condition, names in files.items():
                stimulus = _kept(names[content], folder, condition, content)
                if size is not None and (stimulus.width, stimulus.height) != size[1:]:
                    raise UsageError(
                        f"'{content}' is {stimulus.width}x{stimulus.height} in {condition} and "
                        f"{size[1]}x{size[2]} in {size[0]}; all conditions need the same size, "
                        f"so enlarge the smaller one first"
                    )
                size = size or (condition, stimulus.width, stimulus.height)
                yield stimulus


@dataclass(frozen=True)
class Models:
    """Sharp pictures, damaged, and put right by models; the truth is a hidden reference.

    Conditions are `input` (the damaged picture, enlarged by bicubic where the recipe shrinks),
    `truth`, and every model by its name.

    Args:
        models: shipped models or IR files.
        data: folder of sharp pictures.
        recipe: what damages them; in the grammar of `ovsharp.degrade`.
        images: use this many, evenly spread over the sorted names; None uses all.
        crop: largest side, cut around the centre; 0 keeps them whole.
        device: what the models run on.
    """

    models: Sequence[str]
    data: Path
    recipe: str
    images: int | None = None
    crop: int = 0
    device: str = "CPU"

    def fingerprint(self) -> str:
        """Digest of the models, the pictures and the options."""
        models = [sha256(path) for name in self.models for path in model_files(name)]
        pictures = [
            (path.relative_to(self.data).as_posix(), sha256(path)) for path in self._pictures()
        ]
        return _digest([self.models, models, pictures, parse(self.recipe).text, self.crop])

    def write(self, folder: Path) -> Iterator[Stimulus]:
        """Damage, run and write, picture by picture.

        Raises:
            UsageError: two models of one name, or one whose scale is not that of the recipe.
            OvsharpError: a model that cannot run, a picture that cannot be read.
        """
        recipe = parse(self.recipe)
        with ExitStack() as stack:
            sharpeners: dict[str, Sharpener] = {}
            for model in self.models:
                name = Path(model).stem
                if name in (*sharpeners, INPUT, TRUTH):
                    raise UsageError(f"two conditions would be called '{name}'; rename a model")
                sharpeners[name] = stack.enter_context(Sharpener(model, device=self.device))
                scale = sharpeners[name].spec.scale
                if scale != recipe.scale:
                    raise UsageError(
                        f"{model} enlarges x{scale} and '{self.recipe}' shrinks x{recipe.scale}; "
                        f"choose a recipe of its scale"
                    )
            for path in self._pictures():
                content = path.relative_to(self.data).with_suffix("").as_posix()
                for condition, frame in self._frames(path, content, recipe, sharpeners):
                    yield _written(frame, folder, condition, content)

    def _frames(
        self, path: Path, content: str, recipe: Recipe, sharpeners: Mapping[str, Sharpener]
    ) -> Iterator[tuple[str, Frame]]:
        truth = _centre(read_frame(path), self.crop)
        if min(truth.shape[:2]) < MIN_SIDE * recipe.scale:
            raise MediaError(f"{path} is too small: expected {MIN_SIDE * recipe.scale} or more")
        # By the name alone, so that a picture is damaged alike whatever its company.
        seed = int.from_bytes(hashlib.sha256(content.encode()).digest()[:4], "big")
        damaged = recipe(truth, seed=seed)
        height, width = (side * recipe.scale for side in damaged.shape[:2])
        yield INPUT, upscale(damaged, recipe.scale) if recipe.scale > 1 else damaged
        for name, sharpener in sharpeners.items():
            yield name, sharpener(damaged)
        yield TRUTH, np.ascontiguousarray(truth[:height, :width])

    def _pictures(self) -> list[Path]:
        if not self.data.is_dir():
            raise UsageError(f"expected a folder of images, and {self.data} is none")
        return spread(find_images([self.data]), self.images)


def _files(place: Path) -> dict[str, Path]:
    clips = [path for path in place.rglob("*") if _is_clip(path) and path.is_file()]
    files = clips + ([] if clips else find_images([place]))
    others = [path for path in place.rglob("*") if is_video(path) and path not in clips]
    if others:
        raise MediaError(
            f"{others[0]} is no clip that browsers play: expected {' or '.join(CLIP_ENDINGS)}"
        )
    found: dict[str, Path] = {}
    for path in sorted(files):
        name = path.relative_to(place).with_suffix("").as_posix()
        if name in found:
            raise UsageError(f"{found[name]} and {path} have one name; remove one of them")
        found[name] = path
    return found


def _is_clip(path: Path) -> bool:
    return path.suffix.lower() in CLIP_ENDINGS


def _kept(path: Path, folder: Path, condition: str, content: str) -> Stimulus:
    if not _is_clip(path):
        return _written(read_frame(path), folder, condition, content)
    with read_video(path) as video:
        width, height = video.width, video.height
    stimulus = Stimulus(_new_id(), path.suffix.lower(), condition, content, width, height)
    shutil.copyfile(path, folder / f"{stimulus.id}{stimulus.ending}")
    return stimulus


def _written(frame: Frame, folder: Path, condition: str, content: str) -> Stimulus:
    height, width = frame.shape[:2]
    stimulus = Stimulus(_new_id(), ".png", condition, content, width, height)
    write_picture(folder / f"{stimulus.id}.png", frame)
    return stimulus


def _new_id() -> str:
    return secrets.token_hex(8)


def _centre(image: Frame, crop: int) -> Frame:
    if not crop:
        return image
    top, left = (max(0, (side - crop) // 2) for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + crop, left : left + crop])


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
