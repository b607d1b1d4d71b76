"""The browser package, built once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ovsharp.convert import convert
from tests.web.places import WEB
from tests.web.serving import served
from tests.web.showing import shown


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `npm run build` makes: `demo` and `extension`."""
    if not (WEB / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("web/node_modules is missing: npm ci, in web/")
    models, made = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("dist")
    convert("call", models, form="planar")
    build = ["node", str(WEB / "build.js"), str(models), str(made)]
    subprocess.run(build, check=True, timeout=120)
    return made


@pytest.fixture(scope="session")
def demo(dist: Path) -> Iterator[str]:
    with served(dist / "demo", isolated=True) as address:
        yield address


@pytest.fixture
def page(demo: str) -> Iterator[Any]:
    with shown(demo) as page:
        yield page
