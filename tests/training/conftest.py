"""Photos and small courses for the tests of training."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import pytest
import skimage.data
import torch

from ovsharp.training import MovingFolders
from ovsharp.training.recipe import Course, Schedule, Stage, TrainingRecipe
from tests.media.clips import clip
from tests.photos import crop


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Sums in a fixed order: results are the same to the bit."""
    torch.set_num_threads(1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("people_astronaut", "things_coffee", "things_rocket"):
        image = crop(0, 0, 240, 240, name=name.split("_")[1])
        cv2.imwrite(str(folder / f"{name}.png"), image)
    (folder / "things_broken.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def small() -> TrainingRecipe:
    """Four steps of a network with two convolutions."""
    course = Course(
        architecture="student",
        arguments={"channels": 8, "depth": 0, "unshuffle": 2},
        stages=(Stage("blur(sigma=2)", 4, 1e-3),),
        loss={"l1": 1.0},
        patch=32,
        batch=4,
        schedule=Schedule("cosine"),
    )
    return TrainingRecipe("small", "for tests", course)


@pytest.fixture
def cut_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut patches of clips in a thread: each process of its own loads PyTorch first."""

    def threads(workers: int, mp_context: object) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(workers)

    monkeypatch.setattr("ovsharp.training.clips.ProcessPoolExecutor", threads)


@pytest.fixture
def moving(tmp_path: Path) -> MovingFolders:
    clips, screens = tmp_path / "clips", tmp_path / "screens"
    clips.mkdir()
    screens.mkdir()
    for name in "ab":
        clip(clips / f"{name}.mkv", tuple(range(0, 400, 40)), size=(128, 96))
    cv2.imwrite(str(screens / "page.png"), skimage.data.page()[..., None].repeat(3, 2))
    return MovingFolders(clips, screens)
