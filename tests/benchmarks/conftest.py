"""What all tests of this room share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from ovsharp.measuring import open_album
from tests.benchmarks.startups import one_startup


@pytest.fixture(scope="session", autouse=True)
def short_peak() -> Iterator[None]:
    """The yardstick of a profile takes seconds: here one run of one small layer is enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ovsharp.measuring.peak._RUNS", 2)
        patch.setattr("ovsharp.measuring.peak.CHANNELS", 32)
        yield


@pytest.fixture(scope="session", autouse=True)
def short_startup() -> Iterator[None]:
    with one_startup():
        yield


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first two photos of the benchmark, cut to 96 x 130: no multiple of 4."""
    folder = tmp_path_factory.mktemp("photos")
    for index, (_, _, image) in enumerate(open_album(None, limit=2).items):
        cv2.imwrite(str(folder / f"{index}.png"), image[:96, :130])
    return folder
