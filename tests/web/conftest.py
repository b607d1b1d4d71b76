"""The browser package, built once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ovsharp.convert import convert
from tests.chromium import CHROMIUM
from tests.web.places import WEB
from tests.web.serving import served


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
    """The demo page, which complains of nothing and asks nobody else."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    arguments = ["--no-sandbox", "--use-fake-ui-for-media-stream"]
    arguments += ["--use-fake-device-for-media-stream", "--disable-background-networking"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page, wrong = browser.new_context().new_page(), []
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda one: one.url.startswith((demo, "blob:")) or wrong.append(one.url))
        page.goto(f"{demo}/index.html")
        yield page
        assert not wrong
        browser.close()
