"""A server for the tests, over a tiny model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi.testclient import TestClient

from ovsharp.serve import Limits, Models, create_app


@contextmanager
def server(models: Models, parent: Path, **changes: Any) -> Iterator[TestClient]:
    """A client of an application; `parent` is empty when it has ended."""
    limits = changes.pop("limits", Limits())
    app = create_app(models, limits, parent=parent, **changes)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client
    assert not list(parent.iterdir())


def photo(height: int = 60, width: int = 80, seed: int = 0) -> Any:
    """A picture with edges and some noise."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 60, (height, width, 3), np.uint8)
    picture[height // 4 : height // 2, width // 4 : width // 2] += 150
    return picture


def encoded(picture: Any, ending: str = ".png") -> bytes:
    return cv2.imencode(ending, picture)[1].tobytes()


def uploads(client: Any) -> list[Path]:
    """Folders of uploads and results that exist now."""
    return list(client.app.state.shop.room.path.iterdir())
