"""The page's JavaScript is typed, by comments; TypeScript's compiler holds it."""

from __future__ import annotations

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

OWN = Path(__file__).parents[2] / "web" / "node_modules" / ".bin" / "tsc"
TSC = OWN if OWN.is_file() else shutil.which("tsc")
OPTIONS = "--noEmit --allowJs --checkJs --strict --target esnext --module esnext"
MORE = "--moduleResolution bundler --lib esnext,dom,dom.iterable"


@pytest.mark.slow
@pytest.mark.skipif(TSC is None, reason="TypeScript is not installed: npm ci, in web/")
def test_the_page_holds_its_types() -> None:
    main = files("ovsharp.serve").joinpath("page", "main.js")
    command = [str(TSC), *OPTIONS.split(), *MORE.split(), str(main)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert checked.returncode == 0, checked.stdout
